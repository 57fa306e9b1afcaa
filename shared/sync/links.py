"""Links by hand: see, make, undo; and the conflicts that only a person can decide.

A link made here is delivered in the next run with no base: equal fields are adopted, an empty one never overwrites a
value, for the rest the field's rule decides. Undoing a link deletes nothing on either side and keeps the mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import BadRequest, Transient
from shared.objects.model import Direction
from shared.ports import Mark, Row, SideName
from shared.stores.records import Claim, Record, from_row, new_record, partition
from shared.sync import matching, parking
from shared.sync.actor import sign
from shared.sync.hub import Flow, Hub
from shared.sync.writing import claim_key

SAP, OTHER = SideName.SAP, SideName.OTHER
_TRIES = 10


# --- seeing -----------------------------------------------------------------------------------------------------------


async def list_links(
    hub: Hub, template: str, object_name: str, continuation: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Linked records in the order of the table. A page may hold fewer than asked for, even none, while more follow."""
    await hub.flow(template, object_name, lists=False)
    rows, more = await hub.records.listed(partition(template, object_name), "r:", continuation, limit)
    records = [from_row(row) for row in rows]
    return [shown(object_name, record) for record in records if record.linked], more


async def get_link(hub: Hub, template: str, object_name: str, side: SideName, key: str) -> dict[str, Any]:
    """The link of one record; BadRequest (404) if it has none."""
    await hub.flow(template, object_name, lists=False)
    record = await hub.records.get(partition(template, object_name), side, key)
    if record is None or not record.linked:
        raise _not_linked()
    return shown(object_name, record)


def shown(object_name: str, record: Record) -> dict[str, Any]:
    """A link as callers see it."""
    return {
        "object": object_name,
        "sap": record.keys.get(SAP),
        "other": record.keys.get(OTHER),
        "born": record.born.value,
        "marked": record.mark.on,
        "outcome": record.outcome or None,
        "outcomeAt": record.outcome_at,
        "linkedBy": record.by.get("link"),
    }


def _not_linked() -> BadRequest:
    return BadRequest(
        "This record is not linked. PUT …/links makes a link by hand.", code="not-linked", status=404, fields=["key"]
    )


# --- making -----------------------------------------------------------------------------------------------------------


async def make(hub: Hub, template: str, object_name: str, sap: str, other: str) -> dict[str, Any]:
    """Link two records that exist; repeats are harmless.

    BadRequest: 404 where a system has no such record, 409 where one of them is linked to another one already.
    """
    flow = await hub.flow(template, object_name)
    rows = await _both_rows(flow, sap, other)
    keys = {side: str(rows[side][flow.object.entity(side, flow.ctx).key]) for side in SideName}
    for _ in range(_TRIES):
        record = await _joined(hub, flow, keys)
        if record.keys == keys and record.stored is not None and record.stored.linked:
            return shown(object_name, record)
        _link(hub, flow, record, keys, rows)
        if not await hub.records.save(flow.pk, [record]):
            await parking.release(hub, flow, [record])
            return shown(object_name, record)
    raise Transient("The records' state is contended; try again.", system="storage")


async def _both_rows(flow: Flow, sap: str, other: str) -> dict[SideName, Row]:
    entity = flow.object.entity(SAP, flow.ctx)
    found = (await flow.sides[SAP].find(entity, entity.key, [sap])).get(sap, [])
    there = await flow.sides[OTHER].read(flow.object.entity(OTHER, flow.ctx), [other])
    missing = [name for name, row in (("sap", found), ("other", there)) if not row]
    if missing:
        where = " and ".join({"sap": "SAP", "other": "the other side"}[name] for name in missing)
        raise BadRequest(f"There is no such record in {where}.", code="unknown-record", status=404, fields=missing)
    return {SAP: found[0], OTHER: there[other]}


async def _joined(hub: Hub, flow: Flow, keys: Mapping[SideName, str]) -> Record:
    """The one record of both keys, in memory; BadRequest (409) if one of them belongs to another link."""
    known = {side: await hub.records.get(flow.pk, side, keys[side]) for side in SideName}
    for side, record in known.items():
        if record is not None and record.linked and record.keys != keys:
            name = "The SAP record" if side is SAP else "The other side's record"
            text = f"{name} is linked to another one already; undo that link first (DELETE …/links)."
            raise BadRequest(text, code="linked-already", status=409, fields=[side.value])
    ours, theirs = known[SAP], known[OTHER]
    if ours is not None and theirs is not None and not ours.linked:
        return matching.unite(ours, theirs)
    return ours or theirs or new_record(SAP, keys[SAP])


def _link(hub: Hub, flow: Flow, record: Record, keys: Mapping[SideName, str], rows: Mapping[SideName, Row]) -> None:
    record.unlink()
    record.keys = dict(keys)
    record.base_key, record.resolutions = "", {}
    record.birth = flow.object.birth(record.born, rows[record.born])
    record.parked, record.parked_since = (), None
    record.failure, record.attempt = None, 0
    if not record.mark.on:
        record.mark = _arrival(flow, rows[OTHER], record.mark)
    record.outcome, record.outcome_at = "linked by hand", hub.now()
    sign(record.by, "link")
    record.set_due(hub.now())


def _arrival(flow: Flow, row: Row, mark: Mark) -> Mark:
    """The mark of what was matched on the other side, if that takes part; a link alone sends nothing out."""
    arrival = flow.object.mark_on_arrival(row, flow.ctx)
    if Direction.IN not in flow.directions or flow.object.takes_part(Direction.IN, row, mark, flow.ctx):
        return mark
    return Mark(arrival.batches, {**arrival.attributes, **mark.attributes})


# --- undoing ----------------------------------------------------------------------------------------------------------


async def undo(hub: Hub, template: str, object_name: str, side: SideName, key: str) -> dict[str, Any]:
    """Forget that two records are the same; neither is deleted, the mark stays. BadRequest (404) if it is not linked.

    A record that was deleted on the other side and is still marked becomes due: it may be created there again.
    """
    flow = await hub.flow(template, object_name, lists=False)
    for _ in range(_TRIES):
        record = await hub.records.get(flow.pk, side, key)
        if record is None or not record.linked:
            raise _not_linked()
        before = shown(object_name, record)
        was_deleted = record.deleted
        mine = claim_key(flow, record)
        record.unlink()
        # A create would overwrite what was created under that GUID, or make a second document beside the first.
        record.claim = Claim(mine, hub.now(), "")
        record.base_key, record.birth, record.resolutions = "", "", {}
        record.failure, record.attempt = None, 0
        record.outcome, record.outcome_at = "unlinked by hand", hub.now()
        sign(record.by, "link")
        record.set_due(hub.now() if record.mark.on and was_deleted == record.born.opposite.value else None)
        if not await hub.records.save(flow.pk, [record]):
            return before
    raise Transient("The record's state is contended; try again.", system="storage")


# --- conflicts --------------------------------------------------------------------------------------------------------


async def resolve(
    hub: Hub, template: str, object_name: str, side: SideName, key: str, winners: Mapping[str, SideName]
) -> dict[str, Any]:
    """Say for fields that were edited on both sides which side wins; the record becomes due now.

    BadRequest: 404 for a record that is not known, 409 if none of its fields waits for an answer, 400 for others.
    """
    flow = await hub.flow(template, object_name, lists=False)
    for _ in range(_TRIES):
        record = await hub.records.get(flow.pk, side, key)
        if record is None:
            raise BadRequest("Nothing is known of this record.", code="unknown-record", status=404, fields=["key"])
        if not record.asked:
            text = "No field of this record waits for an answer. Where two records claim the same place, link by hand."
            raise BadRequest(text, code="no-field-conflict", status=409, fields=["key"])
        strange = sorted(set(winners) - set(record.asked))
        if strange:
            text = f"These fields are not in conflict; those that are: {', '.join(record.asked)}."
            raise BadRequest(text, code="not-in-conflict", fields=[f"fields.{name}" for name in strange])
        record.resolutions = {**record.resolutions, **winners}
        sign(record.by, "resolve")
        record.attempt = 0
        record.set_due(hub.now())
        if not await hub.records.save(flow.pk, [record]):
            left = [name for name in record.asked if name not in record.resolutions]
            return {**shown(object_name, record), "resolved": sorted(record.resolutions), "open": left}
    raise Transient("The record's state is contended; try again.", system="storage")
