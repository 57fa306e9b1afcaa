"""The routes of the simulated account: bearer key, pages by cursor, filters, idempotent creations, problems."""

from __future__ import annotations

import base64
import binascii
import json
import re
import ssl as tls
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from aiohttp import web

from local.simulators.control import ROUTE_TEMPLATE, Control
from local.simulators.faults import JsonObject
from local.simulators.responses import dump_json
from local.simulators.server import RunningServer, start_server
from local.simulators.tagrain import contract
from local.simulators.tagrain.store import Row, Store, TakenError, stamp
from local.simulators.tls import OpenConnections

MOST_ON_A_PAGE: Final = 200
MOST_VALUES: Final = 100
_PAGE: Final = 100
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_:.-]{1,100}")
_SPELLED: Final = {("inventory", "code"): "productCode"}
_DATES: Final = ("businessDateFrom", "businessDateTo")


class ProblemError(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, list(errors)
        self.allowed = ""

    def response(self) -> web.Response:
        """RFC 9457."""
        body = {
            "type": f"https://tagrain.example/problems/{self.code}",
            "title": self.code.replace("-", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": self.errors,
        }
        response = _json(body, self.status, "application/problem+json")
        if self.allowed:
            response.headers["Allow"] = self.allowed
        return response


class TagrainSimulator:
    """One account. ``seed`` are its records at the start, by collection; ``settings`` is one of them."""

    def __init__(
        self, seed: Mapping[str, Sequence[Row]], *, api_key: str = "local-tagrain-key", control: Control | None = None
    ) -> None:
        self.api_key = api_key
        self.control = control or Control()
        self.store = Store(self.control.now, seed)
        self._answers: dict[tuple[str, str], tuple[str, Row]] = {}  # by collection and idempotency key: body and row
        self.app = self._application()
        self._server: RunningServer | None = None

    async def start(self, port: int = 0, ssl: tls.SSLContext | None = None) -> str:
        """Listen on loopback; gives the base URL (without ``/v1``). After `stop` it can be started again."""
        if self.app.frozen:
            self.app = self._application()
        self._server = await start_server(self.app, port=port, ssl=ssl)
        return self._server.base_url

    async def stop(self) -> None:
        """Close the listener."""
        self.control.release()
        await self._connections.drop()
        if self._server is not None:
            await self._server.stop()
            self._server = None

    # -- Simulated -----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The records as at the start."""
        self._answers.clear()
        self.store.reset()

    def data_rows(self, entity_set: str) -> list[JsonObject]:
        """Copies of all records of a collection, oldest change first."""
        return [json.loads(json.dumps(row)) for row in self.store.rows(entity_set)]

    def data_write(self, entity_set: str, rows: Sequence[JsonObject]) -> list[JsonObject]:
        """Insert or change records as people at the tills do; ValueError for what the contract does not allow."""
        record = contract.collections()[entity_set].record

        def check(row: Row) -> None:
            if wrong := contract.wrong_in(record, row):
                raise ValueError(f"{entity_set} {row['id']}: {wrong[0]['field']} {wrong[0]['message']}")

        return [self.store.put(entity_set, row, check) for row in rows]

    def data_delete(self, entity_set: str, key: str) -> bool:
        """Remove a record."""
        return self.store.delete(entity_set, key)

    # -- routes --------------------------------------------------------------------------------------------------

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        self._connections = OpenConnections(app)
        self.control.attach(app, self)
        app.router.add_route("*", "/v1/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name, _, key = request.match_info["path"].partition("/")
        request[ROUTE_TEMPLATE] = f"/v1/{name}" + ("/{id}" if key else "")
        try:
            if request.headers.get("Authorization") != f"Bearer {self.api_key}":
                raise ProblemError(401, "unauthorized", "Send the account's key: Authorization: Bearer …")
            if name == "settings" and not key:
                _allow(request, "GET")
                await self.control.delay_single()
                return _json(self.store.settings)
            collection = contract.collections().get(name)
            if collection is None or "/" in key:
                raise ProblemError(404, "not-found", "There is no such collection.")
            if key:
                return await self._one(request, collection, key)
            return await self._many(request, collection)
        except ProblemError as problem:
            return problem.response()

    async def _many(self, request: web.Request, collection: contract.Collection) -> web.Response:
        _allow(request, "GET", *(["POST"] if collection.creation else []))
        if request.method == "POST":
            await self.control.delay_single()
            return await self._create(request, collection)
        await self.control.delay_page()
        query = _Query(request, collection)
        rows = [row for row in self.store.rows(collection.name) if query.takes(row)]
        page = rows[: query.size]
        more = len(rows) > query.size
        return _json({"items": page, "nextCursor": _cursor(page[-1]) if more else None})

    async def _one(self, request: web.Request, collection: contract.Collection, key: str) -> web.Response:
        _allow(request, "GET", *(["PATCH"] if collection.change else []))
        await self.control.delay_single()
        if contract.wrong_in("Id", key):
            raise ProblemError(400, "bad-id", "An id has letters, digits, - and _ only.")
        if key not in self.store.tables[collection.name]:
            raise ProblemError(404, "not-found", "There is no such record.")
        if request.method == "GET":
            return _json(self.store.tables[collection.name][key])
        body = await _body(request, collection.change)
        row = self._put(collection, {**body, "id": key})
        self.control.count_write(collection.name, "update")
        return _json(row)

    async def _create(self, request: web.Request, collection: contract.Collection) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            text = "Send a header Idempotency-Key: up to 100 letters, digits, and _ : . -"
            raise ProblemError(400, "no-idempotency-key", text)
        body = await _body(request, collection.creation)
        spelled = json.dumps(body, sort_keys=True)
        before = self._answers.get((collection.name, key))
        if before is not None:
            if before[0] != spelled:
                raise ProblemError(409, "idempotency-key-reused", "This key came with another body before.")
            return _json(before[1], 201)
        row = self._put(collection, body)
        self._answers[collection.name, key] = spelled, row
        self.control.count_write(collection.name, "create")
        return _json(row, 201)

    def _put(self, collection: contract.Collection, values: Row) -> Row:
        try:
            return self.store.put(collection.name, values)
        except TakenError as taken:
            told = [{"field": taken.field, "message": "another record has it"}]
            raise ProblemError(409, "duplicate", f"The {taken.field} is taken.", told) from None


class _Query:
    """The query of a list, checked."""

    def __init__(self, request: web.Request, collection: contract.Collection) -> None:
        known = {"pageSize", "cursor", "updatedSince", *collection.filters}
        known |= set(_DATES) if "storeId" in collection.filters and collection.name != "registers" else set()
        if unknown := sorted(set(request.query) - known):
            raise _bad(unknown[0], "there is no such parameter")
        self._name = collection.name
        self.size = _size(request.query.get("pageSize"))
        self._after = _place(request.query.get("cursor"))
        self._since = _since(request.query.get("updatedSince"))
        self._days = tuple(_day(name, request.query.get(name)) for name in _DATES)
        self._filters = {
            name: {value.casefold() for value in request.query.getall(name)}
            for name in collection.filters
            if name in request.query
        }
        if sum(map(len, self._filters.values())) > MOST_VALUES:
            raise _bad("id", f"up to {MOST_VALUES} values in one request")
        if any("" in values for values in self._filters.values()):
            raise _bad("id", "a value is empty")

    def takes(self, row: Row) -> bool:
        """Whether the record is wanted."""
        first, last = self._days
        return (
            (row["updatedAt"], row["id"]) > self._after
            and row["updatedAt"] >= self._since
            and all(
                str(row[_SPELLED.get((self._name, name), name)] or "").casefold() in values
                for name, values in self._filters.items()
            )
            and (not first or row["businessDate"] >= first)
            and (not last or row["businessDate"] <= last)
        )


def _allow(request: web.Request, *methods: str) -> None:
    if request.method not in methods:
        problem = ProblemError(405, "method-not-allowed", f"Here is only {', '.join(methods)}.")
        problem.allowed = ", ".join(methods)
        raise problem


async def _body(request: web.Request, schema: str) -> Row:
    if request.content_type != "application/json":
        raise ProblemError(415, "not-json", "Send Content-Type: application/json.")
    try:
        body = json.loads(await request.text())
    except (ValueError, LookupError):
        raise _bad("body", "is no JSON") from None
    if wrong := contract.wrong_in(schema, body):
        code = "unknown-property" if "Additional properties" in wrong[0]["message"] else "bad-request"
        raise ProblemError(400, code, "Correct what is listed.", wrong)
    loaded: Row = body
    return loaded


def _bad(field: str, message: str) -> ProblemError:
    return ProblemError(400, "bad-request", "Correct what is listed.", [{"field": field, "message": message}])


def _size(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST_ON_A_PAGE:
        raise _bad("pageSize", f"a number from 1 to {MOST_ON_A_PAGE}")
    return int(text)


def _since(text: str | None) -> str:
    if text is None:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad("updatedSince", "a time like 2026-03-01T09:30:00.000Z") from None
    if moment.tzinfo is None:
        raise _bad("updatedSince", "a time with its offset or Z")
    return stamp(moment)


def _day(name: str, text: str | None) -> str:
    if text is None:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _bad(name, "a day like 2026-03-01") from None


def _cursor(row: Row) -> str:
    return base64.urlsafe_b64encode(json.dumps([row["updatedAt"], row["id"]]).encode()).decode()


def _place(cursor: str | None) -> tuple[str, str]:
    """Behind which record the page begins."""
    if cursor is None:
        return "", ""
    try:
        updated, key = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return str(updated), str(key)
    except (binascii.Error, ValueError, TypeError):
        raise ProblemError(404, "unknown-cursor", "No page gave this cursor; begin without one.") from None


def _json(value: Any, status: int = 200, kind: str = "application/json") -> web.Response:
    return web.Response(status=status, headers={"Content-Type": kind}, body=dump_json(value).encode())
