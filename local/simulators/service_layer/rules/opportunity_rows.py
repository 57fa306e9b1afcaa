"""Rows of sales opportunities: the stages one went through, of which the last is where it is, and reasons for its end.

General Business One knowledge: a stage brings its closing percentage, what is expected is weighted by it, and a new row
closes the rows before. Inferred: SequenceNo of a row is its opportunity's number, a closed row takes no change, and
CurrentStageNo is the stage's key while CurrentStageNumber is its Stageno.
"""

from __future__ import annotations

from collections.abc import Sequence

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Collection, must_exist, without_nulls
from local.simulators.service_layer.rules.money import (
    HUNDRED,
    amount_places,
    exact,
    local_currency,
    number,
    rounded,
)
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp

_ROWS = "SalesOpportunitiesLines"


class Stages(Collection):
    """OPR1: matched by LineNum; one that names no row is appended and numbered by the server."""

    def __init__(self) -> None:
        super().__init__("LineNum")

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """Today, with the stage's percentage and the opportunity's sales employee, unless it says otherwise."""
        given = without_nulls(given)
        line = len(rows) + 1
        stage = _stage(company, given.get("StageKey"), line)
        must_exist(company, "SalesPersons", given.get("SalesPerson"), "OPR1.SlpCode", line)
        day = given.get("StartDate") or stamp(company.local_now())[0]
        return {
            "SalesPerson": parent.get("SalesPerson"),
            "StartDate": day,
            "ClosingDate": day,
            "PercentageRate": stage.get("ClosingPercentage", 0.0),
            "Status": "so_Open",
            "Contact": "tNO",
            **given,
            "LineNum": max((each["LineNum"] for each in rows), default=-1) + 1,
        }

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """Another stage brings its own percentage; a closed row stays as it is."""
        row = {**present, **without_nulls(given), "LineNum": present["LineNum"]}
        if row == present:
            return present
        line = present["LineNum"] + 1
        if present.get("Status") == "so_Closed":
            raise errors.field_cannot_be_updated("OPR1.Status")
        must_exist(company, "SalesPersons", row.get("SalesPerson"), "OPR1.SlpCode", line)
        if row["StageKey"] != present["StageKey"]:
            percentage = _stage(company, row["StageKey"], line).get("ClosingPercentage", 0.0)
            row = {**row, "PercentageRate": percentage, **without_nulls(given), "LineNum": present["LineNum"]}
        return row


class Reasons(Collection):
    """OPR5: matched by RowNo, which the server gives; the reason must exist."""

    def __init__(self) -> None:
        super().__init__("RowNo")

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """Gets the next number."""
        must_exist(company, "SalesOpportunityReasonsSetup", given.get("Reason") or "", "OPR5.ReasondId", len(rows) + 1)
        number_ = max((each["RowNo"] for each in rows), default=-1) + 1
        return {**without_nulls(given), "RowNo": number_, "SequenceNo": parent["SequentialNo"]}

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """Keeps its number."""
        reason = given.get("Reason") or present["Reason"]
        must_exist(company, "SalesOpportunityReasonsSetup", reason, "OPR5.ReasondId", present["RowNo"] + 1)
        return {**present, "Reason": reason}


def first_stage(company: Company) -> int | None:
    """The key of the sales stage that comes first; None if the company has none."""
    stages = [row for row in company.store.tables["SalesStages"].scan() if _is_usable(row)]
    first = min(stages, key=lambda row: row.get("Stageno") or 0, default=None)
    return first["SequenceNo"] if first is not None else None


def with_current_stage(company: Company, row: Row, before: Row | None) -> Row:
    """The opportunity with all rows before the last closed, and the header's amounts and stage as the last row's.

    A potential amount given on the header alone is the last row's too.
    """
    lines = [{"MaxLocalTotal": row.get("MaxLocalTotal", 0.0), **line} for line in row.get(_ROWS, ())]
    if not lines:
        raise errors.rule("OPR1.Line", "The opportunity has no rows")
    lines[-1]["MaxLocalTotal"] = _potential(row, lines, before)
    closed = [{**line, "Status": "so_Closed"} for line in lines[:-1]]
    lines = [_weighted(company, {**line, "SequenceNo": row["SequentialNo"]}) for line in (*closed, lines[-1])]
    last = lines[-1]
    stage = company.store.get("SalesStages", last["StageKey"]) or {}
    return {
        **row,
        _ROWS: lines,
        "MaxLocalTotal": last["MaxLocalTotal"],
        "ClosingPercentage": last["PercentageRate"],
        "WeightedSumLC": last["WeightedAmountLocal"],
        "CurrentStageNo": last["StageKey"],
        "CurrentStageNumber": stage.get("Stageno"),
    }


def _potential(row: Row, lines: Sequence[Row], before: Row | None) -> float:
    """The last row's potential amount: the header's if only that one changed."""
    old: Sequence[Row] = (before or {}).get(_ROWS) or ({},)
    amount: float = lines[-1]["MaxLocalTotal"]
    is_same = len(old) == len(lines) and old[-1].get("MaxLocalTotal") == amount
    header: float = row.get("MaxLocalTotal", amount)
    return header if before is not None and is_same else amount


def _weighted(company: Company, line: Row) -> Row:
    weighted = exact(line["MaxLocalTotal"]) * exact(line["PercentageRate"]) / HUNDRED
    return {**line, "WeightedAmountLocal": number(rounded(weighted, amount_places(company, local_currency(company))))}


def _stage(company: Company, key: int | None, line: int) -> Row:
    stage = company.store.get("SalesStages", key) if key is not None else None
    if stage is None or not _is_usable(stage):
        raise errors.rule("OPR1.Step_Id", f"Invalid stage '{key if key is not None else ''}'", line)
    return stage


def _is_usable(stage: Row) -> bool:
    return stage.get("Cancelled") != "tYES" and stage.get("IsSales") != "tNO"
