"""Templates, settings, set-up, schedules, first load, Sync Now, due starts."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest, Misconfigured, Transient
from shared.sync import configure, due_starts, sync_now
from shared.sync.configure import InvalidSettings
from shared.sync.schedule import Frequency, Schedule
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import OTHER, SAP


async def test_a_template_is_created_once(world: ApiWorld):
    made = await configure.create_template(world.hub, "second", "toy", {})
    assert (made["id"], made["objects"]) == ("second", ["thing"])
    assert [one["id"] for one in await configure.list_templates(world.hub)] == ["second", "toy"]
    with pytest.raises(BadRequest) as refused:
        await configure.create_template(world.hub, "second", "toy", {})
    assert refused.value.status == 409


@pytest.mark.parametrize("name", ["", "Toy", "1toy", "a" * 32, "a_b", "a/b", "tøy"])
async def test_a_template_id_that_is_not_allowed_is_refused(world: ApiWorld, name: str):
    with pytest.raises(BadRequest) as refused:
        await configure.create_template(world.hub, name, "toy", {})
    assert refused.value.fields == ("id",)


async def test_an_unknown_type_is_refused_with_those_there_are(world: ApiWorld):
    with pytest.raises(BadRequest, match="toy"):
        await configure.create_template(world.hub, "second", "game", {})


async def test_settings_are_checked_by_their_model_and_by_the_systems(world: ApiWorld):
    with pytest.raises(InvalidSettings) as refused:
        await configure.save_settings(world.hub, "toy", {"rule": "nobody_wins", "other_length": "long"})
    assert {one.setting for one in refused.value.problems} == {"rule", "other_length"}
    with pytest.raises(InvalidSettings) as refused:
        await configure.save_settings(world.hub, "toy", {"scope": "nowhere"})
    assert [(one.setting, one.text) for one in refused.value.problems] == [("scope", "is on no list")]
    assert (await configure.get_settings(world.hub, "toy"))["settings"]["scope"] == "yes"


async def test_a_wider_scope_travels_in_the_next_run(world: ApiWorld):
    world.other.put("o-1", name="old", scope="no")
    assert (await world.sync()).counts == {"skipped": 1}
    for counts in ({"skipped": 1}, {}):
        world.clock.forward(7200)
        assert (await world.sync()).counts == counts
    saved = await configure.save_settings(world.hub, "toy", {"scope": "no"})
    assert saved["settings"]["scope"] == "no"
    state = await world.hub.runs.object("toy", "thing")
    assert state.rescan == ("in", "out")
    assert (await world.sync()).counts["created"] == 1
    assert (await world.hub.runs.object("toy", "thing")).rescan == ()


async def test_set_up_creates_what_is_missing_once(world: ApiWorld):
    first = await configure.set_up(world.hub, "toy")
    assert {step.state for step in first} == {"ok", "created"}
    assert [step.what for step in first if step.state == "created"] == ["column U_Toy of things (sap)"]
    assert {step.state for step in await configure.set_up(world.hub, "toy")} == {"ok"}


async def test_set_up_says_what_is_to_do_and_goes_on(world: ApiWorld):
    def trouble(verb: str, _: object) -> None:
        if verb == "ping":
            raise Misconfigured("the password is wrong")

    world.sap.trouble.append(trouble)
    steps = await configure.set_up(world.hub, "toy")
    assert [(step.what, step.state) for step in steps][:2] == [("reach SAP", "todo"), ("reach the other side", "ok")]
    assert "the password is wrong" in steps[0].text
    assert any("(other)" in step.what for step in steps)


async def test_the_first_load_wants_complete_settings_and_happens_once(world: ApiWorld):
    await configure.create_template(world.hub, "second", "toy", {"scope": ""})
    with pytest.raises(InvalidSettings) as refused:
        await configure.initialize(world.hub, "second", "thing")
    assert (refused.value.status, refused.value.problems[0].setting) == (409, "scope")
    await configure.save_settings(world.hub, "second", {"scope": "yes"})
    await configure.initialize(world.hub, "second", "thing")
    await world.drain()
    (shown,) = await configure.overview(world.hub, "second")
    assert (shown["initialized"], shown["lastStatus"]) == (True, "succeeded")
    with pytest.raises(BadRequest) as again:
        await configure.initialize(world.hub, "second", "thing")
    assert again.value.status == 409


async def test_the_overview_tells_what_is_at_work_and_what_comes_next(world: ApiWorld):
    await configure.save_schedule(world.hub, "toy", "thing", Schedule(run=Frequency.DAILY, at="12:00"))
    await sync_now.sync_now(world.hub, "toy", "thing", "delta", [])
    (shown,) = await configure.overview(world.hub, "toy")
    assert shown["activeRun"]["status"] == "waiting"
    assert shown["nextStart"].isoformat() == "2026-03-02T12:00:00+00:00"
    assert (shown["marks"], shown["directions"]) == ("toys", ["in", "out"])


# --- schedules ----------------------------------------------------------------------------------------------------------


async def test_a_schedule_answers_its_next_five_starts(world: ApiWorld):
    saved = await configure.save_schedule(world.hub, "toy", "thing", Schedule(run=Frequency.DAILY, every="06:00"))
    assert [start.hour for start in saved["nextStarts"]] == [12, 18, 0, 6, 12]
    assert await configure.get_schedule(world.hub, "toy", "thing") == saved


async def test_what_is_due_starts_once_and_what_was_missed_is_made_up_once(world: ApiWorld):
    await configure.save_schedule(world.hub, "toy", "thing", Schedule(run=Frequency.DAILY, every="06:00"))
    assert await due_starts.tick(world.hub, "toy", "thing") == []
    world.clock.forward(2 * 24 * 3600)
    started = await due_starts.tick(world.hub, "toy", "thing")
    assert len(started) == 1
    assert await due_starts.tick(world.hub, "toy", "thing") == []
    run = await world.hub.runs.run(started[0])
    assert run is not None
    assert (run.mode, run.origin) == ("delta", "schedule")


async def test_nothing_starts_before_the_first_load_or_for_another_type(world: ApiWorld):
    await configure.create_template(world.hub, "second", "toy", {})
    for template in ("toy", "second"):
        await configure.save_schedule(world.hub, template, "thing", Schedule(run=Frequency.DAILY, every="06:00"))
    world.clock.forward(24 * 3600)
    assert await due_starts.tick(world.hub, "game", "thing") == []
    assert [run.split(".")[0] for run in await due_starts.tick(world.hub, "toy", "thing")] == ["toy"]


# --- Sync Now -----------------------------------------------------------------------------------------------------------


async def test_sync_now_of_named_records_delivers_these_whatever_their_stamp(world: ApiWorld):
    world.stock(2)
    await world.mark("C0001", "C0002")
    await world.sync()
    world.clock.forward(7200)
    await world.sync()
    for key in ("C0001", "C0002"):
        world.sap.rows[key]["name"] = "changed without a stamp"
    keys = [(SAP, "C0001"), (SAP, "C0009"), (OTHER, "o-9")]
    started = await sync_now.sync_now(world.hub, "toy", "thing", "delta", keys)
    assert started.unknown == ((SAP, "C0009"), (OTHER, "o-9"))
    await world.drain()
    run = await world.hub.runs.run(started.run)
    assert run is not None
    assert run.counts == {"updated": 1}


async def test_sync_now_of_a_record_that_only_the_other_side_knows(world: ApiWorld):
    world.other.put("o-1", name="new")
    world.clock.forward(7200)
    state = await world.hub.runs.object("toy", "thing")
    state.watermarks = {"in": world.clock(), "out": world.clock()}
    await world.hub.runs.save_object(state)
    started = await sync_now.sync_now(world.hub, "toy", "thing", "delta", [(OTHER, "o-1")])
    assert started.unknown == ()
    await world.drain()
    assert len(world.sap.rows) == 1


async def test_sync_now_before_the_first_load_is_refused(world: ApiWorld):
    await configure.create_template(world.hub, "second", "toy", {})
    for keys in ([], [(SAP, "C0001")]):
        with pytest.raises(BadRequest, match="initialize") as refused:
            await sync_now.sync_now(world.hub, "second", "thing", "delta", keys)
        assert refused.value.status == 409


async def test_settings_are_not_saved_while_a_system_cannot_be_asked(world: ApiWorld):
    async def down(*_: object, **__: object) -> dict[str, list[object]]:
        raise Transient("SAP is down")

    world.type.references = (object(),)  # type: ignore[assignment]
    world.hub.lists = down  # type: ignore[assignment, method-assign]
    with pytest.raises(Transient):
        await configure.save_settings(world.hub, "toy", {"scope": "no"})
    assert (await world.hub.templates.get("toy")).settings == {}  # type: ignore[union-attr]
