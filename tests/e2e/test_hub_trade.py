"""Trade through a running hub: items become products with prices, orders become SAP's, by the API alone.

One story; its tests build upon each other in this order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import aiohttp
import pytest

from local.sample_company.sales_catalog import PRICE_LISTS
from shared.ports import SideName
from tests.e2e.driver import OBJECTS, Driver, until
from tests.e2e.subjects import (
    BUYERS,
    ORDER_IN,
    PRODUCT_OUT,
    item_of,
    order_differences,
    orders_of,
    prices_of,
    product_differences,
    product_of,
    sales_order,
    submit_orders,
)
from tests.trade.world import SETTINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LOW, _HIGH, _GROUPS = "I00001", "I00015", {"groupFrom": 100, "groupTo": 102}
#: Outside the range above.
_UNMARKED = "I00021"
OTHER = SideName.OTHER


async def test_lists_show_what_the_settings_may_name(hub: Driver) -> None:
    names = {row["list"]: row["side"] for row in (await hub.api("GET", "/lists"))["items"]}
    assert (names["sap.price_lists"], names["other.price_lists"]) == ("sap", "other")
    in_sap = (await hub.api("GET", "/lists/sap.price_lists"))["items"]
    there = (await hub.api("GET", "/lists/other.price_lists"))["items"]
    assert {row["PriceListNo"] for row in in_sap} >= {mapping["sap"] for mapping in SETTINGS["priceLists"]}
    assert {row["name"] for row in there} == {name for name, _ in PRICE_LISTS}
    assert "VatGroups_Lines" in (await hub.api("GET", "/lists/sap.tax_groups"))["items"][0]
    refused = await hub.api("GET", "/lists/nothing", expect=404)
    assert "sap.price_lists" in refused["detail"]


async def test_settings_that_name_what_is_not_on_a_list_are_refused_by_name(hub: Driver) -> None:
    wrong = {
        **SETTINGS,
        "exemptTaxCode": "A19",
        "priceLists": [{"sap": 99, "currency": "EUR", "dynamics": "Retail EUR"}],
    }
    answer = await hub.api("PUT", "/settings", wrong, expect=400)
    assert {problem["field"].partition(".")[0] for problem in answer["errors"]} == {"exemptTaxCode", "priceLists"}


async def test_complete_settings_open_orders_which_have_no_first_load(hub: Driver) -> None:
    missing = (await hub.api("GET", "/settings"))["missing"]
    assert "startDate" in {problem["setting"] for problem in missing["order"]}
    assert {problem["setting"] for problem in missing["product"]} == {"defaultUnitGroup"}
    await hub.api("POST", "/objects/order/sync", {}, expect=409)
    await hub.api("POST", "/objects/product/initialize", expect=409)
    saved = await hub.api("PUT", "/settings", SETTINGS)
    assert saved["missing"] == {name: [] for name in OBJECTS}
    steps = await hub.api("POST", "/setup")
    assert steps["done"], steps
    answer = await hub.api("POST", "/objects/order/initialize", expect=409)
    assert "no first load" in answer["detail"]
    assert (await hub.sync(name="order"))["status"] == "succeeded"


async def test_items_of_a_range_and_of_groups_become_published_products_with_their_prices(hub: Driver) -> None:
    items = [row for row in hub.sap.data_rows("Items") if _LOW <= row["ItemCode"] <= _HIGH]
    wanted = [row["ItemCode"] for row in items if 100 <= row["ItemsGroupCode"] <= 102]
    assert 0 < len(wanted) < len(items), "the groups leave some out"
    marking = await hub.mark_range(_LOW, _HIGH, noun="items", **_GROUPS)
    assert marking["counts"] == {"marked": len(wanted)}
    run = await hub.initialize("product")
    assert (run["status"], run["counts"]) == ("succeeded", {"created": len(wanted)})
    assert [row["productnumber"] for row in hub.dataverse.data_rows("products")] == sorted(wanted)
    assert product_differences(hub, wanted) == []


async def test_a_price_edit_that_leaves_no_stamp_arrives_by_a_sweep_that_starts_by_itself(hub: Driver) -> None:
    before = {name: item_of(hub, "I00003").get(name) for name in ("DataVersion", "UpdateDate", "UpdateTime")}
    old, new = prices_of(hub, "I00003")["Retail EUR"], Decimal("1234.56")
    hub.sap.data_write("Items", [{"ItemCode": "I00003", "ItemPrices": [{"PriceList": 1, "Price": 1234.56}]}])
    assert {name: item_of(hub, "I00003").get(name) for name in before} == before
    await hub.sync(name="product")
    assert prices_of(hub, "I00003")["Retail EUR"] == old, "no stamp leads a delta run to it"
    sweep = {"run": "daily", "every": "01:00", "timezone": "Asia/Tokyo"}
    schedule = await hub.api("PUT", "/objects/product/schedule", {"run": "never", "sweep": sweep})
    assert (len(schedule["nextStarts"]), len(schedule["nextSweeps"])) == (0, 5)
    await hub.pretend_the_last_start_was(timedelta(hours=25), name="product")

    async def arrived() -> bool:
        return prices_of(hub, "I00003")["Retail EUR"] == new

    await until(arrived, "the sweep", log=hub.log)
    await hub.at_rest()
    assert product_differences(hub, ["I00003"]) == []
    runs = (await hub.env.api("GET", "/runs?template=dynamics&object=product&limit=1000"))["items"]
    (swept,) = [run for run in runs if run["origin"] == "schedule"]
    assert (swept["mode"], swept["status"], swept["counts"].get("updated")) == ("sweep", "succeeded", 1)
    await hub.api("PUT", "/objects/product/schedule", {"run": "never"})


async def test_a_submitted_order_is_in_sap_once_with_its_total_and_its_number_comes_back(hub: Driver) -> None:
    await hub.mark(BUYERS)
    hub.sap.data_write("BusinessPartners", [{"CardCode": code, "Currency": "##"} for code in BUYERS])
    assert (await hub.initialize())["status"] == "succeeded"
    keys = submit_orders(hub, 4)
    run = await hub.sync(name="order")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 4)
    await ORDER_IN.arrived(hub, keys)
    again = await hub.sync("full", name="order")
    assert (again["status"], set(again["counts"])) == ("succeeded", {"unchanged"})
    await ORDER_IN.arrived(hub, keys)
    assert len(hub.sap.data_rows("Orders")) == 4


async def test_an_order_for_an_item_that_takes_no_part_waits_says_so_and_is_freed_by_its_mark(hub: Driver) -> None:
    (key,) = submit_orders(hub, 1)
    _add_line(hub, key, _sold_by_hand(hub, _UNMARKED))
    run = await hub.sync(name="order")
    assert run["counts"]["parked"] == 1
    assert orders_of(hub, key) == []
    told = await hub.explain("order", key, side=OTHER)
    assert "waits until its product is linked" in told["summary"]
    assert "items/marks" in told["summary"]
    await hub.mark([_UNMARKED], noun="items")
    await hub.sync(name="product")

    async def freed() -> bool:
        return bool(orders_of(hub, key))

    await until(freed, "the order, of which nobody spoke again", log=hub.log)
    await hub.at_rest()
    await ORDER_IN.arrived(hub, [key])
    await PRODUCT_OUT.arrived(hub, [_UNMARKED])
    assert "in step" in (await hub.explain("order", key, side=OTHER))["summary"]


def _sold_by_hand(hub: Driver, code: str) -> str:
    """A product of an item that the hub did not make, published; its id."""
    like = product_of(hub, "I00001")
    columns = {"productnumber": code, "name": "Made by hand", "quantitydecimal": 2, "statecode": 0, "statuscode": 1}
    binds = {
        "defaultuomscheduleid@odata.bind": f"/uomschedules({like['_defaultuomscheduleid_value']})",
        "defaultuomid@odata.bind": f"/uoms({like['_defaultuomid_value']})",
    }
    (made,) = hub.dataverse.seed("product", [{**columns, **binds}])
    return made


def _add_line(hub: Driver, key: str, product: str) -> None:
    unit = next(row for row in hub.dataverse.data_rows("products") if row["productid"] == product)[
        "_defaultuomid_value"
    ]
    line = {
        "salesorderid@odata.bind": f"/salesorders({key})",
        "productid@odata.bind": f"/products({product})",
        "uomid@odata.bind": f"/uoms({unit})",
        "ispriceoverridden": True,
        "priceperunit": 5,
        "quantity": 1,
    }
    hub.dataverse.data_write("salesorderdetails", [line])


async def test_ten_rounds_over_products_and_orders_write_nothing_on_either_side(hub: Driver) -> None:
    modes = {3: {"product": "sweep", "order": "delta"}, 6: {"product": "full", "order": "full"}}
    hub.sap.control.reset_stats()
    hub.dataverse.control.reset_stats()
    for n in range(10):
        wanted = modes.get(n, {"product": "delta", "order": "delta"})
        runs = [await hub.start(mode, name=name) for name, mode in wanted.items()]
        for run in runs:
            assert (await hub.run_to_end(run))["status"] == "succeeded"
    assert (dict(hub.sap.control.writes), dict(hub.dataverse.control.writes)) == ({}, {})
    assert (dict(hub.sap.control.written), dict(hub.dataverse.control.written)) == ({}, {})


@contextmanager
def _approval_procedure(hub: Driver) -> Iterator[None]:
    hub.sap.switches.approval_procedure = True
    yield
    hub.sap.switches.approval_procedure = False


async def test_under_an_approval_procedure_each_order_has_one_draft_and_is_linked_when_it_is_approved(
    hub: Driver,
) -> None:
    orders = len(hub.sap.data_rows("Orders"))
    with _approval_procedure(hub):
        keys = submit_orders(hub, 3)
        run = await hub.sync(name="order")
        assert run["counts"]["awaiting approval"] == 3
        await hub.sync("full", name="order")
        drafts = {row["U_HubRef"]: row["DocEntry"] for row in hub.sap.data_rows("Drafts")}
        assert sorted(drafts) == sorted(f"dynamics:{key}" for key in keys)
        assert len(hub.sap.data_rows("Drafts")) == 3
        assert len(hub.sap.data_rows("Orders")) == orders
        assert sales_order(hub, keys[0]).get("new_sapnumber") is None
        assert "awaits approval" in (await hub.explain("order", keys[0], side=OTHER))["summary"]
        for entry in drafts.values():
            await _approve(hub, entry)

        async def linked() -> bool:
            return order_differences(hub, keys) == []

        await until(linked, "the approved orders", log=hub.log)
    await hub.at_rest()
    await ORDER_IN.arrived(hub, keys)
    assert (len(hub.sap.data_rows("Drafts")), len(hub.sap.data_rows("Orders"))) == (3, orders + 3)
    assert await hub.failures() == []
    assert await hub.poisoned() == {}


async def _approve(hub: Driver, draft: int) -> None:
    url = f"{hub.env.simulators.urls['sap']}/_sim/approvals/{draft}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={"decision": "approve"}, ssl=False) as answer,
    ):
        assert answer.status == 200, await answer.text()
