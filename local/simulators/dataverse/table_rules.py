"""What a table's rules are made of: the hooks of a save and of a delete, and the steps many rules share."""

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

CURRENCY: Final = "_transactioncurrencyid_value"
STATE_COLUMNS: Final = frozenset({"statecode", "statuscode"})


@dataclass(frozen=True)
class Save:
    """One row being written: `old` is None for a create; rules complete or refuse `new`; `changes` is the payload."""

    org: Org
    table: SimTable
    old: Row | None
    new: dict[str, Any]
    changes: Mapping[str, Any]

    def changed(self, name: str) -> bool:
        """True on a create, and where an update gives a property another value."""
        return self.old is None or self.old.get(name) != self.new.get(name)

    def linked(self, name: str, table: str) -> Row | None:
        """The row that a lookup of the new row names."""
        return self.org.store.get(table, self.new.get(name) or "")

    def keep(self, *names: str) -> None:
        """Let an update of columns that are written once pass without effect."""
        if self.old is not None:
            self.new.update({name: self.old.get(name) for name in names})


type SaveRule = Callable[[Save], None]
type DeleteRule = Callable[[Org, Row], None]


@dataclass(frozen=True)
class TableRules:
    """The rules of one table, run in order: `save` before the row is put, `saved` after; `delete`, `deleted` alike.

    Without `state_on_create` a new row gets the table's default state whatever the payload says.
    """

    save: tuple[SaveRule, ...] = ()
    saved: tuple[SaveRule, ...] = ()
    delete: tuple[DeleteRule, ...] = ()
    deleted: tuple[DeleteRule, ...] = ()
    state_on_create: bool = True


def refuse(code: str, message: str, status: int = 400) -> DataverseError:
    """A refusal by a business rule."""
    return DataverseError(status, code, message)


def missing(table: str, column: str) -> DataverseError:
    """400 0x80040200 for a required column without a value."""
    return refuse("0x80040200", f"The field '{column}' of '{table}' is required.")


def in_use() -> DataverseError:
    """405 0x80040227 for a row that others point to."""
    return refuse(
        "0x80040227",
        "The object you tried to delete is associated with another object and cannot be deleted.",
        status=405,
    )


def with_value(org: Org, table: str, name: str, value: Any) -> list[Row]:
    """The rows of a table in which a property has a value (text folded), in order of their ids."""
    rows = org.store.rows(table)
    return [rows.by_id[key] for key in sorted(rows.ids_with(name, (value,)))]


def put_derived(org: Org, table: str, row: Mapping[str, Any]) -> None:
    """Write a row that follows from another write; it gets a version and does not count as a write of the caller."""
    org.store.put(table, {**row, "versionnumber": org.store.next_version()}, derived=True)


def clear_links(org: Org, table: str, name: str, target: str) -> None:
    """Empty a lookup wherever it names a row."""
    for row in with_value(org, table, name, target):
        org.store.put(table, {**row, name: None, "versionnumber": org.store.next_version()})


def drop_rows(org: Org, table: str, name: str, target: str) -> None:
    """Delete the rows whose lookup names a row that goes."""
    rows = org.store.rows(table)
    for row in with_value(org, table, name, target):
        org.store.drop(table, row[rows.table.primary_id], derived=True)


def settle_money(org: Org, table: SimTable, row: dict[str, Any]) -> None:
    """Round money to the currency's precision, fill twins in base currency; a row with money has currency and rate."""
    if CURRENCY not in table.by_read:
        return
    written = any(row.get(name) is not None for name in table.money)
    if written and row.get(CURRENCY) is None:
        row[CURRENCY] = org.base_currency_id
    if row.get(CURRENCY) is None:
        return
    currency = org.store.get("transactioncurrency", row[CURRENCY])
    if currency is None:
        raise refuse("0x80040203", "The currency of the record does not exist.")
    row["exchangerate"] = rate = currency["exchangerate"]
    base = org.store.get("transactioncurrency", org.base_currency_id) or currency
    for name in table.money:
        amount, twin = row.get(name), f"{name}_base"
        if amount is not None:
            row[name] = amount = rounded(amount, currency["currencyprecision"])
        if twin in table.columns:
            row[twin] = None if amount is None else rounded(amount / rate, base["currencyprecision"])


def precision_of(org: Org, currency_id: str | None) -> int:
    """Decimals of a currency's amounts; those of the base currency where the row names none."""
    currency = org.store.get("transactioncurrency", currency_id or org.base_currency_id)
    return int(currency["currencyprecision"]) if currency is not None else 2


def amount_of(row: Mapping[str, Any], name: str) -> Decimal:
    """A row's amount or quantity, zero where there is none."""
    value = row.get(name)
    return value if isinstance(value, Decimal) else Decimal(value or 0)
