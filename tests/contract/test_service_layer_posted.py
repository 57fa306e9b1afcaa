"""Invoices, credit memos and payments as SAP posts them: at once, for ever, moving stock and what is open.

Rules: service layer facts (posted documents, payments); else general Business One behaviour.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_orders import CUSTOMER, HEADER, line
from tests.contract.service_layer_orders import sap as sap

Json = dict[str, Any]
SERIAL, BATCH = "I00012", "I00016"


async def _post(sap: Client, entity_set: str, **more: Any) -> Json:
    response = await sap.send("POST", entity_set, {**HEADER, "DocumentLines": [line(100.0)], **more})
    assert response.status_code == 201, response.text
    posted: Json = response.json()
    return posted


async def _pay(sap: Client, entry: int, amount: float, **means: Any) -> httpx.Response:
    paid = means or {"CashAccount": "1000", "CashSum": amount}
    rows = [{"DocEntry": entry, "InvoiceType": "it_Invoice", "SumApplied": amount}]
    return await sap.send("POST", "IncomingPayments", {"CardCode": CUSTOMER, "PaymentInvoices": rows, **paid})


async def _stock(sap: Client, item: str = "I00001", warehouse: str = "01") -> float:
    row = (await sap.get(f"Items('{item}')")).json()
    (found,) = [each for each in row["ItemWarehouseInfoCollection"] if each["WarehouseCode"] == warehouse]
    return float(found["InStock"])


async def test_an_invoice_lowers_the_stock_of_its_warehouse_and_a_credit_memo_raises_it(sap: Client) -> None:
    before = await _stock(sap)
    stamps = (await sap.get("Items('I00001')?$select=DataVersion,UpdateDate")).json()["DataVersion"]
    await _post(sap, "Invoices", DocumentLines=[line(1.0, 3.0)])
    assert await _stock(sap) == before - 3
    await _post(sap, "CreditNotes", DocumentLines=[line(1.0, 2.0)])
    assert await _stock(sap) == before - 1
    after = (await sap.get("Items('I00001')?$select=DataVersion,UpdateDate")).json()["DataVersion"]
    assert after == stamps, "stock leaves no stamp on the item"


async def test_a_payment_lowers_what_is_open_and_closes_the_invoice_at_zero(sap: Client) -> None:
    entry = (await _post(sap, "Invoices"))["DocEntry"]
    assert (await _pay(sap, entry, 40.0)).status_code == 201
    seen = (await sap.get(f"Invoices({entry})")).json()
    assert (seen["PaidToDate"], seen["DocumentStatus"]) == (40.0, "bost_Open")
    assert error_of(await _pay(sap, entry, 60.01)) == (400, "-5002")
    assert (await _pay(sap, entry, 60.0)).status_code == 201
    assert (await sap.get(f"Invoices({entry})")).json()["DocumentStatus"] == "bost_Close"


@pytest.mark.parametrize(
    "means",
    [
        {"CashAccount": "1000", "CashSum": 99.0},
        {"CashAccount": "9999", "CashSum": 100.0},
        {"PaymentCreditCards": [{"CreditCard": 1, "CreditSum": 100.0}]},
        {"PaymentCreditCards": [{"CreditCard": 9, "CreditSum": 100.0, "CardValidUntil": "2099-12-31", "VoucherNum": "1"}]},
    ],
)  # fmt: skip
async def test_means_that_do_not_add_up_or_do_not_exist_are_refused_and_nothing_is_paid(
    sap: Client, means: Json
) -> None:
    entry = (await _post(sap, "Invoices"))["DocEntry"]
    assert error_of(await _pay(sap, entry, 100.0, **means)) == (400, "-5002")
    assert (await sap.get(f"Invoices({entry})")).json()["PaidToDate"] == 0.0
    assert (await sap.get("IncomingPayments")).json()["value"] == []


async def test_what_is_posted_is_never_changed_but_for_remarks_nor_deleted(sap: Client) -> None:
    entry = (await _post(sap, "Invoices"))["DocEntry"]
    assert error_of(await sap.send("PATCH", f"Invoices({entry})", {"DocumentLines": [line(1.0)]})) == (400, "-1029")
    assert (await sap.send("PATCH", f"Invoices({entry})", {"Comments": "seen"})).status_code == 204
    assert error_of(await sap.send("DELETE", f"Invoices({entry})"))[0] == 400
    payment = (await _pay(sap, entry, 100.0)).json()["DocEntry"]
    assert error_of(await sap.send("PATCH", f"IncomingPayments({payment})", {"CashSum": 1})) == (400, "-1029")
    assert (await sap.send("PATCH", f"IncomingPayments({payment})", {"Remarks": "seen"})).status_code == 204
    assert (await sap.get(f"Invoices({entry})")).json()["PaidToDate"] == 100.0, "not applied again"


@pytest.mark.parametrize(
    ("item", "good"),
    [
        (SERIAL, {"SerialNumbers": [{"InternalSerialNumber": "S1"}, {"InternalSerialNumber": "S2"}]}),
        (BATCH, {"BatchNumbers": [{"BatchNumberProperty": "B1", "Quantity": 2}]}),
    ],
)
async def test_managed_items_name_their_numbers(sap: Client, item: str, good: Json) -> None:
    rows = {"DocumentLines": [{**line(1.0, 2.0), "ItemCode": item}]}
    assert error_of(await sap.send("POST", "Invoices", {**HEADER, **rows})) == (400, "-5002")
    await _post(sap, "Invoices", DocumentLines=[{**line(1.0, 2.0), "ItemCode": item, **good}])


async def test_a_rounding_difference_is_part_of_the_total(sap: Client) -> None:
    assert (await _post(sap, "Invoices", Rounding="tYES", RoundingDiffAmount=-0.03))["DocTotal"] == 99.97
    assert (await _post(sap, "Invoices", RoundingDiffAmount=-0.03))["DocTotal"] == 100.0, "only if it is switched on"


async def test_a_payment_on_account_goes_to_accounts(sap: Client) -> None:
    rows = {"PaymentAccounts": [{"AccountCode": "4900", "SumPaid": 5.5}]}
    body = {"DocType": "rAccount", "CashAccount": "1000", "CashSum": 5.5, **rows}
    assert (await sap.send("POST", "VendorPayments", body)).status_code == 201
    wrong = {**body, "PaymentAccounts": [{"AccountCode": "0815", "SumPaid": 5.5}]}
    assert error_of(await sap.send("POST", "VendorPayments", wrong)) == (400, "-5002")


def _back(entry: int, quantity: float) -> Json:
    return {**line(10.0, quantity), "BaseType": 13, "BaseEntry": entry, "BaseLine": 0}


async def test_a_credit_memo_takes_no_more_than_is_left_of_its_base(sap: Client) -> None:
    entry = (await _post(sap, "Invoices", DocumentLines=[line(10.0, 3.0)]))["DocEntry"]
    await _post(sap, "CreditNotes", DocumentLines=[_back(entry, 2.0)])
    body = {**HEADER, "DocumentLines": [_back(entry, 1.5)]}
    assert error_of(await sap.send("POST", "CreditNotes", body)) == (400, "-5002")
    await _post(sap, "CreditNotes", DocumentLines=[_back(entry, 1.0)])


async def test_an_invoice_that_is_paid_in_full_is_no_base(sap: Client) -> None:
    entry = (await _post(sap, "Invoices", DocumentLines=[line(10.0, 3.0)]))["DocEntry"]
    assert (await _pay(sap, entry, 30.0)).status_code == 201
    body = {**HEADER, "DocumentLines": [_back(entry, 1.0)]}
    assert error_of(await sap.send("POST", "CreditNotes", body)) == (400, "-5002")
