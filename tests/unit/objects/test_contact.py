"""The contact: its table both ways, the person it becomes in SAP, its account, the main one, and who takes part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.objects.dynamics.contact import CONTACT, TABLE, person_name
from shared.objects.model import KEY, Context, Direction, Parent
from shared.ports import Mark, Row
from tests.unit.objects.support import OTHER, SAP
from tests.unit.objects.support import context as template_context

CONTACT_ID = "aaaaaaaa-0000-4000-8000-000000000017"
ACCOUNT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER_ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000002"
CODE, OTHER_CODE = "C20000", "C30000"
ANY = Mark()

PERSONAL = {
    "first_name": "Ada",
    "middle_name": "K.",
    "last_name": "Example",
    "position": "Buyer",
    "phone": "02 1234",
    "phone2": "02 5678",
    "mobile": "0170 1",
    "fax": "02 9999",
    "email": "ada@example.test",
    "active": True,
    "main": False,
}
LIMITED = {
    "first_name": (50, 50),
    "middle_name": (50, 50),
    "last_name": (50, 50),
    "position": (90, 100),
    "phone": (20, 50),
    "phone2": (20, 50),
    "mobile": (50, 50),
    "fax": (20, 50),
    "email": (100, 100),
}


def context(**settings: Any) -> Context:
    """Both accounts are linked to their customers."""
    pairs = ((ACCOUNT_ID, CODE), (OTHER_ACCOUNT, OTHER_CODE))
    links = {Parent("account", OTHER, account): code for account, code in pairs}
    links |= {Parent("account", SAP, code): account for account, code in pairs}
    return replace(template_context(**settings), links=links)


def person(**changes: Any) -> Row:
    """A contact person as the Service Layer client gives it: with its partner."""
    row: Row = {
        "InternalCode": f"{CODE}/17",
        "CardCode": CODE,
        "Name": "Ada Example",
        "FirstName": "Ada",
        "MiddleName": "K.",
        "LastName": "Example",
        "Position": "Buyer",
        "Phone1": "02 1234",
        "Phone2": "02 5678",
        "MobilePhone": "0170 1",
        "Fax": "02 9999",
        "E_Mail": "ada@example.test",
        "Active": "tYES",
        "U_HubRef": None,
        "partner": {"CardCode": CODE, "CardType": "cCustomer", "ContactPerson": "Somebody else"},
    }
    return row | changes


def contact(**changes: Any) -> Row:
    """A contact as the Dataverse client gives it: with its account."""
    row: Row = {
        "contactid": CONTACT_ID,
        "_parentcustomerid_value": ACCOUNT_ID,
        "firstname": "Ada",
        "middlename": "K.",
        "lastname": "Example",
        "jobtitle": "Buyer",
        "telephone1": "02 1234",
        "telephone2": "02 5678",
        "mobilephone": "0170 1",
        "fax": "02 9999",
        "emailaddress1": "ada@example.test",
        "statecode": 0,
        "_originatingleadid_value": None,
        "account": {"accountid": ACCOUNT_ID, "_primarycontactid_value": None},
        "createdon": "2026-01-05T08:00:00Z",
    }
    return row | changes


def read(side: Any, row: Row, **settings: Any) -> dict[str, Any]:
    reading = CONTACT.read(side, row, ANY, context(**settings))
    assert reading.held == {}
    return reading.values


def test_this_page_covers_every_field_of_the_table() -> None:
    assert {field.name for field in TABLE} == {"account", *PERSONAL}
    assert set(LIMITED) == set(PERSONAL) - {"active", "main"}


# --- the table, both ways ---------------------------------------------------------------------------------------------


def test_both_sides_read_alike_but_for_the_key_of_the_owner() -> None:
    assert read(SAP, person()) == {"account": CODE, **PERSONAL}
    assert read(OTHER, contact()) == {"account": ACCOUNT_ID, **PERSONAL}


def test_a_new_person_of_sap_reads_as_it_was_in_dynamics() -> None:
    values = read(OTHER, contact())
    writing = CONTACT.write(SAP, values, None, context(), hub_reference="dynamics:x")
    assert (writing.held, writing.refusal, writing.steps) == ({}, None, ())
    shown = {**dict.fromkeys(person()), "partner": person()["partner"], **writing.body}
    assert read(SAP, shown) == values | {"account": CODE}
    assert (writing.body["U_HubRef"], writing.body["CardCode"]) == ("dynamics:x", CODE)


def test_a_new_contact_of_dynamics_reads_as_it_was_in_sap() -> None:
    values = read(SAP, person())
    writing = CONTACT.write(OTHER, values, None, context(), hub_reference="dynamics:x")
    assert (writing.held, writing.refusal, writing.steps) == ({}, None, ())
    assert writing.body.pop("parentcustomerid_account@odata.bind") == f"/accounts({ACCOUNT_ID})"
    shown = {**dict.fromkeys(contact()), "_parentcustomerid_value": ACCOUNT_ID, "statecode": 0, **writing.body}
    assert read(OTHER, shown) == values | {"account": ACCOUNT_ID}
    assert "U_HubRef" not in writing.body


@pytest.mark.parametrize(("side", "at"), [(SAP, 0), (OTHER, 1)])
@pytest.mark.parametrize("field", LIMITED)
def test_what_fits_is_written_and_what_does_not_is_held_by_name(side: Any, at: int, field: str) -> None:
    current = person() if side is SAP else contact()
    longest = "x" * LIMITED[field][at]
    fits = CONTACT.write(side, {field: longest}, current, context())
    assert (list(fits.body.values()), fits.held) == ([longest], {})
    assert set(CONTACT.write(side, {field: longest + "x"}, current, context()).held) == {field}


@pytest.mark.parametrize("field", LIMITED)
def test_what_was_emptied_is_emptied_on_either_side(field: str) -> None:
    for side, current in ((SAP, person()), (OTHER, contact())):
        assert list(CONTACT.write(side, {field: None}, current, context()).body.values()) == [None]


def test_a_person_with_nothing_but_the_name_of_the_contact_has_it_for_a_last_name() -> None:
    values = read(SAP, person(Name="Reception", FirstName=None, LastName=""))
    assert (values["first_name"], values["last_name"]) == (None, "Reception")
    values = read(SAP, person(Name="Reception", FirstName="Ada", LastName=None))
    assert (values["first_name"], values["last_name"]) == ("Ada", None)


@pytest.mark.parametrize(("active", "told"), [(False, (1, 2)), (True, (0, 1))])
def test_inactive_is_state_and_reason_together(active: bool, told: tuple[int, int]) -> None:
    body = CONTACT.write(OTHER, {"active": active}, contact(), context()).body
    assert (body["statecode"], body["statuscode"]) == told
    assert CONTACT.write(SAP, {"active": active}, person(), context()).body == {"Active": "tYES" if active else "tNO"}
    assert read(OTHER, contact(statecode=told[0]))["active"] is active


def test_an_active_contact_that_is_new_says_nothing_of_its_state() -> None:
    assert CONTACT.write(OTHER, {"active": True}, None, context()).body == {}


# --- the name of a new person -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"first_name": "Ada", "middle_name": "K.", "last_name": "Example"}, "Ada K. Example"),
        ({"first_name": None, "last_name": "Example", "email": "a@example.test"}, "Example"),
        ({"email": "a@example.test"}, "a@example.test"),
        ({"first_name": "A" * 40, "last_name": "B" * 40}, "A" * 40 + " " + "B" * 9),
        ({"first_name": "A" * 49, "last_name": "B"}, "A" * 49),
        ({"phone": "02 1"}, ""),
    ],
)
def test_a_new_person_is_named_by_its_parts_else_by_its_address_as_far_as_it_fits(
    values: dict[str, Any], name: str
) -> None:
    assert person_name(values) == name


def test_a_new_person_is_listed_under_that_name_and_one_that_is_there_keeps_its_own() -> None:
    values = {"account": ACCOUNT_ID, "first_name": "Ada", "last_name": "Example"}
    assert CONTACT.write(SAP, values, None, context()).body["Name"] == "Ada Example"
    assert "Name" not in CONTACT.write(SAP, {"last_name": "Sample"}, person(), context()).body
    assert "Name" not in CONTACT.write(OTHER, {**values, "account": CODE}, None, context()).body


def test_a_contact_without_name_and_address_is_refused_with_what_it_lacks() -> None:
    refusal = CONTACT.write(SAP, {"account": ACCOUNT_ID, "phone": "02 1"}, None, context()).refusal
    assert refusal is not None
    assert (refusal.fields, refusal.conflict) == (("last_name",), False)


# --- the account ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "key"), [(SAP, "nobody"), (OTHER, "C9")])
def test_nothing_is_created_while_the_account_is_not_linked(side: Any, key: str) -> None:
    refusal = CONTACT.write(side, {"account": key, "last_name": "Example"}, None, context()).refusal
    assert refusal is not None
    assert refusal.fields == ("account",)


def test_an_account_that_stays_the_same_is_not_written() -> None:
    for side, current, key in ((SAP, person(), ACCOUNT_ID), (OTHER, contact(), CODE)):
        writing = CONTACT.write(side, {"account": key}, current, context())
        assert (writing.body, writing.held, writing.refusal) == ({}, {}, None)


def test_a_contact_that_moved_to_another_account_is_a_conflict_that_says_what_to_do() -> None:
    refusal = CONTACT.write(SAP, {"account": OTHER_ACCOUNT}, person(), context()).refusal
    assert refusal is not None
    assert (refusal.conflict, refusal.fields) == (True, ("account",))
    assert "Move it back" in refusal.text


def test_a_contact_whose_person_is_of_another_customer_is_bound_to_that_ones_account() -> None:
    body = CONTACT.write(OTHER, {"account": OTHER_CODE}, contact(), context()).body
    assert body == {"parentcustomerid_account@odata.bind": f"/accounts({OTHER_ACCOUNT})"}


@pytest.mark.parametrize(
    ("side", "row", "found"),
    [
        (SAP, person(), (Parent("account", SAP, CODE),)),
        (OTHER, contact(), (Parent("account", OTHER, ACCOUNT_ID),)),
        (OTHER, contact(_parentcustomerid_value=None), ()),
    ],
)
def test_the_account_is_the_parent_on_either_side(side: Any, row: Row, found: tuple[Parent, ...]) -> None:
    assert CONTACT.parents(side, row, context()) == found
    assert all(parent.required for parent in found)


# --- main and primary -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("named", "main"), [("Ada Example", True), ("Bo", False), (None, False), ("", False)])
def test_the_main_person_is_the_one_that_the_partner_names(named: str | None, main: bool) -> None:
    assert read(SAP, person(partner={"ContactPerson": named}))["main"] is main
    assert read(SAP, person(Name=named, LastName="x", partner={"ContactPerson": named}))["main"] is bool(named)


@pytest.mark.parametrize(
    ("account", "main"),
    [
        ({"_primarycontactid_value": CONTACT_ID.upper()}, True),
        ({"_primarycontactid_value": ACCOUNT_ID}, False),
        ({"_primarycontactid_value": None}, False),
        (None, False),
    ],
)
def test_the_primary_contact_is_the_one_that_the_account_points_to(account: Row | None, main: bool) -> None:
    assert read(OTHER, contact(account=account))["main"] is main


def test_the_main_person_is_named_in_the_partner_by_the_name_it_has_there() -> None:
    assert CONTACT.write(SAP, {"main": True}, person(Name="A. E."), context()).body == {
        "partner": {"ContactPerson": "A. E."}
    }
    new = {"account": ACCOUNT_ID, "first_name": "Bo", "last_name": "Sample", "main": True}
    body = CONTACT.write(SAP, new, None, context()).body
    assert body["partner"] == {"ContactPerson": "Bo Sample"} == {"ContactPerson": body["Name"]}


@pytest.mark.parametrize("current", [None, contact()])
def test_the_primary_contact_is_a_step_on_the_account_once_the_contact_is_there(current: Row | None) -> None:
    (step,) = CONTACT.write(OTHER, {"account": CODE, "last_name": "E", "main": True}, current, context()).steps
    assert (step.field_name, step.key, step.body) == (
        "main",
        ACCOUNT_ID,
        {"primarycontactid@odata.bind": f"/contacts({KEY})"},
    )
    assert step.entity is not None
    assert step.entity.set == "accounts"


def test_a_main_contact_is_never_taken_away() -> None:
    for side, current in ((SAP, person()), (OTHER, contact())):
        writing = CONTACT.write(side, {"main": False}, current, context())
        assert (writing.body, writing.steps, writing.held) == ({}, (), {})


# --- who takes part, and who is the same ------------------------------------------------------------------------------


def test_contacts_of_accounts_come_in_and_others_stay() -> None:
    for row, taken in (
        (contact(), True),
        (contact(_parentcustomerid_value=None, account=None), False),
        (contact(account=None), False),
        (contact(statecode=1), True),
    ):
        assert (CONTACT.takes_part(Direction.IN, row, ANY, context()) == "") is taken


@pytest.mark.parametrize(("kind", "taken"), [("cCustomer", True), ("cLid", False), ("cSupplier", False), (None, False)])
def test_persons_of_customers_go_out_without_a_mark(kind: str | None, taken: bool) -> None:
    reason = CONTACT.takes_part(Direction.OUT, person(partner={"CardType": kind}), ANY, context())
    assert (reason == "") is taken


def test_a_person_without_its_partner_does_not_go_out() -> None:
    assert CONTACT.takes_part(Direction.OUT, person(partner=None), ANY, context()) != ""


LEAD = "bbbbbbbb-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("chosen", "changes", "word"),
    [
        (["email"], {"emailaddress1": "ADA@example.test"}, "email"),
        (["email"], {"emailaddress1": "bo@example.test"}, ""),
        (["name"], {"firstname": "ADA", "lastname": "example"}, "name"),
        (["name"], {"firstname": "Bo"}, ""),
        (["phone"], {}, "phone"),
        (["phone", "email"], {}, "phone"),
        (["email", "phone"], {"emailaddress1": None}, "phone"),
        ([], {}, ""),
        ([], {"_originatingleadid_value": LEAD}, "name"),
        ([], {"_originatingleadid_value": LEAD, "firstname": "Bo"}, ""),
    ],
)
def test_the_same_is_recognised_by_what_the_settings_name_and_the_contact_of_a_lead_by_its_name(
    chosen: list[str], changes: Row, word: str
) -> None:
    assert CONTACT.recognises(person(), contact(**changes), context(matchFurther=chosen)) == word


@pytest.mark.parametrize("word", ["email", "name", "phone"])
def test_two_that_lack_the_same_are_not_the_same(word: str) -> None:
    nobody = dict.fromkeys(("E_Mail", "FirstName", "LastName", "Name", "Phone1"))
    blank = dict.fromkeys(("emailaddress1", "firstname", "lastname", "telephone1"))
    assert CONTACT.recognises(person(**nobody), contact(**blank), context(matchFurther=[word])) == ""


def test_contacts_belong_to_their_account_and_need_no_mark() -> None:
    assert (CONTACT.owned_by, CONTACT.all_take_part, CONTACT.marking) == ("account", True, None)
    assert CONTACT.mark_on_arrival(contact(), context()).on
    assert CONTACT.matches(context()) == ()


@pytest.mark.parametrize(("side", "row"), [(SAP, person()), (OTHER, contact())])
def test_every_selected_column_and_the_owner_are_enough_to_read(side: Any, row: Row) -> None:
    entity = CONTACT.entity(side, context())
    assert entity.owner is not None
    enough = {name: row.get(name) for name in (*entity.select, entity.owner.name)}
    assert CONTACT.read(side, enough, ANY, context()).held == {}
