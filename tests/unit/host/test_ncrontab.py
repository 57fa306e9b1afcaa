"""Schedules of timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.config import ConfigError
from local.host.ncrontab import Interval, Ncrontab, parse_schedule


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("*/2 * * * * *", "2026-11-22T10:00:00", "2026-11-22T10:00:02"),
        ("*/2 * * * * *", "2026-11-22T10:00:01.999999", "2026-11-22T10:00:02"),
        ("0 */5 * * * *", "2026-11-22T10:59:59", "2026-11-22T11:00:00"),
        ("0 0 * * * *", "2026-12-31T23:00:00", "2027-01-01T00:00:00"),
        ("0 30 9 * * 1-5", "2026-11-20T09:30:00", "2026-11-23T09:30:00"),
        ("0 30 9 * Jan Mon", "2026-11-22T00:00:00", "2027-01-04T09:30:00"),
        ("0 30 9 * january monday", "2026-11-22T00:00:00", "2027-01-04T09:30:00"),
        ("0 0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("10/20 5,7 1-3 * * *", "2026-11-22T01:05:30", "2026-11-22T01:05:50"),
        ("10/20 5,7 1-3 * * *", "2026-11-22T01:05:50", "2026-11-22T01:07:10"),
        ("*/5 * * * *", "2026-11-22T10:01:00", "2026-11-22T10:05:00"),
    ],
)
def test_the_next_time_is_the_first_match_after(expression: str, after: str, expected: str) -> None:
    assert Ncrontab(expression).next(at(after)) == at(expected)


def test_day_of_month_and_day_of_week_must_both_match() -> None:
    assert Ncrontab("0 0 0 13 * fri").next(at("2026-11-14T00:00:00")) == at("2027-08-13T00:00:00")


def test_a_leap_day_on_a_given_weekday_is_found_across_a_century_that_is_no_leap_year() -> None:
    assert Ncrontab("0 0 0 29 2 0").next(at("2088-03-01T00:00:00")) == at("2128-02-29T00:00:00")


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "* * * * * * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *", "* * * * * 7",
     "5-1 * * * * *", "*/0 * * * * *", "*-5 * * * * *", "a * * * * *", "1,,2 * * * * *", "0 0 0 31 2 *", "-1 * * * * *"],
)  # fmt: skip
def test_an_expression_that_cannot_happen_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError):
        parse_schedule(expression)


def test_an_interval_counts_from_the_moment_it_is_given() -> None:
    assert parse_schedule("01:30:00").next(at("2026-11-22T10:00:00.5")) == at("2026-11-22T11:30:00.5")


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError):
        Interval("00:00:00")


def field(low: int, high: int, top: int | None = None) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A field's text with the values it stands for; ``top`` is its true end where smaller values are wanted."""
    values = st.integers(low, high)

    def spelled(first: int, last: int, step: int) -> tuple[str, frozenset[int]]:
        low, high = min(first, last), max(first, last)
        return f"{low}-{high}/{step}", frozenset(range(low, high + 1, step))

    return st.one_of(
        st.just(("*", frozenset(range(low, (top or high) + 1)))),
        values.map(lambda value: (str(value), frozenset({value}))),
        st.builds(spelled, values, values, st.integers(1, 20)),
        st.sets(values, min_size=1, max_size=4).map(
            lambda found: (",".join(map(str, sorted(found))), frozenset(found))
        ),
    )


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.tuples(field(0, 59), field(0, 59), field(0, 23), field(1, 28, 31), field(1, 12), field(0, 6)), MOMENTS)
def test_the_next_time_matches_every_field_and_is_later(
    fields: tuple[tuple[str, frozenset[int]], ...], after: datetime
) -> None:
    found = Ncrontab(" ".join(text for text, _ in fields)).next(after)
    parts = (found.second, found.minute, found.hour, found.day, found.month, found.isoweekday() % 7)
    assert found > after
    assert all(part in values for part, (_, values) in zip(parts, fields, strict=True))


@given(st.tuples(field(0, 59), field(0, 59), field(0, 23)), MOMENTS)
def test_no_earlier_match_is_passed_over(fields: tuple[tuple[str, frozenset[int]], ...], after: datetime) -> None:
    found = Ncrontab(" ".join(text for text, _ in fields) + " * * *").next(after)
    moment = max(found - timedelta(minutes=3), after.replace(microsecond=0) + timedelta(seconds=1))
    while moment < found:
        parts = (moment.second, moment.minute, moment.hour)
        assert not all(part in values for part, (_, values) in zip(parts, fields, strict=True))
        moment += timedelta(seconds=1)


@given(field(0, 59), MOMENTS, MOMENTS)
def test_a_later_start_never_finds_an_earlier_time(
    minutes: tuple[str, frozenset[int]], one: datetime, two: datetime
) -> None:
    schedule = Ncrontab(f"0 {minutes[0]} * * * *")
    assert schedule.next(min(one, two)) <= schedule.next(max(one, two))
