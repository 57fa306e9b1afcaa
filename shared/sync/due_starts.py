"""The tick of a schedule: which objects of a type are due to start now."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from shared import logs
from shared.errors import BadRequest
from shared.stores.runs import ObjectState
from shared.sync.hub import Hub
from shared.sync.schedule import Schedule, is_due
from shared.sync.start import start

_log = logs.get(__name__)


async def tick(hub: Hub, type_name: str, object_name: str) -> list[str]:
    """Start what is due of one object in every template of a type; answers the runs' ids.

    A start that was missed is made up once, however many there were. One template that cannot be started does not
    keep the others from being started.
    """
    runs = []
    now = hub.now()
    for template in await hub.templates.list():
        if template.type != type_name:
            continue
        state = await hub.runs.object(template.id, object_name)
        if state.initialized_at is not None and (mode := _due(state, now)):
            try:
                run = await start(hub, template.id, object_name, mode, "schedule", scheduled_at=now, known=state)
                runs.append(run)
            except BadRequest:  # somebody changed its state this moment; the next tick looks again
                _log.info("not started", extra={"template": template.id, "object": object_name})
    return runs


def _due(state: ObjectState, now: datetime) -> str:
    """The mode of the run that is to start now, "" for none. A sweep carries what a start at the same time would."""
    if not state.schedule:
        return ""
    try:
        schedule = Schedule.model_validate(state.schedule)
    except ValidationError:
        _log.warning("the stored schedule cannot be read", extra={"template": state.template, "object": state.object})
        return ""
    if schedule.sweep is not None and is_due(schedule.sweep, state.last_sweep, now):
        return "sweep"
    return "delta" if is_due(schedule, state.last_start, now) else ""
