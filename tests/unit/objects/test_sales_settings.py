"""The settings of products and orders: what SAP or Dynamics would refuse, and what must be set first."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.dynamics.template import DYNAMICS
from tests.unit.objects.sales_support import LISTS, RETAIL, context
from tests.unit.objects.support import LISTS as ACCOUNT_LISTS

ALL_LISTS = {**ACCOUNT_LISTS, **LISTS}
EVERYTHING: dict[str, Any] = {
    "unitGroups": {"PIECES": "Pieces"},
    "units": {"PC": "Piece", "BX": "BX"},
    "priceLists": [
        {"sap": 1, "currency": "EUR", "dynamics": "Retail"},
        {"sap": 2, "currency": "USD", "dynamics": "In dollars"},
    ],
    "priceRounding": "round",
    "defaultPaymentTerm": 5,
    "writeInItem": "SERVICE",
    "warehouseForDocuments": "02",
    "branchForDocuments": 1,
    "fieldRules": {"order": "ask", "product.name": "other_wins"},
    "excludedFields": ["product.description", "order.comments"],
    "directions": {"product": ["out"], "order": ["in"]},
}


def problems(**settings: Any) -> list[tuple[str, str]]:
    found = DYNAMICS.check(context(**settings).settings, ALL_LISTS)
    return [(each.setting, each.text) for each in found]


def mapped(*mappings: tuple[int, str, str]) -> list[dict[str, Any]]:
    return [{"sap": sap, "currency": currency, "dynamics": dynamics} for sap, currency, dynamics in mappings]


def test_working_settings_have_no_problem():
    assert problems(**EVERYTHING) == []


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("priceLists", mapped((7, "EUR", "Retail")), "7"),
        ("priceLists", mapped((9, "EUR", "Retail")), "9"),
        ("priceLists", mapped((1, "EUR", "Wholesale")), "Wholesale"),
        ("priceLists", mapped((1, "EUR", "Twin")), "Twin"),
        ("priceLists", mapped((1, "EUR", "In dollars")), "USD"),
        ("priceLists", mapped((1, "USD", "Retail")), "EUR"),
        ("priceLists", mapped((1, "EUR", "Retail"), (1, "EUR", RETAIL)), "twice"),
        ("defaultUnitGroup", "Pallets", "Pallets"),
        ("unitGroups", {"CRATES": "Pieces"}, "CRATES"),
        ("unitGroups", {"PIECES": "Crates"}, "Crates"),
        ("units", {"ZZ": "Piece"}, "ZZ"),
        ("units", {"PC": "Stone"}, "Stone"),
        ("exemptTaxCode", "A1", "0 %"),
        ("exemptTaxCode", "NY", "0 %"),
        ("exemptTaxCode", "V0", "V0"),
        ("exemptTaxCode", "X0", "X0"),
        ("exemptTaxCode", "AP", "AP"),
        ("exemptTaxCode", "ZZ", "ZZ"),
        ("freightForShipping", 9, "9"),
        ("freightForItemTax", 9, "9"),
        ("defaultPaymentTerm", 99, "99"),
        ("warehouseForDocuments", "77", "77"),
        ("branchForDocuments", 2, "2"),
        ("branchForDocuments", 9, "9"),
        ("directions", {"product": ["in"]}, "product"),
        ("excludedFields", ["product.unit"], "product.unit"),
        ("excludedFields", ["order.lines"], "order.lines"),
    ],
)
def test_a_setting_that_does_not_hold_is_named(setting, value, word):
    found = problems(**{setting: value})
    assert {name for name, _ in found} == {setting}
    assert any(word in text for _, text in found)


@pytest.mark.parametrize("dynamics", ["Retail", "retail", RETAIL])
def test_two_price_lists_of_sap_cannot_fill_one_of_dynamics(dynamics):
    found = problems(priceLists=mapped((1, "EUR", "Retail"), (2, "EUR", dynamics)))
    assert {name for name, _ in found} == {"priceLists"}


def test_one_price_list_of_sap_may_be_mapped_once_per_currency():
    assert problems(priceLists=mapped((1, "EUR", "Retail"), (1, "USD", "In dollars"))) == []


@pytest.mark.parametrize("code", ["A0", "EX"])
def test_an_exempt_code_may_be_a_tax_group_or_a_sales_tax_code_by_its_present_rate(code):
    assert problems(exemptTaxCode=code) == []


def test_a_list_that_could_not_be_loaded_is_not_checked_against():
    settings = context(
        **{
            **EVERYTHING,
            "priceLists": mapped((7, "GBP", "Nowhere")),
            "exemptTaxCode": "ZZ",
            "freightForShipping": 9,
            "warehouseForDocuments": "77",
            "branchForDocuments": 9,
            "unitGroups": {"A": "B"},
        }
    ).settings
    assert DYNAMICS.check(settings, {}) == []


def test_one_of_the_two_lists_of_tax_codes_is_enough_to_check_against():
    settings = context(exemptTaxCode="EX").settings
    assert DYNAMICS.check(settings, {"sap.tax_codes": LISTS["sap.tax_codes"]}) == []
    assert [p.setting for p in DYNAMICS.check(settings, {"sap.tax_groups": LISTS["sap.tax_groups"]})] == [
        "exemptTaxCode"
    ]


def test_what_products_and_orders_need_is_missing_until_it_is_set():
    empty = DynamicsSettings()
    assert [p.setting for p in DYNAMICS.missing("product", empty)] == ["defaultUnitGroup"]
    assert [p.setting for p in DYNAMICS.missing("order", empty)] == [
        "startDate",
        "exemptTaxCode",
        "freightForShipping",
        "freightForItemTax",
    ]
    assert all(len(p.text) > 20 for p in DYNAMICS.missing("order", empty))
    for name in ("product", "order"):
        assert DYNAMICS.missing(name, context().settings) == []
