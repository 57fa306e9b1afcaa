"""Children that wait for their parents, and parents that wake them.

A wake-up can't be missed: a child's waiter rows are written, it is saved as parked, *then* it looks for its parents
again. Whatever is done of that before a crash, either its parents or what made it travel find it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.errors import Transient
from shared.objects.model import ObjectType, Parent, TemplateType
from shared.ports import Row, SideName
from shared.stores.records import Record, new_record, parse_waiter, partition
from shared.sync import owned
from shared.sync.hub import Flow, Hub
from shared.sync.items import Item
from shared.sync.outcomes import Outcome
from shared.sync.start import start

_TRIES = 5


async def park_children(hub: Hub, flow: Flow, near: SideName, items: Sequence[Item]) -> None:
    """End the way of every record one of whose parents is not linked yet; those that are stand in the context's links."""
    missing = await missing_parents(hub, flow, near, {i.key: i.rows[near] for i in items})
    for item in items:
        waits_for = [p for p in missing.get(item.key, ()) if p.required or p.object in flow.template.in_use]
        item.hopes = tuple(p for p in missing.get(item.key, ()) if p not in waits_for)
        if not waits_for:
            continue
        record = item.known
        record.parked = tuple(f"{p.object}|{p.side.value}|{p.key}" for p in waits_for)
        if record.parked_since is None:  # from now on it waits; why it failed before is of no use to anybody
            record.parked_since, record.failure = hub.now(), None
        record.set_due(None)
        record.outcome = Outcome.PARKED
        item.finish(Outcome.PARKED, waiting_for(flow.type, waits_for), save=True)


async def missing_parents(hub: Hub, flow: Flow, side: SideName, rows: Mapping[str, Row]) -> dict[str, list[Parent]]:
    """By the rows' names, the parents that are not linked; the far keys of those that are stand in the context's links."""
    parents = {name: p for name, row in rows.items() if (p := flow.object.parents(side, row, flow.ctx))}
    wanted = {p for some in parents.values() for p in some}
    if wanted:
        links = await _linked(hub, flow, wanted)
        flow.ctx.links.update(links)
        flow.ctx.links.update({Parent(p.object, p.side.opposite, far): p.key for p, far in links.items()})
        await _read_bases(flow, side, rows)
    missing = {name: [p for p in some if p not in flow.ctx.links] for name, some in parents.items()}
    return {name: some for name, some in missing.items() if some}


async def _read_bases(flow: Flow, side: SideName, rows: Mapping[str, Row]) -> None:
    """The far rows of the parents that records are based on."""
    wanted = {p for row in rows.values() for p in flow.object.bases(side, row, flow.ctx) if p in flow.ctx.links}
    for name in sorted({p.object for p in wanted}):
        found = flow.type.object(name)
        assert found is not None
        keys = {flow.ctx.links[p]: p for p in wanted if p.object == name}
        far = await flow.sides[side.opposite].read(found.entity(side.opposite, flow.ctx), sorted(keys))
        flow.ctx.rows.update({keys[key]: row for key, row in far.items()})


def waiting_for(kind: TemplateType, parents: Sequence[Parent]) -> str:
    """What a child waits for, and what a person can do about it."""
    names = sorted({p.object for p in parents})
    advice = [text for name in names if (text := _advice(kind.object(name)))]
    are = "is" if len(names) == 1 else "are"
    return " ".join([f"It waits until its {' and its '.join(names)} {are} linked.", *advice])


def _advice(parent: ObjectType | None) -> str:
    if parent is None:
        return ""
    by_mark = f"mark it (…/{parent.marking.noun}/marks), " if parent.marking else ""
    return f"The {parent.name} must take part: {by_mark}let it be recognised by its number, or link it (PUT …/links)."


async def wait_for_parents(hub: Hub, flow: Flow, items: Sequence[Item]) -> None:
    """Write the waiter rows of children that are about to be saved as parked: one that waits in vain is harmless.

    For their owner they need none: a note of the owner wakes all that belongs to it.
    """
    for item in items:
        record = item.known
        for parent in map(parse_parent, record.parked):
            if parent.object == flow.object.owned_by:
                continue
            pk = partition(flow.template.id, parent.object)
            await hub.records.park(pk, parent.side, parent.key, (flow.object.name, record.born, record.born_key))


async def hope_for_parents(hub: Hub, flow: Flow, items: Sequence[Item]) -> None:
    """Write the waiter rows of children that travelled without a parent that may be linked later."""
    for item in items:
        for parent in item.hopes:
            pk = partition(flow.template.id, parent.object)
            child = (flow.object.name, item.known.born, item.known.born_key)
            await hub.records.park(pk, parent.side, parent.key, child)


async def demand(hub: Hub, flow: Flow, items: Sequence[Item]) -> None:
    """Let parents travel that only travel when a child needs them: they become due, and a run delivers them."""
    wanted = {parent for item in items for parent in map(parse_parent, item.known.parked)}
    for name in sorted({parent.object for parent in wanted}):
        found = flow.type.object(name)
        if found is None or not found.on_demand:
            continue
        pk = partition(flow.template.id, name)
        for parent in sorted((p for p in wanted if p.object == name), key=lambda p: p.key):
            if await hub.records.get(pk, parent.side, parent.key) is None:
                await hub.records.save(pk, [new_record(parent.side, parent.key)])
            await wake(hub, pk, parent.side, parent.key)
        if not hub.rehearses and (await hub.runs.object(flow.template.id, name)).initialized_at is not None:
            await start(hub, flow.template.id, name, "due", f"demand of {flow.object.name}")


async def look_again(hub: Hub, flow: Flow, items: Sequence[Item]) -> None:
    """Look once more after children were saved: a parent that was linked meanwhile frees its child at once."""
    for item in items:
        record = item.known
        parents = {parse_parent(text) for text in record.parked}
        if not parents - (await _linked(hub, flow, parents)).keys():
            await wake(hub, flow.pk, record.born, record.born_key)


async def release(hub: Hub, flow: Flow, records: Sequence[Record]) -> None:
    """Wake the children of records that were linked just now, and whatever belongs to them.

    All that wait are looked through at once: mostly none do.
    """
    if not flow.object.parent_of or not records:
        return
    linked = {(side, key) for record in records for side, key in record.keys.items()}
    followers, waiting = await hub.records.waiting(flow.pk)
    await owned.announce(hub, flow, followers, records)
    for row_key in waiting:
        side, key, child_object, child_side, child_key = parse_waiter(row_key)
        if (side, key) in linked:
            await wake(hub, partition(flow.template.id, child_object), child_side, child_key)
            await hub.records.remove(flow.pk, row_key)


async def wake(hub: Hub, pk: str, side: SideName, key: str) -> None:
    """Make a record due now, from whatever state it is in."""
    for _ in range(_TRIES):
        record = await hub.records.get(pk, side, key)
        if record is None:
            return
        record.set_due(hub.now())
        if not await hub.records.save(pk, [record]):
            return
    raise Transient("A waiting record's state is contended.", system="storage")


def parse_parent(text: str) -> Parent:
    """A parent as it is kept in a parked record."""
    name, side, key = text.split("|", 2)
    return Parent(name, SideName(side), key)


async def _linked(hub: Hub, flow: Flow, parents: set[Parent]) -> dict[Parent, str]:
    """Those of the parents that are linked, with their keys on the far side."""
    groups: dict[tuple[str, SideName], list[Parent]] = defaultdict(list)
    for parent in parents:
        groups[parent.object, parent.side].append(parent)
    linked: dict[Parent, str] = {}
    for (name, side), some in groups.items():
        known = await hub.records.load(partition(flow.template.id, name), side, [p.key for p in some])
        linked |= {p: known[p.key].keys[side.opposite] for p in some if p.key in known and known[p.key].linked}
    return linked
