"""Recognising a record on the other side before creating it there.

First what an earlier, lost creation may have left (by our reference, or by the key it was to get); then by number; then
by the further fields the settings name. A value counts only if it is unique on both sides: two candidates are listed
for a person, none is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.errors import AwaitingApproval, Conflict, HubError, Rejected, Transient
from shared.objects.model import Direction, Match
from shared.ports import Row, SideName
from shared.stores.records import Record
from shared.sync.hub import Flow, Hub
from shared.sync.items import Item

type Found = dict[str, Row | HubError]


async def find(hub: Hub, flow: Flow, direction: Direction, items: Sequence[Item]) -> Found:
    """By item key: the one row on the other side, or the conflict; absent where there is nothing."""
    near, far = direction.source, direction.source.opposite
    found = await lost_creations(flow, far, [i for i in items if i.known.claim is not None])
    for item in items:
        item.recovered = item.key in found
    for match in flow.object.matches(flow.ctx):
        await _by_match(flow, near, match, [i for i in items if i.key not in found], found)
    _refuse_doubles(flow, far, found)
    await _adopt_known(hub, flow, far, items, found)
    return found


async def lost_creations(flow: Flow, far: SideName, items: Sequence[Item]) -> Found:
    """What an earlier delivery created without coming to remember it; a draft of it is an error that says so."""
    if not items:
        return {}
    entity, side = flow.object.entity(far, flow.ctx), flow.sides[far]
    names = {i.known.claim.key: i.key for i in items if i.known.claim is not None}
    if far is SideName.OTHER and not entity.reference:
        rows = {key: [row] for key, row in (await side.read(entity, list(names))).items()}
        return {names[name]: _single(found) for name, found in rows.items() if found}
    made: Found = {}
    if entity.drafts:  # first: a draft may become the document between the two looks, never the other way
        drafts = await side.find(replace(entity, set=entity.drafts), entity.reference, list(names))
        made = {names[name]: _draft(flow, found) for name, found in drafts.items() if found}
    rows = await side.find(entity, entity.reference, list(names))
    return made | {names[name]: _single(found) for name, found in rows.items() if found}


def _draft(flow: Flow, drafts: Sequence[Row]) -> HubError:
    """What it means that only drafts carry the reference: one of them may become the document, or none will."""
    reasons = [flow.object.why_no_document(draft) for draft in drafts]
    if "" in reasons:
        return AwaitingApproval("A draft of it awaits approval in SAP; it is linked when it becomes a document.")
    return Rejected(reasons[0])


async def _by_match(flow: Flow, near: SideName, match: Match, items: Sequence[Item], found: Found) -> None:
    columns = {SideName.SAP: match.sap_column, SideName.OTHER: match.other_column}
    values: dict[str, list[Item]] = {}
    for item in items:
        value = item.rows[near].get(columns[near])
        if value is not None and str(value).strip():
            values.setdefault(str(value).strip(), []).append(item)
    if not values:
        return
    far = near.opposite
    rows = await flow.sides[far].find(flow.object.entity(far, flow.ctx), columns[far], list(values))
    rows = {value: [row for row in some if flow.object.is_one(far, row)] for value, some in rows.items()}
    hits = [value for value, candidates in rows.items() if candidates]
    twins = await _twins(flow, near, columns[near], hits)
    for value in hits:
        for item in values[value]:
            if twins.get(value, 1) > 1:
                found[item.key] = Conflict(
                    f"More than one record has the same {match.field}; link by hand.", fields=[match.field]
                )
            else:
                found[item.key] = _single(rows[value], match.field)


async def _twins(flow: Flow, near: SideName, column: str, values: Sequence[str]) -> Mapping[str, int]:
    """How many records of our own side share each value; a key is unique by itself."""
    entity = flow.object.entity(near, flow.ctx)
    if not values or column == entity.key:
        return {}
    rows = await flow.sides[near].find(entity, column, values)
    return {value: sum(flow.object.is_one(near, row) for row in some) for value, some in rows.items()}


def _single(rows: Sequence[Row], field: str = "") -> Row | HubError:
    if len(rows) == 1:
        return rows[0]
    by = f" by {field}" if field else ""
    return Conflict(f"{len(rows)} records on the other side match{by}; link by hand.", fields=[field] if field else [])


def _refuse_doubles(flow: Flow, far: SideName, found: Found) -> None:
    """Two of our records that match the same one: a person decides."""
    key = flow.object.entity(far, flow.ctx).key
    claimed: dict[str, list[str]] = {}
    for name, row in found.items():
        if not isinstance(row, HubError):
            claimed.setdefault(str(row[key]), []).append(name)
    for names in claimed.values():
        if len(names) > 1:
            for name in names:
                found[name] = Conflict("Several records match the same one on the other side; link by hand.")


async def _adopt_known(hub: Hub, flow: Flow, far: SideName, items: Sequence[Item], found: Found) -> None:
    """A match that is linked elsewhere is a conflict; one that is known but not linked becomes one with ours."""
    key = flow.object.entity(far, flow.ctx).key
    rows = {str(row[key]): name for name, row in found.items() if not isinstance(row, HubError)}
    known = await hub.records.load(flow.pk, far, list(rows))
    by_key = {i.key: i for i in items}
    for far_key, record in known.items():
        item = by_key[rows[far_key]]
        if record.linked:
            found[item.key] = Conflict("The record that matches is linked to another one already; link by hand.")
        elif record.claim and record.claim.until > hub.now() and record.claim.key != item.key:
            found[item.key] = Transient("Another delivery is creating something for the record that matches.")
        else:
            item.record = unite(item.known, record)


def unite(ours: Record, theirs: Record) -> Record:
    """One record of two that turn out to be the same thing: the one born in SAP stays, the other's rows go."""
    stays, goes = (theirs, ours) if theirs.born is SideName.SAP else (ours, theirs)
    if goes.stored is not None:
        stays.absorbed = goes.stored
    return stays
