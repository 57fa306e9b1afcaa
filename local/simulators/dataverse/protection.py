"""Service protection: requests, execution time and concurrency, counted per web server over a sliding window.

A client that keeps its ARRAffinity cookie stays on one server and one set of counters; without it requests go round.
Requests sent during a pause lengthen it, as documented.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from local.simulators.dataverse.wire import DataverseError

COOKIE: Final = "ARRAffinity"


@dataclass
class Limits:
    """Per user and server; tests set small ones. Defaults are the documented ones."""

    requests: int = 6000
    milliseconds: float = 1_200_000.0
    concurrent: int = 52
    window_seconds: float = 300.0


@dataclass
class WebServer:
    """The counters of one server."""

    affinity: str
    current: int = 0
    paused_until: datetime | None = None
    pause_kind: str = "requests"
    history: deque[tuple[datetime, float]] = field(default_factory=deque)

    def forget_before(self, moment: datetime) -> None:
        """Drop what has left the window."""
        while self.history and self.history[0][0] <= moment:
            self.history.popleft()


class ServiceProtection:
    """Admits or refuses requests, and tells what is left for the response headers."""

    def __init__(self, servers: int, now: Callable[[], datetime]) -> None:
        self.limits = Limits()
        self._now = now
        self._next = 0
        self.servers = [WebServer(hashlib.sha256(f"server {number}".encode()).hexdigest()) for number in range(servers)]

    def reset(self) -> None:
        """Forget all counters; limits stay."""
        for server in self.servers:
            server.history.clear()
            server.paused_until = None

    def choose(self, affinity: str | None) -> WebServer:
        """The server of a cookie, or the next one in turn."""
        for server in self.servers:
            if server.affinity == affinity:
                return server
        self._next = (self._next + 1) % len(self.servers)
        return self.servers[self._next]

    def admit(self, server: WebServer) -> None:
        """Count a request in; raises 429 with Retry-After if one of the three limits is exceeded."""
        now = self._now()
        window = timedelta(seconds=self.limits.window_seconds)
        server.forget_before(now - window)
        if server.current >= self.limits.concurrent:
            raise self.refusal("concurrency", 1)
        if server.paused_until is not None and now < server.paused_until:
            server.paused_until += timedelta(seconds=1)
            raise self.refusal(server.pause_kind, math.ceil((server.paused_until - now).total_seconds()))
        server.paused_until = None
        kind = self._exceeded(server)
        if kind is not None:
            server.pause_kind = kind
            server.paused_until = (server.history[0][0] if server.history else now) + window
            seconds = max(1, math.ceil((server.paused_until - now).total_seconds()))
            raise self.refusal(kind, seconds)
        server.current += 1

    def _exceeded(self, server: WebServer) -> str | None:
        if len(server.history) >= self.limits.requests:
            return "requests"
        used = sum(milliseconds for _, milliseconds in server.history) if server.history else 0.0
        return "time" if server.history and used >= self.limits.milliseconds else None

    def leave(self, server: WebServer, milliseconds: float) -> None:
        """Count a request out, with the time it took."""
        server.current -= 1
        server.history.append((self._now(), milliseconds))

    def remaining(self, server: WebServer) -> tuple[int, float]:
        """Requests and milliseconds left in the window of a server."""
        used = sum(milliseconds for _, milliseconds in server.history)
        return max(self.limits.requests - len(server.history), 0), max(self.limits.milliseconds - used, 0.0)

    def refusal(self, kind: str, retry_after: int) -> DataverseError:
        """The 429 of one kind: requests, time or concurrency."""
        limits, window = self.limits, f"{self.limits.window_seconds:g}"
        code, message = {
            "requests": (
                "0x80072322",
                f"Number of requests exceeded the limit of {limits.requests} over time window of {window} seconds.",
            ),
            "time": (
                "0x80072321",
                f"Combined execution time of incoming requests exceeded limit of {limits.milliseconds:,.0f} "
                f"milliseconds over time window of {window} seconds. Decrease number of concurrent requests or reduce "
                "the duration of requests and try again later.",
            ),
            "concurrency": (
                "0x80072326",
                f"Number of concurrent requests exceeded the limit of {limits.concurrent}.",
            ),
        }[kind]
        return DataverseError(429, code, message, {"Retry-After": str(retry_after)})
