"""Timer triggers: on one host process at a time, never beside themselves, missed runs made up once.

Status and singleton lease of a timer are one row of the table ``hosttimers`` (PartitionKey host id, RowKey function
name); every write carries the ETag it was read with, so that of two host processes one wins. A lease that is not
renewed in time is free for all. All hosts of one machine share its clock, which is what lease ends are compared with.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from local.host.functions import Function, TimerTrigger
from local.host.messages import Datum
from local.host.ncrontab import Schedule
from local.host.process import Cause, WorkerPool

log = logging.getLogger(__name__)

TABLE = "hosttimers"
# How much of a lease passes before it is renewed, or tried for again.
_RENEW_AFTER = 1 / 3
_TRY_AFTER = 1 / 2
_PAUSE_AFTER_STORAGE_ERROR_SECONDS = 1.0

type Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


class LeaseLostError(Exception):
    """Another host process has the timer now."""


@dataclass(frozen=True)
class Status:
    """How far a timer has come. ``schedule`` is the text that ``next`` was computed from."""

    schedule: str
    last: datetime | None
    next: datetime
    updated: datetime


class TimerRow:
    """The row of one timer in storage, as one host process sees it."""

    def __init__(
        self, table: TableClient, key: tuple[str, str], *, owner: str, lease_seconds: float, clock: Clock = utc_now
    ) -> None:
        self._table = table
        self._key = {"PartitionKey": key[0], "RowKey": key[1]}
        self._owner = owner
        self._lease = timedelta(seconds=lease_seconds)
        self._clock = clock
        self._etag: str | None = None
        self._writing = asyncio.Lock()
        self.status: Status | None = None

    async def acquire(self) -> bool:
        """Take the lease if it is free, and read the status; False while another host process has it."""
        async with self._writing:
            try:
                row = await self._table.get_entity(self._key["PartitionKey"], self._key["RowKey"])
            except ResourceNotFoundError:
                return await self._insert()
            if row.get("owner") and row["owner"] != self._owner and row["lease_until"] > self._clock():
                return False
            self._etag = row.metadata["etag"]
            self.status = _status(row)
            try:
                await self._write(self._lease_fields())
            except LeaseLostError:
                return False
            return True

    async def renew(self) -> None:
        """Keep the lease. Raises LeaseLostError if it was taken."""
        async with self._writing:
            await self._write(self._lease_fields())

    async def save(self, status: Status) -> None:
        """Write the status down, under the lease. Raises LeaseLostError if that was taken."""
        async with self._writing:
            fields = {"schedule": status.schedule, "next": status.next, "updated": status.updated}
            await self._write({**fields, **({"last": status.last} if status.last else {}), **self._lease_fields()})
            self.status = status

    async def release(self) -> None:
        """Give the lease back at once, so that another host process need not wait for its end."""
        async with self._writing:
            if self._etag is not None:
                with contextlib.suppress(LeaseLostError, AzureError):
                    await self._write({"owner": ""})
            self._etag = None

    def _lease_fields(self) -> dict[str, Any]:
        return {"owner": self._owner, "lease_until": self._clock() + self._lease}

    async def _insert(self) -> bool:
        with contextlib.suppress(ResourceExistsError):
            await self._table.create_table()
        try:
            answer = await self._table.create_entity({**self._key, **self._lease_fields()})
        except ResourceExistsError:
            return False
        self._etag = answer["etag"]
        return True

    async def _write(self, fields: dict[str, Any]) -> None:
        try:
            answer = await self._table.update_entity(
                {**self._key, **fields},
                UpdateMode.MERGE,
                etag=self._etag,
                match_condition=MatchConditions.IfNotModified,
            )
        except (ResourceModifiedError, ResourceNotFoundError) as error:
            raise LeaseLostError from error
        self._etag = str(answer["etag"])


def _status(row: Any) -> Status | None:
    if not row.get("next"):
        return None
    return Status(row["schedule"], _aware(row.get("last")), row["next"], row["updated"])


def _aware(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class TimerListener:
    """Runs one timer function on its schedule while this host process has the timer's lease.

    One loop decides everything: get or renew the lease, write down a finished run, start one that is due, wait. So a
    timer never overlaps itself, and nothing starts on a lease that was not renewed in time.
    """

    def __init__(
        self,
        function: Function,
        *,
        schedule: Schedule,
        text: str,
        row: TimerRow,
        pool: WorkerPool,
        lease_seconds: float,
        clock: Clock = utc_now,
    ) -> None:
        assert isinstance(function.trigger, TimerTrigger)
        self._function = function
        self._trigger = function.trigger
        self._schedule = schedule
        self._text = text
        self._row = row
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._holding = False
        self._renew_at = clock()
        self._startup_is_due = function.trigger.run_on_startup
        self._is_past_due = False
        self._status = Status(text, None, schedule.next(clock()), clock())
        self._invocation: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Tick until stopped; then wait for a run in flight, write it down and give the lease back."""
        while not self._stopping.is_set():
            pause = await self._step()
            await self._wait(pause)
        if self._invocation is not None:
            await self._invocation
            with contextlib.suppress(LeaseLostError, AzureError):
                await self._write_down()
        await self._row.release()

    def stop(self) -> None:
        """Start nothing more."""
        self._stopping.set()

    async def run_by_hand(self, _: str) -> None:
        """Call the function now, whatever its schedule; also beside a scheduled run, as Azure does."""
        await self._invoke(past_due=False, reason="called by hand")

    async def _step(self) -> float:
        """Do what is to be done now; the seconds until there may be more."""
        try:
            if not self._holding and not await self._take():
                return self._lease_seconds * _TRY_AFTER
            if self._clock() >= self._renew_at:
                await self._row.renew()
                self._renewed()
            if self._invocation is not None and self._invocation.done():
                await self._write_down()
            if self._invocation is None:
                self._start_what_is_due()
        except LeaseLostError:
            log.warning("timer %s was taken over by another host process", self._function.name)
            self._holding = False
            return self._lease_seconds * _TRY_AFTER
        except AzureError as error:
            log.warning("timer %s: storage: %s", self._function.name, error)
            return _PAUSE_AFTER_STORAGE_ERROR_SECONDS
        until = self._renew_at if self._invocation else min(self._renew_at, self._status.next)
        return max(0.0, (until - self._clock()).total_seconds())

    async def _take(self) -> bool:
        """Get the lease and find out where the schedule stands."""
        if not await self._row.acquire():
            return False
        now = self._clock()
        stored = self._row.status
        if stored is not None and stored.schedule == self._text and self._trigger.use_monitor:
            self._status = stored
            self._is_past_due = stored.next <= now
        else:
            # Never seen before, or another schedule since: nothing was missed.
            await self._save(Status(self._text, None, self._schedule.next(now), now))
        self._holding = True
        self._renewed()
        return True

    def _renewed(self) -> None:
        self._renew_at = self._clock() + timedelta(seconds=self._lease_seconds * _RENEW_AFTER)

    def _start_what_is_due(self) -> None:
        due = self._clock() >= self._status.next
        if not due and not self._startup_is_due:
            return
        past_due = due and self._is_past_due
        reason = "past due" if past_due else "schedule" if due else "host start"
        self._startup_is_due = self._is_past_due = False
        self._invocation = asyncio.create_task(self._invoke(past_due=past_due, reason=reason))

    async def _write_down(self) -> None:
        """A run is over, well or not: the next one is the first after now, so ticks missed meanwhile are left out."""
        now = self._clock()
        await self._save(Status(self._text, now, self._schedule.next(now), now))
        self._invocation = None
        self._is_past_due = False

    async def _save(self, status: Status) -> None:
        if self._trigger.use_monitor:
            await self._row.save(status)
        self._status = status

    async def _invoke(self, *, past_due: bool, reason: str) -> None:
        status = self._status
        document = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {
                "Last": status.last.isoformat() if status.last else None,
                "Next": status.next.isoformat(),
                "LastUpdated": status.updated.isoformat(),
            },
            "IsPastDue": past_due,
        }
        await self._pool.invoke(self._function, Datum("json", json.dumps(document)), Cause(reason))

    async def _wait(self, seconds: float) -> None:
        """Until the time is over, the run in flight ends, or the listener is stopped."""
        stopping = asyncio.create_task(self._stopping.wait())
        waits: set[asyncio.Task[Any]] = {stopping}
        if self._invocation is not None:
            waits.add(self._invocation)
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
