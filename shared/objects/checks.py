"""Checks of settings that templates have in common: every code must be on its list, and be fit for its use.

A list that is not given is not checked against. Each check names what is wrong and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.company import tax_code
from shared.objects.model import Problem
from shared.ports import Row

type Lists = Mapping[str, Sequence[Row]]

CUSTOMER_GROUP = "defaultCustomerGroup"
SERIES = "customerCodeSeries"
EXEMPT_TAX = "exemptTaxCode"


def unlisted(
    setting: str, codes: Iterable[Any], listing: str, columns: tuple[str, ...], what: str, lists: Lists
) -> Iterator[Problem]:
    """Codes that are not on the list; several columns make a code that is a tuple."""
    if listing not in lists:
        return
    on_list = {tuple(row[column] for column in columns) for row in lists[listing]}
    for code in codes:
        key = code if isinstance(code, tuple) else (code,)
        if key not in on_list:
            yield Problem(setting, f"{'/'.join(map(str, key))} is not among {what}; correct or remove it")


def customer_group(code: int | None, lists: Lists) -> Iterator[Problem]:
    """The default customer group must be one of customers."""
    if code is None or sap.CUSTOMER_GROUPS not in lists:
        return
    groups = [row for row in lists[sap.CUSTOMER_GROUPS] if row["Type"] == "bbpgt_CustomerGroup"]
    if not any(row["Code"] == code for row in groups):
        yield Problem(CUSTOMER_GROUP, f"{code} is no customer group in SAP; choose one of its customer groups")


def customer_series(number: int | None, lists: Lists) -> Iterator[Problem]:
    """The series of new customers; see :func:`partner_series`."""
    return partner_series(SERIES, number, lists, sap.CUSTOMER_SERIES, "customers")


def partner_series(setting: str, number: int | None, lists: Lists, listing: str, what: str) -> Iterator[Problem]:
    """The series must exist, number by itself (a partner without a code is refused otherwise) and not be locked."""
    if number is None or listing not in lists:
        return
    found = (row for row in lists[listing] if number in (row.get(c) for c in sap.SERIES_NUMBER_COLUMNS))
    series = next(found, None)
    if series is None:
        yield Problem(setting, f"{number} is no numbering series for {what} in SAP; choose one")
    elif series.get("IsManual") == "tYES":
        yield Problem(setting, f"series {number} is manual, so SAP could not number {what}; choose another")
    elif series.get("Locked") == "tYES":
        yield Problem(setting, f"series {number} is locked in SAP; unlock it or choose another")


def branches(wanted: Iterable[tuple[str, int]], lists: Lists) -> Iterator[Problem]:
    """Per setting a branch, which must be active."""
    if sap.BRANCHES not in lists:
        return
    enabled = {row["BPLID"] for row in lists[sap.BRANCHES] if row.get("Disabled") != "tYES"}
    for setting, branch in wanted:
        if branch not in enabled:
            yield Problem(setting, f"{branch} is no active branch in SAP; correct or remove it")


def exempt_tax(code: str | None, lists: Lists) -> Iterator[Problem]:
    """The exempt tax code must be one for sales, of 0 %."""
    if code is None or not {sap.TAX_GROUPS, sap.TAX_CODES} & set(lists):
        return
    found = tax_code(lists, code)
    if found is None:
        yield Problem(EXEMPT_TAX, f"{code} is no active tax code for sales in SAP; choose one of 0 %")
    elif found[1] != 0:
        yield Problem(EXEMPT_TAX, f"{code} is not of 0 % in SAP; choose one that is")
