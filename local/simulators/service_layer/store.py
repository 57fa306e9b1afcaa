"""Rows in memory: keyed, ordered by key, with transactions that can be undone.

Rows are never changed in place: a write puts a new object, so that a reader's row and the undo log stay true.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Row = dict[str, Any]
Key = tuple[Any, ...]
Collate = Callable[[Any], Any]


def collate_binary(value: Any) -> Any:
    """Compare as stored."""
    return value


def collate_ignoring_case(value: Any) -> Any:
    """Compare text without regard to case."""
    return value.casefold() if isinstance(value, str) else value


class Table:
    """Rows of one set. Keys given and returned are collated tuples; make them with `key`."""

    def __init__(self, name: str, key_names: Sequence[str], collate: Collate) -> None:
        self.name = name
        self.key_names = tuple(key_names)
        self.collate = collate
        self.rows: dict[Key, Row] = {}
        self.order: list[Key] = []

    def key(self, values: Iterable[Any]) -> Key:
        """The key for values in the order of `key_names`."""
        return tuple(self.collate(value) for value in values)

    def key_of(self, row: Row) -> Key:
        """The key of a row."""
        return tuple(self.collate(row[name]) for name in self.key_names)

    def load(self, rows: Iterable[Row]) -> None:
        """Replace everything; raises ValueError for two rows with one key."""
        self.rows = {}
        for row in rows:
            key = self.key_of(row)
            if key in self.rows:
                raise ValueError(f"two rows of {self.name} with the key {key}")
            self.rows[key] = row
        self.order = sorted(self.rows)

    def scan(self, after: Key | None = None, *, inclusive: bool = False) -> Iterator[Row]:
        """Rows in key order, from a key on. The order is taken at the start, so writers do no harm."""
        start = 0
        if after is not None:
            start = (bisect_left if inclusive else bisect_right)(self.order, after)
        rows = self.rows
        for key in self.order[start:]:
            row = rows.get(key)
            if row is not None:
                yield row


class Store:
    """All tables, and one transaction at a time; everything runs in one thread without awaiting in between."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self._undo: list[Callable[[], None]] | None = None
        self._notes: list[Callable[[], None]] = []
        self.on_rollback: Callable[[], None] = lambda: None
        """Told after writes were undone, for whoever caches rows."""

    def add_table(self, name: str, key_names: Sequence[str], collate: Collate) -> Table:
        """Create an empty table."""
        self.tables[name] = Table(name, key_names, collate)
        return self.tables[name]

    def get(self, table: str, *key: Any) -> Row | None:
        """One row by its key values, or None."""
        found = self.tables[table]
        return found.rows.get(found.key(key))

    def put(self, table: str, row: Row) -> None:
        """Insert the row, or replace the one with its key."""
        found = self.tables[table]
        key = found.key_of(row)
        before = found.rows.get(key)
        if before is None:
            insort(found.order, key)
        found.rows[key] = row
        self._log(lambda: self._restore(found, key, before))

    def remove(self, table: str, row: Row) -> None:
        """Delete the row."""
        found = self.tables[table]
        key = found.key_of(row)
        before = found.rows.pop(key)
        del found.order[bisect_left(found.order, key)]
        self._log(lambda: self._restore(found, key, before))

    def on_commit(self, note: Callable[[], None]) -> None:
        """Run something once the present transaction has held."""
        self._notes.append(note)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All writes inside hold together, or an exception undoes them all. An inner one joins the outer one."""
        if self._undo is not None:
            yield
            return
        self._undo, self._notes = [], []
        try:
            yield
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            self.on_rollback()
            raise
        else:
            for note in self._notes:
                note()
        finally:
            self._undo, self._notes = None, []

    def _log(self, undo: Callable[[], None]) -> None:
        if self._undo is not None:
            self._undo.append(undo)

    @staticmethod
    def _restore(table: Table, key: Key, before: Row | None) -> None:
        if before is None:
            table.rows.pop(key, None)
            position = bisect_left(table.order, key)
            if position < len(table.order) and table.order[position] == key:
                del table.order[position]
            return
        if key not in table.rows:
            insort(table.order, key)
        table.rows[key] = before
