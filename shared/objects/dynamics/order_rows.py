"""The rows of a SAP order or quotation for the content of an order or quote of Dynamics: lines, shipping and item tax as freights, discount.

Every row and freight carries the exempt tax code, so SAP adds no tax of its own; the tax of a line is a freight on its
row, shipping one on the document (how the incumbent hub posts orders). Amounts of a document in foreign currency go into
the columns for foreign amounts, whose currency is beyond doubt.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from shared.objects.canonical import Refused, number_or_zero
from shared.objects.codes import SapCurrencies
from shared.objects.columns import Accessor, Draft, column_of, text_length
from shared.objects.company import accuracy, is_foreign, tax_code
from shared.objects.dynamics.order_amounts import SapAmounts, SapLine, fitted, predicted_total
from shared.objects.dynamics.order_content import Content, Line, content_of
from shared.objects.dynamics.units import sap_unit
from shared.objects.model import Context, Parent
from shared.objects.references import HUB_REFERENCE
from shared.objects.row_figures import Accuracy
from shared.ports import Mark, Row, SideName, Value

ROWS, FREIGHTS, ROW_FREIGHTS = "DocumentLines", "DocumentAdditionalExpenses", "DocumentLineAdditionalExpenses"
CLOSED = "the SAP document is closed, so the change made in Dynamics was not taken over; reopen it there and retry, or leave it"
_QUOTATION_TYPE = 23  # BaseType of a sales quotation
_LONGEST_TEXT = 100  # RDR1.Dscription, its older and smaller size
_FIGURES = ("ItemCode", "Quantity", "UnitPrice", "DiscountPercent", "UoMEntry", "ItemDescription")


@dataclass(frozen=True)
class SapContent(Accessor):
    """A SAP document's rows, freights and discount."""

    columns = (ROWS, FREIGHTS, "DiscountPercent", "DocCurrency", "DocumentStatus")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """What a user of SAP could have edited; not what follows from deliveries."""
        return {
            "discount": number_or_zero(row.get("DiscountPercent")),
            "freights": [_shown_freight(each) for each in column_of(row, FREIGHTS) or ()],
            "lines": [_shown_line(each) for each in column_of(row, ROWS) or ()],
        }

    def write(self, value: Value, draft: Draft) -> None:
        """All rows anew for a create; for an update the rows that are to stand, those that stay named by number alone."""
        if draft.current is not None and draft.current.get("DocumentStatus") != "bost_Open":
            raise Refused(CLOSED, conflict=True)
        made = _Rows(content_of(value), draft)
        draft.body |= made.body()
        draft.replace = draft.current is not None


def _shown_line(row: Row) -> dict[str, Any]:
    shown = {name: row.get(name) for name in ("ItemCode", "UoMEntry", HUB_REFERENCE)}
    amounts = {name: number_or_zero(row.get(name)) for name in ("Quantity", "UnitPrice", "DiscountPercent")}
    return {**shown, **amounts, "freights": [_shown_freight(each) for each in row.get(ROW_FREIGHTS) or ()]}


def _shown_freight(row: Row) -> dict[str, Any]:
    return {
        "code": row.get("ExpenseCode"),
        "local": number_or_zero(row.get("LineTotal")),
        "foreign": number_or_zero(row.get("LineTotalFC")),
    }


class _Rows:
    """Makes the rows of one document."""

    def __init__(self, content: Content, draft: Draft) -> None:
        self._content, self._ctx, self._current = content, draft.ctx, draft.current
        self._currency = str(SapCurrencies().from_canonical(content.currency, draft.ctx))
        self._exempt = _exempt(draft.ctx)
        self._foreign = is_foreign(draft.ctx, self._currency)
        self._amounts = _fitted(content, accuracy(draft.ctx, self._currency))
        numbers = [int(row["LineNum"]) for row in self._rows_of(ROWS)]
        self._next_number = count(max(numbers, default=-1) + 1)
        self._present = self._paired()
        quote = Parent("quotation", SideName.OTHER, str(content.quote))
        self._base: Row = draft.ctx.rows.get(quote, {}) if content.quote else {}

    def body(self) -> Row:
        """Currency (of a new order), rows, freights, discount."""
        self._refuse_foreign_hands()
        self._refuse_lost_deliveries()
        lines = zip(self._content.lines, self._amounts.lines, strict=True)
        body: Row = {} if self._current is not None else {"DocCurrency": self._currency}
        return {
            **body,
            "DiscountPercent": self._amounts.discount_percent,
            ROWS: [self._line(line, figures) for line, figures in lines],
            FREIGHTS: self._shipping(self._amounts),
        }

    def _rows_of(self, collection: str) -> list[Row]:
        return list((self._current or {}).get(collection) or ())

    def _paired(self) -> dict[str, Row]:
        """By line, the row that is its own; a line of a new id (a revision's) takes over a row of the same thing."""
        own = {str(row[HUB_REFERENCE]): row for row in self._rows_of(ROWS) if row.get(HUB_REFERENCE)}
        paired = {line.id: own.pop(line.id) for line in self._content.lines if line.id in own}
        for line in self._content.lines:
            if line.id in paired or not own:
                continue
            thing = self._item(line)
            left = next((key for key, row in own.items() if all(row.get(k) == v for k, v in thing.items())), None)
            if left is not None:
                paired[line.id] = own.pop(left)
        return paired

    def _refuse_foreign_hands(self) -> None:
        """Rows that somebody added in SAP would make another total; they are never deleted."""
        if self._current is None:
            return
        own_rows = any(not row.get(HUB_REFERENCE) for row in self._rows_of(ROWS))
        known = {self._ctx.settings.freight_for_shipping}
        own_freights = any(row.get("ExpenseCode") not in known for row in self._rows_of(FREIGHTS))
        if own_rows or own_freights or self._current.get("DocCurrency") not in (None, self._currency):
            text = "rows, freights or currency of the SAP document were changed by hand; enter the change made in Dynamics there"
            raise Refused(text, conflict=True)

    def _refuse_lost_deliveries(self) -> None:
        """A row that is delivered cannot go, whatever becomes of its line."""
        kept = {row["LineNum"] for row in self._present.values()}
        gone = [row for row in self._rows_of(ROWS) if row.get(HUB_REFERENCE) and row["LineNum"] not in kept]
        if any(row.get("LineStatus") == "bost_Close" for row in gone):
            text = (
                "a line that was removed in Dynamics is delivered or closed in SAP already; change what is left by hand"
            )
            raise Refused(text, conflict=True)

    def _line(self, line: Line, figures: SapLine) -> Row:
        wanted: Row = {
            **self._item(line),
            "Quantity": figures.quantity,
            "UnitPrice": figures.unit_price,
            "DiscountPercent": figures.discount_percent,
            ROW_FREIGHTS: self._tax(figures.tax),
        }
        present = self._present.get(line.id)
        if present is None:
            warehouse = self._ctx.settings.warehouse_for_documents
            more = {"WarehouseCode": warehouse} if warehouse else {}
            based = self._based_on(line, wanted)
            return {**self._number(), **wanted, **self._exempt, **more, **based, HUB_REFERENCE: line.id}
        number = {"LineNum": present["LineNum"]}
        if present[HUB_REFERENCE] != line.id:
            number[HUB_REFERENCE] = line.id
        if _is_same(present, wanted):
            return number
        if present.get("LineStatus") == "bost_Close":
            text = (
                "a line that was changed in Dynamics is delivered or closed in SAP already; change what is left by hand"
            )
            raise Refused(text, conflict=True)
        return {**number, **wanted}

    def _number(self) -> Row:
        """A number that no row has, for a row to be added: one without a number would take the place of another."""
        return {} if self._current is None else {"LineNum": next(self._next_number)}

    def _based_on(self, line: Line, wanted: Row) -> Row:
        """The open row of the SAP quotation that the line was quoted in, so that SAP closes it with the order."""
        if self._base.get("DocumentStatus") != "bost_Open":
            return {}
        for row in self._base.get(ROWS) or ():
            is_it = line.quote_line is not None and row.get(HUB_REFERENCE) == line.quote_line
            if is_it and row.get("LineStatus") != "bost_Close" and row.get("ItemCode") == wanted["ItemCode"]:
                entry = self._base["DocEntry"]
                return {"BaseType": _QUOTATION_TYPE, "BaseEntry": entry, "BaseLine": row["LineNum"]}
        return {}

    def _item(self, line: Line) -> Row:
        if line.product is None:
            return self._write_in(line)
        code = self._ctx.links.get(Parent("product", SideName.OTHER, line.product))
        if code is None:
            raise Refused("a line is of a product that is not linked to an item", whole=True)
        unit = sap_unit(line.unit, self._ctx)
        return {"ItemCode": code, **({} if unit is None else {"UoMEntry": unit})}

    def _write_in(self, line: Line) -> Row:
        item = self._ctx.settings.write_in_item
        if item is None:
            raise Refused("a line is a write-in; choose the item for them in the setting writeInItem", whole=True)
        text = (line.text or "").strip()
        if text_length(text) > _LONGEST_TEXT:
            raise Refused(f"a write-in's text is longer than {_LONGEST_TEXT} characters; shorten it", whole=True)
        return {"ItemCode": item, "ItemDescription": text}

    def _tax(self, amount: Decimal) -> list[Row]:
        if not amount:
            return []
        code = self._ctx.settings.freight_for_item_tax
        if code is None:
            raise Refused("its lines have tax; choose the freight for it in the setting freightForItemTax", whole=True)
        return [{"ExpenseCode": code, **self._freight_amount(amount), **self._exempt}]

    def _shipping(self, amounts: SapAmounts) -> list[Row]:
        code = self._ctx.settings.freight_for_shipping
        present = next((row for row in self._rows_of(FREIGHTS) if row.get("ExpenseCode") == code), None)
        if not amounts.freight and present is None:
            return []
        if code is None:
            raise Refused("it has a shipping amount; choose the freight for it in freightForShipping", whole=True)
        number = {} if present is None else {"LineNum": present["LineNum"]}
        return [{**number, "ExpenseCode": code, **self._freight_amount(amounts.freight), **self._exempt}]

    def _freight_amount(self, amount: Decimal) -> Row:
        return {"LineTotalFC" if self._foreign else "LineTotal": amount}


def _fitted(content: Content, accuracy: Accuracy) -> SapAmounts:
    """SAP's figures, and the proof before anything is posted that their total is the order's."""
    amounts = fitted(content.amounts, accuracy)
    if predicted_total(amounts, accuracy) != content.amounts.total:
        raise Refused("SAP's total would differ from the order's; nothing was posted", whole=True)
    return amounts


def _exempt(ctx: Context) -> Row:
    code = ctx.settings.exempt_tax_code
    found = tax_code(ctx.lists, code) if code else None
    if found is None or found[1] != 0:
        raise Refused("the exempt tax code is missing in SAP or not of 0 %; correct exemptTaxCode", whole=True)
    return found[0].row


def _is_same(present: Row, wanted: Row) -> bool:
    """Whether the row in SAP has these figures already."""
    for name in _FIGURES:
        if name in wanted and _plain(present.get(name)) != _plain(wanted[name]):
            return False
    amounts = [
        (row.get("ExpenseCode"), number_or_zero(row.get("LineTotalFC")) or number_or_zero(row.get("LineTotal")))
        for row in present.get(ROW_FREIGHTS) or ()
    ]
    return amounts == [
        (row["ExpenseCode"], row.get("LineTotalFC", row.get("LineTotal"))) for row in wanted[ROW_FREIGHTS]
    ]


def _plain(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value
