"""What a run would do, without doing it: the run's own plan and delivery, rehearsed.

Nothing is written anywhere. Named records, or else the first that the run would deliver; a direction's records come after
those of the direction before it, as in a run. A record is told once: one delivery decides both sides of it, and where the
other direction comes upon it again it finds nothing to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import BadRequest
from shared.objects.model import Direction
from shared.ports import KeyVersion, SideName, Value
from shared.stores.runs import Plan, Run
from shared.sync.hub import Flow, Hub
from shared.sync.items import Item, is_new
from shared.sync.outcomes import Outcome, RunStatus
from shared.sync.parking import parse_parent
from shared.sync.plan import Planner
from shared.sync.rehearsal import Calls, Decided, Rehearsal, rehearsed, rehearsed_flow
from shared.sync.start import refuse_before_initialize

MOST = 200
"""The most records of one preview."""
_NOTHING = (Outcome.UNCHANGED, Outcome.SKIPPED)


def check_number(asked: int, what: str) -> None:
    """BadRequest for more records than one preview takes."""
    if asked > MOST:
        text = f"A preview takes up to {MOST} {what}; name fewer, or leave them out for the first {MOST} that are due."
        raise BadRequest(text, code="too-many-for-preview", fields=[what])


async def preview(
    hub: Hub,
    template: str,
    object_name: str,
    mode: str | None,
    keys: Sequence[tuple[SideName, str]],
    *,
    with_values: bool,
) -> dict[str, Any]:
    """What Sync Now would do with these records, or with the first that are due; see :data:`MOST`.

    BadRequest for too many keys, and (409) before the object is initialized. Throttled or Transient where a system cannot
    be asked.
    """
    check_number(len(keys), "keys")
    calls = {side: Calls() for side in SideName}
    own = rehearsed(hub)
    flow = rehearsed_flow(await hub.flow(template, object_name), calls)
    mode = mode or flow.object.sync_now_mode
    await refuse_before_initialize(hub, await hub.runs.object(template, object_name), mode)
    done: list[tuple[Rehearsal, Item]] = []
    more = False
    for direction in flow.directions:
        entries, further = await _entries(own, flow, direction, mode, keys, MOST - len(done))
        more = more or further
        delivery = Rehearsal(own, flow, direction)
        for some in entries:
            await delivery.deliver(some.keys, forced=some.forced)
        done = _each_once(done, delivery)
    return {
        "preview": True,
        "object": object_name,
        "mode": "due" if keys else mode,
        "records": [_shown(delivery, item, with_values) for delivery, item in done],
        "counts": Counter(str(item.outcome) for _, item in done),
        "more": more,
        "calls": {side.value: {"reads": each.reads, "writes": each.writes} for side, each in calls.items()},
    }


def _each_once(done: list[tuple[Rehearsal, Item]], delivery: Rehearsal) -> list[tuple[Rehearsal, Item]]:
    """With what came of this direction. A record that both came upon is told where something came of it first."""
    before = {place: at for at, (earlier, item) in enumerate(done) for place in _places(earlier, item)}
    told = list(done)
    for item in delivery.items:
        at = next((before[place] for place in _places(delivery, item) if place in before), None)
        if at is None:
            told.append((delivery, item))
        elif told[at][1].outcome in _NOTHING and item.outcome not in _NOTHING:
            told[at] = (delivery, item)
    return told


def _places(delivery: Rehearsal, item: Item) -> set[tuple[SideName, str]]:
    return {(delivery.near, item.key), *(item.record.keys.items() if item.record is not None else ())}


class _Some:
    """Keys that are delivered alike."""

    def __init__(self, keys: list[KeyVersion], *, forced: bool) -> None:
        self.keys, self.forced = keys, forced


async def _entries(
    hub: Hub, flow: Flow, direction: Direction, mode: str, keys: Sequence[tuple[SideName, str]], room: int
) -> tuple[list[_Some], bool]:
    """What one direction would deliver, and whether there is more than there is room for."""
    planner = _planner(hub, flow, await hub.runs.object(flow.template.id, flow.object.name), mode)
    if keys:
        return [_Some(await planner.named(flow, direction, keys), forced=True)], False
    found: list[_Some] = []
    seen: set[str] = set()
    plan = Plan()
    async for batch in planner.batches(flow, direction, plan):
        fresh = [entry for entry in batch.entries if entry.key not in seen]
        seen.update(entry.key for entry in fresh)
        found.append(_Some(fresh[:room], forced=batch.forced))
        room -= len(fresh)
        if room < 0:
            return found, True
    return found, False


def _planner(hub: Hub, flow: Flow, state: Any, mode: str) -> Planner:
    status = RunStatus.PLANNING.value
    run = Run("preview", flow.template.id, flow.object.name, mode, "preview", status, hub.now(), rescan=state.rescan)
    return Planner(hub, state, run)


def _shown(delivery: Rehearsal, item: Item, with_values: bool) -> dict[str, Any]:
    record = item.record
    changes = {side: delivery.decided[item.key, side] for side in SideName if (item.key, side) in delivery.decided}
    failed = item.outcome in (Outcome.FAILED, Outcome.CONFLICT, Outcome.RETRYING)
    return {
        "side": delivery.near.value,
        "key": item.key,
        "keys": {side.value: key for side, key in (record.keys if record else {}).items() if not is_new(key)},
        "direction": delivery.direction.value,
        "outcome": str(item.outcome),
        "reason": item.reason or None,
        "changes": {}
        if failed and not changes
        else {s.value: _change(each, with_values) for s, each in changes.items()},
        "held": dict(record.held) if record is not None else {},
        "parkedOn": [
            {"object": parent.object, "side": parent.side.value, "key": parent.key}
            for parent in map(parse_parent, record.parked if record is not None else ())
        ],
    }


def _change(decided: Decided, with_values: bool) -> Mapping[str, Any]:
    fields = sorted(decided.then)
    if not with_values:
        return {"fields": fields}
    values = {name: {"from": _plain(decided.now.get(name)), "to": _plain(decided.then[name])} for name in fields}
    return {"fields": fields, "values": values}


def _plain(value: Value) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(value)
