"""Product (Dynamics 365 Sales) <- item (SAP Business One), with its prices: out, while the item's mark is on.

A product is born as a draft; its prices and then its publication are steps after it. Items are stamped; their prices
are not (an edit in SAP's price lists moves neither stamp nor version), so they are swept.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.activity import is_active
from shared.objects.canonical import Choice, Refused, Text, Whole
from shared.objects.columns import Accessor, Column, Draft, Lookup, column_of
from shared.objects.company import places
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.prices import PRICE_LIST_ITEMS, PRICE_STAGE, moved_to_unit, price_fields
from shared.objects.dynamics.units import MANUAL_UNITS, base_unit_name, unit_group_name, unit_name, units_of
from shared.objects.fields import Field, TableObject
from shared.objects.items import NameOrCode
from shared.objects.model import KEY, Context, Direction, FieldDirection, Marking, Step
from shared.objects.sap_entities import ITEMS
from shared.ports import Entity, Mark, Row, SideName, Value

OUT = FieldDirection.OUT
MOST_DECIMALS = 5  # quantitydecimal (table reference, product)
ACTIVE, RETIRED, DRAFT, UNDER_REVISION = 0, 1, 2, 3  # statecode
_STATES = {ACTIVE: "active", RETIRED: "retired", DRAFT: "draft", UNDER_REVISION: "active"}
_STATE_STAGE = PRICE_STAGE + 1

OTHER_ENTITY = Entity(
    set="products",
    type="product",
    key="productid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
    children=(PRICE_LIST_ITEMS,),
)


class _OfSap(Accessor):
    """A value that SAP alone decides."""

    def write(self, value: Value, draft: Draft) -> None:
        """Nothing is written to an item."""


@dataclass(frozen=True)
class UnitGroup(_OfSap):
    """The item's unit group, by the name it has in Dynamics."""

    columns = ("UoMGroupEntry",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The mapped name; items without a group have the one of the settings."""
        return unit_group_name(column_of(row, "UoMGroupEntry"), ctx)


@dataclass(frozen=True)
class PricingUnit(_OfSap):
    """The unit that the item's prices are in, by the name it has in Dynamics; the base unit unless SAP says otherwise."""

    columns = ("UoMGroupEntry", "PricingUnit")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The name of a unit of the item's unit group."""
        entry = column_of(row, "UoMGroupEntry")
        group = unit_group_name(entry, ctx)
        if entry in (None, MANUAL_UNITS):
            return base_unit_name(group, ctx)
        base = next((each["BaseUoM"] for each in ctx.lists.get(sap.UNIT_GROUPS, ()) if each["AbsEntry"] == entry), None)
        own = row.get("PricingUnit")
        return unit_name(base if own in (None, MANUAL_UNITS, 0) else own, group, ctx)


@dataclass(frozen=True)
class QuantityDecimals(_OfSap):
    """How many decimals quantities may have in SAP, as far as Dynamics has as many."""

    columns = ()

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The company's setting."""
        return min(places(ctx, "AccuracyofQuantities"), MOST_DECIMALS)


@dataclass(frozen=True)
class Activity(_OfSap):
    """Whether documents take the item."""

    columns = ("Frozen", "Valid")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Active or, if the settings let that travel, retired."""
        return "active" if is_active(row) or not ctx.settings.retire_inactive_items else "retired"


@dataclass(frozen=True)
class DefaultUnit(Accessor):
    """The default unit of a product, by its name, which is unique in its unit group."""

    columns = ("_defaultuomid_value", "_defaultuomscheduleid_value")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The unit's name."""
        key = column_of(row, "_defaultuomid_value")
        found = next((each["name"] for each in ctx.lists.get(known.OTHER_UNITS, ()) if each["uomid"] == key), None)
        if key is not None and found is None:
            raise Refused("points to a unit that is not on the list; check the rights of the hub's user")
        return found

    def write(self, value: Value, draft: Draft) -> None:
        """Bind the unit of that name in the unit group that the product has, or is given in this write."""
        group = draft.values.get("unit_group") or _group_name(draft)
        found = [each["uomid"] for each in units_of(str(group), draft.ctx) if each["name"] == value]
        if len(found) != 1:
            raise Refused("its unit group in Dynamics has no such unit; create it there or map it (units)")
        draft.body["defaultuomid@odata.bind"] = f"/uoms({found[0]})"
        draft.steps += moved_to_unit(draft.current, str(found[0]))


def _group_name(draft: Draft) -> str:
    key = (draft.current or {}).get("_defaultuomscheduleid_value")
    groups = draft.ctx.lists.get(known.OTHER_UNIT_GROUPS, ())
    return next((str(each["name"]) for each in groups if each["uomscheduleid"] == key), "")


@dataclass(frozen=True)
class ProductState(Accessor):
    """Published or retired. Which ways lead where: product state transitions, error codes 0x8004f9xx of Dataverse."""

    columns = ("statecode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The state; a product under revision is still sold as it was."""
        state = column_of(row, "statecode")
        return _STATES.get(state, str(state))

    def write(self, value: Value, draft: Draft) -> None:
        """A last step: publish, or retire once its prices are gone."""
        present = self.read(draft.current, Mark(), draft.ctx) if draft.current is not None else "draft"
        if present == "retired":
            raise Refused("Dynamics takes a retired product not back; clone it there, and link the clone")
        if present == "draft" and value != "active":
            raise Refused("is still a draft in Dynamics, which retires only published products; publish or delete it")
        codes = {"statecode": ACTIVE, "statuscode": 1} if value == "active" else {"statecode": RETIRED, "statuscode": 2}
        draft.steps.append(Step(_STATE_STAGE, "state", "state", codes, replace(OTHER_ENTITY, children=()), key=KEY))


_UNIT_GROUP = Lookup(
    "defaultuomscheduleid",
    set="uomschedules",
    key="uomscheduleid",
    code="name",
    listing=known.OTHER_UNIT_GROUPS,
    what="unit group of Dynamics",
)
TABLE: tuple[Field, ...] = (
    Field(
        "number",
        Text(),
        Column("ItemCode", 50, writable=False),
        Column("productnumber", 100),
        FieldDirection.CREATE_ONLY,
        essential=True,
        recognises="number",
    ),
    Field("name", Text(), NameOrCode(), Column("name", 100, required=True), OUT, essential=True),
    Field("description", Text(), Column("User_Text", writable=False), Column("description", 2000), OUT),
    Field("unit_group", Text(), UnitGroup(), _UNIT_GROUP, OUT, essential=True),
    Field("unit", Text(), PricingUnit(), DefaultUnit(), OUT, essential=True),
    Field("decimals", Whole(), QuantityDecimals(), Column("quantitydecimal", required=True), OUT, essential=True),
)
STATE = Field("state", Choice(frozenset(_STATES.values())), Activity(), ProductState(), OUT)


class Product(TableObject):
    """The item as a product."""

    name = "product"
    template_type = "dynamics"
    init_order = 20
    table = (*TABLE, STATE)
    sap_entity = ITEMS
    other_entity = OTHER_ENTITY
    possible_directions = (Direction.OUT,)
    further_columns: Mapping[SideName, tuple[str, ...]] = {SideName.SAP: ("SalesItem",)}
    marking = Marking("items", name_column="ItemName", group_column="ItemsGroupCode")
    references = (
        sap.SAP_COMPANY,
        sap.SAP_CURRENCIES,
        sap.SAP_UNIT_GROUPS,
        sap.SAP_UNITS,
        known.DYNAMICS_CURRENCIES,
        known.DYNAMICS_PRICE_LISTS,
        known.DYNAMICS_UNIT_GROUPS,
        known.DYNAMICS_UNITS,
    )
    parent_of = ("quotation", "order")
    swept = True

    def active(self, ctx: Context) -> tuple[Field, ...]:
        """The table, and a field for each mapped price; the state is told last."""
        fields = super().active(ctx)
        return (*(f for f in fields if f is not STATE), *price_fields(ctx), *(f for f in fields if f is STATE))

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Marked, and sold at all."""
        if not mark.on:
            return "it is not marked for synchronization"
        return "" if row.get("SalesItem") != "tNO" else "it is not a sales item in SAP"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """An inactive item gets no product."""
        return "" if is_active(row) else "it is inactive in SAP; it becomes a product when it is active"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """Products come from SAP alone: none is marked for arriving."""
        return Mark()


PRODUCT = Product()
