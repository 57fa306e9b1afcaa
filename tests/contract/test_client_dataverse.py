"""Our Dataverse client with the real msal and httpx over TLS, against the simulators of sign-in and Web API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.simulators.dataverse import DataverseSimulator
from local.simulators.dataverse.dispatch import dispatch
from local.simulators.dataverse.wire import Call
from local.simulators.entra import EntraSimulator
from local.simulators.tls import LocalTls, make_local_tls
from shared.clients.connections import HttpTimes
from shared.clients.dataverse import Certificate, DataverseClient, DataverseConfig, DataverseSide
from shared.errors import Conflict, Misconfigured, NotFound, Rejected, Throttled, Transient
from shared.ports import Entity, KeyVersion, Write
from tests.unit.clients.dataverse_setting import RecordingGate, guid, new_certificate

ACCOUNT = Entity(
    set="accounts",
    type="account",
    key="accountid",
    version="versionnumber",
    select=("name", "accountnumber", "creditlimit", "modifiedon"),
    scope="customertypecode eq 3",
    modified=("modifiedon",),
    created=("createdon",),
)
CURRENCY = Entity(
    set="transactioncurrencies", type="transactioncurrency", key="transactioncurrencyid", select=("isocurrencycode",)
)
QUICK = HttpTimes(connect=5.0, read=5.0, write_read=5.0, budget=5.0, first_wait=0.01, longest_wait=0.05)
IMPATIENT = replace(QUICK, read=0.3, write_read=0.3, budget=0.0)


@dataclass
class Hub:
    """One environment with its sign-in, and the settings that reach it."""

    entra: EntraSimulator
    dataverse: DataverseSimulator
    config: DataverseConfig
    clients: list[DataverseClient]

    def side(self, gate: RecordingGate | None = None, **changes: Any) -> DataverseSide:
        client = DataverseClient(replace(self.config, **changes), gate=gate or RecordingGate())
        self.clients.append(client)
        return DataverseSide(client)

    def seed(self, count: int, **values: Any) -> list[str]:
        rows = [
            {"accountid": guid(n), "name": f"Name {n}", "accountnumber": f"C{n}", "customertypecode": 3, **values}
            for n in range(count)
        ]
        return self.dataverse.seed("account", rows)

    def requests(self, containing: str) -> int:
        counted = self.dataverse.control.requests
        return sum(count for route, count in counted.items() if containing in route)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> LocalTls:
    return make_local_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def hub(tls: LocalTls) -> AsyncIterator[Hub]:
    entra = EntraSimulator(tenant="contoso", client_id="app", client_secret="s3cret")
    dataverse = DataverseSimulator(entra, org="contoso", servers=2, dop_hint=4)
    authority = await entra.start(ssl=tls.server)
    url = await dataverse.start(ssl=tls.server)
    config = DataverseConfig(
        base_url=url,
        tenant="contoso",
        client_id="app",
        secret="s3cret",
        authority=authority,
        ca_bundle=str(tls.ca_file),
        times=QUICK,
    )
    running = Hub(entra, dataverse, config, [])
    yield running
    for client in running.clients:
        await client.close()
    await dataverse.stop()
    await entra.stop()


def refuse(status: int, code: str, message: str, **match: Any) -> dict[str, Any]:
    """A fault rule that answers an OData error."""
    return {"match": match, "action": {"status": status, "body": {"error": {"code": code, "message": message}}}}


# --- sign-in --------------------------------------------------------------------------------------------------------


async def test_a_ping_signs_in_and_tells_the_servers_clock(hub: Hub) -> None:
    hub.dataverse.control.set_clock(instant="2025-06-01T12:00:00Z")
    gate = RecordingGate()
    side = hub.side(gate)
    assert await side.ping() == datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert gate.hints == [4]


async def test_one_token_serves_many_requests(hub: Hub) -> None:
    side = hub.side()
    for _ in range(5):
        await side.ping()
    assert sum(hub.entra.control.requests.values()) == 2  # discovery and token


async def test_a_wrong_secret_is_misconfigured_and_works_once_it_is_right(hub: Hub) -> None:
    side = hub.side()
    hub.entra.client_secret = "another"
    with pytest.raises(Misconfigured) as raised:
        await side.ping()
    assert "7000215" in raised.value.text
    hub.entra.client_secret = "s3cret"
    await side.ping()


async def test_sign_in_that_was_down_is_asked_again_at_the_next_call(hub: Hub) -> None:
    side = hub.side()
    hub.entra.control.add_fault({"match": {"path": "token"}, "times": 1, "action": {"status": 503}})
    with pytest.raises(Transient):
        await side.ping()
    await side.ping()


async def test_a_certificate_is_accepted(hub: Hub) -> None:
    certificate: Certificate = new_certificate()
    hub.entra.certificates.append(certificate.public)
    await hub.side(secret="", certificate=certificate).ping()


async def test_a_certificate_that_is_not_registered_is_misconfigured(hub: Hub) -> None:
    with pytest.raises(Misconfigured) as raised:
        await hub.side(secret="", certificate=new_certificate()).ping()
    assert "certificate" in raised.value.text


async def test_a_managed_identity_is_accepted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", await hub.entra.start_managed_identity())
    monkeypatch.setenv("IDENTITY_HEADER", hub.entra.identity_header)
    await hub.side(managed_identity=True, secret="", client_id="").ping()


async def test_a_token_refused_once_is_renewed(hub: Hub) -> None:
    side = hub.side()
    await side.ping()
    hub.dataverse.control.add_fault({"times": 1, "action": {"named": "unauthorized"}})
    await side.ping()
    assert sum(hub.entra.control.requests.values()) == 4


async def test_a_token_refused_always_is_misconfigured(hub: Hub) -> None:
    hub.dataverse.control.add_fault({"action": {"named": "unauthorized"}})
    with pytest.raises(Misconfigured):
        await hub.side().ping()
    assert hub.requests("401") == 2


async def test_an_app_that_is_no_application_user_is_misconfigured(hub: Hub) -> None:
    hub.dataverse.switches.user_is_member = False
    with pytest.raises(Misconfigured) as raised:
        await hub.side().ping()
    assert raised.value.code == "0x80072560"


async def test_an_authority_that_is_not_trusted_is_not_spoken_to(hub: Hub, tmp_path: Path) -> None:
    other = make_local_tls(tmp_path)
    with pytest.raises(Misconfigured):
        await hub.side(ca_bundle=str(other.ca_file)).ping()
    assert sum(hub.dataverse.control.requests.values()) == 0


async def test_requests_go_round_all_servers(hub: Hub) -> None:
    side = hub.side()
    for _ in range(4):
        await side.ping()
    assert [len(server.history) for server in hub.dataverse.protection.servers] == [2, 2]


# --- reading --------------------------------------------------------------------------------------------------------


async def all_keys(side: DataverseSide, limit: int, since: datetime | None = None) -> list[str]:
    keys: list[str] = []
    cursor: str | None = None
    while True:
        page = await side.changed(ACCOUNT, since, cursor, limit)
        keys += [each.key for each in page.keys]
        cursor = page.cursor
        if cursor is None:
            return keys


@pytest.mark.parametrize("limit", [1, 4, 10, 11, 5000])
async def test_every_key_in_scope_comes_once_whatever_the_page(hub: Hub, limit: int) -> None:
    wanted = hub.seed(12)
    hub.dataverse.seed("account", [{"name": "not in scope", "customertypecode": 8}])
    assert sorted(await all_keys(hub.side(), limit)) == sorted(wanted)


async def test_rows_that_change_vanish_or_appear_between_pages_leave_no_gap(hub: Hub) -> None:
    wanted = hub.seed(20)
    side = hub.side()
    first = await side.changed(ACCOUNT, None, None, 5)
    read = [each.key for each in first.keys]
    hub.dataverse.data_write("accounts", [{"accountid": read[0], "name": "edited"}])
    hub.dataverse.data_write("accounts", [{"accountid": wanted[-1], "name": "edited"}])
    hub.dataverse.data_delete("accounts", read[1])
    hub.dataverse.seed("account", [{"accountid": guid(1000), "name": "new", "customertypecode": 3}])
    cursor = first.cursor
    while cursor:
        page = await side.changed(ACCOUNT, None, cursor, 5)
        read += [each.key for each in page.keys]
        cursor = page.cursor
    assert len(read) == len(set(read))
    assert set(wanted) <= set(read)


async def test_a_delta_holds_what_changed_at_or_after_the_time(hub: Hub) -> None:
    control = hub.dataverse.control
    control.set_clock(instant="2025-06-01T12:00:00Z")
    hub.seed(5)
    control.advance(60)
    hub.dataverse.data_write("accounts", [{"accountid": guid(3), "name": "edited"}])
    page = await hub.side().changed(ACCOUNT, datetime(2025, 6, 1, 12, 1, tzinfo=UTC), None, 100)
    stored = {row["accountid"]: row for row in hub.dataverse.data_rows("accounts")}
    assert page.keys == (KeyVersion(guid(3), str(stored[guid(3)]["versionnumber"])),)
    assert page.read_at == datetime(2025, 6, 1, 12, 1, tzinfo=UTC)
    later = datetime(2025, 6, 1, 12, 1, tzinfo=UTC) + timedelta(seconds=1)
    assert await all_keys(hub.side(), 100, later) == []


async def test_a_cursor_of_another_environment_is_refused(hub: Hub) -> None:
    hub.seed(5)
    side = hub.side()
    cursor = (await side.changed(ACCOUNT, None, None, 2)).cursor
    assert cursor
    foreign = cursor.replace(hub.config.root, "https://evil.example")
    with pytest.raises(Misconfigured):
        await side.changed(ACCOUNT, None, foreign, 2)


async def test_a_hundred_rows_are_read_in_one_request_and_the_missing_are_absent(hub: Hub) -> None:
    keys = hub.seed(99, creditlimit=Decimal("1000.10"))
    side = hub.side()
    rows = await side.read(ACCOUNT, [*keys, guid(5000)])
    assert set(rows) == set(keys)
    assert rows[guid(7)]["name"] == "Name 7"
    assert rows[guid(7)]["creditlimit"] == Decimal("1000.10")
    assert "@odata.etag" not in rows[guid(7)]
    assert sum(hub.dataverse.control.requests.values()) == 1


async def test_a_query_too_long_for_an_address_is_read_inside_a_batch(hub: Hub) -> None:
    keys = hub.seed(300)
    rows = await hub.side(keys_at_once=300, page_size=70).read(ACCOUNT, keys)
    assert set(rows) == set(keys)
    assert hub.requests("$batch") == 5
    assert sum(hub.dataverse.control.requests.values()) == 5


async def test_values_are_found_without_regard_to_case_and_quotes_are_values(hub: Hub) -> None:
    names = ["O'Neil & Sons #1 100%", "ÄPFEL + BIRNEN", "مرحبا 😀", "plain"]
    hub.dataverse.seed("account", [{"name": each, "customertypecode": 3} for each in [*names, "PLAIN"]])
    found = await hub.side().find(ACCOUNT, "name", [*names[:3], "Plain", "absent", "a') or ('1' eq '1"])
    assert {value: sorted(row["name"] for row in rows) for value, rows in found.items()} == {
        names[0]: [names[0]],
        names[1]: [names[1]],
        names[2]: [names[2]],
        "Plain": ["PLAIN", "plain"],
    }


async def test_a_range_bounds_a_whole_read(hub: Hub) -> None:
    hub.seed(9)
    side = hub.side()
    ranged = replace(ACCOUNT, scope=side.range_scope(ACCOUNT, "accountnumber", "C3", "C5"))
    page = await side.changed(ranged, None, None, 100)
    assert [each.key for each in page.keys] == [guid(3), guid(4), guid(5)]


async def test_a_reference_list_is_read_whole(hub: Hub) -> None:
    rows = await hub.side(page_size=2).listing(CURRENCY)
    assert sorted(row["isocurrencycode"] for row in rows) == ["EUR", "GBP", "USD"]


async def test_a_column_that_does_not_exist_stops_the_run_by_name(hub: Hub) -> None:
    with pytest.raises(Misconfigured) as raised:
        await hub.side().read(replace(ACCOUNT, select=("new_nope",)), [guid(1)])
    assert raised.value.fields == ("new_nope",)


# --- writing --------------------------------------------------------------------------------------------------------


def creates(count: int, **values: Any) -> list[Write]:
    return [
        Write(f"c{n}", {"name": f"Name {n}", "customertypecode": 3, **values}, key=guid(n), create=True)
        for n in range(count)
    ]


def stored(hub: Hub) -> dict[str, Any]:
    return {row["accountid"]: row["name"] for row in hub.dataverse.data_rows("accounts")}


async def test_a_hundred_creates_are_one_write_and_a_repeat_ends_the_same(hub: Hub) -> None:
    side = hub.side()
    for _ in range(2):
        results = await side.write(ACCOUNT, creates(100, creditlimit=Decimal("0.10")))
        assert [each.error for each in results] == [None] * 100
    assert len(stored(hub)) == 100
    assert hub.requests("POST") == 2
    assert (await side.read(ACCOUNT, [guid(1)]))[guid(1)]["creditlimit"] == Decimal("0.10")


@pytest.mark.parametrize("bulk", [None, {}])
async def test_creates_and_updates_land_with_and_without_bulk_messages(tls: LocalTls, hub: Hub, bulk: Any) -> None:
    dataverse = DataverseSimulator(hub.entra, bulk=bulk)
    running = replace(
        hub, dataverse=dataverse, config=replace(hub.config, base_url=await dataverse.start(ssl=tls.server))
    )
    try:
        side = running.side()
        await side.write(ACCOUNT, creates(3))
        updates = [Write("u1", {"name": "new 1"}, key=guid(1)), Write("u2", {"name": "new 2"}, key=guid(2))]
        results = await side.write(ACCOUNT, [*updates, *creates(5)[3:]])
        assert [(each.ref, each.error) for each in results] == [("u1", None), ("u2", None), ("c3", None), ("c4", None)]
        assert stored(running) == {
            guid(0): "Name 0",
            guid(1): "new 1",
            guid(2): "new 2",
            guid(3): "Name 3",
            guid(4): "Name 4",
        }
    finally:
        await dataverse.stop()


async def test_one_bad_row_of_a_bulk_create_is_named_and_the_others_land(hub: Hub) -> None:
    writes = creates(5)
    writes[2] = replace(writes[2], body={"name": "x" * 161})
    results = await hub.side().write(ACCOUNT, writes)
    assert [type(each.error) for each in results] == [type(None), type(None), Rejected, type(None), type(None)]
    assert results[2].error is not None
    assert results[2].error.fields == ("name",)
    assert "xxx" not in results[2].error.text
    assert set(stored(hub)) == {guid(0), guid(1), guid(3), guid(4)}


async def test_updates_of_deleted_records_are_not_found_and_bring_nothing_back(hub: Hub) -> None:
    hub.seed(3)
    hub.dataverse.data_delete("accounts", guid(1))
    side = hub.side()
    results = await side.write(ACCOUNT, [Write(str(n), {"name": f"new {n}"}, key=guid(n)) for n in range(3)])
    (alone,) = await side.write(ACCOUNT, [Write("1", {"name": "new 1"}, key=guid(1))])
    assert [type(each.error) for each in results] == [type(None), NotFound, type(None)]
    assert type(alone.error) is NotFound
    assert stored(hub) == {guid(0): "new 0", guid(2): "new 2"}


async def test_a_lookup_to_nothing_rejects_the_record(hub: Hub) -> None:
    hub.seed(2)
    dangling = {"primarycontactid@odata.bind": f"/contacts({guid(404)})"}
    side = hub.side()
    first, second = await side.write(
        ACCOUNT, [Write("a", dangling, key=guid(0)), Write("b", {"name": "B"}, key=guid(1))]
    )
    (alone,) = await side.write(ACCOUNT, [Write("a", dangling, key=guid(0))])
    assert type(first.error) is type(alone.error) is Rejected
    assert second.error is None


async def test_an_alternate_key_taken_by_another_record_is_a_conflict(hub: Hub) -> None:
    hub.dataverse.add_alternate_key("account", ["accountnumber"])
    hub.seed(1)
    (result,) = await hub.side().write(
        ACCOUNT, [Write("a", {"name": "A", "accountnumber": "C0"}, key=guid(9), create=True)]
    )
    assert type(result.error) is Conflict


async def test_a_create_without_a_key_learns_it(hub: Hub) -> None:
    side = hub.side()
    (alone,) = await side.write(ACCOUNT, [Write("a", {"name": "A"}, create=True)])
    both = await side.write(ACCOUNT, [Write(ref, {"name": ref}, create=True) for ref in ("b", "c")])
    assert stored(hub) == {alone.key: "A", both[0].key: "b", both[1].key: "c"}


async def test_a_write_that_landed_without_an_answer_is_repeated_to_the_same_end(hub: Hub) -> None:
    hub.dataverse.control.add_fault({"match": {"path": "UpsertMultiple$"}, "times": 1, "action": {"close": "after"}})
    results = await hub.side().write(ACCOUNT, creates(3))
    assert [each.error for each in results] == [None] * 3
    assert len(stored(hub)) == 3


async def test_a_write_whose_answer_never_comes_is_transient(hub: Hub) -> None:
    hub.dataverse.control.add_fault({"match": {"path": "UpsertMultiple$"}, "action": {"commit_then_hang": 30}})
    with pytest.raises(Transient):
        await hub.side(times=IMPATIENT).write(ACCOUNT, creates(3))
    hub.dataverse.control.clear_faults()
    assert len(stored(hub)) == 3


# --- limits and outages ---------------------------------------------------------------------------------------------


async def test_throttling_is_told_with_its_time_and_pauses_everyone(hub: Hub) -> None:
    hub.dataverse.control.add_fault({"action": {"named": "throttled", "retry_after": 30}})
    gate = RecordingGate()
    with pytest.raises(Throttled) as raised:
        await hub.side(gate).ping()
    assert raised.value.retry_after_seconds == 30
    assert raised.value.code == "0x80072322"
    assert gate.pauses == [30.0]


@pytest.mark.parametrize(
    "action", [{"status": 503}, {"html": 502}, {"close": "before"}, {"close": "mid_body"}, {"close": "after"}]
)
async def test_a_short_outage_is_not_noticed(hub: Hub, action: dict[str, Any]) -> None:
    keys = hub.seed(3)
    hub.dataverse.control.add_fault({"match": {"path": "accounts"}, "times": 2, "action": action})
    assert set(await hub.side().read(ACCOUNT, keys)) == set(keys)


async def test_an_environment_that_is_gone_is_transient(hub: Hub) -> None:
    side = hub.side(times=replace(QUICK, budget=0.0))
    await side.ping()
    await hub.dataverse.stop()
    with pytest.raises(Transient):
        await side.ping()


async def test_a_bulk_message_that_breaks_on_one_row_is_taken_apart(hub: Hub) -> None:
    hub.dataverse.control.add_fault(
        refuse(500, "0x80040216", "An unexpected error occurred.", path="UpsertMultiple$"),
        refuse(400, "0x80040265", "ISV code aborted the operation.", part=True, path=f"{guid(1)}"),
    )
    results = await hub.side(times=replace(QUICK, budget=0.0)).write(ACCOUNT, creates(3))
    assert [type(each.error) for each in results] == [type(None), Rejected, type(None)]


# --- columns --------------------------------------------------------------------------------------------------------


async def test_a_column_is_made_once_and_can_be_written_and_found_at_once(hub: Hub) -> None:
    side = hub.side()
    assert await side.ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100) == "created"
    assert await side.ensure_column(ACCOUNT, "new_hubref", "Hub reference", 100) == "present"
    await side.write(ACCOUNT, [Write("a", {"name": "A", "new_hubref": "dynamics:1"}, key=guid(1), create=True)])
    found = await side.find(ACCOUNT, "new_hubref", ["dynamics:1"])
    assert [row["accountid"] for row in found["dynamics:1"]] == [guid(1)]


def add_column(hub: Hub, name: str, kind: str, **more: Any) -> None:
    """An admin adds a column to accounts."""
    body = {"@odata.type": f"Microsoft.Dynamics.CRM.{kind}AttributeMetadata", "SchemaName": name, **more}
    target = "EntityDefinitions(LogicalName='account')/Attributes"
    answer = dispatch(hub.dataverse.org, Call("POST", target, "", body=json.dumps(body).encode()))
    assert answer.status == 204, answer.body


async def test_columns_are_described_by_type_length_decimals_and_options(hub: Hub) -> None:
    add_column(hub, "new_region", "String", MaxLength=10)
    add_column(hub, "new_limit", "Decimal", Precision=2)
    add_column(hub, "new_since", "DateTime", DateTimeBehavior={"Value": "DateOnly"})
    add_column(hub, "new_seen", "DateTime", DateTimeBehavior={"Value": "UserLocal"})
    add_column(hub, "new_tier", "Picklist", OptionSet={"Options": [{"Value": 1}, {"Value": 2}]})
    names = ("new_tier", "new_region", "new_absent", "new_limit", "new_since", "new_seen")
    described = await hub.side().describe(replace(ACCOUNT, select=names))
    assert [(each["name"], each["type"], each["length"], each["places"], each["values"]) for each in described] == [
        ("new_tier", "choice", None, None, ["1", "2"]),
        ("new_region", "text", 10, None, []),
        ("new_limit", "amount", None, 2, []),
        ("new_since", "day", None, None, []),
        ("new_seen", "DateTime (UserLocal)", None, None, []),
    ]


async def test_a_column_of_a_table_that_does_not_exist_is_misconfigured(hub: Hub) -> None:
    with pytest.raises(Misconfigured):
        await hub.side().ensure_column(replace(ACCOUNT, type="new_nothing"), "new_hubref", "Hub reference", 100)
