"""From SAP to the other side: first load, delta, echoes."""

from __future__ import annotations

from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP


async def test_a_marked_record_is_created_once_and_linked(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    run = await world.sync()
    assert run.status == "succeeded"
    assert run.counts == {"created": 1}
    assert world.agree("C1")
    record = await world.record("C1")
    assert record.linked
    assert record.due == ""
    assert record.claim is None


async def test_an_unmarked_record_does_not_travel(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    run = await world.sync()
    assert run.counts == {"skipped": 1}
    assert world.other.rows == {}


async def test_marked_today_and_unchanged_for_years_still_travels(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    world.sap.rows["C1"]["modified"] = world.sap.rows["C1"]["created"] = "2019-01-01T00:00:00+00:00"
    await world.sync()
    world.clock.forward(86400)
    await world.sync()
    await world.mark("C1")
    run = await world.sync()
    assert run.counts["created"] == 1
    assert world.agree("C1")


async def test_ten_rounds_over_unchanged_data_write_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(25):
        world.sap.put(f"C{n:03d}", name=f"N{n}", note=" spaced ")
    await world.mark(*world.sap.rows)
    await world.sync()
    before = world.sap.writes, world.other.writes
    for n in range(10):
        world.clock.forward(60)
        await world.sync("full" if n % 3 == 0 else "delta")
    assert (world.sap.writes, world.other.writes) == before


async def test_an_idle_run_reads_each_source_once_and_delivers_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    world.clock.forward(3600)
    await world.sync()
    world.clock.forward(3600)
    world.sap.calls.clear()
    world.other.calls.clear()
    sent = world.queues.sent
    run = await world.sync()
    assert run.counts == {}
    assert world.sap.calls == ["changed"]
    assert world.other.calls == ["changed"]
    assert world.queues.sent == sent + 1


async def test_an_edit_in_sap_travels_with_only_that_field(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton", note="x")
    await world.mark("C1")
    await world.sync()
    world.clock.forward(3600)
    world.sap.put("C1", note="y")
    bodies = []
    world.other.before_write = lambda write: bodies.append(write.body)  # type: ignore[func-returns-value]
    run = await world.sync()
    assert run.counts["updated"] == 1
    assert bodies == [{"note": "y"}]


async def test_a_field_emptied_in_sap_is_emptied_there(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton", note="x")
    await world.mark("C1")
    await world.sync()
    world.clock.forward(3600)
    world.sap.put("C1", note=None)
    await world.sync()
    assert world.pair("C1")[1]["note"] is None


async def test_a_value_that_the_other_side_cuts_does_not_travel_back(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.clip = 5
    world.sap.put("C1", name="A very long name")
    await world.mark("C1")
    await world.sync()
    assert world.pair("C1")[1]["name"] == "A ver"
    writes = world.sap.writes, world.other.writes
    for _ in range(3):
        world.clock.forward(60)
        await world.sync("full")
    assert (world.sap.writes, world.other.writes) == writes
    assert world.sap.rows["C1"]["name"] == "A very long name"


async def test_a_value_that_does_not_fit_is_held_by_name_and_never_cut(make_world: MakeWorld) -> None:
    world = await make_world(other_length=5)
    world.sap.put("C1", name="Anton", note="too long")
    await world.mark("C1")
    await world.sync()
    record = await world.record("C1")
    assert record.held == {"note": "longer than 5"}
    assert world.pair("C1")[1]["note"] is None
    assert world.pair("C1")[1]["name"] == "Anton"
    world.clock.forward(3600)
    world.sap.put("C1", note="fits")
    await world.sync()
    assert world.pair("C1")[1]["note"] == "fits"
    assert (await world.record("C1")).held == {}


async def test_unmarking_stops_what_goes_out_and_keeps_the_link(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    await world.mark("C1", on=False)
    world.clock.forward(3600)
    world.sap.put("C1", name="Berta")
    await world.sync()
    assert world.pair("C1")[1]["name"] == "Anton"
    assert (await world.record("C1")).linked
    await world.mark("C1")
    world.clock.forward(3600)
    world.sap.put("C1", note="again")
    await world.sync()
    assert world.agree("C1")


async def test_an_existing_record_of_that_number_is_linked_not_created(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    world.other.put("g-1", number="C1", note="theirs")
    await world.mark("C1")
    run = await world.sync()
    assert "created" not in run.counts
    assert list(world.other.rows) == ["g-1"]
    assert world.other.rows["g-1"]["name"] == "Anton"
    assert world.sap.rows["C1"]["note"] == "theirs"


async def test_two_records_with_one_number_are_listed_and_none_is_chosen(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    world.other.put("g-1", number="C1")
    world.other.put("g-2", number="C1")
    await world.mark("C1")
    run = await world.sync()
    assert run.counts["conflict"] >= 1
    assert world.other.writes == 0
    assert not (await world.record("C1")).linked


async def test_a_record_deleted_on_the_other_side_is_reported_and_not_resurrected(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    world.other.rows.clear()
    world.clock.forward(3600)
    world.sap.put("C1", name="Berta")
    run = await world.sync()
    assert run.counts["deleted"] == 1
    assert world.other.rows == {}
    assert (await world.record("C1")).deleted == OTHER


async def test_a_merged_record_is_followed(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    world.clock.forward(3600)
    (old,) = world.other.rows
    world.other.put("master", name="Anton", number="C1")
    world.other.put(old, master="master")
    world.sap.put("C1", name="Berta")
    await world.sync()
    assert world.other.rows["master"]["name"] == "Berta"
    assert (await world.record("C1")).keys[OTHER] == "master"


async def test_a_code_that_was_deleted_and_used_again_is_recognised(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    del world.sap.rows["C1"]
    world.clock.forward(3600)
    world.sap.put("C1", name="Somebody else")
    world.sap.rows["C1"]["version"] = 9
    run = await world.sync()
    assert run.counts["conflict"] == 1
    assert next(iter(world.other.rows.values()))["name"] == "Anton"


async def test_an_older_version_never_overwrites_a_newer_one(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    record = await world.record("C1")
    record.versions[SAP] = "50"
    await world.hub.records.save("toy|thing", [record])
    world.clock.forward(3600)
    world.sap.put("C1", name="from a stale node")
    await world.sync()
    assert world.pair("C1")[1]["name"] == "Anton"


async def test_a_reused_code_with_a_lower_version_is_recognised(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.linked_pair()
    for n in range(4):
        world.sap.put("C1", name=f"Anton {n}")
    await world.sync()
    world.clock.forward(3600)
    del world.sap.rows["C1"]
    world.sap.put("C1", name="Somebody else")
    run = await world.sync()
    assert run.counts.get("conflict") == 1, run.counts


async def test_a_record_of_a_restored_database_does_not_keep_the_sweeper_busy(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.linked_pair()
    record = await world.record("C1")
    record.versions[SAP] = "50"
    record.set_due(world.clock())
    await world.hub.records.save("toy|thing", [record])
    for _ in range(12):
        world.clock.forward(7200)
        await sweep(world.hub)
        await world.drain()
    assert not await world.row_keys("d:")
    assert (await world.record("C1")).failure
