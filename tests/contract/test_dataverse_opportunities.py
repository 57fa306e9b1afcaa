"""Contract of simulated opportunities: customer and parents, revenue, lines, winning, losing, opening again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from local.simulators.dataverse.orders import lay_out_catalog, lay_out_opportunities, make_orders
from tests.contract.dataverse_shop import Shop, shop, write_in
from tests.contract.dataverse_support import UNKNOWN_ID, error_code, running_dataverse

__all__ = ["shop"]

SET = "opportunities"
CLOSE = {"WinOpportunity": (3, 1), "LoseOpportunity": (5, 2)}


async def made(shop: Shop, *lines: dict[str, Any], **values: Any) -> str:
    return await shop.made(*lines, of=SET, **values)


async def read(shop: Shop, key: str) -> dict[str, Any]:
    return await shop.read(key, SET)


async def change(shop: Shop, key: str, **values: Any) -> httpx.Response:
    return await shop.dataverse.patch(f"{SET}({key})", values)


async def close(shop: Shop, key: str, message: str, status: int | None = None, **values: Any) -> httpx.Response:
    activity = {"subject": "x", "opportunityid@odata.bind": f"/{SET}({key})", **values}
    body = {"Status": CLOSE[message][0] if status is None else status, "OpportunityClose": activity}
    return await shop.dataverse.post(message, body)


def account_bind(name: str, key: str) -> dict[str, str]:
    return {f"{name}@odata.bind": f"/accounts({key})"}


def contact_bind(name: str, key: str) -> dict[str, str]:
    return {f"{name}@odata.bind": f"/contacts({key})"}


# -- customer


async def test_a_customer_fills_the_parent_of_its_kind(shop: Shop) -> None:
    (contact,) = shop.dataverse.simulator.seed("contact", [{"lastname": "Li"}])
    key = await made(shop)
    row = await read(shop, key)
    assert (row["_customerid_value"], row["_parentaccountid_value"], row["_accountid_value"]) == (shop.account,) * 3
    assert row["_parentcontactid_value"] is None
    assert (await change(shop, key, **contact_bind("customerid_contact", contact))).status_code == 204
    row = await read(shop, key)
    assert (row["_customerid_value"], row["_parentcontactid_value"], row["_contactid_value"]) == (contact,) * 3
    assert (row["_parentaccountid_value"], row["_accountid_value"]) == (None, None)


async def test_parents_make_the_customer_an_account_before_a_contact(shop: Shop) -> None:
    (contact,) = shop.dataverse.simulator.seed("contact", [{"lastname": "Li"}])
    response = await shop.dataverse.post(SET, {"name": "x", **contact_bind("parentcontactid", contact)})
    key = response.headers["OData-EntityId"][-37:-1]
    assert (await read(shop, key))["_contactid_value"] == contact
    await change(shop, key, **account_bind("parentaccountid", shop.account))
    row = await read(shop, key)
    assert (row["_customerid_value"], row["_accountid_value"]) == (shop.account, shop.account)
    assert row["_parentcontactid_value"] == contact
    await change(shop, key, parentaccountid=None)
    assert (await read(shop, key))["_customerid_value"] == contact
    await change(shop, key, parentcontactid=None)
    assert (await read(shop, key))["_customerid_value"] is None


async def test_a_contact_beside_an_account_stays_when_the_account_is_another(shop: Shop) -> None:
    account, contact = (
        shop.dataverse.simulator.seed(table, [row])[0]
        for table, row in (("account", {"name": "B"}), ("contact", {"lastname": "Li"}))
    )
    key = await made(shop, **contact_bind("parentcontactid", contact))
    await change(shop, key, **account_bind("customerid_account", account))
    row = await read(shop, key)
    assert (row["_parentaccountid_value"], row["_parentcontactid_value"]) == (account, contact)


# -- revenue, currency, lines


async def test_revenue_follows_the_lines_while_the_system_calculates_it(shop: Shop) -> None:
    key = await made(shop, shop.line(2), isrevenuesystemcalculated=True, estimatedvalue=5)
    assert (await read(shop, key))["estimatedvalue"] == 20
    await shop.add_line(key, write_in(7), SET)
    assert (await read(shop, key))["estimatedvalue"] == 27
    await change(shop, key, estimatedvalue=5, discountamount=1)
    assert (await read(shop, key))["estimatedvalue"] == 26


async def test_revenue_is_what_is_given_while_a_user_provides_it(shop: Shop) -> None:
    key = await made(shop, shop.line(2), estimatedvalue=5)
    row = await read(shop, key)
    assert (row["isrevenuesystemcalculated"], row["estimatedvalue"], row["totalamount"]) == (False, 5, 20)
    await change(shop, key, isrevenuesystemcalculated=True)
    assert (await read(shop, key))["estimatedvalue"] == 20
    await change(shop, key, isrevenuesystemcalculated=False)
    await change(shop, key, estimatedvalue=6)
    assert (await read(shop, key))["estimatedvalue"] == 6


async def test_lines_are_priced_and_totals_add_up_as_on_orders(shop: Shop) -> None:
    key = await made(
        shop,
        shop.line(1.55, manualdiscountamount=0.5, tax=2.85),
        write_in(3.333, 3, tax=1.9),
        shop.line(1, product=shop.unpriced),
        discountpercentage=12.5,
        freightamount=4.99,
    )
    row = await read(shop, key)
    lines = row["product_opportunities"]
    assert [line["opportunityproductname"] for line in lines] == ["Name P", "Engraving", "Name U"]
    assert [line["pricingerrorcode"] for line in lines] == [0, 0, 11]
    assert {line["opportunitystatecode"] for line in lines} == {0}
    assert (row["totallineitemamount"], row["totaltax"], row["totalamount"], row["pricingerrorcode"]) == (
        Decimal("24.99"),
        Decimal("4.75"),
        Decimal("31.61"),
        1,
    )


async def test_an_opportunity_is_in_the_currency_of_its_price_list_and_keeps_it_with_lines(shop: Shop) -> None:
    org = shop.dataverse.simulator.org
    dollars = {"pricelevelid@odata.bind": f"/pricelevels({shop.dollars})"}
    key = await made(shop, **dollars)
    row = await read(shop, key)
    assert (row["_transactioncurrencyid_value"], row["exchangerate"]) == (org.currency_id("USD"), Decimal("1.25"))
    pounds = {
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({org.currency_id('GBP')})",
        "pricelevelid@odata.bind": None,
    }
    assert (await change(shop, key, **pounds)).status_code == 204
    await shop.add_line(key, write_in(1), SET)
    euros = pounds | {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({org.currency_id('EUR')})"}
    assert error_code(await change(shop, key, **euros)) == "0x80048479"


async def test_a_quote_holds_its_opportunity_to_the_currency(shop: Shop) -> None:
    org = shop.dataverse.simulator.org
    key = await made(shop)
    await shop.made(of="quotes", **{"opportunityid@odata.bind": f"/{SET}({key})"})
    values = {
        "pricelevelid@odata.bind": None,
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({org.currency_id('USD')})",
    }
    assert error_code(await change(shop, key, **values)) == "0x80048479"


# -- states


async def test_a_create_does_not_close_an_opportunity(shop: Shop) -> None:
    assert (await read(shop, await made(shop, statecode=1)))["statecode"] == 0


@pytest.mark.parametrize("state", [1, 2])
async def test_an_update_does_not_close_an_opportunity(shop: Shop, state: int) -> None:
    key = await made(shop)
    response = await change(shop, key, statecode=state)
    assert (response.status_code, error_code(response)) == (400, "0x80100005")
    assert (await read(shop, key))["statecode"] == 0


async def test_an_opportunity_is_put_on_hold_by_an_update(shop: Shop) -> None:
    key = await made(shop)
    assert (await change(shop, key, statuscode=2)).status_code == 204
    assert (await change(shop, key, name="still open")).status_code == 204


@pytest.mark.parametrize("message", sorted(CLOSE))
async def test_a_message_closes_an_opportunity_once(shop: Shop, message: str) -> None:
    status, state = CLOSE[message]
    key = await made(shop, shop.line())
    assert error_code(await close(shop, key, message, 1)) == "0x80048408"
    closed = await close(shop, key, message, actualrevenue=99.5, actualend="2026-04-05T06:07:08Z")
    assert closed.status_code == 204
    row = await read(shop, key)
    assert (row["statecode"], row["statuscode"]) == (state, status)
    assert (row["actualclosedate"], row["actualvalue"]) == ("2026-04-05", Decimal("99.5"))
    assert row["product_opportunities"][0]["opportunitystatecode"] == state
    for again in CLOSE:
        assert error_code(await close(shop, key, again)) == "0x80040515"


async def test_what_a_closing_does_not_say_comes_from_the_estimate_and_the_day(shop: Shop) -> None:
    shop.dataverse.simulator.control.set_clock(instant="2026-05-06T12:00:00Z")
    won, lost = await made(shop, estimatedvalue=40), await made(shop, estimatedvalue=40)
    assert (await close(shop, won, "WinOpportunity", -1)).status_code == 204
    assert (await close(shop, lost, "LoseOpportunity", -1)).status_code == 204
    rows = [await read(shop, key) for key in (won, lost)]
    assert [(row["statuscode"], row["actualvalue"], row["actualclosedate"]) for row in rows] == [
        (3, 40, "2026-05-06"),
        (4, 0, "2026-05-06"),
    ]


@pytest.mark.parametrize(
    "values", [{"actualrevenue": "much"}, {"actualend": "soon"}, {"actualend": 3}, {"opportunityid@odata.bind": 3}]
)
async def test_a_closing_that_cannot_be_read_is_refused(shop: Shop, values: dict[str, Any]) -> None:
    key = await made(shop)
    response = await close(shop, key, "WinOpportunity", **values)
    assert (response.status_code, error_code(response)) == (400, "0x80048d19")
    assert (await read(shop, key))["statecode"] == 0


async def test_only_opportunities_that_exist_are_closed(shop: Shop) -> None:
    assert (await close(shop, UNKNOWN_ID, "WinOpportunity")).status_code == 404
    order = f"/salesorders({await shop.made()})"
    response = await close(shop, UNKNOWN_ID, "WinOpportunity", **{"opportunityid@odata.bind": order})
    assert error_code(response) == "0x80048d19"


@pytest.mark.parametrize("message", sorted(CLOSE))
async def test_a_closed_opportunity_takes_no_change_until_it_is_open_again(shop: Shop, message: str) -> None:
    key = await made(shop, shop.line())
    await close(shop, key, message)
    closed = await read(shop, key)
    line = f"opportunityproducts({closed['product_opportunities'][0]['opportunityproductid']})"
    assert error_code(await change(shop, key, name="x")) == "0x8004022e"
    assert error_code(await change(shop, key, statecode=0, name="x")) == "0x8004022e"
    assert error_code(await shop.dataverse.patch(line, {"quantity": 9})) == "0x80043b09"
    assert error_code(await shop.dataverse.send("DELETE", line)) == "0x80043b09"
    assert error_code(await shop.add_line(key, shop.line(), SET)) == "0x80043b09"
    assert await read(shop, key) == closed
    assert (await change(shop, key, statecode=0, statuscode=1)).status_code == 204
    row = await read(shop, key)
    assert (row["statecode"], row["statuscode"], row["actualclosedate"], row["actualvalue"]) == (0, 1, None, None)
    assert (await shop.dataverse.patch(line, {"quantity": 9})).status_code == 204
    assert (await read(shop, key))["totalamount"] == 90


async def test_the_panel_wins_as_a_user_of_the_app(shop: Shop) -> None:
    write = shop.dataverse.simulator.data_write
    (row,) = write(SET, [shop.order(shop.line(), of=SET)])
    (row,) = write(SET, [{"opportunityid": row["opportunityid"], "statecode": 1}])
    assert (row["statecode"], row["statuscode"]) == (1, 3)
    with pytest.raises(ValueError, match="read-only"):
        write(SET, [{"opportunityid": row["opportunityid"], "name": "x"}])


async def test_a_customer_with_opportunities_cannot_be_deleted_and_lines_go_with_theirs(shop: Shop) -> None:
    key = await made(shop, shop.line())
    for path in (f"products({shop.product})", f"pricelevels({shop.euros})", f"accounts({shop.account})"):
        response = await shop.dataverse.send("DELETE", path)
        assert (response.status_code, error_code(response)) == (405, "0x80040227")
    assert (await shop.dataverse.send("DELETE", f"{SET}({key})")).status_code == 204
    assert shop.dataverse.simulator.data_rows("opportunityproducts") == []
    assert (await shop.dataverse.send("DELETE", f"accounts({shop.account})")).status_code == 204


# -- bulk and laying out


async def test_opportunities_have_bulk_messages_and_their_lines_have_not(shop: Shop) -> None:
    target = {"@odata.type": "Microsoft.Dynamics.CRM.opportunity", "name": "x"}
    made_rows = await shop.dataverse.post(f"{SET}/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": [target] * 2})
    key, other = made_rows.json()["Ids"]
    updates = {"Targets": [target | {"opportunityid": each, "name": "y"} for each in (key, other)]}
    assert (await shop.dataverse.post(f"{SET}/Microsoft.Dynamics.CRM.UpdateMultiple", updates)).status_code == 204
    line = write_in(5) | {"@odata.type": "Microsoft.Dynamics.CRM.opportunityproduct"}
    targets = {"Targets": [line | {"opportunityid@odata.bind": f"/{SET}({key})"}]}
    path = "opportunityproducts/Microsoft.Dynamics.CRM.CreateMultiple"
    assert (await shop.dataverse.post(path, targets)).status_code == 400


async def test_generated_opportunities_have_the_totals_of_the_orders_they_are_made_from() -> None:
    async with running_dataverse() as dataverse:
        simulator = dataverse.simulator
        orders = list(make_orders(lay_out_catalog(simulator, products=5), 6, most_lines=8))
        simulator.seed("salesorder", orders)
        lay_out_opportunities(simulator, orders, state=1)
        totals = {row["name"]: row["totalamount"] for row in simulator.data_rows("salesorders")}
        rows = simulator.data_rows(SET)
        assert {row["name"]: row["estimatedvalue"] for row in rows} == totals
        assert {(row["statecode"], row["statuscode"]) for row in rows} == {(1, 3)}
