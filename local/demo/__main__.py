"""``python -m local.demo [--customers N] [--keep]``: everything on this machine, the story, a table, then all is stopped."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from rich.console import Console

from local.demo.show import LEAST_CUSTOMERS, show

_WIDTH = 120


def main() -> int:
    """0 if every check of every step held, 1 if not, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--customers", type=_number, default=200, help="how many customers SAP has (default 200)")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C, to look around")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        return asyncio.run(_run(arguments.customers, keep=arguments.keep))
    return 130


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_CUSTOMERS:
        raise argparse.ArgumentTypeError(f"the story needs at least {LEAST_CUSTOMERS} customers")
    return int(text)


async def _run(customers: int, *, keep: bool) -> int:
    """The demo as a task that SIGTERM cancels, so that what it started is stopped in any case."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    # A file or a log of CI has no width of its own; lines there are not wrapped.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH, soft_wrap=True)
    return 0 if await show(console, customers, keep=keep) else 1


if __name__ == "__main__":
    sys.exit(main())
