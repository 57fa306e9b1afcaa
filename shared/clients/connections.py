"""Connections to a system: how long to wait, whom to trust, how many at once."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from shared.clients.answers import Effect
from shared.errors import Misconfigured


@dataclass(frozen=True)
class HttpTimes:
    """How long one request may take and how long it is repeated, in seconds.

    ``budget`` bounds waiting: no repeat starts after it. One request never takes longer than :meth:`longest`.
    """

    connect: float = 10.0
    read: float = 60.0
    write_read: float = 120.0
    budget: float = 20.0
    first_wait: float = 0.5
    longest_wait: float = 8.0

    def reading(self, effect: Effect) -> float:
        """How long to wait for the answer."""
        return self.read if effect is Effect.READ else self.write_read

    def longest(self, effect: Effect) -> float:
        """The most one request can take from its first byte to its last; a gate lease must outlive it."""
        return self.connect + self.reading(effect)

    def timeout(self, effect: Effect) -> httpx.Timeout:
        """The same for httpx."""
        return httpx.Timeout(connect=self.connect, pool=self.connect, write=self.connect, read=self.reading(effect))


@dataclass(frozen=True)
class Clock:
    """Where time comes from: the wall clock in UTC, a clock that only goes forward, and sleep. Tests bring their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def trust(ca_bundle: str | None) -> ssl.SSLContext:
    """Which certificates to believe: those in the PEM file, or the public ones.

    Raises Misconfigured where the file is missing or holds no certificate.
    """
    if ca_bundle is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        context = ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured("the CA bundle cannot be read", code=type(error).__name__) from error
    # Installers' own certificates (SAP's among them) often lack the extensions that strict checking asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def new_http_client(
    *,
    ca_bundle: str | None = None,
    max_connections: int = 16,
    keepalive_seconds: float = 4.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client without a cookie jar, proxies from the environment or redirects; ``transport`` is for tests.

    httpx reports whole URLs at INFO; filters hold record data, so its loggers are quietened.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        verify=trust(ca_bundle) if transport is None else True,
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=keepalive_seconds,
        ),
    )
