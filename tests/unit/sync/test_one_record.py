"""One thing is one record: entered from both sides at once, merged, spelled otherwise, unlinked and linked again."""

from __future__ import annotations

from shared.errors import Rejected
from shared.sync import links, sync_now
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP


async def test_a_customer_marked_while_it_is_being_matched_is_one_record(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    world.other.put("g-1", number="C1", name="Antonia")
    marked = False

    inner = world.other.write

    async def write(entity, writes):  # type: ignore[no-untyped-def]
        nonlocal marked
        if not marked:
            marked = True
            await world.mark("C1")
        return await inner(entity, writes)

    world.other.write = write  # type: ignore[method-assign]
    await world.sync()
    assert marked
    for _ in range(3):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert len(await world.row_keys("r:")) == 1
    assert not await world.row_keys("d:")
    assert not await world.row_keys("f:")
    record = await world.record("C1")
    assert record.linked
    assert "manual" in record.mark.batches
    assert len(world.other.rows) == 1


async def test_a_merge_into_a_record_of_the_same_slice_makes_no_second_customer(make_world: MakeWorld) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    world.other.put("master", name="Anton")
    world.other.put(guid, master="master")
    await world.sync()
    for _ in range(3):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert list(world.sap.rows) == ["C1"]
    assert (await world.record("C1")).keys[OTHER] == "master"
    assert not await world.row_keys("f:")


async def test_keys_in_another_spelling_make_no_second_record(make_world: MakeWorld) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    inner = world.other.read

    async def read(entity, keys):  # type: ignore[no-untyped-def]
        rows = await inner(entity, [k.lower() for k in keys])
        return {k: rows[k.lower()] for k in keys if k.lower() in rows}

    world.other.read = read  # type: ignore[method-assign]
    answer = await sync_now.sync_now(world.hub, "toy", "thing", "delta", [(OTHER, guid.upper())])
    await world.drain()
    assert answer.unknown == ()
    assert len(await world.row_keys("r:")) == 1
    assert not await world.row_keys("d:")


async def test_a_record_unlinked_by_hand_never_overwrites_what_was_its_own(make_world: MakeWorld) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    world.other.rows[guid]["number"] = None
    await links.undo(world.hub, "toy", "thing", SAP, "C1")
    world.sap.put("C2", name="Berta")
    await links.make(world.hub, "toy", "thing", "C2", guid)
    await world.sync()
    world.other.put(guid, name="Berta", number="C2")
    world.clock.forward(3600)
    await world.sync()
    world.sap.put("C1", name="Anton again")
    world.clock.forward(3600)
    await world.sync()
    assert world.other.rows[guid]["name"] == "Berta"


async def test_a_merge_into_a_record_that_is_known_but_not_linked_leaves_one(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    (guid,) = world.other.rows
    world.clock.forward(3600)
    world.sap.before_write = lambda write: Rejected("no")
    world.other.put("master", name="Antonio")
    await world.sync()
    world.sap.before_write = lambda write: None
    assert (await world.record("master", OTHER)).failure
    world.clock.forward(3600)
    world.other.rows[guid]["master"] = "master"
    world.sap.put("C1", name="Berta")
    await world.sync()
    world.clock.forward(3600)
    world.other.put("master", note="x")
    await world.sync()
    assert await world.row_keys("r:") == ["r:s:C1"]
    assert not await world.row_keys("f:")
    assert world.sap.rows["C1"]["note"] == "x"
    assert list(world.sap.rows) == ["C1"]
