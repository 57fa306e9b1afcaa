"""The Dataverse Web API as an aiohttp application: authentication, service protection, headers, and the panel."""

from __future__ import annotations

import asyncio
import json
import ssl as tls
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict

from local.simulators.control import ROUTE_TEMPLATE, Control
from local.simulators.dataverse.batch import Part, parse_batch, run_batch
from local.simulators.dataverse.bulk import PREFIX
from local.simulators.dataverse.dispatch import dispatch, route_template
from local.simulators.dataverse.documents import message_to
from local.simulators.dataverse.keys import API_PATH
from local.simulators.dataverse.org import Org, Switches
from local.simulators.dataverse.protection import COOKIE, Limits, ServiceProtection, WebServer
from local.simulators.dataverse.records import create_row, delete_row, read_payload, update_row
from local.simulators.dataverse.rules import not_on_create
from local.simulators.dataverse.store import DataverseStore, Row
from local.simulators.dataverse.tables import AlternateKey, SimTable
from local.simulators.dataverse.wire import Answer, Call, DataverseError, JsonObject, dump
from local.simulators.entra import EntraSimulator
from local.simulators.faults import FaultAction
from local.simulators.server import RunningServer, start_server
from local.simulators.tls import OpenConnections

_LARGEST_BODY: Final = 120 * 1024 * 1024
_LOCAL_HOSTS: Final = ("127.0.0.1", "localhost")


class DataverseSimulator:
    """One environment. ``dop_hint`` is what ``x-ms-dop-hint`` says; ``bulk`` the messages each table has."""

    def __init__(
        self,
        entra: EntraSimulator,
        *,
        org: str = "contoso",
        servers: int = 2,
        dop_hint: int = 4,
        bulk: Mapping[str, Iterable[str]] | None = None,
        control: Control | None = None,
    ) -> None:
        self.entra = entra
        self.control = control or Control()
        self.org = Org(org, self.control, bulk)
        self.dop_hint = dop_hint
        self.audiences = {f"https://{org}.crm4.dynamics.com"}
        self.protection = ServiceProtection(servers, self.control.now)
        self.app = self._application()
        self.control.register_fault("throttled", self._throttled)
        self.control.register_fault("unauthorized", self._unauthorized)
        self._server: RunningServer | None = None

    # -- what tests and the demo use -----------------------------------------------------------------------------

    @property
    def store(self) -> DataverseStore:
        """The rows; a new object after each reset."""
        return self.org.store

    @property
    def switches(self) -> Switches:
        """Assumed behaviour and lasting faults."""
        return self.org.switches

    @property
    def limits(self) -> Limits:
        """Service protection limits, to be lowered at will."""
        return self.protection.limits

    async def start(self, port: int = 0, ssl: tls.SSLContext | None = None) -> str:
        """Listen on loopback; gives the environment's URL, for which tokens are accepted besides the real-looking one.

        After `stop` it can be started again, on the same port too, with the same rows.
        """
        if self.app.frozen:
            self.app = self._application()
        self._server = await start_server(self.app, port=port, ssl=ssl)
        port = self._server.port
        scheme = "https" if ssl is not None else "http"
        self.audiences |= {f"{scheme}://{host}:{port}" for host in _LOCAL_HOSTS}
        return self._server.base_url

    async def stop(self) -> None:
        """Let go of hanging requests and close."""
        self.control.release()
        await self._connections.drop()
        if self._server is not None:
            await self._server.stop()
            self._server = None

    def add_alternate_key(
        self, table: str, columns: Sequence[str], *, name: str = "new_key", status: str = "Active"
    ) -> None:
        """Define an alternate key; standard tables have none until somebody does."""
        self.org.tables[table].keys[name] = AlternateKey(name, tuple(columns), status)

    def seed(self, table: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Insert rows as `data_write` does but uncounted, by logical name and payload properties; gives their ids.

        ``modifiedon`` (text as answers show it) may be given, to lay out the past. A row may be given in a state that
        a request reaches in several steps; lines of an order may be given with it.
        """
        made = []
        target = self.org.tables[table]
        with self.store.uncounted(), self.org.laying_out():
            for row in rows:
                payload = {name: value for name, value in row.items() if name != "modifiedon"}
                made.append(str(self._create(target, payload, row.get("modifiedon"))[target.primary_id]))
        return made

    def _create(self, table: SimTable, payload: Mapping[str, Any], stamp: str | None = None) -> Row:
        """Create a row; a state that a create does not take is set by a second write."""
        changes = read_payload(self.org, table, payload)
        later = {name: changes.pop(name) for name in not_on_create(table) & set(changes)}
        with self.store.transaction():
            row = create_row(self.org, table, changes, stamp)
            if any(row.get(name) != value for name, value in later.items()):
                row = update_row(
                    self.org, table, self.store.get(table.name, row[table.primary_id]) or row, later, stamp
                )
        return self.store.get(table.name, row[table.primary_id]) or row

    # -- Simulated -----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Seeded rows only, fresh counters and switches; limits and dop hint stay."""
        self.org.switches = Switches()
        self.org.reset()
        self.protection.reset()

    def data_rows(self, entity_set: str) -> list[JsonObject]:
        """All rows of a set, in their stored form (internal names of lookup targets included)."""
        table = self.org.by_set[entity_set]
        return [dict(row) for row in self.store.rows(table.name).by_id.values()]

    def data_write(self, entity_set: str, rows: Sequence[JsonObject]) -> list[JsonObject]:
        """Create or change rows as a user of the app would; a row with the id of an existing one changes it.

        Giving a document a final state stands for the app's button that sends the message for it.
        """
        table = self.org.by_set[entity_set]
        written: list[JsonObject] = []
        try:
            for row in rows:
                old = self.store.get(table.name, str(row.get(table.primary_id) or "").lower())
                with self.org.sending(message_to(table.name, row.get("statecode"))):
                    if old is None:
                        saved = self._create(table, row)
                    else:
                        changes = {name: value for name, value in row.items() if name != table.primary_id}
                        saved = update_row(self.org, table, old, read_payload(self.org, table, changes))
                written.append(dict(saved))
        except DataverseError as error:
            raise ValueError(error.message) from error
        return written

    def act(self, operation: str, body: Mapping[str, Any]) -> JsonObject:
        """Run an action as a user's button does (``leads(id)/Microsoft.Dynamics.CRM.QualifyLead``); what it answers.

        Raises ValueError with the message of a refusal. Rows written by it count as those of requests do.
        """
        answer = dispatch(self.org, Call("POST", operation, "", body=dump(dict(body)).encode()))
        content: JsonObject = json.loads(answer.body, parse_float=Decimal) if answer.body else {}
        if answer.status >= 400:
            raise ValueError(content["error"]["message"])
        return content

    def data_delete(self, entity_set: str, key: str) -> bool:
        """Delete as a user would, with what goes with the row."""
        table = self.org.by_set[entity_set]
        if self.store.get(table.name, key.lower()) is None:
            return False
        delete_row(self.org, table, key.lower())
        return True

    # -- requests ------------------------------------------------------------------------------------------------

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=_LARGEST_BODY)
        self.control.attach(app, self)
        self._connections = OpenConnections(app)
        app.router.add_route("*", API_PATH + "{tail:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = await self._call(request)
        request[ROUTE_TEMPLATE] = route_template(call)
        if not self._token_is_good(request):
            return self._challenge()
        server = self.protection.choose(request.cookies.get(COOKIE))
        try:
            self.protection.admit(server)
        except DataverseError as error:
            return self._response(request, error.answer(), server)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await self._answered(call)
        finally:
            self.protection.leave(server, (loop.time() - began) * 1000)
        return self._response(request, answer, server)

    async def _call(self, request: web.Request) -> Call:
        host = request.host
        scheme = request.scheme if host.partition(":")[0] in _LOCAL_HOSTS else "https"
        target = request.raw_path.partition(API_PATH)[2]
        headers: CIMultiDict[str] = CIMultiDict(request.headers)
        if headers.get("If-None-Match") == "null":
            del headers["If-None-Match"]
        root = f"{scheme}://{host}{API_PATH.rstrip('/')}"
        return Call(request.method, target, root, headers, await request.read())

    async def _answered(self, call: Call) -> Answer:
        if call.raw_path == "$batch":
            return await self._batch(call)
        await self._delay(call)
        return dispatch(self.org, call)

    async def _batch(self, call: Call) -> Answer:
        """The parts' latencies pass first, then the whole batch runs in one go."""
        try:
            if call.method != "POST":
                raise DataverseError(405, "", "The requested resource does not support http method 'GET'.")
            parts = parse_batch(call)
            for part in _calls(parts):
                await self._delay(part)
            return run_batch(self.org, call, parts, self._run_part)
        except DataverseError as error:
            return error.answer()

    def _run_part(self, call: Call) -> Answer:
        path = f"{API_PATH}{call.target}"
        fault = self.control.part_fault(call.method, path, call.body.decode("utf-8", "replace"))
        answer = _fault_answer(fault) if fault is not None and fault.kind == "status" else dispatch(self.org, call)
        self.control.count_part(call.method, route_template(call), answer.status)
        return answer

    async def _delay(self, call: Call) -> None:
        if PREFIX in call.raw_path and call.method == "POST":
            await self.control.delay_bulk(call.body.count(b"@odata.type"))
        elif call.method == "GET" and call.raw_path in self.org.by_set:
            await self.control.delay_page()
        else:
            await self.control.delay_single()

    # -- authentication ------------------------------------------------------------------------------------------

    def _token_is_good(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.entra.accepts(token, self.audiences)

    def _challenge(self) -> web.Response:
        """401 is plain text, and its header is no well-formed challenge list: the parameters are unquoted."""
        tenant, resource = self.entra.tenant, f"https://{self.org.name}.crm4.dynamics.com/"
        value = f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize, resource_id={resource}"
        return web.Response(
            status=401, text="HTTP Error 401 - Unauthorized: Access is denied", headers={"WWW-Authenticate": value}
        )

    # -- answers -------------------------------------------------------------------------------------------------

    def _response(self, request: web.Request, answer: Answer, server: WebServer) -> web.Response:
        requests_left, milliseconds_left = self.protection.remaining(server)
        headers = CIMultiDict(answer.headers)
        request_id = str(uuid.uuid4())
        headers.add("x-ms-service-request-id", str(uuid.uuid4()))
        headers.add("x-ms-service-request-id", request_id)
        headers["REQ_ID"] = request_id
        headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = str(requests_left)
        headers["x-ms-ratelimit-time-remaining-xrm-requests"] = f"{milliseconds_left / 1000:,.2f}"
        headers["x-ms-dop-hint"] = str(self.dop_hint)
        headers["OData-Version"] = "4.0"
        headers["Cache-Control"] = "no-cache"
        response = web.Response(status=answer.status, headers=headers, body=answer.body)
        if request.cookies.get(COOKIE) != server.affinity:
            response.set_cookie(COOKIE, server.affinity, path="/", httponly=True)
        return response

    async def _throttled(self, request: web.Request, options: Mapping[str, Any]) -> web.StreamResponse:
        """Named fault ``throttled``: options ``kind`` (requests, time, concurrency) and ``retry_after`` in seconds."""
        request[ROUTE_TEMPLATE] = route_template(await self._call(request))
        refusal = self.protection.refusal(str(options.get("kind", "requests")), int(options.get("retry_after", 1)))
        return self._response(request, refusal.answer(), self.protection.servers[0])

    async def _unauthorized(self, request: web.Request, _options: Mapping[str, Any]) -> web.StreamResponse:
        """Named fault ``unauthorized``: the challenge, although the token may be good."""
        request[ROUTE_TEMPLATE] = route_template(await self._call(request))
        return self._challenge()


def _calls(parts: Sequence[Part]) -> Iterable[Call]:
    for part in parts:
        if part.call is not None:
            yield part.call
        yield from _calls(part.changeset)


def _fault_answer(fault: FaultAction) -> Answer:
    headers = CIMultiDict({name: str(value) for name, value in fault.headers.items()})
    if isinstance(fault.body, str):
        return Answer(fault.status, headers, fault.body.encode())
    headers.setdefault("Content-Type", "application/json; odata.metadata=minimal")
    return Answer(fault.status, headers, b"" if fault.body is None else dump(fault.body).encode())
