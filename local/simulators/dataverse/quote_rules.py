"""Rules of quotes: number and revision, and that only a draft is changed."""

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
from local.simulators.dataverse.documents import QUOTE, QUOTE_ACTIVE, QUOTE_DRAFT
from local.simulators.dataverse.line_rules import line_rules
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save, TableRules, clear_links, refuse, with_value

REVISE: Final = "ReviseQuote"


def quotes_of_number(org: Org, number: str) -> list[Row]:
    """A quote's revisions: all quotes of one number."""
    return with_value(org, "quote", "quotenumber", number.casefold())


def _quote_state(save: Save) -> None:
    """Activating is for drafts; a change of reason within Active names the reason alone."""
    old, org = save.old, save.org
    activates = save.changes.get("statecode") == QUOTE_ACTIVE and not org.lays_out
    if old is not None and activates and old["statecode"] != QUOTE_DRAFT:
        raise refuse("0x80100003", "The quote cannot be activated because it is not in draft state.")
    check_state(save, QUOTE)


def _quote_header(save: Save) -> None:
    """Number, customer and currency of a quote; only the message that revises one counts its revisions."""
    new, org = save.new, save.org
    keep_computed(save)
    save.keep("quotenumber")
    if save.old is None:
        new["quotenumber"] = new.get("quotenumber") or org.next_number("QUO")
        new["revisionnumber"] = new["revisionnumber"] if org.message == REVISE else 0
        _check_number(save)
    shadow_customer(save)
    settle_currency(save, QUOTE)


def _check_number(save: Save) -> None:
    """Number and revision are unique together (an assumption, as for orders)."""
    new = save.new
    revisions = {quote["revisionnumber"] for quote in quotes_of_number(save.org, new["quotenumber"])}
    if new["revisionnumber"] in revisions:
        raise refuse("0x80040237", "Cannot insert duplicate key.", status=412)


def _keep_quote_in_use(org: Org, row: Row) -> None:
    """Which states keep a quote is inferred: those in which it is read-only."""
    if not QUOTE.editable(org, row):
        raise read_only_on_delete()


def _forget_quote(org: Org, row: Row) -> None:
    clear_links(org, "salesorder", "_quoteid_value", row["quoteid"])


QUOTE_RULES: Final[Mapping[str, TableRules]] = {
    "quote": TableRules(
        save=(_quote_state, _quote_header),
        saved=(follow_header(QUOTE),),
        delete=(_keep_quote_in_use, _forget_quote),
        deleted=(drop_lines(QUOTE),),
        state_on_create=False,
    ),
    "quotedetail": line_rules(QUOTE),
}
