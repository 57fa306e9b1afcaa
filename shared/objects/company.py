"""What the reference lists say of the SAP company: decimal places, currencies, tax codes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.canonical import Refused
from shared.objects.codes import CURRENCIES, SapCurrencies
from shared.objects.model import Context
from shared.objects.row_figures import Accuracy
from shared.ports import Row

# CurrenciesDecimalsEnum; what is not here (cdDefault) follows the company's setting for amounts.
_CURRENCY_PLACES = {
    "cdWithoutDecimals": 0,
    "cd1Digit": 1,
    "cd2Digits": 2,
    "cd3Digits": 3,
    "cd4Digits": 4,
    "cd5Digits": 5,
    "cd6Digits": 6,
}
_DEFAULT_PLACES = {"TotalsAccuracy": 2, "PriceAccuracy": 2, "PercentageAccuracy": 2, "AccuracyofQuantities": 2}


def company(ctx: Context) -> Row:
    """The company's administration data (AdminInfo); Refused if SAP did not tell."""
    rows = ctx.lists.get(sap.COMPANY, ())
    if not rows:
        raise Refused("SAP does not tell the company's settings; check the rights of the hub's user", whole=True)
    return rows[0]


def places(ctx: Context, setting: str) -> int:
    """Decimal places by a setting of the company (``PriceAccuracy``)."""
    value = company(ctx).get(setting)
    return _DEFAULT_PLACES[setting] if value is None else int(value)


def amount_places(ctx: Context, currency: str) -> int:
    """Decimal places of amounts in a SAP currency."""
    row = next((each for each in ctx.lists.get(CURRENCIES, ()) if each["Code"] == currency), {})
    own = _CURRENCY_PLACES.get(str(row.get("Decimals")))
    return places(ctx, "TotalsAccuracy") if own is None else own


def accuracy(ctx: Context, currency: str) -> Accuracy:
    """The decimals of documents in a SAP currency."""
    return Accuracy(
        amount=amount_places(ctx, currency),
        price=places(ctx, "PriceAccuracy"),
        percent=places(ctx, "PercentageAccuracy"),
        quantity=places(ctx, "AccuracyofQuantities"),
    )


def own_currency(iso: str, what: str, ctx: Context) -> str:
    """SAP's code of that ISO currency. Refused as a whole for ``what`` is in another currency than the company's."""
    try:
        currency = str(SapCurrencies().from_canonical(iso, ctx))
    except Refused as refused:
        raise Refused(refused.reason, whole=True) from None
    if is_foreign(ctx, currency):
        text = f"its currency is not the company's; {what} are entered in SAP's local currency only"
        raise Refused(text, whole=True)
    return currency


def is_foreign(ctx: Context, currency: str) -> bool:
    """Whether documents in that SAP currency have their amounts in the columns for foreign ones."""
    return currency != company(ctx).get("LocalCurrency")


@dataclass(frozen=True)
class TaxCode:
    """A code on document rows: which column names it."""

    column: str
    code: str

    @property
    def row(self) -> Row:
        """What a row carries."""
        return {self.column: self.code}


def tax_code(lists: Any, code: str) -> tuple[TaxCode, Decimal] | None:
    """A tax group or sales tax code that sales may use, with its rate in percent; None if SAP has none of that code."""
    for row in lists.get(sap.TAX_GROUPS, ()):
        if row["Code"] == code and row.get("Category") != "bovcInputTax" and row.get("Inactive") != "tYES":
            latest: Row = max(row.get("VatGroups_Lines") or (), key=lambda line: str(line["Effectivefrom"]), default={})
            return TaxCode("VatGroup", code), Decimal(str(latest.get("Rate") or 0))
    for row in lists.get(sap.TAX_CODES, ()):
        if row["Code"] == code and row.get("ValidForAR") != "tNO" and row.get("Inactive") != "tYES":
            return TaxCode("TaxCode", code), Decimal(str(row.get("Rate") or 0))
    return None
