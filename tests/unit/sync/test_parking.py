"""Children wait for parents, and are never forgotten."""

from __future__ import annotations

from shared.sync import parking
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
