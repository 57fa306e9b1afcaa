"""What an order or quote of Dynamics is about: its lines, discounts, shipping and tax, as one composite value.

They travel together, because only together do they add up to the order's total. Lines keep the id they have in Dynamics;
SAP's rows carry it in the user-defined field ``U_HubRef``, so that a changed line finds its row.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Refused, number_or_zero
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.order_amounts import LineAmounts, OrderAmounts
from shared.objects.model import Context
from shared.ports import Children, Entity, Mark, Row, Value

LINES = "lines"  # where the lines stand in the document's row
QUOTE, QUOTE_LINE = "_quoteid_value", "_quotedetailid_value"
_LINE_COLUMNS = (
    "lineitemnumber",
    "sequencenumber",
    "isproductoverridden",
    "_productid_value",
    "productdescription",
    "_uomid_value",
    "quantity",
    "priceperunit",
    "extendedamount",
    "tax",
    "pricingerrorcode",
)
ORDER_LINES = Children(
    LINES,
    Entity(
        set="salesorderdetails",
        type="salesorderdetail",
        key="salesorderdetailid",
        select=(*_LINE_COLUMNS, QUOTE_LINE),
        key_is_text=False,
    ),
    parent="_salesorderid_value",
)
QUOTE_LINES = Children(
    LINES,
    Entity(set="quotedetails", type="quotedetail", key="quotedetailid", select=_LINE_COLUMNS, key_is_text=False),
    parent=QUOTE,
)
CURRENCY = "_transactioncurrencyid_value"
_LAST = 2**31


@dataclass(frozen=True)
class Line:
    """One line: of a product (by its id in Dynamics) in a unit, or a write-in with a text; maybe made of a quote's line."""

    id: str
    product: str | None
    text: str | None
    unit: str | None
    amounts: LineAmounts
    quote_line: str | None = None


@dataclass(frozen=True)
class Content:
    """A whole document, ready to be entered in SAP. ``currency`` is an ISO code, ``quote`` the one it was made of."""

    currency: str
    lines: tuple[Line, ...]
    amounts: OrderAmounts
    quote: str | None = None


@dataclass(frozen=True)
class DynamicsContent(Accessor):
    """A document's content as Dynamics shows it; Dynamics' own amounts count, nothing is computed anew."""

    line: Entity
    columns = (CURRENCY, "freightamount", "totalamountlessfreight", "totalamount", "pricingerrorcode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Currency, amounts and lines in their order. Refused where Dynamics itself could not price the order."""
        lines = sorted(column_of(row, LINES), key=self._place)
        if row.get("pricingerrorcode") or any(line.get("pricingerrorcode") for line in lines):
            raise Refused("Dynamics could not price it (pricing error); correct the line or price list it names")
        return {
            **({"quote": row[QUOTE]} if row.get(QUOTE) else {}),
            "currency": iso_code(column_of(row, CURRENCY), ctx),
            "freight": number_or_zero(row.get("freightamount")),
            "net": number_or_zero(row.get("totalamountlessfreight")),
            "total": number_or_zero(row.get("totalamount")),
            "lines": [_line(line, str(line[self.line.key])) for line in lines],
        }

    def write(self, value: Value, draft: Draft) -> None:
        """Documents are Dynamics' own: their content never comes from SAP."""

    def _place(self, line: Row) -> tuple[int, int, str]:
        return (_number(line.get("lineitemnumber")), _number(line.get("sequencenumber")), str(line[self.line.key]))


def _number(value: Any) -> int:
    return _LAST if value is None else int(value)


def _line(row: Row, key: str) -> dict[str, Any]:
    is_write_in = row.get("isproductoverridden") is True
    tax = number_or_zero(row.get("tax"))
    return {
        "id": key,
        **({"quoteLine": row[QUOTE_LINE]} if row.get(QUOTE_LINE) else {}),
        "product": None if is_write_in else row.get("_productid_value"),
        "text": row.get("productdescription") if is_write_in else None,
        "unit": None if is_write_in else row.get("_uomid_value"),
        "quantity": number_or_zero(row.get("quantity")),
        "price": number_or_zero(row.get("priceperunit")),
        "net": number_or_zero(row.get("extendedamount")) - tax,
        "tax": tax,
    }


def iso_code(key: Any, ctx: Context) -> str:
    """The ISO code of a currency of Dynamics by its id."""
    rows = ctx.lists.get(known.OTHER_CURRENCIES, ())
    found = next((str(row["isocurrencycode"]) for row in rows if row["transactioncurrencyid"] == key), None)
    if found is None:
        raise Refused("its currency is not on the list of Dynamics' active ones; activate it")
    return found


def content_of(value: Value) -> Content:
    """The content from its composite text."""
    parts: Mapping[str, Any] = json.loads(str(value))
    lines = tuple(
        Line(
            id=each["id"],
            product=each["product"],
            text=each["text"],
            unit=each["unit"],
            amounts=LineAmounts(
                Decimal(each["quantity"]), Decimal(each["price"]), Decimal(each["net"]), Decimal(each["tax"])
            ),
            quote_line=each.get("quoteLine"),
        )
        for each in parts["lines"]
    )
    amounts = OrderAmounts(
        tuple(line.amounts for line in lines), Decimal(parts["net"]), Decimal(parts["freight"]), Decimal(parts["total"])
    )
    return Content(parts["currency"], lines, amounts, parts.get("quote"))
