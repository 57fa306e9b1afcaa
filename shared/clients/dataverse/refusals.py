"""How Dataverse says no: status and code to error class, the columns a text names, what it says about another record.

Sources: Microsoft's Web API error handling page, the Dataverse error code reference and the service protection page.
Codes arrive empty, as ``0x0`` or as hex in either case; the status decides where the code says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from shared.clients.answers import Effect, class_by_status
from shared.clients.dataverse.config import SYSTEM
from shared.clients.exact_json import parse_json
from shared.clients.http import Dialect
from shared.errors import Conflict, HubError, Misconfigured, NotFound, Rejected, Stale, Throttled, Transient

UNKNOWN_COLUMN = "0x80060888"
UNKNOWN_RESOURCE = "0x8006088a"
VERSION_MISMATCH = "0x80060882"
MISSING_RECORD = "0x80040217"

_BY_CODE: Mapping[str, type[HubError]] = {
    # Service protection, and the limits of workers behind it
    "0x80072321": Throttled,  # execution time in the window
    "0x80072322": Throttled,  # requests in the window
    "0x80072326": Throttled,  # requests at once
    "0x80072324": Throttled,  # database workers
    "0x8005f103": Throttled,
    # The database: deadlock or generic error, timeout
    "0x80044150": Transient,
    "0x80044151": Transient,
    # The addressed record
    MISSING_RECORD: NotFound,
    "0x80060891": NotFound,
    VERSION_MISMATCH: Stale,
    # Two records claim one place
    "0x80040237": Conflict,  # same primary key
    "0x80060892": Conflict,  # alternate key
    "0x80040333": Conflict,  # duplicate detection rule
    "0x8006089d": Conflict,  # several records behind one alternate key
    "0x80043b06": Conflict,  # product number
    "0x80043b08": Conflict,  # price of product and unit in a price list
    "0x80048cf3": Conflict,  # currency code
    # Rights and set-up
    "0x80040220": Misconfigured,  # missing privilege
    "0x80040256": Misconfigured,
    "0x80048306": Misconfigured,
    "0x80048405": Misconfigured,
    "0x80072560": Misconfigured,  # no application user
    "0x8004a104": Misconfigured,  # environment disabled
    "0x8004a112": Misconfigured,  # user disabled
    "0x8006088d": Misconfigured,  # no optimistic concurrency on the table
    "0x80060890": Misconfigured,  # alternate key not defined
    UNKNOWN_RESOURCE: Misconfigured,
}

_BY_STATUS: Mapping[int, type[HubError]] = {
    405: Rejected,  # a delete or change that the record's relations or state forbid
    409: Conflict,
    412: Conflict,  # duplicates; a version mismatch has its own code
    501: Rejected,
}

_CODE_OF_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"doesn't match the RowVersion", re.IGNORECASE), VERSION_MISMATCH),
    (re.compile(r"Could not find a property named", re.IGNORECASE), UNKNOWN_COLUMN),
    (re.compile(r"Resource not found for the segment", re.IGNORECASE), UNKNOWN_RESOURCE),
    (re.compile(r"No HTTP resource was found", re.IGNORECASE), UNKNOWN_RESOURCE),
)

_COLUMN_IN_TEXT: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        r"'(\w+)' attribute of the '\w+' entity",
        r"Invalid property '([\w.@]+)' was found",
        r"undeclared property '([\w.@]+)'",
        r"property named '([\w.@]+)'",
        r"[Tt]he property '([\w.@]+)' does not exist",
        r"for attribute:? '?(\w+)'?",
        r"[Tt]he field '(\w+)'",
        r"of '(\w+)' on record of type",
    )
)

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_PLAIN_TEXT = 300


def class_of(status: int, code: str, effect: Effect) -> type[HubError] | None:
    """The class of an answer, None for success.

    A query that is refused is wrong for every record, so a refused read is Misconfigured. A create whose failure
    leaves its outcome open is UnknownOutcome, whatever the database said about it.
    """
    if 200 <= status < 300:
        return None
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or class_by_status(status, effect)
    if kind is Transient:
        return class_by_status(500, effect)
    if kind is Rejected and effect is Effect.READ:
        return Misconfigured
    return kind


def normal_code(raw: object) -> str:
    """A code as lower-case hex: ``-2147220969`` and ``0X80040217`` are ``0x80040217``; "" where it says nothing."""
    text = str(raw or "").strip().lower()
    if re.fullmatch(r"-\d+", text):
        text = hex(int(text) & 0xFFFFFFFF)
    return "" if text == "0x0" else text


def read_body(content: bytes) -> tuple[str, str]:
    """Code and unmasked text of an error's body; a body that is no OData error (401, a proxy) is its own text."""
    try:
        error = parse_json(content)["error"]
        code, text = normal_code(error.get("code")), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", content[:_LONGEST_PLAIN_TEXT].decode("utf-8", "replace")
    if not code:
        code = next((known for pattern, known in _CODE_OF_TEXT if pattern.search(text)), "")
    return code, text


def columns_in(text: str) -> tuple[str, ...]:
    """The columns that a refusal names, each once."""
    return tuple(dict.fromkeys(name for pattern in _COLUMN_IN_TEXT for name in pattern.findall(text)))


def look_closer(error: HubError, text: str, addressed: str) -> HubError:
    """The same error with the columns its text names.

    NotFound is kept for the record in ``addressed`` (its URL or key). Where the text names only other records, a
    lookup points at something that is gone, and the record itself is Rejected.
    """
    named = {guid.lower() for guid in _GUID.findall(text)}
    if isinstance(error, NotFound) and named and not any(guid in addressed.lower() for guid in named):
        error = Rejected(
            f"a lookup points at a record that does not exist: {error.text}", code=error.code, system=SYSTEM
        )
    error.fields = error.fields or columns_in(text)
    return error


def _read_error(response: httpx.Response) -> tuple[str, str]:
    return read_body(response.content)


def _look_at_response(response: httpx.Response, error: HubError) -> HubError:
    return look_closer(error, read_body(response.content)[1], str(response.request.url))


DIALECT = Dialect(system=SYSTEM, read_error=_read_error, class_of=class_of, look_closer=_look_at_response)
