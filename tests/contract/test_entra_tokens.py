"""The token endpoint against real msal over TLS, and by hand. Web API notes §1.1, §1.3, §1.4."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local.simulators.entra import EntraSimulator
from local.simulators.tls import LocalTls, make_local_tls

RESOURCE = "https://contoso.crm4.dynamics.com"
SCOPES = [f"{RESOURCE}/.default"]


@dataclass
class Entra:
    simulator: EntraSimulator
    tls: LocalTls

    @property
    def token_url(self) -> str:
        return f"{self.simulator.authority}/oauth2/v2.0/token"

    def application(self, credential: Any) -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication(
            self.simulator.client_id,
            client_credential=credential,
            authority=self.simulator.authority,
            instance_discovery=False,
            verify=str(self.tls.ca_file),
        )

    async def acquire(self, credential: Any) -> dict[str, Any]:
        def run() -> dict[str, Any]:
            return dict(self.application(credential).acquire_token_for_client(SCOPES))

        return await asyncio.to_thread(run)

    async def post(self, form: dict[str, str], tenant: str | None = None) -> httpx.Response:
        whole = {
            "client_id": self.simulator.client_id,
            "client_secret": self.simulator.client_secret,
            "grant_type": "client_credentials",
            "scope": SCOPES[0],
        }
        url = self.token_url if tenant is None else self.token_url.replace(self.simulator.tenant, tenant)
        context = ssl.create_default_context(cafile=str(self.tls.ca_file))
        async with httpx.AsyncClient(verify=context, trust_env=False) as http:
            return await http.post(url, data=whole | form)


@pytest.fixture
async def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Entra]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    tls = make_local_tls(tmp_path)
    simulator = EntraSimulator()
    await simulator.start(ssl=tls.server)
    yield Entra(simulator, tls)
    await simulator.stop()


def certificate() -> tuple[str, str, str]:
    """A self-signed client certificate: certificate and key as PEM, and the SHA-1 thumbprint."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "integration hub")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    thumbprint = hashlib.sha1(made.public_bytes(Encoding.DER)).hexdigest()
    return made.public_bytes(Encoding.PEM).decode(), private, thumbprint


async def test_msal_gets_a_token_with_a_secret(entra: Entra) -> None:
    answer = await entra.acquire(entra.simulator.client_secret)
    assert answer["expires_in"] == entra.simulator.expires_in
    assert entra.simulator.accepts(answer["access_token"], {RESOURCE})
    assert not entra.simulator.accepts(answer["access_token"], {"https://fabrikam.crm4.dynamics.com"})


async def test_msal_gets_a_token_with_a_certificate(entra: Entra) -> None:
    public, private, thumbprint = certificate()
    entra.simulator.certificates.append(public)
    by_sha1 = {"private_key": private, "thumbprint": thumbprint, "public_certificate": public}
    by_sha256 = {"private_key": private, "public_certificate": public}
    for credential in (by_sha1, by_sha256):
        answer = await entra.acquire(credential)
        assert entra.simulator.accepts(answer["access_token"], {RESOURCE}), answer


async def test_a_certificate_that_is_not_registered_or_not_the_signers_is_refused(entra: Entra) -> None:
    public, private, thumbprint = certificate()
    credential = {"private_key": private, "thumbprint": thumbprint, "public_certificate": public}
    assert (await entra.acquire(credential))["error_codes"] == [700027]
    entra.simulator.certificates.append(public)
    other_key = certificate()[1]
    assert (await entra.acquire(credential | {"private_key": other_key}))["error_codes"] == [700027]


async def test_msal_reports_a_wrong_secret(entra: Entra) -> None:
    answer = await entra.acquire("wrong")
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])
    assert answer["error_description"].startswith("AADSTS7000215: ")


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "other"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": RESOURCE}, 400, "invalid_scope", 1002012),
        ({"scope": "https://unknown.example/.default"}, 400, "invalid_resource", 500011),
    ],
)
async def test_refusals_have_an_oauth_error_and_a_number(
    entra: Entra, form: dict[str, str], status: int, error: str, number: int
) -> None:
    entra.simulator.resources.add(RESOURCE)
    answer = await entra.post(form)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert {"error_description", "timestamp", "trace_id", "correlation_id"} <= set(body)


async def test_an_unknown_tenant_is_refused(entra: Entra) -> None:
    answer = await entra.post({}, tenant="somebody-else")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


async def test_msal_keeps_a_long_token_and_asks_again_for_a_short_one(entra: Entra) -> None:
    """§1.4: less than five minutes left counts as expired."""

    def twice() -> list[str]:
        application = entra.application(entra.simulator.client_secret)
        return [application.acquire_token_for_client(SCOPES)["token_source"] for _ in range(2)]

    assert await asyncio.to_thread(twice) == ["identity_provider", "cache"]
    entra.simulator.expires_in = 300
    assert await asyncio.to_thread(twice) == ["identity_provider", "identity_provider"]


async def test_revoked_tokens_are_refused_from_then_on(entra: Entra) -> None:
    token = entra.simulator.issue_token(RESOURCE)
    assert entra.simulator.accepts(token, {f"{RESOURCE}/"})
    entra.simulator.tokens.revoke_all()
    assert not entra.simulator.accepts(token, {RESOURCE})
    assert entra.simulator.accepts(entra.simulator.issue_token(RESOURCE), {RESOURCE})


async def test_a_fault_can_strike_the_token_endpoint(entra: Entra) -> None:
    entra.simulator.control.add_fault({"match": {"path": "/token"}, "times": 1, "action": {"status": 503}})
    assert (await entra.post({})).status_code == 503
    assert (await entra.post({})).status_code == 200
    assert entra.simulator.control.stats()["requests"]["POST /{tenant}/oauth2/v2.0/token 200"] == 1


async def test_msal_gets_a_token_from_the_managed_identity(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    """§1.1: plain http, the resource without /.default, and a header that proves where the request comes from."""
    endpoint = await entra.simulator.start_managed_identity()
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", entra.simulator.identity_header)

    def run(resource: str) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=session)
            return dict(client.acquire_token_for_client(resource=resource))

    answer = await asyncio.to_thread(run, RESOURCE)
    assert entra.simulator.accepts(answer["access_token"], {RESOURCE})
    assert "error" in await asyncio.to_thread(run, SCOPES[0])
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    assert "error" in await asyncio.to_thread(run, "https://other.crm4.dynamics.com")
