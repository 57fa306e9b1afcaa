"""The simulated Service Layer as a web application: sessions and cookies first, then `requests` and `batch`."""

from __future__ import annotations

import json
import ssl as tls
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from local.simulators.control import ROUTE_TEMPLATE, Control
from local.simulators.responses import json_response
from local.simulators.server import RunningServer, start_server
from local.simulators.service_layer import errors
from local.simulators.service_layer.approvals import Approvals
from local.simulators.service_layer.batch import BatchRunner, counts, parse_batch
from local.simulators.service_layer.company import SERVICE_TABLES, Company
from local.simulators.service_layer.entities import Entities
from local.simulators.service_layer.messages import DATA_TYPE, ROOT, Answer, Call, error_answer
from local.simulators.service_layer.paths import parse_key
from local.simulators.service_layer.requests import Requests
from local.simulators.service_layer.sessions import Session, Sessions, cookies_of
from local.simulators.service_layer.store import Row, Store
from local.simulators.service_layer.switches import Switches

VERSION = "1000280"
MAX_BODY_BYTES = 50 * 1024 * 1024
KEEPALIVE_SECONDS = 5.0

_SERVER_HEADERS = {
    "Server": "Apache/2.4.62 (Unix)",
    "Vary": "Accept-Encoding",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
_READING = frozenset({"GET"})


class ServiceLayerSimulator:
    """A Service Layer with one company, in memory.

    ``company`` maps set names (and ``Series``, ``CompanyInfo``, ``AdminInfo``) to rows in v2 spelling; `reset` returns
    to them. ``timezone`` is the company's: change stamps are its local time.
    """

    def __init__(
        self,
        company: Mapping[str, Sequence[Row]],
        *,
        company_db: str = "SBODEMO",
        user: str = "manager",
        password: str = "manager-secret",
        timezone: str = "Europe/Berlin",
        switches: Switches | None = None,
    ) -> None:
        self.control = Control()
        self.switches = switches or Switches()
        self.company = Company(company, self.control, self.switches, timezone)
        self.entities = Entities(self.company)
        self.sessions = Sessions(self.company)
        self.approvals = Approvals(self.company, self.entities)
        self._credentials = (company_db, user, password)
        self._requests = Requests(self.company, self.entities)
        self._server: RunningServer | None = None
        self._served: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._move_node = False
        for name, fault in self._named_faults().items():
            self.control.register_fault(name, fault)
        self.app = self._build()

    @property
    def store(self) -> Store:
        """The rows."""
        return self.company.store

    # -- running -------------------------------------------------------------------------------------------------

    async def start(self, port: int = 0, ssl: tls.SSLContext | None = None) -> str:
        """Listen on loopback and return scheme, host and port; the service root is that plus ``/b1s/v2``."""
        if self.app.frozen:
            self.app = self._build()
        self._server = await start_server(self.app, port=port, ssl=ssl, keepalive_seconds=KEEPALIVE_SECONDS)
        return self._server.base_url

    async def stop(self) -> None:
        """Close the port; rows and sessions stay, so that `start` on the same port ends an outage."""
        self.control.release()
        if self._server is not None:
            await self._server.stop()
            self._server = None

    def _build(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        self.control.attach(app, self)
        app.on_response_prepare.append(_add_server_headers)
        app.router.add_post("/_sim/approvals/{draft}", self._decide)
        app.router.add_get("/ping/", self._ping)
        app.router.add_get("/ping/load-balancer", self._ping)
        app.router.add_route("*", ROOT + "/{path:.*}", self._handle)
        return app

    # -- Simulated -----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Rows as at the start; all sessions end."""
        self.company.load()
        self.sessions.clear()
        self._move_node = False

    def data_rows(self, entity_set: str) -> list[Row]:
        """Stored rows, without the properties that are null."""
        return [dict(row) for row in self.store.tables[entity_set].scan()]

    def data_write(self, entity_set: str, rows: Sequence[Row]) -> list[Row]:
        """Insert or patch as a user of SAP's own client would; stamps given in a row overwrite the real ones."""
        return [self._data_write_one(entity_set, row) for row in rows]

    def _data_write_one(self, name: str, row: Row) -> Row:
        table = self.store.tables[name]
        if name in SERVICE_TABLES:
            before = table.rows.get(table.key_of(row), {})
            self.store.put(name, before | row)
            return before | row
        entity_set = self.company.schema.entity_sets[name]
        has_key = all(row.get(part) is not None for part in entity_set.key)
        present = table.rows.get(table.key_of(row)) if has_key else None
        try:
            if present is None:
                written = self.entities.create(entity_set, row, None)
            else:
                written = self.entities.update(entity_set, present, row, None, by_user=True)
        except errors.SapError as error:
            raise ValueError(f"{error.code}: {error.message}") from error
        return self.entities.set_stamps(entity_set, written, row)

    def data_delete(self, entity_set: str, key: str) -> bool:
        """Delete by key; text keys need no quotes if the key is one property."""
        table = self.store.tables[entity_set]
        if entity_set in SERVICE_TABLES:
            row = next((row for row in table.scan() if str(row[table.key_names[0]]) == key), None)
            if row is not None:
                self.store.remove(entity_set, row)
            return row is not None
        schema = self.company.schema.entity_sets[entity_set]
        is_bare_text = len(schema.key) == 1 and schema.type.properties[schema.key[0]].type_name == "String"
        values = (key,) if is_bare_text and not key.startswith("'") else self._key(key, entity_set)
        row = self.store.get(entity_set, *values)
        if row is not None:
            self.entities.delete(schema, row)
            self.company.forget_user_fields()
        return row is not None

    def _key(self, text: str, entity_set: str) -> tuple[Any, ...]:
        try:
            return parse_key(text, self.company.schema.entity_sets[entity_set])
        except errors.SapError as error:
            raise ValueError(f"not a key of {entity_set}: {text}") from error

    # -- named faults --------------------------------------------------------------------------------------------

    def _named_faults(self) -> dict[str, Callable[[web.Request, Mapping[str, Any]], Any]]:
        async def session_dead(request: web.Request, _options: Mapping[str, Any]) -> None:
            """The session is gone before this request is looked at: 401/301."""
            self.sessions.close(cookies_of(request.headers.get("Cookie")).get("B1SESSION"))

        async def node_moves(_request: web.Request, _options: Mapping[str, Any]) -> web.Response:
            """The node went down: 500/305 once, and the balancer names another node."""
            self._move_node = True
            return self._plain(error_answer(errors.switch_company(), f"{ROOT}/"))

        async def switch_company(_request: web.Request, _options: Mapping[str, Any]) -> web.Response:
            return self._plain(error_answer(errors.switch_company(), f"{ROOT}/"))

        async def login_race(_request: web.Request, _options: Mapping[str, Any]) -> web.Response:
            return self._plain(error_answer(errors.login_race(), f"{ROOT}/Login"))

        named = (session_dead, node_moves, switch_company, login_race)
        return {fault.__name__: fault for fault in named}

    # -- requests ------------------------------------------------------------------------------------------------

    async def _ping(self, _request: web.Request) -> web.Response:
        stamp = f"{self.control.now().timestamp():.3f}"
        return web.json_response({"message": "pong", "sender": "load balancer", "timestamp": stamp})

    async def _decide(self, request: web.Request) -> web.Response:
        """``{"decision": "approve" | "reject"}``: the order, or the rejected draft."""
        decisions = {"approve": self.approvals.approve, "reject": self.approvals.reject}
        decision = (await request.json()).get("decision")
        if decision not in decisions:
            raise ValueError(f"decision must be one of {sorted(decisions)}")
        return json_response(decisions[decision](int(request.match_info["draft"])))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if len(request.raw_path) > self.switches.max_url_bytes:
            return _apache_page(414, "Request-URI Too Long")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _apache_page(413, "Request Entity Too Large")
        response = await self._answered(request, body)
        limit = self.switches.requests_per_connection
        if limit is not None and request.transport is not None:
            self._served[request.transport] = self._served.get(request.transport, 0) + 1
            if self._served[request.transport] >= limit:
                response.force_close()
        return response

    async def _answered(self, request: web.Request, body: bytes) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        path = path[len(ROOT) + 1 :]
        request[ROUTE_TEMPLATE] = f"{ROOT}/{path.split('(')[0][:60]}"
        cookies = cookies_of(request.headers.get("Cookie"))
        if path == "Login" and request.method == "POST":
            return await self._login(request, body, cookies)
        session = self.sessions.use(cookies.get("B1SESSION"))
        if session is None:
            return self._plain(error_answer(errors.no_session(), ""))
        if path == "Logout" and request.method == "POST":
            self.sessions.close(session.id)
            return web.Response(status=204)
        call = self._call(request, path, query, body, session, cookies.get("ROUTEID"))
        if call.method not in _READING and "ROUTEID" not in cookies and self.switches.writes_need_route:
            return self._plain(error_answer(errors.transaction_lost(), ""))
        answer = await self._batch(call) if path == "$batch" and call.method == "POST" else await self._single(call)
        request[ROUTE_TEMPLATE] = answer.template
        return self._with_route(self._plain(answer), cookies.get("ROUTEID"), session)

    def _call(
        self, request: web.Request, path: str, query: str, body: bytes, session: Session, route: str | None
    ) -> Call:
        return Call(
            method=request.method,
            path=path,
            query=query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            node=route if route in self.sessions.nodes() else session.node,
            base_url=f"{request.scheme}://{request.host}",
        )

    async def _single(self, call: Call) -> Answer:
        is_page = call.method == "GET" and "(" not in call.path
        await (self.control.delay_page() if is_page else self.control.delay_single())
        return self._requests.answer(call)

    async def _batch(self, call: Call) -> Answer:
        try:
            items = parse_batch(call.body, call.headers.get("content-type", ""))
        except errors.SapError as error:
            return error_answer(error, f"{ROOT}/$batch")
        reads, writes = counts(items)
        if writes:
            await self.control.delay_bulk(writes)
        for _ in range(reads):
            await self.control.delay_page()
        go_on = "odata.continue-on-error" in call.prefers
        if go_on and any(isinstance(item, tuple) for item in items):
            # Undocumented; a node of build 1000310 crashed on it, and the balancer answered.
            return Answer(
                502, {"Content-Type": "text/html; charset=iso-8859-1"}, b"<h1>Proxy Error</h1>", f"{ROOT}/$batch"
            )
        runner = BatchRunner(call, self.store, self._requests.answer, self.control.part_fault, self.control.count_part)
        return runner.run(items, continue_on_error=go_on)

    # -- login ---------------------------------------------------------------------------------------------------

    async def _login(self, request: web.Request, body: bytes, cookies: Mapping[str, str]) -> web.Response:
        racing = self.sessions.logging_in > 0 and self.switches.logins_race
        self.sessions.logging_in += 1
        try:
            await self.control.delay_single()
        finally:
            self.sessions.logging_in -= 1
        try:
            if racing:
                raise errors.login_race()
            self._check_credentials(body)
        except errors.SapError as error:
            return self._plain(error_answer(error, f"{ROOT}/Login"))
        session = self.sessions.open(cookies.get("ROUTEID"))
        document = {
            "@odata.context": f"{request.scheme}://{request.host}{ROOT}/$metadata#B1Sessions/$entity",
            "SessionId": session.id,
            "Version": VERSION,
            "SessionTimeout": self.switches.session_minutes,
        }
        response = web.Response(
            body=json.dumps(document).encode(), headers={"Content-Type": DATA_TYPE, "OData-Version": "4.0"}
        )
        response.headers.add("Set-Cookie", f"B1SESSION={session.id};HttpOnly;")
        response.headers.add("Set-Cookie", f"ROUTEID={session.node}; path=/b1s")
        return response

    def _check_credentials(self, body: bytes) -> None:
        try:
            given = json.loads(body)
        except ValueError as error:
            raise errors.bad_body("Invalid JSON format") from error
        if not isinstance(given, dict):
            raise errors.bad_body("Invalid JSON format")
        company_db, user, password = self._credentials
        if given.get("CompanyDB") != company_db:
            raise errors.wrong_company()
        if given.get("UserName") != user or given.get("Password") != password:
            raise errors.wrong_password()

    def _with_route(self, response: web.Response, route: str | None, session: Session) -> web.Response:
        """The balancer names a node again after the old one went down."""
        if self._move_node:
            self._move_node = False
            others = [node for node in self.sessions.nodes() if node != (route or session.node)]
            session.node = others[0] if others else session.node
            response.headers.add("Set-Cookie", f"ROUTEID={session.node}; path=/b1s")
        return response

    @staticmethod
    def _plain(answer: Answer) -> web.Response:
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body or None)


async def _add_server_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SERVER_HEADERS.items():
        response.headers[name] = value
    if request.keep_alive:
        response.headers.setdefault("Keep-Alive", "timeout=5, max=100")
        response.headers.setdefault("Connection", "Keep-Alive")


def _apache_page(status: int, title: str) -> web.Response:
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(status=status, headers={"Content-Type": "text/html; charset=iso-8859-1"}, body=page.encode())
