"""Who is let in, and what every answer carries. Web API notes §1.1, §1.2, §2.1, §4."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from local.simulators.entra import EntraSimulator
from tests.contract.dataverse_support import Dataverse, error_code, running_dataverse


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic abc"])
async def test_a_request_without_a_good_token_gets_the_challenge_and_no_json(dataverse: Dataverse, header: str) -> None:
    """§1.2: unquoted parameters, a slash after the resource, a body that is plain text."""
    answer = await dataverse.get("WhoAmI", Authorization=header)
    assert answer.status_code == 401
    tenant = dataverse.simulator.entra.tenant
    assert answer.headers["WWW-Authenticate"] == (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize, "
        "resource_id=https://contoso.crm4.dynamics.com/"
    )
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert not answer.text.startswith("{")


async def test_a_token_for_another_resource_is_refused(dataverse: Dataverse) -> None:
    """§1.1: the audience is the environment."""
    other = dataverse.simulator.entra.issue_token("https://fabrikam.crm4.dynamics.com")
    assert (await dataverse.get("WhoAmI", Authorization=f"Bearer {other}")).status_code == 401
    real_looking = dataverse.simulator.entra.issue_token("https://contoso.crm4.dynamics.com")
    assert (await dataverse.get("WhoAmI", Authorization=f"Bearer {real_looking}")).status_code == 200


async def test_a_token_of_another_issuer_is_refused(dataverse: Dataverse) -> None:
    foreign = EntraSimulator().issue_token(dataverse.url)
    assert (await dataverse.get("WhoAmI", Authorization=f"Bearer {foreign}")).status_code == 401


async def test_a_token_expires_by_the_issuers_clock(dataverse: Dataverse) -> None:
    assert (await dataverse.get("WhoAmI")).status_code == 200
    dataverse.simulator.entra.control.advance(dataverse.simulator.entra.expires_in + 1)
    assert (await dataverse.get("WhoAmI")).status_code == 401


async def test_an_app_that_is_no_application_user_is_refused_everywhere(dataverse: Dataverse) -> None:
    """§1.1: the token is issued, but every call answers 403 0x80072560."""
    dataverse.simulator.switches.user_is_member = False
    for path in ("WhoAmI", "accounts", "EntityDefinitions"):
        answer = await dataverse.get(path)
        assert (answer.status_code, error_code(answer)) == (403, "0x80072560")


async def test_a_missing_privilege_is_refused_for_its_table_only(dataverse: Dataverse) -> None:
    """§1.1: 403 0x80040220 names the privilege."""
    dataverse.simulator.switches.missing_privileges = frozenset({("Create", "account")})
    answer = await dataverse.post("accounts", {"name": "A"})
    assert (answer.status_code, error_code(answer)) == (403, "0x80040220")
    assert "prvCreateAccount" in answer.text
    assert (await dataverse.get("accounts")).status_code == 200
    assert (await dataverse.post("contacts", {"lastname": "B"})).status_code == 204


async def test_every_answer_carries_the_diagnostic_headers(dataverse: Dataverse) -> None:
    """§2.1, §4: the time left has a thousands separator and two decimals; the request id comes twice."""
    dataverse.simulator.control.set_clock(instant="2026-03-04T05:06:07Z")
    answer = await dataverse.get("WhoAmI")
    assert answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"].startswith("1,")
    assert answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"][-3] == "."
    assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "5999"
    assert answer.headers["x-ms-dop-hint"] == "4"
    assert answer.headers["OData-Version"] == "4.0"
    assert len(answer.headers.get_list("x-ms-service-request-id")) == 2
    assert answer.headers["Date"] == "Wed, 04 Mar 2026 05:06:07 GMT"


async def test_the_named_fault_unauthorized_strikes_once(dataverse: Dataverse) -> None:
    dataverse.simulator.control.add_fault({"times": 1, "action": {"named": "unauthorized"}})
    assert (await dataverse.get("WhoAmI")).status_code == 401
    assert (await dataverse.get("WhoAmI")).status_code == 200
