"""Where products and items keep what is more than a column: their kind, stock, manufacturer, base price, tax code."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Column, Draft, column_of
from shared.objects.items import NameOrCode
from shared.objects.model import Context
from shared.objects.prices import ITEM_PRICES, item_price, rounded
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.entities import GIFT_CARD, Property
from shared.objects.tagrain.manufacturer import NO_MANUFACTURER
from shared.ports import Mark, Row, Value

BASE_PRICE_PLACES = 2  # the server rounds what has more
STANDARD, SERIAL, BATCH = "standard", "serial", "batch"
KINDS = frozenset({STANDARD, SERIAL, BATCH})
VARIANT = "Variant"
_KIND_OF_TYPE: Mapping[str, str] = {
    "Standard": STANDARD,
    "Serial": SERIAL,
    "Batch": BATCH,
    VARIANT: STANDARD,
    GIFT_CARD: STANDARD,
}
_TYPE_OF_KIND: Mapping[Value, str] = {STANDARD: "Standard", SERIAL: "Serial", BATCH: "Batch"}


def travels_in_only(product: Row) -> bool:
    """Whether it is a variant or a gift card, which SAP never changes."""
    return product.get("productType") in (VARIANT, GIFT_CARD)


@dataclass(frozen=True)
class ItemCode(Column):
    """The item's code, chosen once."""

    def write(self, value: Value, draft: Draft) -> None:
        """Name the new item; SAP renames none."""
        if draft.current is not None:
            raise Refused("SAP does not change the code of an item; give the product its former code in Tagrain")
        super().write(value, draft)


@dataclass(frozen=True)
class ItemName(NameOrCode):
    """The item's name, which may come from Tagrain."""

    length: int = 100

    def write(self, value: Value, draft: Draft) -> None:
        """Set the name if it fits."""
        Column("ItemName", self.length, required=True).write(value, draft)


@dataclass(frozen=True)
class SapKind(Accessor):
    """How SAP manages the item: by serial numbers, by batches, or neither."""

    columns = ("ManageSerialNumbers", "ManageBatchNumbers")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The kind."""
        if column_of(row, "ManageSerialNumbers") == "tYES":
            return SERIAL
        return BATCH if column_of(row, "ManageBatchNumbers") == "tYES" else STANDARD

    def write(self, value: Value, draft: Draft) -> None:
        """Decide it for a new item; afterwards SAP ties it to the item's stock."""
        if draft.current is not None:
            raise Refused("the item is managed otherwise in SAP (serial numbers, batches); correct one of the two")
        draft.body["ManageSerialNumbers"] = "tYES" if value == SERIAL else "tNO"
        draft.body["ManageBatchNumbers"] = "tYES" if value == BATCH else "tNO"


@dataclass(frozen=True)
class ProductType(Accessor):
    """The type of a product; variants and gift cards are standard items in SAP."""

    columns = ("productType",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The kind; a type that was added later is left to the canonical type to refuse."""
        raw = column_of(row, "productType")
        return _KIND_OF_TYPE.get(raw, raw)

    def write(self, value: Value, draft: Draft) -> None:
        """Decide it for a new product."""
        if draft.current is not None:
            raise Refused("the product has another type in Tagrain (serial numbers, batches); correct one of the two")
        draft.body["productType"] = _TYPE_OF_KIND[value]


@dataclass(frozen=True)
class NonStockItem(Accessor):
    """Whether SAP keeps no stock of the item."""

    columns = ("InventoryItem",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True for an item that is no inventory item."""
        return column_of(row, "InventoryItem") == "tNO"

    def write(self, value: Value, draft: Draft) -> None:
        """Decide it for a new item."""
        if draft.current is not None:
            raise Refused("SAP does not change whether an item has stock; correct it in Tagrain, or make a new product")
        draft.body["InventoryItem"] = "tNO" if value else "tYES"


@dataclass(frozen=True)
class NonStock(Property):
    """Whether the tills keep no stock of the product."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The property, and the type: there is no stock of gift cards."""
        return (self.name, "productType")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The property; True for a gift card."""
        return column_of(row, "productType") == GIFT_CARD or super().read(row, mark, ctx)


@dataclass(frozen=True)
class SapManufacturer(Accessor):
    """The item's manufacturer; SAP has an entry of its own for none."""

    columns = ("Manufacturer",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code, None for an item without one."""
        code = column_of(row, "Manufacturer")
        return None if code == NO_MANUFACTURER else code

    def write(self, value: Value, draft: Draft) -> None:
        """Set the code, or SAP's for none."""
        draft.body["Manufacturer"] = NO_MANUFACTURER if value is None else value


@dataclass(frozen=True)
class BasePrice(Accessor):
    """The price in the price list of the settings, in the currency of the stores."""

    columns = (ITEM_PRICES,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The amount, rounded only if the settings say so; None where SAP has no price in that currency."""
        price = item_price(row, ctx.settings.base_price_list, _currency(ctx), ctx)
        return None if price is None else rounded(price, BASE_PRICE_PLACES, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Prices are SAP's own: nothing is written there."""


def _currency(ctx: Context) -> str:
    """The one currency of the stores; those of the settings count if there are any."""
    mapped = ctx.settings.stores
    stores = [row for row in ctx.lists.get(known.STORES, ()) if not mapped or row["id"] in mapped]
    found = {str(row["currency"]) for row in stores}
    if len(found) != 1:
        how = "different currencies" if found else "no currency"
        raise Refused(f"the stores of Tagrain have {how}, so there is no base price; correct stores")
    return found.pop()


@dataclass(frozen=True)
class SharedTaxCode(Accessor):
    """SAP's tax group of the item, as far as Tagrain has a tax code of that name. Others are Tagrain's own affair."""

    columns = ("SalesVATGroup",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The name that both have, else None."""
        code = (column_of(row, "SalesVATGroup") or "").strip()
        names = {str(each["name"]) for each in ctx.lists.get(known.TAX_CODES, ()) if each.get("isActive") is not False}
        return code if code in names else None

    def write(self, value: Value, draft: Draft) -> None:
        """Tax groups are SAP's own: nothing is written there."""
