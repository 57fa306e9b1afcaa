"""The worker process: one app, one interpreter, driven by the host over stdin and stdout.

Microsoft's ``azure-functions-runtime`` does the work through its public calls: init (which indexes the app), function
metadata, function load, invocation. What the app prints goes to stderr. When stdin closes, the host is gone: the
worker leaves at once, whatever the app is doing, even if it blocks the event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import azure_functions_runtime as runtime

from local.host import logs
from local.host.messages import (
    PREFIX,
    FromWorker,
    FunctionInfo,
    Invocation,
    Ready,
    Result,
    ToWorker,
    decode_to_worker,
    encode,
)
from local.host.protos import PROTOS, StatusResult, invocation_request, values_of


class Worker:
    """Takes messages from the host, gives them to the library, sends back what came of them."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._messages: asyncio.Queue[ToWorker] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, app_dir: Path) -> int:
        """Index the app, say what was found, then serve until told to stop. Returns the exit code."""
        threading.Thread(target=self._read, args=(asyncio.get_running_loop(),), daemon=True).start()
        ready = await index(app_dir)
        self._send(ready)
        if ready.error:
            return 1
        while isinstance(message := await self._messages.get(), Invocation):
            task = asyncio.create_task(self._invoke(message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return 0

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs in a thread of its own, so that a closed pipe is noticed while the event loop is blocked."""
        while len(prefix := self._inbox.read(PREFIX.size)) == PREFIX.size:
            length = PREFIX.unpack(prefix)[0]
            body = self._inbox.read(length)
            if len(body) < length:
                break
            loop.call_soon_threadsafe(self._messages.put_nowait, decode_to_worker(body))
        os._exit(0)

    def _send(self, message: FromWorker) -> None:
        self._outbox.write(encode(message))

    async def _invoke(self, invocation: Invocation) -> None:
        # The library sets the id for synchronous functions only; their threads do not inherit this context.
        runtime.invocation_id_cv.set(invocation.id)
        response = await runtime.invocation_request(invocation_request(invocation))
        self._send(result_of(invocation.id, response))


def result_of(invocation_id: str, response: Any) -> Result:
    """The library's response as our result."""
    if response.result.status != StatusResult.Success:
        exception = response.result.exception
        return Result(invocation_id, ok=False, error=exception.message, stack=exception.stack_trace)
    try:
        return Result(invocation_id, ok=True, values=values_of(response))
    except TypeError as error:
        return Result(invocation_id, ok=False, error=str(error))


async def index(app_dir: Path) -> Ready:
    """Let the library import and index the app; every function is loaded. An import error is told, not raised."""
    runtime.start_threadpool_executor()
    request = SimpleNamespace(worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=str(app_dir)))
    init = await runtime.worker_init_request(
        SimpleNamespace(request=request, properties={"host": "127.0.0.1", "protos": PROTOS})
    )
    if init.result.status != StatusResult.Success:
        return Ready(error=f"{init.result.exception.message}\n{init.result.exception.stack_trace}")
    metadata = await runtime.functions_metadata_request(SimpleNamespace(request=None))
    functions = metadata.function_metadata_results or []
    for function in functions:
        load = SimpleNamespace(function_load_request=SimpleNamespace(function_id=function.function_id))
        await runtime.function_load_request(SimpleNamespace(request=load))
    return Ready([FunctionInfo(f.name, f.function_id, [_text(b) for b in f.raw_bindings]) for f in functions])


def _text(binding: object) -> str:
    return binding if isinstance(binding, str) else json.dumps(binding)


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout for us alone: the app reads nothing there, and what it prints goes to stderr."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def main() -> None:
    """``python -m local.host.worker APP_DIR``, started by the host in that directory."""
    inbox, outbox = _private_pipes()
    logs.configure("worker", os.environ.get(logs.LEVEL_VARIABLE, "INFO"), runtime.invocation_id_cv.get)
    app_dir = Path(sys.argv[1])
    sys.path.insert(0, str(app_dir))
    code = asyncio.run(Worker(inbox, outbox).run(app_dir))
    logging.shutdown()
    sys.stderr.flush()
    # Threads of the app may still run; the host has already waited for every invocation it wants to wait for.
    os._exit(code)


if __name__ == "__main__":
    main()
