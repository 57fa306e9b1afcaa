"""Queues against Azurite: messages arrive as the platform expects them, now or later, and never too large."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from azure.storage.queue.aio import QueueServiceClient

from shared.errors import Transient
from shared.stores.queues import DELIVERIES, MOST_MESSAGE_BYTES, RUNS, Queues, poison
from shared.stores.storage import CallCounter


@pytest_asyncio.fixture
async def queues(azurite: str, prefix: str, counter: CallCounter) -> AsyncIterator[Queues]:
    async with Queues(azurite, prefix=prefix, counter=counter) as opened:
        yield opened


async def test_a_message_is_base64_of_json_which_is_what_the_platform_decodes(
    azurite: str, prefix: str, queues: Queues
) -> None:
    message = {"run": "r1", "text": "😀 \x01 'quoted' עברית", "n": 3}
    await queues.send(RUNS, message)
    async with (
        QueueServiceClient.from_connection_string(azurite) as service,
        service.get_queue_client(prefix + RUNS) as client,
    ):
        raw = await client.receive_message()
    assert json.loads(base64.b64decode(raw.content)) == message
    # It never expires (year 9999), rather than after the seven days that are the default.
    assert raw.expires_on.year == 9999


async def test_a_queue_is_made_with_its_first_message_also_when_many_come_at_once(queues: Queues) -> None:
    assert await queues.count(DELIVERIES) == 0
    assert await queues.peek(DELIVERIES) == []
    await asyncio.gather(*(queues.send(DELIVERIES, {"n": n}) for n in range(5)))
    assert await queues.count(DELIVERIES) == 5
    peeked = await queues.peek(DELIVERIES, 9)
    assert sorted((one.message or {})["n"] for one in peeked) == [0, 1, 2, 3, 4]
    assert await queues.count(DELIVERIES) == 5


async def test_a_delayed_message_is_counted_and_not_yet_seen(queues: Queues) -> None:
    await queues.send(RUNS, {"n": 1}, delay_seconds=0.2)
    await queues.send(RUNS, {"n": 2}, delay_seconds=99 * 24 * 3600)
    assert await queues.count(RUNS) == 2
    await _until(queues, [{"n": 1}])


async def _until(queues: Queues, messages: list[dict[str, int]]) -> None:
    async with asyncio.timeout(20):
        while [one.message for one in await queues.peek(RUNS, 32)] != messages:  # noqa: ASYNC110 - it is a server
            await asyncio.sleep(0.05)


async def test_a_steady_message_costs_one_call(queues: Queues, counter: CallCounter, prefix: str) -> None:
    await queues.send(RUNS, {})
    counter.clear()
    await queues.send(RUNS, {})
    assert counter.calls == {("POST", prefix + RUNS): 1}


async def test_the_largest_message_fits_and_one_byte_more_is_refused(queues: Queues, counter: CallCounter) -> None:
    frame = len('{"t":""}')
    await queues.send(RUNS, {"t": "x" * (MOST_MESSAGE_BYTES - frame)})
    counter.clear()
    with pytest.raises(ValueError, match="bytes"):
        await queues.send(RUNS, {"t": "x" * (MOST_MESSAGE_BYTES - frame + 1)})
    with pytest.raises(ValueError, match="JSON"):
        await queues.send(RUNS, {"t": float("nan")})
    assert counter.total == 0


async def test_what_is_no_json_is_peeked_as_nothing(azurite: str, prefix: str, queues: Queues) -> None:
    async with (
        QueueServiceClient.from_connection_string(azurite) as service,
        await service.create_queue(prefix + poison(RUNS)) as client,
    ):
        for text in ("not base64!", base64.b64encode(b"not json").decode(), base64.b64encode(b"[1]").decode()):
            await client.send_message(text)
    assert [one.message for one in await queues.peek(poison(RUNS), 9)] == [None, None, None]


async def test_queues_that_cannot_be_reached_are_transient(azurite: str) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    account = azurite.split("BlobEndpoint")[0] + f"QueueEndpoint=http://127.0.0.1:{port}/devstoreaccount1"
    async with Queues(account, retries=0) as opened:
        for call in (opened.send(RUNS, {}), opened.count(RUNS), opened.peek(RUNS)):
            with pytest.raises(Transient):
                await call
