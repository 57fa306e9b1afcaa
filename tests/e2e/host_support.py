"""A small function app and the means to watch it, for the tests of the functions host."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from local.azurite import Azurite
from local.host.launch import HostProcess

# Every function appends what it saw to the file named by EVENTS, one line of JSON at a time.
APP = """
import asyncio, json, logging, os, sys, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
other = func.Blueprint()

def note(kind, **fields):
    line = json.dumps({"kind": kind, "pid": os.getpid(), **fields}) + "\\n"
    file = os.open(os.environ["EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)

@app.route(route="first", auth_level=func.AuthLevel.ANONYMOUS, methods=["GET"])
def first(req: func.HttpRequest) -> str:
    return "first"

@app.route(route="orders/{customer}/{number:int?}", methods=["GET", "POST"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    seen = {"params": dict(req.route_params), "query": dict(req.params), "headers": dict(req.headers)}
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"Set-Cookie": "a=b; Path=/"})

@app.route(route="admins", auth_level=func.AuthLevel.ADMIN)
def admins(req: func.HttpRequest) -> str:
    return "admins"

@app.route(route="{anything:alpha}", auth_level=func.AuthLevel.ANONYMOUS, methods=["GET"])
def second(req: func.HttpRequest) -> str:
    return "second"

@other.route(route="echo", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), status_code=201, mimetype="application/octet-stream")

@app.route(route="nothing/here", auth_level=func.AuthLevel.ANONYMOUS)
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None

@app.generic_trigger(arg_name="req", type="httpTrigger", route="no/answer", authLevel="anonymous", methods=["GET"])
def silent(req: func.HttpRequest) -> None:
    pass

@app.route(route="boom/now", auth_level=func.AuthLevel.ANONYMOUS)
def boom(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("boom")

@app.route(route="speak/up", auth_level=func.AuthLevel.ANONYMOUS)
async def speak(req: func.HttpRequest, context: func.Context) -> str:
    print("printed by the app")
    logging.getLogger("sample").warning("logged by the app", extra={"run_id": "r-7"})
    return context.invocation_id

@app.route(route="who/am/i", auth_level=func.AuthLevel.ANONYMOUS)
async def who(req: func.HttpRequest) -> str:
    return json.dumps({"pid": os.getpid(), "ca": os.environ.get("REQUESTS_CA_BUNDLE")})

@app.route(route="block/loop", auth_level=func.AuthLevel.ANONYMOUS)
async def block(req: func.HttpRequest) -> str:
    note("blocking")
    time.sleep(float(req.params["seconds"]))
    return "done"

@app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def work(msg: func.QueueMessage) -> None:
    body = msg.get_json()
    note("work", body=body, count=msg.dequeue_count)
    if body.get("fail"):
        raise ValueError("told to fail")
    await asyncio.sleep(body.get("seconds", 0) if msg.dequeue_count == 1 else 0)
    note("worked", body=body)

@app.timer_trigger(schedule="%SCHEDULE%", arg_name="timer")
async def tick(timer: func.TimerRequest) -> None:
    note("tick", at=time.time(), past_due=timer.past_due, status=timer.schedule_status)
    await asyncio.sleep(float(os.environ.get("TICK_SECONDS", "0")))
    note("ticked", at=time.time())

app.register_functions(other)
"""

NEVER = "0 0 0 1 1 *"


def write_app(directory: Path, host_json: dict[str, Any] | None = None, source: str = APP) -> Path:
    """Write a function app into a new directory; queues are polled often unless host.json says otherwise."""
    directory.mkdir()
    queues = {"maxPollingInterval": "00:00:00.2", **(host_json or {}).pop("queues", {})}
    document = {"version": "2.0", "extensions": {"queues": queues}, **(host_json or {})}
    (directory / "host.json").write_text(json.dumps(document))
    (directory / "function_app.py").write_text(source)
    return directory


class Bench:
    """One app on one storage account, its hosts, and what its functions noted."""

    def __init__(self, azurite: Azurite, app_dir: Path, **settings: str) -> None:
        self.app_dir = app_dir
        self.events_file = app_dir / "events.jsonl"
        self.log_file = app_dir / "host.log"
        self.queue_name = f"queue-{abs(hash(str(app_dir)))}"
        self._connection = azurite.connection_string
        self.settings = {
            "AzureWebJobsStorage": self._connection,
            "QUEUE": self.queue_name,
            "SCHEDULE": NEVER,
            "EVENTS": str(self.events_file),
            "LOCAL_HOST_TIMER_LEASE_SECONDS": "30",
            "LOCAL_HOST_STOP_GRACE_SECONDS": "2",
            **settings,
        }

    async def host(self, settings: dict[str, str] | None = None, *, workers: int = 1) -> HostProcess:
        """One more host process of the app, with these settings over the bench's own."""
        return await HostProcess.start(
            self.app_dir, {**self.settings, **(settings or {})}, workers=workers, log_file=self.log_file
        )

    @contextlib.asynccontextmanager
    async def queue(self, suffix: str = "") -> AsyncIterator[QueueClient]:
        """The app's queue, or its poison queue."""
        async with QueueClient.from_connection_string(self._connection, self.queue_name + suffix) as client:
            yield client

    async def send(self, *bodies: dict[str, Any]) -> None:
        """Put messages into the app's queue, which is created first."""
        async with self.queue() as queue:
            with contextlib.suppress(ResourceExistsError):
                await queue.create_queue()
            for body in bodies:
                await queue.send_message(base64.b64encode(json.dumps(body).encode()).decode())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What functions noted under this kind, oldest first."""
        if not self.events_file.exists():
            return []
        found = [json.loads(line) for line in self.events_file.read_text().splitlines()]
        return [event for event in found if event["kind"] == kind]

    async def event(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until there are that many."""
        await until(lambda: len(self.events(kind)) >= count, f"{count} × {kind}", self.log)
        return self.events(kind)

    def log(self) -> str:
        """All that host and workers logged."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    async def poison(self) -> list[str]:
        """Wait for a message in the poison queue; the bodies there, as they were sent."""
        async with self.queue("-poison") as queue:

            async def bodies() -> list[str]:
                with contextlib.suppress(ResourceNotFoundError):
                    return [str(message.content) for message in await queue.peek_messages(32)]
                return []

            return await until_async(bodies, "a poison message", self.log)

    async def is_empty(self) -> None:
        """Wait until the app's queue holds nothing, visible or not."""
        async with self.queue() as queue:

            async def empty() -> bool:
                return (await queue.get_queue_properties()).approximate_message_count == 0

            await until_async(empty, "an empty queue", self.log)


async def until_async[T](
    condition: Callable[[], Awaitable[T]], what: str, log: Callable[[], str], seconds: float = 30
) -> T:
    """What the condition gives once that is true, or AssertionError with the log after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}\n{log()}"
        await asyncio.sleep(0.02)
    return value


async def until(condition: Callable[[], object], what: str, log: Callable[[], str] = str, seconds: float = 30) -> None:
    """Return once the condition is true."""

    async def asked() -> object:
        return condition()

    await until_async(asked, what, log, seconds)


def is_running(pid: int) -> bool:
    """Whether the process lives; one that ended and only waits to be noticed by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(FileNotFoundError):
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return not Path("/proc/self").exists()
