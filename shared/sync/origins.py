"""Records that were another object's before: an account that a lead became is what that lead is linked to.

Where the origin is not linked, whoever is creating it must not end up with a second record of the same thing: its state
is touched, so that such a delivery loses its race and looks again, by when the origin has gone on.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import Conflict, HubError, Parked, Transient
from shared.objects.model import Direction
from shared.ports import Row, SideName
from shared.stores.records import Record, new_record, partition
from shared.sync.hub import Flow, Hub
from shared.sync.items import Item
from shared.sync.outcomes import Outcome


async def by_origin(hub: Hub, flow: Flow, direction: Direction, items: Sequence[Item]) -> dict[str, Row | HubError]:
    """By item key, the row on the other side that its origin is linked to, or why it must wait."""
    origin = flow.object.origin
    if origin is None or not items or origin.object not in flow.template.in_use:
        return {}
    near = direction.source
    columns = {SideName.SAP: origin.sap_column, SideName.OTHER: origin.other_column}
    values = {i.key: str(value) for i in items if (value := i.rows[near].get(columns[near]))}
    pk = partition(flow.template.id, origin.object)
    known = await hub.records.load(pk, near, list(dict.fromkeys(values.values())))
    linked = {key: record for key, value in values.items() if (record := known.get(value)) and record.linked}
    found = await _linked_rows(flow, near.opposite, columns[near.opposite], linked)
    for key, value in values.items():
        if key not in linked and near is SideName.OTHER and (wait := await _pass_by(hub, pk, value, known.get(value))):
            found[key] = wait
    return found


async def _linked_rows(flow: Flow, far: SideName, column: str, linked: dict[str, Record]) -> dict[str, Row | HubError]:
    """What the origins' links lead to. Where the origin has not gone on over there yet, its own delivery sees to it."""
    keys = list(dict.fromkeys(record.keys[far] for record in linked.values()))
    rows = await flow.sides[far].find(flow.object.entity(far, flow.ctx), column, keys) if keys else {}
    found: dict[str, Row | HubError] = {}
    for key, record in linked.items():
        hits = rows.get(record.keys[far], [])
        if len(hits) == 1:
            found[key] = hits[0]
        elif hits:
            found[key] = Conflict("More than one record on the other side comes from the same one; link by hand.")
        else:
            found[key] = Parked("What it was before has not gone on there yet; that is tried again.")
    return found


async def _pass_by(hub: Hub, pk: str, key: str, record: Record | None) -> HubError | None:
    """Let no delivery create the origin any more; Transient while one may be doing so."""
    if record is not None and (record.claim is not None or record.outcome == Outcome.AWAITING_APPROVAL):
        return Transient("What it was before is being created just now.")
    touched = record or new_record(SideName.OTHER, key)
    touched.outcome, touched.outcome_at = f"{Outcome.SKIPPED}: it goes on as another record", hub.now()
    touched.set_due(None)
    if await hub.records.save(pk, [touched]):
        return Transient("What it was before is being delivered just now.")
    return None
