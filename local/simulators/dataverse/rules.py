"""What tables do besides keeping values: state and status, money, and each table's own rules.

A further table is its schema plus an entry in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import rounded
from local.simulators.dataverse.wire import DataverseError

type SaveRule = Callable[[Org, SimTable, Row | None, dict[str, Any]], None]
"""Gets the row before (None for a create) and the new row, which it may complete or refuse."""
type DeleteRule = Callable[[Org, Row], None]

CURRENCY: Final = "_transactioncurrencyid_value"
RATE_PLACES: Final = 10


@dataclass(frozen=True)
class TableRules:
    """The rules of one table, run in order."""

    save: tuple[SaveRule, ...] = ()
    delete: tuple[DeleteRule, ...] = ()


def apply_save_rules(
    org: Org, table: SimTable, old: Row | None, new: dict[str, Any], changes: Mapping[str, Any]
) -> None:
    """Run the common rules, then the table's own; `changes` is what the payload said."""
    _state_and_status(table, old, new, changes)
    for rule in (_money, *RULES.get(table.name, TableRules()).save):
        rule(org, table, old, new)


def apply_delete_rules(org: Org, table: SimTable, row: Row) -> None:
    """Run the table's rules for a row that is about to go."""
    for rule in RULES.get(table.name, TableRules()).delete:
        rule(org, row)


def _state_and_status(table: SimTable, old: Row | None, new: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """A status reason must belong to its state; a new state without a reason gets the state's default."""
    status = table.columns.get("statuscode")
    if status is None or "statecode" not in new:
        return
    state_changed = old is None or old.get("statecode") != new["statecode"]
    if changes.get("statuscode") is None and (state_changed or new.get("statuscode") is None):
        new["statuscode"] = table.default_status(new["statecode"])
    states = {option.value: option.state for option in status.options}
    if states.get(new["statuscode"]) != new["statecode"]:
        raise DataverseError(
            400,
            "0x80048408",
            f"{new['statuscode']} is not a valid status code for state code {new['statecode']} on {table.name}.",
        )


def _money(org: Org, table: SimTable, _old: Row | None, new: dict[str, Any]) -> None:
    """Money has the currency's precision and a twin in base currency; a row with money has a currency and its rate."""
    if CURRENCY not in table.by_read:
        return
    written = any(new.get(name) is not None for name in table.money)
    if written and new.get(CURRENCY) is None:
        new[CURRENCY] = org.base_currency_id
    if new.get(CURRENCY) is None:
        return
    currency = org.store.get("transactioncurrency", new[CURRENCY])
    if currency is None:
        raise DataverseError(400, "0x80040203", "The currency of the record does not exist.")
    new["exchangerate"] = rate = currency["exchangerate"]
    base = org.store.get("transactioncurrency", org.base_currency_id) or currency
    for name in table.money:
        amount, twin = new.get(name), f"{name}_base"
        if amount is not None:
            new[name] = amount = rounded(amount, currency["currencyprecision"])
        if twin in table.columns:
            new[twin] = None if amount is None else rounded(amount / rate, base["currencyprecision"])


def _contact_names(_org: Org, _table: SimTable, _old: Row | None, new: dict[str, Any]) -> None:
    """fullname is first and last name; accountid mirrors a parent that is an account."""
    new["fullname"] = " ".join(part for part in (new.get("firstname"), new.get("lastname")) if part) or None
    parent_is_account = new.get("_parentcustomerid_value@table") == "account"
    new["_accountid_value"] = new.get("_parentcustomerid_value") if parent_is_account else None


def _currency(org: Org, _table: SimTable, old: Row | None, new: dict[str, Any]) -> None:
    """Every currency is complete and unique; the base currency keeps its rate and stays active."""
    for name in ("isocurrencycode", "currencyname", "currencysymbol", "currencyprecision", "exchangerate"):
        if new.get(name) is None:
            raise DataverseError(400, "0x80040200", f"The field '{name}' of 'transactioncurrency' is required.")
    new["exchangerate"] = rounded(Decimal(new["exchangerate"]), RATE_PLACES).normalize()
    rows = org.store.rows("transactioncurrency")
    others = rows.ids_with("isocurrencycode", (new["isocurrencycode"].casefold(),)) - {new["transactioncurrencyid"]}
    if others:
        raise DataverseError(
            400,
            "0x80048cf3",
            "Cannot insert duplicate currency record. Currency with the same currency code already exist in the system.",
        )
    if old is None or new["transactioncurrencyid"] != org.base_currency_id:
        return
    if new["exchangerate"] != old["exchangerate"]:
        raise DataverseError(400, "0x80048cf5", "The exchange rate of the base currency cannot be modified.")
    if new["statecode"] != 0:
        raise DataverseError(400, "0x80048cf4", "The base currency cannot be deactivated.")


def _keep_used_currency(org: Org, row: Row) -> None:
    key = row["transactioncurrencyid"]
    if key == org.base_currency_id:
        raise DataverseError(400, "0x80048cff", "The base currency of an organization cannot be deleted.")
    if org.store.rows("account").ids_with(CURRENCY, (key,)):
        raise DataverseError(
            405, "0x80040227", "The object you tried to delete is associated with another object and cannot be deleted."
        )


def _delete_contacts_of_account(org: Org, row: Row) -> None:
    """Contacts go with the account they belong to (a parental relationship in a standard org)."""
    for key in sorted(org.store.rows("contact").ids_with("_parentcustomerid_value", (row["accountid"],))):
        contact = org.store.get("contact", key)
        if contact is not None:
            _clear_links(org, "account", "_primarycontactid_value", key)
            org.store.drop("contact", key)


def _clear_links(org: Org, table: str, read_name: str, target: str) -> None:
    for key in sorted(org.store.rows(table).ids_with(read_name, (target,))):
        row = org.store.get(table, key)
        if row is not None:
            org.store.put(table, {**row, read_name: None, "versionnumber": org.store.next_version()})


def _forget_account(org: Org, row: Row) -> None:
    _clear_links(org, "account", "_parentaccountid_value", row["accountid"])


def _forget_contact(org: Org, row: Row) -> None:
    _clear_links(org, "account", "_primarycontactid_value", row["contactid"])
    _clear_links(org, "contact", "_parentcustomerid_value", row["contactid"])


RULES: Final[Mapping[str, TableRules]] = {
    "account": TableRules(delete=(_delete_contacts_of_account, _forget_account)),
    "contact": TableRules(save=(_contact_names,), delete=(_forget_contact,)),
    "transactioncurrency": TableRules(save=(_currency,), delete=(_keep_used_currency,)),
}
