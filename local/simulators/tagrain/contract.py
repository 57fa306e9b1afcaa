"""The contract as the simulator uses it: collections, what may be written, the schemas that bodies must meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "tagrain-contract.yaml"


@dataclass(frozen=True)
class Collection:
    """One collection: its name in paths, its filters, and the schemas of its records, of a creation and of a change."""

    name: str
    filters: tuple[str, ...]
    record: str
    creation: str
    change: str


@cache
def document() -> Mapping[str, Any]:
    """The whole document."""
    loaded: Mapping[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return loaded


@cache
def collections() -> Mapping[str, Collection]:
    """By name."""
    return {each.name: each for each in _collections()}


def _collections() -> Iterator[Collection]:
    paths = document()["paths"]
    for path, verbs in paths.items():
        name = path.strip("/")
        single = paths.get(f"{path}/{{id}}")
        if single is None or "{" in path:
            continue
        named = [each["$ref"].rpartition("/")[2] for each in verbs["get"]["parameters"]]
        yield Collection(
            name,
            tuple(each.removeprefix("by-") for each in named if each.startswith("by-")),
            _schema_of(single["get"]["responses"]["200"]),
            _schema_of(verbs["post"]["requestBody"]) if "post" in verbs else "",
            _schema_of(single["patch"]["requestBody"]) if "patch" in single else "",
        )


def _schema_of(part: Mapping[str, Any]) -> str:
    return str(part["content"]["application/json"]["schema"]["$ref"]).rpartition("/")[2]


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def wrong_in(schema: str, value: Any) -> list[dict[str, str]]:
    """What of the value does not meet the schema: field and message each."""
    errors = sorted(_validator(schema).iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
    return [{"field": ".".join(map(str, error.absolute_path)) or "body", "message": error.message} for error in errors]


def properties(schema: str) -> Mapping[str, Any]:
    """The properties of a schema."""
    found: Mapping[str, Any] = document()["components"]["schemas"][schema]["properties"]
    return found
