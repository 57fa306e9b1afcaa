"""Worker processes under supervision: started, used in turn, replaced when they die or a function takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import secrets
import sys
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.host.config import ConfigError
from local.host.functions import Function
from local.host.logs import LEVEL_VARIABLE
from local.host.messages import (
    PREFIX,
    Datum,
    FunctionInfo,
    HttpCall,
    Invocation,
    Ready,
    Result,
    Stop,
    decode_from_worker,
    encode,
)

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parent.parent.parent
_LONGEST_RESTART_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Cause:
    """Why a function is called: shown in the log; ``metadata`` and trace headers reach the function."""

    reason: str
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""


class WorkerProcess:
    """One worker and the invocations it has in flight. All of them fail when it exits."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._waiting: dict[str, asyncio.Future[Result]] = {}
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, app_dir: Path, environment: Mapping[str, str]) -> tuple[WorkerProcess, list[FunctionInfo]]:
        """A worker that has indexed the app, and what it found. Raises ConfigError if the app cannot be indexed."""
        path = os.pathsep.join(filter(None, (str(_ROOT), environment.get("PYTHONPATH", ""))))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "local.host.worker", str(app_dir),
            stdin=PIPE, stdout=PIPE, cwd=app_dir, env={**environment, "PYTHONPATH": path},
        )  # fmt: skip
        worker = cls(process)
        try:
            ready = await worker._ready
        except asyncio.CancelledError:
            await worker.kill()
            raise
        if ready.error:
            await worker.kill()
            raise ConfigError(f"the app could not be indexed: {ready.error}")
        return worker, ready.functions

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return not self._reader.done()

    async def invoke(self, invocation: Invocation) -> Result:
        """Call a function and wait for what becomes of it, also if that is the worker's death."""
        assert self._process.stdin is not None
        waiting: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[invocation.id] = waiting
        if not self.alive:
            return self._died(invocation.id)
        try:
            self._process.stdin.write(encode(invocation))
            return await waiting
        finally:
            self._waiting.pop(invocation.id, None)

    async def wait(self) -> None:
        """Return when the worker is gone and its invocations have failed."""
        await asyncio.shield(self._reader)

    async def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.wait()

    async def stop(self, grace_seconds: float) -> None:
        """Tell it to finish, and end it if it does not."""
        assert self._process.stdin is not None
        if self.alive:
            self._process.stdin.write(encode(Stop()))
        try:
            await asyncio.wait_for(self.wait(), grace_seconds)
        except TimeoutError:
            await self.kill()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                prefix = await self._process.stdout.readexactly(PREFIX.size)
                message = decode_from_worker(await self._process.stdout.readexactly(PREFIX.unpack(prefix)[0]))
                if isinstance(message, Ready):
                    self._ready.set_result(message)
                elif (waiting := self._waiting.get(message.id)) is not None and not waiting.done():
                    waiting.set_result(message)
        code = await self._process.wait()
        self._process.stdin.close()
        if not self._ready.done():
            self._ready.set_result(Ready(error=f"the worker process ended with {code} before it was ready"))
        for invocation_id, waiting in self._waiting.items():
            if not waiting.done():
                waiting.set_result(self._died(invocation_id))

    def _died(self, invocation_id: str) -> Result:
        return Result(invocation_id, ok=False, error=f"the worker process {self.pid} exited")


class WorkerPool:
    """Several workers of one app, used in turn. ``timeout_seconds`` is the app's functionTimeout (None: unbounded)."""

    def __init__(
        self, app_dir: Path, environment: Mapping[str, str], *, count: int, timeout_seconds: float | None, level: str
    ) -> None:
        self._app_dir = app_dir
        self._environment = {**environment, LEVEL_VARIABLE: level}
        self._timeout_seconds = timeout_seconds
        self._slots: list[WorkerProcess | None] = [None] * count
        self._turns = itertools.count()
        self._change = asyncio.Condition()
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> list[FunctionInfo]:
        """Start all workers; the functions of the app. Raises ConfigError if it cannot be indexed."""
        started = [WorkerProcess.start(self._app_dir, self._environment) for _ in self._slots]
        outcomes = await asyncio.gather(*started, return_exceptions=True)
        workers = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                await asyncio.gather(*(worker.kill() for worker, _ in workers))
                raise outcome
        self._slots = [worker for worker, _ in workers]
        self._keepers = [asyncio.create_task(self._keep(slot)) for slot in range(len(workers))]
        return workers[0][1]

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are alive."""
        return [worker.pid for worker in self._slots if worker is not None and worker.alive]

    async def invoke(self, function: Function, value: Datum | HttpCall, cause: Cause) -> Result:
        """Call a function on the next worker, waiting for one if all are being replaced.

        Past functionTimeout the worker is killed, as Azure does, which also fails whatever else it was doing.
        """
        invocation = Invocation(
            id=str(uuid.uuid4()),
            function_id=function.id,
            argument=function.trigger.argument,
            value=value,
            metadata=dict(cause.metadata),
            trace_parent=cause.trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
            trace_state=cause.trace_state,
        )
        worker = await self._next_worker()
        if worker is None:
            return Result(invocation.id, ok=False, error="the host is stopping")
        log.info("executing %s: %s, invocation %s", function.name, cause.reason, invocation.id)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                result = await worker.invoke(invocation)
        except TimeoutError:
            await worker.kill()
            text = f"the timeout of {self._timeout_seconds} s was exceeded by {function.name}; its worker was ended"
            result = Result(invocation.id, ok=False, error=text)
        milliseconds = round((time.monotonic() - started) * 1000)
        if result.ok:
            log.info("executed %s: succeeded in %d ms, invocation %s", function.name, milliseconds, invocation.id)
        else:
            text = "executed %s: failed in %d ms, invocation %s: %s\n%s"
            log.error(text, function.name, milliseconds, invocation.id, result.error, result.stack)
        return result

    async def stop(self, grace_seconds: float) -> None:
        """End all workers and wait until they are gone; what is still in flight fails."""
        async with self._change:
            self._stopping = True
            self._change.notify_all()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(worker.stop(grace_seconds) for worker in self._slots if worker is not None))

    async def _next_worker(self) -> WorkerProcess | None:
        async with self._change:
            while not self._stopping:
                alive = [worker for worker in self._slots if worker is not None and worker.alive]
                if alive:
                    return alive[next(self._turns) % len(alive)]
                await self._change.wait()
        return None

    async def _keep(self, slot: int) -> None:
        """Replace the worker of this slot whenever it exits; wait longer between tries while the app won't start."""
        pause = 0.0
        while True:
            worker = self._slots[slot]
            if worker is not None:
                await worker.wait()
                log.warning("worker %d exited; starting another", worker.pid)
            await asyncio.sleep(pause)
            try:
                self._slots[slot], _ = await WorkerProcess.start(self._app_dir, self._environment)
            except ConfigError as error:
                self._slots[slot] = None
                pause = min(pause * 2 or 1.0, _LONGEST_RESTART_PAUSE_SECONDS)
                log.error("no worker in slot %d: %s", slot, error)
                continue
            pause = 0.0
            async with self._change:
                self._change.notify_all()
