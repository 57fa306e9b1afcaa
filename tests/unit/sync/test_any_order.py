"""Edits on both sides in any order, runs in between: both sides end equal, and no edit made alone is lost."""

from __future__ import annotations

import random

import pytest

from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import FIELDS, OTHER, SAP


@pytest.mark.parametrize("seed", range(6))
async def test_random_edits_converge_and_lose_nothing(make_world: MakeWorld, seed: int) -> None:
    chance = random.Random(seed)
    world = await make_world()
    for n in range(6):
        world.sap.put(f"C{n}", name=f"N{n}")
        world.other.put(f"g-{n}", name=f"M{n}")
    await world.mark(*world.sap.rows)
    await world.sync()
    for step in range(12):
        world.clock.forward(chance.choice([1, 30, 400, 4000]))
        alone: dict[tuple[str, str], str | None] = {}
        for key in list(world.sap.rows):
            record = await world.record(key)
            field, value = chance.choice(FIELDS), chance.choice([None, f"v{step}", f" v{step} "])
            where = chance.choice(["sap", "other", "nowhere", "nowhere"])
            if where == "sap":
                world.sap.put(key, **{field: value})
            elif where == "other":
                world.other.put(record.keys[OTHER], **{field: value})
            if where != "nowhere":
                alone[key, field] = value
        await world.sync(chance.choice(["delta", "delta", "full"]))
        for (key, field), value in alone.items():
            record = await world.record(key)
            shown = {
                (world.sap.rows[key][field] or "").strip(),
                (world.other.rows[record.keys[OTHER]][field] or "").strip(),
            }
            assert shown == {(value or "").strip()}, (seed, step, key, field)
    writes = world.sap.writes, world.other.writes
    for _ in range(3):
        world.clock.forward(60)
        await world.sync("full")
    assert (world.sap.writes, world.other.writes) == writes
    assert len(world.sap.rows) == len(world.other.rows) == 12
    assert all([(await world.record(key)).keys[SAP] == key for key in world.sap.rows])
