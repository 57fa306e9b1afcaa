"""Requests to one Tagrain account: pages, single records, creations under an idempotency key. No record is known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from shared.clients.answers import Effect, json_body, lost, make_error, server_time
from shared.clients.connections import Clock, new_http_client
from shared.clients.http import NO_GATE, Call, NoCredentials, Sender
from shared.clients.tagrain.config import SYSTEM, TagrainConfig
from shared.clients.tagrain.outcomes import DIALECT, no_such_collection
from shared.clients.tagrain.queries import Pairs, query
from shared.errors import Misconfigured, NotFound, Throttled, Transient, Undetermined, UnknownOutcome
from shared.ports import Gate, Row


@dataclass(frozen=True)
class Page:
    """Records of one answer, the cursor behind them (None: this was the last page), and the server's clock."""

    rows: list[Row]
    cursor: str | None
    read_at: datetime


class TagrainClient:
    """Speaks to one account; share one per process. ``transport`` and ``clock`` are injected edges."""

    def __init__(
        self,
        config: TagrainConfig,
        *,
        gate: Gate = NO_GATE,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.config = config
        self._clock = clock or Clock()
        self._http = new_http_client(ca_bundle=config.ca_bundle, transport=transport)
        self._sender = Sender(
            self._http,
            DIALECT,
            gate=gate,
            credentials=_Key(config.api_key),
            times=config.times,
            clock=self._clock,
            root=config.root,
        )

    async def page(self, collection: str, pairs: Pairs, size: int, cursor: str | None = None) -> Page:
        """One page, in the server's order. Misconfigured for a collection that does not exist.

        A cursor that leads back to where it came from is Transient: following it would never end.
        """
        after = [("cursor", cursor)] if cursor else []
        path = f"{collection}?{query([('pageSize', str(size)), *pairs, *after])}"
        body, read_at = await self._read(path, masks=[value for _, value in pairs])
        rows = body.get("items") if isinstance(body, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
            raise Transient("the answer is no page of records", code="not-a-page", system=SYSTEM)
        following = body.get("nextCursor")
        if following is not None and following == cursor:
            raise _in_a_circle()
        return Page(rows, str(following) if following else None, read_at)

    async def rows(self, collection: str, pairs: Pairs) -> list[Row]:
        """All records that the filters let through; Transient where cursors lead in a circle."""
        rows: list[Row] = []
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = await self.page(collection, pairs, self.config.page_size, cursor)
            rows += page.rows
            if page.cursor is None:
                return rows
            if page.cursor in seen:
                raise _in_a_circle()
            seen.add(page.cursor)
            cursor = page.cursor

    async def single(self, path: str) -> tuple[Row, datetime]:
        """The one record at a path, and the server's clock. Misconfigured where there is none."""
        body, read_at = await self._read(path)
        if not isinstance(body, dict):
            raise Transient("the answer is no record", code="not-a-record", system=SYSTEM)
        return body, read_at

    async def create(self, collection: str, body: Mapping[str, Any], key: str) -> Row:
        """The record as it was created; the same key never creates twice, so a lost answer is asked for once more.

        UnknownOutcome if that is not answered either; a refusal then proves that nothing was created.
        """
        call = Call("POST", self._url(collection), Effect.CREATE, headers={"Idempotency-Key": key}, body=dict(body))
        started = self._clock.monotonic()
        try:
            return await self._write(call)
        except Undetermined:
            raise
        except UnknownOutcome as unknown:
            pause = self.config.times.first_wait
            if self._clock.monotonic() - started + pause > self.config.times.budget:
                raise
            await self._clock.sleep(pause)
            try:
                return await self._write(call)
            except (Throttled, Transient, Misconfigured, NotFound) as error:
                raise unknown from error

    async def update(self, path: str, body: Mapping[str, Any]) -> Row:
        """The record after the given properties were set; the others stay. A repeat ends the same."""
        return await self._write(Call("PATCH", self._url(path), Effect.UPDATE, body=dict(body)))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _url(self, path: str) -> str:
        return f"{self.config.root}/{path}"

    async def _read(self, path: str, masks: Sequence[object] = ()) -> tuple[Any, datetime]:
        try:
            response = await self._sender.send(Call("GET", self._url(path), masks=tuple(masks)))
        except NotFound as error:
            raise no_such_collection(error) from error
        return json_body(response, Effect.READ, SYSTEM), server_time(response, self._clock.now())

    async def _write(self, call: Call) -> Row:
        response = await self._sender.send(call)
        body = json_body(response, call.effect, SYSTEM)
        if not isinstance(body, dict):
            raise make_error(lost(call.effect), "the answer is no record", code="not-a-record", system=SYSTEM)
        return body


class _Key(NoCredentials):
    """The account's key; there is nothing to renew."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"}

    async def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        return self._headers


def _in_a_circle() -> Transient:
    return Transient("the pages of Tagrain lead in a circle", code="paging", system=SYSTEM)
