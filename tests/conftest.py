"""What every test may ask for: a storage account on loopback."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import hypothesis
import pytest
import pytest_asyncio

from local.azurite import Azurite
from shared.stores.storage import CallCounter
from shared.stores.tables import Tables

# How long an example takes says how busy the machine is, nothing about the code.
hypothesis.settings.register_profile("hub", deadline=None)
hypothesis.settings.load_profile("hub")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def azurite() -> AsyncIterator[str]:
    """The connection string of an Azurite of this test session, its memory empty."""
    async with Azurite.start() as started:
        yield started.connection_string


@pytest.fixture
def prefix() -> str:
    """What this test's tables and queues begin with, so that tests do not see each other's."""
    return "t" + uuid.uuid4().hex[:12]


@pytest.fixture
def counter() -> CallCounter:
    """Counts what ``tables`` sends."""
    return CallCounter()


@pytest_asyncio.fixture
async def tables(azurite: str, prefix: str, counter: CallCounter) -> AsyncIterator[Tables]:
    """Empty tables of this test alone."""
    async with Tables(azurite, prefix=prefix, counter=counter) as opened:
        yield opened
