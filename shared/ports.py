"""What the engine and the vendors' adapters say to each other: one port, no vendor in it.

Rows are records as their side spells them: ``dict`` from column name to JSON value, numbers with a fraction as
``Decimal``. Keys are strings, spelled as the side spells them. Times are UTC and aware.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from shared.errors import HubError

type Row = dict[str, Any]
type Value = str | int | Decimal | bool | None


requests_sent: ContextVar[list[str] | None] = ContextVar("requests_sent", default=None)
"""Where clients note the requests that they send, while somebody counts them."""


class SideName(StrEnum):
    """The two ends of every template."""

    SAP = "sap"
    OTHER = "other"

    @property
    def opposite(self) -> SideName:
        """The other end."""
        return SideName.OTHER if self is SideName.SAP else SideName.SAP


@dataclass(frozen=True)
class Entity:
    """Where one kind of record lives on one side, as far as reading and writing it needs to know.

    ``set`` is the collection in the API (``BusinessPartners``, ``accounts``), ``type`` the record type
    (``BusinessPartner``, ``account``), ``key`` its key column, ``version`` a column that grows with every write,
    ``select`` all columns to read in full, ``scope`` a filter in the side's own grammar that bounds whole reads
    ("" for none). ``modified`` and ``created`` are the stamp columns: (date, time) in SAP, one column in Dataverse;
    empty where a change leaves no stamp. ``reference`` is the column that carries our own reference, if any.
    ``children`` come with every row that is read by key or found. ``drafts`` is the collection where an approval
    procedure may have put what was to be created, with the same columns. Records that take the system long to write
    (documents) are ``slow``: each goes in a request of its own. The ``owner`` is read with every row that is read.
    """

    set: str
    type: str
    key: str
    version: str = ""
    select: tuple[str, ...] = ()
    scope: str = ""
    modified: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    reference: str = ""
    key_is_text: bool = True
    children: tuple[Children, ...] = ()
    drafts: str = ""
    slow: bool = False
    owner: Owner | None = None


@dataclass(frozen=True)
class Owner:
    """The record that a row belongs to (a contact's account): it stands in the row under ``name``, None where there is none.

    ``lookup`` is the row's property that holds the owner's key. Rows that a side keeps only inside their owner, in its
    ``collection``, have keys of both: ``owner's key/row's key`` (:func:`key_within`); a body for such a row may have
    columns for the owner under ``name``, and names the owner of a new row in ``lookup``. Where the owner's changes count
    as the row's, the side can reach it by a ``navigation`` or in the collection, and the row's version is the owner's
    where that is newer.
    """

    name: str
    entity: Entity
    lookup: str
    collection: str = ""
    navigation: str = ""


def key_within(owner: str, key: object) -> str:
    """The key of a row inside its owner."""
    return f"{owner}/{key}"


def parse_key_within(text: str) -> tuple[str, str]:
    """Owner's and row's key from such a key; a row key never has a slash."""
    owner, _, key = text.rpartition("/")
    return owner, key


@dataclass(frozen=True)
class Children:
    """Rows of another collection that belong to a record and are read with it.

    They stand in the record's row as a list under ``name``; ``parent`` is the property of theirs that holds its key, or
    what the record has in its column ``by``.
    """

    name: str
    entity: Entity
    parent: str
    by: str = ""


@dataclass(frozen=True)
class KeyVersion:
    """A key and the version its side shows now ("" where the side has none)."""

    key: str
    version: str = ""


@dataclass(frozen=True)
class KeyPage:
    """One page of keys. ``cursor`` continues after it (None: this was the last); ``read_at`` is the source's clock."""

    keys: tuple[KeyVersion, ...]
    cursor: str | None
    read_at: datetime


@dataclass(frozen=True)
class Write:
    """One record to be written.

    ``ref`` names it within the call (results carry it). An update has a ``key``; a create has ``create`` set and, if
    the side lets the client choose the key (Dataverse), that key too. ``body`` holds only the columns to set;
    ``replace``: a collection in it is the whole of it, rows that it does not name are to go. ``delete`` removes the row.
    ``around``: what is sent to the record before and after the body, all three or none of them (a document that only a
    draft takes a change of). ``adds``: an update brings new rows into a collection, so a repeat after a lost answer would not be harmless.
    """

    ref: str
    body: Row
    key: str | None = None
    create: bool = False
    replace: bool = False
    delete: bool = False
    adds: bool = False
    around: tuple[Row, Row] | None = None

    @property
    def makes(self) -> bool:
        """Whether something new comes into being by it."""
        return self.create or self.adds


@dataclass(frozen=True)
class WriteResult:
    """What became of one :class:`Write`: its key, and the row if the side answered it; else the error."""

    ref: str
    key: str | None = None
    row: Row | None = None
    error: HubError | None = None


class Side(Protocol):
    """One system, seen by the engine. Every call may raise Throttled, Transient or Misconfigured for the whole call."""

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        """Keys changed at or after ``since`` (None: all keys in scope), each once, in the side's own key order.

        Pages are stable against rows that appear, vanish or change between them (keyset, never skip).
        """

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        """Rows by key; keys that do not exist are absent from the answer."""

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        """Rows whose column equals one of the values, by value; values without a row are absent."""

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        """Each record by itself: one that is refused does not keep the others from being written.

        The results are in the order of the writes. A create that may have happened is an UnknownOutcome.
        """

    def requests_to_write(self, entity: Entity, writes: Sequence[Write]) -> int:
        """How many requests these writes take if all goes well."""

    async def listing(self, entity: Entity) -> list[Row]:
        """A whole small set: a reference list (currencies, groups, terms)."""

    async def describe(self, entity: Entity) -> list[Row]:
        """What the side says of those columns of the entity's records that it ``select``s; unknown ones are absent.

        A row per column: ``name``, ``type`` (text, whole, amount, day, yesNo, choice, or the side's own word),
        ``length`` in characters, ``places`` of decimals or ``accuracy`` (the setting of SAP's company that says how many),
        ``values`` that it allows, as texts; ``computed`` if the side takes none.
        """

    def range_scope(self, entity: Entity, column: str, low: str | int | None, high: str | int | None) -> str:
        """The entity's scope, narrowed to rows whose column lies between both ends (None: open), in the side's grammar.

        Text is quoted, a whole number is not; what comes from a caller is safe here. Rejected for impossible text.
        """

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        """A named operation of the system that is no record (numbering series, company information)."""

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        """Create a text column that the hub needs if it is absent; answers "present" or "created"."""

    async def ping(self) -> datetime:
        """A cheap read that proves address, credentials and rights; the system's own clock."""

    async def close(self) -> None:
        """Give back sessions and connections."""


class Gate(Protocol):
    """The limit on what all instances together send to one system."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Hold one of the system's slots for the length of one request; waits for a free one.

        Raises Throttled where none comes free in a bounded time, or the system asked everyone to pause for longer.
        """

    async def pause(self, seconds: float) -> None:
        """The system asked to slow down: no process starts a request to it before that time has passed."""

    async def hint(self, at_once: int) -> None:
        """The system recommends this many requests at once."""


@dataclass(frozen=True)
class Mark:
    """An admin's decision that a SAP record takes part: named batches; on while any remains."""

    batches: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def on(self) -> bool:
        """Whether the record takes part."""
        return bool(self.batches)
