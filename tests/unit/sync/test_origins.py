"""Records that were another object's before: linked to what that one is linked to, and never made beside it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UnknownOutcome
from shared.objects.model import Direction
from shared.ports import KeyVersion
from shared.stores.records import new_record, partition
from shared.sync.deliver import Delivery
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, World
from tests.unit.sync.kin import Bird, Egg, Kind, shelved

HOUR = 3600.0
BOTH = (Direction.IN, Direction.OUT)
EGGS = partition("toy", "egg")


async def nests(make_world: MakeWorld, *objects: Any, **settings: Any) -> World:
    """A world of eggs and birds, which are one set in SAP; they come in unless the settings say otherwise."""
    kinds = objects or (Egg("egg", in_sap="animals"), Bird("bird", in_sap="animals"))
    return await shelved(make_world, *kinds, **{"directions": (Direction.IN,), **settings})


def lay(world: World, key: str = "e1", **columns: Any) -> None:
    world.other.put(key, set="eggs", name="Piu", **columns)


def hatch(world: World, egg: str = "e1", key: str = "b1") -> None:
    """As a user of the other side does it: the egg stays, the bird names it."""
    world.other.put(egg, hatched=True)
    world.other.put(key, set="birds", name="Piu", egg=egg)


async def bird(world: World, key: str = "b1") -> Any:
    return await world.record(key, OTHER, "bird")


def birds(world: World) -> list[str]:
    return sorted(key for key, row in world.other.rows.items() if row["set"] == "birds")


# --- the origin is linked ---------------------------------------------------------------------------------------------


async def test_it_is_linked_to_what_its_origin_is_linked_to(make_world: MakeWorld) -> None:
    world = await nests(make_world, directions=BOTH)
    lay(world)
    lay(world, "e2")
    await world.sync(object_name="egg")
    hatch(world)
    assert (await world.sync(object_name="bird")).counts["updated"] == 1
    key = (await world.record("e1", OTHER, "egg")).keys[SAP]
    assert (await bird(world)).keys == {OTHER: "b1", SAP: key}
    assert len(world.sap.rows) == 2
    assert world.other.rows["b1"]["number"] == key


async def test_two_of_one_origin_are_a_conflict(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    await world.sync(object_name="egg")
    hatch(world)
    hatch(world, key="b2")
    assert (await world.sync(object_name="bird")).counts == {"conflict": 2}
    assert len(world.sap.rows) == 1


async def test_where_the_origin_has_not_gone_on_over_there_it_waits_for_that(make_world: MakeWorld) -> None:
    world = await nests(make_world, directions=BOTH)
    lay(world)
    await world.sync(object_name="egg")
    (key,) = world.sap.rows
    await world.mark(key, object_name="bird")
    assert (await world.sync(object_name="bird")).counts == {"retrying": 1}
    assert birds(world) == []
    hatch(world)
    world.clock.forward(HOUR)
    await world.sync("due", "bird")
    assert birds(world) == ["b1"]
    assert (await bird(world)).keys[SAP] == key


async def test_several_over_there_that_name_the_origin_are_a_conflict(make_world: MakeWorld) -> None:
    world = await nests(make_world, directions=(Direction.OUT,))
    world.sap.put("C1", set="animals", name="Piu")
    await world.mark("C1", object_name="egg")
    await world.sync(object_name="egg")
    (egg,) = world.other.rows
    for name in ("b1", "b2"):
        hatch(world, egg, name)
    await world.mark("C1", object_name="bird")
    assert (await world.sync(object_name="bird")).counts == {"conflict": 1}


async def test_what_never_was_anything_else_is_created(make_world: MakeWorld) -> None:
    world = await nests(make_world, directions=BOTH)
    world.other.put("b1", set="birds", name="Piu", egg=None)
    world.sap.put("C7", set="animals", name="Coco")
    await world.mark("C7", object_name="bird")
    await world.sync(object_name="bird")
    assert (await bird(world)).linked
    assert (await world.record("C7", SAP, "bird")).linked
    assert await world.row_keys("r:", "egg") == []


# --- the origin is not linked -----------------------------------------------------------------------------------------


async def test_an_origin_that_never_came_is_passed_by_and_says_so(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    hatch(world)
    assert (await world.sync(object_name="bird")).counts == {"created": 1}
    egg = await world.record("e1", OTHER, "egg")
    assert (egg.linked, egg.due) == (False, "")
    assert egg.outcome.startswith("skipped")
    await world.sync(object_name="egg")
    assert len(world.sap.rows) == 1


async def test_an_origin_that_was_to_be_tried_again_is_tried_no_more(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    hatch(world)
    egg = new_record(OTHER, "e1")
    egg.set_due(world.clock())
    assert not await world.hub.records.save(EGGS, [egg])
    await world.sync(object_name="bird")
    assert (await world.record("e1", OTHER, "egg")).due == ""
    assert await world.row_keys("d:", "egg") == []


async def test_while_the_origin_may_be_coming_into_being_nothing_is_created(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    world.sap.after_write = lambda write: UnknownOutcome("no answer") if write.create else None
    await world.sync(object_name="egg")
    world.sap.after_write = lambda write: None
    hatch(world)
    assert (await world.sync(object_name="bird")).counts == {"retrying": 1}
    assert len(world.sap.rows) == 1
    world.clock.forward(world.hub.times.claim_expiry + 1)
    await world.sync("due", "egg")
    await world.sync("due", "bird")
    assert (await bird(world)).keys[SAP] == (await world.record("e1", OTHER, "egg")).keys[SAP]
    assert len(world.sap.rows) == 1


async def test_an_origin_whose_draft_awaits_approval_is_waited_for(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    hatch(world)
    egg = new_record(OTHER, "e1")
    egg.outcome = "awaiting approval"
    assert not await world.hub.records.save(EGGS, [egg])
    assert (await world.sync(object_name="bird")).counts == {"retrying": 1}
    assert (await world.record("e1", OTHER, "egg")).outcome == "awaiting approval"


@pytest.mark.parametrize("known", [False, True])
async def test_a_delivery_about_to_create_the_origin_loses_to_what_it_goes_on_as(
    make_world: MakeWorld, known: bool
) -> None:
    world = await nests(make_world)
    lay(world)
    if known:
        assert not await world.hub.records.save(EGGS, [new_record(OTHER, "e1")])
    save = world.hub.records.save
    raced: list[str] = []

    async def first_the_bird(pk: str, records: Any) -> Any:
        if pk == EGGS and any(record.claim for record in records) and not raced:
            raced.append("bird")
            hatch(world)
            flow = await world.hub.flow("toy", "bird")
            counts = await Delivery(world.hub, flow, Direction.IN, "run").deliver([KeyVersion("b1")], forced=True)
            assert counts == {"created": 1}
        return await save(pk, records)

    world.hub.records.save = first_the_bird  # type: ignore[method-assign]
    assert (await world.sync(object_name="egg")).counts == {"skipped": 1}
    assert raced
    assert len(world.sap.rows) == 1
    assert not (await world.record("e1", OTHER, "egg")).linked


async def test_a_bird_that_loses_the_race_looks_again(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    hatch(world)
    save = world.hub.records.save
    raced: list[str] = []

    async def first_the_egg(pk: str, records: Any) -> Any:
        if pk == EGGS and not raced:
            raced.append("egg")
            other = new_record(OTHER, "e1")
            other.keys[SAP] = "C7"
            world.sap.put("C7", set="animals", name="Piu")
            assert not await save(pk, [other])
        return await save(pk, records)

    world.hub.records.save = first_the_egg  # type: ignore[method-assign]
    assert (await world.sync(object_name="bird")).counts == {"retrying": 1}
    assert list(world.sap.rows) == ["C7"]
    world.clock.forward(HOUR)
    await world.sync("due", "bird")
    assert (await bird(world)).keys[SAP] == "C7"


# --- origins that are not in use --------------------------------------------------------------------------------------


async def test_where_origins_do_not_travel_nobody_looks_for_them(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    await world.travels("egg", False)
    lay(world)
    hatch(world)
    assert (await world.sync(object_name="bird")).counts == {"created": 1}
    assert await world.row_keys("r:", "egg") == []


async def test_an_object_without_an_origin_links_nothing_by_it(make_world: MakeWorld) -> None:
    world = await nests(make_world, Egg("egg", in_sap="animals"), Kind("bird", in_sap="animals"))
    lay(world)
    await world.sync(object_name="egg")
    hatch(world)
    await world.sync(object_name="bird")
    assert len(world.sap.rows) == 2


async def test_an_origin_whose_creation_was_lost_and_that_went_on_is_passed_by(make_world: MakeWorld) -> None:
    world = await nests(make_world)
    lay(world)
    world.sap.before_write = lambda write: UnknownOutcome("no answer") if write.create else None
    await world.sync(object_name="egg")
    world.sap.before_write = lambda write: None
    hatch(world)
    world.clock.forward(world.hub.times.claim_expiry + 1)
    await world.sync("due", "egg")  # skipped: it has hatched; its expired claim stays
    for _ in range(12):
        await world.sync(object_name="bird")
        world.clock.forward(HOUR)
        await world.sync("due", "bird")
    assert (await bird(world)).linked, (await bird(world)).failure
