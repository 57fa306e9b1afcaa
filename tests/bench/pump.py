"""Takes messages from the real queues and hands them to the hub's workers, as the platform does.

It has a client of its own: what it costs to receive and delete messages is the platform's polling, not the hub's work.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.stores.queues import DELIVERIES, RUNS
from shared.sync import plan, slices
from shared.sync.hub import Hub

type Worker = Callable[[Hub, dict[str, Any]], Awaitable[None]]

_WORKERS: dict[str, Worker] = {RUNS: plan.on_message, DELIVERIES: slices.on_message}
_MOST_AT_ONCE = 32  # messages of one request (Queue Storage)
_SHORTEST_POLL, _LONGEST_POLL = 0.02, 0.2


class Pump:
    """Works on messages until it is stopped or killed. ``after_run_message`` is called after each message of a run.

    ``lock`` is for how many seconds a message that was received is hidden; then another may receive it.
    """

    def __init__(self, hub: Hub, connection: str, prefix: str, *, at_once: int, lock: int = 300) -> None:
        self._hub, self._at_once, self._lock = hub, at_once, lock
        self._service = QueueServiceClient.from_connection_string(connection)
        self._prefix = prefix
        self._tasks: set[asyncio.Task[None]] = set()
        self._receivers: list[asyncio.Task[None]] = []
        self.looked = asyncio.Event()
        self.broken: Exception | None = None
        self.slices_at_work = 0

    async def __aenter__(self) -> Self:
        self._receivers = [asyncio.create_task(self._receive(queue)) for queue in _WORKERS]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        await self._service.close()

    async def kill(self) -> None:
        """Stop in the middle of whatever is being done; what was received stays hidden until its lock ends."""
        tasks = [*self._receivers, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, queue: str) -> None:
        client = self._service.get_queue_client(self._prefix + queue)
        free = asyncio.Semaphore(self._at_once)
        pause = _SHORTEST_POLL
        try:
            await _ensure(client)
            while True:
                await free.acquire()
                taken = 1
                while taken < _MOST_AT_ONCE and not free.locked():
                    await free.acquire()
                    taken += 1
                found = [message async for message in _take(client, taken, self._lock)]
                for _ in range(taken - len(found)):
                    free.release()
                for message in found:
                    self._start(queue, client, message, free)
                pause = _SHORTEST_POLL if found else min(pause * 2, _LONGEST_POLL)
                if not found:
                    await asyncio.sleep(pause)
        except Exception as error:  # told to whoever waits
            self._break(error)
            raise

    def _start(self, queue: str, client: QueueClient, message: QueueMessage, free: asyncio.Semaphore) -> None:
        task = asyncio.create_task(self._work(queue, client, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: free.release())

    async def _work(self, queue: str, client: QueueClient, message: QueueMessage) -> None:
        self.slices_at_work += queue == DELIVERIES
        try:
            await _WORKERS[queue](self._hub, json.loads(base64.b64decode(message.content)))
            await client.delete_message(message)
        except Exception as error:  # a worker never raises but for a bug: the bench must not go on
            self._break(error)
            raise
        finally:
            self.slices_at_work -= queue == DELIVERIES
            if queue == RUNS:
                self.looked.set()

    def _break(self, error: Exception) -> None:
        self.broken = error
        self.looked.set()


async def _ensure(client: QueueClient) -> None:
    try:
        await client.create_queue()
    except ResourceExistsError:
        return


async def _take(client: QueueClient, most: int, lock: int) -> Any:
    try:
        async for message in client.receive_messages(
            messages_per_page=most, max_messages=most, visibility_timeout=lock
        ):
            yield message
    except ResourceNotFoundError:
        return
