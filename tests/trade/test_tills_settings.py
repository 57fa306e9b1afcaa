"""Every setting that is left out, one at a time, is named at the records it concerns, and nothing is posted for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from local.sample_company.trading_days import Till, Trading, payment
from shared.ports import SideName
from shared.sync import configure
from tests.trade.test_tills_receipts import STORES, open_tills
from tests.trade.tills import TILLS, Tills, tills
from tests.trade.world import Row

OTHER = SideName.OTHER
DAY = "2026-03-02"
#: What opens an object: left out, it is not opened, and GET settings says what is missing.
OPENING = {
    "sales": ("startDate", "cashCustomer", "paymentTerm", "exemptTaxCode", "cashAccount", "stores"),
    "refund": ("startDate", "cashCustomer", "paymentTerm", "exemptTaxCode", "cashAccount", "stores"),
    "expense": ("startDate", "cashAccount", "stores", "expenseReasons"),
    "customer": ("connection", "customerCurrency", "customerCodeSeries", "defaultCustomerGroup"),
    "product": ("connection", "defaultItemGroup", "basePriceList"),
    "inventory": ("connection", "stores"),
}
_EMPTY: dict[str, Any] = {"stores": {}, "expenseReasons": {}}


def _sale(trading: Trading, tender: str = "pt_cash", **more: Any) -> Row:
    only = replace(trading, goods=[each for each in trading.goods if each.code == "T-1"], stores=("st_1",))
    sale = next(row for row in Till(only).trade().sales if not row["surcharges"] and row["rounding"] == "0")
    sale["payments"] = [payment("x-1", tender, Decimal(sale["total"]), DAY)]
    return {**sale, "customerId": None, **more}


def _without(world: Tills, setting: str, key: str) -> dict[str, Any]:
    return {k: v for k, v in world.settings[setting].items() if k != key}


def _with_surcharge(trading: Trading) -> Row:
    sale = _sale(trading)
    surcharge = {
        "id": "s_1", "surchargeId": "sc_1", "name": "Delivery", "amount": "2.00", "taxCode": "A0", "taxAmount": "0.00",
        "total": "2.00",
    }  # fmt: skip
    total = Decimal(sale["total"]) + 2
    return {
        **sale, "surcharges": [surcharge], "total": f"{total:f}", "payments": [payment("x-1", "pt_cash", total, DAY)],
    }  # fmt: skip


def _gift_card(trading: Trading) -> Row:
    only = replace(trading, goods=[each for each in trading.goods if each.kind == "GiftCard"], stores=("st_1",))
    sale = next(row for row in Till(only).trade().sales if not row["surcharges"] and row["rounding"] == "0")
    return {**sale, "customerId": None, "payments": [payment("x-1", "pt_cash", Decimal(sale["total"]), DAY)]}


def _bad_tax(trading: Trading) -> Row:
    sale = _sale(trading)
    return {**sale, "lines": [{**line, "taxCode": "B16"} for line in sale["lines"]]}


CASES: dict[str, tuple[Callable[[Trading], Row], Callable[[Tills], dict[str, Any]], str]] = {
    "payments": (lambda t: _sale(t, "pt_visa"), lambda w: {"payments": _without(w, "payments", "Visa")}, "payments"),
    "a store": (lambda t: _sale(t, storeId="st_3"), lambda w: {}, "stores"),
    "surcharges": (_with_surcharge, lambda w: {"surcharges": {}}, "surcharges"),
    "giftCardAccount": (_gift_card, lambda w: {"giftCardAccount": None}, "giftCardAccount"),
    "a tax code of SAP": (_bad_tax, lambda w: {}, "B16"),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_a_sale_needs_is_named_at_the_sale_and_nothing_is_posted(azurite: str, case: str) -> None:
    make, changes, name = CASES[case]
    async with tills(azurite, stores=STORES) as world:
        trading = await open_tills(world)
        await world.save_settings(**changes(world))
        sale = make(trading)
        world.tagrain.data_write("sales", [sale])
        await world.run("sales")
        record = await world.record("sales", OTHER, sale["id"])
        assert record.failure is not None
        assert name in record.failure.reason, record.failure
        assert world.sap.data_rows("Invoices") == world.sap.data_rows("IncomingPayments") == []


async def test_an_expense_without_a_reason_s_account_is_named_and_nothing_is_posted(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        trading = await open_tills(world)
        await world.save_settings(expenseReasons={"er_1": "4900"})
        expense = {**Till(trading).trade().expenses[0], "reasonId": "er_2", "storeId": "st_1"}
        world.tagrain.data_write("expenses", [expense])
        await world.run("expense")
        record = await world.record("expense", OTHER, expense["id"])
        assert record.failure is not None
        assert "expenseReasons" in record.failure.reason
        assert world.sap.data_rows("VendorPayments") == []


async def test_each_setting_that_an_object_needs_is_missing_by_name_until_it_is_set(azurite: str) -> None:
    async with tills(azurite, stores=STORES) as world:
        full = dict(world.settings)
        for name, settings in OPENING.items():
            for setting in settings:
                row, kind = await world.hub.template(TILLS)
                left_out = {**full, setting: _EMPTY.get(setting)}
                missing = kind.missing(name, configure._validated(kind, left_out))
                assert [problem.setting for problem in missing] == [setting], (name, setting, row.id)
                assert missing[0].text


@pytest.mark.parametrize(("connection", "named"), [(None, "connection"), ("NOWHERE", "TAGRAIN_NOWHERE_URL")])
async def test_a_connection_that_is_not_set_up_is_refused_by_name(
    azurite: str, connection: str | None, named: str
) -> None:
    async with tills(azurite, stores=STORES) as world:
        with pytest.raises(configure.InvalidSettings) as refused:
            await configure.save_settings(world.hub, TILLS, {**world.settings, "connection": connection})
        assert named in [problem.setting for problem in refused.value.problems]
