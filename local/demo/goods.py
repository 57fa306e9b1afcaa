"""The chapters of goods: settings of all that is sold, items with their prices, prices that change without a stamp."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from local.demo import trade_systems as systems
from local.demo.opening import CUSTOMER, SETTINGS
from local.demo.stage import OBJECTS, ORDER, PRODUCT, TEMPLATE, Stage
from local.demo.trade_compare import (
    ITEM_TAX,
    SHIPPING,
    UNIT_GROUP_OF_NONE,
    WRITE_IN_ITEM,
    Catalog,
    PriceList,
    compare_products,
)
from local.environment import TIMEZONE

LEAD_SERIES = 72
_NUMBER, _STATUS = systems.ORDER_COLUMNS
#: What the demo decides about products and sales, beside the price lists, which it chooses from both sides' lists.
TRADE_SETTINGS: dict[str, Any] = {
    "defaultUnitGroup": UNIT_GROUP_OF_NONE,
    "priceRounding": "round",
    "startDate": "2026-01-01",
    "timeZone": TIMEZONE,
    "exemptTaxCode": "A0",
    "freightForShipping": SHIPPING,
    "freightForItemTax": ITEM_TAX,
    "writeInItem": WRITE_IN_ITEM,
    "orderNumberColumn": _NUMBER,
    "orderStatusColumn": _STATUS,
    "quotationNumberColumn": _NUMBER,
    "quotationStatusColumn": _STATUS,
    "opportunityNumberColumn": _NUMBER,
    "opportunityStatusColumn": _STATUS,
    "opportunityStages": {"1-Qualify": 1, "2-Develop": 3, "3-Propose": 4, "4-Close": 5},
    "closedOpportunities": True,
    "leadCodeSeries": LEAD_SERIES,
    "leadAccountType": CUSTOMER,
}
_SOLD = ("opportunity", "quote", "salesorder")
_REFERRING = ("OCPR", "OOPR", "OQUT", "ORDR", "RDR1")
_SETTINGS = f"/templates/{TEMPLATE}/settings"
_MARKED = tuple(f"I{number:05d}" for number in range(1, 51))
_INACTIVE = "I00050"
_REPRICED = "I00002"
_BASE_LIST = 1
_RISE = Decimal("7.77")


async def open_trade(stage: Stage) -> None:
    """Choose price lists from the lists of both sides, save the settings of products and sales, set-up again."""
    early, problem, _ = await stage.environment.call("POST", f"{ORDER}/sync", {})
    stage.check("while settings are missing no order comes in: 409", early, 409)
    stage.say(f"{problem['detail']}")
    stage.price_lists = await _choose_price_lists(stage)
    first, second, *others = stage.price_lists
    crossed = [PriceList(first.sap, first.currency, second.dynamics), *others]
    wrong = {**SETTINGS, **TRADE_SETTINGS, "priceLists": _as_settings(crossed)}
    problem = await stage.api("PUT", _SETTINGS, wrong, expect=400)
    stage.say(f"  {problem['errors'][0]['field']}: {problem['errors'][0]['detail']}")
    named = [one["field"] for one in problem["errors"]]
    stage.check("a price list in another currency is refused, by name", named, ["priceLists"])
    right = {**SETTINGS, **TRADE_SETTINGS, "priceLists": _as_settings(stage.price_lists)}
    saved = await stage.api("PUT", _SETTINGS, right)
    nothing: dict[str, list[str]] = {name: [] for name in OBJECTS}
    stage.check("the right settings hold in both systems; nothing is missing", saved["missing"], nothing)
    await _set_up(stage)


async def _choose_price_lists(stage: Stage) -> tuple[PriceList, ...]:
    """Each list of SAP, with the list of Dynamics that is in the same currency."""
    sap, other, currencies = [
        (await stage.api("GET", f"/templates/{TEMPLATE}/lists/{name}"))["items"]
        for name in ("sap.price_lists", "other.price_lists", "other.currencies")
    ]
    codes = {row["transactioncurrencyid"]: row["isocurrencycode"] for row in currencies}
    by_currency = {codes[row["_transactioncurrencyid_value"]]: row["name"] for row in other}
    chosen = tuple(
        PriceList(row["PriceListNo"], row["DefaultPrimeCurrency"], by_currency[row["DefaultPrimeCurrency"]])
        for row in sap
    )
    names = {row["PriceListNo"]: row["PriceListName"] for row in sap}
    table = Table("SAP", "price list", "currency", "price list of Dynamics", title="Price lists", title_justify="left")
    for each in chosen:
        table.add_row(str(each.sap), names[each.sap], each.currency, each.dynamics)
    stage.console.print(table)
    return chosen


def _as_settings(price_lists: list[PriceList] | tuple[PriceList, ...]) -> list[dict[str, Any]]:
    return [{"sap": each.sap, "currency": each.currency, "dynamics": each.dynamics} for each in price_lists]


async def _set_up(stage: Stage) -> None:
    """The columns of the settings come into being; what SAP has already is left alone."""
    before = await _columns(stage)
    answer = await stage.api("POST", f"/templates/{TEMPLATE}/setup")
    todo = [step for step in answer["steps"] if step["state"] == "todo"]
    stage.check(f"set-up took {len(answer['steps'])} steps and left nothing to do", todo, [])
    created = {table: columns - before[table] for table, columns in (await _columns(stage)).items()}
    wanted = {table: set(systems.ORDER_COLUMNS) for table in _SOLD}
    what = "it created the columns for SAP's number and status of opportunities, quotes and orders in Dynamics"
    stage.check(what, created, wanted)
    fields = {table: await systems.user_fields(stage.sap, table) for table in _REFERRING}
    what = "SAP's contact persons, opportunities, quotations and orders have the field U_HubRef, rows of documents too"
    stage.check(what, fields, {table: {"HubRef"} for table in _REFERRING})


async def _columns(stage: Stage) -> dict[str, set[str]]:
    return {table: await systems.columns_of(stage.dynamics, table) for table in _SOLD}


async def products(stage: Stage) -> None:
    """A range of items is marked and loaded; everything that a product shows is compared with its item."""
    criteria = {"from": _MARKED[0], "to": _MARKED[-1]}
    body = {"batch": "catalogue", "marked": True, "criteria": criteria}
    path = f"/templates/{TEMPLATE}/items/marks"
    run = await stage.run("POST", path, body, f"marking {_MARKED[0]} to {_MARKED[-1]}", len(_MARKED))
    stage.check(f"{len(_MARKED)} items are marked", run["counts"].get("marked"), len(_MARKED))
    stage.items = set(_MARKED) - {_INACTIVE}
    run = await stage.run("POST", f"{PRODUCT}/initialize", {}, "initialize", len(_MARKED))
    expected = {"created": len(stage.items), "skipped": 1}
    stage.check("the run created a product for each but the inactive one", run["counts"], expected)
    why = (await stage.explain(_INACTIVE, "product"))["summary"]
    stage.say(f"{_INACTIVE}: {why}")
    stage.check("explain says why that one has none", "inactive in SAP" in why)
    await check_products(stage)
    await _show_prices(stage)


async def check_products(stage: Stage) -> None:
    """Every item that takes part is a published product that shows the same, prices to the cent; nothing else is there."""
    units = await systems.Units.read(stage.sap, stage.dynamics)
    catalog = Catalog(await systems.products(stage.dynamics), await systems.prices(stage.dynamics, units), units)
    result = compare_products(await systems.items(stage.sap), stage.items, stage.price_lists, catalog)
    what = f"{result.pairs} products, {result.fields} fields and prices: as in SAP, rounded half up to the cent"
    stage.check(what, result.differences, [])
    there = (result.missing, result.doubled, result.uninvited)
    stage.check("none is missing, none is there twice, none that was not marked", there, ([], [], []))
    priced = sum(len(some) for some in catalog.prices.values())
    stage.check("there is a price for each product and price list", priced, result.pairs * len(stage.price_lists))


async def _show_prices(stage: Stage) -> None:
    items = await systems.items(stage.sap)
    units = await systems.Units.read(stage.sap, stage.dynamics)
    prices = await systems.prices(stage.dynamics, units)
    table = Table("item", "name", "unit", "SAP's prices", "in Dynamics", title="Prices", title_justify="left")
    order = [each.dynamics for each in stage.price_lists]
    for code in _MARKED[:4]:
        product = await systems.product(stage.dynamics, code)
        shown = sorted(prices[product["productid"]], key=lambda price: order.index(price.price_list))
        in_sap = ", ".join(f"{row['Price']} {row['Currency']}" for row in items[code]["ItemPrices"])
        in_dynamics = ", ".join(f"{price.amount} {price.currency}" for price in shown)
        table.add_row(code, items[code]["ItemName"], shown[0].unit, in_sap, in_dynamics)
    stage.console.print(table)


async def reprice(stage: Stage) -> None:
    """A price changes in SAP's price list window, which stamps nothing: the delta passes it, the sweep brings it."""
    before = (await systems.items(stage.sap))[_REPRICED]["ItemPrices"]
    price = next(row["Price"] for row in before if row["PriceList"] == _BASE_LIST) + _RISE
    row = {"PriceList": _BASE_LIST, "Price": float(price)}
    stage.environment.simulators.sap.data_write("Items", [{"ItemCode": _REPRICED, "ItemPrices": [row]}])
    after = (await systems.items(stage.sap))[_REPRICED]["ItemPrices"]
    moved = [new["PriceList"] for old, new in zip(before, after, strict=True) if old["Price"] != new["Price"]]
    stage.say(f"{_REPRICED} costs {price} now; SAP computed the price lists {moved} anew.")
    stage.forget_writes()
    await stage.sync_now("Sync Now (delta)", PRODUCT, mode="delta")
    stage.check("a delta does not see it: nothing is written", stage.writes(), {})
    await stage.sync_now("Sync Now (sweep)", PRODUCT, mode="sweep")
    writes = stage.writes()
    stage.check(f"a sweep brings it, and writes these {len(moved)} prices alone", sum(writes.values()), len(moved))
    stage.say(f"written: {', '.join(f'{n} {what}' for what, n in writes.items())}")
    await check_products(stage)
    sweep = {"run": "daily", "at": "03:00", "timezone": TIMEZONE}
    nightly = {"run": "daily", "every": "00:30", "timezone": TIMEZONE, "sweep": sweep}
    saved = await stage.api("PUT", f"{PRODUCT}/schedule", nightly)
    starts = {datetime.fromisoformat(start).astimezone(ZoneInfo(TIMEZONE)) for start in saved["nextSweeps"]}
    at = {f"{start:%H:%M}" for start in starts}
    stage.check("sweeps have a schedule of their own, here every night at three", (len(starts), at), (5, {"03:00"}))
    stage.forget_writes()
    await stage.sync_now("Sync Now (sweep)", PRODUCT, mode="sweep")
    stage.check("a second sweep writes nothing, counted at both systems", stage.writes(), {})
