"""The life of a lead: its states on both sides, which follow each other, and those that nothing leads back from."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.dynamics.lead import LEAD
from shared.objects.dynamics.lead_columns import DISQUALIFIED, OPEN, QUALIFIED
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.model import KEY
from shared.ports import Row
from tests.unit.objects.support import MARK, OTHER, SAP, context
from tests.unit.objects.test_lead import CONVERTED, CUSTOMER, LOST, MAPPED, lead, partner, read, told

FROZEN = partner(Frozen="tYES")


def conflict_of(side: Any, current: Row, settings: dict[str, Any] | None = None, **values: Any) -> str:
    """The text of the conflict that a write ends in."""
    writing = LEAD.write(side, values, current, context(**(settings or MAPPED)))
    assert writing.refusal is not None
    assert (writing.refusal.conflict, writing.refusal.fields) == (True, ("status",))
    return writing.refusal.text


@pytest.mark.parametrize(
    ("side", "row", "status"),
    [
        (SAP, partner(), OPEN),
        (SAP, FROZEN, DISQUALIFIED),
        (SAP, partner(CardType="cCustomer", Frozen="tYES"), QUALIFIED),
        (OTHER, lead(), OPEN),
        (OTHER, CONVERTED, QUALIFIED),
        (OTHER, LOST, DISQUALIFIED),
    ],
)
def test_every_state_has_its_status(side: Any, row: Row, status: str) -> None:
    assert read(side, row)["status"] == status


def test_a_state_that_is_not_known_is_held() -> None:
    assert set(LEAD.read(OTHER, lead(statecode=7), MARK, context(**MAPPED)).held) == {"status"}


@pytest.mark.parametrize(("side", "row"), [(SAP, CUSTOMER), (OTHER, CONVERTED)])
def test_of_a_qualified_lead_nothing_travels_but_that(side: Any, row: Row) -> None:
    unreadable = row | {"Properties12": "tYES", "leadqualitycode": 99}
    reading = LEAD.read(side, unreadable, MARK, context(**MAPPED))
    assert (reading.values, reading.held) == ({"status": QUALIFIED}, {})


@pytest.mark.parametrize(
    ("current", "status", "body"),
    [
        (partner(), QUALIFIED, {"CardType": "cCustomer"}),
        (partner(), DISQUALIFIED, {"Frozen": "tYES"}),
        (FROZEN, OPEN, {"Frozen": "tNO"}),
        (FROZEN, QUALIFIED, {"CardType": "cCustomer", "Frozen": "tNO"}),
        (CUSTOMER, QUALIFIED, {}),
    ],
)
def test_sap_makes_a_customer_of_it_freezes_it_or_lets_it_live_again(current: Row, status: str, body: Row) -> None:
    assert told(SAP, current, status=status) == body


@pytest.mark.parametrize("status", [OPEN, DISQUALIFIED])
def test_a_customer_never_becomes_a_lead_again(status: str) -> None:
    assert "customer" in conflict_of(SAP, CUSTOMER, status=status)


@pytest.mark.parametrize(
    ("current", "status", "body"),
    [
        (lead(), DISQUALIFIED, {"statecode": 2, "statuscode": 4}),
        (LOST, OPEN, {"statecode": 0, "statuscode": 1}),
        (CONVERTED, QUALIFIED, {}),
    ],
)
def test_dynamics_disqualifies_it_or_opens_it_again(current: Row, status: str, body: Row) -> None:
    writing = LEAD.write(OTHER, {"status": status}, current, context())
    assert (writing.body, writing.steps, writing.refusal) == (body, (), None)


def test_the_reason_of_disqualified_leads_is_that_of_the_settings() -> None:
    assert told(OTHER, lead(), {"disqualifiedStatus": 6}, status=DISQUALIFIED)["statuscode"] == 6
    with pytest.raises(ValueError, match="Lost"):
        DynamicsSettings.model_validate({"disqualifiedStatus": 3})


@pytest.mark.parametrize("status", [OPEN, DISQUALIFIED])
def test_what_is_qualified_in_dynamics_stays_so(status: str) -> None:
    assert "qualified" in conflict_of(OTHER, CONVERTED, status=status)


@pytest.mark.parametrize(("row", "with_contact"), [(lead(), True), (lead(lastname=None), False)])
def test_dynamics_qualifies_by_its_own_action_with_account_and_contact(row: Row, with_contact: bool) -> None:
    writing = LEAD.write(OTHER, {"status": QUALIFIED}, row, context())
    (step,) = writing.steps
    assert step.operation == f"leads({KEY})/Microsoft.Dynamics.CRM.QualifyLead"
    assert step.field_name == "status"
    assert (step.body["CreateAccount"], step.body["CreateContact"], step.body["CreateOpportunity"]) == (
        True,
        with_contact,
        False,
    )
    assert (step.body["Status"], writing.body, writing.refusal) == (3, {}, None)


def test_a_disqualified_lead_is_opened_before_it_is_qualified() -> None:
    writing = LEAD.write(OTHER, {"status": QUALIFIED}, LOST, context())
    assert writing.body == {"statecode": 0, "statuscode": 1}
    assert len(writing.steps) == 1


def test_where_the_settings_only_report_it_a_customer_in_sap_is_a_conflict() -> None:
    assert "qualify the lead" in conflict_of(OTHER, lead(), {"convertedLeads": "report"}, status=QUALIFIED)


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_new_lead_is_open_by_itself(side: Any) -> None:
    assert {"statecode", "Frozen"}.isdisjoint(told(side, None, company="A", status=OPEN))
