"""Spans and counts of requests to the systems; of their addresses only what names no record.

As the semantic conventions of OpenTelemetry for HTTP clients say: one span per request that goes out, repeats too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind

from shared.telemetry.spans import Attribute, fail, span
from shared.telemetry.state import current

_NAME = re.compile(r"\$?[A-Za-z][A-Za-z0-9_.]*")
_BEHIND_KEY = re.compile(r"(/\$?[A-Za-z][A-Za-z0-9_.]*)+")
_UNKNOWN = "…"


def route_of(url: str, root: str) -> str:
    """The entity set, collection or operation of an address below a system's root: never a key, never a query.

    ``Orders(7)/Close?…`` is ``Orders/Close``, ``customers/C1`` is ``customers``, what looks otherwise is ``…``.
    """
    if not root or not url.startswith(root):
        return _UNKNOWN
    path = url.removeprefix(root).lstrip("/").partition("?")[0]
    before, bracket, rest = path.partition("(")
    name = before.partition("/")[0]
    if not _NAME.fullmatch(name):
        return _UNKNOWN
    behind = rest.rpartition(")")[2] if bracket else ""
    return name + behind if _BEHIND_KEY.fullmatch(behind) else name


class Request:
    """One request that is under way."""

    def __init__(self, system: str, made: Span) -> None:
        self._system, self._span = system, made
        self.is_told = False

    def answered(self, status: int, *, throttled: bool = False) -> None:
        """The system answered. ``throttled`` where it asked to slow down."""
        self.is_told = True
        measure = current().measure
        measure.requests.add(
            1, {"system": self._system, "status_class": "429" if status == 429 else f"{status // 100}xx"}
        )
        self._span.set_attribute("http.response.status_code", status)
        if throttled:
            self._span.set_attribute("hub.throttled", True)
            measure.throttles.add(1, {"system": self._system})
        if status >= 400:
            fail(str(status), self._span)


@contextmanager
def request(
    system: str, method: str, route: str, *, resend: int = 0, gate_wait_seconds: float = 0
) -> Iterator[Request]:
    """Inside, one HTTP request is sent. ``resend`` counts the requests before it for the same purpose.

    Without an answer it counts as an error; the exception's class is told, its text never.
    """
    attributes: dict[str, Attribute] = {
        "http.request.method": method,
        "url.template": route,
        "hub.system": system,
        "http.request.resend_count": resend,
        "hub.gate_wait_seconds": round(gate_wait_seconds, 3),
    }
    with span(f"{method} {system} {route}", attributes, kind=SpanKind.CLIENT) as made:
        sent = Request(system, made)
        try:
            yield sent
        finally:
            if not sent.is_told:
                current().measure.requests.add(1, {"system": system, "status_class": "error"})
