"""The exporters of each destination."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from shared.telemetry.destinations import Destinations
from shared.telemetry.files import Lines, LogFile, MetricFile, SpanFile

# What Microsoft's exporter would say about itself, to Microsoft (the first two) and to the customer's own resource.
_QUIET = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)


@dataclass(frozen=True)
class Exporters:
    """What takes spans, metrics and log lines to one destination."""

    spans: SpanExporter
    metrics: MetricExporter
    logs: LogRecordExporter
    is_file: bool = False


def exporters(to: Destinations) -> list[Exporters]:
    """Those of every destination that is named."""
    found = []
    if to.connection_string:
        found.append(_application_insights(to))
    if to.file:
        lines = Lines(to.file)
        found.append(Exporters(SpanFile(lines), MetricFile(lines), LogFile(lines), is_file=True))
    return found


def _application_insights(to: Destinations) -> Exporters:
    for name in _QUIET:
        os.environ.setdefault(name, "true")
    from azure.identity import ManagedIdentityCredential
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    options: dict[str, Any] = {
        "connection_string": to.connection_string,
        "credential": None if to.client_id is None else ManagedIdentityCredential(client_id=to.client_id or None),
        "disable_offline_storage": True,  # the disk of an instance goes with it
    }
    return Exporters(
        AzureMonitorTraceExporter(**options), AzureMonitorMetricExporter(**options), AzureMonitorLogExporter(**options)
    )
