"""Service protection limits. Web API notes §4."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.contract.dataverse_support import Dataverse, error_code, running_dataverse

START = "2026-01-01T00:00:00Z"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse(servers=1) as running:
        running.simulator.control.set_clock(instant=START)
        yield running


async def test_too_many_requests_pause_until_the_window_has_moved_on(dataverse: Dataverse) -> None:
    dataverse.simulator.limits.requests = 3
    for left in ("2", "1", "0"):
        answer = await dataverse.get("WhoAmI")
        assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == left
    refused = await dataverse.get("WhoAmI")
    assert (refused.status_code, error_code(refused)) == (429, "0x80072322")
    assert refused.json()["error"]["message"] == (
        "Number of requests exceeded the limit of 3 over time window of 300 seconds."
    )
    assert refused.headers["Retry-After"] == "300"
    dataverse.simulator.control.advance(300)
    assert (await dataverse.get("WhoAmI")).status_code == 200


async def test_sending_during_a_pause_lengthens_it(dataverse: Dataverse) -> None:
    dataverse.simulator.limits.requests = 1
    dataverse.simulator.limits.window_seconds = 10
    await dataverse.get("WhoAmI")
    waits = [int((await dataverse.get("WhoAmI")).headers["Retry-After"]) for _ in range(3)]
    assert waits == [10, 11, 12]
    dataverse.simulator.control.advance(10)
    assert (await dataverse.get("WhoAmI")).status_code == 429


async def test_execution_time_is_limited(dataverse: Dataverse) -> None:
    dataverse.simulator.limits.milliseconds = 1
    dataverse.simulator.control.latency.single = 5
    assert (await dataverse.get("WhoAmI")).headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "0.00"
    refused = await dataverse.get("WhoAmI")
    assert (refused.status_code, error_code(refused)) == (429, "0x80072321")
    assert "Combined execution time of incoming requests exceeded limit of 1 milliseconds" in refused.text


async def test_too_many_at_once_are_refused_at_once(dataverse: Dataverse) -> None:
    dataverse.simulator.limits.concurrent = 2
    dataverse.simulator.control.latency.single = 200
    answers = await asyncio.gather(*[dataverse.get("WhoAmI") for _ in range(5)])
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 3
    assert {error_code(answer) for answer in refused} == {"0x80072326"}
    assert all("Retry-After" in answer.headers for answer in refused)


async def test_servers_count_apart_and_a_cookie_pins_the_client_to_one() -> None:
    async with running_dataverse(servers=2) as dataverse:
        dataverse.simulator.limits.requests = 2
        first = await dataverse.get("WhoAmI")
        cookie = f"ARRAffinity={first.cookies['ARRAffinity']}"
        second = await dataverse.get("WhoAmI")
        assert second.cookies["ARRAffinity"] != first.cookies["ARRAffinity"]
        pinned = await dataverse.get("WhoAmI", Cookie=cookie)
        assert pinned.status_code == 200
        assert "ARRAffinity" not in pinned.cookies
        assert (await dataverse.get("WhoAmI", Cookie=cookie)).status_code == 429
        free = [(await dataverse.get("WhoAmI")).status_code for _ in range(2)]
        assert sorted(free) == [200, 429]


async def test_a_batch_is_one_request(dataverse: Dataverse) -> None:
    """§3.3: the parts are not counted."""
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET WhoAmI HTTP/1.1\r\n\r\n\r\n"
    headers = {"Content-Type": "multipart/mixed; boundary=b"}
    answer = await dataverse.send("POST", "$batch", content=part * 10 + "--b--\r\n", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "5999"


@pytest.mark.parametrize(
    ("kind", "code"), [("requests", "0x80072322"), ("time", "0x80072321"), ("concurrency", "0x80072326")]
)
async def test_the_named_fault_throttled_gives_each_kind(dataverse: Dataverse, kind: str, code: str) -> None:
    rule = {"every": 2, "action": {"named": "throttled", "kind": kind, "retry_after": 7}}
    dataverse.simulator.control.add_fault(rule)
    assert (await dataverse.get("WhoAmI")).status_code == 200
    refused = await dataverse.get("WhoAmI")
    assert (refused.status_code, error_code(refused), refused.headers["Retry-After"]) == (429, code, "7")


async def test_reset_forgets_counters_rows_and_switches(dataverse: Dataverse) -> None:
    dataverse.simulator.limits.requests = 2
    dataverse.simulator.switches.link_after_full_page = False
    await dataverse.post("accounts", {"name": "A"})
    await dataverse.get("WhoAmI")
    assert (await dataverse.get("WhoAmI")).status_code == 429
    assert (await dataverse.send("POST", f"{dataverse.url}/_sim/reset")).status_code == 200
    assert (await dataverse.get("accounts")).json()["value"] == []
    assert dataverse.simulator.switches.link_after_full_page is True


async def test_a_stopped_simulator_comes_back_on_its_port_with_its_rows(dataverse: Dataverse) -> None:
    """Fault 31: an outage."""
    await dataverse.post("accounts", {"name": "A"})
    await dataverse.simulator.stop()
    with pytest.raises(httpx.ConnectError):
        await dataverse.get("accounts")
    await dataverse.simulator.start(port=int(dataverse.url.rpartition(":")[2]))
    assert len((await dataverse.get("accounts?$select=name")).json()["value"]) == 1
