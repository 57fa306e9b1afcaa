"""A scripted Tagrain with its side, client, clock and gate."""

from __future__ import annotations

from typing import Any

import httpx

from shared.clients.tagrain import TagrainClient, TagrainConfig, TagrainSide
from shared.ports import Entity
from tests.unit.clients.fakes import FakeTime, RecordingGate, Script, Step

ROOT = "https://tills.example/v1"
API_KEY = "hush-key-of-the-tills"
CLAIM = "5f6f9a52-3f0e-4d3b-9a53-0d9c5b6f7a10"


def entity(name: str, **changes: Any) -> Entity:
    given: dict[str, Any] = {
        "key": "id",
        "version": "version",
        "modified": ("updatedAt",),
        "created": ("createdAt",),
        "reference": "externalRef",
    }
    return Entity(set=name, type=name, **(given | changes))


CUSTOMERS = entity("customers")
SALES = entity("sales", reference="", scope="storeId=st_1&businessDateFrom=2026-03-01")
INVENTORY = entity("inventory", reference="")


def page(*rows: dict[str, Any], cursor: str | None = None, **headers: str) -> httpx.Response:
    return httpx.Response(200, json={"items": list(rows), "nextCursor": cursor}, headers=headers)


def problem(status: int, code: str, detail: str = "refused", *errors: dict[str, str], **headers: str) -> httpx.Response:
    body = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": detail, "errors": errors}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json", **headers})


class Tills:
    """Plays the steps and keeps the requests."""

    def __init__(self, *steps: Step, **changes: Any) -> None:
        self.script = Script(*steps)
        self.time = FakeTime()
        self.gate = RecordingGate()
        config = TagrainConfig(base_url=changes.pop("base_url", ROOT), api_key=API_KEY, **changes)
        self.client = TagrainClient(config, gate=self.gate, clock=self.time.clock, transport=self.script.transport)
        self.side = TagrainSide(self.client)

    @property
    def requests(self) -> list[httpx.Request]:
        return self.script.requests

    @property
    def asked(self) -> list[list[tuple[str, str]]]:
        """The parameters of every request, in order."""
        return [each.url.params.multi_items() for each in self.requests]

    @property
    def paths(self) -> list[str]:
        return [f"{each.method} {each.url.path.removeprefix('/v1/')}" for each in self.requests]
