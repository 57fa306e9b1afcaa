"""The control panel every simulator has: ``/_sim/...`` routes for reset, statistics, latency, faults, clock and rows.

Everything the routes do can be done in Python through `Control` too. Faults, statistics and the count of concurrent
requests concern data routes only, never ``/_sim`` itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Protocol

from aiohttp import web

from local.simulators.faults import BadFaultRule, FaultAction, FaultRule, JsonObject, parse_rule
from local.simulators.responses import cut_connection, cut_in_the_body, dump_json, html_page, is_cut, json_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NamedFault = Callable[[web.Request, Mapping[str, Any]], Awaitable[web.StreamResponse | None]]
Watcher = Callable[[web.Request, web.StreamResponse], Awaitable[None]]

ROUTE_TEMPLATE = web.RequestKey("route_template", str)
"""Set by a simulator on a request whose aiohttp route says too little, e.g. ``BusinessPartners({key})``."""

_HANG_POLL_SECONDS = 0.05
_log = logging.getLogger(__name__)


class Simulated(Protocol):
    """What a simulator offers its control panel. Rows are plain JSON objects in the system's own spelling."""

    def reset(self) -> None:
        """Put the rows and all server state back to what the simulator started with."""
        ...

    def data_rows(self, entity_set: str) -> list[JsonObject]:
        """Give copies of all raw rows; raises KeyError for an unknown set."""
        ...

    def data_write(self, entity_set: str, rows: Sequence[JsonObject]) -> list[JsonObject]:
        """Insert or patch rows by key as a user of that system would, bumping stamps; returns them as stored.

        Raises KeyError for an unknown set and ValueError for a row the system would refuse.
        """
        ...

    def data_delete(self, entity_set: str, key: str) -> bool:
        """Delete one row by its key as a user would; False if it was not there, KeyError for an unknown set."""
        ...


@dataclass
class Latency:
    """Milliseconds a kind of request takes: a page read, a bulk write (base plus each row), any other request."""

    page: float = 0.0
    bulk_base: float = 0.0
    bulk_row: float = 0.0
    single: float = 0.0


class Control:
    """Clock, latencies, faults and statistics of one simulator."""

    def __init__(self) -> None:
        self.latency = Latency()
        self.faults: list[FaultRule] = []
        self.requests: Counter[str] = Counter()
        self.parts: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.faults_hit: Counter[str] = Counter()
        self.current = 0
        self.peak = 0
        self.watchers: list[Watcher] = []
        """Called with each data request that was handled and its answer, before the answer goes out."""
        self._offset = timedelta()
        self._fixed: datetime | None = None
        self._named: dict[str, NamedFault] = {}
        self._simulator: Simulated | None = None
        self._released = asyncio.Event()

    # -- clock ---------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The simulated system's present instant in UTC; simulators ask nothing else for the time."""
        return self._fixed if self._fixed is not None else datetime.now(UTC) + self._offset

    def set_clock(self, *, offset_seconds: float = 0.0, instant: datetime | str | None = None) -> None:
        """Shift the clock, or hold it at an instant (ISO text needs an offset or Z); no argument puts it right again."""
        if isinstance(instant, str):
            instant = datetime.fromisoformat(instant)
        if instant is not None and instant.tzinfo is None:
            raise ValueError("the instant needs a UTC offset")
        self._fixed = instant.astimezone(UTC) if instant is not None else None
        self._offset = timedelta(seconds=offset_seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward, whether it is running or held."""
        if self._fixed is not None:
            self._fixed += timedelta(seconds=seconds)
        else:
            self._offset += timedelta(seconds=seconds)

    def http_date(self) -> str:
        """Value of a ``Date`` header by this clock."""
        return format_datetime(self.now(), usegmt=True)

    # -- latency -------------------------------------------------------------------------------------------------

    async def delay_page(self) -> None:
        """Wait as long as reading one page takes."""
        await self._sleep(self.latency.page)

    async def delay_bulk(self, rows: int) -> None:
        """Wait as long as one bulk write of that many rows takes."""
        await self._sleep(self.latency.bulk_base + self.latency.bulk_row * rows)

    async def delay_single(self) -> None:
        """Wait as long as any other request takes."""
        await self._sleep(self.latency.single)

    async def _sleep(self, milliseconds: float) -> None:
        if milliseconds > 0:
            await asyncio.sleep(milliseconds / 1000)

    # -- statistics ----------------------------------------------------------------------------------------------

    def count_write(self, entity_set: str, operation: str = "write", rows: int = 1) -> None:
        """Note rows really written (created, updated, deleted); a rolled back write is not noted."""
        self.written[entity_set] += rows
        self.writes[f"{entity_set} {operation}"] += rows

    def count_part(self, method: str, template: str, status: int) -> None:
        """Note one request inside a ``$batch``; the envelope is noted by the middleware."""
        self.parts[f"{method} {template} {status}"] += 1

    def stats(self) -> JsonObject:
        """Everything counted since the last reset of the statistics."""
        return {
            "requests": dict(self.requests),
            "parts": dict(self.parts),
            "written": dict(self.written),
            "writes": dict(self.writes),
            "faults": dict(self.faults_hit),
            "total": sum(self.requests.values()),
            "peak": self.peak,
            "current": self.current,
        }

    def reset_stats(self) -> None:
        """Forget what was counted; requests under way stay in ``current``."""
        for counter in (self.requests, self.parts, self.written, self.writes, self.faults_hit):
            counter.clear()
        self.peak = self.current

    # -- faults --------------------------------------------------------------------------------------------------

    def register_fault(self, name: str, fault: NamedFault) -> None:
        """Make ``{"named": name}`` usable; it answers the request itself, or returns None to let it go on."""
        self._named[name] = fault

    def add_fault(self, *rules: Mapping[str, Any]) -> None:
        """Add rules; the first rule that strikes decides. Raises BadFaultRule and then adds none."""
        parsed = [parse_rule(rule) for rule in rules]
        for rule in parsed:
            if rule.action.kind == "named" and rule.action.name not in self._named:
                raise BadFaultRule(f"no fault named {rule.action.name}; there are {sorted(self._named)}")
        self.faults.extend(parsed)

    def clear_faults(self) -> None:
        """Drop all rules and let go of what hangs."""
        self.faults.clear()
        self.release()

    def release(self) -> None:
        """End all hanging requests now; called before a simulator stops."""
        self._released.set()
        self._released = asyncio.Event()

    def part_fault(self, method: str, path: str, body: str) -> FaultAction | None:
        """The fault that strikes a request inside a ``$batch``, from rules with ``"part": true`` only."""
        for rule in self.faults:
            if rule.part and rule.strikes(method, path, body):
                self.faults_hit[rule.action.kind] += 1
                return rule.action
        return None

    async def _struck(self, request: web.Request) -> FaultAction | None:
        rules = [rule for rule in self.faults if not rule.part]
        if not rules:
            return None
        body = ""
        if any(rule.needs_body for rule in rules):
            body = (await request.read()).decode("utf-8", "replace")
        query = request.rel_url.query_string
        path = f"{request.path}?{query}" if query else request.path
        for rule in rules:
            if rule.strikes(request.method, path, body):
                self.faults_hit[rule.action.name or rule.action.kind] += 1
                return rule.action
        return None

    # -- aiohttp -------------------------------------------------------------------------------------------------

    def attach(self, app: web.Application, simulator: Simulated) -> None:
        """Add the ``/_sim`` routes and the middleware to a simulator's application; call it before other routes."""
        self._simulator = simulator
        app.middlewares.append(self._middleware)
        app.router.add_post("/_sim/reset", self._post_reset)
        app.router.add_get("/_sim/stats", self._get_stats)
        app.router.add_delete("/_sim/stats", self._delete_stats)
        app.router.add_post("/_sim/latency", self._post_latency)
        app.router.add_post("/_sim/faults", self._post_faults)
        app.router.add_delete("/_sim/faults", self._delete_faults)
        app.router.add_post("/_sim/clock", self._post_clock)
        app.router.add_get("/_sim/data/{set}", self._get_data)
        app.router.add_post("/_sim/data/{set}", self._post_data)
        app.router.add_delete("/_sim/data/{set}/{key}", self._delete_data)

    def reset(self) -> None:
        """Statistics, faults, latencies and clock as at the start, and the simulator's rows too."""
        self.clear_faults()
        self.reset_stats()
        self.latency = Latency()
        self.set_clock()
        if self._simulator is not None:
            self._simulator.reset()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_sim"):
            return await self._answer_panel(request, handler)
        self.current += 1
        self.peak = max(self.peak, self.current)
        status = "0"
        try:
            response = await self._disturbed(request, handler)
            status = str(response.status) if not is_cut(request) else "cut"
            if not response.prepared:
                response.headers.setdefault("Date", self.http_date())
            return response
        except web.HTTPException as error:
            status = str(error.status)
            raise
        finally:
            self.current -= 1
            self.requests[f"{request.method} {_template(request)} {status}"] += 1

    async def _answer_panel(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except KeyError as error:
            return json_response({"error": f"unknown: {error.args[0]}"}, status=404)
        except (ValueError, TypeError) as error:
            return json_response({"error": str(error)}, status=400)

    async def _disturbed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        action = await self._struck(request)
        if action is None:
            response = await handler(request)
            for watcher in list(self.watchers):
                await watcher(request, response)
            return response
        if action.kind == "named":
            answer = await self._named[action.name](request, action.options)
            return answer if answer is not None else await handler(request)
        if action.kind == "status":
            return self._status_response(action)
        if action.kind == "html":
            return html_page(action.status)
        if action.kind == "hang":
            await self._hang(request, action.seconds)
            return cut_connection(request)
        if action.kind == "commit_then_hang":
            await handler(request)
            await self._hang(request, action.seconds)
            return cut_connection(request)
        if action.close == "before":
            return cut_connection(request)
        response = await handler(request)
        return await cut_in_the_body(request, response) if action.close == "mid_body" else cut_connection(request)

    def _status_response(self, action: FaultAction) -> web.Response:
        headers = {name: self._header_value(value) for name, value in action.headers.items()}
        if isinstance(action.body, str):
            headers.setdefault("Content-Type", "text/plain;charset=utf-8")
            return web.Response(status=action.status, headers=headers, body=action.body.encode())
        body = b"" if action.body is None else dump_json(action.body).encode()
        headers.setdefault("Content-Type", "application/json;charset=utf-8")
        return web.Response(status=action.status, headers=headers, body=body)

    def _header_value(self, value: Any) -> str:
        """A header as text; ``{"date_in_seconds": n}`` becomes an HTTP date by the simulator's clock."""
        if isinstance(value, Mapping):
            return format_datetime(self.now() + timedelta(seconds=float(value["date_in_seconds"])), usegmt=True)
        return str(value)

    async def _hang(self, request: web.Request, seconds: float) -> None:
        """Wait until the time is over, the client is gone or the faults are cleared."""
        released = self._released
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end and not released.is_set():
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(min(_HANG_POLL_SECONDS, max(end - loop.time(), 0.0)))

    # -- panel routes --------------------------------------------------------------------------------------------

    def _rows_of(self) -> Simulated:
        if self._simulator is None:
            raise ValueError("no simulator attached")
        return self._simulator

    async def _post_reset(self, _request: web.Request) -> web.Response:
        self.reset()
        return json_response({"reset": True})

    async def _get_stats(self, _request: web.Request) -> web.Response:
        return json_response(self.stats())

    async def _delete_stats(self, _request: web.Request) -> web.Response:
        self.reset_stats()
        return json_response(self.stats())

    async def _post_latency(self, request: web.Request) -> web.Response:
        values = await request.json()
        unknown = set(values) - {each.name for each in fields(Latency)}
        if unknown:
            raise ValueError(f"unknown latency: {', '.join(sorted(unknown))}")
        self.latency = Latency(**{name: float(value) for name, value in values.items()})
        return json_response(asdict(self.latency))

    async def _post_faults(self, request: web.Request) -> web.Response:
        rules = await request.json()
        self.add_fault(*(rules if isinstance(rules, list) else [rules]))
        return json_response({"faults": len(self.faults)})

    async def _delete_faults(self, _request: web.Request) -> web.Response:
        self.clear_faults()
        return json_response({"faults": 0})

    async def _post_clock(self, request: web.Request) -> web.Response:
        values = await request.json()
        unknown = set(values) - {"offset_seconds", "instant"}
        if unknown:
            raise ValueError(f"unknown clock setting: {', '.join(sorted(unknown))}")
        self.set_clock(**values)
        return json_response({"now": self.now().isoformat()})

    async def _get_data(self, request: web.Request) -> web.Response:
        return json_response(self._rows_of().data_rows(request.match_info["set"]))

    async def _post_data(self, request: web.Request) -> web.Response:
        rows = await request.json()
        return json_response(
            self._rows_of().data_write(request.match_info["set"], rows if isinstance(rows, list) else [rows])
        )

    async def _delete_data(self, request: web.Request) -> web.Response:
        deleted = self._rows_of().data_delete(request.match_info["set"], request.match_info["key"])
        return json_response({"deleted": deleted}, status=200 if deleted else 404)


def _template(request: web.Request) -> str:
    named = request.get(ROUTE_TEMPLATE)
    if named:
        return str(named)
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(no route)"
