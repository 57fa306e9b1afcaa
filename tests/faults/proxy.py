"""A reverse proxy between the hub and its storage account: it counts what passes, and strikes at chosen requests.

Requests and answers pass unchanged, headers and bytes alike; Azurite's shared key covers the path of a request, not its
host. A rule names a request (verb, path, body; the body of a table transaction is one text) and does something just
before it is passed on, or just after storage answered and before the answer is given back: the moments around a write at
which a process can die.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local.azurite import ACCOUNT, connection_string

_SERVICES = ("blob", "queue", "table")
_LARGEST_BODY = 8 * 1024 * 1024
# About one connection, not about the message (RFC 9110, 7.6.1); lengths are written anew.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"})
# Node closes idle connections after five seconds.
_KEEP_ALIVE_SECONDS = 2.0


class Moment(Enum):
    """When a rule acts: storage has not seen the request yet, or has carried it out and answered."""

    BEFORE = "before"
    AFTER = "after"


class Verdict(Enum):
    """What becomes of the request after the action: it goes its way, its connection is cut, or 503 is answered."""

    PASS = "pass"
    CUT = "cut"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Seen:
    """A request as rules see it: path and query percent-decoded, the body as text, the status once there is one."""

    service: str
    method: str
    path: str
    body: str
    status: int = 0


type Action = Callable[[Seen], Awaitable[Verdict]]


async def cut(_: Seen) -> Verdict:
    """Close the connection: before, nothing happened; after, the answer is lost."""
    return Verdict.CUT


async def refuse(_: Seen) -> Verdict:
    """Answer 503: the request did not happen (or, after, did, and nobody says so)."""
    return Verdict.REFUSE


@dataclass
class Rule:
    """Which requests, and what happens to them: to the ``nth`` match and those after it, ``times`` in all."""

    action: Action
    method: str = ""
    path: str = ""
    body: str = ""
    service: str = ""
    moment: Moment = Moment.BEFORE
    nth: int = 1
    times: int | None = 1
    matched: int = 0
    hits: int = 0
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def strikes(self, seen: Seen) -> bool:
        """Count the request if it matches, and tell whether the action is due."""
        if not (
            (not self.service or self.service == seen.service)
            and re.fullmatch(self.method or ".*", seen.method)
            and re.search(self.path, seen.path)
            and re.search(self.body, seen.body, re.DOTALL)
        ):
            return False
        self.matched += 1
        if self.matched < self.nth or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


class StorageProxy:
    """The proxy of one storage account. ``calls`` counts by service, verb and table or queue."""

    def __init__(self, upstream_ports: tuple[int, int, int]) -> None:
        self._upstream = dict(zip(_SERVICES, upstream_ports, strict=True))
        self._ports: dict[str, int] = {}
        self._runners: list[web.AppRunner] = []
        self._session: aiohttp.ClientSession | None = None
        self.rules: list[Rule] = []
        self.calls: Counter[tuple[str, str, str]] = Counter()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        for service in _SERVICES:
            await self._listen(service)
        return self

    async def __aexit__(self, *_: object) -> None:
        for runner in self._runners:
            await runner.cleanup()
        if self._session is not None:
            await self._session.close()

    @property
    def connection_string(self) -> str:
        """The account as the hub is to see it."""
        return connection_string(*(self._ports[service] for service in _SERVICES))

    def on(
        self,
        action: Action,
        *,
        method: str = "",
        path: str = "",
        body: str = "",
        service: str = "",
        moment: Moment = Moment.BEFORE,
        nth: int = 1,
        times: int | None = 1,
    ) -> Rule:
        """Add a rule; ``await rule.struck.wait()`` returns once it has acted."""
        rule = Rule(action, method, path, body, service, moment, nth, times)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Drop all rules."""
        self.rules.clear()

    async def _listen(self, service: str) -> None:
        app = web.Application(client_max_size=_LARGEST_BODY)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(service, request)

        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._runners.append(runner)
        self._ports[service] = runner.addresses[0][1]

    async def _handle(self, service: str, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        text = unquote(body.decode("utf-8", "replace"))
        seen = Seen(service, request.method, unquote(request.raw_path), text)
        self.calls[service, request.method, _collection(seen)] += 1
        verdict = await self._act(seen, Moment.BEFORE)
        if verdict is not Verdict.PASS:
            return _disturbed(request, verdict)
        try:
            answer = await self._forward(service, request, body)
        except aiohttp.ClientError:
            return _disturbed(request, Verdict.CUT)
        seen = Seen(service, seen.method, seen.path, seen.body, answer.status)
        verdict = await self._act(seen, Moment.AFTER)
        return answer if verdict is Verdict.PASS else _disturbed(request, verdict)

    async def _act(self, seen: Seen, moment: Moment) -> Verdict:
        for rule in list(self.rules):
            if rule.moment is moment and rule.strikes(seen):
                verdict = await rule.action(seen)
                rule.struck.set()
                if verdict is not Verdict.PASS:
                    return verdict
        return Verdict.PASS

    async def _forward(self, service: str, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        url = URL(f"http://127.0.0.1:{self._upstream[service]}{request.raw_path}", encoded=True)
        async with self._session.request(
            request.method,
            url,
            data=body or None,
            headers={**_passed_on(request.headers), "Content-Length": str(len(body))},
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        ) as answer:
            content = await answer.read()
            return web.Response(
                status=answer.status, reason=answer.reason, headers=_passed_on(answer.headers), body=content
            )


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)


def _collection(seen: Seen) -> str:
    """The table or queue; of a transaction, that of its first change."""
    path = seen.path.partition("?")[0].removeprefix(f"/{ACCOUNT}").strip("/")
    if path == "$batch":
        first = re.search(rf"/{ACCOUNT}/(\w+)", seen.body)
        return first[1] if first else path
    return re.split(r"[/(]", path, maxsplit=1)[0]


def _disturbed(request: web.Request, verdict: Verdict) -> web.Response:
    if verdict is Verdict.CUT and request.transport is not None:
        request.transport.abort()
    return web.Response(status=503, headers={"x-ms-error-code": "ServerBusy"})
