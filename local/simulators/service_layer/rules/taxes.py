"""Tax codes on document rows: TaxCode is a sales tax code, VatGroup a tax group; a row has the one its country uses."""

from __future__ import annotations

from decimal import Decimal

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import must_exist
from local.simulators.service_layer.rules.money import HUNDRED, exact
from local.simulators.service_layer.store import Row


def tax_key(row: Row) -> tuple[str, str]:
    """What tax is grouped by where it is rounded once for a document."""
    return ("TaxCode", row["TaxCode"]) if row.get("TaxCode") else ("VatGroup", row.get("VatGroup") or "")


def tax_percent(company: Company, row: Row, day: str) -> Decimal:
    """The rate of a row in percent; tax groups change theirs by date. No code is no tax."""
    if row.get("TaxCode"):
        return exact((company.store.get("SalesTaxCodes", row["TaxCode"]) or {}).get("Rate"))
    group = company.store.get("VatGroups", row["VatGroup"]) if row.get("VatGroup") else None
    rates = [each for each in (group or {}).get("VatGroups_Lines", ()) if each["Effectivefrom"] <= day]
    return exact(max(rates, key=lambda each: str(each["Effectivefrom"]))["Rate"]) if rates else Decimal(0)


def tax_of(amount: Decimal, percent: Decimal) -> Decimal:
    """Tax on a net amount, not rounded."""
    return amount * percent / HUNDRED


def check_tax(company: Company, row: Row, table: str, line: int) -> None:
    """Refuse codes that do not exist, are inactive, or are not for sales."""
    code = must_exist(company, "SalesTaxCodes", row.get("TaxCode"), f"{table}.TaxCode", line)
    if code is not None and (code.get("Inactive") == "tYES" or code.get("ValidForAR") == "tNO"):
        raise errors.rule(f"{table}.TaxCode", f"Invalid tax code '{row['TaxCode']}'", line)
    group = must_exist(company, "VatGroups", row.get("VatGroup"), f"{table}.VatGroup", line)
    if group is not None and (group.get("Inactive") == "tYES" or group.get("Category") == "bovcInputTax"):
        raise errors.rule(f"{table}.VatGroup", f"Invalid tax group '{row['VatGroup']}'", line)


def default_tax(item: Row | None, partner: Row) -> Row:
    """The tax of a row that names none: the partner's group, else the item's; none where either is not liable."""
    if partner.get("VatLiable") == "vExempted" or (item or {}).get("VatLiable") == "tNO":
        return {}
    group = partner.get("VatGroup") or (item or {}).get("SalesVATGroup")
    if group:
        return {"VatGroup": group}
    code = (item or {}).get("ArTaxCode")
    return {"TaxCode": code} if code else {}
