"""Messages that nobody could work on: not JSON, of an unknown object, of a newer schema, or failed too often.

Table ``oddities``, ``PartitionKey`` ``message``, row key queue and hash, so that a repeated message is one row. What was
in the message is not kept, only its length and hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.stores.tables import Tables, encode_key

SCHEMA_VERSION = 1
_PARTITION = "message"


@dataclass(frozen=True)
class Oddity:
    """One such message: where it was, why it was given up, how long it is, its hash, when it was seen last."""

    queue: str
    reason: str
    length: int
    sha256: str
    seen_at: datetime


def oddity_of(queue: str, body: bytes, reason: str, now: datetime) -> Oddity:
    """What is kept of a message."""
    return Oddity(queue, reason, len(body), hashlib.sha256(body).hexdigest(), now)


class Oddities:
    """The store of oddities. They are few: only bugs, strangers and old versions make them."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("oddities")

    async def add(self, oddity: Oddity) -> None:
        """List it; repeats only move its time."""
        await self._table.put(
            {
                "PartitionKey": _PARTITION,
                "RowKey": f"{encode_key(oddity.queue)}:{oddity.sha256}",
                "v": SCHEMA_VERSION,
                "queue": oddity.queue,
                "reason": oddity.reason,
                "length": oddity.length,
                "sha256": oddity.sha256,
                "seen_at": oddity.seen_at.astimezone(UTC).isoformat(),
            }
        )

    async def list(self, limit: int = 50) -> list[Oddity]:
        """Up to so many, by queue."""
        rows, _ = await self._table.page(_PARTITION, size=limit)
        return [_from_row(row) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Delete what was last seen before then."""
        async for row in self._table.query(_PARTITION):
            if _from_row(row).seen_at < before:
                await self._table.delete(_PARTITION, row["RowKey"])


def _from_row(row: dict[str, Any]) -> Oddity:
    return Oddity(row["queue"], row["reason"], row["length"], row["sha256"], datetime.fromisoformat(row["seen_at"]))
