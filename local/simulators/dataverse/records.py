"""Reading payloads and writing rows: create, update, upsert, delete, each refused as a whole or done as a whole.

Read-only columns in a payload are ignored, as the platform does for columns not valid for create or update.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from local.simulators.dataverse.keys import RowKey, find_row, parse_reference, require_row
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.rules import apply_save_rules, rules_of
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import fold_text, stored_value
from local.simulators.dataverse.wire import DataverseError, JsonObject, bad_payload, no_record

BIND = "@odata.bind"


def read_payload(
    org: Org, table: SimTable, payload: Mapping[str, Any], references: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The changes a payload asks for, by read property; raises DataverseError for anything the table does not take."""
    changes: dict[str, Any] = {}
    for name, value in payload.items():
        if name.endswith(BIND):
            changes.update(_bound(org, table, name.removesuffix(BIND), value, references or {}))
        elif name == "@odata.type":
            _check_type(table, value)
        elif "@" in name:
            _check_annotation(table, payload, name)
        elif name in table.collections:
            changes[name] = _nested(org, table, name, value, references)
        elif name in table.navigation:
            changes.update(_unbound(table, name, value))
        else:
            changes.update(_plain(table, name, value))
    return changes


def _nested(
    org: Org, table: SimTable, name: str, value: Any, references: Mapping[str, str] | None
) -> list[dict[str, Any]]:
    """The rows of a deep insert, each read as a payload of its own table."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad_payload(f"Microsoft.OData.ODataException: '{name}' needs a list of entities.", table.entity_set)
    child = org.tables[table.collections[name].table]
    return [read_payload(org, child, each, references) for each in value]


def _check_type(table: SimTable, value: Any) -> None:
    if not isinstance(value, str) or value.removeprefix("#") != table.odata_type:
        raise bad_payload(
            "Microsoft.OData.ODataException: A type named in the payload is not assignable to the expected type "
            f"'{table.odata_type}'.",
            table.entity_set,
        )


def _check_annotation(table: SimTable, payload: Mapping[str, Any], name: str) -> None:
    target = name.partition("@")[0]
    if target and target not in payload and target not in table.by_read:
        raise _undeclared(table, target)


def _undeclared(table: SimTable, name: str) -> DataverseError:
    return bad_payload(
        f"Microsoft.OData.ODataException: An undeclared property '{name}' which only has property annotations in the "
        "payload but no property value was found in the payload. In OData, only declared navigation properties and "
        "declared named streams can be represented as properties without values.",
        table.entity_set,
    )


def _bound(org: Org, table: SimTable, name: str, path: Any, references: Mapping[str, str]) -> dict[str, Any]:
    if name not in table.navigation:
        raise _undeclared(table, name)
    column, _ = table.navigation[name]
    if path is None:
        return _unbound(table, name, None)
    if not isinstance(path, str):
        raise bad_payload(f"Microsoft.OData.ODataException: '{name}{BIND}' needs a path.", table.entity_set)
    target, key = parse_reference(org, path, references)
    allowed = {bind.table for bind in column.binds if bind.navigation_property == name}
    if target.name not in allowed:
        raise bad_payload(
            f"Microsoft.OData.ODataException: '{target.entity_set}' is no target of '{name}'.", table.entity_set
        )
    row = require_row(org, target, key)
    changes = {column.read_property: row[target.primary_id]}
    if len(column.targets) > 1:
        changes[f"{column.read_property}@table"] = target.name
    return changes


def _unbound(table: SimTable, name: str, value: Any) -> dict[str, Any]:
    column, _ = table.navigation[name]
    if value is not None:
        raise DataverseError(501, "0x80040203", "Deep insert is not simulated.")
    changes: dict[str, Any] = {column.read_property: None}
    if len(column.targets) > 1:
        changes[f"{column.read_property}@table"] = None
    return changes


def _plain(table: SimTable, name: str, value: Any) -> dict[str, Any]:
    column = table.columns.get(name)
    if column is None or not column.in_web_api or column.type == "Lookup":
        if name in table.by_read:
            raise bad_payload(
                "Microsoft.Crm.CrmException: CRM do not support direct update of Entity Reference properties, Use "
                "Navigation properties instead.",
                table.entity_set,
            )
        raise bad_payload(
            f"Microsoft.Crm.CrmException: Invalid property '{name}' was found in entity '{table.odata_type}'. ---> "
            f"Microsoft.OData.ODataException: The property '{name}' does not exist on type '{table.odata_type}'. "
            "Make sure to only use property names that are defined by the type.",
            table.entity_set,
        )
    stored = stored_value(table.name, table.entity_set, column, value)
    return {} if column.read_only else {column.read_property: stored}


# -- writing -----------------------------------------------------------------------------------------------------


def create_row(org: Org, table: SimTable, changes: Mapping[str, Any], stamp: str | None = None) -> Row:
    """Insert a row; its id may be among the changes. Raises 412 for an id or alternate key that exists.

    Collections among the changes become rows in the same transaction. `stamp` stands in for the present instant when
    data from the past is laid out.
    """
    with org.store.transaction():
        own = {name: value for name, value in changes.items() if name not in table.collections}
        row = _insert(org, table, own, stamp)
        for name, collection in table.collections.items():
            for child in changes.get(name, ()):
                parent = {collection.read_name: row[table.primary_id]}
                create_row(org, org.tables[collection.table], {**child, **parent}, stamp)
    return org.store.get(table.name, row[table.primary_id]) or row


def _insert(org: Org, table: SimTable, changes: Mapping[str, Any], stamp: str | None) -> Row:
    key = changes.get(table.primary_id) or str(uuid.uuid4())
    if org.store.get(table.name, key) is not None:
        raise DataverseError(412, "0x80040237", "Cannot insert duplicate key.")
    now = stamp or org.now_text()
    new: dict[str, Any] = {**table.defaults, **changes, table.primary_id: key}
    back_dated = new.get("overriddencreatedon")
    new["createdon"], new["modifiedon"] = back_dated or now, now
    if back_dated:
        new["overriddencreatedon"] = now
    for read_name in ("_createdby_value", "_modifiedby_value"):
        if read_name in table.by_read:
            new[read_name] = org.user_id
    if "_ownerid_value" in table.by_read:
        new.setdefault("_ownerid_value", org.user_id)
        new.setdefault("_ownerid_value@table", "systemuser")
        new["_owninguser_value"] = new["_ownerid_value"]
        new["_owningbusinessunit_value"] = org.business_unit_id
    return _save(org, table, None, new, changes)


def update_row(org: Org, table: SimTable, old: Row, changes: Mapping[str, Any], stamp: str | None = None) -> Row:
    """Change a row; its stamp and version move even if every value is as before. The primary key stays."""
    if nested := sorted(set(table.collections) & set(changes)):
        raise bad_payload(
            f"Microsoft.OData.ODataException: '{nested[0]}' cannot be part of an update.", table.entity_set
        )
    changed = {name: value for name, value in changes.items() if name != "overriddencreatedon"}
    new = {**old, **changed, table.primary_id: old[table.primary_id], "modifiedon": stamp or org.now_text()}
    if "_modifiedby_value" in table.by_read:
        new["_modifiedby_value"] = org.user_id
    return _save(org, table, old, new, changes)


def _save(org: Org, table: SimTable, old: Row | None, new: dict[str, Any], changes: Mapping[str, Any]) -> Row:
    save = Save(org, table, old, new, changes)
    with org.store.transaction():
        apply_save_rules(save)
        _check_alternate_keys(org, table, new)
        new["versionnumber"] = org.store.next_version()
        org.store.put(table.name, new)
        for rule in rules_of(table).saved:
            rule(save)
    return org.store.get(table.name, new[table.primary_id]) or new


def _check_alternate_keys(org: Org, table: SimTable, new: Row) -> None:
    """No two rows with the same values of an active key; a null among them exempts the row."""
    for key in table.keys.values():
        names = [table.columns[name].read_property for name in key.columns]
        values = {name: new.get(name) for name in names}
        if key.status != "Active" or any(value is None for value in values.values()):
            continue
        found = find_ids(org, table, values) - {new[table.primary_id]}
        if found:
            raise DataverseError(
                412,
                "0x80060892",
                f"Entity Key {key.schema_name} violated. A record with the same value for {', '.join(key.columns)} "
                "already exists. A duplicate record cannot be created. Select one or more unique values and try again.",
            )


def find_ids(org: Org, table: SimTable, values: Mapping[str, Any]) -> set[str]:
    """Ids of the rows with all these values."""
    rows = org.store.rows(table.name)
    found: set[str] | None = None
    for name, value in values.items():
        ids = rows.ids_with(name, (fold_text(value),))
        found = set(ids) if found is None else found & ids
    return found or set()


def upsert_row(org: Org, table: SimTable, key: RowKey, changes: Mapping[str, Any]) -> tuple[Row, bool]:
    """Update the row a key names, or create it; tells whether it was created.

    On an update the body's values of the key columns are dropped; on a create they win over the key's.
    """
    row = find_row(org, table, key)
    if row is not None:
        kept = {name: value for name, value in changes.items() if name not in key.values}
        return update_row(org, table, row, kept), False
    identity: JsonObject = {table.primary_id: key.guid} if key.guid is not None else dict(key.values)
    return create_row(org, table, {**identity, **changes}), True


def delete_row(org: Org, table: SimTable, key: str) -> None:
    """Delete a row with what the table's rules do to others; raises 404 if it is not there."""
    row = org.store.get(table.name, key)
    if row is None:
        raise no_record(table.name, key)
    with org.store.transaction():
        for rule in rules_of(table).delete:
            rule(org, row)
        org.store.drop(table.name, key)
        for rule in rules_of(table).deleted:
            rule(org, row)


def check_privilege(org: Org, action: str, table: SimTable) -> None:
    """Raise 403 0x80040220 where the application user's role lacks a privilege on the table."""
    if (action, table.name) in org.switches.missing_privileges:
        name = table.name.capitalize()
        raise DataverseError(
            403,
            "0x80040220",
            f"Principal user (Id={org.user_id}, type=8) is missing prv{action}{name} privilege on "
            f"OTC={table.schema.object_type_code} for entity '{table.name}'.",
        )
