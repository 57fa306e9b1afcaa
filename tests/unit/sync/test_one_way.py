"""Fields that are only compared, fields that travel one way, and records that a side refuses as a whole."""

from __future__ import annotations

import pytest

from shared.ports import Write
from shared.sync import links
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, World
from tests.unit.sync.toys import CheckedToy, EssentialToy, OneWayToy, RefusingToy


async def _ten_rounds_write_nothing(world: World) -> None:
    writes = (world.sap.writes, world.other.writes)
    for n in range(10):
        world.clock.forward(7200)
        run = await world.sync("full" if n % 2 else "delta")
        assert set(run.counts) <= {"unchanged", "held"}, run.counts
    assert (world.sap.writes, world.other.writes) == writes


# --- checked fields ---------------------------------------------------------------------------------------------------


async def test_a_checked_field_that_differs_is_held_by_name_and_never_written(make_world: MakeWorld) -> None:
    world = await make_world(CheckedToy())
    world.other.put("g-1", name="Born there", total=100)
    await world.sync()
    (key,) = world.sap.rows
    assert "total" not in world.sap.rows[key]
    world.sap.put(key, total=101)
    world.clock.forward(7200)
    run = await world.sync()
    assert run.counts.get("held"), run.counts
    record = await world.record(key)
    assert set(record.held) == {"total"}
    assert "101" not in record.held["total"]
    assert (world.sap.rows[key]["total"], world.other.rows["g-1"]["total"]) == (101, 100)
    assert record.failure is None
    await _ten_rounds_write_nothing(world)
    assert set((await world.record(key)).held) == {"total"}


async def test_a_checked_field_that_is_equal_again_is_no_longer_held(make_world: MakeWorld) -> None:
    world = await make_world(CheckedToy())
    world.other.put("g-1", name="Born there", total=100)
    await world.sync()
    (key,) = world.sap.rows
    world.sap.put(key, total=101)
    world.clock.forward(7200)
    await world.sync()
    world.sap.put(key, total=100)
    world.clock.forward(7200)
    await world.sync()
    assert (await world.record(key)).held == {}


async def test_a_checked_field_that_differs_is_named_when_two_records_are_linked(make_world: MakeWorld) -> None:
    world = await make_world(CheckedToy())
    world.other.put("g-1", name="Same", number="C1", total=100)
    world.sap.put("C1", name="Same", total=101)
    await world.sync()
    record = await world.record("C1")
    assert record.linked
    assert set(record.held) == {"total"}


async def test_a_total_that_comes_out_otherwise_is_named_as_the_record_is_created(make_world: MakeWorld) -> None:
    world = await make_world(CheckedToy())
    world.other.put("g-1", name="Born there", total=100)

    def computed(write: Write) -> None:
        if write.create:
            for row in world.sap.rows.values():
                row["total"] = 99

    world.sap.after_write = computed  # type: ignore[assignment]
    assert (await world.sync()).counts["created"] == 1
    record = await world.record("g-1", OTHER)
    assert (set(record.held), record.failure) == ({"total"}, None)
    await _ten_rounds_write_nothing(world)
    assert set((await world.record("g-1", OTHER)).held) == {"total"}


async def test_a_total_that_a_side_computes_from_what_it_is_given_is_no_edit_of_somebody(make_world: MakeWorld) -> None:
    world = await make_world(CheckedToy())
    guid = await world.linked_pair()
    await world.sync()
    world.clock.forward(7200)
    world.sap.put("C1", size="bigger")

    def computed(write: object) -> None:
        world.other.rows[guid]["total"] = 100

    world.other.after_write = computed  # type: ignore[assignment]
    await world.sync()
    record = await world.record("C1")
    assert record.versions[OTHER] == str(world.other.rows[guid]["version"]), "the version counts as seen"


# --- one-way fields ---------------------------------------------------------------------------------------------------


async def _one_way(make_world: MakeWorld, **settings: object) -> tuple[World, str]:
    world = await make_world(OneWayToy(), **settings)
    world.sap.put("C1", name="Anton", size="s")
    await world.mark("C1")
    await world.sync()
    world.clock.forward(7200)
    await world.sync()
    world.clock.forward(7200)
    (guid,) = world.other.rows
    return world, guid


async def test_an_edit_of_the_target_alone_stands_on_both_sides(make_world: MakeWorld) -> None:
    world, guid = await _one_way(make_world)
    world.other.put(guid, name="theirs")
    await world.sync()
    assert (world.sap.rows["C1"]["name"], world.other.rows[guid]["name"]) == ("Anton", "theirs")
    await _ten_rounds_write_nothing(world)


@pytest.mark.parametrize(
    ("rule", "field", "sap_shows", "other_shows"),
    [
        ("sap_wins", "name", "ours", "ours"),
        ("other_wins", "name", "ours", "theirs"),
        ("sap_wins", "note", "ours", "theirs"),
        ("other_wins", "note", "theirs", "theirs"),
    ],
)
async def test_a_one_way_field_edited_on_both_sides_follows_the_rule_is_named_and_settles(
    make_world: MakeWorld, rule: str, field: str, sap_shows: str, other_shows: str
) -> None:
    world, guid = await _one_way(make_world, rule=rule)
    world.other.put(guid, note="before")
    await world.sync()
    world.clock.forward(7200)
    world.sap.put("C1", **{field: "ours"})
    world.other.put(guid, **{field: "theirs"})
    await world.sync()
    assert (world.sap.rows["C1"][field], world.other.rows[guid][field]) == (sap_shows, other_shows)
    ruled = (await world.record("C1")).ruled
    await _ten_rounds_write_nothing(world)
    assert (world.sap.rows["C1"][field], world.other.rows[guid][field]) == (sap_shows, other_shows)
    assert set(ruled) == {field}


async def test_after_the_rule_left_a_difference_a_later_edit_of_the_source_travels(make_world: MakeWorld) -> None:
    world, guid = await _one_way(make_world, rule="other_wins")
    world.sap.put("C1", name="ours")
    world.other.put(guid, name="theirs")
    await world.sync()
    world.clock.forward(7200)
    world.sap.put("C1", name="later")
    await world.sync()
    assert world.other.rows[guid]["name"] == "later"


@pytest.mark.parametrize(("winner", "there"), [(SAP, "ours"), (OTHER, "theirs")])
async def test_a_one_way_field_is_asked_for_once_and_the_answer_settles_it(
    make_world: MakeWorld, winner: str, there: str
) -> None:
    world, guid = await _one_way(make_world, rule="ask")
    world.sap.put("C1", name="ours")
    world.other.put(guid, name="theirs")
    run = await world.sync()
    assert run.counts["conflict"]
    assert (await world.record("C1")).asked == ("name",)
    record = await world.record("C1")
    record.resolutions = {"name": winner}
    record.set_due(world.clock())
    assert not await world.hub.records.save("toy|thing", [record])
    await world.sync()
    assert (world.sap.rows["C1"]["name"], world.other.rows[guid]["name"]) == ("ours", there)
    assert (await world.record("C1")).failure is None
    await _ten_rounds_write_nothing(world)


async def test_at_first_contact_an_empty_source_leaves_the_value_of_its_target(make_world: MakeWorld) -> None:
    world = await make_world(OneWayToy())
    world.sap.put("C1", note="ours")
    world.other.put("g-1", name="theirs")
    await links.make(world.hub, "toy", "thing", "C1", "g-1")
    await world.sync()
    assert (world.sap.rows["C1"]["name"], world.other.rows["g-1"]["name"]) == (None, "theirs")
    assert (world.sap.rows["C1"]["note"], world.other.rows["g-1"]["note"]) == ("ours", None)
    await _ten_rounds_write_nothing(world)


# --- refusals ---------------------------------------------------------------------------------------------------------


async def test_a_record_that_a_side_refuses_is_not_created_and_listed_with_its_reason(make_world: MakeWorld) -> None:
    world = await make_world(RefusingToy(OTHER))
    world.sap.put("C1", name="Anton", size="no")
    await world.mark("C1")
    assert (await world.sync()).counts["failed"]
    failure = (await world.record("C1")).failure
    assert (failure.kind, failure.reason, failure.fields) == ("failed", "size: not here", ("size",))
    assert world.other.rows == {}
    world.clock.forward(7200)
    world.sap.put("C1", size="yes")
    await world.sync()
    assert world.agree("C1")
    assert (await world.record("C1")).failure is None


async def test_a_refusal_that_stands_against_somebodys_decision_is_a_conflict(make_world: MakeWorld) -> None:
    world = await make_world(RefusingToy(OTHER))
    guid = await world.linked_pair()
    world.sap.put("C1", size="never", note="new")
    run = await world.sync()
    assert run.counts["conflict"]
    assert (await world.record("C1")).failure.error == "Conflict"
    assert (world.other.rows[guid]["size"], world.other.rows[guid]["note"]) == ("s", "n")


@pytest.mark.parametrize("size", ["no", "never"])
async def test_the_refusal_of_one_side_does_not_keep_what_the_other_took_from_being_remembered(
    make_world: MakeWorld, size: str
) -> None:
    world = await make_world(RefusingToy(SAP))
    guid = await world.linked_pair()
    await world.sync()
    world.clock.forward(7200)
    world.other.clip = 5
    world.sap.put("C1", note="a long note")
    world.other.put(guid, size=size)
    for _ in range(4):
        await world.sync("full")
        world.clock.forward(7200)
    assert world.other.rows[guid]["note"] == "a lon"
    assert world.sap.rows["C1"]["note"] == "a long note", "what that side made of it came back as an edit"
    assert world.sap.rows["C1"]["size"] == "s"
    assert (await world.record("C1")).failure.fields == ("size",)
    writes = world.other.writes
    for _ in range(3):
        await world.sync("full")
        world.clock.forward(7200)
    assert world.other.writes == writes


# --- what must be there, what must not come into being -----------------------------------------------------------------


@pytest.mark.parametrize("direction", ["in", "out"])
async def test_nothing_is_created_without_an_essential_value_that_its_source_has(
    make_world: MakeWorld, direction: str
) -> None:
    world = await make_world(EssentialToy())
    near, far = (world.other, world.sap) if direction == "in" else (world.sap, world.other)
    near.put("K1", name="Anton", note="?unknown")
    if direction == "out":
        await world.mark("K1")
    assert (await world.sync()).counts["failed"]
    record = await world.record("K1", OTHER if direction == "in" else SAP)
    assert (record.failure.fields, record.linked, record.claim) == (("note",), False, None)
    assert "no mapping" in record.failure.reason
    assert far.rows == {}
    world.clock.forward(7200)
    near.put("K1", note="known")
    await world.sync()
    assert [row["note"] for row in far.rows.values()] == ["known"]


async def test_an_essential_value_that_is_empty_or_that_is_lost_later_keeps_nothing_back(make_world: MakeWorld) -> None:
    world = await make_world(EssentialToy())
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    assert world.agree("C1")
    world.clock.forward(7200)
    world.sap.put("C1", name="Berta", note="?unknown")
    await world.sync()
    (row,) = world.other.rows.values()
    assert row["name"] == "Berta"
    assert set((await world.record("C1")).held) == {"note"}


async def test_what_must_not_come_into_being_now_is_skipped_with_the_reason_and_created_later(
    make_world: MakeWorld,
) -> None:
    world = await make_world(EssentialToy())
    world.sap.put("C1", name="Anton", asleep=True)
    await world.mark("C1")
    assert (await world.sync()).counts["skipped"]
    assert "it sleeps" in (await world.record("C1")).outcome
    world.clock.forward(7200)
    world.sap.put("C1", asleep=False)
    await world.sync()
    assert world.agree("C1")
    world.clock.forward(7200)
    world.sap.put("C1", asleep=True, name="Berta")
    await world.sync()
    assert world.agree("C1"), "what is there already goes on"
