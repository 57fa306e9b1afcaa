"""Azurite as a child process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.azurite import Azurite

ROOT = Path(__file__).resolve().parents[2]


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def wait_until_free(ports: tuple[int, ...]) -> None:
    """Return once nobody listens on any of the ports."""
    async with asyncio.timeout(20):
        while not all(is_free(port) for port in ports):  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.02)


async def test_queue_and_table_answer_through_the_connection_string_and_are_gone_after_stop() -> None:
    async with Azurite.start() as azurite:
        async with QueueServiceClient.from_connection_string(azurite.connection_string) as queues:
            queue = await queues.create_queue("some-queue")
            await queue.send_message("x")
            assert [message.content for message in await queue.peek_messages()] == ["x"]
            await queue.close()
        async with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
            await tables.create_table("sometable")
        ports = azurite.ports
    assert all(is_free(port) for port in ports)


async def test_two_at_once_do_not_share_anything() -> None:
    async with Azurite.start() as one, Azurite.start() as two:
        assert not set(one.ports) & set(two.ports)
        assert one.pid != two.pid
        async with QueueServiceClient.from_connection_string(one.connection_string) as queues:
            await queues.create_queue("some-queue")
        async with QueueServiceClient.from_connection_string(two.connection_string) as queues:
            assert [queue.name async for queue in queues.list_queues()] == []


async def test_a_location_keeps_data_over_a_restart_on_the_same_ports(tmp_path: Path) -> None:
    first = await Azurite.start(location=tmp_path)
    async with TableServiceClient.from_connection_string(first.connection_string) as tables:
        await tables.create_table("sometable")
        await first.stop()
        blob, queue, table = first.ports
        async with Azurite.start(blob_port=blob, queue_port=queue, table_port=table, location=tmp_path):
            assert [found.name async for found in tables.list_tables()] == ["sometable"]


async def test_a_port_in_use_is_told_at_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RuntimeError, match="Azurite ended"):
            await Azurite.start(queue_port=taken.getsockname()[1])


async def test_stopping_twice_or_after_a_crash_is_harmless() -> None:
    azurite = await Azurite.start()
    os.kill(azurite.pid, signal.SIGKILL)
    await azurite.stop()
    await azurite.stop()
    assert all(is_free(port) for port in azurite.ports)


async def test_a_killed_parent_leaves_no_azurite_behind() -> None:
    code = """
import asyncio
from local.azurite import Azurite
async def main():
    azurite = await Azurite.start()
    print(*azurite.ports, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE, cwd=ROOT)
    try:
        assert parent.stdout is not None
        ports = tuple(int(word) for word in (await parent.stdout.readline()).split())
        assert len(ports) == 3
        assert not any(is_free(port) for port in ports)
    finally:
        with contextlib.suppress(ProcessLookupError):
            parent.kill()
        await parent.wait()
    await wait_until_free(ports)
