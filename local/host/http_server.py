"""The HTTP side of the host: routes, keys, and what the host does to requests and responses on the way.

From the host's source: the method is part of the match, so a wrong one is 404; header names reach the worker in lower
case; repeated headers and query values are joined with a comma; empty query values are dropped; a body without
Content-Length (chunked) is not forwarded; a failed function answers 500 without a body.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict, MultiMapping

from local.host.functions import Function, HttpTrigger
from local.host.keys import HostKeys
from local.host.messages import Datum, HttpCall, HttpReply, Result
from local.host.process import Cause, WorkerPool
from local.host.routes import Route, compile_route, routing_path

_LARGEST_BODY_BYTES = 100 * 1024 * 1024
_KEY_HEADER = "x-functions-key"
_KEY_QUERY = "code"
# aiohttp frames the body itself; these two would contradict it.
_FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding"})

type RunByHand = Callable[[Function, str], Awaitable[None]]


@dataclass(frozen=True)
class Endpoint:
    """An HTTP function under its compiled route."""

    function: Function
    trigger: HttpTrigger
    route: Route


class HttpServer:
    """Serves the app's HTTP functions and the host's admin endpoints on loopback."""

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        prefix: str,
        pool: WorkerPool,
        keys: HostKeys,
        host_id: str,
        by_hand: RunByHand,
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._endpoints = [
            Endpoint(function, function.trigger, compile_route(prefix, function.trigger.route))
            for function in self._functions.values()
            if isinstance(function.trigger, HttpTrigger)
        ]
        self._pool = pool
        self._keys = keys
        self._host_id = host_id
        self._by_hand = by_hand
        self._started = time.monotonic()
        self._background: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int, grace_seconds: float) -> int:
        """Listen on 127.0.0.1; the port (a free one for 0). Stopping waits that long for open requests."""
        application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        application.router.add_get("/", self._home)
        application.router.add_get("/admin/host/status", self._status)
        application.router.add_post("/admin/functions/{name}", self._run_by_hand)
        application.router.add_route("*", "/{path:(?s:.*)}", self._call)  # a line feed too
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=grace_seconds)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no more requests and drop what is still open."""
        if self._runner is not None:
            await self._runner.cleanup()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _home(self, _: web.Request) -> web.Response:
        return web.Response(text="The local Functions host is running.")

    async def _status(self, request: web.Request) -> web.Response:
        if not self._keys.allow("admin", _key(request)):
            return web.Response(status=401)
        uptime = round((time.monotonic() - self._started) * 1000)
        body = {"id": self._host_id, "state": "Running", "processUptime": uptime, "workerPids": self._pool.pids}
        return web.json_response(body)

    async def _run_by_hand(self, request: web.Request) -> web.Response:
        """Start a queue or timer function now; 202 before it has run, as in Azure."""
        if not self._keys.allow("admin", _key(request)):
            return web.Response(status=401)
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        if isinstance(function.trigger, HttpTrigger):
            return web.Response(status=400, text="Call an HTTP function by its route.")
        try:
            document = json.loads(await request.read() or b"{}")
            text = document.get("input") or ""
        except (ValueError, AttributeError):
            return web.Response(status=400, text='The body must be JSON like {"input": "..."}.')
        task = asyncio.ensure_future(self._by_hand(function, text if isinstance(text, str) else json.dumps(text)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return web.Response(status=202)

    async def _call(self, request: web.Request) -> web.Response:
        path = routing_path(request.raw_path)
        for endpoint in self._endpoints:
            if endpoint.trigger.methods and request.method not in endpoint.trigger.methods:
                continue
            params = endpoint.route.match(path)
            if params is not None:
                return await self._answer(endpoint, request, params)
        return web.Response(status=404)

    async def _answer(self, endpoint: Endpoint, request: web.Request, params: dict[str, str]) -> web.Response:
        if not self._keys.allow(endpoint.trigger.auth_level, _key(request)):
            return web.Response(status=401)
        headers = {name.lower(): value for name, value in joined(request.headers).items()}
        body = await request.read() if request.content_length else b""
        query = {name: value for name, value in joined(request.query).items() if value}
        call = HttpCall(request.method, f"http://{request.host}{request.raw_path}", headers, params, query, body)
        cause = Cause(
            "HTTP request",
            trace_parent=headers.get("traceparent", ""),
            trace_state=headers.get("tracestate", ""),
        )
        return response_of(endpoint.trigger, await self._pool.invoke(endpoint.function, call, cause))


def _key(request: web.Request) -> str:
    return request.headers.get(_KEY_HEADER) or request.query.get(_KEY_QUERY) or ""


def joined(values: MultiMapping[str]) -> Mapping[str, str]:
    """Every name once, its values joined with a comma."""
    return {name: ",".join(values.getall(name)) for name in dict.fromkeys(values)}


def response_of(trigger: HttpTrigger, result: Result) -> web.Response:
    """The answer to the caller; 204 where the function gave back nothing."""
    if not result.ok:
        return web.Response(status=500)
    match result.values.get(trigger.output) or result.values.get("$return"):
        case None:
            return web.Response(status=204)
        case Datum(value=value):
            return web.Response(body=value) if isinstance(value, bytes) else web.Response(text=str(value))
        case HttpReply() as reply:
            headers = CIMultiDict((n, v) for n, v in reply.headers.items() if n.lower() not in _FRAMING_HEADERS)
            headers.extend(("Set-Cookie", cookie) for cookie in reply.cookies)
            return web.Response(status=reply.status, headers=headers, body=reply.body)
