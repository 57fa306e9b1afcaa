"""Changes that happen together or not at all: operations on rows of one partition, and how they are packed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import LostRace

MOST_OPERATIONS = 100
# Table Storage takes 4 MiB a transaction; the rest is room for the multipart frame that is only estimated here.
MOST_BYTES = int(3.5 * 1024 * 1024)
# Where packing opens the next one: aiohttp sends up to 1 MiB in one go, and long requests gain nothing.
FULL_BYTES = 900 * 1024
_FRAME_BYTES = 800


# What one operation does to its row; "put" writes it whatever is there.
type Kind = Literal["insert", "replace", "merge", "put", "delete"]


@dataclass(frozen=True)
class Op:
    """One row's part in a transaction.

    ``etag`` guards replace, merge and delete: without it they only ask that the row exists. A delete needs no more
    of the entity than its two keys.
    """

    kind: Kind
    entity: Mapping[str, Any]
    etag: str | None = None

    @property
    def partition(self) -> str:
        """The partition of its row."""
        return str(self.entity["PartitionKey"])

    @property
    def row(self) -> str:
        """The row key of its row."""
        return str(self.entity["RowKey"])


class LostTransaction(LostRace):
    """Nothing of the transaction was done: the row of operation ``index`` was not as expected."""

    def __init__(self, text: str, *, index: int, code: str = "") -> None:
        super().__init__(text, code=code, system="storage")
        self.index = index


def checked_transaction(operations: Sequence[Op]) -> None:
    """ValueError unless these can be one transaction: at most 100, one partition, each row once, etags where used."""
    if len(operations) > MOST_OPERATIONS:
        raise ValueError(f"a transaction takes {MOST_OPERATIONS} operations, not {len(operations)}")
    if len({op.partition for op in operations}) > 1:
        raise ValueError("a transaction changes rows of one partition")
    if len({op.row for op in operations}) < len(operations):
        raise ValueError("a transaction names each row once")
    if any(op.etag and op.kind in ("insert", "put") for op in operations):
        raise ValueError("insert and put take no etag")


def pack(groups: Iterable[Sequence[Op]]) -> list[list[Op]]:
    """Transactions of at most 100 operations and 900 KiB that hold every group whole, in the order of the groups.

    A group is what must change together (all rows of one record); one alone may take 3.5 MiB. ValueError for a group
    that is larger or spans partitions. A row named by two groups comes into two transactions.
    """
    done: list[list[Op]] = []
    open_by_partition: dict[str, _Batch] = {}
    for group in groups:
        if not group:
            continue
        checked_transaction(group)
        size = sum(estimated_bytes(op) for op in group)
        if size > MOST_BYTES:
            raise ValueError(f"rows that must change together take {size} bytes, more than one transaction holds")
        batch = open_by_partition.get(group[0].partition)
        if batch is None or not batch.takes(group, size):
            batch = _Batch([], set(), 0)
            open_by_partition[group[0].partition] = batch
            done.append(batch.operations)
        batch.add(group, size)
    return done


def estimated_bytes(op: Op) -> int:
    """About how much of a transaction's body this operation takes."""
    body = {} if op.kind == "delete" else dict(op.entity)
    return _FRAME_BYTES + len(json.dumps(body, default=_as_text, ensure_ascii=False).encode(errors="replace"))


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return "=" * (len(value) * 4 // 3 + 4)
    return f"{value}, its type"


@dataclass
class _Batch:
    operations: list[Op]
    rows: set[str]
    size: int

    def takes(self, group: Sequence[Op], size: int) -> bool:
        return (
            len(self.operations) + len(group) <= MOST_OPERATIONS
            and self.size + size <= FULL_BYTES
            and self.rows.isdisjoint(op.row for op in group)
        )

    def add(self, group: Sequence[Op], size: int) -> None:
        self.operations.extend(group)
        self.rows.update(op.row for op in group)
        self.size += size
