"""What health finds: storage, systems, queues, objects that are overdue, records that wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Misconfigured, Transient
from shared.stores.queues import DELIVERIES, RUNS, poison
from shared.stores.templates import TemplateRow
from shared.sync import health
from shared.sync.configure import save_schedule
from shared.sync.due_starts import tick
from shared.sync.schedule import Schedule
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import OTHER, Toy, World

DAY = 24 * 3600.0


def texts(found: health.Health) -> list[str]:
    return [reason.text for reason in found.reasons]


async def test_a_hub_that_is_well(world: ApiWorld):
    found = await health.look(world.hub)
    assert found.ok
    assert [(one.side, one.reason) for one in found.systems] == [("sap", None), ("other", None)]


async def test_a_system_that_is_down_is_named_in_words_of_our_own(world: ApiWorld):
    def trouble(verb: str, _: object) -> None:
        raise Transient("no route to 'Geheimnis GmbH'")

    world.sap.trouble.append(trouble)
    (reason,) = (await health.look(world.hub)).reasons
    assert reason.text == "SAP of template 'toy' cannot be reached or refuses the hub."
    assert (reason.error, reason.detail) == ("Transient", "no route to 'Geheimnis GmbH'")


async def test_a_system_that_does_not_answer_does_not_hold_up_the_answer(world: ApiWorld):
    async def silence() -> Any:
        await asyncio.Event().wait()

    world.sap.ping = silence  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        found = await health.look(world.hub, patience=1)
    assert [(reason.error, reason.detail) for reason in found.reasons] == [("Transient", "no answer in time")]


async def test_storage_that_is_down_is_the_only_reason(world: ApiWorld):
    async def down() -> Any:
        raise Transient("storage is down", system="storage")

    world.hub.templates.list = down  # type: ignore[method-assign]
    found = await health.look(world.hub)
    assert found.storage is not None
    assert texts(found) == ["The storage account cannot be reached or refuses the hub."]


async def test_storage_that_fails_or_stops_answering_half_way_is_a_reason_beside_what_was_found(world: ApiWorld):
    async def down(*_: object) -> Any:
        raise Transient("storage is down", system="storage")

    async def silence(*_: object) -> Any:
        await asyncio.Event().wait()

    await world.queues.send(poison(RUNS), {})
    for trouble in (down, silence):
        world.hub.runs.object = trouble  # type: ignore[method-assign]
        async with asyncio.timeout(10):
            poisoned, late = texts(await health.look(world.hub, patience=1))
        assert "runs-poison" in poisoned
        assert late == "Not all queues and objects could be looked at."


async def test_a_missed_start_is_told_until_it_is_made_up(world: ApiWorld):
    await save_schedule(world.hub, "toy", "thing", Schedule.model_validate({"run": "daily", "every": "01:00"}))
    world.clock.forward(3600 + world.hub.times.health_grace)
    found = await health.look(world.hub)
    assert ["was missed" in text for text in texts(found)] == [True]
    assert [one.overdue for one in found.objects] == [True]
    await tick(world.hub, "toy", "thing")
    assert ["has ended well" in text for text in texts(await health.look(world.hub))] == [True]
    await world.drain()
    found = await health.look(world.hub)
    assert (found.ok, [one.overdue for one in found.objects]) == (True, [False])


async def test_runs_that_are_stopped_again_and_again_are_told(world: ApiWorld):
    def trouble(verb: str, _: object) -> None:
        if verb != "ping":
            raise Transient("away", system="sap")

    await save_schedule(world.hub, "toy", "thing", Schedule.model_validate({"run": "daily", "every": "01:00"}))
    world.sap.trouble.append(trouble)
    for _ in range(3):
        world.clock.forward(3600)
        await tick(world.hub, "toy", "thing")
    assert [one.overdue for one in (await health.look(world.hub)).objects] == [True]


async def test_a_run_without_a_sign_is_told(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    await start(world.hub, "toy", "thing", "delta", "test")
    world.clock.forward(world.hub.times.run_silent + 1)
    found = await health.look(world.hub)
    (thing,) = found.objects
    assert thing.run_without_sign
    assert thing.oldest_due_age == int(world.hub.times.run_silent) + 1
    assert "gave no sign" in texts(found)[0]


async def test_a_record_that_is_due_for_too_long_is_told_once_its_object_is_initialized(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    world.clock.forward(world.hub.times.health_due)
    assert (await health.look(world.hub)).ok
    world.clock.forward(1)
    assert ["has been due for too long" in text for text in texts(await health.look(world.hub))] == [True]
    state = await world.hub.runs.object("toy", "thing")
    state.initialized_at = None
    await world.hub.runs.save_object(state)
    assert (await health.look(world.hub)).ok


async def test_a_message_that_nobody_takes_for_too_long_is_told(world: ApiWorld):
    await world.queues.send(DELIVERIES, {}, delay_seconds=60)
    world.clock.forward(60 + world.hub.times.health_queue)
    assert (await health.look(world.hub)).ok
    world.clock.forward(1)
    assert texts(await health.look(world.hub)) == [
        "Messages in the queue deliveries have waited for too long; is the app overloaded?"
    ]


async def test_what_stays_in_a_poison_queue_is_told(world: ApiWorld):
    await world.queues.send(poison(RUNS), {})
    assert "runs-poison" in texts(await health.look(world.hub))[0]


async def test_a_template_of_another_version_is_told(world: ApiWorld):
    await world.hub.templates.create(TemplateRow("future", "telex", {}, world.clock()))
    (reason,) = (await health.look(world.hub)).reasons
    assert "'future'" in reason.text
    with pytest.raises(Misconfigured, match="telex"):
        await world.hub.template("future")


async def test_a_template_of_another_version_does_not_keep_the_sweeper_from_the_others(world: ApiWorld):
    await world.hub.templates.create(TemplateRow("future", "telex", {}, world.clock()))
    assert [state.template for state in await sweep(world.hub)] == ["toy"]


async def test_a_child_that_waits_for_too_long_is_told_until_it_is_listed_as_failed(make_world: Any):
    parent, child = Toy("parent", parent_of=("child",)), Toy("child")
    world: World = await make_world(parent, child, parents=True)
    world.other.put("kid", name="Child", parent="mum")
    await world.sync(object_name="child")
    world.clock.forward(world.hub.times.health_parked - 60)
    assert "waited" not in str(texts(await health.look(world.hub)))
    world.clock.forward(DAY)
    found = await health.look(world.hub)
    assert "A record has waited for its toy/parent for too long" in str(texts(found))
    assert max(filter(None, (one.oldest_parked_age for one in found.objects))) > world.hub.times.health_parked
    world.clock.forward(timedelta(days=7).total_seconds())
    await sweep(world.hub)
    assert (await world.record("kid", OTHER, "child")).failure
    assert "waited" not in str(texts(await health.look(world.hub)))
