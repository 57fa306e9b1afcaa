"""Product (Tagrain) <-> item (SAP Business One). Variants and gift cards come in only; base prices go out only.

Code, kind of management and whether it is a stock item are fixed in SAP once the item is there. Items are stamped; their
prices are not (an edit in SAP's price lists moves neither stamp nor version), so they are swept.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.objects import sap_lists as sap
from shared.objects.activity import Activity, is_active
from shared.objects.canonical import Amount, Choice, Text, Truth, Whole
from shared.objects.columns import Column
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Marking, Parent, Writing
from shared.objects.references import HUB_REFERENCE
from shared.objects.sap_entities import ITEMS, our_reference
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.entities import ARRIVALS, Property, collection
from shared.objects.tagrain.groups import GroupId
from shared.objects.tagrain.manufacturer import NO_MANUFACTURER, SAP_MANUFACTURERS
from shared.objects.tagrain.product_columns import (
    BASE_PRICE_PLACES,
    KINDS,
    BasePrice,
    ItemCode,
    ItemName,
    NonStock,
    NonStockItem,
    ProductType,
    SapKind,
    SapManufacturer,
    SharedTaxCode,
    travels_in_only,
)
from shared.objects.tagrain.product_group import SAP_ITEM_GROUPS
from shared.ports import Mark, Row, SideName, Value

IN_ONLY = "variants and gift cards are changed in Tagrain alone"

SAP_ENTITY = replace(ITEMS, reference=HUB_REFERENCE)

TABLE: tuple[Field, ...] = (
    Field("number", Text(), ItemCode("ItemCode", 50), Property("code", 50), essential=True, recognises="number"),
    Field("name", Text(), ItemName(), Property("name", 200, required=True), essential=True),
    Field("description", Text(), Column("User_Text"), Property("description", 4000)),
    Field("kind", Choice(KINDS), SapKind(), ProductType(), essential=True),
    Field("non_stock", Truth(), NonStockItem(), NonStock("isNonStock"), essential=True),
    Field(
        "group",
        Whole(),
        Column("ItemsGroupCode", required=True),
        GroupId("productGroupId", known.PRODUCT_GROUPS, SAP_ITEM_GROUPS),
    ),
    Field(
        "manufacturer",
        Whole(),
        SapManufacturer(),
        GroupId("manufacturerId", known.MANUFACTURERS, SAP_MANUFACTURERS, required=False),
    ),
    Field("barcode", Text(), Column("BarCode", 254), Property("upc", 50)),
    Field(
        "base_price",
        Amount(),
        BasePrice(),
        Property("basePrice", places=BASE_PRICE_PLACES, required=True),
        FieldDirection.OUT,
        only_if="base_price_list",
    ),
    Field("tax_code", Text(), SharedTaxCode(), Property("taxCode"), FieldDirection.CREATE_ONLY),
    Field("active", Truth(), Activity(), Property("isActive")),
)


class Product(TableObject):
    """The item as a product."""

    name = "product"
    template_type = "tagrain"
    init_order = 20
    parent_of = ("sales", "refund", "inventory")
    swept = True
    table = TABLE
    sap_entity = SAP_ENTITY
    other_entity = collection("products")
    further_columns: Mapping[SideName, tuple[str, ...]] = {
        SideName.SAP: ("SalesItem",),
        SideName.OTHER: ("productType",),
    }
    marking = Marking("items", name_column="ItemName", group_column="ItemsGroupCode")
    references = (
        sap.SAP_ITEM_GROUPS,
        sap.SAP_MANUFACTURERS,
        known.TAGRAIN_STORES,
        known.TAGRAIN_TAX_CODES,
        known.TAGRAIN_PRODUCT_GROUPS,
        known.TAGRAIN_MANUFACTURERS,
    )
    needed_columns = (our_reference(SAP_ENTITY),)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: marked, and sold at all. In: all."""
        if direction is Direction.IN:
            return ""
        if not mark.on:
            return "it is not marked for synchronization"
        return "" if row.get("SalesItem") != "tNO" else "it is not a sales item in SAP"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """An inactive item gets no product; sales of a product that was deactivated still need its item."""
        if direction is Direction.IN or is_active(row):
            return ""
        return "it is inactive in SAP; it becomes a product when it is active"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """What came from Tagrain, or is there already, gets SAP's changes; variants and gift cards do not."""
        return Mark() if travels_in_only(row) else Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """SAP's item group and manufacturer; a product of Tagrain finds them by name."""
        if side is SideName.OTHER:
            return ()
        wanted = (("product_group", row.get("ItemsGroupCode")), ("manufacturer", row.get("Manufacturer")))
        none = (None, NO_MANUFACTURER)
        return tuple(Parent(name, SideName.SAP, str(code)) for name, code in wanted if code not in none)

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """As the table says; a variant or gift card of Tagrain is told nothing."""
        if side is SideName.OTHER and current is not None and travels_in_only(current):
            return Writing({}, held=dict.fromkeys(values, IN_ONLY))
        return writing

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """In SAP: the item group of the settings and our reference. In Tagrain: nothing."""
        if side is SideName.OTHER:
            return {}
        chosen = {"ItemsGroupCode": ctx.settings.default_item_group, HUB_REFERENCE: hub_reference or None}
        return {column: value for column, value in chosen.items() if value is not None}


PRODUCT = Product()
