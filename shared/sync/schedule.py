"""When a schedule starts: pure reckoning on local clock times, no I/O and no clock of its own.

A local time that the clock skips (set forward) starts once, as much later as the clock was moved; one that the clock
shows twice (set back) starts the first time only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.times import zone_name

_CLOCK_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_MINUTES_A_DAY = 24 * 60
# A week back or ahead holds every start a schedule can have; two days more for a skipped date and its neighbours.
_WEEK = 9


class Frequency(StrEnum):
    """On which days a schedule starts."""

    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"


class Weekday(StrEnum):
    """A day of the week, in the order of ``date.weekday``."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_WEEKDAYS = tuple(Weekday)


def _clock_time(text: str) -> str:
    if not _CLOCK_TIME.fullmatch(text):
        raise ValueError('write it as "HH:MM", 00:00 to 23:59')
    return text


type ClockTime = Annotated[str, AfterValidator(_clock_time)]


class Timing(BaseModel):
    """When something starts by itself.

    ``at`` is a local clock time; ``every`` is a distance in time, counted from local midnight anew each day; one of
    the two. ``on`` names the days of a weekly schedule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: Frequency = Field(default=Frequency.NEVER, description="On which days")
    on: tuple[Weekday, ...] = Field(default=(), description="The days of a weekly schedule")
    at: ClockTime | None = Field(default=None, description="A clock time, HH:MM")
    every: ClockTime | None = Field(default=None, description="Or a distance in time, HH:MM, counted from midnight")
    timezone: Annotated[str, AfterValidator(zone_name)] = Field(
        default="UTC", title="Time zone", description="An IANA name like Europe/Berlin"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.every == "00:00":
            raise ValueError("every must be at least 00:01")
        if self.at and self.every:
            raise ValueError("give at or every, not both")
        if self.run is not Frequency.NEVER and not (self.at or self.every):
            raise ValueError(f"a {self.run} schedule needs at (a clock time) or every (a distance in time)")
        if self.run is Frequency.WEEKLY and not self.on:
            raise ValueError('a weekly schedule needs on, the days it runs, like ["mon", "thu"]')
        if self.run is Frequency.DAILY and self.on:
            raise ValueError("on is for weekly schedules; a daily one runs every day")
        return self


class Schedule(Timing):
    """When an object's runs start by themselves.

    ``sweep`` is for objects with fields that change without a stamp (prices): when everything marked is compared.
    """

    sweep: Timing | None = Field(default=None, description="When everything marked is compared besides")

    @model_validator(mode="before")
    @classmethod
    def _one_time_zone(cls, data: Any) -> Any:
        """A sweep that names no time zone of its own has the schedule's."""
        sweep = data.get("sweep") if isinstance(data, dict) else None
        if isinstance(sweep, dict) and "timezone" in data:
            return {**data, "sweep": {"timezone": data["timezone"], **sweep}}
        return data


def next_starts(schedule: Timing, after: datetime, count: int = 5) -> list[datetime]:
    """The first ``count`` starts later than ``after``, in UTC and in order; none for a schedule that never runs."""
    if schedule.run is Frequency.NEVER or count < 1:
        return []
    zone = ZoneInfo(schedule.timezone)
    today = after.astimezone(zone).date()
    days = 2
    while True:
        found = [start for start in _starts(schedule, zone, _days(today, -1, days)) if start > after]
        # The last two days are left out: a start of the day behind them may come before theirs.
        if len(found) >= count and found[count - 1] < _midnight(today + timedelta(days=days - 2), zone):
            return found[:count]
        days *= 2


def last_start(schedule: Timing, until: datetime) -> datetime | None:
    """The latest start that is not later than ``until``, in UTC; None for a schedule that never runs."""
    if schedule.run is Frequency.NEVER:
        return None
    zone = ZoneInfo(schedule.timezone)
    today = until.astimezone(zone).date()
    for days_back in (2, _WEEK):
        past = [start for start in _starts(schedule, zone, _days(today, -days_back, 1)) if start <= until]
        if past:
            return past[-1]
    return None


def is_due(schedule: Timing, last_started: datetime | None, now: datetime) -> bool:
    """Whether a start has come since the last one; however many were missed, they are made up once.

    ``last_started`` is when the last scheduled run was started or, before the first, when the schedule was saved;
    None counts as long ago.
    """
    latest = last_start(schedule, now)
    return latest is not None and (last_started is None or last_started < latest)


def _days(today: date, first: int, last: int) -> Iterable[date]:
    return (today + timedelta(days=distance) for distance in range(first, last + 1))


def _starts(schedule: Timing, zone: ZoneInfo, days: Iterable[date]) -> list[datetime]:
    clock_times = _clock_times(schedule)
    wanted = [day for day in days if schedule.run is Frequency.DAILY or _WEEKDAYS[day.weekday()] in schedule.on]
    return sorted({_midnight(day, zone, minutes) for day in wanted for minutes in clock_times})


def _clock_times(schedule: Timing) -> list[int]:
    """Minutes after local midnight, by the clock on the wall."""
    if schedule.every:
        return list(range(0, _MINUTES_A_DAY, _minutes(schedule.every)))
    return [_minutes(schedule.at or "00:00")]


def _midnight(day: date, zone: ZoneInfo, minutes: int = 0) -> datetime:
    """The moment the wall clock shows that many minutes after midnight: its first, or where it would have been."""
    hour, minute = divmod(minutes, 60)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)
