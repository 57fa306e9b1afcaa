"""The Tagrain client against the simulated account: the whole port, then what it must survive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from local.sample_company.chain import build_chain
from local.simulators.tagrain import TagrainSimulator
from shared.clients.connections import HttpTimes
from shared.clients.tagrain import TagrainClient, TagrainConfig, TagrainSide
from shared.errors import Conflict, Misconfigured, Rejected, Throttled, UnknownOutcome
from shared.ports import Entity, Write

SHORT = HttpTimes(connect=2.0, read=0.6, write_read=0.6, budget=3.0, first_wait=0.01, longest_wait=0.05)
IMPATIENT = HttpTimes(connect=1.0, read=0.6, write_read=0.6, budget=0.0)
CUSTOMERS = Entity(
    "customers", "customers", "id", "version", modified=("updatedAt",), created=("createdAt",), reference="externalRef"
)


class Account:
    """A running simulator and sides that speak to it."""

    def __init__(self, simulator: TagrainSimulator, url: str) -> None:
        self.simulator, self.url = simulator, url
        self.opened: list[TagrainSide] = []

    def side(self, times: HttpTimes = SHORT, key: str = "", **sizes: int) -> TagrainSide:
        config = TagrainConfig(base_url=self.url, api_key=key or self.simulator.api_key, times=times, **sizes)
        self.opened.append(TagrainSide(TagrainClient(config)))
        return self.opened[-1]

    def names(self) -> list[str]:
        return [row["name"] for row in self.simulator.data_rows("customers")]


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    simulator = TagrainSimulator(build_chain(customers=30))
    made = Account(simulator, await simulator.start())
    yield made
    for side in made.opened:
        await side.close()
    await simulator.stop()


def _create(name: str, key: str = "11111111-2222-5333-8444-555555555555") -> Write:
    return Write("one", {"name": name}, key=key, create=True)


# --- the port ----------------------------------------------------------------------------------------------------------


async def test_changed_pages_through_everything_once_and_later_only_through_what_changed(account: Account) -> None:
    side = account.side()
    keys, cursor = [], None
    while True:
        page = await side.changed(CUSTOMERS, None, cursor, 7)
        keys += [each.key for each in page.keys]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(keys) == sorted(f"cus_{number}" for number in range(1, 31))
    account.simulator.control.advance(60)
    since = page.read_at + timedelta(seconds=30)
    account.simulator.data_write("customers", [{"id": "cus_3", "phone": "1"}])
    (changed,) = (await side.changed(CUSTOMERS, since, None, 100)).keys
    assert (changed.key, changed.version) == ("cus_3", "2")


async def test_read_and_find_take_many_values_in_few_requests(account: Account) -> None:
    side = account.side(values_at_once=10)
    wanted = [f"cus_{number}" for number in range(1, 31)]
    assert set(await side.read(CUSTOMERS, [*wanted, "cus_99", "no id!"])) == set(wanted)
    assert account.simulator.control.stats()["total"] == 4
    found = await side.find(CUSTOMERS, "name", ["anna BJÖRK", "nobody"])
    assert [row["id"] for row in found["anna BJÖRK"]] == ["cus_1"]
    assert "nobody" not in found


async def test_a_creation_carries_its_key_as_reference_and_is_found_by_it(account: Account) -> None:
    side = account.side()
    write = _create("New")
    (result,) = await side.write(CUSTOMERS, [write])
    assert result.error is None
    assert result.row is not None
    assert result.row["externalRef"] == write.key
    (again,) = await side.write(CUSTOMERS, [write])
    assert again.key == result.key, "the same key and body make no second one"
    assert account.names().count("New") == 1
    (row,) = (await side.find(CUSTOMERS, "externalRef", [str(write.key)]))[str(write.key)]
    assert row["id"] == result.key


async def test_each_write_has_its_own_result(account: Account) -> None:
    account.simulator.data_write("customers", [{"id": "cus_1", "code": "C1"}])
    writes = [
        Write("good", {"phone": "7"}, key="cus_2"),
        Write("taken", {"code": "c1"}, key="cus_3"),
        Write("unknown", {"nickname": "x"}, key="cus_4"),
        Write("gone", {"phone": "7"}, key="cus_99"),
    ]
    results = {each.ref: each for each in await account.side().write(CUSTOMERS, writes)}
    assert results["good"].error is None
    assert isinstance(results["taken"].error, Conflict | Rejected)
    assert isinstance(results["unknown"].error, Rejected)
    assert results["gone"].error is not None


# --- what it survives ------------------------------------------------------------------------------------------------


async def test_a_creation_whose_answer_was_lost_is_asked_for_again_under_the_same_key(account: Account) -> None:
    account.simulator.control.add_fault({"match": {"method": "POST"}, "times": 1, "action": {"commit_then_hang": 5}})
    (result,) = await account.side().write(CUSTOMERS, [_create("Once")])
    assert result.error is None
    assert account.names().count("Once") == 1


async def test_a_creation_that_is_never_answered_is_an_unknown_outcome(account: Account) -> None:
    account.simulator.control.add_fault({"match": {"method": "POST"}, "action": {"commit_then_hang": 5}})
    (result,) = await account.side(IMPATIENT).write(CUSTOMERS, [_create("Once")])
    assert isinstance(result.error, UnknownOutcome)
    account.simulator.control.clear_faults()
    assert account.names().count("Once") == 1


async def test_429_waits_as_told_then_goes_on(account: Account) -> None:
    busy = {"status": 429, "headers": {"Retry-After": "0.05"}}
    account.simulator.control.add_fault({"match": {"path": "/customers"}, "times": 2, "action": busy})
    assert set(await account.side().read(CUSTOMERS, ["cus_1"])) == {"cus_1"}
    account.simulator.control.add_fault({"match": {"path": "/customers"}, "action": busy})
    with pytest.raises(Throttled):
        await account.side(IMPATIENT).read(CUSTOMERS, ["cus_1"])


async def test_a_wrong_key_or_address_is_a_matter_of_the_set_up(account: Account) -> None:
    with pytest.raises(Misconfigured):
        await account.side(key="wrong").ping()
    with pytest.raises(Misconfigured):
        await account.side().listing(Entity("no-such-thing", "no-such-thing", "id"))
    with pytest.raises(Rejected):
        account.side().range_scope(CUSTOMERS, "code", "A", "B")


async def test_the_whole_of_a_list_and_the_settings(account: Account) -> None:
    side = account.side(page_size=4)
    rows = await side.listing(Entity("payment-types", "payment-types", "id"))
    assert len(rows) == 6
    (settings,) = await side.listing(Entity("settings", "settings", "id"))
    assert settings["currency"] == "EUR"
