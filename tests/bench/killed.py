"""Killed in the middle, started again: nothing twice, and little again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from shared.sync.start import start
from tests.bench.counting import Findings
from tests.bench.report import Line
from tests.bench.timing import LATENCY
from tests.bench.world import OBJECT, TEMPLATE, TIMES, World

#: Claims and locks as short as a test needs them, in the same order of size: a request, a claim, then the message.
_TIMES: Mapping[str, float] = {
    **TIMES,
    "connect": 2, "read": 3, "write_read": 3, "request_budget": 3, "claim_expiry": 6, "gate_lease": 8, "gate_wait": 8,
    "retry_base": 1, "retry_cap": 4, "slice_overdue": 30,
}  # fmt: skip
_LOCK = 7
_POLL = 0.05


async def killed(world: World, count: int) -> Findings:
    """Kill the worker while slices are being written, build a new one on the same tables and queues, let it finish."""
    findings = Findings()
    codes = world.codes[:count]
    name = f"killed in the middle, {len(codes):,}"
    await world.fresh_systems()
    async with world.work(lock=_LOCK, times=_TIMES) as work:
        prefix = work.prefix
        await work.ready(codes)
        await work.begin_to_count()
        await world.simulators.ask("latency", LATENCY)
        run_name = await start(work.app.hub, TEMPLATE, OBJECT, "initialize", "sync")
        async with asyncio.timeout(120):
            while await _written(world) < len(codes) // 2:  # noqa: ASYNC110 - another process knows
                await asyncio.sleep(_POLL)
        at_work = work.pump.slices_at_work
        size = work.app.hub.slice_size
        await work.pump.kill()
    written_before = await _written(world)
    async with world.work(prefix, lock=_LOCK, times=_TIMES) as again:
        run = await again.over(run_name)
        await again.run("delta")  # brings what waited for the claims of the dead
    written = await _written(world)
    numbers = Counter(number for _, number in await world.simulators.ask("accounts"))
    findings.kinds[name] = {"outcomes": run.counts, "written before": written_before, "written": written}
    how = f"{at_work} slices were at work, {written_before:,} rows written"
    findings.add(Line(name, "rows written again", written - len(codes), at_work * size, how))
    findings.add(Line(name, "doubled", sum(found > 1 for found in numbers.values()), 0))
    findings.add(Line(name, "missing", sum(not numbers[code] for code in codes), 0))
    return findings


async def _written(world: World) -> int:
    told = await world.simulators.ask("counted")
    return int(told["dataverse"]["written"].get("accounts", 0))
