"""Toys that belong to others, come from others, take the place of others; and systems that keep each kind apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.objects.model import Context, Direction, FieldRule, Match, Origin, Parent, Reading, Writing
from shared.ports import Entity, KeyPage, Mark, Owner, Row, SideName, Value, Write, WriteResult
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, FakeSystem, Toy, World


class Shelves(FakeSystem):
    """Keeps the records of each set apart: the column ``set`` of a row says where it is; ``asked`` are the finds."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []
        self.listed: list[str] = []  # the sets that were enumerated

    @contextmanager
    def _only(self, entity: Entity) -> Iterator[None]:
        rows = self.rows
        self.rows = {key: row for key, row in rows.items() if row["set"] == entity.set}
        try:
            yield
        finally:
            self.rows = rows

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        self.listed.append(entity.set)
        with self._only(entity):
            return await super().changed(entity, since, cursor, limit)

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        rows = await super().read(entity, keys)
        return {key: row for key, row in rows.items() if row["set"] == entity.set}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        self.asked.append((entity.set, column, tuple(values)))
        with self._only(entity):
            return await super().find(entity, column, values)

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        return await super().write(
            entity, [replace(w, body={**w.body, "set": entity.set}) if w.create else w for w in writes]
        )


class Kind(Toy):
    """A toy with a set of its own, ``<name>s``, unless SAP has it in another one."""

    def __init__(self, name: str, parent_of: tuple[str, ...] = (), *, in_sap: str = "") -> None:
        super().__init__(name, parent_of)
        self.sets = {SAP: in_sap or f"{name}s", OTHER: f"{name}s"}

    def entity(self, side: SideName, ctx: Context) -> Entity:
        return replace(super().entity(side, ctx), set=self.sets[side])


class Child(Kind):
    """Belongs to a parent of the column ``owner``; recognised among that one's by an equal name. All of SAP's go out."""

    owned_by = "parent"
    all_take_part = True

    def entity(self, side: SideName, ctx: Context) -> Entity:
        plain = super().entity(side, ctx)
        collection = self.sets[SAP] if side is SAP else ""
        return replace(plain, owner=Owner("parent", Entity("parents", "parent", "key"), "owner", collection=collection))

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return (*super().fields(ctx), FieldRule("owner"))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        return Reading({**super().read(side, row, mark, ctx).values, "owner": row["owner"]})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        plain = {name: value for name, value in values.items() if name != "owner"}
        writing = super().write(side, plain, current, ctx, hub_reference=hub_reference)
        owner = ctx.links[Parent("parent", side.opposite, str(values["owner"]))] if "owner" in values else None
        return writing if owner is None else replace(writing, body={**writing.body, "owner": owner})

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        return ()

    def recognises(self, sap: Row, other: Row, ctx: Context) -> str:
        return "name" if sap["name"] and sap["name"] == other["name"] else ""

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        return (Parent("parent", side, row["owner"]),) if row.get("owner") else ()


class Egg(Kind):
    """What may go on as a bird; from then on it is not created any more."""

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        return "it has hatched" if row.get("hatched") else ""


class Bird(Kind):
    """In SAP what an egg was is the very same record; the other side names the egg in ``egg``."""

    origin = Origin("egg", "key", "egg")


class Edition(Kind):
    """Another edition of the same ``series`` takes the place of one that is ``old``."""

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return (*super().fields(ctx), FieldRule("series"))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        return Reading({**super().read(side, row, mark, ctx).values, "series": row["series"]})

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        return "another one took its place" if row.get("old") else super().takes_part(direction, row, mark, ctx)

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        return (Match("series", "series", "series"),)

    def is_one(self, side: SideName, row: Row) -> bool:
        return not row.get("old")

    def replaces(self, row: Row, before: Row) -> bool:
        return bool(before.get("old")) and row["series"] == before["series"]


class Guest(Kind):
    """Its note is the far key of its host, once that one is linked; it does not wait for it."""

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        values = super().read(side, row, mark, ctx).values
        return Reading(values if side is SAP else {**values, "note": row.get("host")})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        host = ctx.links.get(Parent("host", OTHER, str(values.get("note"))))
        given = {**values, "note": host} if side is SAP and "note" in values else values
        writing = super().write(side, given, current, ctx, hub_reference=hub_reference)
        if side is SAP and values.get("note") is not None and host is None:
            body = {name: value for name, value in writing.body.items() if name != "note"}
            return replace(writing, body=body, held={**writing.held, "note": "its host is not linked yet"})
        return writing

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        if side is SAP:
            return ()
        host = (Parent("host", side, row["host"], required=False),) if row.get("host") else ()
        return (*host, *((Parent("house", side, row["house"]),) if row.get("house") else ()))


async def shelved(make_world: MakeWorld, *objects: Toy, **settings: Any) -> World:
    """A world whose systems keep each kind apart."""
    world = await make_world(*objects, **settings)
    world.sap, world.other = Shelves(world.clock, "C"), Shelves(world.clock)
    return world
