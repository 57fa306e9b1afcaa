"""Contract of messages that make one document from another: revise a quote, order it, quote an opportunity."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.dataverse_shop import Shop, shop, write_in
from tests.contract.dataverse_support import UNKNOWN_ID, error_code
from tests.contract.test_dataverse_quotes import ACTIVE, active, change, close, made, read

__all__ = ["shop"]

ALL = {"AllColumns": True}
IDENTITY = {"quoteid", "quotedetailid", "_quoteid_value", "versionnumber", "createdon", "modifiedon", "@odata.etag"}
STATE = {"statecode", "statuscode", "revisionnumber", "quotestatecode"}


async def revise(shop: Shop, key: str, columns: dict[str, Any] = ALL) -> httpx.Response:
    return await shop.dataverse.post("ReviseQuote", {"QuoteId": key, "ColumnSet": columns})


async def convert(shop: Shop, key: str, **values: Any) -> httpx.Response:
    return await shop.dataverse.post("ConvertQuoteToSalesOrder", {"QuoteId": key, "ColumnSet": ALL, **values})


async def quote_it(shop: Shop, key: str) -> httpx.Response:
    return await shop.dataverse.post("GenerateQuoteFromOpportunity", {"OpportunityId": key, "ColumnSet": ALL})


def content(row: dict[str, Any]) -> dict[str, Any]:
    """What a revision has in common with the quote it came from."""
    values = {name: value for name, value in row.items() if name not in {*IDENTITY, *STATE, "@odata.context"}}
    values["quote_details"] = [content(line) for line in row.get("quote_details", [])]
    return values


async def reprice(shop: Shop, amount: int) -> None:
    """Give the product another price in every price list."""
    for row in shop.dataverse.simulator.data_rows("productpricelevels"):
        await shop.dataverse.patch(f"productpricelevels({row['productpricelevelid']})", {"amount": amount})


# -- revising


@pytest.mark.parametrize("message", [None, "CloseQuote"])
async def test_a_revision_is_a_draft_with_the_same_content(shop: Shop, message: str | None) -> None:
    lines = (shop.line(2, tax=1.5), write_in(5, manualdiscountamount=1), shop.line(1, product=shop.unpriced))
    key = await active(shop, *lines, freightamount=3, discountpercentage=10, expireson="2026-07-01", quotenumber="Q-1")
    if message is not None:
        await close(shop, key, message)
    response = await revise(shop, key)
    assert response.status_code == 200
    body = response.json()
    assert body["@odata.context"].endswith("$metadata#quotes/$entity")
    assert body["@odata.type"] == "#Microsoft.Dynamics.CRM.quote"
    old, new = await read(shop, key), await read(shop, body["quoteid"])
    assert content(new) == content(old)
    assert (new["quotenumber"], new["revisionnumber"], new["statecode"], new["statuscode"]) == ("Q-1", 1, 0, 1)
    assert (old["revisionnumber"], old["statecode"], old["statuscode"]) == (0, 3, 7)
    ids = {line["quotedetailid"] for row in (old, new) for line in row["quote_details"]}
    assert (len(ids), len(new["quote_details"])) == (6, 3)
    assert {line["quotestatecode"] for line in new["quote_details"]} == {0}


async def test_revisions_count_on_and_the_newest_alone_is_open(shop: Shop) -> None:
    first = await active(shop)
    second = (await revise(shop, first)).json()["quoteid"]
    assert error_code(await revise(shop, first)) == "0x80048d00"
    await change(shop, second, **ACTIVE)
    assert error_code(await revise(shop, first)) == "0x80048d00"
    third = (await revise(shop, second)).json()
    assert (third["revisionnumber"], third["quotenumber"]) == (2, (await read(shop, first))["quotenumber"])


async def test_drafts_and_won_quotes_are_not_revised(shop: Shop) -> None:
    draft, won = await made(shop), await active(shop)
    await close(shop, won, "WinQuote")
    for key in (draft, won):
        response = await revise(shop, key)
        assert (response.status_code, error_code(response)) == (400, "0x80040233")
    assert len(shop.dataverse.simulator.data_rows("quotes")) == 2


async def test_a_revision_takes_along_the_columns_an_org_added(shop: Shop) -> None:
    body = {"@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "hub_X", "MaxLength": 9}
    for table in ("quote", "salesorder"):
        await shop.dataverse.post(f"EntityDefinitions(LogicalName='{table}')/Attributes", body)
    key = await active(shop, hub_x="4711")
    assert (await revise(shop, key)).json()["hub_x"] == "4711"
    other = await active(shop, hub_x="4712")
    assert (await convert(shop, other)).json()["hub_x"] is None


async def test_a_column_set_says_what_is_answered(shop: Shop) -> None:
    columns = {"AllColumns": False, "Columns": ["name", "customerid"]}
    body = (await revise(shop, await active(shop), columns)).json()
    names = {name for name in body if not name.startswith("@")}
    assert names == {"quoteid", "name", "_customerid_value"}
    key = await active(shop)
    assert error_code(await revise(shop, key, {"Columns": ["nothing"]})) == "0x80041103"
    assert (await read(shop, key))["statecode"] == 1


# -- turning into an order


async def test_an_active_quote_becomes_an_order_and_is_won(shop: Shop) -> None:
    opportunity = await shop.made(of="opportunities")
    binds = {"opportunityid@odata.bind": f"/opportunities({opportunity})"}
    values = {
        "name": "Lathes",
        "freightamount": 3,
        "discountpercentage": 10,
        "discountamount": 1,
        "paymenttermscode": 2,
    }
    delivery = {"requestdeliveryby": "2026-07-01T00:00:00Z", "shipto_city": "Bonn"}
    key = await active(shop, shop.line(2, tax=1.5), write_in(5, 3), **binds, **values, **delivery)
    response = await convert(shop, key, QuoteCloseStatus=4, QuoteCloseSubject="Won", QuoteCloseDate=None)
    assert (response.status_code, response.json()["@odata.type"]) == (200, "#Microsoft.Dynamics.CRM.salesorder")
    quote, order = await read(shop, key), await shop.read(response.json()["salesorderid"])
    assert (quote["statecode"], quote["statuscode"], order["statecode"], order["statuscode"]) == (2, 4, 0, 1)
    assert order["_quoteid_value"] == key
    copied = (
        *values,
        *delivery,
        "_opportunityid_value",
        "_customerid_value",
        "_pricelevelid_value",
        "_transactioncurrencyid_value",
        "totalamount",
    )
    assert {name: order[name] for name in copied} == {name: quote[name] for name in copied}
    assert order["ordernumber"].startswith("ORD-")
    pairs = list(zip(quote["quote_details"], order["order_details"], strict=True))
    assert [line["_quotedetailid_value"] for _, line in pairs] == [line["quotedetailid"] for line, _ in pairs]
    amounts = ("quantity", "priceperunit", "tax", "extendedamount", "_productid_value", "productdescription")
    assert all(line[name] == quoted[name] for quoted, line in pairs for name in amounts)


async def test_an_order_has_the_prices_that_were_quoted(shop: Shop) -> None:
    key = await active(shop, shop.line(2))
    await reprice(shop, 11)
    order = await shop.read((await convert(shop, key)).json()["salesorderid"])
    assert (order["totalamount"], order["order_details"][0]["priceperunit"]) == (20, 10)


async def test_a_won_quote_becomes_an_order_too(shop: Shop) -> None:
    key = await active(shop, shop.line(2))
    await close(shop, key, "WinQuote")
    assert (await convert(shop, key)).json()["totalamount"] == 20
    assert (await read(shop, key))["statecode"] == 2


async def test_drafts_and_closed_quotes_do_not_become_orders(shop: Shop) -> None:
    draft, closed = await made(shop), await active(shop)
    await close(shop, closed, "CloseQuote")
    for key in (draft, closed):
        assert error_code(await convert(shop, key)) == "0x80040233"
    assert error_code(await convert(shop, await active(shop), QuoteCloseStatus=5)) == "0x80048408"
    assert shop.dataverse.simulator.data_rows("salesorders") == []


async def test_a_refused_order_leaves_the_quote_active(shop: Shop) -> None:
    key = await active(shop, shop.line())
    shop.dataverse.simulator.switches.missing_privileges = frozenset({("Create", "salesorderdetail")})
    assert (await convert(shop, key)).status_code == 403
    assert (await read(shop, key))["statecode"] == 1


# -- quoting an opportunity


async def test_an_opportunity_is_quoted(shop: Shop) -> None:
    lines = (shop.line(2, tax=1), write_in(5))
    key = await shop.made(*lines, of="opportunities", freightamount=3, discountamount=1, description="Two")
    response = await quote_it(shop, key)
    assert (response.status_code, response.json()["@odata.type"]) == (200, "#Microsoft.Dynamics.CRM.quote")
    opportunity, quote = await shop.read(key, "opportunities"), await read(shop, response.json()["quoteid"])
    assert (quote["_opportunityid_value"], quote["statecode"], quote["revisionnumber"]) == (key, 0, 0)
    copied = ("name", "description", "_customerid_value", "_pricelevelid_value", "freightamount", "totalamount")
    assert {name: quote[name] for name in copied} == {name: opportunity[name] for name in copied}
    assert [line["productnumber"] for line in quote["quote_details"]] == ["P", None]
    assert opportunity["statecode"] == 0


async def test_a_closed_opportunity_is_not_quoted(shop: Shop) -> None:
    key = await shop.made(of="opportunities")
    bind = {"opportunityid@odata.bind": f"/opportunities({key})"}
    await shop.dataverse.post("LoseOpportunity", {"Status": 4, "OpportunityClose": bind})
    assert error_code(await quote_it(shop, key)) == "0x80040233"


# -- parameters


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"QuoteId": UNKNOWN_ID, "ColumnSet": ALL}, "0x80040217"),
        ({"QuoteId": "x", "ColumnSet": ALL}, "0x80048d19"),
        ({"QuoteId": UNKNOWN_ID}, "0x80048d19"),
        ({"QuoteId": None, "ColumnSet": ALL}, "0x80048d19"),
        ({"QuoteId": UNKNOWN_ID, "ColumnSet": ALL, "Other": 1}, "0x80048d19"),
    ],
)
@pytest.mark.parametrize("message", ["ReviseQuote", "ConvertQuoteToSalesOrder"])
async def test_parameters_are_checked(shop: Shop, message: str, body: dict[str, Any], code: str) -> None:
    response = await shop.dataverse.post(message, body)
    assert (response.status_code, error_code(response)) == (400, code)


async def test_messages_are_posted(shop: Shop) -> None:
    assert (await shop.dataverse.get("ReviseQuote")).status_code == 404
