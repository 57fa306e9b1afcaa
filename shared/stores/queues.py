"""Queue Storage as the hub uses it: small JSON messages, sent now or later. The platform reads and deletes them.

Messages are base64, which the platform expects (host.json ``messageEncoding``) and which keeps odd characters from
hiding a page of messages. They never expire. Errors are those of :func:`shared.stores.storage.mapped_errors`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from shared.errors import LostRace
from shared.stores.storage import CallCounter, mapped_errors

# The queues there are; the platform makes ``<name>-poison`` where a worker failed too often, which only a bug does.
RUNS = "runs"
DELIVERIES = "deliveries"
MARKS = "marks"
QUEUES = (RUNS, DELIVERIES, MARKS)

# 64 KiB of base64 (Queue Storage, "Put Message").
MOST_MESSAGE_BYTES = 48 * 1024
LONGEST_DELAY_SECONDS = 7 * 24 * 3600
_NEVER_EXPIRES = -1
_MOST_PEEKED = 32


def poison(queue: str) -> str:
    """Where the platform puts the messages of a queue that failed too often."""
    return f"{queue}-poison"


@dataclass(frozen=True)
class Peeked:
    """A message that waits, not taken; ``message`` is None where it is not a JSON object."""

    message: dict[str, Any] | None
    inserted_at: datetime | None


class Queues:
    """The account's queues, by a connection string or by address and identity; each is made when it is first used.

    ``prefix`` comes before every queue's name, so that tests share one account. ``retries`` bounds the SDK's repeats.
    """

    def __init__(
        self,
        connection_string: str = "",
        *,
        account_url: str = "",
        credential: AsyncTokenCredential | None = None,
        counter: CallCounter | None = None,
        prefix: str = "",
        retries: int = 3,
    ) -> None:
        options: dict[str, Any] = {
            # The SDK's own retry policy, quicker than its 15 seconds; what lasts longer is for the queue to wait out.
            "initial_backoff": 1,
            "increment_base": 2,
            "random_jitter_range": 1,
            "retry_total": retries,
            "connection_timeout": 10,
            "read_timeout": 30,
            "raw_request_hook": counter,
        }
        if connection_string:
            self._service = QueueServiceClient.from_connection_string(connection_string, **options)
        else:
            self._service = QueueServiceClient(account_url, credential=credential, **options)
        self._prefix = prefix
        self._queues: dict[str, QueueClient] = {}

    async def send(self, queue: str, message: Mapping[str, Any], delay_seconds: float = 0) -> None:
        """Send one message; it is not seen before the delay, counted up to whole seconds and seven days at most.

        It may arrive twice, and in any order. ValueError for one that is not JSON or over 48 KiB.
        """
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        if len(body) > MOST_MESSAGE_BYTES:
            raise ValueError(f"a message of {len(body)} bytes is more than a queue takes")
        text = base64.b64encode(body).decode()
        hidden = min(math.ceil(max(delay_seconds, 0)), LONGEST_DELAY_SECONDS)
        client = self._client(queue)
        with mapped_errors():
            try:
                await client.send_message(text, visibility_timeout=hidden, time_to_live=_NEVER_EXPIRES)
            except ResourceNotFoundError:
                await self._create(client)
                await client.send_message(text, visibility_timeout=hidden, time_to_live=_NEVER_EXPIRES)

    async def count(self, queue: str) -> int:
        """About how many messages are in the queue, those that are hidden among them; 0 where there is no queue."""
        try:
            with mapped_errors():
                properties = await self._client(queue).get_queue_properties()
        except LostRace:
            return 0
        return int(properties.approximate_message_count or 0)

    async def peek(self, queue: str, most: int = 1) -> list[Peeked]:
        """The first messages that could be taken now, up to 32, left where they are."""
        try:
            with mapped_errors():
                found = await self._client(queue).peek_messages(max_messages=min(most, _MOST_PEEKED))
        except LostRace:
            return []
        return [Peeked(_decoded(one.content), one.inserted_on) for one in found]

    async def close(self) -> None:
        """Give back the connections; the identity is its owner's to close."""
        for client in self._queues.values():
            await client.close()
        await self._service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _client(self, queue: str) -> QueueClient:
        if queue not in self._queues:
            self._queues[queue] = self._service.get_queue_client(self._prefix + queue)
        return self._queues[queue]

    async def _create(self, client: QueueClient) -> None:
        try:
            await client.create_queue()
        except ResourceExistsError:
            return  # somebody else was faster


def _decoded(content: object) -> dict[str, Any] | None:
    try:
        message = json.loads(base64.b64decode(str(content), validate=True))
    except (binascii.Error, ValueError):
        return None
    return message if isinstance(message, dict) else None
