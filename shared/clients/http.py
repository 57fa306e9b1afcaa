"""One request to a system: under a gate slot, with the system's credentials, repeated only where that is harmless.

A client describes its system by a :class:`Dialect` (how an error body is read, which class a status and code mean) and
sends :class:`Call`\\ s through a :class:`Sender`. What comes back is a success; everything else is raised as one of
``shared.errors``. Bodies, cookies and tokens are never logged.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from shared import telemetry
from shared.clients.answers import Effect, leaf_values, make_error, retry_after_seconds
from shared.clients.connections import Clock, HttpTimes
from shared.clients.exact_json import JSON_TYPE, dump_json
from shared.errors import HubError, Misconfigured, Throttled, Transient, UnknownOutcome, masked
from shared.ports import Gate, requests_sent
from shared.telemetry.requests import route_of

_log = logging.getLogger(__name__)


class NoGate:
    """A gate that lets everything through."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Free at once."""
        return _free()

    async def pause(self, seconds: float) -> None:
        """Nothing to pause."""

    async def hint(self, at_once: int) -> None:
        """Nothing to limit."""


@asynccontextmanager
async def _free() -> AsyncIterator[None]:
    yield


NO_GATE: Gate = NoGate()


class Credentials(Protocol):
    """Who the requests are sent as."""

    async def headers(self) -> Mapping[str, str]:
        """Headers that prove it; obtained first if need be."""

    async def renew(self, refused: Mapping[str, str]) -> None:
        """The system refused these headers: the next :meth:`headers` must be newer than them.

        Called by several requests at once after the same refusal; only the first need do anything.
        """

    async def notice(self, response: httpx.Response) -> None:
        """Look at every answer (a moved cookie, a recommended number of requests)."""


class NoCredentials:
    """Requests that need no proof of identity."""

    async def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Nothing to renew."""

    async def notice(self, response: httpx.Response) -> None:
        """Nothing to look at."""


@dataclass(frozen=True)
class Call:
    """One request. ``url`` is absolute and already percent-encoded; ``body`` is a JSON value, ``content`` raw bytes.

    ``masks`` are values that must not survive in an error text, besides those of the body.
    """

    method: str
    url: str
    effect: Effect = Effect.READ
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    masks: tuple[object, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """How one system says no.

    ``read_error`` gives code and (unmasked) text of an answer that is not a success. ``class_of`` is the system's one
    table: the error class of status, code and effect, None for success. ``identity_refused`` tells the answers that a
    fresh login cures; they prove that nothing was carried out. ``look_closer`` may name fields or choose another class
    by the (unmasked) text.
    """

    system: str
    read_error: Callable[[httpx.Response], tuple[str, str]]
    class_of: Callable[[int, str, Effect], type[HubError] | None]
    identity_refused: Callable[[int, str], bool] = lambda status, _code: status == 401
    fields_in: Callable[[str], tuple[str, ...]] = lambda _text: ()

    def error(
        self,
        response: httpx.Response,
        effect: Effect,
        *,
        masks: Iterable[object] = (),
        wait_seconds: float | None = None,
    ) -> HubError | None:
        """The error an answer stands for, its text masked; None for success. Serves parts of a batch too."""
        if response.is_success:
            return None
        code, text = self.read_error(response)
        kind = self.class_of(response.status_code, code, effect)
        if kind is None:
            return None
        if wait_seconds is not None and kind is Transient:
            kind = Throttled
        return make_error(
            kind,
            masked(f"HTTP {response.status_code}: {text}", masks),
            code=code or str(response.status_code),
            system=self.system,
            retry_after_seconds=wait_seconds,
            fields=self.fields_in(text),
        )

    look_closer: Callable[[httpx.Response, HubError], HubError] = lambda _response, error: error


class _AgainError(Exception):
    """An error worth another try: after the seconds the system named, else after a pause of our own.

    ``cut`` says that the connection broke; one kept from before may just have been closed by the other end.
    """

    def __init__(self, error: HubError, *, wait_seconds: float | None = None, cut: bool = False) -> None:
        super().__init__(error.text)
        self.error = error
        self.wait_seconds = wait_seconds
        self.cut = cut


class Sender:
    """Sends calls to one system; safe to use from many tasks at once."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        dialect: Dialect,
        *,
        gate: Gate = NO_GATE,
        credentials: Credentials | None = None,
        times: HttpTimes | None = None,
        clock: Clock | None = None,
        root: str = "",
    ) -> None:
        self._client = client
        self._root = root
        self._dialect = dialect
        self._gate = gate
        self._credentials = credentials or NoCredentials()
        self._times = times or HttpTimes()
        self._clock = clock or Clock()
        self._backoff = wait_random_exponential(multiplier=self._times.first_wait, max=self._times.longest_wait)

    async def send(self, call: Call) -> httpx.Response:
        """The successful answer; else one of ``shared.errors`` once repeating is unsafe or the budget is spent.

        Throttled and Transient are repeated, waiting as the system asked or with growing, jittered pauses. An identity
        that was refused is renewed once and the call sent again. A create whose answer was lost is UnknownOutcome.
        """
        started = self._clock.monotonic()

        def budget_is_spent(state: RetryCallState) -> bool:
            return self._clock.monotonic() - started + state.upcoming_sleep > self._times.budget

        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception_type(_AgainError),
            wait=self._wait,
            stop=budget_is_spent,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, call, itertools.count())
        except _AgainError as again:
            raise again.error from again.__cause__

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _AgainError) and error.cut and state.attempt_number == 1:
            return 0.0
        if isinstance(error, _AgainError) and error.wait_seconds is not None:
            # A little more than asked, so that everyone who was told the same does not come at the same moment.
            return error.wait_seconds + self._backoff(state) / 4
        return self._backoff(state)

    async def _attempt(self, call: Call, sent: Iterator[int]) -> httpx.Response:
        headers = await self._credentials.headers()
        response, error = await self._exchange(call, headers, next(sent))
        if self._is_refused_identity(response):
            await self._credentials.renew(headers)
            response, error = await self._exchange(call, await self._credentials.headers(), next(sent))
        if error is not None:
            await self._refuse(response, error)
        return response

    def _is_refused_identity(self, response: httpx.Response) -> bool:
        if response.is_success:
            return False
        return self._dialect.identity_refused(response.status_code, self._dialect.read_error(response)[0])

    async def _exchange(
        self, call: Call, headers: Mapping[str, str], resend: int
    ) -> tuple[httpx.Response, HubError | None]:
        """The answer, and the error that it stands for before anybody looks closer."""
        request = self._request(call, headers)
        if (sent := requests_sent.get()) is not None:
            sent.append(request.method)
        wanted = self._clock.monotonic()
        async with self._gate.slot():
            started = self._clock.monotonic()
            with telemetry.request(
                self._dialect.system,
                call.method,
                route_of(call.url, self._root),
                resend=resend,
                gate_wait_seconds=started - wanted,
            ) as told:
                try:
                    async with asyncio.timeout(self._times.longest(call.effect)):
                        response = await self._client.send(request)
                except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                    raise self._of_transport(call, error) from error
                refusal = self._error(call, response)
                told.answered(response.status_code, throttled=isinstance(refusal, Throttled))
        _log.debug(
            "request",
            extra={
                "system": self._dialect.system,
                "method": call.method,
                "status": response.status_code,
                "seconds": round(self._clock.monotonic() - started, 3),
            },
        )
        await self._credentials.notice(response)
        return response, refusal

    def _request(self, call: Call, headers: Mapping[str, str]) -> httpx.Request:
        content = call.content
        own = {"Accept": JSON_TYPE, **call.headers, **headers}
        if content is None and call.body is not None:
            content = dump_json(call.body)
            own.setdefault("Content-Type", JSON_TYPE)
        try:
            return self._client.build_request(
                call.method, call.url, headers=own, content=content, timeout=self._times.timeout(call.effect)
            )
        except httpx.InvalidURL as error:
            raise Misconfigured("the address of the system is not a URL", system=self._dialect.system) from error

    def _of_transport(self, call: Call, error: Exception) -> Exception:
        """What a failure below HTTP means: it depends on whether the request can have reached the system."""
        system = self._dialect.system
        kind = type(error).__name__
        if is_bad_certificate(error):
            return Misconfigured("the system's certificate is not trusted; see the CA bundle setting", system=system)
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return Misconfigured("the address of the system is not an http(s) URL", code=kind, system=system)
        if call.effect is Effect.CREATE and not isinstance(error, _NEVER_SENT):
            return UnknownOutcome("the answer to a write was lost", code=kind, system=system)
        return _AgainError(
            Transient("the system could not be reached", code=kind, system=system),
            cut=isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError),
        )

    def _error(self, call: Call, response: httpx.Response) -> HubError | None:
        """What an answer that is no success means."""
        if response.is_success:
            return None
        wait_seconds = retry_after_seconds(response, self._clock.now())
        masks = [*call.masks, *leaf_values(call.body)]
        return self._dialect.error(response, call.effect, masks=masks, wait_seconds=wait_seconds)

    async def _refuse(self, response: httpx.Response, error: HubError) -> None:
        """Raise what the answer stands for; everybody waits if the system asked for that."""
        wait_seconds = error.retry_after_seconds if isinstance(error, Throttled) else None
        if wait_seconds is not None:
            await self._gate.pause(wait_seconds)
        if isinstance(error, Throttled | Transient):
            raise _AgainError(error, wait_seconds=wait_seconds)
        raise self._dialect.look_closer(response, error)


_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def is_bad_certificate(error: BaseException) -> bool:
    """Whether a failure to connect comes from a certificate that is not trusted."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
