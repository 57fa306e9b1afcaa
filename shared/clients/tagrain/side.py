"""Tagrain as one side of the engine: the port's verbs in the words of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clients.tagrain.client import TagrainClient
from shared.clients.tagrain.config import SYSTEM
from shared.clients.tagrain.queries import askable, changed_pairs, filter_of, filters, folded, scope_pairs
from shared.clients.tagrain.writing import write_records
from shared.errors import Rejected
from shared.ports import Entity, KeyPage, KeyVersion, Row, Side, Write, WriteResult

_SETTINGS = "settings"
"""The account's own settings: the one path that is a record, not a collection."""


class TagrainSide:
    """Implements ``shared.ports.Side`` for one account; it holds nothing of its own."""

    def __init__(self, client: TagrainClient) -> None:
        self._client = client

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        """Keys changed at or after ``since``, in the order of their changes; the cursor is the server's own.

        A record that changes between two pages comes again, further back.
        """
        size = max(1, min(limit, self._client.config.page_size))
        page = await self._client.page(entity.set, changed_pairs(entity, since), size, cursor)
        versions = {str(row[entity.key]): _version(row, entity) for row in page.rows}
        keys = tuple(KeyVersion(key, version) for key, version in versions.items())
        return KeyPage(keys, page.cursor, page.read_at)

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        """Rows by id, many in one request; what does not exist (or is no id at all) is absent."""
        return {str(row[entity.key]): row for row in await self._rows_with(entity, entity.key, keys)}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        """Rows by value as it was asked for; Tagrain compares names without regard to case and to blanks around them.

        The entity's scope is not applied. Misconfigured for a column that the contract cannot look up.
        """
        rows = await self._rows_with(entity, column, values)
        found = {value: _rows_for(value, column, rows) for value in dict.fromkeys(values)}
        return {value: matches for value, matches in found.items() if matches}

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        """Creations under the key of their claim, updates property by property; see ``writing.write_records``."""
        return await write_records(self._client, entity, writes)

    async def listing(self, entity: Entity) -> list[Row]:
        """All rows in scope; of the settings the one there is."""
        if entity.set == _SETTINGS:
            return [(await self._client.single(_SETTINGS))[0]]
        return await self._client.rows(entity.set, scope_pairs(entity))

    def range_scope(self, entity: Entity, column: str, low: str | int | None, high: str | int | None) -> str:
        """Always Rejected: the contract has no ranges."""
        del low, high
        text = f"Tagrain cannot be asked for a range of {entity.set}; name the records one by one"
        raise Rejected(text, code="no-ranges", system=SYSTEM, fields=(column,))

    async def describe(self, entity: Entity) -> list[Row]:
        """Always Rejected: the contract has no columns of one's own."""
        text = f"Tagrain has no custom columns of {entity.set}"
        raise Rejected(text, code="no-columns", system=SYSTEM)

    def requests_to_write(self, entity: Entity, writes: Sequence[Write]) -> int:
        """One each."""
        del entity
        return len(writes)

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        """Always Rejected: the contract has no operations beside records."""
        del body
        raise Rejected(f"Tagrain has no operation {operation}", code="operation", system=SYSTEM)

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        """Answers "present": the contract has every property that the hub needs."""
        del entity, column, description, length
        return "present"

    async def ping(self) -> datetime:
        """Read the account's settings: proves address and key; the server's clock."""
        return (await self._client.single(_SETTINGS))[1]

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _rows_with(self, entity: Entity, column: str, values: Sequence[str]) -> list[Row]:
        """Each row once, however many of the values name it."""
        name = filter_of(column)
        rows: dict[str, Row] = {}
        for group in filters(name, askable(name, values), self._client.config.values_at_once):
            rows |= {str(row[entity.key]): row for row in await self._client.rows(entity.set, group)}
        return list(rows.values())


def _version(row: Row, entity: Entity) -> str:
    version = row.get(entity.version) if entity.version else None
    return "" if version is None else str(version)


def _rows_for(value: str, column: str, rows: Sequence[Row]) -> list[Row]:
    exact = [row for row in rows if str(row.get(column) or "") == value]
    return exact or [row for row in rows if folded(str(row.get(column) or "")) == folded(value)]


if TYPE_CHECKING:
    _IS_A_SIDE: type[Side] = TagrainSide
