"""``python -m local.host --app DIR --port N``: serve a function app until SIGTERM or SIGINT.

Prints one line of JSON on stdout when ready: url, functionKey, masterKey, functions, workerPids. Logs of host and
workers go to stderr, or are appended to ``--log-file``. Ends 0 when stopped, 1 when the app cannot be served.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from local.host import logs
from local.host.app import Host
from local.host.config import ConfigError, HostConfig, Settings

log = logging.getLogger("local.host")


def main() -> int:
    """Parse the command line and serve; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="directory of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument("--settings", type=Path, help="JSON of settings, flat or as local.settings.json")
    parser.add_argument(
        "--workers", type=int, choices=range(1, 11), metavar="N", help="instead of FUNCTIONS_WORKER_PROCESS_COUNT"
    )
    parser.add_argument("--log-file", type=Path, help="append logs here instead of stderr")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when stdin closes")
    arguments = parser.parse_args()
    if arguments.log_file:
        _append_stderr_to(arguments.log_file)
    try:
        logs.configure("host", HostConfig.load(arguments.app).log_level)
        settings = Settings.load(os.environ, arguments.settings)
        host = Host(arguments.app, settings, workers=arguments.workers)
        asyncio.run(_serve(host, arguments.port, stop_with_stdin=arguments.stop_with_stdin))
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"The app cannot be served: {error}\n")
        return 1
    return 0


def _append_stderr_to(path: Path) -> None:
    """Replace standard error itself, so that what workers and libraries write goes there too."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 2)
    os.close(file)


async def _serve(host: Host, port: int, *, stop_with_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if stop_with_stdin:
        loop.add_reader(sys.stdin.fileno(), _read_stdin, stop)
    starting = asyncio.create_task(host.start(port))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
        return
    stopping.cancel()
    sys.stdout.write(starting.result().as_json() + "\n")
    sys.stdout.flush()
    await stop.wait()
    log.info("stopping")
    await host.stop()


def _read_stdin(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    sys.exit(main())
