"""Spans of runs: one trace per run, whichever process, message or request does a part of it.

The ids of a run's trace and of its root span are made from the run's id. Every message of a run names the run, so the
context travels in each of them: there is nothing to store, nothing to lose when a process dies, and messages that an
older version sent belong to their trace as well. The root is a short span of its own, written when the run is asked
for, so that a run that never ends has one too; the span "run ended" tells how long it all took.

The host gives every invocation a trace of its own; a step of a run points to that one by a link.
Names and attributes are ours and few; a value of a record, a key or the text of an error is never one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared import logs
from shared.telemetry.state import current

type Attribute = str | bool | int | float
type Attributes = Mapping[str, Attribute]

#: Spans with it are exported whatever the sampler says: few, and needed to see a failure in its place.
KEPT = "hub.kept"
#: Ids that the next root span shall have; see :class:`shared.telemetry.sampling.ChosenIds`.
chosen_ids: ContextVar[tuple[int, int] | None] = ContextVar("chosen_ids", default=None)
_calls: ContextVar[list[int] | None] = ContextVar("storage_calls", default=None)


def root_of(run: str) -> SpanContext:
    """The context of a run's root span, the same in every process and version."""
    digest = hashlib.blake2b(run.encode(), digest_size=24, person=b"hub run trace").digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def root_span(run: str, name: str, attributes: Attributes) -> None:
    """Write the root span of a run, linked to whatever asks for the run at this moment."""
    root = root_of(run)
    token = chosen_ids.set((root.trace_id, root.span_id))
    try:
        found = current().tracer.start_span(
            name,
            context=Context(),
            kind=SpanKind.SERVER,
            attributes={**attributes, "hub.run": run, KEPT: True},
            links=link_to_caller(root.trace_id),
        )
    finally:
        chosen_ids.reset(token)
    found.end()


@contextmanager
def step(
    run: str,
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    start_nanoseconds: int | None = None,
) -> Iterator[Span]:
    """Inside, a part of a run is done: spans are under this one, log lines carry the run's id.

    An exception makes it a failed span that names the exception's class.
    """
    root = root_of(run)
    made = current().tracer.start_span(
        name,
        context=trace.set_span_in_context(NonRecordingSpan(root), Context()),
        kind=kind,
        attributes={**(attributes or {}), "hub.run": run},
        links=link_to_caller(root.trace_id),
        start_time=start_nanoseconds,
        record_exception=False,
        set_status_on_exception=False,
    )
    with logs.inside(run), _entered(made):
        yield made


@contextmanager
def span(name: str, attributes: Attributes | None = None, *, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span under the present one."""
    made = current().tracer.start_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    )
    with _entered(made):
        yield made


@contextmanager
def _entered(made: Span) -> Iterator[None]:
    with trace.use_span(made, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            fail(type(error).__name__, made)
            raise


def link_to_caller(trace_id: int) -> Sequence[Link]:
    """A link to what is being done just now, where that belongs to another trace."""
    caller = trace.get_current_span().get_span_context()
    return [Link(caller)] if caller.is_valid and caller.trace_id != trace_id else []


def note(attributes: Attributes) -> None:
    """Set attributes of the present span."""
    found = trace.get_current_span()
    for name, value in attributes.items():
        found.set_attribute(name, value)


def fail(kind: str, at: Span | None = None) -> None:
    """Mark the span (the present one) as failed. ``kind`` is the class of the error, never its text."""
    found = at or trace.get_current_span()
    found.set_status(Status(StatusCode.ERROR, kind))
    found.set_attribute("error.type", kind)


@contextmanager
def storage_calls(into: Span) -> Iterator[None]:
    """Inside, requests to the storage account are counted; in the end the span tells how many there were."""
    count = [0]
    token = _calls.set(count)
    try:
        yield
    finally:
        _calls.reset(token)
        into.set_attribute("hub.storage_calls", count[0])


def add_storage_call() -> None:
    """One more request to the storage account."""
    if (count := _calls.get()) is not None:
        count[0] += 1
