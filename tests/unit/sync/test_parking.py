"""Children wait for parents, and are never forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.model import Marking, Parent
from shared.sync import explain, failures, finish, parking
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, Toy, World
from tests.unit.sync.toys import ChildToy


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


# --- what a child is given, what a person is told ---------------------------------------------------------------------


async def _kin(make_world: MakeWorld) -> World:
    return await make_world(Toy("parent", parent_of=("child",)), ChildToy("child"))


async def test_a_child_is_written_with_the_far_keys_of_its_parents(make_world: MakeWorld) -> None:
    world = await _kin(make_world)
    for name in ("mum", "dad"):
        world.other.put(name, name=name)
    await world.sync(object_name="parent")
    keys = {row["name"]: key for key, row in world.sap.rows.items()}
    for n, parent in enumerate(("mum", "dad", "mum")):
        world.other.put(f"kid-{n}", name=f"Child {n}", parent=parent)
    await world.sync(object_name="child")
    notes = {row["name"]: row["note"] for row in world.sap.rows.values() if row["name"].startswith("Child")}
    assert notes == {"Child 0": keys["mum"], "Child 1": keys["dad"], "Child 2": keys["mum"]}


async def test_a_child_that_gets_another_parent_is_written_with_that_one(make_world: MakeWorld) -> None:
    world = await _kin(make_world)
    world.other.put("mum", name="mum")
    await world.sync(object_name="parent")
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    world.clock.forward(7200)
    world.other.put("kid", parent="dad")
    assert (await world.sync(object_name="child")).counts["parked"] == 1
    (child,) = [key for key, row in world.sap.rows.items() if row["name"] == "Child"]
    before = world.sap.rows[child]["note"]
    world.other.put("dad", name="dad")
    await world.sync(object_name="parent")
    await world.sync(object_name="child")
    (dad,) = [key for key, row in world.sap.rows.items() if row["name"] == "dad"]
    assert (world.sap.rows[child]["note"], before != dad) == (dad, True)


async def test_a_child_that_waits_for_another_parent_still_gets_what_sap_sends(make_world: MakeWorld) -> None:
    world = await _kin(make_world)
    world.other.put("mum", name="mum")
    await world.sync(object_name="parent")
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    world.clock.forward(7200)
    await world.sync(object_name="child")
    world.clock.forward(7200)
    (child,) = [key for key, row in world.sap.rows.items() if row["name"] == "Child"]
    note = world.sap.rows[child]["note"]
    world.other.put("kid", parent="dad")
    world.sap.put(child, size="bigger")
    await world.sync(object_name="child")
    record = await world.record("kid", OTHER, "child")
    assert (world.other.rows["kid"]["size"], world.sap.rows[child]["note"]) == ("bigger", note)
    still_waits = bool(record.parked)
    world.other.put("dad", name="dad")
    await world.sync(object_name="parent")
    await world.sync(object_name="child")
    (dad,) = [key for key, row in world.sap.rows.items() if row["name"] == "dad"]
    assert world.sap.rows[child]["note"] == dad
    assert (await world.record("kid", OTHER, "child")).parked == ()
    assert still_waits, "what waits is neither listed nor given up in time"


async def test_a_linked_child_of_which_nothing_moved_does_not_look_for_its_parents(make_world: MakeWorld) -> None:
    world = await _kin(make_world)
    world.other.put("mum", name="mum")
    await world.sync(object_name="parent")
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    world.clock.forward(7200)
    await world.sync(object_name="child")
    loaded: list[str] = []
    inner = world.hub.records.load

    async def load(pk: str, *arguments: Any, **named: Any) -> Any:
        loaded.append(pk)
        return await inner(pk, *arguments, **named)

    world.hub.records.load = load  # type: ignore[method-assign]
    world.clock.forward(7200)
    world.other.put("kid", scope="yes")
    await world.sync(object_name="child")
    assert "toy|child" in loaded
    assert "toy|parent" not in loaded


class MarkedParent(Toy):
    """A parent that takes part by its mark."""

    marking = Marking("toys", name_column="name", group_column="group")


async def test_what_a_child_waits_for_names_the_parent_and_every_way_to_help(make_world: MakeWorld) -> None:
    world = await make_world(MarkedParent("parent", parent_of=("child",)), Toy("child"))
    text = parking.waiting_for(world.type, [Parent("parent", OTHER, "mum"), Parent("parent", OTHER, "dad")])
    assert text.count("parent is linked") == 1
    assert "toys/marks" in text
    assert "PUT" in text
    assert "mum" not in text
    both = parking.waiting_for(world.type, [Parent("parent", OTHER, "mum"), Parent("child", OTHER, "x")])
    assert "its child and its parent are linked" in both
    assert both.count("/marks") == 1
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    told = await explain.explain(world.hub, "toy", "child", OTHER, "kid")
    assert "toys/marks" in told["summary"]


def who_asks(world: World) -> list[str]:
    """The partitions whose waiters are looked at from now on."""
    asked: list[str] = []
    inner = world.hub.records.waiting

    async def waiting(pk: str) -> tuple[list[str], list[str]]:
        asked.append(pk)
        return await inner(pk)

    world.hub.records.waiting = waiting  # type: ignore[method-assign]
    return asked


@pytest.mark.parametrize("parents", [1, 60])
async def test_a_slice_of_many_linked_parents_asks_once_who_waits(make_world: MakeWorld, parents: int) -> None:
    world = await make_world(Toy("parent", parent_of=("child",)), Toy("child"))
    world.hub.slice_size = 100
    world.other.put("kid", name="Child", parent="p-00")
    world.other.put("stray", name="Stray", parent="nobody")
    await world.sync(object_name="child")
    for n in range(parents):
        world.other.put(f"p-{n:02}", name=f"P{n}")
    asked = who_asks(world)
    await world.sync(object_name="parent")
    assert asked == ["toy|parent"]
    assert (await world.record("kid", OTHER, "child")).due
    assert not (await world.record("stray", OTHER, "child")).due
    waiting = [key for key in await world.row_keys("w:", "parent") if ":child:" in key]
    assert waiting == ["w:o:nobody:child:o:stray"], "who waits for another parent still waits"


async def test_a_slice_in_which_nothing_is_linked_anew_does_not_ask_who_waits(make_world: MakeWorld) -> None:
    world = await _family(make_world)
    world.other.put("mum", name="Parent")
    await world.sync(object_name="parent")
    world.clock.forward(7200)
    world.other.put("mum", note="edited")
    asked = who_asks(world)
    assert (await world.sync(object_name="parent")).counts["updated"]
    assert asked == []
