"""A running hub whose storage is reached through a proxy, and the means to kill its processes at chosen moments."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local.simulators.control import Latency
from tests.e2e.driver import QUICK_HOST, QUICK_TIMES, Driver, FaultyEnvironment
from tests.faults.proxy import StorageProxy
from tests.trade.world import SETTINGS


async def kill_workers(hub: Driver) -> int:
    """SIGKILL every worker process of every host; the hosts live on and start others. How many there were."""
    killed = 0
    for host in hub.env.hosts:
        for pid in await host.current_worker_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub() -> AsyncIterator[Driver]:
    """A hub of this module behind a proxy, set up for accounts, products and orders; accounts initialized with nothing."""
    async with FaultyEnvironment(customers=300, workers=2, settings=QUICK_HOST, times=QUICK_TIMES) as env:
        driver = Driver(env)
        await driver.set_up(**SETTINGS)
        await driver.initialize()
        yield driver
        await driver.close()


@pytest.fixture(autouse=True)
def _well_again(request: pytest.FixtureRequest) -> None:
    """Both systems are well when a test begins, whatever became of the one before it."""
    if "hub" in request.fixturenames:
        hub = request.getfixturevalue("hub")
        for control in (hub.sap.control, hub.dataverse.control):
            control.clear_faults()
            control.reset_stats()
            control.latency = Latency()


@pytest.fixture
def proxy(hub: Driver) -> StorageProxy:
    """The proxy before the hub's storage, without rules."""
    assert isinstance(hub.env, FaultyEnvironment)
    assert hub.env.proxy is not None
    hub.env.proxy.clear()
    return hub.env.proxy
