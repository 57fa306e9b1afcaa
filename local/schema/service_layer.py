"""Service Layer's entity sets, types, enumerations and service operations as far as this project uses them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "service_layer.json"
_COLLECTION = "Collection("


@dataclass(frozen=True, slots=True)
class Property:
    """One property; ``type_name`` is the element type when ``is_collection``, e.g. ``BPAddress``."""

    name: str
    type_name: str
    nullable: bool
    max_length: int | None
    is_collection: bool = False


@dataclass(frozen=True)
class EntityType:
    """An entity or row (complex) type with its properties in published order."""

    name: str
    is_row: bool
    properties: Mapping[str, Property]


@dataclass(frozen=True)
class EntitySet:
    """A set: its type, key properties in order, table, and the verbs SAP documents, e.g. ``DELETE Orders(id)``."""

    name: str
    type: EntityType
    key: tuple[str, ...]
    has_etag: bool
    table: str | None
    operations: frozenset[str]
    nav: Mapping[str, str]

    def allows(self, verb: str) -> bool:
        """True if the reference documents the verb on an entity (or POST on the set)."""
        place = self.name if verb == "POST" else f"{self.name}(id)"
        return f"{verb} {place}" in self.operations


@dataclass(frozen=True)
class ServiceOperation:
    """An unbound operation such as ``SeriesService_GetDocumentSeries``; ``returns`` may be ``Collection(...)``."""

    name: str
    params: Mapping[str, str]
    returns: str | None


@dataclass(frozen=True)
class ServiceLayerSchema:
    """All of it. ``enums`` maps an enumeration's members to database codes (None where unknown)."""

    entity_sets: Mapping[str, EntitySet]
    types: Mapping[str, EntityType]
    enums: Mapping[str, Mapping[str, str | None]]
    row_tables: Mapping[str, str]
    operations: Mapping[str, ServiceOperation]


def _property(name: str, raw: list[Any]) -> Property:
    type_name, nullable, max_length = raw
    is_collection = type_name.startswith(_COLLECTION)
    if is_collection:
        type_name = type_name[len(_COLLECTION) : -1]
    return Property(name, type_name, nullable, max_length, is_collection)


@cache
def load_service_layer() -> ServiceLayerSchema:
    """Read the schema once per process."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    types = {
        name: EntityType(
            name, entry["kind"] == "complex", {prop: _property(prop, spec) for prop, spec in entry["props"].items()}
        )
        for name, entry in raw["types"].items()
    }
    sets = {
        name: EntitySet(
            name=name,
            type=types[entry["type"]],
            key=tuple(entry["key"]),
            has_etag=entry["etag"],
            table=entry["table"],
            operations=frozenset(entry["operations"]),
            nav=entry["nav"],
        )
        for name, entry in raw["entity_sets"].items()
    }
    operations = {
        name: ServiceOperation(name, entry["params"], entry["returns"]) for name, entry in raw["operations"].items()
    }
    return ServiceLayerSchema(sets, types, raw["enums"], raw["row_tables"], operations)
