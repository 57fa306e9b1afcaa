"""Marks: which SAP records take part. Choosing them from a selection window, and marking or unmarking by code.

Codes are resolved in SAP and kept as SAP spells them. Marking sends nothing by itself: what is marked and not linked
yet becomes due, so that the next run carries it however long ago it changed. Whole ranges and whole batches are done
by runs of their own (:mod:`shared.sync.mark_runs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from shared.errors import BadRequest, Transient
from shared.objects.model import Direction, Marking, ObjectType
from shared.ports import Entity, Mark, Row, SideName
from shared.stores.keys import encode_key
from shared.stores.records import Record, new_record, parse_key
from shared.sync.actor import sign
from shared.sync.hub import Flow, Hub

SAP = SideName.SAP
MANUAL = "manual"
MOST_ENTRIES = 1000
# All rows of a record change in one transaction of 100, and two records may become one.
MOST_BATCHES = 40
_TRIES = 10


class Marked(StrEnum):
    """What became of one code."""

    MARKED = "marked"
    UNMARKED = "unmarked"
    ALREADY = "already"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Entry:
    """One code to mark, with the attributes its mark shall carry (``accountType``)."""

    code: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Range:
    """A part of the selection window: codes and groups from … to, both ends included, None for open."""

    low: str | None = None
    high: str | None = None
    group_low: int | None = None
    group_high: int | None = None


@dataclass(frozen=True)
class Change:
    """What shall be done to marks: put them into a batch with attributes, or take them out (of all, without a batch)."""

    marked: bool
    batch: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


async def marking_flow(hub: Hub, template: str, noun: str) -> tuple[Flow, Marking]:
    """The flow whose SAP records go by that noun (``customers``); BadRequest (404) if the template has none."""
    row, kind = await hub.template(template)
    for found in kind.objects:
        if found.marking is not None and found.marking.noun == noun:
            return await hub.flow_of(row, kind, found, lists=False), found.marking
    nouns = ", ".join(o.marking.noun for o in kind.objects if o.marking) or "none"
    raise BadRequest(f"A {kind.name} template marks: {nouns}.", code="unknown-marks", status=404)


# --- the selection window -------------------------------------------------------------------------------------------


def window(flow: Flow, marking: Marking, wanted: Range) -> Entity:
    """SAP's entity of the flow, bounded to the range; the side quotes what callers give."""
    side, entity = flow.sides[SAP], flow.object.entity(SAP, flow.ctx)
    entity = replace(entity, scope=marking.scope or entity.scope)
    bounds: tuple[tuple[str, str | int | None, str | int | None], ...] = (
        (entity.key, wanted.low, wanted.high),
        (marking.group_column, wanted.group_low, wanted.group_high),
    )
    for column, low, high in bounds:
        if low is not None or high is not None:
            entity = replace(entity, scope=side.range_scope(entity, column, low, high))
    return entity


async def candidates(
    hub: Hub, flow: Flow, marking: Marking, wanted: Range, continuation: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of SAP's records in that range in SAP's order: code, name, group, whether marked, attributes, batches."""
    side = flow.sides[SAP]
    entity = replace(window(flow, marking, wanted), version="")
    page = await side.changed(entity, None, continuation or None, limit)
    keys = [found.key for found in page.keys]
    columns = (entity.key, marking.name_column, marking.group_column)
    shown = replace(entity, select=columns, modified=(), created=(), reference="")
    rows = await side.read(shown, keys)
    records = await hub.records.load(flow.pk, SAP, keys)
    return [_candidate(marking, rows[k], k, records.get(k)) for k in keys if k in rows], page.cursor


def _candidate(marking: Marking, row: Row, key: str, record: Record | None) -> dict[str, Any]:
    mark = record.mark if record else Mark()
    return {
        "code": key,
        "name": row.get(marking.name_column),
        "group": row.get(marking.group_column),
        "marked": mark.on,
        "linked": record is not None and record.linked,
        "batches": sorted(mark.batches),
        **{name: mark.attributes.get(name) for name in marking.attributes},
    }


# --- attributes -----------------------------------------------------------------------------------------------------


def check_attributes(flow: Flow, marking: Marking, change: Change) -> list[tuple[str, str]]:
    """(attribute, what to do) for every attribute that is missing, unknown or not among its choices; none to unmark."""
    if not change.marked:
        return []
    choices = flow.object.mark_choices(flow.ctx)
    wrong = [(n, f"is not an attribute of these marks; they have {_listed(marking.attributes)}")
             for n in change.attributes if n not in marking.attributes]  # fmt: skip
    for name in marking.attributes:
        value = change.attributes.get(name, "")
        if not value:
            wrong.append((name, "is mandatory for marking"))
        elif name in choices and value not in choices[name]:
            wrong.append((name, f"must be one of the configured ones: {_listed(choices[name])}"))
    return wrong


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none; configure them in the settings first"


# --- marking by code ------------------------------------------------------------------------------------------------


async def mark_entries(
    hub: Hub, template: str, noun: str, entries: Sequence[Entry], *, marked: bool, batch: str | None
) -> list[dict[str, str]]:
    """Mark or unmark up to 1,000 records; a result for each entry in order, with the code as SAP spells it.

    Without a batch, marking uses the batch ``manual`` and unmarking takes the record out of all. Repeats are harmless.
    BadRequest for more entries; Throttled or Transient if SAP or the state are not well: nothing is half marked then,
    and the call may be repeated.
    """
    if len(entries) > MOST_ENTRIES:
        text = f"One call takes up to {MOST_ENTRIES} entries; send several calls, or use criteria."
        raise BadRequest(text, code="too-many-entries", status=413, fields=["entries"])
    flow, marking = await marking_flow(hub, template, noun)
    entity = flow.object.entity(SAP, flow.ctx)
    codes = list(dict.fromkeys(entry.code for entry in entries))
    if marked:
        rows = await _in_sap(flow, entity, codes)
        known: Mapping[str, Record] = {}
    else:  # what was deleted in SAP can be unmarked too
        known = await hub.records.load(flow.pk, SAP, codes)
        rows = await _in_sap(flow, entity, [c for c in codes if c not in known])
    work = _Work(flow, marking, batch or (MANUAL if marked else ""), marked)
    for entry in entries:
        found = rows.get(entry.code, [])
        row = found[0] if found else None
        key = entry.code if entry.code in known else str(row[entity.key]) if row else ""
        work.take(entry, key, row)
    await apply(hub, flow, work.changes, results=work.by_key)
    return work.results


async def _in_sap(flow: Flow, entity: Entity, codes: Sequence[str]) -> dict[str, list[Row]]:
    """SAP's rows by code as given; a code that SAP lacks is tried without blanks around it and in capitals too."""
    rows = await flow.sides[SAP].find(entity, entity.key, codes)
    otherwise = {code: code.strip().upper() for code in codes if code not in rows}
    tried = list(dict.fromkeys(spelled for code, spelled in otherwise.items() if spelled and spelled != code))
    found = await flow.sides[SAP].find(entity, entity.key, tried) if tried else {}
    return rows | {code: found[spelled] for code, spelled in otherwise.items() if spelled in found}


class _Work:
    """Sorts entries into those that can be done and those that are answered at once."""

    def __init__(self, flow: Flow, marking: Marking, batch: str, marked: bool) -> None:
        self.flow, self.marking, self.batch, self.marked = flow, marking, batch, marked
        self.results: list[dict[str, str]] = []
        self.by_key: dict[str, dict[str, str]] = {}
        self.changes: dict[str, Change] = {}

    def take(self, entry: Entry, key: str, row: Row | None) -> None:
        """Put one entry where it belongs."""
        result = {"code": key or entry.code}
        self.results.append(result)
        change = Change(self.marked, self.batch, entry.attributes)
        if not key:
            result |= {"result": Marked.UNKNOWN, "text": "SAP has no record of that code."}
        elif key in self.changes:
            result |= {"result": Marked.DUPLICATE, "text": "The code is there twice; its first entry counts."}
        elif reason := self._refusal(change, row):
            result |= {"result": Marked.REFUSED, "text": reason}
        else:
            self.by_key[key], self.changes[key] = result, change

    def _refusal(self, change: Change, row: Row | None) -> str:
        wrong = check_attributes(self.flow, self.marking, change)
        if wrong:
            return "; ".join(f"{name} {text}" for name, text in wrong)
        if not change.marked or row is None:
            return ""
        mark = Mark(frozenset({change.batch}), change.attributes)
        return self.flow.object.takes_part(Direction.OUT, row, mark, self.flow.ctx)


async def apply(
    hub: Hub,
    flow: Flow,
    changes: Mapping[str, Change],
    *,
    results: Mapping[str, dict[str, str]] | None = None,
    contiguous: bool = False,
) -> Counter[str]:
    """Change the marks of these SAP keys; a record that somebody changed meanwhile is read and changed again.

    ``results`` are filled in by key. Transient if the state stays contended.
    """
    counts: Counter[str] = Counter()
    todo = dict(changes)
    for _ in range(_TRIES):
        known = await hub.records.load(flow.pk, SAP, list(todo), contiguous=contiguous)
        records = {key: known.get(key) or new_record(SAP, key) for key in todo}
        done = {key: decide(hub, records[key], change) for key, change in todo.items()}
        kept = (Marked.ALREADY, Marked.REFUSED)
        lost = await hub.records.save(flow.pk, [r for key, r in records.items() if done[key] not in kept])
        again = {id(record) for record in lost}
        for key in list(todo):
            if id(records[key]) not in again:
                del todo[key]
                counts[done[key]] += 1
                if results is not None:
                    results[key]["result"] = done[key]
                    if done[key] is Marked.REFUSED:
                        results[key]["text"] = f"It is in {MOST_BATCHES} batches, which is all it can be in."
        if not todo:
            return counts
        contiguous = False
    raise Transient("The records' state is contended; try again.", system="storage")


def decide(hub: Hub, record: Record, change: Change) -> Marked:
    """Change the record's mark in memory. What is newly marked, or marked with another attribute, becomes due now.

    A record that is in as many batches as it can be is refused and stays as it is.
    """
    before = record.mark
    if change.marked:
        batches = before.batches | {change.batch}
        if len(batches) > max(MOST_BATCHES, len(before.batches)):
            return Marked.REFUSED
        record.mark = Mark(batches, {**before.attributes, **change.attributes})
    else:
        record.mark = Mark(before.batches - {change.batch} if change.batch else frozenset(), before.attributes)
    if record.mark == before:
        return Marked.ALREADY
    sign(record.by, "mark")
    if change.marked:
        if not (before.on and record.linked and before.attributes == record.mark.attributes):
            record.set_due(hub.now())
            record.attempt = 0
        return Marked.MARKED
    if not record.mark.on and record.born is SAP and not record.linked:
        # Nothing is left to be done for it, and nobody needs to look at why it failed.
        record.set_due(None)
        record.failure, record.attempt = None, 0
        record.parked, record.parked_since = (), None
    return Marked.UNMARKED


# --- batches --------------------------------------------------------------------------------------------------------


def batch_prefix(batch: str) -> str:
    """Where the members of a batch begin in the table of records."""
    return f"b:{encode_key(batch)}:"


async def batch_members(
    hub: Hub, template: str, noun: str, batch: str, continuation: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a batch: key by the side where the record was born, its SAP code if it has one, its attributes."""
    flow, marking = await marking_flow(hub, template, noun)
    rows, more = await hub.records.listed(flow.pk, batch_prefix(batch), continuation, limit)
    members = [parse_key(row["RowKey"]) for row in rows]
    records: dict[tuple[SideName, str], Record] = {}
    for side in SideName:
        keys = [key for born, key in members if born is side]
        records |= {(side, k): r for k, r in (await hub.records.load(flow.pk, side, keys, contiguous=True)).items()}
    return [_member(flow.object, marking, side, key, records.get((side, key))) for side, key in members], more


def _member(
    object_type: ObjectType, marking: Marking, side: SideName, key: str, record: Record | None
) -> dict[str, Any]:
    attributes = record.mark.attributes if record else {}
    return {
        "object": object_type.name,
        "side": side.value,
        "key": key,
        "code": record.keys.get(SAP) if record else None,
        "markedBy": record.by.get("mark") if record else None,
        **{name: attributes.get(name) for name in marking.attributes},
    }
