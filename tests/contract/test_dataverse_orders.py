"""Contract of simulated sales orders: lines, prices, totals, states, read-only orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dataverse.orders import SUBMITTED, lay_out_orders
from local.simulators.dataverse.org import DEFAULT_BULK
from local.simulators.dataverse.tables import BULK_MESSAGES
from tests.contract.dataverse_shop import Shop, shop, write_in
from tests.contract.dataverse_support import error_code, running_dataverse

__all__ = ["shop"]


# -- creating


async def test_an_order_and_its_lines_come_in_one_request(shop: Shop) -> None:
    key = await shop.made(shop.line(2), write_in(5))
    order = await shop.read(key)
    assert [(line["lineitemnumber"], line["productnumber"]) for line in order["order_details"]] == [(1, "P"), (2, None)]
    assert order["order_details"][0]["salesorderdetailname"] == "Name P"
    assert (order["statecode"], order["statuscode"], order["_accountid_value"]) == (0, 1, shop.account)
    writes = dict(shop.dataverse.simulator.control.writes)
    assert writes == {"salesorders create": 1, "salesorderdetails create": 2}


async def test_one_bad_line_refuses_the_whole_order(shop: Shop) -> None:
    response = await shop.dataverse.post("salesorders", shop.order(write_in(5), shop.line(product=shop.draft)))
    assert (response.status_code, error_code(response)) == (400, "0x8004f908")
    assert shop.dataverse.simulator.data_rows("salesorders") == []
    assert shop.dataverse.simulator.data_rows("salesorderdetails") == []


async def test_an_update_takes_no_lines(shop: Shop) -> None:
    key = await shop.made(write_in(5))
    response = await shop.dataverse.patch(f"salesorders({key})", {"order_details": [write_in(6)]})
    assert response.status_code == 400
    assert len((await shop.read(key))["order_details"]) == 1


async def test_an_order_number_is_given_once_and_never_changes(shop: Shop) -> None:
    first, second = await shop.read(await shop.made()), await shop.read(await shop.made())
    assert first["ordernumber"] != second["ordernumber"]
    key = await shop.made(ordernumber="SO-1")
    await shop.dataverse.patch(f"salesorders({key})", {"ordernumber": "SO-2"})
    assert (await shop.read(key))["ordernumber"] == "SO-1"
    response = await shop.dataverse.post("salesorders", shop.order(ordernumber="so-1"))
    assert response.status_code == 412


async def test_a_create_does_not_submit_an_order(shop: Shop) -> None:
    assert (await shop.read(await shop.made(statecode=1)))["statecode"] == 0
    response = await shop.dataverse.post("salesorders", shop.order(**SUBMITTED))
    assert error_code(response) == "0x80048408"


async def test_an_order_is_in_the_currency_of_its_price_list(shop: Shop) -> None:
    org = shop.dataverse.simulator.org
    key = await shop.made(shop.line(2), **{"pricelevelid@odata.bind": f"/pricelevels({shop.dollars})"})
    order = await shop.read(key)
    assert order["_transactioncurrencyid_value"] == org.currency_id("USD")
    assert (order["totalamount"], order["totalamount_base"], order["exchangerate"]) == (25, 20, Decimal("1.25"))
    assert order["order_details"][0]["_transactioncurrencyid_value"] == org.currency_id("USD")
    wrong = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({org.currency_id('GBP')})"}
    response = await shop.dataverse.post("salesorders", shop.order(**wrong))
    assert error_code(response) == "0x80048cf6"
    change = {"pricelevelid@odata.bind": f"/pricelevels({shop.euros})"}
    assert error_code(await shop.dataverse.patch(f"salesorders({key})", change)) == "0x80048cf6"


# -- lines


async def test_a_price_comes_from_the_price_list_unless_it_is_overridden(shop: Shop) -> None:
    key = await shop.made(shop.line(2, priceperunit=99), shop.line(2, priceperunit=99, ispriceoverridden=True))
    prices = [(line["priceperunit"], line["baseamount"]) for line in (await shop.read(key))["order_details"]]
    assert prices == [(10, 20), (99, 198)]


async def test_a_line_keeps_its_price_until_somebody_writes_it(shop: Shop) -> None:
    key = await shop.made(shop.line(2))
    (price,) = [
        row["productpricelevelid"]
        for row in shop.dataverse.simulator.data_rows("productpricelevels")
        if row["_pricelevelid_value"] == shop.euros
    ]
    await shop.dataverse.patch(f"productpricelevels({price})", {"amount": 11})
    await shop.dataverse.patch(f"salesorders({key})", {"name": "Renamed"})
    order = await shop.read(key)
    assert order["totalamount"] == 20
    await shop.dataverse.patch(f"salesorderdetails({order['order_details'][0]['salesorderdetailid']})", {"quantity": 3})
    assert (await shop.read(key))["totalamount"] == 33


async def test_another_price_list_prices_all_lines_anew_unless_prices_are_locked(shop: Shop) -> None:
    (other,) = shop.dataverse.simulator.seed("pricelevel", [{"name": "Wholesale"}])
    item = {
        "productid@odata.bind": f"/products({shop.product})",
        "uomid@odata.bind": f"/uoms({shop.unit})",
        "amount": 8,
    }
    shop.dataverse.simulator.seed("productpricelevel", [item | {"pricelevelid@odata.bind": f"/pricelevels({other})"}])
    change = {"pricelevelid@odata.bind": f"/pricelevels({other})"}
    open_order, locked = [await shop.made(shop.line(2), write_in(1)) for _ in range(2)]
    await shop.dataverse.patch(f"salesorders({locked})", {"ispricelocked": True})
    for key in (open_order, locked):
        assert (await shop.dataverse.patch(f"salesorders({key})", change)).status_code == 204
    assert [(await shop.read(key))["totalamount"] for key in (open_order, locked)] == [17, 21]


async def test_an_order_with_locked_prices_takes_the_prices_of_its_lines(shop: Shop) -> None:
    order = await shop.read(await shop.made(shop.line(2, priceperunit=99), ispricelocked=True))
    assert (order["totalamount"], order["order_details"][0]["salesorderispricelocked"]) == (198, True)


async def test_a_line_stays_with_its_order(shop: Shop) -> None:
    first, second = await shop.made(shop.line(2)), await shop.made()
    line = (await shop.read(first))["order_details"][0]["salesorderdetailid"]
    move = {"salesorderid@odata.bind": f"/salesorders({second})"}
    await shop.dataverse.patch(f"salesorderdetails({line})", move)
    assert [(await shop.read(key))["totalamount"] for key in (first, second)] == [20, 0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"productid@odata.bind": None}, "0x80043b11"),
        ({"uomid@odata.bind": None}, "0x80043b0d"),
        ({"quantity": 1.234}, "0x80043b07"),
        ({"isproductoverridden": True, "productdescription": "x"}, "0x80043afb"),
        ({"isproductoverridden": True, "productdescription": "x", "productid@odata.bind": None}, "0x80043afa"),
        ({"manualdiscountamount": -1}, "0x80044330"),
    ],
)
async def test_a_line_that_contradicts_itself_is_refused(shop: Shop, change: dict[str, Any], code: str) -> None:
    response = await shop.add_line(await shop.made(), shop.line() | change)
    assert (response.status_code, error_code(response)) == (400, code)


async def test_a_unit_of_another_group_is_refused(shop: Shop) -> None:
    line = shop.line() | {"uomid@odata.bind": f"/uoms({shop.other_unit})"}
    assert error_code(await shop.add_line(await shop.made(), line)) == "0x80043b14"


async def test_a_product_without_a_price_is_an_error_on_the_line_and_no_refusal(shop: Shop) -> None:
    key = await shop.made(shop.line(1), shop.line(3, product=shop.unpriced))
    order = await shop.read(key)
    line = order["order_details"][1]
    assert (order["pricingerrorcode"], line["pricingerrorcode"]) == (1, 11)
    assert (line["priceperunit"], line["extendedamount"], order["totalamount"]) == (None, 0, 10)
    path = f"salesorderdetails({line['salesorderdetailid']})"
    await shop.dataverse.patch(path, {"ispriceoverridden": True, "priceperunit": 4})
    mended = await shop.read(key)
    assert (mended["pricingerrorcode"], mended["totalamount"]) == (0, 22)


async def test_computed_columns_of_a_payload_have_no_effect(shop: Shop) -> None:
    key = await shop.made(shop.line(2, extendedamount=1, baseamount=1), totalamount=1, totallineitemamount=1)
    assert (await shop.read(key))["totalamount"] == 20
    await shop.dataverse.patch(f"salesorders({key})", {"totalamount": 1})
    assert (await shop.read(key))["totalamount"] == 20


# -- totals


async def test_totals_add_up(shop: Shop) -> None:
    key = await shop.made(
        shop.line(1.55, manualdiscountamount=0.5, tax=2.85),
        write_in(3.333, 3, tax=1.9),
        discountpercentage=12.5,
        discountamount=0.25,
        freightamount=4.99,
    )
    order = await shop.read(key)
    lines = [(line["baseamount"], line["extendedamount"]) for line in order["order_details"]]
    assert lines == [(Decimal("15.5"), Decimal("17.85")), (Decimal("9.99"), Decimal("11.89"))]
    expected = {
        "totallineitemamount": "24.99",
        "totallineitemdiscountamount": "0.5",
        "totaldiscountamount": "3.87",
        "totalamountlessfreight": "21.62",
        "totaltax": "4.75",
        "totalamount": "31.36",
    }
    assert {name: order[name] for name in expected} == {name: Decimal(value) for name, value in expected.items()}


async def test_totals_follow_lines_that_come_change_and_go(shop: Shop) -> None:
    key = await shop.made()
    assert (await shop.read(key))["totalamount"] == 0
    response = await shop.add_line(key, shop.line(2))
    line = response.headers["OData-EntityId"].rsplit("/", 1)[1]
    assert (await shop.read(key))["totalamount"] == 20
    await shop.dataverse.patch(line, {"quantity": 5})
    assert (await shop.read(key))["totalamount"] == 50
    await shop.dataverse.patch(f"salesorders({key})", {"freightamount": 7})
    assert (await shop.read(key))["totalamount"] == 57
    await shop.dataverse.send("DELETE", line)
    assert (await shop.read(key))["totalamount"] == 7


async def test_an_org_may_count_a_lines_discount_once_per_unit(shop: Shop) -> None:
    shop.dataverse.simulator.switches.discount_is_per_unit = True
    order = await shop.read(await shop.made(shop.line(4, manualdiscountamount=1)))
    assert (order["order_details"][0]["extendedamount"], order["totaldiscountamount"]) == (36, 4)


@pytest.mark.parametrize("touches", [True, False])
async def test_a_changed_line_moves_the_stamp_of_its_order_by_a_switch(shop: Shop, touches: bool) -> None:
    past = "2024-01-01T00:00:00Z"
    shop.dataverse.simulator.switches.line_changes_touch_order = touches
    (key,) = shop.dataverse.simulator.seed("salesorder", [shop.order(shop.line(1), modifiedon=past)])
    before = await shop.read(key)
    assert before["modifiedon"] == before["order_details"][0]["modifiedon"] == past
    await shop.add_line(key, shop.line(1))
    after = await shop.read(key)
    assert (after["modifiedon"] > past, after["totalamount"]) == (touches, 20)
    assert after["@odata.etag"] != before["@odata.etag"]


# -- states

CLOSE = {"CancelSalesOrder": (4, 2), "FulfillSalesOrder": (100001, 3)}


def closing(key: str, status: int) -> dict[str, Any]:
    return {"Status": status, "OrderClose": {"subject": "x", "salesorderid@odata.bind": f"/salesorders({key})"}}


async def test_an_order_is_submitted_and_taken_back_by_an_update(shop: Shop) -> None:
    key = await shop.made(shop.line())
    assert (await shop.dataverse.patch(f"salesorders({key})", SUBMITTED)).status_code == 204
    order = await shop.read(key)
    assert (order["statecode"], order["statuscode"]) == (1, 3)
    assert order["order_details"][0]["salesorderstatecode"] == 1
    assert (await shop.dataverse.patch(f"salesorders({key})", {"statecode": 0})).status_code == 204


@pytest.mark.parametrize("state", [2, 3, 4])
async def test_an_update_does_not_close_an_order(shop: Shop, state: int) -> None:
    key = await shop.made()
    response = await shop.dataverse.patch(f"salesorders({key})", {"statecode": state})
    assert (response.status_code, error_code(response)) == (400, "0x80040233")


@pytest.mark.parametrize("message", sorted(CLOSE))
@pytest.mark.parametrize("before", [{"statecode": 0}, SUBMITTED])
async def test_a_message_closes_an_order_once(shop: Shop, message: str, before: dict[str, int]) -> None:
    status, state = CLOSE[message]
    key = await shop.made(shop.line())
    await shop.dataverse.patch(f"salesorders({key})", dict(before))
    assert error_code(await shop.dataverse.post(message, closing(key, 1))) == "0x80048408"
    assert (await shop.dataverse.post(message, closing(key, status))).status_code == 204
    order = await shop.read(key)
    assert (order["statecode"], order["statuscode"]) == (state, status)
    assert error_code(await shop.dataverse.post(message, closing(key, status))) == "0x80040233"
    assert error_code(await shop.dataverse.patch(f"salesorders({key})", {"statecode": 0})) == "0x80040233"


@pytest.mark.parametrize("state", [2, 3, 4])
async def test_a_final_order_and_its_lines_take_no_change(shop: Shop, state: int) -> None:
    (key,) = shop.dataverse.simulator.seed("salesorder", [shop.order(shop.line(), statecode=state)])
    order = await shop.read(key)
    line = f"salesorderdetails({order['order_details'][0]['salesorderdetailid']})"
    answers = {
        "header": await shop.dataverse.patch(f"salesorders({key})", {"name": "x"}),
        "line": await shop.dataverse.patch(line, {"quantity": 9}),
        "new line": await shop.add_line(key, shop.line()),
        "line gone": await shop.dataverse.send("DELETE", line),
        "header gone": await shop.dataverse.send("DELETE", f"salesorders({key})"),
    }
    assert {name: error_code(answer) for name, answer in answers.items()} == {
        "header": "0x8004022e",
        "line": "0x80043b09",
        "new line": "0x80043b09",
        "line gone": "0x80043b09",
        "header gone": "0x80040228",
    }
    assert await shop.read(key) == order


async def test_a_submitted_order_is_read_only_by_a_switch(shop: Shop) -> None:
    (key,) = lay_out_orders(shop.dataverse.simulator, [shop.order(shop.line())])
    assert (await shop.dataverse.patch(f"salesorders({key})", {"name": "x"})).status_code == 204
    shop.dataverse.simulator.switches.submitted_orders_are_editable = False
    assert error_code(await shop.dataverse.patch(f"salesorders({key})", {"name": "y"})) == "0x8004022e"
    assert error_code(await shop.add_line(key, shop.line())) == "0x80043b09"
    assert (await shop.dataverse.patch(f"salesorders({key})", {"statecode": 0})).status_code == 204
    assert (await shop.dataverse.patch(f"salesorders({key})", {"name": "y"})).status_code == 204


async def test_the_panel_submits_and_cancels_as_a_user_of_the_app(shop: Shop) -> None:
    write = shop.dataverse.simulator.data_write
    (order,) = write("salesorders", [shop.order(shop.line(), **SUBMITTED)])
    assert (order["statecode"], order["totalamount"]) == (1, 20)
    (order,) = write("salesorders", [{"salesorderid": order["salesorderid"], "statecode": 2}])
    assert order["statuscode"] == 4
    with pytest.raises(ValueError, match="read-only"):
        write("salesorders", [{"salesorderid": order["salesorderid"], "name": "x"}])


async def test_an_active_order_takes_its_lines_along(shop: Shop) -> None:
    key = await shop.made(shop.line(), write_in(1))
    assert (await shop.dataverse.send("DELETE", f"salesorders({key})")).status_code == 204
    assert shop.dataverse.simulator.data_rows("salesorderdetails") == []


async def test_what_orders_use_cannot_be_deleted(shop: Shop) -> None:
    await shop.made(shop.line())
    for path in (f"products({shop.product})", f"pricelevels({shop.euros})", f"accounts({shop.account})"):
        response = await shop.dataverse.send("DELETE", path)
        assert (response.status_code, error_code(response)) == (405, "0x80040227")


# -- queries, columns, bulk


async def test_lines_come_with_each_order_of_a_page(shop: Shop) -> None:
    for quantity in (1, 2):
        await shop.made(*(shop.line(number + 1) for number in range(quantity)))
    query = "salesorders?$select=totalamount&$filter=statecode eq 0&$expand=order_details($select=quantity)"
    rows = await shop.dataverse.all_pages(query, page_size=1)
    assert sorted(sorted(line["quantity"] for line in row["order_details"]) for row in rows) == [[1], [1, 2]]
    assert "baseamount" not in rows[0]["order_details"][0]
    assert (await shop.dataverse.get("salesorders?$expand=order_lines")).status_code == 400


async def test_lines_can_be_read_by_their_order(shop: Shop) -> None:
    key, _ = await shop.made(shop.line(1), shop.line(2)), await shop.made(shop.line(3))
    rows = (await shop.dataverse.get(f"salesorderdetails?$filter=_salesorderid_value eq {key}")).json()["value"]
    assert sorted(row["quantity"] for row in rows) == [1, 2]


async def test_an_order_takes_a_text_column_of_its_own(shop: Shop) -> None:
    body = {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": "hub_ErpNumber",
        "MaxLength": 20,
    }
    response = await shop.dataverse.post("EntityDefinitions(LogicalName='salesorder')/Attributes", body)
    assert response.status_code == 204
    key = await shop.made(shop.line(), hub_erpnumber="4711")
    rows = (await shop.dataverse.get("salesorders?$select=name&$filter=hub_erpnumber eq '4711'")).json()["value"]
    assert [row["salesorderid"] for row in rows] == [key]


async def test_orders_have_bulk_messages_but_not_with_lines(shop: Shop) -> None:
    typed = {"@odata.type": "Microsoft.Dynamics.CRM.salesorder"}
    header = {name: value for name, value in shop.order().items() if name != "order_details"}
    path = "salesorders/Microsoft.Dynamics.CRM.CreateMultiple"
    made = await shop.dataverse.post(path, {"Targets": [typed | header, typed | header]})
    assert len(made.json()["Ids"]) == 2
    assert (await shop.dataverse.post(path, {"Targets": [typed | shop.order(shop.line())]})).status_code == 501


async def test_lines_have_bulk_messages_only_in_an_org_that_has_them(shop: Shop) -> None:
    key = await shop.made()
    line = write_in(5) | {"@odata.type": "Microsoft.Dynamics.CRM.salesorderdetail"}
    targets = {"Targets": [line | {"salesorderid@odata.bind": f"/salesorders({key})"}] * 3}
    path = "salesorderdetails/Microsoft.Dynamics.CRM.CreateMultiple"
    assert (await shop.dataverse.post(path, targets)).status_code == 400
    async with running_dataverse(bulk={**DEFAULT_BULK, "salesorderdetail": BULK_MESSAGES}) as other:
        (key,) = other.simulator.seed("salesorder", [{"name": "x"}])
        targets = {"Targets": [line | {"salesorderid@odata.bind": f"/salesorders({key})"}] * 3}
        assert len((await other.post(path, targets)).json()["Ids"]) == 3
        assert other.simulator.data_rows("salesorders")[0]["totalamount"] == 15
