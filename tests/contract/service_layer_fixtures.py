"""A running simulator with the sample company, and a client that is logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from local.sample_company import build_company
from local.simulators.service_layer import ServiceLayerSimulator
from tests.contract.service_layer_client import Client


@pytest_asyncio.fixture
async def sap() -> AsyncIterator[Client]:
    """A logged-in client of a fresh simulator with 50 customers."""
    simulator = ServiceLayerSimulator(build_company(50, branches=True))
    client = Client(simulator, await simulator.start())
    await client.login()
    yield client
    await client.http.aclose()
    await simulator.stop()
