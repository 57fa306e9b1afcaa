"""Spans of runs: whoever does a part of a run, it is in the run's one trace."""

from __future__ import annotations

import io
import json
import logging

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from shared import logs, telemetry
from tests.unit.telemetry.recorder import assert_one_tree, recording, told

RUN = "dynamics.account.fe5dec8259dbd596348b9dbd"
HOST = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0))


def test_steps_of_a_run_in_any_process_are_below_its_root() -> None:
    with recording() as first:
        telemetry.root_span(RUN, "run account", {})
    with recording() as second, telemetry.step(RUN, "plan"), telemetry.span("inside"):
        pass
    assert_one_tree([*first.spans, *second.spans])
    root = telemetry.root_of(RUN)
    assert (first.spans[0].context.trace_id, first.spans[0].context.span_id) == (root.trace_id, root.span_id)


def test_runs_have_traces_of_their_own() -> None:
    assert len({telemetry.root_of(f"{RUN}{n}").trace_id for n in range(100)}) == 100
    assert telemetry.root_of(RUN).is_valid


def test_the_ids_of_a_run_stay_what_they_are() -> None:
    """Processes of two versions work on the same run while an update is rolled out."""
    root = telemetry.root_of(RUN)
    assert (f"{root.trace_id:032x}", f"{root.span_id:016x}") == (
        "a861c67540b81c3b77073e165a2aac92",
        "b44ec2cd4c9c5d3d",
    )


def test_only_roots_have_chosen_ids() -> None:
    with recording() as recorder:
        telemetry.root_span(RUN, "run account", {})
        with telemetry.span("other"):
            pass
    assert recorder.spans[1].context.trace_id != recorder.spans[0].context.trace_id


def test_the_hosts_own_trace_is_linked_not_joined() -> None:
    with recording() as recorder, trace.use_span(NonRecordingSpan(HOST)):
        telemetry.root_span(RUN, "run account", {})
        with telemetry.step(RUN, "plan"), telemetry.step(RUN, "joined"):
            pass
    root, joined, plan = recorder.spans
    assert root.parent is None
    assert [link.context.trace_id for link in root.links] == [HOST.trace_id]
    assert [link.context.trace_id for link in plan.links] == [HOST.trace_id]
    assert joined.links == ()  # what asks for it is in the same trace
    assert_one_tree(recorder.spans)


def test_an_exception_is_told_by_its_class_alone() -> None:
    with recording() as recorder, pytest.raises(ValueError, match="Müller"), telemetry.step(RUN, "plan"):
        raise ValueError("Müller GmbH, C20000")
    (span,) = recorder.spans
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert "Müller" not in span.to_json()
    assert span.events == ()


def test_storage_calls_are_counted_on_the_step_that_made_them() -> None:
    with recording() as recorder, telemetry.step(RUN, "deliver") as made:
        telemetry.add_storage_call()
        with telemetry.storage_calls(made):
            telemetry.add_storage_call()
            telemetry.add_storage_call()
    assert told(recorder.spans[0])["hub.storage_calls"] == 2


def test_a_log_line_inside_a_run_says_which_run_trace_and_span() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(logs.Redaction())
    logger = logging.getLogger("telemetry.test")
    logger.addHandler(handler)
    try:
        with recording(), telemetry.step(RUN, "plan") as made:
            logs.get("telemetry.test").warning("inside")
            context = made.get_span_context()
        logs.get("telemetry.test").warning("outside")
    finally:
        logger.removeHandler(handler)
    inside, outside = map(json.loads, written.getvalue().splitlines())
    assert inside["run"] == RUN
    assert (inside["trace"], inside["span"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert outside == {"text": "outside"}


def test_without_a_destination_nothing_is_made_and_log_lines_still_name_the_trace() -> None:
    with telemetry.using(telemetry.Telemetry()), telemetry.step(RUN, "plan") as made:
        assert not made.is_recording()
        assert trace.get_current_span().get_span_context().trace_id == telemetry.root_of(RUN).trace_id
