"""What only a bug can raise: logged with its class and places, but never with its text, which may quote record data."""

from __future__ import annotations

import uuid

from shared import logs

_log = logs.get(__name__)


class Defect(Exception):
    """A bug of the hub; ``incident`` is the code under which the log says more."""

    def __init__(self, incident: str) -> None:
        super().__init__(f"the hub failed; see incident {incident} in the log")
        self.incident = incident


def incident(error: BaseException, where: str) -> str:
    """Log the error's class and places under a new id (the line's ``code``), which is answered."""
    name = uuid.uuid4().hex
    _log.error("defect", extra={"code": name, "function": where.replace(" ", "_")}, exc_info=error)
    return name
