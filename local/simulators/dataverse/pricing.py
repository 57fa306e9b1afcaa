"""Price calculation of documents: a line's price and amounts, a header's totals, the errors both may show.

Amounts follow the system price calculation of Dynamics 365 Sales: ``baseamount = priceperunit * quantity``,
``extendedamount = baseamount - volume discount * quantity - manual discount + tax``, and a header that adds up its lines
without tax, takes its own discounts, and adds freight and tax. Every amount is rounded to the currency's precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from local.simulators.dataverse.catalog_rules import find_price
from local.simulators.dataverse.documents import Document
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import CURRENCY, amount_of, precision_of, put_derived, settle_money
from local.simulators.dataverse.values import rounded

NO_ERROR, DETAIL_ERROR, MISSING_PRICE_LIST, INACTIVE_PRICE_LIST, MISSING_QUANTITY, MISSING_PRICE = range(6)
NOT_IN_PRICE_LIST: Final = 11
COPYING: Final = frozenset({"ReviseQuote", "ConvertQuoteToSalesOrder", "GenerateQuoteFromOpportunity"})
"""Messages that copy lines with the prices they have (an assumption: a customer who was quoted a price gets it)."""


def price_line(org: Org, document: Document, header: Mapping[str, Any], line: dict[str, Any]) -> None:
    """Price per unit, amounts and pricing error of a line; a price list without the product is no refusal.

    The price of an existing product comes from the price list of the header unless it is overridden or prices are
    locked; then, as for a write-in, it is what the line says.
    """
    places = precision_of(org, header[CURRENCY])
    error = NO_ERROR
    if not _has_own_price(org, header, line):
        line["priceperunit"], error = _list_price(org, header, line)
    elif line.get("priceperunit") is None:
        error = MISSING_PRICE
    if error == NO_ERROR and line.get("quantity") is None:
        error = MISSING_QUANTITY
    for name in ("priceperunit", "manualdiscountamount", "tax"):
        if line.get(name) is not None:
            line[name] = rounded(line[name], places)
    line["volumediscountamount"] = None
    line["baseamount"] = rounded(amount_of(line, "priceperunit") * amount_of(line, "quantity"), places)
    line["extendedamount"] = line["baseamount"] - _manual_discount(org, line) + amount_of(line, "tax")
    line["pricingerrorcode"] = error
    settle_money(org, org.tables[document.line], line)


def _has_own_price(org: Org, header: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    if line["isproductoverridden"] or line["ispriceoverridden"] or header.get("ispricelocked"):
        return True
    return org.message in COPYING and line.get("priceperunit") is not None


def _list_price(org: Org, header: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[Decimal | None, int]:
    price_list = header.get("_pricelevelid_value")
    if price_list is None:
        return None, MISSING_PRICE_LIST
    found = find_price(org, price_list, line["_productid_value"], line["_uomid_value"])
    return (None, NOT_IN_PRICE_LIST) if found is None else (found["amount"], NO_ERROR)


def _manual_discount(org: Org, line: Mapping[str, Any]) -> Decimal:
    """A line's own discount as an amount; an org may be set to take it per unit."""
    discount = amount_of(line, "manualdiscountamount")
    if not org.switches.discount_is_per_unit:
        return discount
    return rounded(discount * amount_of(line, "quantity"), precision_of(org, line.get(CURRENCY)))


def add_up(org: Org, document: Document, key: str, *, touch: bool) -> None:
    """Compute the header from its lines; `touch` moves its stamp, as a change of a line does (by a switch).

    The revenue of an opportunity follows its total where the system calculates it.
    """
    header = org.store.get(document.header, key)
    if header is None:
        return
    total = _totals(org, header, document.lines(org, key))
    if header.get("isrevenuesystemcalculated"):
        total["estimatedvalue"] = total["totalamount"]
    if touch and org.switches.line_changes_touch_order:
        total["modifiedon"] = org.now_text()
    elif all(header.get(name) == value for name, value in total.items()):
        return
    row = {**header, **total}
    settle_money(org, org.tables[document.header], row)
    put_derived(org, document.header, row)


def _totals(org: Org, header: Row, lines: list[Row]) -> dict[str, Any]:
    """What a header shows of its lines.

    The discount by percentage is taken from the lines' sum; ``totaldiscountamount`` holds the lines' manual discounts
    as well as the header's own, so it is not what turns one header amount into the next.
    """
    places = precision_of(org, header[CURRENCY])
    tax = sum((amount_of(line, "tax") for line in lines), Decimal())
    net = sum((amount_of(line, "extendedamount") for line in lines), Decimal()) - tax
    on_lines = sum((_manual_discount(org, line) for line in lines), Decimal())
    by_rate = rounded(net * amount_of(header, "discountpercentage") / 100, places)
    on_header = by_rate + rounded(amount_of(header, "discountamount"), places)
    freight = rounded(amount_of(header, "freightamount"), places)
    return {
        "totallineitemamount": net,
        "totallineitemdiscountamount": on_lines,
        "totaldiscountamount": on_lines + on_header,
        "totalamountlessfreight": net - on_header,
        "totaltax": tax,
        "totalamount": net - on_header + freight + tax,
        "pricingerrorcode": _header_error(org, header, lines),
    }


def _header_error(org: Org, header: Row, lines: list[Row]) -> int:
    price_list = org.store.get("pricelevel", header.get("_pricelevelid_value") or "")
    if any(line.get("pricingerrorcode") for line in lines):
        return DETAIL_ERROR
    return INACTIVE_PRICE_LIST if price_list is not None and price_list["statecode"] != 0 else NO_ERROR
