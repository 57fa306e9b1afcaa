"""Edges for client tests: a clock that moves when someone sleeps, a gate that remembers, a scripted system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from shared.clients.connections import Clock

START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)

type Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeTime:
    """Seconds pass only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: START + timedelta(seconds=self.seconds), lambda: self.seconds, self.sleep)


class RecordingGate:
    """Counts slots and pauses; refuses a second slot to whoever holds one, as a gate of one would wait forever."""

    def __init__(self) -> None:
        self.taken = 0
        self.held = 0
        self.most_held = 0
        self.pauses: list[float] = []

    def slot(self) -> AbstractAsyncContextManager[None]:
        return self._hold()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        self.taken += 1
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        try:
            yield
        finally:
            self.held -= 1

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def hint(self, at_once: int) -> None:
        return None


class Script:
    """A transport that plays the steps one after another and keeps the requests; one request too many fails."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self.steps, f"unexpected request: {request.method} {request.url}"
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else step
