"""Customer group (Tagrain) <- customer group (SAP Business One)."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping

from shared.objects import sap_lists as sap
from shared.objects.model import Context, Direction
from shared.objects.tagrain.entities import collection
from shared.objects.tagrain.groups import NamedGroup, SapList, name_field
from shared.ports import Entity, Mark, Row, SideName

CUSTOMERS = "bbpgt_CustomerGroup"
SAP_CUSTOMER_GROUPS = SapList("customer_group", sap.CUSTOMER_GROUPS, "Code", "Name", "customer group")


class CustomerGroup(NamedGroup):
    """A customer group; its tax code and which one is the default are Tagrain's own."""

    name = "customer_group"
    what = "customer group"
    init_order = 5
    parent_of = ("customer",)
    table = (name_field("Name"),)
    sap_entity = Entity(
        set="BusinessPartnerGroups",
        type="BusinessPartnerGroup",
        key="Code",
        scope=f"Type eq '{CUSTOMERS}'",
        key_is_text=False,
    )
    other_entity = collection("customer-groups")
    further_columns: Mapping[SideName, tuple[str, ...]] = {SideName.SAP: ("Type",)}

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Groups of customers; SAP keeps those of vendors with them, of the same names or others."""
        vendors = direction is Direction.OUT and row.get("Type") != CUSTOMERS
        return "it is no group of customers in SAP" if vendors else ""

    def is_one(self, side: SideName, row: Row) -> bool:
        """In SAP only groups of customers are."""
        return side is SideName.OTHER or row.get("Type") == CUSTOMERS


CUSTOMER_GROUP = CustomerGroup()
