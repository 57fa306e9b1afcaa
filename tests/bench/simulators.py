"""The simulators in a process of their own, so that their work is not done in the hub's event loop.

``python -m tests.bench.simulators --customers N`` answers one JSON line for each JSON line it is sent: ``[verb, value]``.
It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from local.environment import ROOT, Simulators
from local.processes import end
from local.simulators.control import Control, Latency
from local.simulators.responses import json_response

_LONGEST_LINE = 64 * 1024 * 1024
_SLOW_DOWN = {"error": {"code": "0x80072322", "message": "Number of requests exceeded the limit."}}


class SimulatorProcess:
    """The other end: starts the process, sends it verbs, waits for the answers. Use it as a context manager."""

    def __init__(self, customers: int) -> None:
        self._customers = customers
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self.settings: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.simulators", "--customers", str(self._customers),
            stdin=PIPE, stdout=PIPE, cwd=ROOT, limit=_LONGEST_LINE,
        )  # fmt: skip
        self.settings = await self._answer()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await end(self._process, 10)

    async def ask(self, verb: str, value: Any = None) -> Any:
        """Have one of the verbs of :class:`Panel` done."""
        assert self._process is not None
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(json.dumps([verb, value]).encode() + b"\n")
            return await self._answer()

    async def _answer(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the simulators ended")
        return json.loads(line)


class Panel:
    """What can be asked of the simulators."""

    def __init__(self, simulators: Simulators) -> None:
        self.simulators = simulators
        self.slowed_down: list[float] = []
        self.dataverse.register_fault("slow-down", self._refuse)
        self.verbs: Mapping[str, Callable[[Any], Any]] = {
            "reset": self.reset,
            "count": self.count,
            "counted": self.counted,
            "latency": self.latency,
            "slow_down": self.slow_down,
            "forward": self.forward,
            "accounts": self.accounts,
            "customers": self.customers,
            "edit": self.edit,
        }

    @property
    def sap(self) -> Control:
        """The control panel of the Service Layer."""
        return self.simulators.sap.control

    @property
    def dataverse(self) -> Control:
        """The control panel of Dataverse."""
        return self.simulators.dataverse.control

    def reset(self, hint: int) -> None:
        """Everything as at the start, with this many requests at once recommended by Dataverse."""
        for control in (self.sap, self.dataverse, self.simulators.entra.control):
            control.reset()
        self.simulators.dataverse.dop_hint = hint
        self.slowed_down.clear()

    def count(self, _: None) -> None:
        """Begin to count."""
        self.sap.reset_stats()
        self.dataverse.reset_stats()
        self.slowed_down.clear()

    def counted(self, _: None) -> dict[str, Any]:
        """What was counted since, and when (in seconds) somebody was told to slow down."""
        return {"sap": self.sap.stats(), "dataverse": self.dataverse.stats(), "slowed_down": self.slowed_down}

    def latency(self, values: Mapping[str, float]) -> None:
        """Milliseconds that both systems take."""
        self.sap.latency, self.dataverse.latency = Latency(**values), Latency(**values)

    def slow_down(self, every: int) -> None:
        """Dataverse answers every so-many-th request 429 with one second of Retry-After; 0 ends that."""
        self.dataverse.clear_faults()
        if every:
            rule = {"match": {"path": "/api/data"}, "every": every, "action": {"named": "slow-down"}}
            self.dataverse.add_fault(rule)

    def forward(self, seconds: float) -> None:
        """Move both systems' clocks, as if nothing had happened for that long."""
        self.sap.advance(seconds)
        self.dataverse.advance(seconds)

    def accounts(self, _: None) -> list[list[str]]:
        """Key and number of every account."""
        rows = self.simulators.dataverse.data_rows("accounts")
        return [[row["accountid"], row.get("accountnumber") or ""] for row in rows]

    def customers(self, _: None) -> list[str]:
        """The codes of SAP's customers, in order."""
        rows = self.simulators.sap.data_rows("BusinessPartners")
        return sorted(row["CardCode"] for row in rows if row["CardType"] == "cCustomer")

    def edit(self, rows: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        """What users of SAP and of Dynamics save: rows by ``sap`` and ``dataverse``."""
        self.simulators.sap.data_write("BusinessPartners", list(rows.get("sap", ())))
        self.simulators.dataverse.data_write("accounts", list(rows.get("dataverse", ())))

    async def _refuse(self, _request: web.Request, _options: Mapping[str, Any]) -> web.StreamResponse:
        self.slowed_down.append(asyncio.get_running_loop().time())
        response = json_response(_SLOW_DOWN, status=429)
        response.headers["Retry-After"] = "1"
        return response


async def _serve(customers: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        simulators = await Simulators(Path(directory), customers).start()
        try:
            panel = Panel(simulators)
            _say(simulators.settings())
            loop = asyncio.get_running_loop()
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                verb, value = json.loads(line)
                _say(panel.verbs[verb](value))
        finally:
            await simulators.stop()


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulators")
    parser.add_argument("--customers", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().customers))
