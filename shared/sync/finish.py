"""How a run ends: by its slices' outcomes, by an error that concerns all records, or by a person.

One delayed message at a time looks after a run; each hop raises the beat, which is also the run's heartbeat. The
watermark moves only here, in the same transaction that ends the run, and only to the source's clock at the start of
planning: everything before it has an outcome.
"""

from __future__ import annotations

from collections import Counter

from shared.errors import BadRequest, HubError, LostRace
from shared.stores.runs import ObjectState, Plan, Run
from shared.sync import traces
from shared.sync.actor import actor
from shared.sync.hub import Hub
from shared.sync.outcomes import RunStatus, run_status
from shared.sync.start import promote_follow_up

_TRIES = 20


async def expect(hub: Hub, state: ObjectState, run: Run) -> None:
    """All slices of a direction are sent: look after them with a delayed message."""
    run.status = state.status = RunStatus.DELIVERING.value
    await _next_look(hub, state, run, hub.times.finish_first)


async def _next_look(hub: Hub, state: ObjectState, run: Run, delay: float) -> None:
    state.beat, state.beat_at = state.beat + 1, hub.now()
    await hub.runs.save_object(state, run)
    await hub.send_run(run.id, "finish", state.beat, delay_seconds=delay)


async def look(hub: Hub, state: ObjectState, run: Run) -> None:
    """Are all slices of this direction done? Then plan the next direction or end the run; else look again later."""
    plan = await hub.runs.plan(run.id)
    if not plan.planned:  # a look before us moved the plan on and came no further
        await _plan_on(hub, state, run, plan)
        return
    total, done, counts = 0, 0, Counter[str]()
    async for item in hub.runs.slices(run.id, plan.phase):
        total, done = total + 1, done + item.done
        counts.update(item.counts)
    run.slices, run.slices_done = total, done
    if done < total:
        run.counts = dict(Counter(plan.counts) + counts)
        delay = min(hub.times.finish_first * 1.5 ** min(state.beat, 20), hub.times.run_heartbeat)
        await _next_look(hub, state, run, delay)
        return
    plan.counts = dict(Counter(plan.counts) + counts)
    plan.next_phase()
    flow = await hub.flow(run.template, run.object, lists=False)
    if plan.phase >= len(flow.directions):
        await end(hub, state, run, plan)
        return
    await hub.runs.save_plan(run.id, plan)
    await _plan_on(hub, state, run, plan)


async def _plan_on(hub: Hub, state: ObjectState, run: Run, plan: Plan) -> None:
    """Plan the next direction."""
    run.counts = dict(plan.counts)
    state.beat, state.beat_at = state.beat + 1, hub.now()
    state.status = run.status = RunStatus.PLANNING.value
    await hub.runs.save_object(state, run)
    await hub.send_run(run.id, "plan", state.beat)


async def end(hub: Hub, state: ObjectState, run: Run, plan: Plan) -> None:
    """Every key has an outcome: write the run's end, move the watermarks, let the follow-up begin."""
    status = run_status(plan.counts)
    _close(hub, state, run, status)
    run.counts = dict(plan.counts)
    state.watermarks.update(plan.read_at)
    if status is not RunStatus.FAILED:
        state.last_good_at = hub.now()
    if run.mode == "initialize":
        state.initialized_at = hub.now()
    idle = run.origin == "schedule" and not plan.counts
    state.idle_runs += idle
    if idle:
        state.last_run = ""
    await _save_and_promote(hub, state, run, forget=run if idle else None)


async def stop(hub: Hub, run_id: str, error: HubError) -> None:
    """Something is wrong for all records: end the run once; its watermark stays, so nothing is passed over."""
    for _ in range(_TRIES):
        run = await hub.runs.run(run_id)
        if run is None or RunStatus(run.status).over:
            return
        run.reason = f"{error.name}: {error.text}"
        if await _abandon(hub, run, RunStatus.STOPPED):
            return


async def cancel(hub: Hub, run_id: str) -> Run:
    """End a run on request: slices not yet delivered are dropped, the watermark stays. BadRequest if it is over."""
    for _ in range(_TRIES):
        run = await hub.runs.run(run_id)
        if run is None:
            raise BadRequest(f"There is no run '{run_id}'.", code="unknown-run", status=404)
        if RunStatus(run.status).over:
            raise BadRequest(f"The run is over already: {run.status}.", code="run-over", status=409)
        run.reason, run.cancelled_by = "cancelled on request", actor()
        if await _abandon(hub, run, RunStatus.CANCELLED):
            return run
    raise LostRace("The run's state is contended; try again.")


async def _abandon(hub: Hub, run: Run, status: RunStatus) -> bool:
    """End a run before its time; False if someone else changed the state meanwhile."""
    state = await hub.runs.object(run.template, run.object)
    if state.active is not None and state.active.run == run.id:
        state.rescan = tuple(sorted({*state.rescan, *run.rescan}))
        _close(hub, state, run, status)
    elif state.follow_up is not None and state.follow_up.run == run.id:
        state.follow_up = None
        run.status, run.ended_at = status.value, hub.now()
    else:
        run.status, run.ended_at = status.value, hub.now()
    try:
        await _save_and_promote(hub, state, run)
    except LostRace:
        return False
    return True


def _close(hub: Hub, state: ObjectState, run: Run, status: RunStatus) -> None:
    run.status, run.ended_at = status.value, hub.now()
    state.last_run, state.last_status, state.active = run.id, status.value, None


async def _save_and_promote(hub: Hub, state: ObjectState, run: Run, forget: Run | None = None) -> None:
    """Save the end; if a follow-up waits it becomes the active run in the same transaction."""
    promoted = state.active is None and state.follow_up is not None
    if promoted or state.active is None:
        await promote_follow_up(hub, state)
    await hub.runs.save_object(state, *([] if forget else [run]), forget=forget)
    traces.ended(run)
    if promoted and state.active is not None:
        await hub.send_run(state.active.run, "plan", state.beat)
