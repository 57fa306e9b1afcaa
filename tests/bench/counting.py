"""Work that is counted: the first load, the run after it, small changes, nothing to do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from shared.ports import Mark, SideName
from shared.stores.record import SCHEMA_VERSION, new_record, pointer_row, record_row, to_row
from shared.stores.tables import Op, Tables
from shared.sync import configure, due_starts
from shared.sync.schedule import Schedule
from tests.bench.report import Line
from tests.bench.world import ACCOUNT_TYPE, OBJECT, PARTITION, TEMPLATE, Counted, Work, World, gate_apart

CHANGED = 100
#: Further forward than the overlap, so that a run meets nothing it has seen before.
_PAST_OVERLAP = 400.0
_SEEDED_AT_ONCE = 50  # two rows each: what one transaction takes


@dataclass
class Findings:
    """Lines for people, counts by kind for whoever looks for a cause."""

    lines: list[Line] = field(default_factory=list)
    kinds: dict[str, Any] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """One more."""
        self.lines.append(line)


async def counted(world: World, marks: int) -> Findings:
    """All counted work, one after the other on the same records. Nothing is counted twice to look better."""
    findings = Findings()
    await world.fresh_systems()
    async with world.work() as work:
        await work.ready(world.codes)
        await _first_load(work, findings)
        await world.simulators.ask("forward", _PAST_OVERLAP)
        echo = await _measured(work, "run after the first load", findings)
        deltas = [await _delta(work, system, findings) for system in ("sap", "dataverse")]
        idle = await _idle(work, marks, findings)
    _tell_echo(world, echo, idle, findings)
    findings.lines += [line for lines in deltas for line in lines]
    findings.lines += _idle_lines(idle, marks)
    return findings


async def _measured(work: Work, name: str, findings: Findings, mode: str = "delta") -> Counted:
    run, cost = await work.measured(mode)
    assert run.status == "succeeded", run
    findings.kinds[name] = {**cost.kinds(), "outcomes": run.counts}
    return cost


async def _first_load(work: Work, findings: Findings) -> None:
    """Every record is created at the first attempt, within the bars."""
    count = len(work.world.codes)
    name = f"first load, {count:,} marked"
    cost = await _measured(work, name, findings, "initialize")
    created = findings.kinds[name]["outcomes"].get("created", 0)
    storage = cost.storage.total()
    how = "marking not included, gate leases apart"
    for line in (
        Line(name, "records not created", count - created, 0),
        Line(name, "requests to SAP per 1,000", cost.requests("sap") * 1000 / count, 15),
        Line(name, "requests to Dataverse per 1,000", cost.requests("dataverse") * 1000 / count, 35),
        Line(name, "storage calls per 100", storage * 100 / count, 15, how),
    ):
        findings.add(line)


def _tell_echo(world: World, echo: Counted, idle: Idle, findings: Findings) -> None:
    count = len(world.codes)
    name = f"the run after it, {count:,} echoes"
    beyond = echo.requests("sap") - idle.cost.requests("sap")
    findings.add(Line(name, "rows written", echo.rows_written("sap") + echo.rows_written("dataverse"), 0))
    findings.add(Line(name, "requests to SAP beyond its idle ones", beyond, 0))
    findings.add(Line(name, "requests to Dataverse per 1,000", echo.requests("dataverse") * 1000 / count, 15))
    findings.add(Line(name, "storage calls per 100", echo.storage.total() * 100 / count))


async def _delta(work: Work, system: str, findings: Findings) -> list[Line]:
    """A hundred records changed on one side; afterwards the overlap is let pass."""
    codes = work.world.codes[:: max(1, len(work.world.codes) // CHANGED)][:CHANGED]
    await work.world.simulators.ask("edit", {system: await _edits(work, system, codes)})
    name = f"delta, {len(codes)} changed in {'SAP' if system == 'sap' else 'Dynamics'}"
    cost = await _measured(work, name, findings)
    updated = findings.kinds[name]["outcomes"].get("updated", 0)
    await work.world.simulators.ask("forward", _PAST_OVERLAP)
    await work.run("delta")  # sees the last of the overlap
    return [
        Line(name, "records not updated", len(codes) - updated, 0),
        Line(name, "requests to SAP", cost.requests("sap"), 6),
        Line(name, "requests to Dataverse", cost.requests("dataverse"), 6),
        Line(name, "storage calls", cost.storage.total()),
    ]


async def _edits(work: Work, system: str, codes: Sequence[str]) -> list[dict[str, Any]]:
    if system == "sap":
        return [{"CardCode": code, "Phone2": f"+49 30 55501{number:03d}"} for number, code in enumerate(codes)]
    keys = {number: key for key, number in await work.world.simulators.ask("accounts")}
    return [{"accountid": keys[code], "fax": f"+49 30 55502{number:03d}"} for number, code in enumerate(codes)]


# --- nothing to do ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Idle:
    """An idle scheduled run: what it cost, what the tick before it cost, and what it left."""

    cost: Counted
    tick_calls: int
    rows_left: int


async def _idle(work: Work, marks: int, findings: Findings) -> Idle:
    await _seed_marks(work, max(0, marks - len(work.world.codes)))
    hub = work.app.hub
    await configure.save_schedule(hub, TEMPLATE, OBJECT, Schedule.model_validate({"run": "daily", "every": "00:05"}))
    state = await hub.runs.object(TEMPLATE, OBJECT)
    state.last_start = datetime.now(UTC) - timedelta(days=1)
    await hub.runs.save_object(state)
    before, _ = await hub.runs.list_runs(TEMPLATE, OBJECT, None, 100)
    async with work.world.work(work.prefix) as timer:  # another instance: what its tick costs is counted by itself
        await work.begin_to_count()
        began = time.monotonic()
        timer.counter.clear()
        [name] = await due_starts.tick(timer.app.hub, TEMPLATE, OBJECT)
        tick = gate_apart(timer.counter.calls, work.prefix)
        await timer.pump.kill()
    await work.over(name)
    cost = await work.counted(began)
    after, _ = await hub.runs.list_runs(TEMPLATE, OBJECT, None, 100)
    told = {" ".join(key): count for key, count in tick.items()}
    findings.kinds["idle"] = {**cost.kinds(), "tick": told}
    return Idle(cost, tick.total(), len(after) - len(before))


def _idle_lines(idle: Idle, marks: int) -> list[Line]:
    name = f"idle, {marks:,} marks"
    cost = idle.cost
    how = "of the run: from its message to its end"
    return [
        Line(name, "requests to SAP", cost.requests("sap"), 2),
        Line(name, "requests to Dataverse", cost.requests("dataverse"), 2),
        Line(name, "rows written", cost.rows_written("sap") + cost.rows_written("dataverse"), 0),
        Line(name, "deliveries", cost.storage["POST", "deliveries"], 0),
        Line(name, "rows of runs left", idle.rows_left, 0),
        Line(name, "storage calls", cost.storage.total(), 5, how),
        Line(
            name,
            "storage calls of the tick",
            idle.tick_calls,
            None,
            "reads templates and state, saves and sends the start",
        ),
    ]


async def _seed_marks(work: Work, count: int) -> None:
    """Marked and linked records that nothing happens to; neither system is asked about them."""
    async with Tables(work.world.storage, prefix=work.prefix) as tables:
        table = tables.table("records")
        for numbers in batched(range(count), _SEEDED_AT_ONCE, strict=False):
            operations = [operation for number in numbers for operation in _quiet_record(number)]
            await table.transact(operations)


def _quiet_record(number: int) -> tuple[Op, Op]:
    """Its row and the pointer to it, written whatever is there, so that a lost answer does no harm."""
    record = new_record(SideName.SAP, f"Q{number:06d}")
    record.keys[SideName.OTHER] = f"00000000-0000-4000-8000-{number:012d}"
    record.mark = Mark(frozenset({"bench"}), {"accountType": str(ACCOUNT_TYPE)})
    record.versions = {SideName.SAP: "1", SideName.OTHER: "1"}
    own, pointer = record_row(SideName.SAP, record.born_key), pointer_row(SideName.OTHER, record.keys[SideName.OTHER])
    return (
        Op("put", {"PartitionKey": PARTITION, "RowKey": own, **to_row(record)}),
        Op("put", {"PartitionKey": PARTITION, "RowKey": pointer, "v": SCHEMA_VERSION, "record": own, "version": "1"}),
    )
