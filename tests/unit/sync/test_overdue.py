"""Whether an object's last good run is older than its schedule allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores.run import ObjectState, object_from, object_row
from shared.sync.overdue import overdue
from shared.sync.schedule import Schedule, is_due, last_start, next_starts
from tests.unit.test_schedule import moments, schedules

GRACE = timedelta(minutes=30)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAILY = {"run": "daily", "at": "06:30", "timezone": "UTC"}
spans = st.timedeltas(timedelta(0), timedelta(days=20))


def at(day: int, clock: str) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    return MONDAY + timedelta(days=day, hours=hours, minutes=minutes)


def saved(schedule: dict[str, Any], since: datetime, **known: Any) -> ObjectState:
    """As it is right after the first load and the saving of a schedule."""
    state = ObjectState("t", "thing", initialized_at=since, schedule=schedule, schedule_since=since)
    return replace(state, last_start=since, last_sweep=since, last_good_at=since, **known)


@st.composite
def states(draw: st.DrawFn) -> ObjectState:
    """Any history of an object with a schedule, however odd."""
    first = draw(moments)
    known = {
        name: draw(st.none() | spans.map(lambda span: first + span))
        for name in ("schedule_since", "last_start", "last_good_at")
    }
    schedule = draw(schedules).model_dump(mode="json", exclude_none=True)
    return ObjectState("t", "thing", initialized_at=first, schedule=schedule, **known)


# --- examples ---------------------------------------------------------------------------------------------------------


def test_a_missed_start_is_told_after_the_grace_and_until_it_is_made_up():
    state = saved(DAILY, at(0, "10:00"))
    assert overdue(state, at(1, "06:59"), GRACE) is None
    told = overdue(state, at(1, "07:00"), GRACE)
    assert told is not None
    assert "2026-03-03 06:30 UTC was missed" in told
    started = replace(state, last_start=at(1, "09:00"))
    assert "has ended well" in (overdue(started, at(1, "09:01"), GRACE) or "")
    assert overdue(replace(started, last_good_at=at(1, "09:02")), at(1, "09:03"), GRACE) is None


def test_runs_that_are_started_and_never_end_well_are_told():
    state = saved(DAILY, at(0, "10:00"), last_status="failed")
    state = replace(state, last_start=at(3, "06:30"))
    told = overdue(state, at(3, "07:00"), GRACE)
    assert told is not None
    assert "the last good run ended at 2026-03-02 10:00 UTC" in told


def test_a_good_run_by_hand_does_not_hide_timers_that_are_dead():
    state = replace(saved(DAILY, at(0, "10:00")), last_good_at=at(1, "08:00"))
    assert "missed" in (overdue(state, at(1, "09:00"), GRACE) or "")


def test_no_start_before_the_schedule_was_saved_or_the_first_load_ended_is_owed():
    good = at(-3, "12:00")
    state = replace(saved(DAILY, at(0, "10:00")), initialized_at=good, last_good_at=good)
    assert overdue(state, at(0, "11:00"), GRACE) is None
    waited = replace(saved(DAILY, at(0, "10:00")), initialized_at=at(5, "12:00"), last_good_at=None)
    assert overdue(waited, at(5, "13:00"), GRACE) is None
    assert overdue(waited, at(6, "13:00"), GRACE)


@pytest.mark.parametrize("schedule", [{}, {"run": "never"}])
def test_without_a_schedule_nothing_is_owed(schedule: dict[str, Any]):
    assert overdue(saved(schedule, at(0, "10:00")), at(300, "10:00"), GRACE) is None


def test_before_its_first_load_nothing_is_owed():
    state = replace(saved(DAILY, at(0, "10:00")), initialized_at=None, last_good_at=None)
    assert overdue(state, at(300, "10:00"), GRACE) is None


def test_a_schedule_that_cannot_be_read_is_told():
    assert "cannot be read" in (overdue(saved({"run": "hourly"}, at(0, "10:00")), at(0, "10:00"), GRACE) or "")


def test_a_missed_sweep_is_told_though_the_other_runs_go_well():
    state = saved({**DAILY, "sweep": {"run": "daily", "at": "03:00"}}, at(0, "10:00"))
    state = replace(state, last_start=at(1, "06:30"), last_good_at=at(1, "06:31"))
    assert "sweep of 2026-03-03 03:00 UTC" in (overdue(state, at(1, "07:00"), GRACE) or "")
    assert overdue(replace(state, last_sweep=at(1, "03:00")), at(1, "07:00"), GRACE) is None


def test_when_a_schedule_was_saved_is_kept_and_older_rows_do_without():
    state = saved(DAILY, at(0, "10:00"))
    row = {**object_row(state), "etag": "e"}
    assert object_from(row).schedule_since == state.schedule_since
    del row["schedule_since"]
    assert object_from(row).schedule_since is None


# --- whatever the history ---------------------------------------------------------------------------------------------


@given(states(), spans, spans, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_what_is_overdue_stays_so_until_something_happens(
    state: ObjectState, age: timedelta, later: timedelta, grace: timedelta
):
    now = (state.initialized_at or MONDAY) + age
    if overdue(state, now, grace) is not None:
        assert overdue(state, now + later, grace) is not None


@given(states(), spans, st.timedeltas(timedelta(0), timedelta(days=3)), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_more_patience_never_finds_more(state: ObjectState, age: timedelta, grace: timedelta, more: timedelta):
    now = (state.initialized_at or MONDAY) + age
    if overdue(state, now, grace) is None:
        assert overdue(state, now, grace + more) is None


@given(states(), spans, spans)
def test_a_run_that_was_started_and_ended_well_within_the_grace_covers_everything(
    state: ObjectState, age: timedelta, ago: timedelta
):
    now = (state.initialized_at or MONDAY) + age
    covered = replace(state, last_start=now - min(ago, GRACE), last_good_at=now - min(ago, GRACE))
    assert overdue(covered, now, GRACE) is None


@given(states(), spans)
def test_a_start_that_a_tick_would_still_make_up_is_overdue(state: ObjectState, age: timedelta):
    now = (state.initialized_at or MONDAY) + age
    schedule = Schedule.model_validate(state.schedule)
    owed = last_start(schedule, now - GRACE)
    floors = [floor for floor in (state.initialized_at, state.schedule_since) if floor is not None]
    if is_due(schedule, state.last_start, now - GRACE) and owed is not None and owed > max(floors):
        assert "missed" in (overdue(state, now, GRACE) or "")


@given(moments, schedules)
def test_a_hub_that_stops_is_well_up_to_its_next_start_and_the_grace_and_not_a_moment_longer(
    since: datetime, schedule: Schedule
):
    state = saved(schedule.model_dump(mode="json", exclude_none=True), since)
    (start,) = next_starts(schedule, since, 1)
    assert overdue(state, start + GRACE - timedelta(seconds=1), GRACE) is None
    assert overdue(state, start + GRACE, GRACE) is not None
