"""The session: cookies by hand, one login for all, renewal, what happens when it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.clients.connections import HttpTimes
from shared.clients.service_layer import ServiceLayerClient, ServiceLayerSide
from shared.errors import Misconfigured, Transient
from tests.unit.clients.fakes import RecordingGate
from tests.unit.clients.service_layer_script import ORDERS, PARTNERS, Sap, config, dead_session, login, page, refusal


async def test_both_cookies_go_with_every_request() -> None:
    sap = Sap(login(), page(), page())
    await sap.side.read(PARTNERS, ["C1"])
    await sap.side.read(PARTNERS, ["C2"])
    assert [each.headers.get("Cookie") for each in sap.requests] == [
        None,
        "B1SESSION=session-1; ROUTEID=.node1",
        "B1SESSION=session-1; ROUTEID=.node1",
    ]


async def test_a_newer_route_is_followed() -> None:
    moved = page()
    moved.headers["Set-Cookie"] = "ROUTEID=.node7; path=/b1s"
    sap = Sap(login(), moved, page())
    await sap.side.read(PARTNERS, ["C1"])
    await sap.side.read(PARTNERS, ["C2"])
    assert sap.requests[2].headers["Cookie"] == "B1SESSION=session-1; ROUTEID=.node7"


async def test_the_session_in_the_body_serves_where_the_cookie_is_missing() -> None:
    sap = Sap(httpx.Response(200, json={"SessionId": "from-body", "SessionTimeout": 30}), page())
    await sap.side.read(PARTNERS, ["C1"])
    assert sap.requests[1].headers["Cookie"] == "B1SESSION=from-body"


async def test_a_dead_session_is_renewed_once_and_the_request_sent_again() -> None:
    sap = Sap(login(1), dead_session(), login(2), page({"CardCode": "C1"}))
    assert set(await sap.side.read(PARTNERS, ["C1"])) == {"C1"}
    assert sap.paths == ["POST Login", "GET BusinessPartners", "POST Login", "GET BusinessPartners"]
    assert "session-2" in sap.requests[3].headers["Cookie"]


async def test_a_session_refused_right_after_its_renewal_is_misconfigured() -> None:
    sap = Sap(login(1), dead_session(), login(2), dead_session())
    with pytest.raises(Misconfigured):
        await sap.side.read(PARTNERS, ["C1"])


async def test_an_idle_session_is_replaced_before_the_server_drops_it() -> None:
    sap = Sap(login(1), page(), page(), page(), login(2), page())
    await sap.side.ping()
    for _ in range(2):
        sap.time.seconds += 27 * 60
        await sap.side.ping()
    assert sap.paths.count("POST Login") == 1
    sap.time.seconds += 29 * 60
    await sap.side.ping()
    assert sap.paths.count("POST Login") == 2


async def test_a_login_without_a_timeout_counts_as_thirty_minutes() -> None:
    sap = Sap(login(1, minutes=None), page(), login(2), page())
    await sap.side.ping()
    sap.time.seconds += 29 * 60
    await sap.side.ping()
    assert sap.paths.count("POST Login") == 2


@pytest.mark.parametrize("code", ["-304", "-306", "100000027"])
async def test_a_refused_login_is_a_setting_to_mend_and_not_hammered(code: str) -> None:
    sap = Sap(refusal(401, code, "Fail to NONE-SSO login from SLD."), login(), page())
    for _ in range(5):
        with pytest.raises(Misconfigured):
            await sap.side.ping()
    assert sap.paths == ["POST Login"]
    sap.time.seconds += 31
    await sap.side.ping()


@pytest.mark.parametrize(
    "failure", [refusal(500, "299", "SAML Login Failed"), refusal(500, "305"), httpx.Response(502)]
)
async def test_a_login_that_failed_by_chance_is_tried_again(failure: httpx.Response) -> None:
    sap = Sap(failure, login(), page())
    await sap.side.ping()
    assert sap.paths == ["POST Login", "POST Login", "GET BusinessPartners"]


async def test_a_login_without_a_session_is_transient() -> None:
    sap = Sap(httpx.Response(200, json={}))
    with pytest.raises(Transient):
        await sap.side.ping()


class Busy:
    """A Service Layer that yields in the middle of everything and knows which sessions live."""

    def __init__(self) -> None:
        self.logins = 0
        self.logging_in = 0
        self.most_logging_in = 0
        self.live = ""
        self.login_status = 200

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.path.endswith("/Login"):
            self.logins += 1
            self.logging_in += 1
            self.most_logging_in = max(self.most_logging_in, self.logging_in)
            for _ in range(5):
                await asyncio.sleep(0)
            self.logging_in -= 1
            self.live = f"session-{self.logins}"
            return login(self.logins) if self.login_status == 200 else refusal(self.login_status, "-1")
        alive = f"B1SESSION={self.live};" in request.headers.get("Cookie", "") + ";"
        return page({"CardCode": "C1"}) if alive and self.live else dead_session()


async def test_eight_callers_at_once_share_one_login() -> None:
    busy = Busy()
    gate = RecordingGate()
    client = ServiceLayerClient(config(), gate=gate, transport=httpx.MockTransport(busy))
    side = ServiceLayerSide(client)
    await asyncio.gather(*(side.read(PARTNERS, [f"C{n}"]) for n in range(8)))
    assert busy.logins == 1
    busy.live = "restarted"
    await asyncio.gather(*(side.read(PARTNERS, [f"C{n}"]) for n in range(8)))
    assert busy.logins == 2
    assert busy.most_logging_in == 1


async def test_eight_callers_share_a_failed_login_too() -> None:
    busy = Busy()
    busy.login_status = 503
    times = HttpTimes(budget=0.0)
    side = ServiceLayerSide(ServiceLayerClient(config(times=times), transport=httpx.MockTransport(busy)))
    answers = await asyncio.gather(*(side.read(PARTNERS, [f"C{n}"]) for n in range(8)), return_exceptions=True)
    assert {type(each) for each in answers} == {Transient}
    assert busy.logins == 1
    busy.login_status = 200
    await side.read(PARTNERS, ["C1"])


async def test_a_login_holds_the_lock_of_the_fleet() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def fleet() -> AsyncIterator[None]:
        events.append("locked")
        yield
        events.append("freed")

    def answer(_request: httpx.Request) -> httpx.Response:
        events.append("login")
        return login()

    sap = Sap(answer, page(), login_lock=fleet)
    await sap.side.ping()
    assert events == ["locked", "login", "freed"]


async def test_closing_gives_the_session_back() -> None:
    sap = Sap(login(), page(), httpx.Response(204))
    await sap.side.ping()
    await sap.side.close()
    assert sap.paths[-1] == "POST Logout"
    assert "session-1" in sap.requests[-1].headers["Cookie"]


async def test_closing_is_quiet_when_nothing_was_opened_or_the_session_is_gone() -> None:
    await Sap().side.close()
    sap = Sap(login(), page(), dead_session())
    await sap.side.ping()
    await sap.side.close()


async def test_the_password_is_in_no_text() -> None:
    assert "secret" not in repr(config())
    sap = Sap(refusal(401, "-304", "Bad password pass-word-secret for manager"))
    with pytest.raises(Misconfigured) as caught:
        await sap.side.read(ORDERS, ["1"])
    assert "secret" not in caught.value.text
    assert "manager" not in caught.value.text
