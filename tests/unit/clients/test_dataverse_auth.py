"""Tokens through the real msal, with a sign-in service that is scripted below it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from shared.clients.dataverse import Certificate, DataverseConfig, EntraTokens
from shared.errors import HubError, Misconfigured, Throttled, Transient
from tests.unit.clients.dataverse_setting import ROOT, config, new_certificate

AUTHORITY = "https://login.microsoftonline.com"
TOKEN_PATH = "/contoso/oauth2/v2.0/token"

Reply = tuple[int, dict[str, Any] | str, dict[str, str]]


class SignIn:
    """A sign-in service below msal: answers discovery, counts token requests, fails as told."""

    def __init__(self) -> None:
        self.posts: list[dict[str, str]] = []
        self.gets: list[str] = []
        self.failing: Reply | Exception | None = None
        self.discovery_failing: Reply | None = None
        self.lasts: dict[str, Any] = {"expires_in": 3599}

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self._token(request) if request.method == "POST" else self._discovery(request)

    def _discovery(self, request: httpx.Request) -> httpx.Response:
        self.gets.append(str(request.url))
        if self.discovery_failing:
            return self._response(self.discovery_failing)
        document = {
            "authorization_endpoint": f"{AUTHORITY}/contoso/oauth2/v2.0/authorize",
            "token_endpoint": f"{AUTHORITY}{TOKEN_PATH}",
            "issuer": f"{AUTHORITY}/contoso/v2.0",
        }
        return self._response((200, document, {}))

    def _token(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == TOKEN_PATH
        self.posts.append(dict(parse_qsl(request.content.decode())))
        if isinstance(self.failing, Exception):
            raise self.failing
        if self.failing:
            return self._response(self.failing)
        token = {"token_type": "Bearer", "access_token": f"token-{len(self.posts)}", **self.lasts}
        return self._response((200, token, {}))

    @staticmethod
    def _response(reply: Reply) -> httpx.Response:
        status, body, headers = reply
        return httpx.Response(status, text=body if isinstance(body, str) else json.dumps(body), headers=headers)


def refused(error: str, number: int, text: str = "AADSTS: said 'tenant-secret'") -> Reply:
    status = 401 if error == "invalid_client" else 400
    return status, {"error": error, "error_description": text, "error_codes": [number]}, {}


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sign_in() -> SignIn:
    return SignIn()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def tokens(sign_in: SignIn, seconds: Seconds) -> EntraTokens:
    return EntraTokens(config(), http_client=sign_in.client(), monotonic=seconds)


async def test_the_scope_is_the_environment_without_a_slash_at_the_end(sign_in: SignIn) -> None:
    tokens = EntraTokens(config(base_url=f"{ROOT}/"), http_client=sign_in.client())
    assert await tokens.token() == "token-1"
    assert sign_in.posts[0]["scope"] == f"{ROOT}/.default"
    assert sign_in.posts[0]["client_secret"] == "s3cret"
    assert sign_in.posts[0]["grant_type"] == "client_credentials"


async def test_microsoft_is_not_asked_whether_the_authority_is_genuine(sign_in: SignIn) -> None:
    tokens = EntraTokens(config(authority="https://sign-in.example:8443"), http_client=sign_in.client())
    await tokens.token()
    assert sign_in.gets == ["https://sign-in.example:8443/contoso/v2.0/.well-known/openid-configuration"]


async def test_many_callers_at_once_cause_one_request(tokens: EntraTokens, sign_in: SignIn) -> None:
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"token-1"}
    assert len(sign_in.posts) == 1


async def test_a_token_is_kept_until_five_minutes_before_its_end(
    tokens: EntraTokens, sign_in: SignIn, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tokens.token()
    seconds.now += 3298
    assert await tokens.token() == "token-1"
    seconds.now += 2
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3300)  # msal looks at the wall clock itself
    assert await tokens.token() == "token-2"


async def test_a_token_shorter_than_the_margin_still_works(
    tokens: EntraTokens, sign_in: SignIn, seconds: Seconds
) -> None:
    sign_in.lasts = {"expires_in": 120}
    assert [await tokens.token(), await tokens.token()] == ["token-1", "token-1"]
    seconds.now += 61
    assert await tokens.token() == "token-2"


async def test_a_dropped_token_is_never_given_out_again(tokens: EntraTokens, sign_in: SignIn) -> None:
    first = await tokens.token()
    await tokens.drop(first)
    assert await tokens.token() == "token-2"


async def test_dropping_a_token_that_was_replaced_already_changes_nothing(tokens: EntraTokens, sign_in: SignIn) -> None:
    first = await tokens.token()
    await asyncio.gather(tokens.drop(first), tokens.drop(first))
    assert await tokens.token() == "token-2"
    await tokens.drop(first)
    assert await tokens.token() == "token-2"
    assert len(sign_in.posts) == 2


FAILURES: list[tuple[Reply | Exception, type[HubError]]] = [
    (refused("invalid_client", 7000215), Misconfigured),
    (refused("unauthorized_client", 700016), Misconfigured),
    (refused("invalid_scope", 70011), Misconfigured),
    (refused("invalid_resource", 500011), Misconfigured),
    (refused("temporarily_unavailable", 90033), Transient),
    ((429, {"error": "too_many"}, {"Retry-After": "7"}), Throttled),
    ((500, "<html>", {}), Transient),
    ((503, {"error": "server_error"}, {"Retry-After": "3600"}), Transient),
    ((200, "<html>", {}), Transient),
    (httpx.ConnectError("refused"), Transient),
    (httpx.ReadTimeout("slow"), Transient),
    (ConnectionResetError("reset"), Transient),
]


@pytest.mark.parametrize(("failing", "kind"), FAILURES, ids=[str(failure[0])[:50] for failure in FAILURES])
async def test_a_failure_of_sign_in_has_its_class_and_the_next_call_asks_again(
    tokens: EntraTokens, sign_in: SignIn, failing: Reply | Exception, kind: type[HubError]
) -> None:
    sign_in.failing = failing
    with pytest.raises(HubError) as raised:
        await tokens.token()
    assert type(raised.value) is kind
    asked = len(sign_in.posts)
    sign_in.failing = None
    assert await tokens.token() == f"token-{asked + 1}"


async def test_a_refusal_after_an_earlier_success_is_not_replayed_either(
    tokens: EntraTokens, sign_in: SignIn, seconds: Seconds
) -> None:
    sign_in.lasts = {"expires_in": 120}
    await tokens.token()
    seconds.now += 121
    sign_in.failing = refused("invalid_scope", 70011)
    with pytest.raises(Misconfigured):
        await tokens.token()
    sign_in.failing = None
    assert await tokens.token() == "token-3"


async def test_the_time_to_wait_is_passed_on(tokens: EntraTokens, sign_in: SignIn) -> None:
    sign_in.failing = (429, {}, {"Retry-After": "7"})
    with pytest.raises(Throttled) as raised:
        await tokens.token()
    assert raised.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("failing", "kind"),
    [((503, "down", {}), Transient), ((400, {"error": "invalid_tenant"}, {}), Misconfigured)],
)
async def test_a_failure_of_discovery_has_its_class_and_heals(
    tokens: EntraTokens, sign_in: SignIn, failing: Reply, kind: type[HubError]
) -> None:
    sign_in.discovery_failing = failing
    with pytest.raises(HubError) as raised:
        await tokens.token()
    assert type(raised.value) is kind
    sign_in.discovery_failing = None
    assert await tokens.token() == "token-1"


async def test_a_refusal_says_what_to_do_and_quotes_nothing(tokens: EntraTokens, sign_in: SignIn) -> None:
    sign_in.failing = refused("invalid_client", 7000222)
    with pytest.raises(Misconfigured) as raised:
        await tokens.token()
    assert raised.value.code == "invalid_client"
    assert "AADSTS7000222" in raised.value.text
    assert "expired" in raised.value.text
    sign_in.failing = refused("invalid_client", 1, "the key 'tenant-secret' is wrong")
    with pytest.raises(Misconfigured) as raised:
        await tokens.token()
    assert "tenant-secret" not in raised.value.text


async def test_an_aging_token_is_used_on_while_sign_in_is_down(
    tokens: EntraTokens, sign_in: SignIn, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await tokens.token()
    started = time.time()
    monkeypatch.setattr(time, "time", lambda: started + 3400)
    seconds.now += 3400
    sign_in.failing = (503, "down", {})
    assert await tokens.token() == first
    seconds.now += 180
    with pytest.raises(Transient):
        await tokens.token()


async def test_a_refused_token_is_not_used_on_while_sign_in_is_down(tokens: EntraTokens, sign_in: SignIn) -> None:
    await tokens.drop(await tokens.token())
    sign_in.failing = (503, "down", {})
    with pytest.raises(Transient):
        await tokens.token()


async def test_a_certificate_signs_instead_of_a_secret(sign_in: SignIn) -> None:
    tokens = EntraTokens(config(secret="", certificate=new_certificate()), http_client=sign_in.client())
    assert await tokens.token() == "token-1"
    assert "client_secret" not in sign_in.posts[0]
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", sign_in.posts[0]["client_assertion"])


async def test_a_private_key_that_is_none_is_misconfigured(sign_in: SignIn) -> None:
    broken = Certificate("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", new_certificate().public)
    tokens = EntraTokens(config(secret="", certificate=broken), http_client=sign_in.client())
    with pytest.raises(Misconfigured):
        await tokens.token()


class Identities:
    """The identity endpoint of a function app."""

    def __init__(self, reply: Callable[[], Reply]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._reply = reply

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        self.asked.append({"proof": request.headers["X-IDENTITY-HEADER"], **request.url.params})
        status, body, _headers = self._reply()
        return httpx.Response(status, json=body)


def granted() -> Reply:
    expires_on = str(int(time.time()) + 86_400)
    return 200, {"access_token": "managed", "expires_on": expires_on, "resource": ROOT, "token_type": "Bearer"}, {}


@pytest.mark.parametrize(("client_id", "sent"), [("", None), ("my-identity", "my-identity")])
async def test_a_managed_identity_is_asked_for_the_resource_itself(
    monkeypatch: pytest.MonkeyPatch, client_id: str, sent: str | None
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:4141/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "proof")
    monkeypatch.delenv("IMDS_ENDPOINT", raising=False)
    endpoint = Identities(granted)
    identity = DataverseConfig(base_url=ROOT, managed_identity=True, client_id=client_id)
    tokens = EntraTokens(identity, http_client=endpoint.client())
    assert [await tokens.token(), await tokens.token()] == ["managed", "managed"]
    assert len(endpoint.asked) == 1
    assert endpoint.asked[0]["resource"] == ROOT
    assert endpoint.asked[0].get("client_id") == sent
    assert endpoint.asked[0]["proof"] == "proof"


async def test_an_app_without_a_managed_identity_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:4141/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "proof")
    endpoint = Identities(lambda: (400, {"statusCode": 400, "message": "No managed identity was found"}, {}))
    tokens = EntraTokens(DataverseConfig(base_url=ROOT, managed_identity=True), http_client=endpoint.client())
    with pytest.raises(Misconfigured):
        await tokens.token()


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://contoso.crm4.dynamics.com"},
        {"base_url": f"{ROOT}/api/data/v9.2"},
        {"base_url": "contoso.crm4.dynamics.com"},
        {"tenant": ""},
        {"client_id": ""},
        {"secret": ""},
        {"certificate": Certificate("key", "certificate")},
        {"page_size": 5001},
        {"page_size": 0},
        {"bulk_size": 1001},
        {"keys_at_once": 0},
    ],
)
def test_settings_that_can_not_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        config(**changes)


def test_secrets_are_not_shown() -> None:
    shown = repr(config()) + repr(Certificate("the-private-key", "public"))
    assert "s3cret" not in shown
    assert "the-private-key" not in shown


async def test_closing_closes_the_connection(sign_in: SignIn) -> None:
    connection = sign_in.client()
    await EntraTokens(config(), http_client=connection).close()
    assert connection.is_closed


async def test_an_unreadable_ca_bundle_is_misconfigured(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        EntraTokens(config(ca_bundle=str(tmp_path / "missing.pem")))
