"""Telemetry that is kept in memory, sampled as in production."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry import Measure, Telemetry, using
from shared.telemetry.sampling import ChosenIds, KeepFailures, ShareOfTraces


class Recorder:
    """What was exported, and the sums of what was counted."""

    def __init__(self, ratio: float = 1.0) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider(sampler=ShareOfTraces(ratio), id_generator=ChosenIds(), shutdown_on_exit=False)
        each = SimpleSpanProcessor(self._exporter)
        provider.add_span_processor(KeepFailures(each, each))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(provider.get_tracer("test"), Measure(meters.get_meter("test")), active=True)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The exported spans in the order of their ends."""
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of that name."""
        return [span for span in self.spans if span.name == name]

    def clear(self) -> None:
        """Forget the spans."""
        self._exporter.clear()

    def metrics(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by its attributes' values, in the order of their names."""
        data = self._reader.get_metrics_data()
        found: dict[tuple[str, ...], float] = {}
        for metric in [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []:
            for point in metric.data.data_points if metric.name == name else ():
                assert isinstance(point, NumberDataPoint)
                found[tuple(str(value) for _, value in sorted((point.attributes or {}).items()))] = point.value
        return found


@contextmanager
def recording(ratio: float = 1.0) -> Iterator[Recorder]:
    """Inside, telemetry is kept."""
    recorder = Recorder(ratio)
    with using(recorder.telemetry):
        yield recorder


def told(span: ReadableSpan) -> Mapping[str, Any]:
    """A span's attributes."""
    return dict(span.attributes or {})


def assert_one_tree(spans: list[ReadableSpan]) -> None:
    """All of one trace, under one root."""
    assert len({span.context.trace_id for span in spans}) == 1
    known = Counter(span.context.span_id for span in spans)
    assert set(known.values()) == {1}
    assert [span.name for span in spans if span.parent is not None and span.parent.span_id not in known] == []
    assert len([span for span in spans if span.parent is None]) == 1
