"""Rows of a document: items or services, and freight on the document or on a row.

What a client gives is settled here into quantity, price, discount and, where a total was given, the total that stands;
`document_totals` computes the rest. UnitPrice is the price before, Price the price after the row's discount.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Collection, without_nulls
from local.simulators.service_layer.rules.base_documents import with_base_values
from local.simulators.service_layer.rules.items import MANUAL_UNITS
from local.simulators.service_layer.rules.money import (
    HUNDRED,
    amount_places,
    exact,
    local_currency,
    needed_rate,
    number,
    rounded,
    setting_places,
)
from local.simulators.service_layer.rules.taxes import default_tax
from local.simulators.service_layer.store import Row

AMOUNT = "_amount"
"""Where a row keeps an amount that was given, in the document's currency; never shown."""
_PRICED_BY = ("Quantity", "UnitPrice", "Price", "DiscountPercent")
_ROW_FREIGHT = "DocumentLineAdditionalExpenses"
_ROW_DEFAULTS: dict[str, Any] = {"LineType": "dlt_Regular", "DiscountPercent": 0.0}


class Lines(Collection):
    """RDR1: matched by LineNum; one that names no row is appended and numbered by the server."""

    def __init__(self) -> None:
        super().__init__("LineNum")

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """Item, description, warehouse, unit, tax and price by default from item, partner and company."""
        given = with_base_values(company, without_nulls(given), parent["DocCurrency"])
        line = len(rows) + 1
        item = None
        if parent.get("DocType") != "dDocument_Service":
            item = company.store.get("Items", given.get("ItemCode") or "")
            if item is None:
                raise errors.rule("RDR1.ItemCode", f"Invalid item '{given.get('ItemCode') or ''}'", line)
            if "Quantity" not in given and "LineTotal" not in given:
                given = {**given, "Quantity": 1.0}
        partner = company.store.get("BusinessPartners", parent["CardCode"]) or {}
        row = {
            **_ROW_DEFAULTS,
            "ShipDate": parent.get("DocDueDate"),
            "SalesPersonCode": parent.get("SalesPersonCode"),
            **_from_item(company, item, given, line),
            **({} if given.get("TaxCode") or given.get("VatGroup") else default_tax(item, partner)),
            **given,
            "LineNum": max((each["LineNum"] for each in rows), default=-1) + 1,
            "LineStatus": "bost_Open",
            "VisualOrder": len(rows),
            "Currency": parent["DocCurrency"],
            "Rate": parent["DocRate"],
        }
        if item is not None and not {"UnitPrice", "Price", "LineTotal", "RowTotalFC"} & set(given):
            row["UnitPrice"] = number(list_price(company, item, row, partner, parent["DocDate"]))
        return _settled(company, row, given)

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """Another item, or another tax code, replaces what came with the old one."""
        status = given.get("LineStatus") or present["LineStatus"]
        row = {**present, **given, "LineNum": present["LineNum"], "LineStatus": status}
        for name, other in (("TaxCode", "VatGroup"), ("VatGroup", "TaxCode")):
            if given.get(name):
                row[other] = given.get(other)
        if given.get("ItemCode") not in (None, present.get("ItemCode")):
            item = company.store.get("Items", given["ItemCode"])
            if item is None:
                raise errors.rule("RDR1.ItemCode", f"Invalid item '{given['ItemCode']}'", present["LineNum"] + 1)
            row = {**row, **_from_item(company, item, given, present["LineNum"] + 1), **given}
        return _settled(company, without_nulls(row), without_nulls(given))


class Expenses(Collection):
    """RDR3: freight of a document, matched by LineNum, else by its freight code (inferred)."""

    def __init__(self) -> None:
        super().__init__("LineNum")

    def find(self, rows: Sequence[Row], given: Row, touched: set[int]) -> int | None:
        """A row without LineNum means the first untouched one of its code."""
        if given.get("LineNum") is not None:
            return super().find(rows, given, touched)
        codes = enumerate(row["ExpenseCode"] for row in rows)
        return next((at for at, code in codes if code == given.get("ExpenseCode") and at not in touched), None)

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """The freight code must exist; its tax group is the default."""
        number_ = max((each["LineNum"] for each in rows), default=-1) + 1
        return _freight(company, {"LineNum": number_, "Status": "bost_Open"}, given, parent)

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """Keeps its number."""
        return _freight(company, present, {**given, "LineNum": present["LineNum"]}, present)


def list_price(company: Company, item: Row, row: Row, partner: Row, day: str) -> Decimal:
    """The partner's price list's price for the row's unit, in the row's currency at the day's rate."""
    price_list = partner.get("PriceListNum") or 1
    found = next((each for each in item.get("ItemPrices", ()) if each["PriceList"] == price_list), None)
    if found is None:
        return Decimal(0)
    price = exact(found.get("Price")) * _base_quantity(company, item, row.get("UoMEntry"))
    currency = found.get("Currency") or local_currency(company)
    if currency != row["Currency"]:
        price = price * needed_rate(company, currency, day) / exact(row["Rate"])
    return rounded(price, setting_places(company, "PriceAccuracy"))


def _from_item(company: Company, item: Row | None, given: Row, line: int) -> Row:
    if item is None:
        return {}
    unit = given.get("UoMEntry")
    if unit is None:
        manual = item.get("UoMGroupEntry", MANUAL_UNITS) == MANUAL_UNITS
        unit = MANUAL_UNITS if manual else item.get("DefaultSalesUoMEntry", item.get("InventoryUoMEntry"))
    named = company.store.get("UnitOfMeasurements", unit) if unit is not None else None
    if unit not in _units_of(company, item):
        raise errors.rule("RDR1.UomEntry", f"Invalid unit '{unit}'", line)
    warehouse = item.get("DefaultWarehouse") or company.setting("DefaultWarehouse")
    return without_nulls(
        {
            "ItemDescription": item.get("ItemName"),
            "WarehouseCode": warehouse,
            "UoMEntry": unit,
            "UoMCode": (named or {}).get("Code"),
            "MeasureUnit": item.get("SalesUnit") if unit == MANUAL_UNITS else (named or {}).get("Name"),
            "BarCode": item.get("BarCode"),
        }
    )


def _group_of(company: Company, item: Row) -> Row:
    return company.store.get("UnitOfMeasurementGroups", item.get("UoMGroupEntry", MANUAL_UNITS)) or {}


def _units_of(company: Company, item: Row) -> set[int | None]:
    """Units a row of the item may be in: those of its group, or only the manual one."""
    if item.get("UoMGroupEntry", MANUAL_UNITS) == MANUAL_UNITS:
        return {MANUAL_UNITS}
    return {each["AlternateUoM"] for each in _group_of(company, item).get("UoMGroupDefinitionCollection", ())}


def _base_quantity(company: Company, item: Row, unit: int | None) -> Decimal:
    """How many of the group's base unit one of ``unit`` is."""
    for each in _group_of(company, item).get("UoMGroupDefinitionCollection", ()):
        if each["AlternateUoM"] == unit and unit != MANUAL_UNITS:
            return exact(each["BaseQuantity"]) / exact(each["AlternateQuantity"])
    return Decimal(1)


def _settled(company: Company, row: Row, given: Row) -> Row:
    """The row with quantity, UnitPrice and DiscountPercent rounded as SAP keeps them, and a given total noted."""
    price_places = setting_places(company, "PriceAccuracy")
    quantity = rounded(exact(row.get("Quantity", 1)), setting_places(company, "AccuracyofQuantities"))
    discount = exact(row.get("DiscountPercent"))
    price = exact(row.get("UnitPrice"))
    if "UnitPrice" not in given and "Price" in given:
        discount = exact(given.get("DiscountPercent"))
        remains = 1 - discount / HUNDRED
        price = exact(given["Price"]) / remains if remains else exact(given["Price"])
    amount = _given_total(company, row, given)
    if amount is not None:
        row = {**row, AMOUNT: number(amount)}
        if "UnitPrice" not in row:
            price = amount / quantity if quantity else amount
        full = quantity * price
        discount = (1 - amount / full) * HUNDRED if full and "UnitPrice" in row else Decimal(0)
    elif any(name in given for name in _PRICED_BY):
        row = {name: value for name, value in row.items() if name != AMOUNT}
    if _ROW_FREIGHT in given:
        row = {
            **row,
            _ROW_FREIGHT: [_row_freight(company, row, each, at) for at, each in enumerate(given[_ROW_FREIGHT])],
        }
    return {
        **row,
        "Quantity": number(quantity),
        "UnitPrice": number(rounded(price, price_places)),
        "DiscountPercent": number(rounded(discount, setting_places(company, "PercentageAccuracy"))),
    }


def _given_total(company: Company, row: Row, given: Row) -> Decimal | None:
    """The total a client gave, in the document's currency; None if it is to be computed."""
    if company.switches.line_total_given == "ignored" and row.get("ItemCode"):
        return None
    return _in_document_currency(company, row, given, "RowTotalFC")


def _in_document_currency(company: Company, row: Row, given: Row, foreign_name: str) -> Decimal | None:
    currency = row["Currency"]
    is_foreign = currency != local_currency(company)
    if is_foreign and given.get(foreign_name) is not None:
        amount = exact(given[foreign_name])
    elif given.get("LineTotal") is not None:
        amount = exact(given["LineTotal"])
        if is_foreign and company.switches.foreign_amounts == "local":
            amount = amount / exact(row["Rate"])
    else:
        return None
    return rounded(amount, amount_places(company, currency))


def _row_freight(company: Company, line: Row, given: Row, at: int) -> Row:
    return _freight(company, {"LineNumber": line["LineNum"], "GroupCode": at}, given, line)


def _freight(company: Company, present: Row, given: Row, money: Row) -> Row:
    """A freight row; ``money`` names currency and rate, as a document, a row or the freight row itself."""
    row = without_nulls({**present, **given})
    for name, other in (("TaxCode", "VatGroup"), ("VatGroup", "TaxCode")):
        if given.get(name) and not given.get(other):
            row.pop(other, None)
    expense = company.store.get("AdditionalExpenses", row.get("ExpenseCode"))
    if expense is None:
        raise errors.rule("RDR3.ExpnsCode", f"Invalid freight code '{row.get('ExpenseCode')}'")
    liable = expense.get("TaxLiable") != "tNO" and expense.get("OutputVATGroup")
    if liable and not row.get("TaxCode") and not row.get("VatGroup"):
        row["VatGroup"] = expense["OutputVATGroup"]
    row["Currency"] = money.get("Currency") or money.get("DocCurrency")
    row["Rate"] = money.get("Rate") or money.get("DocRate")
    amount = _in_document_currency(company, row, given, "LineTotalFC")
    if amount is not None:
        row[AMOUNT] = number(amount)
    row.setdefault(AMOUNT, 0.0)
    return row
