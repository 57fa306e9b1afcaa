"""An order's content as SAP's rows: created, changed, and what must not be touched."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from shared.objects.dynamics.order import ORDER
from shared.objects.model import Context, Writing
from shared.ports import Row
from tests.unit.objects.sales_support import (
    BOX,
    CAME_IN,
    DEFAULT_UNIT,
    JPY_ID,
    LINE_1,
    LINE_2,
    LINE_3,
    LISTS,
    OTHER,
    PRODUCT_B,
    SAP,
    content,
    context,
    created,
    guid,
    line,
    order,
    parts,
    sap_order,
    write_in,
)
from tests.unit.objects.support import USD_ID

EXEMPT = {"VatGroup": "A0"}


def rows_of(row: Row, ctx: Context | None = None) -> list[Row]:
    writing = created(row, ctx or context())
    assert (writing.held, writing.refusal) == ({}, None)
    return list(writing.body["DocumentLines"])


def refused(row: Row, **settings: Any) -> str:
    writing = created(row, context(**settings))
    assert writing.refusal is not None
    assert writing.refusal.fields == ("lines",)
    assert not writing.refusal.conflict
    return writing.refusal.text


# --- a new document ---------------------------------------------------------------------------------------------------


def test_a_line_becomes_a_row_with_its_figures_our_reference_and_the_exempt_code():
    assert rows_of(order()) == [
        {
            "ItemCode": "I00001",
            "UoMEntry": 11,
            "Quantity": 2,
            "UnitPrice": 10,
            "DiscountPercent": 0,
            "DocumentLineAdditionalExpenses": [],
            "U_HubRef": LINE_1,
            **EXEMPT,
        }
    ]


def test_rows_stand_in_the_order_of_the_lines():
    rows = [line(LINE_1, lineitemnumber=3), line(LINE_2, lineitemnumber=1), line(LINE_3, lineitemnumber=2)]
    assert [row["U_HubRef"] for row in rows_of(order(*rows))] == [LINE_2, LINE_3, LINE_1]


def test_a_company_with_sales_tax_codes_gets_those():
    (row,) = rows_of(order(line(tax=Decimal(2), extendedamount=Decimal(22))), context(exemptTaxCode="EX"))
    assert row["TaxCode"] == "EX"
    assert "VatGroup" not in row
    assert row["DocumentLineAdditionalExpenses"][0]["TaxCode"] == "EX"


@pytest.mark.parametrize("code", [None, "A1", "NY", "V0", "X0", "AP", "ZZ"])
def test_without_an_exempt_code_of_zero_nothing_is_entered(code):
    assert "exemptTaxCode" in refused(order(), exemptTaxCode=code)


def test_a_lines_tax_is_a_freight_on_its_row_and_shipping_one_on_the_document():
    taxed = line(tax=Decimal("3.80"), extendedamount=Decimal("23.80"))
    body = created(order(taxed, freightamount=Decimal("7.50")), context()).body
    assert body["DocumentLines"][0]["DocumentLineAdditionalExpenses"] == [
        {"ExpenseCode": 2, "LineTotal": Decimal("3.80"), **EXEMPT}
    ]
    assert body["DocumentAdditionalExpenses"] == [{"ExpenseCode": 1, "LineTotal": Decimal("7.50"), **EXEMPT}]
    assert (body["DocumentLines"][0]["Quantity"], body["DocumentLines"][0]["UnitPrice"]) == (2, 10)


def test_without_tax_and_shipping_there_is_no_freight_and_none_need_be_set():
    body = created(order(), context(freightForShipping=None, freightForItemTax=None)).body
    assert body["DocumentAdditionalExpenses"] == []
    assert body["DocumentLines"][0]["DocumentLineAdditionalExpenses"] == []


def test_tax_or_shipping_without_its_freight_is_refused_with_the_setting():
    taxed = order(line(tax=Decimal(2), extendedamount=Decimal(22)))
    assert "freightForItemTax" in refused(taxed, freightForItemTax=None)
    assert "freightForShipping" in refused(order(freightamount=Decimal(5)), freightForShipping=None)


def test_a_document_in_local_currency_has_its_amounts_in_the_local_columns():
    body = created(order(freightamount=Decimal(5)), context()).body
    assert body["DocCurrency"] == "EUR"
    assert "LineTotalFC" not in body["DocumentAdditionalExpenses"][0]


def test_a_document_in_foreign_currency_has_its_amounts_in_the_columns_for_foreign_ones():
    taxed = line(tax=Decimal(2), extendedamount=Decimal(22))
    body = created(order(taxed, freightamount=Decimal(5), _transactioncurrencyid_value=USD_ID), context()).body
    assert body["DocCurrency"] == "$"
    for freight in (
        body["DocumentAdditionalExpenses"][0],
        body["DocumentLines"][0]["DocumentLineAdditionalExpenses"][0],
    ):
        assert "LineTotalFC" in freight
        assert "LineTotal" not in freight


def test_amounts_have_the_decimals_of_the_documents_currency():
    fine = line(quantity=Decimal(1), priceperunit=Decimal("10.5"), extendedamount=Decimal("10.5"))
    assert "decimals" in refused(order(fine, _transactioncurrencyid_value=JPY_ID))
    assert rows_of(order(fine))[0]["UnitPrice"] == Decimal("10.5")


def test_a_discount_of_the_header_is_saps_percentage():
    body = created(order(totalamountlessfreight=Decimal(18), totalamount=Decimal(18)), context()).body
    assert body["DiscountPercent"] == 10
    assert body["DocumentLines"][0]["DiscountPercent"] == 0


def test_amounts_that_do_not_add_up_are_refused():
    assert "add up" in refused(order(totalamount=Decimal(99)))


def test_an_order_without_lines_is_refused():
    row = order(totalamountlessfreight=Decimal(0), totalamount=Decimal(0))
    assert "no lines" in refused(row | {"lines": []})


def test_a_unit_is_saps_and_none_for_items_without_a_group():
    assert rows_of(order(line(_uomid_value=BOX)))[0]["UoMEntry"] == 12
    assert "UoMEntry" not in rows_of(order(line(_uomid_value=DEFAULT_UNIT)))[0]
    assert rows_of(order(line(_uomid_value=BOX.upper())))[0]["UoMEntry"] == 12


def test_a_mapped_unit_is_the_one_it_is_mapped_to():
    units = [{**each, "name": "Karton"} if each["uomid"] == BOX else each for each in LISTS["other.units"]]
    ctx = context({"other.units": units}, units={"BX": "Karton"})
    assert rows_of(order(line(_uomid_value=BOX)), ctx)[0]["UoMEntry"] == 12


def test_a_unit_that_sap_does_not_know_is_refused_with_the_setting():
    units = [{**each, "name": "Karton"} for each in LISTS["other.units"]]
    writing = created(order(), context({"other.units": units}))
    assert writing.refusal is not None
    assert "(units)" in writing.refusal.text
    assert "unit" in refused(order(line(_uomid_value=guid(99))))


def test_a_product_that_is_not_linked_is_refused():
    assert "not linked" in refused(order(line(_productid_value=guid(99))))


def test_a_write_in_is_the_item_of_the_settings_with_its_own_text():
    rows = rows_of(order(line(), write_in(text=" Assembly ")), context(writeInItem="SERVICE"))
    assert (rows[1]["ItemCode"], rows[1]["ItemDescription"]) == ("SERVICE", "Assembly")
    assert "UoMEntry" not in rows[1]
    assert "ItemDescription" not in rows[0]


def test_a_write_in_without_its_item_or_with_a_text_too_long_is_refused():
    assert "writeInItem" in refused(order(write_in()))
    assert "100" in refused(order(write_in(text="7" * 101)), writeInItem="SERVICE")
    assert rows_of(order(write_in(text="7" * 100)), context(writeInItem="SERVICE"))


def test_rows_get_the_warehouse_of_the_settings():
    assert rows_of(order(), context(warehouseForDocuments="02"))[0]["WarehouseCode"] == "02"
    assert "WarehouseCode" not in rows_of(order())[0]


# --- a change ---------------------------------------------------------------------------------------------------------


def document(row: Row, ctx: Context | None = None, **changes: Any) -> Row:
    return sap_order(created(row, ctx or context()).body, **changes)


def changed(row: Row, current: Row, ctx: Context | None = None) -> Writing:
    ctx = ctx or context()
    return ORDER.write(SAP, {"lines": content(row, ctx)}, current, ctx)


TWO = (line(LINE_1), line(LINE_2, lineitemnumber=2, _productid_value=PRODUCT_B))


def test_rows_that_stay_are_named_by_number_alone_and_changed_ones_by_their_reference():
    more = line(LINE_2, lineitemnumber=2, _productid_value=PRODUCT_B, quantity=Decimal(3), extendedamount=Decimal(30))
    writing = changed(order(TWO[0], more), document(order(*TWO)))
    assert writing.replace
    assert writing.refusal is None
    assert writing.body["DocumentLines"] == [
        {"LineNum": 0},
        {
            "LineNum": 1,
            "ItemCode": "I00002",
            "UoMEntry": 11,
            "Quantity": 3,
            "UnitPrice": 10,
            "DiscountPercent": 0,
            "DocumentLineAdditionalExpenses": [],
        },
    ]
    assert "DocCurrency" not in writing.body


def test_an_unchanged_order_names_its_rows_by_number_alone():
    taxed = line(tax=Decimal(2), extendedamount=Decimal(22))
    row = order(taxed, write_in(), freightamount=Decimal(5))
    ctx = context(writeInItem="SERVICE")
    writing = changed(row, document(row, ctx), ctx)
    assert writing.body["DocumentLines"] == [{"LineNum": 0}, {"LineNum": 1}]
    assert writing.body["DocumentAdditionalExpenses"][0]["LineNum"] == 0


@pytest.mark.parametrize("currency", [None, USD_ID])
def test_an_unchanged_tax_is_recognised_in_either_currency(currency):
    given = {} if currency is None else {"_transactioncurrencyid_value": currency}
    row = order(line(tax=Decimal(2), extendedamount=Decimal(22)), **given)
    current = document(row)
    (freight,) = current["DocumentLines"][0]["DocumentLineAdditionalExpenses"]
    if currency:
        freight["LineTotal"] = Decimal("1.80")  # SAP shows the local amount beside the foreign one
    else:
        freight["LineTotalFC"] = Decimal(0)
    assert changed(row, current).body["DocumentLines"] == [{"LineNum": 0}]


def test_a_line_that_is_gone_is_not_named_so_that_its_row_goes():
    writing = changed(order(TWO[1]), document(order(*TWO)))
    assert writing.replace
    assert writing.body["DocumentLines"] == [{"LineNum": 1}]


def test_new_lines_get_numbers_that_no_row_has():
    current = document(order(TWO[0]))
    current["DocumentLines"][0]["LineNum"] = 4
    rows = changed(order(*TWO, line(LINE_3, lineitemnumber=3)), current).body["DocumentLines"]
    assert [row["LineNum"] for row in rows] == [4, 5, 6]
    assert [row.get("U_HubRef") for row in rows] == [None, LINE_2, LINE_3]
    assert {**EXEMPT}.items() <= rows[1].items()


def test_a_changed_tax_or_text_changes_its_row():
    ctx = context(writeInItem="SERVICE")
    row = order(line(tax=Decimal(2), extendedamount=Decimal(22)), write_in())
    other = order(line(tax=Decimal(3), extendedamount=Decimal(23)), write_in(text="Assembly"))
    rows = changed(other, document(row, ctx), ctx).body["DocumentLines"]
    assert rows[0]["DocumentLineAdditionalExpenses"][0]["LineTotal"] == 3
    assert rows[1]["ItemDescription"] == "Assembly"


def test_shipping_that_ends_is_set_to_nothing_and_one_that_begins_is_added():
    with_it, without = order(freightamount=Decimal(5)), order()
    ended = changed(without, document(with_it)).body["DocumentAdditionalExpenses"]
    assert ended == [{"LineNum": 0, "ExpenseCode": 1, "LineTotal": 0, **EXEMPT}]
    begun = changed(with_it, document(without)).body["DocumentAdditionalExpenses"]
    assert begun == [{"ExpenseCode": 1, "LineTotal": 5, **EXEMPT}]


def test_a_row_freight_or_currency_of_somebody_else_is_a_conflict():
    row = order(*TWO)
    own_row, own_freight, own_currency = (document(row) for _ in range(3))
    own_row["DocumentLines"].append({"LineNum": 2, "ItemCode": "I00009", "U_HubRef": None})
    own_freight["DocumentAdditionalExpenses"].append({"LineNum": 0, "ExpenseCode": 9, "LineTotal": Decimal(1)})
    own_currency["DocCurrency"] = "$"
    for current in (own_row, own_freight, own_currency):
        writing = changed(row, current)
        assert writing.refusal is not None
        assert writing.refusal.conflict
        assert "DocumentLines" not in writing.body


def test_a_closed_order_is_a_conflict():
    writing = changed(order(*TWO), document(order(TWO[0]), DocumentStatus="bost_Close"))
    assert writing.refusal is not None
    assert writing.refusal.conflict
    assert "closed" in writing.refusal.text


def test_a_delivered_line_that_was_changed_is_a_conflict_and_one_that_was_not_is_none():
    current = document(order(*TWO))
    current["DocumentLines"][0]["LineStatus"] = "bost_Close"
    kept = order(
        TWO[0],
        line(LINE_2, lineitemnumber=2, _productid_value=PRODUCT_B, quantity=Decimal(1), extendedamount=Decimal(10)),
    )
    assert changed(kept, current).refusal is None
    more = order(line(LINE_1, quantity=Decimal(3), extendedamount=Decimal(30)), TWO[1])
    refusal = changed(more, current).refusal
    assert refusal is not None
    assert refusal.conflict
    assert "delivered" in refusal.text


def test_a_delivered_line_that_was_removed_is_a_conflict():
    current = document(order(*TWO))
    current["DocumentLines"][0]["LineStatus"] = "bost_Close"
    refusal = changed(order(TWO[1]), current).refusal
    assert refusal is not None
    assert refusal.conflict


# --- what SAP's user could have edited --------------------------------------------------------------------------------


def shown(row: Row) -> str:
    reading = ORDER.read(SAP, row, CAME_IN, context())
    assert reading.held == {}
    return str(reading.values["lines"])


def test_what_follows_from_deliveries_is_no_edit():
    current = document(order(*TWO))
    later = deepcopy(current)
    later["DocumentLines"][0] |= {"LineStatus": "bost_Close", "RemainingOpenQuantity": Decimal(0)}
    later["DocumentStatus"] = "bost_Close"
    assert shown(later) == shown(current)


@pytest.mark.parametrize(
    "edit", [{"Quantity": Decimal(9)}, {"UnitPrice": Decimal(9)}, {"ItemCode": "I9"}, {"DiscountPercent": Decimal(5)}]
)
def test_an_edited_row_is_an_edit(edit):
    current = document(order(*TWO))
    later = deepcopy(current)
    later["DocumentLines"][1] |= edit
    assert shown(later) != shown(current)
    assert parts(shown(later))["lines"][1] != parts(shown(current))["lines"][1]


def test_an_edited_freight_or_discount_is_an_edit():
    current = document(order(freightamount=Decimal(5)))
    dearer, cheaper = deepcopy(current), deepcopy(current) | {"DiscountPercent": Decimal(3)}
    dearer["DocumentAdditionalExpenses"][0]["LineTotal"] = Decimal(6)
    assert len({shown(current), shown(dearer), shown(cheaper)}) == 3


def test_content_never_goes_to_dynamics():
    row = order()
    assert ORDER.write(OTHER, {"lines": content(row, context())}, row, context()).body == {}
