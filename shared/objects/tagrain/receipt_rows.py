"""The rows of a document of SAP for the content of a receipt: lines, surcharges as freights, the rounding.

Tax is SAP's own, by the tax code of the same name. Whatever is not mapped refuses the whole receipt, naming the setting.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Refused, number_or_zero
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.company import TaxCode, accuracy, own_currency, tax_code
from shared.objects.model import Context, Parent
from shared.objects.tagrain.entities import GIFT_CARD
from shared.objects.tagrain.receipt import Content, Line, Surcharge, content_of, shown_content
from shared.objects.tagrain.receipt_amounts import ReceiptAmounts, SapReceipt, SapRow, Taxed, TaxedLine, fitted
from shared.objects.tagrain.receipt_header import CHANGED
from shared.objects.tagrain.tenders import store_of
from shared.ports import Mark, Row, SideName, Value

ROWS, FREIGHTS, ROUNDING = "DocumentLines", "DocumentAdditionalExpenses", "RoundingDiffAmount"
_ROW = ("ItemCode", "Quantity", "UnitPrice", "DiscountPercent")


@dataclass(frozen=True)
class TagrainContent(Accessor):
    """A receipt's content as Tagrain shows it."""

    columns = ("storeId", "currency", "taxInclusive", "lines", "surcharges", "rounding", "total")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Its parts. Refused where they do not add up."""
        return shown_content(row)

    def write(self, value: Value, draft: Draft) -> None:
        """Receipts are Tagrain's own."""


@dataclass(frozen=True)
class SapContent(Accessor):
    """A document's rows, freights and rounding."""

    columns = (ROWS, FREIGHTS, ROUNDING)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The figures that the hub gave it."""
        return _figures(row)

    def write(self, value: Value, draft: Draft) -> None:
        """All of a new document; one that is posted must have these figures already."""
        body = _document(content_of(value), draft.ctx)
        if draft.current is None:
            draft.body |= body
        elif _figures(draft.current) != _figures(body):
            raise Refused(CHANGED, conflict=True)


def _figures(row: Row) -> dict[str, Any]:
    """What tells one content from another."""
    return {
        "rows": [{name: _plain(each.get(name)) for name in _ROW} for each in column_of(row, ROWS) or ()],
        "freights": [
            {"code": each.get("ExpenseCode"), "net": number_or_zero(each.get("LineTotal"))}
            for each in row.get(FREIGHTS) or ()
            if number_or_zero(each.get("LineTotal"))
        ],
        "rounding": number_or_zero(row.get(ROUNDING)),
    }


def _plain(value: Any) -> Any:
    return number_or_zero(value) if isinstance(value, int | Decimal) else value


def _document(content: Content, ctx: Context) -> Row:
    """The document's body without customer, number and day."""
    store = store_of(content.store, ctx)
    if ctx.settings.payment_term is None:
        raise Refused("receipts have no payment term; choose it in the setting paymentTerm", whole=True)
    currency = own_currency(content.currency, "receipts", ctx)
    line_codes = [_tax(each.tax_code, ctx) for each in content.lines]
    freight_codes = [_tax(each.tax_code, ctx) for each in content.surcharges]
    amounts = ReceiptAmounts(
        tuple(_taxed_line(line, rate) for line, (_, rate) in zip(content.lines, line_codes, strict=True)),
        tuple(_taxed(each, rate) for each, (_, rate) in zip(content.surcharges, freight_codes, strict=True)),
        content.rounding,
        content.total,
        content.tax_inclusive,
    )
    made = fitted(amounts, accuracy(ctx, currency))
    rows = zip(content.lines, made.rows, line_codes, strict=True)
    body: Row = {
        "DocCurrency": currency,
        "PaymentGroupCode": ctx.settings.payment_term,
        "DiscountPercent": 0,
        ROWS: [_row(line, row, code, store.warehouse, ctx) for line, row, (code, _) in rows],
        FREIGHTS: _freights(content, made, [code for code, _ in freight_codes], ctx),
    }
    if made.rounding:
        body |= {"Rounding": "tYES", ROUNDING: made.rounding}
    return body if store.branch is None else {**body, "BPL_IDAssignedToInvoice": store.branch}


def _tax(name: str | None, ctx: Context) -> tuple[TaxCode, Decimal]:
    """SAP's tax code of that name, the exempt one for none, and its rate. None is ever replaced by another."""
    code = ctx.settings.exempt_tax_code if name is None else name
    if code is None:
        raise Refused("it has what is not taxed; choose SAP's code for that in the setting exemptTaxCode", whole=True)
    found = tax_code(ctx.lists, code)
    if found is None:
        what = "exempt tax code (setting exemptTaxCode)" if name is None else "tax code"
        text = f"SAP has no active {what} {code} for sales; create it there, with the same name and rate"
        raise Refused(text, whole=True)
    return found


def _taxed(each: Line | Surcharge, rate: Decimal) -> Taxed:
    return Taxed(each.total - each.tax, each.tax, rate)


def _taxed_line(line: Line, rate: Decimal) -> TaxedLine:
    return TaxedLine(line.total - line.tax, line.tax, rate, line.quantity, line.price)


def _row(line: Line, figures: SapRow, tax: TaxCode, warehouse: str, ctx: Context) -> Row:
    code = ctx.links.get(Parent("product", SideName.OTHER, line.product))
    if code is None:
        raise Refused("a line is of a product that is not linked to an item", whole=True)
    row: Row = {
        "ItemCode": code,
        "Quantity": figures.quantity,
        "UnitPrice": figures.unit_price,
        "DiscountPercent": figures.discount_percent,
        "WarehouseCode": warehouse,
        **tax.row,
    }
    if line.product_type == GIFT_CARD:
        row["AccountCode"] = _gift_card_account(ctx)
    if line.serial_numbers:
        row["SerialNumbers"] = [{"InternalSerialNumber": each, "Quantity": 1} for each in line.serial_numbers]
    if line.batches:
        row["BatchNumbers"] = [{"BatchNumberProperty": b.number, "Quantity": b.quantity} for b in line.batches]
    return row


def _gift_card_account(ctx: Context) -> str:
    if ctx.settings.gift_card_account is None:
        raise Refused("it sells a gift card; choose its G/L account in the setting giftCardAccount", whole=True)
    return str(ctx.settings.gift_card_account)


def _freights(content: Content, made: SapReceipt, taxes: list[TaxCode], ctx: Context) -> list[Row]:
    rows: list[Row] = []
    for surcharge, freight, tax in zip(content.surcharges, made.freights, taxes, strict=True):
        code = ctx.settings.surcharges.get(surcharge.surcharge)
        if code is None:
            key = surcharge.surcharge
            raise Refused(f"the surcharge {key} has no freight in SAP; add it to the setting surcharges", whole=True)
        rows.append({"ExpenseCode": code, "LineTotal": freight.net, **tax.row})
    return rows
