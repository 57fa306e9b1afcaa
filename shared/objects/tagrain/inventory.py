"""Inventory (Tagrain) <- stock per warehouse (SAP Business One): a snapshot of absolute quantities, out only.

Stock leaves no stamp, so every run compares the stock of all marked products with what was last sent; only quantities
that moved are sent. A run begins after the pending sales and refunds of its template were entered in SAP. The tills keep
a record of stock for every product by themselves: it is found by the product's code, never created.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Amount, Refused, Text
from shared.objects.columns import Accessor, Column, Draft, column_of
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Parent
from shared.objects.tagrain.entities import Property, collection
from shared.ports import Entity, Mark, Row, SideName, Value

STOCK = "ItemWarehouseInfoCollection"
QUANTITIES = "quantities"

# Without stamps: Items.UpdateDate does not reliably move when stock does (Service Layer, general knowledge).
SAP_ENTITY = Entity(set="Items", type="Item", key="ItemCode", scope="InventoryItem eq 'tYES'")
OTHER_ENTITY = collection("inventory", reference="")
NUMBER = Field(
    "number",
    Text(),
    Column("ItemCode", writable=False),
    Property("productCode", writable=False),
    FieldDirection.CREATE_ONLY,
    essential=True,
    recognises="number",
)


@dataclass(frozen=True)
class WarehouseStock(Accessor):
    """What one warehouse holds of the item."""

    warehouse: str
    columns = (STOCK,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """In stock, or available; nothing where the item was never in that warehouse."""
        found = next((each for each in column_of(row, STOCK) or () if each["WarehouseCode"] == self.warehouse), None)
        if found is None:
            return Decimal(0)
        in_stock = Decimal(column_of(found, "InStock") or 0)
        if ctx.settings.stock_shown == "available":
            return in_stock - Decimal(column_of(found, "Committed") or 0)
        return in_stock

    def write(self, value: Value, draft: Draft) -> None:
        """Stock is SAP's own."""


@dataclass(frozen=True)
class StoreQuantity(Accessor):
    """What the tills of one store believe there is of the product."""

    store: str
    columns = (QUANTITIES,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The quantity; none for a store that knows nothing of the product."""
        found = next((each for each in column_of(row, QUANTITIES) or () if each["storeId"] == self.store), None)
        return None if found is None else found["quantity"]

    def write(self, value: Value, draft: Draft) -> None:
        """Set the quantity; those of stores that are not named stay as they are (contract of Tagrain)."""
        if value is None:
            raise Refused("SAP told no quantity")
        draft.body.setdefault(QUANTITIES, []).append({"storeId": self.store, "quantity": f"{Decimal(value):f}"})


class Inventory(TableObject):
    """Stock of marked products, one field per mapped store."""

    name = "inventory"
    template_type = "tagrain"
    init_order = 80
    table = (NUMBER,)
    sap_entity = SAP_ENTITY
    other_entity = OTHER_ENTITY
    possible_directions = (Direction.OUT,)
    marks_of = "product"
    after = ("sales", "refund")
    further_columns: Mapping[SideName, tuple[str, ...]] = {SideName.SAP: ("InventoryItem",)}

    def active(self, ctx: Context) -> tuple[Field, ...]:
        """The number, and the quantity of every store of the settings."""
        stores = sorted(ctx.settings.stores.items())
        return (*super().active(ctx), *(_quantity(key, store.warehouse) for key, store in stores))

    def goes_without(self, ctx: Context) -> bool:
        """As the settings say."""
        return bool(ctx.settings.stock_without_sales)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Marked products that SAP keeps stock of."""
        if not mark.on:
            return "its product is not marked for synchronization"
        return "" if row.get("InventoryItem") == "tYES" else "SAP keeps no stock of it"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """The tills keep it by themselves."""
        return "Tagrain keeps no stock of the product; is it a non-stock product there?"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """None: the product's mark counts."""
        return Mark()

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The product."""
        return (Parent("product", SideName.SAP, str(row["ItemCode"])),) if side is SideName.SAP else ()


def _quantity(store: str, warehouse: str) -> Field:
    return Field(f"stock_{store}", Amount(), WarehouseStock(warehouse), StoreQuantity(store), FieldDirection.OUT)


INVENTORY = Inventory()
