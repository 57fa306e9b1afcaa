"""Objects that go without marks, on demand, by another's marks, after others."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest, Rejected
from shared.sync import configure, sync_now
from shared.sync.schedule import Schedule
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.documents import Books, Group, Member, Receipt, Stock
from tests.unit.sync.harness import OTHER, Toy, World


async def _sync_until_quiet(world: World) -> None:
    for _ in range(3):
        world.clock.forward(120)
        await sweep(world.hub)
        await world.drain(sweeping=True)


# --- all take part, on demand -----------------------------------------------------------------------------------------


async def test_all_groups_go_out_without_a_mark_and_equal_names_are_linked(make_world: MakeWorld) -> None:
    world = await make_world(Group(), Member(), initialized=False)
    world.sap.put("1", name="Wholesale")
    world.sap.put("2", name="Retail")
    world.other.put("g9", name="Retail")
    await world.sync("initialize", "group")
    assert sorted(row["name"] for row in world.other.rows.values()) == ["Retail", "Wholesale"]
    assert (await world.record("2", object_name="group")).keys[OTHER] == "g9"


async def test_a_group_made_in_sap_later_travels_when_its_member_does(make_world: MakeWorld) -> None:
    world = await make_world(Group(), Member("thing"))
    world.sap.put("7", name="New group")
    world.sap.put("C1", name="Anton", group="7")
    del world.sap.rows["7"]["modified"]
    world.sap.rows["7"]["modified"] = ""
    await world.mark("C1")
    run = await world.sync()
    assert run.counts["parked"] == 1
    await _sync_until_quiet(world)
    assert (await world.record("7", object_name="group")).linked
    assert (await world.record("C1")).linked


async def test_what_travels_on_demand_has_no_sync_now_and_no_schedule(make_world: MakeWorld) -> None:
    world = await make_world(Group())
    with pytest.raises(BadRequest, match="when a record needs it"):
        await sync_now.sync_now(world.hub, "toy", "group", None, [])
    with pytest.raises(BadRequest, match="when a record needs it"):
        await configure.save_schedule(world.hub, "toy", "group", Schedule.model_validate({"run": "never"}))


async def test_sync_now_without_a_mode_runs_in_the_objects_own(make_world: MakeWorld) -> None:
    toy = Toy()
    toy.sync_now_mode = "full"
    world = await make_world(toy)
    started = await sync_now.sync_now(world.hub, "toy", "thing", None, [])
    run = await world.hub.runs.run(started.run)
    assert run is not None
    assert run.mode == "full"


# --- by another's marks, after others ---------------------------------------------------------------------------------


async def _warehouse(make_world: MakeWorld, stock: Stock) -> World:
    """Two things, one of them marked; the receipts of the tills come before the stock."""
    world = await make_world(Toy(), Receipt("receipt"), stock)
    world.sap = Books(world.clock, "D")
    for key in ("A", "B"):
        world.sap.put(key, name=key, size="5")
    await world.mark("A")
    return world


async def test_stock_goes_out_for_what_another_object_marked_and_only_when_it_moved(make_world: MakeWorld) -> None:
    world = await _warehouse(make_world, Stock())
    await world.sync(object_name="stock")
    (key,) = world.other.rows
    assert world.other.rows[key]["size"] == "5"
    writes = world.other.writes
    world.clock.forward(3600)
    await world.sync(object_name="stock")
    assert world.other.writes == writes
    world.sap.rows["A"]["size"] = "4"  # no stamp moves
    await world.sync(object_name="stock")
    assert (world.other.rows[key]["size"], world.other.writes) == ("4", writes + 1)


async def test_a_stock_run_brings_the_receipts_first(make_world: MakeWorld) -> None:
    world = await _warehouse(make_world, Stock())
    world.other.put("r1", name="N", pay=["cash"])
    await start(world.hub, "toy", "stock", "delta", "test")
    order: list[str] = []
    ours, theirs = world.sap.write, world.other.write

    async def in_sap(entity, writes):  # type: ignore[no-untyped-def]
        order.append(entity.set)
        return await ours(entity, writes)

    async def at_the_tills(entity, writes):  # type: ignore[no-untyped-def]
        order.append("stock")
        return await theirs(entity, writes)

    world.sap.write, world.other.write = in_sap, at_the_tills  # type: ignore[method-assign]
    await world.drain()
    assert order == ["things", "payments", "stock"]


@pytest.mark.parametrize("without", [False, True])
async def test_while_a_receipt_is_missing_stock_is_read_only_if_the_settings_say_so(
    make_world: MakeWorld, without: bool
) -> None:
    world = await _warehouse(make_world, Stock(without=without))
    world.other.put("r1", name="N", pay=["cash"])
    world.sap.before_write = lambda write: Rejected("no") if "ref" in write.body else None
    run = await world.sync(object_name="stock")
    assert run.status == ("succeeded" if without else "stopped")
    assert len([row for row in world.other.rows.values() if row["size"] == "5"]) == int(without)
    if not without:
        assert "receipt" in run.reason
        world.sap.before_write = lambda write: None
        await world.sync("full", "receipt")
        assert (await world.sync(object_name="stock")).status == "succeeded"
