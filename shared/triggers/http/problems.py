"""Errors as answers: RFC 9457 problem+json with a stable type, and what the caller shall do."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
from pydantic import ValidationError

from shared import errors
from shared.sync.configure import InvalidSettings

_PROBLEM = "application/problem+json"
# Error class -> (code of the problem, HTTP status, what to do besides its own text). The first that fits counts.
_BY_CLASS: tuple[tuple[type[errors.HubError], str, int, str], ...] = (
    (errors.Throttled, "throttled", 503, "The system asked to slow down; try again after Retry-After seconds."),
    (errors.Transient, "unavailable", 503, "Try again after Retry-After seconds."),
    (errors.UnknownOutcome, "unknown-outcome", 503, "Whether it happened is not known; look, then try again."),
    (errors.LostRace, "contended", 503, "Somebody else changed it at the same time; try again."),
    (
        errors.Misconfigured,
        "misconfigured",
        502,
        "Correct credentials, rights or settings; GET /api/health tells more.",
    ),
    (errors.NotFound, "not-found", 404, "Check the key."),
    (errors.Rejected, "rejected", 422, "The system refuses this as it is; correct what is named."),
    (errors.Conflict, "conflict", 409, "Read it again and decide again."),
    (errors.Parked, "parked", 409, "It waits for the record it belongs to."),
)
_RETRY_SECONDS = 10.0


@dataclass(frozen=True)
class Problem:
    """One problem: ``errors`` names fields with what to do about each."""

    code: str
    status: int
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def response(self) -> func.HttpResponse:
        """The answer."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        headers = {"Cache-Control": "no-store", **self.headers}
        return func.HttpResponse(json.dumps(body), status_code=self.status, mimetype=_PROBLEM, headers=headers)


def problem_of(error: errors.HubError) -> Problem:
    """The problem that an error of ours stands for."""
    if isinstance(error, InvalidSettings):
        named = [{"field": one.setting, "detail": one.text} for one in error.problems]
        return Problem(error.code, error.status, error.text, named)
    if isinstance(error, errors.BadRequest):
        return Problem(error.code, error.status, error.text, _named(error.fields, error.text))
    for kind, code, status, advice in _BY_CLASS:
        if isinstance(error, kind):
            detail = f"{error.text.rstrip('.')}. {advice}"
            headers = {"Retry-After": str(_wait(error))} if status == 503 else {}
            more = {"system": error.system} if error.system else {}
            return Problem(code, status, detail, _named(error.fields, error.text), headers, more)
    raise TypeError(f"no problem stands for {error.name}")


def _wait(error: errors.HubError) -> int:
    asked = error.retry_after_seconds if isinstance(error, errors.Throttled) else None
    return max(1, math.ceil(asked if asked is not None else _RETRY_SECONDS))


def _named(fields: Sequence[str], text: str) -> list[dict[str, str]]:
    return [{"field": name, "detail": text} for name in fields]


def invalid(error: ValidationError, code: str, detail: str) -> Problem:
    """What pydantic found, field by field; values are not repeated."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    named = [
        {"field": ".".join(map(str, one["loc"])) or "body", "detail": one["msg"].removeprefix("Value error, ")}
        for one in found
    ]
    return Problem(code, 400, detail, named)


def defect(incident: str) -> Problem:
    """An unexpected error: no details, only where the log says more."""
    detail = f"The hub failed; the log says more under incident {incident}. Tell whoever runs the hub."
    return Problem("internal-error", 500, detail, more={"incident": incident})
