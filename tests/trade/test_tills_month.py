"""A month of three stores: every receipt once, every store and day at zero, and the same when the work is killed."""

from __future__ import annotations

from random import Random

from local.sample_company.trading_days import Till, Trading
from shared.sync.start import start
from tests.trade.test_tills_receipts import RECEIPTS, check_days, check_once, open_tills, post, ring_up
from tests.trade.tills import THREE_STORES, TILLS, Tills, tills
from tests.trade.world import CUT_CONNECTIONS, SHORTER_TIMES

DAYS, A_DAY = 30, 100


def _month(trading: Trading, days: int, seed: int) -> Till:
    return Till(
        Trading(trading.goods, trading.customers, tuple(THREE_STORES), days=days, receipts=A_DAY, seed=seed)
    ).trade()


async def test_a_month_of_three_thousand_receipts_ties_out_on_every_store_and_day_and_again_writes_nothing(
    azurite: str,
) -> None:
    async with tills(azurite, stores=THREE_STORES) as world:
        till = _month(await open_tills(world), DAYS, seed=11)
        assert len(till.sales) + len(till.refunds) == DAYS * A_DAY
        ring_up(world, till)
        assert await post(world) == dict.fromkeys(RECEIPTS, "succeeded"), await _failures(world)
        check_once(world, till)
        await check_days(world, till, THREE_STORES)
        world.forget_writes()
        for name in RECEIPTS:
            await world.run(name, "full")
        assert world.writes() == {}


async def _failures(world: Tills) -> list[str]:
    found = []
    for name in RECEIPTS:
        found += [row["reason"] async for row in world.hub.records.rows(f"{TILLS}|{name}", "f:")]
    return found[:5]


@CUT_CONNECTIONS
async def test_the_month_comes_to_the_same_end_however_often_the_work_is_killed(azurite: str) -> None:
    random = Random("killed at the tills")
    async with tills(azurite, stores=THREE_STORES, times=SHORTER_TIMES) as world:
        till = _month(await open_tills(world), DAYS, seed=12)
        ring_up(world, till)
        interrupted = {}
        for name in RECEIPTS:
            await start(world.hub, TILLS, name, "delta", "request")
            interrupted[name] = await world.work_killed([random.uniform(0.2, 1.5) for _ in range(8)])
            await world.settle()
        assert interrupted["sales"] >= 8, interrupted
        assert interrupted["refund"] >= 1, interrupted
        await post(world)
        await world.settle()
        check_once(world, till)
        await check_days(world, till, THREE_STORES)
        world.forget_writes()
        for name in RECEIPTS:
            await world.run(name, "full")
        assert world.writes() == {}
