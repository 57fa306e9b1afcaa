"""Rules of sales orders: states, who may still be changed, numbers. What they share with quotes: `sales_documents`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.sales_documents import Documents, customer_shadows
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import STATE_COLUMNS, Save, TableRules, refuse

ACTIVE, SUBMITTED, CANCELED, FULFILLED, INVOICED = range(5)
"""States of an order."""
BY_PATCH: Final = frozenset({(ACTIVE, SUBMITTED), (SUBMITTED, ACTIVE)})
BY_MESSAGE: Final[Mapping[str, tuple[frozenset[int], int]]] = {
    "CancelSalesOrder": (frozenset({ACTIVE, SUBMITTED}), CANCELED),
    "FulfillSalesOrder": (frozenset({ACTIVE, SUBMITTED}), FULFILLED),
    "ConvertSalesOrderToInvoice": (frozenset({ACTIVE, SUBMITTED, FULFILLED}), INVOICED),
}
"""Message -> (states it takes an order from, state it leaves it in). From which states is an assumption."""


def is_read_only(org: Org, order: Row) -> bool:
    """True for an order whose header takes no update: the final states, and Submitted by a switch."""
    return order["statecode"] not in (ACTIVE, SUBMITTED) or (
        order["statecode"] == SUBMITTED and not org.switches.submitted_orders_are_editable
    )


ORDERS: Final = Documents(
    header="salesorder",
    line="salesorderdetail",
    parent="_salesorderid_value",
    line_state="salesorderstatecode",
    line_name="salesorderdetailname",
    read_only=is_read_only,
    currency_code="0x80048cea",
)


def _order_header(save: Save) -> None:
    """Number, customer and currency of an order; computed columns in a payload have no effect."""
    new, org = save.new, save.org
    save.keep("ordernumber")
    ORDERS.computed(save)
    if save.old is None:
        new["ordernumber"] = new.get("ordernumber") or org.next_number("ORD")
        _check_number(save)
    if new.get("ispricelocked") is None:
        new["ispricelocked"] = False
    customer_shadows(save, "_accountid_value", "_contactid_value")
    ORDERS.currency(save)


def _check_number(save: Save) -> None:
    """Order numbers are unique (an assumption: a unique index refuses the second)."""
    if save.org.store.rows("salesorder").ids_with("ordernumber", (save.new["ordernumber"].casefold(),)):
        raise refuse("0x80040237", "Cannot insert duplicate key.", status=412)


def _order_state(save: Save) -> None:
    """Final orders take no change at all; the way into a final state is a message, not an update."""
    old, new, org = save.old, save.new, save.org
    if old is None or org.lays_out:
        return
    before, after = old["statecode"], new["statecode"]
    if before != after:
        allowed_from, target = BY_MESSAGE.get(org.message, (frozenset(), None))
        if (before, after) not in BY_PATCH and not (before in allowed_from and after == target):
            raise refuse("0x80040233", "The object is not in a valid state to perform this operation.")
    elif is_read_only(org, old) and set(save.changes) - STATE_COLUMNS:
        raise refuse("0x8004022e", "The object cannot be updated because it is read-only.")


def message_to(state: int | None) -> str:
    """The message that leads to a state; empty for a state that an update reaches."""
    return next((message for message, (_, target) in BY_MESSAGE.items() if target == state), "")


def _keep_final_order(_org: Org, row: Row) -> None:
    if row["statecode"] not in (ACTIVE, SUBMITTED):
        raise refuse("0x80040228", "The object cannot be deleted because it is read-only.")


ORDER_RULES: Final[Mapping[str, TableRules]] = {
    "salesorder": TableRules(
        save=(_order_state, _order_header),
        saved=(ORDERS.saved,),
        delete=(_keep_final_order,),
        deleted=(ORDERS.drop_lines,),
        state_on_create=False,
    ),
    "salesorderdetail": TableRules(
        save=(ORDERS.save_line,),
        saved=(ORDERS.line_saved,),
        delete=(ORDERS.check_line_parent,),
        deleted=(ORDERS.line_deleted,),
    ),
}
