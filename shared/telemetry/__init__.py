"""Traces and metrics of what the hub does, without record data: OpenTelemetry, to Application Insights or to a file.

Everything goes through :func:`current`, which does nothing until :func:`start` was told where to send things. No
global provider of OpenTelemetry is set, so no library traces itself into it: what is sent is what is named here, and
docs/telemetry.md lists it.
"""

from shared.telemetry.destinations import Destinations, start
from shared.telemetry.requests import Request, request
from shared.telemetry.spans import (
    add_storage_call,
    fail,
    link_to_caller,
    note,
    root_of,
    root_span,
    span,
    step,
    storage_calls,
)
from shared.telemetry.state import Measure, Telemetry, current, using

__all__ = [
    "Destinations",
    "Measure",
    "Request",
    "Telemetry",
    "add_storage_call",
    "current",
    "fail",
    "link_to_caller",
    "note",
    "request",
    "root_of",
    "root_span",
    "span",
    "start",
    "step",
    "storage_calls",
    "using",
]
