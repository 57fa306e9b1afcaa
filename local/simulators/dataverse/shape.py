"""Rows as answers show them: selected properties, etags, annotations, expanded lookups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from local.schema import Column
from local.simulators.dataverse.options import Options, Preferences
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import guid_order
from local.simulators.dataverse.wire import DataverseError, JsonObject, bad_query

FORMATTED: Final = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE: Final = "Microsoft.Dynamics.CRM.lookuplogicalname"
LOOKUP_PROPERTY: Final = "Microsoft.Dynamics.CRM.associatednavigationproperty"

type Shaper = Callable[[Row], JsonObject]


def etag(row: Row) -> str:
    """The weak etag of a row: its version."""
    return f'W/"{row["versionnumber"]}"'


def context_of(table: SimTable, select: Sequence[str], *, single: bool = False) -> str:
    """The fragment of ``@odata.context``."""
    columns = f"({','.join(select)})" if select else ""
    return f"$metadata#{table.entity_set}{columns}{'/$entity' if single else ''}"


def shaper(org: Org, table: SimTable, options: Options, preferences: Preferences) -> Shaper:
    """A function from stored rows to answer rows; raises DataverseError for an unknown name in $select or $expand."""
    columns = _selected(table, options.select)
    names = [column.read_property for column in columns]
    expansions = [_expansion(org, table, name, select) for name, select in options.expand]
    if not preferences.annotations and not expansions:

        def plain(row: Row) -> JsonObject:
            shaped: JsonObject = {"@odata.etag": etag(row)}
            for name in names:
                shaped[name] = row.get(name)
            return shaped

        return plain

    def full(row: Row) -> JsonObject:
        shaped: JsonObject = {"@odata.etag": etag(row)}
        for column in columns:
            shaped.update(_annotations(org, column, row, preferences))
            shaped[column.read_property] = row.get(column.read_property)
        for add in expansions:
            shaped.update(add(row))
        return shaped

    return full


def _selected(table: SimTable, select: Sequence[str]) -> list[Column]:
    """The columns to show: the primary key always, and the currency with any money."""
    if not select:
        return list(table.by_read.values())
    chosen: dict[str, Column] = {}
    for name in select:
        column = table.by_read.get(name)
        if column is None:
            raise bad_query(f"Could not find a property named '{name}' on type '{table.odata_type}'.")
        chosen[name] = column
        currency = table.by_read.get("_transactioncurrencyid_value")
        if column.type == "Money" and currency is not None:
            chosen[currency.read_property] = currency
    chosen[table.primary_id] = table.by_read[table.primary_id]
    return list(chosen.values())


def _expansion(org: Org, table: SimTable, name: str, select: Sequence[str]) -> Callable[[Row], JsonObject]:
    if name in table.collections:
        return _expanded_collection(org, table, name, select)
    if name not in table.navigation:
        raise bad_query(f"Could not find a property named '{name}' on type '{table.odata_type}'.")
    column, bind = table.navigation[name]
    target = org.tables.get(bind.table)
    if target is None:
        raise DataverseError(501, "0x80060888", f"The table behind {name} is not simulated.")
    inner = shaper(org, target, Options(select=tuple(select)), Preferences())

    def expand(row: Row) -> JsonObject:
        key = row.get(column.read_property)
        found = org.store.get(target.name, key) if key is not None else None
        return {name: inner(found) if found is not None else None}

    return expand


def _expanded_collection(org: Org, table: SimTable, name: str, select: Sequence[str]) -> Callable[[Row], JsonObject]:
    """All rows of a collection, in no order that means anything (here by their ids)."""
    collection = table.collections[name]
    inner = shaper(org, org.tables[collection.table], Options(select=tuple(select)), Preferences())
    rows = org.store.rows(collection.table)

    def expand(row: Row) -> JsonObject:
        keys = sorted(rows.ids_with(collection.read_name, (row[table.primary_id],)), key=guid_order)
        return {name: [inner(rows.by_id[key]) for key in keys]}

    return expand


def target_table(column: Column, row: Row) -> str:
    """The table a lookup's value is in; only lookups with several targets keep it in the row."""
    return str(row.get(f"{column.read_property}@table") or column.targets[0])


def _annotations(org: Org, column: Column, row: Row, preferences: Preferences) -> JsonObject:
    value = row.get(column.read_property)
    if value is None:
        return {}
    name = column.read_property
    found: JsonObject = {}
    if preferences.wants(FORMATTED):
        text = _formatted(org, column, row, value)
        if text is not None:
            found[f"{name}@{FORMATTED}"] = text
    if column.type == "Lookup":
        table = target_table(column, row)
        if preferences.wants(LOOKUP_PROPERTY):
            navigation = [bind.navigation_property for bind in column.binds if bind.table == table]
            if navigation:
                found[f"{name}@{LOOKUP_PROPERTY}"] = navigation[0]
        if preferences.wants(LOOKUP_TABLE):
            found[f"{name}@{LOOKUP_TABLE}"] = table
    return found


def _formatted(org: Org, column: Column, row: Row, value: Any) -> str | None:
    """Text as a user with English settings sees it; None for types that have no other form."""
    if column.options:
        return next((option.label for option in column.options if option.value == value), None)
    if column.type == "Lookup":
        table = org.tables.get(target_table(column, row))
        target = org.store.get(table.name, value) if table is not None else None
        return str(target.get(table.schema.primary_name)) if table is not None and target is not None else None
    if isinstance(value, Decimal):
        return f"{_symbol(org, row)}{value:,}" if column.type == "Money" else f"{value:,}"
    if isinstance(value, int):
        return f"{value:,}"
    return None


def _symbol(org: Org, row: Mapping[str, Any]) -> str:
    currency = org.store.get("transactioncurrency", row.get("_transactioncurrencyid_value") or "")
    return str(currency["currencysymbol"]) if currency is not None else ""
