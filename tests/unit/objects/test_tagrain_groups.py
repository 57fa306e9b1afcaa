"""Customer groups, manufacturers, product groups: linked by name, created in Tagrain alone."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.canonical import Refused
from shared.objects.columns import Draft
from shared.objects.model import Direction, FieldDirection, Match, ObjectType, Parent
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.customer_group import CUSTOMER_GROUP, SAP_CUSTOMER_GROUPS
from shared.objects.tagrain.groups import GroupId
from shared.objects.tagrain.manufacturer import MANUFACTURER, SAP_MANUFACTURERS
from shared.objects.tagrain.product_group import PRODUCT_GROUP, SAP_ITEM_GROUPS
from shared.ports import Mark, Row
from tests.unit.objects.tagrain_support import LINKS, OTHER, SAP, context

GROUPS = [
    (CUSTOMER_GROUP, "BusinessPartnerGroups", "Code", "Name", "customer-groups", "customer group"),
    (MANUFACTURER, "Manufacturers", "Code", "ManufacturerName", "manufacturers", "manufacturer"),
    (PRODUCT_GROUP, "ItemGroups", "Number", "GroupName", "product-groups", "item group"),
]
every_group = pytest.mark.parametrize(
    ("group", "sap_set", "key", "column", "collection", "what"), GROUPS, ids=[each[0].name for each in GROUPS]
)


@every_group
def test_a_group_is_its_name_and_goes_out_without_a_mark(group, sap_set, key, column, collection, what):
    ctx = context()
    assert isinstance(group, ObjectType)
    assert group.all_take_part
    assert group.on_demand
    assert group.directions(ctx) == (Direction.IN, Direction.OUT)
    assert [(rule.name, rule.direction) for rule in group.fields(ctx)] == [("name", FieldDirection.OUT)]
    assert group.matches(ctx) == (Match("name", column, "name"),)
    assert group.takes_part(Direction.OUT, {key: 5, "Type": "bbpgt_CustomerGroup"}, Mark(), ctx) == ""
    assert group.takes_part(Direction.IN, {}, Mark(), ctx) == ""
    assert not group.mark_on_arrival({}, ctx).on
    assert group.parents(SAP, {key: 5}, ctx) == ()


@every_group
def test_a_group_lives_without_stamps_in_sap_and_with_a_reference_in_tagrain(
    group, sap_set, key, column, collection, what
):
    sap, other = group.entity(SAP, context()), group.entity(OTHER, context())
    assert (sap.set, sap.key, sap.key_is_text, sap.modified, sap.created) == (sap_set, key, False, (), ())
    assert {key, column} <= set(sap.select) <= {key, column, "Type"}
    assert (other.set, other.key, other.version, other.reference) == (collection, "id", "version", "externalRef")
    assert other.select == ("id", "version", "externalRef", "updatedAt", "createdAt", "name")
    assert group.birth(SAP, {key: 5, column: "Tools"}) == ""
    assert group.birth(OTHER, {"createdAt": "2026-03-01T09:30:00.000Z"}) == "2026-03-01T09:30:00.000Z"


@every_group
def test_a_group_is_created_and_renamed_in_tagrain(group, sap_set, key, column, collection, what):
    reading = group.read(SAP, {key: 5, column: " Tools "}, Mark(), context())
    assert (reading.values, reading.held) == ({"name": "Tools"}, {})
    for current in (None, {"id": "x_1", "name": "Old tools"}):
        writing = group.write(OTHER, reading.values, current, context(), hub_reference="harbour:5")
        assert (writing.body, writing.held, writing.refusal) == ({"name": "Tools"}, {}, None)


@every_group
def test_a_group_that_only_tagrain_has_is_refused_with_what_to_do(group, sap_set, key, column, collection, what):
    writing = group.write(SAP, {"name": "Toys"}, None, context(), hub_reference="harbour:x_1")
    assert writing.body == {}
    assert writing.refusal is not None
    assert not writing.refusal.conflict
    assert f"SAP has no {what} of that name" in writing.refusal.text
    assert "create one there with exactly the name" in writing.refusal.text
    assert "Toys" not in writing.refusal.text


@every_group
def test_nothing_is_ever_written_to_a_group_of_sap(group, sap_set, key, column, collection, what):
    writing = group.write(SAP, {"name": "Toys"}, {key: 5, column: "Tools"}, context())
    assert (writing.body, writing.refusal) == ({}, None)


def test_only_customer_groups_are_read():
    assert CUSTOMER_GROUP.entity(SAP, context()).scope == "Type eq 'bbpgt_CustomerGroup'"
    vendors = {"Code": 101, "Type": "bbpgt_VendorGroup"}
    assert "no group of customers" in CUSTOMER_GROUP.takes_part(Direction.OUT, vendors, Mark(), context())


def test_sap_s_entry_for_no_manufacturer_stays_in_sap():
    assert MANUFACTURER.entity(SAP, context()).scope == "Code gt 0"
    assert "without a manufacturer" in MANUFACTURER.takes_part(Direction.OUT, {"Code": -1}, Mark(), context())


# --- the group of a record -------------------------------------------------------------------------------------------

CUSTOMERS_GROUP = GroupId("customerGroupId", known.CUSTOMER_GROUPS, SAP_CUSTOMER_GROUPS)
PRODUCTS_GROUP = GroupId("productGroupId", known.PRODUCT_GROUPS, SAP_ITEM_GROUPS)
PRODUCTS_MANUFACTURER = GroupId("manufacturerId", known.MANUFACTURERS, SAP_MANUFACTURERS, required=False)


def read(accessor: GroupId, key: str | None, **more: Any) -> Any:
    return accessor.read({accessor.name: key}, Mark(), context(**more))


def written(accessor: GroupId, value: Any, current: Row | None = None, **more: Any) -> Row:
    draft = Draft(current=current, values={}, ctx=context(**more))
    accessor.write(value, draft)
    return draft.body


@pytest.mark.parametrize("linked", [True, False])
def test_a_group_of_tagrain_is_the_one_of_equal_name_in_sap(linked):
    assert read(CUSTOMERS_GROUP, "cg_2", linked=linked) == 102
    assert read(PRODUCTS_GROUP, "pg_2", linked=linked) == 104
    assert read(PRODUCTS_MANUFACTURER, "mf_2", linked=linked) == 2
    assert read(PRODUCTS_MANUFACTURER, None, linked=linked) is None


@pytest.mark.parametrize("key", ["cg_3", "cg_4"])
def test_a_group_that_sap_does_not_have_by_exactly_that_name_is_held_with_what_to_do(key):
    with pytest.raises(Refused, match="SAP has no customer group; create one with exactly that name"):
        read(CUSTOMERS_GROUP, key)


def test_a_name_that_two_groups_of_sap_have_says_nothing():
    with pytest.raises(Refused, match="SAP has more than one item group; rename one"):
        read(PRODUCTS_GROUP, "pg_4")


def test_a_group_that_is_not_on_the_list_yet_is_held():
    with pytest.raises(Refused, match="too new"):
        read(CUSTOMERS_GROUP, "cg_9")


def test_a_group_that_was_created_a_moment_ago_is_known_by_its_link():
    ctx = context()
    ctx.links[Parent("customer_group", SAP, "100")] = "cg_9"
    assert CUSTOMERS_GROUP.read({"customerGroupId": "cg_9"}, Mark(), ctx) == 100


def test_the_linked_group_is_written_whatever_it_is_called():
    ctx = context()
    ctx.links[Parent("customer_group", SAP, "102")] = "cg_3"
    draft = Draft(current=None, values={}, ctx=ctx)
    CUSTOMERS_GROUP.write(102, draft)
    assert draft.body == {"customerGroupId": "cg_3"}


def test_without_a_link_the_group_of_equal_name_is_written():
    assert written(CUSTOMERS_GROUP, 102, linked=False) == {"customerGroupId": "cg_2"}
    with pytest.raises(Refused, match="not in Tagrain yet"):
        written(PRODUCTS_GROUP, 999, linked=False)


def test_a_group_that_tagrain_wants_cannot_be_emptied_but_a_manufacturer_can():
    assert written(PRODUCTS_MANUFACTURER, None, {"id": "prd_1"}) == {"manufacturerId": None}
    assert written(PRODUCTS_GROUP, None) == {}
    with pytest.raises(Refused, match="Tagrain wants one"):
        written(PRODUCTS_GROUP, None, {"id": "prd_1"})


def test_links_of_other_objects_are_not_taken_for_groups():
    ctx = context(linked=False)
    ctx.links.update({**LINKS, Parent("customer", SAP, "C20000"): "pg_3"})
    with pytest.raises(Refused, match="SAP has no item group"):
        PRODUCTS_GROUP.read({"productGroupId": "pg_3"}, Mark(), ctx)
