"""Product group (Tagrain) <- item group (SAP Business One)."""

from __future__ import annotations

from shared.objects import sap_lists as sap
from shared.objects.tagrain.entities import collection
from shared.objects.tagrain.groups import NamedGroup, SapList, name_field
from shared.ports import Entity

SAP_ITEM_GROUPS = SapList("product_group", sap.ITEM_GROUPS, "Number", "GroupName", "item group")


class ProductGroup(NamedGroup):
    """An item group as a product group."""

    name = "product_group"
    what = "item group"
    init_order = 16
    parent_of = ("product",)
    table = (name_field("GroupName"),)
    sap_entity = Entity(set="ItemGroups", type="ItemGroups", key="Number", key_is_text=False)
    other_entity = collection("product-groups")


PRODUCT_GROUP = ProductGroup()
