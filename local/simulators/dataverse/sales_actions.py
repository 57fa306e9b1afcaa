"""Actions of the sales tables: those bound to a row, and the messages that stand by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from local.simulators.dataverse.catalog_rules import ACTIVE, DRAFT, FAMILY
from local.simulators.dataverse.closing import CLOSINGS, close_document
from local.simulators.dataverse.keys import Segment, parse_key, require_row
from local.simulators.dataverse.lead_actions import qualify_lead
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.quote_actions import convert_quote, quote_opportunity, revise_quote
from local.simulators.dataverse.records import check_privilege, update_row
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import refuse, with_value
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import Answer, Call, no_segment


def run_bound_action(org: Org, table: SimTable, inside: str, action: str, call: Call) -> Answer:
    """Run an action on one row; raises 404 for an action that the table does not have."""
    work = BOUND_ACTIONS.get((table.name, action))
    if work is None:
        raise no_segment(action)
    check_privilege(org, "Write", table)
    row = require_row(org, table, parse_key(table, inside))
    return work(org, table, row, call)


def publish_product(org: Org, table: SimTable, row: Row, call: Call) -> Answer:
    """``PublishProductHierarchy``: the product becomes active, and with a family the drafts below it; 204."""
    call.json_object()
    with org.store.transaction():
        _publish(org, table, row)
    return Answer(204)


def _publish(org: Org, table: SimTable, row: Row) -> None:
    if row["statecode"] == ACTIVE:
        raise refuse("0x8004f982", "Product is already in Active State.")
    update_row(org, table, row, {"statecode": ACTIVE})
    if row["productstructure"] == FAMILY:
        for child in with_value(org, "product", "_parentproductid_value", row["productid"]):
            if child["statecode"] == DRAFT:
                _publish(org, table, child)


BOUND_ACTIONS: Final[Mapping[tuple[str, str], Callable[[Org, SimTable, Row, Call], Answer]]] = {
    ("product", "PublishProductHierarchy"): publish_product,
    ("lead", "QualifyLead"): qualify_lead,
}
SALES_MESSAGES: Final[Mapping[str, Callable[[Org, Segment, Call], Answer]]] = {
    **dict.fromkeys(CLOSINGS, close_document),
    "ReviseQuote": revise_quote,
    "ConvertQuoteToSalesOrder": convert_quote,
    "GenerateQuoteFromOpportunity": quote_opportunity,
}
