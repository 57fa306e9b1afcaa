"""What the Service Layer's refusals mean: one table from status and code to error class.

Codes as the Service Layer user guide lists them and as observed on releases 10.0 FP 2405 to 2608; the same code comes
as a number (v1, older v2) or as text (v2). Errors of the balancer in front of it are HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from shared.clients.answers import Effect, class_by_status, lost
from shared.clients.exact_json import parse_json
from shared.clients.http import Dialect
from shared.clients.service_layer.config import SYSTEM
from shared.errors import HubError, Misconfigured, NotFound, Rejected, Stale, Transient, Undetermined

type _Meaning = type[HubError] | Callable[[Effect], type[HubError]]


def _no_match(effect: Effect) -> type[HubError]:
    """An approval procedure answers a create with "no matching records" although it made a draft."""
    return Undetermined if effect is Effect.CREATE else NotFound


def _our_query(effect: Effect) -> type[HubError]:
    """A read that names an unknown set or column fails for every record alike: a set-up step is missing."""
    return Misconfigured if effect is Effect.READ else Rejected


_BY_CODE: Mapping[str, _Meaning] = {
    "-10": Rejected,  # business message; its text starts with an inner number
    "-1000": Rejected,  # body or property
    "-1002": _our_query,  # service not found
    "-1004": Rejected,  # value not allowed
    "-1008": _our_query,  # command not found
    "-1029": Rejected,  # field cannot be updated
    "-1116": lost,  # could not commit: nobody knows
    "-2028": _no_match,
    "-2035": Rejected,  # exists already
    "-2039": Stale,
    "-5002": Rejected,  # business rule, names [TABLE.Field]
    "-5006": Rejected,  # action not supported for the object or its state
    "-6006": Misconfigured,  # not permitted
    "200": _our_query,  # unrecognized resource path
    "201": _our_query,  # property or query option
    "242": Rejected,  # NUL in a batch
    "299": Transient,  # logins raced; refused before execution
    "305": Transient,  # company switch failed; refused before execution
    "407": Transient,  # a node that has not seen a new table yet
}


def class_of(status: int, code: str, effect: Effect) -> type[HubError] | None:
    """The error class, None for success. Pure; the one place where this is decided."""
    if 200 <= status < 300:
        return None
    if status == 401:
        return Misconfigured
    meaning = _BY_CODE.get(code)
    if meaning is None:
        # Without a code nothing of SAP answered: a 404 then is a wrong address, not a missing record.
        return Misconfigured if status == 404 and not code else class_by_status(status, effect)
    return meaning if isinstance(meaning, type) else meaning(effect)


def is_session_refused(status: int, code: str) -> bool:
    """Whether a fresh login cures it: no session, or one that timed out. It was refused before anything was done."""
    return status == 401 and code == "301"


def read_error(response: httpx.Response) -> tuple[str, str]:
    """Code and text of an error in either version's shape; ("", …) for pages of the balancer."""
    try:
        error: Any = parse_json(response.content)["error"]
        message = error.get("message", "")
        text = message.get("value", "") if isinstance(message, Mapping) else message
        return str(error.get("code", "")), str(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "not an answer of the Service Layer"


_FIELD_NAMES = (
    re.compile(r"[Pp]roperty '(\w+)'"),
    re.compile(r"\[[A-Z0-9]+\.(\w+)\]"),
)


def fields_in(text: str) -> tuple[str, ...]:
    """Field names that an error's text gives away (``[OCRD.CardCode]``, ``Property 'U_X'``), each once."""
    found = [name for pattern in _FIELD_NAMES for name in pattern.findall(text)]
    return tuple(dict.fromkeys(found))


DIALECT = Dialect(SYSTEM, read_error, class_of, is_session_refused, fields_in)
LOGIN_DIALECT = Dialect(SYSTEM, read_error, class_of, lambda _status, _code: False)
"""A login that is refused is not cured by another login: wrong user, password (-304) or company (-306)."""
