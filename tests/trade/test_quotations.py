"""Quotes, their revisions, the orders that come of them, and what SAP makes of those; number and status flow back."""

from __future__ import annotations

import pytest

from shared.ports import SideName
from tests.trade.sales import (
    activate,
    add_line,
    deliver,
    invoice,
    new_quote,
    one,
    quote_lines,
    revise,
    rows_of,
    sap_rows,
    win,
)
from tests.trade.test_orders import total_in_sap
from tests.trade.world import Row, Trade, open_for_business, trade

SAP, OTHER = SideName.SAP, SideName.OTHER
WANTED = {"I00001": 10, "I00002": 4}


def quotation(world: Trade) -> Row:
    """The one quotation of SAP."""
    (row,) = sap_rows(world, "Quotations")
    return row


def quote(world: Trade, key: str) -> Row:
    return one(world, "quotes", quoteid=key)


async def active_quote(world: Trade) -> str:
    """Open for business, and one active quote that is in SAP."""
    await open_for_business(world, customers=1)
    key = new_quote(world, world.account_of("C00001")["accountid"], WANTED)
    activate(world, key)
    await world.run("quotation")
    return key


def assert_equal(world: Trade, key: str) -> Row:
    """SAP's quotation has the quote's total and its lines."""
    row = quotation(world)
    assert total_in_sap(row) == quote(world, key)["totalamount"]
    assert [line["U_HubRef"] for line in row["DocumentLines"]] == [
        line["quotedetailid"] for line in quote_lines(world, key)
    ]
    return row


async def test_an_active_quote_is_a_quotation_once_and_its_number_flows_back(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_for_business(world, customers=1)
        key = new_quote(world, world.account_of("C00001")["accountid"], WANTED, description="By sea")
        run = await world.run("quotation")
        assert run.counts.get("created") is None, "a draft stays where it is"
        activate(world, key)
        await world.run("quotation")
        row = assert_equal(world, key)
        assert (row["NumAtCard"], row["Comments"]) == (quote(world, key)["quotenumber"], "By sea")
        told = quote(world, key)
        assert (told["new_sapnumber"], told["new_sapstatus"], told["statecode"]) == (str(row["DocNum"]), "open", 1)
        world.forget_writes()
        for mode in ("delta", "delta", "full"):
            await world.run("quotation", mode)
        assert world.writes() == {}


@pytest.mark.parametrize("rule", ["sap_wins", "ask"])
async def test_a_revision_updates_the_open_quotation_and_keeps_its_rows(azurite: str, rule: str) -> None:
    async with trade(azurite, fieldRules={"quotation": rule}) as world:
        old = await active_quote(world)
        before = assert_equal(world, old)
        key = revise(world, old)
        await world.run("quotation")
        assert quotation(world)["DocumentLines"] == before["DocumentLines"], "a draft changes nothing in SAP"
        first = quote_lines(world, key)[0]
        world.dataverse.data_write("quotedetails", [{"quotedetailid": first["quotedetailid"], "quantity": 11}])
        add_line(world, key, "I00003", 2)
        activate(world, key)
        run = await world.run("quotation")
        assert (run.status, run.counts.get("updated")) == ("succeeded", 1), run
        assert (await world.record("quotation", OTHER, key)).ruled == {}
        after = assert_equal(world, key)
        assert after["DocEntry"] == before["DocEntry"]
        assert [row["LineNum"] for row in after["DocumentLines"]] == [0, 1, 2]
        assert [row["Quantity"] for row in after["DocumentLines"]] == [11, 4, 2]
        assert quote(world, key)["new_sapnumber"] == str(after["DocNum"])
        linked = [record for record in await world.records("quotation") if record.linked]
        assert [record.keys for record in linked] == [{OTHER: key, SAP: str(after["DocEntry"])}]
        world.forget_writes()
        for mode in ("delta", "delta", "full"):
            await world.run("quotation", mode)
        assert world.writes() == {}


async def test_a_lost_quote_is_cancelled_in_sap_and_one_that_never_came_never_comes(azurite: str) -> None:
    async with trade(azurite) as world:
        key = await active_quote(world)
        other = new_quote(world, world.account_of("C00001")["accountid"], WANTED)
        activate(world, other)
        for each in (key, other):
            world.dataverse.act(
                "CloseQuote", {"Status": 5, "QuoteClose": {"subject": "Lost", "quoteid@odata.bind": f"/quotes({each})"}}
            )
        run = await world.run("quotation")
        assert quotation(world)["Cancelled"] == "tYES", run


async def test_a_won_quotes_order_refers_to_its_quotation_which_sap_closes(azurite: str) -> None:
    async with trade(azurite) as world:
        key = await active_quote(world)
        order = win(world, key)
        await world.run("quotation")
        await world.run("order")
        twin = world.order_of(order)
        offer = quotation(world)
        assert {(row["BaseType"], row["BaseEntry"]) for row in twin["DocumentLines"]} == {(23, offer["DocEntry"])}
        assert [row["BaseLine"] for row in twin["DocumentLines"]] == [row["LineNum"] for row in offer["DocumentLines"]]
        assert total_in_sap(twin) == world.sales_order(order)["totalamount"]
        assert offer["DocumentStatus"] == "bost_Close"
        for name in ("quotation", "order"):
            await world.run(name)
        world.forget_writes()
        for _ in range(3):
            for name in ("quotation", "order"):
                await world.run(name)
        assert world.writes() == {}


async def test_an_order_waits_for_its_quote_even_if_that_was_won_before_it_came(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_for_business(world, customers=1)
        key = new_quote(world, world.account_of("C00001")["accountid"], WANTED)
        activate(world, key)
        order = win(world, key)
        run = await world.run("order")
        assert run.counts == {"parked": 1}, run
        await world.run("quotation")
        await world.settle()
        offer = quotation(world)
        assert {row["BaseEntry"] for row in world.order_of(order)["DocumentLines"]} == {offer["DocEntry"]}
        assert offer["DocumentStatus"] == "bost_Close"


async def test_where_quotes_do_not_travel_orders_stand_alone(azurite: str) -> None:
    async with trade(azurite, directions={"quotation": []}) as world:
        await open_for_business(world, customers=1)
        key = new_quote(world, world.account_of("C00001")["accountid"], WANTED)
        activate(world, key)
        order = win(world, key)
        await world.run("order")
        assert all(row.get("BaseType") in (None, -1) for row in world.order_of(order)["DocumentLines"])


async def ordered(world: Trade) -> str:
    """An order on its quotation; its id."""
    order = win(world, await active_quote(world))
    await world.run("quotation")
    await world.run("order")
    return order


async def test_the_status_of_an_order_flows_back_as_sap_delivers_and_invoices_it(azurite: str) -> None:
    async with trade(azurite) as world:
        order = await ordered(world)
        assert world.sales_order(order)["new_sapstatus"] == "open"
        deliver(world, world.order_of(order), 3)
        await world.run("order")
        assert world.sales_order(order)["new_sapstatus"] == "partly delivered"
        last = deliver(world, world.order_of(order))
        await world.run("order")
        assert world.sales_order(order)["new_sapstatus"] == "delivered"
        invoice(world, last)
        await world.run("order", "sweep")
        assert world.sales_order(order)["new_sapstatus"] == "invoiced"
        assert world.sales_order(order)["statecode"] == 1
        world.forget_writes()
        for mode in ("delta", "sweep", "full"):
            await world.run("order", mode)
        assert world.writes() == {}


async def test_a_delivered_order_is_fulfilled_and_a_cancelled_one_cancelled_if_the_settings_say_so(
    azurite: str,
) -> None:
    async with trade(azurite, deliveredOrders="fulfill", cancelledInSap="cancel") as world:
        order = await ordered(world)
        account = world.account_of("C00001")["accountid"]
        second = new_quote(world, account, WANTED)
        activate(world, second)
        cancelled = win(world, second)
        await world.run("quotation")
        await world.run("order")
        deliver(world, world.order_of(order))
        world.act_on_order(world.order_of(cancelled)["DocEntry"], "Cancel")
        await world.run("order")
        assert (world.sales_order(order)["statecode"], world.sales_order(order)["statuscode"]) == (3, 100001)
        assert world.sales_order(cancelled)["statecode"] == 2
        assert world.sales_order(cancelled)["new_sapstatus"] == "cancelled"
        world.forget_writes()
        for mode in ("delta", "delta", "sweep"):
            await world.run("order", mode)
        assert world.writes() == {}


async def test_an_active_quote_whose_number_cannot_be_written_stays_active(azurite: str) -> None:
    async with trade(azurite) as world:
        key = await active_quote(world)
        assert quote(world, key)["statecode"] == 1
        assert rows_of(world, "quotes", statecode=0) == []
