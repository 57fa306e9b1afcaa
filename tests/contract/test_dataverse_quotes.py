"""Contract of simulated quotes: numbers, lines, states, and read-only quotes; messages are in the next module."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from local.simulators.dataverse.orders import lay_out_catalog, lay_out_quotes, make_orders
from tests.contract.dataverse_shop import Shop, shop, write_in
from tests.contract.dataverse_support import UNKNOWN_ID, error_code, running_dataverse

__all__ = ["shop"]

SET = "quotes"
ACTIVE = {"statecode": 1, "statuscode": 2}
CLOSE = {"WinQuote": (4, 2), "CloseQuote": (5, 3)}


async def made(shop: Shop, *lines: dict[str, Any], **values: Any) -> str:
    return await shop.made(*lines, of=SET, **values)


async def read(shop: Shop, key: str) -> dict[str, Any]:
    return await shop.read(key, SET)


async def change(shop: Shop, key: str, **values: Any) -> httpx.Response:
    return await shop.dataverse.patch(f"{SET}({key})", values)


async def active(shop: Shop, *lines: dict[str, Any], **values: Any) -> str:
    key = await made(shop, *lines, **values)
    assert (await change(shop, key, **ACTIVE)).status_code == 204
    return key


async def close(shop: Shop, key: str, message: str, status: int | None = None) -> httpx.Response:
    activity = {"subject": "x", "quoteid@odata.bind": f"/{SET}({key})"}
    body = {"Status": CLOSE[message][0] if status is None else status, "QuoteClose": activity}
    return await shop.dataverse.post(message, body)


# -- creating


async def test_a_quote_number_is_given_once_and_never_changes(shop: Shop) -> None:
    first, second = [(await read(shop, await made(shop)))["quotenumber"] for _ in range(2)]
    assert [number[:10] for number in (first, second)] == ["QUO-01000-", "QUO-01001-"]
    assert (len(first), len({first, second})) == (16, 2)
    key = await made(shop, quotenumber="Q-1", revisionnumber=5)
    await change(shop, key, quotenumber="Q-2", revisionnumber=6)
    row = await read(shop, key)
    assert (row["quotenumber"], row["revisionnumber"]) == ("Q-1", 0)
    response = await shop.dataverse.post(SET, shop.order(of=SET, quotenumber="q-1"))
    assert response.status_code == 412


async def test_a_quote_is_priced_and_totalled_as_an_order(shop: Shop) -> None:
    lines = [
        shop.line(1.55, manualdiscountamount=0.5, tax=2.85),
        write_in(3.333, 3, tax=1.9),
        shop.line(3, priceperunit=99),
        shop.line(1, product=shop.unpriced),
    ]
    values = {"discountpercentage": 12.5, "discountamount": 0.25, "freightamount": 4.99}
    quote, order = (
        await read(shop, await made(shop, *lines, **values)),
        await shop.read(await shop.made(*lines, **values)),
    )
    columns = ("totallineitemamount", "totaldiscountamount", "totaltax", "totalamount", "pricingerrorcode")
    assert {name: quote[name] for name in columns} == {name: order[name] for name in columns}
    assert quote["totalamount"] > 50
    columns = ("priceperunit", "baseamount", "extendedamount", "pricingerrorcode", "productnumber")
    pairs = zip(quote["quote_details"], order["order_details"], strict=True)
    for line, ordered in pairs:
        assert {name: line[name] for name in columns} == {name: ordered[name] for name in columns}
        assert (line["quotedetailname"], line["quotestatecode"]) == (ordered["salesorderdetailname"], 0)


async def test_dates_of_a_quote_are_days_or_instants(shop: Shop) -> None:
    key = await made(shop, expireson="2026-07-01", effectivefrom="2026-06-01T10:00:00Z")
    row = await read(shop, key)
    assert (row["expireson"], row["effectivefrom"]) == ("2026-07-01", "2026-06-01T10:00:00Z")
    assert error_code(await change(shop, key, expireson="2026-07-01T00:00:00Z")) == "0x80048d19"


async def test_a_quote_keeps_its_currency_while_it_has_lines(shop: Shop) -> None:
    org = shop.dataverse.simulator.org
    key = await made(shop, write_in(1))
    dollars = {
        "pricelevelid@odata.bind": None,
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({org.currency_id('USD')})",
    }
    assert error_code(await change(shop, key, **dollars)) == "0x8004480e"
    wrong = {"pricelevelid@odata.bind": f"/pricelevels({shop.dollars})"}
    assert error_code(await change(shop, key, **wrong)) == "0x80048cf6"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"quantity": 1.234}, "0x80043b07"),
        ({"productid@odata.bind": None}, "0x80043b11"),
        ({"isproductoverridden": True, "productdescription": "x"}, "0x80043afb"),
        ({"quoteid@odata.bind": None}, "0x80040200"),
    ],
)
async def test_a_line_that_contradicts_itself_is_refused(shop: Shop, values: dict[str, Any], code: str) -> None:
    bind = {"quoteid@odata.bind": f"/{SET}({await made(shop)})"}
    response = await shop.dataverse.post("quotedetails", shop.line() | bind | values)
    assert (response.status_code, error_code(response)) == (400, code)


# -- states


async def test_a_draft_is_activated_by_an_update_and_taken_back(shop: Shop) -> None:
    assert (await read(shop, await made(shop, statecode=1)))["statecode"] == 0
    key = await active(shop, shop.line())
    row = await read(shop, key)
    assert (row["statecode"], row["statuscode"], row["quote_details"][0]["quotestatecode"]) == (1, 2, 1)
    assert error_code(await change(shop, key, **ACTIVE)) == "0x80100003"
    assert (await change(shop, key, statuscode=3)).status_code == 204
    assert error_code(await change(shop, key, statecode=0, name="x")) == "0x8004022e"
    assert (await change(shop, key, statecode=0, statuscode=1)).status_code == 204
    assert (await change(shop, key, name="edited again")).status_code == 204


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("state", [2, 3])
async def test_an_update_does_not_close_a_quote(shop: Shop, before: int, state: int) -> None:
    key = await (made(shop) if before == 0 else active(shop))
    response = await change(shop, key, statecode=state)
    assert (response.status_code, error_code(response)) == (400, "0x80040233")


@pytest.mark.parametrize(("message", "status"), [("WinQuote", 4), *(("CloseQuote", status) for status in (5, 6, 7))])
async def test_a_message_closes_an_active_quote_once(shop: Shop, message: str, status: int) -> None:
    key = await made(shop, shop.line())
    assert error_code(await close(shop, key, message, status)) == "0x80040233"
    await change(shop, key, **ACTIVE)
    assert error_code(await close(shop, key, message, 1)) == "0x80048408"
    assert (await close(shop, key, message, status)).status_code == 204
    row = await read(shop, key)
    assert (row["statecode"], row["statuscode"]) == (CLOSE[message][1], status)
    for again in CLOSE:
        assert error_code(await close(shop, key, again)) == "0x80040233"
    assert error_code(await change(shop, key, **ACTIVE)) == "0x80100003"


async def test_a_won_quote_goes_back_to_draft_and_a_closed_one_does_not(shop: Shop) -> None:
    won, lost = await active(shop), await active(shop)
    await close(shop, won, "WinQuote")
    await close(shop, lost, "CloseQuote", -1)
    assert (await change(shop, won, statecode=0)).status_code == 204
    assert error_code(await change(shop, lost, statecode=0)) == "0x80040233"
    assert (await read(shop, lost))["statuscode"] == 7


@pytest.mark.parametrize("message", [None, *CLOSE])
async def test_only_a_draft_takes_changes(shop: Shop, message: str | None) -> None:
    key = await active(shop, shop.line())
    if message is not None:
        await close(shop, key, message)
    quote = await read(shop, key)
    line = f"quotedetails({quote['quote_details'][0]['quotedetailid']})"
    answers = {
        "header": await change(shop, key, name="x"),
        "line": await shop.dataverse.patch(line, {"quantity": 9}),
        "new line": await shop.add_line(key, shop.line(), SET),
        "line gone": await shop.dataverse.send("DELETE", line),
        "header gone": await shop.dataverse.send("DELETE", f"{SET}({key})"),
    }
    assert {name: error_code(answer) for name, answer in answers.items()} == {
        "header": "0x8004022e",
        "line": "0x80043b09",
        "new line": "0x80043b09",
        "line gone": "0x80043b09",
        "header gone": "0x80040228",
    }
    assert await read(shop, key) == quote


async def test_a_draft_takes_its_lines_along(shop: Shop) -> None:
    key = await made(shop, shop.line(), write_in(1))
    assert (await shop.dataverse.send("DELETE", f"{SET}({key})")).status_code == 204
    assert shop.dataverse.simulator.data_rows("quotedetails") == []


async def test_only_quotes_that_exist_are_closed(shop: Shop) -> None:
    assert (await close(shop, UNKNOWN_ID, "WinQuote")).status_code == 404


async def test_the_panel_wins_as_a_user_of_the_app(shop: Shop) -> None:
    write = shop.dataverse.simulator.data_write
    (row,) = write(SET, [shop.order(shop.line(), of=SET, **ACTIVE)])
    assert (row["statecode"], row["totalamount"]) == (1, 20)
    (row,) = write(SET, [{"quoteid": row["quoteid"], "statecode": 2}])
    assert row["statuscode"] == 4
    with pytest.raises(ValueError, match="read-only"):
        write(SET, [{"quoteid": row["quoteid"], "name": "x"}])


# -- bulk and laying out


async def test_lines_have_bulk_messages_and_quotes_only_in_an_org_that_has_them(shop: Shop) -> None:
    key = await made(shop)
    line = write_in(5) | {"@odata.type": "Microsoft.Dynamics.CRM.quotedetail"}
    targets = {"Targets": [line | {"quoteid@odata.bind": f"/{SET}({key})"}] * 3}
    response = await shop.dataverse.post("quotedetails/Microsoft.Dynamics.CRM.CreateMultiple", targets)
    assert len(response.json()["Ids"]) == 3
    assert (await read(shop, key))["totalamount"] == 15
    quote = {"@odata.type": "Microsoft.Dynamics.CRM.quote", "name": "x"}
    path = f"{SET}/Microsoft.Dynamics.CRM.CreateMultiple"
    assert (await shop.dataverse.post(path, {"Targets": [quote]})).status_code == 400
    async with running_dataverse(bulk={"quote": ["CreateMultiple"]}) as other:
        assert len((await other.post(path, {"Targets": [quote] * 2})).json()["Ids"]) == 2


async def test_generated_quotes_have_the_totals_of_the_orders_they_are_made_from() -> None:
    async with running_dataverse() as dataverse:
        simulator = dataverse.simulator
        orders = list(make_orders(lay_out_catalog(simulator, products=5), 6, most_lines=8))
        simulator.seed("salesorder", orders)
        lay_out_quotes(simulator, orders, state=2)
        totals: dict[str, Decimal] = {row["name"]: row["totalamount"] for row in simulator.data_rows("salesorders")}
        rows = simulator.data_rows(SET)
        assert {row["name"]: row["totalamount"] for row in rows} == totals
        assert {(row["statecode"], row["statuscode"]) for row in rows} == {(2, 4)}
