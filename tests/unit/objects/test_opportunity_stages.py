"""Stages are rows of SAP's opportunity: a new stage is a new row, and nothing makes a row twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.objects.dynamics.opportunity import OPPORTUNITY
from shared.ports import Row
from tests.unit.objects.opportunity_support import (
    STAGES,
    context,
    created,
    in_sap,
    opportunity,
    sap_opportunity,
    values_of,
)
from tests.unit.objects.sales_support import CAME_IN, OTHER, SAP

BY_OPTION = {"opportunityStages": {"0": 2, "1": 3}}


def stage(key: int, percent: str | None = None) -> str:
    return f'{{"percent":{"null" if percent is None else f'"{percent}"'},"stage":{key}}}'


def shown(row: Row) -> list[tuple[Any, Any, Any]]:
    return [(each["StageKey"], each["PercentageRate"], each["MaxLocalTotal"]) for each in row[STAGES]]


def written(row: Row, **values: Any) -> Row:
    writing = OPPORTUNITY.write(SAP, values, row, context())
    assert writing.held == {}
    return in_sap(row, writing)


def test_a_new_opportunity_has_one_row_of_its_stage_with_its_percentage_and_amount():
    assert created(opportunity(), context()).body[STAGES] == [
        {"StageKey": 2, "PercentageRate": Decimal(40), "MaxLocalTotal": Decimal("1500.50")}
    ]


@pytest.mark.parametrize("settings", [{"opportunityStages": {}}, {"opportunityStages": {"9-Other": 3}}])
def test_one_without_a_stage_that_is_mapped_begins_at_saps_first(settings):
    assert created(opportunity(), context(**settings)).body[STAGES] == [
        {"StageKey": 5, "MaxLocalTotal": Decimal("1500.50")}
    ]


def test_where_sap_tells_no_stages_the_first_is_left_to_it():
    ctx = context({"sap.sales_stages": []}, opportunityStages={})
    assert STAGES not in created(opportunity(estimatedvalue=None), ctx).body


def test_another_stage_is_added_as_a_row_that_takes_no_others_place_and_keeps_the_amount():
    row = sap_opportunity()
    writing = OPPORTUNITY.write(SAP, {"stage": stage(3)}, row, context())
    assert writing.body == {
        STAGES: [{"LineNum": 0}, {"LineNum": 1, "StageKey": 3, "MaxLocalTotal": Decimal("1500.50")}]
    }
    assert shown(in_sap(row, writing)) == [
        (2, Decimal(40), Decimal("1500.50")),
        (3, Decimal(25), Decimal("1500.50")),
    ]


def test_another_percentage_or_amount_changes_the_last_row_alone():
    row = written(sap_opportunity(), stage=stage(3, "60"))
    row = written(row, stage=stage(3, "70"))
    row = written(row, amount=Decimal(9))
    assert shown(row) == [(2, Decimal(40), Decimal("1500.50")), (3, Decimal(70), Decimal(9))]
    assert row["MaxLocalTotal"] == 9


def test_a_new_stage_and_amount_are_one_row():
    row = written(sap_opportunity(), stage=stage(3, "60"), amount=Decimal(9))
    assert shown(row) == [(2, Decimal(40), Decimal("1500.50")), (3, Decimal(60), Decimal(9))]


def test_rows_count_by_their_number_not_by_their_place_in_the_answer():
    row = written(sap_opportunity(), stage=stage(3, "60"))
    row[STAGES].reverse()
    assert OPPORTUNITY.read(SAP, row, CAME_IN, context()).values["stage"] == stage(3, "60")
    assert OPPORTUNITY.write(SAP, {"stage": stage(3, "60")}, row, context()).body == {}


@given(
    some.lists(
        some.tuples(
            some.sampled_from([2, 3, 5]), some.none() | some.integers(0, 100), some.none() | some.integers(1, 9)
        ),
        max_size=8,
    )
)
def test_however_stages_follow_each_other_none_is_written_twice_and_each_reads_back(steps):
    row = sap_opportunity()
    for key, percent, amount in steps:
        before = row[STAGES]
        values: dict[str, Any] = {"stage": stage(key, None if percent is None else str(percent))}
        if amount is not None:
            values["amount"] = Decimal(amount)
        row = written(row, **values)
        added = len(row[STAGES]) - len(before)
        assert added == (1 if before[-1]["StageKey"] != key else 0)
        assert [(each["StageKey"]) for each in row[STAGES][: len(before)]] == [each["StageKey"] for each in before]
        again = written(row, **values)
        assert shown(again) == shown(row)
        reading = OPPORTUNITY.read(SAP, row, CAME_IN, context()).values
        assert percent is None or reading["stage"] == values["stage"]
        assert amount is None or reading["amount"] == amount


# --- as Dynamics spells them ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "row", "expected"),
    [
        ({}, {"stepname": " 2-develop "}, stage(3, "40")),
        ({}, {"stepname": None, "salesstage": 0}, None),
        ({}, {"closeprobability": None}, stage(2)),
        (BY_OPTION, {"salesstage": 0}, stage(2, "40")),
        (BY_OPTION, {"salesstage": 1, "stepname": "1-Qualify"}, stage(3, "40")),
        (BY_OPTION, {"salesstage": None}, None),
    ],
)
def test_stages_are_mapped_by_name_or_by_option(settings, row, expected):
    assert values_of(opportunity(**row), context(**settings))["stage"] == expected


def test_a_stage_without_a_mapping_is_held_by_name():
    reading = OPPORTUNITY.read(OTHER, opportunity(stepname="4-Close"), CAME_IN, context())
    assert "opportunityStages" in reading.held["stage"]
    assert "4-Close" not in reading.held["stage"]
    assert set(reading.held) == {"stage"}


def test_a_stage_that_is_gone_in_dynamics_stays_in_sap_and_is_named():
    writing = OPPORTUNITY.write(SAP, {"stage": None}, sap_opportunity(), context())
    assert (writing.body, set(writing.held)) == ({}, {"stage"})


@pytest.mark.parametrize(
    ("settings", "value", "body"),
    [
        ({}, stage(3, "60"), {"stepname": "2-Develop", "closeprobability": 60}),
        ({}, stage(3), {"stepname": "2-Develop"}),
        (BY_OPTION, stage(3, "60.00"), {"salesstage": 1, "closeprobability": 60}),
    ],
)
def test_saps_stage_goes_back_by_the_one_that_is_mapped_to_it(settings, value, body):
    writing = OPPORTUNITY.write(
        OTHER, {"stage": value}, opportunity(), context(opportunityDirection="both", **settings)
    )
    assert (writing.body, writing.held) == (body, {})


@pytest.mark.parametrize(
    ("stages", "value"),
    [
        ({"1-Qualify": 2}, stage(3, "60")),
        ({"1-Qualify": 3, "2-Develop": 3}, stage(3, "60")),
        ({"1-Qualify": 3}, stage(3, "12.5")),
    ],
)
def test_a_stage_that_dynamics_cannot_be_told_is_held(stages, value):
    ctx = context(opportunityDirection="both", opportunityStages=stages)
    writing = OPPORTUNITY.write(OTHER, {"stage": value}, opportunity(), ctx)
    assert (writing.body, set(writing.held)) == ({}, {"stage"})
