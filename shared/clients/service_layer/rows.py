"""Rows that SAP keeps inside other records (contact persons inside their partner), as if they were records of a set.

Their keys are ``partner/row``. A row changes when it or its partner does: only the partner leaves a stamp that can be
asked for. All rows of one partner that are to be written travel in one request.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.clients.service_layer.config import SYSTEM
from shared.errors import Conflict, HubError, Rejected, UnknownOutcome
from shared.ports import Entity, Owner, Row, Write, WriteResult, key_within, parse_key_within


def owner_of(entity: Entity) -> Owner | None:
    """The owner in whose collection the entity's rows live, if they do."""
    return entity.owner if entity.owner is not None and entity.owner.collection else None


def owner_entity(entity: Entity, owner: Owner, *, full: bool) -> Entity:
    """The owner's entity with the collection; ``full`` with the columns that rows show of it."""
    select = (owner.collection, *(owner.entity.select if full else ()))
    return replace(owner.entity, select=select, scope=entity.scope or owner.entity.scope)


def rows_in(entity: Entity, owner: Owner, record: Row) -> list[Row]:
    """The rows of one owner, each with its key, its version and its owner's columns."""
    key = str(record[owner.entity.key])
    shown = {name: value for name, value in record.items() if name != owner.collection}
    version = record.get(owner.entity.version)
    return [
        {
            **row,
            entity.key: key_within(key, row[entity.key]),
            owner.lookup: key,
            owner.name: shown,
            **({entity.version: version} if entity.version else {}),
        }
        for row in record.get(owner.collection) or ()
    ]


def owner_keys(keys: Iterable[str]) -> list[str]:
    """The owners of rows by the rows' keys, each once."""
    return list(dict.fromkeys(owner for owner, _ in map(parse_key_within, keys) if owner))


class RowWrites:
    """The writes of rows as writes of their owners, and the results the other way."""

    def __init__(self, entity: Entity, owner: Owner, writes: Sequence[Write]) -> None:
        self._entity, self._owner = entity, owner
        self.by_owner: dict[str, list[Write]] = defaultdict(list)
        self.results: dict[str, WriteResult] = {}
        self._together: list[tuple[str, list[Write]]] = []
        for write in writes:
            key = self._owner_of(write)
            if key:
                self.by_owner[key].append(write)
            else:
                self._refuse(write, Rejected("a row without the record it belongs to", code="no-key", system=SYSTEM))

    def _owner_of(self, write: Write) -> str:
        return str(write.body.get(self._owner.lookup) or "") if write.key is None else parse_key_within(write.key)[0]

    def _refuse(self, write: Write, error: HubError) -> None:
        self.results[write.ref] = WriteResult(write.ref, write.key, error=error)

    @property
    def adding(self) -> list[str]:
        """The owners that get new rows: what they have must be known first."""
        return [key for key, some in self.by_owner.items() if any(write.create for write in some)]

    def look(self, records: Mapping[str, Row]) -> None:
        """Take note of what the owners have now: new rows that are there already are not made again."""
        for key in self.adding:
            if key not in records:
                for write in self.by_owner.pop(key):
                    self._refuse(write, Conflict("the record it belongs to is gone", code="no-owner", system=SYSTEM))
                continue
            self.settle(key, records[key], only_found=True)

    def settle(self, key: str, record: Row, *, only_found: bool = False) -> None:
        """Give new rows of that owner their results, by our reference in what the owner has now."""
        rows = rows_in(self._entity, self._owner, record) if record else []
        left: list[Write] = []
        for write in self.by_owner[key]:
            made = next((row for row in rows if write.create and self._is(row, write)), None)
            if made is not None:
                self.results[write.ref] = WriteResult(write.ref, str(made[self._entity.key]))
            elif not only_found and write.create:
                self._refuse(write, UnknownOutcome("created, but not to be found", code="no-key", system=SYSTEM))
            else:
                left.append(write)
        self.by_owner[key] = left

    def take(self, key: str, writes: Sequence[Write], error: HubError | None) -> None:
        """What became of one owner's write; refused ones of several rows are to be sent again one by one."""
        if error is None:
            return
        if isinstance(error, Rejected | Conflict) and len(writes) > 1:
            self._together.append((key, list(writes)))
            return
        self.by_owner[key] = [each for each in self.by_owner[key] if each not in writes]
        for write in writes:
            self._refuse(write, error)

    def refused_together(self) -> list[tuple[str, list[Write]]]:
        """The owners whose writes were refused as a whole, with those writes."""
        return self._together

    def _is(self, row: Row, write: Write) -> bool:
        reference = self._entity.reference
        return bool(reference and write.body.get(reference)) and row.get(reference) == write.body[reference]

    def body(self, writes: Sequence[Write], present: Row | None) -> dict[str, Any]:
        """One owner's body. Rows that are there stand in it by key alone before new ones, which would take their place."""
        numbered = {parse_key_within(write.key)[1] for write in writes if write.key is not None}
        kept = [] if present is None else [row[self._entity.key] for row in present.get(self._owner.collection) or ()]
        rows: list[Row] = [{self._entity.key: key} for key in kept if str(key) not in numbered]
        if not any(write.create for write in writes):
            rows = []
        owner: Row = {}
        for write in sorted(writes, key=lambda each: each.create):
            own, columns = self._columns(write)
            owner |= {name: value for name, value in columns.items() if value is not None}
            rows.append(own)
        return {**owner, self._owner.collection: rows}

    def _columns(self, write: Write) -> tuple[Row, Row]:
        """What a write sets in the row, and in its owner."""
        own = {k: v for k, v in write.body.items() if k not in (self._owner.name, self._owner.lookup)}
        if write.key is not None:
            own = {self._entity.key: int(parse_key_within(write.key)[1]), **own}
        return own, dict(write.body.get(self._owner.name) or {})
