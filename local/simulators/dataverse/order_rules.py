"""Rules of sales orders: their number, who may still change them, the price lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.simulators.dataverse.document_rules import (
    check_state,
    drop_lines,
    follow_header,
    keep_computed,
    read_only_on_delete,
    settle_currency,
    shadow_customer,
)
from local.simulators.dataverse.documents import ORDER, ORDER_ACTIVE, ORDER_SUBMITTED
from local.simulators.dataverse.line_rules import line_rules
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save, TableRules, refuse


def _order_state(save: Save) -> None:
    check_state(save, ORDER)


def _order_header(save: Save) -> None:
    """Number, customer and currency of an order."""
    new, org = save.new, save.org
    keep_computed(save)
    save.keep("ordernumber")
    if save.old is None:
        new["ordernumber"] = new.get("ordernumber") or org.next_number("ORD")
        _check_number(save)
    if new.get("ispricelocked") is None:
        new["ispricelocked"] = False
    shadow_customer(save)
    settle_currency(save, ORDER)


def _check_number(save: Save) -> None:
    """Order numbers are unique (an assumption: a unique index refuses the second)."""
    if save.org.store.rows("salesorder").ids_with("ordernumber", (save.new["ordernumber"].casefold(),)):
        raise refuse("0x80040237", "Cannot insert duplicate key.", status=412)


def _keep_final_order(_org: Org, row: Row) -> None:
    if row["statecode"] not in (ORDER_ACTIVE, ORDER_SUBMITTED):
        raise read_only_on_delete()


ORDER_RULES: Final[Mapping[str, TableRules]] = {
    "salesorder": TableRules(
        save=(_order_state, _order_header),
        saved=(follow_header(ORDER),),
        delete=(_keep_final_order,),
        deleted=(drop_lines(ORDER),),
        state_on_create=False,
    ),
    "salesorderdetail": line_rules(ORDER),
}
