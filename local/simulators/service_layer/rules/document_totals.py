"""What SAP computes on a document: rows, discount, freight, tax, totals in document and local currency.

Row total = quantity x UnitPrice x (1 - DiscountPercent), rounded to the document currency's decimals; the header's
discount on the sum; tax on each row's share of what remains, and on freight, rounded on each row (a switch: once
for each tax code); local amounts are the foreign ones times DocRate (inferred: the header's are converted as a whole).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base_documents import left_of
from local.simulators.service_layer.rules.document_lines import AMOUNT
from local.simulators.service_layer.rules.money import (
    HUNDRED,
    amount_places,
    exact,
    local_currency,
    number,
    rate_on,
    rounded,
    setting_places,
)
from local.simulators.service_layer.rules.taxes import tax_key, tax_of, tax_percent
from local.simulators.service_layer.store import Row

_ROW_FREIGHT = "DocumentLineAdditionalExpenses"


@dataclass
class _Sums:
    """In the document's currency."""

    lines: Decimal = Decimal(0)
    freight: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    exact_tax: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))


class Totals:
    """Computes one document."""

    def __init__(self, company: Company, document: Row) -> None:
        self._company = company
        self._document = document
        self._currency = document["DocCurrency"]
        self._is_foreign = self._currency != local_currency(company)
        self._places = amount_places(company, self._currency)
        self._local_places = amount_places(company, local_currency(company))
        self._rate = exact(document["DocRate"])
        self._discount = exact(document.get("DiscountPercent")) / HUNDRED
        self._sums = _Sums()

    def computed(self) -> Row:
        """The document with everything that follows from its rows."""
        lines = [self._line(row) for row in self._document.get("DocumentLines", ())]
        expenses = [self._expense(row) for row in self._document.get("DocumentAdditionalExpenses", ())]
        sums = self._sums
        discount = rounded(sums.lines * self._discount, self._places)
        tax = sums.tax
        if self._company.switches.tax_rounding == "document":
            tax = sum((rounded(each, self._places) for each in sums.exact_tax.values()), Decimal(0))
        total = sums.lines - discount + sums.freight + tax
        if self._document.get("Rounding") == "tYES":
            given = self._document.get("RoundingDiffAmountFC" if self._is_foreign else "RoundingDiffAmount")
            total += rounded(exact(given), self._places)
        return {
            **self._document,
            "DocumentLines": lines,
            "DocumentAdditionalExpenses": expenses,
            **self._both("DocTotal", "DocTotalFc", total),
            **self._both("VatSum", "VatSumFc", tax),
            **self._both("TotalDiscount", "TotalDiscountFC", discount),
            "DocTotalSys": number(self._system(total)),
        }

    def _both(self, local_name: str, foreign_name: str, amount: Decimal) -> Row:
        """An amount of the document's currency under its local and its foreign name."""
        return {
            local_name: number(self._local(amount)),
            foreign_name: number(amount) if self._is_foreign else 0.0,
        }

    def _local(self, amount: Decimal) -> Decimal:
        return rounded(amount * self._rate, self._local_places) if self._is_foreign else amount

    def _system(self, total: Decimal) -> Decimal:
        system = self._company.setting("SystemCurrency") or local_currency(self._company)
        rate = rate_on(self._company, system, self._document["DocDate"])
        return rounded(self._local(total) / rate, amount_places(self._company, system)) if rate else Decimal(0)

    def _tax(self, row: Row, net: Decimal) -> tuple[Decimal, Decimal]:
        """Percent and rounded tax of a row, added to the sums."""
        percent = tax_percent(self._company, row, self._document["DocDate"])
        unrounded = tax_of(net, percent)
        self._sums.exact_tax[tax_key(row)] += unrounded
        tax = rounded(unrounded, self._places)
        self._sums.tax += tax
        return percent, tax

    def _line(self, row: Row) -> Row:
        quantity, price = exact(row["Quantity"]), exact(row["UnitPrice"])
        remains = 1 - exact(row.get("DiscountPercent")) / HUNDRED
        given = row.get(AMOUNT)
        amount = rounded(quantity * price * remains if given is None else exact(given), self._places)
        self._sums.lines += amount
        percent, tax = self._tax(row, amount * (1 - self._discount))
        is_open = row.get("LineStatus") != "bost_Close"
        after = amount / quantity if given is not None and quantity else price * remains
        price_places = setting_places(self._company, "PriceAccuracy")
        left = left_of(row) if is_open else Decimal(0)
        open_amount = rounded(amount * left / quantity, self._places) if quantity else Decimal(0)
        return {
            **row,
            **self._both("LineTotal", "RowTotalFC", amount),
            **self._both("TaxTotal", "NetTaxAmountFC", tax),
            "NetTaxAmount": number(self._local(tax)),
            **self._both("GrossTotal", "GrossTotalFC", amount + tax),
            **self._both("OpenAmount", "OpenAmountFC", open_amount),
            "TaxPercentagePerRow": number(percent),
            "Price": number(rounded(after, price_places)),
            "PriceAfterVAT": number(rounded(after * (1 + percent / HUNDRED), price_places)),
            "RemainingOpenQuantity": number(left),
            _ROW_FREIGHT: [self._expense(each) for each in row.get(_ROW_FREIGHT, ())],
        }

    def _expense(self, row: Row) -> Row:
        amount = exact(row[AMOUNT])
        self._sums.freight += amount
        percent, tax = self._tax(row, amount)
        gross: Iterable[tuple[str, float]] = ()
        if "LineNum" in row:  # rows of RDR2 have no gross amounts
            gross = self._both("LineGross", "LineGrossFC", amount + tax).items()
        return {
            **row,
            **self._both("LineTotal", "LineTotalFC", amount),
            **self._both("TaxSum", "TaxSumFC", tax),
            **self._both("TaxTotalSum", "TaxTotalSumFC", tax),
            "TaxPercent": number(percent),
            **dict(gross),
        }
