"""Receipts, refunds and expenses stand in SAP once and to the cent; the day ties out, by SAP's own books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from local.sample_company.trading_days import Goods, Till, Trading, payment
from shared.ports import SideName
from shared.sync.preview import preview
from shared.sync.start import start
from shared.sync.tieout import tie_out
from tests.trade.tills import TILLS, Tills, tills
from tests.trade.world import CUT_CONNECTIONS, SHORTER_TIMES, Row

OTHER = SideName.OTHER
STORES = {"st_1": {"warehouse": "01"}, "st_2": {"warehouse": "02", "cashAccount": "1001"}}
RECEIPTS = ("sales", "refund", "expense")
_MEANS = {"pt_visa": "card 1", "pt_girocard": "card 2", "pt_gift": "card 3", "pt_bank": "transfer 1200"}


async def open_tills(world: Tills) -> Trading:
    """Products of all kinds that both sides know, customers, and what may be traded with them."""
    await world.open_shop()
    products = {row["code"]: row for row in world.tagrain.data_rows("products")}
    codes = ("T-1", "T-2", "T-3", "T-4", "T-5-S", "T-GIFT")
    goods = [
        Goods(row["id"], code, row["productType"], row["taxCode"]) for code, row in products.items() if code in codes
    ]
    customers = [
        row["id"] for row in world.tagrain.data_rows("customers") if row["code"] is None or row["id"][:4] == "cus_"
    ]
    return Trading(goods, customers[:6], stores=tuple(STORES))


def ring_up(world: Tills, till: Till) -> None:
    """Everything of the till is at Tagrain."""
    world.tagrain.data_write("sales", till.sales)
    world.tagrain.data_write("refunds", till.refunds)
    world.tagrain.data_write("expenses", till.expenses)


async def post(world: Tills) -> dict[str, str]:
    """All documents to SAP; the runs' ends by object."""
    return {name: (await world.run(name)).status for name in RECEIPTS}


def expected(rows: Sequence[Row], cash: str) -> Mapping[str, Decimal]:
    """By hand: what a store's receipts are worth, by means of payment."""
    tenders: Counter[str] = Counter()
    for row in rows:
        for each in row["payments"]:
            name = f"cash {cash}" if each["paymentTypeId"] == "pt_cash" else _MEANS.get(each["paymentTypeId"], "open")
            sign = Decimal(each["amount"])
            tenders[name] += sign  # type: ignore[assignment]
            if each["isSettlement"]:
                tenders["open"] -= sign  # type: ignore[assignment]
    return {name: Decimal(amount) for name, amount in tenders.items() if amount}


async def check_days(world: Tills, till: Till, stores: Mapping[str, Mapping[str, str]] = STORES) -> None:
    """Every store and day ties out at zero, and both sides' sums are those computed by hand from the receipts."""
    days = sorted({row["businessDate"] for row in (*till.sales, *till.refunds, *till.expenses)})
    for store, settings in stores.items():
        for day in days:
            answer = await tie_out(world.hub, TILLS, store, date.fromisoformat(day))
            assert answer["agrees"], answer
            by_object = {each["object"]: each for each in answer["objects"]}
            for name, rows in (("sales", till.sales), ("refund", till.refunds)):
                own = [row for row in rows if (row["storeId"], row["businessDate"]) == (store, day)]
                told = by_object[name]["sap"]
                assert told["count"] == len(own)
                assert Decimal(told["total"]) == sum((Decimal(row["total"]) for row in own), Decimal(0))
                cash = settings.get("cashAccount", "1000")
                assert {k: Decimal(v) for k, v in told["tenders"].items()} == expected(own, cash)


def check_once(world: Tills, till: Till) -> None:
    """Each document and payment stands in SAP once."""
    for entity_set, rows in (("Invoices", till.sales), ("CreditNotes", till.refunds)):
        references = Counter(row["U_HubRef"] for row in world.sap.data_rows(entity_set))
        assert references == Counter(f"{TILLS}:{row['id']}" for row in rows)
    for entity_set in ("IncomingPayments", "VendorPayments"):
        assert set(Counter(row["U_HubRef"] for row in world.sap.data_rows(entity_set)).values()) <= {1}


async def test_a_trading_day_is_previewed_with_its_payments_before_anything_of_it_is_in_sap(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        ring_up(world, Till(replace(await open_tills(world), receipts=20)).trade())
        world.forget_writes()
        seen = {name: await preview(world.hub, TILLS, name, "full", [], with_values=True) for name in RECEIPTS}
        assert world.writes() == {}
        assert seen["sales"]["calls"]["sap"]["writes"] > len(seen["sales"]["records"]), "invoices, and their payments"
        for name in RECEIPTS:
            run = await world.run(name)
            assert seen[name]["counts"] == run.counts == {"created": len(seen[name]["records"])}


async def test_a_trading_day_arrives_ties_out_and_a_second_run_writes_nothing(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        till = Till(await open_tills(world)).trade()
        ring_up(world, till)
        ends = await post(world)
        failures = [row async for row in world.hub.records.rows(f"{TILLS}|sales", "f:")]
        assert ends == dict.fromkeys(RECEIPTS, "succeeded"), failures[:3]
        check_once(world, till)
        await check_days(world, till)
        world.forget_writes()
        for name in RECEIPTS:
            await world.run(name, "full")
        assert world.writes() == {}


async def test_an_on_account_sale_is_settled_later_in_two_payments_on_its_invoice(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        trading = await open_tills(world)
        sale = next(row for row in Till(trading).trade().sales if row["customerId"] and row["payments"])
        total = Decimal(sale["total"])
        sale["payments"] = [payment("x-1", "pt_account", total, "2026-03-02")]
        world.tagrain.data_write("sales", [sale])
        await world.run("sales")
        (invoice,) = world.sap.data_rows("Invoices")
        assert (invoice["DocumentStatus"], invoice["PaidToDate"]) == ("bost_Open", 0)
        first = Decimal("0.50")
        for number, amount in ((2, first), (3, total - first)):
            sale["payments"].append(payment(f"x-{number}", "pt_visa", amount, f"2026-03-0{number + 2}", settles=True))
            world.tagrain.data_write("sales", [sale])
            await world.run("sales")
        (invoice,) = world.sap.data_rows("Invoices")
        assert invoice["DocumentStatus"] == "bost_Close"
        assert len(world.sap.data_rows("IncomingPayments")) == 2
        answer = await tie_out(world.hub, TILLS, sale["storeId"], date(2026, 3, 2))
        assert answer["agrees"], answer


async def test_an_unmapped_tender_is_named_nothing_is_posted_and_after_the_mapping_it_arrives(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        trading = await open_tills(world)
        mapped = dict(world.settings["payments"])
        await world.save_settings(payments={k: v for k, v in mapped.items() if k != "Visa"})
        sale = Till(trading).trade().sales[0]
        sale["payments"] = [payment("x-1", "pt_visa", Decimal(sale["total"]), "2026-03-02")]
        world.tagrain.data_write("sales", [sale])
        await world.run("sales")
        assert world.sap.data_rows("Invoices") == []
        (one, *_) = (await tie_out(world.hub, TILLS, sale["storeId"], date(2026, 3, 2)))["objects"]
        assert "payments" in one["missing"][0]["reason"]
        await world.save_settings(payments=mapped)
        await world.run("sales")
        assert (await tie_out(world.hub, TILLS, sale["storeId"], date(2026, 3, 2)))["agrees"]


async def test_stock_falls_with_the_sales_and_the_tills_learn_of_it_afterwards(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        trading = await open_tills(world)
        await world.run("inventory")
        product = next(each for each in trading.goods if each.code == "T-1")
        before = {
            row["storeId"]: Decimal(row["quantity"])
            for row in world.in_tagrain("inventory", id=product.id)["quantities"]
        }
        only = Trading([product], trading.customers, stores=("st_1",), receipts=5, seed=3)
        till = Till(only).trade()
        till.refunds.clear()
        ring_up(world, till)
        sold = sum((Decimal(line["quantity"]) for sale in till.sales for line in sale["lines"]), Decimal(0))
        run = await world.run("inventory")
        assert run.status == "succeeded", run
        after = {
            row["storeId"]: Decimal(row["quantity"])
            for row in world.in_tagrain("inventory", id=product.id)["quantities"]
        }
        assert before["st_1"] - after["st_1"] == sold
        assert len(world.sap.data_rows("Invoices")) == len(till.sales), "the run brought the sales first"


@CUT_CONNECTIONS
async def test_however_often_the_work_is_killed_the_days_tie_out_and_nothing_is_posted_twice(azurite: str) -> None:
    random = Random("killed at the tills")
    async with tills(azurite, stores=STORES, times=SHORTER_TIMES) as world:
        till = Till(await open_tills(world)).trade()
        ring_up(world, till)
        await start(world.hub, TILLS, "sales", "delta", "request")
        assert await world.work_killed([random.uniform(0.2, 0.8) for _ in range(5)]) >= 5
        await world.settle()
        await post(world)
        await world.settle()
        check_once(world, till)
        await check_days(world, till)
