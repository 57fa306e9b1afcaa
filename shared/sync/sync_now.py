"""Sync Now: a run on request, of everything that changed or of named records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import BadRequest, Transient
from shared.ports import SideName
from shared.stores.records import Record, new_record
from shared.sync.hub import Flow, Hub
from shared.sync.start import start

MOST_KEYS = 1000
_TRIES = 10


@dataclass(frozen=True)
class Started:
    """The run that carries what was saved before, and the keys that it cannot carry."""

    run: str
    unknown: tuple[tuple[SideName, str], ...] = ()


async def sync_now(
    hub: Hub, template: str, object_name: str, mode: str | None, keys: Sequence[tuple[SideName, str]]
) -> Started:
    """Start or join a run; without a mode, in the object's own. With keys, those records become due and the run delivers what is due.

    A SAP record of which nothing is known takes no part (it is not marked), one of the other side that does not exist
    cannot: both are answered as unknown. BadRequest (409) before the object is initialized.
    """
    flow = await hub.flow(template, object_name, lists=False)
    if flow.object.on_demand:
        text = f"'{object_name}' travels by itself when a record needs it, after its first load; there is no Sync Now."
        raise BadRequest(text, code="on-demand", status=409)
    mode = mode or flow.object.sync_now_mode
    if len(keys) > MOST_KEYS:
        text = f"One call takes up to {MOST_KEYS} keys; send several calls, or sync without keys."
        raise BadRequest(text, code="too-many-keys", status=413, fields=["keys"])
    if not keys:
        return Started(await start(hub, template, object_name, mode, "request"))
    state = await hub.runs.object(template, object_name)
    if state.initialized_at is None:
        return Started(await start(hub, template, object_name, mode, "request"))  # refuses, saying what to do
    unknown: list[tuple[SideName, str]] = []
    for side in SideName:
        wanted = list(dict.fromkeys(key for each, key in keys if each is side))
        unknown += [(side, key) for key in await _make_due(hub, flow, side, wanted)]
    return Started(await start(hub, template, object_name, "due", "request"), tuple(unknown))


async def _make_due(hub: Hub, flow: Flow, side: SideName, keys: list[str]) -> list[str]:
    """Make these records due now; the keys of which there is none are answered."""
    todo = keys
    unknown: list[str] = []
    for _ in range(_TRIES):
        if not todo:
            return unknown
        known = await hub.records.load(flow.pk, side, todo)
        missing = [key for key in todo if key not in known]
        born = await _there(flow, side, missing)
        unknown += [key for key in missing if key not in born]
        records = {**known, **{record.born_key: record for record in born.values()}}
        for record in records.values():
            record.attempt = 0
            record.set_due(hub.now())
        again = {id(record) for record in await hub.records.save(flow.pk, list(records.values()))}
        todo = [key for key, record in records.items() if id(record) in again]
    raise Transient("The records' state is contended; try again.", system="storage")


async def _there(flow: Flow, side: SideName, keys: list[str]) -> dict[str, Record]:
    """By the key as asked, new records for those that the other side has; SAP's enter by their marks alone."""
    if side is SideName.SAP or not keys:
        return {}
    rows = await flow.sides[side].read(flow.object.entity(side, flow.ctx), keys)
    column = flow.object.entity(side, flow.ctx).key
    return {key: new_record(side, str(row[column])) for key, row in rows.items()}
