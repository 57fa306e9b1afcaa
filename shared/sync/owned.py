"""Records that belong to records of another object and travel with them: contacts of accounts.

They are never enumerated as a whole: a system has many whose owner takes no part. First loads go through the owners that
are linked; when an owner is linked later, a note in the partition of its rows makes the next plan look at all of them,
on both sides. A row that changes while its owner is not linked is parked without a waiter: the note frees it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from shared.ports import KeyVersion, SideName
from shared.stores.records import NOTES, Record, parse_key, partition
from shared.sync.hub import Flow, Hub

_OWNERS_AT_ONCE = 200


async def announce(hub: Hub, flow: Flow, followers: Sequence[str], records: Sequence[Record]) -> None:
    """Note for the objects that follow these records, which were linked just now, that their rows may travel now."""
    owners = [(side, key) for record in records for side, key in record.keys.items()]
    for name in followers:
        await hub.records.note(partition(flow.template.id, name), owners)


async def noted(hub: Hub, flow: Flow, side: SideName) -> AsyncIterator[tuple[list[KeyVersion], list[str]]]:
    """The rows of the owners that are noted on that side, some owners at a time, with the notes' row keys."""
    notes = [row["RowKey"] async for row in hub.records.rows(flow.pk, NOTES)]
    mine = [note for note in notes if parse_key(note)[0] is side]
    for at in range(0, len(mine), _OWNERS_AT_ONCE):
        some = mine[at : at + _OWNERS_AT_ONCE]
        yield await rows_of(flow, side, [parse_key(note)[1] for note in some]), some


async def any_noted(hub: Hub, pk: str) -> bool:
    """Whether an owner is noted in that partition."""
    rows, _ = await hub.records.listed(pk, NOTES, None, 1)
    return bool(rows)


async def forget(hub: Hub, flow: Flow, notes: Iterable[str]) -> None:
    """The rows of these owners are on their way."""
    for note in notes:
        await hub.records.remove(flow.pk, note)


async def forget_side(hub: Hub, flow: Flow, side: SideName) -> None:
    """Notes of a side whose rows do not travel: nothing would ever be looked at for them."""
    notes = [row["RowKey"] async for row in hub.records.rows(flow.pk, NOTES)]
    await forget(hub, flow, [note for note in notes if parse_key(note)[0] is side])


async def linked_owners(hub: Hub, flow: Flow, side: SideName, cursor: str) -> tuple[list[KeyVersion], str]:
    """The rows of a page of linked owners, and where to go on ("": no more)."""
    pk = partition(flow.template.id, flow.object.owned_by)
    records, cursor = await hub.records.page(pk, cursor, _OWNERS_AT_ONCE)
    owners = [record.keys[side] for record in records if record.linked]
    return await rows_of(flow, side, owners), cursor


async def rows_of(flow: Flow, side: SideName, owners: Sequence[str]) -> list[KeyVersion]:
    """Keys and versions of all rows of these owners."""
    entity = flow.object.entity(side, flow.ctx)
    assert entity.owner is not None
    found = await flow.sides[side].find(entity, entity.owner.lookup, owners) if owners else {}
    return [
        KeyVersion(str(row[entity.key]), str(row.get(entity.version) or "") if entity.version else "")
        for rows in found.values()
        for row in rows
    ]
