"""What tables do besides keeping values: state and status, money, and each table's own rules.

A further table is its schema plus an entry in `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from local.simulators.dataverse.catalog_rules import CATALOG_RULES
from local.simulators.dataverse.opportunity_rules import OPPORTUNITY_RULES
from local.simulators.dataverse.order_rules import ORDER_RULES
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.party_rules import PARTY_RULES
from local.simulators.dataverse.quote_rules import QUOTE_RULES
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import (
    CURRENCY,
    STATE_COLUMNS,
    Save,
    TableRules,
    in_use,
    missing,
    refuse,
    settle_money,
)
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import rounded

RATE_PLACES: Final = 10
_NO_RULES: Final = TableRules()


def rules_of(table: SimTable) -> TableRules:
    """The rules of a table; most have none."""
    return RULES.get(table.name, _NO_RULES)


def apply_save_rules(save: Save) -> None:
    """Complete or refuse a row before it is put: state and status, the table's rules, then money."""
    rules = rules_of(save.table)
    if save.old is None and not rules.state_on_create and "statecode" in save.table.columns:
        save.new["statecode"] = save.table.defaults.get("statecode", 0)
        _state_of_new(save)
    _state_and_status(save)
    for rule in rules.save:
        rule(save)
    settle_money(save.org, save.table, save.new)


def _state_of_new(save: Save) -> None:
    """The org may make new products active at once (a system setting); the payload never decides."""
    if save.table.name == "product" and save.org.switches.products_start_active:
        save.new["statecode"] = 0


def _state_and_status(save: Save) -> None:
    """A status reason must belong to its state; a new state without a reason gets the state's default."""
    new, table = save.new, save.table
    status = table.columns.get("statuscode")
    if status is None or "statecode" not in new:
        return
    if save.changes.get("statuscode") is None and (save.changed("statecode") or new.get("statuscode") is None):
        new["statuscode"] = table.default_status(new["statecode"])
    states = {option.value: option.state for option in status.options}
    if states.get(new["statuscode"]) != new["statecode"]:
        raise refuse(
            "0x80048408",
            f"{new['statuscode']} is not a valid status code for state code {new['statecode']} on {table.name}.",
        )


def not_on_create(table: SimTable) -> frozenset[str]:
    """The properties that a create of this table does not take: its state, if the table's rules choose that."""
    return frozenset() if rules_of(table).state_on_create else STATE_COLUMNS


def _currency(save: Save) -> None:
    """Every currency is complete and unique; the base currency keeps its rate and stays active."""
    new, old, org = save.new, save.old, save.org
    for name in ("isocurrencycode", "currencyname", "currencysymbol", "currencyprecision", "exchangerate"):
        if new.get(name) is None:
            raise missing("transactioncurrency", name)
    new["exchangerate"] = rounded(Decimal(new["exchangerate"]), RATE_PLACES).normalize()
    rows = org.store.rows("transactioncurrency")
    others = rows.ids_with("isocurrencycode", (new["isocurrencycode"].casefold(),)) - {new["transactioncurrencyid"]}
    if others:
        raise refuse(
            "0x80048cf3",
            "Cannot insert duplicate currency record. Currency with the same currency code already exist in the system.",
        )
    if old is None or new["transactioncurrencyid"] != org.base_currency_id:
        return
    if new["exchangerate"] != old["exchangerate"]:
        raise refuse("0x80048cf5", "The exchange rate of the base currency cannot be modified.")
    if new["statecode"] != 0:
        raise refuse("0x80048cf4", "The base currency cannot be deactivated.")


def _keep_used_currency(org: Org, row: Row) -> None:
    key = row["transactioncurrencyid"]
    if key == org.base_currency_id:
        raise refuse("0x80048cff", "The base currency of an organization cannot be deleted.")
    for table in ("account", "contact", "lead", "pricelevel", "opportunity", "quote", "salesorder"):
        if org.store.rows(table).ids_with(CURRENCY, (key,)):
            raise in_use()


RULES: Final[Mapping[str, TableRules]] = {
    "transactioncurrency": TableRules(save=(_currency,), delete=(_keep_used_currency,)),
    **PARTY_RULES,
    **CATALOG_RULES,
    **OPPORTUNITY_RULES,
    **QUOTE_RULES,
    **ORDER_RULES,
}
