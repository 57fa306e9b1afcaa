"""Starting runs: per template and object one works at a time, one more may wait behind it."""

from __future__ import annotations

from datetime import datetime

from shared.errors import BadRequest, LostRace, Transient
from shared.stores.runs import ObjectState, Request, Run, run_id
from shared.sync import taking_part, traces
from shared.sync.actor import actor, joined
from shared.sync.hub import Hub
from shared.sync.outcomes import RunStatus

#: Each mode covers the ones before it: due keys only; due and changed; all that is marked, compared with what was agreed;
#: everything, compared with the other side; everything, once, before all others.
MODES = ("due", "delta", "sweep", "full", "initialize")
_TRIES = 20


def covers(mode: str, wanted: str) -> bool:
    """Whether a run of that mode delivers all that the wanted one would."""
    return MODES.index(mode) >= MODES.index(wanted)


def wider(one: str, other: str) -> str:
    """The mode that covers both."""
    return one if covers(one, other) else other


async def start(
    hub: Hub,
    template: str,
    object_name: str,
    mode: str,
    origin: str,
    *,
    scheduled_at: datetime | None = None,
    known: ObjectState | None = None,
) -> str:
    """Start a run, join the one that has not begun planning, or become or join the follow-up. Answers the run's id.

    What was saved before the call is in the run that is named: a run that has not begun planning has read nothing yet.
    The state and the message are two steps; if the second fails, the sweeper sends the message. ``known`` is the
    object's state where the caller has just read it.
    """
    if mode == "initialize":
        await taking_part.take_up(hub, template, object_name)
    for _ in range(_TRIES):
        state, known = known or await hub.runs.object(template, object_name), None
        await refuse_before_initialize(hub, state, mode)
        if scheduled_at is not None:
            state.last_start = scheduled_at
            state.last_sweep = scheduled_at if covers(mode, "sweep") else state.last_sweep
        waiting = {one.run for one in (state.active, state.follow_up) if one}
        run, changed, fresh = _place(hub, state, mode, origin)
        try:
            await hub.runs.save_object(state, *changed)
        except LostRace:
            continue
        if run in waiting:
            traces.joined(run)
        else:
            traces.started(changed[0])
        if fresh:
            await hub.send_run(run, "plan", state.beat)
        return run
    raise Transient("The object's state is contended; try again.", system="storage")


async def refuse_before_initialize(hub: Hub, state: ObjectState, mode: str) -> None:
    """BadRequest (409), saying what to do, for a run before the first load, or for a second first load."""
    if mode != "initialize" and state.initialized_at is None and (text := await _not_open(hub, state)):
        raise BadRequest(text, code="not-initialized", status=409)
    if mode == "initialize" and state.initialized_at is not None:
        raise BadRequest(
            f"'{state.object}' was initialized already. Use Sync Now with mode full to compare everything again.",
            code="already-initialized",
            status=409,
        )
    if mode != "initialize" and state.initialized_at is None:
        raise BadRequest(
            f"'{state.object}' must be initialized first: POST /api/templates/{state.template}/objects/{state.object}/initialize.",
            code="not-initialized",
            status=409,
        )


async def _not_open(hub: Hub, state: ObjectState) -> str:
    """What opens a transactional object; "" for one that is initialized."""
    _, kind = await hub.template(state.template)
    found = kind.object(state.object)
    if found is None or not found.transactional:
        return ""
    where = f"GET /api/templates/{state.template}/settings"
    return f"'{state.object}' is opened by complete settings; save those that are missing ({where} lists them)."


def _place(hub: Hub, state: ObjectState, mode: str, origin: str) -> tuple[str, list[Run], bool]:
    """Put the request into the state: (run id, run rows to save, whether its first message must be sent)."""
    if state.active is None:
        request = _new_request(hub, state, mode, origin)
        state.active, state.began, state.status = request, False, RunStatus.WAITING.value
        state.beat, state.beat_at = 0, hub.now()
        return request.run, [_row(hub, state, request)], True
    if not state.began:
        _widen(state.active, mode, origin)
        return state.active.run, [_row(hub, state, state.active)], False
    if state.follow_up is None:
        state.follow_up = _new_request(hub, state, mode, origin)
    else:
        _widen(state.follow_up, mode, origin)
    return state.follow_up.run, [_row(hub, state, state.follow_up)], False


def _widen(request: Request, mode: str, origin: str) -> None:
    """The waiting run covers this request too; one that somebody asked for is never an idle scheduled one."""
    request.mode = wider(request.mode, mode)
    request.by = joined(request.by)
    if request.origin == "schedule":
        request.origin = origin


def _new_request(hub: Hub, state: ObjectState, mode: str, origin: str) -> Request:
    return Request(run_id(state.template, state.object, hub.now(), hub.chance()), mode, origin, actor())


def _row(hub: Hub, state: ObjectState, request: Request) -> Run:
    return Run(
        id=request.run,
        template=state.template,
        object=state.object,
        mode=request.mode,
        origin=request.origin,
        by=request.by,
        status=RunStatus.WAITING.value,
        created_at=hub.now(),
    )


async def promote_follow_up(hub: Hub, state: ObjectState) -> None:
    """Make the waiting follow-up the active run, in memory; the caller saves the state and then sends its message."""
    state.active, state.follow_up = state.follow_up, None
    state.began, state.beat, state.beat_at = False, 0, hub.now()
    state.status = RunStatus.WAITING.value if state.active else ""
