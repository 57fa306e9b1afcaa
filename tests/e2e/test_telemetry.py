"""The trace of one run through a running hub: one tree with the plan, every slice and every request to each system.

The hub writes its telemetry to a file as it would send it to Application Insights.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared import telemetry
from tests.e2e.driver import QUICK_HOST, QUICK_TIMES, Driver, FaultyEnvironment, until
from tests.faults.conftest import kill_workers
from tests.faults.proxy import Moment, Seen, Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")

type Line = dict[str, Any]

CODES = [f"C{n:05d}" for n in range(1, 36)]
PHONE = "+49 40 4711"
_SLICE = 10
_OUTCOME_OF_A_SLICE = r'"done": ?true'


class Told:
    """What the hub has told so far."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self, kind: str) -> list[Line]:
        """All lines of a kind."""
        text = self._file.read_text() if self._file.exists() else ""
        whole = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in whole if line["kind"] == kind]

    def of_run(self, run: str) -> list[Line]:
        """The spans of a run's trace."""
        trace = f"{telemetry.root_of(run).trace_id:032x}"
        return [span for span in self.lines("span") if span["trace"] == trace]

    def text(self) -> str:
        """The whole file."""
        return self._file.read_text()

    async def all_of(self, run: str) -> list[Line]:
        """The spans of a run that is over, once no further one comes: all left their processes after two seconds."""
        await until(lambda: self._is_over(run), f"the end of {run} in the trace")
        await asyncio.sleep(2.5)
        return self.of_run(run)

    async def _is_over(self, run: str) -> bool:
        return any(span["name"] == "run ended" for span in self.of_run(run))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    """A hub of two worker processes that tells everything."""
    file = tmp_path_factory.mktemp("told") / "telemetry.jsonl"
    settings = {
        **QUICK_HOST,
        "HUB_TELEMETRY_FILE": str(file),
        "HUB_SLICE_SIZE": str(_SLICE),
        "PYTHON_ENABLE_OPENTELEMETRY": "true",
    }
    async with FaultyEnvironment(customers=150, workers=2, settings=settings, times=QUICK_TIMES) as env:
        driver = Driver(env)
        await driver.set_up()
        yield driver
        await driver.close()


@pytest.fixture
def told(hub: Driver) -> Told:
    """The hub's file."""
    assert isinstance(hub.env, FaultyEnvironment)
    return Told(Path(hub.env.app_settings()["HUB_TELEMETRY_FILE"]))


def assert_one_tree(spans: Sequence[Line]) -> None:
    """One root, and every other span below a span that is there."""
    assert len([span for span in spans if span["parent"] is None]) == 1
    known = {span["span"] for span in spans}
    assert len(known) == len(spans)
    assert [span["name"] for span in spans if span["parent"] is not None and span["parent"] not in known] == []


def _named(spans: Iterable[Line], name: str) -> list[Line]:
    return [span for span in spans if span["name"] == name]


def _systems(spans: Iterable[Line]) -> Counter[str]:
    return Counter(span["attributes"]["hub.system"] for span in spans if span["spanKind"] == "CLIENT")


async def test_the_trace_of_a_run_is_one_tree_with_every_slice_and_every_request(hub: Driver, told: Told) -> None:
    await hub.mark(CODES)
    await asyncio.sleep(2.5)
    before = len(told.lines("span"))
    systems = {"sap": hub.sap.control, "dataverse": hub.dataverse.control, "entra": hub.env.simulators.entra.control}
    for control in systems.values():
        control.reset_stats()
    run = await hub.initialize()
    sent = {name: control.requests.total() for name, control in systems.items() if control.requests.total()}
    spans = await told.all_of(run["id"])
    assert run["counts"] == {"created": len(CODES)}

    assert_one_tree(spans)
    (root,) = [span for span in spans if span["parent"] is None]
    assert (root["name"], root["attributes"]["hub.run"]) == ("run account", run["id"])
    assert root["links"] != []  # to the request that asked for it
    assert _named(spans, "plan account") != []
    assert _named(spans, "finish account") != []
    slices = {item.id async for item in hub.runs.slices(run["id"])}
    delivered = _named(spans, "deliver account")
    assert {span["attributes"]["hub.slice"] for span in delivered} == slices
    assert len(slices) >= 4
    assert sum(span["attributes"].get("hub.outcome.created", 0) for span in delivered) == len(CODES)
    assert all(span["attributes"]["hub.storage_calls"] > 0 for span in delivered)
    assert len({span["process"] for span in spans}) > 1
    assert _systems(spans) == sent
    assert _systems(told.lines("span")[before:]) == sent  # no request outside the trace
    (end,) = _named(spans, "run ended")
    assert (end["attributes"]["hub.status"], end["status"]) == ("succeeded", "UNSET")
    assert end["start"] <= root["end"]
    assert {span["status"] for span in spans} == {"UNSET"}


async def test_records_and_requests_are_counted_once(hub: Driver, told: Told) -> None:
    def total(name: str, **having: str) -> int:
        points = [p for p in told.lines("metric") if p["name"] == name and having.items() <= p["attributes"].items()]
        return sum(point["value"] for point in points)

    async def counted() -> bool:
        return total("hub.records") >= len(CODES)

    await until(counted, "the counts")
    assert total("hub.records", template="dynamics", object="account", outcome="created") == len(CODES)
    await asyncio.sleep(2)
    assert total("hub.records") == len(CODES)
    assert total("hub.requests", system="sap", status_class="2xx") == _systems(told.lines("span"))["sap"]


async def test_the_sweeper_tells_the_gauges(told: Told) -> None:
    latest = {(p["name"], *sorted(p["attributes"].values())): p["value"] for p in told.lines("metric")}
    for queue in ("runs", "deliveries", "marks"):
        assert latest["hub.poison.messages", queue] == 0
        assert latest["hub.queue.age", queue] >= 0
    assert latest["hub.overdue", "account", "dynamics"] == 0
    assert latest["hub.healthy",] == 1
    assert 0 <= latest["hub.last_good_run.age", "account", "dynamics"] < 120


async def test_a_killed_worker_leaves_a_trace_that_says_so(hub: Driver, told: Told) -> None:
    assert isinstance(hub.env, FaultyEnvironment)
    assert hub.env.proxy is not None
    for code in CODES[:_SLICE]:
        hub.edit_partner(code, Phone2=PHONE)
    killed = asyncio.Event()
    dead: set[int] = set()

    async def kill(_: Seen) -> Verdict:
        for host in hub.env.hosts:
            dead.update(await host.current_worker_pids())
        assert await kill_workers(hub)
        killed.set()
        return Verdict.CUT

    hub.env.proxy.on(
        kill, service="table", method="PUT|MERGE|PATCH", path=r"/slices\(", body=_OUTCOME_OF_A_SLICE,
        moment=Moment.BEFORE,
    )  # fmt: skip
    run = await hub.sync()
    assert killed.is_set()
    assert run["status"] == "succeeded"
    spans = await told.all_of(run["id"])
    assert_one_tree([span for span in spans if span["process"] not in dead or span["parent"] is None])
    assert {span["process"] for span in spans} - dead != set()
    again = [span for span in _named(spans, "deliver account") if span["attributes"].get("messaging.redelivered")]
    assert again != []
    for span in again:
        assert span["process"] not in dead
        assert span["attributes"]["messaging.message.delivery_count"] >= 2
        assert span["events"][0] == "an earlier worker ended without a result"


async def test_nothing_that_is_told_names_a_record_or_a_secret(hub: Driver, told: Told) -> None:
    settings = hub.env.app_settings()
    secrets = [settings[name] for name in ("SAP_PASSWORD", "DATAVERSE_CLIENT_SECRET", "HUB_TOKEN_KEY", "DATAVERSE_URL")]
    partners = [hub.partner(code) for code in CODES]
    words = {str(row[name]) for row in partners for name in ("CardCode", "CardName", "EmailAddress") if row[name]}
    text = told.text()
    assert "BusinessPartners" in text
    assert [word for word in [*secrets, *words, PHONE, "?token=", "token="] if word in text] == []
    assert not re.search(r"\(['\d]", text)  # a key in an address
    accounts = [str(hub.account_of(code)["accountid"]) for code in CODES]
    assert [key for key in accounts if key in text] == []
