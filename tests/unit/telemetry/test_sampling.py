"""A share of the traces is kept, and every failure besides."""

from __future__ import annotations

import pytest
from opentelemetry.trace import StatusCode

from shared import telemetry
from shared.telemetry.spans import KEPT
from tests.unit.telemetry.recorder import recording

RUNS = [f"dynamics.account.{n:024x}" for n in range(400)]


def _kept(ratio: float) -> set[str]:
    with recording(ratio) as recorder:
        for run in RUNS:
            with telemetry.step(run, run):
                pass
    return {span.name for span in recorder.spans}


def test_all_or_none_or_a_share_of_the_traces_is_kept() -> None:
    assert _kept(1.0) == set(RUNS)
    assert _kept(0.0) == set()
    assert 50 < len(_kept(0.25)) < 150


def test_every_process_keeps_the_same_traces() -> None:
    assert _kept(0.25) == _kept(0.25)
    assert _kept(0.25) < _kept(0.5)


def test_all_spans_of_a_run_share_its_fate() -> None:
    with recording(0.5) as recorder:
        for run in RUNS[:50]:
            for step in ("plan", "deliver", "finish"):
                with telemetry.step(run, step), telemetry.request("sap", "GET", "Orders") as sent:
                    sent.answered(200)
    by_trace: dict[int, int] = {}
    for span in recorder.spans:
        by_trace[span.context.trace_id] = by_trace.get(span.context.trace_id, 0) + 1
    assert set(by_trace.values()) == {6}


def test_a_failure_is_kept_with_the_spans_around_it_and_nothing_else() -> None:
    with recording(0.0) as recorder:
        with telemetry.step(RUNS[0], "deliver"):
            with telemetry.span("well"):
                pass
            with telemetry.span("around"), telemetry.request("sap", "GET", "Orders") as sent:
                sent.answered(503)
        with telemetry.step(RUNS[0], "finish"):
            pass
    assert [span.name for span in recorder.spans] == ["GET sap Orders", "around", "deliver"]
    assert [span.status.status_code for span in recorder.spans] == [
        StatusCode.ERROR,
        StatusCode.UNSET,
        StatusCode.UNSET,
    ]
    assert all(span.context.trace_flags.sampled for span in recorder.spans)  # exporters drop others


def test_a_step_that_fails_is_kept() -> None:
    with recording(0.0) as recorder:
        with pytest.raises(KeyError), telemetry.step(RUNS[0], "deliver"):
            raise KeyError
        with telemetry.step(RUNS[0], "plan"):
            telemetry.fail("Misconfigured")
    assert [span.name for span in recorder.spans] == ["deliver", "plan"]


def test_roots_and_what_is_to_be_kept_are_kept() -> None:
    with recording(0.0) as recorder:
        telemetry.root_span(RUNS[0], "run account", {})
        with telemetry.step(RUNS[0], "again", {KEPT: True}):
            pass
    assert [span.name for span in recorder.spans] == ["run account", "again"]
