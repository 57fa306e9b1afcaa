"""What actions take and give: parameters by name and kind, rows named by them, the columns of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.simulators.dataverse.options import Options, Preferences
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.shape import context_of, shaper
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import GUID
from local.simulators.dataverse.wire import Answer, Call, DataverseError, JsonObject, bad_payload, json_answer

type Kinds = Mapping[str, type]


def read_parameters(call: Call, action: str, required: Kinds, optional: Kinds) -> JsonObject:
    """The body of an action; raises 400 for a name it does not have, a wrong kind, or a required one left out.

    Optional parameters may be null; the answer has all of them.
    """
    body = call.json_object()
    for name, value in body.items():
        kind = required.get(name) or optional.get(name)
        if kind is None:
            raise bad_payload(
                f"Microsoft.OData.ODataException: The parameter '{name}' in the request payload is not a valid "
                f"parameter for the operation '{action}'."
            )
        if value is None and name in optional:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise bad_payload(f"Microsoft.OData.ODataException: '{name}' of '{action}' needs another type.")
    if left_out := sorted(set(required) - set(body)):
        raise bad_payload(f"Microsoft.OData.ODataException: '{action}' needs '{left_out[0]}'.")
    return {**dict.fromkeys(optional), **body}


def row_of_id(org: Org, table: SimTable, key: str) -> Row:
    """The row a parameter names by its id; inside actions a missing one is 400, not 404."""
    if not GUID.fullmatch(key):
        raise bad_payload(f"Microsoft.OData.ODataException: '{table.primary_id}' needs a GUID.", table.entity_set)
    row = org.store.get(table.name, key.lower())
    if row is None:
        raise DataverseError(400, "0x80040217", f"{table.name} With Id = {key} Does Not Exist")
    return row


def row_of_reference(org: Org, parameter: str, value: JsonObject, *tables: str) -> tuple[SimTable, Row]:
    """The row of ``{"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": "..."}``, of one of some tables."""
    name = str(value.get("@odata.type", "")).removeprefix("#").removeprefix("Microsoft.Dynamics.CRM.")
    table = org.tables[name] if name in tables else None
    key = value.get(table.primary_id) if table is not None else None
    if table is None or not isinstance(key, str):
        raise bad_payload(f"Microsoft.OData.ODataException: '{parameter}' needs a type it takes, and its key.")
    return table, row_of_id(org, table, key)


def columns_of(table: SimTable, column_set: Mapping[str, Any]) -> tuple[str, ...]:
    """What a ``ColumnSet`` asks for, as a selection (empty: everything); its names are those of columns."""
    if column_set.get("AllColumns") is True:
        return ()
    chosen = [table.primary_id]
    for name in column_set.get("Columns") or ():
        column = table.columns.get(str(name))
        if column is None or not column.in_web_api:
            raise DataverseError(400, "0x80041103", "The specified attribute does not exist on this entity.")
        chosen.append(column.read_property)
    return tuple(dict.fromkeys(chosen))


def entity_answer(org: Org, table: SimTable, key: str, select: tuple[str, ...], call: Call) -> Answer:
    """200 with one row, which names its type, as an action's result may be of any."""
    row = org.store.rows(table.name).by_id[key]
    shaped = shaper(org, table, Options(select=select), Preferences())(row)
    context = f"{call.root}/{context_of(table, select, single=True)}"
    return json_answer({"@odata.context": context, "@odata.type": f"#{table.odata_type}", **shaped})
