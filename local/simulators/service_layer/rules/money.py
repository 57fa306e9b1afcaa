"""Amounts, decimals and exchange rates. Computed as Decimal; rows keep JSON numbers, whose text is the exact decimal.

Decimals are the currency's own (``Currencies.Decimals``) or the company's (``TotalsAccuracy``); rounding is commercial,
half away from zero.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company

HUNDRED = Decimal(100)
_SETTING_DEFAULTS = {"TotalsAccuracy": 2, "PriceAccuracy": 2, "PercentageAccuracy": 2, "AccuracyofQuantities": 3}


def exact(value: Any) -> Decimal:
    """The decimal that was written; nothing counts as zero."""
    return Decimal(str(value)) if value is not None else Decimal(0)


def rounded(value: Decimal, places: int) -> Decimal:
    """Rounded half away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def number(value: Decimal) -> float:
    """The stored form, as everywhere in the simulator."""
    return float(value)


def setting_places(company: Company, name: str) -> int:
    """Decimals from AdminInfo, e.g. ``PriceAccuracy``."""
    places = company.setting(name)
    return int(places) if places is not None else _SETTING_DEFAULTS[name]


def amount_places(company: Company, currency: str) -> int:
    """Decimals of amounts in a currency."""
    row = company.store.get("Currencies", currency) or {}
    code = company.schema.enums["CurrenciesDecimalsEnum"].get(row.get("Decimals") or "cdDefault")
    return setting_places(company, "TotalsAccuracy") if code in (None, "-1") else int(str(code))


def local_currency(company: Company) -> str:
    """The company's currency."""
    return str(company.setting("LocalCurrency"))


def rate_on(company: Company, currency: str, day: str) -> Decimal | None:
    """Units of local currency for one of ``currency``: the last rate kept up to that day, None if there is none."""
    if currency == local_currency(company):
        return Decimal(1)
    rows = (row for row in company.store.tables["CurrencyRates"].rows.values() if row["Currency"] == currency)
    last = max((row for row in rows if row["RateDate"] <= day), key=lambda row: str(row["RateDate"]), default=None)
    return exact(last["Rate"]) if last is not None else None


def needed_rate(company: Company, currency: str, day: str) -> Decimal:
    """The rate of a day; raises -5002 without one (the code is inferred)."""
    rate = rate_on(company, currency, day)
    if rate is None:
        raise errors.rule("ORTT.Rate", f"Update the exchange rate , '{currency}'")
    return rate
