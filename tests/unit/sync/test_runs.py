"""Runs: joined, followed up, revived, cancelled; planners that die."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.errors import BadRequest, Transient
from shared.sync import finish, plan
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import World


async def test_sync_now_five_times_at_once_makes_one_run_before_it_begins(make_world: MakeWorld) -> None:
    world = await make_world()
    runs = await asyncio.gather(*(start(world.hub, "toy", "thing", "delta", "test") for _ in range(5)))
    assert len(set(runs)) == 1


async def test_during_a_run_all_further_requests_share_one_follow_up(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    first = await start(world.hub, "toy", "thing", "delta", "test")
    await world.handle_one()
    later = await asyncio.gather(*(start(world.hub, "toy", "thing", "delta", "test") for _ in range(5)))
    assert first not in later
    assert len(set(later)) == 1
    await world.drain()
    for run in (first, later[0]):
        ended = await world.hub.runs.run(run)
        assert ended is not None
        assert ended.status == "succeeded"


async def test_what_was_saved_before_the_call_is_in_the_run_that_is_named(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await start(world.hub, "toy", "thing", "delta", "test")
    await world.handle_one()
    world.sap.put("C2", name="Saved while the first run is at work")
    await world.mark("C2")
    run = await start(world.hub, "toy", "thing", "delta", "test")
    await world.drain()
    ended = await world.hub.runs.run(run)
    assert ended is not None
    assert ended.status == "succeeded"
    assert world.agree("C2")


async def test_a_wider_request_widens_the_run_that_waits(make_world: MakeWorld) -> None:
    world = await make_world()
    one = await start(world.hub, "toy", "thing", "delta", "test")
    two = await start(world.hub, "toy", "thing", "full", "test")
    assert one == two
    await world.drain()
    ended = await world.hub.runs.run(one)
    assert ended is not None
    assert ended.mode == "full"


async def test_before_initialize_nothing_runs_and_it_runs_only_once(make_world: MakeWorld) -> None:
    world = await make_world(initialized=False)
    with pytest.raises(BadRequest) as refused:
        await start(world.hub, "toy", "thing", "delta", "test")
    assert refused.value.status == 409
    world.sap.put("C1", name="Anton")
    world.other.put("g-1", name="Born there")
    await world.mark("C1")
    run = await world.sync("initialize")
    assert run.status == "succeeded"
    assert world.agree("C1")
    assert len(world.sap.rows) == 2
    with pytest.raises(BadRequest):
        await start(world.hub, "toy", "thing", "initialize", "test")


async def _blocked(world: World) -> None:
    """The sweeper must bring the object back into motion."""
    for _ in range(4):
        world.clock.forward(1000)
        await sweep(world.hub)
        await world.drain(sweeping=True)
    state = await world.hub.runs.object("toy", "thing")
    assert state.active is None
    assert world.agree("C1")


async def test_a_run_whose_first_message_was_never_sent_is_revived(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await start(world.hub, "toy", "thing", "delta", "test")
    world.queues.messages.clear()
    await _blocked(world)


async def test_a_planner_that_dies_before_sending_its_slices_is_continued(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await start(world.hub, "toy", "thing", "delta", "test")

    async def dying(*arguments: object, **named: object) -> None:
        raise asyncio.CancelledError

    kept, world.hub.send_slice = world.hub.send_slice, dying  # type: ignore[method-assign,assignment]
    with pytest.raises(asyncio.CancelledError):
        await world.handle_one()
    world.hub.send_slice = kept  # type: ignore[method-assign]
    await _blocked(world)


async def test_slices_whose_messages_are_lost_are_sent_again(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await start(world.hub, "toy", "thing", "delta", "test")
    while not any(q == "deliveries" for _, q, _ in world.queues.messages):
        await world.handle_one()
    world.queues.messages.clear()
    await _blocked(world)


async def test_a_cancelled_run_drops_its_slices_and_leaves_the_watermark(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    before = (await world.hub.runs.object("toy", "thing")).watermarks
    run = await start(world.hub, "toy", "thing", "delta", "test")
    await world.handle_one()
    await finish.cancel(world.hub, run)
    await world.drain()
    assert world.other.rows == {}
    state = await world.hub.runs.object("toy", "thing")
    assert (state.active, state.watermarks) == (None, before)
    assert (await world.sync()).status == "succeeded"
    assert world.agree("C1")


async def test_a_plan_of_many_pages_continues_from_its_cursor_and_misses_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(1200):
        world.other.put(f"g-{n:05}", name=f"N{n}", scope="elsewhere")
    world.hub.times = world.hub.times.model_copy(update={"plan_budget": 0.001})
    run = await world.sync("full")
    assert run.counts == {"skipped": 1200}


async def test_an_idle_scheduled_run_leaves_a_counter_not_a_row(make_world: MakeWorld) -> None:
    world = await make_world()
    run = await start(world.hub, "toy", "thing", "delta", "schedule")
    await world.drain()
    assert await world.hub.runs.run(run) is None
    assert (await world.hub.runs.object("toy", "thing")).idle_runs == 1


async def test_the_watermark_is_the_sources_clock_at_the_start_of_planning(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    begun = world.clock()
    await world.sync()
    state = await world.hub.runs.object("toy", "thing")
    assert state.watermarks["in"] == begun
    assert state.watermarks["out"] >= begun


async def test_a_row_committed_late_below_the_watermark_is_found_by_the_overlap(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.sync()
    world.other.put("g-1", name="Late")
    world.clock.forward(200)
    world.other.rows["g-1"]["modified"] = (await world.hub.runs.object("toy", "thing")).watermarks["in"].isoformat()
    await world.sync()
    assert len(world.sap.rows) == 1


async def test_a_scheduled_run_that_somebody_joined_keeps_its_row(make_world: MakeWorld) -> None:
    world = await make_world()
    await start(world.hub, "toy", "thing", "delta", "schedule")
    run = await start(world.hub, "toy", "thing", "delta", "request")
    await world.drain()
    ended = await world.hub.runs.run(run)
    assert ended is not None
    assert ended.status == "succeeded"


async def test_runs_are_listed_newest_first_and_forgotten_when_they_are_old(make_world: MakeWorld) -> None:
    world = await make_world()
    first = await world.sync()
    world.clock.forward(60)
    second = await world.sync()
    runs, _ = await world.hub.runs.list_runs("toy", "thing", None, 10)
    assert [r.id for r in runs] == [second.id, first.id]
    world.clock.forward(world.hub.times.run_retention)
    await sweep(world.hub)
    runs, _ = await world.hub.runs.list_runs("toy", "thing", None, 10)
    assert [r.id for r in runs] == []


async def test_settings_that_no_longer_fit_stop_the_run_with_their_name(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.change_settings(rule="nonsense")
    run = await world.sync()
    assert run.status == "stopped"
    assert "rule" in run.reason


async def test_a_look_that_loses_its_race_keeps_the_chain_of_messages(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await start(world.hub, "toy", "thing", "delta", "test")
    inner = world.hub.runs.plan
    came = 0

    async def planned(run: str):  # type: ignore[no-untyped-def]
        nonlocal came
        answer = await inner(run)
        if came < 1 and answer.planned:
            came += 1
            await start(world.hub, "toy", "thing", "delta", "request")
        return answer

    world.hub.runs.plan = planned  # type: ignore[method-assign]
    await world.drain()
    assert came
    state = await world.hub.runs.object("toy", "thing")
    assert state.active is None
    assert state.follow_up is None


async def test_a_look_that_dies_after_moving_the_plan_on_does_not_skip_the_next_direction(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    inner = world.hub.runs.save_plan
    raced = False

    async def save_plan(run, plan, some=()):  # type: ignore[no-untyped-def]
        nonlocal raced
        await inner(run, plan, some)
        if plan.phase == 1 and not plan.planned and not some and not raced:
            raced = True
            await start(world.hub, "toy", "thing", "delta", "request")

    world.hub.runs.save_plan = save_plan  # type: ignore[method-assign]
    run = await start(world.hub, "toy", "thing", "full", "test")
    await world.drain()
    assert raced
    ended = await world.hub.runs.run(run)
    assert ended is not None
    assert ended.counts.get("created") == 2, ended.counts


async def test_a_rescan_is_not_used_up_by_a_run_of_due_records(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Elsewhere", scope="no")
    await world.sync()
    world.clock.forward(86400)
    await world.sync()
    world.clock.forward(86400)
    await world.change_settings(scope="no")
    state = await world.hub.runs.object("toy", "thing")
    state.rescan = ("in",)
    await world.hub.runs.save_object(state)
    await world.sync("due")
    run = await world.sync()
    assert run.counts.get("created") == 1, run.counts


async def test_a_plan_whose_every_page_takes_too_long_ends(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(30):
        world.other.put(f"g-{n:05}", name=f"N{n}", scope="elsewhere")

    def slow(verb: str, detail: object) -> None:
        if verb == "changed":
            world.clock.forward(200)

    world.other.trouble.append(slow)
    run = await world.sync("full")
    assert run.counts == {"skipped": 30}


async def test_a_plan_that_waits_late_in_a_run_does_not_wait_for_a_quarter_of_an_hour(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    state_before = world.clock()
    times = 0

    def down(verb: str, detail: object) -> None:
        nonlocal times
        if verb == "changed" and times < 1:
            times += 1
            raise Transient("away")

    run = await start(world.hub, "toy", "thing", "delta", "test")
    state = await world.hub.runs.object("toy", "thing")
    state.beat = 40
    await world.hub.runs.save_object(state)
    world.queues.messages.clear()
    await world.hub.send_run(run, "plan", 40)
    world.other.trouble.append(down)
    await world.drain()
    assert world.clock() - state_before < timedelta(seconds=300)


async def test_three_planners_at_once_on_one_run_plan_every_key_once(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(2500):
        world.other.put(f"g-{n:05}", name=f"N{n}", scope="no")
    run = await start(world.hub, "toy", "thing", "delta", "test")
    message = {"v": 1, "run": run, "step": "plan", "beat": 0}
    hubs = [world.another_hub(world.tables) for _ in range(3)]
    await asyncio.gather(*(plan.on_message(hub, message) for hub in hubs))
    await world.drain(2000)
    ended = await world.hub.runs.run(run)
    assert ended.counts == {"skipped": 2500}, ended.counts
