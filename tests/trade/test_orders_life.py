"""What becomes of an order after it came in: changed, closed, cancelled, approved or not; and what keeps it waiting."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ports import SideName
from shared.sync import failures, links
from tests.trade.test_orders import total_in_sap
from tests.trade.world import TEMPLATE, Row, Trade, trade, with_orders

SAP, OTHER = SideName.SAP, SideName.OTHER


def assert_equal(world: Trade, key: str) -> Row:
    """The order stands in SAP once, with the total and the lines it has in Dynamics; answers SAP's."""
    twin = world.order_of(key)
    assert total_in_sap(twin) == world.sales_order(key)["totalamount"]
    assert [row["U_HubRef"] for row in twin["DocumentLines"]] == [
        line["salesorderdetailid"] for line in world.lines_of(key)
    ]
    return twin


async def failure_of(world: Trade, key: str) -> Any:
    return (await world.record("order", OTHER, key)).failure


# --- changes ----------------------------------------------------------------------------------------------------------


async def test_a_change_in_dynamics_updates_the_open_order_and_rows_keep_their_numbers(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1, most_lines=5)
        await world.run("order")
        before = assert_equal(world, key)
        first, second, *rest = world.lines_of(key)
        world.dataverse.data_write(
            "salesorderdetails", [{"salesorderdetailid": first["salesorderdetailid"], "quantity": 77}]
        )
        world.dataverse.data_delete("salesorderdetails", second["salesorderdetailid"])
        added = {
            "salesorderid@odata.bind": f"/salesorders({key})",
            "isproductoverridden": True,
            "productdescription": "Engraving",
            "quantity": 2,
            "priceperunit": 9.99,
            "tax": 3.8,
        }
        world.dataverse.data_write("salesorderdetails", [added])
        world.dataverse.data_write("salesorders", [{"salesorderid": key, "description": "At the back door"}])
        run = await world.run("order")
        assert run.counts["updated"] == 1, run
        after = assert_equal(world, key)
        assert (after["DocEntry"], after["Comments"]) == (before["DocEntry"], "At the back door")
        numbers = {row["U_HubRef"]: row["LineNum"] for row in before["DocumentLines"]}
        kept = [row for row in after["DocumentLines"] if row["U_HubRef"] in numbers]
        assert len(kept) == len(rest) + 1
        assert all(numbers[row["U_HubRef"]] == row["LineNum"] for row in kept)
        world.forget_writes()
        await world.run("order")
        assert world.writes() == {}


async def test_a_closed_order_says_so_in_dynamics_and_a_later_change_there_is_a_conflict(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        await world.run("order")
        entry = world.order_of(key)["DocEntry"]
        world.act_on_order(entry, "Close")
        await world.run("order")
        assert world.sales_order(key)["new_sapstatus"] == "closed"
        closed = world.order_of(key)
        world.dataverse.data_write("salesorders", [{"salesorderid": key, "freightamount": 12}])
        run = await world.run("order")
        assert run.counts.get("conflict") == 1, run
        assert world.order_of(key) == closed
        failure = await failure_of(world, key)
        assert "closed" in failure.reason
        assert failure.fields == ("lines",)
        assert run.status == "partly failed"
        world.dataverse.data_write("salesorders", [{"salesorderid": key, "freightamount": None, "description": "Late"}])
        await world.run("order")
        assert "closed" in (await failure_of(world, key)).reason, "a comment is no less a change"
        world.act_on_order(entry, "Reopen")
        await world.run("order")  # it is SAP's change that brings the order up again
        assert_equal(world, key)
        assert await failure_of(world, key) is None
        assert world.sales_order(key)["new_sapstatus"] == "open"


async def edit_both_sides(world: Trade, key: str) -> int:
    """A user of SAP adds a row, one of Dynamics changes the shipping; answers how many rows the SAP order has now."""
    order = world.order_of(key)
    number = len(order["DocumentLines"])
    gift = {"LineNum": number, "ItemCode": "I00009", "Quantity": 1, "UnitPrice": 0, "VatGroup": "A0"}
    world.sap.data_write("Orders", [{"DocEntry": order["DocEntry"], "DocumentLines": [gift]}])
    world.dataverse.data_write("salesorders", [{"salesorderid": key, "freightamount": 12}])
    await world.run("order")
    return number + 1


async def test_where_both_sides_edited_an_order_saps_stands_and_the_outcome_names_it(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        await world.run("order")
        rows = await edit_both_sides(world, key)
        record = await world.record("order", OTHER, key)
        assert len(world.order_of(key)["DocumentLines"]) == rows
        assert record.ruled == {"lines": "sap"}
        assert set(record.held) == {"total"}
        world.forget_writes()
        await world.run("order", "full")
        assert world.writes() == {}


async def test_rows_that_somebody_added_in_sap_are_never_deleted_whatever_the_rule(azurite: str) -> None:
    async with trade(azurite, fieldRules={"order": "other_wins"}) as world:
        (key,) = await with_orders(world, 1)
        await world.run("order")
        rows = await edit_both_sides(world, key)
        assert len(world.order_of(key)["DocumentLines"]) == rows
        assert "by hand" in (await failure_of(world, key)).reason


async def test_a_person_may_be_asked_which_edit_of_an_order_stands(azurite: str) -> None:
    async with trade(azurite, fieldRules={"order": "ask"}) as world:
        (key,) = await with_orders(world, 1)
        await world.run("order")
        await edit_both_sides(world, key)
        assert (await failure_of(world, key)).fields == ("lines",)
        await links.resolve(world.hub, TEMPLATE, "order", OTHER, key, {"lines": SAP})
        await world.run("order")
        assert await failure_of(world, key) is None


# --- totals -----------------------------------------------------------------------------------------------------------


async def test_a_total_that_sap_makes_otherwise_all_the_same_is_linked_named_and_never_posted_again(
    azurite: str,
) -> None:
    async with trade(azurite) as world:
        keys = await with_orders(world, 3, most_lines=3)
        await world.hub.flow(TEMPLATE, "order")  # SAP's decimals are read, and kept for some minutes
        world.sap.data_write("AdminInfo", [{"Code": 1, "PriceAccuracy": 0}])
        run = await world.run("order")
        assert run.counts["created"] == 3
        assert len(world.orders()) == 3
        for key in keys:
            assert total_in_sap(world.order_of(key)) != world.sales_order(key)["totalamount"]
            told = await world.explain("order", OTHER, key)
            assert set(told["held"]) == {"total"}
            assert "could not travel: total" in told["summary"]
        world.forget_writes()
        await world.run("order", "full")
        assert world.writes() == {}


# --- cancelling -------------------------------------------------------------------------------------------------------


async def cancel_in_dynamics(world: Trade, key: str) -> None:
    if world.sales_order(key)["statecode"] != 2:
        world.dataverse.data_write("salesorders", [{"salesorderid": key, "statecode": 2, "statuscode": 4}])
    await world.run("order", "full")


async def test_an_order_cancelled_in_dynamics_is_cancelled_in_sap_if_the_settings_say_so(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        await world.run("order")
        await cancel_in_dynamics(world, key)
        assert world.order_of(key)["Cancelled"] == "tYES"
        assert await failure_of(world, key) is None


async def test_an_order_cancelled_in_dynamics_is_only_reported_unless_they_do(azurite: str) -> None:
    async with trade(azurite, cancelledOrders="report") as world:
        (key,) = await with_orders(world, 1)
        await world.run("order")
        await cancel_in_dynamics(world, key)
        assert world.order_of(key)["Cancelled"] == "tNO"
        assert "cancelled in Dynamics" in (await failure_of(world, key)).reason


async def test_an_order_cancelled_before_it_came_never_comes(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        await cancel_in_dynamics(world, key)
        assert world.orders() == []
        told = await world.explain("order", OTHER, key)
        assert "cancelled before it reached SAP" in told["summary"]


# --- approval ---------------------------------------------------------------------------------------------------------


async def test_under_an_approval_procedure_each_order_has_one_draft_and_is_linked_when_it_is_approved(
    azurite: str,
) -> None:
    async with trade(azurite) as world:
        keys = await with_orders(world, 12)
        world.sap.switches.approval_procedure = True
        run = await world.run("order")
        assert run.counts == {"awaiting approval": 12}
        await world.run("order", "full")
        drafts = {draft["U_HubRef"]: draft["DocEntry"] for draft in world.drafts()}
        assert sorted(drafts) == sorted(f"{TEMPLATE}:{key}" for key in keys)
        assert len(world.drafts()) == 12
        assert world.orders() == []
        assert "approval" in (await world.explain("order", OTHER, keys[0]))["summary"]
        for entry in drafts.values():
            world.decide(entry, approved=True)
        world.dataverse.data_write("salesorders", [{"salesorderid": keys[3], "description": "Changed meanwhile"}])
        await world.settle()
        await world.run("order")
        for key in keys:
            twin = assert_equal(world, key)
            assert world.sales_order(key)["new_sapnumber"] == str(twin["DocNum"])
        assert world.order_of(keys[3])["Comments"] == "Changed meanwhile"
        assert (len(world.drafts()), len(world.orders())) == (12, 12)


async def test_a_rejected_draft_is_listed_and_a_deleted_one_may_be_posted_again(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        world.sap.switches.approval_procedure = True
        await world.run("order")
        (draft,) = world.drafts()
        world.decide(draft["DocEntry"], approved=False)
        await world.settle()
        assert "not approved" in (await failure_of(world, key)).reason
        assert len(world.drafts()) == 1
        world.sap.switches.approval_procedure = False
        world.sap.store.remove("Drafts", world.sap.store.tables["Drafts"].rows[draft["DocEntry"],])
        await failures.retry(world.hub, TEMPLATE, failures.Chosen(object="order", keys=((OTHER, key),)))
        await world.drain()
        assert_equal(world, key)


async def test_an_order_cancelled_while_its_draft_waits_is_a_conflict(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        world.sap.switches.approval_procedure = True
        await world.run("order")
        for _ in range(2):  # however often it is looked at
            await cancel_in_dynamics(world, key)
            assert "Reject that draft" in (await failure_of(world, key)).reason


# --- waiting ----------------------------------------------------------------------------------------------------------


async def test_an_order_for_an_unmarked_item_waits_says_so_and_comes_once_the_item_is_marked(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        group, unit = (
            world.product_of("I00001")["_defaultuomscheduleid_value"],
            world.product_of("I00001")["_defaultuomid_value"],
        )
        (product,) = world.dataverse.seed(
            "product",
            [
                {
                    "productnumber": "I00021",
                    "name": "By hand",
                    "quantitydecimal": 2,
                    "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
                    "defaultuomid@odata.bind": f"/uoms({unit})",
                    "statecode": 0,
                    "statuscode": 1,
                }
            ],
        )
        line = {
            "salesorderid@odata.bind": f"/salesorders({key})",
            "productid@odata.bind": f"/products({product})",
            "uomid@odata.bind": f"/uoms({unit})",
            "ispriceoverridden": True,
            "priceperunit": 5,
            "quantity": 1,
        }
        world.dataverse.data_write("salesorderdetails", [line])
        run = await world.run("order")
        assert run.counts == {"parked": 1}
        told = await world.explain("order", OTHER, key)
        assert "until its product is linked" in told["summary"]
        assert "items/marks" in told["summary"]
        await world.mark_items("I00021")
        await world.run("product")
        await world.settle()
        assert_equal(world, key)
        assert world.product_of("I00021")["productid"] == product


async def test_an_order_whose_account_takes_no_part_waits_for_it(azurite: str) -> None:
    async with trade(azurite) as world:
        (key,) = await with_orders(world, 1)
        (stranger,) = world.dataverse.seed("account", [{"name": "Stranger", "customertypecode": 8}])
        world.dataverse.data_write(
            "salesorders", [{"salesorderid": key, "customerid_account@odata.bind": f"/accounts({stranger})"}]
        )
        assert (await world.run("order")).counts == {"parked": 1}
        assert "until its account is linked" in (await world.explain("order", OTHER, key))["summary"]


@pytest.mark.parametrize("mode", ["delta", "full"])
async def test_ten_rounds_over_products_and_orders_write_nothing(azurite: str, mode: str) -> None:
    async with trade(azurite) as world:
        await with_orders(world, 10)
        await world.run("order")
        world.forget_writes()
        for _ in range(5):
            for name in ("account", "product", "order"):
                assert (await world.run(name, mode)).status == "succeeded"
        assert world.writes() == {}


async def test_orders_older_than_the_start_date_stay_where_they_are(azurite: str) -> None:
    async with trade(azurite, startDate="2999-01-01") as world:
        await with_orders(world, 3)
        assert (await world.run("order")).counts == {}
        assert world.orders() == []
