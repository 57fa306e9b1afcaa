"""The hub's log lines as log records of OpenTelemetry.

A worker that takes part in tracing tells the host so (``WorkerOpenTelemetryEnabled``), and the host then no longer
passes the worker's log lines on to Application Insights, expecting the app to send them itself. This handler does.
"""

from __future__ import annotations

import json
import logging
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.sdk._logs import LoggerProvider

from shared.logs import HUB_LINE, Redaction
from shared.telemetry.state import SCOPE

_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
# What sends the lines must not send lines about that.
_OWN = ("azure.core", "azure.identity", "azure.monitor", "opentelemetry", "urllib3")


def attach(provider: LoggerProvider) -> None:
    """From now on the process's log lines go there, and nowhere they went before."""
    root = logging.getLogger()
    for before in [each for each in root.handlers if isinstance(each, LogLines)]:
        root.removeHandler(before)
    root.addHandler(LogLines(provider))


class LogLines(logging.Handler):
    """Sends on what passes the redaction: the fixed text as body, the known fields as attributes."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.INFO)
        self._logger = provider.get_logger(SCOPE)
        self.addFilter(Redaction())

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        """The hub's lines and warnings of libraries, redacted; nothing of the exporters' own."""
        wanted = getattr(record, HUB_LINE, False) or record.levelno >= logging.WARNING
        return wanted and not record.name.startswith(_OWN) and super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one line to the exporters; they send it later."""
        line = json.loads(record.getMessage())
        fields = {name: value if isinstance(value, int | float) else str(value) for name, value in line.items()}
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                observed_timestamp=time.time_ns(),
                context=get_current(),
                severity_number=_SEVERITIES.get(record.levelno, SeverityNumber.INFO),
                severity_text=record.levelname,
                body=str(fields.pop("text", "")),
                attributes={**fields, "logger": record.name},
            )
        )
