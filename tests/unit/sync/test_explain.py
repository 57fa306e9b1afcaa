"""Why a record did or did not sync: one sentence per cause."""

from __future__ import annotations

import json
from typing import Any

from shared.errors import Rejected, UnknownOutcome
from shared.ports import SideName
from shared.sync.explain import explain
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import OTHER, SAP


async def why(world: ApiWorld, key: str = "C0001", side: SideName = SAP) -> dict[str, Any]:
    return await explain(world.hub, "toy", "thing", side, key)


async def test_a_record_that_is_nowhere(world: ApiWorld):
    found = await why(world)
    assert "Neither side has such a record" in found["summary"]
    assert not found["known"]


async def test_a_record_that_is_not_marked(world: ApiWorld):
    world.stock(1)
    found = await why(world)
    assert found["summary"] == "It does not travel: it is not marked."


async def test_a_record_is_found_however_its_code_is_typed(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001", batch="spring")
    found = await why(world, "c0001")
    assert found["mark"]["batches"] == ["spring"]
    assert found["sides"]["sap"]["key"] == "C0001"


async def test_a_marked_record_before_the_first_load(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    state = await world.hub.runs.object("toy", "thing")
    state.initialized_at = None
    await world.hub.runs.save_object(state)
    assert "initialize it first" in (await why(world))["summary"]


async def test_a_record_that_is_due(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    found = await why(world)
    assert found["summary"] == "It is due: it is delivered in the next run."
    assert found["nextTry"] == world.clock()


async def test_a_record_in_step_and_one_that_was_changed_since(world: ApiWorld):
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    found = await why(world)
    assert found["summary"] == "It is linked and in step."
    assert found["sides"]["other"]["exists"]
    world.sap.put("C0001", name="new")
    assert "changed since the last delivery" in (await why(world))["summary"]


async def test_a_record_that_failed_says_what_to_do(world: ApiWorld):
    world.other.before_write = lambda write: Rejected("the name is taken", fields=["name"])
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    found = await why(world)
    assert "the name is taken" in found["summary"]
    assert found["failure"]["nextStep"] in found["summary"]


async def test_a_record_whose_creation_has_an_unknown_outcome(world: ApiWorld):
    world.other.after_write = lambda write: UnknownOutcome("timeout")
    world.stock(1)
    await world.mark("C0001")
    await world.hub.runs.save_object(await world.hub.runs.object("toy", "thing"))
    from shared.sync.start import start

    await start(world.hub, "toy", "thing", "delta", "test")
    for _ in range(3):
        await world.handle_one()
    assert (await why(world))["claim"] is not None


async def test_a_parked_record_names_its_parent(world: ApiWorld):
    world.stock(1)
    world.sap.rows["C0001"]["parent"] = "P1"
    world.type.objects[0].name = "thing"
    await world.mark("C0001")
    await world.sync()
    found = await why(world)
    assert found["summary"].startswith("It waits until its parent is linked.")
    assert found["parkedOn"] == [{"object": "parent", "side": "sap", "key": "P1"}]


async def test_held_fields_are_named(world: ApiWorld):
    await world.change_settings(other_length=5)
    world.stock(1)
    await world.mark("C0001")
    await world.sync()
    found = await why(world)
    assert "name" in found["held"]
    assert "These fields could not travel: name" in found["summary"]


async def test_a_record_of_the_other_side_that_is_of_no_interest(world: ApiWorld):
    world.other.put("o-1", name="x", scope="no")
    found = await why(world, "o-1", OTHER)
    assert found["summary"] == "It does not travel: its type is not configured."


async def test_no_value_of_any_field_is_told(world: ApiWorld):
    world.stock(1, note="Geheimnis", size="Vertraulich")
    await world.mark("C0001")
    await world.sync()
    world.sap.put("C0001", note="Verschwiegen")
    told = json.dumps(await why(world), default=str)
    assert not any(secret in told for secret in ("Geheimnis", "Vertraulich", "Verschwiegen", "Toy C0001"))
