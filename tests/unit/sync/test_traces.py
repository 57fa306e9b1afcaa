"""The trace of a run through the engine: one tree, whoever works on it, and what a dead worker leaves in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from shared import telemetry
from shared.errors import Rejected, Transient
from shared.stores.oddities import Oddities
from shared.stores.tables import Tables
from shared.sync import finish, gauges, inbox, mark_runs
from shared.sync.marks import Change, Range
from shared.sync.start import start
from shared.sync.sweep import sweep
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import World
from tests.unit.telemetry.recorder import Recorder, assert_one_tree, recording, told

HOST = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


@pytest.fixture
async def oddities(azurite: str) -> AsyncIterator[Oddities]:
    async with Tables(azurite, prefix=f"t{uuid.uuid4().hex[:10]}") as tables:
        yield Oddities(tables)


async def _drain(world: World, oddities: Oddities) -> None:
    """Work on all messages as the platform hands them over, moving the clock over delays."""
    while world.queues.messages:
        taken = world.queues.take()
        if taken is None:
            world.clock.moment = min(moment for moment, _, _ in world.queues.messages)
            continue
        queue, message = taken
        await inbox.work(world.hub, oddities, queue, json.dumps(message).encode())


async def _marked(make_world: MakeWorld, count: int) -> World:
    world = await make_world(directions=["out"])
    for n in range(count):
        world.sap.put(f"C{n:03}", name=f"N{n}", size="s")
    await world.mark(*world.sap.rows)
    return world


def _of(spans: list[ReadableSpan], run: str) -> list[ReadableSpan]:
    return [span for span in spans if span.context.trace_id == telemetry.root_of(run).trace_id]


async def test_root_plan_slices_finish_and_end_are_one_tree(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world = await _marked(make_world, 25)
    run = await start(world.hub, "toy", "thing", "delta", "request")
    await _drain(world, oddities)
    assert_one_tree(recorder.spans)
    assert len(recorder.named("run thing")) == 1
    assert len(recorder.named("plan thing")) == 1
    assert recorder.named("finish thing") != []
    slices = recorder.named("deliver thing")
    assert {told(span)["hub.slice"] for span in slices} == {item.id async for item in world.hub.runs.slices(run)}
    assert len(slices) == 3
    assert sum(told(span)["hub.outcome.created"] for span in slices) == 25
    (end,) = recorder.named("run ended")
    assert told(end)["hub.status"] == "succeeded"
    found = await world.hub.runs.run(run)
    assert found is not None
    assert end.start_time == int(found.created_at.timestamp() * 1e9)
    assert {told(span)["hub.run"] for span in recorder.spans} == {run}
    assert recorder.metrics("hub.records") == {("thing", "created", "toy"): 25}


async def test_messages_of_an_older_version_are_in_the_same_trace(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    """Whatever else they carry: the run's name is all that is needed."""
    world = await _marked(make_world, 1)
    run = await start(world.hub, "toy", "thing", "delta", "request")
    ((_, queue, message),) = world.queues.messages
    assert set(message) == {"v", "run", "step", "beat", "tries"}
    world.queues.messages.clear()
    await inbox.work(world.hub, oddities, queue, json.dumps({**message, "trace": "of a newer one"}).encode())
    await _drain(world, oddities)
    assert_one_tree(_of(recorder.spans, run))


async def test_a_request_that_joins_is_linked_and_keeps_the_root(make_world: MakeWorld, recorder: Recorder) -> None:
    world = await _marked(make_world, 1)
    run = await start(world.hub, "toy", "thing", "delta", "schedule")
    with trace.use_span(NonRecordingSpan(HOST)):
        assert await start(world.hub, "toy", "thing", "full", "request") == run
    assert_one_tree(recorder.spans)
    (joined,) = recorder.named("joined")
    assert [link.context.trace_id for link in joined.links] == [HOST.trace_id]


async def test_a_follow_up_has_its_own_root_from_the_moment_it_is_asked_for(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world = await _marked(make_world, 1)
    first = await start(world.hub, "toy", "thing", "delta", "request")
    await world.handle_one()
    second = await start(world.hub, "toy", "thing", "delta", "request")
    third = await start(world.hub, "toy", "thing", "delta", "request")
    assert first != second == third
    assert [told(span)["hub.run"] for span in recorder.named("run thing")] == [first, second]
    await _drain(world, oddities)
    recorder_of_second = _of(recorder.spans, second)
    assert_one_tree(recorder_of_second)
    assert {span.name for span in recorder_of_second} >= {"run thing", "joined", "plan thing", "run ended"}


async def test_a_message_given_out_again_says_that_a_worker_ended_without_a_result(
    make_world: MakeWorld, oddities: Oddities
) -> None:
    world = await _marked(make_world, 1)
    with recording(0.0) as recorder:  # also where the trace is not in the share
        await start(world.hub, "toy", "thing", "delta", "request")
        taken = world.queues.take()
        assert taken is not None
        await inbox.work(world.hub, oddities, taken[0], json.dumps(taken[1]).encode(), 2)
        await _drain(world, oddities)
    (again,) = recorder.named("plan thing")
    assert told(again)["messaging.redelivered"] is True
    assert told(again)["messaging.message.delivery_count"] == 2
    assert [event.name for event in again.events] == ["an earlier worker ended without a result"]
    assert recorder.named("deliver thing") == []


async def test_an_overdue_slice_is_an_error_in_the_runs_trace(make_world: MakeWorld, oddities: Oddities) -> None:
    world = await _marked(make_world, 1)
    with recording(0.0) as recorder:
        run = await start(world.hub, "toy", "thing", "delta", "request")
        await world.handle_one()
        world.queues.messages.clear()  # the messages died with their worker
        world.clock.forward(world.hub.times.slice_overdue + 1)
        await sweep(world.hub)
        await _drain(world, oddities)
    (overdue,), (silent,) = recorder.named("slice overdue"), recorder.named("run silent")
    for span in (overdue, silent):
        assert span.status.status_code is StatusCode.ERROR
        assert span.context.trace_id == telemetry.root_of(run).trace_id
    assert told(overdue)["hub.slice"] == "0:000000"
    assert_one_tree(recorder.spans)


async def test_a_slice_with_failures_and_its_run_are_failed_spans(make_world: MakeWorld, oddities: Oddities) -> None:
    world = await _marked(make_world, 12)
    world.other.before_write = lambda write: Rejected("no") if write.body.get("number") == "C003" else None
    with recording(0.0) as recorder:
        await start(world.hub, "toy", "thing", "delta", "request")
        await _drain(world, oddities)
    (failed,) = recorder.named("deliver thing")
    assert (failed.status.description, told(failed)["hub.outcome.failed"]) == ("failed", 1)
    (end,) = recorder.named("run ended")
    assert (end.status.status_code, end.status.description) == (StatusCode.ERROR, "partly failed")
    assert_one_tree(recorder.spans)
    assert recorder.metrics("hub.records") == {("thing", "created", "toy"): 11, ("thing", "failed", "toy"): 1}


async def test_a_wait_is_an_event_and_the_outcome_is_counted_once(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world = await _marked(make_world, 1)
    troubles = iter([Transient("away")])

    def trouble(verb: str, detail: Any) -> None:
        if verb == "write" and (error := next(troubles, None)):
            raise error

    world.other.trouble.append(trouble)
    await start(world.hub, "toy", "thing", "delta", "request")
    await _drain(world, oddities)
    waited, done = recorder.named("deliver thing")
    assert [event.name for event in waited.events] == ["waits"]
    assert (told(waited)["hub.attempt"], told(done)["hub.attempt"]) == (0, 1)
    assert recorder.metrics("hub.records") == {("thing", "created", "toy"): 1}


async def test_a_copy_of_a_message_is_told_to_be_out_of_date_and_counts_nothing(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world = await _marked(make_world, 1)
    await start(world.hub, "toy", "thing", "delta", "request")
    await world.handle_one()
    copies = [(queue, message) for _, queue, message in world.queues.messages if queue == "deliveries"]
    await _drain(world, oddities)
    for queue, message in copies:
        await inbox.work(world.hub, oddities, queue, json.dumps(message).encode())
    assert [told(span).get("hub.out_of_date") for span in recorder.named("deliver thing")] == [None, True]
    assert recorder.metrics("hub.records") == {("thing", "created", "toy"): 1}


async def test_a_cancelled_run_and_a_stopped_one_end_their_traces(make_world: MakeWorld, recorder: Recorder) -> None:
    world = await _marked(make_world, 1)
    cancelled = await start(world.hub, "toy", "thing", "delta", "request")
    await finish.cancel(world.hub, cancelled)
    stopped = await start(world.hub, "toy", "thing", "delta", "request")
    await finish.stop(world.hub, stopped, Rejected("no"))
    assert [(told(span)["hub.run"], told(span)["hub.status"]) for span in recorder.named("run ended")] == [
        (cancelled, "cancelled"),
        (stopped, "stopped"),
    ]
    assert [span.status.status_code for span in recorder.named("run ended")] == [StatusCode.UNSET, StatusCode.ERROR]


async def test_a_poisoned_message_is_a_failure_in_its_runs_trace(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world = await _marked(make_world, 1)
    run = await start(world.hub, "toy", "thing", "delta", "request")
    ((_, queue, message),) = world.queues.messages
    await inbox.bury(world.hub, oddities, f"{queue}-poison", json.dumps(message).encode())
    (buried,) = recorder.named("bury thing")
    assert (told(buried)["hub.run"], buried.status.description) == (run, "Defect")
    assert_one_tree(recorder.spans)


async def test_a_message_without_a_run_has_no_span(world: ApiWorld, recorder: Recorder, oddities: Oddities) -> None:
    for message in ({}, {"run": "hush"}, {"run": "a.b.c\nhush"}, {"run": 7, "v": 1}):
        await inbox.work(world.hub, oddities, "runs", json.dumps(message).encode())
    assert recorder.spans == []


async def test_no_key_and_no_value_is_in_the_spans_or_metrics(
    make_world: MakeWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world = await make_world(directions=["out"])
    for n in range(3):
        world.sap.put(f"HUSH{n}", name=f"hush {n}", size="s")
    await world.mark(*world.sap.rows)
    world.other.before_write = lambda write: Rejected("'hush' is too hush", code="hush-1", fields=["name"])
    await start(world.hub, "toy", "thing", "delta", "request")
    await _drain(world, oddities)
    assert recorder.named("deliver thing") != []
    assert [span.name for span in recorder.spans if "hush" in span.to_json().lower()] == []
    assert recorder.metrics("hub.records") == {("thing", "failed", "toy"): 3}


# --- gauges -----------------------------------------------------------------------------------------------------------


async def test_the_gauges_tell_ages_and_what_is_wrong(make_world: MakeWorld, recorder: Recorder) -> None:
    world = await _marked(make_world, 1)
    await world.sync()
    world.clock.forward(90)
    await gauges.record(world.hub, await sweep(world.hub))
    assert recorder.metrics("hub.last_good_run.age") == {("thing", "toy"): 90}
    assert recorder.metrics("hub.overdue") == {("thing", "toy"): 0}
    assert recorder.metrics("hub.healthy") == {(): 1}

    await world.queues.send("runs", {"odd": 1})
    await world.queues.send("runs-poison", {"odd": 1})
    world.clock.forward(60)
    await gauges.record(world.hub, [])
    assert recorder.metrics("hub.queue.age") == {("runs",): 60, ("deliveries",): 0, ("marks",): 0}
    assert recorder.metrics("hub.poison.messages") == {("runs",): 1, ("deliveries",): 0, ("marks",): 0}
    assert recorder.metrics("hub.healthy") == {(): 0}


async def test_an_object_that_misses_its_schedule_is_overdue_and_the_hub_not_healthy(
    make_world: MakeWorld, recorder: Recorder
) -> None:
    world = await _marked(make_world, 1)
    state = await world.hub.runs.object("toy", "thing")
    state.schedule = {"run": "daily", "every": "01:00", "timezone": "UTC"}
    state.schedule_since = world.clock()
    await world.hub.runs.save_object(state)
    world.clock.forward(timedelta(hours=3).total_seconds())
    await gauges.record(world.hub, [state])
    assert recorder.metrics("hub.overdue") == {("thing", "toy"): 1}
    assert recorder.metrics("hub.healthy") == {(): 0}


async def test_where_nobody_is_told_the_queues_are_not_looked_at(make_world: MakeWorld) -> None:
    world = await _marked(make_world, 1)
    world.hub.queues = None  # type: ignore[assignment]
    with telemetry.using(telemetry.Telemetry()):
        await gauges.record(world.hub, [await world.hub.runs.object("toy", "thing")])


async def test_a_bulk_marks_run_has_the_same_kind_of_trace(
    world: ApiWorld, recorder: Recorder, oddities: Oddities
) -> None:
    world.stock(3)
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", {"kind": "small"}))
    await _drain(world, oddities)
    assert_one_tree(recorder.spans)
    assert [span.name for span in recorder.spans] == ["run thing", "run ended", "mark thing"]
    assert told(recorder.named("run ended")[0])["hub.outcome.marked"] == 3
    assert {told(span)["hub.run"] for span in recorder.spans} == {run}
