"""Custom columns of Dataverse tables: text that the hub needs is created, those of an admin are described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.clients.answers import Effect
from shared.clients.dataverse.client import DataverseClient
from shared.clients.dataverse.config import SYSTEM
from shared.clients.dataverse.queries import encoded, name, text_literal
from shared.errors import Conflict, Misconfigured, NotFound, Rejected, Transient
from shared.ports import Entity, Row

_METADATA = "Microsoft.Dynamics.CRM."


async def ensure_text_column(
    client: DataverseClient, record_type: str, column: str, description: str, length: int
) -> str:
    """Create the column if the table has none of that name; "present" or "created".

    ``column`` is the logical name, with a publisher's prefix (``new_hubref``). It can be used at once, without
    publishing. Safe to repeat, also at the same time. Raises Misconfigured where a column of another type has that
    name, or the application user may not customize.
    """
    if await _is_present(client, record_type, column):
        return "present"
    try:
        await client.send(
            "POST",
            f"{_table(record_type)}/Attributes",
            _definition(column, description, length, client.config.label_language),
            Effect.UPDATE,
        )
    except (Rejected, Conflict, Transient):
        # Someone else may have made it meanwhile, or our own request whose answer was lost.
        if await _is_present(client, record_type, column):
            return "created"
        raise
    return "created"


@dataclass(frozen=True)
class _Kind:
    """How columns of one type are described: our word, the type to cast to, and what to select of it."""

    word: str
    cast: str
    select: tuple[str, ...] = ()
    expand: str = ""


_KINDS: Mapping[str, _Kind] = {
    "String": _Kind("text", "StringAttributeMetadata", ("MaxLength",)),
    "Memo": _Kind("text", "MemoAttributeMetadata", ("MaxLength",)),
    "Integer": _Kind("whole", ""),
    "Decimal": _Kind("amount", "DecimalAttributeMetadata", ("Precision",)),
    "Money": _Kind("amount", "MoneyAttributeMetadata", ("Precision", "PrecisionSource")),
    "DateTime": _Kind("day", "DateTimeAttributeMetadata", ("DateTimeBehavior",)),
    "Boolean": _Kind("yesNo", ""),
    "Picklist": _Kind("choice", "PicklistAttributeMetadata", (), "OptionSet($select=Options)"),
}
_DAYS_ONLY = "DateOnly"


async def describe_columns(client: DataverseClient, entity: Entity) -> list[Row]:
    """The columns that the entity selects, as :meth:`shared.ports.Side.describe` says it.

    One request for their types, and one more for each type that says more of itself (length, precision, options).
    """
    found = {row["LogicalName"]: row for row in await _attributes(client, entity.type, entity.select)}
    types = {column: row["AttributeType"] for column, row in found.items()}
    more: dict[str, Row] = {}
    for kind_name in sorted({each for each in types.values() if each in _KINDS}):
        kind = _KINDS[kind_name]
        if kind.cast:
            names = [name for name, each in types.items() if each == kind_name]
            more |= {row["LogicalName"]: row for row in await _attributes(client, entity.type, names, kind)}
    return [_described(found[each], more.get(each, {})) for each in entity.select if each in found]


async def _attributes(
    client: DataverseClient, record_type: str, names: Sequence[str], kind: _Kind | None = None
) -> list[Row]:
    where = " or ".join(f"LogicalName eq {text_literal(name(each))}" for each in names)
    select = ",".join(("LogicalName", *(kind.select if kind else ("AttributeType", "IsValidForUpdate"))))
    cast = f"/{_METADATA}{kind.cast}" if kind else ""
    expand = f"&$expand={kind.expand}" if kind and kind.expand else ""
    address = f"{_table(record_type)}/Attributes{cast}?$select={select}{expand}&$filter={encoded(where)}"
    body, _ = await client.get(address)
    return list(body.get("value") or ()) if isinstance(body, Mapping) else []


def _described(column: Row, more: Row) -> Row:
    type_name = str(column["AttributeType"])
    kind = _KINDS.get(type_name)
    options = (more.get("OptionSet") or {}).get("Options") or ()
    behavior = (more.get("DateTimeBehavior") or {}).get("Value")
    word = kind.word if kind else type_name
    if word == "day" and behavior != _DAYS_ONLY:
        word = f"{type_name} ({behavior})"
    if more.get("PrecisionSource"):  # decimals of the organisation or of each row's currency
        word = f"{type_name} without decimals of its own"
    return {
        "name": column["LogicalName"],
        "type": word,
        "length": more.get("MaxLength"),
        "places": more.get("Precision"),
        "accuracy": None,
        "values": [str(option["Value"]) for option in options],
        "computed": column.get("IsValidForUpdate") is False,
    }


def _table(record_type: str) -> str:
    return f"EntityDefinitions(LogicalName={text_literal(name(record_type))})"


async def _is_present(client: DataverseClient, record_type: str, column: str) -> bool:
    where = f"LogicalName eq {text_literal(name(column))}"
    address = f"{_table(record_type)}/Attributes?$select=LogicalName,AttributeType&$filter={encoded(where)}"
    try:
        body, _ = await client.get(address)
    except NotFound as error:
        raise Misconfigured(f"Dataverse has no table {record_type}", code=error.code, system=SYSTEM) from error
    found = body.get("value") if isinstance(body, Mapping) else None
    if not found:
        return False
    if found[0].get("AttributeType") != "String":
        raise Misconfigured(f"column {column} of {record_type} exists but holds no text", code="column", system=SYSTEM)
    return True


def _definition(column: str, description: str, length: int, language: int) -> dict[str, Any]:
    return {
        "@odata.type": f"{_METADATA}StringAttributeMetadata",
        "AttributeType": "String",
        "AttributeTypeName": {"Value": "StringType"},
        "SchemaName": column,
        "MaxLength": length,
        "FormatName": {"Value": "Text"},
        "RequiredLevel": {
            "Value": "None",
            "CanBeChanged": True,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        "DisplayName": _label(description, language),
        "Description": _label(description, language),
    }


def _label(text: str, language: int) -> dict[str, Any]:
    localized = {"@odata.type": f"{_METADATA}LocalizedLabel", "Label": text, "LanguageCode": language}
    return {"@odata.type": f"{_METADATA}Label", "LocalizedLabels": [localized]}
