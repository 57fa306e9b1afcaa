"""Rows in memory, with the orders and indexes that queries use, one version counter, and undo for transactions.

A stored row is never changed in place: a write puts a new dict, so readers may keep what they have without a copy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import fold_text, guid_order

type Row = Mapping[str, Any]

_SORT_ANEW_FROM = 2000


class SortedEntries:
    """Tuples in order, cheap to append in bulk: new ones wait and are sorted in when somebody reads."""

    def __init__(self) -> None:
        self._entries: list[tuple[Any, ...]] = []
        self._waiting: list[tuple[Any, ...]] = []

    def add(self, entry: tuple[Any, ...]) -> None:
        """Take an entry that is not yet there."""
        self._waiting.append(entry)

    def remove(self, entry: tuple[Any, ...]) -> None:
        """Drop an entry that is there."""
        self._settle()
        del self._entries[bisect_left(self._entries, entry)]

    def after(self, bound: tuple[Any, ...] | None, *, inclusive: bool) -> Iterator[tuple[Any, ...]]:
        """Entries above a bound in order; the entries must not change while they are read."""
        self._settle()
        start = 0
        if bound is not None:
            start = (bisect_left if inclusive else bisect_right)(self._entries, bound)
        for position in range(start, len(self._entries)):
            yield self._entries[position]

    def _settle(self) -> None:
        if len(self._waiting) >= _SORT_ANEW_FROM:
            self._entries.extend(self._waiting)
            self._entries.sort()
        else:
            for entry in self._waiting:
                insort(self._entries, entry)
        self._waiting.clear()


class TableRows:
    """The rows of one table by id, ordered by id and by modification, and by value where a filter has asked."""

    def __init__(self, table: SimTable) -> None:
        self.table = table
        self.by_id: dict[str, Row] = {}
        self.id_order = SortedEntries()
        self.stamp_order = SortedEntries()
        self._by_value: dict[str, dict[Any, set[str]]] = {}

    def put(self, row: Row) -> Row | None:
        """Insert or replace by primary key; gives the row that was there."""
        key = row[self.table.primary_id]
        old = self.by_id.get(key)
        order = guid_order(key)
        if old is None:
            self.id_order.add((order, key))
        else:
            self.stamp_order.remove((old["modifiedon"], order, key))
        self.stamp_order.add((row["modifiedon"], order, key))
        self.by_id[key] = row
        self._reindex(key, old, row)
        return old

    def drop(self, key: str) -> Row:
        """Remove a row that is there, and give it."""
        old = self.by_id.pop(key)
        order = guid_order(key)
        self.id_order.remove((order, key))
        self.stamp_order.remove((old["modifiedon"], order, key))
        self._reindex(key, old, None)
        return old

    def ids_with(self, read_name: str, values: Iterable[Any]) -> set[str]:
        """Ids of the rows in which a property has one of the (folded) values; builds the index on first use."""
        index = self._by_value.get(read_name)
        if index is None:
            index = self._by_value[read_name] = {}
            for key, row in self.by_id.items():
                _add(index, fold_text(row.get(read_name)), key)
        found: set[str] = set()
        for value in values:
            found |= index.get(value, set())
        return found

    def _reindex(self, key: str, old: Row | None, new: Row | None) -> None:
        for read_name, index in self._by_value.items():
            before = fold_text(old.get(read_name)) if old is not None else None
            after = fold_text(new.get(read_name)) if new is not None else None
            if before == after:
                continue
            if before is not None:
                index[before].discard(key)
            _add(index, after, key)


def _add(index: dict[Any, set[str]], value: Any, key: str) -> None:
    if value is not None:
        index.setdefault(value, set()).add(key)


@dataclass(frozen=True)
class _Change:
    table: str
    key: str
    old: Row | None
    operation: str
    derived: bool


class DataverseStore:
    """All rows of the org and the counter behind ``versionnumber``, which never goes back, not even on a rollback."""

    def __init__(self, tables: Mapping[str, SimTable], committed: Callable[[str, str], None]) -> None:
        """`committed` hears the entity set and ``create``, ``update`` or ``delete`` of each row a transaction wrote."""
        self.tables = {name: TableRows(table) for name, table in tables.items()}
        self._committed = committed
        self._version = 1_000_000
        self._counts = True
        self._undo: list[_Change] | None = None
        self._last: dict[object, Callable[[], None]] = {}

    def next_version(self) -> int:
        """The next number of the org-wide counter."""
        self._version += 1
        return self._version

    def rows(self, table: str) -> TableRows:
        """The rows of a table by its logical name."""
        return self.tables[table]

    def get(self, table: str, key: str) -> Row | None:
        """One row, or None."""
        return self.tables[table].by_id.get(key)

    def put(self, table: str, row: Row, *, derived: bool = False) -> None:
        """Insert or replace a row; a `derived` one follows from another write, and `committed` does not hear of it."""
        rows = self.tables[table]
        old = rows.put(row)
        if self._undo is not None:
            operation = "create" if old is None else "update"
            self._undo.append(_Change(table, row[rows.table.primary_id], old, operation, derived))

    def drop(self, table: str, key: str, *, derived: bool = False) -> None:
        """Delete a row that is there; `derived` as for `put`."""
        old = self.tables[table].drop(key)
        if self._undo is not None:
            self._undo.append(_Change(table, key, old, "delete", derived))

    def at_end(self, key: object, work: Callable[[], None]) -> None:
        """Do some work once as the last part of the transaction that is open; the first work for a key stays."""
        self._last.setdefault(key, work)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen, or none: any exception undoes them and goes on. An inner one joins the outer."""
        if self._undo is not None:
            yield
            return
        undo: list[_Change] = []
        self._undo = undo
        try:
            yield
            while self._last:
                self._last.pop(next(iter(self._last)))()
        except BaseException:
            for change in reversed(undo):
                if change.old is None:
                    self.tables[change.table].drop(change.key)
                else:
                    self.tables[change.table].put(change.old)
            raise
        finally:
            self._undo = None
            self._last.clear()
        for change in undo if self._counts else ():
            if change.derived:
                continue
            self._committed(self.tables[change.table].table.entity_set, change.operation)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Writes inside are not told to `committed`; for laying out data."""
        self._counts = False
        try:
            yield
        finally:
            self._counts = True
