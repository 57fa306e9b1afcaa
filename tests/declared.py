"""Whether what the hub really answers is what its description in OpenAPI declares."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from shared.triggers.http import OPERATIONS
from shared.triggers.http.openapi import document, operation_id

BASE_URL = "https://hub.example"


@cache
def description() -> dict[str, Any]:
    """The description of this tree."""
    return document(OPERATIONS, BASE_URL)


@cache
def operations() -> dict[str, dict[str, Any]]:
    """What is declared of each operation, by its name in the code."""
    names = {operation_id(operation): operation.name for operation in OPERATIONS}
    found = [one for methods in description()["paths"].values() for one in methods.values()]
    return {names[one["operationId"]]: one for one in found}


def undeclared(name: str, status: int, kind: str, body: Any) -> list[str]:
    """In what the answer differs from what is declared; nothing if it is as declared."""
    declared = operations()[name]["responses"].get(str(status))
    if declared is None:
        return [f"{name} does not declare {status}"]
    content = _resolved(declared)["content"]
    if kind not in content:
        return [f"{name} declares {list(content)} for {status}, not {kind}"]
    errors = _validator(content[kind]["schema"]["$ref"]).iter_errors(body)
    return [f"{name} {status} {error.json_path}: {error.message[:300]}" for error in errors]


def declared_headers(name: str, status: int) -> set[str]:
    """The headers that an answer of this status must have."""
    headers = _resolved(operations()[name]["responses"][str(status)]).get("headers", {})
    return {header for header, one in headers.items() if one.get("required")}


def _resolved(one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = one
    if "$ref" in one:
        found = description()["components"]["responses"][one["$ref"].rpartition("/")[2]]
    return found


@cache
def _validator(reference: str) -> Draft202012Validator:
    schema = {"$ref": reference, "components": description()["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())
