"""Prices of SAP's items: each price list has a price and up to two additional ones, each in its currency.

0 and no price are the same in SAP (no window tells them apart).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from shared.objects.columns import column_of
from shared.objects.model import Context
from shared.ports import Row

ITEM_PRICES = "ItemPrices"
_COLUMNS = (
    ("Price", "Currency"),
    ("AdditionalPrice1", "AdditionalCurrency1"),
    ("AdditionalPrice2", "AdditionalCurrency2"),
)


def item_price(item: Row, price_list: int, currency: str, ctx: Context) -> Decimal | None:
    """The item's price in that price list and (ISO) currency; None where it has none. SAP's codes may be mapped."""
    prices = column_of(item, ITEM_PRICES) or ()
    found: Row = next((each for each in prices if each.get("PriceList") == price_list), {})
    for price, code in _COLUMNS:
        own = str(found.get(code) or "").strip()
        if found.get(price) and ctx.settings.currencies.get(own, own) == currency:
            return Decimal(found[price])
    return None


def rounded(price: Decimal, places: int, ctx: Context) -> Decimal:
    """The price with that many decimal places, half up, if the settings want prices rounded; else as it is."""
    if ctx.settings.price_rounding == "hold":
        return price
    return price.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
