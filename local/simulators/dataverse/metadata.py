"""``EntityDefinitions``: tables, columns and keys as data, and making columns and keys as an admin would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from multidict import CIMultiDict

from local.schema import Column
from local.schema.dataverse import Option
from local.simulators.dataverse.keys import Segment
from local.simulators.dataverse.options import Options, parse_options
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.tables import AlternateKey, CustomColumn, SimTable, stable_guid
from local.simulators.dataverse.values import GUID
from local.simulators.dataverse.wire import (
    Answer,
    Call,
    DataverseError,
    JsonObject,
    bad_payload,
    bad_query,
    json_answer,
    no_segment,
)
from local.simulators.odata import ODataError, Property, UnknownProperty, compile_filter

MAX_TEXT: Final = 4000
_CASTS: Final[Mapping[str, frozenset[str]]] = {
    "PicklistAttributeMetadata": frozenset({"Picklist"}),
    "StateAttributeMetadata": frozenset({"State"}),
    "StatusAttributeMetadata": frozenset({"Status"}),
    "BooleanAttributeMetadata": frozenset({"Boolean"}),
    "StringAttributeMetadata": frozenset({"String"}),
    "MemoAttributeMetadata": frozenset({"Memo"}),
    "IntegerAttributeMetadata": frozenset({"Integer"}),
    "MoneyAttributeMetadata": frozenset({"Money"}),
    "DecimalAttributeMetadata": frozenset({"Decimal"}),
    "LookupAttributeMetadata": frozenset({"Lookup"}),
    "DateTimeAttributeMetadata": frozenset({"DateTime"}),
}
_EDM: Final[Mapping[str, str]] = {
    "String": "Edm.String",
    "Memo": "Edm.String",
    "Integer": "Edm.Int32",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Boolean": "Edm.Boolean",
    "DateTime": "Edm.Date",
    "Picklist": "Edm.Int32",
}
"""Columns that can be made; a date only one without a time."""
_TEXTS: Final = frozenset({"String", "Memo"})
_NUMBERS: Final = frozenset({"Integer", "Decimal", "Money"})
_MOST: Final = 2**31 - 1


def entity_definitions(org: Org, segments: Sequence[Segment], call: Call) -> Answer:
    """Everything below ``EntityDefinitions``; raises DataverseError."""
    options = parse_options(call)
    head = segments[0]
    if head.inside is None:
        if len(segments) > 1:
            raise no_segment(segments[1].name)
        return _list(call, "EntityDefinitions", [_table_row(table) for table in org.tables.values()], options)
    table = _table(org, head.inside)
    if len(segments) == 1:
        return _one(call, "EntityDefinitions", _table_row(table), options)
    part = segments[1]
    if part.name == "Attributes":
        return _attributes(table, segments[1:], call, options)
    if part.name == "Keys":
        return _keys(table, call, options)
    if part.name in ("OneToManyRelationships", "ManyToOneRelationships", "ManyToManyRelationships"):
        return _list(call, part.name, [], options)
    raise no_segment(part.name)


def _table(org: Org, inside: str) -> SimTable:
    name = inside.removeprefix("LogicalName=").strip("'") if inside.startswith("LogicalName=") else None
    for table in org.tables.values():
        if table.name == name or (GUID.fullmatch(inside) and _table_row(table)["MetadataId"] == inside.lower()):
            return table
    raise DataverseError(404, "0x80060888", f"Could not find an entity with name {name} and the metadata id given.")


def _table_row(table: SimTable) -> JsonObject:
    return {
        "MetadataId": stable_guid(f"table/{table.name}"),
        "LogicalName": table.name,
        "SchemaName": table.name.capitalize(),
        "LogicalCollectionName": table.entity_set,
        "EntitySetName": table.entity_set,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.schema.primary_name,
        "PrimaryImageAttribute": None,
        "ObjectTypeCode": table.schema.object_type_code,
        "IsCustomEntity": False,
        "ChangeTrackingEnabled": False,
        "IsOptimisticConcurrencyEnabled": True,
    }


# -- columns -----------------------------------------------------------------------------------------------------


def _attributes(table: SimTable, segments: Sequence[Segment], call: Call, options: Options) -> Answer:
    if call.method == "POST":
        return _create_column(table, call)
    kinds: frozenset[str] | None = None
    if len(segments) > 1:
        cast = segments[1].name.removeprefix("Microsoft.Dynamics.CRM.")
        if cast not in _CASTS:
            raise no_segment(segments[1].name)
        kinds = _CASTS[cast]
    columns = [column for column in table.columns.values() if kinds is None or column.type in kinds]
    inside = segments[0].inside
    if inside is None:
        rows = [_column_row(table, column, options) for column in columns]
        return _list(call, f"EntityDefinitions('{table.name}')/Attributes", rows, options)
    name = inside.removeprefix("LogicalName=").strip("'")
    for column in columns:
        if column.name == name or _column_id(table, column.name) == inside:
            row = _column_row(table, column, options)
            return _one(call, f"EntityDefinitions('{table.name}')/Attributes", row, options)
    raise DataverseError(404, "0x80060888", f"Could not find an attribute with name {name}.")


def _column_id(table: SimTable, name: str) -> str:
    return stable_guid(f"column/{table.name}/{name}")


def _column_row(table: SimTable, column: Column, options: Options) -> JsonObject:
    custom = table.custom.get(column.name)
    row: JsonObject = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{column.type}AttributeMetadata",
        "MetadataId": _column_id(table, column.name),
        "LogicalName": column.name,
        "SchemaName": custom.schema_name if custom else column.name,
        "EntityLogicalName": table.name,
        "AttributeType": column.type,
        "IsCustomAttribute": custom is not None,
        "IsPrimaryId": column.name == table.primary_id,
        "IsValidForRead": column.in_web_api,
        "IsValidForCreate": not column.read_only,
        "IsValidForUpdate": not column.read_only,
        "RequiredLevel": {"Value": column.required_level},
        "DisplayName": _label(custom.display_name if custom else column.name),
    }
    if column.type in ("String", "Memo"):
        row["MaxLength"] = column.max_length
    if column.type in ("Integer", "Decimal", "Money", "Double"):
        row["MinValue"], row["MaxValue"] = column.minimum, column.maximum
    if column.type in ("Decimal", "Money", "Double"):
        row["Precision"] = column.places if column.places is not None else 2
    if column.type == "Money":
        row["PrecisionSource"] = 2 if column.places is None else 0
    if column.type == "DateTime":
        row["DateTimeBehavior"] = {"Value": column.datetime_behavior or "UserLocal"}
    if any(name == "OptionSet" for name, _ in options.expand):
        row["OptionSet"] = {
            "Options": [
                {"Value": option.value, "Label": _label(option.label), "State": option.state}
                for option in column.options
            ]
        }
    return row


def _label(text: str) -> JsonObject:
    label = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [label], "UserLocalizedLabel": label}


def _create_column(table: SimTable, call: Call) -> Answer:
    """``POST .../Attributes`` for the usual types; a column with that name already there is refused."""
    body = call.json_object()
    kind = str(body.get("@odata.type", "")).removeprefix("#").removeprefix("Microsoft.Dynamics.CRM.")
    kind = kind.removesuffix("AttributeMetadata")
    if kind not in _EDM:
        raise DataverseError(501, "0x80040203", f"Columns of the type '{kind}' are not simulated.")
    schema_name = body.get("SchemaName")
    if not isinstance(schema_name, str) or "_" not in schema_name:
        raise DataverseError(400, "0x80040203", "The schema name needs the customization prefix of a publisher.")
    name = schema_name.lower()
    if name in table.columns:
        raise DataverseError(400, "0x80047013", "An attribute with the specified name already exists")
    length = body.get("MaxLength")
    if kind in _TEXTS and not (isinstance(length, int) and 1 <= length <= MAX_TEXT):
        raise DataverseError(400, "0x80040203", f"MaxLength must be between 1 and {MAX_TEXT}.")
    table.add(_new_column(name, kind, body))
    table.custom[name] = CustomColumn(schema_name, _display_name(body) or schema_name)
    uri = f"{call.root}/EntityDefinitions({stable_guid(f'table/{table.name}')})/Attributes({_column_id(table, name)})"
    return Answer(204, CIMultiDict({"OData-EntityId": uri, "Location": uri}))


def _new_column(name: str, kind: str, body: Mapping[str, Any]) -> Column:
    numeric = kind in _NUMBERS
    options = (body.get("OptionSet") or {}).get("Options") or ()
    return Column(
        name=name,
        type=kind,
        edm_type=_EDM[kind],
        read_property=name,
        read_only=False,
        max_length=body.get("MaxLength") if kind in _TEXTS else None,
        minimum=body.get("MinValue", -_MOST - 1) if numeric else None,
        maximum=body.get("MaxValue", _MOST) if numeric else None,
        options=tuple(Option(each["Value"], str(each["Value"])) for each in options),
        default=None,
        targets=(),
        binds=(),
        required_level="none",
        datetime_behavior=(body.get("DateTimeBehavior") or {}).get("Value") if kind == "DateTime" else None,
        in_web_api=True,
        places=body.get("Precision") if kind in ("Decimal", "Money") else None,
    )


def _display_name(body: Mapping[str, Any]) -> str | None:
    labels = (body.get("DisplayName") or {}).get("LocalizedLabels") or []
    return str(labels[0].get("Label")) if labels else None


# -- keys --------------------------------------------------------------------------------------------------------


def _keys(table: SimTable, call: Call, options: Options) -> Answer:
    if call.method == "POST":
        return _create_key(table, call)
    rows = [
        {
            "MetadataId": stable_guid(f"key/{table.name}/{key.schema_name}"),
            "SchemaName": key.schema_name,
            "LogicalName": key.schema_name.lower(),
            "KeyAttributes": list(key.columns),
            "EntityKeyIndexStatus": key.status,
        }
        for key in table.keys.values()
    ]
    return _list(call, f"EntityDefinitions('{table.name}')/Keys", rows, options)


def _create_key(table: SimTable, call: Call) -> Answer:
    body = call.json_object()
    columns = body.get("KeyAttributes")
    name = body.get("SchemaName")
    if not isinstance(name, str) or not isinstance(columns, list) or any(each not in table.columns for each in columns):
        raise bad_payload("Microsoft.OData.ODataException: SchemaName and KeyAttributes are needed.", "EntityKeys")
    if name in table.keys:
        raise DataverseError(400, "0x80040203", f"A key named {name} already exists.")
    table.keys[name] = AlternateKey(name, tuple(columns))
    uri = f"{call.root}/EntityDefinitions(LogicalName='{table.name}')/Keys({stable_guid(f'key/{table.name}/{name}')})"
    return Answer(204, CIMultiDict({"OData-EntityId": uri}))


# -- rows that are no table --------------------------------------------------------------------------------------


def answer_list(call: Call, name: str, rows: Sequence[JsonObject]) -> Answer:
    """A filtered and projected list of plain objects, for sets that are not tables here."""
    return _list(call, name, rows, parse_options(call))


def _list(call: Call, name: str, rows: Sequence[JsonObject], options: Options) -> Answer:
    if call.method != "GET":
        raise DataverseError(405, "", f"The requested resource does not support http method '{call.method}'.")
    try:
        matches = compile_filter(options.filter, _any_property(rows)).matches
    except UnknownProperty as error:
        raise bad_query(f"Could not find a property named '{error.name}' on type '{name}'.") from error
    except ODataError as error:
        raise bad_query(str(error)) from error
    found = [_projected(row, options) for row in rows if matches(row)]
    return json_answer({"@odata.context": f"{call.root}/$metadata#{name}", "value": found[: options.top]})


def _one(call: Call, name: str, row: JsonObject, options: Options) -> Answer:
    return json_answer({"@odata.context": f"{call.root}/$metadata#{name}/$entity", **_projected(row, options)})


def _projected(row: JsonObject, options: Options) -> JsonObject:
    if not options.select:
        return dict(row)
    expanded = [name for name, _ in options.expand]
    unknown = [name for name in options.select if name not in row]
    if unknown:
        raise bad_query(f"Could not find a property named '{unknown[0]}'.")
    wanted = {"@odata.type", "MetadataId", *options.select, *expanded}
    return {name: value for name, value in row.items() if name in wanted}


def _any_property(rows: Sequence[JsonObject]) -> Any:
    def resolve(path: tuple[str, ...]) -> Property:
        def read(row: Mapping[str, Any]) -> Any:
            value: Any = row
            for name in path:
                value = value.get(name) if isinstance(value, Mapping) else None
            return value

        if rows and path[0] not in rows[0]:
            raise UnknownProperty("/".join(path))
        return Property("/".join(path), read)

    return resolve
