"""Planning: which keys a run delivers, cut into slices.

Slices and the cursor behind them are saved in one transaction *before* their messages are sent, so a plan that dies
continues from the cursor; it sends the messages of its last page again, which is harmless. A direction is planned only
when the one before it was delivered: in a two-way object what comes in is merged before anything goes out.
Memory is flat: one page of keys at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared import telemetry
from shared.errors import HubError, LostRace, Misconfigured, NotFound, Parked, Rejected, Throttled, Transient
from shared.objects.model import Direction
from shared.ports import KeyVersion, SideName
from shared.stores.records import partition
from shared.stores.runs import ObjectState, Plan, Run, Slice, slice_id
from shared.sync import dependencies, finish, owned, traces
from shared.sync.hub import Flow, Hub, readable
from shared.sync.outcomes import RunStatus

_PAGE = 1000
_SLICES_AT_ONCE = 50


@dataclass
class _Batch:
    """Keys found together: one page of a source. ``cursor`` and ``stage`` are where planning goes on behind it."""

    side: SideName
    entries: list[KeyVersion]
    cursor: str
    stage: str
    contiguous: bool = False
    forced: bool = False


async def on_message(hub: Hub, message: dict[str, Any]) -> None:
    """Work on one message of a run's chain: plan on, or look whether the run is finished."""
    readable(message, "run", "step", "beat")
    run, state = await hub.runs.run_and_object(message["run"])
    if run is None or state is None or RunStatus(run.status).over:
        traces.out_of_date()
        return
    if state.active is None or state.active.run != run.id or state.beat != message["beat"]:
        traces.out_of_date()
        return
    try:
        if message["step"] == "plan":
            if state.began or await dependencies.ready(hub, state, run):
                await Planner(hub, state, run).work()
        else:
            await finish.look(hub, state, run)
    except LostRace:
        # With the message's own beat: the one in memory may have been raised for a state that was never saved.
        await hub.send_run(run.id, message["step"], message["beat"], delay_seconds=1)
    except (Throttled, Transient) as error:
        await _wait(hub, run, message, error)
    except (Misconfigured, Parked, Rejected, NotFound) as error:
        telemetry.fail(error.name)
        await finish.stop(hub, run.id, error)


async def _wait(hub: Hub, run: Run, message: dict[str, Any], error: HubError) -> None:
    """The source is not well: try again later, with a new beat so that only this message goes on."""
    state = await hub.runs.object(run.template, run.object)
    if state.active is None or state.active.run != run.id or state.beat != message["beat"]:
        return
    asked = error.retry_after_seconds if isinstance(error, Throttled) else None
    state.beat, state.beat_at = state.beat + 1, hub.now()
    tries = int(message.get("tries", 0)) + 1
    traces.waits(error.name)
    delay = asked or hub.times.delay(min(tries, 6))
    await hub.runs.save_object(state)
    await hub.send_run(run.id, message["step"], state.beat, delay_seconds=delay, tries=tries)


class Planner:
    """One invocation's work on one run's plan."""

    def __init__(self, hub: Hub, state: ObjectState, run: Run) -> None:
        self.hub, self.state, self.run = hub, state, run
        self.until = hub.now() + timedelta(seconds=hub.times.plan_budget)
        self.seen_due: set[tuple[SideName, str]] = set()
        self.nothing_is_due = False

    async def work(self) -> None:
        """Begin if nobody has, then plan direction by direction until one has slices, or all are done."""
        plan = Plan()
        if self.state.began:
            plan = await self.hub.runs.plan(self.run.id)
            await self._resend(plan)
        else:
            await self._begin()
        flow = await self.hub.flow(self.run.template, self.run.object, lists=False)
        if plan.planned:
            await finish.expect(self.hub, self.state, self.run)
            return
        while plan.phase < len(flow.directions):
            finished = await self._direction(flow, flow.directions[plan.phase], plan)
            if not finished:
                await self._continue_later()
                return
            if plan.planned:  # it has slices: wait for their end before the next direction
                await finish.expect(self.hub, self.state, self.run)
                return
            plan.next_phase()
        await finish.end(self.hub, self.state, self.run, plan)

    async def _begin(self) -> None:
        """From here on the run can no longer be joined; nothing has been read before."""
        assert self.state.active is not None
        asked = self.state.active
        self.run.mode, self.run.origin, self.run.by = asked.mode, asked.origin, asked.by
        self.run.began_at = self.hub.now()
        self.run.status = self.state.status = RunStatus.PLANNING.value
        self.state.began, self.state.beat_at = True, self.hub.now()
        if self.run.mode != "due":  # which reads no source
            self.run.rescan, self.state.rescan = self.state.rescan, ()
        await self.hub.runs.save_object(self.state, self.run)

    async def _continue_later(self) -> None:
        self.state.beat, self.state.beat_at = self.state.beat + 1, self.hub.now()
        await self.hub.runs.save_object(self.state)
        await self.hub.send_run(self.run.id, "plan", self.state.beat)

    async def _resend(self, plan: Plan) -> None:
        """Send the messages of the slices that a planner before us saved last, but may not have sent."""
        if plan.next_slice == 0:
            return
        first = slice_id(plan.phase, max(plan.next_slice - _SLICES_AT_ONCE, 0))
        async for item in self.hub.runs.slices(self.run.id, plan.phase):
            if item.id >= first and not item.done and item.attempt == 0:
                await self.hub.send_slice(self.run.id, item.id, 0)

    # --- one direction ----------------------------------------------------------------------------------------------

    async def _direction(self, flow: Flow, direction: Direction, plan: Plan) -> bool:
        """Plan one direction from its cursor; False if time ran out. ``plan.planned`` says whether it has slices."""
        async for batch in self.batches(flow, direction, plan):
            entries = [e for e in batch.entries if (batch.side, e.key) not in self.seen_due]
            if plan.stage == "due":
                self.seen_due.update((batch.side, e.key) for e in entries)
            await self._save(flow, plan, batch, entries)
            if self.hub.now() >= self.until and plan.stage != "end":
                await self.hub.runs.save_plan(self.run.id, plan)  # a page without keys saved no cursor
                return False
        if plan.next_slice:
            plan.planned = True
            await self.hub.runs.save_plan(self.run.id, plan)
        return True

    async def batches(self, flow: Flow, direction: Direction, plan: Plan) -> AsyncIterator[_Batch]:
        """The pages of every source of this direction, from the plan's stage and cursor on."""
        mode = self.run.mode
        full = mode in ("full", "initialize") or direction.value in self.run.rescan
        if plan.stage == "due":
            if flow.object.owned_by and not plan.cursor:
                async for batch in self._of_noted_owners(flow, direction):
                    yield batch
            if not full and not self.nothing_is_due:
                async for batch in self._due(flow, direction, plan.cursor):
                    yield batch
            plan.stage, plan.cursor = "source", ""
        if plan.stage == "source" and mode != "due":
            whole = full or mode == "sweep" or not flow.object.entity(direction.source, flow.ctx).modified
            by_mark = whole and direction is Direction.OUT and not flow.object.all_take_part
            if full and flow.object.owned_by:
                source = self._of_linked_owners(flow, direction, plan)
            elif by_mark:
                source = self._marked(flow, plan, forced=full)
            else:
                source = self._changed(flow, direction, plan, full)
            async for batch in source:
                yield batch
        plan.stage = "end"

    async def named(self, flow: Flow, direction: Direction, keys: Sequence[tuple[SideName, str]]) -> list[KeyVersion]:
        """Those of the named records that this direction delivers, as if they were due."""
        mine = [KeyVersion(key) for side, key in keys if side is direction.source]
        if len(flow.directions) == 1:
            others = [key for side, key in keys if side is not direction.source]
            mine += await self._translated(flow, direction, others)
        return mine

    async def _due(self, flow: Flow, direction: Direction, cursor: str) -> AsyncIterator[_Batch]:
        """Records that are due, by the side where they were born.

        Where none was due of either side, the other direction need not look a moment later: what becomes due in
        between was not there when the run began, so another run carries it.
        """
        until = self.hub.now()
        while True:
            began = not cursor
            page, cursor = await self.hub.records.due_page(flow.pk, until, cursor, _PAGE)
            self.nothing_is_due = began and not page and not cursor
            mine = [KeyVersion(key) for side, key in page if side is direction.source]
            if len(flow.directions) == 1:
                mine += await self._translated(
                    flow, direction, [key for side, key in page if side is not direction.source]
                )
            yield _Batch(direction.source, mine, cursor, "due" if cursor else "source", forced=True)
            if not cursor:
                return

    async def _translated(self, flow: Flow, direction: Direction, keys: Sequence[str]) -> list[KeyVersion]:
        """In a one-way object: due records born on the other end, by the key that the source knows."""
        records = await self.hub.records.load(flow.pk, direction.source.opposite, keys)
        stranded = [r for r in records.values() if not r.linked]
        for record in stranded:  # nothing reads the side where it was born any more
            record.set_due(None)
        await self.hub.records.save(flow.pk, stranded)
        return [KeyVersion(r.keys[direction.source]) for r in records.values() if r.linked]

    async def _of_noted_owners(self, flow: Flow, direction: Direction) -> AsyncIterator[_Batch]:
        """All rows of owners that were linked a moment ago; the notes go once these are on their way."""
        async for entries, notes in owned.noted(self.hub, flow, direction.source):
            yield _Batch(direction.source, entries, "", "due", forced=True)
            await owned.forget(self.hub, flow, notes)
        if len(flow.directions) == 1:
            await owned.forget_side(self.hub, flow, direction.source.opposite)

    async def _of_linked_owners(self, flow: Flow, direction: Direction, plan: Plan) -> AsyncIterator[_Batch]:
        """All rows of all owners that are linked."""
        if direction.value not in plan.read_at:
            plan.read_at[direction.value] = await flow.sides[direction.source].ping()
        cursor = plan.cursor
        while True:
            entries, cursor = await owned.linked_owners(self.hub, flow, direction.source, cursor)
            yield _Batch(direction.source, entries, cursor, "source" if cursor else "end", forced=True)
            if not cursor:
                return

    async def _marked(self, flow: Flow, plan: Plan, *, forced: bool) -> AsyncIterator[_Batch]:
        """All marked records in row-key order: first those of SAP's own, then those born on the other side.

        Those that are not ``forced`` are read and compared with what was agreed; only what moved is looked at further.
        """
        pk = partition(flow.template.id, flow.object.marks_of) if flow.object.marks_of else flow.pk
        if "out" not in plan.read_at:
            plan.read_at["out"] = await flow.sides[SideName.SAP].ping()
        cursor = plan.cursor
        while True:
            records, cursor = await self.hub.records.marked(pk, cursor, _PAGE)
            own = [KeyVersion(r.born_key) for r in records if r.born is SideName.SAP]
            guests = [KeyVersion(r.keys[SideName.SAP]) for r in records if r.born is SideName.OTHER and r.linked]
            if guests:
                yield _Batch(SideName.SAP, guests, plan.cursor, "source", forced=forced)
            yield _Batch(
                SideName.SAP,
                own,
                cursor,
                "source" if cursor else "end",
                contiguous=not flow.object.marks_of,
                forced=forced,
            )
            if not cursor:
                return

    async def _changed(self, flow: Flow, direction: Direction, plan: Plan, full: bool) -> AsyncIterator[_Batch]:
        """What the source says has changed since the watermark minus the overlap, or all of it."""
        side, entity = flow.sides[direction.source], flow.object.entity(direction.source, flow.ctx)
        since = None if full else self._since(direction)
        cursor: str | None = plan.cursor or None
        while True:
            page = await side.changed(entity, since, cursor, _PAGE)
            plan.read_at.setdefault(direction.value, page.read_at)
            cursor = page.cursor
            yield _Batch(direction.source, list(page.keys), cursor or "", "source" if cursor else "end", forced=full)
            if cursor is None:
                return

    def _since(self, direction: Direction) -> datetime | None:
        mark = self.state.watermarks.get(direction.value)
        return mark - timedelta(seconds=self.hub.times.overlap) if mark else None

    # --- saving -----------------------------------------------------------------------------------------------------

    async def _save(self, flow: Flow, plan: Plan, batch: _Batch, entries: list[KeyVersion]) -> None:
        """Save the page's slices with the cursor behind them, then send their messages."""
        size = min(self.hub.slice_size, flow.object.slice_size or self.hub.slice_size)
        chunks = [entries[i : i + size] for i in range(0, len(entries), size)]
        if not chunks:
            plan.cursor, plan.stage = batch.cursor, batch.stage
        for at in range(0, len(chunks), _SLICES_AT_ONCE):
            if at + _SLICES_AT_ONCE >= len(chunks):
                plan.cursor, plan.stage = batch.cursor, batch.stage
            part = [
                Slice(
                    id=slice_id(plan.phase, plan.next_slice + n),
                    side=batch.side,
                    entries=chunk,
                    contiguous=batch.contiguous,
                    forced=batch.forced,
                    sent_at=self.hub.now(),
                )
                for n, chunk in enumerate(chunks[at : at + _SLICES_AT_ONCE])
            ]
            plan.next_slice += len(part)
            await self.hub.runs.save_plan(self.run.id, plan, part)
            for item in part:
                await self.hub.send_slice(self.run.id, item.id, 0)
