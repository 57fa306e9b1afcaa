"""Rules of opportunities: customer and parents, estimated revenue, and how they are closed and opened again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.simulators.dataverse.document_rules import (
    check_state,
    drop_lines,
    follow_header,
    keep_computed,
    settle_currency,
    shadow_customer,
)
from local.simulators.dataverse.documents import OPPORTUNITY, OPPORTUNITY_LOST, OPPORTUNITY_OPEN, OPPORTUNITY_WON
from local.simulators.dataverse.line_rules import line_rules
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save, TableRules, clear_links, refuse

_CUSTOMER: Final = "_customerid_value"
_CUSTOMER_TABLE: Final = "_customerid_value@table"
_PARENTS: Final = {"account": "_parentaccountid_value", "contact": "_parentcontactid_value"}
_STATES: Final = {OPPORTUNITY_WON: "Won", OPPORTUNITY_LOST: "Lost"}


def _opportunity_state(save: Save) -> None:
    """An update never closes an opportunity; one that opens it again takes back what closing wrote (inferred)."""
    old, new, org = save.old, save.new, save.org
    wanted = save.changes.get("statecode")
    if old is None or org.lays_out:
        return
    if wanted in _STATES and org.message not in OPPORTUNITY.by_message:
        name = _STATES[wanted]
        raise refuse(
            "0x80100005",
            f"This message can not be used to set the state of opportunity to {name}. In order to set state of "
            f"opportunity to {name}, use the {name} message instead.",
        )
    check_state(save, OPPORTUNITY)
    if old["statecode"] != OPPORTUNITY_OPEN and new["statecode"] == OPPORTUNITY_OPEN:
        new["actualclosedate"] = new["actualvalue"] = None


def _opportunity_header(save: Save) -> None:
    """Customer, currency and revenue; a revenue that the system calculates cannot be given."""
    new = save.new
    keep_computed(save)
    new["isrevenuesystemcalculated"] = bool(new.get("isrevenuesystemcalculated"))
    if new["isrevenuesystemcalculated"]:
        new["estimatedvalue"] = save.old.get("estimatedvalue") if save.old is not None else None
    _settle_customer(new, save.changes)
    shadow_customer(save)
    settle_currency(save, OPPORTUNITY)


def _settle_customer(new: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """The customer fills the parent of its kind, and the parents make the customer, an account before a contact.

    Where a customer is replaced by one of the other kind, the parent that was its shadow goes (inferred).
    """
    if _CUSTOMER in changes:
        customer, kind = new.get(_CUSTOMER), new.get(_CUSTOMER_TABLE)
        for table, name in _PARENTS.items():
            if table == kind:
                new[name] = customer
            elif name not in changes and new.get(name) == new.get(_shadow(table)):
                new[name] = None
        return
    if not set(_PARENTS.values()) & set(changes):
        return
    kind = next((table for table, name in _PARENTS.items() if new.get(name) is not None), None)
    new[_CUSTOMER] = new[_PARENTS[kind]] if kind is not None else None
    new[_CUSTOMER_TABLE] = kind


def _shadow(table: str) -> str:
    """The column that still shows the customer as it was."""
    return f"_{table}id_value"


def _forget_opportunity(org: Org, row: Row) -> None:
    """What came of an opportunity stays, without it; a closed one may be deleted (an assumption)."""
    for table in ("quote", "salesorder"):
        clear_links(org, table, "_opportunityid_value", row["opportunityid"])
    clear_links(org, "lead", "_qualifyingopportunityid_value", row["opportunityid"])


OPPORTUNITY_RULES: Final[Mapping[str, TableRules]] = {
    "opportunity": TableRules(
        save=(_opportunity_state, _opportunity_header),
        saved=(follow_header(OPPORTUNITY),),
        delete=(_forget_opportunity,),
        deleted=(drop_lines(OPPORTUNITY),),
        state_on_create=False,
    ),
    "opportunityproduct": line_rules(OPPORTUNITY),
}
