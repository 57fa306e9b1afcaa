"""Dataverse's tables, columns, lookups, options and error codes as far as this project uses them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "dataverse.json"


@dataclass(frozen=True, slots=True)
class Bind:
    """One target of a lookup: written as ``navigation_property@odata.bind`` with a path into ``entity_set``."""

    table: str
    entity_set: str
    navigation_property: str


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice; ``state`` is the state a status reason belongs to."""

    value: int | bool
    label: str
    state: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``read_property`` is its name in answers and filters (``_x_value`` for lookups).

    ``type`` is the attribute type (String, Memo, Picklist, Lookup, Customer, Owner, Money, State, Status, ...).
    ``places`` is the precision of a column that was made here, None where the metadata at hand does not say.
    ``required_level`` is none, recommended, required or systemrequired; only the last is enforced by the Web API.
    """

    name: str
    type: str
    edm_type: str
    read_property: str
    read_only: bool
    max_length: int | None
    minimum: float | None
    maximum: float | None
    options: tuple[Option, ...]
    default: Any
    targets: tuple[str, ...]
    binds: tuple[Bind, ...]
    required_level: str
    datetime_behavior: str | None
    in_web_api: bool
    places: int | None = None


@dataclass(frozen=True)
class Table:
    """One table; ``default_status`` gives the status reason of each state."""

    logical_name: str
    entity_set: str
    primary_id: str
    primary_name: str
    object_type_code: int
    default_status: Mapping[int, int]
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class DataverseSchema:
    """Tables by logical name, and the symbolic names of error codes such as ``0x80040217``."""

    tables: Mapping[str, Table]
    error_codes: Mapping[str, str]

    def table_of_set(self, entity_set: str) -> Table | None:
        """The table behind an entity set name, or None."""
        return next((table for table in self.tables.values() if table.entity_set == entity_set), None)


def _column(name: str, raw: Mapping[str, Any]) -> Column:
    return Column(
        name=name,
        type=raw["type"],
        edm_type=raw["edm_type"],
        read_property=raw["read_property"],
        read_only=raw.get("read_only", False),
        max_length=raw.get("max_length"),
        minimum=raw.get("min"),
        maximum=raw.get("max"),
        options=tuple(Option(each["value"], each["label"], each.get("state")) for each in raw.get("options", ())),
        default=raw.get("default"),
        targets=tuple(raw.get("targets", ())),
        binds=tuple(
            Bind(each["table"], each["entity_set"], each["navigation_property"]) for each in raw.get("binds", ())
        ),
        required_level=raw.get("required_level", "none"),
        datetime_behavior=raw.get("datetime_behavior"),
        in_web_api=raw.get("in_web_api", True),
    )


@cache
def load_dataverse() -> DataverseSchema:
    """Read the schema once per process."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    tables = {
        name: Table(
            logical_name=entry["logical_name"],
            entity_set=entry["entity_set"],
            primary_id=entry["primary_id"],
            primary_name=entry["primary_name"],
            object_type_code=entry["object_type_code"],
            default_status={int(state): status for state, status in (entry.get("default_status") or {}).items()},
            columns={column: _column(column, spec) for column, spec in entry["columns"].items()},
        )
        for name, entry in raw["tables"].items()
    }
    return DataverseSchema(tables, raw["error_codes"])
