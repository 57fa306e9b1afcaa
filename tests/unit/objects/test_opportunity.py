"""The opportunity: its fields on both sides, who takes part, its scope. Stages and states have modules of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.objects.dynamics.opportunity import OPPORTUNITY
from shared.objects.model import Direction, Parent
from shared.ports import Mark, Row
from tests.unit.objects.opportunity_support import (
    BACK,
    CONTACT_ID,
    LISTS,
    OPPORTUNITY_ID,
    OTHER_OWNER,
    OWNER_ID,
    REASONS,
    STAGES,
    context,
    created,
    in_sap,
    opportunity,
    product,
    sap_opportunity,
    values_of,
)
from tests.unit.objects.sales_support import ACCOUNT_ID, CAME_IN, OTHER, SAP, guid
from tests.unit.objects.support import USD_ID

JPY_ID = "5f0e7c1a-0000-4000-8000-000000000003"
ORDERLY = {"name": "New workshop", "start": "2026-03-02", "predicted_closing": "2026-04-30", "sales_employee": 3}


def read(row: Row, side: Any = OTHER, **settings: Any) -> dict[str, Any]:
    reading = OPPORTUNITY.read(side, row, CAME_IN, context(**settings))
    assert reading.held == {}
    return reading.values


def held(row: Row, side: Any = OTHER, **settings: Any) -> dict[str, str]:
    return OPPORTUNITY.read(side, row, CAME_IN, context(**settings)).held


def directions(**settings: Any) -> dict[str, str]:
    return {rule.name: rule.direction.value for rule in OPPORTUNITY.fields(context(**settings))}


# --- every field, both sides -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["in", "out", "both"])
def test_content_travels_as_the_setting_says_and_all_else_as_it_always_does(chosen):
    found = directions(opportunityDirection=chosen, **BACK)
    following = {"name", "predicted_closing", "stage", "amount", "state"}
    always_in = {"customer", "contact", "start", "sales_employee", "remarks"}
    assert {name for name, direction in found.items() if direction == chosen} >= following
    assert {found[name] for name in always_in} == {"in"}
    assert (found["sap_number"], found["sap_status"]) == ("out", "out")
    assert ("is_open" in found) is (chosen == "in")


def test_what_is_not_mapped_or_asked_for_does_not_travel():
    without = directions(opportunityStages={}, salesEmployees={})
    assert {"stage", "sales_employee", "sap_number", "sap_status"}.isdisjoint(without)
    assert "contact" not in directions(directions={"contact": ["out"]})
    assert "contact" in directions(directions={"contact": ["in"], "opportunity": ["in"]})


def test_an_opportunity_reads_in_full():
    row = opportunity(
        product(), _parentcontactid_value=CONTACT_ID, description="By June", new_number="90", new_status=None
    )
    values = read(row, **BACK)
    assert values.pop("remarks") == "By June\n2 x Hammer at 10.00 EUR = 20.00"
    assert values == {
        "customer": ACCOUNT_ID,
        "contact": CONTACT_ID,
        **ORDERLY,
        "stage": '{"percent":"40","stage":2}',
        "amount": Decimal("1500.5"),
        "state": '{"name":"open","reason":null}',
        "is_open": True,
        "sap_number": 90,
        "sap_status": None,
    }


def test_a_created_opportunity_reads_as_it_was_in_dynamics():
    row = opportunity(product(), _parentcontactid_value=CONTACT_ID, description="By June\r\nlatest")
    ours, theirs = values_of(row, context()), read(sap_opportunity(row), SAP)
    assert (theirs["customer"], theirs["contact"]) == ("C20000", "17")
    for name in ours.keys() - {"customer", "contact"}:
        assert theirs[name] == ours[name], name


def test_a_create_carries_our_reference_and_nothing_is_held():
    writing = created(opportunity(), context())
    assert (writing.held, writing.refusal, writing.steps, writing.replace) == ({}, None, (), False)
    assert writing.body["U_HubRef"] == f"dynamics:{OPPORTUNITY_ID}"
    assert "MaxLocalTotal" not in writing.body, "SAP's header takes no amount"


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_every_selected_column_is_enough_to_read_without_a_held_field(side):
    ctx = context(**BACK)
    full = sap_opportunity() if side is SAP else opportunity(new_number=None, new_status=None)
    row = {name: full[name] for name in OPPORTUNITY.entity(side, ctx).select}
    assert OPPORTUNITY.read(side, row if side is SAP else row | {"products": []}, CAME_IN, ctx).held == {}


@pytest.mark.parametrize(
    ("field", "column", "value"),
    [
        ("name", "OpportunityName", "Other"),
        ("start", "StartDate", "2026-03-01"),
        ("predicted_closing", "PredictedClosingDate", "2026-05-01"),
        ("remarks", "Remarks", "Other"),
        ("sales_employee", "SalesPerson", 4),
    ],
)
def test_a_changed_field_is_the_only_one_that_is_sent(field, column, value):
    writing = OPPORTUNITY.write(SAP, {field: value}, sap_opportunity(), context())
    assert (writing.body, writing.held, writing.steps) == ({column: value}, {}, ())


def test_in_both_directions_content_goes_back_and_never_customer_contact_owner_start_or_remarks():
    ctx = context(opportunityDirection="both")
    values = {
        "customer": "C1",
        "contact": "17",
        "start": "2020-01-01",
        "sales_employee": 4,
        "remarks": "x",
        "name": "Other",
        "predicted_closing": "2026-05-01",
        "stage": '{"percent":"60","stage":3}',
        "amount": Decimal("9.5"),
    }
    writing = OPPORTUNITY.write(OTHER, values, opportunity(), ctx)
    assert (writing.held, writing.steps) == ({}, ())
    assert writing.body == {
        "name": "Other",
        "estimatedclosedate": "2026-05-01",
        "stepname": "2-Develop",
        "closeprobability": 60,
        "estimatedvalue": Decimal("9.5"),
    }


def test_number_and_status_are_told_in_words():
    row = sap_opportunity()
    assert {"sap_number", "sap_status"}.isdisjoint(read(row, SAP))
    values = read(row, SAP, **BACK)
    assert (values["sap_number"], values["sap_status"]) == (90, "open: Meeting")
    assert read(row | {"Status": "sos_Sold"}, SAP, **BACK)["sap_status"] == "won: Meeting"
    nameless = OPPORTUNITY.read(SAP, row, CAME_IN, context({"sap.sales_stages": []}, **BACK))
    assert nameless.values["sap_status"] == "open"
    back = {"sap_number": 90, "sap_status": "open: Meeting"}
    writing = OPPORTUNITY.write(OTHER, back, opportunity(), context(**BACK))
    assert writing.body == {"new_number": "90", "new_status": "open: Meeting"}


# --- customer and contact ---------------------------------------------------------------------------------------------


def test_an_account_without_a_customer_keeps_the_opportunity_from_being_created():
    refusal = created(opportunity(_parentaccountid_value=guid(99)), context()).refusal
    assert refusal is not None
    assert refusal.fields == ("customer",)


def test_an_opportunity_with_a_contact_alone_is_refused_with_what_to_do():
    assert "choose an account" in held(opportunity(_parentaccountid_value=None))["customer"]


def test_another_customer_of_an_opportunity_that_is_in_sap_is_a_conflict():
    refusal = OPPORTUNITY.write(SAP, {"customer": guid(98)}, sap_opportunity(), context()).refusal
    assert refusal is not None
    assert (refusal.conflict, refusal.fields) == (True, ("customer",))


def test_the_account_that_another_was_merged_into_is_the_same_customer():
    ctx = context()
    ctx.links[Parent("account", OTHER, guid(98))] = "C20000"
    writing = OPPORTUNITY.write(SAP, {"customer": guid(98)}, sap_opportunity(), ctx)
    assert (writing.body, writing.held, writing.refusal) == ({}, {}, None)


def test_the_contact_is_the_person_behind_the_last_slash_of_its_key():
    ctx = context()
    ctx.links[Parent("account", OTHER, ACCOUNT_ID)] = "C/1"
    ctx.links[Parent("contact", OTHER, CONTACT_ID)] = "C/1/204"
    assert created(opportunity(_parentcontactid_value=CONTACT_ID), ctx).body["ContactPerson"] == 204


@pytest.mark.parametrize("key", [None, "C30000/17"])
def test_a_contact_that_is_not_linked_or_anothers_is_held_and_the_opportunity_comes_in(key):
    ctx = context()
    ctx.links.pop(Parent("contact", OTHER, CONTACT_ID))
    if key:
        ctx.links[Parent("contact", OTHER, CONTACT_ID)] = key
    writing = created(opportunity(_parentcontactid_value=CONTACT_ID), ctx)
    assert (set(writing.held), writing.refusal) == ({"contact"}, None)
    assert "ContactPerson" not in writing.body


def test_a_contact_that_is_taken_away_is_taken_away_in_sap():
    row = sap_opportunity(opportunity(_parentcontactid_value=CONTACT_ID))
    writing = OPPORTUNITY.write(SAP, {"contact": None}, row, context())
    assert writing.body == {"ContactPerson": None}
    assert read(in_sap(row, writing), SAP)["contact"] is None


def test_parents_are_the_account_and_the_contact_only_where_contacts_travel():
    row = opportunity(_parentcontactid_value=CONTACT_ID, contact={"_parentcustomerid_value": ACCOUNT_ID})
    account, contact = Parent("account", OTHER, ACCOUNT_ID), Parent("contact", OTHER, CONTACT_ID)
    assert OPPORTUNITY.parents(OTHER, row, context()) == (account, contact)
    assert OPPORTUNITY.parents(OTHER, opportunity(), context()) == (account,)
    assert OPPORTUNITY.parents(OTHER, row, context(directions={"contact": ["out"]})) == (account,)
    stranger = row | {"contact": {"_parentcustomerid_value": None}}
    assert OPPORTUNITY.parents(OTHER, stranger, context()) == (account,)
    assert not OPPORTUNITY.parents(OTHER, row, context())[1].required
    assert OPPORTUNITY.parents(SAP, sap_opportunity(), context()) == ()


# --- name, days, owner, remarks ---------------------------------------------------------------------------------------


def test_a_name_that_is_too_long_is_held_and_the_opportunity_comes_in():
    writing = created(opportunity(name="7" * 101), context())
    assert (set(writing.held), writing.refusal) == ({"name"}, None)
    assert created(opportunity(name="7" * 100), context()).body["OpportunityName"] == "7" * 100


@pytest.mark.parametrize(("days", "day"), [(0, "2026-03-02"), (30, "2026-04-01")])
def test_without_a_closing_date_it_closes_so_many_days_after_it_was_created_there(days, day):
    values = read(opportunity(estimatedclosedate=None), opportunityDays=days)
    assert (values["start"], values["predicted_closing"]) == ("2026-03-02", day)


def test_it_never_starts_after_it_closes():
    values = read(opportunity(estimatedclosedate="2026-02-14"))
    assert (values["start"], values["predicted_closing"]) == ("2026-02-14", "2026-02-14")


@pytest.mark.parametrize(
    ("owner", "mapping", "code"),
    [
        (OWNER_ID, {"ANN@contoso.example": 3}, 3),
        (OWNER_ID, {OWNER_ID.upper(): 4}, 4),
        (OTHER_OWNER, {"ann@contoso.example": 3}, None),
        (guid(74), {"none": 3}, None),
        (guid(75), {"ann@contoso.example": 3}, None),
    ],
)
def test_the_owner_is_mapped_by_user_name_or_id_or_left_out(owner, mapping, code):
    row = opportunity(_ownerid_value=owner)
    assert read(row, salesEmployees=mapping)["sales_employee"] == code
    assert created(row, context(salesEmployees=mapping)).body.get("SalesPerson") == code


def test_a_later_owner_without_a_sales_employee_leaves_saps_and_is_named():
    writing = OPPORTUNITY.write(SAP, {"sales_employee": None}, sap_opportunity(), context())
    assert (writing.body, set(writing.held)) == ({}, {"sales_employee"})
    assert read(sap_opportunity(SalesPerson=-1), SAP)["sales_employee"] is None


def test_products_are_lines_of_the_remarks_in_their_order_unless_they_are_left_out():
    write_in = product(
        2,
        isproductoverridden=True,
        productname=None,
        productdescription="Assembly\non site",
        quantity=Decimal("1.50000"),
        priceperunit=Decimal("9.999"),
        extendedamount=Decimal("14.9985"),
    )
    row = opportunity(write_in, product(1), description=" By June ")
    assert read(row)["remarks"].splitlines() == [
        "By June",
        "2 x Hammer at 10.00 EUR = 20.00",
        "1.5 x Assembly on site at 9.999 EUR = 14.9985",
    ]
    assert read(row, opportunityProducts="none")["remarks"] == "By June"
    assert OPPORTUNITY.entity(OTHER, context(opportunityProducts="none")).children == ()
    assert [each.name for each in OPPORTUNITY.entity(OTHER, context()).children] == ["products"]


def test_amounts_in_remarks_have_their_currencys_decimals_and_count_by_their_value():
    yen = read(opportunity(product(), _transactioncurrencyid_value=JPY_ID, estimatedvalue=None))
    assert yen["remarks"] == "2 x Hammer at 10 JPY = 20"
    precise = product(quantity=Decimal(2), priceperunit=Decimal("10.0000"), extendedamount=Decimal("20.0"))
    assert read(opportunity(precise))["remarks"] == read(opportunity(product()))["remarks"]
    unlisted = opportunity(product(), _transactioncurrencyid_value=guid(99), estimatedvalue=None)
    assert read(unlisted)["remarks"] == "2 x Hammer at 10 = 20"


def test_remarks_that_are_too_long_are_held_and_products_that_did_not_come_are_not_none():
    writing = OPPORTUNITY.write(SAP, {"remarks": "7" * 64_001}, sap_opportunity(), context())
    assert (writing.body, set(writing.held)) == ({}, {"remarks"})
    row = opportunity()
    del row["products"]
    assert "remarks" in held(row)


# --- amount -----------------------------------------------------------------------------------------------------------


def test_an_amount_in_a_foreign_currency_is_held_by_name_and_the_opportunity_comes_in():
    row = opportunity(_transactioncurrencyid_value=USD_ID)
    assert "local currency" in held(row)["amount"]
    writing = created(row, context())
    assert writing.refusal is None
    assert "MaxLocalTotal" not in writing.body[STAGES][0]
    assert held(opportunity(_transactioncurrencyid_value=USD_ID, estimatedvalue=None)) == {}


def test_an_amount_with_more_decimals_than_sap_has_is_held():
    writing = created(opportunity(estimatedvalue=Decimal("1.005")), context())
    assert (set(writing.held), writing.refusal) == ({"amount"}, None)


def test_an_amount_is_not_emptied_in_sap():
    writing = OPPORTUNITY.write(SAP, {"amount": None}, sap_opportunity(), context())
    assert (writing.body, set(writing.held)) == ({}, {"amount"})


def test_revenue_that_dynamics_computes_is_not_written_to():
    row = opportunity(isrevenuesystemcalculated=True)
    writing = OPPORTUNITY.write(OTHER, {"amount": Decimal(9)}, row, context(opportunityDirection="both"))
    assert (writing.body, set(writing.held)) == ({}, {"amount"})
    three = OPPORTUNITY.write(OTHER, {"amount": Decimal("9.005")}, opportunity(), context(opportunityDirection="both"))
    assert (three.body, set(three.held)) == ({}, {"amount"})


texts = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=100).map(str.strip)
amounts = some.decimals(min_value=0, max_value=10**9, places=2)


@given(
    name=texts.filter(lambda text: len(text.encode("utf-16-le")) <= 200),
    amount=amounts,
    day=some.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1)),
    stage=some.sampled_from(["1-Qualify", "2-Develop"]),
    percent=some.integers(0, 100),
    description=texts,
)
def test_what_is_created_reads_back_equal(name, amount, day, stage, percent, description):
    row = opportunity(
        name=name,
        estimatedvalue=amount,
        estimatedclosedate=day.isoformat(),
        stepname=stage,
        closeprobability=percent,
        description=description,
    )
    ours, theirs = values_of(row, context()), read(sap_opportunity(row), SAP)
    for field in ours.keys() - {"customer"}:
        assert theirs[field] == ours[field], field


# --- who takes part ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "mark", "taken"),
    [(0, Mark(), True), (0, CAME_IN, True), (1, Mark(), False), (2, Mark(), False), (1, CAME_IN, True)],
)
def test_open_ones_come_in_and_closed_ones_only_if_they_came_in_before(state, mark, taken):
    row = opportunity(statecode=state)
    assert (OPPORTUNITY.takes_part(Direction.IN, row, mark, context()) == "") is taken
    assert OPPORTUNITY.takes_part(Direction.IN, row, mark, context(closedOpportunities=True)) == ""
    assert (OPPORTUNITY.why_not_created(Direction.IN, row, context()) == "") is (state == 0)
    assert OPPORTUNITY.why_not_created(Direction.IN, row, context(closedOpportunities=True)) == ""


@pytest.mark.parametrize(
    ("made", "zone", "taken"),
    [
        ("2025-12-31T22:59:59Z", "Europe/Berlin", False),
        ("2025-12-31T23:00:00Z", "Europe/Berlin", True),
        ("2025-12-31T23:00:00Z", "UTC", False),
    ],
)
def test_opportunities_from_before_the_start_date_stay_there(made, zone, taken):
    reason = OPPORTUNITY.takes_part(Direction.IN, opportunity(createdon=made), CAME_IN, context(timeZone=zone))
    assert (reason == "") is taken
    assert taken or "startDate" in reason


def test_without_a_start_date_nothing_comes_in():
    ctx = context(startDate=None)
    assert OPPORTUNITY.takes_part(Direction.IN, opportunity(), Mark(), ctx) != ""
    assert OPPORTUNITY.opens_at(ctx) is None
    assert OPPORTUNITY.opens_at(context()) == datetime(2025, 12, 31, 23, tzinfo=UTC)


def test_out_goes_only_what_came_in_and_nothing_is_created_there():
    row = sap_opportunity()
    assert OPPORTUNITY.takes_part(Direction.OUT, row, CAME_IN, context()) == ""
    assert OPPORTUNITY.takes_part(Direction.OUT, row, Mark(), context()) != ""
    assert OPPORTUNITY.why_not_created(Direction.OUT, row, context()) != ""
    assert OPPORTUNITY.mark_on_arrival(opportunity(), context()).on


def test_where_they_only_go_out_none_comes_in():
    ctx = context(opportunityDirection="out")
    assert "opportunityDirection" in OPPORTUNITY.takes_part(Direction.IN, opportunity(), CAME_IN, ctx)
    assert OPPORTUNITY.takes_part(Direction.OUT, sap_opportunity(), CAME_IN, ctx) == ""


def test_the_scope_is_what_was_created_since_the_start_and_our_own_in_sap():
    assert OPPORTUNITY.entity(SAP, context()).scope == "startswith(U_HubRef, 'dynamics:')"
    assert OPPORTUNITY.entity(OTHER, context()).scope == "createdon ge 2025-12-31T23:00:00Z"
    assert OPPORTUNITY.entity(OTHER, context(startDate=None)).scope == ""


def test_set_up_makes_our_reference_and_the_columns_that_are_named():
    always = [("sap", "SalesOpportunities", "U_HubRef", 100)]
    found = [(c.side, c.entity.type, c.column, c.length) for c in OPPORTUNITY.columns_needed(context())]
    assert found == always
    found = [(c.side, c.entity.type, c.column, c.length) for c in OPPORTUNITY.columns_needed(context(**BACK))]
    assert found == [
        *always,
        ("other", "opportunity", "new_number", 100),
        ("other", "opportunity", "new_status", 100),
    ]


def test_they_are_opened_by_settings_have_no_version_in_sap_and_need_their_lists():
    entity = OPPORTUNITY.entity(SAP, context())
    assert (OPPORTUNITY.transactional, entity.version, entity.created, entity.slow) == (True, "", (), False)
    assert OPPORTUNITY.birth(SAP, sap_opportunity()) == ""
    assert OPPORTUNITY.birth(OTHER, opportunity()) == "2026-03-01T23:30:00Z"
    names = {each.name for each in OPPORTUNITY.references}
    assert {"sap.sales_stages", "other.users", "other.currencies", "sap.company", "sap.currencies"} <= names
    assert LISTS.keys() - names == {"sap.sales_employees", "sap.opportunity_reasons"}, "those are only checked against"
    assert REASONS in entity.select
