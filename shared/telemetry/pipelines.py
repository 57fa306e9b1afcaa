"""How what is told gets to an exporter: in batches, by threads of their own, so that no work ever waits for it."""

from __future__ import annotations

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, _Gauge
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from shared.telemetry.exporters import Exporters
from shared.telemetry.sampling import KeepFailures

# Ended spans and log lines leave after this at the latest, those that are always kept much sooner.
_BATCH_MILLISECONDS = 1_000
_KEPT_MILLISECONDS = 100
# Points of metrics cost one row each in Application Insights; the sweeper sets the gauges once a minute.
_METRICS_MILLISECONDS = 60_000
_METRICS_MILLISECONDS_IN_FILE = 1_000
_EXPORT_MILLISECONDS = 10_000
# Deltas for gauges too: a worker that swept once must not repeat what it found then for ever.
_TEMPORALITY: dict[type, AggregationTemporality] = {
    Counter: AggregationTemporality.DELTA,
    _Gauge: AggregationTemporality.DELTA,
}


def span_pipeline(kind: Exporters) -> SpanProcessor:
    """For spans: the share and all failures."""
    delays = (_BATCH_MILLISECONDS, _KEPT_MILLISECONDS)
    batches = [
        BatchSpanProcessor(kind.spans, schedule_delay_millis=delay, export_timeout_millis=_EXPORT_MILLISECONDS)
        for delay in delays
    ]
    return KeepFailures(*batches)


def line_pipeline(kind: Exporters) -> LogRecordProcessor:
    """For log lines."""
    return BatchLogRecordProcessor(
        kind.logs, schedule_delay_millis=_BATCH_MILLISECONDS, export_timeout_millis=_EXPORT_MILLISECONDS
    )


def metric_pipeline(kind: Exporters) -> MetricReader:
    """For metrics: what was counted and set since the last time."""
    kind.metrics._preferred_temporality = _TEMPORALITY
    interval = _METRICS_MILLISECONDS_IN_FILE if kind.is_file else _METRICS_MILLISECONDS
    return PeriodicExportingMetricReader(kind.metrics, interval, _EXPORT_MILLISECONDS)
