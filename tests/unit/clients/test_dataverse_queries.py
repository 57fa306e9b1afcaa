"""Addresses, literals, and the cursor that notices circles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.dataverse.queries import (
    LONGEST_INNER_URL,
    PageCursor,
    both,
    changed_url,
    encoded,
    is_one_of,
    moment_literal,
    name,
    own_link,
    record_path,
    rows_url,
    selected,
    slices_of_values,
    text_literal,
)
from shared.errors import Misconfigured, Transient
from tests.unit.clients.dataverse_setting import ACCOUNT, API, guid


def options(url: str) -> dict[str, str]:
    return {option: values[0] for option, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def test_a_delta_asks_for_key_and_version_only_in_key_order() -> None:
    url = changed_url(API, ACCOUNT, datetime(2025, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC))
    assert url.startswith(f"{API}accounts?")
    assert options(url) == {
        "$select": "accountid,versionnumber",
        "$filter": "(customertypecode eq 3) and (modifiedon ge 2025-01-02T03:04:05Z)",
        "$orderby": "accountid",
    }


def test_without_a_time_all_keys_in_scope_are_asked_for() -> None:
    assert options(changed_url(API, ACCOUNT, None))["$filter"] == "customertypecode eq 3"
    assert "$filter" not in options(changed_url(API, replace(ACCOUNT, scope=""), None))


def test_a_table_without_a_stamp_is_always_read_whole() -> None:
    assert (
        options(changed_url(API, replace(ACCOUNT, modified=()), datetime.now(UTC)))["$filter"]
        == "customertypecode eq 3"
    )


def test_a_scope_with_or_keeps_its_meaning_beside_the_time() -> None:
    assert both("a eq 1 or b eq 2", "c eq 3") == "(a eq 1 or b eq 2) and (c eq 3)"


def test_times_are_utc_whole_seconds_and_aware() -> None:
    assert moment_literal(datetime(2025, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2024-12-31T23:00:00Z"
    with pytest.raises(ValueError, match="aware"):
        moment_literal(datetime(2025, 1, 1))  # noqa: DTZ001 - what is refused


@given(st.text())
def test_any_text_survives_quoting_and_encoding(value: str) -> None:
    where = f"name eq {text_literal(value)}"
    url = rows_url(API, "accounts", select=["name"], where=where)
    assert url.isascii()
    assert options(url)["$filter"] == where
    literal = where.removeprefix("name eq ")
    assert literal[1:-1].replace("''", "").count("'") == 0
    assert literal[1:-1].replace("''", "'") == value


def test_one_of_many_is_one_function_call() -> None:
    assert (
        is_one_of("name", ["a", "b'c"]) == "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['a','b''c'])"
    )


@pytest.mark.parametrize("hostile", ["", "name)", "a b", "a,b", "a'b", "ä"])
def test_names_are_names(hostile: str) -> None:
    with pytest.raises(ValueError, match="name"):
        name(hostile)


@pytest.mark.parametrize("hostile", ["", "C100", f"{guid(1)})/x(", f"{guid(1)} "])
def test_only_a_guid_is_put_in_an_address(hostile: str) -> None:
    with pytest.raises(ValueError, match="GUID"):
        record_path("accounts", hostile)


def test_key_and_version_are_always_selected_once() -> None:
    assert selected(ACCOUNT, "name", "fax") == ("accountid", "versionnumber", "name", "accountnumber", "fax")


def test_values_are_cut_by_number() -> None:
    assert [len(some) for some in slices_of_values([str(n) for n in range(250)], 100)] == [100, 100, 50]
    assert slices_of_values([], 100) == []


def test_values_are_cut_by_the_length_of_their_address() -> None:
    values = ["😀" * 400 + str(n) for n in range(40)]
    slices = slices_of_values(values, 100)
    assert [value for some in slices for value in some] == values
    assert all(len(encoded(is_one_of("name", some))) < LONGEST_INNER_URL for some in slices)
    assert len(slices) > 1


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/accounts",
        "https://contoso.crm4.dynamics.com.evil.example/api/data/v9.2/accounts",
        "https://contoso.crm4.dynamics.com@evil.example/api/data/v9.2/accounts",
        "http://contoso.crm4.dynamics.com/api/data/v9.2/accounts",
        "/api/data/v9.2/accounts",
        "",
    ],
)
def test_a_link_to_elsewhere_is_refused(link: str) -> None:
    with pytest.raises(Misconfigured):
        own_link(link, API)
    with pytest.raises(Misconfigured):
        PageCursor.read(f"1 abc {link}", API)


def test_a_cursor_survives_as_text() -> None:
    cursor = PageCursor(f"{API}accounts").then(f"{API}accounts?$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E")
    assert PageCursor.read(str(cursor), API) == cursor


@pytest.mark.parametrize("text", ["", "x", f"{API}accounts", f"-1  {API}accounts"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        PageCursor.read(text, API)


def test_a_link_to_itself_is_a_circle() -> None:
    cursor = PageCursor(f"{API}accounts").then(f"{API}2")
    with pytest.raises(Transient):
        cursor.then(f"{API}2")


@given(lead=st.integers(0, 40), circle=st.integers(1, 40))
def test_a_circle_of_any_length_is_noticed(lead: int, circle: int) -> None:
    cursor = PageCursor(f"{API}0")

    def follow() -> None:
        nonlocal cursor
        page = 0
        for _ in range(3 * (lead + circle) + 3):
            page = page + 1 if page + 1 < lead + circle else lead
            cursor = PageCursor.read(str(cursor.then(f"{API}{page}")), API)

    with pytest.raises(Transient):
        follow()


def test_a_long_way_without_a_circle_is_followed_to_its_end() -> None:
    cursor = PageCursor(f"{API}0")
    for page in range(1, 500):
        cursor = cursor.then(f"{API}{page}")
    assert cursor.steps == 499
