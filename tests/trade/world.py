"""The whole loop in one process: the hub, its real clients, both simulators, real tables; messages in memory.

Messages are worked on as the platform would, several at once and after their delays, but with no host in between, so that
a test may look at, stop or repeat any of them.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.environment import Simulators
from local.sample_company.sales_catalog import DEFAULT_UNIT_GROUP, PRICE_LISTS
from local.simulators.dataverse.orders import lay_out_orders, make_orders, read_catalog
from shared.objects.model import TemplateType
from shared.ports import SideName
from shared.settings import AppSettings
from shared.stores.records import Record, from_row, partition
from shared.stores.runs import Run
from shared.sync import configure, explain, marks, plan, slices, sync_now
from shared.sync.outcomes import RunStatus
from shared.sync.start import start
from shared.sync.sweep import sweep
from shared.wiring import App, Edges, build

type Row = dict[str, Any]
type Message = tuple[float, int, str, dict[str, Any]]  # visible from, number, queue, content

TEMPLATE = "dynamics"
ACCOUNT_TYPE = 3
TIMES: Mapping[str, float] = {
    "connect": 1,
    "read": 20,
    "write_read": 20,
    "request_budget": 10,
    "claim_expiry": 40,
    "approval_look": 0.2,
    "gate_lease": 40,
    "gate_wait": 20,
    "slice_overdue": 30,
    "finish_first": 0.05,
    "run_heartbeat": 0.5,
    "run_silent": 30,
    "retry_base": 0.3,
    "retry_cap": 1,
    "overlap": 5,
}
SETTINGS: Mapping[str, Any] = {
    "accountTypes": [ACCOUNT_TYPE],
    "defaultCustomerGroup": 100,
    "customerCodeSeries": 70,
    "defaultUnitGroup": DEFAULT_UNIT_GROUP,
    "priceLists": [
        {"sap": number, "currency": currency, "dynamics": name}
        for number, (name, currency) in enumerate(PRICE_LISTS, 1)
    ],
    "priceRounding": "round",
    "startDate": "2020-01-01",
    "timeZone": "Europe/Berlin",
    "exemptTaxCode": "A0",
    "freightForShipping": 1,
    "freightForItemTax": 2,
    "writeInItem": "I00009",
    "cancelledOrders": "cancel",
    "orderNumberColumn": "new_sapnumber",
    "orderStatusColumn": "new_sapstatus",
    "leadCodeSeries": 72,
    "leadAccountType": ACCOUNT_TYPE,
    "quotationNumberColumn": "new_sapnumber",
    "quotationStatusColumn": "new_sapstatus",
}
#: For tests in which work is killed: claims and leases end soon, and still after the longest request.
SHORTER_TIMES: Mapping[str, float] = {
    "read": 3,
    "write_read": 3,
    "request_budget": 2,
    "claim_expiry": 5,
    "gate_lease": 5,
    "slice_overdue": 6,
    "run_silent": 4,
}
#: For those tests: the system closes a dead process's sockets; here they are left open where they were being made.
CUT_CONNECTIONS = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
_LONGEST = 180.0
_VISIBLE_AGAIN = 0.3


class Messages:
    """Queues in memory, by time; :meth:`drain` works on all that is there or comes, up to eight at once."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []
        self._numbers = itertools.count()
        self._working: dict[asyncio.Task[None], Message] = {}

    async def send(self, queue: str, message: dict[str, Any], delay_seconds: float = 0) -> None:
        """Visible after the delay."""
        self.waiting.append(
            (time.monotonic() + delay_seconds, next(self._numbers), queue, json.loads(json.dumps(message)))
        )

    async def count(self, queue: str) -> int:
        """How many wait."""
        return sum(name == queue for _, _, name, _ in self.waiting)

    async def close(self) -> None:
        """Nothing to close."""

    async def drain(self, app: App, *, at_once: int = 8) -> None:
        """Until no message is left."""
        async with asyncio.timeout(_LONGEST):
            while self.waiting or self._working:
                now = time.monotonic()
                ready = sorted(m for m in self.waiting if m[0] <= now)[: at_once - len(self._working)]
                for message in ready:
                    self.waiting.remove(message)
                    self._working[asyncio.create_task(_work(app, message[2], message[3]))] = message
                if not ready:
                    await self._some_done()

    async def work_on_the_first(self, app: App) -> None:
        """Work on the one message that is, or comes to be, visible first."""
        first = min(self.waiting)
        await asyncio.sleep(max(0.0, first[0] - time.monotonic()))
        self.waiting.remove(first)
        await _work(app, first[2], first[3])

    async def _some_done(self) -> None:
        if not self._working:
            await asyncio.sleep(0.01)
            return
        done, _ = await asyncio.wait(self._working, timeout=0.02, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del self._working[task]
            task.result()

    async def kill(self) -> int:
        """Stop all work where it stands; the platform shows those messages again. How many were in work."""
        tasks = dict(self._working)
        self._working.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.waiting += [(time.monotonic() + _VISIBLE_AGAIN, *message[1:]) for message in tasks.values()]
        return len(tasks)


async def _work(app: App, queue: str, message: dict[str, Any]) -> None:
    worker = plan.on_message if queue == "runs" else slices.on_message
    await worker(app.hub, message)


class Trade:
    """One template of a hub at work between SAP and another system, both played by simulators."""

    template = TEMPLATE
    type_name = "dynamics"
    objects: tuple[str, ...] = ("lead", "account", "contact", "product", "opportunity", "quotation", "order")
    base: Mapping[str, Any] = SETTINGS

    def __init__(
        self,
        simulators: Simulators,
        storage: str,
        prefix: str,
        times: Mapping[str, float],
        settings: Mapping[str, Any],
        types: Mapping[str, TemplateType] | None = None,
    ) -> None:
        self.simulators, self.storage, self.prefix = simulators, storage, prefix
        self.times, self.types = {**TIMES, **times}, types
        self.sap, self.dataverse = simulators.sap, simulators.dataverse
        self.settings = {**self.base, **settings}
        self.messages = Messages()
        self.app = self.another_app()

    def another_app(self) -> App:
        """As another worker process would have it, on the same storage, messages and systems."""
        values = {
            "AzureWebJobsStorage": self.storage,
            "HUB_BASE_URL": "http://127.0.0.1",
            "HUB_FINGERPRINT_KEY": "a-key-for-tests-only-0123456789abcdef",
            "HUB_TOKEN_KEY": "another-key-for-tests-only-0123456789",
            "HUB_TIMES": json.dumps(self.times),
            **self.simulators.settings(),
        }
        app = build(AppSettings.from_environment(values), Edges(prefix=self.prefix, types=self.types))
        app.hub.queues = self.messages  # type: ignore[assignment]
        return app

    @property
    def hub(self) -> Any:
        """The engine."""
        return self.app.hub

    # --- as an admin --------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """The template, its settings, set-up."""
        await configure.create_template(self.hub, self.template, self.type_name, {})
        await configure.save_settings(self.hub, self.template, self.settings)
        steps = await configure.set_up(self.hub, self.template)
        assert all(step.state != "todo" for step in steps), [step for step in steps if step.state == "todo"]

    async def save_settings(self, **changes: Any) -> None:
        """Change some of the settings."""
        self.settings |= changes
        await configure.save_settings(self.hub, self.template, self.settings)

    async def mark_customers(self, *codes: str) -> None:
        """Mark these customers."""
        await self.mark("customers", codes, {"accountType": str(ACCOUNT_TYPE)})

    async def mark_items(self, *codes: str) -> None:
        """Mark these items."""
        await self.mark("items", codes, {})

    async def mark(self, noun: str, codes: Sequence[str], attributes: Mapping[str, str]) -> None:
        """Mark records by their codes."""
        entries = [marks.Entry(code, attributes) for code in codes]
        results = await marks.mark_entries(self.hub, self.template, noun, entries, marked=True, batch=None)
        assert all(one["result"] in ("marked", "already") for one in results), results

    async def run(self, object_name: str, mode: str = "delta") -> Run:
        """One whole run with all that follows from it."""
        name = await start(self.hub, self.template, object_name, mode, "request")
        await self.drain()
        run = await self.hub.runs.run(name)
        assert run is not None
        assert RunStatus(run.status).over, run
        return run

    async def initialize(self, object_name: str) -> Run:
        """The first load."""
        name = await configure.initialize(self.hub, self.template, object_name)
        await self.drain()
        run = await self.hub.runs.run(name)
        assert run is not None
        return run

    async def sync(self, object_name: str, side: SideName, *keys: str) -> Run:
        """Sync Now of named records."""
        started = await sync_now.sync_now(self.hub, self.template, object_name, "due", [(side, key) for key in keys])
        await self.drain()
        run = await self.hub.runs.run(started.run)
        assert run is not None
        return run

    async def drain(self) -> None:
        """Work on all messages."""
        await self.messages.drain(self.app)

    async def work_killed(self, moments: Sequence[float], then: Callable[[], None] = lambda: None) -> int:
        """Work, and be killed after each of these times; another process takes over. How many messages were in work.

        ``then`` is called at each kill, before what the dead process held is given back, which takes its time.
        """
        interrupted = 0
        for moment in moments:
            working = asyncio.create_task(self.drain())
            await asyncio.wait({working}, timeout=moment)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            interrupted += await self.messages.kill()
            then()
            await self.app.close()
            self.app = self.another_app()
        gc.collect()  # connections that were cut while they were made are let go here, not in another test
        return interrupted

    async def settle(self, *, seconds: float = 60) -> None:
        """Sweep and work until no run is at work, nothing is due any more, and neither system is at work on anything.

        What a dead process asked for is done all the same, after nobody waits for it any more.
        """
        async with asyncio.timeout(seconds):
            while True:
                await sweep(self.hub)
                await self.drain()
                if not await self._is_at_work() and not self._asked_for():
                    return
                await asyncio.sleep(0.2)

    def _asked_for(self) -> int:
        """Requests that the systems are at work on."""
        return int(self.sap.control.stats()["current"]) + int(self.dataverse.control.stats()["current"])

    async def _is_at_work(self) -> bool:
        for name in self.objects:
            state = await self.hub.runs.object(self.template, name)
            if state.active is not None:
                return True
            async for _ in self.hub.records.rows(partition(self.template, name), "d:"):
                return True
        return False

    async def explain(self, object_name: str, side: SideName, key: str) -> dict[str, Any]:
        """Why this record did or did not travel."""
        return await explain.explain(self.hub, self.template, object_name, side, key)

    async def records(self, object_name: str) -> list[Record]:
        """Everything that is known of an object's records."""
        return [from_row(row) async for row in self.hub.records.rows(partition(self.template, object_name), "r:")]

    async def record(self, object_name: str, side: SideName, key: str) -> Record:
        """One of them."""
        found = await self.hub.records.get(partition(self.template, object_name), side, key)
        assert found is not None
        return found

    # --- in both systems ----------------------------------------------------------------------------------------------

    def forget_writes(self) -> None:
        """Count writes from here on."""
        self.sap.control.reset_stats()
        self.dataverse.control.reset_stats()

    def writes(self) -> dict[str, int]:
        """What was written in both systems since."""
        both = (*self.sap.control.writes.items(), *self.dataverse.control.writes.items())
        return {name: count for name, count in both if count}

    def product_of(self, code: str) -> Row:
        """The one product of an item."""
        (row,) = [each for each in self.dataverse.data_rows("products") if each["productnumber"] == code]
        return row

    def prices_of(self, code: str) -> dict[str, Any]:
        """Price by the name of the price list, of the item's product."""
        product = self.product_of(code)["productid"]
        names = {row["pricelevelid"]: row["name"] for row in self.dataverse.data_rows("pricelevels")}
        rows = [each for each in self.dataverse.data_rows("productpricelevels") if each["_productid_value"] == product]
        assert len({row["_pricelevelid_value"] for row in rows}) == len(rows)
        return {names[row["_pricelevelid_value"]]: row["amount"] for row in rows}

    def item(self, code: str) -> Row:
        """An item of SAP."""
        return next(row for row in self.sap.data_rows("Items") if row["ItemCode"] == code)

    def account_of(self, code: str) -> Row:
        """The one account of a customer."""
        (row,) = [each for each in self.dataverse.data_rows("accounts") if each.get("accountnumber") == code]
        return row

    def orders(self) -> list[Row]:
        """Every order of SAP."""
        return list(self.sap.data_rows("Orders"))

    def drafts(self) -> list[Row]:
        """Every draft of SAP."""
        return list(self.sap.data_rows("Drafts"))

    def order_of(self, key: str) -> Row:
        """The one SAP order of an order of Dynamics."""
        (row,) = [each for each in self.orders() if each.get("U_HubRef") == f"{self.template}:{key}"]
        return row

    def act_on_order(self, entry: int, action: str) -> None:
        """Close or cancel, as a user of SAP does."""
        orders = self.sap.company.schema.entity_sets["Orders"]
        self.sap.entities.act(orders, self.sap.store.tables["Orders"].rows[entry,], action)

    def decide(self, entry: int, *, approved: bool) -> None:
        """What an authorizer decides about a draft."""
        (self.sap.approvals.approve if approved else self.sap.approvals.reject)(entry)

    def lines_of(self, key: str) -> list[Row]:
        """The lines of an order of Dynamics, in order."""
        rows = [row for row in self.dataverse.data_rows("salesorderdetails") if row["_salesorderid_value"] == key]
        return sorted(rows, key=lambda row: int(row["lineitemnumber"]))

    def sales_order(self, key: str) -> Row:
        """An order of Dynamics."""
        return next(row for row in self.dataverse.data_rows("salesorders") if row["salesorderid"] == key)


@asynccontextmanager
async def trade(
    storage: str,
    *,
    customers: int = 12,
    items: int = 60,
    times: Mapping[str, float] | None = None,
    types: Mapping[str, TemplateType] | None = None,
    **settings: Any,
) -> AsyncIterator[Trade]:
    """A world of its own: simulators, tables and template, set up."""
    with tempfile.TemporaryDirectory(prefix="trade-") as directory:
        simulators = await Simulators(Path(directory), customers, items).start()
        world = Trade(simulators, storage, "t" + uuid.uuid4().hex[:12], times or {}, settings, types)
        try:
            await world.open()
            yield world
        finally:
            await world.app.close()
            await simulators.stop()


async def open_for_business(world: Trade, *, customers: int = 5, items: Sequence[str] = ()) -> None:
    """Customers of all currencies and items are marked and initialized, so that orders find both."""
    codes = [f"C{number:05d}" for number in range(1, customers + 1)]
    world.sap.data_write("BusinessPartners", [{"CardCode": code, "Currency": "##"} for code in codes])
    await world.mark_customers(*codes)
    assert (await world.initialize("account")).status == "succeeded"
    await world.mark_items(*(items or [f"I{number:05d}" for number in range(1, 20)]))
    run = await world.initialize("product")
    assert run.status == "succeeded", run


async def with_orders(world: Trade, count: int, *, most_lines: int = 4, seed: int = 0) -> list[str]:
    """Open for business, and so many submitted orders; their ids."""
    await open_for_business(world)
    orders = make_orders(read_catalog(world.dataverse), count, seed=seed, most_lines=most_lines)
    return lay_out_orders(world.dataverse, orders)
