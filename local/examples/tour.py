"""One walk through the whole API, on the sample company: every operation once, and every answer that it has."""

from __future__ import annotations

import asyncio
from typing import Any

from local.environment import Environment
from local.examples.recorder import Recorder
from local.sample_company.trading_days import Goods, Till, Trading

CUSTOMERS = 40
_TEMPLATE = {"template": "dynamics"}
_ACCOUNT = {**_TEMPLATE, "object": "account"}
_MARKS = {**_TEMPLATE, "noun": "customers"}
_TILLS = {"template": "tagrain-nord"}
_RESELLER = 9
_SETTINGS = {
    "accountTypes": [3, _RESELLER],
    "defaultCustomerGroup": 100,
    "customerCodeSeries": 70,
    "fieldRules": {"account.phone": "ask"},
}
_TILL_SETTINGS = {
    "connection": "DEMO", "startDate": "2026-01-01", "timeZone": "Europe/Berlin", "basePriceList": 1,
    "cashCustomer": "C00001", "paymentTerm": 1, "exemptTaxCode": "A0", "cashAccount": "1000",
    "customerCurrency": "EUR", "customerCodeSeries": 70, "defaultCustomerGroup": 100, "defaultItemGroup": 100,
    "giftCardAccount": "1705", "stores": {"st_1": {"warehouse": "01"}},
    "payments": {"Visa": {"means": "creditCard", "creditCard": 1}},
    "expenseReasons": {"er_1": "4900", "er_2": "4910", "er_3": "4900"}, "surcharges": {"sc_1": 1, "sc_2": 3},
}  # fmt: skip


async def tour(environment: Environment) -> dict[str, Any]:
    """What was sent and answered, by operation."""
    to = Recorder(environment)
    await _set_up(to)
    await _mark(to)
    await _travel(to)
    await _decide(to)
    await _link(to)
    await _look(to)
    return to.examples


async def _set_up(to: Recorder) -> None:
    await to.call("templates_create", body={"id": "dynamics", "type": "dynamics"}, expect=201)
    await to.call("templates_list")
    await to.call("settings_put", _TEMPLATE, body=_SETTINGS)
    await to.call("settings_get", _TEMPLATE)
    await to.call("setup", _TEMPLATE)
    await to.call("lists_names", _TEMPLATE)
    await to.call("lists_rows", {**_TEMPLATE, "list": "sap.customer_groups"})
    schedule = {"run": "weekly", "on": ["mon", "thu"], "at": "06:30", "timezone": "Europe/Berlin"}
    await to.call("schedule_put", _ACCOUNT, body=schedule)
    await to.call("schedule_get", _ACCOUNT)


async def _mark(to: Recorder) -> None:
    """By code, by range, and back again."""
    await to.call("marks_candidates", _MARKS, query={"from": "C00001", "to": "C00010", "limit": "2"})
    entries = [{"code": "C00001", "accountType": 3}, {"code": "c00002", "accountType": 3}, {"code": "C99999"}]
    await to.call("marks_change", _MARKS, body={"batch": "spring", "marked": True, "entries": entries})
    criteria = {"from": "C00003", "to": "C00020", "accountType": _RESELLER}
    started = await to.call("marks_change", _MARKS, body={"marked": True, "criteria": criteria}, expect=202)
    await to.environment.run_to_end(started)
    await to.call("marks_batch", {**_MARKS, "batch": "spring"})


async def _travel(to: Recorder) -> None:
    """The first load, Sync Now, its preview, a run that is cancelled."""
    await to.follow(await to.call("initialize", _ACCOUNT, expect=202))
    to.environment.simulators.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "Fax": "+49 40 1234"}])
    await to.call("sync", _ACCOUNT, body={"keys": ["C00001"], "preview": True})
    to.examples["sync"].pop("body")  # the preview's; the one that is shown is that of a run
    await to.follow(await to.call("sync", _ACCOUNT, body={"mode": "delta", "keys": ["C00001", "C99999"]}, expect=202))
    await to.call("runs_list", query={"template": "dynamics", "object": "account", "limit": "2"})
    await _cancel(to)
    await to.call("objects_list", _TEMPLATE)


async def _cancel(to: Recorder) -> None:
    """A run that is asked for while another works waits behind it, so that it can be cancelled in time."""
    for _ in range(20):
        run = (await to.environment.api("POST", "/templates/dynamics/objects/account/sync", {"mode": "full"}))["run"]
        status, _, _ = await to.environment.call("GET", f"/runs?id={run}")
        if status == 200:
            try:
                await to.call("runs_cancel", {"run": run})
            except RuntimeError:  # it was over already
                await asyncio.sleep(0.1)
                continue
            return
    raise RuntimeError("no run could be cancelled")


async def _decide(to: Recorder) -> None:
    """A field edited on both sides, whose rule is to ask."""
    sap, dataverse = to.environment.simulators.sap, to.environment.simulators.dataverse
    account = next(row for row in dataverse.data_rows("accounts") if row.get("accountnumber") == "C00002")
    sap.data_write("BusinessPartners", [{"CardCode": "C00002", "Phone1": "+49 40 555-1"}])
    dataverse.data_write("accounts", [{"accountid": account["accountid"], "telephone1": "+49 40 555-2"}])
    await _synced(to)
    await to.call("conflicts_list", _TEMPLATE)
    await to.call("failures_list", _TEMPLATE, query={"object": "account"})
    await to.call("explain", _TEMPLATE, query={"object": "account", "key": "C00002"})
    answer = {"object": "account", "key": "C00002", "fields": {"phone": "sap"}}
    await to.call("conflicts_resolve", _TEMPLATE, body=answer)
    chosen = {"object": "account", "keys": ["C00002"]}
    retried = await to.call("failures_retry", _TEMPLATE, body=chosen, expect=202)
    await to.follow(retried["runs"][0])
    await to.call("failures_retry", _TEMPLATE, body=chosen)
    await to.call("failures_dismiss", _TEMPLATE, body=chosen)


async def _link(to: Recorder) -> None:
    """Two records that nobody has linked yet."""
    sap, dataverse = to.environment.simulators.sap, to.environment.simulators.dataverse
    sap.data_write("BusinessPartners", [{"CardCode": "C00100", "CardName": "Nordwind GmbH", "CardType": "cCustomer"}])
    (account,) = dataverse.data_write("accounts", [{"name": "Nordwind Gesellschaft mbH"}])
    pair = {"object": "account", "sap": "C00100", "other": account["accountid"]}
    await to.call("links_make", _TEMPLATE, body=pair)
    await to.call("links_list", _TEMPLATE, query={"object": "account", "limit": "2"})
    await to.call("links_undo", _TEMPLATE, query={"object": "account", "key": "C00100"})
    await to.call("marks_undo", {**_MARKS, "batch": "spring"}, expect=202)


async def _look(to: Recorder) -> None:
    """A day at the tills that no run has read yet, and how the hub is."""
    await to.environment.api("POST", "/templates", {"id": "tagrain-nord", "type": "tagrain"}, expect=201)
    await to.environment.api("PUT", "/templates/tagrain-nord/settings", _TILL_SETTINGS)
    products = [row for row in to.environment.simulators.tagrain.data_rows("products") if row["code"].startswith("T-")]
    goods = [Goods(row["id"], row["code"], row["productType"], row["taxCode"]) for row in products]
    sales = Till(Trading(goods, (), stores=("st_1",), receipts=3)).trade().sales
    to.environment.simulators.tagrain.data_write("sales", sales)
    await to.call("tieout", _TILLS, query={"store": "st_1", "date": "2026-03-02"})
    await _synced(to)
    await to.call("health")


async def _synced(to: Recorder) -> None:
    started = await to.environment.api("POST", "/templates/dynamics/objects/account/sync", {"mode": "delta"})
    await to.environment.run_to_end(started)
