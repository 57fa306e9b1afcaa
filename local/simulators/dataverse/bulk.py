"""CreateMultiple, UpdateMultiple, UpsertMultiple: one transaction, one cause of failure, one table per call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulators.dataverse.keys import RowKey, find_row, parse_reference
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.records import check_privilege, create_row, read_payload, update_row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import GUID
from local.simulators.dataverse.wire import Answer, Call, DataverseError, JsonObject, bad_payload, json_answer

PREFIX: Final = "Microsoft.Dynamics.CRM."


def run_bulk(org: Org, table: SimTable, message: str, call: Call) -> Answer:
    """Run one message over all targets, or none of them. Raises DataverseError, naming no row."""
    if message == "DeleteMultiple":
        raise DataverseError(501, "0x80040203", "DeleteMultiple has not yet been implemented.")
    if message not in table.bulk:
        raise DataverseError(
            400, "0x80040800", f"The '{message}' method does not support entities of type '{table.name}'."
        )
    targets = bulk_targets(call, table)
    with org.store.transaction():
        return _MESSAGES[message](org, table, targets, call)


def bulk_targets(call: Call, table: SimTable) -> list[JsonObject]:
    """The elements of ``Targets``; raises 400 unless each is an object that names its type."""
    targets = call.json_object().get("Targets")
    if not isinstance(targets, list) or not targets:
        raise bad_payload("Microsoft.OData.ODataException: 'Targets' needs a list of entities.", table.entity_set)
    for target in targets:
        if not isinstance(target, dict) or "@odata.type" not in target:
            raise bad_payload(
                "Microsoft.OData.ODataException: A type name was not found for an entity in a collection of "
                "'Microsoft.Dynamics.CRM.crmbaseentity'; '@odata.type' is required.",
                table.entity_set,
            )
        if set(table.collections) & set(target):
            raise DataverseError(501, "0x80040203", "Deep insert in a bulk message is not simulated.")
    return targets


def _create_multiple(org: Org, table: SimTable, targets: list[JsonObject], call: Call) -> Answer:
    check_privilege(org, "Create", table)
    ids = [create_row(org, table, read_payload(org, table, target))[table.primary_id] for target in targets]
    context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    return json_answer({"@odata.context": context, "Ids": ids})


def _update_multiple(org: Org, table: SimTable, targets: list[JsonObject], _call: Call) -> Answer:
    check_privilege(org, "Write", table)
    for target in targets:
        key = _identity(org, table, target)
        row = find_row(org, table, key) if key is not None else None
        if row is None:
            shown = key.guid or key.text if key is not None else "00000000-0000-0000-0000-000000000000"
            raise DataverseError(404, "0x80040217", f"{table.name} With Ids = {shown} Do Not Exist")
        update_row(org, table, row, _body(org, table, target))
    return Answer(204)


def _upsert_multiple(org: Org, table: SimTable, targets: list[JsonObject], _call: Call) -> Answer:
    """Which rows exist is decided before the first is written; so two creates of one key collide."""
    keys = [_identity(org, table, target) for target in targets]
    rows = [find_row(org, table, key) if key is not None else None for key in keys]
    for action, wanted in (("Create", any(row is None for row in rows)), ("Write", any(rows))):
        if wanted:
            check_privilege(org, action, table)
    for target, key, row in zip(targets, keys, rows, strict=True):
        changes = _body(org, table, target)
        if row is not None:
            current = org.store.get(table.name, row[table.primary_id]) or row
            kept = {name: value for name, value in changes.items() if key is None or name not in key.values}
            update_row(org, table, current, kept)
            continue
        if key is not None and (repeated := sorted(set(key.values) & set(changes))):
            raise bad_payload(
                "Microsoft.OData.ODataException: An item with the same key has already been added. Key: "
                f"{repeated[0]}.",
                table.entity_set,
            )
        create_row(org, table, {**_identity_values(table, key), **changes})
    return Answer(204)


def _identity(org: Org, table: SimTable, target: Mapping[str, Any]) -> RowKey | None:
    """How a target names its row: ``@odata.id`` or the primary key's property; None if it does not."""
    path = target.get("@odata.id")
    if path is not None:
        if not isinstance(path, str):
            raise bad_payload("Microsoft.OData.ODataException: '@odata.id' needs a path.", table.entity_set)
        found, key = parse_reference(org, path, {})
        if found is not table:
            raise bad_payload("Microsoft.OData.ODataException: One table per call.", table.entity_set)
        return key
    guid = target.get(table.primary_id)
    if guid is None:
        return None
    if not isinstance(guid, str) or not GUID.fullmatch(guid):
        raise bad_payload(
            f"Microsoft.OData.ODataException: Cannot convert the literal '{guid}' to the expected type 'Edm.Guid'.",
            table.entity_set,
        )
    return RowKey(guid.lower(), {}, guid.lower())


def _identity_values(table: SimTable, key: RowKey | None) -> dict[str, Any]:
    if key is None:
        return {}
    return {table.primary_id: key.guid} if key.guid is not None else dict(key.values)


def _body(org: Org, table: SimTable, target: Mapping[str, Any]) -> dict[str, Any]:
    changes = read_payload(org, table, {name: value for name, value in target.items() if name != "@odata.id"})
    changes.pop(table.primary_id, None)
    return changes


_MESSAGES: Final[Mapping[str, Callable[[Org, SimTable, list[JsonObject], Call], Answer]]] = {
    "CreateMultiple": _create_multiple,
    "UpdateMultiple": _update_multiple,
    "UpsertMultiple": _upsert_multiple,
}
