"""The sweeper: mends what a crash left half done, so that no object is ever blocked and nothing waits for ever.

It owns no data of its own; whatever it finds it puts back on its ordinary way.
"""

from __future__ import annotations

from datetime import timedelta

from shared.errors import HubError, LostRace, Parked
from shared.objects.model import TemplateType
from shared.stores.queues import DELIVERIES
from shared.stores.records import WAITERS, Failure, parse_waiter, partition
from shared.stores.runs import ObjectState, Run, Slice
from shared.sync import owned, parking, taking_part, traces
from shared.sync.hub import Hub
from shared.sync.outcomes import Outcome, RunStatus
from shared.sync.start import start

# While messages wait in the queue a slice's own may be among them: a long queue is no loss. This many times longer.
_WHILE_MESSAGES_WAIT = 8.0


async def sweep(hub: Hub) -> list[ObjectState]:
    """One pass over all objects of all templates; answers the states of the objects as it left them."""
    states = []
    for row in await hub.templates.list():
        kind = hub.types.get(row.type)
        if kind is None:  # made by a newer version; health names it
            continue
        for found in kind.objects:
            state = await hub.runs.object(row.id, found.name)
            await taking_part.make_up(hub, row, state)
            await _revive(hub, state)
            await _deliver_due(hub, state)
            if found.parent_of:
                await _wake_waiters(hub, state)
            await _give_up_parked(hub, state, kind)
            await _forget_old_runs(hub, state)
            states.append(state)
    return states


async def _revive(hub: Hub, state: ObjectState) -> None:
    """A run whose chain of messages broke gets a new one; slices past their time are sent again."""
    if state.active is None:
        return
    run = await hub.runs.run(state.active.run)
    if run is None:
        await _row_of_lost_run(hub, state)
        return
    if state.began:
        await _resend_overdue(hub, run)
    stale = timedelta(seconds=hub.times.run_silent)
    if state.beat_at is not None and state.beat_at + stale > hub.now():
        return
    step = "finish" if state.status == RunStatus.DELIVERING.value else "plan"
    state.beat, state.beat_at = state.beat + 1, hub.now()
    try:
        await hub.runs.save_object(state)
    except LostRace:
        return
    traces.silent(run)
    await hub.send_run(run.id, step, state.beat)


async def _row_of_lost_run(hub: Hub, state: ObjectState) -> None:
    """The state names a run that has no row: free the object."""
    state.active = None
    try:
        await hub.runs.save_object(state)
    except LostRace:
        return


async def _resend_overdue(hub: Hub, run: Run) -> None:
    """Send slices again that have no outcome past their time: at once if no message is left that could bring one."""
    overdue = [light async for light in hub.runs.slices(run.id) if not light.done and _is_overdue(hub, light)]
    if not overdue:
        return
    waiting = await hub.queues.count(DELIVERIES)
    for light in overdue:
        if waiting and not _is_overdue(hub, light, _WHILE_MESSAGES_WAIT):
            continue
        item = await hub.runs.slice(run.id, light.id)
        if item is None or item.done:
            continue
        item.attempt, item.sent_at = item.attempt + 1, hub.now()
        try:
            await hub.runs.save_slice(run.id, item)
        except LostRace:
            continue
        traces.overdue(run, item)
        await hub.send_slice(run.id, item.id, item.attempt)


def _is_overdue(hub: Hub, item: Slice, factor: float = 1.0) -> bool:
    limit = timedelta(seconds=hub.times.slice_overdue * factor)
    return item.sent_at is None or item.sent_at + limit < hub.now()


async def _deliver_due(hub: Hub, state: ObjectState) -> None:
    """Records that are due are delivered by a run of their own if no other is at work."""
    if state.initialized_at is None or state.active is not None:
        return
    pk = partition(state.template, state.object)
    if await hub.records.due(pk, hub.now(), 1) or await owned.any_noted(hub, pk):
        try:
            await start(hub, state.template, state.object, "due", "sweeper")
        except HubError:
            return  # the next sweep finds it again


async def _wake_waiters(hub: Hub, state: ObjectState) -> None:
    """Waiters of a parent that is linked by now: a wake-up that a crash swallowed."""
    pk = partition(state.template, state.object)
    async for row in hub.records.rows(pk, WAITERS):
        side, parent, child_object, child_side, child = parse_waiter(row["RowKey"])
        known = await hub.records.get(pk, side, parent)
        if known is not None and known.linked:
            await parking.wake(hub, partition(state.template, child_object), child_side, child)
            await hub.records.remove(pk, row["RowKey"])


async def _give_up_parked(hub: Hub, state: ObjectState, kind: TemplateType) -> None:
    """Waited too long: listed as failed, with what to do."""
    pk = partition(state.template, state.object)
    limit = hub.now() - timedelta(seconds=hub.times.parked_limit)
    parents = [o for o in kind.objects if state.object in o.parent_of]
    for parent in parents:
        async for row in hub.records.rows(partition(state.template, parent.name), WAITERS):
            _, _, child_object, side, key = parse_waiter(row["RowKey"])
            record = await hub.records.get(pk, side, key) if child_object == state.object else None
            if record is None or record.parked_since is None or record.parked_since > limit or record.failure:
                continue
            text = f"The {parent.name} it belongs to did not come for too long. Mark or correct that one, then retry."
            record.failure = Failure(Outcome.FAILED, Parked.__name__, text, since=hub.now().isoformat())
            record.outcome = Outcome.FAILED
            await hub.records.save(pk, [record])


async def _forget_old_runs(hub: Hub, state: ObjectState) -> None:
    """Runs past their retention go, with their slices; a few at a time."""
    limit = hub.now() - timedelta(seconds=hub.times.run_retention)
    for run in await hub.runs.older_runs(state.template, state.object, limit, 20):
        if RunStatus(run.status).over:
            await hub.runs.delete_run(run)
