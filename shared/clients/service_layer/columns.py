"""User-defined fields: which database table an entity set's fields are created on, and creating one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.clients.answers import Effect
from shared.clients.service_layer.client import ServiceLayerClient
from shared.clients.service_layer.config import SYSTEM
from shared.clients.service_layer.odata import any_of, both, literal
from shared.errors import Misconfigured, Rejected, UnknownOutcome
from shared.ports import Entity

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
