"""Rules of accounts, contacts and leads: names, shadows of lookups, and what goes or stays when one is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.simulators.dataverse.document_rules import shadow_customer
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import Save, TableRules, clear_links, in_use, with_value

_SOLD_TO: Final = ("salesorder", "quote", "opportunity")
_LINKS_TO_ACCOUNT: Final = (
    ("account", "_parentaccountid_value"),
    ("lead", "_parentaccountid_value"),
    ("lead", "_customerid_value"),
    ("lead", "_accountid_value"),
)
_LINKS_TO_CONTACT: Final = (
    ("account", "_primarycontactid_value"),
    ("contact", "_parentcustomerid_value"),
    ("contact", "_parentcontactid_value"),
    ("opportunity", "_parentcontactid_value"),
    ("lead", "_parentcontactid_value"),
    ("lead", "_customerid_value"),
    ("lead", "_contactid_value"),
)
_LINKS_TO_LEAD: Final = tuple((table, "_originatingleadid_value") for table in ("account", "contact", "opportunity"))


def _full_name(new: dict[str, Any]) -> None:
    """fullname is first and last name; it cannot be written."""
    new["fullname"] = " ".join(part for part in (new.get("firstname"), new.get("lastname")) if part) or None


def _contact(save: Save) -> None:
    """accountid and parentcontactid show the parent, whichever it is."""
    new = save.new
    _full_name(new)
    parent, table = new.get("_parentcustomerid_value"), new.get("_parentcustomerid_value@table")
    new["_accountid_value"] = parent if table == "account" else None
    new["_parentcontactid_value"] = parent if table == "contact" else None


def _lead(save: Save) -> None:
    """A closed lead still takes changes of its columns through the API (inferred)."""
    _full_name(save.new)
    shadow_customer(save)


def _keep_customer(org: Org, key: str) -> None:
    """A customer with documents cannot be deleted (an assumption: sources do not say what happens to them)."""
    if any(org.store.rows(table).ids_with("_customerid_value", (key,)) for table in _SOLD_TO):
        raise in_use()


def _keep_account_in_use(org: Org, row: Row) -> None:
    _keep_customer(org, row["accountid"])


def _keep_contact_in_use(org: Org, row: Row) -> None:
    _keep_customer(org, row["contactid"])


def _delete_contacts_of_account(org: Org, row: Row) -> None:
    """Contacts go with the account they belong to (a parental relationship in a standard org)."""
    for contact in with_value(org, "contact", "_parentcustomerid_value", row["accountid"]):
        _forget_contact(org, contact)
        org.store.drop("contact", contact["contactid"])


def _forget(org: Org, links: tuple[tuple[str, str], ...], key: str) -> None:
    for table, name in links:
        clear_links(org, table, name, key)


def _forget_account(org: Org, row: Row) -> None:
    _forget(org, _LINKS_TO_ACCOUNT, row["accountid"])


def _forget_contact(org: Org, row: Row) -> None:
    _forget(org, _LINKS_TO_CONTACT, row["contactid"])


def _forget_lead(org: Org, row: Row) -> None:
    _forget(org, _LINKS_TO_LEAD, row["leadid"])


PARTY_RULES: Final[Mapping[str, TableRules]] = {
    "account": TableRules(delete=(_keep_account_in_use, _delete_contacts_of_account, _forget_account)),
    "contact": TableRules(save=(_contact,), delete=(_keep_contact_in_use, _forget_contact)),
    "lead": TableRules(save=(_lead,), delete=(_forget_lead,), state_on_create=False),
}
