"""Manufacturer (Tagrain) <- manufacturer (SAP Business One)."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from shared.objects import sap_lists as sap
from shared.objects.model import Context, Direction
from shared.objects.tagrain.entities import collection
from shared.objects.tagrain.groups import NamedGroup, SapList, name_field
from shared.ports import Entity, Mark, Row

NO_MANUFACTURER = -1  # SAP's own "- No Manufacturer -"
SAP_MANUFACTURERS = SapList("manufacturer", sap.MANUFACTURERS, "Code", "ManufacturerName", "manufacturer")


class Manufacturer(NamedGroup):
    """A manufacturer."""

    name = "manufacturer"
    what = "manufacturer"
    init_order = 15
    parent_of = ("product",)
    table = (name_field("ManufacturerName"),)
    sap_entity = Entity(set="Manufacturers", type="Manufacturer", key="Code", scope="Code gt 0", key_is_text=False)
    other_entity = collection("manufacturers")

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """All but SAP's word for none."""
        none = direction is Direction.OUT and row.get("Code") == NO_MANUFACTURER
        return "it is SAP's entry for items without a manufacturer" if none else ""


MANUFACTURER = Manufacturer()
