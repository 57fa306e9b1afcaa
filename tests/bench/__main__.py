"""``python -m tests.bench``: measures everything that was promised, prints it, writes ``.local/bench.json``.

Ends 0 only if every bar is kept. ``--quick`` measures less of everything; ``--only`` one part.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from local.environment import ROOT
from tests.bench.counting import Findings, counted
from tests.bench.killed import killed
from tests.bench.memory import memory
from tests.bench.receipts import receipts
from tests.bench.report import Line, exit_code, missed, table, write_json
from tests.bench.timing import slowed_down, with_latencies
from tests.bench.world import World

_WIDTH = 200


@dataclass(frozen=True)
class Sizes:
    """How many records each part is about."""

    records: int = 10_000
    marks: int = 50_000
    larger_hints: int = 2_000
    slowed: int = 2_000
    killed: int = 2_000
    memory: int = 100_000
    receipts: int = 1_000


_QUICK = Sizes(records=2_000, marks=4_000, larger_hints=500, slowed=1_000, killed=1_000, memory=10_000, receipts=200)

type Part = Callable[[World, Sizes], Awaitable[Findings]]

PARTS: Mapping[str, Part] = {
    "counted": lambda world, sizes: counted(world, sizes.marks),
    "latencies": lambda world, sizes: with_latencies(world, sizes.larger_hints),
    "slowed": lambda world, sizes: slowed_down(world, sizes.slowed),
    "receipts": lambda world, sizes: receipts(world, sizes.receipts),
    "killed": lambda world, sizes: killed(world, sizes.killed),
    "memory": lambda world, sizes: memory(world, sizes.memory // 10, sizes.memory),
}


def main() -> int:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: a look, no measure of the promises")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="this part alone; may be repeated")
    parser.add_argument("--json", type=Path, default=ROOT / ".local" / "bench.json", help="where to write the figures")
    arguments = parser.parse_args()
    return asyncio.run(_measure(arguments))


async def _measure(arguments: argparse.Namespace) -> int:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    sizes = _QUICK if arguments.quick else Sizes()
    wanted = [name for name in PARTS if not arguments.only or name in arguments.only]
    parts: dict[str, Findings] = {}
    began = time.monotonic()
    async with World(sizes.records) as world:
        for name in wanted:
            console.print(f"measuring: {name} …")
            part_began = time.monotonic()
            parts[name] = await PARTS[name](world, sizes)
            console.print(f"  {time.monotonic() - part_began:.0f} s")
    lines = [line for name in wanted for line in parts[name].lines]
    kinds = {name: parts[name].kinds for name in wanted}
    seconds = time.monotonic() - began
    console.print(table(lines))
    _tell(console, lines, seconds)
    circumstances = {"quick": arguments.quick, "parts": wanted, "seconds": round(seconds), "processors": os.cpu_count()}
    write_json(arguments.json, lines, **circumstances, kinds=kinds)
    console.print(f"The same as JSON, with every request by kind: {arguments.json}")
    return exit_code(lines)


def _tell(console: Console, lines: Sequence[Line], seconds: float) -> None:
    wrong = missed(lines)
    console.print(
        f"{seconds:.0f} s in all, on {os.cpu_count()} processors. Times are ratios within this run; one that misses its "
        "bar is measured up to three times and the best counts."
    )
    for line in wrong:
        console.print(f"[red]missed: {line.work}: {line.figure}: {line.measured:.2f}, the bar is {line.bar}[/red]")
    if not wrong:
        console.print("[green]every bar is kept[/green]")


if __name__ == "__main__":
    sys.exit(main())
