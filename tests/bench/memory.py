"""A worker's memory: a run over many records in a process of its own, with a Dynamics that is made up as it is read.

``python -m tests.bench.memory --records N --storage ...`` prints the process's peak in MiB and what it delivered. The
made-up system keeps no rows, so that what grows is the worker's own. The first 1,000 accounts and every 50th of the
others are of a type that is integrated and are created in SAP (claims, links, bases); the rest is read in full and
skipped. A thousand fill a page of the plan, and more slices than are worked on at once, in the small run too: the ratio
then tells what grows with the number of records, not what it costs to have all slots at work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.environment import ROOT
from local.processes import end
from shared.ports import Entity, KeyPage, KeyVersion, Row, SideName, Write, WriteResult
from shared.settings import AppSettings
from shared.stores.runs import Runs
from shared.stores.tables import Tables
from shared.stores.templates import TemplateRow
from shared.sync.start import start
from shared.wiring import Edges, build
from tests.bench.counting import Findings
from tests.bench.pump import Pump
from tests.bench.report import Line
from tests.bench.world import ACCOUNT_TYPE, MESSAGES_AT_ONCE, OBJECT, SETTINGS, TEMPLATE, World, over

_BAR = 1.2
_FIRST_TAKE_PART, _TAKES_PART_EVERY = 1000, 50
_OTHER_TYPE = 1
_STATUS = Path("/proc/self/status")
_SAP, _OTHER = SideName.SAP, SideName.OTHER


class MadeUpDynamics:
    """So many accounts, by number; a row exists only while somebody looks at it."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def changed(self, entity: Entity, since: datetime | None, cursor: str | None, limit: int) -> KeyPage:
        first = int(cursor or 0)
        behind = min(first + limit, self.count)
        keys = tuple(KeyVersion(_key(number), "1") for number in range(first, behind))
        return KeyPage(keys, str(behind) if behind < self.count else None, datetime.now(UTC))

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        return {key: {**dict.fromkeys(entity.select), **_account(key)} for key in keys}

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        return [WriteResult(write.ref, write.key) for write in writes]

    async def find(self, entity: Entity, column: str, values: Sequence[str]) -> dict[str, list[Row]]:
        return {}

    async def listing(self, entity: Entity) -> list[Row]:
        return []

    async def call(self, operation: str, body: Mapping[str, Any]) -> Any:
        return []

    async def ping(self) -> datetime:
        return datetime.now(UTC)

    async def close(self) -> None:
        return


class MadeUpSap(MadeUpDynamics):
    """Takes customers and shows them as it was told; nothing changes in it by itself."""

    def __init__(self) -> None:
        super().__init__(0)

    async def read(self, entity: Entity, keys: Sequence[str]) -> dict[str, Row]:
        return {key: {**dict.fromkeys(entity.select), **_customer(key)} for key in keys}

    async def write(self, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
        return [WriteResult(write.ref, write.key or f"C{uuid.UUID(write.ref).int:06d}") for write in writes]


class MadeUpSides:
    """Both of them."""

    def __init__(self, count: int) -> None:
        self._sides = {_SAP: MadeUpSap(), _OTHER: MadeUpDynamics(count)}

    def side(self, template: TemplateRow, side: SideName) -> Any:
        return self._sides[side]


def _key(number: int) -> str:
    return str(uuid.UUID(int=number))


def _takes_part(number: int) -> bool:
    return number < _FIRST_TAKE_PART or number % _TAKES_PART_EVERY == 0


def _account(key: str) -> Row:
    number = uuid.UUID(key).int
    return {
        "accountid": key,
        "versionnumber": 1,
        "createdon": "2026-01-05T08:00:00Z",
        "modifiedon": "2026-01-05T08:00:00Z",
        "customertypecode": ACCOUNT_TYPE if _takes_part(number) else _OTHER_TYPE,
        "statecode": 0,
        "merged": False,
        "name": f"Account {number}",
        "telephone1": f"+49 30 5550{number:06d}",
        "address1_line1": f"Example Street {number}",
        "address1_city": "Berlin",
    }


def _customer(key: str) -> Row:
    return {
        "CardCode": key,
        "CardName": f"Account {int(key[1:])}",
        "CardType": "cCustomer",
        "Phone1": f"+49 30 5550{int(key[1:]):06d}",
        "DataVersion": 1,
        "UpdateDate": "2026-01-05",
        "UpdateTime": "08:00:00",
        "BPAddresses": [],
    }


async def memory(world: World, small: int, large: int) -> Findings:
    """The peak of the large run against that of the small one."""
    findings = Findings()
    name = f"worker memory, {large:,} records"
    peaks = {}
    for count in (small, large):
        told = await _in_a_process(world, count)
        findings.kinds[f"{name} / {count}"] = told
        peaks[count] = told["peak_mib"]
    outcomes = findings.kinds[f"{name} / {large}"]["outcomes"]
    delivered = outcomes.get("created", 0) + outcomes.get("skipped", 0)
    part = f"the first {_FIRST_TAKE_PART:,} and every {_TAKES_PART_EVERY}th created in SAP"
    how = f"{peaks[large]:.0f} MiB to {peaks[small]:.0f} MiB; a full run in, {part}"
    findings.add(Line(name, "records without an outcome", large - delivered, 0))
    findings.add(Line(name, f"peak to that of {small:,}", peaks[large] / peaks[small], _BAR, how))
    return findings


async def _in_a_process(world: World, count: int) -> dict[str, Any]:
    asked = ["--records", str(count), "--prefix", world.new_prefix()]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.memory", *asked, stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    try:
        told, _ = await process.communicate(json.dumps(world.settings()).encode())
    finally:
        await end(process)
    if process.returncode:
        raise RuntimeError(f"the run over {count} records ended with {process.returncode}")
    return dict(json.loads(told))


async def _run(settings: Mapping[str, str], count: int, prefix: str) -> dict[str, Any]:
    parsed = AppSettings.from_environment(settings)
    async with Tables(parsed.storage_connection_string, prefix=prefix) as tables:
        app = build(parsed, Edges(prefix=prefix, sides=MadeUpSides(count)))
        try:
            await app.hub.templates.create(TemplateRow(TEMPLATE, TEMPLATE, SETTINGS, app.hub.now()))
            async with Pump(app.hub, parsed.storage_connection_string, prefix, at_once=MESSAGES_AT_ONCE) as pump:
                name = await start(app.hub, TEMPLATE, OBJECT, "initialize", "sync")
                run = await over(Runs(tables), pump, name)
        finally:
            await app.close()
    return {"peak_mib": peak_mib(), "status": run.status, "outcomes": run.counts}


def peak_mib() -> float:
    """The most memory this program ever held.

    getrusage's peak will not do on Linux: it begins with that of the process that started this one. macOS has no /proc,
    and counts this program alone, in bytes.
    """
    if _STATUS.exists():
        peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--prefix", required=True)
    arguments = parser.parse_args()
    answer = asyncio.run(_run(json.load(sys.stdin), arguments.records, arguments.prefix))
    sys.stdout.write(json.dumps(answer))
