"""A preview: what it says is what the run then does, record by record, and it leaves no trace."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from shared.errors import BadRequest
from shared.objects.model import Direction, Rule
from shared.ports import SideName
from shared.stores.records import partition
from shared.sync.preview import MOST, preview
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import FIELDS, OTHER, SAP, Toy, World
from tests.unit.sync.toys import ChildToy, OneWayToy

type Facts = dict[str, Any]
NOTHING = ("unchanged", "skipped")


async def look(world: World, mode: str = "delta", *keys: tuple[SideName, str], name: str = "thing") -> Facts:
    """A preview with values."""
    return await preview(world.hub, "toy", name, mode, keys, with_values=True)


async def everything(world: World) -> Facts:
    """All that is stored, lies in queues and stands in both systems."""
    stored: dict[str, Any] = {}
    for found in world.type.objects:
        pk = partition("toy", found.name)
        stored[found.name] = [row async for row in world.hub.records.rows(pk, "")]
        state = await world.hub.runs.object("toy", found.name)
        stored[f"{found.name} state"] = copy.deepcopy(vars(state))
        stored[f"{found.name} runs"] = [
            vars(r) for r in (await world.hub.runs.list_runs("toy", found.name, None, 99))[0]
        ]
    return {
        "stored": stored,
        "messages": list(world.queues.messages),
        "sent": world.queues.sent,
        "rows": copy.deepcopy((world.sap.rows, world.other.rows)),
        "writes": (world.sap.writes, world.other.writes),
    }


async def outcomes(world: World, run: str) -> dict[tuple[str, str], str]:
    """What became of each record in a run of slices of one: by direction and key, each record where it came first."""
    found: dict[tuple[str, str], str] = {}
    told: set[tuple[SideName, str]] = set()
    for phase, side in enumerate((OTHER, SAP)):
        async for light in world.hub.runs.slices(run, phase):
            slice_ = await world.hub.runs.slice(run, light.id)
            assert slice_ is not None
            ((entry,), (outcome,)) = slice_.entries, slice_.counts
            record = await world.record(entry.key, side)
            keys = {(side, entry.key), *(record.keys.items() if record else ())}
            if not keys & told and outcome not in NOTHING:
                found[side.value, entry.key] = outcome
                told |= keys
    return found


def told(seen: Facts) -> dict[tuple[str, str], str]:
    """The same as the preview says it."""
    found = {(one["side"], one["key"]): one["outcome"] for one in seen["records"]}
    return {place: outcome for place, outcome in found.items() if outcome not in NOTHING}


def changes(world: World, before: Facts, foretold: Facts) -> dict[tuple[SideName, str], set[str]]:
    """The fields that were written since, by side and key; of new records those whose key was known before."""
    found: dict[tuple[SideName, str], set[str]] = {}
    for side, rows, old in zip((SAP, OTHER), (world.sap.rows, world.other.rows), before["rows"], strict=True):
        for key, row in rows.items():
            was = old.get(key, {})
            moved = {name for name in (*FIELDS, "number") if (row.get(name) or "") != (was.get(name) or "")}
            if moved and (key in old or (side, key) in foretold):
                found[side, key] = moved
    return found


def announced(seen: Facts) -> dict[tuple[SideName, str], set[str]]:
    """The same as the preview names it."""
    found: dict[tuple[SideName, str], set[str]] = {}
    for one in seen["records"]:
        for side, change in one["changes"].items():
            if side in one["keys"]:
                found.setdefault((SideName(side), one["keys"][side]), set()).update(change["fields"])
    return {place: fields for place, fields in found.items() if fields}


async def possible(world: World, foretold: Facts) -> Facts:
    """What was foretold, without what SAP gave a new record and the other side could not hold: nobody knew it before."""
    found = {}
    for (side, key), fields in foretold.items():
        record = await world.record(key, side)
        held = set(record.held) & {"number"} if record else set()
        if fields - held:
            found[side, key] = fields - held
    return found


def made(world: World, before: Facts) -> int:
    return len(world.sap.rows) + len(world.other.rows) - sum(map(len, before["rows"]))


async def shake(world: World, chance: random.Random, step: int) -> None:
    """People work in both systems, and with the hub."""
    for key in sorted(world.sap.rows):
        what = chance.randrange(7)
        if what == 0:
            world.sap.put(key, **{chance.choice(FIELDS): chance.choice([None, f"v{step}", f" w{step} "])})
        elif what == 1:
            await world.mark(key, on=chance.random() < 0.7)
    for key in sorted(world.other.rows):
        what = chance.randrange(7)
        if what == 0:
            world.other.put(key, **{chance.choice(FIELDS): chance.choice([None, f"v{step}", f"o{step}"])})
        elif what == 1 and chance.random() < 0.3:
            del world.other.rows[key]
        elif what == 2 and chance.random() < 0.3:
            world.other.put(key, scope=chance.choice(["yes", "no"]))
    if chance.random() < 0.6:
        world.sap.put(f"C{step:02d}", name=f"N{step}", note=chance.choice([None, "same", f"n{step}"]))
        await world.mark(f"C{step:02d}", on=chance.random() < 0.8)
    if chance.random() < 0.6:
        number = chance.choice([None, None, f"C{step:02d}"])
        world.other.put(f"g-{step:02d}", name=f"M{step}", note="same", number=number)


@pytest.mark.parametrize("seed", range(16))
async def test_a_preview_equals_the_run_after_it_and_leaves_no_trace(make_world: MakeWorld, seed: int) -> None:
    chance = random.Random(f"preview {seed}")
    rule = chance.choice(list(Rule))
    world = await make_world(rule=rule, other_length=chance.choice([3, 1000]))
    world.hub.slice_size = 1
    for step in range(8):
        await shake(world, chance, step)
        world.clock.forward(chance.choice([1, 400, 4000]))
        mode = chance.choice(["delta", "delta", "full"])
        before = await everything(world)
        seen = await look(world, mode)
        assert await everything(world) == before, (seed, step)
        expected = announced(seen)
        run = await world.sync(mode)
        assert await outcomes(world, run.id) == told(seen), (seed, step, rule, mode)
        assert changes(world, before, expected) == await possible(world, expected), (seed, step, seen)
        created = sum(one["outcome"] == "created" and len(one["changes"]) > 0 for one in seen["records"])
        assert made(world, before) == created, (seed, step)


async def test_values_are_shown_old_and_new_or_only_their_names(make_world: MakeWorld) -> None:
    world = await make_world()
    key = await world.linked_pair()
    await world.sync()
    world.clock.forward(3600)
    world.sap.put("C1", note="new")
    (one,) = (await look(world))["records"]
    assert one == {
        "side": "sap",
        "key": "C1",
        "keys": {"sap": "C1", "other": key},
        "direction": "out",
        "outcome": "updated",
        "reason": None,
        "changes": {"other": {"fields": ["note"], "values": {"note": {"from": "n", "to": "new"}}}},
        "held": {},
        "parkedOn": [],
    }
    assert world.other.rows[key]["note"] == "n"
    hidden = await preview(world.hub, "toy", "thing", "delta", [], with_values=False)
    assert hidden["records"][0]["changes"] == {"other": {"fields": ["note"]}}


async def test_named_records_are_looked_at_whether_they_are_due_or_not(make_world: MakeWorld) -> None:
    world = await make_world()
    key = await world.linked_pair()
    world.other.put("g-new", name="New there")
    world.other.put(key, size="xl")
    seen = await look(world, "delta", (SAP, "C1"), (OTHER, "g-new"), (SAP, "C9"))
    assert {(one["key"], one["outcome"]) for one in seen["records"]} == {
        ("C1", "updated"),
        ("g-new", "created"),
        ("C9", "skipped"),
    }
    assert seen["mode"] == "due"


async def test_a_child_whose_parent_is_missing_is_parked_and_says_on_what(make_world: MakeWorld) -> None:
    world = await make_world(Toy("parent", ("thing",)), ChildToy("thing"))
    world.other.put("g-1", name="Child", parent="p-1")
    seen = await look(world)
    (one,) = seen["records"]
    assert (one["outcome"], one["parkedOn"]) == ("parked", [{"object": "parent", "side": "other", "key": "p-1"}])
    assert await world.row_keys("") == []


async def test_more_than_it_takes_is_refused_and_more_that_is_due_is_told(make_world: MakeWorld) -> None:
    world = await make_world()
    keys = [f"C{n:04d}" for n in range(MOST + 1)]
    with pytest.raises(BadRequest, match=f"up to {MOST}") as refused:
        await look(world, "delta", *[(SAP, key) for key in keys])
    assert refused.value.status == 400
    for key in keys:
        world.sap.put(key, name=key)
    await world.mark(*keys)
    seen = await look(world)
    assert (len(seen["records"]), seen["more"], seen["counts"]) == (MOST, True, {"created": MOST})


async def test_before_the_first_load_there_is_nothing_to_preview(make_world: MakeWorld) -> None:
    world = await make_world(initialized=False)
    with pytest.raises(BadRequest, match="initialized first") as refused:
        await look(world)
    assert refused.value.status == 409


async def test_calls_are_counted_for_each_system(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.linked_pair()
    world.sap.put("C1", note="new")
    world.sap.put("C2", name="Other")
    await world.mark("C2")
    seen = await look(world)
    world.sap.calls.clear()
    world.other.calls.clear()
    await world.sync()
    wrote = [call for call in world.other.calls if call == "write"]
    assert seen["calls"]["other"]["writes"] == len(wrote)
    assert seen["calls"]["sap"]["writes"] == 0
    assert seen["calls"]["sap"]["reads"] > 0


async def test_a_one_way_object_is_previewed_by_the_key_of_either_side(make_world: MakeWorld) -> None:
    world = await make_world(OneWayToy("thing"), directions=(Direction.OUT,))
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await world.sync()
    world.sap.put("C1", name="Berta")
    (key,) = world.other.rows
    (one,) = (await look(world, "delta", (OTHER, key)))["records"]
    assert (one["key"], one["outcome"]) == ("C1", "updated")
