"""What sales and refunds have in common: documents that exist once, with payments, of which Tagrain alone is the origin."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from shared.objects import sap_lists as sap
from shared.objects.canonical import Amount, Composite, Day, Text, Truth
from shared.objects.columns import Accessor, Column
from shared.objects.documents import parents_of, why_not_approved
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, NeededColumn, Parent, Tally
from shared.objects.references import HUB_DOCUMENT, HUB_REFERENCE, start_of_transactions
from shared.objects.sap_entities import our_reference
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.entities import ARRIVALS
from shared.objects.tagrain.receipt import VOIDED, amount_of, day_of, parse_payments, shown_payments
from shared.objects.tagrain.receipt_header import (
    FixedColumn,
    FromTagrain,
    PostingDay,
    SapCancelled,
    SapCustomer,
    TagrainCustomer,
    TagrainVoided,
)
from shared.objects.tagrain.receipt_payments import PAYMENTS, SapPayments, TagrainPayments, payment_rows
from shared.objects.tagrain.receipt_rows import SapContent, TagrainContent
from shared.objects.tagrain.tenders import OPEN, shares, store_of, tender_of, tenders_in
from shared.ports import Children, Entity, Mark, Row, SideName

IN, CHECKED = FieldDirection.IN, FieldDirection.CHECKED
_BEFORE_START = "its business day is before the start date of transactions (startDate)"
_VOIDED = "it was voided before it reached SAP"


def sap_documents(collection: str, payments: str) -> Entity:
    """Posted documents of SAP, with the payments of another set."""
    return Entity(
        set=collection,
        type="Document",
        key="DocEntry",
        version="DataVersion",
        modified=("UpdateDate", "UpdateTime"),
        created=("CreationDate", "DocTime"),
        reference=HUB_REFERENCE,
        key_is_text=False,
        drafts="Drafts",
        slow=True,
        children=(payment_rows(payments),),
    )


def receipt_table(payments: Children, pays: str, comments: Accessor) -> tuple[Field, ...]:
    """The fields of a receipt; the customer comes before its payments, which need it."""
    return (
        Field("customer", Text(), SapCustomer(), TagrainCustomer(), IN, essential=True),
        Field("number", Text(), FixedColumn("NumAtCard", 100), FromTagrain("number"), IN, essential=True),
        Field("date", Day(), PostingDay(), FromTagrain("businessDate"), IN, essential=True),
        Field("comments", Text(), Column("Comments", 254), comments, IN),
        Field("content", Composite(), SapContent(), TagrainContent(), IN, essential=True),
        Field("total", Amount(), Column("DocTotal", writable=False), FromTagrain("total"), CHECKED),
        Field("voided", Truth(), SapCancelled(), TagrainVoided(), IN, essential=True),
        Field("payments", Composite(), SapPayments(payments, pays), TagrainPayments(), IN, essential=True),
    )


def business_days(store: str, day: date) -> str:
    """The receipts of one store and day, as Tagrain filters them."""
    return f"storeId={store}&businessDateFrom={day.isoformat()}&businessDateTo={day.isoformat()}"


def since_start(ctx: Context) -> str:
    """What was done since the start date, as Tagrain filters it."""
    start = ctx.settings.start_date
    return "" if start is None else f"businessDateFrom={start.isoformat()}"


def why_too_early(row: Row, ctx: Context) -> str:
    """ "" if it was done since the start date, else the reason."""
    start = ctx.settings.start_date
    return "" if start is not None and day_of(row, "businessDate") >= start else _BEFORE_START


class ReceiptObject(TableObject):
    """A receipt."""

    template_type = "tagrain"
    transactional = True
    possible_directions = (Direction.IN,)
    slice_size = 8  # posted one by one, each with its payments: through before their claims expire
    further_columns: Mapping[SideName, tuple[str, ...]] = {
        SideName.SAP: ("DocumentStatus", "AuthorizationStatus", "PaidToDate"),
        SideName.OTHER: ("status",),
    }
    references = (
        sap.SAP_COMPANY,
        sap.SAP_CURRENCIES,
        sap.SAP_TAX_GROUPS,
        sap.SAP_TAX_CODES,
        sap.SAP_CREDIT_CARDS,
        known.TAGRAIN_PAYMENT_TYPES,
    )

    def scope(self, side: SideName, ctx: Context) -> str:
        """In SAP what this template created; in Tagrain what was done since the start date."""
        return f"startswith({HUB_REFERENCE}, '{ctx.template}:')" if side is SideName.SAP else since_start(ctx)

    def opens_at(self, ctx: Context) -> datetime | None:
        """Midnight of the start date in the time zone of the settings, in UTC."""
        return start_of_transactions(ctx.settings)

    def columns_needed(self, ctx: Context) -> tuple[NeededColumn, ...]:
        """Our reference on the document and its payments; on payments also the document."""
        payments = self.sap_entity.children[0].entity
        text = "Integration Hub: document"
        return (
            our_reference(self.sap_entity),
            our_reference(payments),
            NeededColumn(SideName.SAP, payments, HUB_DOCUMENT, text, length=20),
        )

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Since the start date; voided only after it came in."""
        if reason := why_too_early(row, ctx):
            return reason
        return _VOIDED if row.get("status") == VOIDED and not mark.on else ""

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """Not once it is voided."""
        return _VOIDED if row.get("status") == VOIDED else ""

    def why_no_document(self, draft: Row) -> str:
        """A draft becomes a document unless its approval was refused or cancelled."""
        return why_not_approved(draft)

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """That it came in."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The customer, if any, and every product of the lines."""
        if side is SideName.SAP:
            return ()
        products = [line.get("productId") for line in row.get("lines") or ()]
        return parents_of([("customer", row.get("customerId")), *(("product", key) for key in products)])

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """Our reference."""
        return {HUB_REFERENCE: hub_reference} if side is SideName.SAP else {}

    def day_scope(self, store: str, day: date, ctx: Context) -> str | None:
        """The store's receipts of that business day."""
        return business_days(store, day)

    def is_booked(self, row: Row) -> bool:
        """Unless it was voided."""
        return row.get("status") != VOIDED

    def tally(self, side: SideName, row: Row, ctx: Context) -> Tally:
        """Total, what was paid by each means, and what is open. A document cancelled in SAP is worth nothing."""
        if side is SideName.OTHER:
            payments = parse_payments(shown_payments(row))
            store = store_of(payments.store, ctx)
            made = [tender_of(each, store, ctx) for each in payments.payments]
            return _tally(amount_of(row, "total"), shares(each for each in made if each is not None))
        if row.get("Cancelled") == "tYES":
            return Tally(Decimal(0))
        paid = (tender for payment in row.get(PAYMENTS) or () for tender in tenders_in(payment))
        return _tally(Decimal(row["DocTotal"]), shares(paid))


def _tally(total: Decimal, paid: dict[str, Decimal]) -> Tally:
    return Tally(total, {**paid, OPEN: total - sum(paid.values())})
