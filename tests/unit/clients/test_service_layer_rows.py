"""Rows inside their owners: read and found with them, written by them, many of one owner in one request."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from shared.errors import Conflict, Misconfigured, NotFound, Rejected, Transient, UnknownOutcome
from shared.ports import Entity, KeyVersion, Owner, Row, Write
from tests.unit.clients.service_layer_script import PARTNERS, Sap, login, page, refusal
from tests.unit.clients.test_service_layer_writing import OK_EDIT, batch, bodies_in, failed

WHOLE = replace(PARTNERS, select=("CardType", "ContactPerson"), reference="")
PERSONS = Entity(
    set="BusinessPartners",
    type="ContactEmployee",
    key="InternalCode",
    version="DataVersion",
    scope=PARTNERS.scope,
    modified=PARTNERS.modified,
    created=PARTNERS.created,
    reference="U_HubRef",
    owner=Owner("partner", WHOLE, lookup="CardCode", collection="ContactEmployees"),
)
DONE = httpx.Response(204)


def partner(code: str, *persons: Row, **columns: Any) -> Row:
    """A partner as SAP answers it."""
    return {"CardCode": code, "DataVersion": 3, "ContactEmployees": list(persons), **columns}


def person(number: int, **columns: Any) -> Row:
    return {"InternalCode": number, "U_HubRef": None, **columns}


def new(ref: str, code: str = "C1", **columns: Any) -> Write:
    """A new person of a partner, with our reference."""
    return Write(ref, {"CardCode": code, "U_HubRef": f"t:{ref}", "Name": ref, **columns}, create=True)


def edit(key: str, **columns: Any) -> Write:
    return Write(key, columns or {"Phone1": "1"}, key=key)


def options(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}


def sent(request: httpx.Request) -> Row:
    """The body of one PATCH."""
    body: Row = json.loads(request.content)
    return body


def sent_in_batch(request: httpx.Request) -> list[Row]:
    """The bodies of the parts of a batch."""
    return [json.loads(line) for line in request.content.decode().split("\r\n") if line.startswith("{")]


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_rows_change_with_their_owner_and_have_its_version() -> None:
    sap = Sap(login(), page(partner("C1", person(7), person(8)), partner("C2"), partner("C/3", person(9))))
    found = await sap.side.changed(PERSONS, datetime(2026, 3, 2, 11, 0, tzinfo=UTC), None, 10)
    assert found.keys == (KeyVersion("C1/7", "3"), KeyVersion("C1/8", "3"), KeyVersion("C/3/9", "3"))
    assert found.cursor is None
    asked = options(sap.requests[1])
    assert asked["$filter"].startswith("(CardType eq 'cCustomer') and ((UpdateDate gt '2026-03-02'")
    assert asked["$orderby"] == "CardCode"
    assert "ContactPerson" not in asked["$select"].split(",")


async def test_pages_of_changed_rows_go_on_after_the_last_owner_even_where_it_has_no_rows() -> None:
    sap = Sap(login(), page(partner("C1", person(7)), partner("C2")), page())
    first = await sap.side.changed(PERSONS, None, None, 2)
    assert (len(first.keys), first.cursor) == (1, "C2")
    last = await sap.side.changed(PERSONS, None, first.cursor, 2)
    assert (last.keys, last.cursor) == ((), None)
    assert options(sap.requests[2])["$filter"] == "(CardType eq 'cCustomer') and (CardCode gt 'C2')"


async def test_a_row_that_is_read_shows_its_owner_without_the_owners_rows() -> None:
    c1 = partner("C1", person(7, Name="Ada"), person(8), CardType="cCustomer", ContactPerson="Ada")
    sap = Sap(login(), page(c1, partner("C2", person(9))))
    rows = await sap.side.read(PERSONS, ["C1/7", "C2/9", "C1/99", "nonsense"])
    assert list(rows) == ["C1/7", "C2/9"]
    row = rows["C1/7"]
    assert (row["InternalCode"], row["CardCode"], row["Name"], row["DataVersion"]) == ("C1/7", "C1", "Ada", 3)
    assert row["partner"] == {"CardCode": "C1", "DataVersion": 3, "CardType": "cCustomer", "ContactPerson": "Ada"}


async def test_owners_are_read_once_for_all_their_rows_whatever_the_scope() -> None:
    sap = Sap(login(), page(partner("C1", person(7), person(8))))
    await sap.side.read(PERSONS, ["C1/7", "C1/8", "C'2/1"])
    assert sap.paths[1:] == ["GET BusinessPartners"]
    asked = options(sap.requests[1])
    assert asked["$filter"] == "CardCode eq 'C1' or CardCode eq 'C''2'"
    assert asked["$select"].startswith("ContactEmployees,CardType,ContactPerson,CardCode,DataVersion,UpdateDate")


async def test_rows_are_found_by_their_owner() -> None:
    sap = Sap(login(), page(partner("C1", person(7), person(8)), partner("C2")))
    found = await sap.side.find(PERSONS, "CardCode", ["C1", "C2", "C3"])
    assert {value: [row["InternalCode"] for row in rows] for value, rows in found.items()} == {"C1": ["C1/7", "C1/8"]}


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_rows_of_one_owner_that_are_edited_travel_in_one_patch_without_looking_first() -> None:
    sap = Sap(login(), DONE)
    results = await sap.side.write(PERSONS, [edit("C1/8", Phone1="2"), edit("C1/7", Phone1="1", CardCode="C1")])
    assert [(each.ref, each.key, each.error) for each in results] == [("C1/8", "C1/8", None), ("C1/7", "C1/7", None)]
    assert sap.paths[1:] == ["PATCH BusinessPartners('C1')"]
    assert sent(sap.requests[1]) == {
        "ContactEmployees": [{"InternalCode": 8, "Phone1": "2"}, {"InternalCode": 7, "Phone1": "1"}]
    }


async def test_rows_of_several_owners_are_one_batch_with_a_part_for_each_owner() -> None:
    sap = Sap(login(), batch(OK_EDIT, OK_EDIT))
    results = await sap.side.write(PERSONS, [edit("C1/7"), edit("C2/9"), edit("C1/8")])
    assert [each.ref for each in results] == ["C1/7", "C2/9", "C1/8"]
    assert bodies_in(sap.requests[1]) == [
        "PATCH /b1s/v2/BusinessPartners('C1') HTTP/1.1",
        "PATCH /b1s/v2/BusinessPartners('C2') HTTP/1.1",
    ]


async def test_what_a_row_says_of_its_owner_is_set_in_the_owner() -> None:
    sap = Sap(login(), DONE)
    rows = [edit("C1/7", partner={"ContactPerson": "Ada"}), edit("C1/8", partner={"ContactPerson": None}, Phone1="2")]
    await sap.side.write(PERSONS, rows)
    assert sent(sap.requests[1]) == {
        "ContactPerson": "Ada",
        "ContactEmployees": [{"InternalCode": 7}, {"InternalCode": 8, "Phone1": "2"}],
    }


async def test_a_new_row_is_named_after_the_ones_that_are_there_and_learns_its_key() -> None:
    after = partner("C1", person(7), person(8), person(9, U_HubRef="t:a"))
    sap = Sap(login(), page(partner("C1", person(7), person(8))), DONE, page(after))
    [result] = await sap.side.write(PERSONS, [new("a", FirstName="Ada")])
    assert (result.ref, result.key, result.error) == ("a", "C1/9", None)
    assert sap.paths[1:] == ["GET BusinessPartners", "PATCH BusinessPartners('C1')", "GET BusinessPartners"]
    assert sent(sap.requests[2]) == {
        "ContactEmployees": [
            {"InternalCode": 7},
            {"InternalCode": 8},
            {"U_HubRef": "t:a", "Name": "a", "FirstName": "Ada"},
        ]
    }


async def test_a_row_that_is_edited_with_a_new_one_stands_once() -> None:
    after = partner("C1", person(7), person(8), person(9, U_HubRef="t:a"))
    sap = Sap(login(), page(partner("C1", person(7), person(8))), DONE, page(after))
    results = await sap.side.write(PERSONS, [edit("C1/7"), new("a")])
    assert [each.key for each in results] == ["C1/7", "C1/9"]
    rows = sent(sap.requests[2])["ContactEmployees"]
    assert [row.get("InternalCode") for row in rows] == [8, 7, None]


async def test_a_new_row_that_is_there_by_our_reference_is_not_made_again() -> None:
    present = partner("C1", person(7, U_HubRef="t:other"), person(9, U_HubRef="t:a"))
    sap = Sap(login(), page(present))
    [result] = await sap.side.write(PERSONS, [new("a")])
    assert (result.key, result.error) == ("C1/9", None)
    assert sap.paths[1:] == ["GET BusinessPartners"]


async def test_rows_without_a_reference_are_never_taken_for_the_new_one() -> None:
    nameless = Write("a", {"CardCode": "C1", "Name": "a", "U_HubRef": None}, create=True)
    sap = Sap(login(), page(partner("C1", person(7))), DONE, page(partner("C1", person(7), person(8))))
    [result] = await sap.side.write(PERSONS, [nameless])
    assert isinstance(result.error, UnknownOutcome)


async def test_a_new_row_that_is_not_to_be_found_afterwards_is_an_unknown_outcome() -> None:
    sap = Sap(login(), page(partner("C1")), DONE, page(partner("C1", person(7))))
    [result] = await sap.side.write(PERSONS, [new("a")])
    assert isinstance(result.error, UnknownOutcome)


async def test_a_new_row_whose_owner_is_gone_is_a_conflict_and_keeps_no_other_back() -> None:
    after = partner("C1", person(7, U_HubRef="t:b"))
    sap = Sap(login(), page(partner("C1")), DONE, page(after))
    gone, made = await sap.side.write(PERSONS, [new("a", "C9"), new("b", "C1")])
    assert isinstance(gone.error, Conflict)
    assert gone.error.code == "no-owner"
    assert (made.key, made.error) == ("C1/7", None)
    assert sap.paths[2:] == ["PATCH BusinessPartners('C1')", "GET BusinessPartners"]


async def test_an_edited_row_whose_owner_is_gone_is_not_found() -> None:
    [result] = await Sap(login(), refusal(404, "-2028")).side.write(PERSONS, [edit("C9/7")])
    assert isinstance(result.error, NotFound)


async def test_a_row_that_names_no_owner_is_refused_without_a_request() -> None:
    sap = Sap()
    [result] = await sap.side.write(PERSONS, [Write("a", {"Name": "a"}, create=True)])
    assert isinstance(result.error, Rejected)
    assert sap.requests == []


# --- what is refused, and what is lost --------------------------------------------------------------------------------


async def test_rows_that_are_refused_together_are_sent_each_by_itself() -> None:
    bad = failed(400, "-10", "no")
    sap = Sap(login(), refusal(400, "-10"), batch(OK_EDIT, bad), DONE)
    results = await sap.side.write(PERSONS, [edit("C1/7"), edit("C1/8"), edit("C1/9")])
    assert [type(each.error) for each in results] == [type(None), Rejected, type(None)]
    assert [each["ContactEmployees"][0]["InternalCode"] for each in sent_in_batch(sap.requests[2])] == [7, 8, 9]
    assert sent(sap.requests[3])["ContactEmployees"] == [{"InternalCode": 9, "Phone1": "1"}]


async def test_a_refused_row_that_is_alone_is_not_sent_again() -> None:
    sap = Sap(login(), refusal(400, "-10"))
    [result] = await sap.side.write(PERSONS, [edit("C1/7")])
    assert isinstance(result.error, Rejected)
    assert len(sap.requests) == 2


async def test_an_edit_that_is_sent_again_without_the_new_row_names_no_other_row() -> None:
    there = partner("C1", person(7), person(8))
    sap = Sap(login(), page(there), refusal(400, "-10"), batch(OK_EDIT, failed(400, "-10")))
    done, bad = await sap.side.write(PERSONS, [edit("C1/7"), new("a")])
    assert (done.error, type(bad.error)) == (None, Rejected)
    assert sent_in_batch(sap.requests[3])[0] == {"ContactEmployees": [{"InternalCode": 7, "Phone1": "1"}]}


async def test_a_good_new_row_lands_beside_a_bad_one() -> None:
    after = partner("C1", person(7), person(9, U_HubRef="t:b"))
    there = page(partner("C1", person(7)))
    sap = Sap(login(), there, refusal(400, "-10"), refusal(400, "-10"), there, DONE, page(after))
    bad, good = await sap.side.write(PERSONS, [new("a"), new("b")])
    assert isinstance(bad.error, Rejected)
    assert (good.key, good.error) == ("C1/9", None)


async def test_all_rows_that_are_there_stand_before_new_ones() -> None:
    after = partner("C1", person(7), person(8), person(9, U_HubRef="t:a"))
    sap = Sap(login(), page(partner("C1", person(7), person(8))), DONE, page(after))
    await sap.side.write(PERSONS, [new("a"), edit("C1/7")])
    assert [row.get("InternalCode") for row in sent(sap.requests[2])["ContactEmployees"]] == [8, 7, None]


async def test_of_new_rows_sent_one_by_one_the_second_names_what_the_first_added() -> None:
    one = partner("C1", person(7), person(8, U_HubRef="t:a"))
    both = partner("C1", person(7), person(8, U_HubRef="t:a"), person(9, U_HubRef="t:b"))
    sap = Sap(login(), page(partner("C1", person(7))), refusal(400, "-10"), DONE, page(one), DONE, page(both))
    first, second = await sap.side.write(PERSONS, [new("a"), new("b")])
    assert (first.key, second.key) == ("C1/8", "C1/9")
    assert [row.get("InternalCode") for row in sent(sap.requests[5])["ContactEmployees"]] == [7, 8, None]


async def test_a_refused_owner_keeps_no_other_owner_back() -> None:
    sap = Sap(login(), batch(OK_EDIT, failed(400, "-10")), DONE)
    results = await sap.side.write(PERSONS, [edit("C1/7"), edit("C2/8"), edit("C3/9")])
    assert [type(each.error) for each in results] == [type(None), Rejected, type(None)]


async def test_a_new_row_whose_answer_is_lost_is_an_unknown_outcome_and_not_sent_again() -> None:
    sap = Sap(login(), page(partner("C1", person(7))), httpx.ReadTimeout("slow"))
    [result] = await sap.side.write(PERSONS, [new("a")])
    assert isinstance(result.error, UnknownOutcome)
    assert sap.paths[1:] == ["GET BusinessPartners", "PATCH BusinessPartners('C1')"]


async def test_of_a_lost_batch_only_owners_with_new_rows_are_unclear() -> None:
    sap = Sap(login(), page(partner("C1")), httpx.ReadTimeout("slow"))
    results = await sap.side.write(PERSONS, [new("a"), edit("C2/8")])
    assert [type(each.error) for each in results] == [UnknownOutcome, Transient]


async def test_edits_whose_answer_is_lost_are_sent_again() -> None:
    sap = Sap(login(), httpx.ReadTimeout("slow"), DONE)
    [result] = await sap.side.write(PERSONS, [edit("C1/7")])
    assert result.error is None


async def test_trouble_of_the_whole_system_is_raised() -> None:
    with pytest.raises(Misconfigured):
        await Sap(login(), refusal(403, "-6006")).side.write(PERSONS, [edit("C1/7"), edit("C1/8")])


def test_rows_of_one_owner_are_one_write_and_new_ones_need_two_looks() -> None:
    side = Sap(batch_size=2).side
    edits = [edit("C1/7"), edit("C1/8"), edit("C2/1"), edit("C3/1")]
    assert side.requests_to_write(PERSONS, edits) == 2
    assert side.requests_to_write(PERSONS, [edit("C1/7"), new("a")]) == 3
