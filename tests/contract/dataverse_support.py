"""A running Dataverse simulator with an HTTP client that has a good token and keeps no cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from local.simulators.dataverse import DataverseSimulator
from local.simulators.entra import EntraSimulator

API = "/api/data/v9.2/"
UNKNOWN_ID = "00000000-0000-4000-8000-00000000dead"


@dataclass
class Dataverse:
    simulator: DataverseSimulator
    url: str
    http: httpx.AsyncClient

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        url = path if path.startswith("http") else self.url + API + path
        self.http.cookies.clear()
        return await self.http.request(method, url, **options)

    async def get(self, path: str, prefer: str | None = None, **headers: str) -> httpx.Response:
        return await self.send("GET", path, headers=headers | ({"Prefer": prefer} if prefer else {}))

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.send("POST", path, json=body, headers=headers)

    async def patch(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.send("PATCH", path, json=body, headers=headers or {})

    async def all_pages(self, path: str, page_size: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        link: str | None = path
        while link is not None:
            page = (await self.get(link, f"odata.maxpagesize={page_size}")).raise_for_status().json()
            rows.extend(page["value"])
            link = page.get("@odata.nextLink")
        return rows


@asynccontextmanager
async def running_dataverse(**options: Any) -> AsyncIterator[Dataverse]:
    simulator = DataverseSimulator(EntraSimulator(), **options)
    url = await simulator.start()
    headers = {"Authorization": f"Bearer {simulator.entra.issue_token(url)}"}
    try:
        async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
            yield Dataverse(simulator, url, http)
    finally:
        await simulator.stop()


def error_code(response: httpx.Response) -> str:
    return str(response.json()["error"]["code"])
