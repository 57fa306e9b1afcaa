"""One order, whatever happens between asking SAP for it and knowing that it is there."""

from __future__ import annotations

import asyncio

from local.simulators.control import Latency
from shared.ports import SideName
from shared.sync import slices
from shared.sync.start import start
from tests.trade.test_orders import check_totals
from tests.trade.world import CUT_CONNECTIONS, SHORTER_TIMES, TEMPLATE, Trade, trade, with_orders

OTHER = SideName.OTHER


def assert_once(world: Trade, keys: list[str]) -> None:
    assert check_totals(world, keys) == (len(keys), [])
    assert len(world.orders()) == len(keys)


async def test_messages_delivered_three_times_at_once_make_one_order_each(azurite: str) -> None:
    async with trade(azurite, times=SHORTER_TIMES) as world:
        keys = await with_orders(world, 30)
        await start(world.hub, TEMPLATE, "order", "delta", "request")
        while not (found := [m for _, _, queue, m in world.messages.waiting if queue == "deliveries"]):
            await world.messages.work_on_the_first(world.app)
        await asyncio.gather(*(slices.on_message(world.hub, message) for message in found * 3))
        await world.settle()
        assert_once(world, keys)


async def test_a_post_that_commits_and_never_answers_makes_one_order(azurite: str) -> None:
    async with trade(azurite, times=SHORTER_TIMES) as world:
        keys = await with_orders(world, 6)
        rule = {"match": {"method": "POST", "path": r"/Orders$"}, "times": 3, "action": {"commit_then_hang": 60}}
        world.sap.control.add_fault(rule)
        run = await world.run("order")
        assert run.counts["retrying"] >= 1
        world.sap.control.clear_faults()
        await world.settle()
        assert_once(world, keys)


@CUT_CONNECTIONS
async def test_an_order_that_sap_commits_after_its_asker_died_is_not_asked_for_again_before_its_claim_expires(
    azurite: str,
) -> None:
    async with trade(azurite, times=SHORTER_TIMES) as world:
        keys = await with_orders(world, 4)
        world.sap.control.latency = Latency(single=2500)  # for what is asked for until the end
        await start(world.hub, TEMPLATE, "order", "delta", "request")

        def well_again() -> None:
            world.sap.control.latency = Latency()

        assert await world.work_killed([1.0], well_again)
        assert world.orders() == [], "SAP is still at work on them"
        await world.settle()
        assert_once(world, keys)
