"""One storage and one pair of simulators for all work; every piece of work has its own tables and queues in it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from local.azurite import Azurite
from shared.settings import AppSettings
from shared.stores.records import partition
from shared.stores.runs import Run, Runs
from shared.stores.storage import CallCounter
from shared.stores.tables import Tables
from shared.sync import configure, marks
from shared.sync.outcomes import RunStatus
from shared.sync.start import start
from shared.wiring import App, Edges, build
from tests.bench.pump import Pump
from tests.bench.simulators import SimulatorProcess

TEMPLATE, OBJECT = "dynamics", "account"
ACCOUNT_TYPE = 3
SETTINGS: Mapping[str, Any] = {"accountTypes": [ACCOUNT_TYPE], "defaultCustomerGroup": 100, "customerCodeSeries": 70}
#: A small org's recommendation of requests at once; one of them is kept for people who wait (see the gate).
SMALL_HINT = 4
#: What one instance works on at once in production (host.json: batchSize and newBatchThreshold).
MESSAGES_AT_ONCE = 8
#: Production times; only looking whether a run is over is not put off, so that ratios do not measure that waiting.
TIMES: Mapping[str, float] = {"finish_first": 0.5, "run_heartbeat": 2}
_MARKED_AT_ONCE = 1000
_LONGEST_RUN = 900
_GATES = "gates"


def gate_apart(calls: Mapping[tuple[str, str], int], prefix: str) -> Counter[tuple[str, str]]:
    """Storage calls by verb and table or queue, without those of the gates' leases; the prefix is taken off."""
    named = Counter({(verb, name.removeprefix(prefix)): count for (verb, name), count in calls.items()})
    return Counter({key: count for key, count in named.items() if key[1] != _GATES})


@dataclass
class Counted:
    """What one piece of work cost."""

    sap: Mapping[str, Any]
    dataverse: Mapping[str, Any]
    storage: Counter[tuple[str, str]]
    slowed_down: Sequence[float]
    seconds: float

    def requests(self, system: str) -> int:
        """Requests to ``sap`` or ``dataverse``."""
        return int(getattr(self, system)["total"])

    def rows_written(self, system: str) -> int:
        """Rows created, updated or deleted there."""
        return sum(getattr(self, system)["written"].values())

    def kinds(self) -> dict[str, Any]:
        """Everything by kind, for whoever looks for a cause."""
        return {
            "sap": self.sap["requests"],
            "dataverse": self.dataverse["requests"],
            "dataverse_parts": self.dataverse["parts"],
            "storage": {" ".join(key): count for key, count in sorted(self.storage.items())},
            "written": {"sap": self.sap["written"], "dataverse": self.dataverse["written"]},
            "peak": {"sap": self.sap["peak"], "dataverse": self.dataverse["peak"]},
            "seconds": round(self.seconds, 2),
        }


@dataclass
class Work:
    """One hub at work on its own tables and queues."""

    world: World
    prefix: str
    app: App
    counter: CallCounter
    pump: Pump
    runs: Runs

    async def configure(self) -> None:
        """The template, its settings, and what set-up creates in both systems."""
        await configure.create_template(self.app.hub, TEMPLATE, TEMPLATE, SETTINGS)
        steps = await configure.set_up(self.app.hub, TEMPLATE)
        assert all(step.state != "todo" for step in steps), steps

    async def mark(self, codes: Sequence[str]) -> None:
        """Mark these customers, as a run by criteria does."""
        flow = await self.app.hub.flow(TEMPLATE, OBJECT, lists=False)
        change = marks.Change(True, "bench", {"accountType": str(ACCOUNT_TYPE)})
        for at in range(0, len(codes), _MARKED_AT_ONCE):
            some = codes[at : at + _MARKED_AT_ONCE]
            await marks.apply(self.app.hub, flow, dict.fromkeys(some, change), contiguous=True)

    async def ready(self, codes: Sequence[str]) -> None:
        """Configured, warm (sessions, tokens, reference lists, gates), and these customers marked."""
        await self.configure()
        flow = await self.app.hub.flow(TEMPLATE, OBJECT)
        for side in flow.sides.values():
            await side.ping()
        await self.mark(codes)

    async def run(self, mode: str) -> Run:
        """One whole run."""
        return await self.over(await start(self.app.hub, TEMPLATE, OBJECT, mode, "sync"))

    async def over(self, name: str) -> Run:
        """Wait for the end of that run."""
        return await over(self.runs, self.pump, name)

    async def measured(self, mode: str) -> tuple[Run, Counted]:
        """One whole run, and what it cost."""
        await self.begin_to_count()
        began = time.monotonic()
        run = await self.run(mode)
        return run, await self.counted(began)

    async def begin_to_count(self) -> None:
        """From now on."""
        await self.world.simulators.ask("count")
        self.counter.clear()

    async def counted(self, began: float) -> Counted:
        """What was done since :meth:`begin_to_count`; ``began`` by the monotonic clock."""
        seconds = time.monotonic() - began
        storage = gate_apart(self.counter.calls, self.prefix)
        told = await self.world.simulators.ask("counted")
        return Counted(told["sap"], told["dataverse"], storage, told["slowed_down"], seconds)


async def over(runs: Runs, pump: Pump, name: str) -> Run:
    """Wait for the end of that run while the pump works on it; raises what broke the pump."""
    async with asyncio.timeout(_LONGEST_RUN):
        while True:
            pump.looked.clear()
            run = await runs.run(name)
            if pump.broken is not None:
                raise pump.broken
            if run is None or RunStatus(run.status).over:
                return run or _idle(name)
            await pump.looked.wait()


def _idle(name: str) -> Run:
    """An idle scheduled run leaves a counter, not a row."""
    now = datetime.now(UTC)
    return Run(name, TEMPLATE, OBJECT, "delta", "schedule", RunStatus.SUCCEEDED.value, now, ended_at=now)


class World:
    """Azurite and the simulators; use it as a context manager."""

    def __init__(self, customers: int) -> None:
        self.simulators = SimulatorProcess(customers)
        self._prefixes = (f"b{number}" for number in itertools.count(1))
        self._open = AsyncExitStack()
        self.storage = ""
        self.codes: list[str] = []

    async def __aenter__(self) -> Self:
        self.storage = (await self._open.enter_async_context(Azurite.start())).connection_string
        await self._open.enter_async_context(self.simulators)
        self.codes = await self.simulators.ask("customers")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def new_prefix(self) -> str:
        """For tables and queues of a new piece of work."""
        return next(self._prefixes)

    def settings(self, times: Mapping[str, float] = TIMES) -> dict[str, str]:
        """The app settings of a hub here."""
        return {
            "AzureWebJobsStorage": self.storage,
            "HUB_BASE_URL": "http://127.0.0.1",
            "HUB_FINGERPRINT_KEY": "a-key-for-the-bench-only-0123456789",
            "HUB_TOKEN_KEY": "another-key-for-the-bench-only-0123",
            "HUB_TIMES": json.dumps(dict(times)),
            **self.simulators.settings,
        }

    async def fresh_systems(self, hint: int = SMALL_HINT) -> None:
        """Both systems as at the start."""
        await self.simulators.ask("reset", hint)

    @asynccontextmanager
    async def work(
        self, prefix: str = "", *, at_once: int = MESSAGES_AT_ONCE, lock: int = 300, times: Mapping[str, float] = TIMES
    ) -> AsyncIterator[Work]:
        """A hub at work; on new tables and queues, or on those of that prefix."""
        prefix = prefix or self.new_prefix()
        counter = CallCounter()
        async with Tables(self.storage, prefix=prefix) as tables:
            app = build(AppSettings.from_environment(self.settings(times)), Edges(counter=counter, prefix=prefix))
            try:
                async with Pump(app.hub, self.storage, prefix, at_once=at_once, lock=lock) as pump:
                    yield Work(self, prefix, app, counter, pump, Runs(tables))
            finally:
                await app.close()


PARTITION = partition(TEMPLATE, OBJECT)
