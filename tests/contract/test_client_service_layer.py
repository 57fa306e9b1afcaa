"""The Service Layer client against the simulated Service Layer: the whole port, then the faults it must survive."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from local.sample_company import build_company
from local.simulators.service_layer import ServiceLayerSimulator
from shared.clients.connections import HttpTimes
from shared.clients.service_layer import ServiceLayerClient, ServiceLayerConfig, ServiceLayerSide
from shared.errors import HubError, Misconfigured, NotFound, Rejected, Transient, UnknownOutcome
from shared.ports import Entity, KeyVersion, Write

PARTNERS = Entity(
    set="BusinessPartners",
    type="BusinessPartner",
    key="CardCode",
    version="DataVersion",
    select=("CardCode", "CardName", "EmailAddress", "CreditLimit"),
    scope="CardType eq 'cCustomer'",
    modified=("UpdateDate", "UpdateTime"),
    created=("CreateDate", "CreateTime"),
)
GROUPS = Entity(set="BusinessPartnerGroups", type="BusinessPartnerGroup", key="Code", key_is_text=False)
CUSTOMERS = 60
COMPANY = build_company(customers=CUSTOMERS, seed=3)
SHORT = HttpTimes(connect=2.0, read=0.6, write_read=0.6, budget=3.0, first_wait=0.01, longest_wait=0.05)
IMPATIENT = HttpTimes(connect=1.0, read=0.6, write_read=0.6, budget=0.0)


class Sap:
    """A running simulator and a side that speaks to it."""

    def __init__(self, simulator: ServiceLayerSimulator, url: str) -> None:
        self.simulator = simulator
        self.url = url
        self.opened: list[ServiceLayerSide] = []
        self.side = self.open()

    def open(self, **changes: Any) -> ServiceLayerSide:
        """Another side with its own session."""
        values: dict[str, Any] = {
            "base_url": f"{self.url}/b1s/v2",
            "company_db": "SBODEMO",
            "user": "manager",
            "password": "manager-secret",
            "timezone": "Europe/Berlin",
            "times": SHORT,
        }
        side = ServiceLayerSide(ServiceLayerClient(ServiceLayerConfig(**(values | changes))))
        self.opened.append(side)
        return side

    async def fault(self, **rule: Any) -> None:
        """Add a fault rule through the simulator's panel."""
        async with httpx.AsyncClient(trust_env=False) as panel:
            (await panel.post(f"{self.url}/_sim/faults", json=rule)).raise_for_status()

    @property
    def requests(self) -> int:
        """Requests so far, without the panel's own."""
        return int(self.simulator.control.stats()["total"])

    def names(self) -> list[str]:
        """Names of all partners that are stored."""
        return [str(row["CardName"]) for row in self.simulator.data_rows("BusinessPartners")]


@pytest.fixture
async def sap() -> AsyncIterator[Sap]:
    simulator = ServiceLayerSimulator(COMPANY, password="manager-secret")
    running = Sap(simulator, await simulator.start())
    try:
        yield running
    finally:
        simulator.control.clear_faults()
        for side in running.opened:
            await side.close()
        await simulator.stop()


def new(name: str, code: str) -> Write:
    return Write(name, {"CardCode": code, "CardName": name, "CardType": "cCustomer"}, create=True)


async def all_keys(side: ServiceLayerSide, since: datetime | None, limit: int) -> list[str]:
    keys: list[str] = []
    cursor: str | None = None
    while True:
        page = await side.changed(PARTNERS, since, cursor, limit)
        keys += [each.key for each in page.keys]
        if page.cursor is None:
            return keys
        cursor = page.cursor


# --- The port ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [7, 20, 30, 60, 1000])
async def test_every_key_in_scope_comes_once_whatever_the_page(sap: Sap, limit: int) -> None:
    assert await all_keys(sap.side, None, limit) == [f"C{n:05d}" for n in range(1, CUSTOMERS + 1)]


async def test_rows_that_appear_and_vanish_between_pages_shift_nothing(sap: Sap) -> None:
    first = await sap.side.changed(PARTNERS, None, None, 20)
    sap.simulator.data_delete("BusinessPartners", "C00003")
    sap.simulator.data_write("BusinessPartners", [{"CardCode": "C00001A", "CardName": "x", "CardType": "cCustomer"}])
    second = await sap.side.changed(PARTNERS, None, first.cursor, 20)
    assert [each.key for each in second.keys] == [f"C{n:05d}" for n in range(21, 41)]


async def test_a_delta_has_what_was_edited_and_what_was_created(sap: Sap) -> None:
    since = (await sap.side.ping()) - timedelta(seconds=1)
    sap.simulator.data_write("BusinessPartners", [{"CardCode": "C00009", "CardName": "edited"}])
    sap.simulator.data_write("BusinessPartners", [{"CardCode": "N1", "CardName": "new", "CardType": "cCustomer"}])
    sap.simulator.data_write("BusinessPartners", [{"CardCode": "V00001", "CardName": "a supplier, out of scope"}])
    page = await sap.side.changed(PARTNERS, since, None, 100)
    assert [each.key for each in page.keys] == ["C00009", "N1"]
    assert all(each.version for each in page.keys)
    again = KeyVersion("C00009", page.keys[0].version)
    sap.simulator.data_write("BusinessPartners", [{"CardCode": "C00009", "CardName": "edited again"}])
    assert (await sap.side.changed(PARTNERS, since, None, 1)).keys[0] != again


@pytest.mark.parametrize("since_minute", range(0, 120, 10))
async def test_no_change_is_missed_in_the_hour_that_comes_twice(sap: Sap, since_minute: int) -> None:
    midnight = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    sap.simulator.control.set_clock(instant=midnight + timedelta(minutes=since_minute + 15))
    sap.simulator.data_write("BusinessPartners", [{"CardCode": "C00005", "CardName": "edited at night"}])
    assert "C00005" in await all_keys(sap.side, midnight + timedelta(minutes=since_minute), 1000)


async def test_read_at_is_the_servers_clock(sap: Sap) -> None:
    sap.simulator.control.set_clock(offset_seconds=-300)
    read_at = (await sap.side.changed(PARTNERS, None, None, 1)).read_at
    assert abs(sap.simulator.control.now() - read_at) < timedelta(seconds=30)


async def test_many_rows_are_read_in_full_by_one_request(sap: Sap) -> None:
    await sap.side.ping()
    before = sap.requests
    keys = [f"C{n:05d}" for n in range(1, CUSTOMERS + 1)]
    rows = await sap.side.read(PARTNERS, [*keys, "absent", "it's", ""])
    assert sorted(rows) == keys
    assert sap.requests == before + 1
    assert set(rows["C00001"]) == {
        *("CardCode", "CardName", "EmailAddress", "CreditLimit", "DataVersion"),
        *("UpdateDate", "UpdateTime", "CreateDate", "CreateTime"),
    }


@pytest.mark.parametrize("code", ["it's", "a b", "a+b&c=d", "100%", "é#?", "'", "a/b", "(1)", 'q"q', "x\\y"])
async def test_odd_codes_are_written_read_found_and_edited(sap: Sap, code: str) -> None:
    [created] = await sap.side.write(PARTNERS, [new("odd", code)])
    assert created.error is None
    assert created.key == code
    [edited, other] = await sap.side.write(
        PARTNERS, [Write("e", {"EmailAddress": code}, key=code), Write("o", {"CardName": "o"}, key="C00001")]
    )
    assert (edited.error, other.error) == (None, None)
    rows = await sap.side.read(PARTNERS, [code])
    assert rows[code]["EmailAddress"] == code
    assert [row["CardCode"] for row in (await sap.side.find(PARTNERS, "EmailAddress", [code]))[code]] == [code]


async def test_rows_are_found_by_a_user_field_made_for_it(sap: Sap) -> None:
    assert await sap.side.ensure_column(PARTNERS, "U_HubRef", "Reference of the hub", 50) == "created"
    assert await sap.side.ensure_column(PARTNERS, "U_HubRef", "Reference of the hub", 50) == "present"
    body = {"CardCode": "R1", "CardName": "r", "CardType": "cCustomer", "U_HubRef": "dynamics:1"}
    [created] = await sap.side.write(PARTNERS, [Write("r", body, create=True)])
    assert created.row is not None
    assert created.row["U_HubRef"] == "dynamics:1"
    found = await sap.side.find(PARTNERS, "U_HubRef", ["dynamics:1", "dynamics:2"])
    assert [row["CardCode"] for row in found["dynamics:1"]] == ["R1"]
    assert set(found) == {"dynamics:1"}


async def test_user_fields_are_described_by_type_length_and_values(sap: Sap) -> None:
    yes_no = [{"Value": value, "Description": value} for value in ("Y", "N")]
    fields = [
        {"Name": "Region", "Type": "db_Alpha", "Size": 20},
        {"Name": "Limit", "Type": "db_Float", "SubType": "st_Sum"},
        {"Name": "Since", "Type": "db_Date"},
        {"Name": "Loyal", "Type": "db_Alpha", "Size": 1, "ValidValuesMD": yes_no},
        {"Name": "Visits", "Type": "db_Numeric"},
    ]
    sap.simulator.data_write("UserFieldsMD", [{"TableName": "OCRD", **field} for field in fields])
    sap.simulator.data_write(
        "UserFieldsMD", [{"TableName": "OITM", "Name": "Elsewhere", "Type": "db_Alpha", "Size": 9}]
    )
    names = ("U_Visits", "U_Region", "U_Limit", "U_Since", "U_Loyal", "U_Elsewhere", "U_Absent")
    described = await sap.side.describe(replace(PARTNERS, select=names))
    assert [(each["name"], each["type"], each["length"], each["accuracy"]) for each in described] == [
        ("U_Visits", "whole", None, None),
        ("U_Region", "text", 20, None),
        ("U_Limit", "amount", None, "TotalsAccuracy"),
        ("U_Since", "day", None, None),
        ("U_Loyal", "yesNo", None, None),
    ]
    assert sorted(described[-1]["values"]) == ["N", "Y"]
    with pytest.raises(Misconfigured):
        await sap.side.describe(replace(GROUPS, select=("U_Region",)))


async def test_a_listing_has_the_whole_set(sap: Sap) -> None:
    stored = sap.simulator.data_rows("BusinessPartnerGroups")
    assert len(await sap.side.listing(GROUPS)) == len(stored) > 1
    assert len(await sap.open(page_size=2).listing(GROUPS)) == len(stored)


async def test_operations_are_called(sap: Sap) -> None:
    series = await sap.side.call(
        "SeriesService_GetDocumentSeries", {"DocumentTypeParams": {"Document": "2", "DocumentSubType": "C"}}
    )
    assert isinstance(series, list)
    assert series
    company = await sap.side.call("CompanyService_GetCompanyInfo", {})
    assert "@odata.context" not in company
    assert company


async def test_records_are_written_by_themselves_and_the_bad_ones_named(sap: Sap) -> None:
    writes = [
        new("first", "W1"),
        new("taken", "C00001"),
        Write("edit", {"CreditLimit": Decimal("12.34")}, key="C00002"),
        Write("gone", {"CardName": "x"}, key="absent"),
        Write("unknown", {"NoSuchProperty": "x"}, key="C00003"),
        new("last", "W2"),
    ]
    results = await sap.side.write(PARTNERS, writes)
    assert [each.ref for each in results] == [each.ref for each in writes]
    assert [type(each.error) for each in results] == [type(None), Rejected, type(None), NotFound, Rejected, type(None)]
    assert [results[0].key, results[5].key] == ["W1", "W2"]
    assert results[4].error is not None
    assert results[4].error.fields == ("NoSuchProperty",)
    rows = await sap.side.read(PARTNERS, ["W1", "W2", "C00002"])
    assert rows["C00002"]["CreditLimit"] == Decimal("12.34")
    assert set(rows) == {"W1", "W2", "C00002"}


async def test_a_hundred_records_are_two_requests(sap: Sap) -> None:
    await sap.side.ping()
    before = sap.requests
    results = await sap.side.write(PARTNERS, [new(f"N {n}", f"N{n:03d}") for n in range(100)])
    assert [each.key for each in results] == [f"N{n:03d}" for n in range(100)]
    assert sap.requests == before + 2


# --- Sessions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"company_db": "OTHER"}, {"base_url": "/b1s/v2/typo"}])
async def test_wrong_settings_are_misconfigured(sap: Sap, wrong: dict[str, str]) -> None:
    if "base_url" in wrong:
        wrong = {"base_url": sap.url + wrong["base_url"]}
    with pytest.raises(Misconfigured):
        await sap.open(**wrong).ping()


async def test_eight_readers_at_once_log_in_once(sap: Sap) -> None:
    sap.simulator.switches.logins_race = True
    await asyncio.gather(*(sap.side.read(PARTNERS, [f"C0000{n}"]) for n in range(1, 9)))
    assert sap.simulator.sessions.logins == 1


async def test_a_session_lost_between_pages_is_renewed_and_nothing_is_missed(sap: Sap) -> None:
    await sap.fault(match={"path": "BusinessPartners"}, skip=1, every=2, action={"named": "session_dead"})
    assert len(await all_keys(sap.side, None, 10)) == CUSTOMERS
    assert sap.simulator.sessions.logins > 1


async def test_a_session_lost_before_a_create_makes_one_record(sap: Sap) -> None:
    await sap.side.ping()
    sap.simulator.sessions.clear()
    [result] = await sap.side.write(PARTNERS, [new("once", "O1")])
    assert result.error is None
    assert sap.names().count("once") == 1


async def test_the_login_race_and_a_node_that_moves_pass(sap: Sap) -> None:
    await sap.fault(match={"path": "Login"}, times=2, action={"named": "login_race"})
    await sap.fault(match={"path": "BusinessPartners"}, times=1, action={"named": "node_moves"})
    sap.simulator.switches.writes_need_route = True
    assert set(await sap.side.read(PARTNERS, ["C00001"])) == {"C00001"}
    results = await sap.side.write(PARTNERS, [new("a", "A1"), new("b", "B1")])
    assert [each.error for each in results] == [None, None]


async def test_only_a_certificate_of_the_bundle_is_believed(tmp_path: Path) -> None:
    ours, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    simulator = ServiceLayerSimulator(COMPANY, password="manager-secret")
    sap = Sap(simulator, await simulator.start(ssl=context))
    ours.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    try:
        await sap.open(ca_bundle=str(tmp_path / "ours.pem")).ping()
        for bundle in (str(tmp_path / "other.pem"), None):
            with pytest.raises(Misconfigured, match="certificate"):
                await sap.open(ca_bundle=bundle).ping()
    finally:
        for side in sap.opened:
            await side.close()
        await simulator.stop()


async def test_a_database_that_ignores_case_finds_codes_as_it_spells_them(sap: Sap) -> None:
    sap.simulator.switches.collation = "ignore_case"
    sap.simulator.reset()
    assert set(await sap.side.read(PARTNERS, ["c00001"])) == {"C00001"}
    assert set(await sap.side.find(PARTNERS, "CardCode", ["c00001"])) == {"c00001"}
    assert len(await all_keys(sap.side, None, 7)) == CUSTOMERS


async def test_closing_ends_the_session(sap: Sap) -> None:
    await sap.side.ping()
    assert sap.simulator.sessions.count == 1
    await sap.side.close()
    assert sap.simulator.sessions.count == 0


# --- Faults --------------------------------------------------------------------------------------------------------

BAD_ANSWERS: list[dict[str, Any]] = [
    {"html": 502},
    {"html": 503},
    {"html": 504},
    {"named": "switch_company"},
    {"close": "before"},
    {"close": "mid_body"},
    {"close": "after"},
    {"hang": 5},
]


@pytest.mark.parametrize("action", BAD_ANSWERS, ids=str)
async def test_reading_survives_a_bad_answer(sap: Sap, action: dict[str, Any]) -> None:
    await sap.fault(match={"method": "GET"}, times=2, action=action)
    side = sap.open(times=HttpTimes(connect=1, read=0.6, budget=10, first_wait=0.01, longest_wait=0.05))
    assert len(await all_keys(side, None, 50)) == CUSTOMERS


@pytest.mark.parametrize("action", BAD_ANSWERS, ids=str)
async def test_an_outage_of_reading_is_transient(sap: Sap, action: dict[str, Any]) -> None:
    await sap.fault(match={"method": "GET"}, action=action)
    with pytest.raises(Transient):
        await sap.open(times=IMPATIENT).read(PARTNERS, ["C00001"])


LOST: list[dict[str, Any]] = [
    {"html": 502},
    {"html": 504},
    {"close": "before"},
    {"close": "mid_body"},
    {"close": "after"},
    {"commit_then_hang": 5},
    {"status": 400, "body": {"error": {"code": "-1116", "message": "Could not commit transaction"}}},
]


@pytest.mark.parametrize("action", LOST, ids=str)
async def test_a_create_whose_answer_is_lost_is_unknown_and_sent_once(sap: Sap, action: dict[str, Any]) -> None:
    await sap.fault(match={"method": "POST", "path": "BusinessPartners"}, action=action)
    [result] = await sap.side.write(PARTNERS, [new("once", "O1")])
    assert isinstance(result.error, UnknownOutcome)
    assert sap.simulator.control.faults_hit.total() == 1
    assert sap.names().count("once") <= 1


@pytest.mark.parametrize("action", LOST, ids=str)
async def test_a_lost_batch_leaves_creates_unknown(sap: Sap, action: dict[str, Any]) -> None:
    await sap.fault(match={"path": "batch"}, action=action)
    writes = [new("one", "O1"), Write("edit", {"CardName": "x"}, key="C00001"), new("two", "O2")]
    results = await sap.side.write(PARTNERS, writes)
    assert [type(each.error) for each in results] == [UnknownOutcome, Transient, UnknownOutcome]
    assert sap.simulator.control.faults_hit.total() == 1


@pytest.mark.parametrize("action", LOST, ids=str)
async def test_a_lost_batch_of_edits_is_repeated(sap: Sap, action: dict[str, Any]) -> None:
    await sap.fault(match={"path": "batch"}, times=1, action=action)
    results = await sap.side.write(PARTNERS, [Write(k, {"CardName": "edited"}, key=k) for k in ("C00001", "C00002")])
    assert [each.error for each in results] == [None, None]
    assert sap.names().count("edited") == 2


async def test_a_part_that_fails_stops_only_itself(sap: Sap) -> None:
    answer = {"status": 400, "body": {"error": {"code": "-5002", "message": "no [OCRD.CardName]"}}}
    await sap.fault(match={"part": True, "body": "poison"}, action=answer)
    writes = [new(name, f"P{n}") for n, name in enumerate(["a", "poison", "b", "poison", "c"])]
    results = await sap.side.write(PARTNERS, writes)
    assert [type(each.error) for each in results] == [type(None), Rejected, type(None), Rejected, type(None)]
    assert {"a", "b", "c"} <= set(sap.names())
    assert "poison" not in sap.names()


async def test_throttling_is_waited_out(sap: Sap) -> None:
    answer = {"status": 429, "headers": {"Retry-After": {"date_in_seconds": 1}}}
    await sap.fault(match={"path": "BusinessPartners"}, times=1, action=answer)
    assert set(await sap.side.read(PARTNERS, ["C00001"])) == {"C00001"}


async def test_missing_rights_are_misconfigured(sap: Sap) -> None:
    answer = {"status": 403, "body": {"error": {"code": "-6006", "message": "You are not permitted"}}}
    await sap.fault(match={"path": "BusinessPartners|batch"}, action=answer)
    with pytest.raises(Misconfigured):
        await sap.side.ping()
    with pytest.raises(Misconfigured):
        await sap.side.write(PARTNERS, [new("a", "A1"), new("b", "B1")])


async def test_a_system_that_is_not_there_is_transient() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/b1s/v2"
    config = ServiceLayerConfig(url, "SBODEMO", "manager", "x", times=IMPATIENT)
    side = ServiceLayerSide(ServiceLayerClient(config))
    with pytest.raises(Transient):
        await side.ping()
    await side.close()


async def test_connections_the_server_closed_meanwhile_do_no_harm(sap: Sap) -> None:
    sap.simulator.switches.requests_per_connection = 2
    for number in range(1, 8):
        assert len(await sap.side.read(PARTNERS, [f"C0000{number}"])) == 1
    results = await sap.side.write(PARTNERS, [new(f"n{n}", f"N{n}") for n in range(4)])
    assert [each.error for each in results] == [None] * 4


async def test_error_texts_hold_no_record_data(sap: Sap) -> None:
    secret = "Muster und Söhne"
    results = await sap.side.write(
        PARTNERS, [new(secret, "C00001"), Write("w", {"CardName": secret, "CardType": secret}, key="C00002")]
    )
    errors: list[HubError] = [each.error for each in results if each.error]
    assert len(errors) == 2
    assert all(secret not in each.text and "C00001" not in each.text for each in errors)
