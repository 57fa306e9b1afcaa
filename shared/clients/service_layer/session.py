"""The one session a process has with the Service Layer: logged in once for all callers, renewed when it dies.

Both cookies are kept by hand: ``B1SESSION`` comes without a path and ``ROUTEID`` may move to another node with any
answer; without it writes can land on another node and fail to commit (Service Layer user guide and field reports).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx

from shared.clients.answers import Effect, json_body
from shared.clients.connections import Clock
from shared.clients.http import Call, Sender
from shared.clients.service_layer.config import SYSTEM, ServiceLayerConfig
from shared.errors import HubError, Misconfigured, Transient

type LockFactory = Callable[[], AbstractAsyncContextManager[None]]

_DEFAULT_MINUTES = 30
_LONGEST_MARGIN_SECONDS = 120.0
_REFUSAL_HOLDS_SECONDS = 30.0
_LOGOUT_SECONDS = 5.0


@asynccontextmanager
async def no_lock() -> AsyncIterator[None]:
    """A lock that is always free: for one process alone."""
    yield


@dataclass
class _Live:
    """A session the server gave us; ``route`` is the node it sticks to, ``used`` the monotonic time of its last use."""

    id: str
    route: str
    idle_seconds: float
    used: float

    @property
    def cookie(self) -> str:
        """The Cookie header."""
        return f"B1SESSION={self.id}" + (f"; ROUTEID={self.route}" if self.route else "")

    def is_fresh(self, now: float) -> bool:
        """Whether the server's idle timeout is still safely away."""
        margin = min(_LONGEST_MARGIN_SECONDS, self.idle_seconds / 2)
        return now - self.used < self.idle_seconds - margin


class Session:
    """Credentials of the Service Layer client.

    Logins are one at a time, in the process by its own lock and in the fleet by ``login_lock``: parallel logins fail
    with 500/299. Callers that waited while a login failed get its error instead of trying again one by one, and wrong
    credentials are not sent again for half a minute, since SAP locks users after repeated failures.
    """

    def __init__(self, config: ServiceLayerConfig, sender: Sender, clock: Clock, login_lock: LockFactory) -> None:
        self._config = config
        self._sender = sender
        self._clock = clock
        self._login_lock = login_lock
        self._lock = asyncio.Lock()
        self._live: _Live | None = None
        self._logins = 0
        self._failure: HubError | None = None
        self._failed_at = 0.0

    async def headers(self) -> Mapping[str, str]:
        """The session's cookies, logging in first where there is none or it is about to time out."""
        live = self._live
        if live is None or not live.is_fresh(self._clock.monotonic()):
            live = await self._login(live)
        live.used = self._clock.monotonic()
        return {"Cookie": live.cookie}

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Log in again, unless someone did since the refused headers were made."""
        live = self._live
        if live is not None and _cookies([refused.get("Cookie", "")]).get("B1SESSION") != live.id:
            return
        await self._login(live)

    async def notice(self, response: httpx.Response) -> None:
        """Follow the balancer to another node."""
        route = _cookies(response.headers.get_list("set-cookie")).get("ROUTEID")
        if route and self._live is not None:
            self._live.route = route

    async def end(self) -> None:
        """Give the session back; the server would otherwise hold it until it times out. Never raises HubError."""
        live, self._live = self._live, None
        if live is None:
            return
        call = Call("POST", f"{self._config.root}/Logout", headers={"Cookie": live.cookie})
        try:
            async with asyncio.timeout(_LOGOUT_SECONDS):
                await self._sender.send(call)
        except (HubError, TimeoutError):
            return  # A session that cannot be given back times out by itself.

    async def _login(self, old: _Live | None) -> _Live:
        """The live session that replaces ``old``; logs in unless another caller just did."""
        seen = self._logins
        async with self._lock:
            if self._live is not None and self._live is not old:
                return self._live
            self._raise_known_failure(seen)
            try:
                async with self._login_lock():
                    self._live = await self._ask()
                self._failure = None
            except HubError as error:
                self._live = None
                self._failure, self._failed_at = error, self._clock.monotonic()
                raise
            finally:
                self._logins += 1
            return self._live

    def _raise_known_failure(self, seen: int) -> None:
        if self._failure is None:
            return
        holds = isinstance(self._failure, Misconfigured) and (
            self._clock.monotonic() - self._failed_at < _REFUSAL_HOLDS_SECONDS
        )
        if holds or self._logins != seen:
            raise self._failure

    async def _ask(self) -> _Live:
        config = self._config
        body = {"CompanyDB": config.company_db, "UserName": config.user, "Password": config.password}
        response = await self._sender.send(Call("POST", f"{config.root}/Login", Effect.READ, body=body))
        answer = json_body(response, Effect.READ, SYSTEM)
        cookies = _cookies(response.headers.get_list("set-cookie"))
        answer = answer if isinstance(answer, Mapping) else {}
        session_id = cookies.get("B1SESSION") or str(answer.get("SessionId") or "")
        if not session_id:
            raise Transient("the login was answered without a session", code="no-session", system=SYSTEM)
        minutes = answer.get("SessionTimeout")
        return _Live(
            id=session_id,
            route=cookies.get("ROUTEID", ""),
            idle_seconds=60.0 * (float(minutes) if minutes else _DEFAULT_MINUTES),
            used=self._clock.monotonic(),
        )


def _cookies(lines: list[str]) -> dict[str, str]:
    """Names and values of cookie headers, attributes included; case matters in both."""
    pairs = (pair.strip().partition("=") for line in lines for pair in line.split(";"))
    return {name: value for name, _, value in pairs if name and value}
