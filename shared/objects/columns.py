"""Where a field lives on one side: how it is read from a row, and how it is put into what that side is sent.

An accessor is stateless and shared. It refuses, by a reason, what its side cannot hold; it never cuts and never guesses.
Addresses and codes have modules of their own.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Refused, decimal_places
from shared.objects.model import Context, Step
from shared.ports import Mark, Row, Value


@dataclass
class Draft:
    """What one side is about to be told about one record. Accessors add to ``body``, ``attributes`` and ``steps``.

    ``current`` is the side's row now, None for a create. For an accessor that depends on another field (a state on its
    country) ``values`` are all values of this write, by field, and ``held`` those refused so far, in table order.
    """

    current: Row | None
    values: Mapping[str, Value]
    ctx: Context
    body: Row = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    replace: bool = False


class Accessor(ABC):
    """One field on one side."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that must be selected so that :meth:`read` works."""

    def columns_in(self, ctx: Context) -> tuple[str, ...]:
        """The same, where the settings name them."""
        return self.columns

    @abstractmethod
    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The raw value, codes already translated. Raises Refused where it cannot be told."""

    @abstractmethod
    def write(self, value: Value, draft: Draft) -> None:
        """Put the value into the draft. Raises Refused, with the draft untouched, where the side cannot hold it."""


def column_of(row: Row, name: str) -> Any:
    """The column's value. A column that the answer lacks is not an empty one: reading it as such would clear it."""
    if name not in row:
        raise Refused(f"column {name} is missing in the answer; check the rights of the hub's user and the schema")
    return row[name]


def text_length(text: str) -> int:
    """The length as both systems count it: SQL nvarchar, so a character beyond the basic plane takes two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True)
class Column(Accessor):
    """A plain column.

    ``length`` and ``places`` are the side's limits (characters, decimal places). ``required``: it cannot be emptied;
    a create then leaves it to the side's default. ``writable=False``: the side decides it; writing does nothing.
    """

    name: str
    length: int | None = None
    places: int | None = None
    required: bool = False
    writable: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.name,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The value as the side sends it."""
        return column_of(row, self.name)

    def write(self, value: Value, draft: Draft) -> None:
        """Set the column if the value fits."""
        if not self.writable:
            return
        if value is None and self.required:
            if draft.current is not None:
                raise Refused(f"cannot be emptied in {self.name}; enter a value, or let the other side's value stand")
            return
        draft.body[self.name] = fitting(value, self.name, length=self.length, places=self.places)


def fitting(value: Value, name: str, *, length: int | None = None, places: int | None = None) -> Value:
    """The value, if the column of that name can hold it unchanged; raises Refused otherwise."""
    if length is not None and isinstance(value, str) and text_length(value) > length:
        raise Refused(f"is longer than the {length} characters that {name} holds; shorten it at its source")
    if places is not None and isinstance(value, Decimal) and decimal_places(value) > places:
        raise Refused(f"has more than the {places} decimal places that {name} holds; round it at its source")
    return value


@dataclass(frozen=True)
class YesNo(Accessor):
    """A SAP column of two words: of type BoYesNoEnum (tYES, tNO) unless other ones are named; what an empty value writes."""

    name: str
    yes: str = "tYES"
    no: str = "tNO"
    empty: str | None = "tNO"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.name,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True or False; anything else is left to the canonical type to refuse."""
        raw = column_of(row, self.name)
        return {self.yes: True, self.no: False}.get(raw, raw)

    def write(self, value: Value, draft: Draft) -> None:
        """Set the word."""
        draft.body[self.name] = self.empty if value is None else self.yes if value else self.no


@dataclass(frozen=True)
class MarkAttribute(Accessor):
    """A value that the admin gave with the mark instead of a column of SAP (the Account Type)."""

    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        """None: the mark is the hub's own."""
        return ()

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The attribute's text, None if the mark has none."""
        return mark.attributes.get(self.name)

    def write(self, value: Value, draft: Draft) -> None:
        """Hand the attribute to the engine, which keeps it with the mark. An attribute cannot be emptied."""
        if value is None:
            raise Refused(f"{self.name} of a marked record cannot be emptied; choose one")
        draft.attributes[self.name] = str(value)


@dataclass(frozen=True)
class Lookup(Accessor):
    """A Dataverse lookup, by a code that people know; the reference list translates it to the row's id.

    ``name`` is the lookup, which reads as ``_name_value`` and is bound by ``navigation`` (the same name unless the
    lookup has several targets); ``set`` is the target's collection, ``key`` and ``code`` are columns of ``listing``.
    """

    name: str
    set: str
    key: str
    code: str
    listing: str
    what: str
    navigation: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The property that a lookup reads as (Dataverse Web API: lookup properties)."""
        return (f"_{self.name}_value",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code of the row that is pointed to."""
        key = column_of(row, self.columns[0])
        if key is None:
            return None
        for entry in ctx.lists.get(self.listing, ()):
            if str(entry[self.key]).lower() == str(key).lower():
                return entry[self.code]
        raise Refused(f"points to a {self.what} that is not on the list of active ones; activate or change it")

    def write(self, value: Value, draft: Draft) -> None:
        """Bind the row with that code; None clears the lookup. Two rows with one code are refused, none is chosen."""
        navigation = self.navigation or self.name
        if value is None:
            draft.body[navigation] = None
            return
        keys = [e[self.key] for e in draft.ctx.lists.get(self.listing, ()) if str(e[self.code]) == str(value)]
        if len(keys) != 1:
            found = "more than one" if keys else "no"
            raise Refused(f"there is {found} active {self.what} of that code; correct the list or map the code")
        draft.body[f"{navigation}@odata.bind"] = f"/{self.set}({keys[0]})"


class Codes(ABC):
    """A translation between one side's code and the canonical one."""

    @abstractmethod
    def to_canonical(self, raw: Any, ctx: Context) -> Value:
        """The canonical code; Refused, saying which setting to fill, where there is none. Never called with None."""

    @abstractmethod
    def from_canonical(self, value: Value, ctx: Context) -> Value:
        """The side's code; Refused where there is none. Never called with None."""


@dataclass(frozen=True)
class Mapped(Accessor):
    """Another accessor whose raw value is a code of that side."""

    inner: Accessor
    codes: Codes

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the inner accessor."""
        return self.inner.columns

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The canonical code; empty stays empty."""
        raw = self.inner.read(row, mark, ctx)
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return None
        return self.codes.to_canonical(raw, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """Write the side's code; empty stays empty."""
        self.inner.write(None if value is None else self.codes.from_canonical(value, draft.ctx), draft)
