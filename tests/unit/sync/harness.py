"""A hub on one machine without host or vendors: real tables (Azurite), a queue in memory, two systems in memory.

The toy object is a whole object defined here: it shows that nothing in ``shared/sync`` knows an object by name.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from shared.errors import HubError, NotFound, Rejected, UnknownOutcome
from shared.objects.model import (
    Context,
    Direction,
    FieldDirection,
    FieldRule,
    Match,
    NeededColumn,
    ObjectType,
    Parent,
    Problem,
    Reading,
    Rule,
    TemplateType,
    Writing,
)
from shared.ports import Entity, KeyPage, KeyVersion, Mark, Row, SideName, Value, Write, WriteResult
from shared.stores.queues import Peeked
from shared.stores.records import Records, partition
from shared.stores.runs import Runs
from shared.stores.tables import Tables
from shared.stores.templates import TemplateRow, Templates
from shared.sync import plan, slices
from shared.sync.hub import Hub
from shared.sync.outcomes import RunStatus
from shared.sync.start import start
from shared.sync.sweep import sweep
from shared.sync.taking_part import take_up
from shared.times import Times

SAP, OTHER = SideName.SAP, SideName.OTHER
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FIELDS = ("name", "note", "size")


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class FakeSystem:
    """One end in memory: keeps stamps and versions, counts calls, can be told to misbehave."""

    def __init__(self, clock: Clock, prefix: str = "") -> None:
        self.clock, self.prefix = clock, prefix
        self.rows: dict[str, Row] = {}
        self.calls: list[str] = []
        self.writes = 0
        self.numbers = itertools.count(1)
        self.clip: int | None = None
        self.trouble: list[Callable[[str, Any], None]] = []
        self.after_write: Callable[[Write], HubError | None] = lambda write: None
        self.before_write: Callable[[Write], HubError | None] = lambda write: None
        self.at_read: Callable[[Sequence[str]], None] = lambda keys: None

    def put(self, key: str, **columns: Any) -> Row:
        """As a user of that system would."""
        now = self.clock().isoformat()
        row = self.rows.setdefault(
            key, {"key": key, "version": 0, "created": now, "ref": None, "number": None, **dict.fromkeys(FIELDS)}
        )
        if self.clip is not None:
            columns = {k: v[: self.clip] if k in FIELDS and isinstance(v, str) else v for k, v in columns.items()}
        row.update(columns, version=row["version"] + 1, modified=now)
        return row

    def _call(self, verb: str, detail: Any = None) -> None:
        self.calls.append(verb)
        for trouble in list(self.trouble):
            trouble(verb, detail)

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        self._call("changed")
        keys = sorted(k for k, r in self.rows.items() if since is None or r["modified"] >= since.isoformat())
        page = [k for k in keys if cursor is None or k > cursor][:limit]
        more = page[-1] if page and page[-1] != keys[-1] else None
        return KeyPage(tuple(KeyVersion(k, str(self.rows[k]["version"])) for k in page), more, self.clock())

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        self._call("read", keys)
        self.at_read(keys)
        return {k: dict(self.rows[k]) for k in keys if k in self.rows}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        self._call("find")
        found = {v: [dict(r) for r in self.rows.values() if r.get(column) == v] for v in values}
        return {v: rows for v, rows in found.items() if rows}

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        self._call("write", writes)
        return [self._write(w) for w in writes]

    def _write(self, write: Write) -> WriteResult:
        if error := self.before_write(write):
            return WriteResult(write.ref, error=error)
        if not write.create and write.key not in self.rows:
            return WriteResult(write.ref, error=NotFound("gone"))
        key = write.key or f"{self.prefix}{next(self.numbers):04d}"
        self.writes += 1
        self.put(key, **write.body)
        if error := self.after_write(write):
            return WriteResult(write.ref, error=error)
        return WriteResult(write.ref, key=key)

    def requests_to_write(self, entity: Entity, writes: Sequence[Write]) -> int:
        return 1 if writes else 0

    async def listing(self, entity: Entity) -> list[Row]:
        return []

    async def describe(self, entity: Entity) -> list[Row]:
        return []

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        return None

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        return "present"

    async def ping(self) -> datetime:
        self._call("ping")
        return self.clock()

    async def close(self) -> None:
        return


class ToySettings(BaseModel):
    """What the toy's tests turn."""

    rule: Rule = Rule.SAP_WINS
    directions: tuple[Direction, ...] = (Direction.IN, Direction.OUT)
    other_length: int = 1000
    scope: str = "yes"
    parents: bool = False
    starts_at: datetime | None = None


class Toy(ObjectType):
    """A record with three fields and a number, on both sides."""

    template_type = "toy"

    def __init__(self, name: str = "thing", parent_of: tuple[str, ...] = ()) -> None:
        self.name, self.parent_of = name, parent_of

    def directions(self, ctx: Context) -> tuple[Direction, ...]:
        return tuple(ctx.settings.directions)

    def entity(self, side: SideName, ctx: Context) -> Entity:
        return Entity(
            "things", "thing", "key", version="version", modified=("modified",), reference="ref" if side is SAP else ""
        )

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        number = FieldRule("number", FieldDirection.CREATE_ONLY)
        return (number, *(FieldRule(n, rule=ctx.settings.rule) for n in FIELDS))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        values: dict[str, Value] = {n: (row.get(n) or "").strip() or None for n in FIELDS}
        values["number"] = row["key"] if side is SAP else row.get("number")
        return Reading(values)

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        limit = ctx.settings.other_length if side is OTHER else 10_000
        fits = {k: v for k, v in values.items() if v is None or len(str(v)) <= limit}
        body: Row = {k: v for k, v in fits.items() if not (k == "number" and side is SAP)}
        if current is None and side is SAP:
            body["ref"] = hub_reference
        return Writing(body, {k: f"longer than {limit}" for k in values if k not in fits})

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        if direction is Direction.OUT:
            return "" if mark.on else "it is not marked"
        return "" if row.get("scope", "yes") == ctx.settings.scope else "its type is not configured"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        return Mark(frozenset({"arrivals"}))

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        return (Match("number", "key", "number"),)

    def birth(self, side: SideName, row: Row) -> str:
        return str(row["created"])

    def merged_into(self, row: Row) -> str | None:
        return row.get("master")

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        return (Parent("parent", side, row["parent"]),) if row.get("parent") else ()


class ToyType(TemplateType):
    """A template type of toys."""

    name = "toy"
    title = "Toys"
    settings_model = ToySettings
    needed: tuple[NeededColumn, ...] = ()

    def __init__(self, *objects: ObjectType) -> None:
        self.objects = objects or (Toy(),)

    def check(self, settings: Any, lists: Mapping[str, Sequence[Row]]) -> list[Problem]:
        return []

    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        return []


class MemoryQueues:
    """Messages in memory, in the order in which they become visible."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.messages: list[tuple[datetime, str, dict[str, Any]]] = []
        self.sent = 0

    async def send(self, queue: str, message: dict[str, Any], delay_seconds: float = 0) -> None:
        self.sent += 1
        self.messages.append((self.clock() + timedelta(seconds=delay_seconds), queue, message))

    async def count(self, queue: str) -> int:
        return sum(name == queue for _, name, _ in self.messages)

    async def peek(self, queue: str, most: int = 1) -> list[Peeked]:
        """What could be taken now; a delayed message counts as put in when it became visible."""
        ready = [m for m in self.messages if m[0] <= self.clock() and m[1] == queue]
        return [Peeked(message, since) for since, _, message in sorted(ready, key=lambda m: m[0])[:most]]

    def take(self) -> tuple[str, dict[str, Any]] | None:
        """The next visible message; None if none is visible now."""
        ready = [m for m in self.messages if m[0] <= self.clock()]
        if not ready:
            return None
        first = min(ready, key=lambda m: m[0])
        self.messages.remove(first)
        return first[1], first[2]


class World:
    """The hub with its two systems."""

    def __init__(self, tables: Tables, *objects: ObjectType, **settings: Any) -> None:
        self.clock = Clock()
        self.sap, self.other = FakeSystem(self.clock, "C"), FakeSystem(self.clock)
        self.queues = MemoryQueues(self.clock)
        self.settings = settings
        self.type = ToyType(*objects)
        self.tables = tables
        self.redeliver = False
        self.hub = self.another_hub(tables)

    def another_hub(self, tables: Tables) -> Hub:
        """A hub as another process would have it, on the same storage and systems."""
        return Hub(
            records=Records(tables),
            runs=Runs(tables),
            templates=Templates(tables),
            queues=self.queues,  # type: ignore[arg-type]
            types={"toy": self.type},
            sides=self,
            now=self.clock,
            chance=lambda: uuid.uuid4().hex[:8],
            times=Times(),
            fingerprint_secret=b"a secret of the tests",
            slice_size=10,
        )

    def side(self, template: TemplateRow, side: SideName) -> FakeSystem:
        return self.sap if side is SAP else self.other

    async def begin(self, *, initialized: bool = True) -> World:
        await self.hub.templates.create(TemplateRow("toy", "toy", self.settings, START))
        if initialized:
            for found in self.type.objects:
                await take_up(self.hub, "toy", found.name)
                state = await self.hub.runs.object("toy", found.name)
                state.initialized_at = START
                await self.hub.runs.save_object(state)
        return self

    async def change_settings(self, **settings: Any) -> None:
        row = await self.hub.templates.get("toy")
        assert row is not None
        await self.hub.templates.save(replace(row, settings={**row.settings, **settings}))

    async def travels(self, name: str, yes: bool) -> None:
        """Whether an object has had its first load."""
        state = await self.hub.runs.object("toy", name)
        state.initialized_at = self.clock() if yes else None
        await self.hub.runs.save_object(state)
        if yes:
            await take_up(self.hub, "toy", name)
            return
        row = await self.hub.templates.get("toy")
        assert row is not None
        await self.hub.templates.save(replace(row, in_use=tuple(n for n in row.in_use if n != name)))

    async def mark(self, *keys: str, object_name: str = "thing", batch: str = "manual", on: bool = True) -> None:
        """As the API does it."""
        from shared.stores.records import new_record

        pk = partition("toy", object_name)
        for key in keys:
            record = await self.hub.records.get(pk, SAP, key) or new_record(SAP, key)
            batches = record.mark.batches | {batch} if on else frozenset()
            record.mark = Mark(frozenset(batches))
            if on and not record.linked:
                record.set_due(self.clock())
            assert not await self.hub.records.save(pk, [record])

    async def handle_one(self, hub: Hub | None = None) -> bool:
        """Work on one visible message."""
        taken = self.queues.take()
        if taken is None:
            return False
        queue, message = taken
        handler = plan.on_message if queue == "runs" else slices.on_message
        try:
            await handler(hub or self.hub, message)
        except Exception:
            if not self.redeliver:
                raise
            self.queues.messages.append((self.clock() + timedelta(seconds=10), queue, message))
        return True

    async def drain(self, most: int = 400, *, sweeping: bool = False) -> None:
        """Work until no message is left, moving the clock over delays."""
        for _ in range(most):
            if await self.handle_one():
                continue
            if not self.queues.messages:
                return
            self.clock.moment = max(self.clock.moment, min(m[0] for m in self.queues.messages))
            if sweeping:
                await sweep(self.hub)
        raise AssertionError(f"messages never end: {self.queues.messages[:3]}")

    async def sync(self, mode: str = "delta", object_name: str = "thing") -> Any:
        """One whole run, some minutes after the last one."""
        run = await start(self.hub, "toy", object_name, mode, "test")
        await self.drain()
        ended = await self.hub.runs.run(run)
        assert ended is not None
        assert RunStatus(ended.status).over, ended
        return ended

    async def record(self, key: str, side: SideName = SAP, object_name: str = "thing") -> Any:
        return await self.hub.records.get(partition("toy", object_name), side, key)

    async def row_keys(self, prefix: str, object_name: str = "thing") -> list[str]:
        """Row keys of the state's rows under a prefix (``r:``, ``d:``, ``f:``)."""
        return [row["RowKey"] async for row in self.hub.records.rows(partition("toy", object_name), prefix)]

    async def linked_pair(self) -> str:
        """C1 in SAP, marked, created on the other side an hour ago; answers its key there."""
        self.sap.put("C1", name="Anton", note="n", size="s")
        await self.mark("C1")
        await self.sync()
        self.clock.forward(3600)
        (key,) = self.other.rows
        return key

    def pair(self, key: str) -> tuple[Row, Row]:
        """The SAP row and the one row of the other side that carries its number."""
        twins = [r for r in self.other.rows.values() if r.get("number") == key]
        assert len(twins) == 1, twins
        return self.sap.rows[key], twins[0]

    def agree(self, key: str) -> bool:
        ours, theirs = self.pair(key)
        return all((ours[n] or None) == (theirs[n] or None) for n in FIELDS)


__all__ = ["OTHER", "SAP", "NotFound", "Rejected", "Toy", "ToyType", "UnknownOutcome", "World"]
