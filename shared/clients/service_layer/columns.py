"""User-defined fields: which database table an entity set's fields are created on, and creating one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.clients.answers import Effect
from shared.clients.service_layer.client import ServiceLayerClient
from shared.clients.service_layer.config import SYSTEM
from shared.clients.service_layer.odata import any_of, both, literal
from shared.errors import Misconfigured, Rejected, UnknownOutcome
from shared.ports import Entity, Row

_TABLES: Mapping[str, str] = {
    "BusinessPartners": "OCRD",
    "ContactEmployees": "OCPR",
    "Items": "OITM",
    "SalesOpportunities": "OOPR",
    "Quotations": "OQUT",
    "Orders": "ORDR",
    "DeliveryNotes": "ODLN",
    "Invoices": "OINV",
    "CreditNotes": "ORIN",
    "Drafts": "ODRF",
    "IncomingPayments": "ORCT",
    "VendorPayments": "OVPM",
    "JournalEntries": "OJDT",
}
_ROW_TABLES: Mapping[str, str] = {"DocumentLine": "RDR1", "ContactEmployee": "OCPR"}
"""Of rows inside records, by their type. A field of one kind of marketing document is one of all kinds."""
_MARKETING_DOCUMENTS = ("OQUT", "ORDR", "ODLN", "OINV", "ORIN", "ODRF")
"""Their user fields are defined once for all of them; a definition may be listed under any of these tables."""
_PREFIX = "U_"
_KINDS: Mapping[str, str] = {
    "db_Alpha": "text",
    "db_Memo": "text",
    "db_Numeric": "whole",
    "db_Float": "amount",
    "db_Date": "day",
}
_ACCURACY: Mapping[str, str] = {
    "st_Price": "PriceAccuracy",
    "st_Sum": "TotalsAccuracy",
    "st_Quantity": "AccuracyofQuantities",
    "st_Percentage": "PercentageAccuracy",
}
"""Which setting of the company says how many decimals a field of that kind keeps (AdminInfo)."""
_LONGEST_MEMO = 64_000
_LONGEST_DESCRIPTION = 30


async def ensure_text_column(
    client: ServiceLayerClient, entity: Entity, column: str, description: str, length: int
) -> str:
    """Create the text field if it is absent; "present" or "created". Safe to repeat and to run twice at once.

    Fields are looked up in ``UserFieldsMD``, since ``$metadata`` is cached per node. Raises Misconfigured for a set
    without user-defined fields and for a field that is there but is no text or too short.
    """
    table = _ROW_TABLES.get(entity.type) or _TABLES.get(entity.set)
    if table is None or not column.startswith(_PREFIX):
        raise Misconfigured("no user-defined field can be made there", code="no-table", system=SYSTEM, fields=(column,))
    name = column.removeprefix(_PREFIX)
    if await _is_present(client, (table,), name, column, length):
        return "present"
    body = {
        "TableName": table,
        "Name": name,
        "Type": "db_Alpha",
        "Size": length,
        "EditSize": length,
        "Description": description[:_LONGEST_DESCRIPTION],
    }
    try:
        await client.post("UserFieldsMD", body, Effect.CREATE)
    except (Rejected, UnknownOutcome):
        # Someone else made it meanwhile, or the answer was lost: what is there now decides.
        if await _is_present(client, (table,), name, column, length):
            return "created"
        if table in _MARKETING_DOCUMENTS and await _is_present(client, _MARKETING_DOCUMENTS, name, column, length):
            return "present"
        raise
    return "created"


async def describe_columns(client: ServiceLayerClient, entity: Entity) -> list[Row]:
    """The user fields that the entity selects, as :meth:`shared.ports.Side.describe` says it.

    Raises Misconfigured for a set without user-defined fields.
    """
    table = _ROW_TABLES.get(entity.type) or _TABLES.get(entity.set)
    if table is None:
        text = f"records of {entity.set} have no user-defined fields"
        raise Misconfigured(text, code="no-table", system=SYSTEM, fields=entity.select)
    tables = _MARKETING_DOCUMENTS if table in _MARKETING_DOCUMENTS else (table,)
    names = [literal(name.removeprefix(_PREFIX), is_text=True) for name in entity.select]
    on_one = any_of("TableName", [literal(each, is_text=True) for each in tables])
    options = {"$select": "TableName,FieldID,Name,Type,SubType,Size,EditSize,ValidValuesMD"}
    page = await client.page(
        "UserFieldsMD", {**options, "$filter": both(on_one, any_of("Name", names))}, len(names) + 20
    )
    found = {f"{_PREFIX}{row['Name']}": row for row in page.rows}
    return [_described(name, found[name]) for name in entity.select if name in found]


def _described(name: str, field: Row) -> Row:
    kind = _KINDS.get(str(field.get("Type")), str(field.get("Type")))
    values = [str(each["Value"]) for each in field.get("ValidValuesMD") or ()]
    if kind == "text" and set(values) == {"Y", "N"}:
        kind = "yesNo"
    length = _LONGEST_MEMO if field.get("Type") == "db_Memo" else field.get("EditSize") or field.get("Size")
    accuracy = _ACCURACY.get(str(field.get("SubType"))) if kind == "amount" else None
    return {
        "name": name,
        "type": kind if kind != "amount" or accuracy else str(field.get("SubType")),
        "length": length if kind == "text" else None,
        "places": None,
        "accuracy": accuracy,
        "values": values,
    }


async def _is_present(client: ServiceLayerClient, tables: Sequence[str], name: str, column: str, length: int) -> bool:
    on_one = any_of("TableName", [literal(table, is_text=True) for table in tables])
    condition = both(on_one, f"Name eq {literal(name, is_text=True)}")
    page = await client.page("UserFieldsMD", {"$select": "TableName,FieldID,Name,Type,Size", "$filter": condition}, 20)
    if not page.rows:
        return False
    field = page.rows[0]
    if field.get("Type") != "db_Alpha" or int(field.get("Size") or 0) < length:
        text = f"the user-defined field exists but is not a text of {length} characters"
        raise Misconfigured(text, code="bad-column", system=SYSTEM, fields=(column,))
    return True
