"""Entities, configuration and answers for the Service Layer client's unit tests."""

from __future__ import annotations

import json
from typing import Any

import httpx

from shared.clients.service_layer import ServiceLayerClient, ServiceLayerConfig, ServiceLayerSide
from shared.ports import Entity
from tests.unit.clients.fakes import FakeTime, RecordingGate, Script, Step

ROOT = "https://sap.example:50000/b1s/v2"
PARTNERS = Entity(
    set="BusinessPartners",
    type="BusinessPartner",
    key="CardCode",
    version="DataVersion",
    select=("CardCode", "CardName"),
    scope="CardType eq 'cCustomer'",
    modified=("UpdateDate", "UpdateTime"),
    created=("CreateDate", "CreateTime"),
    reference="U_HubRef",
)
ORDERS = Entity(set="Orders", type="Document", key="DocEntry", key_is_text=False)


def config(**changes: Any) -> ServiceLayerConfig:
    values: dict[str, Any] = {
        "base_url": ROOT,
        "company_db": "SBODEMO",
        "user": "manager",
        "password": "pass-word-secret",
        "timezone": "Europe/Berlin",
    }
    return ServiceLayerConfig(**(values | changes))


def login(number: int = 1, route: str = ".node1", minutes: int | None = 30) -> httpx.Response:
    return httpx.Response(
        200,
        headers=[
            ("Set-Cookie", f"B1SESSION=session-{number};HttpOnly;"),
            ("Set-Cookie", f"ROUTEID={route}; path=/b1s"),
        ],
        json={"SessionId": f"session-{number}", "Version": "1000280", "SessionTimeout": minutes},
    )


def refusal(status: int, code: str, text: str = "refused") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": text}})


def dead_session() -> httpx.Response:
    return refusal(401, "301", "Invalid session or session already timeout.")


def page(*rows: dict[str, Any], more: bool = False, **headers: str) -> httpx.Response:
    link = {"@odata.nextLink": "BusinessPartners?$skip=20"} if more else {}
    body = {"@odata.context": "…", "value": [{"@odata.etag": "W/x", **row} for row in rows], **link}
    return httpx.Response(200, content=json.dumps(body).encode(), headers=headers)


class Sap:
    """A scripted Service Layer with its side, client, clock and gate. Steps start with the answer to the login."""

    def __init__(self, *steps: Step, login_lock: Any = None, **changes: Any) -> None:
        self.script = Script(*steps)
        self.time = FakeTime()
        self.gate = RecordingGate()
        edges = {"login_lock": login_lock} if login_lock else {}
        self.client = ServiceLayerClient(
            config(**changes), gate=self.gate, clock=self.time.clock, transport=self.script.transport, **edges
        )
        self.side = ServiceLayerSide(self.client)

    @property
    def requests(self) -> list[httpx.Request]:
        return self.script.requests

    @property
    def paths(self) -> list[str]:
        return [f"{each.method} {each.url.path.removeprefix('/b1s/v2/')}" for each in self.requests]
