"""An order on its quotation: whose rows are its base, and which quote it waits for."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.objects.dynamics.order import ORDER
from shared.objects.model import Parent
from shared.ports import Row
from tests.unit.objects.sales_support import (
    BOX,
    CAME_IN,
    LINE_1,
    LINE_3,
    OTHER,
    SAP,
    context,
    guid,
    order,
    sap_order,
)
from tests.unit.objects.sales_support import line as order_line
from tests.unit.objects.test_quotation import BEFORE, NEW_1, NEW_2, NEW_3, QUOTE_ID, document, quote

OFFER = Parent("quotation", OTHER, QUOTE_ID)
QUOTED = {"_quoteid_value": QUOTE_ID, "quote": {"quoteid": QUOTE_ID, "createdon": "2026-02-01T10:00:00Z"}}


def ordered(offer: Row | None, *lines: Row, current: Row | None = None, **changes: Any) -> list[Row]:
    """The rows of an order of that quote, whose quotation in SAP is given."""
    ctx = replace(context(writeInItem="SERVICE"), rows={} if offer is None else {OFFER: offer})
    row = order(*(lines or (order_line(_quotedetailid_value=LINE_1),)), **{**QUOTED, **changes})
    values = {"lines": ORDER.read(OTHER, row, CAME_IN, ctx).values["lines"]}
    writing = ORDER.write(SAP, values, current, ctx)
    assert (writing.held, writing.refusal) == ({}, None)
    return list(writing.body["DocumentLines"])


def base_of(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("BaseType", "BaseEntry", "BaseLine"))


def test_rows_of_an_order_are_based_on_the_rows_of_the_lines_they_were_quoted_in() -> None:
    offer = document(quote(*BEFORE), DocEntry=55)
    lines = (
        order_line(NEW_1, _quotedetailid_value=LINE_3, _uomid_value=BOX),
        order_line(NEW_2, lineitemnumber=2, _quotedetailid_value=LINE_1),
        order_line(NEW_3, lineitemnumber=3, _quotedetailid_value=None),
    )
    rows = ordered(offer, *lines)
    assert [base_of(row) for row in rows] == [(23, 55, 2), (23, 55, 0), (None, None, None)]
    assert [row["U_HubRef"] for row in rows] == [NEW_1, NEW_2, NEW_3]


def _closed_row(offer: Row) -> None:
    offer["DocumentLines"][0]["LineStatus"] = "bost_Close"


def _other_item(offer: Row) -> None:
    offer["DocumentLines"][0]["ItemCode"] = "I00009"


def _closed(offer: Row) -> None:
    offer["DocumentStatus"] = "bost_Close"


def _foreign_row(offer: Row) -> None:
    offer["DocumentLines"][0]["U_HubRef"] = None


@pytest.mark.parametrize("change", [_closed_row, _other_item, _closed, _foreign_row])
def test_a_row_that_is_closed_or_of_another_item_is_no_base(change: Any) -> None:
    offer = document(quote())
    assert base_of(ordered(deepcopy(offer))[0]) == (23, 77, 0)
    change(offer)
    assert base_of(ordered(offer)[0]) == (None, None, None)


def test_a_line_that_was_not_quoted_is_not_based_on_a_row_that_somebody_entered_by_hand() -> None:
    offer = document(quote())
    _foreign_row(offer)
    assert base_of(ordered(offer, order_line(_quotedetailid_value=None))[0]) == (None, None, None)


def test_without_its_quotation_an_order_stands_alone() -> None:
    assert base_of(ordered(None)[0]) == (None, None, None)
    assert base_of(ordered(document(quote()), _quoteid_value=guid(99))[0]) == (None, None, None)
    assert base_of(ordered(document(quote()), _quoteid_value=None)[0]) == (None, None, None)


def test_rows_of_an_order_that_are_there_get_no_other_base() -> None:
    offer = document(quote())
    there = sap_order({"DocumentLines": ordered(offer), "DocumentAdditionalExpenses": [], "DocCurrency": "EUR"})
    more = order_line(_quotedetailid_value=LINE_1, quantity=Decimal(3), extendedamount=Decimal(30))
    (row,) = ordered(offer, more, current=there)
    assert (row["LineNum"], row["Quantity"], base_of(row)) == (0, 3, (None, None, None))


def test_an_order_waits_for_its_quote_where_that_one_comes_to_sap() -> None:
    row = order(**QUOTED)
    assert OFFER in ORDER.parents(OTHER, row, context())
    assert ORDER.bases(OTHER, row, context()) == (OFFER,)


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"quote": None}, {}),
        ({"quote": {"createdon": "2025-12-31T22:59:59Z"}}, {}),
        ({}, {"directions": {"quotation": []}}),
        ({}, {"startDate": None}),
    ],
)
def test_an_order_whose_quote_never_comes_waits_for_none(changes: Row, settings: Row) -> None:
    row = order(**{**QUOTED, **changes})
    assert ORDER.bases(OTHER, row, context(**settings)) == ()
    assert OFFER not in ORDER.parents(OTHER, row, context(**settings))


def test_a_document_of_sap_has_no_base_to_wait_for() -> None:
    assert ORDER.bases(SAP, document(quote()), context()) == ()
