"""The quotation: what is taken, how a revision takes a quote's place and its rows, and what is written back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.objects.dynamics.order import ORDER
from shared.objects.dynamics.quotation import QUOTATION
from shared.objects.model import KEY, Context, Direction, Parent, Writing
from shared.ports import Mark, Row
from tests.unit.objects.sales_support import (
    ACCOUNT_ID,
    BOX,
    CAME_IN,
    LINE_1,
    LINE_2,
    LINE_3,
    OTHER,
    PRODUCT_A,
    PRODUCT_B,
    SAP,
    context,
    guid,
    order,
    sap_order,
    write_in,
)
from tests.unit.objects.sales_support import line as order_line

QUOTE_ID = guid(70)
DRAFT, ACTIVE, WON, CLOSED = 0, 1, 2, 3
REVISED = {"statecode": CLOSED, "statuscode": 7}
LOST = {"statecode": CLOSED, "statuscode": 5}
BACK = {"quotationNumberColumn": "new_number", "quotationStatusColumn": "new_status"}
NEW_1, NEW_2, NEW_3 = guid(81), guid(82), guid(83)


def line(key: str = LINE_1, **changes: Any) -> Row:
    """A line of two pieces at 10.00."""
    row = order_line(key, **changes)
    return {"quotedetailid": row.pop("salesorderdetailid"), **row}


def extra(key: str = LINE_2, **changes: Any) -> Row:
    """A write-in of one at 5.00."""
    row = write_in(key, **changes)
    return {"quotedetailid": row.pop("salesorderdetailid"), **row}


def quote(*lines: Row, **changes: Any) -> Row:
    """An active quote of these lines (one if none is given); its total is that of its lines."""
    rows = list(lines) or [line()]
    total = sum((each["extendedamount"] for each in rows), Decimal(0))
    row: Row = dict.fromkeys(QUOTATION.entity(OTHER, context()).select)
    row |= {
        "quoteid": QUOTE_ID,
        "quotenumber": "QUO-01000",
        "_accountid_value": ACCOUNT_ID,
        "_transactioncurrencyid_value": order()["_transactioncurrencyid_value"],
        "totalamountlessfreight": total,
        "totalamount": total,
        "pricingerrorcode": 0,
        "statecode": ACTIVE,
        "statuscode": 2,
        "createdon": "2026-03-01T10:00:00Z",
        "effectiveto": "2026-03-30T22:00:00Z",
        "lines": rows,
    }
    return row | changes


def read(row: Row, side: Any = OTHER, **settings: Any) -> dict[str, Any]:
    reading = QUOTATION.read(side, row, CAME_IN, context(**settings))
    assert reading.held == {}
    return reading.values


def content(row: Row, ctx: Context) -> Any:
    return QUOTATION.read(OTHER, row, CAME_IN, ctx).values["lines"]


def document(row: Row, ctx: Context | None = None, **changes: Any) -> Row:
    """SAP's quotation of a quote."""
    ctx = ctx or context()
    unsent = ("total", "cancelled", "sap_number", "sap_status")
    values = {n: v for n, v in QUOTATION.read(OTHER, row, CAME_IN, ctx).values.items() if n not in unsent}
    writing = QUOTATION.write(SAP, values, None, ctx, hub_reference=f"dynamics:{QUOTE_ID}")
    assert (writing.held, writing.refusal) == ({}, None)
    return sap_order(writing.body, **changes)


# --- the document -----------------------------------------------------------------------------------------------------


def test_an_active_quote_is_a_quotation_with_its_number_customer_and_end() -> None:
    found = document(quote(description="By sea"), context(branchForDocuments=1))
    assert (found["NumAtCard"], found["CardCode"], found["DocDueDate"]) == ("QUO-01000", "C20000", "2026-03-31")
    assert (found["Comments"], found["U_HubRef"], found["BPL_IDAssignedToInvoice"]) == (
        "By sea",
        f"dynamics:{QUOTE_ID}",
        1,
    )
    assert [row["U_HubRef"] for row in found["DocumentLines"]] == [LINE_1]


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ({"effectiveto": "2026-03-30T22:00:00Z", "expireson": "2026-12-24"}, "2026-03-31"),
        ({"effectiveto": None, "expireson": "2026-12-24"}, "2026-12-24"),
        ({"effectiveto": None}, "2026-03-11"),
        ({"effectiveto": None, "createdon": "2026-03-01T23:30:00Z"}, "2026-03-12"),
    ],
)
def test_a_quote_is_good_until_it_says_so_else_as_long_as_the_settings_say(given: Row, day: str) -> None:
    assert read(quote(**given), quotationDays=10)["valid_until"] == day


@pytest.mark.parametrize("side", [SAP, OTHER])
def test_every_selected_column_is_enough_to_read(side: Any) -> None:
    ctx = context(**BACK)
    full = document(quote()) if side is SAP else quote(new_number=None, new_status=None)
    row = {name: full[name] for name in QUOTATION.entity(side, ctx).select}
    assert QUOTATION.read(side, row if side is SAP else row | {"lines": full["lines"]}, CAME_IN, ctx).held == {}


# --- what is taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "mark", "word"),
    [
        ({"statecode": DRAFT, "statuscode": 1}, Mark(), "draft"),
        ({"statecode": ACTIVE, "statuscode": 2}, Mark(), ""),
        ({"statecode": WON, "statuscode": 4}, Mark(), ""),
        (LOST, Mark(), "cancelled"),
        (LOST, CAME_IN, ""),
        ({"statecode": CLOSED, "statuscode": 6}, CAME_IN, ""),
        (REVISED, CAME_IN, "revision"),
        (REVISED, Mark(), "revision"),
        ({"statecode": CLOSED, "statuscode": 100}, CAME_IN, "closed"),
    ],
)
def test_active_and_won_quotes_come_in_and_lost_ones_that_came_in_before(state: Row, mark: Mark, word: str) -> None:
    reason = QUOTATION.takes_part(Direction.IN, quote(**state), mark, context())
    assert word in reason
    assert bool(reason) is bool(word)


def test_lost_is_cancelled_and_revised_is_not() -> None:
    assert [read(quote(**state))["cancelled"] for state in ({}, LOST, REVISED)] == [False, True, False]
    assert QUOTATION.why_not_created(Direction.IN, quote(**LOST), context()) != ""
    assert QUOTATION.why_not_created(Direction.IN, quote(statecode=WON), context()) == ""


def test_the_scope_has_every_state_that_matters_since_the_start_date() -> None:
    assert QUOTATION.entity(OTHER, context()).scope == (
        "(statecode eq 1 or statecode eq 2 or statecode eq 3) and createdon ge 2025-12-31T23:00:00Z"
    )
    assert QUOTATION.entity(SAP, context()).scope == "startswith(U_HubRef, 'dynamics:')"


def test_quotes_from_before_the_start_date_stay_there() -> None:
    old = quote(createdon="2025-12-31T22:59:59Z")
    assert "startDate" in QUOTATION.takes_part(Direction.IN, old, Mark(), context())


@pytest.mark.parametrize(("rule", "is_conflict"), [("cancel", False), ("report", True)])
def test_a_lost_quote_cancels_its_quotation_or_is_reported(rule: str, is_conflict: bool) -> None:
    writing = QUOTATION.write(SAP, {"cancelled": True}, document(quote()), context(cancelledQuotations=rule))
    assert [step.operation for step in writing.steps] == ([] if is_conflict else [f"Quotations({KEY})/Cancel"])
    assert (writing.refusal is not None) is is_conflict


def test_account_and_products_are_the_parents() -> None:
    rows = [line(LINE_1), line(LINE_3, _productid_value=PRODUCT_B), extra()]
    required = {parent for parent in QUOTATION.parents(OTHER, quote(*rows), context()) if parent.required}
    assert required == {
        Parent("account", OTHER, ACCOUNT_ID),
        Parent("product", OTHER, PRODUCT_A),
        Parent("product", OTHER, PRODUCT_B),
    }
    assert "order" in QUOTATION.parent_of


# --- a revision takes the place of its quote --------------------------------------------------------------------------


def test_a_quotation_is_matched_by_the_quotes_number_if_the_hub_made_it() -> None:
    (match,) = QUOTATION.matches(context())
    assert (match.sap_column, match.other_column) == ("NumAtCard", "quotenumber")
    assert QUOTATION.is_one(SAP, {"U_HubRef": "dynamics:x"})
    assert not QUOTATION.is_one(SAP, {"U_HubRef": None})


@pytest.mark.parametrize(
    ("state", "is_one"),
    [({}, True), ({"statecode": WON, "statuscode": 4}, True), (LOST, True), (REVISED, False),
     ({"statecode": ACTIVE, "statuscode": 7}, True)],
)  # fmt: skip
def test_of_quotes_with_one_number_the_revised_ones_are_none(state: Row, is_one: bool) -> None:
    assert QUOTATION.is_one(OTHER, quote(**state)) is is_one


@pytest.mark.parametrize(
    ("before", "replaces"),
    [
        (REVISED, True),
        (LOST, False),
        ({"statecode": ACTIVE, "statuscode": 2}, False),
        ({**REVISED, "quotenumber": "QUO-01001"}, False),
    ],
)
def test_a_quote_replaces_a_revised_one_of_its_number_alone(before: Row, replaces: bool) -> None:
    assert QUOTATION.replaces(quote(quoteid=guid(71)), quote(**before)) is replaces


def test_orders_replace_none() -> None:
    assert ORDER.replaces(order(), order(statecode=2)) is False


# --- its lines take over the rows -------------------------------------------------------------------------------------


def revised(row: Row, current: Row, ctx: Context | None = None) -> Writing:
    ctx = ctx or context()
    return QUOTATION.write(SAP, {"lines": content(row, ctx)}, current, ctx)


def rows_of(writing: Writing) -> list[Row]:
    assert (writing.held, writing.refusal) == ({}, None)
    assert writing.replace
    return list(writing.body["DocumentLines"])


BEFORE = (
    line(LINE_1),
    line(LINE_2, lineitemnumber=2, _productid_value=PRODUCT_B),
    line(LINE_3, lineitemnumber=3, _uomid_value=BOX),
)
AFTER = (
    line(NEW_1),
    line(NEW_2, lineitemnumber=2, _productid_value=PRODUCT_B),
    line(NEW_3, lineitemnumber=3, _uomid_value=BOX),
)


def test_lines_of_a_revision_take_over_rows_of_the_same_item_and_unit_and_leave_their_figures() -> None:
    assert rows_of(revised(quote(*AFTER), document(quote(*BEFORE)))) == [
        {"LineNum": 0, "U_HubRef": NEW_1},
        {"LineNum": 1, "U_HubRef": NEW_2},
        {"LineNum": 2, "U_HubRef": NEW_3},
    ]


def test_rows_are_found_by_their_thing_whatever_the_order_of_the_lines() -> None:
    turned = [each | {"lineitemnumber": 4 - each["lineitemnumber"]} for each in AFTER]
    rows = rows_of(revised(quote(*turned), document(quote(*BEFORE))))
    assert [(row["LineNum"], row["U_HubRef"]) for row in rows] == [(2, NEW_3), (1, NEW_2), (0, NEW_1)]


def test_lines_of_the_same_thing_take_over_rows_in_their_order() -> None:
    twice = quote(line(LINE_1), line(LINE_2, lineitemnumber=2))
    again = quote(line(NEW_1), line(NEW_2, lineitemnumber=2))
    rows = rows_of(revised(again, document(twice)))
    assert [(row["LineNum"], row["U_HubRef"]) for row in rows] == [(0, NEW_1), (1, NEW_2)]


def test_a_row_of_its_own_comes_before_one_of_the_same_thing() -> None:
    twice = quote(line(LINE_1), line(LINE_2, lineitemnumber=2))
    rows = rows_of(revised(quote(line(NEW_1), line(LINE_1, lineitemnumber=2)), document(twice)))
    assert rows == [{"LineNum": 1, "U_HubRef": NEW_1}, {"LineNum": 0}]


def test_a_changed_line_of_a_revision_changes_its_row_with_its_reference() -> None:
    more = line(NEW_1, quantity=Decimal(3), extendedamount=Decimal(30))
    (row,) = rows_of(revised(quote(more), document(quote())))
    assert (row["LineNum"], row["U_HubRef"], row["Quantity"]) == (0, NEW_1, 3)


def test_what_the_revision_has_besides_is_added_and_what_it_lacks_goes() -> None:
    kept, other = AFTER[0], line(NEW_2, lineitemnumber=2, _uomid_value=BOX, _productid_value=PRODUCT_B)
    rows = rows_of(revised(quote(kept, other), document(quote(*BEFORE))))
    assert [(row["LineNum"], row["U_HubRef"]) for row in rows] == [(0, NEW_1), (3, NEW_2)]


def test_a_write_in_takes_over_the_row_with_its_text() -> None:
    ctx = context(writeInItem="SERVICE")
    before = quote(line(), extra(LINE_2, text="Assembly"), extra(LINE_3, text="Paint", lineitemnumber=3))
    after = quote(extra(NEW_1, text="Paint", lineitemnumber=1), extra(NEW_2, text="Sand"))
    rows = rows_of(revised(after, document(before, ctx), ctx))
    assert [row["LineNum"] for row in rows] == [2, 3]


def test_a_row_that_was_ordered_already_is_not_taken_from_a_line_that_went() -> None:
    current = document(quote(*BEFORE))
    current["DocumentLines"][1]["LineStatus"] = "bost_Close"
    refusal = revised(quote(AFTER[0], AFTER[2]), current).refusal
    assert refusal is not None
    assert refusal.conflict


def test_a_revision_of_a_closed_quotation_is_a_conflict() -> None:
    refusal = revised(quote(*AFTER), document(quote(*BEFORE), DocumentStatus="bost_Close")).refusal
    assert refusal is not None
    assert refusal.conflict


# --- what is written back ---------------------------------------------------------------------------------------------


def test_an_active_quote_becomes_a_draft_and_active_again_around_what_is_written() -> None:
    writing = QUOTATION.write(OTHER, {"sap_number": 9, "sap_status": "open"}, quote(), context(**BACK))
    assert writing.body == {"new_number": "9", "new_status": "open"}
    assert writing.around == ({"statecode": 0, "statuscode": 1}, {"statecode": 1, "statuscode": 2})


def test_a_draft_is_written_as_it_is_and_an_active_order_too() -> None:
    draft = quote(statecode=DRAFT, statuscode=1)
    assert QUOTATION.write(OTHER, {"sap_number": 9}, draft, context(**BACK)).around is None
    ctx = context(orderNumberColumn="new_number")
    assert ORDER.write(OTHER, {"sap_number": 9}, order(), ctx).around is None
    nothing = QUOTATION.write(OTHER, {"comments": "x", "total": Decimal(1)}, quote(), context(**BACK))
    assert (nothing.body, nothing.around) == ({}, None)


@pytest.mark.parametrize("state", [WON, CLOSED])
def test_a_won_or_closed_quote_takes_nothing(state: int) -> None:
    writing = QUOTATION.write(OTHER, {"sap_number": 9, "sap_status": "open"}, quote(statecode=state), context(**BACK))
    assert (writing.body, writing.around, set(writing.held)) == ({}, None, {"sap_number", "sap_status"})


@pytest.mark.parametrize(
    ("changes", "left", "status"),
    [
        ({}, 2, "open"),
        ({}, 1, "partly ordered"),
        ({"DocumentStatus": "bost_Close"}, 0, "closed"),
        ({"DocumentStatus": "bost_Close", "Cancelled": "tYES"}, 2, "cancelled"),
    ],
)
def test_the_status_is_what_sap_made_of_the_quotation(changes: Row, left: int, status: str) -> None:
    current = document(quote(), **changes)
    current["DocumentLines"][0]["RemainingOpenQuantity"] = Decimal(left)
    assert read(current, SAP, **BACK)["sap_status"] == status
