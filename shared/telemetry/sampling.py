"""Which spans are exported: a share of the traces, decided by the trace's id alone, and every failure besides.

All processes decide the same for the same trace. What is not in the share is recorded all the same and dropped when it
ends well; a span that ends as an error is exported, and with it the spans of the same process that it happened in.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from shared.telemetry.spans import KEPT, chosen_ids


class ChosenIds(RandomIdGenerator):
    """Random ids, but those of a run's root span are given."""

    def generate_trace_id(self) -> int:
        """The chosen trace id, or a random one."""
        return chosen[0] if (chosen := chosen_ids.get()) else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """The chosen span id, or a random one."""
        return chosen[1] if (chosen := chosen_ids.get()) else super().generate_span_id()


class ShareOfTraces(Sampler):
    """Samples the share of the traces; of the rest it records all spans, so that failures can still be exported."""

    def __init__(self, share: float) -> None:
        self._ratio = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,  # noqa: ARG002 - the SDK's interface
    ) -> SamplingResult:
        """By the trace id; what the caller's trace flags say plays no part."""
        found = self._ratio.should_sample(parent_context, trace_id, name, kind, attributes, links)
        in_share = found.decision is Decision.RECORD_AND_SAMPLE
        return SamplingResult(Decision.RECORD_AND_SAMPLE if in_share else Decision.RECORD_ONLY, attributes)

    def get_description(self) -> str:
        """What it is called in diagnostics."""
        return f"ShareOfTraces({self._ratio.rate})"


class KeepFailures(SpanProcessor):
    """Passes on what is sampled, what failed, what is to be kept, and the local spans around a failure.

    ``at_once`` takes what is to be kept and waits less: a process that is killed a moment later leaves those at least.
    """

    def __init__(self, then: SpanProcessor, at_once: SpanProcessor) -> None:
        self._then, self._at_once = then, at_once
        self._around_failures: set[int] = set()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is known yet."""

    def on_end(self, span: ReadableSpan) -> None:
        """Pass it on or drop it."""
        context = span.context
        if (span.attributes or {}).get(KEPT):
            self._at_once.on_end(_as_sampled(span))
            return
        if context.trace_flags.sampled:
            self._then.on_end(span)
            return
        is_around_failure = context.span_id in self._around_failures
        self._around_failures.discard(context.span_id)
        if span.status.status_code is StatusCode.ERROR or is_around_failure:
            if span.parent is not None and not span.parent.is_remote:
                self._around_failures.add(span.parent.span_id)
            self._then.on_end(_as_sampled(span))

    def shutdown(self) -> None:
        """Export what is left, and end."""
        self._at_once.shutdown()
        self._then.shutdown()

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Export what is left."""
        wait = timeout_millis or 30_000
        return self._at_once.force_flush(wait) and self._then.force_flush(wait)


def _as_sampled(span: ReadableSpan) -> ReadableSpan:
    """The same span, marked as one that exporters take."""
    context = span.context
    flags = TraceFlags(context.trace_flags | TraceFlags.SAMPLED)
    return ReadableSpan(
        name=span.name,
        context=SpanContext(context.trace_id, context.span_id, context.is_remote, flags, context.trace_state),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
