"""What the engine needs to know of an object: who takes part, its fields, its parents, how it is read and written.

Everything here is pure: no I/O, no clock. Fields are canonical values by name (:data:`shared.ports.Value`); a value of
``None`` means "empty". The engine never sees a vendor's column name, an object never sees a client or a table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from shared.ports import Entity, Mark, Row, SideName, Value


class Direction(StrEnum):
    """``out`` is from SAP, ``in`` is to SAP."""

    IN = "in"
    OUT = "out"

    @property
    def source(self) -> SideName:
        """The side whose changes this direction carries."""
        return SideName.OTHER if self is Direction.IN else SideName.SAP


class FieldDirection(StrEnum):
    """Which way one field travels. ``create_only``: written when the record is created, or while the target is empty.

    ``checked``: never written; where the two sides differ the outcome names it (a total that both compute).
    """

    BOTH = "both"
    IN = "in"
    OUT = "out"
    CREATE_ONLY = "create_only"
    CHECKED = "checked"


class Rule(StrEnum):
    """Whose value stands when the same field was edited on both sides."""

    SAP_WINS = "sap_wins"
    OTHER_WINS = "other_wins"
    ASK = "ask"


@dataclass(frozen=True)
class FieldRule:
    """A field as the merge sees it: its name, where it may travel, who wins.

    A record is not created without the value of an ``essential`` field that its source has.
    """

    name: str
    direction: FieldDirection = FieldDirection.BOTH
    rule: Rule = Rule.SAP_WINS
    essential: bool = False


@dataclass(frozen=True)
class Reading:
    """One record of one side in canonical terms.

    ``values`` has every field that could be read; ``held`` has field -> reason for those that could not (a code
    without a mapping): they take no part in the merge and are named in the outcome. Reasons hold no record data.
    """

    values: dict[str, Value]
    held: dict[str, str] = field(default_factory=dict)


KEY = "{key}"
"""In the texts of a step: the key that the record has on that side."""
KEY_NUMBER = "{key:number}"
"""In the body of a step, as a whole value: that key as a number."""


@dataclass(frozen=True)
class Step:
    """One more write on the same side, once the record itself is written: a row of a child, a state, an operation.

    Steps are data; the engine runs them in the order of ``stage``, those of all records of a stage together, and a
    record's next stage only after its last one held. They follow from what both sides show, so a delivery that comes
    after a crash has exactly those that are still to be done. ``field_name`` is the field they are for.
    ``name`` is unique among the record's steps; a row to be created where the client chooses the key gets one made of
    the record's key and this name. :data:`KEY` in ``key``, ``operation`` and texts of ``body`` is the record's key.
    """

    stage: int
    field_name: str
    name: str
    body: Row = field(default_factory=dict)
    entity: Entity | None = None
    key: str | None = None
    delete: bool = False
    operation: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a side is told nothing of this record as it is; with ``conflict`` two people's decisions stand against each other."""

    text: str
    fields: tuple[str, ...] = ()
    conflict: bool = False


@dataclass(frozen=True)
class Writing:
    """What one side must be told: columns to set, fields that it cannot hold (with the reason), mark attributes.

    ``steps`` follow the record's own write; ``replace`` says that collections in the body are whole. With a
    ``refusal`` nothing of it is sent. ``around``: see :class:`shared.ports.Write`.
    """

    body: Row
    held: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    replace: bool = False
    refusal: Refusal | None = None
    around: tuple[Row, Row] | None = None

    @property
    def later(self) -> frozenset[str]:
        """The fields that the record's own write does not bring, but a step after it."""
        return frozenset(step.field_name for step in self.steps)


@dataclass(frozen=True)
class Match:
    """A way to recognise the same thing on the other side: equal values in these two columns."""

    field: str
    sap_column: str
    other_column: str


@dataclass(frozen=True)
class Parent:
    """A record that must be linked before its child can travel; one that is not ``required`` only where its object is in use."""

    object: str
    side: SideName
    key: str
    required: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Origin:
    """Another object's record that went on as this one (a lead as an account): the columns that name it on either side."""

    object: str
    sap_column: str
    other_column: str


@dataclass(frozen=True)
class Reference:
    """A list the object needs while reading and writing (currencies, countries); loaded and cached by the engine.

    With a ``body`` the list is no entity set but the answer of the operation ``entity.set`` to that body. One that
    ``describes`` is what the side says of the entity's columns (:meth:`shared.ports.Side.describe`).
    """

    name: str
    side: SideName
    entity: Entity
    body: Mapping[str, Any] | None = None
    describes: bool = False


@dataclass(frozen=True)
class Context:
    """What an object is given besides the record: its template's settings and the reference lists by name.

    ``memo`` is where objects keep what they derive from the two (a list indexed by name), so that a context that serves
    many records costs that once. ``links`` holds the far keys of the parents of the records in work, which are known to
    be linked by then, and ``rows`` the far rows of those that the records are based on.
    """

    template: str
    settings: Any
    lists: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    links: dict[Parent, str] = field(default_factory=dict, compare=False, repr=False)
    rows: dict[Parent, Row] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Marking:
    """How records of an object are picked in SAP: the selection window and the bulk marks.

    ``noun`` is the path segment (``customers``); ``attributes`` are values that every mark must carry (``accountType``).
    ``scope`` bounds the window where the object's own scope is wider than what may be marked.
    """

    noun: str
    name_column: str
    group_column: str
    attributes: tuple[str, ...] = ()
    scope: str = ""


@dataclass(frozen=True)
class NeededColumn:
    """A column that set-up creates: our reference in SAP, a number written back."""

    side: SideName
    entity: Entity
    column: str
    description: str
    length: int


class ObjectType(ABC):
    """One kind of record that travels. Instances are stateless and shared."""

    name: str
    template_type: str
    init_order: int = 100
    marking: Marking | None = None
    references: tuple[Reference, ...] = ()
    needed_columns: tuple[NeededColumn, ...] = ()
    parent_of: tuple[str, ...] = ()
    slice_size: int | None = None
    """The most records of one slice, where that must be less than the setting: those that take long to write."""
    transactional: bool = False
    """Whether it is opened by complete settings instead of a first load: documents, each of which exists once."""
    swept: bool = False
    """Whether fields of SAP change without leaving a stamp (prices): then sweeps compare all that is marked."""
    all_take_part: bool = False
    """Whether every record of SAP goes out without being marked (groups)."""
    on_demand: bool = False
    """Whether only the first load and children that need a record move it: no schedule, no Sync Now."""
    marks_of: str = ""
    """The object whose marks decide who goes out, where it has none of its own (stock goes out for marked products)."""
    after: tuple[str, ...] = ()
    """Objects whose documents must have arrived before records of this one are read (stock after the sales)."""
    owned_by: str = ""
    """The object to whose records these belong (contacts to accounts). They are enumerated, recognised and read again by
    their owner, whose entity both sides give with them (:class:`shared.ports.Owner`)."""
    origin: Origin | None = None
    """The records of another object that go on as records of this one: what those are linked to, these are linked to."""
    sync_now_mode: str = "delta"
    """What Sync Now does unless it is told otherwise."""

    @abstractmethod
    def directions(self, ctx: Context) -> tuple[Direction, ...]:
        """The directions in the order in which one run delivers them (``in`` before ``out``)."""

    @abstractmethod
    def entity(self, side: SideName, ctx: Context) -> Entity:
        """Where its records live on that side, with all columns that :meth:`read` wants."""

    @abstractmethod
    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        """All fields, in the order in which a person wants to see them."""

    @abstractmethod
    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        """The row in canonical terms. Attributes of the mark count as fields of the SAP side."""

    @abstractmethod
    def write(
        self,
        side: SideName,
        values: Mapping[str, Value],
        current: Row | None,
        ctx: Context,
        *,
        hub_reference: str = "",
    ) -> Writing:
        """What to send so that the side holds the values. ``current`` is its row now, None to create the record.

        A create carries the side's defaults from the settings and ``hub_reference`` where the side has a column for it.
        A value that does not fit is held by name, never cut.
        """

    @abstractmethod
    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """ "" if the record may travel that way, else the reason in words an admin understands."""

    def references_for(self, settings: Any) -> tuple[Reference, ...]:
        """The lists that it needs under these settings."""
        return self.references

    def columns_needed(self, ctx: Context) -> tuple[NeededColumn, ...]:
        """The columns that set-up creates under these settings."""
        return self.needed_columns

    def opens_at(self, ctx: Context) -> datetime | None:
        """From when on a transactional object's documents are taken; None while the settings do not say."""
        return None

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """ "" if a record that takes part may also come into being on the other side now, else the reason."""
        return ""

    def why_no_document(self, draft: Row) -> str:
        """ "" while a draft that an approval procedure made may still become a document, else what to do about it."""
        return ""

    @abstractmethod
    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """The mark that a record born or matched on the other side gets when it is linked."""

    def goes_without(self, ctx: Context) -> bool:
        """Whether it is read although documents of the objects before it (:attr:`after`) did not arrive."""
        return False

    def mark_choices(self, ctx: Context) -> Mapping[str, tuple[str, ...]]:
        """Per attribute of a mark the values an admin may choose; one that is not named takes any."""
        return {}

    def matches(self, ctx: Context) -> tuple[Match, ...]:
        """How to recognise a record before creating it: by number first, then by the fields the settings name."""
        return ()

    def is_one(self, side: SideName, row: Row) -> bool:
        """Whether a row that was found by a value is a record of this object at all: looking up knows no scope."""
        return True

    def recognises(self, sap: Row, other: Row, ctx: Context) -> str:
        """For records of one owner: the word for what shows that both are the same thing, "" if nothing does."""
        return ""

    def replaces(self, row: Row, before: Row) -> bool:
        """Whether a record of the source took the place of that one, which is linked (the revision of a quote)."""
        return False

    @abstractmethod
    def birth(self, side: SideName, row: Row) -> str:
        """The creation stamp that, with the key, tells a record from a later one that uses the same key."""

    def merged_into(self, row: Row) -> str | None:
        """The key of the record that this one of the other side was merged into, if it was."""
        return None

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The records that must be linked first."""
        return ()

    def bases(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """Those of its parents whose rows on the far side are needed to write it; :attr:`Context.rows` has them then."""
        return ()

    def day_scope(self, store: str, day: date, ctx: Context) -> str | None:
        """The scope of the other side's documents of one store and day; None for an object without tie-out."""
        return None

    def is_booked(self, row: Row) -> bool:
        """Whether a document of the other side counts in the tie-out (one that was voided does not)."""
        return True

    def tally(self, side: SideName, row: Row, ctx: Context) -> Tally:
        """What the document is worth as that side shows it. Refused, with the reason, where a tender has no mapping."""
        raise NotImplementedError(f"{self.name} has no tie-out")


@dataclass(frozen=True)
class Tally:
    """What one document is worth, for the tie-out of a day.

    ``tenders`` are amounts by means of payment, in words that the readings of both sides produce alike.
    """

    total: Decimal
    tenders: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A setting that does not hold: which, and what to do about it."""

    setting: str
    text: str


class TemplateType(ABC):
    """One kind of connection: its settings, its objects, its checks."""

    name: str
    title: str
    settings_model: type[BaseModel]
    objects: tuple[ObjectType, ...]
    references: tuple[Reference, ...] = ()

    def references_for(self, settings: Any) -> tuple[Reference, ...]:
        """The lists that these settings are checked against: :attr:`references`, and what depends on a setting."""
        return self.references

    @abstractmethod
    def check(self, settings: Any, lists: Mapping[str, Sequence[Row]]) -> list[Problem]:
        """Which settings SAP or the other side would refuse; ``lists`` are those of :attr:`references`."""

    @abstractmethod
    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        """What must be set before that object can be initialized."""

    def object(self, name: str) -> ObjectType | None:
        """Its object of that name."""
        return next((o for o in self.objects if o.name == name), None)
