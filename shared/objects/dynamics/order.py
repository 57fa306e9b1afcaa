"""Order (Dynamics 365 Sales) -> sales order (SAP Business One): in, each exactly once; number and status flow back.

An order of a configured state comes in once its account and all its products are linked. Its content is one field (see
:mod:`shared.objects.dynamics.order_content`), so that its total is known before it is posted. Later changes update the
SAP order while that is open; afterwards they are a conflict.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.objects import sap_lists as sap
from shared.objects.canonical import Amount, Choice, Composite, Day, Text, Truth, Whole
from shared.objects.columns import Column
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.order_content import LINES, ORDER_LINES, DynamicsContent
from shared.objects.dynamics.order_header import (
    Canceled,
    DynamicsCustomer,
    PaymentTerms,
    RequestedDelivery,
    SapCancelled,
    SapCustomer,
    SapStatus,
    SapTotal,
    WrittenBack,
    instant,
)
from shared.objects.dynamics.order_rows import CLOSED, SapContent
from shared.objects.dynamics.order_settings import CANCELED_STATE
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, NeededColumn, Parent, Refusal, Writing
from shared.objects.references import HUB_REFERENCE, start_of_transactions
from shared.ports import Entity, Mark, Row, SideName, Value

IN, OUT, CHECKED = FieldDirection.IN, FieldDirection.OUT, FieldDirection.CHECKED
ARRIVALS = "dynamics"  # the batch of marks of orders that came in
_REFERENCE_LENGTH = 100
_COLUMN_LENGTH = 50

SAP_ENTITY = Entity(
    set="Orders",
    type="Document",
    key="DocEntry",
    version="DataVersion",
    modified=("UpdateDate", "UpdateTime"),
    created=("CreationDate", "DocTime"),
    reference=HUB_REFERENCE,
    key_is_text=False,
    drafts="Drafts",
    slow=True,
)
OTHER_ENTITY = Entity(
    set="salesorders",
    type="salesorder",
    key="salesorderid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
    children=(ORDER_LINES,),
)
SAP_LINES = Entity(set="Orders", type="DocumentLine", key="LineNum", key_is_text=False)


TABLE: tuple[Field, ...] = (
    Field("customer", Text(), SapCustomer(), DynamicsCustomer(), IN, essential=True),
    Field("order_number", Text(), Column("NumAtCard", 100), Column("ordernumber", writable=False), IN),
    Field(
        "requested_delivery", Day(), Column("DocDueDate", required=True), RequestedDelivery(), IN, essential=True
    ),
    Field("payment_terms", Whole(), Column("PaymentGroupCode", required=True), PaymentTerms(), IN),
    Field("comments", Text(), Column("Comments", 254), Column("description", writable=False), IN),
    Field("lines", Composite(), SapContent(), DynamicsContent(), IN, essential=True),
    Field("total", Amount(), SapTotal(), Column("totalamount", writable=False), CHECKED),
    Field("cancelled", Truth(), SapCancelled(), Canceled(), IN),
    Field("sap_number", Whole(), Column("DocNum", writable=False), WrittenBack("order_number_column"), OUT,
          only_if="order_number_column"),
    Field("sap_status", Choice(frozenset({"open", "closed", "cancelled"})), SapStatus(),
          WrittenBack("order_status_column"), OUT, only_if="order_status_column"),
)  # fmt: skip


class Order(TableObject):
    """The order as a document that exists once."""

    name = "order"
    template_type = "dynamics"
    init_order = 50
    table = TABLE
    sap_entity = SAP_ENTITY
    other_entity = OTHER_ENTITY
    further_columns: Mapping[SideName, tuple[str, ...]] = {
        SideName.SAP: ("DocumentStatus", "AuthorizationStatus"),
        SideName.OTHER: ("statecode",),
    }
    references = (
        sap.SAP_COMPANY,
        sap.SAP_CURRENCIES,
        sap.SAP_UNITS,
        sap.SAP_TAX_GROUPS,
        sap.SAP_TAX_CODES,
        known.DYNAMICS_CURRENCIES,
        known.DYNAMICS_UNIT_GROUPS,
        known.DYNAMICS_UNITS,
    )
    transactional = True
    # Posted one by one, four at once: however long SAP takes for each, they are through before their claims expire.
    slice_size = 16

    def scope(self, side: SideName, ctx: Context) -> str:
        """In SAP what this template created; in Dynamics orders since the start date, of the states that matter."""
        if side is SideName.SAP:
            return f"startswith({HUB_REFERENCE}, '{ctx.template}:')"
        states = dict.fromkeys([*ctx.settings.order_states, CANCELED_STATE])
        either = " or ".join(f"statecode eq {state}" for state in states)
        start = self.opens_at(ctx)
        return f"({either}) and createdon ge {start:%Y-%m-%dT%H:%M:%SZ}" if start else f"({either})"

    def opens_at(self, ctx: Context) -> datetime | None:
        """Midnight of the start date in the time zone of the settings, in UTC."""
        return start_of_transactions(ctx.settings)

    def write(
        self,
        side: SideName,
        values: Mapping[str, Value],
        current: Row | None,
        ctx: Context,
        *,
        hub_reference: str = "",
    ) -> Writing:
        """As the table says; a document that is closed in SAP takes no change at all."""
        writing = super().write(side, values, current, ctx, hub_reference=hub_reference)
        closed = side is SideName.SAP and current is not None and current.get("DocumentStatus") != "bost_Open"
        if closed and writing.refusal is None and (writing.body or writing.steps):
            return replace(writing, refusal=Refusal(CLOSED, tuple(values), conflict=True))
        return writing

    def columns_needed(self, ctx: Context) -> tuple[NeededColumn, ...]:
        """Our reference on documents and their rows; the columns of the settings for number and status."""
        text = "Integration Hub: origin"
        columns = [
            NeededColumn(SideName.SAP, SAP_ENTITY, HUB_REFERENCE, text, _REFERENCE_LENGTH),
            NeededColumn(SideName.SAP, SAP_LINES, HUB_REFERENCE, text, _REFERENCE_LENGTH),
        ]
        back = (
            (ctx.settings.order_number_column, "SAP order number"),
            (ctx.settings.order_status_column, "SAP order status"),
        )
        entity = replace(OTHER_ENTITY, children=())
        columns += [NeededColumn(SideName.OTHER, entity, name, what, _COLUMN_LENGTH) for name, what in back if name]
        return tuple(columns)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: it came in once. In: of a configured state since the start date, or cancelled after it came in."""
        if direction is Direction.OUT:
            return "" if mark.on else "it did not come from Dynamics"
        start, state = self.opens_at(ctx), row.get("statecode")
        if start is None or instant(row["createdon"]) < start:
            return "it was created before the start date of transactions (startDate)"
        if state in ctx.settings.order_states or (state == CANCELED_STATE and mark.on):
            return ""
        if state == CANCELED_STATE:
            return "it was cancelled before it reached SAP"
        return "its state is not among those that are taken (orderStates)"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """Orders are created in SAP alone, and not once they are cancelled."""
        if direction is Direction.OUT:
            return "its order in Dynamics is gone; orders are never created there"
        return "it was cancelled before it reached SAP" if row.get("statecode") == CANCELED_STATE else ""

    def why_no_document(self, draft: Row) -> str:
        """A draft becomes an order unless its approval was refused or cancelled."""
        if draft.get("AuthorizationStatus") in ("dasRejected", "dasCancelled"):
            return (
                "Its draft was not approved in SAP. Delete the draft there and retry, or cancel the order in Dynamics."
            )
        return ""

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """What came in sends its number and status back."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The account and every product of the lines."""
        if side is SideName.SAP:
            return ()
        account = row.get("_accountid_value")
        products = [line.get("_productid_value") for line in row.get(LINES) or ()]
        wanted = [("account", account), *(("product", key) for key in products)]
        return tuple(dict.fromkeys(Parent(name, SideName.OTHER, str(key)) for name, key in wanted if key))

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """Our reference, the branch, and no discount of the customer's: the order has its own prices."""
        if side is SideName.OTHER:
            return {}
        branch = ctx.settings.branch_for_documents
        body: Row = {HUB_REFERENCE: hub_reference, "DiscountPercent": 0}
        return body if branch is None else {**body, "BPL_IDAssignedToInvoice": branch}


ORDER = Order()
