"""Timer schedules: six-field NCRONTAB expressions and ``hh:mm:ss`` intervals, in UTC.

``{second} {minute} {hour} {day} {month} {day of week}``, Sunday is 0. A field is ``*``, a value, a range, any of them
with ``/step``, or a comma-separated list; months and days have English names. Five fields mean second 0. Day of month
*and* day of week must both match, unlike in Unix cron. Source: Azure Functions timer trigger documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from local.host.config import ConfigError, parse_timespan

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
# A 29 February on a given day of the week can be 40 years away (over a century year that is no leap year).
_HORIZON_YEARS = 41


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0

    def parse(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, text: str) -> range:
        match = _PART.fullmatch(text)
        if not match or (match["first"] == "*" and match["last"]):
            raise ConfigError(f"{text!r} is not a {self.name}")
        step = int(match["step"] or 1)
        if match["first"] == "*":
            low, high = self.low, self.high
        else:
            low = self._value(match["first"])
            # A value with a step runs to the end of the field: 10/20 is 10, 30, 50.
            high = self._value(match["last"]) if match["last"] else (self.high if match["step"] else low)
        if step < 1 or low > high:
            raise ConfigError(f"{text!r} is not a {self.name}: ranges ascend, steps are 1 or more")
        return range(low, high + 1, step)

    def _value(self, text: str) -> int:
        short = text[:3].lower()
        if short in self.names:
            return self.names.index(short) + self.first_name
        if not text.isdecimal() or not self.low <= int(text) <= self.high:
            raise ConfigError(f"{text!r} is not a {self.name} ({self.low} to {self.high})")
        return int(text)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS), 1),
    _Field("day of week", 0, 6, tuple(_DAYS), 0),
)


class Interval:
    """A fixed time between one run and the next."""

    def __init__(self, text: str) -> None:
        self._span = timedelta(seconds=parse_timespan(text))
        if not self._span:
            raise ConfigError(f"the interval {text!r} must be more than 0")

    def next(self, after: datetime) -> datetime:
        """One interval later."""
        return after + self._span


class Ncrontab:
    """The moments that match an NCRONTAB expression."""

    def __init__(self, expression: str) -> None:
        parts = expression.split()
        if len(parts) == len(_FIELDS) - 1:
            parts.insert(0, "0")
        if len(parts) != len(_FIELDS):
            raise ConfigError(f"{expression!r} is not NCRONTAB: six fields, seconds first")
        parsed = [field.parse(part) for field, part in zip(_FIELDS, parts, strict=True)]
        seconds, minutes, hours, self._days, self._months, self._weekdays = parsed
        self._seconds, self._minutes, self._hours = sorted(seconds), sorted(minutes), sorted(hours)
        if next(self._dates(date(2000, 1, 1)), None) is None:
            raise ConfigError(f"{expression!r} never happens")

    def next(self, after: datetime) -> datetime:
        """The first match later than ``after``, in whole seconds."""
        later = after.replace(microsecond=0) + timedelta(seconds=1)
        for day in self._dates(later.date()):
            moment = self._first_time(later.time() if day == later.date() else time.min)
            if moment is not None:
                return datetime.combine(day, moment, tzinfo=after.tzinfo)
        raise AssertionError("a schedule that was accepted always has a next time")

    def _dates(self, start: date) -> Iterator[date]:
        day = start
        while day.year <= start.year + _HORIZON_YEARS:
            if day.month not in self._months:
                day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
                continue
            if day.day in self._days and day.isoweekday() % 7 in self._weekdays:
                yield day
            day += timedelta(days=1)

    def _first_time(self, at_or_after: time) -> time | None:
        bound = (at_or_after.hour, at_or_after.minute, at_or_after.second)
        for hour in (value for value in self._hours if value >= bound[0]):
            for minute in (value for value in self._minutes if (hour, value) >= bound[:2]):
                for second in (value for value in self._seconds if (hour, minute, value) >= bound):
                    return time(hour, minute, second)
        return None


type Schedule = Interval | Ncrontab


def parse_schedule(text: str) -> Schedule:
    """A schedule from a timer's ``schedule``. Raises ConfigError with what is wrong in it."""
    return Interval(text) if ":" in text else Ncrontab(text)
