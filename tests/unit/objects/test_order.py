"""The order: its fields, who takes part, its scope, drafts. Content as SAP's rows is in test_order_rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.objects.dynamics.order import ORDER
from shared.objects.dynamics.order_settings import OrderSettings
from shared.objects.model import KEY, Direction, FieldDirection, Parent
from shared.ports import Mark, Row
from tests.unit.objects.sales_support import (
    ACCOUNT_ID,
    CAME_IN,
    LINE_1,
    LINE_2,
    MARK,
    ORDER_ID,
    OTHER,
    PRODUCT_A,
    PRODUCT_B,
    SAP,
    context,
    created,
    guid,
    line,
    order,
    sap_order,
    write_in,
)

BACK = {"orderNumberColumn": "new_number", "orderStatusColumn": "new_status"}


def read(row: Row, side: Any = OTHER, **settings: Any) -> dict[str, Any]:
    reading = ORDER.read(side, row, CAME_IN, context(**settings))
    assert reading.held == {}
    return reading.values


def held(row: Row, side: Any = OTHER, **settings: Any) -> dict[str, str]:
    return ORDER.read(side, row, CAME_IN, context(**settings)).held


def document(row: Row | None = None, **changes: Any) -> Row:
    """The SAP order of an order."""
    return sap_order(created(row or order(), context()).body, **changes)


# --- every field, both sides -----------------------------------------------------------------------------------------


def test_fields_travel_as_the_table_says():
    found = {rule.name: rule.direction.value for rule in ORDER.fields(context(**BACK))}
    assert found == {
        "customer": "in",
        "order_number": "in",
        "requested_delivery": "in",
        "payment_terms": "in",
        "comments": "in",
        "lines": "in",
        "total": "checked",
        "cancelled": "in",
        "sap_number": "out",
        "sap_status": "out",
    }
    assert {rule.name for rule in ORDER.fields(context()) if rule.direction is FieldDirection.OUT} == set()
    assert [rule.name for rule in ORDER.fields(context()) if rule.essential] == [
        "customer",
        "requested_delivery",
        "lines",
    ]


def test_an_order_reads_in_full():
    row = order(paymenttermscode=1, description="Ring twice", new_number="5001", new_status="open")
    values = read(row, **BACK)
    values.pop("lines")
    assert values == {
        "customer": ACCOUNT_ID,
        "order_number": "ORD-01000",
        "requested_delivery": "2026-03-10",
        "payment_terms": 2,
        "comments": "Ring twice",
        "total": 20,
        "cancelled": False,
        "sap_number": 5001,
        "sap_status": "open",
    }


def test_a_created_document_reads_as_its_order():
    row = order(paymenttermscode=1, description="Ring twice")
    writing = created(row, context())
    assert (writing.held, writing.refusal, writing.steps, writing.replace) == ({}, None, (), False)
    ours, theirs = read(row), read(document(row), SAP)
    assert theirs["customer"] == "C20000"
    for name in ("order_number", "requested_delivery", "payment_terms", "comments", "total", "cancelled"):
        assert theirs[name] == ours[name], name


def test_a_create_carries_our_reference_no_discount_of_the_customer_and_the_branch():
    body = created(order(), context()).body
    assert body["U_HubRef"] == f"dynamics:{ORDER_ID}"
    assert body["DiscountPercent"] == 0
    assert "BPL_IDAssignedToInvoice" not in body
    assert created(order(), context(branchForDocuments=1)).body["BPL_IDAssignedToInvoice"] == 1


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_every_selected_column_is_enough_to_read_without_a_held_field(side):
    ctx = context(**BACK)
    full = document() if side is SAP else order(new_number=None, new_status=None)
    row = {name: full[name] for name in ORDER.entity(side, ctx).select}
    assert ORDER.read(side, row if side is SAP else row | {"lines": full["lines"]}, CAME_IN, ctx).held == {}


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("order_number", "NumAtCard"),
        ("comments", "Comments"),
        ("requested_delivery", "DocDueDate"),
        ("payment_terms", "PaymentGroupCode"),
    ],
)
def test_a_changed_field_is_the_only_one_that_is_sent(field, column):
    value = {"requested_delivery": "2026-04-01", "payment_terms": 5}.get(field, "other")
    writing = ORDER.write(SAP, {field: value}, document(), context())
    assert (writing.body, writing.held, writing.replace) == ({column: value}, {}, False)


def test_nothing_but_number_and_status_is_ever_written_to_dynamics():
    values = read(order(description="x")) | {"sap_number": 5001, "sap_status": "closed"}
    body = ORDER.write(OTHER, values, order(), context(**BACK)).body
    assert body == {"new_number": "5001", "new_status": "closed"}


def test_without_their_columns_number_and_status_do_not_travel():
    assert {"sap_number", "sap_status"}.isdisjoint(read(document(), SAP))
    values = read(document(), SAP, **BACK)
    assert (values["sap_number"], values["sap_status"]) == (5001, "open")


# --- customer ---------------------------------------------------------------------------------------------------------


def test_the_customer_is_the_one_that_the_account_is_linked_to():
    assert created(order(), context()).body["CardCode"] == "C20000"


def test_an_account_without_a_customer_keeps_the_order_from_being_created():
    refusal = created(order(_accountid_value=guid(99)), context()).refusal
    assert refusal is not None
    assert refusal.fields == ("customer",)


def test_an_order_for_a_contact_alone_is_refused_with_what_to_do():
    assert "choose an account" in held(order(_accountid_value=None, _contactid_value=guid(9)))["customer"]


def test_another_customer_of_an_order_that_is_in_sap_is_a_conflict():
    refusal = ORDER.write(SAP, {"customer": guid(98)}, document(), context()).refusal
    assert refusal is not None
    assert refusal.conflict
    assert refusal.fields == ("customer",)


# --- days, payment terms, comments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-03-09T23:00:00Z", "Europe/Berlin", "2026-03-10"),
        ("2026-07-09T22:00:00Z", "Europe/Berlin", "2026-07-10"),
        ("2026-07-09T21:59:59Z", "Europe/Berlin", "2026-07-09"),
        ("2026-03-10T00:00:00Z", "UTC", "2026-03-10"),
        ("2026-03-10T05:00:00Z", "America/New_York", "2026-03-10"),
        ("2026-03-10T03:00:00Z", "America/New_York", "2026-03-09"),
    ],
)
def test_the_requested_day_is_that_of_the_time_zone(instant, zone, day):
    assert read(order(requestdeliveryby=instant), timeZone=zone)["requested_delivery"] == day


@pytest.mark.parametrize(("days", "day"), [(0, "2026-03-02"), (7, "2026-03-09")])
def test_without_a_request_delivery_is_so_many_days_after_the_order_was_created_there(days, day):
    row = order(requestdeliveryby=None, createdon="2026-03-01T23:30:00Z")
    assert read(row, deliveryDays=days)["requested_delivery"] == day


def test_saps_midnight_is_no_part_of_the_day():
    assert read(document(DocDueDate="2026-03-10T00:00:00Z"), SAP)["requested_delivery"] == "2026-03-10"


@pytest.mark.parametrize(
    ("code", "default", "term"), [(1, None, 2), (4, 7, 5), (9, 7, 7), (None, 7, 7), (9, None, None), (None, None, None)]
)
def test_payment_terms_are_mapped_or_the_default_or_left_to_the_customers(code, default, term):
    settings = {} if default is None else {"defaultPaymentTerm": default}
    assert read(order(paymenttermscode=code), **settings)["payment_terms"] == term
    body = created(order(paymenttermscode=code), context(**settings)).body
    assert body.get("PaymentGroupCode") == term
    assert ("PaymentGroupCode" in body) is (term is not None)


def test_comments_that_are_too_long_are_held_and_the_order_comes_in():
    writing = created(order(description="7" * 255), context())
    assert writing.refusal is None
    assert set(writing.held) == {"comments"}
    assert "Comments" not in writing.body
    assert created(order(description="7" * 254), context()).body["Comments"] == "7" * 254


# --- content as Dynamics shows it -------------------------------------------------------------------------------------


def test_the_lines_order_in_the_answer_is_no_change():
    one, two = line(LINE_1), line(LINE_2, lineitemnumber=2)
    assert read(order(one, two))["lines"] == read(order(two, one))["lines"]


def test_amounts_count_by_their_value():
    precise = line(quantity=Decimal("2.0000"), priceperunit=Decimal("10.00"), extendedamount=Decimal("20.0"))
    assert read(order(precise))["lines"] == read(order())["lines"]


@pytest.mark.parametrize(
    "change", [{"quantity": Decimal(3)}, {"priceperunit": Decimal(9)}, {"_productid_value": PRODUCT_B}]
)
def test_a_changed_line_is_a_change(change):
    assert read(order(line(**change), totalamount=20))["lines"] != read(order())["lines"]


@pytest.mark.parametrize("row", [order(pricingerrorcode=11), order(line(pricingerrorcode=38))])
def test_what_dynamics_could_not_price_is_refused(row):
    assert "pricing error" in held(row)["lines"]


def test_an_order_in_a_currency_that_is_not_listed_is_refused():
    assert "currency" in held(order(_transactioncurrencyid_value=guid(99)))["lines"]


def test_an_order_whose_lines_did_not_come_is_not_one_without_lines():
    row = order()
    del row["lines"]
    assert "lines" in held(row)


# --- total, status, number --------------------------------------------------------------------------------------------


def test_the_total_is_in_the_documents_own_currency():
    euro = document(DocTotal=Decimal(20), DocTotalFc=Decimal(0))
    dollar = document(DocCurrency="$", DocTotal=Decimal(18), DocTotalFc=Decimal(20))
    assert [read(row, SAP)["total"] for row in (euro, dollar)] == [20, 20]
    assert ORDER.write(SAP, {"total": Decimal(9)}, document(), context()).body == {}
    assert ORDER.write(OTHER, {"total": Decimal(9)}, order(), context()).body == {}


@pytest.mark.parametrize(
    ("status", "cancelled", "expected"),
    [("bost_Open", "tNO", "open"), ("bost_Close", "tNO", "closed"), ("bost_Close", "tYES", "cancelled")],
)
def test_the_status_is_open_closed_or_cancelled(status, cancelled, expected):
    row = document(DocumentStatus=status, Cancelled=cancelled)
    assert read(row, SAP, **BACK)["sap_status"] == expected


@pytest.mark.parametrize("state", [2, 3, 4])
def test_a_read_only_order_holds_what_would_be_written_back(state):
    writing = ORDER.write(OTHER, {"sap_number": 1, "sap_status": "open"}, order(statecode=state), context(**BACK))
    assert writing.body == {}
    assert set(writing.held) == {"sap_number", "sap_status"}
    assert writing.refusal is None


@pytest.mark.parametrize("state", [0, 1])
def test_an_order_that_can_be_written_gets_them(state):
    writing = ORDER.write(OTHER, {"sap_number": 1}, order(statecode=state), context(**BACK))
    assert (writing.body, writing.held) == ({"new_number": "1"}, {})


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_cancelled_order_is_cancelled_in_sap_where_the_settings_say_so():
    writing = ORDER.write(SAP, {"cancelled": True}, document(), context(cancelledOrders="cancel"))
    (step,) = writing.steps
    assert (step.entity, step.operation) == (None, f"Orders({KEY})/Cancel")
    assert (writing.body, writing.refusal) == ({}, None)


@pytest.mark.parametrize(("rule", "row"), [("report", {}), ("cancel", {"DocumentStatus": "bost_Close"})])
def test_else_it_is_a_conflict(rule, row):
    writing = ORDER.write(SAP, {"cancelled": True}, document(**row), context(cancelledOrders=rule))
    assert writing.steps == ()
    assert writing.refusal is not None
    assert writing.refusal.conflict


def test_what_was_cancelled_is_never_reopened():
    writing = ORDER.write(SAP, {"cancelled": False}, document(Cancelled="tYES"), context(cancelledOrders="cancel"))
    assert (writing.body, writing.steps, writing.refusal) == ({}, (), None)


def test_both_sides_tell_whether_it_is_cancelled():
    assert [read(order(statecode=state))["cancelled"] for state in (1, 2)] == [False, True]
    assert [read(document(Cancelled=text), SAP)["cancelled"] for text in ("tNO", "tYES")] == [False, True]


# --- who takes part ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "mark", "taken"),
    [
        (0, Mark(), False),
        (1, Mark(), True),
        (2, Mark(), False),
        (2, CAME_IN, True),
        (3, Mark(), False),
        (0, CAME_IN, False),
    ],
)
def test_a_submitted_order_comes_in_and_a_cancelled_one_that_came_in_before(state, mark, taken):
    reason = ORDER.takes_part(Direction.IN, order(statecode=state), mark, context())
    assert (reason == "") is taken
    assert state != 2 or taken or "cancelled" in reason


def test_other_states_are_taken_where_the_settings_name_them():
    states = [
        state
        for state in (0, 1, 3, 4)
        if not ORDER.takes_part(Direction.IN, order(statecode=state), Mark(), context(orderStates=[0, 4]))
    ]
    assert states == [0, 4]


@pytest.mark.parametrize(
    ("made", "zone", "taken"),
    [
        ("2025-12-31T22:59:59Z", "Europe/Berlin", False),
        ("2025-12-31T23:00:00Z", "Europe/Berlin", True),
        ("2025-12-31T23:00:00Z", "UTC", False),
    ],
)
def test_orders_from_before_the_start_date_stay_there(made, zone, taken):
    reason = ORDER.takes_part(Direction.IN, order(createdon=made), Mark(), context(timeZone=zone))
    assert (reason == "") is taken
    assert taken or "startDate" in reason


def test_without_a_start_date_nothing_comes_in():
    ctx = context(startDate=None)
    assert ORDER.takes_part(Direction.IN, order(), Mark(), ctx) != ""
    assert ORDER.opens_at(ctx) is None
    assert ORDER.opens_at(context()) == datetime(2025, 12, 31, 23, tzinfo=UTC)


def test_out_goes_only_what_came_in_and_nothing_is_created_there():
    assert ORDER.takes_part(Direction.OUT, document(), CAME_IN, context()) == ""
    assert ORDER.takes_part(Direction.OUT, document(), Mark(), context()) != ""
    assert ORDER.why_not_created(Direction.OUT, document(), context()) != ""
    assert ORDER.why_not_created(Direction.IN, order(), context()) == ""
    assert "cancelled" in ORDER.why_not_created(Direction.IN, order(statecode=2), context())
    assert ORDER.mark_on_arrival(order(), context()).on


def test_the_scope_is_orders_since_the_start_of_the_states_that_matter_and_our_own_documents():
    assert ORDER.entity(SAP, context()).scope == "startswith(U_HubRef, 'dynamics:')"
    both = "(statecode eq 1 or statecode eq 2)"
    assert ORDER.entity(OTHER, context()).scope == f"{both} and createdon ge 2025-12-31T23:00:00Z"
    assert ORDER.entity(OTHER, context(startDate=None)).scope == both
    assert ORDER.entity(OTHER, context(orderStates=[3, 1, 3], startDate=None)).scope == (
        "(statecode eq 3 or statecode eq 1 or statecode eq 2)"
    )


def test_parents_are_the_account_and_each_product_once():
    rows = [line(guid(n), _productid_value=key) for n, key in ((1, PRODUCT_A), (2, PRODUCT_B), (3, PRODUCT_A))]
    found = ORDER.parents(OTHER, order(*rows, write_in()), context())
    assert found == (
        Parent("account", OTHER, ACCOUNT_ID),
        Parent("product", OTHER, PRODUCT_A),
        Parent("product", OTHER, PRODUCT_B),
    )
    assert ORDER.parents(OTHER, order(_accountid_value=None), context()) == (Parent("product", OTHER, PRODUCT_A),)
    assert ORDER.parents(SAP, document(), context()) == ()


# --- set-up and drafts ------------------------------------------------------------------------------------------------


def test_set_up_makes_our_reference_on_documents_and_rows_and_the_columns_that_are_named():
    always = [("sap", "Document", "U_HubRef"), ("sap", "DocumentLine", "U_HubRef")]
    assert [(c.side, c.entity.type, c.column) for c in ORDER.columns_needed(context())] == always
    found = [(c.side, c.entity.type, c.column) for c in ORDER.columns_needed(context(**BACK))]
    assert found == [*always, ("other", "salesorder", "new_number"), ("other", "salesorder", "new_status")]


@pytest.mark.parametrize("state", [None, "dasWithout", "dasPending", "dasApproved", "dasGenerated"])
def test_a_draft_that_may_still_become_an_order_is_waited_for(state):
    assert ORDER.why_no_document({"AuthorizationStatus": state}) == ""


@pytest.mark.parametrize("state", ["dasRejected", "dasCancelled"])
def test_a_draft_that_was_not_approved_says_what_to_do(state):
    assert "Delete the draft" in ORDER.why_no_document({"AuthorizationStatus": state})


def test_orders_are_transactional_and_slow_and_drafts_are_looked_for():
    entity = ORDER.entity(SAP, context())
    assert (entity.drafts, entity.slow, entity.reference) == ("Drafts", True, "U_HubRef")
    assert "AuthorizationStatus" in entity.select
    assert ORDER.transactional
    assert ORDER.slice_size == 16


@pytest.mark.parametrize(
    "given",
    [
        {"orderStates": []},
        {"orderStates": [2]},
        {"orderStates": [9]},
        {"timeZone": "Mars/Olympus"},
        {"orderNumberColumn": "sapnumber"},
        {"orderNumberColumn": "new_nummer!"},
        {"deliveryDays": -1},
        {"cancelledOrders": "ignore"},
        {"startDate": "soon"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given):
    with pytest.raises(ValueError):
        OrderSettings.model_validate(given)


def test_an_order_that_is_marked_by_hand_goes_out_too():
    assert ORDER.takes_part(Direction.OUT, document(), MARK, context()) == ""
