"""Schedules: each start happens once, whatever the clock on the wall does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.sync.schedule import Schedule, is_due, last_start, next_starts

MINUTE = timedelta(minutes=1)
TICK = timedelta(minutes=5)

# Clocks that move by an hour, by half an hour, at midnight, and one island that skipped a date.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kolkata",
    "UTC",
    "Pacific/Apia",
]
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
distances = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(20, 59))
weekdays = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, unique=True)


def daily(zone: str, **when: str) -> Schedule:
    return Schedule.model_validate({"run": "daily", "timezone": zone, **when})


schedules = st.one_of(
    st.builds(lambda zone, at: daily(zone, at=at), zones, clock_times),
    st.builds(lambda zone, every: daily(zone, every=every), zones, distances),
    st.builds(
        lambda zone, at, on: Schedule.model_validate({"run": "weekly", "on": on, "at": at, "timezone": zone}),
        zones,
        clock_times,
        weekdays,
    ),
)


def local(zone: str, *parts: int, fold: int = 0) -> datetime:
    year, month, day, *clock = parts
    return datetime(year, month, day, *clock, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


# --- The next starts --------------------------------------------------------------------------------------------------


def test_a_daily_start_keeps_its_local_time_over_the_change_of_clocks() -> None:
    schedule = daily("Europe/Berlin", at="06:30")
    starts = next_starts(schedule, local("Europe/Berlin", 2026, 10, 24, 7), 3)
    assert starts == [local("Europe/Berlin", 2026, 10, day, 6, 30) for day in (25, 26, 27)]
    assert starts[1] - starts[0] == timedelta(hours=24)
    assert starts[0] - local("Europe/Berlin", 2026, 10, 24, 6, 30) == timedelta(hours=25)


def test_a_start_in_the_skipped_hour_comes_as_much_later_as_the_clock_was_moved() -> None:
    schedule = daily("Europe/Berlin", at="02:30")
    starts = next_starts(schedule, local("Europe/Berlin", 2026, 3, 28, 12), 2)
    assert starts == [local("Europe/Berlin", 2026, 3, 29, 3, 30), local("Europe/Berlin", 2026, 3, 30, 2, 30)]


def test_a_start_in_the_repeated_hour_comes_the_first_time_only() -> None:
    schedule = daily("Europe/Berlin", at="02:30")
    starts = next_starts(schedule, local("Europe/Berlin", 2026, 10, 25, 0), 2)
    assert starts == [local("Europe/Berlin", 2026, 10, 25, 2, 30), local("Europe/Berlin", 2026, 10, 26, 2, 30)]


def test_every_counts_from_local_midnight_anew_each_day() -> None:
    schedule = daily("Asia/Kolkata", every="07:00")
    starts = next_starts(schedule, local("Asia/Kolkata", 2026, 11, 20, 20), 6)
    assert [start.astimezone(ZoneInfo("Asia/Kolkata")).strftime("%d %H:%M") for start in starts] == [
        "20 21:00", "21 00:00", "21 07:00", "21 14:00", "21 21:00", "22 00:00"
    ]  # fmt: skip


def test_weekly_starts_come_on_the_named_days_by_the_local_date() -> None:
    schedule = Schedule.model_validate(
        {"run": "weekly", "on": ["sun", "wed"], "at": "00:15", "timezone": "Pacific/Auckland"}
    )
    starts = next_starts(schedule, local("Pacific/Auckland", 2026, 11, 18, 0, 15), 3)
    assert starts == [local("Pacific/Auckland", 2026, 11, day, 0, 15) for day in (22, 25, 29)]
    assert starts[0].weekday() == 5  # Saturday still, in UTC


def test_a_schedule_that_never_runs_has_no_start_and_is_never_due() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    never = Schedule(every="00:10")
    assert next_starts(never, now) == []
    assert last_start(never, now) is None
    assert not is_due(never, None, now)


@settings(deadline=None)
@given(schedules, moments, st.integers(0, 12))
def test_next_starts_come_in_order_each_once_and_none_between_them_is_left_out(
    schedule: Schedule, after: datetime, count: int
) -> None:
    starts = next_starts(schedule, after, count)
    assert len(starts) == count
    assert starts == sorted(set(starts))
    walked, at = [], after
    for _ in range(count):
        [at] = next_starts(schedule, at, 1)
        walked.append(at)
    assert walked == starts
    for start in starts:
        assert last_start(schedule, start) == start
        earlier = last_start(schedule, start - MINUTE / 60)
        assert earlier is not None
        assert earlier < start


@settings(max_examples=40, deadline=None)
@given(zones, clock_times, moments)
def test_a_daily_start_is_when_the_clock_on_the_wall_first_shows_its_time(zone: str, at: str, after: datetime) -> None:
    """Against a clock that is watched minute by minute, for the days on which it shows that time at all."""
    info = ZoneInfo(zone)
    begin = after.replace(second=0, microsecond=0)
    shown: dict[date, datetime] = {}
    for minute in range(3 * 24 * 60):
        moment = begin + minute * MINUTE
        wall = moment.astimezone(info)
        if wall.strftime("%H:%M") == at:
            shown.setdefault(wall.date(), moment)
    first_day = begin.astimezone(info).date()
    whole = {day: moment for day, moment in shown.items() if day > first_day}
    assert set(whole.values()) <= set(next_starts(daily(zone, at=at), begin - MINUTE, 6))


# --- Whether one is due -----------------------------------------------------------------------------------------------


def ticks(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + n * TICK for n in range(1, int((end - begin) / TICK) + 1)]


@settings(max_examples=40, deadline=None)
@given(schedules, moments, st.integers(20, 60))
def test_a_timer_that_ticks_starts_each_start_exactly_once(schedule: Schedule, begin: datetime, hours: int) -> None:
    end = begin + timedelta(hours=hours)
    last_started, fired = begin, []
    for now in ticks(begin, end):
        if is_due(schedule, last_started, now):
            fired.append(now)
            last_started = now
    expected = [start for start in next_starts(schedule, begin, 200) if start <= fired_until(begin, end)]
    # Two starts within one tick are one run: around a skipped hour, starts may come closer than they were set.
    assert fired == sorted({tick_of(begin, start) for start in expected})


def fired_until(begin: datetime, end: datetime) -> datetime:
    return begin + int((end - begin) / TICK) * TICK


def tick_of(begin: datetime, start: datetime) -> datetime:
    return begin - ((begin - start) // TICK) * TICK


@pytest.mark.parametrize("first", [date(2026, 3, 28), date(2026, 10, 24)])
def test_three_days_around_a_change_of_clocks_have_three_starts(first: date) -> None:
    begin, end = (local("Europe/Berlin", day.year, day.month, day.day) for day in (first, first + timedelta(days=3)))
    for at in ("00:00", "01:59", "02:00", "02:30", "02:59", "03:00", "23:55"):
        schedule, last_started, fired = daily("Europe/Berlin", at=at), begin - MINUTE, 0
        for now in ticks(begin - TICK, end - TICK):
            if is_due(schedule, last_started, now):
                fired, last_started = fired + 1, now
        assert fired == 3, at


@settings(deadline=None)
@given(schedules, moments, st.integers(0, 40))
def test_starts_missed_while_down_are_made_up_once(schedule: Schedule, last_started: datetime, days: int) -> None:
    now = last_started + timedelta(days=days)
    missed = any(start <= now for start in next_starts(schedule, last_started, 1))
    assert is_due(schedule, last_started, now) == missed
    assert not is_due(schedule, now, now)


def test_a_timer_that_fires_twice_starts_once() -> None:
    schedule = daily("UTC", at="06:00")
    before, now = datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert is_due(schedule, before, now)
    assert not is_due(schedule, now, now)
    assert not is_due(schedule, now + MINUTE, now)


def test_before_its_first_start_ever_a_schedule_counts_from_when_it_was_saved() -> None:
    schedule = daily("UTC", at="06:00")
    saved = datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert not is_due(schedule, saved, saved + timedelta(hours=19))
    assert is_due(schedule, saved, saved + timedelta(hours=20))
    assert is_due(schedule, None, saved)


# --- What a schedule may be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"run": "daily", "at": "24:00"}, "00:00 to 23:59"),
        ({"run": "daily", "at": "6:30"}, "HH:MM"),
        ({"run": "daily", "at": "06:30\n"}, "HH:MM"),
        ({"run": "daily", "every": "00:00"}, "at least 00:01"),
        ({"run": "daily", "at": "06:00", "every": "01:00"}, "not both"),
        ({"run": "daily"}, "needs at"),
        ({"run": "weekly", "at": "06:00"}, "the days it runs"),
        ({"run": "daily", "on": ["mon"], "at": "06:00"}, "on is for weekly"),
        ({"run": "weekly", "on": ["monday"], "at": "06:00"}, "'mon'"),
        ({"run": "hourly"}, "'daily', 'weekly' or 'never'"),
        ({"run": "never", "timezone": "Berlin"}, "IANA"),
        ({"run": "never", "timezone": "../etc/passwd"}, "IANA"),
        ({"run": "never", "timezone": ""}, "IANA"),
        ({"run": "never", "cron": "* * *"}, "not permitted"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_with_what_to_write(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Schedule.model_validate(wrong)
    assert said in str(refused.value)


def test_a_schedule_comes_back_from_json_as_it_was() -> None:
    schedule = Schedule.model_validate({"run": "weekly", "on": ["mon"], "every": "01:30", "timezone": "Europe/Paris"})
    assert Schedule.model_validate_json(schedule.model_dump_json()) == schedule
