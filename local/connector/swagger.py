"""``apiDefinition.swagger.json``: the API in Swagger 2.0, with what Power Automate's designer wants to know.

What answers 202 with a Location is an asynchronous action: Power Automate follows it, and the action's outcome is the
run's last status. So its 200 is that, together with what the operation may answer at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local.connector.properties import Registration
from local.connector.shapes import ADVANCED, Schema, Shapes
from shared.objects.registry import default_registry
from shared.triggers.http import OPERATIONS
from shared.triggers.http.answers.runs import RunShown
from shared.triggers.http.openapi import document, operation_id
from shared.version import VERSION

#: Operations that are no action of a flow, and why.
NOT_PUBLISHED: Mapping[str, str] = {"openapi": "it describes the API to programs"}

_JSON = "application/json"
_TITLE = "Integration Hub for SAP B1"  # a connector's name has 30 characters at most
_MEANING = (
    "Keeps SAP Business One in step with Dynamics 365 Sales and Tagrain tills: start runs and wait for their outcome, "
    "mark records, look at failures, resolve conflicts."
)
_OF_THE_TEMPLATE = {"template": {"parameter": "template"}}
_LISTS: Mapping[str, dict[str, Any]] = {
    "template": {"operationId": "TemplatesList", "value-path": "id", "value-title": "id"},
    "object": {"operationId": "ObjectsList", "parameters": _OF_THE_TEMPLATE, "value-path": "object",
               "value-title": "object"},
    "list": {"operationId": "ListsNames", "parameters": _OF_THE_TEMPLATE, "value-path": "list", "value-title": "list"},
}  # fmt: skip
_IMPORTANT = frozenset({"sync", "initialize", "marks_change", "failures_list", "failures_retry", "health"})
_ENTRA = "https://login.microsoftonline.com"


def api_definition(host: str, registration: Registration) -> dict[str, Any]:
    """The file's content."""
    return _Swagger(document(OPERATIONS, f"https://{host}")).told(host, registration)


def connector_id(name: str) -> str:
    """What an operation of that name is called in the connector."""
    return "".join(part.capitalize() for part in name.split("_"))


def _nouns() -> list[str]:
    return sorted({found.marking.noun for _, found in default_registry().objects() if found.marking})


def _attributes() -> list[str]:
    return sorted(
        {name for _, found in default_registry().objects() if found.marking for name in found.marking.attributes}
    )


class _Swagger:
    """Tells one description in OpenAPI 3.1 in Swagger 2.0."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description
        self._components = description["components"]
        self._shapes = Shapes(self._components["schemas"], _attributes())
        self._definitions: dict[str, Schema] = {}

    def told(self, host: str, registration: Registration) -> dict[str, Any]:
        names = {operation_id(operation): operation.name for operation in OPERATIONS}
        paths: dict[str, dict[str, Any]] = {}
        for path, methods in self._description["paths"].items():
            for method, operation in methods.items():
                name = names[operation["operationId"]]
                if name not in NOT_PUBLISHED:
                    paths.setdefault(path, {})[method] = self._operation(name, operation)
        entra = f"{_ENTRA}/{registration.tenant}/oauth2/v2.0"
        return {
            "swagger": "2.0",
            "x-generated-by": "python -m local.connector; do not edit",
            "info": {"title": _TITLE, "description": _MEANING, "version": VERSION},
            "host": host,
            "basePath": "/api",
            "schemes": ["https"],
            "consumes": [_JSON],
            "produces": [_JSON],
            "paths": paths,
            "responses": {name: self._response(response) for name, response in self._components["responses"].items()},
            "definitions": dict(sorted(self._definitions.items())),
            "securityDefinitions": {
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "entra": {
                    "type": "oauth2",
                    "flow": "accessCode",
                    "authorizationUrl": f"{entra}/authorize",
                    "tokenUrl": f"{entra}/token",
                    "scopes": {f"{registration.audience}/.default": "What the roles of whoever signs in allow"},
                },
            },
            "security": [{"functionKey": []}],
        }

    # --- operations -------------------------------------------------------------------------------------------------

    def _operation(self, name: str, operation: dict[str, Any]) -> dict[str, Any]:
        parameters = [_parameter(self._shapes, one) for one in operation["parameters"]]
        has_template = any(parameter["name"] == "template" for parameter in parameters)
        for parameter in parameters:
            _offer(parameter["name"], parameter, has_template=has_template)
        if "requestBody" in operation:
            parameters.append(self._body(operation["requestBody"], has_template=has_template))
        return {
            "operationId": connector_id(name),
            "summary": operation["summary"],
            "description": operation["description"],
            "x-ms-summary": operation["summary"],
            "x-ms-visibility": "important" if name in _IMPORTANT else "none",
            "parameters": parameters,
            "responses": self._responses(name, operation["responses"]),
        }

    def _body(self, body: dict[str, Any], *, has_template: bool) -> dict[str, Any]:
        schema = self._shapes.told(body["content"][_JSON]["schema"])
        for name, one in schema.get("properties", {}).items():
            _show(one, name, required=name in schema.get("required", []))
            _offer(name, one, has_template=has_template)
        meaning = schema.pop("description", "")
        return {
            "name": "body",
            "in": "body",
            "required": body["required"],
            "description": meaning,
            "x-ms-summary": schema.pop("x-ms-summary"),
            "schema": schema,
        }

    # --- answers ----------------------------------------------------------------------------------------------------

    def _responses(self, name: str, responses: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {
            status: {"$ref": response["$ref"].replace("#/components/", "#/")}
            if "$ref" in response
            else self._response(response)
            for status, response in responses.items()
        }
        if "Location" in responses.get("202", {}).get("headers", {}):
            told["200"] = self._outcome(name, told.get("200"))
        return dict(sorted(told.items()))

    def _response(self, response: dict[str, Any]) -> dict[str, Any]:
        content = response["content"]
        reference = (content.get(_JSON) or next(iter(content.values())))["schema"]["$ref"]
        told = {"description": response["description"], "schema": self._defined(reference.rpartition("/")[2])}
        if headers := response.get("headers"):
            told["headers"] = {
                header: {"type": one["schema"]["type"], "description": one["description"], "x-ms-summary": header}
                for header, one in headers.items()
            }
        return told

    def _defined(self, name: str) -> Schema:
        if name not in self._definitions:
            self._definitions[name] = self._shapes.told({"$ref": f"#/components/schemas/{name}"})
        return {"$ref": f"#/definitions/{name}"}

    def _outcome(self, name: str, at_once: dict[str, Any] | None) -> dict[str, Any]:
        """The answer of the run's status when it is over, and what the operation answers if there is no run."""
        run = self._defined(RunShown.__name__)
        if at_once is None or at_once["schema"] == run:
            return {"description": "How the run ended.", "schema": run}
        both = [self._definitions[one["$ref"].rpartition("/")[2]] for one in (at_once["schema"], run)]
        outcome = f"{connector_id(name)}Outcome"
        self._definitions[outcome] = {
            "type": "object",
            "x-ms-summary": "Outcome",
            "properties": {each: one for schema in both for each, one in schema["properties"].items()},
        }
        meaning = f"How the run ended; without a run: {at_once['description']}"
        return {"description": meaning, "schema": {"$ref": f"#/definitions/{outcome}"}}


def _parameter(shapes: Shapes, parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = shapes.told(parameter["schema"], parameter["name"])
    schema.pop("description", None)
    schema.pop("x-nullable", None)
    told = {name: parameter[name] for name in ("name", "in", "required", "description")}
    if parameter["name"] == "noun":
        schema["enum"] = _nouns()
    if parameter["in"] == "path":
        schema["x-ms-url-encoding"] = "single"
    _show(schema, parameter["name"], required=parameter["required"])
    return {**told, **schema}


def _show(schema: Schema, name: str, *, required: bool) -> None:
    """How prominent an input is in the designer."""
    if required:
        schema["x-ms-visibility"] = "important"
    elif name in ADVANCED:
        schema["x-ms-visibility"] = "advanced"


def _offer(name: str, schema: Schema, *, has_template: bool) -> None:
    """Let the designer ask the hub what there is, where that is known: its templates, a template's objects and lists."""
    offered = _LISTS.get(name)
    if offered is None or ("parameters" in offered and not has_template):
        return
    schema["x-ms-dynamic-values"] = {**offered, "value-collection": "items"}


def published() -> Iterator[tuple[str, str, str]]:
    """(method, path, operation id) of everything in the connector."""
    for operation in OPERATIONS:
        if operation.name not in NOT_PUBLISHED:
            yield operation.method, f"/{operation.route}", connector_id(operation.name)
