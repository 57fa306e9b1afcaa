"""Tokens for Dataverse from Microsoft Entra, through msal: app registration (secret or certificate) or managed identity.

msal is synchronous and remembers failures: it replays a 429 or 5xx for seconds and a 400 for a minute without asking
again. So it runs in a thread, one request at a time, never sees a 429 or 5xx (they are raised below it), and every
failure is followed by a fresh msal application.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import msal
from jwt.exceptions import PyJWTError
from msal.exceptions import MsalError

from shared import telemetry
from shared.clients.connections import trust
from shared.clients.dataverse.config import SYSTEM, DataverseConfig
from shared.clients.http import is_bad_certificate
from shared.errors import HubError, Misconfigured, Throttled, Transient, masked

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_MARGIN_SECONDS = 300
"""msal counts a token with less than five minutes left as expired; so do we."""
_LAST_USE_SECONDS = 30
"""A token that can't be renewed because sign-in is down is used up to this long before its end."""
_PAUSE_AFTER_FAILED_RENEWAL_SECONDS = 30
_DEFAULT_LIFE_SECONDS = 3600

# What requests to sign-in are called in traces: their addresses name tenant and identity.
_SIGN_IN, _ROUTE = "entra", "token"

_TRANSIENT_ERRORS = frozenset({"temporarily_unavailable", "server_error", "service_unavailable", "timeout"})

_ADVICE: Mapping[int, str] = {
    # Microsoft Entra authentication error codes (AADSTS…)
    7000215: "the client secret is wrong; give its value, not its id",
    7000222: "the client secret has expired; make a new one",
    700016: "the app registration does not exist in this tenant",
    700027: "the certificate is not registered with the app, or it has expired",
    90002: "the tenant does not exist",
    500011: "the address of Dataverse is not known in this tenant",
}


class HttpClient(Protocol):
    """What msal sends through; ``httpx.Client`` and ``requests.Session`` both fit. Answers have status_code, text, headers."""

    @property
    def get(self) -> Callable[..., Any]:
        """GET a URL with params and headers."""

    @property
    def post(self) -> Callable[..., Any]:
        """POST data to a URL."""

    def close(self) -> None:
        """Give back connections."""


class Tokens(Protocol):
    """Where the client gets its bearer token."""

    async def token(self) -> str:
        """A token that is good now. Raises Misconfigured, Throttled or Transient."""

    async def drop(self, token: str) -> None:
        """This token was refused: never give it out again."""

    async def close(self) -> None:
        """Give back connections."""


@dataclass(frozen=True)
class _Kept:
    value: str
    renew_at: float
    last_use_at: float


class EntraTokens:
    """Tokens of one identity for one environment, kept in memory until shortly before they end.

    ``http_client`` replaces the connection to the sign-in service; ``monotonic`` is a clock in seconds.
    """

    def __init__(
        self,
        config: DataverseConfig,
        *,
        http_client: HttpClient | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._wire = _Wire(http_client or _new_http_client(config))
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._app: Any = None
        self._kept: _Kept | None = None

    async def token(self) -> str:
        """The kept token while it is good, else a new one; many callers at once cause one request.

        Where renewing an aging token fails because sign-in is down, the old one is used on to its end.
        """
        if (kept := self._kept) and self._monotonic() < kept.renew_at:
            return kept.value
        async with self._lock:
            if (kept := self._kept) and self._monotonic() < kept.renew_at:
                return kept.value
            try:
                self._kept = self._keep(await asyncio.to_thread(self._acquire))
            except (Transient, Throttled):
                self._kept = self._stretched(kept)
                if self._kept is None:
                    raise
            return self._kept.value

    async def drop(self, token: str) -> None:
        """Forget the token if it is still the current one, and msal's cache with it."""
        async with self._lock:
            if self._kept and self._kept.value == token:
                self._kept = None
                self._app = None

    async def close(self) -> None:
        """Close the connection to the sign-in service."""
        await asyncio.to_thread(self._wire.close)

    def _keep(self, result: Mapping[str, Any]) -> _Kept:
        life = float(result.get("expires_in") or _DEFAULT_LIFE_SECONDS)
        renew = min(float(result.get("refresh_in") or life), life - _MARGIN_SECONDS)
        now = self._monotonic()
        return _Kept(
            value=str(result["access_token"]),
            renew_at=now + (renew if renew > 0 else life / 2),
            last_use_at=now + life - _LAST_USE_SECONDS,
        )

    def _stretched(self, kept: _Kept | None) -> _Kept | None:
        now = self._monotonic()
        if kept is None or now >= kept.last_use_at:
            return None
        renew_at = min(now + _PAUSE_AFTER_FAILED_RENEWAL_SECONDS, kept.last_use_at)
        return _Kept(kept.value, renew_at, kept.last_use_at)

    def _acquire(self) -> Mapping[str, Any]:
        """One round with msal, in a thread. A failure leaves no msal application behind."""
        app, self._app = self._app, None
        try:
            app = app or _new_app(self._config, self._wire)
            result = _ask(app, self._config)
        except HubError:
            raise
        except (httpx.HTTPError, OSError, MsalError, RuntimeError, json.JSONDecodeError) as error:
            if is_bad_certificate(error):
                text = "the certificate of sign-in is not trusted; see the CA bundle setting"
                raise _failed(Misconfigured, text, type(error).__name__) from error
            raise _failed(Transient, "sign-in could not be reached", type(error).__name__) from error
        except (ValueError, TypeError, PyJWTError) as error:
            text = f"sign-in refused tenant, authority or certificate: {masked(str(error))}"
            raise _failed(Misconfigured, text, type(error).__name__) from error
        if "access_token" not in result:
            raise _refused(result)
        self._app = app
        return result


def _new_app(config: DataverseConfig, wire: _Wire) -> Any:
    """A fresh msal application; for an app registration this already asks the authority for its addresses."""
    if config.managed_identity:
        identity = (
            msal.UserAssignedManagedIdentity(client_id=config.client_id)
            if config.client_id
            else msal.SystemAssignedManagedIdentity()
        )
        return msal.ManagedIdentityClient(identity, http_client=wire)
    credential: Any = config.secret
    if config.certificate:
        credential = {
            "private_key": config.certificate.private_key,
            "public_certificate": config.certificate.public,
        }
    return msal.ConfidentialClientApplication(
        config.client_id,
        client_credential=credential,
        authority=f"{config.authority.rstrip('/')}/{config.tenant}",
        instance_discovery=config.instance_discovery,
        http_client=wire,
    )


def _ask(app: Any, config: DataverseConfig) -> Mapping[str, Any]:
    """A managed identity is asked for the resource itself, an app registration for its ``/.default`` scope."""
    if config.managed_identity:
        answer = app.acquire_token_for_client(resource=config.root)
    else:
        answer = app.acquire_token_for_client(scopes=[f"{config.root}/.default"])
    return answer if isinstance(answer, Mapping) else {}


def _refused(result: Mapping[str, Any]) -> HubError:
    code = str(result.get("error") or "no_token")
    numbers = [number for number in result.get("error_codes") or () if isinstance(number, int)]
    advice = next((_ADVICE[number] for number in numbers if number in _ADVICE), "")
    shown = " ".join([code, *(f"AADSTS{number}" for number in numbers)])
    described = advice or masked(str(result.get("error_description") or ""))
    text = f"sign-in refused ({shown}): {described}"
    return _failed(Transient if code in _TRANSIENT_ERRORS else Misconfigured, text, code)


def _failed(kind: type[HubError], text: str, code: str) -> HubError:
    return kind(text, code=code, system=SYSTEM)


def _new_http_client(config: DataverseConfig) -> httpx.Client:
    """Our own connection instead of msal's: it has time limits, and only the CA bundle setting says whom to trust.

    Environment variables (REQUESTS_CA_BUNDLE, proxies) play no part, as for Dataverse itself.
    """
    return httpx.Client(
        verify=trust(config.ca_bundle),
        trust_env=False,
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
    )


class _Wire:
    """Between msal and the network: failures of the service are raised here, where msal can not remember them."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def get(self, url: str, **options: Any) -> Any:
        """GET."""
        with telemetry.request(_SIGN_IN, "GET", _ROUTE) as told:
            return _well(self._client.get(url, **options), told)

    def post(self, url: str, data: Any = None, **options: Any) -> Any:
        """POST a form. msal gives a signed assertion as bytes, which httpx would write as Python spells them."""
        if isinstance(data, Mapping):
            data = {name: value.decode() if isinstance(value, bytes) else value for name, value in data.items()}
        with telemetry.request(_SIGN_IN, "POST", _ROUTE) as told:
            return _well(self._client.post(url, data=data, **options), told)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _well(response: Any, told: telemetry.Request) -> Any:
    status = int(response.status_code)
    told.answered(status, throttled=status == 429)
    if status == 429:
        wait = str(response.headers.get("Retry-After", ""))
        raise Throttled(
            "sign-in asked to slow down",
            retry_after_seconds=float(wait) if wait.isdigit() else None,
            code="429",
            system=SYSTEM,
        )
    if status >= 500:
        raise _failed(Transient, "sign-in is not well", str(status))
    return response
