"""Which objects of a template are in use: initialized, or being so.

Deliveries of one object ask it of others, slice by slice, so it stands where they read anyway: in the template's row,
and for an object whose rows belong to another's records also beside the waiters there. It is told before the object's
state changes: whoever read "not in use" had begun before the object's first plan reads anything.
"""

from __future__ import annotations

from shared.errors import LostRace, Transient
from shared.stores.records import partition
from shared.stores.runs import ObjectState
from shared.stores.templates import TemplateRow
from shared.sync.hub import Hub

_TRIES = 20


def in_use(state: ObjectState) -> bool:
    """Whether the object's own state says that it is."""
    return state.initialized_at is not None or state.active is not None


async def take_up(hub: Hub, template: str, name: str) -> None:
    """Tell the others that this object is in use from now on; repeats are harmless."""
    for _ in range(_TRIES):
        row, kind = await hub.template(template)
        if name in row.in_use:
            return
        found = kind.object(name)
        if found is not None and found.owned_by:
            await hub.records.follow(partition(row.id, found.owned_by), name)
        try:
            await hub.templates.save(row.with_in_use(name))
        except LostRace:
            continue
        return
    raise Transient("The template is contended; try again.", system="storage")


async def make_up(hub: Hub, row: TemplateRow, state: ObjectState) -> None:
    """Tell it of an object that was initialized before an update of the hub began to keep it."""
    if in_use(state) and state.object not in row.in_use:
        await take_up(hub, row.id, state.object)
