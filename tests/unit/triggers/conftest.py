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
from tests.declared import declared_headers, undeclared
from tests.unit.app_index import FUNCTIONS
from tests.unit.sync.api_world import ADMIN_KEY, ApiWorld


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


def _is_declared(name: str, answer: Answer) -> None:
    """Whatever a test is about: every answer is one that the API's description declares."""
    wrong = undeclared(name, answer.status, answer.headers["Content-Type"], answer.body)
    assert not wrong, wrong
    assert declared_headers(name, answer.status) <= set(answer.headers)


class Client:
    """Calls the API."""

    def __init__(self, world: ApiWorld) -> None:
        self.world = world

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """As the host would call; with the admin key unless other headers are given."""
        address = urlsplit(path)
        sent = {"x-hub-admin-key": ADMIN_KEY} if headers is None else headers
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        for verb, route, function, _ in HTTP:
            found = route.match(routing_path("/api" + path)) if verb == method else None
            if found is not None:
                request = func.HttpRequest(
                    method,
                    "https://hub.example/api" + path,
                    headers={**sent, **({"content-type": kind} if content else {})},
                    params=dict(parse_qsl(address.query)),
                    route_params=found,
                    body=content,
                )
                response = await function(request)
                text = response.get_body().decode()
                headers = {**response.headers, "Content-Type": response.mimetype}
                answer = Answer(response.status_code, json.loads(text) if text else None, headers)
                _is_declared(function.__name__, answer)
                return answer
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
