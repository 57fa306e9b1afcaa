"""What is told of a run while it lives: the spans of its trace and the counts of its records (docs/telemetry.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from shared import telemetry
from shared.stores.queues import DELIVERIES, MARKS, QUEUES, RUNS, poison
from shared.stores.runs import Run, Slice, parse_run_id
from shared.sync.outcomes import NEEDS_A_PERSON, RunStatus
from shared.telemetry.spans import KEPT, Attribute

# What the work on a queue's messages is called in the names of spans; that on runs is called by its step.
_WORK = {RUNS: "plan", DELIVERIES: "deliver", MARKS: "mark", **dict.fromkeys(map(poison, QUEUES), "bury")}
_NAME = re.compile(r"[\w.:-]{1,120}")
_ENDED_WELL = (RunStatus.SUCCEEDED, RunStatus.CANCELLED)


# --- a run's life ---------------------------------------------------------------------------------------------------


def started(run: Run) -> None:
    """The run was asked for: its root."""
    attributes: dict[str, Attribute] = {**_of(run.id), "hub.mode": str(run.mode), "hub.origin": run.origin}
    telemetry.root_span(run.id, f"run {run.object}", attributes)


def joined(run: str) -> None:
    """A further request is covered by a run that waits; what asked for it is linked."""
    with telemetry.step(run, "joined", _of(run)):
        pass


def ended(run: Run) -> None:
    """The run is over: a span as long as the run, failed unless it ended well."""
    attributes: dict[str, Attribute] = {
        **_of(run.id),
        "hub.mode": str(run.mode),
        "hub.status": str(run.status),
        "hub.slices": run.slices,
        **_counts(run.counts),
        KEPT: True,
    }
    with telemetry.step(run.id, "run ended", attributes, start_nanoseconds=_nanoseconds(run.created_at)):
        if run.status not in _ENDED_WELL:
            telemetry.fail(str(run.status))


def silent(run: Run) -> None:
    """Nothing was heard of the run for too long: the worker that had its message is gone. It is revived."""
    with telemetry.step(run.id, "run silent", {**_of(run.id), KEPT: True}):
        telemetry.fail("silent")


def overdue(run: Run, item: Slice) -> None:
    """A slice had no outcome for too long: the worker that had it is gone. It is sent again."""
    attributes: dict[str, Attribute] = {**_of(run.id), "hub.slice": item.id, "hub.attempt": item.attempt, KEPT: True}
    with telemetry.step(run.id, "slice overdue", attributes):
        telemetry.fail("overdue")


# --- messages -------------------------------------------------------------------------------------------------------


@contextmanager
def of_message(queue: str, message: Mapping[str, Any], deliveries: int) -> Iterator[None]:
    """Inside, a message of a run is worked on. ``deliveries`` is how often the queue has given it out, this time included.

    More than once means that an earlier worker died on it or failed; its own span never came.
    """
    run = str(message.get("run"))
    if not (known := _of(run)):
        yield
        return
    attributes: dict[str, Attribute] = {**known, "messaging.destination.name": queue}
    for name in ("slice", "step", "attempt", "tries"):
        value = message.get(name)
        if isinstance(value, int) or (isinstance(value, str) and _NAME.fullmatch(value)):
            attributes[f"hub.{name}"] = value
    if deliveries > 1:
        attributes |= {"messaging.redelivered": True, "messaging.message.delivery_count": deliveries, KEPT: True}
    work = "finish" if queue == RUNS and message.get("step") == "finish" else _WORK[queue]
    name = f"{work} {known['hub.object']}"
    with telemetry.step(run, name, attributes, kind=SpanKind.CONSUMER) as made, telemetry.storage_calls(made):
        if deliveries > 1:
            made.add_event("an earlier worker ended without a result")
        yield


def out_of_date() -> None:
    """The message is a copy whose work is done, or was handed to a younger message."""
    telemetry.note({"hub.out_of_date": True})


def waits(error: str) -> None:
    """The work is put off, for an error of that class that passes."""
    trace.get_current_span().add_event("waits", {"error.type": error})


def delivered(run: str, item: Slice) -> None:
    """A slice has its outcome: counted once, when that is saved."""
    known = _of(run)
    telemetry.note({"hub.side": item.side.value, "hub.records": len(item.entries), **_counts(item.counts)})
    for outcome, count in item.counts.items():
        named = {"template": known["hub.template"], "object": known["hub.object"], "outcome": str(outcome)}
        telemetry.current().measure.records.add(count, named)
    if bad := [outcome for outcome in NEEDS_A_PERSON if item.counts.get(outcome)]:
        telemetry.fail(min(bad))


def _of(run: str) -> dict[str, Attribute]:
    """Template and object of a run; empty for what is no run's id."""
    try:
        template, name = parse_run_id(run)
    except ValueError:
        return {}
    return {"hub.template": template, "hub.object": name} if _NAME.fullmatch(run) else {}


def _counts(counts: Mapping[str, int]) -> dict[str, Attribute]:
    return {f"hub.outcome.{str(outcome).replace(' ', '_')}": count for outcome, count in counts.items()}


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)
