"""The Entra simulator's routes: discovery, token endpoint, and a managed identity endpoint as on App Service."""

from __future__ import annotations

import ssl as tls
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from local.simulators.control import ROUTE_TEMPLATE, Control
from local.simulators.entra.assertions import ASSERTION_TYPE, BadAssertion, check_assertion
from local.simulators.entra.tokens import TokenIssuer
from local.simulators.faults import JsonObject
from local.simulators.server import RunningServer, start_server
from local.simulators.tls import OpenConnections

DEFAULT_SCOPE: Final = "/.default"


class TokenRefused(Exception):
    """A token request refused with an OAuth error and an AADSTS number."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.number = number


class EntraSimulator:
    """One tenant with one registered app. Tokens are checked by the resource simulators through `accepts`."""

    def __init__(
        self,
        *,
        tenant: str = "00000000-1111-4222-8333-444444444444",
        client_id: str = "55555555-6666-4777-8888-999999999999",
        client_secret: str = "local-client-secret",
        expires_in: int = 3599,
        control: Control | None = None,
    ) -> None:
        self.tenant = tenant
        self.client_id = client_id
        self.client_secret = client_secret
        self.expires_in = expires_in
        self.certificates: list[str] = []
        """Registered certificates, PEM text."""
        self.resources: set[str] = set()
        """Known resources; while empty, every resource is known."""
        self.identity_header = uuid.uuid4().hex
        self.control = control or Control()
        self.tokens = TokenIssuer(f"https://sts.windows.net/{tenant}/", self.control.now)
        self.app = self._application()
        self._servers: list[RunningServer] = []

    # -- what others use -----------------------------------------------------------------------------------------

    async def start(self, port: int = 0, ssl: tls.SSLContext | None = None) -> str:
        """Listen on loopback (msal needs `ssl`); gives the base URL. The authority is `authority`.

        After `stop` it can be started again.
        """
        if self.app.frozen:
            self.app = self._application()
        self._servers.append(await start_server(self.app, port=port, ssl=ssl))
        return self._servers[0].base_url

    async def start_managed_identity(self, port: int = 0) -> str:
        """Listen for managed identity requests over plain http; gives the value of ``IDENTITY_ENDPOINT``.

        ``IDENTITY_HEADER`` must be `identity_header`.
        """
        app = web.Application()
        self.control.attach(app, self)
        app.router.add_get("/msi/token", self._managed_identity)
        server = await start_server(app, port=port)
        self._servers.append(server)
        return f"{server.base_url}/msi/token"

    async def stop(self) -> None:
        """Close all listeners."""
        self.control.release()
        await self._connections.drop()
        for server in self._servers:
            await server.stop()
        self._servers.clear()

    @property
    def authority(self) -> str:
        """What msal takes as authority; only after `start`."""
        return f"{self._servers[0].base_url}/{self.tenant}"

    def issue_token(self, resource: str) -> str:
        """A good token without any request, for tests of a resource simulator."""
        return self.tokens.issue(resource, self.client_id, self.expires_in)

    def accepts(self, token: str, audiences: Iterable[str]) -> bool:
        """True if a resource known by these audiences should take the token."""
        return self.tokens.accepts(token, audiences)

    # -- Simulated -----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Nothing is kept but tokens, and those stay good."""

    def data_rows(self, entity_set: str) -> list[JsonObject]:
        """There are no rows here."""
        raise KeyError(entity_set)

    def data_write(self, entity_set: str, rows: Sequence[JsonObject]) -> list[JsonObject]:  # noqa: ARG002
        """There are no rows here."""
        raise KeyError(entity_set)

    def data_delete(self, entity_set: str, key: str) -> bool:  # noqa: ARG002
        """There are no rows here."""
        raise KeyError(entity_set)

    # -- routes --------------------------------------------------------------------------------------------------

    def _application(self) -> web.Application:
        app = web.Application()
        self.control.attach(app, self)
        self._connections = OpenConnections(app)
        app.router.add_get("/common/discovery/instance", self._instances)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        return app

    async def _instances(self, request: web.Request) -> web.Response:
        host = request.host
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"{_base(request)}/{self.tenant}/v2.0/.well-known/openid-configuration",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def _discovery(self, request: web.Request) -> web.Response:
        try:
            self._check_tenant(request)
        except TokenRefused as refused:
            return self._refusal(refused)
        root = f"{_base(request)}/{self.tenant}"
        return web.json_response(
            {
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "issuer": f"{root}/v2.0",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            self._check_tenant(request)
            self._check_client(form, f"{_base(request)}/{self.tenant}/oauth2/v2.0/token")
            resource = self._resource(form.get("scope", ""))
        except TokenRefused as refused:
            return self._refusal(refused)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": self.expires_in,
                "ext_expires_in": self.expires_in,
                "access_token": self.issue_token(resource),
            }
        )

    async def _managed_identity(self, request: web.Request) -> web.Response:
        """``GET ?api-version=2019-08-01&resource=...`` with ``X-IDENTITY-HEADER``, as App Service answers it."""
        request[ROUTE_TEMPLATE] = "/msi/token"
        if request.headers.get("X-IDENTITY-HEADER") != self.identity_header:
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        resource = request.query.get("resource", "")
        if not resource or resource.endswith(DEFAULT_SCOPE) or (self.resources and resource not in self.resources):
            return web.json_response({"statusCode": 400, "message": "Invalid resource"}, status=400)
        expires_on = int(self.control.now().timestamp()) + self.expires_in
        return web.json_response(
            {
                "access_token": self.issue_token(resource),
                "expires_on": str(expires_on),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": request.query.get("client_id", self.client_id),
            }
        )

    # -- checks --------------------------------------------------------------------------------------------------

    def _check_tenant(self, request: web.Request) -> None:
        tenant = request.match_info["tenant"]
        if tenant != self.tenant:
            raise TokenRefused(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")

    def _check_client(self, form: Mapping[str, str], token_endpoint: str) -> None:
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("client_id") != self.client_id:
            raise TokenRefused(
                400, "unauthorized_client", 700016, "Application was not found in the directory of the tenant."
            )
        if "client_assertion" in form:
            self._check_certificate(form, token_endpoint)
        elif "client_secret" not in form:
            raise TokenRefused(
                401, "invalid_client", 7000218, "The request body must contain 'client_assertion' or 'client_secret'."
            )
        elif form["client_secret"] != self.client_secret:
            raise TokenRefused(401, "invalid_client", 7000215, "Invalid client secret provided.")

    def _check_certificate(self, form: Mapping[str, str], token_endpoint: str) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise TokenRefused(400, "invalid_request", 900144, "'client_assertion_type' is missing or wrong.")
        try:
            check_assertion(form["client_assertion"], self.certificates, self.client_id, token_endpoint)
        except BadAssertion as error:
            raise TokenRefused(
                401, "invalid_client", 700027, f"Client assertion failed signature validation: {error}."
            ) from error

    def _resource(self, scope: str) -> str:
        if not scope.endswith(DEFAULT_SCOPE) or " " in scope:
            raise TokenRefused(400, "invalid_scope", 1002012, "The provided value for scope is not valid.")
        resource = scope.removesuffix(DEFAULT_SCOPE)
        if self.resources and resource not in self.resources:
            raise TokenRefused(400, "invalid_resource", 500011, "The resource principal was not found in the tenant.")
        return resource

    def _refusal(self, refused: TokenRefused) -> web.Response:
        moment = self.control.now().strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        body: dict[str, Any] = {
            "error": refused.error,
            "error_description": f"AADSTS{refused.number}: {refused} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {moment}",
            "error_codes": [refused.number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return web.json_response(body, status=refused.status)


def _base(request: web.Request) -> str:
    """Scheme and host as the client named them; https whenever the name is not loopback's."""
    return f"{request.scheme}://{request.host}"
