"""Table Storage as the hub uses it: rows in partitions, changed one by one or together, guarded by ETags.

Values are text, whole numbers, booleans, aware datetimes and bytes; None leaves the column out. Keys are text made
with :func:`encode_key` where it comes from outside. A table appears with its first write; reading one that is not
there yet finds nothing. Errors are those of :func:`shared.stores.storage.mapped_errors`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.errors import BadRequest, LostRace
from shared.stores.keys import checked_key, decode_key, encode_key
from shared.stores.storage import RETRIES, CallCounter, error_code, mapped_errors, once_more
from shared.stores.transactions import Kind, LostTransaction, Op, checked_transaction, pack

__all__ = ["Kind", "LostTransaction", "Op", "Table", "TableRow", "Tables", "decode_key", "encode_key", "pack"]

# A filter takes 15 comparisons (Table service, "Querying tables and entities"); one of them names the partition.
ROWS_IN_A_FILTER = 14
MOST_ROWS_A_PAGE = 1000
_AT_ONCE = 8
_LONGEST_TEXT = 32 * 1024
_LONGEST_BYTES = 64 * 1024


# A row as it was read: PartitionKey and RowKey among its columns, and its ETag as "etag". No column is called that:
# "etag" is left out where a row is written, so that a row that was read can be changed and written back.
type TableRow = dict[str, Any]


class Tables:
    """The account's tables, by a connection string or by address and identity.

    ``prefix`` comes before every table's name, so that tests share one account. ``retry`` overrides the SDK's bounds.
    """

    def __init__(
        self,
        connection_string: str = "",
        *,
        account_url: str = "",
        credential: AsyncTokenCredential | None = None,
        counter: CallCounter | None = None,
        prefix: str = "",
        retry: Mapping[str, Any] | None = None,
    ) -> None:
        options: dict[str, Any] = {**RETRIES, **(retry or {}), "raw_request_hook": counter}
        if connection_string:
            self._service = TableServiceClient.from_connection_string(connection_string, **options)
        else:
            self._service = TableServiceClient(account_url, credential=credential, **options)
        self._prefix = prefix
        self._tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """The table of that name; the same object every time."""
        if name not in self._tables:
            self._tables[name] = Table(self._service.get_table_client(self._prefix + name))
        return self._tables[name]

    async def ping(self) -> None:
        """A cheap read that proves the account's address, our rights and its health."""
        with mapped_errors():
            async for _ in self._service.query_tables("TableName eq 'ping'"):
                pass

    async def close(self) -> None:
        """Give back the connections; the identity is its owner's to close."""
        await self._service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Table:
    """One table. Changes answer the row's new ETag."""

    def __init__(self, client: TableClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        """The table's name in the account."""
        return str(self._client.table_name)

    async def get(self, pk: str, rk: str, select: Sequence[str] | None = None) -> TableRow | None:
        """The row, or None. ``select`` names the columns to read; the row then holds these alone."""
        try:
            with mapped_errors():
                entity = await self._client.get_entity(
                    checked_key(pk, "PartitionKey"), checked_key(rk, "RowKey"), select=list(select) if select else None
                )
        except LostRace:
            return None
        return _from_entity(entity)

    def query(
        self,
        pk: str,
        *,
        low: str | None = None,
        high: str | None = None,
        rows: Sequence[str] | None = None,
        select: Sequence[str] | None = None,
        page: int = MOST_ROWS_A_PAGE,
    ) -> AsyncIterator[TableRow]:
        """The partition's rows with ``low <= RowKey < high`` in key order, or those named by ``rows`` that exist.

        ``rows`` come in the order they were asked for, each once, fetched 14 to a request and some requests at a
        time. Memory holds one page of a range, and all of ``rows``.
        """
        if rows is None:
            return self._range(_filter(pk, low, high), select, page)
        if low is not None or high is not None:
            raise ValueError("ask for a range or for named rows, not both")
        return self._named(pk, rows, select)

    async def page(
        self,
        pk: str,
        low: str | None = None,
        high: str | None = None,
        continuation: str | None = None,
        size: int = 100,
        select: Sequence[str] | None = None,
    ) -> tuple[list[TableRow], str | None]:
        """Up to ``size`` rows of the range and where to go on (None: that was all).

        BadRequest for a continuation that is none of ours: it comes back from callers of the API.
        """
        token = _decoded(continuation)
        while True:
            rows, token = await self._page(_filter(pk, low, high), token, size, select)
            if rows or token is None:
                return rows, _encoded(token)

    async def insert(self, entity: Mapping[str, Any]) -> str:
        """Write a row that must not exist; LostRace (exists) if it does."""
        sent = _to_entity(entity)
        answer = await self._with_table(lambda: self._client.create_entity(sent))
        return str(answer["etag"])

    async def put(self, entity: Mapping[str, Any]) -> str:
        """Write a row whatever was there before."""
        sent = _to_entity(entity)
        answer = await self._with_table(lambda: self._client.upsert_entity(sent, mode=UpdateMode.REPLACE))
        return str(answer["etag"])

    async def replace(self, entity: Mapping[str, Any], etag: str | None = None) -> str:
        """Write a row over the one with that ETag (None: any); LostRace (changed, missing) where it is not there."""
        return await self._update(entity, etag, UpdateMode.REPLACE)

    async def merge(self, entity: Mapping[str, Any], etag: str | None = None) -> str:
        """Set the given columns of the row with that ETag (None: any), leaving the others; LostRace as in replace."""
        return await self._update(entity, etag, UpdateMode.MERGE)

    async def delete(self, pk: str, rk: str, etag: str | None = None) -> None:
        """Delete the row if it is there; LostRace (changed) if it is there with another ETag."""
        with mapped_errors():
            await self._client.delete_entity(checked_key(pk, "PartitionKey"), checked_key(rk, "RowKey"), **_guard(etag))

    async def transact(self, operations: Sequence[Op]) -> list[str]:
        """Do all of them or none; answers the new ETags in order ("" for a deleted row).

        LostTransaction, with the index of the operation, where a row exists, changed or is missing; a delete of a
        missing row counts as that. ValueError before anything is sent for what one transaction cannot hold
        (see :func:`shared.stores.transactions.checked_transaction`); it is never split silently.
        """
        checked_transaction(operations)
        if not operations:
            return []
        sent = [_to_operation(op) for op in operations]
        try:
            answers = await self._with_table(lambda: self._client.submit_transaction(sent))
        except LostRace as lost:
            cause = lost.__cause__
            index = cause.index if isinstance(cause, TableTransactionError) else 0
            raise LostTransaction(lost.text, index=index, code=lost.code) from cause
        return [str(answer.get("etag") or "") for answer in answers]

    # --- Reading ----------------------------------------------------------------------------------------------------

    async def _range(self, text: str, select: Sequence[str] | None, size: int) -> AsyncIterator[TableRow]:
        token: dict[str, str] | None = {}
        while token is not None:
            rows, token = await self._page(text, token, size, select)
            for row in rows:
                yield row

    async def _named(self, pk: str, rows: Sequence[str], select: Sequence[str] | None) -> AsyncIterator[TableRow]:
        wanted = list(dict.fromkeys(rows))
        columns = ["PartitionKey", "RowKey", *select] if select else None
        limit = asyncio.Semaphore(_AT_ONCE)

        async def some(keys: Sequence[str]) -> list[TableRow]:
            async with limit:
                return [row async for row in self._range(_filter_of_rows(pk, keys), columns, MOST_ROWS_A_PAGE)]

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(some(wanted[start : start + ROWS_IN_A_FILTER]))
                    for start in range(0, len(wanted), ROWS_IN_A_FILTER)
                ]
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        found = {row["RowKey"]: row for task in tasks for row in task.result()}
        for key in wanted:
            if key in found:
                yield found[key]

    async def _page(
        self, text: str, token: dict[str, str] | None, size: int, select: Sequence[str] | None
    ) -> tuple[list[TableRow], dict[str, str] | None]:
        pages = self._client.query_entities(
            text, results_per_page=min(size, MOST_ROWS_A_PAGE), select=list(select) if select else None
        ).by_page(token or None)  # type: ignore[arg-type]  # a dict, whatever the type says
        try:
            with mapped_errors():
                page = await anext(pages)
                rows = [_from_entity(entity) async for entity in page]
        except (StopAsyncIteration, LostRace):
            return [], None
        return rows, getattr(pages, "continuation_token", None) or None

    # --- Writing ----------------------------------------------------------------------------------------------------

    async def _update(self, entity: Mapping[str, Any], etag: str | None, mode: UpdateMode) -> str:
        sent = _to_entity(entity)
        with mapped_errors():
            answer = await once_more(lambda: self._client.update_entity(sent, mode=mode, **_guard(etag)))
        return str(answer["etag"])

    async def _with_table[Answer](self, write: Callable[[], Awaitable[Answer]]) -> Answer:
        """The write; where the table is missing it is created, by us or by somebody else, and the write repeated."""
        with mapped_errors():
            try:
                return await once_more(write)
            except (ResourceNotFoundError, TableTransactionError) as error:
                if error_code(error) != "TableNotFound":
                    raise
            await self._create()
            return await once_more(write)

    async def _create(self) -> None:
        try:
            await self._client.create_table()
        except ResourceExistsError as error:
            if error_code(error) != "TableAlreadyExists":
                raise


# --- To and from the SDK ------------------------------------------------------------------------------------------------


def _from_entity(entity: TableEntity) -> TableRow:
    columns = {name: _from_value(value) for name, value in entity.items()}
    return {**columns, "etag": str(entity.metadata.get("etag") or "")}


def _from_value(value: object) -> object:
    if isinstance(value, EntityProperty):
        return value.value
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.timetz())
    return value


def _to_entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    checked_key(entity.get("PartitionKey"), "PartitionKey")
    checked_key(entity.get("RowKey"), "RowKey")
    return {name: _to_value(name, value) for name, value in entity.items() if value is not None and name != "etag"}


def _to_value(name: str, value: object) -> object:
    match value:
        case bool():
            return value
        case int():
            return value if -(2**31) <= value < 2**31 else EntityProperty(value, EdmType.INT64)
        case str():
            if len(value.encode("utf-16-le")) > 2 * _LONGEST_TEXT:
                raise ValueError(f"column {name} is longer than {_LONGEST_TEXT} characters")
            return str(value)
        case bytes():
            if len(value) > _LONGEST_BYTES:
                raise ValueError(f"column {name} is longer than {_LONGEST_BYTES} bytes")
            return value
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"column {name} is a time without a zone")
            return value.astimezone(UTC)
        case _:
            raise TypeError(f"column {name}: a {type(value).__name__} is not kept in tables")


def _to_operation(op: Op) -> tuple[str, dict[str, Any], dict[str, Any]]:
    if op.kind == "delete":
        return "delete", _to_entity({"PartitionKey": op.partition, "RowKey": op.row}), _guard(op.etag)
    entity = _to_entity(op.entity)
    match op.kind:
        case "insert":
            return "create", entity, {}
        case "put":
            return "upsert", entity, {"mode": UpdateMode.REPLACE}
        case "replace":
            return "update", entity, {"mode": UpdateMode.REPLACE, **_guard(op.etag)}
        case "merge":
            return "update", entity, {"mode": UpdateMode.MERGE, **_guard(op.etag)}


def _guard(etag: str | None) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}


def _filter(pk: str, low: str | None, high: str | None) -> str:
    parts = [f"PartitionKey eq {_literal(pk)}"]
    if low is not None:
        parts.append(f"RowKey ge {_literal(low)}")
    if high is not None:
        parts.append(f"RowKey lt {_literal(high)}")
    return " and ".join(parts)


def _filter_of_rows(pk: str, rows: Iterable[str]) -> str:
    named = " or ".join(f"RowKey eq {_literal(row)}" for row in rows)
    return f"PartitionKey eq {_literal(pk)} and ({named})"


def _literal(key: str) -> str:
    return "'" + checked_key(key, "a key").replace("'", "''") + "'"


def _encoded(token: dict[str, str] | None) -> str | None:
    if token is None:
        return None
    parts = [token.get("PartitionKey"), token.get("RowKey")]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decoded(continuation: str | None) -> dict[str, str] | None:
    if not continuation:
        return None
    try:
        partition, row = json.loads(base64.b64decode(continuation, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise BadRequest("the continuation token is not one this list gave", code="bad-continuation") from None
    if not all(isinstance(part, str | None) for part in (partition, row)):
        raise BadRequest("the continuation token is not one this list gave", code="bad-continuation")
    return {"PartitionKey": partition, "RowKey": row}
