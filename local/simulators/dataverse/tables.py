"""Tables as the running simulator sees them: the schema plus what an org adds (custom columns, keys, bulk messages)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from local.schema import Column, Table
from local.schema.dataverse import Bind
from local.simulators.dataverse.values import fold_text, guid_order, literal_value
from local.simulators.odata import Property, UnknownProperty

BULK_MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")
NAMESPACE = uuid.UUID("8d4f0c0e-5d5b-4a59-9d0e-6f5a0b0f3c11")


def stable_guid(name: str) -> str:
    """A GUID that is the same in every run, for metadata and seeded rows."""
    return str(uuid.uuid5(NAMESPACE, name))


@dataclass(frozen=True)
class AlternateKey:
    """A key an admin has defined; `status` is Active once its index is built."""

    schema_name: str
    columns: tuple[str, ...]
    status: str = "Active"


@dataclass(frozen=True)
class CustomColumn:
    """What metadata says of a column made through the API."""

    schema_name: str
    display_name: str


@dataclass(frozen=True)
class Collection:
    """The rows of another table whose lookup `read_name` names a row; by its navigation property on that row."""

    table: str
    read_name: str


COLLECTIONS: Mapping[str, Mapping[str, Collection]] = {
    "opportunity": {"product_opportunities": Collection("opportunityproduct", "_opportunityid_value")},
    "quote": {"quote_details": Collection("quotedetail", "_quoteid_value")},
    "salesorder": {"order_details": Collection("salesorderdetail", "_salesorderid_value")},
}
"""The collections that can be inserted with their row and expanded."""


@dataclass
class SimTable:
    """One table with lookups by every name a request may use. Bulk messages are refused unless listed."""

    schema: Table
    bulk: frozenset[str]
    keys: dict[str, AlternateKey] = field(default_factory=dict)
    custom: dict[str, CustomColumn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns: dict[str, Column] = {}
        self.by_read: dict[str, Column] = {}
        self.navigation: dict[str, tuple[Column, Bind]] = {}
        self.properties: dict[str, Property] = {}
        self.money: list[str] = []
        self._defaults: dict[str, Any] = {}
        for column in self.schema.columns.values():
            self.add(column)

    def add(self, column: Column) -> None:
        """Make a column known under its name, its read name and its navigation properties."""
        self.columns[column.name] = column
        if not column.in_web_api:
            return
        self.by_read[column.read_property] = column
        self.properties[column.read_property] = self._property(column)
        if column.default is not None:
            self._defaults[column.read_property] = column.default
        if column.type == "Money" and not column.name.endswith("_base"):
            self.money.append(column.name)
        for bind in column.binds:
            self.navigation[bind.navigation_property] = (column, bind)

    def _property(self, column: Column) -> Property:
        read_name = column.read_property
        fold = None
        if column.edm_type == "Edm.String":
            fold = fold_text
        elif read_name == self.schema.primary_id:
            return Property(
                read_name, lambda row: row.get(read_name), lambda literal: literal_value(column, literal), guid_order
            )
        return Property(read_name, lambda row: row.get(read_name), lambda literal: literal_value(column, literal), fold)

    @property
    def name(self) -> str:
        """The logical name."""
        return self.schema.logical_name

    @property
    def entity_set(self) -> str:
        """The name in URLs."""
        return self.schema.entity_set

    @property
    def primary_id(self) -> str:
        """The primary key's column."""
        return self.schema.primary_id

    @property
    def odata_type(self) -> str:
        """The name in ``@odata.type``."""
        return f"Microsoft.Dynamics.CRM.{self.name}"

    @property
    def collections(self) -> Mapping[str, Collection]:
        """Collection-valued navigation properties by name."""
        return COLLECTIONS.get(self.name, {})

    def property_of(self, path: tuple[str, ...]) -> Property:
        """Resolve a path of a query: a column, or a lookup's target id as ``primarycontactid/contactid``."""
        if len(path) == 1 and path[0] in self.properties:
            return self.properties[path[0]]
        if len(path) == 2 and path[0] in self.navigation:
            column, bind = self.navigation[path[0]]
            if path[1] == f"{bind.table}id":
                return self.properties[column.read_property]
        raise UnknownProperty("/".join(path))

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Values a new row has unless the payload says otherwise."""
        return self._defaults

    def default_status(self, state: int) -> int | None:
        """The status reason a state gets when none is given."""
        return self.schema.default_status.get(state)


def make_tables(
    tables: Mapping[str, Table], names: Iterable[str], bulk: Mapping[str, Iterable[str]]
) -> dict[str, SimTable]:
    """Build the simulator's tables afresh; binds to tables that are not simulated are kept and refused on use."""
    made: dict[str, SimTable] = {}
    for name in names:
        schema = tables[name]
        made[name] = SimTable(replace(schema, columns=dict(schema.columns)), frozenset(bulk.get(name, ())))
    return made
