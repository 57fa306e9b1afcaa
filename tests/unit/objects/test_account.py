"""The account: its table, both ways, and who takes part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.objects.dynamics.account import ACCOUNT, TABLE
from shared.objects.model import Direction, FieldDirection, Match, ObjectType, Rule
from shared.ports import Mark
from tests.unit.objects.support import EUR_ID, LISTS, MARK, OTHER, SAP, USD_ID, after_write, context, other_row, sap_row

ACCOUNT_IS_AN_OBJECT: ObjectType = ACCOUNT

FULL = {
    "customer": True,
    "number": "C20000",
    "name": "Norm Thompson",
    "account_type": 3,
    "phone": "02 1234",
    "phone2": "02 5678",
    "fax": "02 9999",
    "email": "norm@example.com",
    "website": "https://example.com",
    "currency": "USD",
    "payment_terms": 5,
    "bill_street": "12 Hill Road",
    "bill_block": "Block\nC",
    "bill_city": "Pune",
    "bill_zip": "411001",
    "bill_state": "IN/MH",
    "bill_country": "IN",
    "ship_street": "2 Port",
    "ship_block": "Gate 4",
    "ship_city": "Augusta",
    "ship_zip": "30901",
    "ship_state": "US/GA",
    "ship_country": "US",
}
LIMITED = [
    ("name", SAP, 100),
    ("name", OTHER, 160),
    ("number", OTHER, 20),
    ("phone", SAP, 20),
    ("phone", OTHER, 50),
    ("phone2", SAP, 20),
    ("phone2", OTHER, 50),
    ("fax", SAP, 20),
    ("fax", OTHER, 50),
    ("email", SAP, 100),
    ("email", OTHER, 100),
    ("website", SAP, 100),
    ("website", OTHER, 200),
    *[
        (f"{kind}_{part}", side, length)
        for kind in ("bill", "ship")
        for part, side, length in [
            ("street", SAP, 100),
            ("street", OTHER, 250),
            ("block", SAP, 100),
            ("block", OTHER, 250),
            ("city", SAP, 100),
            ("city", OTHER, 80),
            ("zip", SAP, 20),
            ("zip", OTHER, 20),
            ("country", SAP, 3),
        ]
    ],
]


def test_this_page_covers_every_field_of_the_table():
    assert set(FULL) == {field.name for field in TABLE}
    without_length = {"customer", "account_type", "currency", "payment_terms", "bill_state", "ship_state"}
    assert {name for name, _, _ in LIMITED} == set(FULL) - without_length


@pytest.mark.parametrize("side", [SAP, OTHER])
@pytest.mark.parametrize("existing", [True, False])
def test_what_is_written_reads_back_the_same(side, existing):
    current = (sap_row() if side is SAP else other_row()) if existing else None
    writing = ACCOUNT.write(side, FULL, current, context())
    assert writing.held == {}
    mark = Mark(MARK.batches, writing.attributes)
    reading = ACCOUNT.read(side, after_write(side, current, writing.body), mark, context())
    expected = FULL if side is OTHER or existing else FULL | {"number": "C99999"}
    assert reading.values == expected
    assert reading.held == {}


CHANGED = {
    "account_type": 9,
    "currency": "EUR",
    "payment_terms": 2,
    "bill_state": "IN/GA",
    "bill_country": "DE",
    "ship_state": None,
    "ship_country": "US",
}


@pytest.mark.parametrize("side", [SAP, OTHER])
@pytest.mark.parametrize("name", sorted(set(FULL) - {"number", "customer"}))
def test_one_field_written_changes_that_field_alone(side, name):
    full = FULL | {"bill_state": None} if name == "bill_country" else FULL
    full = full if side is OTHER else full | {"number": "C20000"}
    start = after_write(side, sap_row() if side is SAP else None, ACCOUNT.write(side, full, sap_row(), context()).body)
    new = CHANGED.get(name, "Something else")
    writing = ACCOUNT.write(side, {name: new}, start, context())
    assert writing.held == {}
    mark = Mark(MARK.batches, {**MARK.attributes, **writing.attributes})
    after = ACCOUNT.read(side, after_write(side, start, writing.body), mark, context())
    assert (after.values, after.held) == ({**full, name: new}, {})


TEXTS = st.text(st.characters(codec="utf-16", exclude_characters="\0"), max_size=20).map(
    lambda t: t.replace("\r", "\n").strip() or None
)


@given(st.fixed_dictionaries(dict.fromkeys(("name", "phone", "email", "bill_street", "ship_zip"), TEXTS)))
def test_any_text_that_is_not_held_reads_back_the_same_on_both_sides(values):
    for side, current in ((SAP, sap_row()), (OTHER, other_row())):
        writing = ACCOUNT.write(side, values, current, context())
        read = ACCOUNT.read(side, after_write(side, current, writing.body), MARK, context()).values
        assert {n: read[n] for n in values if n not in writing.held} == {
            n: v for n, v in values.items() if n not in writing.held
        }
        assert all(values[name] is None or len(values[name].encode("utf-16-le")) > 40 for name in writing.held)


@pytest.mark.parametrize(("name", "side", "length"), LIMITED)
def test_a_value_one_character_too_long_is_held_by_name_and_one_that_just_fits_is_written(name, side, length):
    current = sap_row(BPAddresses=[]) if side is SAP else other_row()
    too_long = ACCOUNT.write(side, {name: "7" * (length + 1)}, current, context())
    assert too_long.body == {}
    assert str(length) in too_long.held[name]
    assert "77" not in too_long.held[name]
    assert ACCOUNT.write(side, {name: "7" * length}, current, context()).held == {}


def test_a_character_beyond_the_basic_plane_counts_twice():
    held = ACCOUNT.write(SAP, {"phone": "\U0001f600" * 11}, sap_row(), context()).held
    assert set(held) == {"phone"}


@pytest.mark.parametrize("bad", ["a\0b", "\ud800"])
def test_what_cannot_be_stored_is_held_on_reading_and_on_writing(bad):
    assert set(ACCOUNT.read(SAP, sap_row(Phone1=bad), MARK, context()).held) == {"phone"}
    assert set(ACCOUNT.read(OTHER, other_row(telephone1=bad), MARK, context()).held) == {"phone"}
    assert set(ACCOUNT.write(OTHER, {"phone": bad}, other_row(), context()).held) == {"phone"}


def test_a_column_missing_in_the_answer_is_held_by_name_instead_of_read_as_empty():
    row = sap_row()
    del row["Phone1"]
    reading = ACCOUNT.read(SAP, row, MARK, context())
    assert "Phone1" in reading.held["phone"]
    assert "phone" not in reading.values


def test_every_selected_column_is_enough_to_read_without_a_held_field():
    sap = {column: sap_row()[column] for column in ACCOUNT.entity(SAP, context()).select}
    assert ACCOUNT.read(SAP, sap, MARK, context()).held == {}
    assert ACCOUNT.read(OTHER, other_row(), MARK, context()).held == {}


# --- The number, the name, what cannot be emptied --------------------------------------------------------------------


def test_the_number_goes_to_dynamics_and_never_to_sap():
    assert ACCOUNT.write(OTHER, {"number": "C1"}, None, context()).body == {"accountnumber": "C1"}
    assert ACCOUNT.write(SAP, {"number": "C1"}, sap_row(), context()).body == {}
    assert "CardCode" not in ACCOUNT.write(SAP, FULL, None, context()).body
    number = next(field for field in ACCOUNT.fields(context()) if field.name == "number")
    assert number.direction is FieldDirection.CREATE_ONLY


@pytest.mark.parametrize(
    ("side", "name"),
    [
        (SAP, "name"),
        (OTHER, "name"),
        (SAP, "currency"),
        (SAP, "payment_terms"),
        (SAP, "account_type"),
        (OTHER, "account_type"),
    ],
)
def test_what_a_side_cannot_have_empty_is_held_when_it_would_be_emptied(side, name):
    writing = ACCOUNT.write(side, {name: None}, sap_row() if side is SAP else other_row(), context())
    assert (writing.body, set(writing.held)) == ({}, {name})


def test_a_create_leaves_what_is_empty_to_the_defaults_of_the_side():
    body = ACCOUNT.write(SAP, {"name": "New", "currency": None, "payment_terms": None}, None, context()).body
    assert "Currency" not in body
    assert "PayTermsGrpCode" not in body


def test_a_field_that_does_not_travel_is_held_when_it_is_given_nevertheless():
    writing = ACCOUNT.write(SAP, {"colour": "red", "fax": "1"}, sap_row(), context(excludedFields=["account.fax"]))
    assert (writing.body, set(writing.held)) == ({}, {"colour", "fax"})


# --- Currency --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sap", "iso", "row_id"), [("$", "USD", USD_ID), ("EUR", "EUR", EUR_ID)])
def test_a_currency_travels_by_its_iso_code_both_ways(sap, iso, row_id):
    assert ACCOUNT.read(SAP, sap_row(Currency=sap), MARK, context()).values["currency"] == iso
    account = other_row(_transactioncurrencyid_value=row_id.upper())
    assert ACCOUNT.read(OTHER, account, MARK, context()).values["currency"] == iso
    assert ACCOUNT.write(SAP, {"currency": iso}, sap_row(), context()).body == {"Currency": sap}
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({row_id})"}
    assert ACCOUNT.write(OTHER, {"currency": iso}, other_row(), context()).body == bind


@pytest.mark.parametrize(("side", "iso"), [(SAP, "GBP"), (OTHER, "GBP")])
def test_a_currency_that_a_side_does_not_have_is_held(side, iso):
    writing = ACCOUNT.write(side, {"currency": iso}, sap_row() if side is SAP else other_row(), context())
    assert (writing.body, set(writing.held)) == ({}, {"currency"})


def test_a_sap_code_that_is_no_iso_code_is_held_until_it_is_mapped():
    held = ACCOUNT.read(SAP, sap_row(), MARK, context(currencies={})).held
    assert "currencies" in held["currency"]


def test_an_unknown_currency_of_dynamics_is_held():
    account = other_row(_transactioncurrencyid_value="5f0e7c1a-0000-4000-8000-00000000dead")
    assert set(ACCOUNT.read(OTHER, account, MARK, context()).held) == {"currency"}


def test_two_active_rows_of_one_iso_code_are_held_and_none_is_chosen():
    ctx = context()
    twice = [*LISTS["other.currencies"], {"transactioncurrencyid": "another", "isocurrencycode": "EUR"}]
    ctx = type(ctx)(ctx.template, ctx.settings, {**LISTS, "other.currencies": twice})
    assert "more than one" in ACCOUNT.write(OTHER, {"currency": "EUR"}, other_row(), ctx).held["currency"]


def test_an_account_without_a_currency_has_none():
    assert ACCOUNT.read(OTHER, other_row(_transactioncurrencyid_value=None), MARK, context()).values["currency"] is None


def test_a_lookup_is_cleared_through_its_navigation_property():
    assert ACCOUNT.write(OTHER, {"currency": None}, other_row(), context()).body == {"transactioncurrencyid": None}


def test_all_currencies_are_held_until_the_settings_name_one():
    row = sap_row(Currency="##")
    assert "allCurrenciesAs" in ACCOUNT.read(SAP, row, MARK, context()).held["currency"]
    assert ACCOUNT.read(SAP, row, MARK, context(allCurrenciesAs="EUR")).values["currency"] == "EUR"


def test_a_customer_of_all_currencies_is_never_narrowed_to_one():
    row = sap_row(Currency="##")
    same = ACCOUNT.write(SAP, {"currency": "EUR"}, row, context(allCurrenciesAs="EUR"))
    assert (same.body, same.held) == ({}, {})
    for settings in ({"allCurrenciesAs": "EUR"}, {}):
        narrower = ACCOUNT.write(SAP, {"currency": "USD"}, row, context(**settings))
        assert (narrower.body, set(narrower.held)) == ({}, {"currency"})


def test_the_currency_does_not_travel_where_dynamics_has_only_one():
    ctx = context(multipleCurrencies=False)
    assert "currency" not in {field.name for field in ACCOUNT.fields(ctx)}
    assert "_transactioncurrencyid_value" not in ACCOUNT.entity(OTHER, ctx).select


# --- Payment terms ---------------------------------------------------------------------------------------------------


def test_payment_terms_travel_through_their_mapping_both_ways():
    assert ACCOUNT.read(OTHER, other_row(paymenttermscode=4), MARK, context()).values["payment_terms"] == 5
    assert ACCOUNT.write(OTHER, {"payment_terms": 2}, other_row(), context()).body == {"paymenttermscode": 1}
    assert ACCOUNT.write(SAP, {"payment_terms": 2}, sap_row(), context()).body == {"PayTermsGrpCode": 2}


def test_payment_terms_without_a_mapping_are_held_in_both_directions():
    assert "paymentTerms" in ACCOUNT.read(OTHER, other_row(paymenttermscode=3), MARK, context()).held["payment_terms"]
    assert "paymentTerms" in ACCOUNT.write(OTHER, {"payment_terms": -1}, other_row(), context()).held["payment_terms"]


def test_payment_terms_do_not_travel_while_nothing_is_mapped():
    assert "payment_terms" not in {field.name for field in ACCOUNT.fields(context(paymentTerms={}))}


# --- Countries and states --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["India", "INDIA ", "in", "IND"])
def test_a_country_is_recognised_by_name_and_by_its_codes(text):
    assert ACCOUNT.read(OTHER, other_row(address1_country=text), MARK, context()).values["bill_country"] == "IN"


def test_a_country_is_written_by_name_by_code_or_as_mapped():
    values = {"bill_country": "IN"}
    assert ACCOUNT.write(OTHER, values, other_row(), context()).body == {"address1_country": "India"}
    assert ACCOUNT.write(OTHER, values, other_row(), context(regionsAs="code")).body == {"address1_country": "IN"}
    mapped = context(countries={"IN": "Bharat"})
    assert ACCOUNT.write(OTHER, values, other_row(), mapped).body == {"address1_country": "Bharat"}
    for text in ("bharat", "India"):
        assert ACCOUNT.read(OTHER, other_row(address1_country=text), MARK, mapped).values["bill_country"] == "IN"


def test_an_unknown_country_is_held_with_its_state_and_the_text_is_not_quoted():
    row = other_row(address1_country="Utopia", address1_stateorprovince="Goa")
    held = ACCOUNT.read(OTHER, row, MARK, context()).held
    assert set(held) == {"bill_country", "bill_state"}
    assert "countries" in held["bill_country"]
    assert "Utopia" not in str(held)


def test_a_name_that_two_countries_have_is_held_and_none_is_chosen():
    ctx = context()
    twice = [*LISTS["sap.countries"], {"Code": "XI", "Name": "India", "ISOAlpha2Code": None, "ISOAlpha3Code": None}]
    ctx = type(ctx)(ctx.template, ctx.settings, {**LISTS, "sap.countries": twice})
    assert set(ACCOUNT.read(OTHER, other_row(address1_country="India"), MARK, ctx).held) == {"bill_country"}
    assert ACCOUNT.read(OTHER, other_row(address1_country="IN"), MARK, ctx).values["bill_country"] == "IN"


def test_the_lists_are_indexed_once_for_all_records_of_a_context():
    ctx = context()
    ACCOUNT.read(OTHER, other_row(address1_country="India"), MARK, ctx)
    index = ctx.memo["regions"]
    ACCOUNT.read(OTHER, other_row(address1_country="USA"), MARK, ctx)
    assert ctx.memo["regions"] is index


def test_a_sap_country_that_is_on_no_list_is_held():
    assert set(ACCOUNT.write(OTHER, {"ship_country": "ZZ"}, other_row(), context()).held) == {"ship_country"}


@pytest.mark.parametrize(
    ("country", "state", "expected"), [("India", "Goa", "IN/GA"), ("USA", "georgia", "US/GA"), ("DE", "by", "DE/BY")]
)
def test_a_state_is_recognised_within_its_country(country, state, expected):
    row = other_row(address2_country=country, address2_stateorprovince=state)
    assert ACCOUNT.read(OTHER, row, MARK, context()).values["ship_state"] == expected


def test_one_code_in_two_countries_is_two_states():
    values = ACCOUNT.read(SAP, sap_row(BilltoDefault="Old office"), MARK, context()).values
    assert (values["bill_state"], values["ship_state"]) == ("US/GA", "IN/GA")


def test_a_state_is_written_for_the_country_of_the_same_write_else_of_the_row():
    row = other_row(address1_country="USA")
    assert ACCOUNT.write(OTHER, {"bill_state": "US/GA"}, row, context()).body == {"address1_stateorprovince": "Georgia"}
    together = ACCOUNT.write(OTHER, {"bill_state": "IN/GA", "bill_country": "IN"}, row, context()).body
    assert together == {"address1_stateorprovince": "Goa", "address1_country": "India"}
    as_codes = ACCOUNT.write(OTHER, {"bill_state": "US/GA"}, row, context(regionsAs="code")).body
    assert as_codes == {"address1_stateorprovince": "GA"}


@pytest.mark.parametrize(("country", "state"), [(None, "Goa"), ("India", "Georgia")])
def test_a_state_without_its_country_or_in_the_wrong_one_is_held(country, state):
    row = other_row(address1_country=country, address1_stateorprovince=state)
    assert set(ACCOUNT.read(OTHER, row, MARK, context()).held) == {"bill_state"}


def test_a_state_mapped_in_the_settings_travels_both_ways():
    ctx = context(states={"US": {"GA": "Ga."}})
    row = other_row(address1_country="USA", address1_stateorprovince="GA.")
    assert ACCOUNT.read(OTHER, row, MARK, ctx).values["bill_state"] == "US/GA"
    assert ACCOUNT.write(OTHER, {"bill_state": "US/GA"}, row, ctx).body == {"address1_stateorprovince": "Ga."}


def _in_india(side):
    return sap_row() if side is SAP else other_row(address1_country="India", address1_stateorprovince="Maharashtra")


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_state_of_another_country_than_the_address_has_is_held(side):
    writing = ACCOUNT.write(side, {"bill_state": "US/GA"}, _in_india(side), context())
    assert (writing.body, set(writing.held)) == ({}, {"bill_state"})
    assert set(ACCOUNT.write(side, {"bill_state": "US/GA"}, None, context()).held) == {"bill_state"}


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_a_country_is_not_moved_away_from_under_its_state(side):
    alone = ACCOUNT.write(side, {"bill_country": "US"}, _in_india(side), context())
    assert (alone.body, set(alone.held)) == ({}, {"bill_country"})
    emptied = ACCOUNT.write(side, {"bill_country": "US", "bill_state": None}, _in_india(side), context())
    assert emptied.held == {}


def test_a_country_stays_where_its_state_is_held_in_the_same_write():
    writing = ACCOUNT.write(OTHER, {"bill_country": "US", "bill_state": "US/XX"}, _in_india(OTHER), context())
    assert (writing.body, set(writing.held)) == ({}, {"bill_country", "bill_state"})


def test_a_country_spelled_anew_keeps_its_state():
    row = other_row(address1_country="IND", address1_stateorprovince="Goa")
    assert ACCOUNT.write(OTHER, {"bill_country": "IN"}, row, context()).body == {"address1_country": "India"}


def test_a_country_that_no_one_knows_is_not_replaced_beside_a_state():
    row = other_row(address1_country="Utopia", address1_stateorprovince="Goa")
    assert set(ACCOUNT.write(OTHER, {"bill_country": "IN"}, row, context()).held) == {"bill_country"}


# --- Account type and mark -------------------------------------------------------------------------------------------


def test_the_account_type_is_the_marks_in_sap_and_a_column_in_dynamics():
    assert ACCOUNT.read(SAP, sap_row(), MARK, context()).values["account_type"] == 3
    assert ACCOUNT.read(OTHER, other_row(customertypecode=9), Mark(), context()).values["account_type"] == 9
    to_sap = ACCOUNT.write(SAP, {"account_type": 9}, sap_row(), context())
    assert (to_sap.body, to_sap.attributes) == ({}, {"accountType": "9"})
    assert ACCOUNT.write(OTHER, {"account_type": 9}, other_row(), context()).body == {"customertypecode": 9}


def test_an_account_type_that_is_no_number_is_held():
    mark = Mark(MARK.batches, {"accountType": "friend"})
    assert set(ACCOUNT.read(SAP, sap_row(), mark, context()).held) == {"account_type"}


def test_an_arrival_is_marked_in_the_batch_of_dynamics_with_its_type():
    mark = ACCOUNT.mark_on_arrival(other_row(customertypecode=9), context())
    assert mark.on
    assert (mark.batches, mark.attributes) == ({"dynamics"}, {"accountType": "9"})


def test_a_marked_customer_with_an_account_type_goes_out():
    assert ACCOUNT.takes_part(Direction.OUT, sap_row(), MARK, context()) == ""


@pytest.mark.parametrize(
    ("row", "mark", "word"),
    [
        (sap_row(), Mark(), "not marked"),
        (sap_row(), Mark(frozenset({"b"})), "Account Type"),
        (sap_row(CardType="cSupplier"), MARK, "not a customer"),
    ],
)
def test_out_says_why_not(row, mark, word):
    assert word in ACCOUNT.takes_part(Direction.OUT, row, mark, context())


def test_an_account_of_a_configured_type_comes_in():
    assert ACCOUNT.takes_part(Direction.IN, other_row(), Mark(), context()) == ""


@pytest.mark.parametrize(
    ("changes", "settings", "word"),
    [
        ({"merged": True}, {}, "merged"),
        ({}, {"accountTypes": []}, "no account types"),
        ({"customertypecode": 8}, {}, "not among"),
        ({"customertypecode": None}, {}, "not among"),
        ({"statecode": 1}, {}, "inactive"),
    ],
)
def test_in_says_why_not(changes, settings, word):
    assert word in ACCOUNT.takes_part(Direction.IN, other_row(**changes), Mark(), context(**settings))


def test_inactive_accounts_come_in_if_the_settings_say_so():
    assert ACCOUNT.takes_part(Direction.IN, other_row(statecode=1), Mark(), context(includeInactiveAccounts=True)) == ""


def test_a_merged_account_names_the_one_that_was_kept():
    assert ACCOUNT.merged_into(other_row(merged=True, _masterid_value="kept")) == "kept"
    assert ACCOUNT.merged_into(other_row(_masterid_value="kept")) is None
    assert ACCOUNT.merged_into(other_row(merged=True)) is None


# --- Entities, creates, matching -------------------------------------------------------------------------------------


def test_the_entities_read_customers_and_the_configured_types_only():
    assert ACCOUNT.entity(SAP, context()).scope == "CardType eq 'cCustomer'"
    assert ACCOUNT.entity(OTHER, context()).scope == "customertypecode eq 3 or customertypecode eq 9"
    nothing = ACCOUNT.entity(OTHER, context(accountTypes=[])).scope
    assert nothing == "customertypecode eq null and customertypecode ne null"


def test_no_column_is_selected_twice():
    for side in (SAP, OTHER):
        select = ACCOUNT.entity(side, context()).select
        assert len(select) == len(set(select))


def test_a_create_in_sap_carries_group_series_reference_and_branches():
    body = ACCOUNT.write(SAP, {"name": "New"}, None, context(branchAssignment=[1]), hub_reference="dynamics:7").body
    assert body == {
        "CardType": "cCustomer",
        "GroupCode": 100,
        "Series": 71,
        "U_HubRef": "dynamics:7",
        "BPBranchAssignment": [{"BPLID": 1, "DisabledForBP": "tNO"}],
        "CardName": "New",
    }


def test_an_update_carries_none_of_a_creates_defaults_and_adds_missing_branches_only():
    row = sap_row(BPBranchAssignment=[{"BPCode": "C20000", "BPLID": 1, "DisabledForBP": "tNO"}])
    ctx = context(branchAssignment=[1, 3])
    assert ACCOUNT.write(SAP, {"phone": "1"}, row, ctx, hub_reference="dynamics:7").body == {
        "Phone1": "1",
        "BPBranchAssignment": [{"BPLID": 3, "DisabledForBP": "tNO", "BPCode": "C20000"}],
    }
    assert ACCOUNT.write(SAP, {}, row, ctx).body == {}


def test_a_create_in_dynamics_carries_its_fields_and_nothing_else():
    assert ACCOUNT.write(OTHER, {"name": "New"}, None, context(), hub_reference="x").body == {"name": "New"}


def test_records_are_recognised_by_number_first_and_then_as_configured():
    assert ACCOUNT.matches(context()) == (Match("number", "CardCode", "accountnumber"),)
    assert ACCOUNT.matches(context(matchFurther=["phone", "email", "name"])) == (
        Match("number", "CardCode", "accountnumber"),
        Match("phone", "Phone1", "telephone1"),
        Match("email", "EmailAddress", "emailaddress1"),
        Match("name", "CardName", "name"),
    )


@pytest.mark.parametrize("date", ["2024-03-01", "2024-03-01T00:00:00Z"])
def test_the_birth_of_a_customer_does_not_depend_on_the_spelling_of_its_date(date):
    assert ACCOUNT.birth(SAP, sap_row(CreateDate=date)) == "2024-03-01T09:30:00"


def test_the_birth_of_an_account_is_its_creation_stamp():
    assert ACCOUNT.birth(OTHER, other_row()) == "2024-03-01T09:30:00Z"


# --- What the settings say about directions and rules ----------------------------------------------------------------


def test_in_comes_before_out_however_the_settings_order_them():
    assert ACCOUNT.directions(context()) == (Direction.IN, Direction.OUT)
    assert ACCOUNT.directions(context(directions={"account": ["out", "in"]})) == (Direction.IN, Direction.OUT)
    assert ACCOUNT.directions(context(directions={"account": ["out"]})) == (Direction.OUT,)


def test_the_most_specific_rule_stands():
    ctx = context(conflictRule="ask", fieldRules={"account": "other_wins", "account.phone": "sap_wins"})
    rules = {field.name: field.rule for field in ACCOUNT.fields(ctx)}
    assert (rules["phone"], rules["fax"]) == (Rule.SAP_WINS, Rule.OTHER_WINS)
    assert {field.rule for field in ACCOUNT.fields(context(conflictRule="ask"))} == {Rule.ASK}
    assert {field.rule for field in ACCOUNT.fields(context())} == {Rule.SAP_WINS}


def test_an_excluded_field_is_neither_read_nor_selected():
    ctx = context(excludedFields=["account.website"])
    assert "website" not in ACCOUNT.read(SAP, sap_row(), MARK, ctx).values
    assert "websiteurl" not in ACCOUNT.entity(OTHER, ctx).select
