"""The customer of Tagrain: its table, both ways, who takes part, what a new one carries."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.model import Direction, FieldDirection, Match, Parent, Rule
from shared.objects.tagrain.customer import CUSTOMER, TABLE
from shared.ports import Mark
from tests.unit.objects.tagrain_support import MARK, OTHER, SAP, after_write, context, customer, partner

FULL = {
    "number": "C20000",
    "name": "Norm Thompson",
    "group": 102,
    "email": "norm@example.com",
    "phone": "02 1234",
    "street": "12 Hill Road",
    "city": "Pune",
    "zip": "411001",
    "state": "IN/MH",
    "country": "IN",
    "active": True,
}
CHANGED = {
    "name": "Norma Thompson",
    "group": 100,
    "email": None,
    "phone": "02 5678",
    "street": "1 Low Road",
    "city": None,
    "zip": "411002",
    "state": None,
    "active": False,
}
MOVED = {"state": "US/GA", "country": "US"}
LIMITS = [
    ("name", SAP, 100),
    ("name", OTHER, 200),
    ("email", SAP, 100),
    ("email", OTHER, 100),
    ("phone", SAP, 20),
    ("phone", OTHER, 50),
    ("street", SAP, 100),
    ("street", OTHER, 200),
    ("city", SAP, 100),
    ("city", OTHER, 100),
    ("zip", SAP, 20),
    ("zip", OTHER, 20),
]


def row_of(side, **changes: Any):
    return partner(**changes) if side is SAP else customer(**changes)


def test_this_page_covers_every_field_of_the_table():
    assert list(FULL) == [field.name for field in TABLE]
    assert set(CHANGED) | set(MOVED) | {"number"} == set(FULL)
    directions = {rule.name: rule.direction for rule in CUSTOMER.fields(context())}
    assert directions.pop("number") is FieldDirection.CREATE_ONLY
    assert set(directions.values()) == {FieldDirection.BOTH}


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_customer_reads_in_full_from_what_is_selected(side):
    row = row_of(side)
    selected = {name: row[name] for name in CUSTOMER.entity(side, context()).select}
    reading = CUSTOMER.read(side, selected, MARK, context())
    assert (reading.values, reading.held) == (FULL, {})


@pytest.mark.parametrize("side", [SAP, OTHER])
@pytest.mark.parametrize("change", [*({name: value} for name, value in CHANGED.items()), MOVED], ids=str)
def test_what_is_written_reads_back_and_nothing_else_changes(side, change):
    writing = CUSTOMER.write(side, change, row_of(side), context())
    assert (writing.held, writing.refusal) == ({}, None)
    after = after_write(side, row_of(side), writing.body)
    assert CUSTOMER.read(side, after, MARK, context()).values == FULL | change


def test_the_address_is_always_sent_whole_with_what_it_has_now():
    writing = CUSTOMER.write(OTHER, {"city": "Mumbai", "zip": "400001"}, customer(), context())
    assert writing.body == {"address": {**customer()["address"], "city": "Mumbai", "zip": "400001"}}


def test_a_customer_without_an_address_gets_one_only_for_a_value():
    without = customer(address=None)
    assert CUSTOMER.read(OTHER, without, MARK, context()).values["city"] is None
    assert CUSTOMER.write(OTHER, {"city": None}, without, context()).body == {}
    body = CUSTOMER.write(OTHER, {"city": "Pune"}, without, context()).body
    assert body == {"address": {"street": None, "city": "Pune", "state": None, "zip": None, "country": None}}


def test_birthdays_are_tagrain_s_own():
    columns = CUSTOMER.entity(OTHER, context()).select
    assert {"birthDate", "anniversary"}.isdisjoint(columns)


@pytest.mark.parametrize(("name", "side", "length"), LIMITS)
def test_a_text_one_character_too_long_is_held_by_name_and_never_cut(name, side, length):
    assert CUSTOMER.write(side, {name: "7" * length}, row_of(side), context()).held == {}
    too_long = CUSTOMER.write(side, {name: "7" * (length + 1)}, row_of(side), context())
    assert set(too_long.held) == {name}
    assert str(length) in too_long.held[name]


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_customer_cannot_lose_its_name(side):
    assert "name" in CUSTOMER.write(side, {"name": None}, row_of(side), context()).held


@pytest.mark.parametrize(
    ("valid", "frozen", "active"),
    [("tYES", "tNO", True), ("tNO", "tNO", False), ("tYES", "tYES", False), (None, None, True)],
)
def test_a_customer_is_active_where_documents_take_it(valid, frozen, active):
    values = CUSTOMER.read(SAP, partner(Valid=valid, Frozen=frozen), MARK, context()).values
    assert values["active"] is active


def test_a_missing_column_is_not_taken_for_a_setting():
    row = partner()
    del row["Frozen"]
    assert "Frozen" in CUSTOMER.read(SAP, row, MARK, context()).held["active"]


# --- who takes part --------------------------------------------------------------------------------------------------


def test_every_customer_of_tagrain_comes_in():
    assert CUSTOMER.takes_part(Direction.IN, customer(), Mark(), context()) == ""
    assert CUSTOMER.takes_part(Direction.IN, customer(isActive=False, code=None), Mark(), context()) == ""


def test_marked_customers_go_out():
    assert CUSTOMER.takes_part(Direction.OUT, partner(), MARK, context()) == ""
    assert "not marked" in CUSTOMER.takes_part(Direction.OUT, partner(), Mark(), context())
    assert "not a customer" in CUSTOMER.takes_part(Direction.OUT, partner(CardType="cSupplier"), MARK, context())


def test_what_came_from_tagrain_gets_sap_s_changes():
    assert CUSTOMER.mark_on_arrival(customer(), context()) == Mark(frozenset({"tagrain"}))


def test_marks_have_no_attributes_and_sync_now_reads_all():
    marking = CUSTOMER.marking
    assert marking is not None
    assert (marking.noun, marking.name_column, marking.group_column) == ("customers", "CardName", "GroupCode")
    assert marking.attributes == ()
    assert CUSTOMER.sync_now_mode == "full"


def test_a_customer_is_recognised_by_its_code_alone():
    assert CUSTOMER.matches(context()) == (Match("number", "CardCode", "code"),)


def test_the_group_of_sap_s_customer_must_be_linked_first():
    assert CUSTOMER.parents(SAP, partner(), context()) == (Parent("customer_group", SAP, "102"),)
    assert CUSTOMER.parents(SAP, {"CardCode": "C1"}, context()) == ()
    assert CUSTOMER.parents(OTHER, customer(), context()) == ()


# --- new customers ---------------------------------------------------------------------------------------------------


def test_a_customer_created_in_tagrain_carries_sap_s_code_and_its_linked_group():
    writing = CUSTOMER.write(OTHER, FULL, None, context(), hub_reference="harbour:C20000")
    assert (writing.held, writing.refusal) == ({}, None)
    assert writing.body == {
        "code": "C20000",
        "name": "Norm Thompson",
        "customerGroupId": "cg_2",
        "email": "norm@example.com",
        "phone": "02 1234",
        "address": customer()["address"],
        "isActive": True,
    }


COMING_IN = {name: value for name, value in FULL.items() if name != "number"}


def test_a_customer_created_in_sap_carries_what_the_settings_say():
    writing = CUSTOMER.write(SAP, COMING_IN, None, context(branchAssignment=[1, 3]), hub_reference="harbour:cus_00012")
    assert (writing.held, writing.refusal) == ({}, None)
    address = writing.body.pop("BPAddresses")
    assert writing.body == {
        "CardType": "cCustomer",
        "Currency": "EUR",
        "GroupCode": 102,
        "Series": 71,
        "U_HubRef": "harbour:cus_00012",
        "BPBranchAssignment": [{"BPLID": 1, "DisabledForBP": "tNO"}, {"BPLID": 3, "DisabledForBP": "tNO"}],
        "CardName": "Norm Thompson",
        "EmailAddress": "norm@example.com",
        "Phone1": "02 1234",
        "BilltoDefault": "Bill to",
        "Valid": "tYES",
        "Frozen": "tNO",
    }
    assert [(a["AddressName"], a["AddressType"], a["State"], a["Country"]) for a in address] == [
        ("Bill to", "bo_BillTo", "MH", "IN")
    ]


def test_a_customer_whose_group_sap_does_not_have_gets_the_default_group_and_says_so():
    reading = CUSTOMER.read(OTHER, customer(customerGroupId="cg_3"), MARK, context())
    assert "SAP has no customer group" in reading.held["group"]
    writing = CUSTOMER.write(SAP, reading.values, None, context())
    assert writing.refusal is None
    assert writing.body["GroupCode"] == 100


def test_no_customer_is_created_without_a_name_that_fits():
    writing = CUSTOMER.write(SAP, {"name": "7" * 101}, None, context())
    assert writing.refusal is not None
    assert writing.refusal.fields == ("name",)


def test_branches_are_assigned_on_every_update_and_others_stay():
    ctx = context(branchAssignment=[1, 3])
    body = CUSTOMER.write(SAP, {"phone": "1"}, partner(), ctx).body
    assert body["BPBranchAssignment"] == [{"BPLID": 3, "DisabledForBP": "tNO", "BPCode": "C20000"}]
    assert "BPBranchAssignment" not in CUSTOMER.write(SAP, {"phone": "1"}, partner(), context()).body
    assert CUSTOMER.write(SAP, {}, partner(), ctx).body == {}
    assert CUSTOMER.write(OTHER, {"phone": "1"}, customer(), ctx).body == {"phone": "1"}


def test_our_reference_is_created_in_sap():
    (column,) = CUSTOMER.columns_needed(context())
    assert (column.side, column.entity.set, column.column, column.length) == (SAP, "BusinessPartners", "U_HubRef", 100)


def test_the_rules_of_the_settings_hold_for_its_fields():
    ctx = context(fieldRules={"customer": "ask", "customer.phone": "other_wins"}, excludedFields=["customer.email"])
    rules = {rule.name: rule.rule for rule in CUSTOMER.fields(ctx)}
    assert rules["phone"] is Rule.OTHER_WINS
    assert rules["name"] is Rule.ASK
    assert "email" not in rules
    assert "EmailAddress" not in CUSTOMER.entity(SAP, ctx).select
