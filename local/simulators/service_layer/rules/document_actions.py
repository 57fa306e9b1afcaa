"""Close, Cancel and Reopen of documents that move no goods."""

from __future__ import annotations

from collections.abc import Mapping

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Action
from local.simulators.service_layer.rules.document_totals import Totals
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp


def _with_lines(company: Company, row: Row, status: str) -> Row:
    lines = [{**line, "LineStatus": status} for line in row["DocumentLines"]]
    return Totals(company, {**row, "DocumentStatus": status, "DocumentLines": lines}).computed()


def close(company: Company, row: Row) -> Row:
    """Close an open document with its rows; raises -5006 for any other."""
    if row["DocumentStatus"] != "bost_Open":
        raise errors.not_supported()
    return _with_lines(company, row, "bost_Close")


def cancel(company: Company, row: Row) -> Row:
    """Cancel an open document; raises -5006 for any other."""
    day = stamp(company.local_now())[0]
    return {**close(company, row), "Cancelled": "tYES", "CancelStatus": "csYes", "CancelDate": day}


def reopen(company: Company, row: Row) -> Row:
    """Open a closed document again; raises -5006 for one that is open or cancelled (inferred for cancelled)."""
    if row["DocumentStatus"] != "bost_Close" or row["Cancelled"] == "tYES":
        raise errors.not_supported()
    return _with_lines(company, row, "bost_Open")


ACTIONS: Mapping[str, Action] = {"Cancel": cancel, "Close": close, "Reopen": reopen}
"""By name."""
