"""Canonical values: what a field's value is once the spelling of its side is taken away.

Each field has one canonical type. :meth:`CanonicalType.canonical` is idempotent, so a value can go through it on
reading and again before writing. What cannot be carried is refused with a reason that holds no record data.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from shared.ports import Value

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,30}")


class Refused(Exception):
    """One field's value cannot travel. ``reason`` tells an admin what to do and never quotes the value.

    ``whole``: the record must not be written without it; with ``conflict`` because of what somebody decided on the side
    that should take it.
    """

    def __init__(self, reason: str, *, whole: bool = False, conflict: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.whole = whole or conflict
        self.conflict = conflict


def canonical_text(value: Value) -> str:
    """One text per value, different for different values; what fingerprints are made of.

    The first letter is the type: a field has one canonical type, so ``1``, ``"1"``, ``True`` and ``Decimal(1)`` are
    four values. Decimals count by amount, not by spelling: ``1``, ``1.0`` and ``10E-1`` are one value, as are 0 and -0.
    The length is bounded by the digits of the value, whatever its exponent.

    Raises:
        ValueError: for NaN and infinities, which are no amounts.
        TypeError: for anything that is no canonical value.
    """
    match value:
        case None:
            return "n"
        case bool():
            return f"b{int(value)}"
        case int():
            return f"i{value}"
        case Decimal():
            return f"d{_amount(value)}"
        case str():
            return f"s{value}"
    raise TypeError(f"{type(value).__name__} is no canonical value")


def _amount(value: Decimal) -> str:
    """Digits and exponent without trailing zeros; no context is involved, so nothing is rounded."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a number")
    text = "".join(map(str, digits)).lstrip("0")
    shorter = text.rstrip("0")
    if not shorter:
        return "0e0"
    return f"{'-' if sign else ''}{shorter}e{exponent + len(text) - len(shorter)}"


class CanonicalType(Protocol):
    """What one field holds."""

    def canonical(self, raw: Any) -> Value:
        """The value without its side's spelling; None is "empty". Raises Refused where it is no such value."""


@dataclass(frozen=True)
class Text:
    """Text without outer blanks, lines ended by a line feed; what is left empty counts as no value."""

    def canonical(self, raw: Any) -> Value:
        """The trimmed text. NUL and halves of surrogate pairs are refused: neither system can store them."""
        if raw is None:
            return None
        if not isinstance(raw, str):
            raise Refused("is not a text")
        if "\0" in raw:
            raise Refused("holds a NUL character, which cannot be stored; remove it at its source")
        if _LONE_SURROGATE.search(raw):
            raise Refused("holds half of a character (a lone surrogate); correct it at its source")
        return raw.replace("\r\n", "\n").replace("\r", "\n").strip() or None


@dataclass(frozen=True)
class Whole:
    """A whole number: a code, a count, an option of a list."""

    def canonical(self, raw: Any) -> Value:
        """The number, also from a text of digits or a decimal without a fraction (SAP accepts and sends such)."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, bool):
            raise Refused("is not a whole number")
        if isinstance(raw, int):
            return raw
        if isinstance(raw, str) and _WHOLE_NUMBER.fullmatch(raw.strip()):
            return int(raw)
        if isinstance(raw, Decimal) and raw.is_finite() and raw == raw.to_integral_value() and raw.adjusted() < 30:
            return int(raw)
        raise Refused("is not a whole number")


@dataclass(frozen=True)
class Amount:
    """A decimal number (money, quantity, percentage) with at most ``places`` decimal places; None: any number."""

    places: int | None = None

    def canonical(self, raw: Any) -> Value:
        """The number as a Decimal. A binary float is refused: its fraction is already not what was written."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, bool | float) or not isinstance(raw, int | str | Decimal):
            raise Refused("is not a decimal number")
        try:
            value = Decimal(raw)
        except InvalidOperation:
            raise Refused("is not a decimal number") from None
        if not value.is_finite():
            raise Refused("is not a decimal number")
        if self.places is not None and decimal_places(value) > self.places:
            raise Refused(f"has more than {self.places} decimal places; round it at its source")
        return value


def number_or_zero(value: Any) -> Decimal:
    """A number as a side shows it, as a Decimal; none counts as zero."""
    return Decimal(value) if value is not None else Decimal(0)


def decimal_places(value: Decimal) -> int:
    """How many decimal places the amount needs (1.50 needs one)."""
    exponent = int(_amount(value).rpartition("e")[2])
    return max(0, -exponent)


@dataclass(frozen=True)
class Truth:
    """Yes or no."""

    def canonical(self, raw: Any) -> Value:
        """The truth value; other spellings (tYES) belong to the column that has them."""
        if raw is None or isinstance(raw, bool):
            return raw
        raise Refused("is neither yes nor no")


@dataclass(frozen=True)
class Day:
    """A calendar day, as ``YYYY-MM-DD``."""

    def canonical(self, raw: Any) -> Value:
        """The day; a time behind it (the Service Layer's midnight) does not count."""
        if raw is None or raw == "":
            return None
        try:
            return date.fromisoformat(str(raw)[:10]).isoformat()
        except ValueError:
            raise Refused("is not a date") from None


@dataclass(frozen=True)
class Composite:
    """Several values that only travel together, as one JSON text: equal parts make equal texts."""

    def canonical(self, raw: Any) -> Value:
        """The text; amounts count by their value. A text is one already."""
        if raw is None or isinstance(raw, str):
            return raw
        return json.dumps(raw, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_part)


def _part(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    raise Refused("has a part that cannot travel")


@dataclass(frozen=True)
class Choice:
    """One of a closed list of texts."""

    allowed: frozenset[str]

    def canonical(self, raw: Any) -> Value:
        """The text if it is on the list. What is not (a value added later by the vendor) is refused."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str) and raw in self.allowed:
            return raw
        raise Refused("has a value that the hub does not know; the list of allowed values has changed")
