"""SAP Business One as the engine's ``Side``: records by keyset pages, by keys, by column, written one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from math import ceil
from typing import Any

from shared.clients.answers import Effect
from shared.clients.service_layer.client import Page, ServiceLayerClient
from shared.clients.service_layer.columns import describe_columns, ensure_text_column
from shared.clients.service_layer.config import SYSTEM
from shared.clients.service_layer.odata import (
    LONGEST_URL,
    any_of,
    both,
    changed_filter,
    chunks_by_length,
    clean_row,
    column_is_text,
    full_select,
    literal,
    literals,
    query_string,
)
from shared.clients.service_layer.rows import RowWrites, owner_entity, owner_keys, owner_of, rows_in
from shared.clients.service_layer.writing import write_records
from shared.errors import Misconfigured
from shared.ports import Entity, KeyPage, KeyVersion, Owner, Row, Side, Write, WriteResult

_ROOM_FOR_KEYSET = 200
_PING = Entity(set="BusinessPartners", type="BusinessPartner", key="CardCode")


class ServiceLayerSide:
    """The port over one client; it holds nothing of its own."""

    def __init__(self, client: ServiceLayerClient) -> None:
        self._client = client

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        """Keys changed at or after ``since``, in SAP's own key order; see ``Side.changed``.

        ``since`` is ignored for an entity without stamps: such sets can only be swept.
        """
        if owner := owner_of(entity):
            return await self._changed_rows(entity, owner, since, cursor, limit)
        changes = "" if since is None else changed_filter(entity, since, self._client.config.zone)
        select = ",".join(filter(None, (entity.key, entity.version)))
        page = await self._keyset_page(entity, both(entity.scope, changes), select, cursor, limit)
        keys = tuple(
            KeyVersion(str(row[entity.key]), _text(row.get(entity.version)) if entity.version else "")
            for row in page.rows
        )
        return KeyPage(keys, keys[-1].key if page.more else None, page.read_at)

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        """Rows by key as SAP spells it, many in one request; what does not exist (or is no key at all) is absent."""
        if owner := owner_of(entity):
            found = await self._rows_of_owners(entity, owner, owner_keys(keys))
            return {key: row for row in found if (key := str(row[entity.key])) in set(keys)}
        rows = [row async for row in self._rows_where(entity, entity.key, keys)]
        await self._add_children(entity, rows)
        return {str(row[entity.key]): row for row in rows}

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        """Full rows by the value that found them.

        The database decides what equals: where it ignores case or blanks at the end, rows it gave for a value are
        listed under that value as it was asked for. Rows inside owners are found by their owner alone.
        """
        if owner := owner_of(entity):
            rows = await self._rows_of_owners(entity, owner, values)
            return {v: some for v in values if (some := [row for row in rows if row[owner.lookup] == v])}
        rows = [row async for row in self._rows_where(entity, column, values)]
        await self._add_children(entity, rows)
        found = {value: _rows_for(value, column, rows) for value in dict.fromkeys(values)}
        return {value: matches for value, matches in found.items() if matches}

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        """Each record by itself; see ``Side.write`` and ``writing.write_records``."""
        if owner := owner_of(entity):
            return await self._write_rows(entity, owner, writes)
        return await write_records(self._client, entity, writes)

    def requests_to_write(self, entity: Entity, writes: Sequence[Write]) -> int:
        """One each for what takes long, else as many batches as they fill; rows of one owner are one write."""
        if owner := owner_of(entity):
            work = RowWrites(entity, owner, writes)
            looks = 2 if work.adding else 0
            return looks + ceil(len(work.by_owner) / self._client.config.batch_size)
        return len(writes) if entity.slow else ceil(len(writes) / self._client.config.batch_size)

    async def listing(self, entity: Entity) -> list[Row]:
        """All rows in scope, in key order."""
        return [row async for row in self._all_rows(entity, entity.scope, full_select(entity))]

    async def describe(self, entity: Entity) -> list[Row]:
        """User-defined fields; see ``columns.describe_columns``."""
        return await describe_columns(self._client, entity)

    def range_scope(self, entity: Entity, column: str, low: str | int | None, high: str | int | None) -> str:
        """The scope and both ends, which are included; SAP's own collation decides what lies between them."""
        ends = [
            f"{column} {comparison} {literal(str(end), is_text=isinstance(end, str))}"
            for comparison, end in (("ge", low), ("le", high))
            if end is not None
        ]
        return both(entity.scope, *ends)

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        """POST a service operation; a collection is answered as its list, anything else without annotations.

        Operations that only read (``…Service_Get…``) are repeated when their answer was lost, others are not.
        """
        effect = Effect.READ if operation.rpartition("_")[2].startswith("Get") else Effect.CREATE
        answer = await self._client.post(operation, body, effect)
        if not isinstance(answer, Mapping):
            return answer
        clean = clean_row(answer)
        return clean["value"] if set(clean) == {"value"} else clean

    async def ensure_column(self, entity: Entity, column: str, description: str, length: int) -> str:
        """Create a user-defined text field (``U_…``) on the entity's table if it is absent."""
        return await ensure_text_column(self._client, entity, column, description, length)

    async def ping(self) -> datetime:
        """Read one key; the server's clock."""
        return (await self._keyset_page(_PING, "", _PING.key, None, 1)).read_at

    async def close(self) -> None:
        """Log out and close the connections."""
        await self._client.close()

    async def _changed_rows(
        self, entity: Entity, owner: Owner, since: datetime | None, cursor: str | None, limit: int
    ) -> KeyPage:
        """The rows of a page of owners that changed."""
        whole = owner_entity(entity, owner, full=False)
        changes = "" if since is None else changed_filter(whole, since, self._client.config.zone)
        page = await self._keyset_page(whole, both(whole.scope, changes), full_select(whole), cursor, limit)
        rows = [row for record in page.rows for row in rows_in(entity, owner, record)]
        keys = tuple(KeyVersion(str(row[entity.key]), _text(row.get(entity.version))) for row in rows)
        return KeyPage(keys, str(page.rows[-1][whole.key]) if page.more else None, page.read_at)

    async def _rows_of_owners(self, entity: Entity, owner: Owner, owners: Sequence[str]) -> list[Row]:
        whole = owner_entity(entity, owner, full=True)
        records = [record async for record in self._rows_where(whole, whole.key, owners)]
        return [row for record in records for row in rows_in(entity, owner, record)]

    async def _write_rows(self, entity: Entity, owner: Owner, writes: Sequence[Write]) -> list[WriteResult]:
        """All rows of one owner in one write; where that is refused, each of them by itself, so that the good ones land."""
        whole = owner_entity(entity, owner, full=False)
        work = RowWrites(entity, owner, writes)
        present = await self.read(whole, work.adding) if work.adding else {}
        work.look(present)
        await self._write_owners(whole, work, present, [(key, tuple(some)) for key, some in work.by_owner.items()])
        await self._write_one_by_one(whole, work, present)
        if made := work.adding:
            after = await self.read(whole, made)
            for key in made:
                work.settle(key, after.get(key, {}))
        return [work.results.get(write.ref) or WriteResult(write.ref, write.key) for write in writes]

    async def _write_one_by_one(self, whole: Entity, work: RowWrites, present: Mapping[str, Row]) -> None:
        """What was refused together, each in a write of its own. A new row must name those that were added before it."""
        refused = work.refused_together()
        edits = [(key, (write,)) for key, some in refused for write in some if not write.create]
        new = [[(key, (write,)) for write in some if write.create] for key, some in refused]
        first, *later = [[*filter(None, one_each)] for one_each in zip_longest(*new)] or [[]]
        await self._write_owners(whole, work, present, [*edits, *first])
        for groups in later:
            now = await self.read(whole, [key for key, _ in groups])
            await self._write_owners(whole, work, now, groups)

    async def _write_owners(
        self,
        whole: Entity,
        work: RowWrites,
        present: Mapping[str, Row],
        groups: Sequence[tuple[str, tuple[Write, ...]]],
    ) -> None:
        sent = [(key, some) for key, some in groups if some]
        owners = [
            Write(
                str(number),
                work.body(some, present.get(key)),
                key=key,
                adds=any(each.create for each in some),
            )
            for number, (key, some) in enumerate(sent)
        ]
        for (key, some), result in zip(sent, await write_records(self._client, whole, owners), strict=True):
            work.take(key, some, result.error)

    async def _add_children(self, entity: Entity, rows: Sequence[Row]) -> None:
        """Put to each row the rows of other sets that name its key (or its column ``by``), as text, in their ``parent``.

        Drafts have none: their keys are numbers of their own, so what names the same number belongs to another record.
        """
        for kind in entity.children:
            for row in rows:
                row[kind.name] = []
            if entity.set == entity.drafts:
                continue
            by_key = {name: row for row in rows if (name := _text(row.get(kind.by or entity.key)))}
            async for child in self._rows_where(kind.entity, kind.parent, list(by_key)):
                parent = by_key.get(_text(child.get(kind.parent)).strip())
                if parent is not None:
                    parent[kind.name].append(child)

    async def _rows_where(self, entity: Entity, column: str, values: Sequence[str]) -> AsyncIterator[Row]:
        select = full_select(entity, column)
        fixed = query_string({"$select": select, "$orderby": entity.key, "$top": self._page_size})
        room = LONGEST_URL - len(self._client.url(entity.set)) - len(fixed) - _ROOM_FOR_KEYSET
        for group in chunks_by_length(column, literals(values, is_text=column_is_text(entity, column)), room):
            async for row in self._all_rows(entity, any_of(column, group), select):
                yield row

    async def _all_rows(self, entity: Entity, condition: str, select: str) -> AsyncIterator[Row]:
        cursor: str | None = None
        while True:
            page = await self._keyset_page(entity, condition, select, cursor, self._page_size)
            for row in page.rows:
                yield row
            if not page.more:
                return
            cursor = str(page.rows[-1][entity.key])

    async def _keyset_page(self, entity: Entity, condition: str, select: str, cursor: str | None, size: int) -> Page:
        """The next rows by key. ``more`` is set if the page is full or the server gave less than it has.

        Pages by ``$skip`` shift when rows appear or vanish, so neither it nor the server's own link is used.
        """
        after = "" if cursor is None else f"{entity.key} gt {literal(cursor, is_text=entity.key_is_text)}"
        options: dict[str, str | int] = {
            "$select": select,
            "$filter": both(condition, after),
            "$orderby": entity.key,
            "$top": size,
        }
        page = await self._client.page(entity.set, options, size)
        if cursor is not None and page.rows and str(page.rows[-1][entity.key]) == cursor:
            raise Misconfigured("pages make no progress: the key does not order them", code="paging", system=SYSTEM)
        return Page(page.rows, bool(page.rows) and (page.more or len(page.rows) >= size), page.read_at)

    @property
    def _page_size(self) -> int:
        return self._client.config.page_size


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _rows_for(value: str, column: str, rows: Sequence[Row]) -> list[Row]:
    exact = [row for row in rows if _text(row.get(column)) == value]
    return exact or [row for row in rows if _folded(_text(row.get(column))) == _folded(value)]


def _folded(text: str) -> str:
    return text.rstrip(" ").casefold()


def _as_side(client: ServiceLayerClient) -> Side:
    """Never called: makes the type checker prove that the port is met."""
    return ServiceLayerSide(client)
