"""Prices: one field for each mapped price list and currency. In SAP a row of the item, in Dynamics a price list item.

SAP keeps a price and up to two additional ones per price list, each in its currency; 0 and no price are the same there
(no window tells them apart), so 0 does not travel. Prices are of the unit that SAP's prices are in; in Dynamics that is
the product's default unit, and the triple of price list, product and unit is unique (table reference, productpricelevel).
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.objects.activity import is_active
from shared.objects.canonical import Amount, Refused
from shared.objects.columns import Accessor, Draft, column_of, fitting
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.product_settings import PriceListMapping
from shared.objects.fields import Field
from shared.objects.model import KEY, Context, FieldDirection, Step
from shared.objects.prices import ITEM_PRICES, item_price, rounded
from shared.ports import Children, Entity, Mark, Row, Value

PRICES = "prices"  # where the price list items of a product stand in its row
PRICE_STAGE = 1
_USUAL_PLACES = 2
PRICE_LIST_ITEM = Entity(
    set="productpricelevels",
    type="productpricelevel",
    key="productpricelevelid",
    select=("amount", "_pricelevelid_value", "_uomid_value"),
    key_is_text=False,
)
PRICE_LIST_ITEMS = Children(PRICES, PRICE_LIST_ITEM, parent="_productid_value")


def price_fields(ctx: Context) -> tuple[Field, ...]:
    """One field per mapping, named by price list and currency (``price_1_EUR``)."""
    return tuple(_field(mapping) for mapping in ctx.settings.price_lists)


def _field(mapping: PriceListMapping) -> Field:
    name = f"price_{mapping.sap}_{mapping.currency}"
    return Field(name, Amount(), SapPrice(mapping), DynamicsPrice(mapping, name), FieldDirection.OUT)


@dataclass(frozen=True)
class SapPrice(Accessor):
    """The price in one price list and currency, rounded only if the settings say so. An inactive item has none."""

    mapping: PriceListMapping

    @property
    def columns(self) -> tuple[str, ...]:
        """All prices of the item, and whether it is active."""
        return (ITEM_PRICES, "Frozen", "Valid")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The amount, None where SAP has no price in that currency. A code that is no currency is another one."""
        if ctx.settings.retire_inactive_items and not is_active(row):
            return None
        price = item_price(row, self.mapping.sap, self.mapping.currency, ctx)
        return None if price is None else rounded(price, _price_places(self.mapping, ctx), ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Prices are SAP's own: nothing is written there."""


@dataclass(frozen=True)
class DynamicsPrice(Accessor):
    """The price list item of the mapped price list in the product's default unit."""

    mapping: PriceListMapping
    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The unit; the price list items come as children."""
        return ("_defaultuomid_value",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The amount, None if there is no such price list item."""
        found = self._item(row, price_list_id(self.mapping, ctx))
        return None if found is None else column_of(found, "amount")

    def write(self, value: Value, draft: Draft) -> None:
        """A step that creates, changes or removes the price list item."""
        price_list = price_list_id(self.mapping, draft.ctx)
        fitting(value, "the price list", places=_price_places(self.mapping, draft.ctx))
        found = self._item(draft.current, price_list) if draft.current is not None else None
        key = None if found is None else str(found["productpricelevelid"])
        if value is None and key is None:
            return
        body = {} if value is None else {"amount": value}
        if key is None:
            body |= _binds(price_list, _unit_of(draft))
        draft.steps.append(
            Step(PRICE_STAGE, self.name, self.name, body, PRICE_LIST_ITEM, key=key, delete=value is None)
        )

    @staticmethod
    def _item(product: Row, price_list: str) -> Row | None:
        unit = product.get("_defaultuomid_value")
        for item in column_of(product, PRICES):
            if item["_pricelevelid_value"] == price_list and item["_uomid_value"] == unit:
                return dict(item)
        return None


def moved_to_unit(product: Row | None, unit: str) -> list[Step]:
    """Steps that bring the prices of a product's default unit along when it gets another one: SAP's are in that now."""
    old = (product or {}).get("_defaultuomid_value")
    items = [item for item in (product or {}).get(PRICES) or () if item["_uomid_value"] == old != unit]
    body: Row = {"uomid@odata.bind": f"/uoms({unit})"}
    keys = [str(item["productpricelevelid"]) for item in items]
    return [Step(PRICE_STAGE, "unit", f"unit of {key}", body, PRICE_LIST_ITEM, key=key) for key in keys]


def price_list_id(mapping: PriceListMapping, ctx: Context) -> str:
    """The id of the one price list of Dynamics that the mapping means. Refused where there is none, or more than one."""
    wanted = mapping.dynamics.casefold()
    found = [
        str(row["pricelevelid"])
        for row in ctx.lists.get(known.OTHER_PRICE_LISTS, ())
        if wanted in (str(row["pricelevelid"]).casefold(), str(row["name"]).strip().casefold())
    ]
    if len(found) != 1:
        raise Refused("the mapped price list of Dynamics is not among the active ones; correct priceLists")
    return found[0]


def _price_places(mapping: PriceListMapping, ctx: Context) -> int:
    rows = ctx.lists.get(known.OTHER_CURRENCIES, ())
    row = next((each for each in rows if each["isocurrencycode"] == mapping.currency), {})
    precision = row.get("currencyprecision")
    return _USUAL_PLACES if precision is None else int(precision)


def _binds(price_list: str, unit: str) -> Row:
    return {
        "productid@odata.bind": f"/products({KEY})",
        "pricelevelid@odata.bind": f"/pricelevels({price_list})",
        "uomid@odata.bind": f"/uoms({unit})",
    }


def _unit_of(draft: Draft) -> str:
    """The id of the unit that the product has, or is given in this write."""
    bind = draft.body.get("defaultuomid@odata.bind")
    if bind is not None:
        return str(bind).partition("(")[2].rstrip(")")
    unit = draft.current.get("_defaultuomid_value") if draft.current is not None else None
    if unit is None:
        raise Refused("the product has no unit to have a price in; see its unit")
    return str(unit)
