"""The proxy changes nothing unless it is told to, and then exactly what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local.azurite import Azurite
from shared.errors import Transient
from shared.stores.queues import Queues
from shared.stores.tables import Op, Tables
from tests.faults.proxy import Moment, Seen, StorageProxy, Verdict, cut, refuse


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[StorageProxy]:
    async with Azurite.start() as azurite, StorageProxy(azurite.ports) as started:
        yield started


def _row(key: str, **columns: object) -> dict[str, object]:
    return {"PartitionKey": "p|q", "RowKey": key, **columns}


async def test_rows_transactions_and_messages_pass_with_their_signatures_and_odd_characters(
    proxy: StorageProxy,
) -> None:
    async with Tables(proxy.connection_string) as tables, Queues(proxy.connection_string) as queues:
        table = tables.table("records")
        await table.transact([Op("insert", _row("r:s:a%2Fb'c", name="Łódź 東京")), Op("insert", _row("r:s:d"))])
        assert (await table.get("p|q", "r:s:a%2Fb'c") or {})["name"] == "Łódź 東京"
        assert [row["RowKey"] async for row in table.query("p|q")] == ["r:s:a%2Fb'c", "r:s:d"]
        await queues.send("deliveries", {"text": "‮ 🙂"})
        (peeked,) = await queues.peek("deliveries")
        assert peeked.message == {"text": "‮ 🙂"}
    assert proxy.calls["table", "POST", "records"] >= 1
    assert proxy.calls["queue", "POST", "deliveries"] >= 1


async def test_a_rule_sees_the_row_keys_and_columns_of_a_transaction_and_acts_at_its_nth_match(
    proxy: StorageProxy,
) -> None:
    seen: list[Seen] = []

    async def note(one: Seen) -> Verdict:
        seen.append(one)
        return Verdict.PASS

    proxy.on(note, path=r"\$batch", body=r'r:s:b.*"claim": ?"x"', nth=2)
    async with Tables(proxy.connection_string) as tables:
        table = tables.table("records")
        await table.transact([Op("insert", _row("r:s:b", claim="")), Op("insert", _row("r:s:a"))])
        for _ in range(3):
            await table.transact([Op("put", _row("r:s:b", claim="x")), Op("put", _row("r:s:a"))])
    assert len(seen) == 1


@pytest.mark.parametrize(("moment", "there"), [(Moment.BEFORE, False), (Moment.AFTER, True)])
async def test_a_request_that_is_cut_before_did_not_happen_and_one_that_is_cut_after_did(
    proxy: StorageProxy, moment: Moment, there: bool
) -> None:
    async with Tables(proxy.connection_string) as tables:
        table = tables.table("records")
        await table.put(_row("first"))
        rule = proxy.on(cut, service="table", body="second", moment=moment, times=None)
        with pytest.raises(Transient):
            await table.put(_row("second"))
        assert rule.struck.is_set()
        proxy.clear()
        assert (await table.get("p|q", "second") is not None) is there


async def test_a_refused_request_is_answered_503_and_never_reaches_storage(proxy: StorageProxy) -> None:
    async with Queues(proxy.connection_string, retries=0) as queues:
        await queues.send("runs", {"n": 1})
        proxy.on(refuse, service="queue", method="POST", times=None)
        with pytest.raises(Transient):
            await queues.send("runs", {"n": 2})
        proxy.clear()
        assert await queues.count("runs") == 1


async def test_a_held_request_goes_on_when_it_is_let_go(proxy: StorageProxy) -> None:
    go = asyncio.Event()

    async def hold(_: Seen) -> Verdict:
        await go.wait()
        return Verdict.PASS

    async with Queues(proxy.connection_string) as queues:
        await queues.send("runs", {"n": 1})
        proxy.on(hold, service="queue", method="POST")
        sending = asyncio.create_task(queues.send("runs", {"n": 2}))
        assert await queues.count("runs") == 1
        go.set()
        await sending
        assert await queues.count("runs") == 2
