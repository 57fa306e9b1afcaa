"""Records that belong to records of another object: loaded through those, parked without a waiter, freed by a note."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Transient, UnknownOutcome
from shared.objects.model import Direction
from shared.ports import Mark
from shared.stores.records import Claim, new_record
from shared.sync import links
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, World
from tests.unit.sync.kin import Child, Kind, Shelves, shelved

HOUR = 3600.0


async def families(make_world: MakeWorld, **settings: Any) -> World:
    return await shelved(make_world, Kind("parent", parent_of=("child",)), Child("child"), **settings)


def shelves(world: World) -> tuple[Shelves, Shelves]:
    assert isinstance(world.sap, Shelves)
    assert isinstance(world.other, Shelves)
    return world.sap, world.other


def put_parent(world: World, key: str, **columns: Any) -> None:
    world.other.put(key, set="parents", name=key, **columns)


def put_child(world: World, key: str, owner: str, **columns: Any) -> None:
    world.other.put(key, set="childs", owner=owner, **{"name": key, **columns})


async def linked(world: World, key: str) -> str:
    """A parent of the other side, linked; its key in SAP."""
    put_parent(world, key)
    await world.sync(object_name="parent")
    return str((await world.record(key, OTHER, "parent")).keys[SAP])


async def notes(world: World) -> list[str]:
    return await world.row_keys("o:", "child")


def children(world: World) -> list[Any]:
    """Name and owner of SAP's children."""
    return sorted((row["name"], row["owner"]) for row in world.sap.rows.values() if row["set"] == "childs")


# --- full loads -------------------------------------------------------------------------------------------------------


async def test_a_full_load_goes_through_the_owners_that_are_linked(make_world: MakeWorld) -> None:
    world = await families(make_world)
    mum = await linked(world, "mum")
    put_parent(world, "stranger", scope="no")
    await world.mark("P9", object_name="parent")  # and was not linked yet
    put_child(world, "ann", "mum")
    put_child(world, "lone", "stranger")
    world.sap.put("K7", set="childs", owner=mum, name="Bob")
    world.sap.put("K8", set="childs", owner="C9", name="Zoe")
    sap, other = shelves(world)
    sap.listed, other.listed = [], []
    run = await world.sync("full", "child")
    assert run.counts["created"] == 2
    assert sap.listed == other.listed == []
    assert children(world) == [("Bob", mum), ("Zoe", "C9"), ("ann", mum)]
    assert [row["owner"] for row in world.other.rows.values() if row["name"] == "Bob"] == ["mum"]
    assert await world.record("lone", OTHER, "child") is None
    assert await world.record("K8", SAP, "child") is None


async def test_many_owners_are_loaded_page_by_page(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.sync.owned._OWNERS_AT_ONCE", 2)
    world = await families(make_world)
    for n in range(5):
        put_parent(world, f"p{n}")
        put_child(world, f"k{n}", f"p{n}")
    await world.sync(object_name="parent")
    _, other = shelves(world)
    other.asked = []
    await world.sync("full", "child")
    assert [name for name, _ in children(world)] == [f"k{n}" for n in range(5)]
    asked = [owners for kind, _, owners in other.asked if kind == "childs"]
    assert max(map(len, asked)) == 2


async def test_what_the_full_load_passed_over_is_read_by_the_next_delta_from_its_start(make_world: MakeWorld) -> None:
    world = await families(make_world)
    await linked(world, "mum")
    put_child(world, "ann", "mum")
    await world.sync("full", "child")
    state = await world.hub.runs.object("toy", "child")
    assert set(state.watermarks) == {"in", "out"}
    world.clock.forward(HOUR)
    put_child(world, "ann", "mum", note="edited")
    assert (await world.sync(object_name="child")).counts["updated"] == 1


# --- parked until the owner is linked ---------------------------------------------------------------------------------


async def test_a_row_whose_owner_is_not_linked_is_parked_without_a_waiter(make_world: MakeWorld) -> None:
    world = await families(make_world)
    put_child(world, "ann", "mum")
    assert (await world.sync(object_name="child")).counts == {"parked": 1}
    record = await world.record("ann", OTHER, "child")
    assert record.parked == ("parent|other|mum",)
    assert await world.row_keys("w:", "parent") == []
    world.clock.forward(world.hub.times.parked_limit + 1)
    await sweep(world.hub)
    assert (await world.record("ann", OTHER, "child")).failure is None


@pytest.mark.parametrize("mode", ["delta", "due"])
async def test_rows_of_an_owner_that_is_linked_later_travel_on_both_sides(make_world: MakeWorld, mode: str) -> None:
    world = await families(make_world)
    put_child(world, "ann", "mum")
    put_child(world, "eve", "aunt")
    await world.sync(object_name="child")
    world.clock.forward(HOUR)
    await world.sync(object_name="child")
    world.clock.forward(HOUR)
    mum = await linked(world, "mum")
    assert await notes(world) == ["o:o:mum", f"o:s:{mum}"]
    world.sap.put("K7", set="childs", owner=mum, name="Bob")
    world.sap.rows["K7"]["modified"] = "2001-01-01"
    run = await world.sync(mode, "child")
    assert run.counts["created"] == 2
    assert children(world) == [("Bob", mum), ("ann", mum)]
    assert await notes(world) == []
    assert (await world.record("ann", OTHER, "child")).parked == ()
    assert (await world.record("eve", OTHER, "child")).parked


async def test_no_note_is_left_where_nothing_has_been_loaded_yet(make_world: MakeWorld) -> None:
    world = await families(make_world, initialized=False)
    await start(world.hub, "toy", "parent", "initialize", "test")
    await world.drain()
    await linked(world, "mum")
    assert await notes(world) == []


async def test_an_owner_that_is_linked_while_the_first_load_is_at_work_is_noted(make_world: MakeWorld) -> None:
    world = await families(make_world, initialized=False)
    await start(world.hub, "toy", "parent", "initialize", "test")
    await world.drain()
    await start(world.hub, "toy", "child", "initialize", "test")
    begun, world.queues.messages = world.queues.messages, []
    mum = await linked(world, "mum")
    assert await notes(world) == ["o:o:mum", f"o:s:{mum}"]
    world.queues.messages += begun
    await world.drain()
    assert (await world.hub.runs.object("toy", "child")).initialized_at is not None


async def test_an_object_initialized_before_an_update_is_followed_from_the_next_sweep_on(make_world: MakeWorld) -> None:
    world = await families(make_world, initialized=False)
    for name in ("parent", "child"):  # as an older version left it: only the objects' own states tell
        state = await world.hub.runs.object("toy", name)
        state.initialized_at = world.clock()
        await world.hub.runs.save_object(state)
    await sweep(world.hub)
    row = await world.hub.templates.get("toy")
    assert row is not None
    assert row.in_use == ("child", "parent")
    mum = await linked(world, "mum")
    assert await notes(world) == ["o:o:mum", f"o:s:{mum}"]


async def test_an_owner_of_which_nothing_is_new_leaves_no_note(make_world: MakeWorld) -> None:
    world = await families(make_world)
    await linked(world, "mum")
    await world.sync(object_name="child")
    world.clock.forward(HOUR)
    put_parent(world, "mum", note="edited")
    assert (await world.sync(object_name="parent")).counts["updated"] == 1
    assert await notes(world) == []


async def test_a_note_alone_makes_the_sweeper_start_a_run(make_world: MakeWorld) -> None:
    world = await families(make_world)
    put_child(world, "ann", "mum")
    await world.sync(object_name="child")
    mum = await linked(world, "mum")
    world.clock.forward(HOUR)
    await sweep(world.hub)
    await world.drain()
    assert children(world) == [("ann", mum)]
    sent = world.queues.sent
    await sweep(world.hub)
    assert world.queues.sent == sent, "the note is gone"


async def test_a_note_stays_until_the_rows_are_on_their_way(make_world: MakeWorld) -> None:
    world = await families(make_world)
    put_child(world, "ann", "mum")
    await world.sync(object_name="child")
    await linked(world, "mum")
    seen: list[list[str]] = []

    def busy(verb: str, detail: Any) -> None:
        if verb == "find" and not seen:
            seen.append([])
            raise Transient("not now")

    world.other.trouble.append(busy)
    run = await start(world.hub, "toy", "child", "due", "test")
    assert await world.handle_one()
    assert seen == [[]]
    assert "o:o:mum" in await notes(world)
    await world.drain()
    ended = await world.hub.runs.run(run)
    assert ended is not None
    assert ended.counts["created"] == 1
    assert await notes(world) == []


# --- recognised and found again within the owner -----------------------------------------------------------------------


async def test_the_same_is_recognised_among_the_rows_of_its_own_owner_alone(make_world: MakeWorld) -> None:
    world = await families(make_world)
    mum, dad = await linked(world, "mum"), await linked(world, "dad")
    world.sap.put("K1", set="childs", owner=dad, name="Ann")
    world.sap.put("K2", set="childs", owner=mum, name="Ann")
    put_child(world, "a1", "mum", name="Ann")
    await world.sync("full", "child")
    assert (await world.record("a1", OTHER, "child")).keys[SAP] == "K2"
    assert len(children(world)) == 2


@pytest.mark.parametrize("twice", [SAP, OTHER])
async def test_one_that_is_there_twice_is_a_conflict(make_world: MakeWorld, twice: Any) -> None:
    world = await families(make_world, directions=(Direction.IN,))
    mum = await linked(world, "mum")
    for n in range(2 if twice is SAP else 1):
        world.sap.put(f"K{n}", set="childs", owner=mum, name="Ann")
    for n in range(2 if twice is OTHER else 1):
        put_child(world, f"a{n}", "mum", name="Ann")
    run = await world.sync("full", "child")
    assert set(run.counts) == {"conflict"}
    failure = (await world.record("a0", OTHER, "child")).failure
    assert failure is not None
    assert failure.fields == ("name",)


async def test_a_row_whose_creation_was_not_answered_is_found_again_among_its_owners(make_world: MakeWorld) -> None:
    world = await families(make_world)
    await linked(world, "mum")
    put_child(world, "ann", "mum")
    world.sap.after_write = lambda write: UnknownOutcome("no answer") if write.create else None
    await world.sync(object_name="child")
    world.sap.after_write = lambda write: None
    world.sap.rows["C0002"]["name"] = "renamed meanwhile"
    sap, _ = shelves(world)
    sap.asked = []
    world.clock.forward(world.hub.times.claim_expiry + 1)
    await world.sync(object_name="child")
    record = await world.record("ann", OTHER, "child")
    assert (record.linked, record.keys.get(SAP)) == (True, "C0002")
    assert len(children(world)) == 1
    assert {(kind, column) for kind, column, _ in sap.asked} == {("childs", "owner")}


@pytest.mark.parametrize("at_work", [True, False])
async def test_a_row_that_a_dead_delivery_made_is_not_made_again_on_the_other_side(
    make_world: MakeWorld, at_work: bool
) -> None:
    world = await families(make_world)
    mum = await linked(world, "mum")
    await quiet(world)
    put_child(world, "ann", "mum")
    world.other.rows["ann"]["modified"] = "2001"  # only what comes from SAP is delivered
    world.sap.put("C77", set="childs", name="anna", owner=mum, ref="toy:ann")
    record = new_record(OTHER, "ann")
    until = world.hub.now() + timedelta(seconds=60 if at_work else -1)
    record.claim = Claim("toy:ann", until, "a worker")
    assert not await world.hub.records.save("toy|child", [record])
    run = await world.sync(object_name="child")
    assert "created" not in run.counts
    if at_work:
        assert run.counts.get("retrying") == 1
        world.clock.forward(HOUR)
        await world.sync("due", object_name="child")
    record = await world.record("ann", OTHER, "child")
    assert (record.keys.get(SAP), record.claim) == ("C77", None)
    assert sum(row["set"] == "childs" for row in world.other.rows.values()) == 1


async def test_a_copy_of_a_row_that_somebody_made_in_sap_is_a_row_of_its_own(make_world: MakeWorld) -> None:
    world = await families(make_world)
    mum = await linked(world, "mum")
    put_child(world, "ann", "mum")
    await world.sync(object_name="child")
    await quiet(world)
    world.sap.put("C77", set="childs", name="bob", owner=mum, ref="toy:ann")
    assert (await world.sync(object_name="child")).counts.get("created") == 1
    assert {row["name"] for row in world.other.rows.values() if row["set"] == "childs"} == {"ann", "bob"}


async def quiet(world: World) -> None:
    """Everything has been looked at twice."""
    for _ in range(2):
        world.clock.forward(HOUR)
        await world.sync(object_name="child")
    world.clock.forward(HOUR)


async def test_an_owner_linked_by_hand_frees_its_rows(make_world: MakeWorld) -> None:
    world = await families(make_world)
    put_child(world, "ann", "mum")
    await quiet(world)
    put_parent(world, "mum")
    world.sap.put("P1", set="parents", name="x")
    await links.make(world.hub, "toy", "parent", "P1", "mum")
    await world.sync(object_name="parent")
    world.clock.forward(HOUR)
    await sweep(world.hub)
    await world.drain()
    await quiet(world)
    assert children(world) == [("ann", "P1")]


async def test_an_owner_that_another_was_merged_into_frees_its_rows(make_world: MakeWorld) -> None:
    world = await families(make_world)
    world.sap.put("P1", set="parents", name="mum")
    await world.mark("P1", object_name="parent")
    await world.sync(object_name="parent")
    mum = (await world.record("P1", SAP, "parent")).keys[OTHER]
    put_child(world, "ann", "step")
    put_parent(world, "step")
    world.other.rows["step"]["modified"] = "2001"
    await quiet(world)
    world.other.put(mum, master="step")
    await world.sync(object_name="parent")
    await world.sync("due", object_name="parent")
    assert (await world.record("step", OTHER, "parent")).keys == {OTHER: "step", SAP: "P1"}
    await quiet(world)
    await sweep(world.hub)
    await world.drain()
    assert children(world) == [("ann", "P1")]


@pytest.mark.parametrize("direction", list(Direction))
async def test_notes_end_where_rows_travel_one_way(make_world: MakeWorld, direction: Direction) -> None:
    world = await families(make_world, directions=(direction,))
    if direction is Direction.IN:
        put_parent(world, "mum")
    else:
        world.sap.put("P1", set="parents", name="x")
        await world.mark("P1", object_name="parent")
    await world.sync(object_name="parent")
    for _ in range(3):
        world.clock.forward(HOUR)
        await sweep(world.hub)
        await world.drain()
    assert await notes(world) == []
    sent = world.queues.sent
    await sweep(world.hub)
    assert world.queues.sent == sent, "a run at every sweep, for ever"


async def test_a_full_load_reaches_owners_that_are_linked_and_not_marked(make_world: MakeWorld) -> None:
    world = await families(make_world)
    mum = await linked(world, "mum")
    await quiet(world)
    record = await world.record("mum", OTHER, "parent")
    record.mark = Mark()
    assert not await world.hub.records.save("toy|parent", [record])
    put_child(world, "ann", "mum")
    await world.sync("full", "child")
    assert children(world) == [("ann", mum)]
