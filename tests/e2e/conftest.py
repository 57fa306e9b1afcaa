"""Running hubs for end-to-end tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from local.environment import Environment
from tests.e2e.driver import QUICK_HOST, QUICK_TIMES, Driver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub() -> AsyncIterator[Driver]:
    """A hub of this module with its own storage and systems, set up and empty."""
    async with Environment(customers=150, settings=QUICK_HOST, times=QUICK_TIMES) as env:
        driver = Driver(env)
        await driver.set_up()
        yield driver
        await driver.close()
