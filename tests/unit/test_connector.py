"""The Power Automate connector: as it is generated, valid, whole, and what the designer needs; the sample flow fits it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator

from local.connector.__main__ import DIRECTORY, HOST, REGISTRATION, files, main, text_of
from local.connector.shapes import sentence_case
from local.connector.swagger import NOT_PUBLISHED, api_definition, published
from shared.objects.registry import default_registry
from shared.triggers.http import OPERATIONS
from shared.triggers.http.openapi import refusals

SWAGGER = api_definition(HOST, REGISTRATION)
PROPERTIES = json.loads((DIRECTORY / "apiProperties.json").read_text())["properties"]
FLOW = json.loads((DIRECTORY / "sample-flow.json").read_text())["properties"]


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in SWAGGER["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _by_id(name: str) -> dict[str, Any]:
    (found,) = [operation for _, _, operation in _operations() if operation["operationId"] == name]
    return found


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for one in node.values():
            yield from _nodes(one)
    elif isinstance(node, list):
        for one in node:
            yield from _nodes(one)


# --- the files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", files())
def test_the_committed_file_is_what_is_generated(name: str):
    kept = (DIRECTORY / name).read_text(encoding="utf-8")
    assert kept == text_of(files()[name]), "it is generated, do not edit: python -m local.connector"


def test_it_is_written_for_ones_own_hub(tmp_path):
    assert main(["--host", "my.example", "--client-id", "c-1", "--tenant", "t-1", "--to", str(tmp_path)]) == 0
    swagger = json.loads((tmp_path / "apiDefinition.swagger.json").read_text())
    OpenAPIV2SpecValidator(swagger).validate()
    assert swagger["host"] == "my.example"
    assert "/t-1/" in swagger["securityDefinitions"]["entra"]["authorizationUrl"]
    properties = json.loads((tmp_path / "apiProperties.json").read_text())["properties"]
    sign_in = properties["connectionParameterSets"]["values"][1]["parameters"]["token"]["oAuthSettings"]
    assert sign_in["clientId"] == "c-1"
    assert sign_in["customParameters"]["resourceUri"]["value"] == "api://c-1"
    assert sign_in["customParameters"]["tenantId"]["value"] == "t-1"


# --- the Swagger ------------------------------------------------------------------------------------------------------


def test_it_is_valid_swagger_2_0():
    OpenAPIV2SpecValidator(SWAGGER).validate()
    assert (SWAGGER["swagger"], SWAGGER["basePath"], SWAGGER["schemes"]) == ("2.0", "/api", ["https"])


def test_its_operations_are_the_apis_but_for_those_that_are_no_actions():
    told = {(method, path, operation["operationId"]) for method, path, operation in _operations()}
    assert told == set(published())
    assert {operation.name for operation in OPERATIONS} > set(NOT_PUBLISHED)
    served = {(o.method, f"/{o.route}") for o in OPERATIONS if o.name not in NOT_PUBLISHED}
    assert {(method, path) for method, path, _ in told} == served


def test_each_operation_answers_what_the_api_answers():
    by_route = {(o.method, f"/{o.route}"): o for o in OPERATIONS}
    for method, path, told in _operations():
        operation = by_route[method, path]
        statuses = {str(status) for status in {*operation.answers, *refusals(operation)}}
        followed = {"200"} if "Location" in told["responses"].get("202", {}).get("headers", {}) else set()
        assert set(told["responses"]) == statuses | followed, path


def test_nothing_in_it_is_beyond_swagger_2_0_or_power_automate():
    unknown = {"anyOf", "oneOf", "const", "$defs", "nullable", "prefixItems", "uniqueItems", "exclusiveMinimum"}
    for node in _nodes(SWAGGER):
        assert not unknown & {word for word in node if not isinstance(node[word], dict) or word != "properties"}, node
        assert "$ref" not in node or set(node) == {"$ref"}, node
        assert node.get("required") != []
        assert node.get("type") != "null"
        assert "default" not in node or node["default"] is not None or "schema" in node


def test_every_operation_parameter_and_property_has_a_summary_in_sentence_case():
    for _, _, operation in _operations():
        assert operation["x-ms-summary"] == operation["summary"]
        assert len(operation["summary"]) <= 120
        assert not operation["summary"].endswith(".")
        assert operation["description"]
        for parameter in operation["parameters"]:
            assert parameter["x-ms-summary"], parameter
            assert parameter["description"], parameter
    for node in _nodes([SWAGGER["definitions"], SWAGGER["paths"]]):
        properties = node.get("properties")
        if isinstance(properties, dict) and "type" in node:
            for name, one in properties.items():
                assert one["x-ms-summary"] == sentence_case(one["x-ms-summary"]), name
                assert one["description"], name


def test_what_must_be_given_is_shown_first_and_paging_is_kept_out_of_the_way():
    for _, path, operation in _operations():
        for parameter in operation["parameters"]:
            if parameter["in"] != "body":
                shown = parameter.get("x-ms-visibility")
                expected = "important" if parameter["required"] else None
                expected = "advanced" if parameter["name"] in ("limit", "continuation") else expected
                assert shown == expected, (path, parameter["name"])


def test_templates_objects_and_lists_are_offered_by_the_hub_and_kinds_of_marks_are_known():
    nouns = {found.marking.noun for _, found in default_registry().objects() if found.marking}
    for _, path, operation in _operations():
        for parameter in operation["parameters"]:
            if parameter["in"] != "path":
                continue
            if parameter["name"] in ("template", "object", "list"):
                offered = parameter["x-ms-dynamic-values"]
                _answers_such_a_list(offered, {one["name"] for one in operation["parameters"]})
            if parameter["name"] == "noun":
                assert set(parameter["enum"]) == nouns, path
    (body,) = [one for one in _by_id("LinksMake")["parameters"] if one["in"] == "body"]
    assert body["schema"]["properties"]["object"]["x-ms-dynamic-values"]["operationId"] == "ObjectsList"


def _answers_such_a_list(offered: dict[str, Any], parameters: set[str]) -> None:
    asked = _by_id(offered["operationId"])
    needed = {one["name"] for one in asked["parameters"] if one["required"]}
    assert set(offered.get("parameters", {})) == needed
    assert {one["parameter"] for one in offered.get("parameters", {}).values()} <= parameters
    answer = SWAGGER["definitions"][asked["responses"]["200"]["schema"]["$ref"].rpartition("/")[2]]
    items = answer["properties"][offered["value-collection"]]["items"]["properties"]
    assert offered["value-path"] in items
    assert offered["value-title"] in items


@pytest.mark.parametrize("name", ["Sync", "Initialize", "MarksChange", "MarksUndo", "RunsGet"])
def test_what_starts_a_run_is_asynchronous_and_its_outcome_is_the_run(name: str):
    responses = _by_id(name)["responses"]
    assert set(responses["202"]["headers"]) == {"Location", "Retry-After"}
    outcome = SWAGGER["definitions"][responses["200"]["schema"]["$ref"].rpartition("/")[2]]
    assert {"id", "status", "counts", "reason", "endedAt"} <= set(outcome["properties"])


def test_marks_carry_the_attributes_that_objects_ask_for():
    (body,) = [one for one in _by_id("MarksChange")["parameters"] if one["in"] == "body"]
    entry = body["schema"]["properties"]["entries"]["items"]["properties"]
    assert {"code", "accountType"} <= set(entry)


# --- connections ------------------------------------------------------------------------------------------------------


def test_both_kinds_of_connection_carry_the_function_key_and_a_policy_puts_it_into_its_header():
    by_name = {one["name"]: one["parameters"] for one in PROPERTIES["connectionParameterSets"]["values"]}
    assert set(by_name) == {"function-key", "entra"}
    assert by_name["entra"]["token"]["oAuthSettings"]["identityProvider"] == "aad"
    for parameters in by_name.values():
        assert parameters["functionKey"]["type"] == "securestring"
        assert parameters["functionKey"]["uiDefinition"]["constraints"]["required"] == "true"
        assert parameters["adminKey"]["uiDefinition"]["constraints"]["required"] == "false"
    policies = {one["parameters"]["x-ms-apimTemplateParameter.name"].lower(): one for one in _policies()}
    assert policies["x-functions-key"]["parameters"]["x-ms-apimTemplateParameter.value"].endswith("('functionKey')")
    assert policies["x-hub-admin-key"]["parameters"]["x-ms-apimTemplateParameter.value"].endswith("('adminKey')")
    scheme = SWAGGER["securityDefinitions"]["functionKey"]
    assert (scheme["in"], scheme["name"]) == ("header", "x-functions-key")


def _policies() -> list[dict[str, Any]]:
    policies: list[dict[str, Any]] = PROPERTIES["policyTemplateInstances"]
    assert {one["templateId"] for one in policies} == {"setheader"}
    return policies


# --- the sample flow --------------------------------------------------------------------------------------------------


def test_the_sample_flow_uses_operations_of_the_connector_with_parameters_that_they_have():
    actions = FLOW["definition"]["actions"]
    ours = {name: one["inputs"] for name, one in actions.items()
            if one["inputs"]["host"]["connectionName"] == "integration_hub"}  # fmt: skip
    assert list(ours) == ["Sync_Now"]
    for inputs in ours.values():
        operation = _by_id(inputs["host"]["operationId"])
        plain = {one["name"]: one for one in operation["parameters"] if one["in"] != "body"}
        bodies = [one["schema"] for one in operation["parameters"] if one["in"] == "body"]
        known = {*plain, *(f"body/{name}" for body in bodies for name in body["properties"])}
        needed = {name for name, one in plain.items() if one["required"]}
        assert needed <= set(inputs["parameters"]) <= known
        assert "operationOptions" not in inputs, "the asynchronous pattern must stay on"


def test_the_sample_flow_mails_whatever_came_of_the_sync_by_connections_that_it_names():
    actions = FLOW["definition"]["actions"]
    assert {"Succeeded", "Failed", "TimedOut"} <= set(actions["Mail_the_outcome"]["runAfter"]["Sync_Now"])
    assert actions["Mail_the_outcome"]["inputs"]["host"]["operationId"] == "SendEmailV2"
    assert {one["inputs"]["host"]["connectionName"] for one in actions.values()} == set(FLOW["connectionReferences"])
    for one in actions.values():
        api = FLOW["connectionReferences"][one["inputs"]["host"]["connectionName"]]["api"]["name"]
        assert one["inputs"]["host"]["apiId"].endswith(f"/{api}")


def test_the_connectors_readme_names_its_files():
    told = set(re.findall(r"`([\w.-]+\.json)`", (DIRECTORY / "README.md").read_text()))
    assert told == {path.name for path in DIRECTORY.glob("*.json")}
