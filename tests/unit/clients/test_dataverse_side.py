"""The port's reading verbs, columns and operations, on a scripted transport."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.clients.dataverse import DataverseSide
from shared.errors import Misconfigured, Rejected, Transient, UnknownOutcome
from shared.ports import KeyVersion
from tests.unit.clients.dataverse_setting import (
    ACCOUNT,
    API,
    READ_AT,
    Wire,
    client_on,
    config,
    guid,
    refusal,
    rows_answer,
)


def side_on(wire: Wire, **changes: Any) -> DataverseSide:
    return DataverseSide(client_on(wire, **changes))


def key_row(number: int, version: int = 1) -> dict[str, Any]:
    return {"@odata.etag": f'W/"{version}"', "accountid": guid(number), "versionnumber": version}


def asked_values(request: httpx.Request) -> list[str]:
    """The values of the In function of a query."""
    listed = re.search(r"PropertyValues=\[(.*)\]\)", request.url.params["$filter"])
    assert listed
    return [value.replace("''", "'") for value in re.findall(r"'((?:[^']|'')*)'", listed[1])]


# --- changed --------------------------------------------------------------------------------------------------------


async def test_changed_keys_come_with_versions_and_the_servers_clock() -> None:
    wire = Wire(lambda _: rows_answer([key_row(1, 81359849), key_row(2, 7)]))
    page = await side_on(wire).changed(ACCOUNT, datetime(2025, 1, 1, tzinfo=UTC), None, 100)
    assert page.keys == (KeyVersion(guid(1), "81359849"), KeyVersion(guid(2), "7"))
    assert page.cursor is None
    assert page.read_at == READ_AT
    assert wire.requests[0].headers["Prefer"] == "odata.maxpagesize=100"


async def test_the_cursor_continues_with_the_servers_link_and_the_same_page_size() -> None:
    link = f"{API}accounts?$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E"
    wire = Wire(
        lambda request: (
            rows_answer([key_row(2)]) if "skiptoken" in str(request.url) else rows_answer([key_row(1)], link)
        )
    )
    side = side_on(wire)
    first = await side.changed(ACCOUNT, None, None, 1)
    second = await side.changed(ACCOUNT, None, first.cursor, 1)
    assert second.keys == (KeyVersion(guid(2), "1"),)
    assert second.cursor is None
    assert str(wire.requests[1].url) == link
    assert wire.requests[1].headers["Prefer"] == "odata.maxpagesize=1"


@pytest.mark.parametrize(("limit", "asked"), [(10_000, 500), (100, 100), (0, 1)])
async def test_a_page_is_no_larger_than_the_setting(limit: int, asked: int) -> None:
    wire = Wire(lambda _: rows_answer([]))
    await side_on(wire, config=config(page_size=500)).changed(ACCOUNT, None, None, limit)
    assert wire.requests[0].headers["Prefer"] == f"odata.maxpagesize={asked}"


async def test_a_key_that_comes_twice_on_a_page_is_given_once_in_its_newest_version() -> None:
    wire = Wire(lambda _: rows_answer([key_row(1, 1), key_row(2, 1), key_row(1, 5)]))
    page = await side_on(wire).changed(ACCOUNT, None, None, 100)
    assert page.keys == (KeyVersion(guid(1), "5"), KeyVersion(guid(2), "1"))


@pytest.mark.parametrize("cursor", ["1 x https://evil.example/api/data/v9.2/accounts", "nonsense", f"{API}accounts"])
async def test_a_cursor_that_leads_elsewhere_sends_nothing(cursor: str) -> None:
    wire = Wire(lambda _: rows_answer([]))
    with pytest.raises(Misconfigured):
        await side_on(wire).changed(ACCOUNT, None, cursor, 100)
    assert wire.requests == []


async def test_a_plan_over_links_in_a_circle_ends() -> None:
    wire = Wire(lambda request: rows_answer([key_row(1)], f"{API}b" if request.url.path.endswith("/a") else f"{API}a"))
    side = side_on(wire)
    cursor: str | None = None

    async def plan() -> None:
        nonlocal cursor
        for _ in range(20):
            cursor = (await side.changed(ACCOUNT, None, cursor, 1)).cursor

    with pytest.raises(Transient):
        await plan()


# --- read and find --------------------------------------------------------------------------------------------------


async def test_up_to_a_hundred_keys_are_one_request() -> None:
    wire = Wire(
        lambda request: rows_answer([{"accountid": key, "name": key[-2:]} for key in asked_values(request)[:-1]])
    )
    keys = [guid(n) for n in range(100)]
    rows = await side_on(wire).read(ACCOUNT, keys)
    assert len(wire.requests) == 1
    assert list(rows) == keys[:-1]
    assert wire.requests[0].url.params["$select"] == "accountid,versionnumber,name,accountnumber"
    assert "customertypecode" not in wire.requests[0].url.params["$filter"]


async def test_keys_are_answered_as_they_were_spelled() -> None:
    upper = guid(0xABC).replace("0000", "abcd").upper()
    wire = Wire(lambda _: rows_answer([{"accountid": upper.lower(), "name": "A"}]))
    assert list(await side_on(wire).read(ACCOUNT, [upper])) == [upper]


async def test_what_is_no_guid_is_absent_and_not_asked_for() -> None:
    wire = Wire(lambda _: rows_answer([]))
    assert await side_on(wire).read(ACCOUNT, ["C100", "x') or 1 eq 1"]) == {}
    assert wire.requests == []


async def test_values_are_found_whatever_their_case_and_answered_as_they_were_asked() -> None:
    found = [
        {"accountid": guid(1), "accountnumber": "c100"},
        {"accountid": guid(2), "accountnumber": "C100 "},
        {"accountid": guid(3), "accountnumber": "O'Neil"},
    ]
    wire = Wire(lambda _: rows_answer(found))
    answer = await side_on(wire).find(ACCOUNT, "accountnumber", ["C100", "c100", "O'NEIL", "C999", ""])
    assert {value: [row["accountid"] for row in rows] for value, rows in answer.items()} == {
        "C100": [guid(1), guid(2)],
        "c100": [guid(1), guid(2)],
        "O'NEIL": [guid(3)],
    }
    assert sorted(asked_values(wire.requests[0])) == ["C999", "O'NEIL", "c100"]


async def test_a_row_that_only_dataverse_takes_for_equal_is_left_out() -> None:
    wire = Wire(lambda _: rows_answer([{"accountid": guid(1), "name": "José"}]))
    assert await side_on(wire).find(ACCOUNT, "name", ["Jose"]) == {}


async def test_values_no_text_column_can_hold_are_not_asked_for() -> None:
    wire = Wire(lambda _: rows_answer([]))
    assert await side_on(wire).find(ACCOUNT, "name", ["", " ", "a\x00b", "a\nb"]) == {}
    assert wire.requests == []


@pytest.mark.parametrize("value", ["a&b#c+d%20e", "😀 مرحبا", "a') or (1 eq 1", "a]b,'c"])
async def test_a_value_stays_one_value_whatever_is_in_it(value: str) -> None:
    wire = Wire(lambda _: rows_answer([{"accountid": guid(1), "name": value}]))
    assert list(await side_on(wire).find(ACCOUNT, "name", [value])) == [value]
    assert asked_values(wire.requests[0]) == [value]
    assert wire.requests[0].url.path.endswith("/accounts")


async def test_a_whole_list_is_read_over_all_its_pages() -> None:
    pages = iter([rows_answer([{"accountid": guid(1)}], f"{API}2"), rows_answer([{"accountid": guid(2)}])])
    wire = Wire(lambda _: next(pages))
    assert [row["accountid"] for row in await side_on(wire).listing(ACCOUNT)] == [guid(1), guid(2)]
    assert wire.requests[0].url.params["$filter"] == "customertypecode eq 3"


@pytest.mark.parametrize(
    ("low", "high", "scope"),
    [
        (None, None, "customertypecode eq 3"),
        ("A", None, "(customertypecode eq 3) and (accountnumber ge 'A')"),
        (None, 7, "(customertypecode eq 3) and (accountnumber le 7)"),
        (
            "O'Neil' or 1 eq 1 or 'x",
            "Z",
            "(customertypecode eq 3) and (accountnumber ge 'O''Neil'' or 1 eq 1 or ''x') and (accountnumber le 'Z')",
        ),
    ],
)
def test_a_range_narrows_the_scope_and_its_ends_stay_values(low: Any, high: Any, scope: str) -> None:
    assert side_on(Wire(lambda _: rows_answer([]))).range_scope(ACCOUNT, "accountnumber", low, high) == scope


def test_a_range_with_text_no_column_holds_is_rejected() -> None:
    with pytest.raises(Rejected):
        side_on(Wire(lambda _: rows_answer([]))).range_scope(ACCOUNT, "accountnumber", "a\x00", None)


# --- operations, columns, ping --------------------------------------------------------------------------------------


async def test_an_action_is_posted_and_a_function_is_read() -> None:
    wire = Wire(lambda _: httpx.Response(200, json={"ok": True}))
    side = side_on(wire)
    assert await side.call("WinQuote", {"Status": 4}) == {"ok": True}
    assert await side.call(f"leads({guid(1)})/Microsoft.Dynamics.CRM.QualifyLead", {}) == {"ok": True}
    assert await side.call("WhoAmI", {}) == {"ok": True}
    assert wire.paths == [
        "POST /WinQuote",
        f"POST /leads({guid(1)})/Microsoft.Dynamics.CRM.QualifyLead",
        "GET /WhoAmI",
    ]


@pytest.mark.parametrize("operation", ["", "../x", "https://evil.example/", "WinQuote?x=1", "accounts(1)/name", "a/b"])
async def test_what_is_no_operation_is_not_sent(operation: str) -> None:
    wire = Wire(lambda _: httpx.Response(200, json={}))
    with pytest.raises(Misconfigured):
        await side_on(wire).call(operation, {})
    assert wire.requests == []


async def test_an_action_whose_answer_was_lost_is_not_repeated() -> None:
    def hang(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    wire = Wire(hang)
    with pytest.raises(UnknownOutcome):
        await side_on(wire).call("WinQuote", {})
    assert len(wire.requests) == 1


class Columns:
    """A table whose columns are asked for and made."""

    def __init__(self, present: str | None, refuse: bool = False, appears: bool = False) -> None:
        self.type = present
        self.refuse = refuse
        self.appears = appears
        self.made: list[dict[str, Any]] = []
        self.wire = Wire(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/data/v9.2/EntityDefinitions(LogicalName='account')/Attributes"
        if request.method == "GET":
            assert request.url.params["$filter"] == "LogicalName eq 'new_hubref'"
            found = [{"LogicalName": "new_hubref", "AttributeType": self.type}] if self.type else []
            return httpx.Response(200, json={"value": found})
        self.made.append(json.loads(request.content))
        self.type = "String" if self.appears or not self.refuse else None
        return (
            refusal(400, "0x80047013", "An attribute with the specified name already exists")
            if self.refuse
            else done_answer()
        )


def done_answer() -> httpx.Response:
    return httpx.Response(204)


async def test_a_missing_column_is_created_as_text() -> None:
    table = Columns(None)
    assert await side_on(table.wire).ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100) == "created"
    (made,) = table.made
    assert made["@odata.type"] == "Microsoft.Dynamics.CRM.StringAttributeMetadata"
    assert (made["SchemaName"], made["MaxLength"]) == ("new_hubref", 100)
    assert made["DisplayName"]["LocalizedLabels"][0]["Label"] == "Hub reference"


async def test_a_column_that_is_there_is_left_alone() -> None:
    table = Columns("String")
    assert await side_on(table.wire).ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100) == "present"
    assert table.made == []


async def test_a_column_someone_else_made_meanwhile_is_fine() -> None:
    table = Columns(None, refuse=True, appears=True)
    assert await side_on(table.wire).ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100) == "created"


async def test_a_column_that_can_not_be_made_says_why() -> None:
    with pytest.raises(Rejected):
        await side_on(Columns(None, refuse=True).wire).ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100)


async def test_a_column_of_another_type_is_misconfigured() -> None:
    with pytest.raises(Misconfigured):
        await side_on(Columns("Integer").wire).ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100)


async def test_a_ping_tells_the_servers_clock() -> None:
    wire = Wire(lambda _: httpx.Response(200, json={"UserId": guid(1)}))
    assert await side_on(wire).ping() == READ_AT
    assert wire.paths == ["GET /WhoAmI"]


async def test_a_ping_to_something_else_is_misconfigured() -> None:
    with pytest.raises(Misconfigured):
        await side_on(Wire(lambda _: httpx.Response(404, text="not here"))).ping()
