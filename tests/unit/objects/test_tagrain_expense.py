"""An expense as an outgoing payment on account."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.objects.model import Direction, Tally
from shared.objects.tagrain.expense import EXPENSE
from shared.ports import Mark
from tests.unit.objects.tagrain_receipts import changed, created, posted, receipts
from tests.unit.objects.tagrain_support import OTHER, SAP

D = Decimal


def expense(**changes):
    row = {
        "id": "exp_1",
        "version": 1,
        "createdAt": "2026-03-01T09:30:00.000Z",
        "updatedAt": "2026-03-01T09:30:00.000Z",
        "number": "E-5",
        "storeId": "st_1",
        "registerId": "reg_1",
        "businessDate": "2026-03-01",
        "amount": "12.50",
        "currency": "EUR",
        "reasonId": "er_1",
        "comment": "window",
    }
    return row | changes


def test_it_is_paid_from_the_drawer_to_the_account_of_its_reason():
    writing = created(EXPENSE, expense(), receipts())
    assert writing.refusal is None
    assert writing.steps == ()
    assert writing.body == {
        "DocType": "rAccount",
        "U_HubRef": "harbour:exp_1",
        "DocDate": "2026-03-01",
        "TaxDate": "2026-03-01",
        "DueDate": "2026-03-01",
        "Remarks": "E-5 - window",
        "CashAccount": "161000",
        "CashSum": D("12.50"),
        "PaymentAccounts": [{"AccountCode": "640100", "SumPaid": D("12.50")}],
        "BPLID": 1,
    }


@pytest.mark.parametrize(
    ("row", "settings", "text"),
    [
        (expense(reasonId="er_9"), {}, "setting expenseReasons"),
        (expense(storeId="st_9"), {}, "setting stores"),
        (expense(), {"cashAccount": None}, "setting cashAccount"),
        (expense(amount="0"), {}, "above zero"),
        (expense(amount="1.234"), {}, "decimals"),
        (expense(currency="USD"), {"currencies": {"$": "USD"}}, "local currency"),
        (expense(currency="JPY"), {}, "no such currency"),
    ],
)
def test_what_is_not_mapped_refuses_the_whole_expense_by_name(row, settings, text):
    refusal = created(EXPENSE, row, receipts(**settings)).refusal
    assert refusal is not None
    assert text in refusal.text


@pytest.mark.parametrize(
    ("changes", "name"), [({"amount": "13.00"}, "content"), ({"businessDate": "2026-03-02"}, "date")]
)
def test_what_changed_after_it_was_posted_is_a_conflict(changes, name):
    ctx = receipts()
    document = posted(EXPENSE, created(EXPENSE, expense(), ctx))
    refusal = changed(EXPENSE, expense(**changes), document, ctx, name).refusal
    assert refusal is not None
    assert refusal.conflict
    assert changed(EXPENSE, expense(), document, ctx, "content").refusal is None


def test_it_is_taken_from_the_start_date_on():
    assert EXPENSE.takes_part(Direction.IN, expense(), Mark(), receipts()) == ""
    assert "startDate" in EXPENSE.takes_part(Direction.IN, expense(businessDate="2025-12-31"), Mark(), receipts())
    assert EXPENSE.mark_on_arrival(expense(), receipts()).on


def test_both_sides_tally_alike():
    ctx = receipts()
    document = posted(EXPENSE, created(EXPENSE, expense(), ctx))
    expected = Tally(D("12.50"), {"cash 161000": D("12.50")})
    assert EXPENSE.tally(OTHER, expense(), ctx) == EXPENSE.tally(SAP, document, ctx) == expected
    assert EXPENSE.tally(SAP, {**document, "Cancelled": "tYES"}, ctx) == Tally(D(0))


def test_the_scopes_are_spelled_as_each_side_filters():
    ctx = receipts()
    assert EXPENSE.entity(SAP, ctx).scope == "startswith(U_HubRef, 'harbour:') and DocType eq 'rAccount'"
    assert EXPENSE.entity(OTHER, ctx).scope == "businessDateFrom=2026-01-01"
    assert EXPENSE.opens_at(ctx) is not None
    assert EXPENSE.day_scope("st_1", date(2026, 3, 1), ctx) == (
        "storeId=st_1&businessDateFrom=2026-03-01&businessDateTo=2026-03-01"
    )
