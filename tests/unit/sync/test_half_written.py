"""One side took its part and the other did not: what the first made of it is no edit."""

from __future__ import annotations

from shared.errors import Throttled, Transient
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld


async def test_an_edit_is_not_overwritten_by_what_the_side_made_of_it_when_the_other_write_fails(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    guid = await world.linked_pair()
    world.sap.clip = 5
    world.other.put(guid, name="A long name", number="C1")
    world.sap.put("C1", note="nn")
    world.other.before_write = lambda write: Transient("away")
    await world.sync()
    assert world.sap.rows["C1"]["name"] == "A lon"
    world.other.before_write = lambda write: None
    for _ in range(3):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert world.other.rows[guid]["note"] == "nn"
    assert world.other.rows[guid]["name"] == "A long name"


async def test_a_number_that_cannot_be_written_back_yet_echoes_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.clip = 5
    world.other.put("g-1", name="A long name")
    world.other.before_write = lambda write: Transient("away")
    await world.sync()
    world.other.before_write = lambda write: None
    for _ in range(3):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert len(world.sap.rows) == 1
    assert world.other.rows["g-1"]["number"]
    assert world.other.rows["g-1"]["name"] == "A long name"


async def test_a_number_that_a_throttled_system_did_not_take_echoes_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.clip = 5
    world.other.put("g-1", name="A long name")
    blocked = True

    def throttled(verb: str, detail: object) -> None:
        if verb == "write" and blocked:
            raise Throttled("slow down")

    world.other.trouble.append(throttled)
    await start(world.hub, "toy", "thing", "delta", "test")
    for _ in range(4):
        await world.handle_one()
    blocked = False
    for _ in range(3):
        world.clock.forward(3600)
        await sweep(world.hub)
        await world.drain()
    assert len(world.sap.rows) == 1
    assert world.other.rows["g-1"]["number"]
    assert world.other.rows["g-1"]["name"] == "A long name"
