"""A thousand paid receipts of the tills: look-ups and writes at SAP, counted at its simulator.

The hub, both simulators and the messages are in one process: nothing here measures time.
"""

from __future__ import annotations

from dataclasses import replace

from local.sample_company.trading_days import Till
from tests.bench.counting import Findings
from tests.bench.report import Line
from tests.bench.world import World
from tests.trade.test_tills_receipts import STORES, open_tills
from tests.trade.tills import tills

_LOOK_UPS, _WRITES, _IN_ONE_REQUEST = 30, 2.05, 10


async def receipts(world: World, count: int) -> Findings:
    """Post so many sales, each paid at the till."""
    async with tills(world.storage, stores=STORES) as shop:
        trading = replace(await open_tills(shop), customers=(), receipts=count * 5 // 4)
        sales = Till(trading).trade().sales[:count]
        assert len(sales) == count
        shop.tagrain.data_write("sales", sales)
        shop.forget_writes()
        run = await shop.run("sales")
        assert run.counts == {"created": count}, run
        stats = shop.sap.control.stats()
    per_thousand = 1000 / count
    asked = sum(number for kind, number in stats["requests"].items() if kind.startswith("GET "))
    posted = sum(
        number for kind, number in stats["requests"].items() if kind.startswith("POST ") and "Login" not in kind
    )
    written = sum(stats["written"].values())
    work = f"{count:,} paid receipts"
    lines = [
        Line(
            work,
            "look-ups in SAP per 1,000",
            asked * per_thousand,
            _LOOK_UPS,
            "GET requests of the run, lists included",
        ),
        Line(work, "writes in SAP per receipt", written / count, _WRITES, "rows: invoice and payment"),
        Line(
            work, "documents in one request", written / posted, _IN_ONE_REQUEST, "most that one time-out leaves unknown"
        ),
    ]
    return Findings(lines, {work: {"sap": stats["requests"], "written": stats["written"]}})
