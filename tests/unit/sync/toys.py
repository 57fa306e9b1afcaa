"""Toys that use what not every object needs, each on top of the plain one, and the systems that they live in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.errors import NotFound, UnknownOutcome
from shared.objects.model import (
    KEY,
    Context,
    Direction,
    FieldDirection,
    FieldRule,
    Parent,
    Problem,
    Reading,
    Refusal,
    Step,
    Writing,
)
from shared.ports import Children, Entity, Mark, Row, SideName, Value, Write, WriteResult
from tests.unit.sync.harness import OTHER, SAP, FakeSystem, Toy, ToyType

COLOURS = ("blue", "red")
PART = Entity("parts", "part", "key")
PARTS = Children("parts", PART, "parent")


# --- rows that belong to a record, states and operations --------------------------------------------------------------


class PartsSystem(FakeSystem):
    """Keeps parts beside its records, and knows one operation, which sets ``done``."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.parts: dict[str, Row] = {}
        self.written: list[tuple[str, str]] = []  # every write that was carried out: its collection and what it did
        self.operations: list[str] = []
        self.answers: list[str] = []  # of the next operations: "" is well, "lost" is done, "never" is not

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        rows = await super().read(entity, keys)
        return {key: self._with_parts(entity, row) for key, row in rows.items()}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        found = await super().find(entity, column, values)
        return {value: [self._with_parts(entity, row) for row in rows] for value, rows in found.items()}

    def _with_parts(self, entity: Entity, row: Row) -> Row:
        for kind in entity.children:
            row[kind.name] = [dict(part) for part in self.parts.values() if part[kind.parent] == row["key"]]
        return row

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        if entity.set != PART.set:
            results = await super().write(entity, writes)
            done = [w for w, r in zip(writes, results, strict=True) if r.error is None]
            self.written += [(entity.set, ",".join(sorted(w.body))) for w in done]
            return results
        self._call("write", writes)
        return [self._write_part(write) for write in writes]

    def _write_part(self, write: Write) -> WriteResult:
        if error := self.before_write(write):
            return WriteResult(write.ref, error=error)
        assert write.key is not None
        if write.key not in self.parts and not write.create:
            return WriteResult(write.ref, error=NotFound("gone"))
        self.writes += 1
        if write.delete:
            colour = self.parts.pop(write.key)["colour"]
            self.written.append(("parts", f"-{colour}"))
        else:
            part = self.parts.setdefault(write.key, {"key": write.key})
            part.update(write.body)
            assert part["parent"] in self.rows
            self.written.append(("parts", part["colour"]))
        if error := self.after_write(write):
            return WriteResult(write.ref, error=error)
        return WriteResult(write.ref, key=write.key)

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        self._call("call", operation)
        self.operations.append(operation)
        answer = self.answers.pop(0) if self.answers else ""
        if answer != "never":
            key = operation.partition("(")[2].partition(")")[0]
            self.put(key, done=True)
        if answer:
            raise UnknownOutcome("no answer")

    def colours_of(self, key: str) -> dict[str, Any]:
        """Colour to amount of a record's parts; each colour is there at most once."""
        own = [part for part in self.parts.values() if part["parent"] == key]
        assert len(own) == len({part["colour"] for part in own})
        return {part["colour"]: part["amount"] for part in own}


class StagedToy(Toy):
    """Goes out; its colours are parts of it there, and it is switched on last."""

    def entity(self, side: SideName, ctx: Context) -> Entity:
        plain = super().entity(side, ctx)
        return replace(plain, children=(PARTS,)) if side is OTHER else plain

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        more = (*COLOURS, "state")
        return (*super().fields(ctx), *(FieldRule(name, FieldDirection.OUT) for name in more))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        values = super().read(side, row, mark, ctx).values
        if side is SAP:
            shown = {name: row.get(name) for name in COLOURS}
            state = row.get("state", "on")
        else:
            amounts = {part["colour"]: part["amount"] for part in row["parts"]}
            shown, state = {name: amounts.get(name) for name in COLOURS}, row.get("state")
        return Reading({**values, **shown, "state": state})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        plain = {name: value for name, value in values.items() if name not in (*COLOURS, "state")}
        writing = super().write(side, plain, current, ctx, hub_reference=hub_reference)
        present = {part["colour"]: part["key"] for part in (current or {}).get("parts", ())}
        steps = [self._part(name, values[name], present.get(name)) for name in COLOURS if name in values]
        if "state" in values:
            entity = replace(super().entity(side, ctx), children=())
            steps.append(Step(2, "state", "state", {"state": values["state"]}, entity, key=KEY))
        return replace(writing, steps=tuple(step for step in steps if step is not None))

    @staticmethod
    def _part(colour: str, amount: Value, key: str | None) -> Step | None:
        if amount is None and key is None:
            return None
        body: Row = {} if amount is None else {"amount": amount}
        if key is None:
            body |= {"colour": colour, "parent": KEY}
        return Step(1, colour, colour, body, PART, key=key, delete=amount is None)


class CalledToy(Toy):
    """Comes in; what is done on the other side is done in SAP by an operation."""

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return (*super().fields(ctx), FieldRule("done", FieldDirection.IN))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        return Reading({**super().read(side, row, mark, ctx).values, "done": row.get("done") or None})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        plain = {name: value for name, value in values.items() if name != "done"}
        writing = super().write(side, plain, current, ctx, hub_reference=hub_reference)
        if side is OTHER or not values.get("done"):
            return writing
        return replace(writing, steps=(Step(1, "done", "finish", operation=f"things({KEY})/Finish"),))


# --- drafts -----------------------------------------------------------------------------------------------------------


class DraftsSystem(FakeSystem):
    """While ``approval`` is on a create makes a draft, and the answer does not say so."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.approval = True
        self.drafts: dict[str, Row] = {}
        self.created = 0
        self.create_error: type[Exception] | None = None
        self.finds: list[str] = []
        self.at_find: Any = lambda entity: None

    def _write(self, write: Write) -> WriteResult:
        if not write.create:
            return super()._write(write)
        self.created += 1
        if not self.approval:
            return super()._write(write)
        key = f"D{next(self.numbers):04d}"
        plain = {"key": key, "version": 1, "created": self.clock().isoformat(), "number": None, "state": "pending"}
        self.drafts[key] = {**plain, **write.body}
        assert self.create_error is not None
        return WriteResult(write.ref, error=self.create_error("no matching records"))  # type: ignore[arg-type]

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        self.finds.append(entity.set)
        self.at_find(entity)
        if entity.set != "drafts":
            return await super().find(entity, column, values)
        self._call("find")
        found = {v: [dict(r) for r in self.drafts.values() if r.get(column) == v] for v in values}
        return {v: rows for v, rows in found.items() if rows}

    def approve(self) -> str:
        """Every draft becomes a record with what it holds; answers the last one's key."""
        key = ""
        for draft in self.drafts.values():
            key = f"{self.prefix}{next(self.numbers):04d}"
            columns = {name: value for name, value in draft.items() if name not in ("key", "version", "created")}
            self.put(key, **columns)
        self.drafts.clear()
        return key


class DraftToy(Toy):
    """What is created in SAP may become a draft first. It is opened by its settings."""

    transactional = True

    def entity(self, side: SideName, ctx: Context) -> Entity:
        plain = super().entity(side, ctx)
        return replace(plain, drafts="drafts") if side is SAP else plain

    def why_no_document(self, draft: Row) -> str:
        return "" if draft["state"] == "pending" else "It was not approved; delete the draft and retry."

    def opens_at(self, ctx: Context) -> datetime | None:
        return ctx.settings.starts_at  # type: ignore[no-any-return]


class OpenedType(ToyType):
    """Its objects need a start and a scope."""

    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        start = [] if settings.starts_at else [Problem("starts_at", "choose the day from which on it is taken")]
        return start if settings.scope else [*start, Problem("scope", "choose what is taken")]


# --- fields that are only compared, that travel one way, that are refused ----------------------------------------------


class CheckedToy(Toy):
    """Both sides compute a total; neither is told it."""

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return (*super().fields(ctx), FieldRule("total", FieldDirection.CHECKED))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        return Reading({**super().read(side, row, mark, ctx).values, "total": row.get("total")})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        assert "total" not in values
        return super().write(side, values, current, ctx, hub_reference=hub_reference)


class OneWayToy(Toy):
    """Its name goes out and never comes back, its note comes in and never goes out."""

    ways: Mapping[str, FieldDirection] = {"name": FieldDirection.OUT, "note": FieldDirection.IN}

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return tuple(replace(rule, direction=self.ways.get(rule.name, rule.direction)) for rule in super().fields(ctx))


class RefusingToy(Toy):
    """A side refuses the whole of a record whose size is "no"; with "never" it is a conflict."""

    def __init__(self, side: SideName) -> None:
        super().__init__()
        self.refusing = side

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        writing = super().write(side, values, current, ctx, hub_reference=hub_reference)
        if side is not self.refusing or values.get("size") not in ("no", "never"):
            return writing
        return replace(writing, refusal=Refusal("size: not here", ("size",), conflict=values["size"] == "never"))


class EssentialToy(Toy):
    """Nothing comes into being without its note; one that begins with "?" cannot be read."""

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        return tuple(replace(rule, essential=rule.name == "note") for rule in super().fields(ctx))

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        reading = super().read(side, row, mark, ctx)
        if str(row.get("note")).startswith("?"):
            return Reading({k: v for k, v in reading.values.items() if k != "note"}, {"note": "has no mapping; add it"})
        return reading

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        return "it sleeps" if row.get("asleep") else ""


class SweptToy(Toy):
    """Its size changes in SAP without leaving a stamp."""

    swept = True


class ChildToy(Toy):
    """Its note is the far key of its parent."""

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        reading = super().read(side, row, mark, ctx)
        if side is SAP:
            return reading
        return Reading({**reading.values, "note": row.get("parent")})

    def write(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, *, hub_reference: str = ""
    ) -> Writing:
        note = values.get("note")
        if side is SAP and note is not None:
            values = {**values, "note": ctx.links[Parent("parent", OTHER, str(note))]}
        return super().write(side, values, current, ctx, hub_reference=hub_reference)
