"""Systems that do not answer, refuse one record, or are away for long: nothing is lost, doubled or given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.stores.queues import QUEUES, poison
from tests.e2e.driver import Driver, until
from tests.e2e.sales_subjects import CONTACT_IN, LEAD_IN, OPPORTUNITY_IN, QUOTATION_IN
from tests.e2e.subjects import ACCOUNT_IN, ACCOUNT_OUT, ORDER_IN, Subject

pytestmark = pytest.mark.asyncio(loop_scope="module")

# host.json's maxDequeueCount times the visibilityTimeout of these tests, twice over.
_LONGER_THAN_THE_PLATFORM_TRIES = 2 * 5 * 1.0


@pytest.mark.parametrize(
    ("subject", "count", "rule"),
    [
        pytest.param(ACCOUNT_IN, 1, {"match": {"method": "POST", "path": r"/BusinessPartners$"}}, id="one customer"),
        pytest.param(
            ACCOUNT_IN,
            5,
            {"match": {"path": r"/\$batch$", "body": r"POST \S*/BusinessPartners"}},
            id="a batch of customers",
        ),
        # Orders go in requests of their own, several at once.
        pytest.param(ORDER_IN, 5, {"match": {"method": "POST", "path": r"/Orders$"}, "times": 5}, id="several orders"),
        pytest.param(
            QUOTATION_IN, 3, {"match": {"method": "POST", "path": r"/Quotations$"}, "times": 3}, id="several quotations"
        ),
        pytest.param(LEAD_IN, 1, {"match": {"method": "POST", "path": r"/BusinessPartners$"}}, id="one lead"),
        pytest.param(
            CONTACT_IN, 3, {"match": {"method": "PATCH", "path": r"/BusinessPartners"}}, id="several contacts of one"
        ),
        pytest.param(
            OPPORTUNITY_IN, 1, {"match": {"method": "POST", "path": r"/SalesOpportunities$"}}, id="one opportunity"
        ),
    ],
)
async def test_posts_to_sap_that_commit_but_never_answer_make_each_record_once(
    hub: Driver, subject: Subject, count: int, rule: dict[str, Any]
) -> None:
    await subject.open(hub)
    (before,) = subject.progress(hub)
    keys = await subject.make(hub, count)
    hub.sap.control.add_fault({"times": 1, **rule, "action": {"commit_then_hang": 60}})
    run = await hub.sync(name=subject.name)
    assert hub.sap.control.faults_hit["commit_then_hang"]
    assert subject.progress(hub)[0] > before
    # Where what SAP shows travels out unmarked, it waits with the record that it was made for.
    assert run["counts"]["retrying"] in (count, count + subject.progress(hub)[0] - before)
    hub.sap.control.clear_faults()
    await hub.at_rest()
    assert subject.progress(hub) == [before + count]
    await subject.arrived(hub, keys)
    assert await hub.failures() == []


@dataclass(frozen=True)
class Refusal:
    """A record among many that the far system refuses for what stands in one of its fields."""

    subject: Subject
    count: int
    rules: tuple[dict[str, Any], ...]

    def edit(self, hub: Driver, key: str, text: str) -> None:
        """Let the field that is looked at hold this text."""
        if self.subject.in_sap:
            hub.dataverse.data_write("salesorders", [{"salesorderid": key, "description": text}])
        else:
            hub.edit_partner(key, Fax=text)


_REFUSED = "refuse-me"
_REFUSALS = (
    Refusal(
        ACCOUNT_OUT,
        100,
        (
            {"match": {"path": "UpsertMultiple", "body": rf'"fax":\s?"{_REFUSED}"'}},
            {"match": {"part": True, "body": rf'"fax":\s?"{_REFUSED}"'}},
            {"match": {"method": "PATCH", "body": rf'"fax":\s?"{_REFUSED}"'}},
        ),
    ),
    Refusal(ORDER_IN, 12, ({"match": {"method": "POST", "path": "/Orders$", "body": _REFUSED}},)),
)


@pytest.mark.parametrize("refusal", _REFUSALS, ids=lambda refusal: str(refusal.subject))
async def test_one_bad_record_among_many_fails_alone_is_listed_mended_and_retried(
    hub: Driver, refusal: Refusal
) -> None:
    subject = refusal.subject
    await subject.open(hub)
    keys = subject.choose(hub, refusal.count)
    bad = keys[refusal.count // 2]
    refusal.edit(hub, bad, _REFUSED)
    control = hub.sap.control if subject.in_sap else hub.dataverse.control
    answer = {"error": {"code": "0x80040265", "message": f"'{_REFUSED}' is not allowed, says a plug-in of ours."}}
    control.add_fault(*({**rule, "action": {"status": 400, "body": answer}} for rule in refusal.rules))
    await subject.release(hub, keys)
    run = await hub.sync(name=subject.name)
    assert run["status"] == "partly failed"
    assert (run["counts"]["created"], run["counts"]["failed"]) == (refusal.count - 1, 1)
    await subject.arrived(hub, [key for key in keys if key != bad])
    (failure,) = await hub.failures()
    assert bad in str(failure)
    assert _REFUSED not in str(failure), "what is listed quotes no data"
    refusal.edit(hub, bad, "+49 40 1")
    chosen = {"object": subject.name, "keys": [{"side": subject.born, "key": bad}]}
    retried = await hub.api("POST", "/failures/retry", chosen, expect=202)
    await hub.run_to_end(retried["runs"][0])
    await hub.at_rest()
    assert await hub.failures() == []
    await subject.arrived(hub, keys)


@asynccontextmanager
async def _refused_connections(hub: Driver) -> AsyncIterator[None]:
    urls, tls = hub.env.simulators.urls, hub.env.simulators.tls
    await hub.sap.stop()
    await hub.dataverse.stop()
    try:
        yield
    finally:
        await hub.sap.start(urlsplit(urls["sap"]).port or 0, tls.server)
        await hub.dataverse.start(urlsplit(urls["dataverse"]).port or 0, tls.server)


@asynccontextmanager
async def _unavailable(hub: Driver) -> AsyncIterator[None]:
    systems = [hub.sap.control, hub.dataverse.control]
    for control in systems:
        control.add_fault({"action": {"status": 503}})
    yield
    assert sum(control.faults_hit["status"] for control in systems) > 5
    for control in systems:
        control.clear_faults()


@pytest.mark.parametrize("outage", [_refused_connections, _unavailable])
async def test_an_outage_longer_than_the_platforms_retries_poisons_nothing_and_everything_arrives(
    hub: Driver, outage: Callable[[Driver], Any]
) -> None:
    word = "Refused" if outage is _refused_connections else "Unavailable"
    first = 210 if outage is _refused_connections else 220
    codes = [f"C{n:05d}" for n in range(first, first + 5)]
    await hub.mark(codes)
    hub.born_there(5, word)
    async with outage(hub):
        run = await hub.start()
        began = time.monotonic()

        async def lasted() -> bool:
            assert [await hub.queues.count(poison(queue)) for queue in QUEUES] == [0, 0, 0]
            return time.monotonic() - began > _LONGER_THAN_THE_PLATFORM_TRIES

        await until(lasted, "the outage to last", log=hub.log)
    ended = await hub.run_to_end(run)
    assert ended["status"] == "succeeded", ended
    await hub.at_rest()
    assert hub.differences(codes) == []
    assert [len(hub.partners_named(f"{word} {n:03d} GmbH")) for n in range(5)] == [1] * 5
    assert await hub.failures() == []
    assert await hub.poisoned() == {}


async def test_an_outage_that_begins_in_the_middle_of_a_delivery_poisons_nothing_either(hub: Driver) -> None:
    """Both systems can still be read: accounts fail to be written in Dynamics, orders in SAP."""
    subjects = (ACCOUNT_OUT, ORDER_IN)
    await ORDER_IN.open(hub)
    before = [subject.progress(hub) for subject in subjects]
    for control in (hub.sap.control, hub.dataverse.control):
        control.add_fault({"match": {"method": "POST"}, "action": {"status": 503}})
    keys = [await subject.make(hub, 10) for subject in subjects]
    runs = [await hub.start(name=subject.name) for subject in subjects]
    began = time.monotonic()

    async def tried_for_long() -> bool:
        assert [await hub.queues.count(poison(queue)) for queue in QUEUES] == [0, 0, 0]
        waits = [await _waits_by_itself(hub, each, run["run"]) for each, run in zip(subjects, runs, strict=True)]
        return all(waits) and time.monotonic() - began > _LONGER_THAN_THE_PLATFORM_TRIES

    await until(tried_for_long, "the outage to last", log=hub.log)
    assert [subject.progress(hub) for subject in subjects] == before
    for control in (hub.sap.control, hub.dataverse.control):
        control.clear_faults()
    for run in runs:
        assert (await hub.run_to_end(run))["status"] == "succeeded"
    await hub.at_rest()
    for subject, some in zip(subjects, keys, strict=True):
        await subject.arrived(hub, some)
    assert await hub.failures() == []
    assert await hub.poisoned() == {}


async def _waits_by_itself(hub: Driver, subject: Subject, run: str) -> bool:
    """Not by the platform's tries: in its slice's row or, where a create may have happened, in rows of the records."""
    item = await hub.runs.slice(run, f"{subject.phase}:000000")
    if item is None or not item.done:
        return item is not None and item.attempt > 2
    assert item.counts == {"retrying": 10}
    return max(record.attempt for record in await hub.all_records(subject.name)) > 2


async def test_sync_now_five_times_at_once_makes_two_runs_at_most_and_each_holds_its_callers_edit(hub: Driver) -> None:
    codes = [f"C{n:05d}" for n in range(101, 106)]
    hub.sap.control.latency.page = 300
    await hub.api("PUT", "/objects/account/schedule", {"run": "daily", "every": "00:01"})
    for round_number in range(3):
        runs: set[str] = set()

        async def press(n: int, mark: str, made: set[str]) -> None:
            hub.edit_partner(codes[n], Fax=mark)
            answer = await hub.start()
            made.add(answer["run"])
            await hub.run_to_end(answer)
            assert hub.account_of(codes[n])["fax"] == mark, "its run is over, and so its edit has arrived"

        async with asyncio.TaskGroup() as presses:
            for n in range(5):
                presses.create_task(press(n, f"round {round_number} by {n}", runs))
        assert 1 <= len(runs) <= 2
    hub.sap.control.latency.page = 0
    await hub.api("PUT", "/objects/account/schedule", {"run": "never"})
    await hub.at_rest()
    assert hub.differences(codes) == []
