"""Opportunity (Dynamics 365 Sales) -> sales opportunity (SAP Business One); a setting also lets SAP's edits go back.

An opportunity comes in once its account is linked (and its contact, where contacts travel), open ones always. It is
created in SAP alone. What is won or lost takes nothing on either side: content comes before the end, and after reopening.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.objects import sap_lists as sap
from shared.objects.canonical import Amount, Composite, Day, Text, Truth, Whole
from shared.objects.columns import Column
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.contact import CONTACTS
from shared.objects.dynamics.document_kind import OPPORTUNITIES
from shared.objects.dynamics.opportunity_header import (
    OPPORTUNITY_PRODUCTS,
    Description,
    EstimatedCloseDate,
    OpportunityCustomer,
    OwningUser,
    ParentAccount,
    ParentContact,
    SalesEmployee,
    SapContact,
    StartDay,
    StatusText,
    contacts_travel,
)
from shared.objects.dynamics.opportunity_stages import (
    STAGES,
    DynamicsStage,
    EstimatedValue,
    SapAmount,
    SapStage,
    first_stage,
    with_stages,
)
from shared.objects.dynamics.opportunity_state import (
    STATE,
    DynamicsIsOpen,
    DynamicsState,
    SapIsOpen,
    SapState,
    WhileOpen,
    is_closed_in_dynamics,
    is_closed_in_sap,
)
from shared.objects.dynamics.order_header import WrittenBack, instant
from shared.objects.fields import Field, TableObject
from shared.objects.model import (
    KEY,
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
from shared.ports import Entity, Mark, Owner, Row, SideName, Value

IN, OUT, CHECKED = FieldDirection.IN, FieldDirection.OUT, FieldDirection.CHECKED
ARRIVALS = "dynamics"  # the batch of marks of opportunities that came in
CLOSED = "the SAP opportunity is won or lost already; reopen it in SAP, or enter the change made in Dynamics there"
_LONGEST_REMARKS = 64_000  # DI API reference: SalesOpportunities.Remarks
_COLUMN_LENGTH = 100
CONTACT_ROW = "contact"  # where the contact of an opportunity stands in its row

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
    children=(OPPORTUNITY_PRODUCTS,),
    owner=Owner(
        CONTACT_ROW,
        replace(CONTACTS, select=("_parentcustomerid_value",), owner=None),
        lookup="_parentcontactid_value",
    ),
)
_PLAIN = {SideName.SAP: SAP_ENTITY, SideName.OTHER: replace(OTHER_ENTITY, children=(), owner=None)}
_OPENED: Mapping[SideName, Row] = {SideName.SAP: {"Status": "sos_Open"}, SideName.OTHER: {"statecode": 0}}

TABLE: tuple[Field, ...] = (
    Field("customer", Text(), OpportunityCustomer(), ParentAccount(), IN, essential=True),
    Field("contact", Text(), SapContact(), ParentContact(), IN),
    Field("name", Text(), Column("OpportunityName", 100), WhileOpen(Column("name", 300, required=True))),
    Field("start", Day(), Column("StartDate", required=True), StartDay(), IN, essential=True),
    Field("predicted_closing", Day(), Column("PredictedClosingDate", required=True),
          WhileOpen(EstimatedCloseDate()), essential=True),
    Field("stage", Composite(), SapStage(), WhileOpen(DynamicsStage()), only_if="opportunity_stages"),
    Field("amount", Amount(), SapAmount(), WhileOpen(EstimatedValue())),
    Field("sales_employee", Whole(), SalesEmployee(), OwningUser(), IN, only_if="sales_employees"),
    Field("remarks", Text(), Column("Remarks", _LONGEST_REMARKS), Description(), IN),
    Field(STATE, Composite(), SapState(SAP_ENTITY), DynamicsState()),
    Field("is_open", Truth(), SapIsOpen(), DynamicsIsOpen(), CHECKED),
    Field("sap_number", Whole(), Column("SequentialNo", writable=False),
          WhileOpen(WrittenBack("opportunity_number_column", OPPORTUNITIES)), OUT, only_if="opportunity_number_column"),
    Field("sap_status", Text(), StatusText(),
          WhileOpen(WrittenBack("opportunity_status_column", OPPORTUNITIES)), OUT, only_if="opportunity_status_column"),
)  # fmt: skip
FOLLOWING = frozenset({"name", "predicted_closing", "stage", "amount", STATE})
"""The fields whose direction is the setting opportunityDirection."""


class Opportunity(TableObject):
    """The opportunity as it comes in once and is kept up to date."""

    name = "opportunity"
    template_type = "dynamics"
    init_order = 40
    table = TABLE
    sap_entity = SAP_ENTITY
    other_entity = OTHER_ENTITY
    references = (
        sap.SAP_COMPANY,
        sap.SAP_CURRENCIES,
        sap.SAP_SALES_STAGES,
        known.DYNAMICS_CURRENCIES,
        known.DYNAMICS_USERS,
    )
    transactional = True

    def entity(self, side: SideName, ctx: Context) -> Entity:
        """Products are only read where they become remarks."""
        entity = super().entity(side, ctx)
        return replace(entity, children=()) if ctx.settings.opportunity_products == "none" else entity

    def scope(self, side: SideName, ctx: Context) -> str:
        """In SAP what this template created; in Dynamics what was created since the start date."""
        if side is SideName.SAP:
            return f"startswith({HUB_REFERENCE}, '{ctx.template}:')"
        start = self.opens_at(ctx)
        return f"createdon ge {start:%Y-%m-%dT%H:%M:%SZ}" if start else ""

    def opens_at(self, ctx: Context) -> datetime | None:
        """Midnight of the start date in the time zone of the settings, in UTC."""
        return start_of_transactions(ctx.settings)

    def active(self, ctx: Context) -> tuple[Field, ...]:
        """Without the contact where contacts stay in Dynamics; states are compared where SAP's does not go back."""
        left_out = set() if contacts_travel(ctx) else {"contact"}
        if ctx.settings.opportunity_direction != "in":
            left_out.add("is_open")
        return tuple(field for field in super().active(ctx) if field.name not in left_out)

    def fields(self, ctx: Context) -> tuple[FieldRule, ...]:
        """Content travels as the setting says."""
        chosen = FieldDirection(ctx.settings.opportunity_direction)
        rules = super().fields(ctx)
        return tuple(replace(rule, direction=chosen) if rule.name in FOLLOWING else rule for rule in rules)

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """As the table says; what is closed is reopened first or takes nothing, in SAP by a conflict."""
        if current is None or not _is_closed(side, current) or writing.refusal is not None:
            return writing
        if _OPENED[side].items() <= writing.body.items():
            return self._reopened(side, values, current, ctx)
        if side is SideName.SAP and (writing.body or writing.steps):
            return replace(writing, refusal=Refusal(CLOSED, tuple(values), conflict=True))
        return writing

    def _reopened(self, side: SideName, values: Mapping[str, Value], current: Row, ctx: Context) -> Writing:
        """Its own write reopens it; each field that it takes then is a step, the closing one the last."""
        first = self.as_table(side, {STATE: values[STATE]}, current, ctx)
        seen, held, steps = {**current, **_OPENED[side]}, dict(first.held), list(first.steps)
        for stage, name in enumerate((field.name for field in self.table if field.name != STATE), 1):
            if name not in values:
                continue
            part = self.as_table(side, {name: values[name]}, seen, ctx)
            held |= part.held
            if part.body:
                steps.append(Step(stage, name, name, part.body, _PLAIN[side], KEY))
                stages = {STAGES: with_stages(seen, part.body[STAGES])} if STAGES in part.body else {}
                seen |= {**part.body, **stages}
        return replace(first, held=held, steps=tuple(steps))

    def why_frozen(self, side: SideName, current: Row) -> str:
        """What is won or lost takes nothing."""
        return "Dynamics takes no change of an opportunity that is won or lost" if _is_closed(side, current) else ""

    def columns_needed(self, ctx: Context) -> tuple[NeededColumn, ...]:
        """Our reference in SAP; the columns of the settings for number and status."""
        back = (
            (ctx.settings.opportunity_number_column, "SAP opportunity number"),
            (ctx.settings.opportunity_status_column, "SAP opportunity status"),
        )
        entity = _PLAIN[SideName.OTHER]
        columns = [NeededColumn(SideName.OTHER, entity, name, what, _COLUMN_LENGTH) for name, what in back if name]
        return (our_reference(SAP_ENTITY), *columns)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: it came in once. In: created since the start date, and open unless it came in or the settings say so."""
        if direction is Direction.OUT:
            return "" if mark.on else "it did not come from Dynamics"
        start = self.opens_at(ctx)
        if ctx.settings.opportunity_direction == "out":
            return "opportunities only go from SAP to Dynamics (opportunityDirection)"
        if start is None or instant(row["createdon"]) < start:
            return "it was created before the start date of transactions (startDate)"
        return "" if mark.on else self._why_it_stays(row, ctx)

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """Opportunities are created in SAP alone."""
        if direction is Direction.OUT:
            return "its opportunity in Dynamics is gone; opportunities are never created there"
        return self._why_it_stays(row, ctx)

    @staticmethod
    def _why_it_stays(row: Row, ctx: Context) -> str:
        closed = is_closed_in_dynamics(row) and not ctx.settings.closed_opportunities
        return "it was won or lost before it reached SAP (closedOpportunities)" if closed else ""

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """What came in sends its number, its status and, if the settings say so, its edits back."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The account and, where contacts travel, the contact if it is one of that account: others never come."""
        if side is SideName.SAP:
            return ()
        account, person = row.get("_parentaccountid_value"), row.get(CONTACT_ROW) or {}
        is_its_own = contacts_travel(ctx) and account is not None and person.get("_parentcustomerid_value") == account
        contact = row.get("_parentcontactid_value") if is_its_own else None
        wanted = (("account", account, True), ("contact", contact, False))
        return tuple(Parent(name, SideName.OTHER, str(key), must) for name, key, must in wanted if key)

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """Our reference, and the stage that sales begin with, unless a field says another."""
        if side is SideName.OTHER:
            return {}
        stage = first_stage(ctx)
        return {HUB_REFERENCE: hub_reference, **({STAGES: [stage]} if stage else {})}


def _is_closed(side: SideName, row: Row) -> bool:
    return is_closed_in_sap(row) if side is SideName.SAP else is_closed_in_dynamics(row)


OPPORTUNITY = Opportunity()
