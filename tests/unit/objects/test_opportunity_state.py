"""Won, lost, reopened: content comes before the end and after the reopening, and what is closed takes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.objects.dynamics.opportunity import OPPORTUNITY
from shared.objects.model import KEY
from shared.ports import Row
from shared.sync.steps import with_key
from tests.unit.objects.opportunity_support import (
    BACK,
    OPPORTUNITY_ID,
    REASONS,
    STAGES,
    context,
    created,
    in_sap,
    opportunity,
    sap_opportunity,
    values_of,
)
from tests.unit.objects.sales_support import CAME_IN, OTHER, SAP

BOTH: dict[str, Any] = {"opportunityDirection": "both", **BACK}
OPEN, WON, LOST = '{"name":"open","reason":null}', '{"name":"won","reason":null}', '{"name":"lost","reason":4}'


def state_of(row: Row, side: Any = OTHER, **settings: Any) -> Any:
    reading = OPPORTUNITY.read(side, row, CAME_IN, context(**settings))
    assert reading.held == {}
    return reading.values["state"]


def closed(name: str = "sos_Sold") -> Row:
    return sap_opportunity(Status=name)


# --- readings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        ({}, {}, OPEN),
        ({"statecode": 1, "statuscode": 3}, {}, WON),
        ({"statecode": 2, "statuscode": 4}, {}, LOST),
        ({"statecode": 2, "statuscode": 77}, {"opportunityReasons": {}}, '{"name":"lost","reason":null}'),
    ],
)
def test_dynamics_tells_the_state_and_why_it_was_lost(row, settings, expected):
    assert state_of(opportunity(**row), **settings) == expected


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        ({}, {}, OPEN),
        ({REASONS: [{"RowNo": 1, "Reason": 4}]}, {}, OPEN),
        ({"Status": "sos_Sold"}, {}, WON),
        ({"Status": "sos_Missed", REASONS: [{"RowNo": 2, "Reason": 4}, {"RowNo": 1, "Reason": 1}]}, {}, LOST),
        ({"Status": "sos_Missed"}, {}, '{"name":"lost","reason":null}'),
        (
            {"Status": "sos_Missed", REASONS: [{"RowNo": 1, "Reason": 4}]},
            {"opportunityReasons": {}},
            '{"name":"lost","reason":null}',
        ),
    ],
)
def test_sap_tells_the_state_and_the_last_reason(row, settings, expected):
    assert state_of(sap_opportunity(**row), SAP, **settings) == expected


def test_a_reason_without_a_mapping_is_held_by_name_while_others_are_mapped():
    reading = OPPORTUNITY.read(OTHER, opportunity(statecode=2, statuscode=77), CAME_IN, context())
    assert set(reading.held) == {"state"}
    assert "opportunityReasons" in reading.held["state"]


@pytest.mark.parametrize(("side", "row"), [(SAP, {"Status": "sos_New"}), (OTHER, {"statecode": 7})])
def test_a_state_that_nobody_knows_is_held(side, row):
    full = sap_opportunity(**row) if side is SAP else opportunity(**row)
    assert "state" in OPPORTUNITY.read(side, full, CAME_IN, context()).held


# --- closing in SAP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "body"),
    [(WON, {"Status": "sos_Sold"}), (LOST, {"Status": "sos_Missed", REASONS: [{"Reason": 4}]})],
)
def test_it_is_closed_by_a_step_after_its_content(value, body):
    row = sap_opportunity()
    writing = OPPORTUNITY.write(SAP, {"state": value, "amount": Decimal(9), "name": "Won"}, row, context())
    (step,) = writing.steps
    assert (step.field_name, step.key, step.body) == ("state", KEY, body)
    assert writing.body == {"OpportunityName": "Won", STAGES: [{"LineNum": 0, "MaxLocalTotal": Decimal(9)}]}
    assert state_of(in_sap(row, writing), SAP) == value


def test_one_that_was_won_before_it_came_is_created_open_and_then_closed():
    writing = created(opportunity(statecode=1, statuscode=3), context(closedOpportunities=True))
    assert "Status" not in writing.body
    assert [step.body for step in writing.steps] == [{"Status": "sos_Sold"}]


def test_a_reason_takes_the_place_of_one_from_before():
    row = sap_opportunity(**{REASONS: [{"RowNo": 1, "Reason": 1}]})
    writing = OPPORTUNITY.write(SAP, {"state": LOST}, row, context())
    assert in_sap(row, writing)[REASONS] == [{"RowNo": 1, "Reason": 4}]


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"Status": "sos_Sold"}, WON),
        ({"Status": "sos_Missed", REASONS: [{"RowNo": 1, "Reason": 4}]}, LOST),
        ({"Status": "sos_Missed", REASONS: [{"RowNo": 1, "Reason": 1}]}, '{"name":"lost","reason":null}'),
        ({}, OPEN),
    ],
)
def test_nothing_is_written_for_what_sap_holds_already(row, value):
    writing = OPPORTUNITY.write(SAP, {"state": value}, sap_opportunity(**row), context())
    assert (writing.body, writing.steps, writing.refusal) == ({}, (), None)


# --- what is closed in SAP --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{"name": "Late"}, {"stage": '{"percent":null,"stage":3}'}, {"remarks": "Late"}])
def test_content_for_one_that_is_closed_in_sap_is_a_conflict(values):
    writing = OPPORTUNITY.write(SAP, values, closed(), context())
    assert writing.refusal is not None
    assert (writing.refusal.conflict, writing.refusal.fields) == (True, tuple(values))


def test_reopening_comes_before_the_content_one_step_per_field():
    row = closed("sos_Missed")
    values = {
        "name": "Again",
        "stage": '{"percent":"60","stage":3}',
        "amount": Decimal(9),
        "contact": None,
        "state": OPEN,
    }
    writing = OPPORTUNITY.write(SAP, values, row, context())
    assert writing.body == {"Status": "sos_Open"}
    assert [step.field_name for step in writing.steps] == ["contact", "name", "stage", "amount"]
    assert len({step.stage for step in writing.steps}) == 4, "a record is not written twice at once"
    after = in_sap(row, writing)
    assert len(after[STAGES]) == 2
    assert (after["OpportunityName"], after["MaxLocalTotal"], after[STAGES][-1]["StageKey"]) == ("Again", 9, 3)
    assert state_of(after, SAP) == OPEN


def test_one_that_was_won_and_is_lost_is_reopened_and_closed_again_with_its_content_in_between():
    row = closed("sos_Sold")
    writing = OPPORTUNITY.write(SAP, {"name": "Lost after all", "state": LOST}, row, context())
    assert writing.body == {"Status": "sos_Open"}
    assert [step.field_name for step in sorted(writing.steps, key=lambda each: each.stage)] == ["name", "state"]
    after = in_sap(row, writing)
    assert (after["OpportunityName"], state_of(after, SAP)) == ("Lost after all", LOST)


def test_another_reason_is_given_by_closing_it_anew():
    row = sap_opportunity(Status="sos_Missed", **{REASONS: [{"RowNo": 1, "Reason": 1}]})
    assert state_of(in_sap(row, OPPORTUNITY.write(SAP, {"state": LOST}, row, context())), SAP) == LOST


def test_what_is_refused_or_held_stays_so_when_it_is_reopened():
    refused = OPPORTUNITY.write(SAP, {"customer": "another", "state": OPEN}, closed(), context())
    assert refused.refusal is not None
    writing = OPPORTUNITY.write(SAP, {"name": "7" * 101, "state": OPEN}, closed(), context())
    assert (writing.body, writing.steps, set(writing.held)) == ({"Status": "sos_Open"}, (), {"name"})


states = some.sampled_from(
    [{"statecode": 0, "statuscode": 1}, {"statecode": 1, "statuscode": 3}, {"statecode": 2, "statuscode": 4},
     {"statecode": 2, "statuscode": 5}]
)  # fmt: skip


@given(some.lists(some.tuples(states, some.integers(1, 5), some.sampled_from(["1-Qualify", "2-Develop"])), max_size=6))
def test_sap_follows_whatever_becomes_of_it_in_dynamics(changes):
    ctx, now, twin = context(), opportunity(), sap_opportunity()
    for state, amount, stage in changes:
        before, now = now, now | state
        if before["statecode"] == 0 or now["statecode"] == 0:  # what stays closed takes no change in Dynamics either
            now |= {"estimatedvalue": Decimal(amount), "stepname": stage}
        old, new = values_of(before, ctx), values_of(now, ctx)
        moved = {name: new[name] for name in ("state", "stage", "amount") if old[name] != new[name]}
        twin = in_sap(twin, OPPORTUNITY.write(SAP, moved, twin, ctx))
        theirs = OPPORTUNITY.read(SAP, twin, CAME_IN, ctx).values
        assert all(theirs[name] == new[name] for name in ("state", "stage", "amount"))


# --- back to Dynamics -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "operation", "status"),
    [
        (WON, "WinOpportunity", 3),
        (LOST, "LoseOpportunity", 4),
        ('{"name":"lost","reason":1}', "LoseOpportunity", 5),
        ('{"name":"lost","reason":null}', "LoseOpportunity", 4),
        ('{"name":"lost","reason":9}', "LoseOpportunity", 4),
    ],
)
def test_what_sap_closed_is_closed_in_dynamics_after_its_content(value, operation, status):
    values = {"state": value, "sap_status": "won: Meeting"}
    writing = OPPORTUNITY.write(OTHER, values, opportunity(), context(**BOTH))
    (step,) = writing.steps
    body = with_key(step.body, OPPORTUNITY_ID)
    assert (step.operation, step.entity, body["Status"]) == (operation, None, status)
    assert body["OpportunityClose"]["opportunityid@odata.bind"] == f"/opportunities({OPPORTUNITY_ID})"
    assert writing.body == {"new_status": "won: Meeting"}


@pytest.mark.parametrize("state", [1, 2])
def test_a_closed_one_in_dynamics_is_read_only_and_holds_each_field(state):
    row = opportunity(statecode=state, statuscode=4 if state == 2 else 3)
    values = {"name": "Late", "amount": Decimal(9), "sap_number": 90, "sap_status": "won: Meeting"}
    writing = OPPORTUNITY.write(OTHER, values, row, context(**BOTH))
    assert (writing.body, writing.steps, writing.refusal) == ({}, (), None)
    assert set(writing.held) == set(values)


def test_reopened_in_sap_it_is_reopened_in_dynamics_before_its_content():
    row = opportunity(statecode=2, statuscode=4)
    values = {"state": OPEN, "name": "Again", "sap_status": "open: Meeting"}
    writing = OPPORTUNITY.write(OTHER, values, row, context(**BOTH))
    assert (writing.body, writing.held) == ({"statecode": 0, "statuscode": 1}, {})
    assert [(step.key, step.body) for step in writing.steps] == [
        (KEY, {"name": "Again"}),
        (KEY, {"new_status": "open: Meeting"}),
    ]
    assert all(step.entity is not None and step.entity.set == "opportunities" for step in writing.steps)


def test_where_saps_state_does_not_go_back_the_two_are_compared():
    readings = [
        OPPORTUNITY.read(side, row, CAME_IN, context()).values["is_open"]
        for side, row in ((SAP, closed()), (OTHER, opportunity()), (OTHER, opportunity(statecode=1)))
    ]
    assert readings == [False, True, False]
    assert OPPORTUNITY.write(SAP, {"is_open": False}, sap_opportunity(), context()).body == {}
