"""Marking a whole range, or undoing a whole batch: a run of its own, page by page on the ``marks`` queue.

Such a run stands beside the object's sync runs and never waits for them, nor they for it. The cursor behind a page is
saved after the page's marks, and repeats of a page change nothing, so a crash or a second copy of a message is
harmless. Messages name the run and hold no codes beyond the run's criteria.

The first message is sent *before* the run's row is written: a message without a run waits a little for its row and
then gives up (nobody was told of that run); a row without a message would wait for ever.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from shared.errors import BadRequest, LostRace, Misconfigured, Rejected, Throttled, Transient
from shared.objects.model import Marking
from shared.ports import SideName
from shared.stores.queues import MARKS
from shared.stores.records import batch_row, parse_key
from shared.stores.runs import Plan, Run, parse_run_id, run_id
from shared.sync import traces
from shared.sync.actor import acting, actor
from shared.sync.hub import MESSAGE_VERSION, Flow, Hub, readable
from shared.sync.marks import (
    MANUAL,
    Change,
    Range,
    apply,
    batch_prefix,
    check_attributes,
    decide,
    marking_flow,
    window,
)
from shared.sync.outcomes import RunStatus

MODE = "mark"
_PAGE = 500
_ROW_EXPECTED_WITHIN = 6  # messages, the delay doubling from one second
_LOST_ROUNDS = 10


# --- starting -------------------------------------------------------------------------------------------------------


async def start_range(hub: Hub, template: str, noun: str, wanted: Range, change: Change) -> str:
    """Mark or unmark every SAP record in a range; answers the id of the run that does it. BadRequest where it cannot."""
    flow, marking = await marking_flow(hub, template, noun)
    wrong = check_attributes(flow, marking, change)
    if wrong:
        text = "; ".join(f"{name} {what}" for name, what in wrong)
        raise BadRequest(
            f"The marks need other attributes: {text}.", code="bad-attributes", fields=[n for n, _ in wrong]
        )
    window(flow, marking, wanted)  # refuses impossible bounds now, not in the run
    criteria = {
        "noun": noun,
        "range": [wanted.low, wanted.high, wanted.group_low, wanted.group_high],
        "marked": change.marked,
        "batch": change.batch or (MANUAL if change.marked else ""),
        "attributes": dict(change.attributes),
    }
    return await _start(hub, flow, criteria)


async def first_of_range(hub: Hub, template: str, noun: str, wanted: Range, most: int) -> tuple[list[str], bool]:
    """The first codes of a range in SAP's order, and whether there are more: for a look at what marking it would do."""
    flow, marking = await marking_flow(hub, template, noun)
    page = await flow.sides[SideName.SAP].changed(window(flow, marking, wanted), None, None, most)
    return [found.key for found in page.keys], page.cursor is not None


async def start_undo(hub: Hub, template: str, noun: str, batch: str) -> str:
    """Take every member out of a batch; answers the run's id. BadRequest (404) for a batch without members."""
    flow, _ = await marking_flow(hub, template, noun)
    rows, _ = await hub.records.listed(flow.pk, batch_prefix(batch), None, 1)
    if not rows:
        text = "There is no batch of that name (any more)."
        raise BadRequest(text, code="unknown-batch", status=404)
    return await _start(hub, flow, {"noun": noun, "batch": batch, "undo": True})


async def _start(hub: Hub, flow: Flow, criteria: dict[str, Any]) -> str:
    template, name = flow.template.id, flow.object.name
    run = Run(
        id=run_id(template, name, hub.now(), hub.chance()),
        template=template,
        object=name,
        mode=MODE,
        origin="request",
        by=actor(),
        status=RunStatus.WAITING,
        created_at=hub.now(),
        criteria=criteria,
    )
    await _send(hub, run.id, 0)
    await hub.runs.save_run(run)
    traces.started(run)
    return run.id


async def _send(hub: Hub, run: str, attempt: int, delay_seconds: float = 0) -> None:
    message = {"v": MESSAGE_VERSION, "run": run, "attempt": attempt}
    await hub.queues.send(MARKS, message, delay_seconds=delay_seconds)


# --- working --------------------------------------------------------------------------------------------------------


async def on_message(hub: Hub, message: dict[str, Any]) -> None:
    """Work on the run that the message names, from its saved cursor, as long as one message may take."""
    readable(message, "run", "attempt")
    try:
        parse_run_id(str(message["run"]))
        attempt = int(message["attempt"])
    except (ValueError, TypeError):
        raise Misconfigured("The message names no run.", code="message") from None
    run = await hub.runs.run(str(message["run"]))
    if run is None:
        if attempt < _ROW_EXPECTED_WITHIN:
            await _send(hub, str(message["run"]), attempt + 1, delay_seconds=2.0**attempt)
        return
    if run.mode != MODE or RunStatus(run.status).over:
        return
    try:
        if run.status == RunStatus.WAITING:
            run.status, run.began_at = RunStatus.DELIVERING, hub.now()
            await hub.runs.save_run(run)
        with acting(run.by):
            done = await _work(hub, run)
        if done:
            await _end(hub, run.id, RunStatus.SUCCEEDED)
        else:
            await _send(hub, run.id, 0)
    except LostRace:  # another copy of the message goes on with this run, or our own write came twice
        await _send(hub, run.id, attempt, delay_seconds=hub.times.poll_after)
    except (Throttled, Transient) as error:
        asked = error.retry_after_seconds if isinstance(error, Throttled) else None
        await _send(hub, run.id, attempt + 1, delay_seconds=max(asked or 0.0, hub.times.delay(attempt)))
    except (Misconfigured, Rejected, BadRequest) as error:
        await _end(hub, run.id, RunStatus.STOPPED, f"{error.name}: {error.text}")


async def _end(hub: Hub, run_name: str, status: RunStatus, reason: str = "") -> None:
    for _ in range(_LOST_ROUNDS):
        run = await hub.runs.run(run_name)
        if run is None or RunStatus(run.status).over:
            return  # cancelled meanwhile
        run.counts = (await hub.runs.plan(run_name)).counts
        run.status, run.reason, run.ended_at = status, reason, hub.now()
        try:
            await hub.runs.save_run(run)
        except LostRace:
            continue
        traces.ended(run)
        return
    raise Transient("The run's state is contended.", system="storage")


async def _work(hub: Hub, run: Run) -> bool:
    """Page after page until the run's end (True), its cancellation (True), or the message's time is up (False)."""
    flow, marking = await marking_flow(hub, run.template, str(run.criteria["noun"]))
    plan = await hub.runs.plan(run.id)
    until = hub.now() + timedelta(seconds=hub.times.plan_budget)
    while not plan.planned:
        current = await hub.runs.run(run.id)
        if current is None or RunStatus(current.status).over:
            return True
        if run.criteria.get("undo"):
            await _undo_page(hub, flow, run, plan)
        else:
            await _range_page(hub, flow, marking, run, plan)
        await hub.runs.save_plan(run.id, plan)
        if hub.now() >= until and not plan.planned:
            return False
    return True


async def _range_page(hub: Hub, flow: Flow, marking: Marking, run: Run, plan: Plan) -> None:
    criteria = run.criteria
    wanted = Range(*criteria["range"])
    change = Change(criteria["marked"], criteria["batch"], criteria["attributes"])
    entity = window(flow, marking, wanted)
    page = await flow.sides[SideName.SAP].changed(entity, None, plan.cursor or None, _PAGE)
    counts = await apply(hub, flow, {found.key: change for found in page.keys}, contiguous=True)
    _count(plan, counts)
    plan.cursor, plan.planned = page.cursor or "", page.cursor is None


async def _undo_page(hub: Hub, flow: Flow, run: Run, plan: Plan) -> None:
    """The first members that are left; those that are done are no members any more."""
    batch = str(run.criteria["batch"])
    change = Change(False, batch)
    rows, _ = await hub.records.listed(flow.pk, batch_prefix(batch), None, _PAGE)
    members = [parse_key(row["RowKey"]) for row in rows]
    for side in SideName:
        keys = [key for born, key in members if born is side]
        await _take_out(hub, flow, plan, change, side, keys)
    plan.planned = not rows


async def _take_out(hub: Hub, flow: Flow, plan: Plan, change: Change, side: SideName, keys: list[str]) -> None:
    todo = list(keys)
    for _ in range(_LOST_ROUNDS):
        known = await hub.records.load(flow.pk, side, todo, contiguous=True)
        for key in todo:
            if key not in known or change.batch not in known[key].mark.batches:
                await hub.records.remove(flow.pk, batch_row(change.batch, side, key))
        members = {k: r for k, r in known.items() if change.batch in r.mark.batches}
        done = {key: decide(hub, record, change) for key, record in members.items()}
        lost = await hub.records.save(flow.pk, list(members.values()))
        again = {id(record) for record in lost}
        todo = [key for key, record in members.items() if id(record) in again]
        _count(plan, Counter(done[key] for key in members if key not in todo))
        if not todo:
            return
    raise Transient("The records' state is contended.", system="storage")


def _count(plan: Plan, counts: Counter[str]) -> None:
    plan.counts = dict(Counter(plan.counts) + Counter({str(name): number for name, number in counts.items()}))


async def progress(hub: Hub, run: Run) -> dict[str, int]:
    """The counts of a marking run, up to date while it works."""
    return run.counts if RunStatus(run.status).over else (await hub.runs.plan(run.id)).counts


async def on_poison(hub: Hub, message: dict[str, Any]) -> None:
    """A message that the platform gave up on: a bug. The run is ended as failed, so that nobody waits for it."""
    readable(message, "run")
    text = "The hub failed while marking (a defect, see the logs); what was marked until then stays. Send it again."
    await _end(hub, str(message["run"]), RunStatus.FAILED, text)
