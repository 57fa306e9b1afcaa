"""The lead: its table both ways, its person inside the partner, its source, and who takes part."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.dynamics.lead import LEAD, LEADS_ONLY, TABLE
from shared.objects.dynamics.lead_columns import OPEN
from shared.objects.model import Direction
from shared.ports import Mark, Row
from tests.unit.objects.support import MARK, OTHER, SAP, context

MAPPED = {"leadRatings": {"1": 1, "2": 2}, "leadSources": {"11": 7, "12": 8}}
FULL = {
    "company": "Lead Works",
    "topic": "Wants brackets",
    "first_name": "Lin",
    "last_name": "Lead",
    "position": "Buyer",
    "email": "lin@example.test",
    "phone": "040 555",
    "phone2": "040 556",
    "mobile": "0170 1",
    "fax": "040 557",
    "website": "https://example.test",
    "rating": 2,
    "source": 11,
    "address_street": "1 Harbour Road",
    "address_block": None,
    "address_city": "Pune",
    "address_zip": "411001",
    "address_state": "IN/MH",
    "address_country": "IN",
    "status": OPEN,
}


def person(number: int, **parts: Any) -> Row:
    """A contact person as SAP answers it within its partner."""
    return {"InternalCode": number, **dict.fromkeys(("Name", "FirstName", "LastName", "Position")), **parts}


LIN = person(5, Name="Lin Lead", FirstName="Lin", LastName="Lead", Position="Buyer")


def partner(**changes: Any) -> Row:
    """A lead of SAP."""
    address = {"AddressName": "Bill to", "AddressType": "bo_BillTo", "RowNum": 0, "Block": None}
    address |= {"Street": "1 Harbour Road", "City": "Pune", "ZipCode": "411001", "State": "MH", "Country": "IN"}
    row: Row = {
        "CardCode": "L00001",
        "CardName": "Lead Works",
        "CardType": "cLid",
        "Frozen": "tNO",
        "Notes": "Wants brackets",
        "ContactPerson": "Lin Lead",
        "ContactEmployees": [LIN],
        "EmailAddress": "lin@example.test",
        "Phone1": "040 555",
        "Phone2": "040 556",
        "Cellular": "0170 1",
        "Fax": "040 557",
        "Website": "https://example.test",
        "Priority": 2,
        "Properties11": "tYES",
        "Properties12": "tNO",
        "BilltoDefault": "Bill to",
        "BPAddresses": [address],
        "U_HubRef": None,
        "DataVersion": 1,
        "CreateDate": "2026-01-05T00:00:00Z",
        "CreateTime": "09:00:00",
        "UpdateDate": None,
        "UpdateTime": None,
    }
    return row | changes


def lead(**changes: Any) -> Row:
    """The same lead in Dynamics."""
    row: Row = dict.fromkeys(LEAD.entity(OTHER, context(**MAPPED)).select)
    row |= {
        "leadid": "cccccccc-0000-4000-8000-000000000001",
        "companyname": "Lead Works",
        "fullname": "Lin Lead",
        "subject": "Wants brackets",
        "firstname": "Lin",
        "lastname": "Lead",
        "jobtitle": "Buyer",
        "emailaddress1": "lin@example.test",
        "telephone1": "040 555",
        "telephone2": "040 556",
        "mobilephone": "0170 1",
        "fax": "040 557",
        "websiteurl": "https://example.test",
        "leadqualitycode": 2,
        "leadsourcecode": 7,
        "address1_line1": "1 Harbour Road",
        "address1_city": "Pune",
        "address1_postalcode": "411001",
        "address1_stateorprovince": "Maharashtra",
        "address1_country": "India",
        "statecode": 0,
    }
    return row | changes


def read(side: Any, row: Row, **settings: Any) -> dict[str, Any]:
    reading = LEAD.read(side, row, MARK, context(**(settings or MAPPED)))
    assert reading.held == {}
    return reading.values


def told(side: Any, current: Row | None, settings: dict[str, Any] | None = None, **values: Any) -> Row:
    """The body of a write that nothing of is held or refused."""
    writing = LEAD.write(side, values, current, context(**(MAPPED if settings is None else settings)))
    assert (writing.held, writing.refusal) == ({}, None)
    return writing.body


CUSTOMER, CONVERTED, LOST = partner(CardType="cCustomer"), lead(statecode=1), lead(statecode=2)


# --- the table, both ways ---------------------------------------------------------------------------------------------


def test_this_page_covers_every_field_of_the_table() -> None:
    assert set(FULL) == {field.name for field in TABLE}


@pytest.mark.parametrize(("side", "row"), [(SAP, partner()), (OTHER, lead())])
def test_both_sides_read_alike(side: Any, row: Row) -> None:
    assert read(side, row) == FULL


@pytest.mark.parametrize(("side", "row"), [(SAP, partner()), (OTHER, lead())])
def test_every_selected_column_is_enough_to_read(side: Any, row: Row) -> None:
    enough = {name: row[name] for name in LEAD.entity(side, context(**MAPPED)).select}
    assert LEAD.read(side, enough, MARK, context(**MAPPED)).held == {}


def test_a_new_lead_of_sap_has_its_person_its_kind_and_what_the_settings_say() -> None:
    settings = context(**MAPPED, leadCodeSeries=72, defaultCustomerGroup=100, branchAssignment=[1])
    writing = LEAD.write(SAP, FULL, None, settings, hub_reference="dynamics:x")
    assert (writing.held, writing.refusal) == ({}, None)
    body = writing.body
    assert (body["CardType"], body["GroupCode"], body["Series"], body["U_HubRef"]) == ("cLid", 100, 72, "dynamics:x")
    assert body["BPBranchAssignment"][0]["BPLID"] == 1
    assert body["ContactPerson"] == "Lin Lead"
    assert body["ContactEmployees"] == [
        {"Name": "Lin Lead", "FirstName": "Lin", "LastName": "Lead", "Position": "Buyer"}
    ]
    assert (body["Properties11"], "Properties12" in body, "Frozen" in body) == ("tYES", False, False)
    made = {**partner(), **body, "ContactEmployees": [person(9, **body["ContactEmployees"][0])]}
    made["BPAddresses"] = [{"RowNum": 0, "Block": None, **body["BPAddresses"][0]}]
    made["BilltoDefault"] = made["BPAddresses"][0]["AddressName"]
    assert read(SAP, made) == FULL


def test_a_new_lead_of_dynamics_reads_as_it_was_in_sap() -> None:
    body = told(OTHER, None, **FULL)
    shown = {**dict.fromkeys(lead()), "fullname": "Lin Lead", "statecode": 0, **body}
    assert read(OTHER, shown) == FULL
    assert {"statecode", "CardType", "U_HubRef"}.isdisjoint(body)


def test_leads_are_numbered_as_customers_are_unless_they_have_a_series_of_their_own() -> None:
    assert told(SAP, None, company="A")["Series"] == 71
    assert told(SAP, None, {"leadCodeSeries": 72}, company="A")["Series"] == 72


def test_ratings_and_sources_travel_only_where_they_are_mapped() -> None:
    assert {"rating", "source"}.isdisjoint(LEAD.read(SAP, partner(), MARK, context()).values)
    assert "Properties11" not in LEAD.entity(SAP, context()).select
    assert set(LEAD.read(OTHER, lead(leadqualitycode=3, leadsourcecode=9), MARK, context(**MAPPED)).held) == {
        "rating",
        "source",
    }


# --- company and topic ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("company", [None, ""])
def test_a_lead_without_a_company_is_its_person(company: str | None) -> None:
    assert read(OTHER, lead(companyname=company))["company"] == "Lin Lead"


def test_the_persons_name_that_comes_back_does_not_become_the_company() -> None:
    alone = lead(companyname=None)
    assert told(OTHER, alone, company="Lin Lead") == {}
    assert told(OTHER, alone, company="Lin Lead & Co") == {"companyname": "Lin Lead & Co"}
    assert told(OTHER, lead(), company="Lin Lead") == {"companyname": "Lin Lead"}
    assert told(OTHER, None, company="Lin Lead")["companyname"] == "Lin Lead"


def test_a_new_lead_of_dynamics_without_a_topic_gets_its_companys_name() -> None:
    assert told(OTHER, None, company="A", topic=None)["subject"] == "A"
    assert told(OTHER, None, company="A")["subject"] == "A"
    assert told(OTHER, None, company="A", topic="B")["subject"] == "B"
    assert "subject" not in told(OTHER, lead(), company="A")


def test_a_topic_that_sap_cannot_hold_is_held_and_the_lead_comes_in() -> None:
    writing = LEAD.write(SAP, {**FULL, "topic": "x" * 101}, None, context(**MAPPED))
    assert (set(writing.held), writing.refusal, "Notes" in writing.body) == ({"topic"}, None, False)


def test_a_topic_cannot_be_emptied_in_dynamics() -> None:
    assert set(LEAD.write(OTHER, {"topic": None}, lead(), context()).held) == {"topic"}


# --- the person -------------------------------------------------------------------------------------------------------

ADA = person(3, Name="Ada Example", FirstName="Ada", LastName="Example")


@pytest.mark.parametrize(
    ("main", "rows", "first_name"),
    [
        ("Lin Lead", [ADA, LIN], "Lin"),
        ("Ada Example", [LIN, ADA], "Ada"),
        (None, [LIN, ADA], "Ada"),
        ("gone", [LIN, ADA], "Ada"),
        (None, [], None),
        (None, None, None),
    ],
)
def test_the_person_is_the_main_contact_else_the_first(main: str | None, rows: Any, first_name: str | None) -> None:
    assert read(SAP, partner(ContactPerson=main, ContactEmployees=rows))["first_name"] == first_name


def test_a_person_with_nothing_but_a_name_has_it_for_a_last_name() -> None:
    values = read(SAP, partner(ContactPerson=None, ContactEmployees=[person(1, Name="Reception")]))
    assert (values["first_name"], values["last_name"]) == (None, "Reception")


def test_what_changes_of_the_person_is_one_row_by_its_number_and_its_name_stays() -> None:
    body = told(SAP, partner(ContactEmployees=[ADA, LIN]), first_name="Linda", position=None)
    assert body == {"ContactEmployees": [{"InternalCode": 5, "FirstName": "Linda", "Position": None}]}


def test_a_lead_that_had_no_person_gets_one_which_is_the_main_contact() -> None:
    nobody = partner(ContactPerson=None, ContactEmployees=[])
    body = told(SAP, nobody, first_name="Lin", last_name="Lead")
    assert body == {
        "ContactEmployees": [{"Name": "Lin Lead", "FirstName": "Lin", "LastName": "Lead"}],
        "ContactPerson": "Lin Lead",
    }


def test_nothing_to_say_of_a_person_makes_none() -> None:
    nobody = partner(ContactPerson=None, ContactEmployees=[])
    for current in (nobody, None):
        body = told(SAP, current, company="A", first_name=None, last_name=None, position=None)
        assert {"ContactEmployees", "ContactPerson"}.isdisjoint(body)


def test_a_name_that_is_too_long_for_the_person_is_held() -> None:
    writing = LEAD.write(SAP, {"first_name": "x" * 51, "last_name": "Lead"}, partner(), context())
    assert set(writing.held) == {"first_name"}
    assert writing.body == {"ContactEmployees": [{"InternalCode": 5, "LastName": "Lead"}]}


# --- the source -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "source"), [(("tYES", "tNO"), 11), (("tNO", "tYES"), 12), (("tNO", "tNO"), None), ((None, None), None)]
)
def test_the_source_is_the_mapped_property_that_is_set(flags: tuple[Any, Any], source: int | None) -> None:
    assert read(SAP, partner(Properties11=flags[0], Properties12=flags[1]))["source"] == source


def test_two_sources_at_once_are_held() -> None:
    held = LEAD.read(SAP, partner(Properties11="tYES", Properties12="tYES"), MARK, context(**MAPPED)).held
    assert set(held) == {"source"}


@pytest.mark.parametrize(("source", "flags"), [(12, ("tNO", "tYES")), (None, ("tNO", "tNO"))])
def test_of_the_mapped_properties_one_is_set_and_the_others_are_not(source: Any, flags: tuple[str, str]) -> None:
    assert told(SAP, partner(), source=source) == {"Properties11": flags[0], "Properties12": flags[1]}


def test_a_source_that_no_property_stands_for_is_held_with_the_setting() -> None:
    held = LEAD.write(SAP, {"source": 13}, partner(), context(**MAPPED)).held
    assert "leadSources" in held["source"]


# --- who takes part ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mark", "taken"),
    [("cLid", MARK, True), ("cCustomer", MARK, True), ("cSupplier", MARK, False), ("cLid", Mark(), False)],
)
def test_marked_leads_go_out_and_what_became_of_them(kind: str, mark: Mark, taken: bool) -> None:
    assert (LEAD.takes_part(Direction.OUT, partner(CardType=kind), mark, context()) == "") is taken


@pytest.mark.parametrize("state", [0, 1, 2])
def test_every_lead_of_dynamics_takes_part_but_only_open_ones_are_created(state: int) -> None:
    row = lead(statecode=state)
    assert LEAD.takes_part(Direction.IN, row, Mark(), context()) == ""
    reason = LEAD.why_not_created(Direction.IN, row, context())
    assert (reason == "") is (state == 0)
    assert state == 0 or ("qualified" in reason and ("dis" in reason) is (state == 2))


def test_only_leads_of_sap_are_created_in_dynamics() -> None:
    assert LEAD.why_not_created(Direction.OUT, partner(), context()) == ""
    assert LEAD.why_not_created(Direction.OUT, CUSTOMER, context()) != ""


def test_only_open_leads_are_matched() -> None:
    assert [LEAD.is_one(SAP, row) for row in (partner(), CUSTOMER)] == [True, False]
    assert [LEAD.is_one(OTHER, row) for row in (lead(), CONVERTED, LOST)] == [True, False, False]


def test_customers_are_read_with_leads_but_only_leads_are_offered_for_marking() -> None:
    assert LEAD.entity(SAP, context()).scope == "CardType ne 'cSupplier'"
    assert LEAD.marking is not None
    assert (LEAD.marking.scope, LEAD.marking.attributes) == (LEADS_ONLY, ())
    assert LEAD.mark_on_arrival(lead(), context()).on


@pytest.mark.parametrize("current", [None, partner(ContactEmployees=[], ContactPerson=None)])
def test_a_position_of_nobody_is_held_by_name(current: Row | None) -> None:
    writing = LEAD.write(SAP, {"company": "A", "position": "CEO"}, current, context())
    assert "needs a name" in writing.held["position"]
    assert "ContactEmployees" not in writing.body
