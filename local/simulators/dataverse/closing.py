"""Messages that close a document: cancel or fulfil an order, win or lose an opportunity, win or close a quote.

Parameter names are those of the SDK's request classes. Closing makes no close activity here; only the state is kept,
and of an opportunity when it was closed and what it brought.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.simulators.dataverse.documents import (
    OPPORTUNITY,
    OPPORTUNITY_OPEN,
    OPPORTUNITY_WON,
    ORDER,
    QUOTE,
    Document,
)
from local.simulators.dataverse.keys import Segment, parse_reference, require_row
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.records import BIND, check_privilege, read_payload, update_row
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import refuse
from local.simulators.dataverse.wire import Answer, Call, JsonObject, bad_payload

DEFAULT_STATUS: Final = -1
"""A status reason in a message that leaves the choice to the table."""
CLOSINGS: Final[Mapping[str, tuple[Document, str]]] = {
    "CancelSalesOrder": (ORDER, "OrderClose"),
    "FulfillSalesOrder": (ORDER, "OrderClose"),
    "WinOpportunity": (OPPORTUNITY, "OpportunityClose"),
    "LoseOpportunity": (OPPORTUNITY, "OpportunityClose"),
    "WinQuote": (QUOTE, "QuoteClose"),
    "CloseQuote": (QUOTE, "QuoteClose"),
}
"""Message -> kind of document, and the parameter that names the document by a bind."""


def close_document(org: Org, segment: Segment, call: Call) -> Answer:
    """``Status`` and a close activity with a bind to the document; 204. From a wrong state it is refused."""
    message = segment.name
    document, activity = CLOSINGS[message]
    status, close, path = _read(call.json_object(), message, document, activity)
    table, key = parse_reference(org, path, call.references)
    if table.name != document.header:
        raise bad_payload(f"Microsoft.OData.ODataException: '{table.entity_set}' is no target of '{document.key}'.")
    check_privilege(org, "Write", table)
    row = require_row(org, table, key)
    changes: dict[str, Any] = {"statecode": document.by_message[message][1]}
    if status != DEFAULT_STATUS:
        changes["statuscode"] = status
    if document is OPPORTUNITY:
        if row["statecode"] != OPPORTUNITY_OPEN:
            raise refuse("0x80040515", "The opportunity is already closed.")
        changes |= read_payload(org, table, _outcome(org, row, close, won=changes["statecode"] == OPPORTUNITY_WON))
    with org.sending(message):
        update_row(org, table, row, changes)
    return Answer(204)


def _read(body: JsonObject, message: str, document: Document, activity: str) -> tuple[int, JsonObject, str]:
    status, close = body.get("Status"), body.get(activity)
    path = close.get(f"{document.key}{BIND}") if isinstance(close, dict) else None
    if not isinstance(status, int) or isinstance(status, bool) or not isinstance(path, str):
        raise bad_payload(
            f"Microsoft.OData.ODataException: {message} needs Status and {activity} with its {document.header}."
        )
    return status, close if isinstance(close, dict) else {}, path


def _outcome(org: Org, opportunity: Row, close: JsonObject, *, won: bool) -> JsonObject:
    """Day and revenue of closing; without a revenue a won one brought what was estimated, a lost one nothing."""
    ended, revenue = close.get("actualend"), close.get("actualrevenue")
    if revenue is None:
        revenue = opportunity.get("estimatedvalue") if won else 0
    day = org.now_text() if ended is None else ended
    return {"actualclosedate": day[:10] if isinstance(day, str) else day, "actualvalue": revenue}
