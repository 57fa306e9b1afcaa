"""Payments by means, in as few documents as possible; what is not mapped is refused by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.objects.canonical import Refused
from shared.objects.tagrain.receipt import parse_payments
from shared.objects.tagrain.tenders import documents, shares, tenders_in, with_accounts
from tests.unit.objects.tagrain_receipts import payment, receipts
from tests.unit.objects.tagrain_support import LISTS

D = Decimal
MORE_TYPES = {
    "other.payment_types": [
        *LISTS["other.payment_types"],
        {"id": "pt_5", "name": "Voucher", "type": "GiftCard", "isActive": True},
        {"id": "pt_6", "name": "Drawer 2", "type": "Cash", "isActive": True},
    ]
}


def made(*payments, store="st_1", **settings):
    ctx = receipts(**settings)
    ctx.lists.update(MORE_TYPES)
    return documents(parse_payments({"storeId": store, "businessDate": "2026-03-01", "payments": payments}), ctx)


def test_what_is_paid_at_the_sale_is_one_document_where_its_means_allow_it():
    [one] = made(
        payment("1", "10.00"),
        payment("2", "2.50"),
        payment("3", "5.00", "pt_2", reference="4711"),
        payment("4", "6.00", "pt_2"),
        payment("5", "7.00", "pt_3"),
    )
    assert (one.name, one.day, one.amount) == ("1", date(2026, 3, 1), D("30.50"))
    assert with_accounts(one.means(), receipts()) == {
        "CashAccount": "161000",
        "CashSum": D("12.50"),
        "TransferAccount": "161100",
        "TransferSum": D("7.00"),
        "TransferDate": "2026-03-01",
        "PaymentCreditCards": [
            {
                "CreditCard": 1,
                "CreditSum": D("5.00"),
                "VoucherNum": "4711",
                "CardValidUntil": "2099-12-31",
                "CreditAcct": "161000",
            },
            {
                "CreditCard": 1,
                "CreditSum": D("6.00"),
                "VoucherNum": "4",
                "CardValidUntil": "2099-12-31",
                "CreditAcct": "161000",
            },
        ],
    }


def test_two_cash_accounts_are_two_documents():
    own = {"Drawer 2": {"means": "cash", "account": "640100"}}
    first, second = made(payment("1", "10"), payment("2", "5", "pt_6"), payment("3", "1"), payments=own)
    assert [(d.name, d.means()["CashAccount"], d.amount) for d in (first, second)] == [
        ("1", "161000", D(11)),
        ("2", "640100", D(5)),
    ]


def test_a_store_may_have_its_own_cash_account():
    [one] = made(payment("1", "10"), store="st_2")
    assert one.means()["CashAccount"] == "161100"


def test_every_settlement_is_a_document_of_its_own_on_its_own_day():
    late = {"isSettlement": True, "paidAt": "2026-03-05T23:30:00.000Z"}
    found = made(payment("1", "10", "pt_4"), payment("a", "4", **late), payment("b", "6", **late))
    assert [(d.name, d.day, d.amount) for d in found] == [
        ("p-a", date(2026, 3, 6), D(4)),  # in the time zone of the stores
        ("p-b", date(2026, 3, 6), D(6)),
    ]


def test_what_is_paid_later_is_no_payment():
    assert made(payment("1", "10", "pt_4")) == []


@pytest.mark.parametrize(
    ("kind", "store", "settings", "texts"),
    [
        ("pt_5", "st_1", {}, ("'Voucher'", "setting payments")),
        ("pt_2", "st_1", {"payments": {}}, ("'Visa'", "setting payments")),
        ("pt_2", "st_1", {"payments": {"Visa": {"means": "creditCard"}}}, ("'Visa'", "setting payments")),
        ("pt_3", "st_1", {"payments": {"Transfer": {"means": "bankTransfer"}}}, ("'Transfer'", "setting payments")),
        ("pt_1", "st_1", {"cashAccount": None}, ("setting cashAccount",)),
        ("pt_1", "st_9", {}, ("st_9", "setting stores")),
        ("pt_9", "st_1", {}, ("payment type",)),
    ],
)
def test_what_is_not_mapped_is_refused_by_name(kind, store, settings, texts):
    with pytest.raises(Refused) as refused:
        made(payment("1", "10", kind), store=store, **settings)
    assert refused.value.whole
    assert all(text in refused.value.reason for text in texts)


def test_a_negative_payment_is_refused():
    with pytest.raises(Refused, match="negative"):
        made(payment("1", "-10"))


def test_both_sides_tell_the_same_means():
    own = {"Visa": {"means": "creditCard", "creditCard": 1}, "Transfer": {"means": "bankTransfer", "account": "161100"}}
    [one] = made(payment("1", "10"), payment("2", "5", "pt_2"), payment("3", "1", "pt_3"), payments=own)
    expected = {"cash 161000": D(10), "card 1": D(5), "transfer 161100": D(1)}
    assert shares(one.tenders) == shares(tenders_in(one.means())) == expected
    assert tenders_in({**one.means(), "Cancelled": "tYES"}) == []
