"""Previews between the real clients and both simulators: what they say is what the run then does; nothing is written."""

from __future__ import annotations

from typing import Any

from shared.ports import SideName
from shared.sync.preview import preview
from tests.trade.sales import activate, new_lead, new_quote, qualify, win
from tests.trade.world import TEMPLATE, Trade, open_for_business, trade

SAP, OTHER = SideName.SAP, SideName.OTHER


async def looked(world: Trade, name: str, mode: str = "delta") -> dict[str, Any]:
    """A preview, which wrote nothing."""
    world.forget_writes()
    seen = await preview(world.hub, TEMPLATE, name, mode, [], with_values=True)
    assert world.writes() == {}
    assert world.messages.waiting == []
    return seen


async def then_run(world: Trade, name: str) -> dict[str, Any]:
    """The same preview, and a run: as many of each outcome, but for what the run looks at twice."""
    seen = await looked(world, name)
    run = await world.run(name)
    counted = {outcome: count for outcome, count in run.counts.items() if outcome != "unchanged"}
    assert counted == {o: c for o, c in seen["counts"].items() if o != "unchanged"}, (name, seen)
    return seen


async def test_a_leads_way_to_an_order_is_previewed_at_every_step(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_for_business(world, customers=1)
        for name in ("lead", "contact"):
            assert (await world.initialize(name)).status == "succeeded"
        lead = new_lead(world)
        seen = await then_run(world, "lead")
        (one,) = [each for each in seen["records"] if each["outcome"] == "created"]
        assert one["changes"]["sap"]["values"]["company"] == {"from": None, "to": "Lead Works"}
        qualify(world, lead)
        seen = await then_run(world, "lead")
        (one,) = [each for each in seen["records"] if each["outcome"] == "updated"]
        assert one["changes"] == {
            "sap": {"fields": ["status"], "values": {"status": {"from": "open", "to": "qualified"}}}
        }
        await then_run(world, "account")
        await then_run(world, "contact")
        quote = new_quote(world, world.account_of("C00001")["accountid"], {"I00001": 3})
        activate(world, quote)
        seen = await then_run(world, "quotation")
        assert set(seen["records"][0]["changes"]["other"]["fields"]) == {"sap_number", "sap_status"}
        order = win(world, quote)
        await then_run(world, "quotation")
        seen = await then_run(world, "order")
        assert (seen["records"][0]["key"], seen["records"][0]["outcome"]) == (order, "created")
        assert seen["calls"]["sap"]["writes"] == 1


async def test_an_order_that_would_wait_says_on_what(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_for_business(world, customers=1)
        quote = new_quote(world, world.account_of("C00001")["accountid"], {"I00001": 3})
        activate(world, quote)
        win(world, quote)
        seen = await then_run(world, "order")
        assert seen["records"][0]["parkedOn"] == [{"object": "quotation", "side": "other", "key": quote}]


async def test_of_every_object_a_full_run_is_previewed_too(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_for_business(world, customers=1)
        for name in ("lead", "contact"):
            assert (await world.initialize(name)).status == "succeeded"
        counts = {name: sum((await looked(world, name, "full"))["counts"].values()) for name in world.objects}
        assert all(counts[name] for name in ("account", "contact", "product")), counts
