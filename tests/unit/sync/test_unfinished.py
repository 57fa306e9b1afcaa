"""What one direction left to do is not forgotten when the other direction sees nothing of it."""

from __future__ import annotations

from shared.errors import Rejected, Transient
from shared.sync import links
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP


async def test_an_incoming_edit_that_must_be_retried_survives_an_unmarked_sap_record(make_world: MakeWorld) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    await world.mark("C1", on=False)
    world.other.put(guid, name="From there")
    world.sap.before_write = lambda write: Transient("away")
    run = await world.sync()
    assert run.counts["retrying"] >= 1
    world.sap.before_write = lambda write: None
    world.clock.forward(3600)
    await sweep(world.hub)
    await world.drain()
    assert world.sap.rows["C1"]["name"] == "From there"
    assert not await world.row_keys("d:")


async def test_an_incoming_edit_that_must_be_retried_survives_an_echo_of_the_other_direction(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    world.other.put(guid, name="From there")
    world.sap.put("C1")  # touched: a new version, no field of ours
    world.sap.before_write = lambda write: Transient("away")
    await world.sync()
    world.sap.before_write = lambda write: None
    for _ in range(3):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert world.sap.rows["C1"]["name"] == "From there"


async def test_a_failure_of_one_direction_stays_listed_when_the_other_direction_sees_nothing(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    world.other.put(guid, name="Refused")
    world.sap.before_write = lambda write: Rejected("no")
    await world.sync()
    assert (await world.record("C1")).failure
    world.clock.forward(3600)
    world.sap.put("C1")
    await world.sync()
    assert (await world.record("C1")).failure
    world.sap.before_write = lambda write: None


async def test_a_failure_coming_in_stays_listed_when_the_record_does_not_go_out(make_world: MakeWorld) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    await world.mark("C1", on=False)
    world.other.put(guid, name="Refused")
    world.sap.before_write = lambda write: Rejected("no")
    await world.sync()
    assert (await world.record("C1")).failure
    world.clock.forward(3600)
    world.sap.put("C1", note="edited in SAP")
    await world.sync()
    assert (await world.record("C1")).failure
    assert world.other.rows[guid]["note"] == "n"


async def test_an_edit_taken_back_after_a_conflict_lets_the_other_edit_travel(make_world: MakeWorld) -> None:
    world = await make_world(rule="ask")
    guid = await world.linked_pair()
    world.sap.put("C1", name="SAP's")
    world.other.put(guid, name="theirs")
    await world.sync()
    world.clock.forward(3600)
    world.sap.put("C1", name="Anton")
    await world.sync()
    assert world.sap.rows["C1"]["name"] == "theirs"
    record = await world.record("C1")
    assert (record.failure, record.asked) == (None, ())


async def test_an_answer_is_used_once_even_while_another_field_waits(make_world: MakeWorld) -> None:
    world = await make_world(rule="ask")
    guid = await world.linked_pair()
    world.sap.put("C1", name="SAP's", note="SAP's")
    world.other.put(guid, name="theirs", note="theirs")
    await world.sync()
    await links.resolve(world.hub, "toy", "thing", SAP, "C1", {"name": OTHER})
    await world.sync()
    assert world.sap.rows["C1"]["name"] == "theirs"
    world.clock.forward(3600)
    world.sap.put("C1", name="edited later in SAP")
    await world.sync()
    assert world.other.rows[guid]["name"] == "edited later in SAP"
    assert world.sap.rows["C1"]["name"] == "edited later in SAP"
