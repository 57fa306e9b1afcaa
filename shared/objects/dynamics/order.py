"""Order (Dynamics 365 Sales) -> sales order (SAP Business One): in, each exactly once; number and status flow back.

An order of a quote that is in SAP refers to that quotation (base document), so that SAP closes it.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.objects.canonical import Amount, Choice, Composite, Day, Text, Truth, Whole
from shared.objects.columns import Column, Draft
from shared.objects.dynamics.document_kind import ORDERS
from shared.objects.dynamics.order_content import ORDER_LINES, QUOTE, DynamicsContent
from shared.objects.dynamics.order_header import (
    DELIVERIES,
    INVOICES,
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
from shared.objects.dynamics.order_rows import SapContent
from shared.objects.dynamics.order_settings import SUBMITTED_STATE
from shared.objects.dynamics.quotation import OTHER_ENTITY as QUOTES
from shared.objects.dynamics.quotation import QUOTATION
from shared.objects.dynamics.sales_document import SalesDocument, sap_document
from shared.objects.fields import Field
from shared.objects.model import KEY, Context, Direction, FieldDirection, Parent, Step
from shared.objects.references import HUB_REFERENCE
from shared.ports import Children, Entity, Owner, Row, SideName, Value

IN, OUT, CHECKED = FieldDirection.IN, FieldDirection.OUT, FieldDirection.CHECKED
QUOTE_ROW = "quote"  # where the quote that an order was made of stands in its row
_COMPLETE, _NO_MONEY = 100001, 4  # status reasons of orders that are fulfilled, cancelled

_MADE = Entity(
    set="DeliveryNotes", type="Document", key="DocEntry", select=("Cancelled", HUB_REFERENCE), key_is_text=False
)
# SAP copies user fields of the header to what is made of a document (general knowledge of SAP, unverified), so the
# deliveries and invoices of an order carry its reference, also the invoices of its deliveries.
SAP_ENTITY = replace(
    sap_document("Orders"),
    children=(
        Children(DELIVERIES, _MADE, parent=HUB_REFERENCE, by=HUB_REFERENCE),
        Children(INVOICES, replace(_MADE, set="Invoices"), parent=HUB_REFERENCE, by=HUB_REFERENCE),
    ),
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
    owner=Owner(QUOTE_ROW, replace(QUOTES, select=("createdon",), children=()), lookup=QUOTE),
)
_NUMBER, _STATUS = ORDERS.number_setting, ORDERS.status_setting


@dataclass(frozen=True)
class StatusInDynamics(WrittenBack):
    """The status as a text; what SAP delivered or cancelled also becomes the order's state, if the settings say so."""

    def write(self, value: Value, draft: Draft) -> None:
        """The text, then the state by Dynamics' own messages, which take an order that is active or submitted."""
        super().write(value, draft)
        state = None if draft.current is None else draft.current.get("statecode")
        if state not in (0, SUBMITTED_STATE):
            return
        if value in ("delivered", "invoiced") and draft.ctx.settings.delivered_orders == "fulfill":
            draft.steps.append(_closing("FulfillSalesOrder", _COMPLETE, "Delivered in SAP"))
        elif value == "cancelled" and draft.ctx.settings.cancelled_in_sap == "cancel":
            draft.steps.append(_closing("CancelSalesOrder", _NO_MONEY, "Cancelled in SAP"))


def _closing(message: str, status: int, subject: str) -> Step:
    close = {"subject": subject, "salesorderid@odata.bind": f"/salesorders({KEY})"}
    return Step(1, "sap_status", "close", {"Status": status, "OrderClose": close}, operation=message)


TABLE: tuple[Field, ...] = (
    Field("customer", Text(), SapCustomer(), DynamicsCustomer(), IN, essential=True),
    Field("order_number", Text(), Column("NumAtCard", 100), Column("ordernumber", writable=False), IN),
    Field(
        "requested_delivery", Day(), Column("DocDueDate", required=True), RequestedDelivery(), IN, essential=True
    ),
    Field("payment_terms", Whole(), Column("PaymentGroupCode", required=True), PaymentTerms(), IN),
    Field("comments", Text(), Column("Comments", 254), Column("description", writable=False), IN),
    Field("lines", Composite(), SapContent(), DynamicsContent(ORDER_LINES.entity), IN, essential=True),
    Field("total", Amount(), SapTotal(), Column("totalamount", writable=False), CHECKED),
    Field("cancelled", Truth(), SapCancelled(ORDERS), Canceled(ORDERS), IN),
    Field("sap_number", Whole(), Column("DocNum", writable=False), WrittenBack(_NUMBER, ORDERS), OUT, only_if=_NUMBER),
    Field("sap_status", Choice(ORDERS.statuses), SapStatus(ORDERS), StatusInDynamics(_STATUS, ORDERS), OUT,
          only_if=_STATUS),
)  # fmt: skip


class Order(SalesDocument):
    """The order as a document that exists once."""

    name = "order"
    kind = ORDERS
    init_order = 50
    table = TABLE
    sap_entity = SAP_ENTITY
    other_entity = OTHER_ENTITY
    swept = True  # an invoice of a delivery leaves no stamp on the order

    def entity(self, side: SideName, ctx: Context) -> Entity:
        """Deliveries and invoices are read only where somebody wants to know of them."""
        found = super().entity(side, ctx)
        wanted = side is SideName.OTHER or getattr(ctx.settings, _STATUS) is not None
        return found if wanted else replace(found, children=())

    def written_back(self, ctx: Context) -> tuple[str | None, str | None]:
        """As the settings say."""
        return ctx.settings.order_number_column, ctx.settings.order_status_column

    def states(self, ctx: Context) -> tuple[int, ...]:
        """Those of the settings."""
        return tuple(ctx.settings.order_states)

    def why_not_taken(self, row: Row) -> str:
        """The settings decide."""
        return "its state is not among those that are taken (orderStates)"

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The account, the products, and the quote where that one comes to SAP too."""
        return (*super().parents(side, row, ctx), *self.bases(side, row, ctx))

    def bases(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The quote that it was made of, unless that is from before the start date or quotes do not travel."""
        quote, start = row.get(QUOTE_ROW), self.opens_at(ctx)
        if side is SideName.SAP or not quote or start is None or instant(quote["createdon"]) < start:
            return ()
        travels = Direction.IN in QUOTATION.directions(ctx)
        return (Parent(QUOTATION.name, SideName.OTHER, str(row[QUOTE])),) if travels else ()


ORDER = Order()
