"""Objects as tables: one row per field, and :class:`TableObject`, which does what the table says.

Adding a field is adding a row; adding an object is a table and answers to the few questions that no table holds
(who takes part, which mark an arrival gets, what a create carries besides its fields).
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.objects.canonical import CanonicalType, Refused
from shared.objects.columns import Accessor, Column, Draft
from shared.objects.custom_fields import CustomColumn, CustomField, Given, HasCustomFields, described
from shared.objects.model import (
    Context,
    Direction,
    FieldDirection,
    FieldRule,
    Match,
    ObjectType,
    Reading,
    Reference,
    Refusal,
    Writing,
)
from shared.ports import Entity, Mark, Row, SideName, Value


@dataclass(frozen=True)
class Field:
    """One row of an object's table.

    ``only_if`` names a setting that must be on, or not empty, for the field to travel at all. ``essential`` fields
    cannot be left out by an admin. ``recognises`` is the word by which settings choose the field for matching; the
    field that is used always has "number".
    """

    name: str
    type: CanonicalType
    sap: Accessor
    other: Accessor
    direction: FieldDirection = FieldDirection.BOTH
    only_if: str = ""
    essential: bool = False
    recognises: str = ""

    def on(self, side: SideName) -> Accessor:
        """Its accessor on that side."""
        return self.sap if side is SideName.SAP else self.other


def _custom(custom: CustomField) -> Field:
    sap, other = CustomColumn(custom, SideName.SAP), CustomColumn(custom, SideName.OTHER)
    return Field(custom.name, Given(), sap, other, custom.direction)


class TableObject(ObjectType):
    """An object that is a table. Subclasses set the class attributes and answer what is left abstract."""

    table: tuple[Field, ...]
    sap_entity: Entity
    other_entity: Entity
    possible_directions: tuple[Direction, ...] = (Direction.IN, Direction.OUT)
    further_columns: Mapping[SideName, tuple[str, ...]] = {}

    def directions(self, ctx: Context) -> tuple[Direction, ...]:
        """Those that the settings name, else all possible ones; always in before out."""
        wanted = ctx.settings.directions.get(self.name, self.possible_directions)
        return tuple(d for d in self.possible_directions if d in wanted)

    def entity(self, side: SideName, ctx: Context) -> Entity:
        """The side's entity with every column of the active table, the stamps, the reference and what else is asked."""
        base = self.sap_entity if side is SideName.SAP else self.other_entity
        columns = [base.key, base.version, base.reference, *base.modified, *base.created]
        columns += self.further_columns.get(side, ())
        columns += [column for row in self.active(ctx) for column in row.on(side).columns_in(ctx)]
        select = tuple(dict.fromkeys(column for column in columns if column))
        return replace(base, select=select, scope=self.scope(side, ctx))

    def scope(self, side: SideName, ctx: Context) -> str:
        """The filter that bounds whole reads of that side; by default the entity's own."""
        return (self.sap_entity if side is SideName.SAP else self.other_entity).scope

    def rows(self, settings: HasCustomFields) -> tuple[Field, ...]:
        """The table, and behind it the custom fields of the settings."""
        return (*self.table, *(_custom(each) for each in settings.custom_fields_of(self.name)))

    def references_for(self, settings: Any) -> tuple[Reference, ...]:
        """Those of the object, and the descriptions of the columns of its custom fields."""
        entities = {SideName.SAP: self.sap_entity, SideName.OTHER: self.other_entity}
        more = described(self.name, entities, settings)
        return (*self.references, *(reference for reference in more if reference not in self.references))

    def active(self, ctx: Context) -> tuple[Field, ...]:
        """The rows of the table that travel under these settings."""
        return tuple(
            row
            for row in self.rows(ctx.settings)
            if not ctx.settings.is_excluded(self.name, row.name)
            and (not row.only_if or bool(getattr(ctx.settings, row.only_if)))
        )

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        """The active rows in the table's order, each with the rule that the settings give it."""
        return tuple(
            FieldRule(row.name, row.direction, ctx.settings.rule_for(self.name, row.name), row.essential)
            for row in self.active(ctx)
        )

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        """Every active field is either in the values or, with its reason, held."""
        values: dict[str, Value] = {}
        held: dict[str, str] = {}
        for field in self.active(ctx):
            try:
                values[field.name] = field.type.canonical(field.on(side).read(row, mark, ctx))
            except Refused as refused:
                held[field.name] = refused.reason
        return Reading(values, held)

    def write(
        self,
        side: SideName,
        values: Mapping[str, Value],
        current: Row | None,
        ctx: Context,
        *,
        hub_reference: str = "",
    ) -> Writing:
        """Every given field is written or held, as :meth:`as_table` says; then :meth:`finished` has a look at it."""
        writing = self.as_table(side, values, current, ctx, hub_reference)
        return self.finished(side, writing, values, current, ctx)

    def as_table(
        self, side: SideName, values: Mapping[str, Value], current: Row | None, ctx: Context, hub_reference: str = ""
    ) -> Writing:
        """What the rows of the table write; defaults of a create come first, so that a field's value stands.

        A field that the record must not go without refuses the whole of it.
        """
        body = self.defaults(side, ctx, hub_reference) if current is None else {}
        active = {field.name: field for field in self.active(ctx)}
        held = {name: "does not travel under the present settings" for name in values if name not in active}
        draft = Draft(current=current, values=values, ctx=ctx, body=body, held=held)
        refusal: Refusal | None = None
        for name, field in active.items():
            if name not in values:
                continue
            if (
                current is not None
                and isinstance(field.on(side), CustomColumn)
                and (why := self.why_frozen(side, current))
            ):
                held[name] = why
                continue
            try:
                field.on(side).write(field.type.canonical(values[name]), draft)
            except Refused as refused:
                held[name] = refused.reason
                if refused.whole or (field.essential and current is None):
                    refusal = refusal or Refusal(f"{name}: {refused.reason}", (name,), refused.conflict)
        if draft.body and current is not None:
            draft.body.update(self.additions(side, current, ctx))
        return Writing(draft.body, held, draft.attributes, tuple(draft.steps), draft.replace, refusal)

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """What is sent in the end, by what the rows of the table write of these values."""
        return writing

    def why_frozen(self, side: SideName, current: Row) -> str:
        """ "" while that side takes changes of the record, else why not: the table's own fields know, custom ones do not."""
        return ""

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """What a create on that side carries besides its fields."""
        return {}

    def additions(self, side: SideName, current: Row, ctx: Context) -> Row:
        """What an update of that side carries besides its fields; only asked for when there is something to update."""
        return {}

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        """The number first, then the fields that the setting ``match_further`` names, in its order."""
        chosen = ["number", *getattr(ctx.settings, "match_further", ())]
        by_word = {field.recognises: field for field in self.table if field.recognises}
        return tuple(_match(by_word[word]) for word in dict.fromkeys(chosen) if word in by_word)

    def birth(self, side: SideName, row: Row) -> str:
        """The creation stamp: SAP's date and time as one text, or the other side's stamp.

        A date is spelled with or without a midnight by the two versions of the Service Layer; only the day counts.
        Records that carry no creation stamp (groups) are told apart by their key alone.
        """
        if side is SideName.OTHER:
            return "T".join(str(row[column]) for column in self.other_entity.created)
        stamp = [str(row.get(column) or "") for column in self.sap_entity.created] or [""]
        return "T".join([stamp[0][:10], *stamp[1:]])


def _match(field: Field) -> Match:
    """Equal values in the field's two columns; only plain columns can be searched."""
    if not isinstance(field.sap, Column) or not isinstance(field.other, Column):
        raise TypeError(f"field {field.name} has no plain column on both sides to be recognised by")
    return Match(field.name, field.sap.name, field.other.name)
