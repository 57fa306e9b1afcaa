"""``python -m local up`` and ``simulators``: ready, described, and gone without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


class Up:
    """A running ``python -m local ...`` and what it wrote of itself."""

    def __init__(self, process: asyncio.subprocess.Process, state: Path) -> None:
        self.process, self.state = process, state

    async def described(self) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while not await asyncio.to_thread(self.state.exists):
                assert self.process.returncode is None, "it ended before it was ready"
                await asyncio.sleep(0.05)
        return dict(json.loads(await asyncio.to_thread(self.state.read_text)))

    async def ended(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def _local(state: Path, *arguments: str) -> AsyncIterator[Up]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local", *arguments, "--customers", "5", "--state", str(state),
        cwd=ROOT, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Up(process, state)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


async def _gone(*pids: int) -> None:
    async with asyncio.timeout(30):
        for pid in pids:
            while True:
                if not _alive(pid):
                    break
                await asyncio.sleep(0.05)


async def test_up_answers_with_the_key_it_wrote_down_and_sigterm_ends_all_of_it(tmp_path: Path) -> None:
    async with _local(tmp_path / "state.json", "up", "--port", "0") as up:
        told = await up.described()
        headers = {"x-functions-key": told["hub"]["functionKey"]}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{told['hub']['url']}/health", headers=headers) as answer,
        ):
            assert answer.status == 200
        up.process.send_signal(signal.SIGTERM)
        assert await up.ended() == 0
        assert not up.state.exists()
        await _gone(told["processes"]["azurite"], *told["processes"]["hosts"])


@pytest.mark.parametrize("part", ["azurite", "host"])
async def test_when_one_part_dies_the_others_are_stopped(tmp_path: Path, part: str) -> None:
    async with _local(tmp_path / "state.json", "up", "--port", "0") as up:
        pids = (await up.described())["processes"]
        os.kill(pids["azurite"] if part == "azurite" else pids["hosts"][0], signal.SIGKILL)
        assert await up.ended() == 1
        await _gone(pids["azurite"], *pids["hosts"])


async def test_the_simulators_run_alone(tmp_path: Path) -> None:
    async with _local(tmp_path / "state.json", "simulators") as up:
        told = await up.described()
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{told['urls']['sap']}/_sim/stats", ssl=False) as answer,
        ):
            assert answer.status == 200
        up.process.send_signal(signal.SIGINT)
        assert await up.ended() == 0
