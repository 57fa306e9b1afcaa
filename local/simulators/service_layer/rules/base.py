"""The hooks a set may fill in, and how rows of a collection find each other."""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.store import Row

Action = Callable[[Company, Row], Row]
"""A bound action such as Cancel: the row after it; raises SapError where the state forbids it."""


class Collection:
    """Rows inside an entity, matched by the row key they give.

    A row that gives none of ``key`` takes the place of the row at its position, as Service Layer does.
    """

    def __init__(self, *key: str) -> None:
        self.key = key

    def find(self, rows: Sequence[Row], given: Row, touched: set[int]) -> int | None:
        """Position of the row that is meant, or None to append."""
        parts = [name for name in self.key if given.get(name) is not None]
        if not parts:
            position = len(touched)
            return position if position < len(rows) else None
        for position, row in enumerate(rows):
            if all(row.get(name) == given[name] for name in parts):
                return position
        return None

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """The row to append."""
        return without_nulls(given)

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """The row after the change."""
        return without_nulls({**present, **given})

    def check(self, rows: Sequence[Row]) -> None:
        """Refuse what may not stand together."""


class SetRules:
    """Rules of a set; the plain ones accept what the schema accepts."""

    read_only: ClassVar[frozenset[str]] = frozenset()
    """Properties that are ignored in bodies, besides the stamps."""
    collections: ClassVar[Mapping[str, Collection]] = {}
    actions: ClassVar[Mapping[str, Action]] = {}
    """Bound actions by name, where SAP documents them on the set."""
    _unkeyed = Collection()

    def collection(self, name: str) -> Collection:
        """How rows of that collection match."""
        return self.collections.get(name, self._unkeyed)

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """Fill in what a new row gets from the server: defaults, numbers."""

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """Refuse what business rules refuse; returns the row with what follows from its values.

        ``before`` is None at creation.
        """
        return row

    def destination(self, company: Company, entity_set: str) -> str:
        """The set where a create through Service Layer lands; another one only under an approval procedure."""
        return entity_set

    def allow(self, company: Company, before: Row, changes: Row) -> None:
        """Refuse a change that the row's state forbids, before anything is merged."""

    def kept_stamps(self, company: Company, changes: Row, *, by_user: bool) -> frozenset[str]:
        """Stamps that a change does not move; ``by_user`` is an edit in SAP's own windows."""
        return frozenset()

    def written(self, company: Company, row: Row, before: Row | None) -> None:
        """What a write brings about in other rows, in the same transaction; ``before`` is None at creation."""

    def duplicate(self, draft: Row, key: Sequence[str]) -> errors.SapError:
        """The refusal of a second row with one key."""
        return errors.entry_exists()


def without_nulls(row: Row) -> Row:
    """The row without its empty properties."""
    return {name: value for name, value in row.items() if value is not None}


def must_exist(company: Company, entity_set: str, key: Any, field: str, line: int | None = None) -> Row | None:
    """The row a reference names, None for no reference; raises -5002 if there is none."""
    if key is None:
        return None
    found = company.store.get(entity_set, key)
    if found is None:
        raise errors.rule(field, f"Invalid value '{key}'", line)
    return found
