"""Lead (Dynamics 365 Sales) <-> business partner of type lead (SAP Business One), both ways.

A lead ends as an account and a customer. The partner stays the same one in SAP: whichever side qualifies it, the other
follows, and the account that comes of it is linked to that very partner (:attr:`Account.origin`). From then on the lead
is only known to be qualified; its account goes on. Rules: docs/decisions/0014.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.objects.addresses import BILL_TO
from shared.objects.branches import with_branches
from shared.objects.canonical import Choice, Text, Whole
from shared.objects.codes import SettingCodes
from shared.objects.columns import Column, Mapped
from shared.objects.dynamics.account import ARRIVALS, address_fields
from shared.objects.dynamics.lead_columns import (
    OPEN,
    QUALIFIED,
    STATES,
    CompanyName,
    DynamicsLife,
    PersonPart,
    SapLife,
    SapSource,
)
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, Marking, Reading, Writing
from shared.objects.references import HUB_REFERENCE
from shared.objects.sap_entities import CUSTOMERS, our_reference
from shared.objects.sap_lists import SAP_COUNTRIES, SAP_STATES
from shared.ports import Entity, Mark, Row, SideName, Value

PARTNERS = replace(CUSTOMERS, scope="CardType ne 'cSupplier'")
LEADS_ONLY = "CardType eq 'cLid'"
OTHER_ENTITY = Entity(
    set="leads",
    type="lead",
    key="leadid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
)
_RATING = Mapped(Column("leadqualitycode"), SettingCodes("lead_ratings", "leadRatings", "rating"))
_SOURCE = Mapped(Column("leadsourcecode"), SettingCodes("lead_sources", "leadSources", "source"))

TABLE: tuple[Field, ...] = (
    Field("company", Text(), Column("CardName", 100, required=True), CompanyName(), essential=True, recognises="name"),
    Field("topic", Text(), Column("Notes", 100), Column("subject", 300, required=True)),
    Field("first_name", Text(), PersonPart("FirstName", 50), Column("firstname", 50)),
    Field("last_name", Text(), PersonPart("LastName", 50), Column("lastname", 50)),
    Field("position", Text(), PersonPart("Position", 90), Column("jobtitle", 100)),
    Field("email", Text(), Column("EmailAddress", 100), Column("emailaddress1", 100), recognises="email"),
    Field("phone", Text(), Column("Phone1", 20), Column("telephone1", 50), recognises="phone"),
    Field("phone2", Text(), Column("Phone2", 20), Column("telephone2", 50)),
    Field("mobile", Text(), Column("Cellular", 50), Column("mobilephone", 20)),
    Field("fax", Text(), Column("Fax", 20), Column("fax", 50)),
    Field("website", Text(), Column("Website", 100), Column("websiteurl", 200)),
    Field("rating", Whole(), Column("Priority"), _RATING, only_if="lead_ratings"),
    Field("source", Whole(), SapSource(), _SOURCE, only_if="lead_sources"),
    *address_fields("address", BILL_TO, "address1"),
    Field("status", Choice(frozenset(STATES.values())), SapLife(), DynamicsLife(), essential=True),
)


class Lead(TableObject):
    """The lead until it is qualified: out while its mark is on, in while it is open."""

    name = "lead"
    template_type = "dynamics"
    init_order = 5
    table = TABLE
    sap_entity = PARTNERS
    other_entity = OTHER_ENTITY
    marking = Marking("leads", name_column="CardName", group_column="GroupCode", scope=LEADS_ONLY)
    references = (SAP_COUNTRIES, SAP_STATES)
    needed_columns = (our_reference(CUSTOMERS),)

    def read(self, side: SideName, row: Row, mark: Mark, ctx: Context) -> Reading:
        """As the table says; of a lead that is qualified nothing travels but that."""
        reading = super().read(side, row, mark, ctx)
        if reading.values.get("status") != QUALIFIED:
            return reading
        return Reading({"status": QUALIFIED})

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """As the table says; a new lead of Dynamics without a topic gets its company's name, since it must have one."""
        if side is SideName.OTHER and current is None:
            return replace(writing, body={"subject": values.get("company"), **writing.body})
        return writing

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: marked, a lead or what became of it. In: every lead."""
        if direction is Direction.IN:
            return ""
        if not mark.on:
            return "it is not marked for synchronization"
        return "" if row.get("CardType") in ("cLid", "cCustomer") else "it is not a lead in SAP"

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """Only open leads come into being on the other side."""
        if direction is Direction.IN:
            state = STATES.get(row.get("statecode", 0), OPEN)
            return "" if state == OPEN else f"it was {state} before it reached SAP"
        return "" if row.get("CardType") == "cLid" else "it is not a lead in SAP"

    def is_one(self, side: SideName, row: Row) -> bool:
        """Customers and qualified leads have the same columns."""
        return row.get("CardType") == "cLid" if side is SideName.SAP else row.get("statecode") == 0

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """A mark in the batch of arrivals."""
        return Mark(frozenset({ARRIVALS}))

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """In SAP: lead, group and series of the settings, our reference, branches."""
        if side is SideName.OTHER:
            return {}
        chosen = {
            "GroupCode": ctx.settings.default_customer_group,
            "Series": ctx.settings.lead_code_series or ctx.settings.customer_code_series,
            HUB_REFERENCE: hub_reference or None,
        }
        body: Row = {"CardType": "cLid"} | {name: value for name, value in chosen.items() if value is not None}
        return body | with_branches(ctx.settings.branch_assignment)


LEAD = Lead()
