"""Records that take the place of others (revisions), and parents that a child may travel without."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.model import Direction
from shared.stores.records import new_record, partition
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, World
from tests.unit.sync.kin import Edition, Guest, Kind, shelved

HOUR = 3600.0
IN_ONLY = (Direction.IN,)
BOTH = (Direction.IN, Direction.OUT)
BOOKS = partition("toy", "book")


async def library(make_world: MakeWorld, **settings: Any) -> World:
    """The first edition of a series is linked to the one book of SAP."""
    world = await shelved(make_world, Edition("book"), **{"directions": IN_ONLY, **settings})
    world.other.put("e1", set="books", series="S", name="One", note="n", size="s")
    await world.sync(object_name="book")
    world.clock.forward(HOUR)
    await world.sync(object_name="book")
    world.clock.forward(HOUR)
    return world


def revise(world: World, key: str = "e2", before: str = "e1", **columns: Any) -> None:
    """As a user of the other side: the old one is closed, the new one has its content and what changed."""
    old = world.other.rows[before]
    kept = {name: old[name] for name in ("series", "name", "note", "size")}
    world.other.put(before, old=True)
    world.other.put(key, set="books", **{**kept, **columns})


async def links_of(world: World) -> list[dict[Any, str]]:
    keys = ("e1", "e2", "e3")
    records = [await world.record(key, OTHER, "book") for key in keys]
    return [record.keys for record in records if record is not None and record.linked]


# --- taking the place -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_later_edition_takes_over_the_link_and_is_written_there(make_world: MakeWorld, at_once: bool) -> None:
    world = await library(make_world)
    (book,) = world.sap.rows
    if not at_once:  # the old one is seen to be closed before the new one is there
        world.other.put("e1", old=True)
        await world.sync(object_name="book")
        world.clock.forward(HOUR)
    revise(world, name="Two")
    run = await world.sync(object_name="book")
    assert not {"created", "conflict", "failed", "retrying"} & set(run.counts)
    assert [(key, row["name"]) for key, row in world.sap.rows.items()] == [(book, "Two")]
    assert await links_of(world) == [{OTHER: "e2", SAP: book}]
    assert (await world.record(book, SAP, "book")).born_key == "e2"
    assert await world.row_keys("p:", "book") == [f"p:s:{book}"]


async def test_editions_follow_one_another(make_world: MakeWorld) -> None:
    world = await library(make_world)
    (book,) = world.sap.rows
    for key, before in (("e2", "e1"), ("e3", "e2")):
        revise(world, key, before, name=f"Edition {key}")
        await world.sync(object_name="book")
        world.clock.forward(HOUR)
    assert await links_of(world) == [{OTHER: "e3", SAP: book}]
    assert world.sap.rows[book]["name"] == "Edition e3"


async def test_after_it_took_the_place_nothing_more_is_written(make_world: MakeWorld) -> None:
    world = await library(make_world, directions=BOTH)
    revise(world, name="Two")
    for _ in range(2):
        await world.sync(object_name="book")
        world.clock.forward(HOUR)
    written = world.sap.writes + world.other.writes
    for mode in ("delta", "full"):
        run = await world.sync(mode, "book")
        assert not {"created", "updated", "conflict", "failed"} & set(run.counts)
    assert world.sap.writes + world.other.writes == written


async def test_what_both_agreed_on_goes_on_with_the_link(make_world: MakeWorld) -> None:
    world = await library(make_world, directions=BOTH, rule="other_wins")
    (book,) = world.sap.rows
    world.sap.put(book, note="edited in SAP")
    revise(world, name="Two")
    await world.sync(object_name="book")
    assert (world.sap.rows[book]["note"], world.other.rows["e2"]["note"]) == ("edited in SAP", "edited in SAP")
    assert (world.sap.rows[book]["name"], world.other.rows["e2"]["name"]) == ("Two", "Two")


async def test_the_mark_and_what_was_held_go_on_with_the_link(make_world: MakeWorld) -> None:
    world = await library(make_world, directions=BOTH)
    old = await world.record("e1", OTHER, "book")
    assert old.mark.batches == {"arrivals"}
    revise(world, name="Two")
    await world.sync(object_name="book")
    assert (await world.record("e2", OTHER, "book")).mark.batches == {"arrivals"}
    (book,) = world.sap.rows
    world.clock.forward(HOUR)
    world.sap.put(book, size="bigger")
    await world.sync(object_name="book")
    assert world.other.rows["e2"]["size"] == "bigger"
    assert world.other.rows["e1"]["size"] == "s"


async def test_the_one_before_is_told_no_more_and_keeps_no_link(make_world: MakeWorld) -> None:
    world = await library(make_world)
    (book,) = world.sap.rows
    revise(world, name="Two")
    await world.sync(object_name="book")
    world.clock.forward(HOUR)
    world.other.put("e1", name="late edit")
    await world.sync("full", "book")
    old = await world.record("e1", OTHER, "book")
    assert old is None or not old.linked
    assert world.sap.rows[book]["name"] == "Two"


async def test_whoever_loses_the_race_for_the_place_takes_it_from_fresh_data(make_world: MakeWorld) -> None:
    world = await library(make_world)
    revise(world, name="Two")
    save = world.hub.records.save
    touched: list[str] = []

    async def somebody_else_first(pk: str, records: Any) -> Any:
        if any(record.absorbed for record in records) and not touched:
            touched.append("e1")
            before = await world.hub.records.get(BOOKS, OTHER, "e1")
            assert before is not None
            before.outcome = "touched"
            assert not await save(pk, [before])
        return await save(pk, records)

    world.hub.records.save = somebody_else_first  # type: ignore[method-assign]
    await world.sync(object_name="book")
    (book,) = world.sap.rows
    assert touched
    assert await links_of(world) == [{OTHER: "e2", SAP: book}]
    assert world.sap.rows[book]["name"] == "Two"


# --- not taking it ----------------------------------------------------------------------------------------------------


async def test_while_the_one_before_stands_another_of_its_series_is_a_conflict(make_world: MakeWorld) -> None:
    world = await library(make_world)
    (book,) = world.sap.rows
    revise(world, name="Two")
    world.other.put("e1", old=False)
    run = await world.sync(object_name="book")
    assert run.counts["conflict"] == 1
    assert await links_of(world) == [{OTHER: "e1", SAP: book}]
    assert world.sap.rows[book]["name"] == "One"


async def test_one_whose_match_is_linked_to_another_that_is_not_replaced_is_a_conflict(make_world: MakeWorld) -> None:
    world = await library(make_world)
    (book,) = world.sap.rows
    revise(world, name="Two")
    world.other.rows["e1"] |= {"old": False, "series": "T"}  # its change has not been noticed yet
    world.other.rows["e1"]["modified"] = "2001-01-01"
    run = await world.sync(object_name="book")
    assert run.counts == {"conflict": 1}
    assert await links_of(world) == [{OTHER: "e1", SAP: book}]
    assert world.sap.rows[book]["name"] == "One"


async def test_of_two_that_would_take_the_place_none_does(make_world: MakeWorld) -> None:
    world = await library(make_world)
    (book,) = world.sap.rows
    revise(world, "e2", name="Two")
    revise(world, "e3", name="Three")
    run = await world.sync(object_name="book")
    assert run.counts["conflict"] == 2
    assert world.sap.rows[book]["name"] == "One"
    assert len(world.sap.rows) == 1


async def test_a_match_that_is_linked_to_nothing_is_simply_linked(make_world: MakeWorld) -> None:
    world = await shelved(make_world, Edition("book"), directions=IN_ONLY)
    world.sap.put("C7", set="books", series="S", name="One")
    assert not await world.hub.records.save(BOOKS, [new_record(SAP, "C7")])
    world.other.put("e1", set="books", series="S", name="One")
    await world.sync(object_name="book")
    assert await links_of(world) == [{OTHER: "e1", SAP: "C7"}]


class Plain(Edition):
    """Nothing of it takes the place of anything."""

    replaces = Kind.replaces


async def test_an_object_without_successors_does_not_read_what_is_linked(make_world: MakeWorld) -> None:
    world = await shelved(make_world, Plain("book"), directions=IN_ONLY)
    world.other.put("e1", set="books", series="S", name="One")
    await world.sync(object_name="book")
    revise(world, name="Two")
    read: list[Any] = []
    world.other.trouble.append(lambda verb, detail: read.append(detail) if verb == "read" else None)
    assert (await world.sync(object_name="book")).counts["conflict"] == 1
    assert len(read) == 1, "the slice's own records"


# --- parents that may come later --------------------------------------------------------------------------------------


async def hotel(make_world: MakeWorld, **settings: Any) -> World:
    hosts, houses = Kind("host", parent_of=("guest",)), Kind("house", parent_of=("guest",))
    world = await shelved(make_world, hosts, houses, Guest("guest"), **{"directions": IN_ONLY, **settings})
    await world.travels("host", False)  # nobody waits for those who will not come
    return world


def note_of(world: World, name: str = "Gus") -> Any:
    (row,) = [row for row in world.sap.rows.values() if row["name"] == name]
    return row["note"]


async def linked(world: World, name: str, key: str) -> str:
    """A record of that kind, linked; its key in SAP."""
    if name == "host":
        await world.travels("host", True)
    world.other.put(key, set=f"{name}s", name=key)
    await world.sync(object_name=name)
    return str((await world.record(key, OTHER, name)).keys[SAP])


async def test_a_child_travels_without_a_parent_that_is_not_required(make_world: MakeWorld) -> None:
    world = await hotel(make_world)
    world.other.put("g1", set="guests", name="Gus", host="h1")
    assert (await world.sync(object_name="guest")).counts == {"created": 1}
    record = await world.record("g1", OTHER, "guest")
    assert (record.linked, record.parked, record.due) == (True, (), "")
    assert set(record.held) == {"note"}
    assert note_of(world) is None
    assert await world.row_keys("w:", "host") == ["w:o:h1:guest:o:g1"]


async def test_it_is_written_with_that_parent_once_that_one_is_linked(make_world: MakeWorld) -> None:
    world = await hotel(make_world)
    world.other.put("g1", set="guests", name="Gus", host="h1")
    await world.sync(object_name="guest")
    for _ in range(2):
        world.clock.forward(HOUR)
        await world.sync(object_name="guest")
    host = await linked(world, "host", "h1")
    assert (await world.record("g1", OTHER, "guest")).due
    assert await world.row_keys("w:", "host") == []
    world.clock.forward(HOUR)
    await sweep(world.hub)
    await world.drain()
    assert note_of(world) == host
    record = await world.record("g1", OTHER, "guest")
    assert (record.held, record.due) == ({}, "")


async def test_a_parent_that_is_linked_already_comes_with_the_child(make_world: MakeWorld) -> None:
    world = await hotel(make_world)
    host = await linked(world, "host", "h1")
    world.other.put("g1", set="guests", name="Gus", host="h1")
    await world.sync(object_name="guest")
    assert note_of(world) == host
    assert await world.row_keys("w:", "host") == []


async def test_what_is_required_parks_the_child_for_that_alone(make_world: MakeWorld) -> None:
    world = await hotel(make_world)
    world.other.put("g1", set="guests", name="Gus", host="h1", house="x1")
    assert (await world.sync(object_name="guest")).counts == {"parked": 1}
    assert (await world.record("g1", OTHER, "guest")).parked == ("house|other|x1",)
    assert await world.row_keys("w:", "host") == []
    await linked(world, "house", "x1")
    world.clock.forward(HOUR)
    await world.sync(object_name="guest")
    assert (await world.record("g1", OTHER, "guest")).linked
    assert await world.row_keys("w:", "host") == ["w:o:h1:guest:o:g1"], "now it hopes for its host"


async def test_one_that_never_comes_is_no_failure(make_world: MakeWorld) -> None:
    world = await hotel(make_world)
    world.other.put("g1", set="guests", name="Gus", host="h1")
    await world.sync(object_name="guest")
    world.clock.forward(world.hub.times.parked_limit + 1)
    await sweep(world.hub)
    assert (await world.record("g1", OTHER, "guest")).failure is None


async def test_a_linked_child_that_gets_another_host_hopes_for_that_one_and_goes_on(make_world: MakeWorld) -> None:
    world = await hotel(make_world)
    host = await linked(world, "host", "h1")
    world.other.put("g1", set="guests", name="Gus", host="h1")
    await world.sync(object_name="guest")
    world.clock.forward(HOUR)
    await world.travels("host", False)
    world.other.put("g1", host="h2", size="bigger")
    await world.sync(object_name="guest")
    (row,) = [row for row in world.sap.rows.values() if row["name"] == "Gus"]
    assert (row["size"], row["note"]) == ("bigger", host)
    assert await world.row_keys("w:", "host") == ["w:o:h2:guest:o:g1"]
    second = await linked(world, "host", "h2")
    world.clock.forward(HOUR)
    await world.sync(object_name="guest")
    assert note_of(world) == second


async def test_what_the_other_side_changed_travels_with_saps_change_although_its_host_is_not_linked(
    make_world: MakeWorld,
) -> None:
    world = await hotel(make_world, directions=BOTH)
    world.other.put("g1", set="guests", name="Gus", host="h1")
    await world.sync(object_name="guest")
    world.clock.forward(HOUR)
    await world.sync(object_name="guest")
    world.clock.forward(HOUR)
    (key,) = world.sap.rows
    world.other.rows["g1"]["name"] = "Gustav"  # without a stamp: only what comes from SAP is delivered
    world.sap.put(key, size="bigger")
    await world.sync(object_name="guest")
    assert (world.sap.rows[key]["name"], world.other.rows["g1"]["size"]) == ("Gustav", "bigger")
