"""A creation whose answer was lost: what is found again is based on what it was given, so only edits travel."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UnknownOutcome
from shared.ports import SideName, Write
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, FakeSystem, World

BOTH_WAYS = pytest.mark.parametrize("direction", ["in", "out"])


async def _lost_create(make_world: MakeWorld, direction: str, **settings: Any) -> tuple[World, FakeSystem, FakeSystem]:
    """A record of one side was created on the other, which never answered; (world, its side, the other one)."""
    world = await make_world(**settings)
    near, far = (world.other, world.sap) if direction == "in" else (world.sap, world.other)
    answers = iter([UnknownOutcome("no answer")])
    far.after_write = lambda write: next(answers, None)
    near.put("K1", name="A long name", note="n")
    if direction == "out":
        await world.mark("K1")
    assert (await world.sync()).counts["retrying"] == 1
    assert len(far.rows) == 1
    return world, near, far


def _writes_of(far: FakeSystem) -> list[Write]:
    seen: list[Write] = []

    def remember(write: Write) -> None:
        seen.append(write)

    far.before_write = remember  # type: ignore[assignment]
    return seen


async def _recovered(world: World) -> None:
    world.clock.forward(world.hub.times.claim_expiry + 1)
    await sweep(world.hub)
    await world.drain()


async def _record(world: World, direction: str) -> Any:
    return await world.record("K1", _born(direction))


def _born(direction: str) -> SideName:
    return OTHER if direction == "in" else SAP


@BOTH_WAYS
async def test_it_is_linked_and_not_written_again(make_world: MakeWorld, direction: str) -> None:
    world, _, far = await _lost_create(make_world, direction)
    seen = _writes_of(far)
    await _recovered(world)
    record = await _record(world, direction)
    assert (record.linked, record.claim, record.outcome) == (True, None, "created")
    assert seen == []
    assert len(far.rows) == 1


@BOTH_WAYS
async def test_what_the_side_made_of_it_is_no_edit(make_world: MakeWorld, direction: str) -> None:
    world = await make_world()
    near, far = (world.other, world.sap) if direction == "in" else (world.sap, world.other)
    far.clip = 5
    answers = iter([UnknownOutcome("no answer")])
    far.after_write = lambda write: next(answers, None)
    near.put("K1", name="A long name", note="n")
    if direction == "out":
        await world.mark("K1")
    await world.sync()
    await _recovered(world)
    for _ in range(3):
        world.clock.forward(7200)
        await world.sync("full")
    assert near.rows["K1"]["name"] == "A long name"
    assert [row["name"] for row in far.rows.values()] == ["A lon"]


@BOTH_WAYS
async def test_an_edit_made_in_between_still_travels(make_world: MakeWorld, direction: str) -> None:
    world, near, far = await _lost_create(make_world, direction)
    near.put("K1", note="edited", size="added")
    seen = _writes_of(far)
    await _recovered(world)
    (row,) = far.rows.values()
    assert (row["name"], row["note"], row["size"]) == ("A long name", "edited", "added")
    assert [sorted(write.body) for write in seen] == [["note", "size"]]


@BOTH_WAYS
async def test_an_edit_made_in_between_on_the_other_side_is_not_overwritten(
    make_world: MakeWorld, direction: str
) -> None:
    """Nobody saw what that side made of it first, so its edit cannot be told from that; it stands."""
    world, near, far = await _lost_create(make_world, direction)
    (key,) = far.rows
    far.put(key, note="edited there")
    near.put("K1", name="Another name")
    await _recovered(world)
    assert (far.rows[key]["name"], far.rows[key]["note"]) == ("Another name", "edited there")


@BOTH_WAYS
async def test_a_value_emptied_in_between_is_emptied_there(make_world: MakeWorld, direction: str) -> None:
    world, near, far = await _lost_create(make_world, direction)
    near.put("K1", note=None)
    await _recovered(world)
    assert [row["note"] for row in far.rows.values()] == [None]


async def test_a_value_that_did_not_fit_is_still_held_by_name(make_world: MakeWorld) -> None:
    world, _, far = await _lost_create(make_world, "out", other_length=5)
    assert [row["name"] for row in far.rows.values()] == [None]
    await _recovered(world)
    record = await _record(world, "out")
    assert record.linked
    assert set(record.held) == {"name"}


async def test_without_a_lost_answer_the_same_value_is_held_by_name(make_world: MakeWorld) -> None:
    world = await make_world(other_length=5)
    world.sap.put("K1", name="A long name", note="n")
    await world.mark("K1")
    await world.sync()
    assert set((await _record(world, "out")).held) == {"name"}


async def test_a_key_that_was_changed_since_rebases_without_writing_over(make_world: MakeWorld) -> None:
    world, near, far = await _lost_create(make_world, "out")
    world.hub.fingerprint_secret = b"another secret"
    (key,) = far.rows
    far.put(key, note="edited there")
    await _recovered(world)
    assert (await _record(world, "out")).linked
    assert near.rows["K1"]["name"] == far.rows[key]["name"] == "A long name"
