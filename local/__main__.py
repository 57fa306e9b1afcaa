"""``python -m local up``: the whole hub on this machine. ``python -m local simulators``: the systems alone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.environment import ROOT, Environment, Simulators


def main() -> int:
    """Parse the command line and run until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="storage, simulators and functions host")
    up.add_argument("--hosts", type=int, default=1, help="host processes on one storage, as instances in Azure")
    up.add_argument("--port", type=int, default=7071, help="of the hub's API (0: a free one)")
    alone = commands.add_parser("simulators", help="the simulators alone")
    for command in (up, alone):
        command.add_argument("--customers", type=int, default=200, help="how many customers the sample company has")
        command.add_argument(
            "--state",
            type=Path,
            default=ROOT / ".local" / "state.json",
            help="where to write addresses and keys; logs go beside it",
        )
    arguments = parser.parse_args()
    return asyncio.run(_up(arguments) if arguments.command == "up" else _simulators(arguments))


async def _up(arguments: argparse.Namespace) -> int:
    console = Console()
    stop = _stop_signal()
    environment = Environment(
        customers=arguments.customers, hosts=arguments.hosts, port=arguments.port, directory=arguments.state.parent
    )
    async with environment:
        _announce(console, arguments.state, environment.description())
        ended = await _first(stop, environment)
    if ended:
        console.print(
            f"[red]{ended} ended by itself; everything else was stopped. See the logs beside the state file.[/red]"
        )
    arguments.state.unlink(missing_ok=True)
    return 1 if ended else 0


async def _simulators(arguments: argparse.Namespace) -> int:
    stop = _stop_signal()
    simulators = await Simulators(arguments.state.parent, arguments.customers).start()
    try:
        _announce(Console(), arguments.state, {"urls": simulators.urls, "settings": simulators.settings()})
        await stop.wait()
    finally:
        await simulators.stop()
        arguments.state.unlink(missing_ok=True)
    return 0


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _first(stop: asyncio.Event, environment: Environment) -> str:
    """Wait for the signal or for the first part that ends by itself; answers that part's name, "" for the signal."""
    parts: dict[asyncio.Task[Any], str] = {asyncio.create_task(stop.wait()): ""}
    if environment.azurite is not None:
        parts[asyncio.create_task(environment.azurite.wait())] = "Azurite"
    for number, host in enumerate(environment.hosts):
        parts[asyncio.create_task(host.wait())] = f"Functions host {number}"
    done, pending = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return "" if stop.is_set() else parts[done.pop()]


def _announce(console: Console, state: Path, description: dict[str, Any]) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(json.dumps(description, indent=2))
    table = Table(title="Integration Hub on this machine", show_header=False)
    for part, values in description.items():
        for name, value in (values if isinstance(values, dict) else {"": values}).items():
            table.add_row(f"{part} {name}".strip(), str(value))
    console.print(table)
    console.print(f"The same as JSON: {state}\nCtrl-C stops all of it.")


if __name__ == "__main__":
    sys.exit(main())
