"""Every error of the hub, grouped by what the caller does next.

Clients turn a system's status and code into one of these by a table; the engine decides by class alone.
A vendor's text may quote record data, so an error keeps it only after :func:`masked` went over it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|“[^”]*”|‘[^’]*’")
_EMAIL = re.compile(r"[^\s'\"<>]+@[^\s'\"<>]+")
_LONG_NUMBER = re.compile(r"\d[\d ()/+-]{5,}\d")
_LONGEST_TEXT = 500


def masked(text: str, values: Iterable[object] = ()) -> str:
    """The text without quoted literals, e-mail addresses, long numbers and the given values, 500 characters at most."""
    for value in sorted({str(v) for v in values if v is not None and len(str(v)) > 2}, key=len, reverse=True):
        text = text.replace(value, "…")
    text = _QUOTED.sub("'…'", text)
    text = _EMAIL.sub("…", text)
    text = _LONG_NUMBER.sub("…", text)
    return " ".join(text.split())[:_LONGEST_TEXT]


class HubError(Exception):
    """An outcome that is not success. ``text`` is already masked; ``fields`` are field names, never values."""

    def __init__(self, text: str, *, code: str = "", system: str = "", fields: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.system = system
        self.fields = tuple(fields)

    @property
    def name(self) -> str:
        """The class as it is shown in API answers and kept in state."""
        return type(self).__name__


# --- Wait, then try the same again: nothing is wrong with the record ------------------------------------------------


class Throttled(HubError):
    """The system asked to slow down. Nothing was done. ``retry_after_seconds`` is its own word, if it gave one."""

    def __init__(
        self, text: str, *, retry_after_seconds: float | None = None, code: str = "", system: str = ""
    ) -> None:
        super().__init__(text, code=code, system=system)
        self.retry_after_seconds = retry_after_seconds


class Transient(HubError):
    """The system or the way to it is not well now; the request was not carried out, or repeating it is harmless."""


class UnknownOutcome(HubError):
    """A write may or may not have happened. Look up by reference before writing again."""


class Undetermined(UnknownOutcome):
    """The system answered a create, so it is no longer at work, but only a look-up tells what it made of it."""


# --- Wait for something else ---------------------------------------------------------------------------------------


class Parked(HubError):
    """The record waits until its parent is linked."""


class AwaitingApproval(HubError):
    """What was created is a draft until somebody approves it in that system; look again later, never create again."""


# --- A person must act ---------------------------------------------------------------------------------------------


class Rejected(HubError):
    """The system refuses this record as it is; trying again without a change is useless."""


class NotFound(Rejected):
    """The record that was addressed does not exist (any more)."""


class Conflict(HubError):
    """Two records or two edits claim the same place; nothing is chosen silently."""


class Stale(Conflict):
    """The record changed since it was read; read again and decide again."""


class Misconfigured(HubError):
    """Credentials, rights or settings are wrong: stops the run once instead of failing every record."""


# --- The caller of the API must act --------------------------------------------------------------------------------


class BadRequest(HubError):
    """The request cannot be carried out as it was sent; the text says what to do. ``status`` is the HTTP status."""

    def __init__(self, text: str, *, code: str = "bad-request", status: int = 400, fields: Iterable[str] = ()) -> None:
        super().__init__(text, code=code, fields=fields)
        self.status = status


# --- State ---------------------------------------------------------------------------------------------------------


class LostRace(HubError):
    """Someone else changed the row first: read it again and merge."""
