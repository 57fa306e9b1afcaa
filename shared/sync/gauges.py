"""The gauges that alerts are made of, set by the sweeper once a minute from what it has read anyway and six looks at queues.

``hub.healthy`` is 0 where one of them says that something is wrong, by the same rules as ``GET /health``, which asks the
systems and looks at waiting records besides. Where the sweeper itself cannot work there are no gauges: alerts must take
their absence for an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from shared import telemetry
from shared.stores.queues import QUEUES
from shared.stores.runs import ObjectState
from shared.sync.hub import Hub
from shared.sync.outcomes import ENDED_BADLY
from shared.sync.overdue import overdue
from shared.sync.queue_looks import look_at


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
    return late or state.last_status in ENDED_BADLY


async def _of_queue(hub: Hub, queue: str) -> bool:
    """Set the queue's gauges; whether it is stuck or holds what nobody can read."""
    measure, found = telemetry.current().measure, await look_at(hub, queue)
    measure.poison_messages.set(found.unreadable, {"queue": queue})
    age = (hub.now() - found.waiting_since).total_seconds() if found.waiting_since else 0.0
    measure.queue_age.set(max(0.0, age), {"queue": queue})
    return found.unreadable > 0 or found.waits_too_long(hub)
