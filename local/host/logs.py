"""Log lines of host and workers: one line each, time in UTC, ``extra=`` fields at the end as ``name=value``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

# How the host tells its workers what host.json says about the level.
LEVEL_VARIABLE = "LOCAL_HOST_WORKER_LOG_LEVEL"

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """``time LEVEL role[pid] logger invocation message name=value``; a stack trace follows on its own lines."""

    converter = staticmethod(time.gmtime)

    def __init__(self, role: str, invocation_id: Callable[[], str | None] = lambda: None) -> None:
        super().__init__()
        self._role = f"{role}[{os.getpid()}]"
        self._invocation_id = invocation_id

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        moment = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z"
        extras = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD)
        invocation = f"inv={self._invocation_id() or '-'}"
        line = f"{moment} {record.levelname} {self._role} {record.name} {invocation} {record.getMessage()} {extras}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(role: str, level: str, invocation_id: Callable[[], str | None] = lambda: None) -> None:
    """Send every logger's records of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(role, invocation_id))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The worker library logs two lines per invocation under this name; Azure keeps them apart from the app's logs.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    if role == "host":
        logging.getLogger("azure").setLevel(logging.WARNING)
