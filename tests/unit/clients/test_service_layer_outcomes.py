"""The one table of the Service Layer's refusals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.clients.answers import Effect
from shared.clients.service_layer.outcomes import DIALECT, class_of, fields_in, is_session_refused, read_error
from shared.errors import HubError, Misconfigured, NotFound, Rejected, Stale, Transient, Undetermined, UnknownOutcome

READ, UPDATE, CREATE = Effect.READ, Effect.UPDATE, Effect.CREATE


@pytest.mark.parametrize(
    ("status", "code", "effect", "expected"),
    [
        (200, "", READ, None),
        (201, "", CREATE, None),
        (204, "", UPDATE, None),
        (401, "301", READ, Misconfigured),
        (401, "-304", READ, Misconfigured),
        (401, "-306", READ, Misconfigured),
        (403, "-6006", READ, Misconfigured),
        (400, "-6006", CREATE, Misconfigured),
        (403, "", READ, Misconfigured),
        (404, "-2028", READ, NotFound),
        (404, "-2028", UPDATE, NotFound),
        (404, "-2028", CREATE, Undetermined),
        (404, "", READ, Misconfigured),
        (412, "-2039", UPDATE, Stale),
        (412, "", UPDATE, Stale),
        (400, "-10", CREATE, Rejected),
        (400, "-5002", CREATE, Rejected),
        (500, "-5002", CREATE, Rejected),
        (400, "-1000", UPDATE, Rejected),
        (400, "-1004", UPDATE, Rejected),
        (400, "-1029", UPDATE, Rejected),
        (400, "-2035", CREATE, Rejected),
        (400, "-5006", UPDATE, Rejected),
        (400, "201", READ, Misconfigured),
        (400, "201", UPDATE, Rejected),
        (400, "-1002", READ, Misconfigured),
        (400, "-1116", CREATE, UnknownOutcome),
        (400, "-1116", UPDATE, Transient),
        (500, "299", READ, Transient),
        (500, "305", CREATE, Transient),
        (500, "407", READ, Transient),
        (500, "-1", READ, Transient),
        (500, "-1", CREATE, UnknownOutcome),
        (502, "", READ, Transient),
        (502, "", UPDATE, Transient),
        (502, "", CREATE, UnknownOutcome),
        (503, "", CREATE, UnknownOutcome),
        (504, "", CREATE, UnknownOutcome),
        (413, "", CREATE, Rejected),
        (400, "60006", CREATE, Rejected),
    ],
)
def test_status_and_code_decide_the_class(
    status: int, code: str, effect: Effect, expected: type[HubError] | None
) -> None:
    assert class_of(status, code, effect) is expected


def test_only_a_dead_session_is_cured_by_a_login() -> None:
    assert is_session_refused(401, "301")
    assert not is_session_refused(401, "-304")
    assert not is_session_refused(403, "301")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": "-10", "details": [{"code": "", "message": ""}], "message": "text"}}, ("-10", "text")),
        ({"error": {"code": -10, "message": {"lang": "en-us", "value": "text"}}}, ("-10", "text")),
        ({"error": {"code": -10}}, ("-10", "")),
    ],
)
def test_both_versions_error_bodies_are_read(body: Any, expected: tuple[str, str]) -> None:
    assert read_error(httpx.Response(400, json=body)) == expected


@pytest.mark.parametrize("content", [b"", b"<html>Proxy Error</html>", b"[]", b'{"error": "text"}', b'{"error": null}'])
def test_what_the_service_layer_did_not_write_has_no_code(content: bytes) -> None:
    assert read_error(httpx.Response(502, content=content))[0] == ""


def test_an_error_names_fields_and_hides_values() -> None:
    body = {"error": {"code": "-5002", "message": "Invalid BP code [ORDR.CardCode] , 'C-4711'"}}
    error = DIALECT.error(httpx.Response(400, json=body), CREATE)
    assert error is not None
    assert error.fields == ("CardCode",)
    assert "C-4711" not in error.text
    assert (error.code, error.system) == ("-5002", "sap")
    assert fields_in("'Z' is not a valid value for property 'U_X'. Property 'U_X' is invalid") == ("U_X",)
