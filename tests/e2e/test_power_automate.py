"""Power Automate's view of a running hub: the sample flow's Sync Now, called and followed as the service does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driver import Driver
from tests.e2e.flow_client import ActionFailed, FlowClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONNECTOR = Path(__file__).resolve().parent.parent.parent / "infra" / "power-automate"
SWAGGER = json.loads((CONNECTOR / "apiDefinition.swagger.json").read_text())
ACTIONS = json.loads((CONNECTOR / "sample-flow.json").read_text())["properties"]["definition"]["actions"]
CREDENTIALS = {"authorization", "x-functions-key", "x-hub-admin-key", "cookie", "proxy-authorization"}
CODES = [f"C{n:05d}" for n in range(1, 31)]


def _request(driver: Driver, name: str, **instead: str) -> tuple[str, str, dict[str, Any]]:
    """(method, URL, body) that the connector makes of the sample flow's action."""
    inputs = ACTIONS[name]["inputs"]
    (found,) = [
        (method, path)
        for path, methods in SWAGGER["paths"].items()
        for method, operation in methods.items()
        if operation["operationId"] == inputs["host"]["operationId"]
    ]
    method, path = found
    given = {**inputs["parameters"], **instead}
    body = {name.removeprefix("body/"): value for name, value in given.items() if name.startswith("body/")}
    address = SWAGGER["basePath"] + re.sub(r"\{(\w+)\}", lambda part: str(given[part[1]]), path)
    return method.upper(), driver.env.hosts[0].base_url + address, body


async def test_the_sample_flow_syncs_and_waits_without_sending_credentials_again(hub: Driver) -> None:
    await hub.mark(CODES)
    await hub.initialize()
    hub.edit_partner(CODES[0], Fax="+49 40 4711")
    client = FlowClient()
    key = {"x-functions-key": hub.env.hosts[0].function_key}
    run = await client.run(*_request(hub, "Sync_Now"), key)
    assert (run["status"], run["over"], run["counts"]["updated"]) == ("succeeded", True, 1)
    assert hub.account_of(CODES[0])["fax"] == "+49 40 4711"

    first, *further = client.sent
    assert further, "it was answered at once, so nothing was followed"
    assert first.headers["x-functions-key"] == key["x-functions-key"]
    assert [set(map(str.lower, each.headers)) & CREDENTIALS for each in further] == [set()] * len(further)
    assert {each.method for each in further} == {"GET"}
    assert [each.status for each in client.sent] == [202] * len(further) + [200]
    assert client.waited == [each.retry_after for each in client.sent[:-1]]
    assert all(seconds >= 1 for seconds in client.waited)


async def test_what_the_mail_says_is_in_the_outcome(hub: Driver) -> None:
    run = await FlowClient().run(*_request(hub, "Sync_Now"), {"x-functions-key": hub.env.hosts[0].function_key})
    problem = {"title", "detail"}  # what an action that failed answers instead
    named = set(re.findall(r"body\('Sync_Now'\)\?\['(\w+)'\]", json.dumps(ACTIONS["Mail_the_outcome"])))
    assert named > problem
    assert named - problem <= set(run)


async def test_an_action_of_the_flow_without_a_key_fails_and_so_does_one_that_the_hub_refuses(hub: Driver) -> None:
    with pytest.raises(ActionFailed, match="401"):
        await FlowClient().run(*_request(hub, "Sync_Now"), {})
    key = {"x-functions-key": hub.env.hosts[0].function_key}
    with pytest.raises(ActionFailed) as failed:
        await FlowClient().run(*_request(hub, "Sync_Now", object="product"), key)
    assert (failed.value.status, failed.value.body["type"]) == (409, "/problems/not-initialized")


async def test_the_token_of_a_location_opens_that_runs_status_and_nothing_else(hub: Driver) -> None:
    client = FlowClient()
    await client.run(*_request(hub, "Sync_Now"), {"x-functions-key": hub.env.hosts[0].function_key})
    token = client.sent[-1].url.partition("?")[2]
    for path in ("/api/runs", "/api/templates", "/api/templates/dynamics/failures"):
        with pytest.raises(ActionFailed, match="401"):
            await FlowClient().run("GET", f"{hub.env.hosts[0].base_url}{path}?{token}", None, {})
