"""Why one record did or did not sync, in words an admin understands. Never a field's value, only names and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.objects.model import Direction, TemplateType
from shared.ports import Mark, Row, SideName
from shared.stores.records import Record
from shared.stores.runs import ObjectState
from shared.sync.hub import Flow, Hub
from shared.sync.outcomes import NEXT_STEP, Outcome
from shared.sync.parking import parse_parent, waiting_for

SAP, OTHER = SideName.SAP, SideName.OTHER
_NAMES = {SAP: "SAP", OTHER: "the other side"}
_WAYS = {Direction.OUT: "out of SAP", Direction.IN: "into SAP"}


async def explain(hub: Hub, template: str, object_name: str, side: SideName, key: str) -> dict[str, Any]:
    """Everything the hub knows of a record, what both sides show now, and one sentence that sums it up.

    The live rows are read; the record itself is left as it is. A record nobody has heard of is explained too.
    """
    flow = await hub.flow(template, object_name)
    state = await hub.runs.object(template, object_name)
    record, rows, keys = await _find(hub, flow, side, key)
    mark = record.mark if record else Mark()
    ways = [_way(flow, direction, keys, rows.get(direction.source), mark) for direction in Direction]
    answer: dict[str, Any] = {
        "template": template,
        "object": object_name,
        "key": {"side": side.value, "key": key},
        "known": record is not None,
        "sides": {each.value: _side(flow, each, keys.get(each), rows.get(each), record, state) for each in SideName},
        "mark": {"on": mark.on, "batches": sorted(mark.batches), "attributes": dict(mark.attributes)},
        "directions": ways,
        "initialized": state.initialized_at is not None,
        "rescanPending": list(state.rescan),
        "activeRun": state.active.run if state.active else None,
        **_remembered(record),
    }
    answer["summary"] = _summary(answer, record, flow.type, hub.now())
    return answer


async def _find(
    hub: Hub, flow: Flow, side: SideName, key: str
) -> tuple[Record | None, dict[SideName, Row], dict[SideName, str]]:
    """The record, the live rows and the keys as their sides spell them."""
    record = await hub.records.get(flow.pk, side, key)
    row = None
    if record is None:  # perhaps spelled otherwise
        row = await _live(flow, side, key)
        spelled = str(row[flow.object.entity(side, flow.ctx).key]) if row else key
        record = await hub.records.get(flow.pk, side, spelled) if spelled != key else None
        key = spelled
    keys = {side: key} | (record.keys if record else {})
    rows: dict[SideName, Row] = {}
    for each, own in keys.items():
        found = row if row is not None and each is side else await _live(flow, each, own)
        if found is not None:
            rows[each] = found
    return record, rows, keys


async def _live(flow: Flow, side: SideName, key: str) -> Row | None:
    entity = flow.object.entity(side, flow.ctx)
    if side is OTHER:
        return (await flow.sides[side].read(entity, [key])).get(key)
    found = (await flow.sides[side].find(entity, entity.key, [key])).get(key, [])
    return found[0] if found else None


def _side(
    flow: Flow, side: SideName, key: str | None, row: Row | None, record: Record | None, state: ObjectState
) -> dict[str, Any]:
    version_column = flow.object.entity(side, flow.ctx).version
    version = str(row[version_column]) if row and version_column and row.get(version_column) is not None else None
    remembered = record.versions.get(side) if record else None
    direction = Direction.IN if side is OTHER else Direction.OUT
    return {
        "key": key,
        "exists": row is not None,
        "version": version,
        "deliveredVersion": remembered,
        "changedSince": None if version is None or remembered is None else version != remembered,
        "watermark": state.watermarks.get(direction.value),
    }


def _way(flow: Flow, direction: Direction, keys: Mapping[SideName, str], row: Row | None, mark: Mark) -> dict[str, Any]:
    """``keys``: what the hub knows the record is called on each side."""
    if direction not in flow.directions:
        reason = f"the settings let nothing of this object travel {_WAYS[direction]}"
    elif direction.source not in keys:
        reason = f"it is not linked to a record of {_NAMES[direction.source]}"
    elif row is None:
        reason = f"{_NAMES[direction.source]} has no such record"
    else:
        reason = flow.object.takes_part(direction, row, mark, flow.ctx)
        if not reason and direction.source.opposite not in keys:
            reason = flow.object.why_not_created(direction, row, flow.ctx)
    return {"direction": direction.value, "takesPart": not reason, "reason": reason or None}


def _remembered(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {"linked": False}
    failure = record.failure
    return {
        "linked": record.linked,
        "by": record.by,
        "born": record.born.value,
        "claim": {"until": record.claim.until} if record.claim else None,
        "parkedOn": [
            {"object": p.object, "side": p.side.value, "key": p.key} for p in map(parse_parent, record.parked)
        ],
        "parkedSince": record.parked_since,
        "held": record.held,
        "ruled": record.ruled,
        "asked": list(record.asked),
        "deletedOn": record.deleted or None,
        "outcome": record.outcome or None,
        "outcomeAt": record.outcome_at,
        "run": record.run or None,
        "attempt": record.attempt,
        "nextTry": due_moment(record.due),
        "failure": failure
        and {
            "kind": failure.kind,
            "class": failure.error,
            "reason": failure.reason,
            "code": failure.code or None,
            "fields": list(failure.fields),
            "since": datetime.fromisoformat(failure.since) if failure.since else None,
            "nextStep": NEXT_STEP.get(failure.error),
        },
    }


def due_moment(row_key: str) -> datetime | None:
    """When a due row's record is tried next; None for ""."""
    return datetime.fromtimestamp(int(row_key.split(":")[1]) / 1000, UTC) if row_key else None


# --- the sentence -----------------------------------------------------------------------------------------------------


def _summary(answer: dict[str, Any], record: Record | None, kind: TemplateType, now: datetime) -> str:
    """The first thing that keeps it from travelling, or that it is in step."""
    parts = [text for text in (_obstacle(answer, record, kind, now), _notes(record)) if text]
    return " ".join(parts)


def _obstacle(answer: dict[str, Any], record: Record | None, kind: TemplateType, now: datetime) -> str:
    ways = [way for way in answer["directions"] if way["reason"]]
    here = [way for way in ways if answer["sides"][Direction(way["direction"]).source]["exists"]]
    reasons: Sequence[str] = [way["reason"] for way in here or ways]
    takes_part = any(way["takesPart"] for way in answer["directions"])
    if not any(side["exists"] for side in answer["sides"].values()) and record is None:
        return "Neither side has such a record, and nothing is known of it; check the key."
    if not answer["initialized"]:
        found = kind.object(answer["object"])
        if found is not None and found.transactional:
            return "The object is not open yet: its settings are incomplete (GET …/settings lists what is missing)."
        return "The object is not initialized yet, so nothing travels; initialize it first."
    if record is not None and (text := _state_of(record, kind, now)):
        return text
    if not takes_part:
        return f"It does not travel: {'; '.join(dict.fromkeys(reasons))}."
    if record is None or not record.linked:
        return (
            "It takes part and has not been delivered yet; the next run that finds it changed, or Sync Now, carries it."
        )
    if any(side["changedSince"] for side in answer["sides"].values()):
        return "It is linked and was changed since the last delivery; the next run carries that."
    return "It is linked and in step."


def _state_of(record: Record, kind: TemplateType, now: datetime) -> str:
    """What stands in the record's way by what the hub remembers of it; "" if nothing does."""
    if record.failure is not None:
        failure = record.failure
        where = f"It concerns: {', '.join(failure.fields)}." if failure.fields else ""
        reason = failure.reason if failure.reason.endswith((".", "!", "?")) else f"{failure.reason}."
        parts = (f"It needs a person ({failure.kind}):", reason, where, NEXT_STEP.get(failure.error, ""))
        return " ".join(part for part in parts if part)
    if record.parked:
        return waiting_for(kind, [parse_parent(text) for text in record.parked])
    if record.outcome == Outcome.AWAITING_APPROVAL:
        return "A draft of it awaits approval in SAP; it is linked when it becomes a document."
    if record.claim is not None and record.claim.until > now:
        return "It is being created right now, or the outcome of creating it is unknown; the hub looks again by itself."
    if record.due:
        moment = due_moment(record.due)
        when = "in the next run" if moment is None or moment <= now else f"after {moment:%Y-%m-%d %H:%M} UTC"
        tried = f" after {record.attempt} unsuccessful tries" if record.attempt else ""
        return f"It is due{tried}: it is delivered {when}."
    return ""


def _notes(record: Record | None) -> str:
    if record is None:
        return ""
    notes = []
    if record.held:
        notes.append(f"These fields could not travel: {', '.join(sorted(record.held))}.")
    if record.ruled:
        notes.append(f"A rule decided between two edits of: {', '.join(sorted(record.ruled))}.")
    return " ".join(notes)
