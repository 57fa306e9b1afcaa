"""Close, Cancel and Reopen of documents that move no goods."""

from __future__ import annotations

from collections.abc import Mapping

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Action
from local.simulators.service_layer.rules.base_documents import left_of
from local.simulators.service_layer.rules.document_totals import Totals
from local.simulators.service_layer.rules.drawing import given_back, is_drawn_from
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp


def _with_lines(company: Company, row: Row, status: str) -> Row:
    lines = [{**line, "LineStatus": status if left_of(line) else "bost_Close"} for line in row["DocumentLines"]]
    return Totals(company, {**row, "DocumentStatus": status, "DocumentLines": lines}).computed()


def close(company: Company, row: Row) -> Row:
    """Close an open document with its rows; raises -5006 for any other."""
    if row["DocumentStatus"] != "bost_Open":
        raise errors.not_supported()
    return _with_lines(company, row, "bost_Close")


def cancel(company: Company, row: Row) -> Row:
    """Cancel an open document and give back what it took; raises -5006 for any other, and for one that others draw from
    (general Business One knowledge)."""
    if is_drawn_from(row):
        raise errors.not_supported()
    day = stamp(company.local_now())[0]
    return {**given_back(company, close(company, row)), "Cancelled": "tYES", "CancelStatus": "csYes", "CancelDate": day}


def reopen(company: Company, row: Row) -> Row:
    """Open a closed document again; raises -5006 for one that is open, cancelled, or wholly drawn (inferred)."""
    if row["DocumentStatus"] != "bost_Close" or row["Cancelled"] == "tYES":
        raise errors.not_supported()
    if not any(left_of(line) for line in row["DocumentLines"]):
        raise errors.not_supported()
    return _with_lines(company, row, "bost_Open")


ACTIONS: Mapping[str, Action] = {"Cancel": cancel, "Close": close, "Reopen": reopen}
"""By name."""
