"""The one address of each kind that is kept in step, and all the others that are not touched."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.objects.addresses import BILL_TO, SHIP_TO, address_in_step
from shared.objects.dynamics.account import ACCOUNT
from tests.unit.objects.support import MARK, SAP, after_write, context, sap_row

PARTS = {"street": "Street", "block": "Block", "city": "City", "zip": "ZipCode", "state": "State", "country": "Country"}


def test_the_default_address_of_each_kind_is_read():
    values = ACCOUNT.read(SAP, sap_row(), MARK, context()).values
    assert (values["bill_street"], values["ship_street"]) == ("12 Hill Road", "2 Port")


@pytest.mark.parametrize("default", [None, "", "Gone"])
def test_without_a_default_the_address_with_the_lowest_row_number_is_read(default):
    row = sap_row(BilltoDefault=default)
    row["BPAddresses"].reverse()
    address = address_in_step(row, BILL_TO)
    assert address is not None
    assert address["AddressName"] == "Old office"


def test_a_default_name_is_looked_for_among_its_own_kind_only():
    address = address_in_step(sap_row(ShipToDefault="Office"), SHIP_TO)
    assert address is not None
    assert address["AddressName"] == "Dock 1"


def test_parts_of_one_address_make_one_row_with_its_whole_identity():
    row = sap_row()
    body = ACCOUNT.write(SAP, {"bill_street": "13 Hill Road", "bill_city": "Mumbai"}, row, context()).body
    assert body == {
        "BPAddresses": [
            {
                "BPCode": "C20000",
                "AddressName": "Office",
                "AddressType": "bo_BillTo",
                "RowNum": 1,
                "Street": "13 Hill Road",
                "City": "Mumbai",
            }
        ]
    }


@given(
    st.dictionaries(
        st.sampled_from([f"{kind}_{part}" for kind in ("bill", "ship") for part in PARTS]),
        st.one_of(st.none(), st.text("abc ", min_size=1, max_size=3).filter(str.strip)),
        min_size=1,
    )
)
def test_whatever_is_written_no_other_address_changes(values):
    before = sap_row()
    after = after_write(SAP, before, ACCOUNT.write(SAP, values, deepcopy(before), context()).body)
    in_step = {"Office", "Dock 2"}
    untouched = [a for a in before["BPAddresses"] if a["AddressName"] not in in_step]
    assert [a for a in after["BPAddresses"] if a["AddressName"] not in in_step] == untouched
    assert len(after["BPAddresses"]) == len(before["BPAddresses"])
    assert (after["BilltoDefault"], after["ShipToDefault"]) == ("Office", "Dock 2")


def test_a_missing_address_is_appended_under_its_configured_name_and_made_the_default():
    row = sap_row(BilltoDefault=None, ShipToDefault=None, BPAddresses=[])
    values = {"bill_street": "12 Hill Road", "bill_country": "IN", "ship_city": "Pune"}
    body = ACCOUNT.write(SAP, values, row, context(billToName="Rechnung")).body
    assert body == {
        "BilltoDefault": "Rechnung",
        "ShipToDefault": "Ship to",
        "BPAddresses": [
            {"AddressName": "Rechnung", "AddressType": "bo_BillTo", "Street": "12 Hill Road", "Country": "IN"},
            {"AddressName": "Ship to", "AddressType": "bo_ShipTo", "City": "Pune"},
        ],
    }
    read = ACCOUNT.read(SAP, after_write(SAP, row, body), MARK, context()).values
    assert {name: read[name] for name in values} == values


def test_emptying_an_address_that_does_not_exist_makes_none():
    row = sap_row(BPAddresses=[], BilltoDefault=None, ShipToDefault=None)
    writing = ACCOUNT.write(SAP, {"bill_street": None, "ship_zip": None}, row, context())
    assert (writing.body, writing.held) == ({}, {})


def test_a_part_that_does_not_fit_is_held_and_leaves_no_empty_row_behind():
    writing = ACCOUNT.write(SAP, {"bill_street": "x" * 101}, sap_row(BPAddresses=[]), context())
    assert writing.body == {}
    assert "100 characters" in writing.held["bill_street"]


def test_an_address_row_without_a_column_is_held_not_read_as_empty():
    row = sap_row()
    del row["BPAddresses"][1]["Street"]
    reading = ACCOUNT.read(SAP, row, MARK, context())
    assert "Street" in reading.held["bill_street"]
    assert "bill_street" not in reading.values
