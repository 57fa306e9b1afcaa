"""Custom text columns that the hub needs in Dataverse tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.clients.answers import Effect
from shared.clients.dataverse.client import DataverseClient
from shared.clients.dataverse.config import SYSTEM
from shared.clients.dataverse.queries import encoded, name, text_literal
from shared.errors import Conflict, Misconfigured, NotFound, Rejected, Transient

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
