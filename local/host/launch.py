"""Start and stop the host as a child process: what tests, demo and ``python -m local`` use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp

from local.processes import end

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0


class HostProcess:
    """A running host. It stops by itself when this process ends, however that happens.

    ``base_url`` has no path and no trailing slash; ``worker_pids`` are those at start (``current_worker_pids`` asks).
    Start and stop it in the same event loop.
    """

    def __init__(self, process: Process, ready: Mapping[str, Any]) -> None:
        self._process = process
        self.pid = process.pid
        self.base_url = str(ready["url"])
        self.function_key = str(ready["functionKey"])
        self.master_key = str(ready["masterKey"])
        self.functions: list[str] = list(ready["functions"])
        self.worker_pids: list[int] = list(ready["workerPids"])

    @classmethod
    async def start(
        cls,
        app_dir: Path,
        settings: Mapping[str, str],
        *,
        port: int = 0,
        workers: int = 1,
        log_file: Path | None = None,
    ) -> HostProcess:
        """A host that is ready. The settings reach host and workers as environment, over this process's own.

        Raises RuntimeError if the app cannot be served; why is in the log (stderr without ``log_file``).
        """
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        arguments = ["--app", str(app_dir), "--port", str(port), "--workers", str(workers), "--stop-with-stdin"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "local.host", *arguments, *(["--log-file", str(log_file)] if log_file else []),
            stdin=PIPE, stdout=PIPE, cwd=_ROOT, env={**os.environ, "PYTHONPATH": path, **settings},
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
        except BaseException:
            await end(process)
            raise
        if not line:
            code = await process.wait()
            await end(process)
            raise RuntimeError(f"the host ended with {code} before it was ready; see its log")
        return cls(process, json.loads(line))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def current_worker_pids(self) -> list[int]:
        """The workers that are alive now."""
        headers = {"x-functions-key": self.master_key}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.base_url}/admin/host/status", headers=headers, raise_for_status=True) as response,
        ):
            return list((await response.json())["workerPids"])

    async def wait(self) -> int:
        """Wait until it has ended; its exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop it and its workers in order and wait until it is gone; harmless when it already is."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await end(self._process, _STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is finished. ``await stop()`` afterwards waits until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
