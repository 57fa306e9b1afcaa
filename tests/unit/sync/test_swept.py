"""Sweeps: what is marked is compared with what was agreed, by a schedule of its own, and an idle one costs nothing there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import BadRequest
from shared.stores.records import Records
from shared.sync import configure, due_starts
from shared.sync.schedule import Frequency, Schedule, Timing
from shared.sync.start import covers, start
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import World
from tests.unit.sync.toys import SweptToy

DAILY = {"run": "daily", "every": "12:00"}


async def _swept(make_world: MakeWorld, count: int = 3) -> World:
    """So many linked records, agreed on long ago."""
    world = await make_world(SweptToy(), directions=["out"])
    for n in range(count):
        world.sap.put(f"C{n:03}", name=f"N{n}", size="s")
    await world.mark(*world.sap.rows)
    await world.sync()
    for _ in range(2):
        world.clock.forward(7200)
        await world.sync()
    world.clock.forward(7200)
    return world


async def test_a_sweep_finds_what_changed_without_a_stamp_and_a_delta_does_not(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    world.sap.rows["C001"]["size"] = "changed without a stamp"
    assert (await world.sync()).counts == {}
    run = await world.sync("sweep")
    assert run.counts == {"updated": 1, "unchanged": 2}
    assert world.agree("C001")


async def test_an_idle_sweep_writes_nothing_and_reads_nothing_of_the_other_side(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    writes = (world.sap.writes, world.other.writes)
    before = {row["RowKey"]: row["etag"] async for row in world.hub.records.rows("toy|thing", "")}
    world.other.calls.clear()
    world.sap.calls.clear()
    for _ in range(3):
        world.clock.forward(7200)
        assert (await world.sync("sweep")).counts == {"unchanged": 3}
    assert (world.sap.writes, world.other.writes) == writes
    assert world.other.calls == []
    assert "write" not in world.sap.calls
    assert "changed" not in world.sap.calls, "the marks tell which records there are"
    assert {row["RowKey"]: row["etag"] async for row in world.hub.records.rows("toy|thing", "")} == before


async def test_a_full_run_reads_the_other_side_and_a_sweep_does_not_mend_what_was_edited_there(
    make_world: MakeWorld,
) -> None:
    world = await _swept(make_world, 1)
    world.other.calls.clear()
    await world.sync("sweep")
    assert "read" not in world.other.calls
    await world.sync("full")
    assert "read" in world.other.calls


async def test_a_sweep_carries_new_marks_due_records_and_what_was_born_there(make_world: MakeWorld) -> None:
    world = await make_world(SweptToy())
    world.other.put("g-1", name="Born there")
    await world.sync()
    world.sap.put("C9", name="new")
    await world.mark("C9")
    (guest,) = [key for key in world.sap.rows if key != "C9"]
    world.clock.forward(7200)
    world.sap.rows[guest]["size"] = "changed without a stamp"
    await world.sync("sweep")
    assert world.agree("C9")
    assert world.agree(guest)


async def test_a_sweep_covers_a_delta_and_is_covered_by_a_full_run(make_world: MakeWorld) -> None:
    assert covers("sweep", "delta")
    assert not covers("delta", "sweep")
    assert covers("full", "sweep")
    world = await _swept(make_world)
    await start(world.hub, "toy", "thing", "delta", "schedule")
    run = await start(world.hub, "toy", "thing", "sweep", "request")
    await world.drain()
    ended = await world.hub.runs.run(run)
    assert ended is not None
    assert (ended.mode, ended.counts) == ("sweep", {"unchanged": 3})


async def test_a_sweep_of_many_pages_reads_every_marked_record_once(make_world: MakeWorld) -> None:
    world = await _swept(make_world, 25)
    inner = world.hub.records.marked
    read: list[str] = []
    world.sap.at_read = read.extend

    async def small_pages(pk: str, after: str, size: int) -> Any:
        return await inner(pk, after, 4)

    world.hub.records.marked = small_pages  # type: ignore[method-assign]
    assert (await world.sync("sweep")).counts == {"unchanged": 25}
    assert sorted(read) == sorted(world.sap.rows)
    assert isinstance(world.hub.records, Records)


async def test_a_sweep_moves_the_watermark_to_the_clock_at_its_start(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    began = world.clock()
    await world.sync("sweep")
    state = await world.hub.runs.object("toy", "thing")
    assert state.watermarks["out"] == began


# --- by schedule ------------------------------------------------------------------------------------------------------


async def _scheduled(world: World, **parts: Any) -> dict[str, Any]:
    return await configure.save_schedule(world.hub, "toy", "thing", Schedule.model_validate(parts))


async def _started(world: World) -> list[str]:
    """The modes of the runs that a tick starts now, which are then worked on."""
    runs = await due_starts.tick(world.hub, "toy", "thing")
    modes = [run.mode for run in [await world.hub.runs.run(each) for each in runs] if run is not None]
    await world.drain()
    return modes


async def test_deltas_and_sweeps_start_each_at_its_own_times(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    begin = world.clock.moment = world.clock().replace(hour=16, minute=1)
    saved = await _scheduled(world, run="daily", every="06:00", sweep={"run": "daily", "at": "15:00"})
    assert [moment.hour for moment in saved["nextSweeps"]] == [15] * 5
    assert len(saved["nextStarts"]) == 5
    seen = []
    for hours in range(1, 49):
        world.clock.moment = max(world.clock.moment, begin + timedelta(hours=hours))
        seen += [(world.clock.moment.hour, mode) for mode in await _started(world)]
    assert seen == [
        (18, "delta"),
        (0, "delta"),
        (6, "delta"),
        (12, "delta"),
        (15, "sweep"),
        (18, "delta"),
        (0, "delta"),
        (6, "delta"),
        (12, "delta"),
        (15, "sweep"),
    ]


async def test_a_due_sweep_starts_without_a_schedule_of_deltas_and_is_remembered(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    await _scheduled(world, run="never", sweep=DAILY)
    assert await _started(world) == []
    world.clock.forward(3 * 86400)
    now = world.clock()
    assert await _started(world) == ["sweep"]
    state = await world.hub.runs.object("toy", "thing")
    assert state.last_sweep == now
    assert await _started(world) == [], "what was missed is made up once"


async def test_a_sweep_carries_the_delta_that_is_due_at_the_same_time(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    await _scheduled(world, **DAILY, sweep=DAILY)
    world.clock.forward(86400)
    assert await _started(world) == ["sweep"]
    assert await _started(world) == []


async def test_a_delta_does_not_count_as_a_sweep(make_world: MakeWorld) -> None:
    world = await _swept(make_world)
    await _scheduled(world, run="daily", every="06:00", sweep={"run": "weekly", "on": ["sun"], "at": "12:00"})
    before = (await world.hub.runs.object("toy", "thing")).last_sweep
    world.clock.forward(6 * 3600)
    assert await _started(world) == ["delta"]
    assert (await world.hub.runs.object("toy", "thing")).last_sweep == before


async def test_a_schedule_with_a_sweep_is_refused_for_objects_that_are_not_swept(make_world: MakeWorld) -> None:
    world = await make_world()
    with pytest.raises(BadRequest) as refused:
        await _scheduled(world, **DAILY, sweep=DAILY)
    assert (refused.value.code, refused.value.fields) == ("not-swept", ("sweep",))
    assert (await configure.get_schedule(world.hub, "toy", "thing"))["schedule"]["run"] == Frequency.NEVER
    assert "nextSweeps" not in await _scheduled(world, **DAILY)


def test_a_sweep_has_no_sweep_of_its_own_and_is_checked_like_a_schedule() -> None:
    for sweep in ({**DAILY, "sweep": DAILY}, {"run": "daily"}, {"run": "daily", "at": "25:00"}):
        with pytest.raises(ValueError):
            Schedule.model_validate({**DAILY, "sweep": sweep})
    assert Schedule.model_validate({"sweep": DAILY}).sweep == Timing.model_validate(DAILY)
