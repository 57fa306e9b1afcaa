"""Systems that do not answer, refuse one record, or are away for long: nothing is lost, doubled or given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.stores.queues import QUEUES, poison
from tests.e2e.driver import Driver, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

# host.json's maxDequeueCount times the visibilityTimeout of these tests, twice over.
_LONGER_THAN_THE_PLATFORM_TRIES = 2 * 5 * 1.0


async def test_a_post_to_sap_that_commits_but_never_answers_makes_one_customer(hub: Driver) -> None:
    (key,) = hub.born_there(1, "Unanswered")
    customers = len(hub.sap.data_rows("BusinessPartners"))
    rule = {"match": {"method": "POST", "path": r"/BusinessPartners$"}, "times": 1, "action": {"commit_then_hang": 60}}
    hub.sap.control.add_fault(rule)
    run = await hub.sync()
    assert run["counts"]["retrying"] == 1
    hub.sap.control.clear_faults()
    await hub.at_rest()
    assert len(hub.sap.data_rows("BusinessPartners")) == customers + 1
    (partner,) = hub.partners_named("Unanswered 000 GmbH")
    assert hub.account_of(partner["CardCode"])["accountid"] == key
    assert await hub.failures() == []


async def test_a_batch_of_posts_to_sap_that_commits_but_never_answers_makes_one_customer_each(hub: Driver) -> None:
    hub.born_there(5, "Silent")
    customers = len(hub.sap.data_rows("BusinessPartners"))
    rule = {
        "match": {"method": "POST", "path": r"/\$batch$", "body": "POST /b1s/v2/BusinessPartners"},
        "times": 1,
        "action": {"commit_then_hang": 60},
    }
    hub.sap.control.add_fault(rule)
    await hub.sync()
    assert hub.sap.control.faults_hit["commit_then_hang"]
    hub.sap.control.clear_faults()
    await hub.at_rest()
    assert len(hub.sap.data_rows("BusinessPartners")) == customers + 5
    assert [len(hub.partners_named(f"Silent {n:03d} GmbH")) for n in range(5)] == [1] * 5
    assert await hub.failures() == []


async def test_one_bad_record_among_a_hundred_fails_alone_is_listed_mended_and_retried(hub: Driver) -> None:
    codes = [f"C{n:05d}" for n in range(101, 201)]
    bad = codes[57]
    hub.edit_partner(bad, Fax="refuse-me")
    refusal = {"error": {"code": "0x80040265", "message": "Fax 'refuse-me' is no number, says a plug-in of ours."}}
    body = r'"fax":\s?"refuse-me"'
    hub.dataverse.control.add_fault(
        {"match": {"path": "UpsertMultiple", "body": body}, "action": {"status": 400, "body": refusal}},
        {"match": {"part": True, "body": body}, "action": {"status": 400, "body": refusal}},
        {"match": {"method": "PATCH", "body": body}, "action": {"status": 400, "body": refusal}},
    )
    await hub.mark(codes)
    run = await hub.sync()
    assert run["status"] == "partly failed"
    assert (run["counts"]["created"], run["counts"]["failed"]) == (99, 1)
    assert hub.differences([code for code in codes if code != bad]) == []
    (failure,) = await hub.failures()
    assert bad in str(failure)
    assert "refuse-me" not in str(failure), "what is listed quotes no data"
    hub.edit_partner(bad, Fax="+49 40 1")
    retried = await hub.api("POST", "/failures/retry", {"object": "account", "keys": [bad]}, expect=202)
    await hub.run_to_end(retried["runs"][0])
    await hub.at_rest()
    hub.dataverse.control.clear_faults()
    assert await hub.failures() == []
    assert hub.differences(codes) == []


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
    codes = [f"C{n:05d}" for n in range(230, 240)]
    await hub.mark(codes)
    down = {"match": {"method": "POST"}, "action": {"status": 503}}
    hub.dataverse.control.add_fault(down)
    run = await hub.start()
    began = time.monotonic()

    async def tried_for_long() -> bool:
        assert [await hub.queues.count(poison(queue)) for queue in QUEUES] == [0, 0, 0]
        return time.monotonic() - began > _LONGER_THAN_THE_PLATFORM_TRIES

    await until(tried_for_long, "the outage to last", log=hub.log)
    item = await hub.runs.slice(run["run"], "1:000000")
    assert item is not None
    assert not item.done
    assert item.attempt > 2, "it waited by itself, in its row, not by the platform's retries"
    hub.dataverse.control.clear_faults()
    assert (await hub.run_to_end(run))["status"] == "succeeded"
    await hub.at_rest()
    assert hub.differences(codes) == []
    assert await hub.poisoned() == {}


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
