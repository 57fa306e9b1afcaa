"""Rows are read with the record they belong to, and count as changed with it; updates between two others of a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from shared.clients.dataverse import DataverseSide
from shared.clients.dataverse.queries import changed_url, equals_one_of
from shared.errors import Conflict, NotFound, Rejected, Throttled, Transient
from shared.ports import Entity, KeyVersion, Owner, Write
from tests.unit.clients.dataverse_setting import (
    ACCOUNT,
    API,
    DONE,
    Wire,
    batch_answer,
    client_on,
    guid,
    refusal,
    refused_part,
    rows_answer,
)

PARENT = "_parentcustomerid_value"
JOINED = Owner("account", replace(ACCOUNT, select=("name",)), lookup=PARENT)
FOLLOWED = replace(JOINED, navigation="parentcustomerid_account")
CONTACT = Entity(
    set="contacts",
    type="contact",
    key="contactid",
    version="versionnumber",
    select=("lastname",),
    modified=("modifiedon",),
    owner=FOLLOWED,
)
SINCE = datetime(2025, 11, 22, 4, 0, tzinfo=UTC)
C1, C2, A1, A2 = guid(1), guid(2), guid(101), guid(102)


def contact(key: str, account: str | None, version: int = 10) -> dict[str, Any]:
    return {"contactid": key, PARENT: account, "versionnumber": version, "lastname": "Sample"}


def account(key: str, version: int = 10) -> dict[str, Any]:
    return {"accountid": key, "versionnumber": version, "name": "A"}


class Org:
    """Answers contacts as they are, accounts only those that were asked for."""

    def __init__(self, contacts: list[dict[str, Any]], accounts: list[dict[str, Any]]) -> None:
        self._contacts, self._accounts = contacts, accounts
        self.wire = Wire(self._answer)
        self.side = DataverseSide(client_on(self.wire))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contacts"):
            return rows_answer([dict(each) for each in self._contacts])
        asked = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", unquote(request.url.params["$filter"])))
        return rows_answer([dict(each) for each in self._accounts if each["accountid"] in asked])

    def select(self, number: int) -> list[str]:
        """The columns that a request asked for."""
        return self.wire.requests[number].url.params["$select"].split(",")


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_the_owner_stands_in_the_row_that_was_read() -> None:
    org = Org([contact(C1, A1), contact(C2, None)], [account(A1)])
    rows = await org.side.read(CONTACT, [C1, C2])
    assert rows[C1]["account"] == account(A1)
    assert rows[C2]["account"] is None
    assert PARENT in org.select(0)
    assert org.select(1) == ["accountid", "versionnumber", "name"]


async def test_an_owner_that_is_gone_or_hidden_is_none() -> None:
    org = Org([contact(C1, A2)], [account(A1)])
    assert (await org.side.read(CONTACT, [C1]))[C1]["account"] is None


async def test_an_owner_of_many_rows_is_asked_for_once() -> None:
    org = Org([contact(C1, A1), contact(C2, A1.upper())], [account(A1)])
    rows = await org.side.read(CONTACT, [C1, C2])
    assert [row["account"]["accountid"] for row in rows.values()] == [A1, A1]
    assert org.wire.requests[1].url.params["$filter"].count(A1) == 1


async def test_without_owners_none_are_asked_for() -> None:
    org = Org([contact(C1, None)], [])
    await org.side.read(CONTACT, [C1])
    assert org.wire.paths == ["GET /contacts"]


async def test_owners_come_with_rows_that_are_found_by_them() -> None:
    org = Org([contact(C1, A1), contact(C2, A2)], [account(A1), account(A2)])
    found = await org.side.find(CONTACT, PARENT, [A1, A2])
    assert {value: [row["account"]["accountid"] for row in rows] for value, rows in found.items()} == {
        A1: [A1],
        A2: [A2],
    }
    assert org.wire.requests[0].url.params["$filter"] == f"{PARENT} eq {A1} or {PARENT} eq {A2}"


@pytest.mark.parametrize(("row", "owner", "newest"), [(10, 12, 12), (12, 10, 12), (9, 10, 10)])
async def test_the_version_of_a_row_is_the_owners_where_that_is_newer(row: int, owner: int, newest: int) -> None:
    org = Org([contact(C1, A1, row)], [account(A1, owner)])
    assert (await org.side.read(CONTACT, [C1]))[C1]["versionnumber"] == newest
    page = await org.side.changed(CONTACT, SINCE, None, 10)
    assert page.keys == (KeyVersion(C1, str(newest)),)


async def test_an_owner_whose_changes_do_not_count_leaves_the_version_alone() -> None:
    org = Org([contact(C1, A1, 10)], [account(A1, 12)])
    entity = replace(CONTACT, owner=JOINED)
    row = (await org.side.read(entity, [C1]))[C1]
    assert (row["versionnumber"], row["account"]["versionnumber"]) == (10, 12)
    assert (await org.side.changed(entity, SINCE, None, 10)).keys == (KeyVersion(C1, "10"),)
    assert org.wire.paths[2:] == ["GET /contacts"]


async def test_a_plan_reads_no_more_of_owners_than_their_versions() -> None:
    org = Org([contact(C1, A1)], [account(A1)])
    await org.side.changed(CONTACT, SINCE, None, 10)
    assert [org.select(0), org.select(1)] == [["contactid", "versionnumber", PARENT], ["accountid", "versionnumber"]]


def test_rows_are_changed_when_they_or_their_owner_are() -> None:
    url = unquote(changed_url(API, replace(CONTACT, scope="statecode eq 0"), SINCE))
    at = "2025-11-22T04:00:00Z"
    assert f"(statecode eq 0) and (modifiedon ge {at} or parentcustomerid_account/modifiedon ge {at})" in url


def test_whole_reads_and_owners_that_do_not_count_name_no_navigation() -> None:
    everything = changed_url(API, CONTACT, None)
    joined = changed_url(API, replace(CONTACT, owner=JOINED), SINCE)
    assert "$filter" not in everything
    assert PARENT in everything
    assert "parentcustomerid" not in joined


def test_lookups_are_compared_bare_and_other_columns_quoted() -> None:
    assert equals_one_of(PARENT, [A1]) == f"{PARENT} eq {A1}"
    assert equals_one_of("name", ["O'B", "C"]) == (
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['O''B','C'])"
    )
    assert "In(" in equals_one_of("_custom", ["x"])


# --- updates between two others ----------------------------------------------------------------------------------------

OPENED, CLOSED = {"statecode": 0}, {"statecode": 1}


def around(number: int) -> Write:
    return Write(f"r{number}", {"name": f"N{number}"}, key=guid(number), around=(OPENED, CLOSED))


def batches(*answers: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> Wire:
    """A wire that answers one after the other."""
    steps = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        step = next(steps)
        return step(request) if callable(step) else step

    return Wire(answer)


async def test_an_update_between_two_others_is_one_change_set_in_order() -> None:
    wire = batches(batch_answer(DONE, DONE, DONE))
    [result] = await DataverseSide(client_on(wire)).write(ACCOUNT, [around(1)])
    assert (result.ref, result.key, result.error) == ("r1", guid(1), None)
    [request] = wire.requests
    text = request.content.decode()
    path = f"PATCH /api/data/v9.2/accounts({guid(1)}) HTTP/1.1"
    assert text.count(path) == text.count("If-Match: *") == 3
    assert text.count("Content-Type: multipart/mixed") == 1
    assert [text.index(f"Content-ID: {number}\r\n") for number in (1, 2, 3)] == sorted(
        text.index(part) for part in ("Content-ID: 1\r\n", "Content-ID: 2\r\n", "Content-ID: 3\r\n")
    )
    assert re.findall(r"\{.*\}", text) == ['{"statecode":0}', '{"name":"N1"}', '{"statecode":1}']


async def test_every_row_has_a_change_set_of_its_own_apart_from_plain_updates() -> None:
    plain = Write("plain", {"name": "P"}, key=guid(9))
    wire = batches(httpx.Response(204), batch_answer(DONE, DONE, DONE), batch_answer(DONE, DONE, DONE))
    side = DataverseSide(client_on(wire))
    results = await side.write(ACCOUNT, [around(1), plain, around(2)])
    assert [(each.ref, each.error) for each in results] == [("r1", None), ("plain", None), ("r2", None)]
    assert wire.paths == [f"PATCH /accounts({guid(9)})", "POST /$batch", "POST /$batch"]
    assert side.requests_to_write(ACCOUNT, [around(1), plain, around(2)]) == 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(400, "0x80043b00", Rejected), (404, "0x80040217", NotFound), (412, "0x80040237", Conflict)],
)
async def test_a_change_set_is_refused_as_a_whole_and_keeps_no_other_back(
    status: int, code: str, kind: type[Exception]
) -> None:
    no = refused_part(status, code, f"account With Id = {guid(1)} Does Not Exist")
    wire = batches(batch_answer(no), batch_answer(DONE, DONE, DONE))
    refused, done = await DataverseSide(client_on(wire)).write(ACCOUNT, [around(1), around(2)])
    assert (refused.key, type(refused.error)) == (guid(1), kind)
    assert done.error is None


async def test_a_change_set_that_was_not_answered_whole_may_be_sent_again() -> None:
    wire = batches(batch_answer(DONE))
    with pytest.raises(Transient):
        await DataverseSide(client_on(wire)).write(ACCOUNT, [around(1)])


async def test_a_throttled_change_set_ends_the_sending() -> None:
    wire = Wire(lambda _: refusal(429, "0x80072322", **{"Retry-After": "300"}))
    with pytest.raises(Throttled):
        await DataverseSide(client_on(wire)).write(ACCOUNT, [around(1), around(2)])
    assert all(guid(2).encode() not in each.content for each in wire.requests)


async def test_a_change_set_that_landed_before_a_throttle_is_told() -> None:
    busy = refusal(429, "0x80072322", **{"Retry-After": "300"})
    wire = batches(batch_answer(DONE, DONE, DONE), busy)
    results = await DataverseSide(client_on(wire)).write(ACCOUNT, [around(1), around(2), around(3)])
    assert [type(each.error) for each in results] == [type(None), Throttled, Throttled]


async def test_the_key_column_is_in_no_body() -> None:
    wire = batches(batch_answer(DONE, DONE, DONE))
    write = replace(around(1), body={"accountid": guid(1), "name": "N"})
    await DataverseSide(client_on(wire)).write(ACCOUNT, [write])
    assert b"accountid" not in wire.requests[0].content
