"""Recognising a record on the other side before creating it there.

First what an earlier, lost creation may have left (by our reference, or by the key it was to get); then by number; then
by the further fields the settings name. A value counts only if it is unique on both sides: two candidates are listed
for a person, none is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.errors import AwaitingApproval, Conflict, HubError, Rejected, Transient
from shared.objects.model import Direction, Match, ObjectType
from shared.ports import Row, SideName
from shared.stores.records import Record
from shared.sync.hub import Flow, Hub
from shared.sync.items import Item
from shared.sync.origins import by_origin

type Found = dict[str, Row | HubError]


async def find(hub: Hub, flow: Flow, direction: Direction, items: Sequence[Item]) -> Found:
    """By item key: the one row on the other side, or the conflict; absent where there is nothing."""
    near, far = direction.source, direction.source.opposite
    found = await lost_creations(flow, far, [i for i in items if i.known.claim is not None])
    for item in items:
        item.recovered = item.key in found
    found |= await _made_by_us(hub, flow, near, [i for i in items if i.key not in found])
    found |= await by_origin(hub, flow, direction, [i for i in items if i.key not in found])
    if flow.object.owned_by:
        await _within_owners(flow, near, [i for i in items if i.key not in found], found)
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
    if entity.owner is not None and entity.owner.collection:
        return await _lost_in_owners(flow, far, items)
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


async def _lost_in_owners(flow: Flow, far: SideName, items: Sequence[Item]) -> Found:
    """The same for rows that can only be found by their owner."""
    entity = flow.object.entity(far, flow.ctx)
    rows = await _rows_by_owner(flow, far, [owner for item in items if (owner := _owners(flow, far.opposite, item)[1])])
    made: Found = {}
    for item in items:
        mine = rows.get(_owners(flow, far.opposite, item)[1], [])
        hits = [r for r in mine if item.known.claim is not None and r.get(entity.reference) == item.known.claim.key]
        if hits:
            made[item.key] = _single(hits)
    return made


async def _made_by_us(hub: Hub, flow: Flow, near: SideName, items: Sequence[Item]) -> Found:
    """What SAP shows to be ours: a delivery created it there and has not come to remember it, or is about to.

    A reference to a record that is linked to another one is a copy that somebody made in SAP: it counts for nothing.
    """
    entity = flow.object.entity(near, flow.ctx)
    if near is not SideName.SAP or not entity.reference:
        return {}
    ours = flow.reference_of("")
    keys = {
        item.key: reference.removeprefix(ours)
        for item in items
        if (reference := str(item.rows[near].get(entity.reference) or "")).startswith(ours)
    }
    if not keys:
        return {}
    known = await hub.records.load(flow.pk, SideName.OTHER, list(dict.fromkeys(keys.values())))
    free = {name: key for name, key in keys.items() if key not in known or not known[key].linked}
    far = flow.object.entity(SideName.OTHER, flow.ctx)
    rows = await flow.sides[SideName.OTHER].read(far, list(dict.fromkeys(free.values()))) if free else {}
    return {name: rows[key] for name, key in free.items() if key in rows}


async def _within_owners(flow: Flow, near: SideName, items: Sequence[Item], found: Found) -> None:
    """Recognise rows among those of their owner, as far as the object can tell; the same row for two is a conflict."""
    owners = {item.key: _owners(flow, near, item) for item in items}
    far_rows = await _rows_by_owner(flow, near.opposite, [far for _, far in owners.values() if far])
    hits = {i.key: _recognised(flow, near, i.rows[near], far_rows.get(owners[i.key][1], ())) for i in items}
    near_rows = await _rows_by_owner(flow, near, [owners[key][0] for key, some in hits.items() if some])
    for item in items:
        some = hits[item.key]
        if not some:
            continue
        word, row = some[0]
        twins = [each for each in near_rows.get(owners[item.key][0], ()) if _recognised(flow, near, each, [row])]
        many = len(some) > 1 or len(twins) > 1
        found[item.key] = Conflict(f"More than one has the same {word}; link by hand.", fields=[word]) if many else row


def _recognised(flow: Flow, near: SideName, row: Row, candidates: Sequence[Row]) -> list[tuple[str, Row]]:
    """The candidates of the far side that are the same thing, each with what shows it."""
    pairs = [(row, far) if near is SideName.SAP else (far, row) for far in candidates]
    words = [flow.object.recognises(sap, other, flow.ctx) for sap, other in pairs]
    return [(word, far) for word, far in zip(words, candidates, strict=True) if word]


def _owners(flow: Flow, near: SideName, item: Item) -> tuple[str, str]:
    """The keys of its owner on the near and the far side, "" where it has none that is linked."""
    parents = flow.object.parents(near, item.rows[near], flow.ctx)
    owner = next((parent for parent in parents if parent.object == flow.object.owned_by), None)
    return (owner.key, flow.ctx.links.get(owner, "")) if owner is not None else ("", "")


async def _rows_by_owner(flow: Flow, side: SideName, owners: Sequence[str]) -> dict[str, list[Row]]:
    entity = flow.object.entity(side, flow.ctx)
    assert entity.owner is not None
    keys = list(dict.fromkeys(owners))
    return await flow.sides[side].find(entity, entity.owner.lookup, keys) if keys else {}


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
    before = await _rows_before(flow, far.opposite, known)
    for far_key, record in known.items():
        item = by_key[rows[far_key]]
        old = before.get(record.keys.get(far.opposite, ""))
        if old is not None and flow.object.replaces(item.rows[far.opposite], old):
            item.record, item.replaces = succeed(item.known, record), True
        elif record.linked:
            found[item.key] = Conflict("The record that matches is linked to another one already; link by hand.")
        elif record.claim and record.claim.until > hub.now() and record.claim.key != item.key:
            found[item.key] = Transient("Another delivery is creating something for the record that matches.")
        else:
            item.record = unite(item.known, record)


async def _rows_before(flow: Flow, near: SideName, known: Mapping[str, Record]) -> Mapping[str, Row]:
    """What is linked to the matches now, if the object has records that take the place of others."""
    if type(flow.object).replaces is ObjectType.replaces:
        return {}
    keys = [record.keys[near] for record in known.values() if record.linked]
    return await flow.sides[near].read(flow.object.entity(near, flow.ctx), keys) if keys else {}


def succeed(ours: Record, before: Record) -> Record:
    """Our record in the place of another: what both sides agreed on goes on with it, the other's rows go."""
    ours.base_key, ours.bases, ours.mark, ours.held = before.base_key, before.bases, before.mark, dict(before.held)
    ours.absorbed = before.stored
    return ours


def unite(ours: Record, theirs: Record) -> Record:
    """One record of two that turn out to be the same thing: the one born in SAP stays, the other's rows go."""
    stays, goes = (theirs, ours) if theirs.born is SideName.SAP else (ours, theirs)
    if goes.stored is not None:
        stays.absorbed = goes.stored
    return stays
