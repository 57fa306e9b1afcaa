"""Queue triggers: one listener per function, with the semantics of the WebJobs storage queue extension.

A message is locked for ten minutes (renewed at half time) while its function runs. Success deletes it; failure makes it
visible again after ``visibilityTimeout``, and from the ``maxDequeueCount``-th failure on moves it to ``<queue>-poison``,
as does a body that is not base64. Delivery is at least once: a dead host's messages come back when their lock ends.
A listener never has more than ``batchSize + newBatchThreshold`` messages in flight.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.config import QueueOptions
from local.host.functions import Function, QueueTrigger
from local.host.messages import Datum
from local.host.process import Cause, WorkerPool

log = logging.getLogger(__name__)

POISON_SUFFIX = "-poison"
_LONGEST_NAME = 63
_FIRST_PAUSE_SECONDS = 0.1
_JITTER = 0.2


class Backoff:
    """The pause between two polls of an empty queue: 100 ms, doubling within 20 % of chance, up to the longest."""

    def __init__(self, longest_seconds: float, random_source: random.Random | None = None) -> None:
        self._longest_seconds = longest_seconds
        self._random = random_source or random.Random()
        self._seconds = 0.0

    def reset(self) -> None:
        """A message was found: start again from the shortest pause."""
        self._seconds = 0.0

    def next_seconds(self) -> float:
        """The pause to make now."""
        factor = 2 * self._random.uniform(1 - _JITTER, 1 + _JITTER)
        self._seconds = max(_FIRST_PAUSE_SECONDS, self._seconds * factor)
        self._seconds = min(self._seconds, self._longest_seconds)
        return self._seconds


@dataclass
class Lock:
    """The right to a message until its visibility timeout ends; every renewal changes the receipt."""

    message_id: str
    receipt: str


class QueueListener:
    """Polls one queue and calls one function for its messages."""

    def __init__(
        self,
        function: Function,
        *,
        queue: QueueClient,
        poison: QueueClient,
        pool: WorkerPool,
        options: QueueOptions,
        lock_seconds: int,
    ) -> None:
        assert isinstance(function.trigger, QueueTrigger)
        self._function = function
        self._trigger = function.trigger
        self._queue = queue
        self._poison = poison
        self._pool = pool
        self._options = options
        self._lock_seconds = lock_seconds
        self._in_flight: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Poll until stopped, then finish what is in flight. A queue that does not exist yet is waited for."""
        backoff = Backoff(self._options.max_polling_interval_seconds)
        while not self._stopping.is_set():
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                self._in_flight.add(task)
                task.add_done_callback(self._in_flight.discard)
            if not messages:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), backoff.next_seconds())
                continue
            backoff.reset()
            while len(self._in_flight) > self._options.new_batch_threshold:
                await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
        while self._in_flight:
            await asyncio.wait(self._in_flight)

    def stop(self) -> None:
        """Fetch nothing more. A poll under way is not broken off: its messages would stay locked."""
        self._stopping.set()

    async def run_by_hand(self, text: str) -> None:
        """Call the function with this text as if it were a message's body; nothing is queued, deleted or retried."""
        now = datetime.now().astimezone()
        metadata = {"Id": Datum("string", ""), "DequeueCount": Datum("json", "1"), **_moments(InsertionTime=now)}
        body = Datum("bytes", text.encode()) if self._trigger.binary else Datum("string", text)
        await self._pool.invoke(self._function, body, Cause("called by hand", metadata))

    async def _receive(self) -> list[QueueMessage]:
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size, visibility_timeout=self._lock_seconds
        ).by_page()
        try:
            # One page is one request; going on to the next page would poll again while these messages wait.
            async for page in pages:
                return [message async for message in page]
        except ResourceNotFoundError:
            pass
        except AzureError as error:
            log.warning("polling the queue of %s: %s", self._function.name, error)
        return []

    async def _process(self, message: QueueMessage) -> None:
        lock = Lock(message.id, str(message.pop_receipt))
        count = int(message.dequeue_count or 0)
        try:
            # More often than allowed: a host died after the last try, before it could move the message.
            body = decoded(message.content, as_base64=self._options.base64)
            if body is None or count > self._options.max_dequeue_count:
                await self._move_to_poison(message, lock)
                return
            async with self._renewed(lock):
                ok = await self._invoke(message, body, count)
            if ok:
                await self._queue.delete_message(lock.message_id, lock.receipt)
            elif count >= self._options.max_dequeue_count:
                await self._move_to_poison(message, lock)
            else:
                await self._release(lock)
        except AzureError as error:
            # The lock ended meanwhile or storage is not well: the message stays, and comes again.
            log.warning("completing message %s of %s: %s", message.id, self._function.name, error)

    async def _invoke(self, message: QueueMessage, body: bytes, count: int) -> bool:
        text = body.decode("utf-8", "replace")
        metadata = {
            "Id": Datum("string", message.id),
            "DequeueCount": Datum("json", str(count)),
            "PopReceipt": Datum("string", str(message.pop_receipt)),
            "QueueTrigger": Datum("string", text),
            **_moments(
                InsertionTime=message.inserted_on,
                ExpirationTime=message.expires_on,
                NextVisibleTime=message.next_visible_on,
            ),
        }
        value = Datum("bytes", body) if self._trigger.binary else Datum("string", text)
        cause = Cause(f"message {message.id}, delivery {count}", metadata)
        return (await self._pool.invoke(self._function, value, cause)).ok

    @contextlib.asynccontextmanager
    async def _renewed(self, lock: Lock) -> AsyncIterator[None]:
        """Keep the lock while the body runs. A renewal under way is waited for, since it changes the receipt."""
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(lock, done))
        try:
            yield
        finally:
            done.set()
            await renewal

    async def _renew(self, lock: Lock, done: asyncio.Event) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), self._lock_seconds / 2)
                return
            try:
                renewed = await self._queue.update_message(
                    lock.message_id, lock.receipt, visibility_timeout=self._lock_seconds
                )
            except AzureError as error:
                log.warning("renewing message %s of %s: %s", lock.message_id, self._function.name, error)
            else:
                lock.receipt = str(renewed.pop_receipt)

    async def _release(self, lock: Lock) -> None:
        timeout = round(self._options.visibility_timeout_seconds)
        await self._queue.update_message(lock.message_id, lock.receipt, visibility_timeout=timeout)

    async def _move_to_poison(self, message: QueueMessage, lock: Lock) -> None:
        """Copy the message unchanged and delete it; a poison queue has none itself, there it is released again."""
        if not has_poison_queue(self._queue.queue_name):
            await self._release(lock)
            return
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._poison.create_queue()
            await self._poison.send_message(message.content)
        await self._queue.delete_message(lock.message_id, lock.receipt)
        log.warning("message %s moved to %s", message.id, self._poison.queue_name)


def has_poison_queue(name: str) -> bool:
    """Whether messages of this queue can be moved to ``<name>-poison``."""
    return not name.endswith(POISON_SUFFIX) and len(name) + len(POISON_SUFFIX) <= _LONGEST_NAME


def decoded(content: object, *, as_base64: bool) -> bytes | None:
    """The body of a message; None where it is not what it should be encoded as."""
    text = str(content)
    if not as_base64:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _moments(**moments: datetime | None) -> dict[str, Datum]:
    return {name: Datum("json", json.dumps(at.isoformat())) for name, at in moments.items() if at is not None}
