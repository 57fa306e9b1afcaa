"""Prices: which of SAP's counts, how it is rounded, which price list of Dynamics it goes to, what is sent for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.objects.dynamics.prices import PRICE_LIST_ITEM
from shared.objects.dynamics.product import PRODUCT
from shared.objects.model import KEY
from tests.unit.objects.sales_support import (
    DOLLARS,
    LISTS,
    MARK,
    OTHER,
    PIECE,
    PRODUCT_ID,
    RETAIL,
    SAP,
    context,
    guid,
    item,
    price,
    price_item,
    product,
    stored_product,
)

EURO, DOLLAR = "price_1_EUR", "price_1_USD"


def mapped(currency: str = "EUR", dynamics: str = "Retail", sap: int = 1) -> dict[str, Any]:
    return {"priceLists": [{"sap": sap, "currency": currency, "dynamics": dynamics}]}


def price_of(*pairs: str | None, currency: str = "EUR", dynamics: str = "Retail", **settings: Any) -> Any:
    ctx = context(**mapped(currency, dynamics), **settings)
    reading = PRODUCT.read(SAP, item(ItemPrices=[price(2, "99", currency), price(1, *pairs)]), MARK, ctx)
    assert reading.held == {}
    return reading.values[f"price_1_{currency}"]


# --- which price ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pairs",
    [
        ("12.5", "EUR"),
        ("9", "$", "12.5", "EUR"),
        ("9", "$", "8", "GBP", "12.5", "EUR"),
        ("0", "EUR", "12.5", "EUR"),
    ],
)
def test_the_price_is_the_one_in_the_currency_be_it_primary_or_additional(pairs):
    assert price_of(*pairs) == Decimal("12.5")


@pytest.mark.parametrize(
    "pairs", [(), ("0", "EUR"), ("0.00", "EUR"), ("12.5", "$"), ("12.5", None), ("12.5", ""), ("12.5", "not a code")]
)
def test_no_price_zero_and_a_price_in_another_currency_are_no_price(pairs):
    assert price_of(*pairs) is None


def test_an_item_that_is_not_in_the_price_list_has_no_price():
    reading = PRODUCT.read(SAP, item(ItemPrices=[]), MARK, context())
    assert reading.values[EURO] is None
    assert PRODUCT.read(SAP, item(ItemPrices=None), MARK, context()).values[EURO] is None


def test_a_mapped_currency_code_of_sap_is_understood():
    assert price_of("14", "$", currency="USD", dynamics="In dollars") == 14


@pytest.mark.parametrize("row", [{"Frozen": "tYES"}, {"Valid": "tNO"}])
def test_an_inactive_item_has_no_price(row):
    assert PRODUCT.read(SAP, item(**row), MARK, context()).values[EURO] is None


def test_one_field_per_mapping_and_none_without():
    both = {"priceLists": mapped()["priceLists"] + mapped("USD", "In dollars", sap=2)["priceLists"]}
    names = [rule.name for rule in PRODUCT.fields(context(**both))]
    assert names[-3:] == [EURO, "price_2_USD", "state"]
    values = PRODUCT.read(SAP, item(), MARK, context(**both)).values
    assert (values[EURO], values["price_2_USD"]) == (Decimal("12.5"), 14)
    assert [r.name for r in PRODUCT.fields(context(priceLists=[])) if r.name.startswith("price")] == []


# --- rounding ---------------------------------------------------------------------------------------------------------


def test_a_price_with_too_many_decimals_is_held_by_name_and_its_item_is_sent():
    ctx = context()
    values = PRODUCT.read(SAP, item(ItemPrices=[price(1, "12.345", "EUR")]), MARK, ctx).values
    assert values[EURO] == Decimal("12.345")
    writing = PRODUCT.write(OTHER, values, None, ctx)
    assert set(writing.held) == {EURO}
    assert "12.345" not in writing.held[EURO]
    assert writing.refusal is None
    assert [step.field_name for step in writing.steps] == ["state"]


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("12.345", "EUR", "12.35"),
        ("12.344", "EUR", "12.34"),
        ("2.5", "EUR", "2.5"),
        ("1.23456", "USD", "1.235"),
        ("10.5", "JPY", "11"),
    ],
)
def test_a_price_is_rounded_half_up_to_the_decimals_of_its_currency_where_the_settings_say_so(
    amount, currency, rounded
):
    names = {"EUR": "Retail", "USD": "In dollars", "JPY": "In yen"}
    read = price_of(amount, currency, currency=currency, dynamics=names[currency], priceRounding="round")
    assert read == Decimal(rounded)


def test_a_price_in_a_currency_without_decimals_is_held_where_it_has_some():
    ctx = context(**mapped("JPY", "In yen"))
    assert set(PRODUCT.write(OTHER, {"price_1_JPY": Decimal("10.5")}, product(), ctx).held) == {"price_1_JPY"}
    assert PRODUCT.write(OTHER, {"price_1_JPY": Decimal(10)}, product(), ctx).held == {}


def test_trailing_zeros_are_no_decimals():
    assert PRODUCT.write(OTHER, {EURO: Decimal("12.5000")}, product(), context()).held == {}


# --- the price list of Dynamics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dynamics", ["Retail", " retail", RETAIL, RETAIL.upper()])
def test_a_price_list_is_meant_by_its_name_or_its_id(dynamics):
    ctx = context(**mapped(dynamics=dynamics))
    assert PRODUCT.read(OTHER, product(), MARK, ctx).values[EURO] == Decimal("12.5")
    (step,) = PRODUCT.write(OTHER, {EURO: Decimal(3)}, product(prices=[]), ctx).steps
    assert step.body["pricelevelid@odata.bind"] == f"/pricelevels({RETAIL})"


@pytest.mark.parametrize("dynamics", ["Wholesale", "Twin"])
def test_a_price_list_that_is_not_there_or_not_alone_is_held_with_the_setting(dynamics):
    ctx = context(**mapped(dynamics=dynamics))
    assert "priceLists" in PRODUCT.read(OTHER, product(), MARK, ctx).held[EURO]
    writing = PRODUCT.write(OTHER, {EURO: Decimal(3)}, product(), ctx)
    assert set(writing.held) == {EURO}
    assert writing.steps == ()


def test_the_price_of_a_product_is_the_one_in_its_unit_and_in_the_mapped_list():
    others = [price_item("1", DOLLARS), price_item("2", unit=guid(99)), price_item("3")]
    rows = [{**each, "productpricelevelid": guid(60 + n)} for n, each in enumerate(others)]
    assert PRODUCT.read(OTHER, product(prices=rows), MARK, context()).values[EURO] == 3
    assert PRODUCT.read(OTHER, product(prices=rows[:2]), MARK, context()).values[EURO] is None


def test_a_product_whose_prices_did_not_come_is_not_one_without_prices():
    row = product()
    del row["prices"]
    assert EURO in PRODUCT.read(OTHER, row, MARK, context()).held


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_price_that_is_not_there_is_created_with_all_that_it_belongs_to():
    (step,) = PRODUCT.write(OTHER, {EURO: Decimal(3)}, product(prices=[]), context()).steps
    assert (step.entity, step.key, step.delete, step.name) == (PRICE_LIST_ITEM, None, False, EURO)
    assert step.body == {
        "amount": 3,
        "productid@odata.bind": f"/products({KEY})",
        "pricelevelid@odata.bind": f"/pricelevels({RETAIL})",
        "uomid@odata.bind": f"/uoms({PIECE})",
    }


def test_a_new_products_price_is_in_the_unit_that_it_is_given():
    values = {"unit_group": "Pieces", "unit": "BX", EURO: Decimal(3)}
    steps = PRODUCT.write(OTHER, values, None, context()).steps
    bound = [step.body["uomid@odata.bind"] for step in steps]
    assert bound == [f"/uoms({guid(22)})"]


def test_a_price_that_is_there_gets_its_amount_alone():
    (step,) = PRODUCT.write(OTHER, {EURO: Decimal(3)}, product(), context()).steps
    assert (step.key, step.body, step.delete) == (guid(60), {"amount": 3}, False)


def test_a_price_that_ends_is_deleted_and_one_that_never_was_is_not():
    (step,) = PRODUCT.write(OTHER, {EURO: None}, product(), context()).steps
    assert (step.key, step.body, step.delete) == (guid(60), {}, True)
    assert PRODUCT.write(OTHER, {EURO: None}, product(prices=[]), context()).steps == ()


def test_prices_of_two_lists_have_names_of_their_own():
    both = {"priceLists": mapped()["priceLists"] + mapped("USD", "In dollars")["priceLists"]}
    steps = PRODUCT.write(OTHER, {EURO: Decimal(3), DOLLAR: Decimal(4)}, product(prices=[]), context(**both)).steps
    assert len({step.name for step in steps}) == 2
    assert {step.stage for step in steps} == {1}


def test_a_price_follows_its_product_into_another_unit():
    """The price list item of the old unit is not the price any more; the same write brings the one of the new unit."""
    ctx = context()
    writing = PRODUCT.write(OTHER, {"unit": "BX", EURO: Decimal("12.5")}, product(), ctx)
    after = stored_product(product(), writing)
    assert PRODUCT.read(OTHER, after, MARK, ctx).values[EURO] == Decimal("12.5")


def test_a_product_without_a_unit_gets_no_price():
    writing = PRODUCT.write(OTHER, {EURO: Decimal(3)}, product(_defaultuomid_value=None, prices=[]), context())
    assert "unit" in writing.held[EURO]
    assert writing.steps == ()


def test_the_step_of_a_price_reaches_the_product_it_was_made_for():
    writing = PRODUCT.write(OTHER, {EURO: Decimal(3)}, product(prices=[]), context())
    (made,) = stored_product(product(prices=[]), writing)["prices"]
    assert made["_productid_value"] == PRODUCT_ID
    assert LISTS["other.price_lists"][0]["pricelevelid"] == made["_pricelevelid_value"]
