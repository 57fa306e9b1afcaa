"""Numbering series: of business partners (object type 2) with the code the next one gets, and of documents."""

from __future__ import annotations

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.store import Row

OBJECT_TYPE = "2"
SUB_TYPES = {"cCustomer": "C", "cSupplier": "S", "cLid": "L"}


def series_of(company: Company, document: str, sub_type: str | None) -> list[Row]:
    """Series of an object type; the sub type narrows only while its switch is on."""
    rows = [row for row in company.store.tables["Series"].scan() if row["Document"] == document]
    if sub_type and company.switches.series_sub_types:
        rows = [row for row in rows if row.get("DocumentSubType") == sub_type]
    return rows


def default_series(company: Company, document: str, sub_type: str | None) -> Row | None:
    """The first numbering series that is not locked; a manual one only if there is no other."""
    usable = [row for row in series_of(company, document, sub_type) if row.get("Locked") != "tYES"]
    return min(usable, key=lambda row: row.get("IsManual") == "tYES", default=None)


def next_code(company: Company, series: int | None, card_type: str) -> str:
    """Take the next code of a series; raises -5002 for a manual, locked, exhausted, unknown or missing one."""
    row = company.store.get("Series", series) if series is not None else None
    if row is None or row.get("IsManual") == "tYES":
        raise errors.rule("OCRD.CardCode", "Code undefined ")
    wrong_kind = row["Document"] != OBJECT_TYPE or row.get("DocumentSubType") not in (None, SUB_TYPES[card_type])
    last = row.get("LastNumber")
    if wrong_kind or row.get("Locked") == "tYES" or (last is not None and row["NextNumber"] > last):
        raise errors.rule("OCRD.Series", f"Invalid series '{series}'")
    number = row["NextNumber"]
    company.store.put("Series", {**row, "NextNumber": number + 1})
    return f"{row.get('Prefix') or ''}{number:0{row.get('DigitNumber') or 0}d}{row.get('Suffix') or ''}"


def document_number(company: Company, document: str, series: int | None, used: int, *, take: bool) -> tuple[int, int]:
    """Series and number of a new document, ``used`` + 1 where the company keeps no series; raises -5002 for a wrong one.

    ``take`` False only looks: drafts show a number without using it up.
    """
    row = company.store.get("Series", series) if series is not None else default_series(company, document, None)
    if row is None and series is None:
        return -1, used + 1
    if row is None or row["Document"] != document or row.get("Locked") == "tYES" or row.get("IsManual") == "tYES":
        raise errors.rule("ORDR.Series", f"Invalid series '{series}'")
    if take:
        company.store.put("Series", {**row, "NextNumber": row["NextNumber"] + 1})
    return row["SeriesProperty"], row["NextNumber"]
