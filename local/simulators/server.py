"""Start and stop one aiohttp application on loopback."""

from __future__ import annotations

import ssl as tls
from dataclasses import dataclass

from aiohttp import web

HOST = "127.0.0.1"
MAX_LINE_BYTES = 128 * 1024
"""What the HTTP parser takes; a simulator refuses long URLs by the limit of the system it plays."""


@dataclass
class RunningServer:
    """A started application; ``base_url`` has scheme, host and port, without a slash at the end."""

    base_url: str
    port: int
    runner: web.AppRunner

    async def stop(self) -> None:
        """Close the port and all connections; requests still running get a moment, then are cancelled."""
        await self.runner.cleanup()


async def start_server(
    app: web.Application, *, port: int = 0, ssl: tls.SSLContext | None = None, keepalive_seconds: float = 75.0
) -> RunningServer:
    """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError if the port is taken.

    An application can be started again after `RunningServer.stop` only as a new object, since aiohttp freezes it.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=keepalive_seconds,
        shutdown_timeout=0.2,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, ssl_context=ssl)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0][1]
    scheme = "https" if ssl is not None else "http"
    return RunningServer(base_url=f"{scheme}://{HOST}:{bound}", port=bound, runner=runner)
