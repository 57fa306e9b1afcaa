"""From the other side to SAP, and both at once."""

from __future__ import annotations

from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP


async def test_a_record_born_there_appears_in_sap_marked_and_with_our_reference(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    run = await world.sync()
    assert run.counts["created"] == 1
    ((key, row),) = world.sap.rows.items()
    assert row["name"] == "Born there"
    assert row["ref"] == "toy:g-1"
    record = await world.record("g-1", OTHER)
    assert record.keys == {OTHER: "g-1", SAP: key}
    assert record.mark.batches == {"arrivals"}


async def test_the_number_it_gets_in_sap_is_written_back(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    await world.sync()
    assert world.other.rows["g-1"]["number"] == next(iter(world.sap.rows))


async def test_what_came_in_does_not_go_back_out(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    await world.sync()
    writes = world.sap.writes, world.other.writes
    for _ in range(3):
        world.clock.forward(60)
        await world.sync()
    world.clock.forward(60)
    await world.sync("full")
    assert (world.sap.writes, world.other.writes) == writes


async def test_a_record_born_there_sends_later_edits_from_sap_out(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    await world.sync()
    world.clock.forward(3600)
    world.sap.put(next(iter(world.sap.rows)), name="Renamed in SAP")
    await world.sync()
    assert world.other.rows["g-1"]["name"] == "Renamed in SAP"


async def test_out_of_scope_there_is_skipped_and_scope_widened_later_brings_it(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there", scope="not yet")
    run = await world.sync()
    assert run.counts == {"skipped": 1}
    await world.change_settings(scope="not yet")
    state = await world.hub.runs.object("toy", "thing")
    state.rescan = ("in", "out")
    await world.hub.runs.save_object(state)
    world.clock.forward(86400)
    run = await world.sync()
    assert run.counts["created"] == 1
    assert (await world.hub.runs.object("toy", "thing")).rescan == ()


async def _pair(make_world: MakeWorld, **settings: object):  # type: ignore[no-untyped-def]
    world = await make_world(**settings)
    world.sap.put("C1", name="Anton", note="n", size="s")
    await world.mark("C1")
    await world.sync()
    world.clock.forward(3600)
    (guid,) = world.other.rows
    return world, guid


async def test_edits_of_different_fields_merge(make_world: MakeWorld) -> None:
    world, guid = await _pair(make_world)
    world.sap.put("C1", name="SAP's")
    world.other.put(guid, note="theirs")
    await world.sync()
    assert world.agree("C1")
    assert world.sap.rows["C1"]["name"] == "SAP's"
    assert world.sap.rows["C1"]["note"] == "theirs"


async def test_the_same_field_follows_the_rule_and_the_record_names_it(make_world: MakeWorld) -> None:
    for rule, expected in (("sap_wins", "SAP's"), ("other_wins", "theirs")):
        world, guid = await _pair(make_world, rule=rule)
        world.sap.put("C1", name="SAP's")
        world.other.put(guid, name="theirs")
        await world.sync()
        assert world.agree("C1")
        assert world.sap.rows["C1"]["name"] == expected
        assert (await world.record("C1")).ruled == {"name": "sap" if rule == "sap_wins" else "other"}


async def test_ask_lists_a_conflict_and_writes_neither_until_a_person_answers(make_world: MakeWorld) -> None:
    world, guid = await _pair(make_world, rule="ask")
    world.sap.put("C1", name="SAP's", note="from SAP")
    world.other.put(guid, name="theirs")
    run = await world.sync()
    assert run.counts["conflict"] == 1
    assert world.sap.rows["C1"]["name"] == "SAP's"
    assert world.other.rows[guid]["name"] == "theirs"
    assert world.other.rows[guid]["note"] == "from SAP"
    record = await world.record("C1")
    assert record.asked == ("name",)
    record.resolutions = {"name": OTHER}
    record.set_due(world.clock())
    await world.hub.records.save("toy|thing", [record])
    await world.sync()
    assert world.agree("C1")
    assert world.sap.rows["C1"]["name"] == "theirs"
    assert (await world.record("C1")).failure is None


async def test_an_edit_between_our_read_and_our_read_back_is_noticed_later(make_world: MakeWorld) -> None:
    world, guid = await _pair(make_world)
    world.sap.put("C1", name="SAP's")

    def meanwhile(write: object) -> None:
        world.other.put(guid, note="typed in that moment")

    world.other.before_write = meanwhile
    await world.sync()
    world.other.before_write = lambda write: None
    world.clock.forward(60)
    await world.sync()
    assert world.agree("C1")
    assert world.sap.rows["C1"]["note"] == "typed in that moment"


async def test_first_contact_never_overwrites_a_value_with_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton", note=None, size="XL")
    world.other.put("g-1", number="C1", name="Other name", note="kept", size=None)
    await world.mark("C1")
    await world.sync()
    assert world.agree("C1")
    assert {n: world.sap.rows["C1"][n] for n in ("name", "note", "size")} == {
        "name": "Anton",
        "note": "kept",
        "size": "XL",
    }


async def test_two_there_with_one_number_are_conflicts_and_sap_is_not_touched(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    world.other.put("g-1", number="C1", name="one")
    world.other.put("g-2", number="C1", name="two")
    run = await world.sync()
    assert run.counts["conflict"] == 2
    assert world.sap.writes == 0


async def test_a_lost_fingerprint_key_bases_anew_without_writing(make_world: MakeWorld) -> None:
    world, guid = await _pair(make_world)
    writes = world.sap.writes, world.other.writes
    world.hub.fingerprint_secret = b"another secret of the tests"
    await world.sync("full")
    assert (world.sap.writes, world.other.writes) == writes
    world.clock.forward(3600)
    world.sap.put("C1", name="Edited after that")
    await world.sync()
    assert world.other.rows[guid]["name"] == "Edited after that"
