"""One host process: workers, listeners and HTTP server of one app, started and stopped in order."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.config import ConfigError, HostConfig, Settings
from local.host.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger, parse_function
from local.host.http_server import HttpServer
from local.host.keys import HostKeys
from local.host.messages import FunctionInfo
from local.host.ncrontab import parse_schedule
from local.host.process import WorkerPool
from local.host.queues import POISON_SUFFIX, QueueListener
from local.host.storage import Storage
from local.host.timers import TABLE, TimerListener, TimerRow

log = logging.getLogger(__name__)

_MOST_WORKERS = 10
_LOCK_SECONDS = 600.0
_LEASE_SECONDS = 15.0
_GRACE_SECONDS = 5.0

type Listener = QueueListener | TimerListener


@dataclass(frozen=True)
class Started:
    """What whoever started the host wants to know."""

    port: int
    keys: HostKeys
    functions: list[str]
    worker_pids: list[int]

    def as_json(self) -> str:
        """One line."""
        document = {
            "url": f"http://127.0.0.1:{self.port}",
            "functionKey": self.keys.function,
            "masterKey": self.keys.master,
            "functions": self.functions,
            "workerPids": self.worker_pids,
        }
        return json.dumps(document)


class Host:
    """Serves one app. ``start`` once, ``stop`` once."""

    def __init__(self, app_dir: Path, settings: Settings, *, workers: int | None = None) -> None:
        self._app_dir = app_dir.resolve()
        self._settings = settings
        self._config = HostConfig.load(self._app_dir, settings.values)
        self._grace_seconds = settings.seconds("LOCAL_HOST_STOP_GRACE_SECONDS", _GRACE_SECONDS)
        self._host_id = settings.host_id(self._app_dir)
        self._instance = uuid.uuid4().hex
        self._storage = Storage(settings)
        self._pool = WorkerPool(
            self._app_dir,
            settings.values,
            count=workers or worker_count(settings.values),
            timeout_seconds=self._config.function_timeout_seconds,
            level=self._config.log_level,
        )
        self._listeners: dict[str, Listener] = {}
        self._running: list[asyncio.Task[None]] = []
        self._server: HttpServer | None = None

    async def start(self, port: int) -> Started:
        """Index the app, then listen. Raises ConfigError where the app or its configuration cannot be served."""
        try:
            functions = enabled_functions(await self._pool.start(), self._settings)
            keys = await HostKeys.load(self._settings, self._storage, self._host_id)
            for function in functions:
                listener = self._listener(function)
                if listener is not None:
                    self._listeners[function.name] = listener
            self._server = HttpServer(
                functions,
                prefix=self._config.route_prefix,
                pool=self._pool,
                keys=keys,
                host_id=self._host_id,
                by_hand=self._run_by_hand,
            )
            bound = await self._server.start(port, self._grace_seconds)
        except BaseException:
            await self.stop()
            raise
        self._running = [asyncio.create_task(_run(name, listener)) for name, listener in self._listeners.items()]
        return Started(bound, keys, [function.name for function in functions], self._pool.pids)

    async def stop(self) -> None:
        """Take nothing new, wait a little for what is in flight, then end the workers; what they left has failed."""
        for listener in self._listeners.values():
            listener.stop()
        if self._server is not None:
            await self._server.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=self._grace_seconds)
        await self._pool.stop(self._grace_seconds)
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._storage.close()

    def _listener(self, function: Function) -> Listener | None:
        trigger = function.trigger
        match trigger:
            case QueueTrigger():
                name = self._settings.resolve(trigger.queue)
                return QueueListener(
                    function,
                    queue=self._storage.queue(trigger.connection, name),
                    poison=self._storage.queue(trigger.connection, name + POISON_SUFFIX),
                    pool=self._pool,
                    options=self._config.queues,
                    lock_seconds=round(self._settings.seconds("LOCAL_HOST_MESSAGE_LOCK_SECONDS", _LOCK_SECONDS)),
                )
            case TimerTrigger():
                text = self._settings.resolve(trigger.schedule)
                lease = self._settings.seconds("LOCAL_HOST_TIMER_LEASE_SECONDS", _LEASE_SECONDS)
                row = TimerRow(
                    self._storage.table(TABLE),
                    (self._host_id, function.name),
                    owner=self._instance,
                    lease_seconds=lease,
                )
                return TimerListener(
                    function, schedule=parse_schedule(text), text=text, row=row, pool=self._pool, lease_seconds=lease
                )
            case HttpTrigger():
                return None

    async def _run_by_hand(self, function: Function, text: str) -> None:
        await self._listeners[function.name].run_by_hand(text)


async def _run(name: str, listener: Listener) -> None:
    try:
        await listener.run()
    except Exception:
        log.exception("the listener of %s ended by a mistake of the host", name)
        raise


def worker_count(values: Mapping[str, str]) -> int:
    """FUNCTIONS_WORKER_PROCESS_COUNT, 1 to 10 (the platform's own limit)."""
    text = values.get("FUNCTIONS_WORKER_PROCESS_COUNT", "1")
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_WORKERS:
        raise ConfigError(f"FUNCTIONS_WORKER_PROCESS_COUNT must be 1 to {_MOST_WORKERS}")
    return int(text)


def enabled_functions(found: list[FunctionInfo], settings: Settings) -> list[Function]:
    """The app's functions in the order of registration, without those that a setting disables."""
    functions = []
    for info in found:
        bindings: list[Any] = [json.loads(binding) for binding in info.bindings]
        if settings.disabled(info.name):
            log.warning("function %s is disabled", info.name)
        else:
            functions.append(parse_function(info.name, info.id, bindings))
    if not found:
        raise ConfigError("no functions were found: is there a function_app.py?")
    return functions
