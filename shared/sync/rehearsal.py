"""A delivery without effect: the same code over records that are saved in memory alone, and over sides that only read.

What would be written is noted as the engine decides it; what the systems would make of it is not played. A record that
would be created is not there to be read back, one that would be updated reads as it is now.
"""

# ruff: noqa: ARG002 - it has the verbs of what it stands for, and does nothing with most arguments

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from shared.objects.model import Direction, FieldDirection
from shared.ports import Entity, KeyPage, Row, Side, SideName, Value, Write, WriteResult, requests_sent
from shared.stores.queues import Queues
from shared.stores.records import Record, Records
from shared.sync.deliver import Delivery
from shared.sync.hub import Flow, Hub
from shared.sync.items import NEW, Item, is_new


class RehearsedRecords:
    """The records as they are, and over them what was saved during the rehearsal."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._saved: dict[str, list[Record]] = {}

    async def load(
        self, pk: str, side: SideName, keys: Sequence[str], *, contiguous: bool = False
    ) -> dict[str, Record]:
        """As the table says, unless the rehearsal saved it since."""
        saved = self._by_key(pk, side)
        found = await self._records.load(pk, side, [key for key in keys if key not in saved], contiguous=contiguous)
        return found | {key: deepcopy(saved[key]) for key in keys if key in saved}

    async def get(self, pk: str, side: SideName, key: str) -> Record | None:
        """One of them."""
        return (await self.load(pk, side, [key])).get(key)

    async def unchanged(self, pk: str, side: SideName, versions: dict[str, str], *, contiguous: bool) -> set[str]:
        """As the table says; what the rehearsal saved is looked at."""
        saved = self._by_key(pk, side)
        asked = {key: version for key, version in versions.items() if key not in saved}
        return await self._records.unchanged(pk, side, asked, contiguous=contiguous) if asked else set()

    async def save(self, pk: str, records: Iterable[Record]) -> list[Record]:
        """Keep them in memory; nobody else is there to lose a race against."""
        for record in records:
            kept = self._saved.setdefault(pk, [])
            kept[:] = [each for each in kept if not _is_same(each, record)]
            kept.append(deepcopy(replace(record, stored=None, absorbed=None)))
            kept[-1].stored = deepcopy(kept[-1])
            record.absorbed, record.stored = None, deepcopy(kept[-1])
        return []

    def _by_key(self, pk: str, side: SideName) -> dict[str, Record]:
        return {record.keys[side]: record for record in self._saved.get(pk, ()) if side in record.keys}

    async def park(self, parent_pk: str, side: SideName, parent_key: str, child: tuple[str, SideName, str]) -> None:
        """Nobody waits."""

    async def note(self, pk: str, owners: Iterable[tuple[SideName, str]]) -> None:
        """Nothing is noted."""

    async def remove(self, pk: str, row_key: str) -> None:
        """Nothing goes."""

    async def marked(self, pk: str, after: str, size: int) -> tuple[list[Record], str]:
        """As the table says."""
        return await self._records.marked(pk, after, size)

    async def page(self, pk: str, after: str, size: int) -> tuple[list[Record], str]:
        """As the table says."""
        return await self._records.page(pk, after, size)

    async def due_page(self, pk: str, until: datetime, after: str, size: int) -> tuple[list[tuple[SideName, str]], str]:
        """As the table says."""
        return await self._records.due_page(pk, until, after, size)

    async def waiting(self, pk: str) -> tuple[list[str], list[str]]:
        """Nobody is told that a record would be linked."""
        return [], []

    def rows(self, pk: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
        """As the table says."""
        return self._records.rows(pk, prefix)


def _is_same(one: Record, other: Record) -> bool:
    return one.born is other.born and one.born_key == other.born_key


class NoQueues:
    """Nobody is told anything."""

    async def send(self, queue: str, message: Mapping[str, Any], *, delay_seconds: float = 0) -> None:
        """Nothing is sent."""


@dataclass
class Calls:
    """The requests that one system would be sent: those that read were sent, those that write were counted."""

    reads: int = 0
    writes: int = 0


class RehearsedSide:
    """A side that reads, and only counts what it is to write."""

    def __init__(self, side: Side, calls: Calls) -> None:
        self._side, self._calls, self._made = side, calls, 0

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        """As it is."""
        with _Counting(self._calls):
            return await self._side.changed(entity, since, cursor, limit)

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        """As it is; what would be created is not there."""
        there = [key for key in keys if not is_new(key)]
        if not there:
            self._calls.reads += bool(keys)  # what was created is read back
            return {}
        with _Counting(self._calls):
            return await self._side.read(entity, there)

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        """As it is."""
        with _Counting(self._calls):
            return await self._side.find(entity, column, values)

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        """Nothing is written; all goes well."""
        self._calls.writes += self._side.requests_to_write(entity, writes)
        return [WriteResult(write.ref, write.key or self._new_key()) for write in writes]

    def _new_key(self) -> str:
        self._made += 1
        return f"{NEW} {self._made}"

    def requests_to_write(self, entity: Entity, writes: Sequence[Write]) -> int:
        """As it is."""
        return self._side.requests_to_write(entity, writes)

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        """Nothing is called."""
        self._calls.writes += 1

    async def listing(self, entity: Entity) -> list[Row]:
        """As it is."""
        return await self._side.listing(entity)

    async def describe(self, entity: Entity) -> list[Row]:
        """As it is."""
        return await self._side.describe(entity)

    def range_scope(self, entity: Entity, column: str, low: str | int | None, high: str | int | None) -> str:
        """As it is."""
        return self._side.range_scope(entity, column, low, high)

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        """Nothing is created."""
        raise TypeError("a rehearsal sets nothing up")

    async def ping(self) -> datetime:
        """As it is."""
        return await self._side.ping()

    async def close(self) -> None:
        """The side is not the rehearsal's to close."""


class _Counting:
    """Counts the requests that are sent inside; a side that sends none through a client counts as one."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __enter__(self) -> None:
        self._sent: list[str] = []
        self._token = requests_sent.set(self._sent)

    def __exit__(self, *_: object) -> None:
        requests_sent.reset(self._token)
        self._calls.reads += len(self._sent) or 1


@dataclass
class Decided:
    """What one side of a record would be told: values by field, None for empty or not known yet."""

    now: dict[str, Value] = field(default_factory=dict)
    then: dict[str, Value] = field(default_factory=dict)


class Rehearsal(Delivery):
    """A delivery that shows its items, and what it decided to write for each."""

    def __init__(self, hub: Hub, flow: Flow, direction: Direction) -> None:
        super().__init__(hub, flow, direction, "preview")
        self.items: list[Item] = []
        self.decided: dict[tuple[str, SideName], Decided] = {}

    async def _round(self, items: list[Item], contiguous: bool) -> set[str]:
        lost = await super()._round(items, contiguous)
        self.items += [item for item in items if item.key not in lost]
        return lost

    async def _write(self, items: list[Item], sides: Sequence[SideName]) -> None:
        for item in items:
            for side in sides:
                self._note(item, side)
        await super()._write(items, sides)

    def _note(self, item: Item, side: SideName) -> None:
        """Note what is about to be written, unless it is refused or was written already."""
        writing = item.writings.get(side)
        if writing is None or side in item.written or item.error is not None or writing.refusal is not None:
            return
        if not (writing.body or writing.steps or item.create):
            return
        values = self._values(item, side)
        told = {name: value for name, value in values.items() if name not in writing.held}
        now = item.readings[side].values if side in item.readings and not (item.create and side is self.far) else {}
        decided = self.decided.setdefault((item.key, side), Decided())
        if item.create and side is self.far:
            self._note_answer(item)
        decided.then |= told
        decided.now |= {name: now.get(name) for name in told}

    def _note_answer(self, item: Item) -> None:
        """What SAP alone gives (a number, a status) flows back in the same run; its values are not known before."""
        if self.direction is not Direction.IN or Direction.OUT not in self.flow.directions:
            return
        empty = item.readings[self.near].values
        own = (FieldDirection.OUT, FieldDirection.CREATE_ONLY)
        names = [r.name for r in self.rules if r.direction in own and r.name in empty and empty[r.name] is None]
        if names:
            decided = self.decided.setdefault((item.key, self.near), Decided())
            decided.then |= dict.fromkeys(names)

    def _values(self, item: Item, side: SideName) -> Mapping[str, Value]:
        if item.create and side is self.far and item.merged is None:
            given = item.readings[self.near].values
            return {
                name: given[name] for name in item.given | dict.fromkeys(item.writings[side].later) if name in given
            }
        return item.merged.to[side] if item.merged is not None else {}


def rehearsed(hub: Hub) -> Hub:
    """The hub, on records and queues that forget."""
    records = cast(Records, RehearsedRecords(hub.records))
    return replace(hub, records=records, queues=cast(Queues, NoQueues()), rehearses=True)


def rehearsed_flow(flow: Flow, calls: Mapping[SideName, Calls]) -> Flow:
    """The flow, on sides that only read."""
    sides: dict[SideName, Side] = {side: RehearsedSide(each, calls[side]) for side, each in flow.sides.items()}
    return replace(flow, sides=sides)
