"""The settings of a Tagrain template: what SAP or Tagrain would refuse, and what must be set first."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.objects.registry import default_registry, template_type
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.settings import TagrainSettings
from shared.objects.tagrain.template import TAGRAIN
from tests.unit.objects.tagrain_support import EVERYTHING, LISTS, context

VISA = {"means": "creditCard", "creditCard": 1}


def problems(lists: dict[str, Any] | None = None, **settings: Any) -> list[tuple[str, str]]:
    found = TAGRAIN.check(context(**settings).settings, LISTS if lists is None else lists)
    return [(each.setting, each.text) for each in found]


def test_working_settings_have_no_problem():
    more = {
        "countries": {"IN": "Bharat"},
        "states": {"US": {"GA": "Ga."}},
        "currencies": {"$": "USD"},
        "fieldRules": {"customer": "ask", "product.name": "other_wins"},
        "excludedFields": ["customer.phone", "product.tax_code"],
        "directions": {"customer": ["in"], "product": ["out"], "customer_group": ["in", "out"]},
    }
    assert problems() == []
    assert problems(**more) == []


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("basePriceList", 7, "7"),
        ("basePriceList", 9, "9"),
        ("cashCustomer", "NOBODY", "NOBODY"),
        ("paymentTerm", 99, "99"),
        ("exemptTaxCode", "A1", "0 %"),
        ("exemptTaxCode", "ZZ", "ZZ"),
        ("cashAccount", "999999", "999999"),
        ("giftCardAccount", "999999", "999999"),
        ("customerCurrency", "SEK", "SEK"),
        ("currencies", {"KR": "SEK"}, "KR"),
        ("countries", {"ZZ": "Utopia"}, "ZZ"),
        ("states", {"IN": {"ZZ": "Nowhere"}}, "IN/ZZ"),
        ("branchAssignment", [2], "2"),
        ("customerCodeSeries", 999, "999"),
        ("customerCodeSeries", 1, "manual"),
        ("defaultCustomerGroup", 101, "101"),
        ("defaultItemGroup", 999, "999"),
        ("payments", {"Amex": VISA}, "Amex"),
        ("payments", {"On account": VISA}, "On account"),
        ("payments", {"Visa": {"means": "creditCard"}}, "creditCard"),
        ("payments", {"Visa": {"means": "creditCard", "creditCard": 8}}, "8"),
        ("payments", {"Visa": {**VISA, "account": "161000"}}, "account"),
        ("payments", {"Cash": {"means": "cash", "creditCard": 1}}, "creditCard"),
        ("payments", {"Transfer": {"means": "bankTransfer"}}, "account"),
        ("payments", {"Transfer": {"means": "bankTransfer", "account": "999999"}}, "999999"),
        ("payments", {"Cash": {"means": "cash", "account": "999999"}}, "999999"),
        ("stores", {"st_9": {"warehouse": "01"}}, "st_9"),
        ("stores", {"st_1": {"warehouse": "99"}}, "99"),
        ("stores", {"st_1": {"warehouse": "77"}}, "77"),
        ("stores", {"st_1": {"warehouse": "01"}, "st_2": {"warehouse": "01"}}, "several stores"),
        ("stores", {"st_1": {"warehouse": "01", "branch": 2}}, "2"),
        ("stores", {"st_1": {"warehouse": "01", "cashAccount": "999999"}}, "999999"),
        ("expenseReasons", {"er_9": "640100"}, "er_9"),
        ("expenseReasons", {"er_1": "999999"}, "999999"),
        ("surcharges", {"sc_9": 1}, "sc_9"),
        ("surcharges", {"sc_1": 9}, "9"),
        ("directions", {"inventory": ["in"]}, "inventory"),
        ("excludedFields", ["product.kind"], "product.kind"),
        ("fieldRules", {"customer.colour": "ask"}, "customer.colour"),
    ],
)
def test_a_setting_that_does_not_hold_is_named(setting, value, word):
    found = problems(**{setting: value})
    assert [name for name, _ in found] == [setting]
    assert word in found[0][1]


@pytest.mark.parametrize(
    ("changes", "word"), [({"CardType": "cSupplier"}, "no customer"), ({"Frozen": "tYES"}, "inactive")]
)
def test_the_cash_customer_must_be_an_active_customer(changes, word):
    row = LISTS["sap.cash_customer"][0] | changes
    found = problems({**LISTS, "sap.cash_customer": [row]})
    assert [name for name, _ in found] == ["cashCustomer"]
    assert word in found[0][1]


def test_the_cash_customer_alone_is_read_of_all_customers():
    code = "O'HARA"
    *others, reference = TAGRAIN.references_for(context(cashCustomer=code).settings)
    assert tuple(others) == TAGRAIN.references
    assert reference == known.cash_customer(code)
    assert reference.entity.scope == "CardCode eq 'O''HARA'"
    assert TAGRAIN.references_for(TagrainSettings()) == TAGRAIN.references


def test_customers_may_be_created_for_all_currencies():
    assert problems(customerCurrency="##") == []


def test_a_list_that_could_not_be_loaded_is_not_checked_against():
    wrong = {
        "basePriceList": 7,
        "cashCustomer": "NOBODY",
        "exemptTaxCode": "ZZ",
        "cashAccount": "999999",
        "payments": {"Amex": {"means": "creditCard", "creditCard": 8}},
        "stores": {"st_9": {"warehouse": "99", "branch": 9}},
        "surcharges": {"sc_9": 9},
    }
    assert problems({}, **wrong) == []


def test_every_list_that_is_checked_or_read_is_declared():
    names = [reference.name for reference in TAGRAIN.references]
    assert len(names) == len(set(names))
    assert set(LISTS) - {known.CASH_CUSTOMER} == set(names) - {"sap.company"}
    for each in TAGRAIN.objects:
        assert {reference.name for reference in each.references} <= set(names)


def missing(name: str, **settings: Any) -> list[str]:
    return [each.setting for each in TAGRAIN.missing(name, TagrainSettings.model_validate(settings))]


def test_nothing_is_missing_once_everything_is_set():
    for each in ("customer_group", "customer", "product", "sales", "refund", "expense", "inventory"):
        assert missing(each, **EVERYTHING) == []


RECEIPTS = ["startDate", "cashCustomer", "paymentTerm", "exemptTaxCode", "cashAccount", "stores"]


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("customer_group", []),
        ("manufacturer", []),
        ("product_group", []),
        ("customer", ["customerCurrency", "customerCodeSeries", "defaultCustomerGroup"]),
        ("product", ["defaultItemGroup", "basePriceList"]),
        ("sales", RECEIPTS),
        ("refund", RECEIPTS),
        ("expense", ["startDate", "cashAccount", "stores", "expenseReasons"]),
        ("inventory", ["stores"]),
    ],
)
def test_what_an_object_cannot_do_without_is_missing_until_it_is_set(name, needed):
    assert missing(name) == ["connection", *needed]
    assert all(len(each.text) > 20 for each in TAGRAIN.missing(name, TagrainSettings()))


def test_what_only_one_direction_needs_is_not_missing_for_the_other():
    assert missing("customer", connection="A", directions={"customer": ["out"]}) == []
    assert missing("product", connection="A", directions={"product": ["out"]}) == ["basePriceList"]
    assert missing("product", connection="A", directions={"product": ["in"]}) == ["defaultItemGroup"]


# --- the settings model ----------------------------------------------------------------------------------------------


def test_settings_are_camel_case_in_json_and_survive_a_round_trip():
    settings = context().settings
    text = settings.model_dump_json(by_alias=True)
    assert '"giftCardAccount":"230000"' in text
    assert '"creditCard":1' in text
    assert TagrainSettings.model_validate_json(text) == settings


def test_every_setting_has_a_title_and_a_description():
    schema = TagrainSettings.model_json_schema(by_alias=True)
    parts = [schema, *(schema["$defs"][name] for name in ("PaymentMeans", "Store"))]
    for each in (each for part in parts for each in part["properties"].values()):
        assert each.get("title")
        assert len(each.get("description", "")) > 30


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"},
        {"connection": "harbour"},
        {"connection": "1HARBOUR"},
        {"timeZone": "Harbour Time"},
        {"customerCurrency": "EURO"},
        {"payments": {"Visa": {"means": "cheque"}}},
        {"payments": {"Visa": {"means": "cash", "colour": "red"}}},
        {"stores": {"st_1": {}}},
        {"stores": {"st 1": {"warehouse": "01"}}},
        {"surcharges": {"sc_1": "free"}},
        {"cashCustomer": "  "},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given):
    with pytest.raises(ValidationError):
        TagrainSettings.model_validate(given)


# --- the registry ----------------------------------------------------------------------------------------------------


def test_the_registry_knows_tagrain_and_the_order_of_its_first_load():
    assert template_type("tagrain") is TAGRAIN
    names = [o.name for t, o in default_registry().objects() if t is TAGRAIN]
    assert names[:5] == ["customer_group", "customer", "manufacturer", "product_group", "product"]
    assert names[-1] == "inventory"


def test_a_parent_names_objects_that_its_children_are():
    by_name = {each.name: each for each in TAGRAIN.objects}
    assert by_name["customer_group"].parent_of == ("customer",)
    assert by_name["product_group"].parent_of == by_name["manufacturer"].parent_of == ("product",)
