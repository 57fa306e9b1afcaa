"""Whether an object's last good run is older than its schedule allows: pure reckoning, no I/O and no clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from shared.stores.runs import ObjectState
from shared.sync.schedule import Schedule, Timing, last_start


def overdue(state: ObjectState, now: datetime, grace: timedelta) -> str | None:
    """Why a person should look after this object's runs, in words; None while they are as its schedule allows.

    A start that lies further back than ``grace`` must have been made, and a good run must have ended since. Starts
    before the object was initialized, or before its schedule was saved, are owed by nobody; without a schedule none is.
    What is overdue stays so until a run is started or ends well. The words hold no error text and no record data.
    """
    if state.initialized_at is None or not state.schedule:
        return None
    try:
        schedule = Schedule.model_validate(state.schedule)
    except ValidationError:
        return "Its stored schedule cannot be read, so no run is started; save it again."
    return _late(state, schedule, now - grace) or _missed_sweep(state, schedule.sweep, now - grace)


def _late(state: ObjectState, schedule: Schedule, until: datetime) -> str | None:
    start = _owed(state, schedule, until)
    if start is None:
        return None
    if state.last_start is None or state.last_start < start:
        return f"Its scheduled start of {_told(start)} was missed: no run has been started for it; look at the timers."
    if state.last_good_at is None or state.last_good_at < start:
        good = f"the last good run ended at {_told(state.last_good_at)}" if state.last_good_at else "none ever was"
        at_work = ", and one is at work" if state.active else ""
        return f"No run since its scheduled start of {_told(start)} has ended well ({good}{at_work})."
    return None


def _missed_sweep(state: ObjectState, sweep: Timing | None, until: datetime) -> str | None:
    start = _owed(state, sweep, until) if sweep is not None else None
    if start is None or (state.last_sweep is not None and state.last_sweep >= start):
        return None
    return f"Its scheduled sweep of {_told(start)} was missed: no run has been started for it; look at the timers."


def _owed(state: ObjectState, timing: Timing, until: datetime) -> datetime | None:
    """The latest start until then that there must have been a run for."""
    start = last_start(timing, until)
    floors = (state.initialized_at, state.schedule_since)
    return None if start is None or any(floor is not None and start <= floor for floor in floors) else start


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
