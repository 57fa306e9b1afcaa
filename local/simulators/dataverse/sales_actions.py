"""Actions of the sales tables: publishing a product, closing an order.

Parameter names are those of the SDK's request classes. Closing makes no close activity here; only the state is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from local.simulators.dataverse.catalog_rules import ACTIVE, DRAFT, FAMILY
from local.simulators.dataverse.keys import Segment, parse_key, parse_reference, require_row
from local.simulators.dataverse.lead_actions import qualify
from local.simulators.dataverse.order_rules import BY_MESSAGE
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.records import BIND, check_privilege, update_row
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import refuse, with_value
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import Answer, Call, bad_payload, no_segment

DEFAULT_STATUS: Final = -1
"""A status reason in a message that leaves the choice to the table."""


def run_bound_action(org: Org, table: SimTable, inside: str, action: str, call: Call) -> Answer:
    """Run an action on one row; raises 404 for an action that the table does not have."""
    if (table.name, action) == ("lead", "QualifyLead"):
        check_privilege(org, "Write", table)
        lead = require_row(org, table, parse_key(table, inside))
        with org.store.transaction():
            return qualify(org, lead, call)
    work = BOUND_ACTIONS.get((table.name, action))
    if work is None:
        raise no_segment(action)
    call.json_object()
    check_privilege(org, "Write", table)
    row = require_row(org, table, parse_key(table, inside))
    with org.store.transaction():
        work(org, table, row)
    return Answer(204)


def _publish(org: Org, table: SimTable, row: Row) -> None:
    """``PublishProductHierarchy``: the product becomes active, and with a family the drafts below it."""
    if row["statecode"] == ACTIVE:
        raise refuse("0x8004f982", "Product is already in Active State.")
    update_row(org, table, row, {"statecode": ACTIVE})
    if row["productstructure"] == FAMILY:
        for child in with_value(org, "product", "_parentproductid_value", row["productid"]):
            if child["statecode"] == DRAFT:
                _publish(org, table, child)


BOUND_ACTIONS: Final[Mapping[tuple[str, str], Callable[[Org, SimTable, Row], None]]] = {
    ("product", "PublishProductHierarchy"): _publish,
}


def cancel_order(org: Org, segment: Segment, call: Call) -> Answer:
    """``CancelSalesOrder``: the order becomes Canceled."""
    return _close(org, segment.name, call)


def fulfill_order(org: Org, segment: Segment, call: Call) -> Answer:
    """``FulfillSalesOrder``: the order becomes Fulfilled."""
    return _close(org, segment.name, call)


def _close(org: Org, message: str, call: Call) -> Answer:
    """``Status`` and ``OrderClose`` with a bind to the order; 204."""
    body = call.json_object()
    status, close = body.get("Status"), body.get("OrderClose")
    path = close.get(f"salesorderid{BIND}") if isinstance(close, dict) else None
    if not isinstance(status, int) or isinstance(status, bool) or not isinstance(path, str):
        raise bad_payload(f"Microsoft.OData.ODataException: {message} needs Status and OrderClose with its order.")
    table, key = parse_reference(org, path, call.references)
    if table.name != "salesorder":
        raise bad_payload(f"Microsoft.OData.ODataException: '{table.entity_set}' is no target of 'salesorderid'.")
    check_privilege(org, "Write", table)
    changes = {"statecode": BY_MESSAGE[message][1]}
    if status != DEFAULT_STATUS:
        changes["statuscode"] = status
    order = require_row(org, table, key)
    if order["statecode"] == changes["statecode"]:
        raise refuse("0x80040233", "The object is not in a valid state to perform this operation.")
    with org.sending(message):
        update_row(org, table, order, changes)
    return Answer(204)
