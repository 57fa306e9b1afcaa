"""The description of this API in OpenAPI 3.1, made of the operations that are served and their own models."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from shared.triggers.http.answers.base import Accepted, ProblemDetails
from shared.triggers.http.answers.runs import RunShown
from shared.triggers.http.calls import Nothing, Operation
from shared.triggers.http.roles import Role
from shared.version import VERSION

TITLE = "Integration Hub for SAP Business One"
FUNCTION_KEY, ADMIN_KEY, ENTRA = "functionKey", "adminKey", "entra"
PATH_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "template": ("Template", "The template's id"),
    "object": ("Object", "What travels: account, product, order …; GET …/objects lists them"),
    "list": ("List", "A list that settings refer to; GET …/lists names them"),
    "run": ("Run", "The run's id"),
    "noun": ("Kind", "What is marked: customers, items, leads"),
    "batch": ("Batch", "The name of a batch of marks"),
}
"""What addresses are made of: name -> title, meaning."""

_JSON, _PROBLEM = "application/json", "application/problem+json"
_EVERYWHERE = (400, 401, 403, 413, 415, 500, 502, 503)
_MEANING: Mapping[int, str] = {
    400: "The request is not as this address takes it; errors names what to correct.",
    401: "The key, the token or the signed-in user is missing or not accepted; the functions host answers without a body.",
    403: "Whoever asks may not do this; the detail names the role that may.",
    404: "The address names something that there is not.",
    409: "The state does not allow it now; the detail says what to do first.",
    413: "That is more than one call takes.",
    415: "Send JSON, with Content-Type application/json.",
    422: "A system refuses this as it is.",
    500: "The hub failed; its log says more under the incident.",
    502: "Credentials, rights or settings of a system are wrong.",
    503: "A system or the storage account is not well, or busy; try again after Retry-After.",
}
_LOCATION = {
    "description": "Where to ask what became of it; it carries its own token, so ask without credentials",
    "schema": {"type": "string", "format": "uri"},
}
_RETRY_AFTER = {"description": "Seconds until it is worth asking again", "schema": {"type": "integer", "minimum": 1}}
_ENTRA_URL = "https://login.microsoftonline.com/organizations/oauth2/v2.0"
_SECURITY_SCHEMES = {
    FUNCTION_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "x-functions-key",
        "description": "A function key of the app. Every request needs it, but for the status of a run.",
    },
    ADMIN_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Hub-Admin-Key",
        "description": "For what Hub.Admin may do, where nobody is signed in.",
    },
    ENTRA: {
        "type": "oauth2",
        "description": "Microsoft Entra, audience api://<client id of the hub's app registration>. What a caller may do "
        "is in the token's roles: Hub.Read, Hub.Operate, Hub.Admin.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": f"{_ENTRA_URL}/authorize",
                "tokenUrl": f"{_ENTRA_URL}/token",
                "scopes": {},
            }
        },
    },
}


def document(operations: Sequence[Operation], base_url: str) -> dict[str, Any]:
    """The whole description; ``base_url`` is the app's address, without /api."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(f"/{operation.route}", {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "Errors are problem details (RFC 9457). Times are UTC, amounts are text.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": f"{base_url.rstrip('/')}/api"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "responses": {f"Problem{status}": _problem(status) for status in _MEANING},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def operation_id(operation: Operation) -> str:
    """Its name in descriptions."""
    return to_camel(operation.name)


def refusals(operation: Operation) -> list[int]:
    """The statuses of all problems that it can answer."""
    return sorted({*_EVERYWHERE, *operation.refusals})


def is_followed(answer: type[BaseModel], status: int) -> bool:
    """Whether the answer has a Location to follow: 202, for one run."""
    return status == HTTPStatus.ACCEPTED and issubclass(answer, Accepted | RunShown)


def prose(text: str | None) -> str:
    """A docstring as Markdown: one line per paragraph."""
    lines = inspect.cleandoc(text or "").replace("``", "`")
    return re.sub(r"(?<!\n)\n(?!\n)", " ", lines)


def query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """The query's parameters, each with its schema; what may be left out has no null in it."""
    schema = query.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    required = schema.get("required", [])
    return [
        _parameter("query", name, one, required=name in required) for name, one in schema.get("properties", {}).items()
    ]


@cache
def examples() -> dict[str, Any]:
    """Real requests and answers by operation, recorded by ``python -m local.examples``."""
    recorded: dict[str, Any] = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
    return recorded


# --- operations -------------------------------------------------------------------------------------------------------


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation_id(operation),
        "summary": operation.title,
        "description": prose(operation.doc),
        "security": _security(operation.role),
        "parameters": [*_path_parameters(operation.route), *query_parameters(operation.query)],
        "responses": _responses(operation),
    }
    if operation.role is not None:
        described["x-role"] = operation.role.claim
    if operation.preview_role is not None:
        described["x-preview-role"] = operation.preview_role.claim
    if operation.body is not Nothing:
        described["requestBody"] = _request_body(operation)
    return described


def _security(role: Role | None) -> list[dict[str, list[str]]]:
    if role is None:
        return [{}, {ENTRA: []}]
    by_key: dict[str, list[str]] = {FUNCTION_KEY: [], ADMIN_KEY: []} if role is Role.ADMIN else {FUNCTION_KEY: []}
    return [by_key, {FUNCTION_KEY: [], ENTRA: []}]


def _path_parameters(route: str) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"\{(\w+)\}", route):
        title, meaning = PATH_PARAMETERS[name]
        schema = {"type": "string", "minLength": 1, "title": title, "description": meaning}
        found.append(_parameter("path", name, schema, required=True))
    return found


def _parameter(place: str, name: str, schema: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    own = {key: value for key, value in schema.items() if key != "description" and (key, value) != ("default", None)}
    if "anyOf" in own:
        kinds = [kind for kind in own.pop("anyOf") if kind != {"type": "null"}]
        own |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": schema.get("description", ""),
        "schema": own,
    }


def _request_body(operation: Operation) -> dict[str, Any]:
    content = {"schema": _reference(operation.body), **_example(operation.name, "body")}
    mandatory = any(field.is_required() for field in operation.body.model_fields.values())
    return {"required": mandatory, "content": {_JSON: content}}


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in refusals(operation)
    }
    for status, answer in operation.answers.items():
        content = {_JSON: {"schema": _reference(answer), **_example(operation.name, str(status))}}
        if status in refusals(operation):  # a problem, or this
            refused = _problem(status)
            responses[str(status)] = {**refused, "content": {**content, **refused["content"]}}
            continue
        responses[str(status)] = {"description": prose(answer.__doc__), "content": content}
        if is_followed(answer, status):
            headers = {"Location": {**_LOCATION, "required": True}, "Retry-After": {**_RETRY_AFTER, "required": True}}
            responses[str(status)]["headers"] = headers
    return dict(sorted(responses.items()))


def _problem(status: int) -> dict[str, Any]:
    headers = {"headers": {"Retry-After": _RETRY_AFTER}} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    content = {_PROBLEM: {"schema": _reference(ProblemDetails)}}
    return {"description": _MEANING[status], **headers, "content": content}


def _example(name: str, part: str) -> dict[str, Any]:
    recorded = examples().get(name, {})
    return {"example": recorded[part]} if part in recorded else {}


# --- schemas ----------------------------------------------------------------------------------------------------------


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    models: dict[type[BaseModel], None] = {ProblemDetails: None}
    for operation in operations:
        bodies = () if operation.body is Nothing else (operation.body,)
        models |= dict.fromkeys((operation.query, *bodies, *operation.answers.values()))
    modes = [(model, "validation") for model in models]
    _, schema = models_json_schema(modes, by_alias=True, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    queries = {operation.query.__name__ for operation in operations}
    return {name: _told(one) for name, one in sorted(schema["$defs"].items()) if name not in queries}


def _told(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "description": prose(schema["description"])} if "description" in schema else schema
