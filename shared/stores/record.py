"""One record's state, the rows that hold it, and how their keys are spelled (see :mod:`shared.stores.records`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.ports import Mark, SideName
from shared.stores.keys import decode_key, encode_key

SCHEMA_VERSION = 1
_SHORT = {SideName.SAP: "s", SideName.OTHER: "o"}
_SIDE = {short: side for side, short in _SHORT.items()}
FOLLOWERS = "v:"  # objects whose rows belong to the records of a partition
WAITERS = "w:"  # where the waiters of all parents of a partition begin
NOTES = "o:"  # where the notes of owners begin
HIGH = "~"  # sorts after every character of an encoded key
AFTER = "!"  # row key + "!" is the first row after it: encoded keys hold no smaller character


def partition(template: str, object_name: str) -> str:
    """The partition of one object's records in one template."""
    return f"{template}|{object_name}"


def record_row(side: SideName, key: str) -> str:
    """Row key of a record born or marked on that side."""
    return f"r:{_SHORT[side]}:{encode_key(key)}"


def pointer_row(side: SideName, key: str) -> str:
    """Row key of the pointer from a key on the side where the record was not born."""
    return f"p:{_SHORT[side]}:{encode_key(key)}"


def failure_row(side: SideName, key: str) -> str:
    """Row key of a listed failure."""
    return f"f:{_SHORT[side]}:{encode_key(key)}"


def batch_row(batch: str, side: SideName, key: str) -> str:
    """Row key of a batch membership."""
    return f"b:{encode_key(batch)}:{_SHORT[side]}:{encode_key(key)}"


def due_row(not_before: datetime, side: SideName, key: str) -> str:
    """Row key of a due record; sorts by time."""
    return f"{due_prefix(not_before)}:{_SHORT[side]}:{encode_key(key)}"


def due_prefix(moment: datetime) -> str:
    """Where due rows of that moment begin."""
    return f"d:{int(moment.timestamp() * 1000):014d}"


def due_moment(row_key: str) -> datetime:
    """When the record of that due row may be delivered."""
    return datetime.fromtimestamp(int(row_key.split(":")[1]) / 1000, UTC)


def parse_key(row_key: str) -> tuple[SideName, str]:
    """Side and key at the end of an ``r:``, ``p:``, ``f:``, ``d:`` or ``b:`` row key."""
    short, key = row_key.rsplit(":", 2)[1:]
    return _SIDE[short], decode_key(key)


@dataclass(frozen=True)
class Claim:
    """A link being created: what the new record will be called, until when nobody else may try, and who tries."""

    key: str
    until: datetime
    owner: str


@dataclass(frozen=True)
class Failure:
    """Why a record needs a person: class, masked reason, field names, the vendor's code. ``kind`` is the outcome that lists it."""

    kind: str
    error: str
    reason: str
    fields: tuple[str, ...] = ()
    since: str = ""
    code: str = ""


@dataclass
class Record:
    """What is known of one record. ``keys[born]`` is always there, the opposite key once it is linked.

    ``by`` says who last did something to it by hand: ``mark``, ``link``, ``resolve``, ``retry``, ``dismiss``.
    """

    born: SideName
    keys: dict[SideName, str]
    mark: Mark = field(default_factory=Mark)
    claim: Claim | None = None
    base_key: str = ""
    bases: dict[SideName, dict[str, str]] = field(default_factory=lambda: {SideName.SAP: {}, SideName.OTHER: {}})
    versions: dict[SideName, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    resolutions: dict[str, SideName] = field(default_factory=dict)
    birth: str = ""
    deleted: str = ""
    parked: tuple[str, ...] = ()
    parked_since: datetime | None = None
    due: str = ""
    attempt: int = 0
    outcome: str = ""
    outcome_at: datetime | None = None
    run: str = ""
    ruled: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    by: dict[str, str] = field(default_factory=dict)
    etag: str | None = None
    pointer_etag: str | None = None
    stored: Record | None = None
    absorbed: Record | None = None

    @property
    def born_key(self) -> str:
        """Its key on the side where it was born or marked."""
        return self.keys[self.born]

    @property
    def linked(self) -> bool:
        """Whether both sides are known to hold it."""
        return len(self.keys) == 2

    def set_due(self, moment: datetime | None) -> None:
        """Ask for delivery at that time, or no more."""
        self.due = "" if moment is None else due_row(moment, self.born, self.born_key)

    def unlink(self) -> None:
        """Forget the other side; the mark stays."""
        self.keys.pop(self.born.opposite, None)
        self.versions.clear()
        self.bases = {SideName.SAP: {}, SideName.OTHER: {}}
        self.held, self.asked, self.ruled, self.claim, self.deleted = {}, (), {}, None, ""


def new_record(born: SideName, key: str) -> Record:
    """A record that is not in the table yet."""
    return Record(born=born, keys={born: key})


def row_prefix(kind: str, side: SideName) -> str:
    """Where the rows of one kind (``r``, ``p``) and side begin."""
    return f"{kind}:{_SHORT[side]}:"


def note_row(side: SideName, owner_key: str) -> str:
    """Row key of an owner, on that side, whose rows are to be looked at."""
    return f"{NOTES}{_SHORT[side]}:{encode_key(owner_key)}"


def waiter_row(side: SideName, parent_key: str, child: tuple[str, SideName, str]) -> str:
    """Row key of a child (object, side, key) that waits for this parent."""
    object_name, child_side, child_key = child
    parent = f"{WAITERS}{_SHORT[side]}:{encode_key(parent_key)}"
    return f"{parent}:{object_name}:{_SHORT[child_side]}:{encode_key(child_key)}"


def parse_waiter(row_key: str) -> tuple[SideName, str, str, SideName, str]:
    """(parent side, parent key, child object, child side, child key) of a waiter row."""
    _, side, parent, child_object, child_side, child = row_key.split(":")
    return _SIDE[side], decode_key(parent), child_object, _SIDE[child_side], decode_key(child)


def snapshot(record: Record) -> Record:
    """A copy of the record as it is stored now: what can be changed in place is copied, the rest is never changed."""
    record.stored = None
    return replace(
        record,
        keys=dict(record.keys),
        bases={side: dict(base) for side, base in record.bases.items()},
        versions=dict(record.versions),
        held=dict(record.held),
        resolutions=dict(record.resolutions),
        ruled=dict(record.ruled),
        by=dict(record.by),
    )


def to_row(record: Record) -> dict[str, Any]:
    """The columns of a record's row."""
    return {
        "v": SCHEMA_VERSION,
        "sap_key": record.keys.get(SideName.SAP, ""),
        "other_key": record.keys.get(SideName.OTHER, ""),
        "batches": json.dumps(sorted(record.mark.batches)),
        "attributes": json.dumps(dict(record.mark.attributes)),
        "claim": json.dumps([record.claim.key, record.claim.until.timestamp(), record.claim.owner])
        if record.claim
        else "",
        "base_key": record.base_key,
        "base_sap": json.dumps(record.bases[SideName.SAP], separators=(",", ":")),
        "base_other": json.dumps(record.bases[SideName.OTHER], separators=(",", ":")),
        "sap_version": record.versions.get(SideName.SAP, ""),
        "other_version": record.versions.get(SideName.OTHER, ""),
        "held": json.dumps(record.held),
        "asked": json.dumps(record.asked),
        "resolutions": json.dumps(record.resolutions),
        "birth": record.birth,
        "deleted": record.deleted,
        "parked": json.dumps(record.parked),
        "parked_since": record.parked_since.isoformat() if record.parked_since else "",
        "due": record.due,
        "attempt": record.attempt,
        "outcome": record.outcome,
        "outcome_at": record.outcome_at.isoformat() if record.outcome_at else "",
        "run": record.run,
        "ruled": json.dumps(record.ruled),
        "failure": json.dumps(vars(record.failure)) if record.failure else "",
        "by": json.dumps(record.by) if record.by else "",
    }


def from_row(row: dict[str, Any]) -> Record:
    """A record as its row says; remembers what is stored so that saving writes only differences."""
    born, born_key = parse_key(row["RowKey"])
    keys = {born: born_key}
    opposite = row["sap_key"] if born is SideName.OTHER else row["other_key"]
    if opposite:
        keys[born.opposite] = opposite
    failure = json.loads(row["failure"]) if row.get("failure") else None
    claim = json.loads(row["claim"]) if row.get("claim") else None
    record = Record(
        born=born,
        keys=keys,
        mark=Mark(frozenset(json.loads(row["batches"])), json.loads(row["attributes"])),
        claim=Claim(claim[0], datetime.fromtimestamp(claim[1], UTC), claim[2]) if claim else None,
        base_key=row["base_key"],
        bases={SideName.SAP: json.loads(row["base_sap"]), SideName.OTHER: json.loads(row["base_other"])},
        versions={
            side: version
            for side, version in ((SideName.SAP, row["sap_version"]), (SideName.OTHER, row["other_version"]))
            if version
        },
        held=json.loads(row["held"]),
        asked=tuple(json.loads(row["asked"])),
        resolutions={name: SideName(side) for name, side in json.loads(row["resolutions"]).items()},
        birth=row["birth"],
        deleted=row["deleted"],
        parked=tuple(json.loads(row["parked"])),
        parked_since=_moment(row["parked_since"]),
        due=row["due"],
        attempt=row["attempt"],
        outcome=row["outcome"],
        outcome_at=_moment(row["outcome_at"]),
        run=row["run"],
        ruled=json.loads(row["ruled"]),
        failure=Failure(**{**failure, "fields": tuple(failure["fields"])}) if failure else None,
        by=json.loads(row.get("by") or "{}"),
        etag=row["etag"],
    )
    record.stored = snapshot(record)
    return record


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
