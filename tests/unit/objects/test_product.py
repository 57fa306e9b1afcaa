"""The product: every field from item to product, units, who takes part. Prices are in test_prices."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.dynamics.product import PRODUCT
from shared.objects.model import KEY, Direction, FieldDirection
from shared.ports import Mark, Row
from tests.unit.objects.sales_support import (
    BOX,
    DEFAULT_GROUP,
    DEFAULT_UNIT,
    LISTS,
    MARK,
    OTHER,
    PIECE,
    PIECES_GROUP,
    SAP,
    context,
    guid,
    item,
    product,
    stored_product,
)

FULL = {
    "number": "I00001",
    "name": "Hammer",
    "description": "Strikes nails",
    "unit_group": "Pieces",
    "unit": "Piece",
    "decimals": 3,
    "price_1_EUR": item()["ItemPrices"][0]["Price"],
    "state": "active",
}


def values_of(row: Row, **settings: Any) -> dict[str, Any]:
    reading = PRODUCT.read(SAP, row, MARK, context(**settings))
    assert reading.held == {}
    return reading.values


def held_of(row: Row, **settings: Any) -> dict[str, str]:
    return PRODUCT.read(SAP, row, MARK, context(**settings)).held


# --- every field, both sides -----------------------------------------------------------------------------------------


def test_this_page_covers_every_field_and_all_go_out():
    assert [rule.name for rule in PRODUCT.fields(context())] == list(FULL)
    directions = {rule.name: rule.direction for rule in PRODUCT.fields(context())}
    assert directions.pop("number") is FieldDirection.CREATE_ONLY
    assert set(directions.values()) == {FieldDirection.OUT}
    assert PRODUCT.directions(context()) == (Direction.OUT,)


def test_an_item_reads_in_full():
    assert values_of(item()) == FULL


def test_a_product_reads_in_full():
    reading = PRODUCT.read(OTHER, product(), MARK, context())
    assert (reading.values, reading.held) == (FULL, {})


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_every_selected_column_is_enough_to_read_without_a_held_field(side):
    full = item() if side is SAP else product()
    selected = {name: full[name] for name in PRODUCT.entity(side, context()).select}
    row = selected if side is SAP else selected | {"prices": full["prices"]}
    assert PRODUCT.read(side, row, MARK, context()).held == {}


def test_a_created_product_reads_as_its_item():
    writing = PRODUCT.write(OTHER, FULL, None, context())
    assert (writing.held, writing.refusal) == ({}, None)
    assert PRODUCT.read(OTHER, stored_product(None, writing), MARK, context()).values == FULL


CHANGED = {
    "name": "Sledge hammer",
    "description": None,
    "decimals": 2,
    "unit": "BX",
    "price_1_EUR": FULL["price_1_EUR"] + 1,
    "state": "retired",
}


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_one_field_written_changes_that_field_alone(name):
    writing = PRODUCT.write(OTHER, {name: CHANGED[name]}, product(), context())
    assert (writing.held, writing.refusal) == ({}, None)
    after = PRODUCT.read(OTHER, stored_product(product(), writing), MARK, context()).values
    assert after == FULL | {name: CHANGED[name]}


def test_a_changed_unit_group_takes_the_unit_of_the_new_group():
    values = {"unit_group": "Default Unit", "unit": "Primary Unit"}
    body = PRODUCT.write(OTHER, values, product(), context()).body
    assert body["defaultuomscheduleid@odata.bind"] == f"/uomschedules({DEFAULT_GROUP})"
    assert body["defaultuomid@odata.bind"] == f"/uoms({DEFAULT_UNIT})"


def test_nothing_is_ever_written_to_an_item():
    writing = PRODUCT.write(SAP, FULL, item(), context())
    assert (writing.body, writing.steps, writing.attributes) == ({}, (), {})


@pytest.mark.parametrize(("name", "length"), [("name", 100), ("description", 2000)])
def test_a_text_one_character_too_long_is_held_by_name_and_never_cut(name, length):
    assert PRODUCT.write(OTHER, {name: "7" * length}, product(), context()).held == {}
    too_long = PRODUCT.write(OTHER, {name: "7" * (length + 1)}, product(), context())
    assert too_long.body == {}
    assert str(length) in too_long.held[name]


def test_a_product_is_not_created_without_a_name_that_fits():
    writing = PRODUCT.write(OTHER, FULL | {"name": "7" * 101}, None, context())
    assert writing.refusal is not None
    assert writing.refusal.fields == ("name",)
    assert not writing.refusal.conflict
    assert PRODUCT.write(OTHER, {"name": "7" * 101}, product(), context()).refusal is None


def test_a_description_that_does_not_fit_does_not_keep_a_product_from_being_created():
    writing = PRODUCT.write(OTHER, FULL | {"description": "7" * 2001}, None, context())
    assert writing.refusal is None
    assert set(writing.held) == {"description"}


@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_item_without_a_name_is_called_by_its_code(name):
    assert values_of(item(ItemName=name))["name"] == "I00001"


def test_a_missing_name_column_is_not_taken_for_an_empty_name():
    row = item()
    del row["ItemName"]
    assert "ItemName" in held_of(row)["name"]


@pytest.mark.parametrize(("accuracy", "decimals"), [(0, 0), (3, 3), (5, 5), (6, 5)])
def test_quantities_get_as_many_decimals_as_both_sides_keep(accuracy, decimals):
    company = [{**LISTS["sap.company"][0], "AccuracyofQuantities": accuracy}]
    reading = PRODUCT.read(SAP, item(), MARK, context({"sap.company": company}))
    assert reading.values["decimals"] == decimals


def test_without_the_companys_settings_the_decimals_are_held_with_what_to_do():
    assert "rights" in PRODUCT.read(SAP, item(), MARK, context({"sap.company": []})).held["decimals"]


# --- units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [-1, None])
def test_an_item_without_a_unit_group_has_the_one_of_the_settings_and_its_base_unit(entry):
    values = values_of(item(UoMGroupEntry=entry, PricingUnit=-1))
    assert (values["unit_group"], values["unit"]) == ("Default Unit", "Primary Unit")


def test_an_item_without_a_unit_group_is_held_with_the_setting_that_would_help():
    held = held_of(item(UoMGroupEntry=-1), defaultUnitGroup=None)
    assert "defaultUnitGroup" in held["unit_group"]
    assert "defaultUnitGroup" in held["unit"]


@pytest.mark.parametrize("own", [-1, None, 0, 11])
def test_prices_are_of_the_base_unit_unless_sap_says_otherwise(own):
    assert values_of(item(PricingUnit=own))["unit"] == "Piece"


def test_a_pricing_unit_is_found_by_its_code_where_dynamics_has_no_such_name():
    assert values_of(item(PricingUnit=12))["unit"] == "BX"


def test_units_and_groups_are_those_that_are_mapped():
    lists = {
        "other.unit_groups": [{"uomscheduleid": PIECES_GROUP, "name": "Stück"}, LISTS["other.unit_groups"][0]],
        "other.units": [
            {"uomid": PIECE, "name": "Stk", "_uomscheduleid_value": PIECES_GROUP, "isschedulebaseuom": True},
            LISTS["other.units"][0],
        ],
    }
    ctx = context(lists, unitGroups={"PIECES": "Stück"}, units={"PC": "Stk"})
    reading = PRODUCT.read(SAP, item(), MARK, ctx)
    assert (reading.values["unit_group"], reading.values["unit"]) == ("Stück", "Stk")
    body = PRODUCT.write(OTHER, reading.values, None, ctx).body
    assert body["defaultuomscheduleid@odata.bind"] == f"/uomschedules({PIECES_GROUP})"
    assert body["defaultuomid@odata.bind"] == f"/uoms({PIECE})"


def test_a_group_that_dynamics_lacks_is_held_with_the_setting_that_would_help():
    held = held_of(item(UoMGroupEntry=4, PricingUnit=13))
    assert "unitGroups" in held["unit_group"]
    assert "unitGroups" in held["unit"]


def test_a_unit_that_the_group_lacks_is_held_with_the_setting_that_would_help():
    assert set(held_of(item(PricingUnit=13))) == {"unit"}
    assert "(units)" in held_of(item(PricingUnit=13))["unit"]


@pytest.mark.parametrize("entry", [77, 99])
def test_a_unit_group_that_sap_does_not_list_is_held(entry):
    assert {"unit_group", "unit"} <= set(held_of(item(UoMGroupEntry=entry)))


def test_a_unit_group_without_one_base_unit_gives_no_unit():
    none = [{**each, "isschedulebaseuom": False} for each in LISTS["other.units"]]
    reading = PRODUCT.read(SAP, item(UoMGroupEntry=-1), MARK, context({"other.units": none}))
    assert "base unit" in reading.held["unit"]


def test_two_unit_groups_of_one_name_are_not_chosen_from():
    groups = [*LISTS["other.unit_groups"], {"uomscheduleid": guid(12), "name": "pieces"}]
    assert "more than one" in PRODUCT.read(SAP, item(), MARK, context({"other.unit_groups": groups})).held["unit"]


@pytest.mark.parametrize(
    ("sap", "row"),
    [("sap.unit_groups", {"Name": "PIECES", "Code": "P"}), ("sap.units", {"Name": "PIECE", "Code": "P"})],
)
def test_a_unit_or_group_spelled_in_another_case_is_the_one_of_dynamics(sap, row):
    rows = [{**each, **(row if each["AbsEntry"] in (3, 11) else {})} for each in LISTS[sap]]
    ctx = context({sap: rows})
    reading = PRODUCT.read(SAP, item(), MARK, ctx)
    assert reading.held == {}
    writing = PRODUCT.write(OTHER, reading.values, None, ctx)
    assert (writing.held, writing.refusal) == ({}, None)
    assert writing.body["defaultuomid@odata.bind"] == f"/uoms({PIECE})"


def test_a_unit_of_another_group_with_the_same_name_is_not_taken():
    units = [*LISTS["other.units"], {"uomid": guid(29), "name": "Piece", "_uomscheduleid_value": DEFAULT_GROUP}]
    ctx = context({"other.units": units})
    assert PRODUCT.write(OTHER, FULL, None, ctx).body["defaultuomid@odata.bind"] == f"/uoms({PIECE})"
    assert PRODUCT.write(OTHER, {"unit": "BX"}, product(), ctx).body == {"defaultuomid@odata.bind": f"/uoms({BOX})"}


def test_a_product_is_not_created_without_its_unit():
    writing = PRODUCT.write(OTHER, FULL | {"unit": "Pallet"}, None, context())
    assert writing.refusal is not None
    assert writing.refusal.fields == ("unit",)


def test_a_unit_of_a_product_that_is_on_no_list_is_held():
    reading = PRODUCT.read(OTHER, product(_defaultuomid_value=guid(99)), MARK, context())
    assert "unit" in reading.held


# --- publishing and retiring ------------------------------------------------------------------------------------------


def test_a_product_is_published_after_its_prices():
    writing = PRODUCT.write(OTHER, FULL, None, context())
    by_stage = [[step.field_name for step in writing.steps if step.stage == stage] for stage in (1, 2)]
    assert by_stage == [["price_1_EUR"], ["state"]]
    (publish,) = [step for step in writing.steps if step.field_name == "state"]
    assert (publish.key, publish.body) == (KEY, {"statecode": 0, "statuscode": 1})
    assert publish.entity is not None
    assert (publish.entity.set, publish.entity.children) == ("products", ())
    assert "statecode" not in writing.body
    assert writing.later == {"price_1_EUR", "state"}


def test_an_item_that_becomes_inactive_loses_its_prices_and_is_then_retired():
    reading = values_of(item(Frozen="tYES"))
    assert (reading["price_1_EUR"], reading["state"]) == (None, "retired")
    changed = {name: reading[name] for name in ("price_1_EUR", "state")}
    writing = PRODUCT.write(OTHER, changed, product(), context())
    assert [(step.stage, step.field_name, step.delete) for step in writing.steps] == [
        (1, "price_1_EUR", True),
        (2, "state", False),
    ]
    assert writing.steps[1].body == {"statecode": 1, "statuscode": 2}
    assert stored_product(product(), writing)["prices"] == []


@pytest.mark.parametrize("row", [{"Frozen": "tYES"}, {"Valid": "tNO"}])
def test_inactive_items_change_nothing_where_the_settings_say_so(row):
    assert values_of(item(**row), retireInactiveItems=False) == FULL


@pytest.mark.parametrize("value", ["active", "retired"])
def test_a_retired_product_is_not_taken_back(value):
    writing = PRODUCT.write(OTHER, {"state": value}, product(statecode=1), context())
    assert writing.steps == ()
    assert "clone" in writing.held["state"]


def test_a_draft_is_published_but_never_retired():
    assert [
        s.body["statecode"] for s in PRODUCT.write(OTHER, {"state": "active"}, product(statecode=2), context()).steps
    ] == [0]
    refused = PRODUCT.write(OTHER, {"state": "retired"}, product(statecode=2), context())
    assert refused.steps == ()
    assert "draft" in refused.held["state"]


def test_a_product_under_revision_counts_as_active_and_an_unknown_state_is_held():
    assert PRODUCT.read(OTHER, product(statecode=3), MARK, context()).values["state"] == "active"
    assert "state" in PRODUCT.read(OTHER, product(statecode=8), MARK, context()).held


# --- who takes part ---------------------------------------------------------------------------------------------------


def test_only_marked_sales_items_take_part():
    assert PRODUCT.takes_part(Direction.OUT, item(), MARK, context()) == ""
    assert "marked" in PRODUCT.takes_part(Direction.OUT, item(), Mark(), context())
    assert "sales item" in PRODUCT.takes_part(Direction.OUT, item(SalesItem="tNO"), MARK, context())


@pytest.mark.parametrize("row", [{"Frozen": "tYES"}, {"Valid": "tNO"}])
def test_an_inactive_item_takes_part_but_no_product_is_created_for_it(row):
    assert PRODUCT.takes_part(Direction.OUT, item(**row), MARK, context()) == ""
    assert "inactive" in PRODUCT.why_not_created(Direction.OUT, item(**row), context())
    assert PRODUCT.why_not_created(Direction.OUT, item(), context()) == ""


def test_products_are_recognised_by_number_swept_and_marked_as_items():
    (match,) = PRODUCT.matches(context())
    assert (match.sap_column, match.other_column) == ("ItemCode", "productnumber")
    assert PRODUCT.swept
    assert not PRODUCT.transactional
    assert PRODUCT.marking is not None
    assert PRODUCT.marking.noun == "items"
    assert not PRODUCT.mark_on_arrival(product(), context()).on


def test_prices_come_with_a_product_and_the_item_tells_whether_it_is_sold():
    (children,) = PRODUCT.entity(OTHER, context()).children
    assert (children.entity.set, children.parent) == ("productpricelevels", "_productid_value")
    assert {"SalesItem", "ItemPrices", "Frozen", "Valid", "DataVersion"} <= set(PRODUCT.entity(SAP, context()).select)
