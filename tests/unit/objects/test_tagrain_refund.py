"""A refund as a credit memo that stands alone, with what was paid back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from shared.objects.model import Parent, Tally
from shared.objects.tagrain.refund import REFUND
from shared.sync.steps import with_key
from tests.unit.objects.tagrain_receipts import created, line, payment, posted, receipts, sale
from tests.unit.objects.tagrain_support import OTHER, SAP

D = Decimal
ROW = sale(id="ref_1", number="B-7", originalSaleId="sal_1", note="broken", lines=[line(originalLineId="1")])


def test_it_waits_for_its_sale():
    assert Parent("sales", OTHER, "sal_1") in REFUND.parents(OTHER, ROW, receipts())
    alone = {**ROW, "originalSaleId": None}
    assert REFUND.parents(OTHER, alone, receipts()) == (Parent("product", OTHER, "prd_1"),)
    assert REFUND.parents(SAP, {}, receipts()) == ()


def test_it_does_not_wait_for_a_sale_from_before_transactions_are_taken():
    ctx = receipts()
    first = ctx.settings.start_date
    before = {**ROW, "originalBusinessDate": (first - timedelta(days=1)).isoformat()}
    assert Parent("sales", OTHER, "sal_1") not in REFUND.parents(OTHER, before, ctx)
    assert Parent("sales", OTHER, "sal_1") in REFUND.parents(OTHER, {**ROW, "originalBusinessDate": f"{first}"}, ctx)


def test_it_is_a_credit_memo_that_names_its_sale_and_is_based_on_nothing():
    writing = created(REFUND, ROW, receipts())
    assert writing.refusal is None
    assert REFUND.sap_entity.set == "CreditNotes"
    assert writing.body["Comments"] == "Tagrain: refund of sale sal_1\nbroken"
    assert not any(name.startswith("Base") for name in writing.body["DocumentLines"][0])


def test_what_is_given_back_is_an_outgoing_payment_on_it():
    [step] = created(REFUND, ROW, receipts()).steps
    assert step.entity is not None
    assert step.entity.set == "VendorPayments"
    body = with_key(step.body, "77")
    assert body["DocType"] == "rCustomer"
    assert body["PaymentInvoices"] == [{"DocEntry": 77, "InvoiceType": "it_CredItnote", "SumApplied": D("23.80")}]
    assert (body["U_HubRef"], body["U_HubDoc"]) == ("harbour:ref_1/1", "77")


def test_one_on_account_pays_nothing_back():
    row = {**ROW, "payments": [payment("p", "23.80", "pt_4")]}
    assert created(REFUND, row, receipts()).steps == ()


def test_both_sides_tally_alike():
    ctx = receipts()
    document = posted(REFUND, created(REFUND, ROW, ctx), total="23.80")
    expected = Tally(D("23.80"), {"cash 161000": D("23.80"), "open": D(0)})
    assert REFUND.tally(OTHER, ROW, ctx) == REFUND.tally(SAP, document, ctx) == expected
