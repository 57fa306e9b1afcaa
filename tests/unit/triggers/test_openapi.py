"""The description of the API: valid, complete, and its examples are answers that it declares."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.triggers.http import OPERATIONS
from shared.triggers.http.calls import Nothing, Operation
from shared.triggers.http.openapi import examples, operation_id, refusals
from shared.triggers.http.roles import Role
from shared.version import VERSION
from tests.declared import BASE_URL, description, operations, undeclared
from tests.unit.triggers.conftest import HTTP, Client

ROOT = Path(__file__).resolve().parent.parent.parent.parent
#: Answers that no hub which is well can give.
_NOT_RECORDED = {("health", 503), ("openapi", 200)}


def _schemas(of: dict[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = of["components"]["schemas"]
    return schemas


def test_the_document_is_valid_openapi_3_1():
    OpenAPIV31SpecValidator(description()).validate()
    assert description()["openapi"] == "3.1.0"


def test_it_describes_every_route_that_is_served():
    served = {(trigger.methods[0].value, f"/{trigger.route}") for *_, trigger in HTTP}
    described = {(method.upper(), path) for path, methods in description()["paths"].items() for method in methods}
    assert described == served


def test_version_and_server_are_the_projects_and_the_apps():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert description()["info"]["version"] == VERSION == project["version"]
    assert description()["servers"] == [{"url": f"{BASE_URL}/api"}]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_says_what_it_takes_what_it_answers_and_who_may_call_it(operation: Operation):
    told = operations()[operation.name]
    assert told["operationId"] == operation_id(operation)
    assert told["summary"]
    assert told["description"]
    assert all(parameter["description"] for parameter in told["parameters"])
    assert ("requestBody" in told) == (operation.body is not Nothing)
    assert set(told["responses"]) == {str(status) for status in {*operation.answers, *refusals(operation)}}
    assert told.get("x-role") == (operation.role.claim if operation.role else None)
    by_key = {frozenset(one) for one in told["security"]}
    if operation.role is Role.ADMIN:
        assert frozenset({"functionKey"}) not in by_key, "a function key alone does not administer"
    elif operation.role is None:
        assert frozenset() in by_key
    else:
        assert frozenset({"functionKey"}) in by_key


def test_operation_ids_are_unique():
    ids = [operation_id(operation) for operation in OPERATIONS]
    assert len(ids) == len(set(ids))


def test_every_property_is_described():
    bare = [
        f"{name}.{field}"
        for name, schema in _schemas(description()).items()
        for field, one in schema.get("properties", {}).items()
        if not one.get("description")
    ]
    assert bare == []


def test_answers_have_no_properties_but_their_own():
    open_ones = {
        name
        for operation in OPERATIONS
        for name in (model.__name__ for model in operation.answers.values())
        if _schemas(description())[name].get("additionalProperties") is not False
    }
    assert open_ones == {"Document"}
    assert _schemas(description())["Candidate"]["additionalProperties"] != False  # noqa: E712 - marks' own attributes


def test_a_202_for_one_run_tells_where_to_ask_and_when():
    for operation in OPERATIONS:
        headers = operations()[operation.name]["responses"].get("202", {}).get("headers", {})
        followed = 202 in operation.answers and operation.name != "failures_retry"  # that may be several runs
        assert set(headers) == ({"Location", "Retry-After"} if followed else set()), operation.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_answer_has_an_example_and_the_example_is_one(operation: Operation):
    recorded = examples().get(operation.name, {})
    for status in operation.answers:
        if (operation.name, status) in _NOT_RECORDED:
            continue
        assert str(status) in recorded, f"{operation.name} {status}: python -m local.examples"
        assert undeclared(operation.name, status, "application/json", recorded[str(status)]) == []


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body is not Nothing], ids=lambda o: o.name)
def test_every_example_of_a_body_is_one_that_is_taken(operation: Operation):
    body = examples()[operation.name]["body"]
    operation.body.model_validate(body)
    schema = {"$ref": f"#/components/schemas/{operation.body.__name__}", "components": description()["components"]}
    Draft202012Validator(schema).validate(body)


def test_an_answer_of_another_shape_is_noticed():
    (problem,) = undeclared("templates_list", 200, "application/json", {"items": [], "continuation": None, "more": 1})
    assert "more" in problem
    assert undeclared("templates_list", 200, "application/json", {"items": []})
    assert undeclared("templates_list", 418, "application/json", {})
    assert undeclared("templates_list", 200, "text/html", {})
    assert undeclared("templates_list", 404, "application/problem+json", {})


async def test_it_is_served(api: Client):
    served = await api("GET", "/openapi.json")
    assert (served.status, served.body) == (200, description())
