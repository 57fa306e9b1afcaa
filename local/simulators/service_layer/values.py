"""Values on their way in: from a request body or a filter literal to what is stored and shown.

Stored form is the shown form of v2: dates ``2022-04-29T00:00:00Z``, times ``18:38:00``, enumerations by member name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal

from local.schema import Property
from local.simulators.service_layer import errors

Enums = Mapping[str, Mapping[str, str | None]]
NUMBER_TYPES = frozenset({"Int16", "Int32", "Int64", "Double", "Decimal"})
INTEGER_RANGES = {"Int16": 2**15, "Int32": 2**31, "Int64": 2**63}

_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$")
_TIME = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2}))?$")


@dataclass(frozen=True)
class Coercion:
    """How one type's values are read: its name for messages, the enumerations, what to do with long text."""

    type_name: str
    enums: Enums
    too_long: Literal["refuse", "truncate"]

    def value(self, prop: Property, value: Any) -> Any:
        """The stored form of one plain value; raises SapError (-1000, -1004, -10). Empty text clears."""
        if value is None:
            return None
        if prop.type_name == "String":
            return self._text(prop, value)
        if prop.type_name in NUMBER_TYPES:
            return self._number(prop, value)
        if prop.type_name == "DateTimeOffset":
            return self._matched(prop, value, date_form(value) if isinstance(value, str) else None)
        if prop.type_name == "TimeOfDay":
            return self._matched(prop, value, time_form(value) if isinstance(value, str) else None)
        members = self.enums.get(prop.type_name)
        if members is None:
            return value
        member = enum_member(members, value)
        if member is None:
            raise errors.invalid_value(value, prop.name, ", ".join(f"'{name}'" for name in members))
        return member

    def _matched(self, prop: Property, value: Any, form: str | None) -> str | None:
        if form is None and value != "":
            raise self._wrong_type(prop)
        return form

    def _text(self, prop: Property, value: Any) -> str | None:
        if not isinstance(value, str):
            raise self._wrong_type(prop)
        if "\x00" in value:
            raise errors.bad_body(f"Invalid character in property '{prop.name}'")
        text = value.rstrip(" ")
        if prop.max_length is not None and len(text) > prop.max_length:
            if self.too_long == "refuse":
                raise errors.too_long(prop.name, self.type_name)
            text = text[: prop.max_length].rstrip(" ")
        return text or None

    def _number(self, prop: Property, value: Any) -> int | float:
        number = as_number(value)
        if number is None:
            raise self._wrong_type(prop)
        limit = INTEGER_RANGES.get(prop.type_name)
        if limit is None:
            return float(number)
        if number != int(number) or not -limit <= number < limit:
            raise self._wrong_type(prop)
        return int(number)

    def _wrong_type(self, prop: Property) -> errors.SapError:
        return errors.bad_body(f"Invalid value for property '{prop.name}' of '{self.type_name}'")


def as_number(value: Any) -> int | float | None:
    """A number given as JSON number or as text; None for anything else, also for NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        try:
            value = float(value) if any(mark in value for mark in ".eE") else int(value)
        except ValueError:
            return None
    return value if math.isfinite(value) else None


def date_form(text: str) -> str | None:
    """``2014-04-23``, ``20140423`` or either with a time (ignored) as stored; None if it is no date."""
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return f"{day.isoformat()}T00:00:00Z"


def time_form(text: str) -> str | None:
    """``18:38:00``, ``18:38``, ``183800`` or ``1838`` as stored; None if it is no time of day."""
    match = _TIME.match(text)
    if match is None:
        return None
    try:
        return time(int(match[1]), int(match[2]), int(match[3] or 0)).isoformat()
    except ValueError:
        return None


def enum_member(members: Mapping[str, str | None], value: Any) -> str | None:
    """The member meant by its name or its database code; None if there is none."""
    if not isinstance(value, str):
        return None
    if value in members:
        return value
    return next((name for name, code in members.items() if code is not None and code == value), None)


def stamp(moment: datetime) -> tuple[str, str]:
    """Date and time of a change stamp, one second fine, from the company's local time."""
    return f"{moment.date().isoformat()}T00:00:00Z", moment.time().replace(microsecond=0).isoformat()
