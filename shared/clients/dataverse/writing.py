"""How many records are written: in bulk where the table can, row by row inside one request where it must.

A bulk message is one transaction that names one cause, so a chunk that is refused goes again as a ``$batch``, where the
good rows land and every bad one is named. Creates carry a key chosen before (a repeat ends the same), updates carry
``If-Match: *`` (a record deleted meanwhile is NotFound and never comes back).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import batched
from math import ceil
from typing import Any

from shared.clients.answers import Effect
from shared.clients.dataverse.client import DataverseClient, Operation
from shared.clients.dataverse.config import SYSTEM
from shared.clients.dataverse.queries import encoded, is_guid, name, record_path, text_literal
from shared.errors import Conflict, HubError, Misconfigured, NotFound, Rejected, Throttled, Transient, UnknownOutcome
from shared.ports import Entity, Row, Write, WriteResult

_WHOLE_CALL = (Throttled, Transient, Misconfigured)


@dataclass(frozen=True)
class _Way:
    """How one kind of write is spelled: alone, in a ``$batch``, and as a bulk message ("" where there is none)."""

    method: str
    headers: Mapping[str, str]
    bulk: str
    effect: Effect


class Kind(Enum):
    """The kinds of write, in the order in which they are sent."""

    CREATE = _Way("PATCH", {}, "UpsertMultiple", Effect.UPDATE)
    """With a key of our choice: an upsert, so that a repeat is harmless."""
    UPDATE = _Way("PATCH", {"If-Match": "*"}, "UpdateMultiple", Effect.UPDATE)
    KEYLESS_CREATE = _Way("POST", {}, "", Effect.CREATE)
    """Dataverse chooses the key; a lost answer is UnknownOutcome."""
    UNLOCKED = _Way("PATCH", {"If-Match": "*"}, "", Effect.UPDATE)
    """An update between two others of the same row, in a change set of its own."""
    DELETE = _Way("DELETE", {}, "", Effect.UPDATE)
    """A row that is gone already is NotFound; a repeat after a lost answer therefore too."""


class Writer:
    """Writes records of any table; remembers per process which tables take bulk messages."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client
        self._supported: dict[tuple[str, str], bool] = {}
        self._asking = asyncio.Lock()

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        """What became of each write, in their order.

        Raises Throttled, Transient or Misconfigured only where that is what became of every one of them. After such
        an error the rest is not sent; its results carry the same error.
        """
        results: dict[int, WriteResult] = {}
        halted: HubError | None = None
        for kind, numbers in _grouped(writes, results).items():
            size = 1 if kind is Kind.UNLOCKED else self._client.config.bulk_size
            for chunk in batched(numbers, size, strict=False):
                asked = [writes[number] for number in chunk]
                if halted is None:
                    answers, halted = await self._attempt(entity, kind, asked)
                else:
                    answers = _all_with(asked, halted)
                results.update(zip(chunk, answers, strict=True))
        ordered = [results[number] for number in range(len(writes))]
        errors = [result.error for result in ordered]
        if errors and errors[0] and all(isinstance(error, _WHOLE_CALL) for error in errors):
            raise errors[0]
        return ordered

    def requests_to_write(self, writes: Sequence[Write]) -> int:
        """Each kind of write in as many requests as it fills; those that stand between two others go one by one."""
        sizes = {kind: len(numbers) for kind, numbers in _grouped(writes, {}).items()}
        alone = sizes.pop(Kind.UNLOCKED)
        return alone + sum(ceil(size / self._client.config.bulk_size) for size in sizes.values())

    async def _attempt(
        self, entity: Entity, kind: Kind, chunk: Sequence[Write]
    ) -> tuple[list[WriteResult], HubError | None]:
        """The results of a chunk, and the error that keeps everything after it from being sent, if there was one."""
        try:
            return await self._send(entity, kind, chunk), None
        except _WHOLE_CALL as error:
            return _all_with(chunk, error), error
        except UnknownOutcome as error:
            rest = Transient(
                "not sent, because the answer to the writes before was lost", code=error.code, system=SYSTEM
            )
            return _all_with(chunk, error), rest

    async def _send(self, entity: Entity, kind: Kind, chunk: Sequence[Write]) -> list[WriteResult]:
        if kind is Kind.UNLOCKED:
            return [await self._send_together(entity, chunk[0])]
        if len(chunk) == 1:
            return [await self._send_one(entity, kind, chunk[0])]
        if kind.value.bulk and await self.supports(entity.type, kind.value.bulk):
            try:
                return await self._send_bulk(entity, kind, chunk)
            except HubError as error:
                if not _concerns_rows(error):
                    raise
        return await self._send_batch(entity, kind, chunk)

    async def _send_one(self, entity: Entity, kind: Kind, write: Write) -> WriteResult:
        way = kind.value
        try:
            _, key = await self._client.send(
                way.method, _path(entity, write.key), _columns(entity, write), way.effect, way.headers
            )
        except (Rejected, Conflict) as error:
            return WriteResult(write.ref, write.key, error=error)
        return WriteResult(write.ref, write.key or key)

    async def _send_together(self, entity: Entity, write: Write) -> WriteResult:
        way, path = Kind.UNLOCKED.value, _path(entity, write.key)
        assert write.around is not None
        before, after = write.around
        bodies = (before, _columns(entity, write), after)
        try:
            await self._client.together([Operation(way.method, path, body, way.headers, way.effect) for body in bodies])
        except (Rejected, Conflict, NotFound) as error:
            return WriteResult(write.ref, write.key, error=error)
        return WriteResult(write.ref, write.key)

    async def _send_bulk(self, entity: Entity, kind: Kind, chunk: Sequence[Write]) -> list[WriteResult]:
        record_type = f"Microsoft.Dynamics.CRM.{entity.type}"
        targets = [{"@odata.type": record_type, entity.key: each.key, **_columns(entity, each)} for each in chunk]
        path = f"{name(entity.set)}/Microsoft.Dynamics.CRM.{kind.value.bulk}"
        await self._client.send("POST", path, {"Targets": targets}, kind.value.effect)
        return [WriteResult(each.ref, each.key) for each in chunk]

    async def _send_batch(self, entity: Entity, kind: Kind, chunk: Sequence[Write]) -> list[WriteResult]:
        way = kind.value
        operations = [
            Operation(way.method, _path(entity, each.key), _columns(entity, each), way.headers, way.effect)
            for each in chunk
        ]
        answers = await self._client.batch(operations)
        return [
            WriteResult(write.ref, write.key or answer.key, error=answer.error)
            for write, answer in zip(chunk, answers, strict=True)
        ]

    async def supports(self, record_type: str, message: str) -> bool:
        """Whether the table has this bulk message; asked once per process (Dataverse bulk operations page).

        Who may not ask is answered no: a ``$batch`` always works.
        """
        question = (record_type, message)
        async with self._asking:
            if question not in self._supported:
                self._supported[question] = await self._ask_support(record_type, message)
        return self._supported[question]

    async def _ask_support(self, record_type: str, message: str) -> bool:
        where = f"sdkmessageid/name eq {text_literal(message)} and primaryobjecttypecode eq {text_literal(record_type)}"
        try:
            body, _ = await self._client.get(f"sdkmessagefilters?$select=sdkmessagefilterid&$filter={encoded(where)}")
        except (Misconfigured, Rejected):
            return False
        return bool(body.get("value")) if isinstance(body, Mapping) else False


def _grouped(writes: Sequence[Write], results: dict[int, WriteResult]) -> dict[Kind, list[int]]:
    """The numbers of the writes by kind, in sending order; what can't be sent gets its result at once."""
    groups: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    for number, write in enumerate(writes):
        if write.key is not None and not is_guid(write.key):
            results[number] = _refused(write, "a key of Dataverse is a GUID")
        elif write.key is None and not write.create:
            results[number] = _refused(write, "an update needs the key of its record")
        else:
            groups[_kind(write)].append(number)
    return groups


def _all_with(chunk: Sequence[Write], error: HubError) -> list[WriteResult]:
    return [WriteResult(each.ref, each.key, error=error) for each in chunk]


def _kind(write: Write) -> Kind:
    if write.delete:
        return Kind.DELETE
    if not write.create:
        return Kind.UPDATE if write.around is None else Kind.UNLOCKED
    return Kind.CREATE if write.key else Kind.KEYLESS_CREATE


def _refused(write: Write, text: str) -> WriteResult:
    return WriteResult(write.ref, write.key, error=Rejected(text, code="key", system=SYSTEM))


def _concerns_rows(error: HubError) -> bool:
    """Whether a refused bulk message may be one row's fault: a refusal, or a failure with a code of Dataverse's own."""
    if isinstance(error, Rejected | Conflict):
        return True
    return isinstance(error, Transient) and error.code.startswith("0x")


def _path(entity: Entity, key: str | None) -> str:
    return record_path(entity.set, key) if key else name(entity.set)


def _columns(entity: Entity, write: Write) -> dict[str, Any]:
    """The body without the key column: in an address it is said already, in an update it could not be changed."""
    body: Row = write.body
    return {column: value for column, value in body.items() if column != entity.key}
