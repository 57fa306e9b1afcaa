"""One effect: messages twice, at once, after a crash; answers that never come."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from shared.errors import Misconfigured, Rejected, Transient, UnknownOutcome
from shared.ports import Write
from shared.stores.records import new_record
from shared.sync import slices
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, SAP, World


async def _plan_only(world: World) -> dict[str, object]:
    """Start a run and plan it; answers its one delivery message, still to be worked on."""
    await start(world.hub, "toy", "thing", "delta", "test")
    while not any(queue == "deliveries" for _, queue, _ in world.queues.messages):
        assert await world.handle_one()
    return next(m for _, queue, m in world.queues.messages if queue == "deliveries")


async def _settle(world: World) -> None:
    """Let everything that is due come to its end."""
    await world.drain(sweeping=True)
    for _ in range(3):
        world.clock.forward(world.hub.times.claim_expiry + world.hub.times.slice_overdue)
        await sweep(world.hub)
        await world.drain(sweeping=True)


async def test_a_create_in_sap_that_commits_but_never_answers_makes_one_record(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    answers = iter([UnknownOutcome("no answer")])
    world.sap.after_write = lambda write: next(answers, None)
    run = await world.sync()
    assert run.counts["retrying"] == 1
    await _settle(world)
    assert len(world.sap.rows) == 1
    assert (await world.record("g-1", OTHER)).linked


async def test_an_unknown_create_is_not_repeated_before_its_claim_expires(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    world.sap.before_write = lambda write: UnknownOutcome("no answer, and nothing done")
    await world.sync()
    world.sap.before_write = lambda write: None
    world.clock.forward(60)
    await world.sync()
    assert world.sap.rows == {}
    await _settle(world)
    assert len(world.sap.rows) == 1


async def test_a_message_delivered_twice_at_once_creates_one_record_in_sap(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(5):
        world.other.put(f"g-{n}", name=f"N{n}")
    message = await _plan_only(world)
    await asyncio.gather(*(slices.on_message(world.hub, message) for _ in range(3)))
    await _settle(world)
    assert len(world.sap.rows) == 5
    assert sorted(r["name"] for r in world.sap.rows.values()) == [f"N{n}" for n in range(5)]


async def test_a_message_delivered_twice_at_once_creates_one_record_there(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    message = await _plan_only(world)
    await asyncio.gather(*(slices.on_message(world.hub, message) for _ in range(3)))
    await _settle(world)
    assert len(world.other.rows) == 1
    assert world.agree("C1")


async def test_a_message_of_an_older_attempt_completes_without_work(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    message = await _plan_only(world)
    item = await world.hub.runs.slice(str(message["run"]), str(message["slice"]))
    assert item is not None
    item.attempt = 3
    await world.hub.runs.save_slice(str(message["run"]), item)
    await slices.on_message(world.hub, message)
    assert world.other.rows == {}


class Killed(BaseException):
    """The process is gone."""


POINTS = ("before the claim", "after the claim", "after the write", "after the links", "before the outcome")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("direction", ["in", "out"])
async def test_a_crash_anywhere_ends_as_without_it(make_world: MakeWorld, point: str, direction: str) -> None:
    world = await make_world()
    for n in range(3):
        if direction == "in":
            world.other.put(f"g-{n}", name=f"N{n}")
        else:
            world.sap.put(f"C{n}", name=f"N{n}")
    if direction == "out":
        await world.mark(*world.sap.rows)
    message = await _plan_only(world)
    _crash_at(world, point, world.sap if direction == "in" else world.other)
    with pytest.raises(Killed):
        await slices.on_message(world.hub, message)
    world.hub = world.another_hub(world.tables)  # the process that comes after it
    world.sap.trouble.clear()
    world.other.trouble.clear()
    world.clock.forward(700)
    await slices.on_message(world.hub, message)
    await _settle(world)
    assert sorted(r["name"] for r in world.sap.rows.values()) == ["N0", "N1", "N2"]
    assert sorted(r["name"] for r in world.other.rows.values()) == ["N0", "N1", "N2"]
    assert all(world.agree(key) for key in world.sap.rows)
    assert not [r async for r in world.hub.records.rows("toy|thing", "d:")]


def _crash_at(world: World, point: str, far: object) -> None:
    hub = world.hub
    save, save_slice = hub.records.save, hub.runs.save_slice
    saves = 0

    async def dying_save(pk, records):  # type: ignore[no-untyped-def]
        nonlocal saves
        records = list(records)
        if not records:
            return []
        saves += 1
        if point == "before the claim" and saves == 1:
            raise Killed
        lost = await save(pk, records)
        if (point, saves) in (("after the claim", 1), ("after the links", 2)):
            raise Killed
        return lost

    async def dying_save_slice(run, item):  # type: ignore[no-untyped-def]
        if point == "before the outcome":
            raise Killed
        await save_slice(run, item)

    hub.records.save = dying_save  # type: ignore[method-assign]
    hub.runs.save_slice = dying_save_slice  # type: ignore[method-assign]
    if point == "after the write":

        def die_reading_back(verb: str, detail: object) -> None:
            if verb == "read" and far.writes:  # type: ignore[attr-defined]
                raise Killed

        far.trouble.append(die_reading_back)  # type: ignore[attr-defined]


async def test_one_bad_record_among_many_fails_alone_and_is_listed(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(10):
        world.sap.put(f"C{n}", name=f"N{n}")
    await world.mark(*world.sap.rows)

    def refuse(write: Write) -> Rejected | None:
        return Rejected("size is not allowed", code="42", fields=["size"]) if write.body.get("name") == "N7" else None

    world.other.before_write = refuse
    run = await world.sync()
    assert run.status == "partly failed"
    assert run.counts == {"created": 9, "failed": 1, "unchanged": 9} or run.counts["failed"] == 1
    record = await world.record("C7")
    assert record.failure.error == "Rejected"
    assert record.failure.fields == ("size",)
    world.other.before_write = lambda write: None
    tried = world.other.calls.count("write")
    world.clock.forward(30)
    await world.sync()
    assert world.other.calls.count("write") == tried, "a data error is not tried again by itself"
    world.clock.forward(3600)
    world.sap.put("C7", size="mended")
    await world.sync()
    assert world.agree("C7")
    assert (await world.record("C7")).failure is None


async def test_a_system_that_is_down_makes_the_slice_wait_and_nothing_is_lost(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    await _plan_only(world)
    until = world.clock.moment.timestamp() + 20_000

    def down(verb: str, detail: object) -> None:
        if world.clock.moment.timestamp() < until:
            raise Transient("down")

    world.other.trouble.append(down)
    world.sap.trouble.append(down)
    await world.drain(most=2000)
    assert world.agree("C1")
    assert world.clock.moment.timestamp() > until


async def test_a_source_that_is_down_makes_the_plan_wait(make_world: MakeWorld) -> None:
    world = await make_world()
    until = world.clock.moment.timestamp() + 20_000

    def down(verb: str, detail: object) -> None:
        if world.clock.moment.timestamp() < until:
            raise Transient("down")

    world.other.trouble.append(down)
    run = await world.sync()
    assert run.status == "succeeded"
    assert world.clock.moment.timestamp() > until


async def test_a_second_delivery_waits_while_the_first_is_creating(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    message = await _plan_only(world)
    original = world.sap.write
    second_came = False

    async def slow(entity, writes):  # type: ignore[no-untyped-def]
        nonlocal second_came
        if not second_came:
            second_came = True
            await slices.on_message(world.another_hub(world.tables), message)
        return await original(entity, writes)

    world.sap.write = slow  # type: ignore[method-assign]
    await slices.on_message(world.hub, message)
    await _settle(world)
    assert second_came
    assert len(world.sap.rows) == 1


async def test_a_record_gets_the_same_key_there_each_time_and_a_reused_code_another(make_world: MakeWorld) -> None:
    keys = []
    for born in ("2026-01-01", "2026-01-01", "2026-02-02"):
        world = await make_world()
        world.sap.put("C1", name="Anton")
        world.sap.rows["C1"]["created"] = born
        await world.mark("C1")
        await world.sync()
        keys.append(next(iter(world.other.rows)))
    assert keys[0] == keys[1]
    assert keys[2] != keys[0]


async def test_a_state_that_changed_meanwhile_is_read_again_and_the_newest_wins(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("C1", name="Anton")
    await world.mark("C1")
    touched = False

    async def touch(write: Write) -> None:
        record = await world.record("C1")
        record.mark = type(record.mark)(record.mark.batches | {"another batch"}, record.mark.attributes)
        assert not await world.hub.records.save("toy|thing", [record])

    original = world.other.write

    async def write(entity, writes):  # type: ignore[no-untyped-def]
        nonlocal touched
        if not touched:
            touched = True
            await touch(writes[0])
        return await original(entity, writes)

    world.other.write = write  # type: ignore[method-assign]
    await world.sync()
    record = await world.record("C1")
    assert record.linked
    assert record.mark.batches == {"manual", "another batch"}
    assert len(world.other.rows) == 1


async def test_a_misconfigured_system_stops_the_run_once_and_the_watermark_stands_still(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(30):
        world.sap.put(f"C{n:02}", name=f"N{n}")
    await world.mark(*world.sap.rows)
    before = (await world.hub.runs.object("toy", "thing")).watermarks

    def forbidden(verb: str, detail: object) -> None:
        if verb == "write":
            raise Misconfigured("no right to write")

    world.other.trouble.append(forbidden)
    run = await world.sync()
    assert run.status == "stopped"
    assert "no right to write" in run.reason
    state = await world.hub.runs.object("toy", "thing")
    assert state.watermarks == before
    assert state.active is None
    world.other.trouble.clear()
    run = await world.sync()
    assert run.status == "succeeded"
    assert len(world.other.rows) == 30


@pytest.mark.parametrize("done_first", [False, True])
async def test_state_that_fails_at_any_call_ends_as_without_it(make_world: MakeWorld, done_first: bool) -> None:
    for n in range(1, 26):
        world = await make_world()
        world.sap.put("C1", name="Anton")
        world.other.put("g-1", name="Born there")
        await world.mark("C1")
        left = n

        async def failing(inner, *arguments, **named):  # type: ignore[no-untyped-def]
            nonlocal left
            left -= 1
            if left == 0:
                if done_first:
                    await inner(*arguments, **named)
                raise Transient("storage is away", system="storage")
            return await inner(*arguments, **named)

        for table in (world.hub.records._table, world.hub.runs._runs, world.hub.runs._slices):
            for name in ("get", "transact", "replace", "put", "page"):
                inner = getattr(table, name)
                setattr(table, name, lambda *a, _inner=inner, **k: failing(_inner, *a, **k))
        world.redeliver = True
        for _ in range(3):
            with contextlib.suppress(Transient):  # the caller of the API tries again
                await start(world.hub, "toy", "thing", "delta", "test")
            with contextlib.suppress(Transient):  # the timer ticks again
                await _settle(world)
        await _settle(world)
        assert len(world.sap.rows) == 2, n
        assert len(world.other.rows) == 2, n
        assert left <= 0, "the fault never came"


async def test_both_sides_keep_their_keys_apart(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sap.put("a/b\\c#d?e'f%", name="odd key")
    await world.mark("a/b\\c#d?e'f%")
    await world.sync()
    assert (await world.record("a/b\\c#d?e'f%")).keys[SAP] == "a/b\\c#d?e'f%"


async def test_what_was_written_before_a_run_stopped_is_remembered(make_world: MakeWorld) -> None:
    world = await make_world()
    for n in range(3):
        world.other.put(f"g-{n}", name=f"N{n}")

    def refuse(write: Write) -> Misconfigured | None:
        return Misconfigured("no right") if write.body.get("name") == "N2" else None

    world.sap.before_write = refuse
    run = await world.sync()
    assert run.status == "stopped"
    assert len(world.sap.rows) == 2
    world.sap.before_write = lambda write: None
    await world.sync()
    assert sorted(r["name"] for r in world.sap.rows.values()) == ["N0", "N1", "N2"]


async def test_a_due_record_that_no_direction_reads_does_not_keep_the_sweeper_busy(make_world: MakeWorld) -> None:
    world = await make_world(directions=["out"])
    stranded = new_record(OTHER, "g-1")
    stranded.set_due(world.clock())
    await world.hub.records.save("toy|thing", [stranded])
    await sweep(world.hub)
    await world.drain()
    assert await world.hub.records.due("toy|thing", world.clock(), 1) == []


async def test_a_create_of_unknown_outcome_is_not_made_again_after_a_lost_race(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    attempts = 0

    def lost(write: Write):  # type: ignore[no-untyped-def]
        nonlocal attempts
        attempts += 1
        return UnknownOutcome("no answer")

    inner = world.sap.write

    async def write(entity, writes):  # type: ignore[no-untyped-def]
        if attempts == 0:
            record = await world.record("g-1", OTHER)
            record.set_due(world.clock())  # another delivery, or Sync Now, touches its state
            assert not await world.hub.records.save("toy|thing", [record])
        return await inner(entity, writes)

    world.sap.before_write = lost
    world.sap.write = write  # type: ignore[method-assign]
    await world.sync()
    assert attempts == 1


async def test_a_poisoned_message_of_an_older_attempt_ends_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    world.other.put("g-1", name="Born there")
    run = await start(world.hub, "toy", "thing", "delta", "test")
    while not any(queue == "deliveries" for _, queue, _ in world.queues.messages):
        await world.handle_one()
    message = next(m for _, queue, m in world.queues.messages if queue == "deliveries")
    item = await world.hub.runs.slice(run, message["slice"])
    item.attempt = 1
    await world.hub.runs.save_slice(run, item)
    await slices.on_poison(world.hub, message)
    assert not (await world.hub.runs.slice(run, message["slice"])).done
