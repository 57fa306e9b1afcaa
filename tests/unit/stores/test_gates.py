"""Gates: several processes, one limit. Each gate stands for a process; all share one Azurite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.errors import Throttled, Transient
from shared.stores.gates import GateTimes, LoginLock, StorageGate
from shared.stores.shares import Shares
from shared.stores.storage import CallCounter
from shared.stores.tables import Tables
from tests.unit.stores.doubles import FailingTables, Plan

SHORT = GateTimes(lease=5, request_longest=2, idle_give_back=0.4, wait=60, look=0.2, skew=0.2)
LONG = GateTimes(lease=3000, request_longest=130, idle_give_back=900, wait=60, look=600, skew=5)

type MakeGate = Callable[..., StorageGate]


@pytest_asyncio.fixture
async def gate(tables: Tables) -> AsyncIterator[MakeGate]:
    """Makes gates of system "sap", closed at the end."""
    made: list[StorageGate] = []

    def make(**options: Any) -> StorageGate:
        made.append(StorageGate(options.pop("tables", tables), "sap", **{"times": SHORT, **options}))
        return made[-1]

    yield make
    for one in made:
        await one.close()


class Meter:
    """How many requests are under way over all processes, and the most there ever were."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    async def request(self, gate: StorageGate, seconds: float = 0.01) -> None:
        async with gate.slot():
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(seconds)
            self.now -= 1


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - it asks a server
            await asyncio.sleep(0.02)


async def shares(tables: Tables) -> Shares:
    row = await tables.table("gates").get("sap", "gate")
    return Shares.from_json(row["shares"]) if row else Shares()


async def test_processes_together_never_pass_the_limit_and_all_get_through(gate: MakeGate) -> None:
    meter, gates = Meter(), [gate(limit=4) for _ in range(3)]
    await asyncio.gather(*(meter.request(one) for one in gates for _ in range(25)))
    assert meter.most == 3  # one of four is kept for HTTP


async def test_one_burst_uses_all_slots_at_once(gate: MakeGate) -> None:
    meter = Meter()
    one = gate(limit=8)
    await asyncio.gather(*(meter.request(one, 0.2) for _ in range(14)))
    assert meter.most == 7


async def test_http_is_served_while_work_holds_everything(gate: MakeGate) -> None:
    work, http, meter = gate(limit=3), gate(limit=3, purpose="http"), Meter()
    async with AsyncExitStack() as held:
        await held.enter_async_context(work.slot())
        await held.enter_async_context(work.slot())
        await meter.request(http)
    assert meter.most == 1


async def test_a_process_under_load_makes_room_for_one_that_waits(gate: MakeGate) -> None:
    busy, late, meter = gate(limit=4), gate(limit=4), Meter()
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            await meter.request(busy)

    tasks = [asyncio.create_task(load()) for _ in range(8)]
    await until(lambda: _true(meter.most == 3))
    await meter.request(late)
    assert not any(task.done() for task in tasks)  # it got its slot although the other never paused
    stop.set()
    await asyncio.gather(*tasks)
    assert meter.most == 3


async def _true(value: bool) -> bool:
    return value


async def test_with_more_processes_than_slots_each_gets_its_turn(gate: MakeGate) -> None:
    gates, stop, served = [gate(limit=3) for _ in range(5)], asyncio.Event(), set[int]()
    meter = Meter()

    async def load(number: int) -> None:
        while not stop.is_set():
            await meter.request(gates[number])
            served.add(number)

    tasks = [asyncio.create_task(load(number)) for number in range(5)]
    await until(lambda: _true(len(served) == 5))
    stop.set()
    await asyncio.gather(*tasks)
    assert meter.most <= 2


async def test_slots_of_a_killed_process_come_back_after_its_lease_and_not_before(
    gate: MakeGate, tables: Tables
) -> None:
    killed, other = StorageGate(tables, "sap", limit=3, times=SHORT, name="killed"), gate(limit=3)
    async with AsyncExitStack() as forever:
        for _ in range(2):
            await forever.enter_async_context(killed.slot())
        assert killed._keeper is not None
        killed._keeper.cancel()  # what SIGKILL does: nothing is renewed or given back any more
        lease_end = (await shares(tables)).holders["killed"].until
        async with other.slot():
            assert datetime.now(UTC).timestamp() >= lease_end
            assert "killed" not in (await shares(tables)).holders


async def test_slots_are_given_back_when_idle(gate: MakeGate, tables: Tables) -> None:
    one = gate()
    async with one.slot():
        assert (await shares(tables)).holders
    await until(lambda: _nobody(tables))
    async with one.slot():
        assert (await shares(tables)).holders


async def _nobody(tables: Tables) -> bool:
    return not (await shares(tables)).holders


async def test_a_closed_gate_holds_nothing(gate: MakeGate, tables: Tables) -> None:
    one = gate(times=LONG)
    async with one.slot():
        pass
    await one.close()
    assert await _nobody(tables)


async def test_a_pause_is_respected_by_all(gate: MakeGate) -> None:
    working, fresh, telling = gate(), gate(), gate()
    starts: list[float] = []
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            async with working.slot():
                starts.append(datetime.now(UTC).timestamp())
                await asyncio.sleep(0.01)

    task = asyncio.create_task(load())
    await until(lambda: _true(bool(starts)))
    await telling.pause(2)
    told_at = datetime.now(UTC).timestamp()
    over = telling._shares.not_before
    for other in (telling, fresh):
        async with other.slot():
            assert datetime.now(UTC).timestamp() >= over
    stop.set()
    await task
    # A process at work hears of it before what it knows is older than twice the time between two looks.
    assert not [start for start in starts if told_at + 2 * SHORT.look < start < over]


async def test_a_pause_longer_than_anybody_would_wait_is_throttled_at_once(gate: MakeGate) -> None:
    await gate().pause(600)
    with pytest.raises(Throttled) as throttled:
        async with gate().slot():
            pass
    assert throttled.value.system == "sap"
    assert (throttled.value.retry_after_seconds or 0) > 500


async def test_where_no_slot_comes_free_in_time_it_is_throttled(gate: MakeGate) -> None:
    short = GateTimes(lease=50, request_longest=2, idle_give_back=9, wait=0.3, look=0.1, skew=0.1)
    holding, waiting = gate(limit=2, times=short), gate(limit=2, times=short)
    async with holding.slot():
        with pytest.raises(Throttled):
            async with waiting.slot():
                pass


async def test_a_hint_changes_the_limit_for_all_and_is_free_once_known(gate: MakeGate, counter: CallCounter) -> None:
    telling, other, meter = gate(limit=8), gate(limit=8), Meter()
    await telling.hint(3)
    counter.clear()
    await telling.hint(3)
    assert counter.total == 0
    await asyncio.gather(*(meter.request(other, 0.05) for _ in range(6)))
    assert meter.most == 2
    await other.hint(6)
    await asyncio.gather(*(meter.request(other, 0.5) for _ in range(10)))
    assert meter.most == 5


async def test_in_the_steady_state_requests_cost_no_storage_call(gate: MakeGate, counter: CallCounter) -> None:
    one, meter = gate(times=LONG), Meter()
    await asyncio.gather(*(meter.request(one, 0) for _ in range(4)))
    counter.clear()
    for _ in range(100):
        await asyncio.gather(*(meter.request(one, 0) for _ in range(4)))
    assert counter.total == 0


async def test_more_requests_than_slots_do_not_ask_the_store_each(gate: MakeGate, counter: CallCounter) -> None:
    one, meter = gate(limit=3, times=LONG), Meter()
    await asyncio.gather(*(meter.request(one, 0) for _ in range(20)))
    counter.clear()
    await asyncio.gather(*(meter.request(one, 0.005) for _ in range(60)))
    assert meter.most == 2
    assert counter.total <= 2


async def test_no_request_starts_with_less_lease_left_than_it_may_last(gate: MakeGate, tables: Tables) -> None:
    clock = [datetime(2026, 11, 21, tzinfo=UTC)]
    never = asyncio.Event()

    async def sleep(_: float) -> None:
        await never.wait()

    one = gate(times=GateTimes(lease=180, request_longest=130, look=40), now=lambda: clock[0], sleep=sleep, name="one")
    for seconds in (0, 49, 50, 51, 120, 1000):
        clock[0] += timedelta(seconds=seconds)
        async with one.slot():
            assert (await shares(tables)).holders["one"].until - clock[0].timestamp() >= 130


def test_a_lease_that_a_request_could_outlive_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        GateTimes(lease=130, request_longest=130)


async def test_a_store_that_is_down_lets_nothing_start_and_heals(gate: MakeGate, tables: Tables) -> None:
    plan = Plan(at=1, counts=frozenset({"get"}), times=1)
    one = gate(tables=FailingTables(tables, plan))
    with pytest.raises(Transient):
        async with one.slot():
            pass
    assert one.in_use == 0
    async with one.slot():
        assert one.in_use == 1


async def test_a_cancelled_wait_leaves_the_way_free(gate: MakeGate) -> None:
    one = gate(limit=2)
    async with one.slot():
        waiting = asyncio.create_task(Meter().request(one))
        await until(lambda: _true(one._wanting == 1))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(30), one.slot():
        assert one.in_use == 1


# --- Logins -------------------------------------------------------------------------------------------------------------


async def test_logins_are_one_at_a_time_across_processes(tables: Tables) -> None:
    inside, most = 0, 0

    async def log_in(lock: LoginLock) -> None:
        nonlocal inside, most
        async with lock():
            inside, most = inside + 1, max(most, inside + 1)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(log_in(LoginLock(tables, "sap", poll=0.02)) for _ in range(6)))
    assert most == 1


async def test_a_login_that_failed_gives_the_lock_back(tables: Tables) -> None:
    lock = LoginLock(tables, "sap", wait=0)
    with pytest.raises(RuntimeError):
        async with lock():
            raise RuntimeError
    async with lock():
        with pytest.raises(Throttled):
            async with LoginLock(tables, "sap", wait=0)():
                pass
        async with LoginLock(tables, "other system", wait=0)():
            pass


async def test_a_login_lock_of_a_killed_process_runs_out(tables: Tables) -> None:
    clock = [datetime(2026, 11, 21, tzinfo=UTC)]
    killed = LoginLock(tables, "sap", lease=180, now=lambda: clock[0])
    await killed._acquire()
    clock[0] += timedelta(seconds=179)
    other = LoginLock(tables, "sap", lease=180, wait=0, now=lambda: clock[0])
    with pytest.raises(Throttled):
        async with other():
            pass
    clock[0] += timedelta(seconds=3)
    async with other():
        pass
