"""Azurite, Microsoft's storage emulator, as a child process on loopback.

It is started with ``--skipApiVersionCheck`` (the Python SDK asks for an API version newer than Azurite knows) and
``--disableTelemetry`` (it would phone out). Node is told to exit when its standard input closes: the kernel closes
that pipe however this process ends, so that a killed parent leaves no Azurite behind, on Linux and macOS alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Generator
from pathlib import Path
from typing import Self

from local.processes import end

ACCOUNT = "devstoreaccount1"
# The emulator's account and key are the same on every machine and published in Azurite's documentation.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_ROOT = Path(__file__).resolve().parent.parent
_SCRIPT = _ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
# unref: watching standard input must not keep Node from ending by itself after SIGTERM.
_INDEX = _ROOT / "local" / "azurite-index.cjs"  # makes changes of a row independent of how many its partition has
_EXIT_WITH_STDIN = 'data:text/javascript,process.stdin.on("end",()=>process.exit(0)).resume().unref()'
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at http://[\d.]+:(\d+)")
_SERVICES = ("Blob", "Queue", "Table")
# Seconds an idle connection is kept. Azurite's 5 are less than the SDK's clients count on (15), so that a request now
# and then goes into a connection that is being closed; a storage account keeps them longer than its clients do.
_KEEP_ALIVE_SECONDS = 120
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02


def connection_string(blob_port: int, queue_port: int, table_port: int) -> str:
    """The connection string of an Azurite on loopback with these ports."""
    ports = dict(zip(_SERVICES, (blob_port, queue_port, table_port), strict=True))
    endpoints = "".join(f"{name}Endpoint=http://127.0.0.1:{port}/{ACCOUNT};" for name, port in ports.items())
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{endpoints}"


class Azurite:
    """One running Azurite. ``await Azurite.start()`` or ``async with Azurite.start() as azurite:``.

    Port 0 takes a free one. Without ``location`` everything is kept in memory and gone afterwards. Start and stop it
    in the same event loop.
    """

    def __init__(self, ports: tuple[int, int, int], location: Path | None) -> None:
        self._wanted = ports
        self._location = location
        self._ports: dict[str, int] = {}
        self._process: Process | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child writes to it

    @classmethod
    def start(
        cls, *, blob_port: int = 0, queue_port: int = 0, table_port: int = 0, location: Path | None = None
    ) -> Azurite:
        """An Azurite that starts when it is awaited or entered."""
        return cls((blob_port, queue_port, table_port), location)

    def __await__(self) -> Generator[None, None, Self]:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self._start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id of Azurite itself."""
        if self._process is None:
            raise RuntimeError("Azurite was not started")
        return self._process.pid

    @property
    def ports(self) -> tuple[int, int, int]:
        """The ports of blob, queue and table, in this order."""
        return self._ports["Blob"], self._ports["Queue"], self._ports["Table"]

    @property
    def connection_string(self) -> str:
        """What goes into ``AzureWebJobsStorage``: account, key and the three endpoints."""
        return connection_string(*self.ports)

    async def wait(self) -> int:
        """Wait until the process has ended; its exit code."""
        if self._process is None:
            raise RuntimeError("Azurite was not started")
        return await self._process.wait()

    async def stop(self) -> None:
        """End the process and wait until it is gone; harmless when it already is."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await end(process, _STOP_SECONDS)
        self._output.close()

    async def _start(self) -> Self:
        if not _SCRIPT.exists():
            raise RuntimeError("Azurite is not installed: run npm ci")
        self._process = await asyncio.create_subprocess_exec(
            "node", "--require", str(_INDEX), "--import", _EXIT_WITH_STDIN, str(_SCRIPT), *self._arguments(),
            stdin=PIPE, stdout=self._output, stderr=self._output,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_START_SECONDS):
                while len(self._ports) < len(_SERVICES):
                    self._read_ports()
                    await asyncio.sleep(_POLL_SECONDS)
                for port in self.ports:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    await writer.wait_closed()
        except BaseException:
            await self.stop()
            raise
        return self

    def _arguments(self) -> list[str]:
        arguments = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        for service, port in zip(_SERVICES, self._wanted, strict=True):
            name = f"--{service.lower()}"
            arguments += [f"{name}Host", "127.0.0.1", f"{name}Port", str(port)]
            arguments += [f"{name}KeepAliveTimeout", str(_KEEP_ALIVE_SECONDS)]
        return [*arguments, *(["--location", str(self._location)] if self._location else ["--inMemoryPersistence"])]

    def _read_ports(self) -> None:
        self._output.seek(0)
        text = self._output.read().decode("utf-8", "replace")
        if self._process is not None and self._process.returncode is not None:
            raise RuntimeError(f"Azurite ended with {self._process.returncode}: {text.strip()[-500:]}")
        self._ports = {service: int(port) for service, port in _LISTENING.findall(text)}
