"""Toys of the tills: documents that come in with payments as rows of their own, groups, stock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.model import (
    KEY,
    Context,
    Direction,
    FieldDirection,
    FieldRule,
    Match,
    Parent,
    Reading,
    Step,
    Tally,
    Writing,
)
from shared.ports import Children, Entity, KeyPage, Mark, Row, SideName, Value, Write, WriteResult
from tests.unit.sync.harness import OTHER, SAP, FakeSystem, Toy

PAYMENT = Entity("payments", "payment", "key")
PAYMENTS = Children("payments", PAYMENT, "document")


class Books(FakeSystem):
    """SAP: documents with payments beside them; both are answered in full when they are posted, and never change."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.payments: list[Row] = []
        self.answering = True

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        rows = await super().read(entity, keys)
        return {key: self._paid(entity, row) for key, row in rows.items()}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        found = await super().find(entity, column, values)
        return {value: [self._paid(entity, row) for row in rows] for value, rows in found.items()}

    def _paid(self, entity: Entity, row: Row) -> Row:
        for kind in entity.children:
            row[kind.name] = [dict(each) for each in self.payments if each["document"] == row["key"]]
        return row

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        if entity.set != PAYMENT.set:
            results = await super().write(entity, writes)
            if not self.answering:
                return results
            return [
                replace(r, row=self._paid(entity, dict(self.rows[r.key]))) if r.key and r.error is None else r
                for r in results
            ]
        self._call("pay", writes)
        return [self._pay(write) for write in writes]

    def _pay(self, write: Write) -> WriteResult:
        if error := self.before_write(write):
            return WriteResult(write.ref, error=error)
        assert write.create
        row = {"key": f"P{next(self.numbers)}", **write.body}
        assert row["document"] in self.rows
        self.payments.append(row)
        if error := self.after_write(write):
            return WriteResult(write.ref, error=error)
        return WriteResult(write.ref, key=row["key"], row=dict(row) if self.answering else None)

    def paid(self, key: str) -> list[str]:
        """The names of a document's payments."""
        return sorted(each["name"] for each in self.payments if each["document"] == key)


class Tills(FakeSystem):
    """The other side; a scope is the store whose documents are wanted."""

    async def changed(self, entity: Entity, since: Any, cursor: str | None, limit: int) -> KeyPage:
        page = await super().changed(entity, since, cursor, limit)
        keys = tuple(each for each in page.keys if entity.scope in ("", self.rows[each.key].get("store")))
        return replace(page, keys=keys)


class Receipt(Toy):
    """A document of the tills, ``pay`` its payments by name, which SAP holds as rows of their own."""

    transactional = True

    def __init__(self, name: str = "thing", parent_of: tuple[str, ...] = ()) -> None:
        super().__init__(name, parent_of)

    def directions(self, ctx: Context) -> tuple[Direction, ...]:
        return (Direction.IN,)

    def entity(self, side: SideName, ctx: Context) -> Entity:
        plain = super().entity(side, ctx)
        return replace(plain, children=(PAYMENTS,)) if side is SAP else plain

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return (FieldRule("name", FieldDirection.IN), FieldRule("pay", FieldDirection.IN))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        names = sorted(each["name"] for each in row["payments"]) if side is SAP else sorted(row.get("pay") or ())
        return Reading({"name": row.get("name"), "pay": json.dumps(names)})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        assert side is SAP
        body: Row = {"name": values["name"]} if "name" in values else {}
        if current is None:
            body["ref"] = hub_reference
        there = {each["name"] for each in (current or {}).get("payments") or ()}
        wanted = [name for name in json.loads(str(values.get("pay") or "[]")) if name not in there]
        return Writing(body, steps=tuple(Step(1, "pay", n, {"name": n, "document": KEY}, PAYMENT) for n in wanted))

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        return ""

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        return ()

    def day_scope(self, store: str, day: date, ctx: Context) -> str | None:
        return store

    def is_booked(self, row: Row) -> bool:
        return not row.get("void")

    def tally(self, side: SideName, row: Row, ctx: Context) -> Tally:
        if side is OTHER and row.get("unmapped"):
            raise Refused("a payment type has no mapping; set payments")
        names = [each["name"] for each in row["payments"]] if side is SAP else row.get("pay") or ()
        return Tally(Decimal(row.get("size") or 10), {name: Decimal(1) for name in names})


class Group(Toy):
    """All of SAP's go out; they come in only where the name is equal."""

    all_take_part = True
    on_demand = True

    def __init__(self) -> None:
        super().__init__("group", parent_of=("thing",))

    def entity(self, side: SideName, ctx: Context) -> Entity:
        return replace(super().entity(side, ctx), modified=())

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        return (Match("name", "name", "name"),)


class Member(Toy):
    """Goes out once its group is there."""

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        return (Parent("group", SAP, row["group"]),) if side is SAP and row.get("group") else ()


class Stock(Toy):
    """Its size goes out for marked things, after the receipts; nothing says when it changed."""

    marks_of = "thing"
    after = ("receipt",)

    def __init__(self, *, without: bool = False) -> None:
        super().__init__("stock")
        self.without = without

    def directions(self, ctx: Context) -> tuple[Direction, ...]:
        return (Direction.OUT,)

    def entity(self, side: SideName, ctx: Context) -> Entity:
        return replace(super().entity(side, ctx), modified=())

    def goes_without(self, ctx: Context) -> bool:
        return self.without
