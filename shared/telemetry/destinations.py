"""Where telemetry goes, set up once per process. Without a destination nothing of OpenTelemetry's SDK is loaded."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field

from shared.telemetry.state import SCOPE, Measure, Telemetry, become, current

_FLUSH_MILLISECONDS = 5_000


@dataclass(frozen=True)
class Destinations:
    """``connection_string`` of Application Insights, entered as the managed identity ``client_id`` ("" the system's
    own, None by the connection string alone); ``file`` for lines of JSON; ``ratio`` the share of traces besides failures.
    """

    connection_string: str = field(default="", repr=False)
    client_id: str | None = None
    file: str = ""
    ratio: float = 1.0


class _Started:
    destinations: Destinations | None = None


def start(destinations: Destinations) -> None:
    """Send this process's telemetry there from now on; a second call with the same changes nothing."""
    if not (destinations.connection_string or destinations.file) or destinations == _Started.destinations:
        return
    _Started.destinations = destinations
    current().close()
    become(_build(destinations))


def _build(to: Destinations) -> Telemetry:
    # The SDK and the exporters take a quarter of a second to import: only where they are used.
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from shared.telemetry.exporters import exporters
    from shared.telemetry.log_lines import attach
    from shared.telemetry.pipelines import line_pipeline, metric_pipeline, span_pipeline
    from shared.telemetry.sampling import ChosenIds, ShareOfTraces

    resource = Resource({"service.name": SCOPE, "service.instance.id": f"{socket.gethostname()}-{os.getpid()}"})
    spans = TracerProvider(sampler=ShareOfTraces(to.ratio), resource=resource, id_generator=ChosenIds())
    lines = LoggerProvider(resource=resource)
    found = exporters(to)
    for kind in found:
        spans.add_span_processor(span_pipeline(kind))
        lines.add_log_record_processor(line_pipeline(kind))
    metrics = MeterProvider(metric_readers=[metric_pipeline(kind) for kind in found], resource=resource)
    attach(lines)

    def flush() -> None:
        for provider in (spans, metrics, lines):
            provider.force_flush(_FLUSH_MILLISECONDS)

    def close() -> None:
        for provider in (spans, metrics, lines):
            provider.shutdown()

    return Telemetry(spans.get_tracer(SCOPE), Measure(metrics.get_meter(SCOPE)), True, flush, close)
