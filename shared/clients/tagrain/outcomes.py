"""What Tagrain's refusals mean: one table from code and status to error class.

Errors are problem details (RFC 9457) with a ``code``; see docs/tagrain-contract.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from shared.clients.answers import Effect, class_by_status
from shared.clients.exact_json import parse_json
from shared.clients.http import Dialect
from shared.clients.tagrain.config import SYSTEM
from shared.errors import Conflict, HubError, Misconfigured, NotFound, Rejected, Undetermined

_BY_CODE: Mapping[str, type[HubError]] = {
    "duplicate": Conflict,
    # A saved cursor that the server gave up: only another run, which begins without one, helps.
    "unknown-cursor": Misconfigured,
    # Something was created with this key before, from another body: only a look-up tells what.
    "idempotency-key-reused": Undetermined,
}

_BY_STATUS: Mapping[int, type[HubError]] = {
    409: Conflict,
}


def class_of(status: int, code: str, effect: Effect) -> type[HubError] | None:
    """The class of an answer, None for success. Pure; the one place where this is decided.

    A query that is refused is wrong for every record, so it is Misconfigured. Without a code nothing of Tagrain
    answered: a 404 then is a wrong address, not a missing record.
    """
    if 200 <= status < 300:
        return None
    if status == 404 and not code:
        return Misconfigured
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or class_by_status(status, effect)
    if kind in (Rejected, Conflict) and effect is Effect.READ:
        return Misconfigured
    return kind


def read_error(response: httpx.Response) -> tuple[str, str]:
    """Code and unmasked text of a problem, what it says of single properties included; ("", …) for any other page."""
    problem = _problem(response)
    if problem is None:
        return "", "not an answer of Tagrain"
    told = str(problem.get("detail") or problem.get("title") or "")
    parts = [told, *(f"{one.get('field', '')}: {one.get('message', '')}" for one in _errors(problem))]
    return str(problem.get("code") or ""), "; ".join(filter(None, parts))


def look_closer(response: httpx.Response, error: HubError) -> HubError:
    """The same error with the properties that the problem names."""
    named = [str(one["field"]) for one in _errors(_problem(response) or {}) if one.get("field")]
    error.fields = error.fields or tuple(dict.fromkeys(named))
    return error


def no_such_collection(error: NotFound) -> Misconfigured:
    """A collection that is missing is no missing record: the address or the contract behind it is wrong."""
    return Misconfigured(
        f"Tagrain has no such collection at this address: {error.text}", code=error.code, system=SYSTEM
    )


def _problem(response: httpx.Response) -> Mapping[str, Any] | None:
    try:
        body = parse_json(response.content)
    except ValueError:
        return None
    return body if isinstance(body, Mapping) else None


def _errors(problem: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed = problem.get("errors")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


DIALECT = Dialect(SYSTEM, read_error, class_of, lambda _status, _code: False, look_closer=look_closer)
"""A key that is refused is not cured by sending it again."""
