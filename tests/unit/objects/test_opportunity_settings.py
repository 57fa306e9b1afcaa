"""The settings of opportunities: what is refused at once, and what SAP or Dynamics would refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.objects.dynamics.account import ACCOUNT
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.dynamics.template import DYNAMICS
from tests.unit.objects.opportunity_support import LISTS, MAPPED, OWNER_ID, context
from tests.unit.objects.sales_support import LISTS as SALES_LISTS
from tests.unit.objects.sales_support import guid

ALL_LISTS = {**SALES_LISTS, **LISTS}
EVERYTHING: dict[str, Any] = {
    **MAPPED,
    "salesEmployees": {"Bob@contoso.example": 3, OWNER_ID: 4, guid(74): -1},
    "opportunityDirection": "both",
    "opportunityDays": 0,
    "opportunityProducts": "none",
    "closedOpportunities": True,
    "opportunityNumberColumn": "new_number",
    "opportunityStatusColumn": "new_status",
    "fieldRules": {"opportunity": "other_wins", "opportunity.stage": "ask"},
    "excludedFields": ["opportunity.remarks", "opportunity.is_open"],
    "directions": {"opportunity": ["in"]},
}


def problems(**settings: Any) -> list[tuple[str, str]]:
    return [(each.setting, each.text) for each in DYNAMICS.check(context(**settings).settings, ALL_LISTS)]


def test_working_settings_have_no_problem():
    assert problems(**EVERYTHING) == []


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("salesEmployees", {"ann@contoso.example": 9}, "9"),
        ("salesEmployees", {"eve@contoso.example": 3}, "user name"),
        ("salesEmployees", {guid(75): 3}, "systemuserid"),
        ("opportunityStages", {"1-Qualify": 7}, "7"),
        ("opportunityStages", {"1-Qualify": 8}, "8"),
        ("opportunityStages", {"0": 9}, "9"),
        ("opportunityReasons", {"4": 3}, "3"),
        ("excludedFields", ["opportunity.customer"], "opportunity.customer"),
        ("excludedFields", ["opportunity.predicted_closing"], "opportunity.predicted_closing"),
        ("fieldRules", {"opportunity.colour": "ask"}, "opportunity.colour"),
    ],
)
def test_a_setting_that_does_not_hold_is_named(setting, value, word):
    found = problems(**{setting: value})
    assert [name for name, _ in found] == [setting]
    assert word in found[0][1]


def test_a_code_that_is_wrong_twice_is_named_once():
    assert len(problems(opportunityStages={"1-Qualify": 7, "2-Develop": 7})) == 1
    assert len(problems(opportunityReasons={"4": 3, "5": 3})) == 1


def test_a_list_that_could_not_be_loaded_is_not_checked_against():
    settings = context(
        salesEmployees={"eve@contoso.example": 99}, opportunityStages={"1-Qualify": 99}, opportunityReasons={"4": 99}
    ).settings
    assert DYNAMICS.check(settings, {}) == []


@pytest.mark.parametrize(
    "given",
    [
        {"opportunityStages": {"1-Qualify": 2, "1": 3}},
        {"opportunityStages": {"Qualify": 2, "qualify ": 3}},
        {"opportunityStages": {" ": 2}},
        {"opportunityDirection": "none"},
        {"opportunityDays": -1},
        {"opportunityProducts": "lines"},
        {"opportunityNumberColumn": "number"},
        {"salesEmployees": {"": 1}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given):
    with pytest.raises(ValidationError):
        DynamicsSettings.model_validate(given)


def test_opportunities_need_a_start_date_and_wait_for_accounts():
    assert [each.setting for each in DYNAMICS.missing("opportunity", DynamicsSettings())] == ["startDate"]
    assert DYNAMICS.missing("opportunity", context().settings) == []
    assert "opportunity" in ACCOUNT.parent_of
