"""Login, sessions, cookies, nodes (user guide; live captures: facts sections 1.1 to 1.5, 5)."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest
import trustme

from tests.contract.service_layer_client import CREDENTIALS, Client, error_of
from tests.contract.service_layer_fixtures import sap

__all__ = ["sap"]


async def test_login_answers_with_two_cookies_spelled_as_sap_does(sap: Client) -> None:
    """Section 1.2: B1SESSION without a path, ROUTEID with path /b1s."""
    response = await sap.login()
    document = response.json()
    first, second = response.headers.get_list("Set-Cookie")
    assert first == f"B1SESSION={document['SessionId']};HttpOnly;"
    assert second in ("ROUTEID=.node1; path=/b1s", "ROUTEID=.node2; path=/b1s")
    assert (document["SessionTimeout"], document["Version"]) == (30, "1000280")
    assert response.headers["Content-Type"] == "application/json;odata.metadata=minimal;charset=utf-8"


@pytest.mark.parametrize("path", ["login", "Nonsense", "BusinessPartners", "$batch", "Logout"])
async def test_without_a_session_everything_is_refused_first_of_all(sap: Client, path: str) -> None:
    """Sections 1.1 and 1.4: also misspelt and unknown paths answer 401/301."""
    sap.cookie = "B1SESSION=garbage"
    assert error_of(await sap.send("POST", path)) == (401, "301")


@pytest.mark.parametrize(
    ("wrong", "code"), [({"Password": "no"}, "-304"), ({"UserName": "no"}, "-304"), ({"CompanyDB": "no"}, "-306")]
)
async def test_a_refused_login_says_what_is_wrong_by_its_code(sap: Client, wrong: dict[str, str], code: str) -> None:
    """Section 1.4."""
    assert error_of(await sap.login(**wrong)) == (401, code)


async def test_logout_ends_the_session(sap: Client) -> None:
    """Section 1.3."""
    assert (await sap.send("POST", "Logout")).status_code == 204
    assert error_of(await sap.get("BusinessPartners")) == (401, "301")


async def test_the_session_lives_while_it_is_used_and_dies_of_idleness(sap: Client) -> None:
    """Section 1.4: a sliding timeout of 30 minutes."""
    for _ in range(3):
        sap.simulator.control.advance(29 * 60)
        assert (await sap.get("Currencies")).status_code == 200
    sap.simulator.control.advance(31 * 60)
    assert error_of(await sap.get("Currencies")) == (401, "301")


async def test_a_dead_session_can_be_injected(sap: Client) -> None:
    """Section 9, number 9."""
    sap.simulator.control.add_fault({"skip": 1, "times": 1, "action": {"named": "session_dead"}})
    answers = [(await sap.get("Currencies")).status_code for _ in range(3)]
    assert answers == [200, 401, 401]


async def test_a_node_switch_answers_305_and_then_names_another_node(sap: Client) -> None:
    """Sections 1.2 and 1.4."""
    sap.simulator.control.add_fault({"times": 1, "action": {"named": "node_moves"}})
    assert error_of(await sap.get("Currencies")) == (500, "305")
    moved = await sap.get("Currencies")
    assert moved.status_code == 200
    assert moved.headers["Set-Cookie"].startswith("ROUTEID=.node")
    assert moved.headers["Set-Cookie"].split(";")[0] not in sap.cookie


async def test_simultaneous_logins_race_when_the_installation_does(sap: Client) -> None:
    """Section 1.4: 500/299 for the second login of one moment."""
    sap.simulator.switches.logins_race = True
    sap.simulator.control.latency.single = 50
    answers = await asyncio.gather(*(sap.login() for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 500, 500, 500]
    assert {error_of(each) for each in answers if each.status_code == 500} == {(500, "299")}


async def test_a_write_without_routeid_can_fail_with_1116(sap: Client) -> None:
    """Section 1.2: without ROUTEID a write may land on another node."""
    sap.simulator.switches.writes_need_route = True
    sap.cookie = sap.cookie.split("; ")[0]
    assert error_of(await sap.send("PATCH", "BusinessPartners('C00001')", {"Phone1": "1"})) == (400, "-1116")
    assert (await sap.get("BusinessPartners('C00001')")).status_code == 200


async def test_answers_carry_the_servers_clock(sap: Client) -> None:
    """Design: the watermark moves to the source's Date header."""
    sap.simulator.control.set_clock(instant="2026-03-29T01:30:00Z")
    await sap.login()
    assert (await sap.get("Currencies")).headers["Date"] == "Sun, 29 Mar 2026 01:30:00 GMT"


async def test_an_outage_ends_on_the_same_port_with_rows_and_sessions_kept(sap: Client) -> None:
    """Faults, number 31: the system is down for a while."""
    port = int(sap.base_url.rpartition(":")[2])
    await sap.simulator.stop()
    with pytest.raises(httpx.TransportError):
        await sap.get("Currencies")
    await sap.simulator.start(port)
    assert (await sap.get("Currencies")).status_code == 200


async def test_it_speaks_tls_with_a_given_certificate(sap: Client) -> None:
    """Section 5: the load balancer is TLS."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    await sap.simulator.stop()
    base_url = await sap.simulator.start(ssl=server)
    async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
        answer = await client.post(f"{base_url}/b1s/v2/Login", json=CREDENTIALS)
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].startswith("https://127.0.0.1:")


async def test_a_connection_is_closed_after_as_many_requests_as_apache_allows(sap: Client) -> None:
    """Section 5: Keep-Alive max=100 on a default installation."""
    sap.simulator.switches.requests_per_connection = 3
    await sap.simulator.stop()
    await sap.http.aclose()
    sap.http = httpx.AsyncClient(base_url=await sap.simulator.start() + "/b1s/v2/", trust_env=False)
    answers = [await sap.get("Currencies") for _ in range(4)]
    assert [answer.headers["Connection"].lower() for answer in answers] == ["keep-alive"] * 2 + ["close", "keep-alive"]


async def test_ping_needs_no_session(sap: Client) -> None:
    """Section 1.5."""
    answer = await sap.http.get(f"{sap.base_url}/ping/load-balancer")
    assert answer.json()["message"] == "pong"
