"""The function app's own functions, called as the host would, on a world in memory."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import azure.functions as func
import pytest

from local.host.routes import compile_route, routing_path
from shared import wiring
from shared.stores.tables import Tables
from tests.unit.app_index import FUNCTIONS
from tests.unit.sync.api_world import ApiWorld


def _http() -> list[tuple[str, str, Any, Any]]:
    found = []
    for function in FUNCTIONS.values():
        trigger = function.get_trigger()
        if trigger.type == "httpTrigger":
            method = trigger.methods[0].value
            route = compile_route("api", trigger.route)
            found.append((method, route, function.get_user_function(), trigger))
    return found


HTTP = _http()


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def problem(self) -> str:
        """The type of the problem that it is."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.body["status"] == self.status
        assert self.body["detail"]
        return str(self.body["type"])


class Client:
    """Calls the API."""

    def __init__(self, world: ApiWorld) -> None:
        self.world = world

    async def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, kind: str = "application/json"
    ) -> Answer:
        address = urlsplit(path)
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        for verb, route, function, _ in HTTP:
            found = route.match(routing_path("/api" + path)) if verb == method else None
            if found is not None:
                request = func.HttpRequest(
                    method,
                    "https://hub.example/api" + path,
                    headers={"content-type": kind} if content else {},
                    params=dict(parse_qsl(address.query)),
                    route_params=found,
                    body=content,
                )
                response = await function(request)
                text = response.get_body().decode()
                headers = {**response.headers, "Content-Type": response.mimetype}
                return Answer(response.status_code, json.loads(text) if text else None, headers)
        raise AssertionError(f"no route for {method} {path}")

    async def status(self, location: str) -> Answer:
        """Follow a Location."""
        address = urlsplit(location)
        return await self("GET", f"{address.path.removeprefix('/api')}?{address.query}")


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[ApiWorld]:
    async with Tables(azurite, prefix=f"t{uuid.uuid4().hex[:10]}") as tables:
        made = ApiWorld(tables)
        await made.begin()
        with wiring.using(made.app):
            yield made


@pytest.fixture
def api(world: ApiWorld) -> Client:
    return Client(world)


def encoded(text: str) -> str:
    return quote(text, safe="")
