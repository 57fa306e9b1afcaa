"""Receipts of Tagrain, and the documents of SAP that a create or an update of them is answered with."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

from shared.objects.fields import TableObject
from shared.objects.model import Context, Parent, Writing
from shared.ports import Row
from shared.sync.merge import for_create
from shared.sync.steps import with_key
from tests.unit.objects.tagrain_support import MARK, OTHER, SAP, context

LINKS = {
    Parent("customer", OTHER, "cus_1"): "C20000",
    Parent("product", OTHER, "prd_1"): "I00001",
    Parent("product", OTHER, "prd_2"): "GIFT",
    Parent("sales", OTHER, "sal_1"): "501",
}
COMPANY = {
    "sap.company": [
        {
            "LocalCurrency": "EUR",
            "TotalsAccuracy": 2,
            "PriceAccuracy": 4,
            "PercentageAccuracy": 4,
            "AccuracyofQuantities": 3,
        }
    ]
}


def receipts(**settings: Any) -> Context:
    """A context in which customers and products of the receipts here are linked."""
    ctx = context(lists=COMPANY, **settings)
    ctx.links.update(LINKS)
    return ctx


def line(**changes: Any) -> Row:
    row: Row = {
        "id": "1",
        "productId": "prd_1",
        "productCode": "I00001",
        "productType": "Standard",
        "quantity": "2.000",
        "unitPrice": "11.90",
        "discountAmount": "0.00",
        "taxCode": "A1",
        "taxAmount": "3.80",
        "total": "23.80",
        "serialNumbers": [],
        "batches": [],
    }
    return row | changes


def payment(key: str, amount: str, kind: str = "pt_1", **changes: Any) -> Row:
    row: Row = {
        "id": key,
        "paymentTypeId": kind,
        "amount": amount,
        "paidAt": "2026-03-01T09:30:00.000Z",
        "reference": None,
        "isSettlement": False,
    }
    return row | changes


def sale(**changes: Any) -> Row:
    """Two hammers, prices with tax, paid in cash by nobody in particular."""
    row: Row = {
        "id": "sal_1",
        "version": 1,
        "createdAt": "2026-03-01T09:30:00.000Z",
        "updatedAt": "2026-03-01T09:30:00.000Z",
        "number": "R-1001",
        "storeId": "st_1",
        "registerId": "reg_1",
        "cashier": "Robin",
        "businessDate": "2026-03-01",
        "currency": "EUR",
        "customerId": None,
        "taxInclusive": True,
        "lines": [line()],
        "surcharges": [],
        "discountAmount": "0.00",
        "taxTotal": "3.80",
        "rounding": "0.00",
        "total": "23.80",
        "payments": [payment("pay_1", "23.80")],
        "status": "Completed",
        "note": None,
    }
    return row | changes


def created(kind: TableObject, row: Row, ctx: Context) -> Writing:
    """What SAP is told to create the receipt's document."""
    reading = kind.read(OTHER, row, MARK, ctx)
    essential = {f.name for f in kind.table if f.essential}
    assert not essential & set(reading.held), reading.held
    values = for_create(kind.fields(ctx), reading, kind.possible_directions[0])
    return kind.write(SAP, values, None, ctx, hub_reference=f"harbour:{row['id']}")


def posted(kind: TableObject, writing: Writing, *, total: str = "0", steps: int | None = None) -> Row:
    """SAP's document after it was created, and so many of its steps."""
    row: Row = {"DocEntry": 501, "DocTotal": Decimal(total), "Cancelled": "tNO", **deepcopy(writing.body)}
    row.setdefault("RoundingDiffAmount", 0)
    for children in kind.sap_entity.children:
        made = [with_key(step.body, "501") for step in writing.steps[:steps]]
        row[children.name] = [{"Cancelled": "tNO", **each} for each in made]
    return row


def changed(kind: TableObject, row: Row, current: Row, ctx: Context, *names: str) -> Writing:
    """What SAP is told when the receipt's fields of these names moved (none: all)."""
    values = kind.read(OTHER, row, MARK, ctx).values
    return kind.write(SAP, {n: v for n, v in values.items() if not names or n in names}, current, ctx)
