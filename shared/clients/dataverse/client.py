"""Requests to the Dataverse Web API: pages of rows, single writes, actions and ``$batch``.

Everything here is protocol; which rows are read and how many are written at once is decided above. No cookie is kept,
so that no request is pinned to one server and its service protection counters.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

from shared.clients.answers import Effect, json_body, leaf_values, lost, make_error, server_time
from shared.clients.connections import Clock, new_http_client
from shared.clients.dataverse.auth import EntraTokens, Tokens
from shared.clients.dataverse.config import SYSTEM, DataverseConfig
from shared.clients.dataverse.queries import LONGEST_URL, PageCursor, own_link
from shared.clients.dataverse.refusals import DIALECT, class_of, look_closer, read_body
from shared.clients.exact_json import dump_json, parse_json
from shared.clients.http import NO_GATE, Call, Sender
from shared.clients.multipart import Part, PartAnswer, batch_type, encode_batch, parse_batch
from shared.errors import HubError, Misconfigured, Transient, masked
from shared.ports import Gate, Row

_ODATA = {"OData-MaxVersion": "4.0", "OData-Version": "4.0"}
_FRESH = {"If-None-Match": "null"}
"""Literally the word null: it keeps caches on the way from answering."""
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_IN_BATCH = {"Content-Type": "application/json; type=entry"}
_DOP_HINT = "x-ms-dop-hint"
_BURST_LEFT = "x-ms-ratelimit-burst-remaining-xrm-requests"
_TIME_LEFT = "x-ms-ratelimit-time-remaining-xrm-requests"
_KEY_IN_ADDRESS = re.compile(r"\(([0-9a-fA-F-]{36})\)\s*$")


@dataclass(frozen=True)
class Page:
    """One page of rows, where the next one is (None: this was the last), and the server's clock."""

    rows: list[Row]
    next_link: str | None
    read_at: datetime


@dataclass(frozen=True)
class Limits:
    """What the last answer said is left of one server's service protection window; for people to look at, no more."""

    requests: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Operation:
    """One write inside a ``$batch``; ``path`` is relative to the Web API."""

    method: str
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    effect: Effect = Effect.UPDATE


@dataclass(frozen=True)
class Answer:
    """What became of one operation of a ``$batch``: the key its address tells, or the error."""

    key: str | None = None
    error: HubError | None = None


class DataverseClient:
    """Speaks to one environment; safe to use from many tasks at once.

    ``tokens`` replaces sign-in, ``transport`` the network, ``clock`` time and sleep; tests bring their own.
    """

    def __init__(
        self,
        config: DataverseConfig,
        *,
        gate: Gate = NO_GATE,
        tokens: Tokens | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        new_boundary: Callable[[], str] = lambda: f"batch_{uuid.uuid4()}",
    ) -> None:
        self.config = config
        self._clock = clock or Clock()
        self._http = new_http_client(ca_bundle=config.ca_bundle, max_connections=64, transport=transport)
        self._identity = _Identity(tokens or EntraTokens(config, monotonic=self._clock.monotonic), gate)
        self._new_boundary = new_boundary
        self._sender = Sender(
            self._http,
            DIALECT,
            gate=gate,
            credentials=self._identity,
            times=config.times,
            clock=self._clock,
            root=config.api,
        )

    @property
    def limits(self) -> Limits:
        """What the last answer said is left of a server's limits."""
        return self._identity.limits

    async def page(self, url: str, page_size: int) -> Page:
        """One page of a query or of a link from the server, which is followed as it stands.

        The page size is asked for on every page, since links do not carry it. An address that is too long for the way
        travels inside a ``$batch``. Raises Misconfigured for an address that is not this environment's.
        """
        own_link(url, self.config.api)
        headers = {**_ODATA, "Prefer": f"odata.maxpagesize={page_size}"}
        if len(url) > LONGEST_URL:
            return await self._page_in_batch(url, headers)
        response = await self._sender.send(Call("GET", url, headers={**headers, **_FRESH}))
        return self._page(json_body(response, Effect.READ, SYSTEM), server_time(response, self._clock.now()))

    async def rows(self, url: str, page_size: int) -> list[Row]:
        """All rows of a query. Raises Transient where the server's links lead in a circle."""
        rows: list[Row] = []
        cursor: PageCursor | None = PageCursor(url)
        while cursor:
            page = await self.page(cursor.link, page_size)
            rows += page.rows
            cursor = cursor.then(page.next_link) if page.next_link else None
        return rows

    async def get(self, path: str) -> tuple[Any, datetime]:
        """One resource as JSON, and the server's clock. ``path`` is relative to the Web API and percent-encoded."""
        response = await self._sender.send(Call("GET", self.config.api + path, headers={**_ODATA, **_FRESH}))
        return json_body(response, Effect.READ, SYSTEM), server_time(response, self._clock.now())

    async def send(
        self, method: str, path: str, body: Mapping[str, Any], effect: Effect, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, str | None]:
        """A write or an action: its JSON (None for none) and the key in the address of the record it made, if any."""
        content = None if method == "DELETE" else dict(body)
        call = Call(
            method, self.config.api + path, effect, headers={**_ODATA, **_JSON, **(headers or {})}, body=content
        )
        response = await self._sender.send(call)
        return json_body(response, effect, SYSTEM), _key_in(response.headers.get("OData-EntityId", ""))

    async def batch(self, operations: Sequence[Operation]) -> list[Answer]:
        """Every operation by itself, in order, in one request; one that is refused does not stop the others.

        An operation that the server left unanswered is Transient, or UnknownOutcome where it must not be repeated.
        """
        effect = Effect.CREATE if any(each.effect is Effect.CREATE for each in operations) else Effect.UPDATE
        parts = [self._part(each) for each in operations]
        answers, _ = await self._exchange_batch(parts, effect, tuple(leaf_values([each.body for each in operations])))
        unanswered = [self._unanswered(each) for each in operations[len(answers) :]]
        return [_answer(operation, part) for operation, part in zip(operations, answers, strict=False)] + unanswered

    async def together(self, operations: Sequence[Operation]) -> None:
        """All operations as one change set, in order: all of them or none. Raises what the first refused one means."""
        parts = [replace(self._part(each), content_id=str(number)) for number, each in enumerate(operations, start=1)]
        masks = tuple(leaf_values([each.body for each in operations]))
        answers, _ = await self._exchange_batch([parts], Effect.UPDATE, masks)
        for answer in (_answer(operations[0], part) for part in answers):
            if answer.error is not None:
                raise answer.error
        if len(answers) < len(operations):
            raise make_error(lost(Effect.UPDATE), "the change set was not answered", code="batch", system=SYSTEM)

    def _part(self, operation: Operation) -> Part:
        path = self.config.path + operation.path
        return Part(operation.method, path, {**_IN_BATCH, **operation.headers}, _content(operation))

    async def close(self) -> None:
        """Close all connections, those to sign-in too."""
        await asyncio.gather(self._http.aclose(), self._identity.close())

    async def _page_in_batch(self, url: str, headers: Mapping[str, str]) -> Page:
        part = Part("GET", url.removeprefix(self.config.root), {"Accept": "application/json", **headers})
        answers, read_at = await self._exchange_batch([part], Effect.READ, ())
        if not answers:
            raise Transient("a batch was not answered", code="batch", system=SYSTEM)
        if error := _error_of(answers[0], Effect.READ, url, ()):
            raise error
        try:
            body = parse_json(answers[0].content)
        except ValueError as error:
            raise Transient("the answer is not JSON", code="not-json", system=SYSTEM) from error
        return self._page(body, read_at)

    async def _exchange_batch(
        self, parts: Sequence[Part | Sequence[Part]], effect: Effect, masks: tuple[object, ...]
    ) -> tuple[list[PartAnswer], datetime]:
        boundary = self._new_boundary()
        headers = {**_ODATA, "Content-Type": batch_type(boundary), "Prefer": "odata.continue-on-error"}
        content = encode_batch(parts, boundary)
        call = Call("POST", f"{self.config.api}$batch", effect, headers=headers, content=content, masks=masks)
        response = await self._sender.send(call)
        try:
            answers = parse_batch(response.headers.get("Content-Type", ""), response.content)
        except ValueError as error:
            raise make_error(lost(effect), "the answer to a batch is cut off", code="batch", system=SYSTEM) from error
        return answers, server_time(response, self._clock.now())

    def _page(self, body: Any, read_at: datetime) -> Page:
        rows = body.get("value") if isinstance(body, Mapping) else None
        if not isinstance(rows, list) or not isinstance(body, Mapping):
            raise Transient("the answer is no page of rows", code="not-odata", system=SYSTEM)
        link = body.get("@odata.nextLink")
        return Page([_without_etag(row) for row in rows], str(link) if link else None, read_at)

    def _unanswered(self, operation: Operation) -> Answer:
        text = "the batch ended before this record"
        return Answer(error=make_error(lost(operation.effect), text, code="batch", system=SYSTEM))


class _Identity:
    """Bearer tokens for the sender, and an eye on what every answer says about limits."""

    def __init__(self, tokens: Tokens, gate: Gate) -> None:
        self._tokens = tokens
        self._gate = gate
        self._hint = 0
        self.limits = Limits()

    async def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        return {"Authorization": f"Bearer {await self._tokens.token()}"}

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Drop the refused token, unless someone else did already."""
        await self._tokens.drop(refused["Authorization"].removeprefix("Bearer "))

    async def notice(self, response: httpx.Response) -> None:
        """Pass a changed recommendation of parallel requests on to the gate."""
        burst, seconds = _number(response, _BURST_LEFT), _number(response, _TIME_LEFT)
        self.limits = Limits(None if burst is None else int(burst), seconds)
        hint = int(_number(response, _DOP_HINT) or 0)
        if hint > 0 and hint != self._hint:
            self._hint = hint
            await self._gate.hint(hint)

    async def close(self) -> None:
        """Close the connection to sign-in."""
        await self._tokens.close()


def _number(response: httpx.Response, header: str) -> float | None:
    """A number in a header; Dataverse writes some with thousands separators (``1,200.00``)."""
    try:
        return float(response.headers.get(header, "").replace(",", ""))
    except ValueError:
        return None


def _without_etag(row: Any) -> Row:
    if not isinstance(row, Mapping):
        raise Transient("the answer is no page of rows", code="not-odata", system=SYSTEM)
    return {name: value for name, value in row.items() if not name.startswith("@")}


def _content(operation: Operation) -> bytes:
    return b"" if operation.method == "DELETE" else dump_json(operation.body)


def _answer(operation: Operation, part: PartAnswer) -> Answer:
    error = _error_of(part, operation.effect, operation.path, tuple(leaf_values(operation.body)))
    return Answer(error=error) if error else Answer(key=_key_in(part.headers.get("odata-entityid", "")))


def _error_of(part: PartAnswer, effect: Effect, addressed: str, masks: tuple[object, ...]) -> HubError | None:
    """The error in one part's answer. A refused identity is a matter of the whole request, so it is Misconfigured."""
    if 200 <= part.status < 300:
        return None
    code, text = read_body(part.content)
    kind = class_of(part.status, code, effect) or Misconfigured
    shown = masked(f"HTTP {part.status}: {text}", masks)
    return look_closer(make_error(kind, shown, code=code or str(part.status), system=SYSTEM), text, addressed)


def _key_in(address: str) -> str | None:
    found = _KEY_IN_ADDRESS.search(address)
    return found[1].lower() if found else None
