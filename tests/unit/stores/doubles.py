"""Stores that fail at the n-th call, so that a test can say "for every n"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import HubError, LostRace, Transient
from shared.stores.queues import Queues
from shared.stores.tables import LostTransaction, Op, Table, TableRow, Tables


def transient() -> HubError:
    """The store is throttled or down."""
    return Transient("the store is down, says the test", system="storage")


def lost_race() -> HubError:
    """Somebody else was faster."""
    return LostRace("somebody else was faster, says the test", code="changed", system="storage")


def lost_transaction() -> HubError:
    """Somebody else was faster with the first row of a transaction; single rows see the same."""
    return LostTransaction("somebody else was faster, says the test", index=0, code="changed")


@dataclass
class Plan:
    """Which call fails: the ``at``-th (from 1; 0: none) of those that ``counts`` by verb, before or after its work.

    Shared by several doubles it counts all their calls. ``calls`` lists what was called, so that a first run without
    a failure tells how many n there are; ``times`` calls fail in a row.
    """

    at: int = 0
    error: Callable[[], HubError] = transient
    after: bool = False
    times: int = 1
    counts: frozenset[str] = frozenset({"insert", "put", "replace", "merge", "delete", "transact", "send"})
    calls: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the failing call was reached."""
        return 0 < self.at <= len(self.calls)

    async def run[Answer](self, verb: str, name: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The call, or its failure."""
        if verb not in self.counts:
            return await work()
        self.calls.append(f"{verb} {name}")
        fails = self.at and self.at <= len(self.calls) < self.at + self.times
        if fails and not self.after:
            raise self.error()
        answer = await work()
        if fails:
            raise self.error()
        return answer


class FailingTables(Tables):
    """Tables whose calls fail by plan; to count reads as well, give the plan the verbs get, query and page."""

    def __init__(self, inner: Tables, plan: Plan) -> None:
        self._inner = inner
        self.plan = plan

    def table(self, name: str) -> Table:
        return FailingTable(self._inner.table(name), self.plan)

    async def ping(self) -> None:
        await self.plan.run("get", "ping", self._inner.ping)

    async def close(self) -> None:
        return None  # its owner closes it


class FailingTable(Table):
    """One such table."""

    def __init__(self, inner: Table, plan: Plan) -> None:
        self._inner = inner
        self.plan = plan

    @property
    def name(self) -> str:
        return self._inner.name

    async def get(self, pk: str, rk: str, select: Sequence[str] | None = None) -> TableRow | None:
        return await self.plan.run("get", self.name, lambda: self._inner.get(pk, rk, select))

    async def _queried(self, pk: str, options: dict[str, Any]) -> AsyncIterator[TableRow]:
        async def read() -> list[TableRow]:
            return [row async for row in self._inner.query(pk, **options)]

        for row in await self.plan.run("query", self.name, read):
            yield row

    def query(self, pk: str, **options: Any) -> AsyncIterator[TableRow]:
        return self._queried(pk, options)

    async def page(
        self,
        pk: str,
        low: str | None = None,
        high: str | None = None,
        continuation: str | None = None,
        size: int = 100,
        select: Sequence[str] | None = None,
    ) -> tuple[list[TableRow], str | None]:
        return await self.plan.run(
            "page", self.name, lambda: self._inner.page(pk, low, high, continuation, size, select)
        )

    async def insert(self, entity: Mapping[str, Any]) -> str:
        return await self.plan.run("insert", self.name, lambda: self._inner.insert(entity))

    async def put(self, entity: Mapping[str, Any]) -> str:
        return await self.plan.run("put", self.name, lambda: self._inner.put(entity))

    async def replace(self, entity: Mapping[str, Any], etag: str | None = None) -> str:
        return await self.plan.run("replace", self.name, lambda: self._inner.replace(entity, etag))

    async def merge(self, entity: Mapping[str, Any], etag: str | None = None) -> str:
        return await self.plan.run("merge", self.name, lambda: self._inner.merge(entity, etag))

    async def delete(self, pk: str, rk: str, etag: str | None = None) -> None:
        await self.plan.run("delete", self.name, lambda: self._inner.delete(pk, rk, etag))

    async def transact(self, operations: Sequence[Op]) -> list[str]:
        return await self.plan.run("transact", self.name, lambda: self._inner.transact(operations))


class FailingQueues(Queues):
    """Queues whose sending fails by plan."""

    def __init__(self, inner: Queues, plan: Plan) -> None:
        self._inner = inner
        self.plan = plan

    async def send(self, queue: str, message: Mapping[str, Any], delay_seconds: float = 0) -> None:
        await self.plan.run("send", queue, lambda: self._inner.send(queue, message, delay_seconds))

    async def count(self, queue: str) -> int:
        return await self._inner.count(queue)

    async def close(self) -> None:
        return None  # its owner closes it
