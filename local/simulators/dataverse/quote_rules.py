"""Rules of quotes: only drafts can be changed; states by update and by message; revisions.

Sources: the Web API facts on states, actions and read-only sales documents. Which updates of the state are taken beside
draft and active is an assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.sales_documents import Documents, customer_shadows
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save, TableRules, refuse, with_value

DRAFT, ACTIVE, WON, CLOSED = range(4)
"""States of a quote."""
REVISED: Final = 7
_BY_UPDATE: Final = frozenset({(DRAFT, ACTIVE), (ACTIVE, DRAFT), (WON, DRAFT), (CLOSED, DRAFT)})
_BY_MESSAGE: Final[Mapping[str, tuple[frozenset[int], int]]] = {
    "WinQuote": (frozenset({ACTIVE}), WON),
    "CloseQuote": (frozenset({DRAFT, ACTIVE}), CLOSED),
    "ReviseQuote": (frozenset({ACTIVE, CLOSED}), CLOSED),
    "ConvertQuoteToSalesOrder": (frozenset({ACTIVE}), WON),
}
"""Message -> (states it takes a quote from, state it leaves it in). From which states is partly an assumption."""


def is_read_only(_org: Org, quote: Row) -> bool:
    """Only drafts take changes."""
    return bool(quote["statecode"] != DRAFT)


QUOTES: Final = Documents(
    header="quote",
    line="quotedetail",
    parent="_quoteid_value",
    line_state="quotestatecode",
    line_name="quotedetailname",
    read_only=is_read_only,
    currency_code="0x8004480e",
)


def _header(save: Save) -> None:
    new, org = save.new, save.org
    save.keep("quotenumber")
    QUOTES.computed(save)
    if save.old is None:
        new["quotenumber"] = new.get("quotenumber") or org.next_number("QUO")
        if new.get("revisionnumber") is None:
            new["revisionnumber"] = 0
        _check_number(save)
    customer_shadows(save, "_accountid_value", "_contactid_value")
    QUOTES.currency(save)


def _check_number(save: Save) -> None:
    """A number has one draft or active quote; its other revisions are closed."""
    others = with_value(save.org, "quote", "quotenumber", save.new["quotenumber"].casefold())
    if not save.org.lays_out and any(each["statecode"] in (DRAFT, ACTIVE) for each in others):
        raise refuse(
            "0x80048d00", "The quote cannot be revised as there already exists another open quote of its number."
        )


def _state(save: Save) -> None:
    old, new, org = save.old, save.new, save.org
    if old is None or org.lays_out:
        return
    before, after = old["statecode"], new["statecode"]
    if before != after:
        allowed_from, target = _BY_MESSAGE.get(org.message, (frozenset(), None))
        if before in allowed_from and after == target:
            return
        if after == ACTIVE and before != DRAFT:
            raise refuse("0x80100003", "The quote cannot be activated because it is not in draft state.")
        if (before, after) not in _BY_UPDATE:
            raise refuse("0x80040233", "The object is not in a valid state to perform this operation.")
    QUOTES.refuse_read_only(save)


def _keep_final(_org: Org, row: Row) -> None:
    if row["statecode"] not in (DRAFT, ACTIVE):
        raise refuse("0x80040228", "The object cannot be deleted because it is read-only.")


QUOTE_RULES: Final[Mapping[str, TableRules]] = {
    "quote": TableRules(
        save=(_state, _header),
        saved=(QUOTES.saved,),
        delete=(_keep_final,),
        deleted=(QUOTES.drop_lines,),
        state_on_create=False,
    ),
    "quotedetail": TableRules(
        save=(QUOTES.save_line,),
        saved=(QUOTES.line_saved,),
        delete=(QUOTES.check_line_parent,),
        deleted=(QUOTES.line_deleted,),
    ),
}
