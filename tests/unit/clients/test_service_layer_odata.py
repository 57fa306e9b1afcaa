"""Quoting, filters and the server's local time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.service_layer.odata import (
    LONGEST_URL,
    any_of,
    both,
    changed_filter,
    chunks_by_length,
    key_path,
    literal,
    literals,
    query_string,
    server_local,
)
from shared.errors import Misconfigured, Rejected
from shared.ports import Entity
from tests.unit.clients.service_layer_script import ORDERS, PARTNERS, config

BERLIN = ZoneInfo("Europe/Berlin")
CODES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(CODES)
def test_any_code_survives_the_way_into_a_filter(code: str) -> None:
    url = httpx.URL(
        "https://h/b1s/v2/Items?" + query_string({"$filter": any_of("ItemCode", literals([code], is_text=True))})
    )
    sent = parse_qs(url.query.decode(), strict_parsing=True)["$filter"][0]
    assert sent.startswith("ItemCode eq '")
    assert sent[len("ItemCode eq '") : -1].replace("''", "'") == code
    assert sent[len("ItemCode eq '") : -1].count("'") == 2 * code.count("'")


@given(CODES)
def test_any_code_survives_the_way_into_a_path(code: str) -> None:
    path = httpx.URL("https://h/b1s/v2/" + key_path(PARTNERS, code)).raw_path.decode().removeprefix("/b1s/v2/")
    assert "/" not in path
    assert "?" not in path
    assert unquote(path) == f"BusinessPartners('{code.replace("'", "''")}')"


def test_number_keys_are_bare() -> None:
    assert key_path(ORDERS, "42") == "Orders(42)"
    assert literal("-1", is_text=False) == "-1"


@pytest.mark.parametrize(
    ("value", "is_text"),
    [("1 or 1 eq 1", False), ("", False), ("٣", False), ("", True), ("a\0b", True), ("\ud800", True)],
)
def test_what_no_record_can_be_called_is_refused_and_left_out_of_filters(value: str, is_text: bool) -> None:
    with pytest.raises(Rejected):
        literal(value, is_text=is_text)
    assert literals([value, "7", "7"], is_text=is_text) == [literal("7", is_text=is_text)]


def test_conditions_keep_their_own_or() -> None:
    assert both("a eq 1 or b eq 2", "", "c eq 3") == "(a eq 1 or b eq 2) and (c eq 3)"
    assert both("a eq 1", "") == "a eq 1"
    assert both("", "") == ""


@given(st.lists(CODES, max_size=60), st.integers(50, 800))
def test_groups_hold_every_literal_once_and_fit(codes: list[str], room: int) -> None:
    values = literals(codes, is_text=True)
    groups = list(chunks_by_length("ItemCode", values, room))
    assert [each for group in groups for each in group] == values
    for group in groups:
        assert group
        assert len(group) == 1 or len(query_string({"f": any_of("ItemCode", group)})) - 2 <= room


def test_a_hundred_keys_fit_one_url() -> None:
    values = literals([f"C{n:05d}" for n in range(150)], is_text=True)
    assert len(list(chunks_by_length("CardCode", values, LONGEST_URL - 1000))) == 1


@pytest.mark.parametrize(
    ("utc", "wall"),
    [
        ("2026-01-15T12:00:00", "2026-01-15T13:00:00"),
        ("2026-07-15T12:00:00", "2026-07-15T14:00:00"),
        ("2026-07-15T23:30:00", "2026-07-16T01:30:00"),
        # The clock goes from 01:59:59 to 03:00:00.
        ("2026-03-29T00:59:59", "2026-03-29T01:59:59"),
        ("2026-03-29T01:00:00", "2026-03-29T03:00:00"),
        # The clock goes from 02:59:59 back to 02:00:00: what is written after 02:50 may be stamped 02:05.
        ("2026-10-24T23:59:59", "2026-10-25T01:59:59"),
        ("2026-10-25T00:00:00", "2026-10-25T01:00:00"),
        ("2026-10-25T00:50:00", "2026-10-25T01:50:00"),
        ("2026-10-25T01:50:00", "2026-10-25T01:50:00"),
        ("2026-10-25T02:00:00", "2026-10-25T03:00:00"),
    ],
)
def test_the_servers_wall_clock(utc: str, wall: str) -> None:
    assert server_local(datetime.fromisoformat(utc).replace(tzinfo=UTC), BERLIN) == datetime.fromisoformat(wall)


ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")]


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001
    st.integers(0, 3 * 3600),
)
def test_no_later_change_is_stamped_before_the_start_of_a_delta(zone: ZoneInfo, since: datetime, later: int) -> None:
    start = since.replace(tzinfo=UTC)
    stamp = (start + timedelta(seconds=later)).astimezone(zone).replace(tzinfo=None, microsecond=0)
    assert stamp >= server_local(start, zone)


def test_a_change_is_a_later_day_or_the_same_day_from_that_time_on() -> None:
    since = datetime(2026, 1, 15, 12, 0, 5, tzinfo=UTC)
    assert changed_filter(PARTNERS, since, BERLIN) == (
        "(UpdateDate gt '2026-01-15' or (UpdateDate eq '2026-01-15' and UpdateTime ge '13:00:05'))"
        " or (CreateDate gt '2026-01-15' or (CreateDate eq '2026-01-15' and CreateTime ge '13:00:05'))"
    )
    only_day = Entity(set="StockTransfers", type="StockTransfer", key="DocEntry", modified=("UpdateDate",))
    assert changed_filter(only_day, since, BERLIN) == "UpdateDate ge '2026-01-15'"
    assert changed_filter(ORDERS, since, BERLIN) == ""


def test_a_time_zone_that_does_not_exist_is_a_setting_to_mend() -> None:
    for name in ("Europe/Atlantis", "../etc/passwd", ""):
        with pytest.raises(Misconfigured):
            _ = config(timezone=name).zone
