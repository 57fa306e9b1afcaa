"""Rules that the headers of orders, quotes and opportunities share: state, customer, currency, their lines."""

from __future__ import annotations

from functools import partial

from local.simulators.dataverse.documents import COMPUTED, Document
from local.simulators.dataverse.line_rules import mirror
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.pricing import add_up, price_line
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import (
    CURRENCY,
    STATE_COLUMNS,
    DeleteRule,
    Save,
    SaveRule,
    drop_rows,
    put_derived,
    refuse,
)
from local.simulators.dataverse.wire import DataverseError


def invalid_state() -> DataverseError:
    """400 0x80040233 for a change of state that is not among those a document takes."""
    return refuse("0x80040233", "The object is not in a valid state to perform this operation.")


def check_state(save: Save, document: Document) -> None:
    """Only an editable document takes a change; its state changes by update or message as its kind says.

    An update that gives a document its state back changes nothing else (the service sets the state after the rest).
    """
    old, new, org = save.old, save.new, save.org
    if old is None or org.lays_out:
        return
    before, after = old["statecode"], new["statecode"]
    if org.message in document.by_message:
        allowed_from, target = document.by_message[org.message]
        if before in allowed_from and after == target:
            return
        raise invalid_state()
    if before != after and (before, after) not in document.by_patch:
        raise invalid_state()
    if not document.editable(org, old) and set(save.changes) - STATE_COLUMNS:
        raise refuse("0x8004022e", "The object cannot be updated because it is read-only.")


def keep_computed(save: Save) -> None:
    """Computed columns in a payload have no effect."""
    save.keep(*COMPUTED)
    if save.old is None:
        save.new.update(dict.fromkeys(COMPUTED, None))


def shadow_customer(save: Save) -> None:
    """accountid and contactid show the customer, whichever it is."""
    new = save.new
    customer, table = new.get("_customerid_value"), new.get("_customerid_value@table")
    new["_accountid_value"] = customer if table == "account" else None
    new["_contactid_value"] = customer if table == "contact" else None


def settle_currency(save: Save, document: Document) -> None:
    """A document is in the currency of its price list, and keeps it while it has lines."""
    new, org = save.new, save.org
    price_list = save.linked("_pricelevelid_value", "pricelevel")
    if price_list is not None and new.get(CURRENCY) is None:
        new[CURRENCY] = price_list[CURRENCY]
    if new.get(CURRENCY) is None:
        new[CURRENCY] = org.base_currency_id
    if price_list is not None and new[CURRENCY] != price_list[CURRENCY]:
        raise refuse("0x80048cf6", "The currency of the record does not match the currency of the price list.")
    if save.old is not None and save.changed(CURRENCY):
        key = new[document.key]
        if any(org.store.rows(table).ids_with(name, (key,)) for table, name in document.currency_users):
            raise refuse(*document.currency_refusal)


def follow_header(document: Document) -> SaveRule:
    """Lines follow their header: its state, its price lock, and prices of its price list if that is another now."""
    return partial(_follow_header, document)


def _follow_header(document: Document, save: Save) -> None:
    org, new, old = save.org, save.new, save.old
    key = new[document.key]
    if old is not None:
        mirrors = any(save.changed(name) for name in ("statecode", "ispricelocked"))
        reprices = save.changed("_pricelevelid_value") and not new.get("ispricelocked")
        for line in document.lines(org, key) if mirrors or reprices else ():
            follower = dict(line)
            if reprices:
                price_line(org, document, new, follower)
            mirror(org, document, new, follower)
            put_derived(org, document.line, follower)
    org.store.at_end(("totals", key), lambda: add_up(org, document, key, touch=False))


def drop_lines(document: Document) -> DeleteRule:
    """Lines go with their header."""
    return partial(_drop_lines, document)


def _drop_lines(document: Document, org: Org, row: Row) -> None:
    drop_rows(org, document.line, document.parent, row[document.key])


def read_only_on_delete() -> DataverseError:
    """400 0x80040228 for a document whose state keeps it."""
    return refuse("0x80040228", "The object cannot be deleted because it is read-only.")
