"""Dataverse as one side of the engine: the port's verbs in the words of the Web API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clients.answers import Effect
from shared.clients.dataverse.client import DataverseClient
from shared.clients.dataverse.columns import describe_columns, ensure_text_column
from shared.clients.dataverse.config import SYSTEM
from shared.clients.dataverse.queries import (
    PageCursor,
    both,
    changed_url,
    equals_one_of,
    is_guid,
    name,
    points_to_one_of,
    rows_url,
    selected,
    slices_of_values,
    text_literal,
)
from shared.clients.dataverse.writing import Writer
from shared.errors import Misconfigured, NotFound, Rejected
from shared.ports import Entity, KeyPage, KeyVersion, Owner, Row, Side, Write, WriteResult

_FUNCTIONS = frozenset({"WhoAmI", "RetrieveVersion"})
"""Operations that are read with GET; everything else is an action."""
_OPERATION = re.compile(r"[A-Za-z_][\w.]*(\([0-9a-fA-F-]{36}\)/Microsoft\.Dynamics\.CRM\.\w+)?")
_CONTROL = re.compile(r"[\x00-\x1f]")


class DataverseSide:
    """Implements ``shared.ports.Side`` for one environment."""

    def __init__(self, client: DataverseClient) -> None:
        self._client = client
        self._writer = Writer(client)

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        """One page of keys and versions, by key; the cursor is the server's own link, followed as it stands.

        Raises Transient where the links lead in a circle, Misconfigured for a cursor that leads elsewhere.
        """
        config = self._client.config
        here = PageCursor.read(cursor, config.api) if cursor else PageCursor(changed_url(config.api, entity, since))
        page = await self._client.page(here.link, max(1, min(limit, config.page_size)))
        if entity.owner is not None and entity.owner.navigation:
            await self._add_owners(
                entity, replace(entity.owner, entity=replace(entity.owner.entity, select=())), page.rows
            )
        versions = {str(row[entity.key]): _version(row, entity) for row in page.rows}
        return KeyPage(
            keys=tuple(KeyVersion(key, version) for key, version in versions.items()),
            cursor=str(here.then(page.next_link)) if page.next_link else None,
            read_at=page.read_at,
        )

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        """Rows by key as it was asked for; what is no GUID can't exist and is not asked."""
        possible = [key for key in keys if is_guid(key)]
        rows = await self._rows_with(entity, entity.key, list(dict.fromkeys(key.lower() for key in possible)))
        await self._add_related(entity, rows)
        found = {str(row[entity.key]).lower(): row for row in rows}
        return {key: found[key.lower()] for key in possible if key.lower() in found}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        """Rows by value as it was asked for. Dataverse compares without regard to case and to blanks at the end.

        Rows that Dataverse takes for equal beyond that (accents) are left out. The entity's scope is not applied.
        """
        askable = [value for value in dict.fromkeys(values) if value.strip() and not _CONTROL.search(value)]
        rows = await self._rows_with(entity, column, list({_folded(value): value for value in askable}.values()))
        each = {str(row[entity.key]): row for row in rows}
        await self._add_related(entity, list(each.values()))
        by_folded: dict[str, list[Row]] = {}
        for row in each.values():
            by_folded.setdefault(_folded(str(row.get(column) or "")), []).append(row)
        return {value: by_folded[_folded(value)] for value in askable if _folded(value) in by_folded}

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        """Creates, then updates; in bulk where the table can. See :mod:`shared.clients.dataverse.writing`."""
        return await self._writer.write(entity, writes)

    def requests_to_write(self, entity: Entity, writes: Sequence[Write]) -> int:
        """As many as :class:`Writer` would send."""
        del entity
        return self._writer.requests_to_write(writes)

    async def listing(self, entity: Entity) -> list[Row]:
        """All rows in scope, by key."""
        config = self._client.config
        url = rows_url(config.api, entity.set, select=selected(entity), where=entity.scope, order=entity.key)
        return await self._client.rows(url, config.page_size)

    async def describe(self, entity: Entity) -> list[Row]:
        """Columns of the table; see ``columns.describe_columns``."""
        return await describe_columns(self._client, entity)

    def range_scope(self, entity: Entity, column: str, low: str | int | None, high: str | int | None) -> str:
        """The scope and both ends, which are included. Rejected for text with control characters."""
        if any(isinstance(end, str) and _CONTROL.search(end) for end in (low, high)):
            raise Rejected("no value can look like this end of the range", code="bad-range", system=SYSTEM)
        ends = [
            f"{name(column)} {comparison} {text_literal(end) if isinstance(end, str) else end}"
            for comparison, end in (("ge", low), ("le", high))
            if end is not None
        ]
        return both(entity.scope, *ends)

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        """An action by its name, or bound to a record as ``set(key)/Microsoft.Dynamics.CRM.Name``; or WhoAmI.

        An action whose answer was lost is UnknownOutcome. NotFound where the record it is bound to is gone.
        """
        if not _OPERATION.fullmatch(operation):
            raise Misconfigured("not an operation of Dataverse", code="operation", system=SYSTEM)
        if operation in _FUNCTIONS:
            return (await self._client.get(operation))[0]
        return (await self._client.send("POST", operation, body, Effect.CREATE))[0]

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        """Create a text column if it is absent: "present" or "created"."""
        return await ensure_text_column(self._client, entity.type, column, description, length)

    async def ping(self) -> datetime:
        """WhoAmI: proves address, identity and application user; the server's clock."""
        try:
            _, clock = await self._client.get("WhoAmI")
        except NotFound as error:
            raise Misconfigured(
                "there is no Dataverse Web API at this address", code=error.code, system=SYSTEM
            ) from error
        return clock

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _add_related(self, entity: Entity, rows: Sequence[Row]) -> None:
        await self._add_children(entity, rows)
        if entity.owner is not None:
            await self._add_owners(entity, entity.owner, rows)

    async def _add_owners(self, entity: Entity, owner: Owner, rows: Sequence[Row]) -> None:
        """Put to each row the row that it belongs to; where that one's changes count, its newer version is the row's."""
        keys = [str(row[owner.lookup]).lower() for row in rows if row.get(owner.lookup)]
        records = await self._rows_with(owner.entity, owner.entity.key, list(dict.fromkeys(keys)))
        by_key = {str(record[owner.entity.key]).lower(): record for record in records}
        for row in rows:
            record = row[owner.name] = by_key.get(str(row.get(owner.lookup)).lower())
            if record is not None and owner.navigation and entity.version:
                row[entity.version] = max(row[entity.version], record[owner.entity.version])

    async def _add_children(self, entity: Entity, rows: Sequence[Row]) -> None:
        """Put to each row the rows that belong to it; a child that changes between the two reads is seen next time."""
        config = self._client.config
        by_key = {str(row[entity.key]).lower(): row for row in rows}
        for kind in entity.children:
            for row in rows:
                row[kind.name] = []
            for some in slices_of_values(list(by_key), config.keys_at_once):
                where = points_to_one_of(kind.parent, some)
                columns = selected(kind.entity, kind.parent)
                url = rows_url(config.api, kind.entity.set, select=columns, where=where, order=kind.entity.key)
                for child in await self._client.rows(url, config.page_size):
                    by_key[str(child[kind.parent]).lower()][kind.name].append(child)

    async def _rows_with(self, entity: Entity, column: str, values: Sequence[str]) -> list[Row]:
        config = self._client.config
        rows: list[Row] = []
        for some in slices_of_values(values, config.keys_at_once):
            where = equals_one_of(column, some)
            more = (column, entity.owner.lookup) if entity.owner is not None else (column,)
            url = rows_url(config.api, entity.set, select=selected(entity, *more), where=where, order=entity.key)
            rows += await self._client.rows(url, config.page_size)
        return rows


def _version(row: Row, entity: Entity) -> str:
    version = row.get(entity.version) if entity.version else None
    return "" if version is None else str(version)


def _folded(value: str) -> str:
    return value.rstrip().casefold()


if TYPE_CHECKING:
    _IS_A_SIDE: type[Side] = DataverseSide
