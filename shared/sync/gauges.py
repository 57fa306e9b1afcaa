"""The gauges that alerts are made of, set by the sweeper once a minute from what it has read anyway and six looks at queues.

``hub.healthy`` is 0 where one of them says that something is wrong, by the same rules as ``GET /health``, which asks the
systems and looks at waiting records besides. Where the sweeper itself cannot work there are no gauges: alerts must take
their absence for an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from shared import telemetry
from shared.stores.queues import QUEUES, poison
from shared.stores.runs import ObjectState
from shared.sync.hub import Hub
from shared.sync.outcomes import RunStatus
from shared.sync.overdue import overdue

_ENDED_BADLY = (RunStatus.STOPPED.value, RunStatus.FAILED.value)


async def record(hub: Hub, states: Iterable[ObjectState]) -> None:
    """Set all gauges; nothing is looked at where nobody is told."""
    told = telemetry.current()
    if not told.active:
        return
    wrong = [_of_object(hub, state) for state in states if state.initialized_at is not None]
    wrong += [await _of_queue(hub, queue) for queue in QUEUES]
    told.measure.healthy.set(0 if any(wrong) else 1)


def _of_object(hub: Hub, state: ObjectState) -> bool:
    """Set the object's gauges; whether something is wrong with it."""
    measure, now = telemetry.current().measure, hub.now()
    named = {"template": state.template, "object": state.object}
    late = overdue(state, now, timedelta(seconds=hub.times.health_grace)) is not None
    measure.overdue.set(int(late), named)
    if state.last_good_at is not None:
        measure.last_good_run_age.set(max(0.0, (now - state.last_good_at).total_seconds()), named)
    return late or state.last_status in _ENDED_BADLY


async def _of_queue(hub: Hub, queue: str) -> bool:
    """Set the queue's gauges; whether it is stuck or holds what nobody can read."""
    measure = telemetry.current().measure
    lost = await hub.queues.count(poison(queue))
    measure.poison_messages.set(lost, {"queue": queue})
    moments = [one.inserted_at for one in await hub.queues.peek(queue) if one.inserted_at is not None]
    age = max(0.0, (hub.now() - min(moments)).total_seconds()) if moments else 0.0
    measure.queue_age.set(age, {"queue": queue})
    return lost > 0 or age > hub.times.health_queue
