"""Requests to one company of one Service Layer: what a URL, a page and a batch are. No record is known here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from shared.clients.answers import Effect, json_body, lost, make_error, server_time
from shared.clients.connections import Clock, new_http_client
from shared.clients.http import NO_GATE, Call, Sender
from shared.clients.multipart import Part, PartAnswer, batch_type, encode_batch, parse_batch
from shared.clients.service_layer.config import SYSTEM, ServiceLayerConfig
from shared.clients.service_layer.odata import clean_row, query_string
from shared.clients.service_layer.outcomes import DIALECT, LOGIN_DIALECT
from shared.clients.service_layer.session import LockFactory, Session, no_lock
from shared.errors import Transient
from shared.ports import Gate, Row


@dataclass(frozen=True)
class Page:
    """Rows of one reply; ``more`` tells that the server itself knows of further ones; ``read_at`` is its clock."""

    rows: list[Row]
    more: bool
    read_at: datetime


class ServiceLayerClient:
    """Speaks to one company; share one per process. ``transport``, ``clock`` and ``login_lock`` are injected edges."""

    def __init__(
        self,
        config: ServiceLayerConfig,
        *,
        gate: Gate = NO_GATE,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        login_lock: LockFactory = no_lock,
    ) -> None:
        self.config = config
        self._clock = clock or Clock()
        # The server closes idle connections after five seconds; ours are given up a little earlier.
        self._http = new_http_client(
            ca_bundle=config.ca_bundle,
            max_connections=config.max_connections,
            keepalive_seconds=4.0,
            transport=transport,
        )
        login = Sender(self._http, LOGIN_DIALECT, gate=gate, times=config.times, clock=self._clock, root=config.root)
        self._session = Session(config, login, self._clock, login_lock)
        self._sender = Sender(
            self._http,
            DIALECT,
            gate=gate,
            credentials=self._session,
            times=config.times,
            clock=self._clock,
            root=config.root,
        )

    async def page(self, path: str, options: Mapping[str, str | int], size: int) -> Page:
        """One page of a set. Without its header the server would answer 20 rows at a time."""
        url = self.url(path, options)
        response, answer = await self._json(Call("GET", url, headers={"Prefer": f"odata.maxpagesize={size}"}))
        rows = answer.get("value") if isinstance(answer, Mapping) else None
        if not isinstance(rows, list):
            raise Transient("a page without rows", code="not-a-page", system=SYSTEM)
        more = bool(answer.get("@odata.nextLink") or answer.get("odata.nextLink"))
        return Page([clean_row(row) for row in rows], more, server_time(response, self._clock.now()))

    async def create(self, path: str, body: Mapping[str, Any]) -> tuple[Row | None, str]:
        """Create a record; the row as stored (None where the server sent none) and its Location."""
        response, answer = await self._json(Call("POST", self.url(path), Effect.CREATE, body=body))
        return clean_row(answer) if isinstance(answer, Mapping) else None, response.headers.get("Location", "")

    async def update(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        effect: Effect = Effect.UPDATE,
    ) -> None:
        """Set the columns of a record that exists; collections merge row by row, unless a header says otherwise."""
        await self._sender.send(Call("PATCH", self.url(path), effect, headers=headers or {}, body=body))

    async def post(self, operation: str, body: Mapping[str, Any], effect: Effect) -> Any:
        """Call an operation; its answer without annotations, None where it has none."""
        return (await self._json(Call("POST", self.url(operation), effect, body=dict(body))))[1]

    async def batch(
        self, change_sets: Sequence[Sequence[Part]], effect: Effect, masks: Sequence[object] = ()
    ) -> list[PartAnswer]:
        """Send change sets in one ``$batch``; the answers in order, up to the first change set that failed.

        ``effect`` is the worst of its parts. An answer that cannot be read leaves the whole batch unknown.
        """
        boundary = f"batch_{secrets.token_hex(12)}"
        call = Call(
            "POST",
            self.url("$batch"),
            effect,
            headers={"Content-Type": batch_type(boundary), "Accept": "multipart/mixed"},
            content=encode_batch(change_sets, boundary),
            masks=tuple(masks),
        )
        response = await self._sender.send(call)
        try:
            return parse_batch(response.headers.get("Content-Type", ""), response.content)
        except ValueError as error:
            text = "the answer to a batch cannot be read"
            raise make_error(lost(effect), text, code="bad-batch-answer", system=SYSTEM) from error

    async def close(self) -> None:
        """Log out and close the connections."""
        try:
            await self._session.end()
        finally:
            await self._http.aclose()

    def url(self, path: str, options: Mapping[str, str | int] | None = None) -> str:
        """An absolute URL; ``path`` is percent-encoded already."""
        query = query_string(options or {})
        return f"{self.config.root}/{path}" + (f"?{query}" if query else "")

    async def _json(self, call: Call) -> tuple[httpx.Response, Any]:
        response = await self._sender.send(call)
        return response, json_body(response, call.effect, SYSTEM)
