"""The state of records: what the hub remembers of each, never what is in it.

One table, ``PartitionKey = template|object``, so that all rows of one record change in one transaction:

====================================  ==============================================================================
``r:s:<SAP key>``, ``r:o:<other>``    the record, keyed by the side where it was born or marked, never renamed
``p:s:<SAP key>``, ``p:o:<other>``    pointer from the key on the opposite side; inserted only if absent
``d:<not before>:<side>:<key>``       due: what a plan or the sweeper must pick up besides changes
``f:<side>:<key>``                    listed failure or conflict
``b:<batch>:<side>:<key>``            membership in a named batch of marks
``w:<side>:<parent key>:<object>:…``  waiter: a parked child, in its parent's partition
``o:<side>:<owner key>``              an owner, linked a moment ago, all of whose rows are to be looked at
``v:<object>``                        rows of this object, in use, belong to the records here: owners are noted for it
====================================  ==============================================================================

Keys are percent-encoded. Everything is saved by ETag: who loses the race delivers the record again from fresh data.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from shared.errors import LostRace
from shared.ports import Mark, SideName
from shared.stores.keys import encode_key
from shared.stores.record import (
    AFTER,
    FOLLOWERS,
    HIGH,
    NOTES,
    SCHEMA_VERSION,
    WAITERS,
    Claim,
    Failure,
    Record,
    batch_row,
    due_moment,
    due_prefix,
    failure_row,
    from_row,
    new_record,
    note_row,
    parse_key,
    parse_waiter,
    partition,
    pointer_row,
    record_row,
    row_prefix,
    snapshot,
    to_row,
    waiter_row,
)
from shared.stores.tables import Op, Table, Tables, pack
from shared.stores.transactions import MOST_OPERATIONS

__all__ = [
    "NOTES",
    "WAITERS",
    "Claim",
    "Failure",
    "Record",
    "Records",
    "batch_row",
    "failure_row",
    "from_row",
    "new_record",
    "parse_key",
    "parse_waiter",
    "partition",
    "record_row",
    "to_row",
]


class Records:
    """All records of all flows."""

    def __init__(self, tables: Tables) -> None:
        self._table: Table = tables.table("records")

    # --- reading ----------------------------------------------------------------------------------------------------

    async def load(
        self, pk: str, side: SideName, keys: Sequence[str], *, contiguous: bool = False
    ) -> dict[str, Record]:
        """Records by their key on one side; keys that nothing is known of are absent.

        ``contiguous``: the keys were cut in row-key order from this table, so that one range query reads them.
        """
        if not keys:
            return {}
        if contiguous:
            found = await self._load_range(pk, side, keys)
        else:
            wanted = [record_row(side, k) for k in keys] + [pointer_row(side, k) for k in keys]
            found = [row async for row in self._table.query(pk, rows=wanted)]
        records: dict[str, Record] = {}
        pointed: dict[str, dict[str, Any]] = {}
        for row in found:
            if row["RowKey"].startswith("r:"):
                record = from_row(row)
                records[record.keys[side]] = record
            else:
                pointed[row["record"]] = row
        if pointed:
            async for row in self._table.query(pk, rows=list(pointed)):
                record = from_row(row)
                record.pointer_etag = pointed[row["RowKey"]]["etag"]
                key = record.keys.get(side, parse_key(pointed[row["RowKey"]]["RowKey"])[1])
                if twin := records.get(key):
                    _take_in(record, twin)
                records[key] = record
        return records

    async def _load_range(self, pk: str, side: SideName, keys: Sequence[str]) -> list[dict[str, Any]]:
        wanted = {record_row(side, k) for k in keys} | {pointer_row(side, k) for k in keys}
        names = sorted(encode_key(k) for k in keys)
        rows: list[dict[str, Any]] = []
        for prefix in ("r", "p"):
            start = row_prefix(prefix, side)
            low, high = start + names[0], start + names[-1] + AFTER
            rows += [row async for row in self._table.query(pk, low=low, high=high) if row["RowKey"] in wanted]
        return rows

    async def unchanged(self, pk: str, side: SideName, versions: dict[str, str], *, contiguous: bool) -> set[str]:
        """The keys whose pointer already carries that version: nothing else needs to be read for them."""
        low_high = sorted(pointer_row(side, k) for k in versions)
        query = (
            self._table.query(pk, low=low_high[0], high=low_high[-1] + AFTER, select=["RowKey", "version"])
            if contiguous
            else self._table.query(pk, rows=low_high, select=["RowKey", "version"])
        )
        seen = {parse_key(row["RowKey"])[1]: row.get("version", "") async for row in query}
        return {k for k, version in versions.items() if version and seen.get(k) == version}

    async def get(self, pk: str, side: SideName, key: str) -> Record | None:
        """One record by its key on one side."""
        return (await self.load(pk, side, [key])).get(key)

    async def marked(self, pk: str, after: str, size: int) -> tuple[list[Record], str]:
        """A page of records whose mark is on; a page may have none. See :meth:`page`."""
        records, cursor = await self.page(pk, after, size)
        return [record for record in records if record.mark.on], cursor

    async def page(self, pk: str, after: str, size: int) -> tuple[list[Record], str]:
        """A page of records in row-key order after ``after`` ("" to begin; "" back: no more)."""
        rows, more = await self._table.page(
            pk, low=after + AFTER if after else "r:", high="r;", continuation=None, size=size
        )
        records = [from_row(row) for row in rows]
        return records, rows[-1]["RowKey"] if rows and more is not None else ""

    async def due(self, pk: str, until: datetime, limit: int) -> list[tuple[SideName, str]]:
        """Up to ``limit`` (side, key) that are due by then, oldest first."""
        rows, _ = await self._table.page(
            pk, low="d:", high=due_prefix(until) + HIGH, continuation=None, size=min(limit, 1000)
        )
        return [parse_key(row["RowKey"]) for row in rows]

    async def due_page(self, pk: str, until: datetime, after: str, size: int) -> tuple[list[tuple[SideName, str]], str]:
        """A page of due (side, key) after row ``after``; the second value continues ("" back: no more)."""
        low = after + AFTER if after else "d:"
        rows, more = await self._table.page(pk, low=low, high=due_prefix(until) + HIGH, continuation=None, size=size)
        return [parse_key(r["RowKey"]) for r in rows], rows[-1]["RowKey"] if rows and more is not None else ""

    async def listed(
        self, pk: str, prefix: str, continuation: str | None, size: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of raw rows under a prefix (``f:``, ``b:<batch>:``, ``w:``)."""
        return await self._table.page(pk, low=prefix, high=prefix + HIGH, continuation=continuation, size=size)

    def rows(self, pk: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
        """All raw rows under a prefix."""
        return self._table.query(pk, low=prefix, high=prefix + HIGH)

    async def waiting(self, pk: str) -> tuple[list[str], list[str]]:
        """Who waits for records of the partition: the objects that follow it, and the row keys of waiters."""
        rows = [row["RowKey"] async for row in self._table.query(pk, low=FOLLOWERS, high=WAITERS + HIGH)]
        followers = [row.removeprefix(FOLLOWERS) for row in rows if row.startswith(FOLLOWERS)]
        return followers, rows[len(followers) :]

    # --- writing ----------------------------------------------------------------------------------------------------

    async def save(self, pk: str, records: Iterable[Record]) -> list[Record]:
        """Save each record with all its rows in one transaction; answers those that lost their race.

        Several records share a transaction; when one loses, the others of it are saved again without it.
        """
        groups = [(record, _operations(pk, record)) for record in records]
        lost: list[Record] = []
        for chunk in pack([ops for _, ops in groups if ops]):
            lost += await self._transact(chunk, groups)
        return lost

    async def _transact(self, chunk: list[Op], groups: list[tuple[Record, list[Op]]]) -> list[Record]:
        members = [(record, ops) for record, ops in groups if ops and any(ops[0] is op for op in chunk)]
        lost: list[Record] = []
        while members:
            operations = [op for _, ops in members for op in ops]
            try:
                etags = await self._table.transact(operations)
            except LostRace as race:
                at = getattr(race, "index", None)
                index = _owner_of(members, at) if at is not None else (0 if len(members) == 1 else None)
                if index is None:  # the loser is not named: save one by one
                    for member in members:
                        lost += await self._transact(member[1], [member])
                    return lost
                lost.append(members.pop(index)[0])
                continue
            _remember(members, operations, etags)
            return lost
        return lost

    async def park(self, parent_pk: str, side: SideName, parent_key: str, child: tuple[str, SideName, str]) -> None:
        """Write the waiter row of a child in its parent's partition; repeats are harmless."""
        row = waiter_row(side, parent_key, child)
        await self._table.put({"PartitionKey": parent_pk, "RowKey": row, "v": SCHEMA_VERSION})

    async def note(self, pk: str, owners: Iterable[tuple[SideName, str]]) -> None:
        """Note owners whose rows are to be looked at; repeats are harmless."""
        rows = sorted({note_row(side, key) for side, key in owners})
        for some in batched(rows, MOST_OPERATIONS, strict=False):
            await self._table.transact(
                [Op("put", {"PartitionKey": pk, "RowKey": row, "v": SCHEMA_VERSION}) for row in some]
            )

    async def follow(self, pk: str, object_name: str) -> None:
        """Keep that rows of this object belong to the partition's records, and travel; repeats are harmless."""
        await self._table.put({"PartitionKey": pk, "RowKey": FOLLOWERS + object_name, "v": SCHEMA_VERSION})

    async def remove(self, pk: str, row_key: str) -> None:
        """Delete one row that stands by itself (a waiter, a stale due row)."""
        await self._table.delete(pk, row_key)


def _take_in(record: Record, twin: Record) -> None:
    """Two records of one key, entered from both sides at the same moment: the linked one takes the other in.

    Their rows have different keys, so no insert can tell; the next save of the linked one makes one of them.
    """
    if twin.linked:
        return
    record.absorbed = twin.stored
    record.mark = Mark(record.mark.batches | twin.mark.batches, {**record.mark.attributes, **twin.mark.attributes})
    record.by = {**record.by, **twin.by}
    if twin.due and not record.due:
        record.set_due(due_moment(twin.due))


def _owner_of(members: list[tuple[Record, list[Op]]], index: int) -> int | None:
    position = 0
    for i, (_, ops) in enumerate(members):
        position += len(ops)
        if index < position:
            return i
    return None


def _remember(members: list[tuple[Record, list[Op]]], operations: list[Op], etags: Sequence[str | None]) -> None:
    by_row = {op.entity["RowKey"]: etag for op, etag in zip(operations, etags, strict=True)}
    for record, _ in members:
        record.etag = by_row.get(record_row(record.born, record.born_key), record.etag)
        if record.linked:
            opposite = record.born.opposite
            record.pointer_etag = by_row.get(pointer_row(opposite, record.keys[opposite]), record.pointer_etag)
        else:
            record.pointer_etag = None
        record.absorbed = None
        record.stored = snapshot(record)


def _operations(pk: str, record: Record) -> list[Op]:
    """The row changes that bring the table from what is stored to what the record says now."""
    before = record.stored
    row = {"PartitionKey": pk, "RowKey": record_row(record.born, record.born_key), **to_row(record)}
    ops = [Op("insert", row)] if before is None else [Op("replace", row, record.etag)]
    ops += _pointer_operations(pk, record, before)
    ops += _set_difference(pk, {before.due} if before else set(), {record.due})
    failed_before = {failure_row(before.born, before.born_key)} if before and before.failure else set()
    if record.failure is not None:
        failure = {
            "PartitionKey": pk,
            "RowKey": failure_row(record.born, record.born_key),
            "v": SCHEMA_VERSION,
            "kind": record.failure.kind,
            "error": record.failure.error,
            "reason": record.failure.reason,
            "code": record.failure.code,
            "fields": json.dumps(record.failure.fields),
            "since": record.failure.since,
            "sap_key": record.keys.get(SideName.SAP, ""),
            "other_key": record.keys.get(SideName.OTHER, ""),
        }
        ops.append(Op("put", failure))
    else:
        ops += [Op("delete", {"PartitionKey": pk, "RowKey": rk}) for rk in failed_before]
    old = {batch_row(b, record.born, record.born_key) for b in (before.mark.batches if before else ())}
    new = {batch_row(b, record.born, record.born_key) for b in record.mark.batches}
    ops += _set_difference(pk, old, new)
    return ops + (_removal(pk, record.absorbed) if record.absorbed else [])


def _removal(pk: str, record: Record) -> list[Op]:
    """Delete an unlinked record with all its rows."""
    own = record_row(record.born, record.born_key)
    rows = {record.due} | {batch_row(b, record.born, record.born_key) for b in record.mark.batches}
    if record.failure is not None:
        rows.add(failure_row(record.born, record.born_key))
    gone = [Op("delete", {"PartitionKey": pk, "RowKey": rk}) for rk in sorted(rows) if rk]
    return [Op("delete", {"PartitionKey": pk, "RowKey": own}, record.etag), *gone]


def _pointer_operations(pk: str, record: Record, before: Record | None) -> list[Op]:
    side = record.born.opposite
    old = before.keys.get(side) if before else None
    new = record.keys.get(side)
    ops = []
    if old is not None and old != new:
        ops.append(Op("delete", {"PartitionKey": pk, "RowKey": pointer_row(side, old)}))
    inherited = record.absorbed is not None and record.absorbed.keys.get(side) == new
    if new is not None and (old != new or (before and before.versions.get(side) != record.versions.get(side))):
        entity = {
            "PartitionKey": pk,
            "RowKey": pointer_row(side, new),
            "v": SCHEMA_VERSION,
            "record": record_row(record.born, record.born_key),
            "version": record.versions.get(side, ""),
        }
        ops.append(Op("insert", entity) if old != new and not inherited else Op("put", entity))
    return ops


def _set_difference(pk: str, old: set[str], new: set[str]) -> list[Op]:
    gone = [Op("delete", {"PartitionKey": pk, "RowKey": rk}) for rk in sorted(old - new) if rk]
    come = [Op("put", {"PartitionKey": pk, "RowKey": rk, "v": SCHEMA_VERSION}) for rk in sorted(new - old) if rk]
    return gone + come
