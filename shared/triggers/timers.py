"""Timers: one schedule tick per template type and object, made from the registry; and the sweeper."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import azure.functions as func

from shared import wiring
from shared.objects.registry import default_registry
from shared.sync import due_starts, gauges
from shared.sync.incidents import Defect, incident
from shared.sync.sweep import sweep

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


def _tick(type_name: str, object_name: str) -> Any:
    async def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the platform's own argument
        app = wiring.current()
        try:
            await due_starts.tick(app.hub, type_name, object_name)
        except Exception as error:  # noqa: BLE001 - its text may quote record data; the next tick tries again
            raise Defect(incident(error, f"schedule of {type_name} {object_name}")) from None

    return tick


def _add(name: str, setting: str, function: Any) -> None:
    function.__name__ = name
    trigger = blueprint.timer_trigger(arg_name="timer", schedule=f"%{setting}%", run_on_startup=False)
    blueprint.function_name(name)(trigger(function))


async def _sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the platform's own argument
    """Mend what a crash left half done; forget messages that were odd long ago."""
    app = wiring.current()
    try:
        states = await sweep(app.hub)
        await gauges.record(app.hub, states)
        await app.oddities.forget(app.hub.now() - timedelta(seconds=app.hub.times.run_retention))
    except Exception as error:  # noqa: BLE001 - its text may quote record data; the next sweep tries again
        raise Defect(incident(error, "sweeper")) from None


for _type, _object in default_registry().objects():
    if not _object.on_demand:
        _add(f"schedule_{_type.name}_{_object.name}", "SCHEDULE_TICK", _tick(_type.name, _object.name))
_add("sweeper", "SWEEPER_TICK", _sweep)
