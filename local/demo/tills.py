"""The chapters of the tills: a Tagrain template beside the Dynamics one, a trading day, a receipt that did not arrive."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rich.table import Table

from local.demo.stage import Stage
from local.sample_company.trading_days import Goods, Till, Trading, payment

TEMPLATE = "tagrain-nord"
_AT = f"/templates/{TEMPLATE}"
_STORES = {"st_1": {"warehouse": "01"}, "st_2": {"warehouse": "02", "cashAccount": "1001"}}
_PAYMENTS: dict[str, dict[str, Any]] = {
    "Visa": {"means": "creditCard", "creditCard": 1},
    "girocard": {"means": "creditCard", "creditCard": 2},
    "Gift card": {"means": "creditCard", "creditCard": 3},
    "Bank transfer": {"means": "bankTransfer", "account": "1200"},
}
_SETTINGS: dict[str, Any] = {
    "connection": "DEMO", "startDate": "2026-01-01", "timeZone": "Europe/Berlin", "basePriceList": 1,
    "cashCustomer": "C00001", "paymentTerm": 1, "exemptTaxCode": "A0", "cashAccount": "1000",
    "customerCurrency": "EUR", "customerCodeSeries": 70, "defaultCustomerGroup": 100, "defaultItemGroup": 100,
    "giftCardAccount": "1705", "stores": _STORES, "payments": _PAYMENTS,
    "expenseReasons": {"er_1": "4900", "er_2": "4910", "er_3": "4900"}, "surcharges": {"sc_1": 1, "sc_2": 3},
}  # fmt: skip
_ORDER = ("customer_group", "customer", "manufacturer", "product_group", "product", "inventory")
_MARKED = ("I00001", "I00002", "I00003")
_DAY = "2026-03-02"
_RECEIPTS = 300
_NEW_TENDER = "Amex"


async def open_shop(stage: Stage) -> None:
    """A second template, its settings, its first loads in their order."""
    tills, sap = stage.environment.simulators.tagrain, stage.environment.simulators.sap
    tills.data_write("payment-types", [{"id": "pt_amex", "name": _NEW_TENDER, "type": "CreditCard", "isActive": True}])
    await stage.api("POST", "/templates", {"id": TEMPLATE, "type": "tagrain"}, expect=201)
    wrong = await stage.api("PUT", f"{_AT}/settings", {**_SETTINGS, "cashAccount": "9999"}, expect=400)
    stage.check("a G/L account that SAP does not have is refused by the setting's name", "cashAccount" in str(wrong))
    saved = await stage.api("PUT", f"{_AT}/settings", _SETTINGS, expect=200)
    stage.check("nothing is missing for any object", [m for m in saved["missing"].values() if m], [])
    steps = await stage.api("POST", f"{_AT}/setup", expect=200)
    stage.check("set-up left nothing to do", [each for each in steps["steps"] if each["state"] == "todo"], [])
    marks = {"marked": True, "entries": [{"code": code} for code in _MARKED]}
    await stage.api("POST", f"{_AT}/items/marks", marks, expect=200)
    for name in _ORDER:
        await stage.run("POST", f"{_AT}/objects/{name}/initialize", None, f"initialize {name}")
    groups = {row["name"] for row in tills.data_rows("customer-groups")}
    ours = {row["Name"] for row in sap.data_rows("BusinessPartnerGroups") if row["Type"] == "bbpgt_CustomerGroup"}
    stage.check("every customer group of SAP is at the tills, by its name", ours <= groups)
    came = [row for row in sap.data_rows("BusinessPartners") if str(row.get("U_HubRef", "")).startswith(TEMPLATE)]
    stage.check("every customer of the tills is in SAP", len(came), 8)
    listed = await stage.api("GET", f"{_AT}/failures?object=product_group")
    stage.check("a product group that SAP lacks is listed, with what to do", len(listed["items"]), 1)
    stage.say(str(listed["items"][0]["reason"]))


async def trading_day(stage: Stage) -> None:
    """Two stores, some hundreds of receipts, refunds, expenses, a stock snapshot; the day at zero difference."""
    till = Till(_trading(stage)).trade()
    tills = stage.environment.simulators.tagrain
    for collection, rows in (("sales", till.sales), ("refunds", till.refunds), ("expenses", till.expenses)):
        tills.data_write(collection, rows)
    stage.say(f"{len(till.sales)} sales, {len(till.refunds)} refunds, {len(till.expenses)} expenses were made")
    for name in ("sales", "refund", "expense", "inventory"):
        run = await stage.run("POST", f"{_AT}/objects/{name}/sync", {}, f"Sync Now of {name}")
        stage.check(f"{name}: every record arrived", run["status"], "succeeded")
    by_hand = sum((Decimal(row["total"]) for row in till.sales), Decimal(0))
    booked = sum((Decimal(str(row["DocTotal"])) for row in _rows(stage, "Invoices")), Decimal(0))
    stage.check(f"SAP's invoices add up to what was rung up: {by_hand} EUR", booked, by_hand)
    await _tied_out(stage, "the day")
    stage.forget_writes()
    for name in ("sales", "refund", "expense"):
        await stage.run("POST", f"{_AT}/objects/{name}/sync", {"mode": "full"}, f"all of {name} again")
    stage.check("nothing is written, counted at SAP", stage.writes(), {})


async def unmapped_tender(stage: Stage) -> None:
    """Somebody pays with what nobody has mapped: listed, explained, mapped, retried."""
    tills = stage.environment.simulators.tagrain
    trading = Trading(_trading(stage).goods, (), stores=("st_1",), receipts=3, seed=99)
    sale = {**Till(trading).trade().sales[0], "id": "s_amex", "number": "1-AMEX"}
    sale["payments"] = [payment("s_amex-1", "pt_amex", Decimal(sale["total"]), _DAY)]
    tills.data_write("sales", [sale])
    before = len(_rows(stage, "Invoices"))
    await stage.run("POST", f"{_AT}/objects/sales/sync", {}, "Sync Now of sales")
    stage.check("nothing of it was posted", len(_rows(stage, "Invoices")), before)
    failures = await stage.api("GET", f"{_AT}/failures?object=sales")
    stage.check(
        "it is listed, and the setting is named", [_NEW_TENDER in i["reason"] for i in failures["items"]], [True]
    )
    told = await stage.api("GET", f"{_AT}/explain?object=sales&side=other&key=s_amex")
    stage.say(told["summary"])
    day = await stage.api("GET", f"{_AT}/tieout?store=st_1&date={_DAY}")
    missing = [each["key"] for each in day["objects"][0]["missing"]]
    stage.check("the tie-out of the day names the receipt", missing, ["s_amex"])
    mapped = {**_PAYMENTS, _NEW_TENDER: {"means": "creditCard", "creditCard": 1}}
    await stage.api("PUT", f"{_AT}/settings", {**_SETTINGS, "payments": mapped}, expect=200)
    retry = {"object": "sales", "keys": [{"side": "other", "key": "s_amex"}]}
    await stage.api("POST", f"{_AT}/failures/retry", retry)
    await stage.run("POST", f"{_AT}/objects/sales/sync", {}, "Sync Now of sales")
    await _tied_out(stage, "with the mapping the day")


def _trading(stage: Stage) -> Trading:
    products = stage.environment.simulators.tagrain.data_rows("products")
    goods = [Goods(r["id"], r["code"], r["productType"], r["taxCode"]) for r in products if r["code"].startswith("T-")]
    customers = [f"cus_{number}" for number in range(1, 7)]
    return Trading(goods, customers, stores=tuple(_STORES), receipts=_RECEIPTS, seed=7)


def _rows(stage: Stage, entity_set: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stage.environment.simulators.sap.data_rows(entity_set)
    return rows


async def _tied_out(stage: Stage, what: str) -> None:
    table = Table(
        "store", "object", "documents", "at the tills", "in SAP", "difference", title="Tie-out", title_justify="left"
    )
    for store in _STORES:
        day = await stage.api("GET", f"{_AT}/tieout?store={store}&date={_DAY}")
        stage.check(f"{what} ties out at zero in {store}, tender by tender", day["agrees"])
        for each in day["objects"]:
            other, sap = each["other"], each["sap"]
            shown = (each["object"], str(sap["count"]), other["total"], sap["total"], each["difference"]["total"])
            table.add_row(store, *shown)
    stage.console.print(table)
