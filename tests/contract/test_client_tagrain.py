"""Our Tagrain client over TLS against the simulator of the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.sample_company.chain import build_chain
from local.simulators.tagrain import TagrainSimulator
from local.simulators.tls import LocalTls, make_local_tls
from shared.clients.connections import HttpTimes
from shared.clients.tagrain import TagrainClient, TagrainConfig, TagrainSide
from shared.errors import (
    Conflict,
    Misconfigured,
    NotFound,
    Rejected,
    Throttled,
    Transient,
    Undetermined,
    UnknownOutcome,
)
from shared.ports import Write
from tests.unit.clients.fakes import RecordingGate
from tests.unit.clients.tagrain_script import CLAIM, CUSTOMERS, INVENTORY, entity

PRODUCTS, GROUPS, STORES = entity("products"), entity("customer-groups"), entity("stores", reference="")
QUICK = HttpTimes(connect=5.0, read=5.0, write_read=5.0, budget=5.0, first_wait=0.01, longest_wait=0.05)


@dataclass
class Account:
    """One account and the settings that reach it."""

    tagrain: TagrainSimulator
    config: TagrainConfig
    clients: list[TagrainClient]

    def side(self, gate: RecordingGate | None = None, **changes: Any) -> TagrainSide:
        client = TagrainClient(replace(self.config, **changes), gate=gate or RecordingGate())
        self.clients.append(client)
        return TagrainSide(client)

    def fault(self, action: dict[str, Any], *, times: int | None = 1, method: str = "POST") -> None:
        rule: dict[str, Any] = {"match": {"method": method}, "action": action}
        self.tagrain.control.add_fault(rule if times is None else {**rule, "times": times})

    @property
    def created(self) -> int:
        return self.tagrain.control.writes.total()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> LocalTls:
    return make_local_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def account(tls: LocalTls) -> AsyncIterator[Account]:
    tagrain = TagrainSimulator(build_chain())
    url = await tagrain.start(ssl=tls.server)
    config = TagrainConfig(base_url=url, api_key=tagrain.api_key, ca_bundle=str(tls.ca_file), times=QUICK)
    running = Account(tagrain, config, [])
    yield running
    for client in running.clients:
        await client.close()
    await tagrain.stop()


def customer(account: Account, name: str = "Annegret Beispiel", **more: Any) -> Write:
    group = account.tagrain.data_rows("customer-groups")[0]["id"]
    return Write("ref", {"name": name, "customerGroupId": group, **more}, key=CLAIM, create=True)


# --- reaching it ------------------------------------------------------------------------------------------------------


async def test_the_servers_clock_proves_address_and_key(account: Account) -> None:
    assert abs(await account.side().ping() - datetime.now(UTC)) < timedelta(seconds=5)
    with pytest.raises(Misconfigured):
        await account.side(api_key="another").ping()
    with pytest.raises(Misconfigured, match="no such collection"):
        await account.side(base_url=f"{account.config.base_url}/v1").listing(entity("nothing"))


async def test_a_certificate_that_is_not_trusted_is_misconfigured(account: Account, tmp_path: Path) -> None:
    other = make_local_tls(tmp_path)
    with pytest.raises(Misconfigured, match="certificate"):
        await account.side(ca_bundle=str(other.ca_file)).ping()


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_whole_reads_give_every_key_once_by_pages(account: Account) -> None:
    side, keys = account.side(), []
    cursor: str | None = None
    while True:
        page = await side.changed(CUSTOMERS, None, cursor, 7)
        keys += page.keys
        cursor = page.cursor
        if cursor is None:
            break
    rows = account.tagrain.data_rows("customers")
    assert sorted(one.key for one in keys) == sorted(row["id"] for row in rows)
    assert {one.version for one in keys} == {"1"}
    assert len(rows) > 7


async def test_a_record_that_changes_between_pages_comes_again_and_none_is_missed(account: Account) -> None:
    side = account.side()
    first = await side.changed(CUSTOMERS, None, None, 5)
    account.tagrain.control.advance(60)
    account.tagrain.data_write("customers", [{"id": first.keys[0].key, "phone": "+49 40 550000"}])
    seen, cursor = list(first.keys), first.cursor
    while cursor:
        page = await side.changed(CUSTOMERS, None, cursor, 5)
        seen, cursor = [*seen, *page.keys], page.cursor
    assert {one.key for one in seen} == {row["id"] for row in account.tagrain.data_rows("customers")}
    assert [one.version for one in seen if one.key == first.keys[0].key] == ["1", "2"]


async def test_a_delta_holds_what_changed_at_or_after_the_time(account: Account) -> None:
    account.tagrain.control.advance(60)
    [row] = account.tagrain.data_write("customers", [{"id": "cus_1", "phone": "+49 40 550000"}])
    changed = datetime.fromisoformat(row["updatedAt"])
    side = account.side()
    assert [one.key for one in (await side.changed(CUSTOMERS, changed, None, 100)).keys] == ["cus_1"]
    later = changed + timedelta(milliseconds=1)
    assert (await side.changed(CUSTOMERS, later, None, 100)).keys == ()


async def test_records_are_read_and_found(account: Account) -> None:
    side = account.side()
    rows = await side.read(CUSTOMERS, ["cus_1", "cus_2", "cus_none", "no key"])
    assert set(rows) == {"cus_1", "cus_2"}
    found = await side.find(CUSTOMERS, "name", [f" {rows['cus_1']['name'].upper()} ", "nobody"])
    assert [row["id"] for row in next(iter(found.values()))] == ["cus_1"]
    assert len(found) == 1
    assert set(await side.find(PRODUCTS, "code", ["T-1", "t-2", "T-99"])) == {"T-1", "t-2"}
    assert set(await side.find(INVENTORY, "productCode", ["T-1", "T-GIFT"])) == {"T-1"}


async def test_lists_are_whole(account: Account) -> None:
    side = account.side()
    assert await side.listing(STORES) == account.tagrain.data_rows("stores")
    [settings] = await side.listing(entity("settings"))
    assert settings["currency"]


async def test_a_cursor_that_no_page_gave_is_misconfigured(account: Account) -> None:
    with pytest.raises(Misconfigured) as caught:
        await account.side().changed(CUSTOMERS, None, "nonsense", 10)
    assert caught.value.code == "unknown-cursor"


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_a_creation_is_found_by_its_claim_and_never_made_twice(account: Account) -> None:
    side = account.side()
    [first] = await side.write(CUSTOMERS, [customer(account)])
    [second] = await side.write(CUSTOMERS, [customer(account)])
    assert first.error is None
    assert (second.key, second.row) == (first.key, first.row)
    assert [row["id"] for row in (await side.find(CUSTOMERS, "externalRef", [CLAIM]))[CLAIM]] == [first.key]
    [other] = await side.write(CUSTOMERS, [customer(account, "Somebody else")])
    assert isinstance(other.error, Undetermined)
    assert account.created == 1


@pytest.mark.parametrize("action", [{"close": "after"}, {"close": "mid_body"}, {"close": "before"}, {"status": 503}])
async def test_a_creation_whose_answer_was_lost_is_made_once(account: Account, action: dict[str, Any]) -> None:
    account.fault(action)
    [result] = await account.side().write(CUSTOMERS, [customer(account)])
    assert result.error is None
    assert account.created == 1


async def test_a_creation_that_is_never_answered_is_unknown_and_can_be_found(account: Account) -> None:
    account.fault({"commit_then_hang": 30}, times=None)
    times = replace(QUICK, write_read=0.3)
    [result] = await account.side(times=times).write(CUSTOMERS, [customer(account)])
    assert type(result.error) is UnknownOutcome
    assert account.created == 1
    account.tagrain.control.clear_faults()
    assert CLAIM in await account.side().find(CUSTOMERS, "externalRef", [CLAIM])


async def test_updates_set_single_properties(account: Account) -> None:
    side = account.side()
    before = (await side.read(CUSTOMERS, ["cus_1"]))["cus_1"]
    account.fault({"close": "after"}, method="PATCH")
    [result] = await side.write(CUSTOMERS, [Write("a", {"phone": "+49 40 551234"}, key="cus_1")])
    assert result.row is not None
    assert result.row["phone"] == "+49 40 551234"
    assert result.row["name"] == before["name"]
    assert result.row["version"] > before["version"]


async def test_stock_of_one_store_leaves_the_others_alone(account: Account) -> None:
    side = account.side()
    row = (await side.find(INVENTORY, "productCode", ["T-1"]))["T-1"][0]
    store = row["quantities"][0]["storeId"]
    [result] = await side.write(
        INVENTORY, [Write("a", {"quantities": [{"storeId": store, "quantity": "7.5"}]}, key=row["id"])]
    )
    assert result.row is not None
    assert {each["storeId"]: each["quantity"] for each in result.row["quantities"]} == {
        each["storeId"]: "7.5" if each["storeId"] == store else each["quantity"] for each in row["quantities"]
    }


async def test_each_refusal_names_its_property_and_keeps_no_other_back(account: Account) -> None:
    group = account.tagrain.data_rows("customer-groups")[0]["name"]
    side = account.side()
    [taken] = await side.write(GROUPS, [Write("t", {"name": group.upper()}, key=CLAIM, create=True)])
    assert isinstance(taken.error, Conflict)
    assert taken.error.fields == ("name",)
    results = await side.write(
        CUSTOMERS,
        [
            Write("a", {"phone": "+49 40 551"}, key="cus_1"),
            Write("b", {"colour": "red"}, key="cus_1"),
            Write("c", {"name": 5}, key="cus_1"),
            Write("d", {"phone": "+49 40 552"}, key="cus_none"),
            Write("e", {"phone": "+49 40 553"}, key="cus_2"),
        ],
    )
    assert [type(each.error) for each in results] == [type(None), Rejected, Rejected, NotFound, type(None)]
    assert results[2].error is not None
    assert results[2].error.fields == ("name",)


async def test_told_to_slow_down_everyone_pauses(account: Account) -> None:
    gate = RecordingGate()
    account.fault({"status": 429, "headers": {"Retry-After": "0"}}, method="GET")
    await account.side(gate).ping()
    assert gate.pauses == [0.0]
    account.fault({"status": 429, "headers": {"Retry-After": "60"}}, method="GET")
    with pytest.raises(Throttled):
        await account.side(gate).ping()
    assert gate.pauses == [0.0, 60.0]


async def test_a_system_that_stays_unwell_is_transient(account: Account) -> None:
    account.fault({"status": 503}, times=None, method="GET")
    with pytest.raises(Transient):
        await account.side(times=replace(QUICK, budget=0.1)).ping()
