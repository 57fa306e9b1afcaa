"""Custom fields: a user field of SAP and a custom column of the other side that an admin pairs in the settings.

What kind of value they hold, and how much of it, both systems say themselves (:meth:`shared.ports.Side.describe`); a pair
that does not fit is refused when it is saved, and held by name if it stops fitting later.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from shared.objects.canonical import Amount, CanonicalType, Day, Refused, Text, Truth, Whole
from shared.objects.columns import Accessor, Column, Draft, YesNo, column_of
from shared.objects.company import places
from shared.objects.model import Context, FieldDirection, Reference
from shared.objects.sap_lists import SAP_COMPANY
from shared.ports import Entity, Mark, Row, SideName, Value

TEXT, WHOLE, AMOUNT, DAY, YES_NO, CHOICE = "text", "whole", "amount", "day", "yesNo", "choice"
"""What a column holds, as both systems' descriptions say it."""

type UserField = Annotated[str, StringConstraints(pattern=r"^U_[A-Za-z0-9_]{1,48}$")]
type CustomColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*_[a-z0-9_]+$", max_length=128)]


class CustomField(BaseModel):
    """One pair: which object's records, the columns on both sides, the way it travels, and values of choices."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    object: str
    sap: UserField
    dynamics: CustomColumnName
    direction: FieldDirection = FieldDirection.BOTH
    values: dict[str, int] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the field is called in rules, outcomes and explain: with another column it is another field, without a past."""
        return f"{self.sap}/{self.dynamics}"


class HasCustomFields(Protocol):
    """Settings that pair columns."""

    def custom_fields_of(self, object_name: str) -> Sequence[CustomField]:
        """The pairs of one object."""


@dataclass(frozen=True)
class Facts:
    """What a system says of a column: what it holds, characters, decimals, the values it allows, whether it computes it."""

    kind: str
    length: int | None = None
    places: int | None = None
    values: tuple[str, ...] = ()
    computed: bool = False


@dataclass(frozen=True)
class Pair:
    """How the two columns are read and written, once both are known."""

    type: CanonicalType
    sap: Accessor
    other: Accessor

    def on(self, side: SideName) -> Accessor:
        """The accessor on that side."""
        return self.sap if side is SideName.SAP else self.other


def list_name(object_name: str, side: SideName) -> str:
    """The reference list that describes the paired columns of an object on one side."""
    return f"{side.value}.columns.{object_name}"


def described(
    object_name: str, entities: Mapping[SideName, Entity], settings: HasCustomFields
) -> tuple[Reference, ...]:
    """The lists that an object with custom fields needs: a description of their columns on either side, SAP's decimals."""
    pairs = settings.custom_fields_of(object_name)
    names = {SideName.SAP: [pair.sap for pair in pairs], SideName.OTHER: [pair.dynamics for pair in pairs]}
    if not pairs:
        return ()
    descriptions = [
        Reference(list_name(object_name, side), side, replace(entity, select=tuple(names[side])), describes=True)
        for side, entity in entities.items()
    ]
    return (SAP_COMPANY, *descriptions)


def pair_of(custom: CustomField, ctx: Context) -> Pair:
    """How that pair travels. Refused where a column is missing, or the two do not fit."""
    memo = ctx.memo.setdefault("custom fields", {})
    key = (custom.object, custom.name)
    if key not in memo:
        sap = _facts(ctx, custom.object, SideName.SAP, custom.sap)
        memo[key] = _paired(custom, sap, _facts(ctx, custom.object, SideName.OTHER, custom.dynamics))
    found: Pair = memo[key]
    return found


def _facts(ctx: Context, object_name: str, side: SideName, name: str) -> Facts:
    rows = ctx.lists.get(list_name(object_name, side), ())
    row = next((each for each in rows if each["name"] == name), None)
    if row is None:
        where = "SAP (user-defined fields)" if side is SideName.SAP else "Dynamics (columns of the table)"
        raise Refused(f"there is no column {name}; create it in {where}, or remove the custom field")
    decimals = places(ctx, row["accuracy"]) if row.get("accuracy") else row.get("places")
    values = tuple(row.get("values") or ())
    return Facts(row["type"], row.get("length"), decimals, values, computed=bool(row.get("computed")))


def _paired(custom: CustomField, sap: Facts, other: Facts) -> Pair:
    if other.computed and custom.direction is not FieldDirection.IN:
        raise Refused("Dynamics computes this column itself; let it travel in only")
    if sap.kind == YES_NO or other.kind == YES_NO:
        return _yes_or_no(custom, sap, other)
    if other.kind == CHOICE or custom.values:
        return _choice(custom, sap, other)
    if sap.kind != other.kind or sap.kind not in (TEXT, WHOLE, AMOUNT, DAY):
        raise Refused(f"SAP's field holds {_said(sap)}, Dynamics' column {_said(other)}; pair columns of one kind")
    if sap.kind == AMOUNT and sap.places != other.places:
        text = f"SAP's field has {sap.places} decimals, Dynamics' column {other.places}; they must agree"
        raise Refused(f"{text}: change the column, or the decimals that SAP keeps")
    types: Mapping[str, CanonicalType] = {TEXT: Text(), WHOLE: Whole(), AMOUNT: Amount(), DAY: Day()}
    decimals = sap.places if sap.kind == AMOUNT else None
    ours: Accessor = Column(custom.sap, length=sap.length, places=decimals)
    return Pair(
        types[sap.kind],
        Listed(ours, sap.values) if sap.values else ours,
        Column(custom.dynamics, length=other.length, places=decimals),
    )


def _said(facts: Facts) -> str:
    return {
        TEXT: "text",
        WHOLE: "whole numbers",
        AMOUNT: "decimal numbers",
        DAY: "days",
        YES_NO: "yes or no",
        CHOICE: "choices",
    }.get(facts.kind, f"something else ({facts.kind})")


def _yes_or_no(custom: CustomField, sap: Facts, other: Facts) -> Pair:
    if sap.kind != YES_NO or other.kind != YES_NO:
        raise Refused(
            f"SAP's field holds {_said(sap)}, Dynamics' column {_said(other)}; for yes or no SAP's field needs the valid "
            "values Y and N"
        )
    return Pair(Truth(), YesNo(custom.sap, "Y", "N", empty=None), Column(custom.dynamics))


def _choice(custom: CustomField, sap: Facts, other: Facts) -> Pair:
    if not custom.values:
        raise Refused("Dynamics' column is a choice; say in values which of SAP's values is which of its options")
    unknown = [value for value in custom.values if sap.values and value not in sap.values]
    unknown += [str(option) for option in custom.values.values() if str(option) not in other.values]
    if other.kind != CHOICE or sap.kind != TEXT or unknown:
        listed = f": {', '.join(unknown)}" if unknown else ""
        raise Refused(f"its values are not among those of SAP's field and the options of Dynamics' choice{listed}")
    if len(set(custom.values.values())) < len(custom.values):
        raise Refused("two of SAP's values stand for one option; it could not be translated back")
    return Pair(Text(), Column(custom.sap, length=sap.length), Option(custom.dynamics, tuple(custom.values.items())))


@dataclass(frozen=True)
class Listed(Accessor):
    """A user field of SAP that takes the values on its list alone."""

    inner: Accessor
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The column itself."""
        return self.inner.columns

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """As it is."""
        return self.inner.read(row, mark, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Set it if it is on the list."""
        if value is not None and str(value) not in self.values:
            raise Refused("is not among the valid values of SAP's field; add it there")
        self.inner.write(value, draft)


@dataclass(frozen=True)
class Option(Accessor):
    """A choice of Dynamics; canonical is SAP's value."""

    name: str
    values: tuple[tuple[str, int], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.name,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's value for the option."""
        option = column_of(row, self.name)
        if option is None:
            return None
        found = next((value for value, number in self.values if number == option), None)
        if found is None:
            raise Refused("its option stands for no value of SAP; add it to the values of the custom field")
        return found

    def write(self, value: Value, draft: Draft) -> None:
        """The option for SAP's value."""
        numbers = dict(self.values)
        if value is not None and value not in numbers:
            raise Refused("SAP's value stands for no option; add it to the values of the custom field")
        draft.body[self.name] = None if value is None else numbers[str(value)]


@dataclass(frozen=True)
class CustomColumn(Accessor):
    """One end of a pair, whose kind the reference lists tell."""

    custom: CustomField
    side: SideName

    @property
    def columns(self) -> tuple[str, ...]:
        """The column of that side."""
        return (self.custom.sap if self.side is SideName.SAP else self.custom.dynamics,)

    def columns_in(self, ctx: Context) -> tuple[str, ...]:
        """The column if the side has it: to ask for one that is gone would fail every record."""
        rows = ctx.lists.get(list_name(self.custom.object, self.side), ())
        return tuple(name for name in self.columns if any(row["name"] == name for row in rows))

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The canonical value."""
        pair = pair_of(self.custom, ctx)
        return pair.type.canonical(pair.on(self.side).read(row, mark, ctx))

    def write(self, value: Value, draft: Draft) -> None:
        """As that side holds it."""
        pair_of(self.custom, draft.ctx).on(self.side).write(value, draft)


@dataclass(frozen=True)
class Given:
    """A canonical type for values that are canonical already."""

    def canonical(self, raw: Any) -> Value:
        """The value as it is."""
        value: Value = raw
        return value
