"""Working on the ``deliveries`` queue: one message, one slice.

Waiting is never an exception: a slice that must wait saves its next attempt and sends itself again, delayed; the old
message completes, and any older copy of it completes without work. Only bugs reach the poison queue, and its worker
still writes an outcome for every key.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared import telemetry
from shared.errors import HubError, LostRace, Misconfigured, Rejected, Throttled, Transient
from shared.objects.model import Direction
from shared.ports import SideName
from shared.stores.records import Failure, new_record
from shared.stores.runs import ObjectState, Slice, parse_run_id
from shared.sync import finish, traces
from shared.sync.deliver import Delivery
from shared.sync.hub import Hub, readable
from shared.sync.outcomes import Outcome


async def on_message(hub: Hub, message: dict[str, Any]) -> None:
    """Deliver the slice that the message names, if it is still to be delivered."""
    readable(message, "run", "slice", "attempt")
    run = str(message["run"])
    state, item = await _find(hub, run, str(message["slice"]))
    if state is None or item is None or item.done or message["attempt"] < item.attempt:
        traces.out_of_date()
        return
    try:
        flow = await hub.flow(state.template, state.object)
        delivery = Delivery(hub, flow, _direction(item.side), run)
        counts = await delivery.deliver(
            item.entries, forced=item.forced or item.attempt > 0, contiguous=item.contiguous
        )
    except (Throttled, Transient) as error:
        await _wait(hub, run, item, error)
    except LostRace as error:
        await _wait(hub, run, item, Transient(error.text, system="storage"))
    except (Misconfigured, Rejected) as error:
        item.reason = f"{error.name}: {error.text}"
        telemetry.fail(error.name)
        await finish.stop(hub, run, error)
    else:
        await _done(hub, run, item, dict(counts))


def _direction(side: SideName) -> Direction:
    return Direction.IN if side is SideName.OTHER else Direction.OUT


async def _find(hub: Hub, run: str, slice_id: str) -> tuple[ObjectState | None, Slice | None]:
    """The object's state and the slice, if that run is still the one at work."""
    try:
        template, object_name = parse_run_id(run)
    except ValueError as error:
        raise Misconfigured("The message names no run.", code="message") from error
    state = await hub.runs.object(template, object_name)
    if state.active is None or state.active.run != run:
        return None, None
    return state, await hub.runs.slice(run, slice_id)


async def _done(hub: Hub, run: str, item: Slice, counts: dict[str, int]) -> None:
    item.done, item.counts, item.reason = True, counts, ""
    try:
        await hub.runs.save_slice(run, item)
    except LostRace:
        await _done_by_whoever(hub, run, item, counts)
    else:
        traces.delivered(run, item)


async def _done_by_whoever(hub: Hub, run: str, item: Slice, counts: dict[str, int]) -> None:
    """The sweeper or a second delivery saved the slice meanwhile; the work is done all the same."""
    fresh = await hub.runs.slice(run, item.id)
    if fresh is not None and not fresh.done:
        fresh.done, fresh.counts = True, counts
        await hub.runs.save_slice(run, fresh)
        traces.delivered(run, fresh)


async def _wait(hub: Hub, run: str, item: Slice, error: HubError) -> None:
    """Save the next attempt, then send it; a crash between the two is the sweeper's to mend."""
    asked = error.retry_after_seconds if isinstance(error, Throttled) else None
    delay = max(asked or 0.0, hub.times.delay(item.attempt))
    traces.waits(error.name)
    item.attempt += 1
    item.not_before = item.sent_at = hub.now() + timedelta(seconds=delay)
    item.reason = f"{error.name}: {error.text}"
    try:
        await hub.runs.save_slice(run, item)
    except LostRace:
        return
    await hub.send_slice(run, item.id, item.attempt, delay_seconds=delay)


async def on_poison(hub: Hub, message: dict[str, Any]) -> None:
    """A message that the platform gave up on: a bug. Every key of its slice still gets an outcome and is listed."""
    readable(message, "run", "slice")
    run = str(message["run"])
    state, item = await _find(hub, run, str(message["slice"]))
    if state is None or item is None or item.done or message.get("attempt", item.attempt) < item.attempt:
        return
    flow = await hub.flow(state.template, state.object, lists=False)
    text = "The hub failed while delivering this record (a defect, see the logs); retry it after an update of the hub."
    known = await hub.records.load(flow.pk, item.side, [e.key for e in item.entries])
    for entry in item.entries:
        record = known.get(entry.key) or new_record(item.side, entry.key)
        record.failure = Failure(Outcome.FAILED, "Defect", text, since=hub.now().isoformat())
        record.outcome, record.run = Outcome.FAILED, run
        record.set_due(None)
        await hub.records.save(flow.pk, [record])
    await _done(hub, run, item, {Outcome.FAILED: len(item.entries)})
