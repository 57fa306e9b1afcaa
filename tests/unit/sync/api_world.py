"""A world whose toys can be marked in SAP, with all queues worked by the hub's own workers."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.errors import Rejected
from shared.objects.model import Context, Direction, Marking, NeededColumn, Problem, Reading
from shared.ports import Entity, KeyPage, Mark, Row, SideName
from shared.stores.oddities import Oddities
from shared.stores.tables import Tables
from shared.sync import inbox
from shared.sync.run_links import RunLinks
from shared.wiring import Access, App
from tests.unit.sync.harness import FakeSystem, MemoryQueues, Toy, ToyType, World

THING = Entity("things", "thing", "key")
ADMIN_KEY = "an-admin-key-of-the-tests"


class RangedSystem(FakeSystem):
    """Understands scopes as a list of (column, low, high), finds keys without regard to case."""

    columns: dict[str, str]
    reads: list[tuple[str, ...]]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.columns, self.reads = {}, []

    def range_scope(self, entity: Entity, column: str, low: str | int | None, high: str | int | None) -> str:
        if any(isinstance(end, str) and "\n" in end for end in (low, high)):
            raise Rejected("no key can look like this", code="bad-key")
        return json.dumps([*json.loads(entity.scope or "[]"), [column, low, high]])

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        rows = self.rows
        try:
            self.rows = {key: row for key, row in rows.items() if _inside(row, json.loads(entity.scope or "[]"))}
            return await super().changed(replace(entity, scope=""), since, cursor, limit)
        finally:
            self.rows = rows

    async def find(self, entity: Entity, column: str, values: Any) -> dict[str, list[Row]]:
        self._call("find")
        found = {v: [dict(r) for r in self.rows.values() if str(r.get(column)).lower() == v.lower()] for v in values}
        return {value: rows for value, rows in found.items() if rows}

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        self._call("ensure_column")
        before = self.columns.get(column)
        self.columns[column] = description
        return "present" if before else "created"


def _inside(row: Row, bounds: list[Any]) -> bool:
    return all((low is None or row[c] >= low) and (high is None or row[c] <= high) for c, low, high in bounds)


class MarkedToy(Toy):
    """A toy that is picked by key and group; its marks carry a kind."""

    marking = Marking("toys", name_column="name", group_column="group", attributes=("kind",))
    needed_columns = (NeededColumn(SideName.SAP, THING, "U_Toy", "the toy's", 10),)

    def mark_choices(self, ctx: Context) -> dict[str, tuple[str, ...]]:
        return {"kind": ("small", "big")}

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        if row.get("note") == "supplier":
            return "it is a supplier"
        return super().takes_part(direction, row, mark, ctx)

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        return super().read(side, row, mark, ctx)


class StrictType(ToyType):
    """Its scope must not be "nowhere", and must be set to something else than "" before the first load."""

    def check(self, settings: Any, lists: Any) -> list[Problem]:
        return [Problem("scope", "is on no list")] if settings.scope == "nowhere" else []

    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        return [Problem("scope", "choose one")] if settings.scope == "" else []


class CountedQueues(MemoryQueues):
    """Knows how many messages lie in a queue."""

    async def count(self, queue: str) -> int:
        return sum(name == queue for _, name, _ in self.messages)


class ApiWorld(World):
    """All that the HTTP functions and workers need."""

    def __init__(self, tables: Tables, *objects: Any, **settings: Any) -> None:
        super().__init__(tables, *(objects or (MarkedToy(),)), **settings)
        self.type = StrictType(*self.type.objects)
        self.hub.types = {"toy": self.type}
        self.queues = CountedQueues(self.clock)
        self.hub.queues = self.queues  # type: ignore[assignment]
        self.sap: RangedSystem = RangedSystem(self.clock, "C")
        self.other: RangedSystem = RangedSystem(self.clock)
        self.oddities = Oddities(tables)
        links = RunLinks("https://hub.example", b"a token key of the tests", self.hub.times)
        self.app = App(self.hub, self.oddities, links, Access(admin_key=ADMIN_KEY.encode()), AsyncExitStack())

    def stock(self, count: int, **columns: Any) -> list[str]:
        """That many records in SAP: C0001, C0002, …"""
        keys = [f"C{n:04d}" for n in range(1, count + 1)]
        for n, key in enumerate(keys):
            self.sap.put(key, **{"name": f"Toy {key}", "group": 100 + n % 2, **columns})
        return keys

    async def handle_one(self, hub: Any = None) -> bool:
        taken = self.queues.take()
        if taken is None:
            return False
        queue, message = taken
        await inbox.work(hub or self.hub, self.oddities, queue, json.dumps(message).encode())
        return True
