"""One simulated company: its rows, its types with user fields, its settings and its clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.schema import EntitySet, Property, load_service_layer
from local.schema.sap_columns import FAMILIES
from local.simulators.control import Control
from local.simulators.service_layer.store import Collate, Row, Store, collate_binary, collate_ignoring_case
from local.simulators.service_layer.switches import Switches

SERVICE_TABLES: Mapping[str, tuple[str, ...]] = {
    "Series": ("SeriesProperty",),
    "CompanyInfo": ("CompanyName",),
    "AdminInfo": ("Code",),
    "CurrencyRates": ("Currency", "RateDate"),
}
"""Rows that no entity set shows, only service operations; their keys."""

_FIELD_TYPES = {"db_Alpha": "String", "db_Memo": "String", "db_Numeric": "Int32", "db_Date": "DateTimeOffset"}
_NODE_KEY = "_node"
"""Where a user field's row remembers the node that created it; never shown."""


@dataclass(frozen=True)
class UserField:
    """A user field as a property, its default and its valid values (empty: any)."""

    property: Property
    default: str | None
    valid_values: Mapping[str, str]


class Company:
    """Everything the parts of the simulator share."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], control: Control, switches: Switches, timezone: str) -> None:
        self.schema = load_service_layer()
        self.control = control
        self.switches = switches
        self.timezone = ZoneInfo(timezone)
        self.store = Store()
        self._start_rows = rows
        self._fields: dict[tuple[str, str | None], dict[str, UserField]] = {}
        self._next_contact = 1
        self.load()

    def load(self) -> None:
        """Take the rows the company was made with; raises ValueError for a set that does not exist."""
        self.store = Store()
        self.store.on_rollback = self.forget_user_fields
        tables = {name: entity_set.key for name, entity_set in self.schema.entity_sets.items()} | dict(SERVICE_TABLES)
        unknown = set(self._start_rows) - set(tables)
        if unknown:
            raise ValueError(f"no such set: {', '.join(sorted(unknown))}")
        for name, key in tables.items():
            self.store.add_table(name, key, self.collate).load(self._start_rows.get(name, ()))
        self._next_contact = 1 + max(
            (
                contact["InternalCode"]
                for partner in self.store.tables["BusinessPartners"].rows.values()
                for contact in partner.get("ContactEmployees", ())
            ),
            default=0,
        )
        self.forget_user_fields()

    @property
    def collate(self) -> Collate:
        """How text is compared."""
        return collate_ignoring_case if self.switches.collation == "ignore_case" else collate_binary

    def local_now(self) -> datetime:
        """The company's wall clock."""
        return self.control.now().astimezone(self.timezone)

    def next_contact_code(self) -> int:
        """A new InternalCode; codes of rolled back writes are lost, as identity numbers are."""
        code = self._next_contact
        self._next_contact += 1
        return code

    def setting(self, name: str) -> Any:
        """A value of AdminInfo, e.g. ``LocalCurrency``; None if the company has none."""
        return next((row.get(name) for row in self.store.tables["AdminInfo"].rows.values()), None)

    # -- types ---------------------------------------------------------------------------------------------------

    def table_of(self, type_name: str) -> str | None:
        """The database table of a type, e.g. OCRD; user fields belong to tables."""
        if type_name in self.schema.row_tables:
            return self.schema.row_tables[type_name]
        return next(
            (each.table for each in self.schema.entity_sets.values() if each.type.name == type_name and each.table),
            None,
        )

    def user_fields(self, type_name: str, node: str | None) -> Mapping[str, UserField]:
        """User fields of a type by their ``U_`` name, as the node knows them (None: all nodes)."""
        cache_key = (type_name, node if self.switches.stale_nodes else None)
        if cache_key not in self._fields:
            self._fields[cache_key] = self._read_user_fields(self.table_of(type_name), cache_key[1])
        return self._fields[cache_key]

    def _read_user_fields(self, table: str | None, node: str | None) -> dict[str, UserField]:
        fields = {}
        for row in self.store.tables["UserFieldsMD"].rows.values():
            maker = row.get(_NODE_KEY)
            if (
                table is None
                or FAMILIES.get(row["TableName"], row["TableName"]) != table
                or (node and maker and maker != node)
            ):
                continue
            field = _user_field(row)
            fields[field.property.name] = field
        return fields

    def forget_user_fields(self) -> None:
        """Read UserFieldsMD again at the next use; after every change of it."""
        self._fields.clear()

    def restart_nodes(self) -> None:
        """All nodes know all user fields from now on."""
        table = self.store.tables["UserFieldsMD"]
        for key, row in list(table.rows.items()):
            table.rows[key] = {name: value for name, value in row.items() if name != _NODE_KEY}
        self.forget_user_fields()

    def property(self, type_name: str, name: str, node: str | None) -> Property | None:
        """A property or user field of a type, or None. Names are case sensitive."""
        found = self.schema.types[type_name].properties.get(name)
        if found is not None:
            return found
        field = self.user_fields(type_name, node).get(name) if name.startswith("U_") else None
        return field.property if field is not None else None


class SetScope:
    """What a query on a set may name, seen from one node."""

    def __init__(self, company: Company, entity_set: EntitySet, node: str | None, *, ignore_case: bool = False) -> None:
        self._company = company
        self._node = node
        self.type_name = entity_set.type.name
        self.key_name = entity_set.key[0] if len(entity_set.key) == 1 else None
        self.collate: Collate = company.collate
        if ignore_case and company.collate is collate_binary:
            self.collate = collate_ignoring_case
            self.key_name = None  # the key order is another one then

    def property(self, name: str) -> Property | None:
        """The property of that name, user fields included."""
        return self._company.property(self.type_name, name, self._node)

    def enum(self, name: str) -> dict[str, str | None] | None:
        """Members of an enumeration."""
        members = self._company.schema.enums.get(name)
        return dict(members) if members is not None else None


def mark_node(row: Row, node: str | None) -> Row:
    """A user field's row that remembers where it was created."""
    return {**row, _NODE_KEY: node}


def _user_field(row: Row) -> UserField:
    kind = row.get("Type") or "db_Alpha"
    type_name = "Double" if kind == "db_Float" else _FIELD_TYPES.get(kind, "String")
    if row.get("SubType") == "st_Time":
        type_name = "TimeOfDay"
    length = (row.get("Size") or row.get("EditSize") or 50) if kind == "db_Alpha" else None
    valid = {each["Value"]: each.get("Description") or "" for each in row.get("ValidValuesMD") or ()}
    return UserField(Property(f"U_{row['Name']}", type_name, True, length), row.get("DefaultValue"), valid)
