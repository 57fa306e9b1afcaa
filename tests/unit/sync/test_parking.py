"""Children wait for parents, and are never forgotten."""

from __future__ import annotations

import pytest

from shared.sync import failures, finish, parking
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, Toy, World


async def _family(make_world: MakeWorld) -> World:
    return await make_world(Toy("parent", parent_of=("child",)), Toy("child"))


async def test_a_child_before_its_parent_is_parked_then_freed(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("kid", name="Child", parent="mum")
    run = await world.sync(object_name="child")
    assert run.counts == {"parked": 1}
    assert world.sap.rows == {}
    world.other.put("mum", name="Parent")
    await world.sync(object_name="parent")
    await world.sync(object_name="child")
    child = await world.record("kid", OTHER, "child")
    assert child.linked
    assert child.parked == ()


async def test_a_parent_linked_between_the_childs_look_and_its_parking_frees_it(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("kid", name="Child", parent="mum")
    park = world.hub.records.park

    async def linked_meanwhile(*arguments):  # type: ignore[no-untyped-def]
        await park(*arguments)
        world.other.put("mum", name="Parent")
        mum = (await world.hub.records.get("toy|parent", OTHER, "mum")) or _new("mum")
        mum.keys = {OTHER: "mum", OTHER.opposite: "C0"}
        assert not await world.hub.records.save("toy|parent", [mum])

    world.hub.records.park = linked_meanwhile  # type: ignore[method-assign]
    await world.sync(object_name="child")
    assert (await world.record("kid", OTHER, "child")).due


def _new(key: str):  # type: ignore[no-untyped-def]
    from shared.stores.records import new_record

    return new_record(OTHER, key)


async def test_a_wake_up_that_a_crash_swallowed_is_made_up_by_the_sweeper(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    release = parking.release

    async def forgotten(*arguments: object) -> None:
        return None

    parking.release = forgotten  # type: ignore[assignment]
    try:
        world.other.put("mum", name="Parent")
        await world.sync(object_name="parent")
    finally:
        parking.release = release
    await sweep(world.hub)
    await world.drain(sweeping=True)
    await sweep(world.hub)
    await world.drain(sweeping=True)
    assert (await world.record("kid", OTHER, "child")).linked


async def test_a_parent_that_never_comes_turns_into_a_failure_that_says_what_to_do(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    world.clock.forward(world.hub.times.parked_limit + 1)
    await sweep(world.hub)
    child = await world.record("kid", OTHER, "child")
    assert child.failure.kind == "failed"
    assert "parent" in child.failure.reason


async def test_a_parked_child_whose_run_dies_and_is_cancelled_is_still_freed(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    # due again, then the process dies between saving the child and its waiter rows, and the run is cancelled
    async for row in world.hub.records.rows("toy|parent", "w:"):
        await world.hub.records.remove("toy|parent", row["RowKey"])
    kid = await world.record("kid", OTHER, "child")
    kid.set_due(world.clock())
    await world.hub.records.save("toy|child", [kid])
    world.clock.forward(3600)
    park = world.hub.records.park

    class Killed(BaseException):
        pass

    async def die(*arguments: object) -> None:
        raise Killed

    world.hub.records.park = die  # type: ignore[method-assign]
    run = await start(world.hub, "toy", "child", "due", "test")
    with pytest.raises(Killed):
        await world.drain()
    world.hub.records.park = park  # type: ignore[method-assign]
    await finish.cancel(world.hub, run)
    await world.drain()
    world.other.put("mum", name="Parent")
    await world.sync(object_name="parent")
    for _ in range(2):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert (await world.record("kid", OTHER, "child")).linked


async def test_a_retried_child_that_waits_again_is_listed_as_failed_no_more(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    world.clock.forward(world.hub.times.parked_limit + 1)
    await sweep(world.hub)
    assert await world.row_keys("f:", "child")
    await failures.retry(world.hub, "toy", failures.Chosen(object="child", keys=((OTHER, "kid"),)))
    await world.drain()
    assert not await world.row_keys("f:", "child")
    world.clock.forward(world.hub.times.parked_limit + 1)
    await sweep(world.hub)
    assert await world.row_keys("f:", "child")
