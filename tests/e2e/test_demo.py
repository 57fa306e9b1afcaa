"""The demo as a newcomer runs it: a process that tells the story, ends 0 and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from local.demo.show import STEPS
from local.environment import ROOT

_CUSTOMERS = 12
_MOST_SECONDS = 400


@asynccontextmanager
async def _demo(temporary: Path) -> AsyncIterator[Process]:
    """The demo with few customers, its temporary files below that folder; it is gone at the end in any case."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.demo", "--customers", str(_CUSTOMERS),
        stdout=PIPE, stderr=STDOUT, cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _left_behind(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*")]


@pytest.mark.timeout(_MOST_SECONDS + 20)
async def test_the_demo_tells_its_whole_story_and_ends_0(tmp_path: Path) -> None:
    async with _demo(tmp_path) as demo:
        output, _ = await asyncio.wait_for(demo.communicate(), _MOST_SECONDS)
    text = output.decode()
    assert demo.returncode == 0, text
    assert "0 failed" in text
    assert "✗" not in text
    table = text[text.index("What was shown") :]
    for step in STEPS:
        row = next(line for line in table.splitlines() if f" {step.title} " in line)
        assert "✓" in row, row
    assert "\x1b" not in text, "output that is no terminal holds no control sequences"
    assert _left_behind(tmp_path) == []


async def test_a_demo_that_is_told_to_end_stops_what_it_started(tmp_path: Path) -> None:
    async with _demo(tmp_path) as demo:
        assert demo.stdout is not None
        async with asyncio.timeout(_MOST_SECONDS):
            while b"Mark customers" not in await demo.stdout.readline():
                assert not demo.stdout.at_eof(), "the demo ended early"
            demo.send_signal(signal.SIGTERM)
            await demo.stdout.read()  # to its end: nobody that it started holds the pipe any more
            assert await demo.wait() == 130
    assert _left_behind(tmp_path) == []
