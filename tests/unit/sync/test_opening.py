"""Transactional objects: opened by complete settings, from their start date on; no first load."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import BadRequest
from shared.sync import configure, due_starts, explain, sync_now
from shared.sync.schedule import Schedule
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, START, Toy, World
from tests.unit.sync.toys import DraftToy, OpenedType

DAY = START - timedelta(days=3)
SETTINGS = {"starts_at": DAY.isoformat()}


async def _closed(make_world: MakeWorld) -> World:
    world = await make_world(DraftToy(), initialized=False)
    world.type = OpenedType(*world.type.objects)
    world.hub.types = {"toy": world.type}
    return world


async def test_before_its_settings_are_complete_nothing_runs_and_the_answer_says_what_opens_it(
    make_world: MakeWorld,
) -> None:
    world = await _closed(make_world)
    for mode in ("delta", "full", "sweep", "due"):
        with pytest.raises(BadRequest) as refused:
            await sync_now.sync_now(world.hub, "toy", "thing", mode, [])
        assert (refused.value.status, refused.value.code) == (409, "not-initialized")
        assert "settings" in refused.value.text
        assert "initialize" not in refused.value.text
    with pytest.raises(BadRequest) as refused:
        await sync_now.sync_now(world.hub, "toy", "thing", "delta", [(OTHER, "g-1")])
    assert refused.value.status == 409
    world.other.put("g-1", name="waits")
    told = await explain.explain(world.hub, "toy", "thing", OTHER, "g-1")
    assert "settings" in told["summary"]
    assert "initialize it" not in told["summary"]


async def test_incomplete_settings_do_not_open_it(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    for settings, missing in (({"scope": "no"}, "starts_at"), ({**SETTINGS, "scope": ""}, "scope")):
        saved = await configure.save_settings(world.hub, "toy", settings)
        assert [one["setting"] for one in saved["missing"]["thing"]] == [missing]
        assert (await world.hub.runs.object("toy", "thing")).initialized_at is None


async def test_complete_settings_open_it_and_it_reads_from_the_start_date_on(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    world.other.put("old", name="from before")
    world.other.put("g-1", name="since")
    world.other.rows["old"]["modified"] = (DAY - timedelta(hours=1)).isoformat()
    world.other.rows["g-1"]["modified"] = (DAY + timedelta(hours=1)).isoformat()
    await configure.save_settings(world.hub, "toy", SETTINGS)
    state = await world.hub.runs.object("toy", "thing")
    assert state.initialized_at == world.clock()
    assert state.watermarks == {"in": DAY}
    assert (await world.sync()).counts["created"] == 1
    assert [row["name"] for row in world.sap.rows.values()] == ["since"]
    assert (await world.hub.runs.object("toy", "thing")).watermarks["in"] > DAY


async def test_a_template_that_is_created_with_complete_settings_is_open(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    await configure.create_template(world.hub, "second", "toy", SETTINGS)
    state = await world.hub.runs.object("second", "thing")
    assert (state.initialized_at, state.watermarks) == (world.clock(), {"in": DAY})


async def test_settings_saved_again_do_not_open_it_anew(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    await configure.save_settings(world.hub, "toy", SETTINGS)
    await world.sync()
    before = await world.hub.runs.object("toy", "thing")
    world.clock.forward(7200)
    later = datetime(2026, 3, 1, tzinfo=UTC).isoformat()
    await configure.save_settings(world.hub, "toy", {"starts_at": later})
    after = await world.hub.runs.object("toy", "thing")
    assert (after.initialized_at, after.watermarks) == (before.initialized_at, before.watermarks)


async def test_an_earlier_start_date_brings_what_it_now_covers(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    world.other.put("old", name="from before")
    world.other.rows["old"]["modified"] = (DAY - timedelta(hours=1)).isoformat()
    await configure.save_settings(world.hub, "toy", SETTINGS)
    await world.sync()
    assert world.sap.rows == {}
    world.clock.forward(7200)
    await configure.save_settings(world.hub, "toy", {"starts_at": (DAY - timedelta(days=1)).isoformat()})
    await world.sync()
    assert [row["name"] for row in world.sap.rows.values()] == ["from before"]


async def test_it_has_no_first_load(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    for settings in ({}, SETTINGS):
        await configure.save_settings(world.hub, "toy", settings)
        with pytest.raises(BadRequest) as refused:
            await configure.initialize(world.hub, "toy", "thing")
        assert (refused.value.status, refused.value.code) == (409, "not-initializable")


async def test_its_schedule_starts_once_it_is_open(make_world: MakeWorld) -> None:
    world = await _closed(make_world)
    schedule = Schedule.model_validate({"run": "daily", "every": "06:00"})
    await configure.save_schedule(world.hub, "toy", "thing", schedule)
    world.clock.forward(86400)
    assert await due_starts.tick(world.hub, "toy", "thing") == []
    await configure.save_settings(world.hub, "toy", SETTINGS)
    assert len(await due_starts.tick(world.hub, "toy", "thing")) == 1


async def test_objects_that_have_a_first_load_are_not_opened_by_settings(make_world: MakeWorld) -> None:
    world = await make_world(Toy(), initialized=False)
    await configure.save_settings(world.hub, "toy", SETTINGS)
    assert (await world.hub.runs.object("toy", "thing")).initialized_at is None
    with pytest.raises(BadRequest, match="initialize"):
        await sync_now.sync_now(world.hub, "toy", "thing", "delta", [])
