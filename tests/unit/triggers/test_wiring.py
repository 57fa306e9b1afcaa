"""The hub put together from app settings: what each process has once, and which slots a request uses."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import httpx
import pytest

from shared import wiring
from shared.errors import Misconfigured
from shared.ports import SideName
from shared.settings import AppSettings
from shared.stores.templates import TemplateRow
from shared.sync import health
from tests.unit.sync.api_world import ApiWorld
from tests.unit.triggers.conftest import FUNCTIONS, HTTP

DYNAMICS = TemplateRow("dynamics", "dynamics", {}, datetime(2026, 1, 1, tzinfo=UTC))


def settings(storage: str, **changes: str) -> AppSettings:
    values = {
        "AzureWebJobsStorage": storage,
        "SAP_BASE_URL": "https://sap.example/b1s/v2",
        "SAP_COMPANY_DB": "SBODEMO",
        "SAP_USER": "hub",
        "SAP_PASSWORD": "secret",
        "DATAVERSE_URL": "https://org.example",
        "DATAVERSE_TENANT_ID": "tenant",
        "DATAVERSE_CLIENT_ID": "client",
        "DATAVERSE_CLIENT_SECRET": "secret",
        "HUB_BASE_URL": "https://hub.example",
        "HUB_FINGERPRINT_KEY": "k" * 32,
        "HUB_TOKEN_KEY": "t" * 32,
        **changes,
    }
    return AppSettings.from_environment(values)


class FixedTokens:
    async def token(self) -> str:
        return "token"

    async def drop(self, token: str) -> None:
        return

    async def close(self) -> None:
        return


def sap(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/Login"):
        headers = {"Set-Cookie": "B1SESSION=one; HttpOnly"}
        return httpx.Response(200, json={"SessionId": "one", "SessionTimeout": 30}, headers=headers)
    if request.url.path.endswith("/Logout"):
        return httpx.Response(204)
    return httpx.Response(200, json={"value": []})


async def test_one_process_has_one_session_and_one_adapter_per_system(azurite: str, prefix: str):
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return sap(request)

    def dataverse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"UserId": "u"})

    transports = {"sap": httpx.MockTransport(answer), "dataverse": httpx.MockTransport(dataverse)}
    app = wiring.build(settings(azurite), wiring.Edges(transports=transports, tokens=FixedTokens(), prefix=prefix))
    sides = app.hub.sides
    assert sides.side(DYNAMICS, SideName.SAP) is sides.side(DYNAMICS, SideName.SAP)
    await app.hub.templates.create(DYNAMICS)
    found = await health.look(app.hub)
    assert found.ok, found.reasons
    with app.answering():
        await sides.side(DYNAMICS, SideName.SAP).ping()
    await app.close()
    assert [path.rpartition("/")[2] for path in seen] == ["Login", "BusinessPartners", "BusinessPartners", "Logout"]


async def test_a_type_without_a_system_is_a_misconfiguration(azurite: str, prefix: str):
    app = wiring.build(settings(azurite), wiring.Edges(prefix=prefix))
    with pytest.raises(Misconfigured):
        app.hub.sides.side(TemplateRow("x", "telex", {}, DYNAMICS.created_at), SideName.OTHER)
    await app.close()


# --- Tagrain: a system per connection ---------------------------------------------------------------------------------


def till(template: str, connection: str | None) -> TemplateRow:
    return TemplateRow(template, "tagrain", {"connection": connection}, DYNAMICS.created_at)


TILLS = {
    f"TAGRAIN_{name}_{what}": value
    for name in ("NORD", "SUED")
    for what, value in (("URL", f"https://{name.lower()}.example/v1"), ("API_KEY", f"key-{name}"))
}


async def test_each_connection_has_one_adapter_that_speaks_with_its_own_key(azurite: str, prefix: str):
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["Authorization"]))
        return httpx.Response(200, json={"id": "settings"})

    transports = {"tagrain": httpx.MockTransport(answer), "sap": httpx.MockTransport(sap)}
    app = wiring.build(settings(azurite, **TILLS), wiring.Edges(transports=transports, prefix=prefix))
    nord, sued = (app.hub.sides.side(till("a", name), SideName.OTHER) for name in ("NORD", "SUED"))
    assert nord is not sued
    assert app.hub.sides.side(till("b", "NORD"), SideName.OTHER) is nord
    assert app.hub.sides.side(till("a", "NORD"), SideName.SAP) is app.hub.sides.side(DYNAMICS, SideName.SAP)
    await nord.ping()
    await sued.ping()
    await app.close()
    assert seen == [("nord.example", "Bearer key-NORD"), ("sued.example", "Bearer key-SUED")]


async def test_a_test_may_bring_a_transport_for_one_connection(azurite: str, prefix: str):
    seen: list[str] = []

    def answering(name: str) -> httpx.MockTransport:
        def answer(_: httpx.Request) -> httpx.Response:
            seen.append(name)
            return httpx.Response(200, json={"id": "settings"})

        return httpx.MockTransport(answer)

    transports = {"tagrain": answering("any"), "tagrain-nord": answering("nord")}
    app = wiring.build(settings(azurite, **TILLS), wiring.Edges(transports=transports, prefix=prefix))
    for name in ("NORD", "SUED"):
        await app.hub.sides.side(till("a", name), SideName.OTHER).ping()
    await app.close()
    assert seen == ["nord", "any"]


@pytest.mark.parametrize(
    ("connection", "named"),
    [(None, ("connection",)), ("", ("connection",)), ("WEST", ("TAGRAIN_WEST_URL", "TAGRAIN_WEST_API_KEY"))],
)
async def test_a_connection_that_is_not_there_is_named_with_what_to_do(
    azurite: str, prefix: str, connection: str | None, named: tuple[str, ...]
):
    app = wiring.build(settings(azurite, **TILLS), wiring.Edges(prefix=prefix))
    with pytest.raises(Misconfigured) as caught:
        app.hub.sides.side(till("tagrain-west", connection), SideName.OTHER)
    assert caught.value.fields == named
    assert all(name in caught.value.text for name in ("tagrain-west", *named))
    await app.close()


async def test_a_dynamics_template_in_a_company_without_dataverse_is_a_misconfiguration(azurite: str, prefix: str):
    none = {name: "" for name in AppSettings.names() if name.startswith("DATAVERSE_")}
    app = wiring.build(settings(azurite, **none, **TILLS), wiring.Edges(prefix=prefix))
    assert app.hub.sides.side(till("a", "NORD"), SideName.OTHER)
    with pytest.raises(Misconfigured, match="DATAVERSE_URL"):
        app.hub.sides.side(DYNAMICS, SideName.OTHER)
    await app.close()


async def test_short_times_still_make_a_gate(azurite: str, prefix: str):
    times = '{"connect": 2, "read": 6, "write_read": 6, "gate_lease": 10, "claim_expiry": 10}'
    app = wiring.build(settings(azurite, HUB_TIMES=times), wiring.Edges(prefix=prefix))
    assert app.hub.sides.side(DYNAMICS, SideName.SAP)
    await app.close()


class NamedGate:
    def __init__(self, name: str, used: list[str]) -> None:
        self.name, self.used = name, used

    @asynccontextmanager
    async def slot(self) -> Any:
        self.used.append(self.name)
        yield

    async def pause(self, seconds: float) -> None:
        self.used.append(f"{self.name} pauses")

    async def hint(self, at_once: int) -> None:
        self.used.append(f"{self.name} follows")


async def test_a_persons_request_uses_other_slots_than_a_worker_at_the_same_time(world: ApiWorld):
    used: list[str] = []
    gate = wiring.PurposeGate({"work": NamedGate("work", used), "http": NamedGate("http", used)})

    async def person() -> None:
        with world.app.answering():
            await asyncio.sleep(0)
            async with gate.slot():
                pass

    async def worker() -> None:
        await asyncio.sleep(0)
        async with gate.slot():
            pass

    await asyncio.gather(person(), worker())
    assert sorted(used) == ["http", "work"]
    await gate.pause(1)
    assert used[2:] == ["work pauses", "http pauses"]


# --- without complete settings ------------------------------------------------------------------------------------------


async def test_missing_settings_are_named_to_the_caller_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch):
    for name in AppSettings.names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SAP_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/sap)")
    endpoint = next(function for _, _, function, trigger in HTTP if trigger.route == "health")
    response = await endpoint(func.HttpRequest("GET", "https://hub.example/api/health", body=b""))
    assert response.status_code == 502
    assert b"SAP_PASSWORD" in response.get_body()
    assert b"vault.example" not in response.get_body()


# --- the other triggers -------------------------------------------------------------------------------------------------


async def test_queue_functions_work_on_messages_and_list_odd_ones(world: ApiWorld):
    for name in ("runs", "runs_poison"):
        await FUNCTIONS[name].get_user_function()(func.QueueMessage(body=b"no message"))
    assert {one.queue for one in await world.oddities.list()} == {"runs", "runs-poison"}


async def test_the_sweeper_delivers_what_is_due_and_forgets_old_oddities(world: ApiWorld):
    await FUNCTIONS["runs"].get_user_function()(func.QueueMessage(body=b"no message"))
    world.stock(1)
    await world.mark("C0001")
    world.clock.forward(world.hub.times.run_retention + 1)
    await FUNCTIONS["sweeper"].get_user_function()(None)
    assert await world.oddities.list() == []
    await world.drain()
    assert (await world.record("C0001")).linked


async def test_a_tick_starts_what_is_due_of_its_type_and_object(world: ApiWorld):
    world.hub.types = {**world.hub.types, "dynamics": world.type}
    await world.hub.templates.create(DYNAMICS)
    state = await world.hub.runs.object("dynamics", "account")
    state.initialized_at, state.schedule = world.clock(), {"run": "daily", "every": "00:05"}
    await world.hub.runs.save_object(state)
    await FUNCTIONS["schedule_dynamics_account"].get_user_function()(None)
    assert (await world.hub.runs.object("dynamics", "account")).active is not None
