"""Rules of opportunities: their customer in two spellings, revenue, and states that only messages close.

That a closed opportunity takes no change is general knowledge of Dynamics; which code answers is an assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.sales_documents import Documents
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save, TableRules, refuse

OPEN, WON, LOST = range(3)
"""States of an opportunity."""
CLOSING: Final[Mapping[str, int]] = {"WinOpportunity": WON, "LoseOpportunity": LOST}
"""Message -> the state it leaves an opportunity in."""
_CUSTOMER: Final = "_customerid_value"
_PARENTS: Final[Mapping[str, str]] = {"_parentaccountid_value": "account", "_parentcontactid_value": "contact"}


def is_read_only(_org: Org, opportunity: Row) -> bool:
    """Won and lost ones."""
    return bool(opportunity["statecode"] != OPEN)


OPPORTUNITIES: Final = Documents(
    header="opportunity",
    line="opportunityproduct",
    parent="_opportunityid_value",
    line_state="opportunitystatecode",
    line_name="opportunityproductname",
    read_only=is_read_only,
    currency_code="0x80048479",
)


def _header(save: Save) -> None:
    new = save.new
    OPPORTUNITIES.computed(save)
    if new.get("isrevenuesystemcalculated") is None:
        new["isrevenuesystemcalculated"] = False
    _customer(save)
    OPPORTUNITIES.currency(save)
    if new["isrevenuesystemcalculated"] and save.old is not None:
        new["estimatedvalue"] = save.old.get("totalamount")


def _customer(save: Save) -> None:
    """The customer fills account or contact, and the other way round; an account goes before a contact."""
    new = save.new
    if _CUSTOMER in save.changes:
        table = new.get(f"{_CUSTOMER}@table")
        for name, target in _PARENTS.items():
            if table == target:
                new[name] = new[_CUSTOMER]
            elif new.get(_CUSTOMER) is None:
                new[name] = None
        return
    for name, target in _PARENTS.items():
        if new.get(name) is not None:
            new[_CUSTOMER], new[f"{_CUSTOMER}@table"] = new[name], target
            return


def _state(save: Save) -> None:
    old, new, org = save.old, save.new, save.org
    if old is None or org.lays_out:
        return
    before, after = old["statecode"], new["statecode"]
    if before != after and CLOSING.get(org.message) != after and after != OPEN:
        name = "Won" if after == WON else "Lost"
        raise refuse(
            "0x80100005",
            f"This message can not be used to set the state of opportunity to {name}. In order to set state of "
            f"opportunity to {name}, use the {name} message instead.",
        )
    if org.message not in CLOSING:
        OPPORTUNITIES.refuse_read_only(save)


OPPORTUNITY_RULES: Final[Mapping[str, TableRules]] = {
    "opportunity": TableRules(
        save=(_state, _header),
        saved=(OPPORTUNITIES.saved,),
        deleted=(OPPORTUNITIES.drop_lines,),
        state_on_create=False,
    ),
    "opportunityproduct": TableRules(
        save=(OPPORTUNITIES.save_line,),
        saved=(OPPORTUNITIES.line_saved,),
        delete=(OPPORTUNITIES.check_line_parent,),
        deleted=(OPPORTUNITIES.line_deleted,),
    ),
}
