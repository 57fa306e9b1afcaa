"""The payments of a receipt: in SAP payment documents of their own, each created once, as a step after its document.

A payment that people cancelled in SAP counts as present: it is not posted again against their decision, but the tie-out
does not count it. Payments that changed in Tagrain after they were posted are a conflict.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.model import KEY, KEY_NUMBER, Context, Step
from shared.objects.references import HUB_DOCUMENT, HUB_REFERENCE
from shared.objects.tagrain.receipt import payments_of, shown_payments
from shared.objects.tagrain.receipt_header import CHANGED
from shared.objects.tagrain.tenders import Document, documents, store_of, with_accounts
from shared.ports import Children, Entity, Mark, Row, Value

PAYMENTS = "payments"
COLUMNS = (
    "DocEntry",
    "DocDate",
    "Cancelled",
    "CashAccount",
    "CashSum",
    "TransferAccount",
    "TransferSum",
    "PaymentCreditCards",
    "PaymentInvoices",
    HUB_REFERENCE,
    HUB_DOCUMENT,
)


def payment_rows(collection: str) -> Children:
    """The payments of a document in that set of SAP, by the document they name."""
    entity = Entity(
        collection, "Payment", "DocEntry", select=COLUMNS, reference=HUB_REFERENCE, key_is_text=False, slow=True
    )
    return Children(PAYMENTS, entity, parent=HUB_DOCUMENT)


@dataclass(frozen=True)
class TagrainPayments(Accessor):
    """A receipt's payments as Tagrain shows them."""

    columns = ("storeId", "businessDate", "total", "payments")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """All of them. Refused where those of the receipt itself are not its total."""
        return shown_payments(row)

    def write(self, value: Value, draft: Draft) -> None:
        """Receipts are Tagrain's own."""


@dataclass(frozen=True)
class SapPayments(Accessor):
    """The payment documents in ``children``; ``pays`` is what they pay (BoRcptInvTypes)."""

    children: Children
    pays: str
    columns = ()

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Which there are, and of how much."""
        present = column_of(row, PAYMENTS) or ()
        return sorted(
            ({"name": each[HUB_REFERENCE], "amount": _applied(each)} for each in present),
            key=lambda each: str(each["name"]),
        )

    def write(self, value: Value, draft: Draft) -> None:
        """A step for each that is missing. Refused whole where a payment type, store or account is not mapped."""
        payments = payments_of(value)
        wanted = documents(payments, draft.ctx)
        row = draft.body if draft.current is None else draft.current
        reference = row.get(HUB_REFERENCE)
        present = {str(each.get(HUB_REFERENCE)): each for each in row.get(PAYMENTS) or ()}
        names = {f"{reference}/{each.name}": each for each in wanted}
        if any(name not in names or _applied(each) != names[name].amount for name, each in present.items()):
            raise Refused(CHANGED, conflict=True)
        if draft.current is not None and not reference and wanted:
            raise Refused("SAP's document has no reference of the hub; enter its payments by hand", whole=True)
        branch = store_of(payments.store, draft.ctx).branch
        for name, document in names.items():
            if name not in present:
                body = self._body(document, name, str(row.get("CardCode") or ""), draft.ctx)
                body |= {} if branch is None else {"BPLID": branch}
                draft.steps.append(Step(1, PAYMENTS, document.name, body, self.children.entity))

    def _body(self, document: Document, name: str, customer: str, ctx: Context) -> Row:
        day = document.day.isoformat()
        return {
            "DocType": "rCustomer",
            "CardCode": customer,
            "DocDate": day,
            "TaxDate": day,
            "DueDate": day,
            **with_accounts(document.means(), ctx),
            "PaymentInvoices": [{"DocEntry": KEY_NUMBER, "InvoiceType": self.pays, "SumApplied": document.amount}],
            HUB_REFERENCE: name,
            HUB_DOCUMENT: KEY,
        }


def _applied(payment: Row) -> Decimal:
    amounts = (each.get("SumApplied") for each in payment.get("PaymentInvoices") or ())
    return sum((Decimal(each) for each in amounts if each is not None), Decimal(0))
