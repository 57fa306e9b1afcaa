"""The table of refusals: status and code to class, columns named, records pointed at."""

from __future__ import annotations

import pytest

from shared.clients.answers import Effect
from shared.clients.dataverse.refusals import class_of, columns_in, look_closer, normal_code, read_body
from shared.errors import (
    Conflict,
    HubError,
    Misconfigured,
    NotFound,
    Rejected,
    Stale,
    Throttled,
    Transient,
    UnknownOutcome,
)
from tests.unit.clients.dataverse_setting import guid


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (204, "", None),
        (304, "", Misconfigured),
        (400, "", Rejected),
        (400, "0x80048d19", Rejected),
        (400, "0x80060888", Rejected),
        (400, "0x80044331", Rejected),
        (400, "0x80040265", Rejected),
        (400, "0x8004022e", Rejected),
        (400, "0x80040217", NotFound),
        (400, "0x8006088d", Misconfigured),
        (400, "0x80060890", Misconfigured),
        (400, "0x8006089d", Conflict),
        (400, "0x80043b06", Conflict),
        (401, "", Misconfigured),
        (403, "0x80072560", Misconfigured),
        (403, "0x80040220", Misconfigured),
        (404, "0x80040217", NotFound),
        (404, "0x80060891", NotFound),
        (404, "", NotFound),
        (404, "0x8006088a", Misconfigured),
        (405, "0x80040227", Rejected),
        (408, "", Transient),
        (412, "0x80060882", Stale),
        (412, "0x80060892", Conflict),
        (412, "0x80040237", Conflict),
        (412, "0x80040333", Conflict),
        (412, "", Conflict),
        (413, "", Rejected),
        (429, "0x80072322", Throttled),
        (429, "", Throttled),
        (500, "0x80040216", Transient),
        (500, "0x80044150", Transient),
        (400, "0x80044151", Transient),
        (500, "0x80072324", Throttled),
        (501, "", Rejected),
        (502, "", Transient),
        (503, "", Transient),
    ],
)
def test_status_and_code_of_a_write_decide_the_class(status: int, code: str, kind: type[HubError] | None) -> None:
    assert class_of(status, code, Effect.UPDATE) is kind


@pytest.mark.parametrize("code", ["0x80060888", "0x80048d19", ""])
def test_a_refused_query_is_wrong_for_every_record(code: str) -> None:
    assert class_of(400, code, Effect.READ) is Misconfigured


@pytest.mark.parametrize(("status", "code"), [(500, ""), (503, ""), (500, "0x80044150"), (500, "0x80040216")])
def test_a_failed_create_without_a_key_leaves_its_outcome_open(status: int, code: str) -> None:
    assert class_of(status, code, Effect.CREATE) is UnknownOutcome


def test_a_throttled_create_is_known_not_to_have_happened() -> None:
    assert class_of(429, "0x80072326", Effect.CREATE) is Throttled


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("0X80040217", "0x80040217"),
        ("0x8006088A", "0x8006088a"),
        ("0x0", ""),
        ("", ""),
        (None, ""),
        (-2147204784, "0x80044150"),
        ("-2147015902", "0x80072322"),
    ],
)
def test_codes_are_compared_as_lower_case_hex(raw: object, code: str) -> None:
    assert normal_code(raw) == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("The version of the existing record doesn't match the RowVersion property provided.", "0x80060882"),
        ("Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'.", "0x80060888"),
        ("Resource not found for the segment 'Account'.", "0x8006088a"),
        ("Something else.", ""),
    ],
)
def test_an_empty_code_is_told_from_the_text(message: str, code: str) -> None:
    body = f'{{"error":{{"code":"0x0","message":"{message}"}}}}'.encode()
    assert read_body(body) == (code, message)


@pytest.mark.parametrize(
    "body", [b"", b"HTTP Error 401 - Unauthorized", b"<html>", b"[]", b'{"error":"text"}', b"null"]
)
def test_a_body_that_is_no_odata_error_is_its_own_text(body: bytes) -> None:
    assert read_body(body) == ("", body.decode())


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (
            "A validation error occurred.  The length of the 'subject' attribute of the 'task' entity exceeded the "
            "maximum allowed length of '200'.",
            ("subject",),
        ),
        ("An undeclared property 'parentcustomerid' which only has property annotations", ("parentcustomerid",)),
        (
            "Invalid property 'Name' was found in entity 'Microsoft.Dynamics.CRM.account'. ---> "
            "The property 'Name' does not exist on type 'Microsoft.Dynamics.CRM.account'.",
            ("Name",),
        ),
        ("Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'.", ("Name",)),
        ("The field 'name' contains one or more invalid characters.", ("name",)),
        (
            "The value 99 of 'customertypecode' on record of type 'account' is outside the valid range.",
            ("customertypecode",),
        ),
        ("ISV code aborted the operation.", ()),
    ],
)
def test_the_columns_a_text_names_are_found(text: str, columns: tuple[str, ...]) -> None:
    assert columns_in(text) == columns


def test_a_record_that_is_gone_is_not_found() -> None:
    error = look_closer(NotFound("gone"), f"account With Id = {guid(1).upper()} Does Not Exist", f"accounts({guid(1)})")
    assert type(error) is NotFound


def test_a_lookup_to_a_record_that_is_gone_rejects_the_record_itself() -> None:
    text = f"Entity 'Contact' With Id = {guid(2)} Does Not Exist"
    error = look_closer(NotFound("gone", code="0x80040217"), text, f"accounts({guid(1)})")
    assert type(error) is Rejected
    assert error.code == "0x80040217"


def test_not_found_without_a_key_in_the_text_is_taken_for_the_addressed_record() -> None:
    assert (
        type(look_closer(NotFound("gone"), "The specified object was not found.", f"accounts({guid(1)})")) is NotFound
    )
