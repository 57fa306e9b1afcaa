"""What the tests of documents share: a company with one customer, and short ways to an order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from local.sample_company import build_company
from local.simulators.service_layer import ServiceLayerSimulator
from tests.contract.service_layer_client import Client

Json = dict[str, Any]

CUSTOMER = "N1"
UDF = {"TableName": "ORDR", "Name": "HubRef", "Type": "db_Alpha", "Size": 60, "Description": "Hub reference"}
HEADER: Json = {"CardCode": CUSTOMER, "DocDueDate": "2026-03-31"}
EXEMPT: Json = {"TaxCode": "EXEMPT"}
FREIGHT: Json = {"ExpenseCode": 1, "LineTotal": 4.99, **EXEMPT}


async def started(**options: Any) -> Client:
    """A logged-in client of a company with one customer who takes all currencies and gets no discount."""
    simulator = ServiceLayerSimulator(build_company(20, **options))
    client = Client(simulator, await simulator.start())
    await client.login()
    branch = {"BPBranchAssignment": [{"BPLID": 1}, {"BPLID": 2}]} if options.get("branches") else {}
    partner = {"CardCode": CUSTOMER, "CardName": "New", "Currency": "##", "PriceListNum": 1}
    assert (await client.send("POST", "BusinessPartners", partner | branch)).status_code == 201
    return client


async def stopped(client: Client) -> None:
    """The end of it."""
    await client.http.aclose()
    await client.simulator.stop()


@pytest_asyncio.fixture
async def sap() -> AsyncIterator[Client]:
    """A company without branches."""
    client = await started()
    yield client
    await stopped(client)


@pytest_asyncio.fixture
async def branched() -> AsyncIterator[Client]:
    """A company with branches."""
    client = await started(branches=True)
    yield client
    await stopped(client)


def line(price: float = 10.0, quantity: float = 1.0, **more: Any) -> Json:
    """A row of an item, without tax unless told."""
    return {"ItemCode": "I00001", "Quantity": quantity, "UnitPrice": price, **EXEMPT, **more}


async def post(client: Client, *lines: Json, **header: Any) -> httpx.Response:
    """POST an order."""
    return await client.send("POST", "Orders", HEADER | {"DocumentLines": list(lines)} | header)


async def order(client: Client, *lines: Json, **header: Any) -> Json:
    """A new order as SAP shows it."""
    response = await post(client, *lines, **header)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def read(client: Client, entry: int, entity_set: str = "Orders") -> Json:
    """The whole document."""
    return dict((await client.get(f"{entity_set}({entry})")).json())


async def act(client: Client, entry: int, action: str, **headers: str) -> httpx.Response:
    """A bound action."""
    return await client.send("POST", f"Orders({entry})/{action}", **headers)


async def panel(client: Client, path: str, body: Any) -> httpx.Response:
    """The control panel."""
    return await client.http.post(f"{client.base_url}/_sim/{path}", json=body)
