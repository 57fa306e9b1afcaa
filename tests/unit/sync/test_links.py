"""Links by hand, and conflicts that a person decides."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest
from shared.objects.model import Rule
from shared.ports import Mark
from shared.stores.records import new_record
from shared.sync import links
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import OTHER, SAP

PK = "toy|thing"


async def test_a_link_by_hand_joins_two_records_and_the_next_run_merges_them(world: ApiWorld):
    world.sap.put("C0001", name="ours", note="only here")
    world.other.put("o-1", name="theirs", size="only there")
    made = await links.make(world.hub, "toy", "thing", "c0001", "o-1")
    assert (made["sap"], made["other"]) == ("C0001", "o-1")
    assert (await world.record("C0001")).linked
    await world.sync()
    assert world.sap.rows["C0001"]["size"] == "only there"
    assert world.other.rows["o-1"]["note"] == "only here"
    assert world.other.rows["o-1"]["name"] == "ours", "no base: the rule decides"


async def test_making_a_link_again_changes_nothing(world: ApiWorld):
    world.sap.put("C0001", name="x")
    world.other.put("o-1", name="x")
    await links.make(world.hub, "toy", "thing", "C0001", "o-1")
    await world.sync()
    before = (await world.record("C0001")).etag
    await links.make(world.hub, "toy", "thing", "C0001", "o-1")
    assert (await world.record("C0001")).etag == before


async def test_both_records_must_exist(world: ApiWorld):
    world.sap.put("C0001", name="x")
    with pytest.raises(BadRequest) as refused:
        await links.make(world.hub, "toy", "thing", "C0001", "o-1")
    assert (refused.value.status, refused.value.fields) == (404, ("other",))


async def test_neither_record_may_be_linked_elsewhere(world: ApiWorld):
    for n in (1, 2):
        world.sap.put(f"C000{n}", name="x")
        world.other.put(f"o-{n}", name="x")
    await links.make(world.hub, "toy", "thing", "C0001", "o-1")
    for sap, other, field in (("C0001", "o-2", "sap"), ("C0002", "o-1", "other")):
        with pytest.raises(BadRequest) as refused:
            await links.make(world.hub, "toy", "thing", sap, other)
        assert (refused.value.status, refused.value.fields) == (409, (field,))


async def test_two_known_records_become_one(world: ApiWorld):
    world.sap.put("C0001", name="x")
    world.other.put("o-1", name="x")
    ours, theirs = new_record(SAP, "C0001"), new_record(OTHER, "o-1")
    ours.mark = Mark(frozenset({"manual"}), {"kind": "small"})
    theirs.set_due(world.clock())
    assert not await world.hub.records.save(PK, [ours, theirs])
    await links.make(world.hub, "toy", "thing", "C0001", "o-1")
    record = await world.record("o-1", OTHER)
    assert (record.born, record.keys) == (SAP, {SAP: "C0001", OTHER: "o-1"})
    assert record.mark.batches == {"manual"}
    rows = [row["RowKey"] async for row in world.hub.records.rows(PK, "r:")]
    assert rows == ["r:s:C0001"]


async def test_a_link_by_hand_wakes_the_children_that_waited_for_it(world: ApiWorld):
    world.sap.put("C0001", name="x")
    world.other.put("o-1", name="x")
    child = new_record(SAP, "child")
    child.parked = ("thing|sap|C0001",)
    await world.hub.records.save(PK, [child])
    await world.hub.records.park(PK, SAP, "C0001", ("thing", SAP, "child"))
    world.type.objects[0].parent_of = ("thing",)
    await links.make(world.hub, "toy", "thing", "C0001", "o-1")
    assert (await world.record("child")).due


async def test_an_undone_link_keeps_the_mark_and_both_records(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    other = (await world.record("C0001")).keys[OTHER]
    undone = await links.undo(world.hub, "toy", "thing", OTHER, other)
    assert (undone["sap"], undone["other"]) == ("C0001", other)
    record = await world.record("C0001")
    assert (record.linked, record.mark.on) == (False, True)
    assert await world.record(other, OTHER) is None
    assert {*world.sap.rows, *world.other.rows} == {"C0001", other}
    with pytest.raises(BadRequest) as refused:
        await links.undo(world.hub, "toy", "thing", SAP, "C0001")
    assert refused.value.status == 404


async def test_undoing_the_link_of_what_was_deleted_there_lets_it_be_created_again(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    world.other.rows.clear()
    world.clock.forward(60)
    world.sap.put("C0001", name="edited")
    assert (await world.sync()).counts == {"deleted": 1}
    await links.undo(world.hub, "toy", "thing", SAP, "C0001")
    assert (await world.record("C0001")).failure is None
    assert (await world.sync()).counts == {"created": 1}


async def test_links_are_listed_page_by_page(world: ApiWorld):
    world.stock(5)
    await world.mark("C0001", "C0002", "C0004")
    await world.sync()
    await world.mark("C0003")
    seen, more = [], None
    while True:
        page, more = await links.list_links(world.hub, "toy", "thing", more, 2)
        seen += [one["sap"] for one in page]
        if more is None:
            break
    assert seen == ["C0001", "C0002", "C0004"]
    assert (await links.get_link(world.hub, "toy", "thing", SAP, "C0002"))["sap"] == "C0002"
    with pytest.raises(BadRequest):
        await links.get_link(world.hub, "toy", "thing", SAP, "C0003")


# --- conflicts ----------------------------------------------------------------------------------------------------------


async def conflict(world: ApiWorld) -> str:
    """C0001 edited on both sides; answers the other key."""
    await world.change_settings(rule=Rule.ASK)
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    other = (await world.record("C0001")).keys[OTHER]
    world.clock.forward(600)
    world.sap.put("C0001", name="ours", note="ours")
    world.other.put(other, name="theirs", note="theirs")
    assert (await world.sync()).counts["conflict"] == 1
    return other


async def test_a_conflict_is_decided_field_by_field(world: ApiWorld):
    other = await conflict(world)
    half = await links.resolve(world.hub, "toy", "thing", SAP, "C0001", {"name": OTHER})
    assert (half["resolved"], half["open"]) == (["name"], ["note"])
    await links.resolve(world.hub, "toy", "thing", OTHER, other, {"note": SAP})
    await world.sync()
    assert (world.sap.rows["C0001"]["name"], world.other.rows[other]["name"]) == ("theirs", "theirs")
    assert (world.sap.rows["C0001"]["note"], world.other.rows[other]["note"]) == ("ours", "ours")
    assert (await world.record("C0001")).failure is None


async def test_only_fields_in_conflict_can_be_decided(world: ApiWorld):
    await conflict(world)
    with pytest.raises(BadRequest, match="name, note") as refused:
        await links.resolve(world.hub, "toy", "thing", SAP, "C0001", {"size": SAP})
    assert refused.value.status == 400


async def test_a_record_without_a_conflict_cannot_be_resolved(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    with pytest.raises(BadRequest) as refused:
        await links.resolve(world.hub, "toy", "thing", SAP, "C0001", {"name": SAP})
    assert refused.value.status == 409
