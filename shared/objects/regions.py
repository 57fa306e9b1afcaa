# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

"""Countries and states: codes in SAP, free text on the other side.

Canonical are SAP's codes: ``IN`` for a country, ``IN/MH`` for a state, because a state's code says nothing without its
country (GA is Goa and Georgia). The two are fields of their own, since free text often names no state that SAP knows,
but neither is ever written so that the pair on that side would name another place: then it is held.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Codes, Draft
from shared.objects.model import Context
from shared.ports import Mark, Row, Value

COUNTRIES = "sap.countries"
STATES = "sap.states"

_NO_MARK = Mark()
_COUNTRY_CODES = ("Code", "ISOAlpha2Code", "ISOAlpha3Code")


def _blank(raw: Any) -> bool:
    return raw is None or not str(raw).strip()


def _folded(text: Any) -> str:
    return str(text).strip().casefold()


def _unambiguous[K](pairs: Iterable[tuple[K, str]]) -> dict[K, str]:
    """The pairs by key, without keys that stand for several codes: an ambiguous name is not a match."""
    found: dict[K, set[str]] = {}
    for key, code in pairs:
        found.setdefault(key, set()).add(code)
    return {key: codes.pop() for key, codes in found.items() if len(codes) == 1}


class Regions:
    """SAP's countries and states, by their texts on the other side and the other way round.

    A text is a spelling in the settings, else one of SAP's codes, else the name in SAP's list, in any case of letters.
    Written is the spelling in the settings, else the name (or the code, if the settings say so).
    """

    def __init__(self, ctx: Context) -> None:
        mapped, mapped_states = ctx.settings.countries, ctx.settings.states
        by_name = ctx.settings.regions_as == "name"
        countries, states = ctx.lists.get(COUNTRIES, ()), ctx.lists.get(STATES, ())
        self._countries = {
            **_unambiguous((_folded(row["Name"]), row["Code"]) for row in countries if row.get("Name")),
            **_unambiguous((_folded(row[c]), row["Code"]) for row in countries for c in _COUNTRY_CODES if row.get(c)),
            **_unambiguous((_folded(text), code) for code, text in mapped.items()),
        }
        self._states = {
            **_unambiguous(((row["Country"], _folded(row["Name"])), row["Code"]) for row in states if row.get("Name")),
            **_unambiguous(((row["Country"], _folded(row["Code"])), row["Code"]) for row in states),
            **_unambiguous(
                ((c, _folded(text)), code) for c, codes in mapped_states.items() for code, text in codes.items()
            ),
        }
        self._country_texts: dict[str, str] = {
            r["Code"]: (by_name and r.get("Name")) or r["Code"] for r in countries
        } | mapped
        self._state_texts: dict[tuple[str, str], str] = {
            (r["Country"], r["Code"]): (by_name and r.get("Name")) or r["Code"] for r in states
        } | {(country, code): text for country, codes in mapped_states.items() for code, text in codes.items()}

    @classmethod
    def of(cls, ctx: Context) -> Regions:
        """The regions of that context, built once."""
        regions: Regions = ctx.memo.get("regions") or ctx.memo.setdefault("regions", cls(ctx))
        return regions

    def country(self, text: Any) -> str | None:
        """SAP's code of the country, None if it is not known or ambiguous."""
        return self._countries.get(_folded(text))

    def country_text(self, code: Any) -> str | None:
        """The other side's text for SAP's code."""
        return self._country_texts.get(code)

    def state(self, country: str, text: Any) -> str | None:
        """SAP's code of the state of that country, None if it is not known or ambiguous."""
        return self._states.get((country, _folded(text)))

    def state_text(self, country: str, code: str) -> str | None:
        """The other side's text for SAP's code in that country."""
        return self._state_texts.get((country, code))


@dataclass(frozen=True)
class CountryText(Codes):
    """SAP's country code <-> free text on the other side, as :class:`Regions` translates it."""

    def to_canonical(self, raw: Any, ctx: Context) -> Value:
        """SAP's code of the country."""
        code = Regions.of(ctx).country(raw)
        if code is None:
            raise Refused(
                "the country is not on SAP's list; spell it as SAP does, or map its spelling in the setting countries"
            )
        return code

    def from_canonical(self, value: Value, ctx: Context) -> Value:
        """The text for SAP's code."""
        text = Regions.of(ctx).country_text(value)
        if text is None:
            raise Refused("SAP's country code is not on SAP's list of countries; correct it, or map it in countries")
        return text


@dataclass(frozen=True)
class Country(Accessor):
    """A country next to a state. ``inner`` reads SAP's code, ``state`` the raw state, ``state_field`` names its field.

    The state's row must come first in the table: a country is only moved together with its state.
    """

    inner: Accessor
    state: Accessor
    state_field: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The country's and the state's."""
        return (*self.inner.columns, *self.state.columns)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's code of the country."""
        return self.inner.read(row, mark, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Set the country; refused where the state that stays behind would then lie in another country."""
        state_goes_along = self.state_field in draft.values and self.state_field not in draft.held
        if draft.current is not None and not state_goes_along and self._moves(value, draft.current, draft.ctx):
            raise Refused("the country cannot change without its state; correct the state as well, or empty it")
        self.inner.write(value, draft)

    def _moves(self, value: Value, current: Row, ctx: Context) -> bool:
        if _blank(self.state.read(current, _NO_MARK, ctx)):
            return False
        try:
            return bool(self.inner.read(current, _NO_MARK, ctx) != value)
        except Refused:  # a text that no one knows: its state belongs to we do not know what
            return True


@dataclass(frozen=True)
class _State(Accessor):
    """A state: ``inner`` reads the raw state, ``country`` SAP's code of its country, ``country_field`` names its field."""

    inner: Accessor
    country: Accessor
    country_field: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The state's and the country's."""
        return (*self.inner.columns, *self.country.columns)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's codes of country and state."""
        raw = self.inner.read(row, mark, ctx)
        if _blank(raw):
            return None
        country = self.country.read(row, mark, ctx)
        if _blank(country):
            raise Refused("a state cannot be told without its country; fill in the country")
        return f"{country}/{self.code(str(raw).strip(), str(country), ctx)}"

    def write(self, value: Value, draft: Draft) -> None:
        """Set the state; refused where the address is, after this write, in another country."""
        if value is None:
            self.inner.write(None, draft)
            return
        country, _, code = str(value).partition("/")
        if country != self._country_after(draft):
            raise Refused("the state lies in another country than the address has on this side; correct the country")
        self.inner.write(self.spelling(code, country, draft.ctx), draft)

    def _country_after(self, draft: Draft) -> Any:
        if self.country_field in draft.values:
            return draft.values[self.country_field]
        return None if draft.current is None else self.country.read(draft.current, _NO_MARK, draft.ctx)

    @abstractmethod
    def code(self, raw: str, country: str, ctx: Context) -> str:
        """SAP's code of the state that this side spells like that."""

    @abstractmethod
    def spelling(self, code: str, country: str, ctx: Context) -> str:
        """How this side spells the state of that code."""


@dataclass(frozen=True)
class SapState(_State):
    """The state in SAP: its code as it is."""

    def code(self, raw: str, country: str, ctx: Context) -> str:
        """The same."""
        return raw

    def spelling(self, code: str, country: str, ctx: Context) -> str:
        """The same."""
        return code


@dataclass(frozen=True)
class StateText(_State):
    """The state as free text, as :class:`Regions` translates it."""

    def code(self, raw: str, country: str, ctx: Context) -> str:
        """SAP's code of the state of that country."""
        code = Regions.of(ctx).state(country, raw)
        if code is None:
            raise Refused(
                "the state is not on SAP's list for its country; spell it as SAP does, or map it in the setting states"
            )
        return code

    def spelling(self, code: str, country: str, ctx: Context) -> str:
        """The text for SAP's code."""
        text = Regions.of(ctx).state_text(country, code)
        if text is None:
            raise Refused("SAP's state code is not on SAP's list for its country; correct it, or map it in states")
        return text
