"""What the Dataverse tests share: a client on a scripted transport, tokens, a gate and a clock that only record."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from shared.clients.connections import Clock
from shared.clients.dataverse import Certificate, DataverseClient, DataverseConfig
from shared.ports import Entity

ROOT = "https://contoso.crm4.dynamics.com"
API = f"{ROOT}/api/data/v9.2/"
DATE = "Sat, 22 Nov 2025 05:00:00 GMT"
READ_AT = datetime(2025, 11, 22, 5, 0, tzinfo=UTC)

ACCOUNT = Entity(
    set="accounts",
    type="account",
    key="accountid",
    version="versionnumber",
    select=("name", "accountnumber"),
    scope="customertypecode eq 3",
    modified=("modifiedon",),
    created=("createdon",),
)

Handler = Callable[[httpx.Request], httpx.Response]


def guid(number: int) -> str:
    """A key of Dataverse that is easy to recognise."""
    return f"00000000-0000-4000-8000-{number:012d}"


def config(**changes: Any) -> DataverseConfig:
    """Settings of an app registration with a secret."""
    given: dict[str, Any] = {"base_url": ROOT, "tenant": "contoso", "client_id": "app", "secret": "s3cret"}
    return DataverseConfig(**{**given, **changes})


def new_certificate() -> Certificate:
    """A fresh self-signed client certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())


class CountedTokens:
    """Hands out token-1, token-2, …; the next one after the current was dropped."""

    def __init__(self) -> None:
        self.number = 1
        self.closed = False

    async def token(self) -> str:
        return f"token-{self.number}"

    async def drop(self, token: str) -> None:
        if token == f"token-{self.number}":
            self.number += 1

    async def close(self) -> None:
        self.closed = True


class RecordingGate:
    """Lets everything through and remembers what it was told."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.hints: list[int] = []
        self.slots = 0

    def slot(self) -> AbstractAsyncContextManager[None]:
        self.slots += 1
        return _free()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def hint(self, at_once: int) -> None:
        self.hints.append(at_once)


@asynccontextmanager
async def _free() -> AsyncIterator[None]:
    yield


class JumpingClock:
    """A clock that jumps forward instead of sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: READ_AT, monotonic=lambda: self.seconds, sleep=self.sleep)


class Wire:
    """A transport that answers from a handler and remembers every request."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[httpx.Request] = []
        self._handler = handler

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self._handler(request)
        response.headers.setdefault("Date", DATE)
        return response

    @property
    def paths(self) -> list[str]:
        """Method and path of every request, without query."""
        return [f"{request.method} {request.url.path.removeprefix('/api/data/v9.2')}" for request in self.requests]


def client_on(wire: Wire, **changes: Any) -> DataverseClient:
    """A client on that wire; sleeping costs nothing."""
    parts: dict[str, Any] = {"tokens": CountedTokens(), "clock": JumpingClock().clock()}
    given = changes.pop("config", None) or config()
    return DataverseClient(given, transport=httpx.MockTransport(wire), **{**parts, **changes})


def refusal(status: int, code: str = "", message: str = "", **headers: str) -> httpx.Response:
    """An OData error as Dataverse words it."""
    return httpx.Response(status, json={"error": {"code": code, "message": message}}, headers=headers)


def rows_answer(rows: list[dict[str, Any]], next_link: str | None = None) -> httpx.Response:
    """A page of rows."""
    body: dict[str, Any] = {"@odata.context": f"{API}$metadata#accounts", "value": rows}
    if next_link:
        body["@odata.nextLink"] = next_link
    return httpx.Response(200, json=body)


def inner_requests(request: httpx.Request) -> list[tuple[str, str, dict[str, str], Any]]:
    """Method, path, headers and JSON body of every part of a batch request."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers["Content-Type"])
    assert boundary
    found = []
    for part in request.content.decode().split(f"--{boundary[1]}")[1:-1]:
        _, inner = part.split("\r\n\r\n", 1)
        head, _, body = inner.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        found.append((method, path, headers, json.loads(body) if body.strip() else None))
    return found


def batch_answer(*parts: tuple[int, dict[str, str], Any]) -> httpx.Response:
    """A batch answer as Dataverse frames it."""
    lines: list[str] = []
    for status, headers, body in parts:
        lines += ["--batchresponse_1", "Content-Type: application/http", "Content-Transfer-Encoding: binary", ""]
        lines += [f"HTTP/1.1 {status} Answer", "OData-Version: 4.0", *(f"{k}: {v}" for k, v in headers.items())]
        lines += ["", "" if body is None else json.dumps(body)]
    lines += ["--batchresponse_1--", ""]
    content_type = "multipart/mixed; boundary=batchresponse_1"
    return httpx.Response(200, content="\r\n".join(lines).encode(), headers={"Content-Type": content_type})


def refused_part(status: int, code: str, message: str) -> tuple[int, dict[str, str], Any]:
    """One part of a batch answer that says no."""
    return status, {"Content-Type": "application/json"}, {"error": {"code": code, "message": message}}


DONE: tuple[int, dict[str, str], Any] = (204, {}, None)
