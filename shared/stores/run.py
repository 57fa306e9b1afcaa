"""What is known of an object, its runs, their plans and slices; and the columns of the rows that hold it.

See :mod:`shared.stores.runs`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.ports import KeyVersion, SideName

SCHEMA_VERSION = 1


@dataclass
class Request:
    """What a run was asked for: the mode decides which keys, the origin says what asked, ``by`` who (see :class:`Run`)."""

    run: str
    mode: str
    origin: str
    by: str = ""


@dataclass
class ObjectState:
    """One object of one template: initialized or not, its schedule, how far each direction has read, its runs.

    ``active`` is the run at work, ``began`` whether it has begun planning (before that it may still be joined or
    widened), ``follow_up`` the one run that waits behind it. ``beat`` counts the messages of the run's own chain.
    ``schedule_since`` is when the schedule was saved: its starts before that are nobody's debt; ``schedule_by`` who did.
    """

    template: str
    object: str
    initialized_at: datetime | None = None
    schedule: dict[str, Any] = field(default_factory=dict)
    schedule_since: datetime | None = None
    schedule_by: str = ""
    last_start: datetime | None = None
    last_sweep: datetime | None = None
    watermarks: dict[str, datetime] = field(default_factory=dict)
    rescan: tuple[str, ...] = ()
    active: Request | None = None
    began: bool = False
    status: str = ""
    beat: int = 0
    beat_at: datetime | None = None
    follow_up: Request | None = None
    last_run: str = ""
    last_status: str = ""
    last_good_at: datetime | None = None
    idle_runs: int = 0
    etag: str | None = None


@dataclass
class Run:
    """One execution of an object's flows.

    ``by`` are those who asked for it, separated by blanks, "" where nobody but the hub did; ``cancelled_by`` ended it.
    """

    id: str
    template: str
    object: str
    mode: str
    origin: str
    status: str
    created_at: datetime
    by: str = ""
    cancelled_by: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    slices: int = 0
    slices_done: int = 0
    criteria: dict[str, Any] = field(default_factory=dict)
    rescan: tuple[str, ...] = ()
    etag: str | None = None


@dataclass
class Plan:
    """How far a run's plan has come. ``phase`` counts the directions; ``read_at`` is each source's clock at its start."""

    phase: int = 0
    cursor: str = ""
    stage: str = "due"
    planned: bool = False
    next_slice: int = 0
    read_at: dict[str, datetime] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    etag: str | None = None

    def next_phase(self) -> None:
        """Go on to the next direction."""
        self.phase, self.cursor, self.stage, self.planned, self.next_slice = self.phase + 1, "", "due", False, 0


@dataclass
class Slice:
    """Up to N keys delivered by one message. ``attempt`` makes older messages harmless."""

    id: str
    side: SideName
    entries: list[KeyVersion]
    contiguous: bool = False
    forced: bool = False
    done: bool = False
    attempt: int = 0
    not_before: datetime | None = None
    sent_at: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    etag: str | None = None


def run_id(template: str, object_name: str, now: datetime, chance: str) -> str:
    """A run id; ids of one object sort by time, the newest first."""
    return f"{template}.{object_name}.{countdown(now)}{chance}"


def countdown(moment: datetime) -> str:
    """Milliseconds left until the year 10889: text that sorts newest first."""
    return f"{2**48 - 1 - int(moment.timestamp() * 1000):012x}"


def parse_run_id(text: str) -> tuple[str, str]:
    """(template, object) of a run id; ValueError if it is none."""
    template, object_name, rest = text.split(".")
    if not (template and object_name and rest):
        raise ValueError(text)
    return template, object_name


def slice_id(phase: int, number: int) -> str:
    """Deterministic id of a slice: a repeated plan writes the same rows."""
    return f"{phase}:{number:06d}"


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""


def _at(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _request(text: str, by: str) -> Request | None:
    if not text:
        return None
    run, mode, origin = json.loads(text)
    return Request(run, mode, origin, by)


def object_row(s: ObjectState) -> dict[str, Any]:
    """The columns of an object's row."""
    return {
        "v": SCHEMA_VERSION,
        "template": s.template,
        "object": s.object,
        "initialized_at": _iso(s.initialized_at),
        "schedule": json.dumps(s.schedule),
        "schedule_since": _iso(s.schedule_since),
        "schedule_by": s.schedule_by,
        "last_start": _iso(s.last_start),
        "last_sweep": _iso(s.last_sweep),
        "watermarks": json.dumps({d: _iso(m) for d, m in s.watermarks.items()}),
        "rescan": json.dumps(s.rescan),
        "active": json.dumps([s.active.run, s.active.mode, s.active.origin]) if s.active else "",
        "active_by": s.active.by if s.active else "",
        "began": s.began,
        "status": s.status,
        "beat": s.beat,
        "beat_at": _iso(s.beat_at),
        "follow_up": json.dumps([s.follow_up.run, s.follow_up.mode, s.follow_up.origin]) if s.follow_up else "",
        "follow_up_by": s.follow_up.by if s.follow_up else "",
        "last_run": s.last_run,
        "last_status": s.last_status,
        "last_good_at": _iso(s.last_good_at),
        "idle_runs": s.idle_runs,
    }


def object_from(row: dict[str, Any]) -> ObjectState:
    """An object as its row says."""
    watermarks = {d: _at(m) for d, m in json.loads(row["watermarks"]).items()}
    return ObjectState(
        template=row["template"],
        object=row["object"],
        initialized_at=_at(row["initialized_at"]),
        schedule=json.loads(row["schedule"]),
        schedule_since=_at(row.get("schedule_since", "")),
        schedule_by=row.get("schedule_by", ""),
        last_start=_at(row["last_start"]),
        last_sweep=_at(row.get("last_sweep", "")),
        watermarks={d: m for d, m in watermarks.items() if m is not None},
        rescan=tuple(json.loads(row["rescan"])),
        active=_request(row["active"], row.get("active_by", "")),
        began=row["began"],
        status=row["status"],
        beat=row["beat"],
        beat_at=_at(row["beat_at"]),
        follow_up=_request(row["follow_up"], row.get("follow_up_by", "")),
        last_run=row["last_run"],
        last_status=row["last_status"],
        last_good_at=_at(row["last_good_at"]),
        idle_runs=row["idle_runs"],
        etag=row["etag"],
    )


def run_row(r: Run) -> dict[str, Any]:
    """The columns of a run's row."""
    return {
        "v": SCHEMA_VERSION,
        "id": r.id,
        "template": r.template,
        "object": r.object,
        "mode": r.mode,
        "origin": r.origin,
        "by": r.by,
        "cancelled_by": r.cancelled_by,
        "status": r.status,
        "created_at": _iso(r.created_at),
        "began_at": _iso(r.began_at),
        "ended_at": _iso(r.ended_at),
        "counts": json.dumps(r.counts),
        "reason": r.reason,
        "slices": r.slices,
        "slices_done": r.slices_done,
        "criteria": json.dumps(r.criteria),
        "rescan": json.dumps(r.rescan),
    }


def run_from(row: dict[str, Any]) -> Run:
    """A run as its row says."""
    return Run(
        id=row["id"],
        template=row["template"],
        object=row["object"],
        mode=row["mode"],
        origin=row["origin"],
        status=row["status"],
        created_at=datetime.fromisoformat(row["created_at"]),
        by=row.get("by", ""),
        cancelled_by=row.get("cancelled_by", ""),
        began_at=_at(row["began_at"]),
        ended_at=_at(row["ended_at"]),
        counts=json.loads(row["counts"]),
        reason=row["reason"],
        slices=row["slices"],
        slices_done=row["slices_done"],
        criteria=json.loads(row["criteria"]),
        rescan=tuple(json.loads(row["rescan"])),
        etag=row["etag"],
    )


def plan_row(p: Plan) -> dict[str, Any]:
    """The columns of a plan's row."""
    return {
        "v": SCHEMA_VERSION,
        "phase": p.phase,
        "cursor": p.cursor,
        "stage": p.stage,
        "planned": p.planned,
        "next_slice": p.next_slice,
        "read_at": json.dumps({d: _iso(m) for d, m in p.read_at.items()}),
        "counts": json.dumps(p.counts),
    }


def plan_from(row: dict[str, Any]) -> Plan:
    """A plan as its row says."""
    return Plan(
        phase=row["phase"],
        cursor=row["cursor"],
        stage=row["stage"],
        planned=row["planned"],
        next_slice=row["next_slice"],
        read_at={d: datetime.fromisoformat(m) for d, m in json.loads(row["read_at"]).items()},
        counts=json.loads(row["counts"]),
        etag=row["etag"],
    )


def slice_row(s: Slice) -> dict[str, Any]:
    """The columns of a slice's row."""
    return {
        "v": SCHEMA_VERSION,
        "side": s.side.value,
        "entries": json.dumps([[e.key, e.version] for e in s.entries], separators=(",", ":"), ensure_ascii=False),
        "contiguous": s.contiguous,
        "forced": s.forced,
        "done": s.done,
        "attempt": s.attempt,
        "not_before": _iso(s.not_before),
        "sent_at": _iso(s.sent_at),
        "counts": json.dumps(s.counts),
        "reason": s.reason,
    }


def slice_from(row: dict[str, Any]) -> Slice:
    """A slice as its row says."""
    return Slice(
        id=row["RowKey"],
        side=SideName(row["side"]),
        entries=[KeyVersion(k, v) for k, v in json.loads(row["entries"])],
        contiguous=row["contiguous"],
        forced=row["forced"],
        done=row["done"],
        attempt=row["attempt"],
        not_before=_at(row["not_before"]),
        sent_at=_at(row["sent_at"]),
        counts=json.loads(row["counts"]),
        reason=row["reason"],
        etag=row.get("etag"),
    )
