"""Customer (Tagrain) <-> business partner of type customer (SAP Business One).

Every customer of Tagrain comes in; out goes who is marked, and who came from Tagrain. Birth date and anniversary are
Tagrain's own. Sizes of SAP's columns: see :mod:`shared.objects.dynamics.account`.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping

from shared.objects import sap_lists as sap
from shared.objects.activity import Activity
from shared.objects.branches import missing_branches, with_branches
from shared.objects.canonical import Text, Truth, Whole
from shared.objects.columns import Column
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Marking, Parent
from shared.objects.references import HUB_REFERENCE
from shared.objects.sap_entities import CUSTOMERS, our_reference
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.addresses import address_fields
from shared.objects.tagrain.customer_group import SAP_CUSTOMER_GROUPS
from shared.objects.tagrain.entities import ARRIVALS, Property, collection
from shared.objects.tagrain.groups import GroupId
from shared.ports import Mark, Row, SideName

TABLE: tuple[Field, ...] = (
    Field(
        "number",
        Text(),
        Column("CardCode", 15, writable=False),
        Property("code", 50),
        FieldDirection.CREATE_ONLY,
        essential=True,
        recognises="number",
    ),
    Field("name", Text(), Column("CardName", 100, required=True), Property("name", 200, required=True), essential=True),
    Field(
        "group",
        Whole(),
        Column("GroupCode", required=True),
        GroupId("customerGroupId", known.CUSTOMER_GROUPS, SAP_CUSTOMER_GROUPS),
    ),
    Field("email", Text(), Column("EmailAddress", 100), Property("email", 100)),
    Field("phone", Text(), Column("Phone1", 20), Property("phone", 50)),
    *address_fields(),
    Field("active", Truth(), Activity(), Property("isActive")),
)


class Customer(TableObject):
    """The customer."""

    name = "customer"
    template_type = "tagrain"
    init_order = 10
    parent_of = ("sales", "refund")
    sync_now_mode = "full"
    table = TABLE
    sap_entity = CUSTOMERS
    other_entity = collection("customers")
    further_columns: Mapping[SideName, tuple[str, ...]] = {SideName.SAP: ("CardType", "BPBranchAssignment")}
    marking = Marking("customers", name_column="CardName", group_column="GroupCode")
    references = (
        sap.SAP_COUNTRIES,
        sap.SAP_STATES,
        sap.SAP_CUSTOMER_GROUPS,
        known.TAGRAIN_CUSTOMER_GROUPS,
    )
    needed_columns = (our_reference(CUSTOMERS),)

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: marked, and still a customer. In: all."""
        if direction is Direction.IN:
            return ""
        if not mark.on:
            return "it is not marked for synchronization"
        return "" if row.get("CardType") == "cCustomer" else "it is not a customer in SAP (any more)"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """What came from Tagrain, or is there already, gets SAP's changes."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """SAP's customer group; a customer of Tagrain finds its group by name."""
        code = row.get("GroupCode") if side is SideName.SAP else None
        return () if code is None else (Parent("customer_group", SideName.SAP, str(code)),)

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """In SAP: customer, currency, group and series of the settings, our reference, branches. In Tagrain: nothing."""
        if side is SideName.OTHER:
            return {}
        settings = ctx.settings
        chosen = {
            "Currency": settings.customer_currency,
            "GroupCode": settings.default_customer_group,
            "Series": settings.customer_code_series,
            HUB_REFERENCE: hub_reference or None,
        }
        body = {"CardType": "cCustomer", **{column: value for column, value in chosen.items() if value is not None}}
        return body | with_branches(settings.branch_assignment)

    def additions(self, side: SideName, current: Row, ctx: Context) -> Row:
        """The branches of the settings that the customer is not assigned to yet; its other branches stay."""
        return {} if side is SideName.OTHER else missing_branches(current, ctx.settings.branch_assignment)


CUSTOMER = Customer()
