"""Products with items, and an order with its SAP order, in the demo's own words: the hub's tables are not their own judge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from local.demo.compare import PAYMENT_TERMS, Comparison
from local.demo.systems import Row
from local.demo.trade_systems import ORDER_COLUMNS, Price, Units
from local.environment import TIMEZONE

#: What the demo puts into the settings, and expects to see.
UNIT_GROUP_OF_NONE, UNIT_OF_NONE = "Default Unit", "Primary Unit"
SHIPPING, ITEM_TAX = 1, 2  # SAP's freights
WRITE_IN_ITEM = "I00059"
COMPANY_CURRENCY = "EUR"

_CENT = Decimal("0.01")
_NO_UNIT_GROUP, _NO_UNIT = -1, -1
_PUBLISHED = 0
_TERMS = {other: sap for sap, other in PAYMENT_TERMS.items()}
_STATUS = {("bost_Open", "tNO"): "open", ("bost_Close", "tNO"): "closed", ("bost_Close", "tYES"): "cancelled"}


@dataclass(frozen=True)
class PriceList:
    """A price list of SAP in a currency, and the one of Dynamics that gets its prices."""

    sap: int
    currency: str
    dynamics: str


@dataclass(frozen=True)
class Catalog:
    """What Dynamics sells: products, the price list items of each by its id, and what units are called."""

    products: Sequence[Row]
    prices: Mapping[str, Sequence[Price]]
    units: Units


# --- products ---------------------------------------------------------------------------------------------------------


def compare_products(
    items: Mapping[str, Row], codes: Collection[str], price_lists: Sequence[PriceList], catalog: Catalog
) -> Comparison:
    """Compare every item of ``codes`` with its product, found by its number; other products are uninvited."""
    result = Comparison()
    by_number: dict[str, list[Row]] = {}
    for product in catalog.products:
        by_number.setdefault(product["productnumber"], []).append(product)
    for code in sorted(codes):
        found = by_number.pop(code, [])
        if len(found) != 1:
            (result.doubled if found else result.missing).append(code)
            continue
        _judge(result, code, _expected(items[code], price_lists, catalog.units), _seen(found[0], catalog))
    result.uninvited = sorted(by_number)
    return result


def _expected(item: Row, price_lists: Sequence[PriceList], units: Units) -> dict[str, Any]:
    """What Dynamics must show of an item."""
    group, unit = _unit_of(item, units)
    rows = {row["PriceList"]: row for row in item["ItemPrices"]}
    shown: dict[str, Any] = {
        "name": item["ItemName"].strip(),
        "description": (item.get("User_Text") or "").strip() or None,
        "state": _PUBLISHED,
        "unit group": group,
        "unit": unit,
    }
    for each in price_lists:
        row = rows.get(each.sap, {})
        if row.get("Price") and row["Currency"] == each.currency:
            # Dynamics keeps cents; halves go up, as the settings say.
            amount = Decimal(row["Price"]).quantize(_CENT, ROUND_HALF_UP)
            shown[f"price {each.dynamics}"] = [(amount, each.currency, unit)]
    return shown


def _unit_of(item: Row, units: Units) -> tuple[str, str]:
    """Unit group and unit, by name; a company that does not use SAP's units has the ones of the settings."""
    entry = item.get("UoMGroupEntry")
    if entry in (None, _NO_UNIT_GROUP):
        return UNIT_GROUP_OF_NONE, UNIT_OF_NONE
    group, base = units.sap_groups[entry]
    own = item.get("PricingUnit")
    return group, base if own in (None, 0, _NO_UNIT) else units.sap_units[own]


def _seen(product: Row, catalog: Catalog) -> dict[str, Any]:
    """What Dynamics does show; a price list that has a product twice shows two prices."""
    shown: dict[str, Any] = {
        "name": product["name"],
        "description": product.get("description"),
        "state": product["statecode"],
        "unit group": catalog.units.groups[product["_defaultuomscheduleid_value"]],
        "unit": catalog.units.units[product["_defaultuomid_value"]],
    }
    for price in catalog.prices.get(product["productid"], ()):
        shown.setdefault(f"price {price.price_list}", []).append((Decimal(price.amount), price.currency, price.unit))
    return shown


# --- orders -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entered:
    """An order as Dynamics shows it: its lines in their order, and what ids mean."""

    order: Row
    lines: Sequence[Row]
    customer: str
    currency: str
    numbers: Mapping[str, str]  # product number by product id

    @property
    def total(self) -> Decimal:
        """What the order amounts to in its currency."""
        return Decimal(self.order["totalamount"])


def compare_order(entered: Entered, document: Row) -> Comparison:
    """Compare an order of Dynamics with its SAP order: header, every line, every amount to the cent, what came back."""
    result = Comparison()
    foreign = entered.currency != COMPANY_CURRENCY
    rows = sorted(document["DocumentLines"], key=lambda row: int(row["LineNum"]))
    expected, seen = _entered_header(entered), _posted_header(document, foreign)
    for place, line in enumerate(entered.lines, 1):
        expected |= {f"line {place} {name}": value for name, value in _entered_line(line, entered.numbers).items()}
    for place, row in enumerate(rows, 1):
        with_text = place <= len(entered.lines) and bool(entered.lines[place - 1]["isproductoverridden"])
        seen |= {f"line {place} {name}": value for name, value in _posted_row(row, foreign, with_text).items()}
    number, status = ORDER_COLUMNS
    expected |= {"number back": str(document["DocNum"]), "status back": _status(document)}
    seen |= {"number back": entered.order[number], "status back": entered.order[status]}
    _judge(result, entered.order["ordernumber"], expected, seen)
    return result


def _entered_header(entered: Entered) -> dict[str, Any]:
    order = entered.order
    return {
        "customer": entered.customer,
        "reference": order["ordernumber"],
        "currency": entered.currency,
        "delivery": _day(order["requestdeliveryby"]),
        "payment terms": _TERMS.get(order["paymenttermscode"]),
        "comments": order["description"],
        "total": entered.total,
        "net": Decimal(order["totalamountlessfreight"]),
        "shipping": Decimal(order["freightamount"] or 0),
        "SAP's own tax": Decimal(0),
        "lines": len(entered.lines),
    }


def _day(instant: str) -> str:
    """The day that people in the company's time zone see; Dynamics keeps their midnight in UTC."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(TIMEZONE)).date().isoformat()


def _posted_header(document: Row, foreign: bool) -> dict[str, Any]:
    rows = document["DocumentLines"]
    discount = Decimal(document["TotalDiscountFC" if foreign else "TotalDiscount"] or 0)
    return {
        "customer": document["CardCode"],
        "reference": document["NumAtCard"],
        "currency": document["DocCurrency"],
        "delivery": document["DocDueDate"][:10],
        "payment terms": document["PaymentGroupCode"],
        "comments": document.get("Comments"),
        "total": total_of(document),
        "net": sum((Decimal(row["RowTotalFC" if foreign else "LineTotal"]) for row in rows), Decimal()) - discount,
        "shipping": _freight(document.get("DocumentAdditionalExpenses"), SHIPPING, foreign),
        "SAP's own tax": Decimal(document["VatSumFc" if foreign else "VatSum"] or 0),
        "lines": len(rows),
    }


def _entered_line(line: Row, numbers: Mapping[str, str]) -> dict[str, Any]:
    is_write_in = bool(line["isproductoverridden"])
    return {
        "item": WRITE_IN_ITEM if is_write_in else numbers[line["_productid_value"]],
        "text": line["productdescription"] if is_write_in else None,
        "quantity": Decimal(line["quantity"]),
        "tax": Decimal(line["tax"] or 0),
    }


def _posted_row(row: Row, foreign: bool, with_text: bool) -> dict[str, Any]:
    """The text of a row counts where Dynamics has one of its own; else SAP shows its item's name."""
    return {
        "item": row["ItemCode"],
        "text": row["ItemDescription"] if with_text else None,
        "quantity": Decimal(row["Quantity"]),
        "tax": _freight(row.get("DocumentLineAdditionalExpenses"), ITEM_TAX, foreign),
    }


def total_of(document: Row) -> Decimal:
    """What a SAP order amounts to in its own currency."""
    return Decimal(document["DocTotal" if document["DocCurrency"] == COMPANY_CURRENCY else "DocTotalFc"])


def _freight(rows: Sequence[Row] | None, code: int, foreign: bool) -> Decimal:
    """What stands in the freights of that code; nothing may stand in any other."""
    strange = [row["ExpenseCode"] for row in rows or () if row["ExpenseCode"] != code]
    if strange:
        raise RuntimeError(f"SAP has freights {strange} that nobody asked for")
    return sum((Decimal(row["LineTotalFC" if foreign else "LineTotal"]) for row in rows or ()), Decimal())


def _status(document: Row) -> str:
    return _STATUS[document["DocumentStatus"], document["Cancelled"]]


def _judge(result: Comparison, record: str, expected: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Every field that either side shows; one that the other lacks differs, too."""
    result.pairs += 1
    names = [*expected, *(name for name in seen if name not in expected)]
    result.fields += len(names)
    for name in names:
        should, does = expected.get(name), seen.get(name)
        if should != does:
            result.differences.append(f"{record}, {name}: expected {should!r}, seen {does!r}")
