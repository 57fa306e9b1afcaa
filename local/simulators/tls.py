"""TLS on loopback: a throw-away certificate authority, since msal speaks https only, and closing without a farewell."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

import trustme
from aiohttp import web


@dataclass(frozen=True)
class LocalTls:
    """``ca_file`` is for clients (PEM), ``server`` the context simulators listen with."""

    ca_file: Path
    server: ssl.SSLContext


def make_local_tls(directory: Path) -> LocalTls:
    """Make a new authority, write its certificate to ``ca.pem`` in the directory, and issue one for loopback names."""
    authority = trustme.CA()
    directory.mkdir(parents=True, exist_ok=True)
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return LocalTls(ca_file, context)


class OpenConnections:
    """The connections of an application, to be dropped when it stops.

    A TLS connection is closed politely only when both ends agree; a client that keeps it (msal does) would leave the
    server's end open beyond the life of its event loop.
    """

    def __init__(self, app: web.Application) -> None:
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        app.middlewares.append(self._remember)

    @web.middleware
    async def _remember(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        return await handler(request)

    async def drop(self) -> None:
        """Drop all connections at once and let the loop notice."""
        for transport in list(self._transports):
            transport.abort()
        await asyncio.sleep(0)
