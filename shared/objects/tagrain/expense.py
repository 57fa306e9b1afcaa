"""Expense (Tagrain) -> outgoing payment on account (SAP Business One): in, each exactly once.

Cash from a drawer, to the G/L account that its reason is mapped to. SAP changes no posted payment.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.canonical import Amount, Composite, Day, Refused, Text, decimal_places
from shared.objects.columns import Accessor, Column, Draft, column_of
from shared.objects.company import amount_places, own_currency
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Tally
from shared.objects.references import HUB_REFERENCE, start_of_transactions
from shared.objects.sap_entities import our_reference
from shared.objects.tagrain.entities import ARRIVALS, collection
from shared.objects.tagrain.receipt import amount_of
from shared.objects.tagrain.receipt_header import CHANGED, FromTagrain, PostingDay
from shared.objects.tagrain.receipt_object import business_days, since_start, why_too_early
from shared.objects.tagrain.tenders import CASH, Tender, cash_account, shares, store_of, tenders_in
from shared.ports import Entity, Mark, Row, SideName, Value

IN, CHECKED = FieldDirection.IN, FieldDirection.CHECKED
ACCOUNTS = "PaymentAccounts"

SAP_ENTITY = Entity(
    set="VendorPayments",
    type="Payment",
    key="DocEntry",
    reference=HUB_REFERENCE,
    key_is_text=False,
    slow=True,
)


@dataclass(frozen=True)
class TagrainExpense(FromTagrain):
    """Store, reason and amount."""

    name: str = "amount"
    columns = ("storeId", "reasonId", "amount", "currency")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The parts."""
        return {name: column_of(row, name) for name in self.columns}


@dataclass(frozen=True)
class SapExpense(Accessor):
    """The accounts and the amount of the payment."""

    columns = (ACCOUNTS, "CashAccount", "CashSum", "Cancelled")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """What was paid from where to where."""
        return _figures(row)

    def write(self, value: Value, draft: Draft) -> None:
        """All of a new payment; one that is posted must have these figures already."""
        parts = json.loads(str(value))
        body = _payment(parts, draft.ctx)
        if draft.current is None:
            draft.body |= body
        elif _figures(draft.current) != _figures(body):
            raise Refused(CHANGED, conflict=True)


def _figures(row: Row) -> dict[str, Any]:
    return {
        "account": row.get("CashAccount"),
        "amount": Decimal(row.get("CashSum") or 0),
        "accounts": [[each.get("AccountCode"), Decimal(each.get("SumPaid") or 0)] for each in row.get(ACCOUNTS) or ()],
    }


def _payment(parts: dict[str, Any], ctx: Context) -> Row:
    store = store_of(str(parts["storeId"]), ctx)
    account = ctx.settings.expense_reasons.get(parts["reasonId"])
    if account is None:
        text = f"the expense reason {parts['reasonId']} has no G/L account; add it to the setting expenseReasons"
        raise Refused(text, whole=True)
    amount = _amount(parts, ctx)
    body: Row = {
        "CashAccount": cash_account(store, ctx),
        "CashSum": amount,
        ACCOUNTS: [{"AccountCode": account, "SumPaid": amount}],
    }
    return body if store.branch is None else {**body, "BPLID": store.branch}


def _amount(parts: dict[str, Any], ctx: Context) -> Decimal:
    amount = amount_of(parts, "amount")
    currency = own_currency(parts["currency"], "expenses", ctx)
    if amount <= 0 or decimal_places(amount) > amount_places(ctx, currency):
        raise Refused("its amount is not above zero, or has more decimals than SAP keeps", whole=True)
    return amount


@dataclass(frozen=True)
class Remarks(FromTagrain):
    """The expense's number and comment."""

    name: str = "number"
    columns = ("number", "comment")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Both in one text."""
        return " - ".join(str(part) for part in (column_of(row, "number"), column_of(row, "comment")) if part)


class Expense(TableObject):
    """The expense."""

    name = "expense"
    template_type = "tagrain"
    init_order = 70
    transactional = True
    slice_size = 16
    possible_directions = (Direction.IN,)
    sap_entity = SAP_ENTITY
    other_entity = collection("expenses", reference="")
    references = (sap.SAP_COMPANY, sap.SAP_CURRENCIES)
    needed_columns = (our_reference(SAP_ENTITY),)
    table = (
        Field(
            "date",
            Day(),
            PostingDay(("DocDate", "TaxDate", "DueDate")),
            FromTagrain("businessDate"),
            IN,
            essential=True,
        ),
        Field("remarks", Text(), Column("Remarks", 254), Remarks(), IN),
        Field("content", Composite(), SapExpense(), TagrainExpense(), IN, essential=True),
        Field("total", Amount(), Column("CashSum", writable=False), FromTagrain("amount"), CHECKED),
    )

    def scope(self, side: SideName, ctx: Context) -> str:
        """In SAP what this template created on account; in Tagrain what was spent since the start date."""
        if side is SideName.SAP:
            return f"startswith({HUB_REFERENCE}, '{ctx.template}:') and DocType eq 'rAccount'"
        return since_start(ctx)

    def opens_at(self, ctx: Context) -> datetime | None:
        """Midnight of the start date in the time zone of the settings, in UTC."""
        return start_of_transactions(ctx.settings)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Since the start date."""
        return why_too_early(row, ctx)

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """That it came in."""
        return Mark(frozenset({ARRIVALS}))

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """A payment on account, with our reference."""
        return {"DocType": "rAccount", HUB_REFERENCE: hub_reference} if side is SideName.SAP else {}

    def day_scope(self, store: str, day: date, ctx: Context) -> str | None:
        """The store's expenses of that business day."""
        return business_days(store, day)

    def tally(self, side: SideName, row: Row, ctx: Context) -> Tally:
        """The amount, from the drawer's account. A payment cancelled in SAP is worth nothing."""
        if side is SideName.SAP:
            paid = shares(tenders_in(row))
            return Tally(sum(paid.values(), Decimal(0)), paid)
        amount = amount_of(row, "amount")
        account = cash_account(store_of(str(row["storeId"]), ctx), ctx)
        return Tally(amount, shares([Tender(CASH, account, amount)]))


EXPENSE = Expense()
