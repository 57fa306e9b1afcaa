"""Opportunity (Dynamics 365 Sales) -> sales opportunity (SAP Business One): in; number and status flow back.

By a setting what is edited in SAP flows back too. The stage in SAP is the last row of its stages: another stage is
another row. Winning or losing comes after the content, since a closed opportunity takes none in SAP.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.objects import sap_lists as sap
from shared.objects.canonical import Amount, Choice, Day, Text, Whole
from shared.objects.columns import Column
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.document_kind import OPPORTUNITIES
from shared.objects.dynamics.opportunity_columns import (
    OPEN,
    PRODUCTS,
    SAP_STATES,
    STATES,
    ClosingDay,
    DynamicsState,
    OpportunityAccount,
    OpportunityContact,
    Owner,
    Phase,
    Remarks,
    Revenue,
    SapAmount,
    SapContact,
    SapProbability,
    SapReason,
    SapStage,
    SapState,
    StatusReason,
)
from shared.objects.dynamics.order_header import SapCustomer, WrittenBack, instant
from shared.objects.fields import Field, TableObject
from shared.objects.model import (
    Context,
    Direction,
    FieldDirection,
    FieldRule,
    NeededColumn,
    Parent,
    Refusal,
    Step,
    Writing,
)
from shared.objects.references import HUB_REFERENCE, start_of_transactions
from shared.objects.sap_entities import our_reference
from shared.ports import Children, Entity, Mark, Row, SideName, Value

IN, OUT = FieldDirection.IN, FieldDirection.OUT
ARRIVALS = "dynamics"
_COLUMN_LENGTH = 50
_CLOSED = (
    "the SAP opportunity is closed, so the change made in Dynamics was not taken over; open it there again and retry, "
    "or leave it"
)
SAP_ENTITY = Entity(
    set="SalesOpportunities",
    type="SalesOpportunities",
    key="SequentialNo",
    modified=("UpdateDate", "UpdateTime"),
    reference=HUB_REFERENCE,
    key_is_text=False,
)
OTHER_ENTITY = Entity(
    set="opportunities",
    type="opportunity",
    key="opportunityid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
    children=(
        Children(
            PRODUCTS,
            Entity(
                set="opportunityproducts",
                type="opportunityproduct",
                key="opportunityproductid",
                select=("opportunityproductname", "lineitemnumber", "quantity", "priceperunit", "extendedamount"),
                key_is_text=False,
            ),
            parent="_opportunityid_value",
        ),
    ),
)
_NUMBER, _STATUS = OPPORTUNITIES.number_setting, OPPORTUNITIES.status_setting
_WORDS = Choice(frozenset(STATES.values()))

TABLE: tuple[Field, ...] = (
    Field("customer", Text(), SapCustomer(), OpportunityAccount(), IN, essential=True),
    Field("contact", Text(), SapContact(), OpportunityContact(), IN, only_if="contacts_travel"),
    Field("name", Text(), Column("OpportunityName", 100), Column("name", 300, required=True), IN),
    Field("predicted_closing", Day(), Column("PredictedClosingDate", required=True), ClosingDay(), IN, essential=True),
    Field("amount", Amount(), SapAmount(), Revenue(), IN),
    Field("sales_employee", Whole(), Column("SalesPerson", required=True), Owner(), IN, only_if="sales_employees"),
    Field("stage", Whole(), SapStage(), Phase(), IN, only_if="opportunity_stages"),
    Field("probability", Whole(), SapProbability(), Column("closeprobability"), IN, only_if="opportunity_stages"),
    Field("remarks", Text(), Column("Remarks"), Remarks(), IN),
    Field("reason", Whole(), SapReason(), StatusReason(), IN, only_if="opportunity_reasons"),
    Field("status", _WORDS, SapState(SAP_ENTITY), DynamicsState(), IN, essential=True),
    Field("sap_number", Whole(), Column("SequentialNo", writable=False), WrittenBack(_NUMBER, OPPORTUNITIES), OUT,
          only_if=_NUMBER),
    Field("sap_status", _WORDS, SapState(SAP_ENTITY), WrittenBack(_STATUS, OPPORTUNITIES), OUT, only_if=_STATUS),
)  # fmt: skip
_BACK = frozenset({"name", "predicted_closing", "amount", "stage", "probability", "status"})
"""What an edit in SAP changes in Dynamics, if the settings let opportunities travel both ways."""


class Opportunity(TableObject):
    """The opportunity of an account since the start date."""

    name = "opportunity"
    template_type = "dynamics"
    init_order = 40
    table = TABLE
    sap_entity = SAP_ENTITY
    other_entity = OTHER_ENTITY
    further_columns: Mapping[SideName, tuple[str, ...]] = {SideName.OTHER: ("statecode", "statuscode")}
    references = (sap.SAP_COMPANY, sap.SAP_CURRENCIES, known.DYNAMICS_CURRENCIES)
    transactional = True

    def scope(self, side: SideName, ctx: Context) -> str:
        """In SAP what this template created; in Dynamics what was created since the start date."""
        if side is SideName.SAP:
            return f"startswith({HUB_REFERENCE}, '{ctx.template}:')"
        start = self.opens_at(ctx)
        return f"createdon ge {start:%Y-%m-%dT%H:%M:%SZ}" if start else ""

    def opens_at(self, ctx: Context) -> datetime | None:
        """Midnight of the start date in the time zone of the settings, in UTC."""
        return start_of_transactions(ctx.settings)

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        """As the table says; with the direction ``both`` edits made in SAP flow back."""
        rules = super().fields(ctx)
        if ctx.settings.opportunity_direction == "in":
            return rules
        return tuple(replace(rule, direction=FieldDirection.BOTH) if rule.name in _BACK else rule for rule in rules)

    def write(
        self,
        side: SideName,
        values: Mapping[str, Value],
        current: Row | None,
        ctx: Context,
        *,
        hub_reference: str = "",
    ) -> Writing:
        """As the table says. One that is closed in SAP takes nothing before it is open again, and that by itself."""
        writing = super().write(side, values, current, ctx, hub_reference=hub_reference)
        is_closed = side is SideName.SAP and SAP_STATES.get(str((current or {}).get("Status"))) != OPEN
        if current is None or not is_closed or writing.refusal is not None or not (writing.body or writing.steps):
            return writing
        if values.get("status") != OPEN:
            return replace(writing, refusal=Refusal(_CLOSED, tuple(values), conflict=True))
        steps = [
            Step(1, name, f"after opening: {name}", part.body, entity=SAP_ENTITY, key=str(current["SequentialNo"]))
            for name, value in values.items()
            if name != "status" and (part := super().write(side, {name: value}, current, ctx)).body
        ]
        return replace(writing, body={"Status": "sos_Open"}, steps=tuple(steps))

    def columns_needed(self, ctx: Context) -> tuple[NeededColumn, ...]:
        """Our reference in SAP; the columns of the settings for number and status."""
        back = (
            (ctx.settings.opportunity_number_column, "SAP opportunity number"),
            (ctx.settings.opportunity_status_column, "SAP opportunity status"),
        )
        entity = replace(OTHER_ENTITY, children=())
        columns = [NeededColumn(SideName.OTHER, entity, name, what, _COLUMN_LENGTH) for name, what in back if name]
        return (our_reference(SAP_ENTITY), *columns)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: it came in once. In: of an account, since the start date."""
        if direction is Direction.OUT:
            return "" if mark.on else "it did not come from Dynamics"
        start = self.opens_at(ctx)
        if start is None or instant(row["createdon"]) < start:
            return "it was created before the start date of transactions (startDate)"
        return "" if row.get("_parentaccountid_value") else "it is not for an account"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """Opportunities are created in SAP alone."""
        return "its opportunity in Dynamics is gone; none is ever created there" if direction is Direction.OUT else ""

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """What came in sends its number and status back."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The account; and the contact, if there is one that may be linked: it can come later."""
        if side is SideName.SAP:
            return ()
        contact = row.get("_parentcontactid_value") if ctx.settings.contacts_travel else None
        found = [Parent("contact", SideName.OTHER, str(contact), required=False)] if contact else []
        return (Parent("account", SideName.OTHER, str(row.get("_parentaccountid_value"))), *found)

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """Our reference."""
        return {HUB_REFERENCE: hub_reference} if side is SideName.SAP else {}


OPPORTUNITY = Opportunity()
