"""The chapters of orders: entered in Dynamics, once in SAP and to the cent; waiting for a product; changed and closed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from local.demo import trade_systems as systems
from local.demo.goods import check_products
from local.demo.stage import ORDER, PRODUCT, TEMPLATE, Stage
from local.demo.systems import Row
from local.demo.trade_compare import Entered, compare_order, total_of
from local.environment import TIMEZONE

_CUSTOMER = "C00008"
_ANY_CURRENCY = "##"
_FOREIGN_LIST, _FOREIGN_CURRENCY = "Export USD", "USD"
_HOME_LIST = "Retail EUR"
_GOODS = ("I00003", "I00012")
_UNMARKED = "I00060"
_DELIVERY_DAYS = 14
_LONGEST_WAIT = 30.0
_COMMENTS = "Ring twice at gate 7\nAsk for Frau Łukasiewicz"
_WRITE_IN = 'Engraving "Zur Wintersonne" on every lid'
_SUBJECT = "Relaunch of the Wintersonne shops"
_BY_HAND = "Window sticker (entered by hand)"
WRITTEN = frozenset({_WRITE_IN, _SUBJECT, _COMMENTS})
"""What people wrote on the first order."""


async def enter(stage: Stage) -> None:
    """A salesperson enters an order with all that an order has, and submits it; then somebody presses Sync Now."""
    await stage.sap.edit(_CUSTOMER, Currency=_ANY_CURRENCY)
    await stage.sync_now("a customer of all currencies, Sync Now of accounts")
    await stage.check_same()
    stage.check("SAP has no order yet", await systems.documents(stage.sap), [])
    stage.order = await _enter_order(stage)
    order = await systems.order(stage.dynamics, stage.order)
    stage.say(
        f"{order['ordernumber']}: {order['totalamount']} {_FOREIGN_CURRENCY} in {len(_GOODS) + 1} lines, submitted"
    )
    run = await stage.sync_now("Sync Now of orders", ORDER)
    stage.check("the order was created", run["counts"].get("created"), 1)
    stage.check("SAP has exactly one order", len(await systems.documents(stage.sap)), 1)
    document = await check_order(stage)
    await _show_order(stage, document)
    stage.forget_writes()
    await stage.sync_now("Sync Now again", ORDER)
    stage.check("nothing is written, counted at both systems", stage.writes(), {})
    stage.check("there is still one", len(await systems.documents(stage.sap)), 1)


async def _enter_order(stage: Stage) -> str:
    first, second = [await systems.product(stage.dynamics, number) for number in _GOODS]
    lines = (
        systems.line_of(first, 12, tax=28.5),
        systems.line_of(second, 7, manualdiscountamount=4.44, tax=19.99),
        systems.write_in(_WRITE_IN, 2.5, 33.33, tax=15.83),
    )
    return await systems.enter_order(
        stage.dynamics,
        await stage.dynamics.account(_CUSTOMER),
        _FOREIGN_LIST,
        lines,
        name=_SUBJECT,
        description=_COMMENTS,
        requestdeliveryby=day_in(_DELIVERY_DAYS),
        paymenttermscode=2,
        discountpercentage=2.5,
        freightamount=49.9,
    )


def day_in(days: int) -> str:
    """A day from today as Dynamics keeps it: midnight in the user's time zone, in UTC; for Berlin the evening before."""
    today = datetime.combine(datetime.now(ZoneInfo(TIMEZONE)), time(), ZoneInfo(TIMEZONE))
    return f"{(today + timedelta(days=days)).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


async def check_order(stage: Stage, key: str = "") -> Row:
    """An order, the followed one if none is named, stands in SAP once, equal in every field and amount; answers SAP's."""
    entered = await _entered(stage, key or stage.order)
    document = await systems.document(stage.sap, entered.order["ordernumber"])
    result = compare_order(entered, document)
    stage.check(
        f"{result.fields} fields are equal: customer, reference, every line, discount, SAP's number and status back",
        result.differences,
        [],
    )
    stage.check(f"SAP's total is Dynamics' to the cent: {entered.total:.2f}", total_of(document), entered.total)
    return document


async def _entered(stage: Stage, key: str) -> Entered:
    order = await systems.order(stage.dynamics, key)
    accounts, currencies = await stage.dynamics.accounts(), await stage.dynamics.currencies()
    return Entered(
        order,
        await systems.lines(stage.dynamics, key),
        accounts[order["_accountid_value"]]["accountnumber"],
        currencies[order["_transactioncurrencyid_value"]],
        {row["productid"]: row["productnumber"] for row in await systems.products(stage.dynamics)},
    )


async def _show_order(stage: Stage, document: Row) -> None:
    title = f"SAP order {document['DocNum']}, {document['DocCurrency']}, discount {document['DiscountPercent']} %"
    table = Table("item", "text", "quantity", "price", "discount", "tax (freight)", title=title, title_justify="left")
    for row in document["DocumentLines"]:
        tax = sum((each["LineTotalFC"] for each in row["DocumentLineAdditionalExpenses"]), Decimal())
        shown = (row["ItemCode"], row["ItemDescription"], row["Quantity"], row["UnitPrice"])
        table.add_row(*map(str, shown), f"{row['DiscountPercent']} %", str(tax))
    for freight in document["DocumentAdditionalExpenses"]:
        table.add_row("", "shipping (freight)", "", str(freight["LineTotalFC"]), "", "")
    stage.console.print(table)


async def wait_for_product(stage: Stage) -> None:
    """An order of a product that nobody linked waits and says what to do; once the item is marked it comes by itself."""
    like = await systems.product(stage.dynamics, _GOODS[1])
    product = await systems.enter_product(stage.dynamics, _UNMARKED, _BY_HAND, like)
    account = await stage.dynamics.account(_CUSTOMER)
    lines = [systems.line_of({**like, "productid": product}, 3, ispriceoverridden=True, priceperunit=19.95)]
    key = await systems.enter_order(stage.dynamics, account, _HOME_LIST, lines, name="Stickers for the relaunch")
    run = await stage.sync_now("Sync Now of orders", ORDER)
    stage.check("the order is parked", run["counts"].get("parked"), 1)
    number = (await systems.order(stage.dynamics, key))["ordernumber"]
    stage.check("SAP does not have it", number in await _references(stage), False)
    explained = await stage.explain(key, "order", "other")
    stage.say(f"explain: {explained['summary']}")
    stage.check("explain names the product it waits for", explained["parkedOn"], [_parent(product)])
    stage.check("… and what to do", "items/marks" in explained["summary"])

    body = {"marked": True, "entries": [{"code": _UNMARKED}]}
    answer = await stage.api("POST", f"/templates/{TEMPLATE}/items/marks", body)
    stage.check("an admin marks that item", answer["counts"], {"marked": 1})
    stage.items.add(_UNMARKED)
    await stage.sync_now("Sync Now of products", PRODUCT)
    known = await systems.product(stage.dynamics, _UNMARKED)
    stage.check("the product that was there is recognised by its number, not doubled", known["productid"], product)
    await check_products(stage)
    await _check_arrival(stage, key, number)


def _parent(product: str) -> dict[str, str]:
    return {"object": "product", "side": "other", "key": product}


async def _references(stage: Stage) -> list[str]:
    return [row["NumAtCard"] for row in await systems.documents(stage.sap)]


async def _check_arrival(stage: Stage, key: str, number: str) -> None:
    """Nobody presses anything for the order; its number and status come back a moment later."""

    async def told() -> bool:
        order = await systems.order(stage.dynamics, key)
        return bool(order["new_sapstatus"] == "open")

    came = await stage.wait("waiting for the freed order", told, _LONGEST_WAIT)
    stage.check("the order is freed and arrives by itself", came)
    references = await _references(stage)
    stage.check("it stands in SAP once, beside the first one", (references.count(number), len(references)), (1, 2))
    document, order = await systems.document(stage.sap, number), await systems.order(stage.dynamics, key)
    total = Decimal(order["totalamount"])
    stage.check(f"SAP's total is Dynamics' to the cent: {total:.2f}", total_of(document), total)


async def change_and_close(stage: Stage) -> None:
    """The first order changes while SAP's is open; then SAP closes it, and a further change is a conflict."""
    before = await check_order(stage)
    first, second, _ = await systems.lines(stage.dynamics, stage.order)
    await systems.edit_line(stage.dynamics, first["salesorderdetailid"], quantity=20)
    await systems.edit_line(stage.dynamics, second["salesorderdetailid"], ispriceoverridden=True, priceperunit=99.95)
    run = await stage.sync_now("a quantity and a price changed, Sync Now of orders", ORDER)
    stage.check("the order was updated", run["counts"].get("updated"), 1)
    after = await check_order(stage)
    stage.check("it is the same SAP order", after["DocEntry"], before["DocEntry"])
    stage.check("… with another total", total_of(after) != total_of(before))
    stage.check("SAP has no further order", len(await systems.documents(stage.sap)), 2)

    await systems.close(stage.sap, after["DocEntry"])
    await stage.sync_now("closed in SAP, Sync Now of orders", ORDER)
    status = (await systems.order(stage.dynamics, stage.order))["new_sapstatus"]
    stage.check("Dynamics shows that SAP closed it", status, "closed")
    closed = await check_order(stage)
    await _change_after_closing(stage, closed)


async def _change_after_closing(stage: Stage, closed: Row) -> None:
    """A late change is neither lost nor posted: it is listed, with words, however often somebody presses Sync Now."""
    stage.forget_writes()
    await systems.edit_order(stage.dynamics, stage.order, freightamount=120)
    total = (await systems.order(stage.dynamics, stage.order))["totalamount"]
    entered = stage.writes()
    run = await stage.sync_now("shipping changed in Dynamics, Sync Now of orders", ORDER)
    stage.check("the run says that one order needs a person", run["counts"].get("conflict"), 1)
    listed = await _conflicts(stage)
    stage.check("it is listed as a conflict about its lines", listed, [(stage.order, ["lines"])])
    explained = await stage.explain(stage.order, "order", "other")
    stage.say(f"explain: {explained['summary']}")
    stage.check(
        "explain says in words that SAP's order is closed", "the SAP document is closed" in explained["summary"]
    )
    await stage.sync_now("Sync Now again", ORDER)
    stage.check("it stays listed", await _conflicts(stage), listed)
    stage.check("beside the user's edit nothing was written on either side", stage.writes(), entered)
    document = await systems.document(stage.sap, (await systems.order(stage.dynamics, stage.order))["ordernumber"])
    stage.check("SAP's order is as it was closed", document, closed)
    kept = (await systems.order(stage.dynamics, stage.order))["totalamount"]
    stage.check("Dynamics keeps the change", kept, total)
    await _reopen_and_retry(stage, closed["DocEntry"])


async def _reopen_and_retry(stage: Stage, entry: int) -> None:
    """What waits for a person is carried once that person has decided: here, to reopen the order in SAP."""
    await systems.reopen(stage.sap, entry)
    body = {"object": "order", "keys": [{"side": "other", "key": stage.order}]}
    answer = await stage.api("POST", f"/templates/{TEMPLATE}/failures/retry", body, expect=202)
    run = await stage.follow(answer["runs"][0]["statusUrl"], "reopened in SAP, and retried")
    stage.check("the retry succeeded", run["status"], "succeeded")
    document = await check_order(stage)
    stage.check("the late change stands in the same SAP order", document["DocEntry"], entry)
    stage.check("no conflict is left", await _conflicts(stage), [])


async def _conflicts(stage: Stage) -> list[tuple[Any, Any]]:
    listed = (await stage.api("GET", f"/templates/{TEMPLATE}/conflicts?object=order"))["items"]
    return [(one["key"], one["fields"]) for one in listed]
