"""Steps: what a side is told of a record after the record itself, stage by stage, and what is left after a failure."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import HubError, Misconfigured, Rejected, Throttled, Transient, UnknownOutcome
from shared.ports import Write
from shared.sync import slices
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, World
from tests.unit.sync.toys import CalledToy, PartsSystem, StagedToy


async def _staged(make_world: MakeWorld, count: int = 1) -> tuple[World, PartsSystem]:
    """So many records in SAP, marked, with two colours each."""
    world = await make_world(StagedToy())
    other = PartsSystem(world.clock)
    world.other = other
    for n in range(count):
        world.sap.put(f"C{n}", name=f"N{n}", red=f"r{n}", blue=f"b{n}")
    await world.mark(*world.sap.rows)
    return world, other


async def _linked(make_world: MakeWorld) -> tuple[World, PartsSystem, str]:
    world, other = await _staged(make_world)
    await world.sync()
    world.clock.forward(7200)
    await world.sync()
    world.clock.forward(7200)
    other.written.clear()
    (key,) = other.rows
    return world, other, key


async def _settle(world: World) -> None:
    for _ in range(3):
        world.clock.forward(world.hub.times.claim_expiry + world.hub.times.slice_overdue)
        await sweep(world.hub)
        await world.drain(sweeping=True)


def _refuse(colour: str, error: HubError) -> Any:
    """Refuses what is written for a colour, whether its part is made or changed."""

    def refuse(write: Write) -> HubError | None:
        return error if write.body.get("colour") == colour or write.body.get("amount") == colour else None

    return refuse


def _complete(world: World, other: PartsSystem) -> None:
    """Every record is there once, with its parts, and switched on."""
    for key, row in world.sap.rows.items():
        _, twin = world.pair(key)
        assert twin["name"] == row["name"]
        assert twin.get("state") == "on"
        assert other.colours_of(twin["key"]) == {c: row[c] for c in ("red", "blue") if row.get(c)}
    assert len(other.parts) == sum(len(other.colours_of(key)) for key in other.rows)


# --- stage by stage ---------------------------------------------------------------------------------------------------


async def test_records_come_first_then_their_rows_then_their_states_each_stage_in_one_call(
    make_world: MakeWorld,
) -> None:
    world, other = await _staged(make_world, 3)
    run = await world.sync()
    assert run.counts["created"] == 3
    assert [name for name, _ in other.written] == ["things"] * 3 + ["parts"] * 6 + ["things"] * 3
    assert other.calls.count("write") == 3
    _complete(world, other)


async def test_what_steps_made_is_no_edit_of_anybody(make_world: MakeWorld) -> None:
    world, other, _ = await _linked(make_world)
    for _ in range(10):
        world.clock.forward(7200)
        run = await world.sync("full")
        assert set(run.counts) <= {"unchanged"}
    assert (other.written, world.sap.writes) == ([], 0)


async def test_a_changed_row_is_one_step_and_nothing_else(make_world: MakeWorld) -> None:
    world, other, key = await _linked(make_world)
    world.sap.put("C0", red="r9")
    assert (await world.sync()).counts["updated"] == 1
    assert other.written == [("parts", "red")]
    assert other.colours_of(key) == {"red": "r9", "blue": "b0"}


async def test_a_row_that_ends_is_deleted(make_world: MakeWorld) -> None:
    world, other, key = await _linked(make_world)
    world.sap.put("C0", red=None)
    await world.sync()
    assert other.written == [("parts", "-red")]
    assert other.colours_of(key) == {"blue": "b0"}


async def test_a_row_that_is_gone_already_is_as_it_should_be(make_world: MakeWorld) -> None:
    world, other, key = await _linked(make_world)
    world.sap.put("C0", red=None)

    def somebody_was_faster(write: Write) -> None:
        if write.delete:
            other.parts.pop(str(write.key))

    other.before_write = somebody_was_faster
    run = await world.sync()
    assert run.counts["updated"] == 1
    record = await world.record("C0")
    assert (record.failure, record.due) == (None, "")
    assert other.colours_of(key) == {"blue": "b0"}


# --- a step that fails ------------------------------------------------------------------------------------------------

ERRORS = [Transient("away"), Rejected("not this one"), UnknownOutcome("no answer")]


@pytest.mark.parametrize("error", ERRORS)
async def test_after_a_failed_step_of_a_create_the_next_delivery_does_exactly_the_rest(
    make_world: MakeWorld, error: HubError
) -> None:
    world, other = await _staged(make_world, 2)
    other.before_write = _refuse("blue", error)
    run = await world.sync()
    assert run.counts.get("retrying", 0) + run.counts.get("failed", 0) >= 2
    assert [row.get("state") for row in other.rows.values()] == [None, None], "a later stage ran"
    assert sorted(part["colour"] for part in other.parts.values()) == ["red", "red"]
    other.before_write = lambda write: None
    other.written.clear()
    await _retry(world)
    assert sorted(other.written) == [("parts", "blue")] * 2 + [("things", "state")] * 2
    _complete(world, other)
    assert not await world.row_keys("d:")
    assert not await world.row_keys("f:")


@pytest.mark.parametrize("error", ERRORS)
async def test_after_a_failed_step_of_an_update_the_next_delivery_does_exactly_the_rest(
    make_world: MakeWorld, error: HubError
) -> None:
    world, other, _ = await _linked(make_world)
    world.sap.put("C0", note="new", red="r9", blue="b9", state="off")
    other.before_write = _refuse("b9", error)
    await world.sync()
    assert [row.get("state") for row in other.rows.values()] == ["on"], "a later stage ran"
    other.before_write = lambda write: None
    other.written.clear()
    await _retry(world)
    assert other.written == [("parts", "blue"), ("things", "state")]
    (twin,) = other.rows.values()
    assert (twin["note"], twin["state"], other.colours_of(twin["key"])) == ("new", "off", {"red": "r9", "blue": "b9"})


async def test_a_failed_step_of_one_record_does_not_keep_the_others_from_theirs(make_world: MakeWorld) -> None:
    world, other = await _staged(make_world, 3)
    other.before_write = _refuse("b1", Rejected("not this one"))
    run = await world.sync()
    assert run.counts["created"] == 2
    assert run.counts["failed"] == 1
    states = {row["name"]: row.get("state") for row in other.rows.values()}
    assert states == {"N0": "on", "N1": None, "N2": "on"}
    assert (await world.record("C1")).failure.reason == "not this one"


@pytest.mark.parametrize("error", [Throttled("slow down"), Transient("away"), Misconfigured("no right to parts")])
async def test_a_stage_that_fails_as_a_whole_forgets_nothing_of_what_was_created(
    make_world: MakeWorld, error: HubError
) -> None:
    world, other = await _staged(make_world, 3)
    blocked = True

    def trouble(verb: str, detail: Any) -> None:
        if verb == "write" and blocked and detail and "colour" in detail[0].body:
            raise error

    other.trouble.append(trouble)
    await start(world.hub, "toy", "thing", "delta", "test")
    for _ in range(6):
        await world.handle_one()
    assert len(other.rows) == 3
    blocked = False
    other.written.clear()
    await world.drain()
    await _retry(world)
    assert "name" not in "".join(what for _, what in other.written)
    _complete(world, other)


async def test_a_value_that_did_not_fit_is_held_by_name_although_a_step_failed(make_world: MakeWorld) -> None:
    world, other = await _staged(make_world)
    await world.change_settings(other_length=5)
    world.sap.put("C0", note="much too long")
    other.before_write = _refuse("blue", Transient("away"))
    await world.sync()
    other.before_write = lambda write: None
    await _retry(world)
    _complete(world, other)
    assert set((await world.record("C0")).held) == {"note"}


async def _retry(world: World) -> None:
    """As after some time, or as a person asks for it."""
    for key in list(world.sap.rows):
        record = await world.record(key)
        record.set_due(world.clock())
        assert not await world.hub.records.save("toy|thing", [record])
    world.clock.forward(60)
    await world.sync()
    await _settle(world)


# --- crashes ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("done_first", [False, True])
@pytest.mark.parametrize("update", [False, True])
async def test_a_crash_at_any_write_ends_as_without_it(make_world: MakeWorld, done_first: bool, update: bool) -> None:
    reached = 0
    for n in range(1, 10):
        world, other = await _staged(make_world, 2)
        if update:
            await world.sync()
            world.clock.forward(7200)
            for key in world.sap.rows:
                world.sap.put(key, note="new", red="r9", blue="b9")
            world.sap.put("C1", red=None)
        left = n
        original = other.write

        async def dying(entity, writes, original=original):  # type: ignore[no-untyped-def]
            nonlocal left
            left -= 1
            if left == 0:
                if done_first:
                    await original(entity, writes)
                raise Killed
            return await original(entity, writes)

        other.write = dying  # type: ignore[method-assign]
        await start(world.hub, "toy", "thing", "delta", "test")
        try:
            await world.drain()
        except Killed:
            reached = n
        world.hub = world.another_hub(world.tables)
        other.write = original  # type: ignore[method-assign]
        await _settle(world)
        await _settle(world)
        _complete(world, other)
        assert len(other.rows) == 2
        assert not await world.row_keys("d:")
        assert not await world.row_keys("f:")
    assert reached >= 2, "no crash came between the stages"


async def test_two_deliveries_at_once_make_a_row_once(make_world: MakeWorld) -> None:
    world, other, key = await _linked(make_world)
    world.sap.put("C0", red=None)
    await world.sync()
    world.clock.forward(7200)
    world.sap.put("C0", red="r9")
    await start(world.hub, "toy", "thing", "delta", "test")
    while not any(queue == "deliveries" for _, queue, _ in world.queues.messages):
        assert await world.handle_one()
    message = next(m for _, queue, m in world.queues.messages if queue == "deliveries")
    original = other.write
    came = False

    async def slow(entity, writes):  # type: ignore[no-untyped-def]
        nonlocal came
        if not came:
            came = True
            await slices.on_message(world.another_hub(world.tables), message)
        return await original(entity, writes)

    other.write = slow  # type: ignore[method-assign]
    await world.drain()
    await _settle(world)
    assert came
    assert other.colours_of(key) == {"red": "r9", "blue": "b0"}
    assert not await world.row_keys("f:")


# --- operations -------------------------------------------------------------------------------------------------------


async def _called(make_world: MakeWorld, **columns: Any) -> tuple[World, PartsSystem]:
    world = await make_world(CalledToy())
    sap = PartsSystem(world.clock, "C")
    world.sap = sap
    world.other.put("g-1", name="Born there", **columns)
    await world.sync()
    world.clock.forward(7200)
    return world, sap


async def test_an_operation_is_called_once(make_world: MakeWorld) -> None:
    world, sap = await _called(make_world)
    (key,) = sap.rows
    world.other.put("g-1", done=True)
    assert (await world.sync()).counts["updated"] == 1
    for _ in range(10):
        world.clock.forward(7200)
        await world.sync("full")
    assert sap.operations == [f"things({key})/Finish"]


@pytest.mark.parametrize(("answer", "calls"), [("lost", 1), ("never", 2)])
async def test_an_operation_without_an_answer_is_looked_at_before_it_is_called_again(
    make_world: MakeWorld, answer: str, calls: int
) -> None:
    world, sap = await _called(make_world)
    world.other.put("g-1", done=True)
    sap.answers = [answer]
    run = await world.sync()
    assert run.counts["retrying"] == 1
    await _settle(world)
    assert len(sap.operations) == calls
    (row,) = sap.rows.values()
    assert row["done"] is True
    record = await world.record("g-1", OTHER)
    assert (record.failure, record.due) == (None, "")


@pytest.mark.parametrize("error", [Transient("away"), Rejected("not now")])
async def test_an_operation_that_failed_is_still_to_be_called(make_world: MakeWorld, error: HubError) -> None:
    world, sap = await _called(make_world)
    world.other.put("g-1", done=True, note="with it")

    def trouble(verb: str, detail: Any) -> None:
        if verb == "call":
            raise error

    sap.trouble.append(trouble)
    await world.sync()
    sap.trouble.clear()
    (key,) = sap.rows
    assert sap.rows[key]["note"] == "with it"
    record = await world.record("g-1", OTHER)
    record.set_due(world.clock())
    assert not await world.hub.records.save("toy|thing", [record])
    await _settle(world)
    assert sap.operations == [f"things({key})/Finish"]


async def test_an_operation_that_fails_as_its_record_comes_in_leaves_the_rest_to_the_next_delivery(
    make_world: MakeWorld,
) -> None:
    world = await make_world(CalledToy())
    sap = PartsSystem(world.clock, "C")
    world.sap = sap
    world.other.put("g-1", name="Born there", done=True)
    sap.answers = ["never"]
    await world.sync()
    await _settle(world)
    (key,) = sap.rows
    assert sap.operations == [f"things({key})/Finish"] * 2
    assert world.other.rows["g-1"]["number"] == key
    record = await world.record(key, SAP)
    assert record.linked
    assert record.mark.on, "what came in is marked"
