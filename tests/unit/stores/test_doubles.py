"""The doubles fail where they are told to, and only there."""

from __future__ import annotations

import pytest

from shared.errors import LostRace, Transient
from shared.stores.tables import LostTransaction, Op, Tables
from tests.unit.stores.doubles import FailingTables, Plan, lost_race, lost_transaction

ROW = {"PartitionKey": "p", "RowKey": "r"}


async def steps(tables: Tables) -> None:
    table = tables.table("some")
    await table.put(ROW)
    await table.transact([Op("merge", {**ROW, "n": 1})])
    assert [row["n"] async for row in table.query("p")] == [1]
    await table.delete("p", "r")


async def test_a_run_without_failure_tells_how_many_calls_there_are(tables: Tables) -> None:
    plan = Plan()
    await steps(FailingTables(tables, plan))
    assert [call.split()[0] for call in plan.calls] == ["put", "transact", "delete"]
    assert not plan.failed


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_the_nth_call_fails_before_its_work(tables: Tables, at: int) -> None:
    plan = Plan(at=at)
    with pytest.raises(Transient):
        await steps(FailingTables(tables, plan))
    assert (plan.failed, len(plan.calls)) == (True, at)
    left = await tables.table("some").get("p", "r")
    assert (left is None, bool(left and "n" in left)) == (at == 1, at == 3)


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_the_nth_call_fails_after_its_work(tables: Tables, at: int) -> None:
    with pytest.raises(LostRace):
        await steps(FailingTables(tables, Plan(at=at, error=lost_race, after=True)))
    left = await tables.table("some").get("p", "r")
    assert (left is None, bool(left and "n" in left)) == (at == 3, at == 2)


async def test_reads_fail_if_they_are_counted(tables: Tables) -> None:
    plan = Plan(at=1, counts=frozenset({"query"}), error=lost_transaction)
    with pytest.raises(LostTransaction):
        await steps(FailingTables(tables, plan))
    await tables.table("some").put({**ROW, "n": 1})
    await steps(FailingTables(tables, plan))
