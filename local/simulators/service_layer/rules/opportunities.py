"""Sales opportunities: header, state and reasons; the rows, their stages, are in `opportunity_rows`.

Sources: service layer facts (names, stamps, the action Close); the rest is general Business One knowledge. Inferred:
a predicted closing date is mandatory, a closed opportunity takes its remarks and its way back to open and nothing else.
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Action, Collection, SetRules, must_exist
from local.simulators.service_layer.rules.opportunity_rows import Reasons, Stages, first_stage, with_current_stage
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp

_ROWS = "SalesOpportunitiesLines"
_DEFAULTS: Mapping[str, Any] = {
    "OpportunityType": "boOpSales",
    "Status": "sos_Open",
    "ClosingType": "sos_Days",
    "MaxLocalTotal": 0.0,
}
_COMPUTED = (
    "SequentialNo",
    "CustomerName",
    "CurrentStageNo",
    "CurrentStageNumber",
    "ClosingPercentage",
    "WeightedSumLC",
    "WeightedSumSC",
    "MaxSystemTotal",
)
_OF_A_CLOSED_ONE = frozenset({"Status", "Remarks"})
_NEVER_EMPTY = ("Status", "StartDate", "SalesPerson", "MaxLocalTotal", "OpportunityType", "ClosingType")
"""What a null in a PATCH leaves as it was."""
_PARTNER_KINDS = frozenset({"cCustomer", "cLid"})


def close(company: Company, row: Row) -> Row:
    """Close an open opportunity, as sold or missed (a switch); raises -5006 for one that is closed."""
    if row["Status"] != "sos_Open":
        raise errors.not_supported()
    return _with_closing_date(company, {**row, "Status": company.switches.close_makes_opportunities})


class OpportunityRules(SetRules):
    """Rules of SalesOpportunities."""

    read_only: ClassVar[frozenset[str]] = frozenset(_COMPUTED)
    collections: ClassVar[Mapping[str, Collection]] = {_ROWS: Stages(), "SalesOpportunitiesReasons": Reasons()}
    actions: ClassVar[Mapping[str, Action]] = {"Close": close}

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """Defaults of a new opportunity; one without rows begins at the first stage."""
        partner = company.store.get("BusinessPartners", draft.get("CardCode") or "") or {}
        defaults = {
            **_DEFAULTS,
            "StartDate": stamp(company.local_now())[0],
            "SalesPerson": partner.get("SalesPersonCode", -1),
        }
        for name, value in defaults.items():
            if draft.get(name) is None:
                draft[name] = value
        if not draft.get(_ROWS):
            draft[_ROWS] = [{"StageKey": first_stage(company)}]

    def allow(self, company: Company, before: Row, changes: Row) -> None:
        """A closed opportunity only goes back to open, and takes remarks; giving it what it has is no change."""
        if before["Status"] == "sos_Open":
            return
        for name, value in changes.items():
            is_allowed = name in _OF_A_CLOSED_ONE and (name != "Status" or value == "sos_Open")
            if value != before.get(name) and not is_allowed:
                raise errors.field_cannot_be_updated(f"OOPR.{name}")

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """References exist; the header follows its last row; a closed one has a closing date, an open one none."""
        row = {**{name: before[name] for name in _NEVER_EMPTY if before and name in before}, **row}
        if row.get("PredictedClosingDate") is None:
            raise errors.rule("OOPR.PredDate", "Predicted closing date is missing")
        row["CustomerName"] = _check_partner(company, row).get("CardName")
        must_exist(company, "SalesPersons", row["SalesPerson"], "OOPR.SlpCode")
        must_exist(company, "SalesOpportunitySourcesSetup", row.get("Source"), "OOPR.Source")
        must_exist(company, "SalesOpportunityReasonsSetup", row.get("ReasonForClosing"), "OOPR.Reason")
        return _with_closing_date(company, with_current_stage(company, row, before))


def _check_partner(company: Company, row: Row) -> Row:
    """The partner, a customer or a lead, whose contact person is the one that is named."""
    code = row.get("CardCode")
    partner = company.store.get("BusinessPartners", code) if code else None
    if partner is None or partner["CardType"] not in _PARTNER_KINDS:
        raise errors.rule("OOPR.CardCode", f"Invalid BP code '{code or ''}'")
    contact = row.get("ContactPerson")
    if contact not in (None, *(each["InternalCode"] for each in partner.get("ContactEmployees", ()))):
        raise errors.rule("OOPR.CprCode", f"Invalid contact person '{contact}'")
    return partner


def _with_closing_date(company: Company, row: Row) -> Row:
    if row["Status"] == "sos_Open":
        return {name: value for name, value in row.items() if name != "ClosingDate"}
    return {"ClosingDate": stamp(company.local_now())[0], **row}
