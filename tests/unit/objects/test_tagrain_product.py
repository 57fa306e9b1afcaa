"""The product of Tagrain: its table, both ways, kinds of items, base prices, who takes part."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.objects.model import Direction, FieldDirection, Match, Parent
from shared.objects.tagrain.product import IN_ONLY, PRODUCT, TABLE
from shared.ports import Mark, Row
from tests.unit.objects.tagrain_support import LISTS, MARK, OTHER, SAP, after_write, context, item, product

FULL: dict[str, Any] = {
    "number": "I00001",
    "name": "Hammer",
    "description": "Strikes nails",
    "kind": "standard",
    "non_stock": False,
    "group": 104,
    "manufacturer": 1,
    "barcode": "4006381333931",
    "base_price": Decimal("12.5"),
    "tax_code": "A1",
    "active": True,
}
CHANGED = {
    "name": "Sledge hammer",
    "description": None,
    "group": 100,
    "manufacturer": None,
    "barcode": None,
    "active": False,
}
NEVER_TO_SAP = ("base_price", "tax_code")


def row_of(side, **changes: Any) -> Row:
    return item(**changes) if side is SAP else product(**changes)


def values_of(side, row: Row, **settings: Any) -> dict[str, Any]:
    reading = PRODUCT.read(side, row, MARK, context(**settings))
    assert reading.held == {}
    return reading.values


def held_of(side, row: Row, **settings: Any) -> dict[str, str]:
    return PRODUCT.read(side, row, MARK, context(**settings)).held


# --- every field, both sides -----------------------------------------------------------------------------------------


def test_this_page_covers_every_field_of_the_table():
    assert list(FULL) == [field.name for field in TABLE]
    directions = {rule.name: rule.direction for rule in PRODUCT.fields(context())}
    assert directions.pop("base_price") is FieldDirection.OUT
    assert directions.pop("tax_code") is FieldDirection.CREATE_ONLY
    assert set(directions.values()) == {FieldDirection.BOTH}
    assert PRODUCT.directions(context()) == (Direction.IN, Direction.OUT)


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_product_reads_in_full_from_what_is_selected(side):
    row = row_of(side)
    selected = {name: row[name] for name in PRODUCT.entity(side, context()).select}
    assert values_of(side, selected) == FULL


@pytest.mark.parametrize("side", [SAP, OTHER])
@pytest.mark.parametrize("name", sorted(CHANGED))
def test_one_field_written_changes_that_field_alone(side, name):
    writing = PRODUCT.write(side, {name: CHANGED[name]}, row_of(side), context())
    assert (writing.held, writing.refusal) == ({}, None)
    after = after_write(side, row_of(side), writing.body)
    assert values_of(side, after) == FULL | {name: CHANGED[name]}


def test_an_item_without_a_manufacturer_has_sap_s_entry_for_none():
    assert values_of(SAP, item(Manufacturer=-1))["manufacturer"] is None
    assert PRODUCT.write(SAP, {"manufacturer": None}, item(), context()).body == {"Manufacturer": -1}


@pytest.mark.parametrize(
    ("name", "side", "length"),
    [("name", SAP, 100), ("name", OTHER, 200), ("description", OTHER, 4000), ("barcode", OTHER, 50)],
)
def test_a_text_one_character_too_long_is_held_by_name_and_never_cut(name, side, length):
    assert PRODUCT.write(side, {name: "7" * length}, row_of(side), context()).held == {}
    too_long = PRODUCT.write(side, {name: "7" * (length + 1)}, row_of(side), context())
    assert too_long.body == {}
    assert str(length) in too_long.held[name]


@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_item_without_a_name_is_called_by_its_code(name):
    assert values_of(SAP, item(ItemName=name))["name"] == "I00001"


def test_prices_and_tax_groups_of_sap_are_never_written():
    values = {name: FULL[name] for name in NEVER_TO_SAP}
    for current in (item(), None):
        body = PRODUCT.write(SAP, values, current, context()).body
        assert {"ItemPrices", "SalesVATGroup"}.isdisjoint(body)


# --- kinds -----------------------------------------------------------------------------------------------------------

KINDS = [
    ("Standard", "tNO", "tNO", "standard"),
    ("Serial", "tYES", "tNO", "serial"),
    ("Batch", "tNO", "tYES", "batch"),
]


@pytest.mark.parametrize(("type_name", "serial", "batch", "kind"), KINDS)
def test_a_kind_is_told_from_both_sides_and_born_on_both(type_name, serial, batch, kind):
    managed = {"ManageSerialNumbers": serial, "ManageBatchNumbers": batch}
    assert values_of(SAP, item(**managed))["kind"] == kind
    assert values_of(OTHER, product(productType=type_name))["kind"] == kind
    assert managed.items() <= PRODUCT.write(SAP, FULL | {"kind": kind}, None, context()).body.items()
    assert PRODUCT.write(OTHER, FULL | {"kind": kind}, None, context()).body["productType"] == type_name


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_kind_stays_once_it_is_chosen(side):
    writing = PRODUCT.write(side, {"kind": "serial"}, row_of(side), context())
    assert writing.body == {}
    assert "correct one of the two" in writing.held["kind"]


@pytest.mark.parametrize("type_name", ["Variant", "GiftCard"])
def test_variants_and_gift_cards_are_standard_items_that_come_in(type_name):
    values = values_of(OTHER, product(productType=type_name))
    assert values["kind"] == "standard"
    body = PRODUCT.write(SAP, values, None, context()).body
    assert (body["ManageSerialNumbers"], body["ManageBatchNumbers"]) == ("tNO", "tNO")


@pytest.mark.parametrize("type_name", ["Variant", "GiftCard"])
def test_variants_and_gift_cards_are_told_nothing_and_get_no_mark(type_name):
    row = product(productType=type_name)
    writing = PRODUCT.write(OTHER, {"name": "Voucher", "active": False}, row, context())
    assert (writing.body, writing.held) == ({}, {"name": IN_ONLY, "active": IN_ONLY})
    assert not PRODUCT.mark_on_arrival(row, context()).on
    assert PRODUCT.takes_part(Direction.IN, row, Mark(), context()) == ""


def test_a_gift_card_has_no_stock_whatever_tagrain_says():
    values = values_of(OTHER, product(productType="GiftCard", isNonStock=False))
    assert values["non_stock"] is True
    assert PRODUCT.write(SAP, values, None, context()).body["InventoryItem"] == "tNO"


def test_a_product_without_stock_is_no_inventory_item():
    values = values_of(OTHER, product(isNonStock=True))
    assert PRODUCT.write(SAP, values, None, context()).body["InventoryItem"] == "tNO"
    assert PRODUCT.write(SAP, FULL, None, context()).body["InventoryItem"] == "tYES"
    assert values_of(SAP, item(InventoryItem="tNO"))["non_stock"] is True
    assert PRODUCT.write(OTHER, {"non_stock": True}, product(), context()).body == {"isNonStock": True}
    assert "has stock" in PRODUCT.write(SAP, {"non_stock": True}, item(), context()).held["non_stock"]


def test_a_type_that_the_hub_does_not_know_keeps_the_product_from_travelling():
    assert "kind" in held_of(OTHER, product(productType="Rental"))
    assert next(rule for rule in PRODUCT.fields(context()) if rule.name == "kind").essential


def test_sap_renames_no_item():
    assert PRODUCT.matches(context()) == (Match("number", "ItemCode", "code"),)
    writing = PRODUCT.write(SAP, {"number": "I00002"}, item(), context())
    assert writing.body == {}
    assert "does not change the code" in writing.held["number"]
    too_long = PRODUCT.write(SAP, FULL | {"number": "7" * 51}, None, context())
    assert too_long.refusal is not None


# --- groups ----------------------------------------------------------------------------------------------------------


def test_item_group_and_manufacturer_must_be_linked_first():
    group, maker = Parent("product_group", SAP, "104"), Parent("manufacturer", SAP, "1")
    assert PRODUCT.parents(SAP, item(), context()) == (group, maker)
    assert PRODUCT.parents(SAP, item(Manufacturer=-1), context()) == (group,)
    assert PRODUCT.parents(OTHER, product(), context()) == ()


def test_a_product_whose_group_sap_does_not_have_gets_the_default_group_and_says_so():
    reading = PRODUCT.read(OTHER, product(productGroupId="pg_3"), MARK, context())
    assert "SAP has no item group" in reading.held["group"]
    writing = PRODUCT.write(SAP, reading.values, None, context(defaultItemGroup=100))
    assert writing.refusal is None
    assert writing.body["ItemsGroupCode"] == 100


def test_a_product_without_a_group_gets_the_default_group():
    values = values_of(OTHER, product(productGroupId=None, manufacturerId=None))
    given = {name: value for name, value in values.items() if value is not None}
    body = PRODUCT.write(SAP, given, None, context(), hub_reference="harbour:prd_00007").body
    assert body["ItemsGroupCode"] == 100
    assert "Manufacturer" not in body
    assert body["U_HubRef"] == "harbour:prd_00007"


# --- base price ------------------------------------------------------------------------------------------------------


def priced(**prices: Any) -> Row:
    return item(ItemPrices=[{"PriceList": 1, "Currency": "EUR", **prices}])


@pytest.mark.parametrize(
    ("row", "price"),
    [
        (priced(Price=Decimal("9.95")), Decimal("9.95")),
        (priced(Price=0), None),
        (priced(Price=None), None),
        (priced(Price=7, Currency="GBP"), None),
        (priced(Price=7, Currency="GBP", AdditionalPrice2=8, AdditionalCurrency2="EUR"), Decimal(8)),
        (item(ItemPrices=[]), None),
        (item(ItemPrices=[{"PriceList": 2, "Price": 5, "Currency": "EUR"}]), None),
    ],
)
def test_the_base_price_is_that_of_the_price_list_in_the_currency_of_the_stores(row, price):
    assert values_of(SAP, row)["base_price"] == price


def test_sap_s_own_code_of_a_currency_may_be_mapped():
    dollars = {"stores": {"st_3": {"warehouse": "01"}}}
    assert values_of(SAP, item(), **dollars)["base_price"] is None
    assert values_of(SAP, item(), currencies={"$": "USD"}, **dollars)["base_price"] == 14


@pytest.mark.parametrize("stores", [{}, {"st_1": {"warehouse": "01"}, "st_3": {"warehouse": "02"}}])
def test_stores_of_several_currencies_have_no_base_price(stores):
    assert "different currencies" in held_of(SAP, item(), stores=stores)["base_price"]


def test_without_stores_there_is_no_currency():
    assert "no currency" in held_of(SAP, item(), lists={"other.stores": []})["base_price"]


def test_an_amount_is_written_as_a_plain_decimal_in_a_text():
    assert PRODUCT.write(OTHER, {"base_price": Decimal("1E+3")}, product(), context()).body == {"basePrice": "1000"}
    assert values_of(OTHER, product(basePrice="12.50")) == FULL


def test_a_price_with_more_places_is_held_or_rounded_half_up_as_the_settings_say():
    row = priced(Price=Decimal("9.955"))
    held = PRODUCT.write(OTHER, values_of(SAP, row), product(), context()).held
    assert "2 decimal places" in held["base_price"]
    assert values_of(SAP, row, priceRounding="round")["base_price"] == Decimal("9.96")


def test_a_price_that_is_gone_in_sap_stays_in_tagrain_and_is_named():
    writing = PRODUCT.write(OTHER, {"base_price": None}, product(), context())
    assert writing.body == {}
    assert "cannot be emptied" in writing.held["base_price"]


def test_without_a_price_list_no_base_price_travels_and_none_is_read():
    ctx = context(basePriceList=None)
    assert "base_price" not in [rule.name for rule in PRODUCT.fields(ctx)]
    assert "ItemPrices" not in PRODUCT.entity(SAP, ctx).select


def test_prices_leave_no_stamp_so_products_are_swept():
    assert PRODUCT.swept


# --- tax code --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "code"), [("A1", "A1"), ("A0", None), ("A7", None), (None, None)])
def test_a_tax_group_travels_where_tagrain_has_an_active_tax_code_of_that_name(group, code):
    assert values_of(SAP, item(SalesVATGroup=group))["tax_code"] == code


# --- who takes part --------------------------------------------------------------------------------------------------


def test_marked_sales_items_go_out_and_all_products_come_in():
    assert PRODUCT.takes_part(Direction.OUT, item(), MARK, context()) == ""
    assert "not marked" in PRODUCT.takes_part(Direction.OUT, item(), Mark(), context())
    assert "not a sales item" in PRODUCT.takes_part(Direction.OUT, item(SalesItem="tNO"), MARK, context())
    assert PRODUCT.takes_part(Direction.IN, product(isActive=False), Mark(), context()) == ""
    assert PRODUCT.mark_on_arrival(product(), context()) == Mark(frozenset({"tagrain"}))


def test_an_inactive_item_becomes_no_product_but_an_inactive_product_an_item():
    assert "inactive in SAP" in PRODUCT.why_not_created(Direction.OUT, item(Frozen="tYES"), context())
    assert PRODUCT.why_not_created(Direction.OUT, item(), context()) == ""
    assert PRODUCT.why_not_created(Direction.IN, product(isActive=False), context()) == ""
    body = PRODUCT.write(SAP, FULL | {"active": False}, None, context()).body
    assert (body["Valid"], body["Frozen"]) == ("tNO", "tYES")


def test_items_are_marked_by_range_without_attributes():
    marking = PRODUCT.marking
    assert marking is not None
    assert (marking.noun, marking.name_column, marking.group_column) == ("items", "ItemName", "ItemsGroupCode")
    assert marking.attributes == ()
    (column,) = PRODUCT.columns_needed(context())
    assert (column.side, column.entity.set, column.column) == (SAP, "Items", "U_HubRef")


def test_a_product_created_in_tagrain_carries_all_of_the_item():
    writing = PRODUCT.write(OTHER, FULL, None, context(), hub_reference="harbour:I00001")
    assert (writing.held, writing.refusal) == ({}, None)
    own = ("id", "version", "createdAt", "updatedAt", "externalRef", "parentId", "attributes")
    wanted = {name: value for name, value in product().items() if name not in own}
    assert writing.body == wanted | {"basePrice": "12.5"}


def test_the_lists_it_reads_are_its_references():
    assert {each.name for each in PRODUCT.references} <= set(LISTS)
