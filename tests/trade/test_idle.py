"""All seven objects of Dynamics at rest: whatever runs, in whatever mode, nothing is written in either system."""

from __future__ import annotations

from tests.trade.opportunities import SETTINGS as OPPORTUNITIES
from tests.trade.opportunities import with_opportunities
from tests.trade.sales import activate, deliver, new_lead, new_quote, qualify, win
from tests.trade.world import trade

CUSTOMER = "C00001"
MODES = ("delta", "full", "delta", "delta", "full", "delta", "delta", "delta", "delta", "full")


async def test_ten_idle_rounds_over_all_seven_objects_write_nothing(azurite: str) -> None:
    async with trade(azurite, deliveredOrders="fulfill", **OPPORTUNITIES) as world:
        await with_opportunities(world, 4)
        await world.mark_items("I00001", "I00002")
        for name in ("product", "lead", "contact"):
            assert (await world.initialize(name)).status == "succeeded"
        new_lead(world, companyname="Stays a lead")
        qualify(world, new_lead(world), opportunity=True)
        account = world.account_of(CUSTOMER)["accountid"]
        for won in (False, True):
            quote = new_quote(world, account, {"I00001": 2, "I00002": 1})
            activate(world, quote)
            for name in ("quotation", "order"):
                await world.run(name)
            if won:
                order = win(world, quote)
        for name in world.objects:
            await world.run(name)
        await world.settle()
        deliver(world, world.order_of(order), 2, 1)
        for _ in range(2):
            for name in world.objects:
                await world.run(name)
            await world.settle()
        linked = {name: sum(each.linked for each in await world.records(name)) for name in world.objects}
        assert all(linked.values()), linked
        world.forget_writes()
        for mode in MODES:
            for name in world.objects:
                run = await world.run(name, mode)
                assert run.status == "succeeded", (name, mode, run)
            await world.settle()
            assert world.writes() == {}, mode
