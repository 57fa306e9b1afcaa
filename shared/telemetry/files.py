"""Telemetry as lines of JSON in a file, for one machine: one line per span, metric point or log line.

Every batch is appended by a single write, so that several processes may share the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id


class Lines:
    """A file that lines are added to."""

    def __init__(self, path: str) -> None:
        self._path = path

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Append the lines, all in one write."""
        text = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


class SpanFile(SpanExporter):
    """Spans as lines of kind ``span``; ids in hexadecimal, ``parent`` null for a root."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Add the spans."""
        self._lines.add(map(_span, spans))
        return SpanExportResult.SUCCESS


class MetricFile(MetricExporter):
    """Metrics as lines of kind ``metric``, one per point."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,  # noqa: ARG002 - a write takes no time
        **_: Any,
    ) -> MetricExportResult:
        """Add the points."""
        self._lines.add(_points(metrics_data))
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 - the SDK's interface
        """Nothing is held back."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is open."""


class LogFile(LogRecordExporter):
    """Log lines as lines of kind ``log``."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Add the log lines."""
        self._lines.add(_log(one) for one in batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:  # noqa: ARG002 - the SDK's interface
        """Nothing is held back."""
        return True

    def shutdown(self) -> None:
        """Nothing is open."""


def _moment(nanoseconds: int | None) -> str:
    return datetime.fromtimestamp((nanoseconds or 0) / 1e9, UTC).isoformat()


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.context
    return {
        "kind": "span",
        "name": span.name,
        "trace": format_trace_id(context.trace_id),
        "span": format_span_id(context.span_id),
        "parent": format_span_id(span.parent.span_id) if span.parent else None,
        "spanKind": span.kind.name,
        "start": _moment(span.start_time),
        "end": _moment(span.end_time),
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "events": [event.name for event in span.events],
        "links": [format_trace_id(link.context.trace_id) for link in span.links],
        "process": os.getpid(),
    }


def _points(data: MetricsData) -> Iterable[dict[str, Any]]:
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    assert isinstance(point, NumberDataPoint)  # the hub has no histogram
                    yield {
                        "kind": "metric",
                        "name": metric.name,
                        "value": point.value,
                        "attributes": dict(point.attributes or {}),
                        "at": _moment(point.time_unix_nano),
                        "process": os.getpid(),
                    }


def _log(found: ReadableLogRecord) -> dict[str, Any]:
    record = found.log_record
    return {
        "kind": "log",
        "body": record.body,
        "level": record.severity_text,
        "trace": format_trace_id(record.trace_id or 0),
        "span": format_span_id(record.span_id or 0),
        "attributes": dict(record.attributes or {}),
        "at": _moment(record.timestamp),
        "process": os.getpid(),
    }
