"""The limit on what all processes together send to one system, and the lock around a system's login.

One row per system in table ``gates`` holds every process's slots (see :mod:`shared.stores.shares`), changed by ETag,
so that their sum never passes the limit. A process leases slots for longer than a request can last, uses them without
asking again, and looks at the row now and then while it works: to renew, to hear of a pause, and to give back what
others wait for. The slots of a process that was killed come back when its lease runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared import logs
from shared.errors import HubError, LostRace, Throttled, Transient
from shared.stores.keys import encode_key
from shared.stores.shares import Asking, Purpose, Rules, Shares, limit_of, take_share, without_dead
from shared.stores.tables import Table, Tables
from shared.times import Times

_LOG = logs.get(__name__)
_ROW = "gate"
_LOGIN = "login"
_TRIES = 30


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class GateTimes:
    """How long leases, turns and waits last, in seconds; the lease must outlive the longest request.

    ``look`` is how old what a working process knows may get, so also how long a pause may take to reach all;
    ``skew`` how much processes' clocks may differ.
    """

    lease: float = 180.0
    request_longest: float = 130.0
    idle_give_back: float = 15.0
    wait: float = 60.0
    look: float = 2.0
    skew: float = 5.0

    def __post_init__(self) -> None:
        """ValueError for a lease that a request could outlive."""
        if self.lease <= self.request_longest + self.look:
            raise ValueError("a gate's lease must be longer than the longest request")

    @classmethod
    def of(cls, times: Times) -> GateTimes:
        """These times as the hub's settings have them."""
        spare = times.gate_lease - times.request_longest
        return cls(
            lease=times.gate_lease,
            request_longest=times.request_longest,
            idle_give_back=times.gate_idle_give_back,
            wait=times.gate_wait,
            look=min(2.0, spare / 4),
            skew=min(5.0, times.gate_lease / 20),
        )


class StorageGate:
    """One process's side of one system's gate; implements :class:`shared.ports.Gate`.

    ``purpose`` is "work", which leaves one slot to others, or "http", for calls that a person waits for. Close it to
    give its slots back at once. ``name`` identifies the process; ``now`` and ``sleep`` are injected edges.
    """

    def __init__(
        self,
        tables: Tables,
        system: str,
        *,
        limit: int = 8,
        purpose: Purpose = "work",
        times: GateTimes | None = None,
        name: str = "",
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._table: Table = tables.table("gates")
        self._system = system
        self._pk = encode_key(system)
        self._times = times or GateTimes()
        self._purpose: Purpose = purpose
        self._name = name or uuid.uuid4().hex[:12]
        self._rules = Rules(
            limit=limit,
            lease=self._times.lease,
            waiting=max(5 * self._times.look, self._times.skew),
            turn=self._times.idle_give_back,
            skew=self._times.skew,
        )
        self._now = now
        self._sleep = sleep
        # What the row says of us, as of _looked_at; _allowed is how many slots new requests may use.
        self._shares = Shares()
        self._allowed = 0
        self._denied = False
        self._until = 0.0
        self._looked_at = float("-inf")
        self._in_use = 0
        self._wanting = 0
        self._used_at = 0.0
        self._turn = asyncio.Lock()
        self._storage = asyncio.Lock()
        self._freed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    # --- The port -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one slot for one request; in the steady state this costs no storage call.

        Waiting requests of a process are served in their order. Throttled where no slot comes free within ``wait``
        seconds or everyone was asked to pause for longer; Transient where the store cannot be asked.
        """
        await self._enter()
        try:
            yield
        finally:
            self._in_use -= 1
            self._used_at = self._seconds()
            self._freed.set()

    async def pause(self, seconds: float) -> None:
        """No process starts a request before that time has passed; others hear of it within ``look`` seconds.

        A longer pause that is already set stays. Where the store cannot be told, this process pauses all the same.
        """
        until = self._seconds() + seconds
        self._shares = replace(self._shares, not_before=max(self._shares.not_before, until))
        try:
            await self._change(lambda shares: replace(shares, not_before=max(shares.not_before, until)))
        except (Transient, LostRace) as error:
            _LOG.warning("a pause could not be shared", extra={"system": self._system, "error": error.name})

    async def hint(self, at_once: int) -> None:
        """Use this limit from now on, instead of the configured one; free where it is known already."""
        wanted = max(1, at_once)
        if self._shares.hint == wanted:
            return
        try:
            await self._change(lambda shares: replace(shares, hint=wanted))
        except (Transient, LostRace) as error:
            _LOG.warning("a hint could not be shared", extra={"system": self._system, "error": error.name})

    async def close(self) -> None:
        """Give back all slots that are not in use; the rest come back when the lease runs out."""
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        if self._name in self._shares.holders:
            with contextlib.suppress(HubError):
                await self._give_back()

    @property
    def in_use(self) -> int:
        """Requests of this process that are under way."""
        return self._in_use

    # --- Taking a slot --------------------------------------------------------------------------------------------------

    async def _enter(self) -> None:
        give_up_at = self._seconds() + self._times.wait
        self._wanting += 1
        try:
            async with self._turn:
                while not self._may_start():
                    await self._wait_for_a_slot(give_up_at)
                self._in_use += 1
        finally:
            self._wanting -= 1
        self._used_at = self._seconds()
        if self._keeper is None or self._keeper.done():
            # It outlives the request that starts it, so it is no part of that one's trace.
            self._keeper = asyncio.create_task(self._keep(), context=Context())

    def _may_start(self) -> bool:
        now = self._seconds()
        return (
            self._shares.not_before <= now
            and self._in_use < self._allowed
            and self._until - now >= self._times.request_longest
            and now - self._looked_at <= 2 * self._times.look
        )

    async def _wait_for_a_slot(self, give_up_at: float) -> None:
        """One step towards a slot: look at the row, then sleep out a pause or wait until something may have changed."""
        self._freed.clear()
        if self._worth_looking():
            await self._look()
        now = self._seconds()
        if self._may_start():
            return
        if self._shares.not_before > give_up_at or now >= give_up_at:
            rest = max(self._shares.not_before - now, self._times.look)
            raise Throttled(
                "no slot came free in time",
                retry_after_seconds=rest,
                code="gate",
                system=self._system,
            )
        if self._shares.not_before > now:
            await self._sleep(self._shares.not_before - now)
        else:
            await self._until_freed(min(self._times.look / 2, give_up_at - now))

    def _worth_looking(self) -> bool:
        """Not while all slots are in use that we were given when we last asked for more, a moment ago."""
        now = self._seconds()
        lease_is_good = self._until - now >= self._times.request_longest
        return not (self._denied and lease_is_good and now - self._looked_at < self._times.look / 2)

    async def _until_freed(self, seconds: float) -> None:
        """Until a request of this process ends or the time has passed."""
        waits = {
            asyncio.ensure_future(self._freed.wait()),
            asyncio.ensure_future(self._sleep(seconds)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    # --- While at work --------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Looks at the row while requests are under way, and gives the slots back once none was for a while."""
        while True:
            await self._sleep(self._times.look)
            try:
                if self._in_use or self._wanting:
                    await self._look()
                elif self._seconds() - self._used_at >= self._times.idle_give_back or self._others_wait():
                    await self._give_back()
                    if not self._in_use and not self._wanting:
                        return
                else:
                    await self._look()
            except (Transient, LostRace) as error:
                # The lease runs out by itself; a request that needs a slot will meet the same error and report it.
                _LOG.warning("the gate could not be renewed", extra={"system": self._system, "error": error.name})

    def _others_wait(self) -> bool:
        return any(one.purpose == self._purpose and name != self._name for name, one in self._shares.waiters.items())

    async def _look(self) -> None:
        """Read the row and take, renew or give back our part; one read, and a write only where something changes."""
        async with self._storage:
            for _ in range(_TRIES):
                now = self._seconds()
                shares, etag = await self._read()
                asking = Asking(self._name, self._purpose, self._in_use, self._in_use + self._wanting)
                after, allowed = take_share(shares, self._rules, asking, now)
                # Before the write, so that nothing starts meanwhile on a slot that is being given up.
                self._allowed = min(self._allowed, allowed)
                self._denied = allowed < asking.wanted
                if not self._worth_writing(shares, after, now):
                    self._know(shares, allowed, now)
                    return
                if await self._write(after, etag):
                    self._know(after, allowed, now)
                    return
            raise Transient("the gate's row was changed by others again and again", system="storage", code="gate")

    def _worth_writing(self, before: Shares, after: Shares, now: float) -> bool:
        """Whether our part changed in size, or must be renewed; half of what is left beside a request is renewed."""
        mine, new = before.holders.get(self._name), after.holders.get(self._name)
        if (mine.slots if mine else 0) != (new.slots if new else 0):
            return True
        if mine and mine.until - now < (self._times.request_longest + self._times.lease) / 2:
            return True
        if mine and new and mine.since != new.since:
            return True
        word, renewed = before.waiters.get(self._name), after.waiters.get(self._name)
        if (word is None) != (renewed is None):
            return True
        return word is not None and word.until - now < self._rules.waiting / 2

    def _know(self, shares: Shares, allowed: int, now: float) -> None:
        mine = shares.holders.get(self._name)
        not_before = max(shares.not_before, self._shares.not_before)
        self._shares = replace(shares, not_before=not_before)
        self._allowed = min(allowed, mine.slots) if mine else 0
        self._until = mine.until if mine else 0.0
        self._looked_at = now

    async def _give_back(self) -> None:
        async with self._storage:
            for _ in range(_TRIES):
                self._allowed = 0  # nothing starts meanwhile
                shares, etag = await self._read()
                now = self._seconds()
                held = shares.holders.get(self._name)
                holders = {name: one for name, one in shares.holders.items() if name != self._name}
                if held and self._in_use:
                    holders[self._name] = replace(held, slots=min(held.slots, self._in_use))
                waiters = {name: one for name, one in shares.waiters.items() if name != self._name}
                after = without_dead(replace(shares, holders=holders, waiters=waiters), self._rules, now)
                if after == shares or await self._write(after, etag):
                    self._know(after, self._in_use, now)
                    return

    # --- The row --------------------------------------------------------------------------------------------------------

    async def _change(self, change: Callable[[Shares], Shares]) -> None:
        async with self._storage:
            for _ in range(_TRIES):
                shares, etag = await self._read()
                after = change(shares)
                if after == shares or await self._write(after, etag):
                    self._shares = replace(self._shares, hint=after.hint, not_before=after.not_before)
                    self._allowed = min(self._allowed, limit_of(after, self._rules))
                    return
        raise Transient("the gate's row was changed by others again and again", system="storage", code="gate")

    async def _read(self) -> tuple[Shares, str | None]:
        row = await self._table.get(self._pk, _ROW)
        return (Shares.from_json(row["shares"]), row["etag"]) if row else (Shares(), None)

    async def _write(self, shares: Shares, etag: str | None) -> bool:
        """Whether the row was still as read; else the caller reads again, after a moment so that crowds disperse."""
        entity = {"PartitionKey": self._pk, "RowKey": _ROW, "shares": shares.to_json()}
        try:
            if etag is None:
                await self._table.insert(entity)
            else:
                await self._table.replace(entity, etag)
        except LostRace:
            await asyncio.sleep(random.uniform(0, 0.03))
            return False
        return True

    def _seconds(self) -> float:
        return self._now().timestamp()


class LoginLock:
    """One login at a time across the fleet: call it for a context to log in within.

    A leased row, so that a process that is killed inside does not keep the others out for longer than ``lease``
    seconds, which must be longer than a login can last. Throttled where it does not come free in ``wait`` seconds.
    """

    def __init__(
        self,
        tables: Tables,
        system: str,
        *,
        lease: float = 180.0,
        wait: float = 60.0,
        poll: float = 0.25,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._table: Table = tables.table("gates")
        self._system = system
        self._pk = encode_key(system)
        self._lease, self._wait, self._poll = lease, wait, poll
        self._now = now
        self._sleep = sleep

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """Wait for the lock and hold it; given back at the end, also after an error."""
        etag = await self._acquire()
        try:
            yield
        finally:
            # A lease that ran out meanwhile may be somebody else's now; a store that is down lets it run out.
            with contextlib.suppress(LostRace, Transient):
                await self._table.delete(self._pk, _LOGIN, etag)

    async def _acquire(self) -> str:
        give_up_at = self._now().timestamp() + self._wait
        while True:
            etag = await self._try()
            if etag:
                return etag
            if self._now().timestamp() >= give_up_at:
                raise Throttled("another process is logging in", code="login", system=self._system)
            await self._sleep(self._poll)

    async def _try(self) -> str | None:
        row = await self._table.get(self._pk, _LOGIN)
        now = self._now()
        entity = {"PartitionKey": self._pk, "RowKey": _LOGIN, "until": int(now.timestamp() + self._lease) + 1}
        try:
            if row is None:
                return await self._table.insert(entity)
            if row["until"] <= now.timestamp():
                return await self._table.replace(entity, row["etag"])
        except LostRace:
            return None
        return None
