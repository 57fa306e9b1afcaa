"""A sale of the tills as an invoice with its payments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.objects.model import Direction, Parent, Tally
from shared.objects.tagrain.sales import SALES
from shared.ports import Mark
from shared.sync.steps import with_key
from tests.unit.objects.tagrain_receipts import changed, created, line, payment, posted, receipts, sale
from tests.unit.objects.tagrain_support import MARK, OTHER, SAP

D = Decimal
IN = Direction.IN
LATER = {"isSettlement": True, "paidAt": "2026-03-05T10:00:00.000Z"}
ON_ACCOUNT = sale(customerId="cus_1", payments=[payment("pay_1", "10.00"), payment("pay_2", "13.80", "pt_4")])


def test_a_cash_sale_is_an_invoice_of_the_cash_customer():
    writing = created(SALES, sale(), receipts())
    assert writing.refusal is None
    assert not writing.held
    assert writing.body == {
        "U_HubRef": "harbour:sal_1",
        "CardCode": "CASH",
        "NumAtCard": "R-1001",
        "DocDate": "2026-03-01",
        "TaxDate": "2026-03-01",
        "DocDueDate": "2026-03-01",
        "DocCurrency": "EUR",
        "PaymentGroupCode": 2,
        "DiscountPercent": 0,
        "BPL_IDAssignedToInvoice": 1,
        "DocumentLines": [
            {
                "ItemCode": "I00001",
                "Quantity": D(2),
                "UnitPrice": D(10),
                "DiscountPercent": D(0),
                "WarehouseCode": "01",
                "VatGroup": "A1",
            }
        ],
        "DocumentAdditionalExpenses": [],
    }


def test_its_payment_is_a_step_that_names_the_invoice():
    [step] = created(SALES, sale(), receipts()).steps
    assert step.entity is not None
    assert (step.entity.set, step.key, step.field_name) == ("IncomingPayments", None, "payments")
    assert with_key(step.body, "501") == {
        "DocType": "rCustomer",
        "CardCode": "CASH",
        "DocDate": "2026-03-01",
        "TaxDate": "2026-03-01",
        "DueDate": "2026-03-01",
        "CashAccount": "161000",
        "CashSum": D("23.80"),
        "PaymentInvoices": [{"DocEntry": 501, "InvoiceType": "it_Invoice", "SumApplied": D("23.80")}],
        "U_HubRef": "harbour:sal_1/1",
        "U_HubDoc": "501",
        "BPLID": 1,
    }


def test_a_sale_of_a_customer_waits_for_the_customer_and_every_product():
    row = sale(customerId="cus_1", lines=[line(), line(productId="prd_2"), line()])
    assert SALES.parents(OTHER, row, receipts()) == (
        Parent("customer", OTHER, "cus_1"),
        Parent("product", OTHER, "prd_1"),
        Parent("product", OTHER, "prd_2"),
    )
    assert created(SALES, ON_ACCOUNT, receipts()).body["CardCode"] == "C20000"


def test_serial_numbers_batches_gift_cards_and_surcharges_are_carried():
    rows = [
        line(serialNumbers=["S1", "S2"], batches=[{"number": "B1", "quantity": "2.000"}]),
        line(
            productId="prd_2",
            productType="GiftCard",
            quantity="1",
            unitPrice="50",
            taxCode=None,
            taxAmount="0",
            total="50.00",
        ),
    ]
    fee = {
        "id": "1",
        "surchargeId": "sc_1",
        "name": "Packing",
        "amount": "1.19",
        "taxCode": "A1",
        "taxAmount": "0.19",
        "total": "1.19",
    }
    row = sale(lines=rows, surcharges=[fee], rounding="0.01", total="75.00", payments=[payment("p", "75.00")])
    body = created(SALES, row, receipts()).body
    hammer, card = body["DocumentLines"]
    assert hammer["SerialNumbers"] == [
        {"InternalSerialNumber": "S1", "Quantity": 1},
        {"InternalSerialNumber": "S2", "Quantity": 1},
    ]
    assert hammer["BatchNumbers"] == [{"BatchNumberProperty": "B1", "Quantity": D(2)}]
    assert (card["ItemCode"], card["AccountCode"], card["VatGroup"]) == ("GIFT", "230000", "A0")
    assert body["DocumentAdditionalExpenses"] == [{"ExpenseCode": 1, "LineTotal": D("1.00"), "VatGroup": "A1"}]
    assert (body["Rounding"], body["RoundingDiffAmount"]) == ("tYES", D("0.01"))


GIFT = line(productId="prd_2", productType="GiftCard")
FEE = {"surchargeId": "sc_9", "taxCode": None, "taxAmount": "0", "total": "0"}


@pytest.mark.parametrize(
    ("row", "settings", "text"),
    [
        (sale(), {"cashCustomer": None}, "setting cashCustomer"),
        (sale(), {"paymentTerm": None}, "setting paymentTerm"),
        (sale(), {"cashAccount": None}, "setting cashAccount"),
        (sale(), {"stores": {}}, "setting stores"),
        (sale(lines=[GIFT]), {"giftCardAccount": None}, "setting giftCardAccount"),
        (sale(surcharges=[FEE]), {}, "setting surcharges"),
        (sale(lines=[line(taxCode=None, taxAmount="0")]), {"exemptTaxCode": None}, "setting exemptTaxCode"),
        (sale(lines=[line(taxCode="A7")]), {}, "tax code A7"),
        (sale(lines=[line(taxAmount="1.00")]), {}, "same rate"),
        (sale(payments=[payment("p", "23.80", "pt_2")]), {"payments": {}}, "setting payments"),
        (sale(currency="USD"), {"currencies": {"$": "USD"}}, "local currency"),
        (sale(currency="JPY"), {}, "no such currency"),
        (sale(customerId="cus_9"), {}, "not linked"),
        (sale(lines=[line(productId="prd_9")]), {}, "not linked"),
    ],
)
def test_what_is_not_mapped_refuses_the_whole_sale_by_name(row, settings, text):
    refusal = created(SALES, row, receipts(**settings)).refusal
    assert refusal is not None
    assert text in refusal.text
    assert not refusal.conflict


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total": "23.85"}, "content"),
        ({"payments": [payment("p", "20.00")]}, "payments"),
        ({"payments": [payment("p", "23.80", paidAt="yesterday")]}, "payments"),
        ({"lines": [line(quantity="two")]}, "content"),
    ],
)
def test_a_receipt_that_does_not_add_up_in_itself_is_held_by_name(changes, field):
    assert field in SALES.read(OTHER, sale(**changes), MARK, receipts()).held


def test_what_is_left_open_is_paid_by_later_settlements_each_once():
    ctx = receipts()
    first = created(SALES, ON_ACCOUNT, ctx)
    document = posted(SALES, first, total="23.80")
    settled = {**ON_ACCOUNT, "payments": [*ON_ACCOUNT["payments"], payment("pay_3", "13.80", **LATER)]}
    [step] = changed(SALES, settled, document, ctx).steps
    assert step.body["U_HubRef"] == "harbour:sal_1/p-pay_3"
    assert step.body["DocDate"] == "2026-03-05"
    assert step.body["CardCode"] == "C20000"
    document["payments"].append(with_key(step.body, "501"))
    again = changed(SALES, settled, document, ctx, "payments")
    assert (again.body, again.steps, again.refusal) == ({}, (), None)


def test_after_a_crash_only_the_missing_payment_is_posted():
    ctx = receipts()
    writing = created(SALES, ON_ACCOUNT, ctx)
    document = posted(SALES, writing, steps=0)
    assert [s.name for s in changed(SALES, ON_ACCOUNT, document, ctx).steps] == ["1"]


def test_a_payment_that_was_cancelled_in_sap_is_not_posted_again():
    ctx = receipts()
    document = posted(SALES, created(SALES, sale(), ctx), total="23.80")
    document["payments"][0]["Cancelled"] = "tYES"
    assert changed(SALES, sale(), document, ctx).steps == ()
    assert SALES.tally(SAP, document, ctx).tenders == {"open": D("23.80")}


CHANGED_PAYMENT = [payment("pay_1", "20.00"), payment("pay_2", "3.80", "pt_4")]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"lines": [line(quantity="1", total="23.80")]}, "content"),
        ({"number": "R-9"}, "number"),
        ({"businessDate": "2026-03-02"}, "date"),
        ({"customerId": "cus_1"}, "customer"),
        ({"payments": CHANGED_PAYMENT}, "payments"),
        ({"payments": [payment("pay_1", "23.80", "pt_4")]}, "payments"),
        ({"status": "Voided"}, "voided"),
    ],
)
def test_what_changed_after_it_was_posted_is_a_conflict(changes, name):
    ctx = receipts()
    document = posted(SALES, created(SALES, sale(), ctx))
    writing = changed(SALES, sale(**changes), document, ctx, name)
    assert writing.refusal is not None
    assert writing.refusal.conflict
    assert writing.refusal.fields == (name,)


def test_a_document_that_is_found_again_with_all_its_payments_needs_nothing():
    ctx = receipts()
    document = posted(SALES, created(SALES, sale(), ctx))
    writing = changed(SALES, sale(), document, ctx, "customer", "content", "payments", "voided")
    assert (writing.body, writing.steps, writing.refusal) == ({}, (), None)


def test_who_takes_part():
    ctx = receipts()
    assert SALES.takes_part(IN, sale(), Mark(), ctx) == ""
    assert "startDate" in SALES.takes_part(IN, sale(businessDate="2025-12-31"), Mark(), ctx)
    assert "startDate" in SALES.takes_part(IN, sale(), Mark(), receipts(startDate=None))
    voided = sale(status="Voided")
    assert "voided" in SALES.takes_part(IN, voided, Mark(), ctx)
    assert SALES.takes_part(IN, voided, MARK, ctx) == ""
    assert "voided" in SALES.why_not_created(IN, voided, ctx)
    assert not SALES.is_booked(voided)


def test_both_sides_tally_alike():
    ctx = receipts()
    document = posted(SALES, created(SALES, ON_ACCOUNT, ctx), total="23.80")
    expected = Tally(D("23.80"), {"cash 161000": D(10), "open": D("13.80")})
    assert SALES.tally(OTHER, ON_ACCOUNT, ctx) == SALES.tally(SAP, document, ctx) == expected
    assert SALES.tally(SAP, {**document, "Cancelled": "tYES"}, ctx) == Tally(D(0))


def test_the_scopes_are_spelled_as_each_side_filters():
    ctx = receipts()
    assert SALES.entity(OTHER, ctx).scope == "businessDateFrom=2026-01-01"
    assert SALES.entity(SAP, ctx).scope == "startswith(U_HubRef, 'harbour:')"
    assert SALES.day_scope("st_1", date(2026, 3, 1), ctx) == (
        "storeId=st_1&businessDateFrom=2026-03-01&businessDateTo=2026-03-01"
    )
    assert {c.column for c in SALES.columns_needed(ctx)} == {"U_HubRef", "U_HubDoc"}


def test_a_draft_that_was_rejected_becomes_no_document():
    assert "not approved" in SALES.why_no_document({"AuthorizationStatus": "dasRejected"})
    assert SALES.why_no_document({"AuthorizationStatus": "dasPending"}) == ""
