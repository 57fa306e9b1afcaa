"""Quote (Dynamics 365 Sales) -> sales quotation (SAP Business One): in, once it is active; number and status flow back.

A revision is another quote of the same number in Dynamics. It takes the place of the one before: SAP's open quotation is
updated, its rows go to the revision's lines of the same things. Rules: docs/decisions/0015.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from shared.objects.canonical import Amount, Choice, Composite, Day, Text, Truth, Whole
from shared.objects.columns import Column
from shared.objects.dynamics.document_kind import QUOTATIONS
from shared.objects.dynamics.order_content import QUOTE_LINES, DynamicsContent
from shared.objects.dynamics.order_header import (
    Canceled,
    DynamicsCustomer,
    PaymentTerms,
    SapCancelled,
    SapCustomer,
    SapStatus,
    SapTotal,
    ValidUntil,
    WrittenBack,
)
from shared.objects.dynamics.order_rows import SapContent
from shared.objects.dynamics.sales_document import SalesDocument, sap_document
from shared.objects.fields import Field
from shared.objects.model import Context, FieldDirection
from shared.objects.references import HUB_REFERENCE
from shared.ports import Entity, Row, SideName

IN, OUT, CHECKED = FieldDirection.IN, FieldDirection.OUT, FieldDirection.CHECKED
ACTIVE, WON, CLOSED = 1, 2, 3
REVISED = 7  # the status reason of a closed quote whose place a revision took

OTHER_ENTITY = Entity(
    set="quotes",
    type="quote",
    key="quoteid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
    children=(QUOTE_LINES,),
)
_NUMBER, _STATUS = QUOTATIONS.number_setting, QUOTATIONS.status_setting

TABLE: tuple[Field, ...] = (
    Field("customer", Text(), SapCustomer(), DynamicsCustomer(), IN, essential=True),
    Field("quote_number", Text(), Column("NumAtCard", 100), Column("quotenumber", writable=False), IN,
          recognises="number"),
    Field("valid_until", Day(), Column("DocDueDate", required=True), ValidUntil(), IN, essential=True),
    Field("payment_terms", Whole(), Column("PaymentGroupCode", required=True), PaymentTerms(), IN),
    Field("comments", Text(), Column("Comments", 254), Column("description", writable=False), IN),
    Field("lines", Composite(), SapContent(), DynamicsContent(QUOTE_LINES.entity), IN, essential=True),
    Field("total", Amount(), SapTotal(), Column("totalamount", writable=False), CHECKED),
    Field("cancelled", Truth(), SapCancelled(QUOTATIONS), Canceled(QUOTATIONS), IN),
    Field("sap_number", Whole(), Column("DocNum", writable=False), WrittenBack(_NUMBER, QUOTATIONS), OUT,
          only_if=_NUMBER),
    Field("sap_status", Choice(QUOTATIONS.statuses), SapStatus(QUOTATIONS), WrittenBack(_STATUS, QUOTATIONS), OUT,
          only_if=_STATUS),
)  # fmt: skip


class Quotation(SalesDocument):
    """The quotation as a document that exists once, whatever revisions it goes through."""

    name = "quotation"
    kind = QUOTATIONS
    init_order = 45
    table = TABLE
    sap_entity = sap_document("Quotations")
    other_entity = OTHER_ENTITY
    parent_of = ("order",)

    def written_back(self, ctx: Context) -> tuple[str | None, str | None]:
        """As the settings say."""
        return ctx.settings.quotation_number_column, ctx.settings.quotation_status_column

    def states(self, ctx: Context) -> tuple[int, ...]:
        """Active, and won: an order that comes of it refers to it."""
        return (ACTIVE, WON)

    def why_not_taken(self, row: Row) -> str:
        """A draft is not final; a revised quote goes on as its revision."""
        if row.get("statecode") == CLOSED:
            return "a revision took its place" if row.get("statuscode") == REVISED else "it is closed"
        return "it is a draft; activate it"

    def is_one(self, side: SideName, row: Row) -> bool:
        """In SAP what the hub created; in Dynamics not what was revised, which has the same number."""
        if side is SideName.SAP:
            return bool(row.get(HUB_REFERENCE))
        return not (row.get("statecode") == CLOSED and row.get("statuscode") == REVISED)

    def replaces(self, row: Row, before: Row) -> bool:
        """A later revision of a quote that was revised."""
        same = row.get("quotenumber") == before.get("quotenumber")
        return same and before.get("statecode") == CLOSED and before.get("statuscode") == REVISED


QUOTATION = Quotation()
