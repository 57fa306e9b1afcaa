"""SAP's customers and items, which the objects of more than one template are; and the user field for our reference."""

from __future__ import annotations

from shared.objects.model import NeededColumn
from shared.objects.references import HUB_REFERENCE, REFERENCE_LENGTH
from shared.ports import Entity, SideName

CUSTOMERS = Entity(
    set="BusinessPartners",
    type="BusinessPartner",
    key="CardCode",
    version="DataVersion",
    scope="CardType eq 'cCustomer'",
    modified=("UpdateDate", "UpdateTime"),
    created=("CreateDate", "CreateTime"),
    reference=HUB_REFERENCE,
)
ITEMS = Entity(
    set="Items",
    type="Item",
    key="ItemCode",
    version="DataVersion",
    modified=("UpdateDate", "UpdateTime"),
    created=("CreateDate", "CreateTime"),
)


def our_reference(entity: Entity) -> NeededColumn:
    """The user field of records of SAP that come from the other side."""
    text = "Integration Hub: template and key of the origin"
    return NeededColumn(SideName.SAP, entity, HUB_REFERENCE, text, length=REFERENCE_LENGTH)
