"""The port's reading verbs over a scripted Tagrain: pages, ids, filters, lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.tagrain.queries import filters, moment, query
from shared.errors import Misconfigured, Rejected, Throttled, Transient
from shared.ports import KeyVersion
from tests.unit.clients.fakes import START
from tests.unit.clients.tagrain_script import API_KEY, CUSTOMERS, INVENTORY, SALES, Tills, entity, page, problem

SINCE = datetime(2026, 3, 1, 10, 30, 0, 123999, tzinfo=timezone(timedelta(hours=1)))


# --- changed --------------------------------------------------------------------------------------------------------


async def test_changed_keys_come_with_versions_and_the_servers_clock() -> None:
    tills = Tills(
        page(
            {"id": "cus_1", "version": 3},
            {"id": "cus_2", "version": 1},
            cursor="next+/=&",
            Date="Mon, 02 Mar 2026 11:00:00 GMT",
        ),
        page(),
    )
    first = await tills.side.changed(CUSTOMERS, SINCE, None, 50)
    assert first.keys == (KeyVersion("cus_1", "3"), KeyVersion("cus_2", "1"))
    assert first.read_at == datetime(2026, 3, 2, 11, tzinfo=UTC)
    second = await tills.side.changed(CUSTOMERS, SINCE, first.cursor, 50)
    assert (second.keys, second.cursor, second.read_at) == ((), None, START)
    since = ("updatedSince", "2026-03-01T09:30:00.123Z")
    assert tills.asked == [[("pageSize", "50"), since], [("pageSize", "50"), since, ("cursor", "next+/=&")]]
    assert all(each.headers["Authorization"] == f"Bearer {API_KEY}" for each in tills.requests)


async def test_the_scope_goes_along_and_a_whole_read_has_no_start() -> None:
    tills = Tills(page())
    await tills.side.changed(SALES, None, None, 10)
    assert tills.asked == [[("pageSize", "10"), ("storeId", "st_1"), ("businessDateFrom", "2026-03-01")]]


async def test_records_without_a_stamp_are_always_read_whole() -> None:
    tills = Tills(page())
    await tills.side.changed(replace(CUSTOMERS, modified=()), SINCE, None, 10)
    assert tills.asked == [[("pageSize", "10")]]


@pytest.mark.parametrize(("limit", "asked"), [(1000, "200"), (200, "200"), (1, "1"), (0, "1")])
async def test_a_page_is_no_larger_than_the_contract_allows(limit: int, asked: str) -> None:
    tills = Tills(page())
    await tills.side.changed(CUSTOMERS, None, None, limit)
    assert tills.asked == [[("pageSize", asked)]]


async def test_a_record_that_comes_twice_on_a_page_is_given_once_in_its_newest_version() -> None:
    tills = Tills(page({"id": "a", "version": 1}, {"id": "b", "version": 1}, {"id": "a", "version": 2}))
    found = await tills.side.changed(CUSTOMERS, None, None, 10)
    assert found.keys == (KeyVersion("a", "2"), KeyVersion("b", "1"))


async def test_a_cursor_that_leads_back_to_itself_ends_in_an_error() -> None:
    with pytest.raises(Transient, match="circle"):
        await Tills(page(cursor="x")).side.changed(CUSTOMERS, None, "x", 10)


async def test_cursors_in_a_larger_circle_end_whole_reads() -> None:
    tills = Tills(*[page({"id": str(n)}, cursor="ab"[n % 2]) for n in range(9)])
    with pytest.raises(Transient, match="circle"):
        await tills.side.listing(entity("stores"))
    assert len(tills.requests) == 3


async def test_a_cursor_that_the_server_forgot_stops_the_run() -> None:
    tills = Tills(problem(404, "unknown-cursor", "No page gave this cursor."))
    with pytest.raises(Misconfigured) as caught:
        await tills.side.changed(CUSTOMERS, None, "old", 10)
    assert caught.value.code == "unknown-cursor"


# --- read and find --------------------------------------------------------------------------------------------------


async def test_up_to_a_hundred_ids_are_one_request() -> None:
    keys = [f"cus_{n:05d}" for n in range(101)]
    tills = Tills(page(*({"id": key} for key in keys[1:100])), page({"id": keys[100]}))
    rows = await tills.side.read(SALES, [*keys, keys[0], "", "no/id", "x" * 41])
    assert list(rows) == keys[1:]
    assert tills.asked == [
        [("pageSize", "200"), *[("id", key) for key in keys[:100]]],
        [("pageSize", "200"), ("id", keys[100])],
    ]


async def test_all_pages_of_an_answer_are_read() -> None:
    tills = Tills(page({"id": "a"}, cursor="c1"), page({"id": "b"}))
    assert set(await tills.side.read(CUSTOMERS, ["a", "b"])) == {"a", "b"}


async def test_nothing_is_asked_for_no_values() -> None:
    tills = Tills()
    assert await tills.side.read(CUSTOMERS, []) == {}
    assert await tills.side.find(CUSTOMERS, "code", ["", "  ", "a\0b"]) == {}


async def test_amounts_stay_the_texts_they_are() -> None:
    tills = Tills(page({"id": "a", "basePrice": "12.50", "version": 2}))
    assert (await tills.side.read(CUSTOMERS, ["a"]))["a"] == {"id": "a", "basePrice": "12.50", "version": 2}


async def test_rows_are_found_by_the_value_as_it_was_asked_for() -> None:
    rows: list[dict[str, Any]] = [
        {"id": "1", "name": "Stammkunden"},
        {"id": "2", "name": "Möwe & Söhne, Kai 1"},
        {"id": "3", "name": "nobody asked"},
        {"id": "4", "name": None},
    ]
    tills = Tills(page(*rows))
    found = await tills.side.find(CUSTOMERS, "name", [" STAMMKUNDEN ", "Möwe & Söhne, Kai 1", "missing"])
    assert {value: [row["id"] for row in matches] for value, matches in found.items()} == {
        " STAMMKUNDEN ": ["1"],
        "Möwe & Söhne, Kai 1": ["2"],
    }
    assert tills.asked[0][1:] == [("name", "STAMMKUNDEN"), ("name", "Möwe & Söhne, Kai 1"), ("name", "missing")]


async def test_an_exact_match_goes_before_one_in_other_letters() -> None:
    tills = Tills(page({"id": "1", "code": "a"}, {"id": "2", "code": "A"}))
    found = await tills.side.find(CUSTOMERS, "code", ["A"])
    assert [row["id"] for row in found["A"]] == ["2"]


async def test_inventory_is_found_by_the_code_of_its_product() -> None:
    tills = Tills(page({"id": "p1", "productCode": "T-1"}))
    assert set(await tills.side.find(INVENTORY, "productCode", ["T-1"])) == {"T-1"}
    assert tills.asked[0][1:] == [("code", "T-1")]


async def test_a_property_that_cannot_be_looked_up_sends_nothing() -> None:
    with pytest.raises(Misconfigured) as caught:
        await Tills().side.find(CUSTOMERS, "email", ["a@example.com"])
    assert caught.value.fields == ("email",)


@given(st.lists(st.text(min_size=1, max_size=120), max_size=300))
def test_filters_are_whole_in_order_and_within_both_limits(values: list[str]) -> None:
    groups = list(filters("name", values, 100))
    assert [value for group in groups for _, value in group] == values
    assert all(0 < len(group) <= 100 for group in groups)
    plain = [[(name, value.encode("utf-8", "replace").decode()) for name, value in group] for group in groups]
    assert all(len(query(group)) <= 6000 for group in plain)


# --- lists, clock, what there is not ----------------------------------------------------------------------------------


async def test_a_list_is_whole_and_in_scope() -> None:
    tills = Tills(page({"id": "st_1"}, cursor="c"), page({"id": "st_2"}))
    assert await tills.side.listing(entity("stores", scope="id=st_1&id=st_2")) == [{"id": "st_1"}, {"id": "st_2"}]
    assert tills.asked[0] == [("pageSize", "200"), ("id", "st_1"), ("id", "st_2")]


async def test_the_settings_are_a_list_of_one() -> None:
    tills = Tills(httpx.Response(200, json={"id": "settings", "currency": "EUR"}))
    assert await tills.side.listing(entity("settings")) == [{"id": "settings", "currency": "EUR"}]
    assert (tills.paths, tills.asked) == (["GET settings"], [[]])


async def test_ping_reads_the_settings_and_gives_the_servers_clock() -> None:
    tills = Tills(httpx.Response(200, json={"id": "settings"}, headers={"Date": "Mon, 02 Mar 2026 11:00:00 GMT"}))
    assert await tills.side.ping() == datetime(2026, 3, 2, 11, tzinfo=UTC)
    await tills.side.close()


async def test_what_the_contract_does_not_have_is_refused_in_words() -> None:
    side = Tills().side
    with pytest.raises(Rejected, match="range of customers"):
        side.range_scope(CUSTOMERS, "code", "A", "B")
    with pytest.raises(Rejected, match="no operation Close"):
        await side.call("Close", {})
    assert await side.ensure_column(CUSTOMERS, "externalRef", "origin", 100) == "present"


# --- what goes wrong while reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, html="<h1>nothing here</h1>"),
        problem(404, "not-found", "There is no such collection."),
        problem(400, "bad-request", "Correct what is listed.", {"field": "pageSize", "message": "too large"}),
        problem(401, "unauthorized"),
        problem(403, "forbidden"),
        httpx.Response(301, headers={"Location": "https://elsewhere.example/"}),
    ],
)
async def test_a_read_that_is_wrong_for_every_record_is_misconfigured_at_once(answer: httpx.Response) -> None:
    tills = Tills(answer)
    with pytest.raises(Misconfigured) as caught:
        await tills.side.changed(CUSTOMERS, None, None, 10)
    assert caught.value.system == "tagrain"
    assert len(tills.requests) == 1


async def test_told_to_slow_down_everyone_pauses_and_the_request_is_repeated() -> None:
    tills = Tills(problem(429, "too-many", **{"Retry-After": "3"}), page({"id": "a"}))
    assert (await tills.side.changed(CUSTOMERS, None, None, 10)).keys == (KeyVersion("a", ""),)
    assert tills.gate.pauses == [3.0]
    assert tills.time.slept[0] >= 3.0
    assert (tills.gate.taken, tills.gate.most_held, tills.gate.held) == (2, 1, 0)


async def test_a_wait_beyond_the_budget_is_throttled() -> None:
    with pytest.raises(Throttled) as caught:
        await Tills(problem(429, "too-many", **{"Retry-After": "600"})).side.ping()
    assert caught.value.retry_after_seconds == 600


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<h1>maintenance</h1>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"items": "none"}),
        httpx.Response(200, json={"items": [1], "nextCursor": None}),
    ],
)
async def test_an_answer_that_is_no_page_is_transient(answer: httpx.Response) -> None:
    with pytest.raises(Transient):
        await Tills(answer).side.changed(CUSTOMERS, None, None, 10)


async def test_a_settings_answer_that_is_no_record_is_transient() -> None:
    with pytest.raises(Transient):
        await Tills(httpx.Response(200, json=[])).side.ping()


async def test_what_was_looked_for_is_not_in_an_error() -> None:
    tills = Tills(problem(400, "bad-request", "The name Annegret Beispiel is odd"))
    with pytest.raises(Misconfigured) as caught:
        await tills.side.find(CUSTOMERS, "name", ["Annegret Beispiel"])
    assert "Annegret" not in caught.value.text


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="aware"):
        moment(datetime(2026, 3, 1))  # noqa: DTZ001
