"""The settings of a Dynamics template, and what is checked about them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import BadRequest
from shared.objects.dynamics.account import ACCOUNT
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.dynamics.template import DYNAMICS, DynamicsTemplate
from shared.objects.registry import TEMPLATE_TYPES, Registry, default_registry, template_type
from tests.unit.objects.support import LISTS, SAP, context


def problems(**settings: Any) -> list[tuple[str, str]]:
    return [(p.setting, p.text) for p in DYNAMICS.check(context(**settings).settings, LISTS)]


def test_working_settings_have_no_problem():
    everything = {
        "branchAssignment": [1],
        "countries": {"IN": "Bharat"},
        "states": {"US": {"GA": "Ga."}},
        "allCurrenciesAs": "EUR",
        "fieldRules": {"account": "ask", "account.phone": "other_wins"},
        "excludedFields": ["account.fax"],
        "directions": {"account": ["in"]},
    }
    assert problems(**everything) == []


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("defaultCustomerGroup", 999, "999"),
        ("defaultCustomerGroup", 101, "101"),
        ("customerCodeSeries", 999, "999"),
        ("customerCodeSeries", 1, "manual"),
        ("customerCodeSeries", 73, "locked"),
        ("paymentTerms", {"99": 1}, "99"),
        ("currencies", {"KR": "EUR"}, "KR"),
        ("currencies", {"EUR": "SEK"}, "SEK"),
        ("countries", {"ZZ": "Utopia"}, "ZZ"),
        ("states", {"IN": {"ZZ": "Nowhere"}}, "IN/ZZ"),
        ("branchAssignment", [2], "2"),
        ("branchAssignment", [9], "9"),
        ("directions", {"sale": ["in"]}, "sale"),
        ("fieldRules", {"account.colour": "ask"}, "account.colour"),
        ("excludedFields", ["account.colour"], "account.colour"),
        ("excludedFields", ["account.name"], "account.name"),
    ],
)
def test_a_setting_that_does_not_hold_is_named(setting, value, word):
    found = problems(**{setting: value})
    assert [name for name, _ in found] == [setting]
    assert word in found[0][1]


def test_all_currencies_must_be_a_currency_of_dynamics():
    assert [name for name, _ in problems(allCurrenciesAs="SEK")] == ["allCurrenciesAs"]


def test_a_direction_that_an_object_cannot_travel_is_named():
    class OutOnly(type(ACCOUNT)):  # type: ignore[misc]
        possible_directions = ACCOUNT.possible_directions[1:]

    class Template(DynamicsTemplate):
        objects = (OutOnly(),)

    found = Template().check(context(directions={"account": ["in", "out"]}).settings, LISTS)
    assert [(p.setting, "in" in p.text) for p in found] == [("directions", True)]


def test_a_series_is_found_by_either_name_of_its_number():
    assert problems(customerCodeSeries=72) == []


def test_a_list_that_could_not_be_loaded_is_not_checked_against():
    settings = context(defaultCustomerGroup=999, customerCodeSeries=999, branchAssignment=[9]).settings
    assert DYNAMICS.check(settings, {}) == []


def test_every_list_that_is_checked_or_read_is_declared():
    names = [reference.name for reference in DYNAMICS.references]
    assert len(names) == len(set(names))
    assert set(LISTS) <= set(names)
    for each in DYNAMICS.objects:
        assert {reference.name for reference in each.references} <= set(names)


def test_an_account_cannot_be_initialized_before_its_settings_are_complete():
    missing = DYNAMICS.missing("account", DynamicsSettings())
    assert [p.setting for p in missing] == ["accountTypes", "customerCodeSeries", "defaultCustomerGroup"]
    assert DYNAMICS.missing("account", context().settings) == []


def test_what_only_arrivals_need_is_not_missing_where_nothing_comes_in():
    settings = DynamicsSettings.model_validate({"directions": {"account": ["out"]}})
    assert [p.setting for p in DYNAMICS.missing("account", settings)] == ["accountTypes"]


def test_the_reference_column_is_created_in_sap():
    (column,) = ACCOUNT.needed_columns
    assert (column.side, column.entity.set, column.column, column.length) == (SAP, "BusinessPartners", "U_HubRef", 100)


# --- The settings model ----------------------------------------------------------------------------------------------


def test_settings_are_camel_case_in_json_and_survive_a_round_trip():
    settings = context(states={"US": {"GA": "Ga."}}).settings
    text = settings.model_dump_json(by_alias=True)
    assert '"defaultCustomerGroup":100' in text
    assert DynamicsSettings.model_validate_json(text) == settings


def test_every_setting_has_a_title_and_a_description():
    schema = DynamicsSettings.model_json_schema(by_alias=True)
    assert all(p.get("title") and len(p.get("description", "")) > 30 for p in schema["properties"].values())


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"},
        {"paymentTerms": {"2": 1, "5": 1}},
        {"countries": {"IN": "India", "US": " india"}},
        {"states": {"US": {"GA": "x", "NY": "X"}}},
        {"currencies": {"$": "dollars"}},
        {"accountTypes": [0]},
        {"matchFurther": ["colour"]},
        {"billToName": "  "},
        {"conflictRule": "newest"},
        {"directions": {"account": ["up"]}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given):
    with pytest.raises(ValidationError):
        DynamicsSettings.model_validate(given)


# --- The registry ----------------------------------------------------------------------------------------------------


def test_the_registry_knows_the_shipped_types():
    assert template_type("dynamics") is DYNAMICS
    assert list(TEMPLATE_TYPES) == ["dynamics", "tagrain"]
    assert [o.name for t, o in default_registry().objects() if t is DYNAMICS] == [
        "lead",
        "account",
        "contact",
        "product",
        "opportunity",
        "quotation",
        "order",
    ]


def test_an_unknown_type_is_refused_with_the_names_there_are():
    with pytest.raises(BadRequest, match="dynamics"):
        template_type("colours")


def test_a_registry_with_one_type_more_leaves_the_shipped_one_as_it_is():
    class Toys(DynamicsTemplate):
        name = "toys"

    more = default_registry().with_type(Toys())
    assert more.template_type("toys").title == DYNAMICS.title
    assert "toys" not in TEMPLATE_TYPES
    assert "toys" not in default_registry().types


def test_a_registry_does_not_follow_changes_of_what_it_was_made_from():
    types = dict(TEMPLATE_TYPES)
    registry = Registry(types)
    types.clear()
    assert registry.template_type("dynamics") is DYNAMICS
