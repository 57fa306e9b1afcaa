"""What answers mean, as far as both systems agree: the table by status, waiting times, clocks, JSON bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx

from shared.clients.exact_json import parse_json
from shared.errors import HubError, Misconfigured, NotFound, Rejected, Stale, Throttled, Transient, UnknownOutcome


class Effect(StrEnum):
    """What a request may leave behind, and so whether it may be sent again when its answer was lost."""

    READ = "read"
    UPDATE = "update"
    """A write that ends the same when it is carried out twice."""
    CREATE = "create"
    """A write that must not be carried out twice."""


def lost(effect: Effect) -> type[HubError]:
    """The class of a failure after which nobody knows whether the request was carried out."""
    return UnknownOutcome if effect is Effect.CREATE else Transient


_BY_STATUS: Mapping[int, type[HubError]] = {
    401: Misconfigured,
    403: Misconfigured,
    404: NotFound,
    405: Misconfigured,
    407: Misconfigured,
    412: Stale,
    429: Throttled,
}


def class_by_status(status: int, effect: Effect) -> type[HubError] | None:
    """The class of a status alone, for what a system's own table does not know; None for success.

    Other 4xx blame the request (Rejected); a redirect means a wrong address; 408 and 5xx leave a create unknown.
    """
    if 200 <= status < 300:
        return None
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status == 408 or status >= 500:
        return lost(effect)
    return Rejected if status >= 400 else Misconfigured


def make_error(
    kind: type[HubError],
    text: str,
    *,
    code: str = "",
    system: str = "",
    retry_after_seconds: float | None = None,
    fields: Iterable[str] = (),
) -> HubError:
    """An error of that class; time to wait and field names are kept where the class has room for them."""
    if issubclass(kind, Throttled):
        return kind(text, retry_after_seconds=retry_after_seconds, code=code, system=system)
    return kind(text, code=code, system=system, fields=fields)


def retry_after_seconds(response: httpx.Response, now: datetime) -> float | None:
    """How long ``Retry-After`` says to wait: seconds or an HTTP date by the server's clock; None if absent or unreadable."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(float(value), 0.0) if value[0].isdigit() else _seconds_until(value, server_time(response, now))
    except ValueError:
        return None


def _seconds_until(http_date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(http_date)
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds(), 0.0)


def server_time(response: httpx.Response, now: datetime) -> datetime:
    """The server's clock from its ``Date`` header, in UTC; ``now`` where it sends none."""
    try:
        moment = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return now
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def json_body(response: httpx.Response, effect: Effect, system: str) -> Any:
    """The answer's JSON with fractions as Decimal, None for an empty body.

    A success that is no JSON (a proxy's page) is Transient, or UnknownOutcome after a create.
    """
    if not response.content:
        return None
    try:
        return parse_json(response.content)
    except ValueError as error:
        raise make_error(lost(effect), "the answer is not JSON", code="not-json", system=system) from error


def leaf_values(value: Any) -> list[object]:
    """All scalars in a JSON value; used to keep record data out of error texts."""
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in leaf_values(each)]
    if isinstance(value, list | tuple):
        return [leaf for each in value for leaf in leaf_values(each)]
    return [value]
