"""Messages that come twice, that nobody can read, that are lost: one effect, a list for a person, nothing blocked."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError

from local.simulators.control import Latency
from shared.stores.queues import QUEUES
from tests.e2e.driver import Driver, until
from tests.e2e.sales_subjects import SALES
from tests.e2e.subjects import ACCOUNT_IN, ACCOUNT_OUT, ORDER_IN, PRODUCT_OUT, Subject
from tests.faults.conftest import kill_workers
from tests.faults.proxy import Moment, Seen, StorageProxy, Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CLAIM = r'/records\b.*"claim": ?"\['


async def _twice_at_once(hub: Driver, proxy: StorageProxy, subject: Subject) -> None:
    """Send the run's delivery message a second time, and let both deliveries write their claims at one moment.

    The writes take long, so that the one who lost sees a claim and nothing written yet.
    """
    for control in (hub.sap.control, hub.dataverse.control):
        control.latency = Latency(bulk_base=1000, single=100)
    both = asyncio.Barrier(2)
    arrived = asyncio.Event()

    async def wait_for_the_other(_: Seen) -> Verdict:
        arrived.set()
        async with asyncio.timeout(10):
            await both.wait()
        return Verdict.PASS

    proxy.on(wait_for_the_other, method="POST", path=r"/\$batch", body=_CLAIM, times=2)
    run = await hub.start(name=subject.name)
    await asyncio.wait_for(arrived.wait(), 30)
    message = {"v": 1, "run": run["run"], "slice": f"{subject.phase}:000000", "attempt": 0}
    assert await hub.runs.slice(run["run"], message["slice"])
    await hub.queues.send("deliveries", message)
    await hub.run_to_end(run)
    assert [rule.hits for rule in proxy.rules] == [2]
    await hub.at_rest()
    assert await hub.poisoned() == {}
    assert await hub.failures() == []


@pytest.mark.parametrize("subject", [ACCOUNT_IN, ACCOUNT_OUT, ORDER_IN, PRODUCT_OUT, *SALES], ids=str)
async def test_a_message_delivered_twice_at_once_makes_each_record_once(
    hub: Driver, proxy: StorageProxy, subject: Subject
) -> None:
    await subject.open(hub)
    before = subject.progress(hub)
    keys = await subject.make(hub, 5)
    await _twice_at_once(hub, proxy, subject)
    made = [now - then for now, then in zip(subject.progress(hub), before, strict=True)]
    assert made == [5 * stage.each for stage in subject.stages]
    await subject.arrived(hub, keys)


_STRANGE = {
    "not JSON": b"\xff\x00 nothing of ours",
    "a list": b"[1, 2]",
    "a newer schema": json.dumps({"v": 99, "run": "dynamics.account.1", "step": "plan"}).encode(),
    "without its parts": json.dumps({"v": 1}).encode(),
}


@pytest.mark.parametrize("queue", QUEUES)
async def test_messages_that_nobody_can_read_are_listed_and_the_queue_flows_on(hub: Driver, queue: str) -> None:
    async with hub.raw_queues() as service:
        client = service.get_queue_client(queue)
        with contextlib.suppress(ResourceExistsError):
            await client.create_queue()
        for body in _STRANGE.values():
            await client.send_message(base64.b64encode(body).decode())

    async def listed() -> bool:
        return len([o for o in await _oddities(hub) if o["queue"] == queue]) == len(_STRANGE)

    await until(listed, "the list of odd messages", log=hub.log)
    assert all(oddity["reason"] for oddity in await _oddities(hub))
    await _flows(hub, f"Flow {queue}")
    assert {name: n for name, n in (await hub.poisoned()).items() if name != "oddities"} == {}


async def test_messages_of_unknown_runs_and_objects_change_nothing(hub: Driver) -> None:
    before = len(await _oddities(hub))
    for run in ("dynamics.nothing.01", "nowhere.account.01", "dynamics.account.01"):
        await hub.queues.send("runs", {"v": 1, "run": run, "step": "plan", "beat": 0})
        await hub.queues.send("deliveries", {"v": 1, "run": run, "slice": "0:000000", "attempt": 0})
    await hub.at_rest()
    assert len(await _oddities(hub)) == before
    await _flows(hub, "Flow unknown")


async def test_a_message_that_is_not_even_base64_does_not_stop_the_queue(hub: Driver) -> None:
    async with hub.raw_queues() as service:
        client = service.get_queue_client("runs")
        await client.send_message("%% raw <&> garbage")

        async def moved() -> bool:
            return await hub.queues.count("runs-poison") == 1

        await until(moved, "the poison queue of the platform", log=hub.log)
        await _flows(hub, "Flow raw")
        await service.get_queue_client("runs-poison").clear_messages()


async def _oddities(hub: Driver) -> list[dict[str, Any]]:
    return list((await hub.env.api("GET", "/health"))["oddities"])


async def _flows(hub: Driver, name: str) -> None:
    """A run goes through as ever."""
    hub.born_there(1, name)
    assert (await hub.sync())["status"] == "succeeded"
    assert len(hub.partners_named(f"{name} 000 GmbH")) == 1


# --- a planner around its messages ------------------------------------------------------------------------------------


async def test_a_planner_killed_after_saving_slices_before_sending_them_is_continued(
    hub: Driver, proxy: StorageProxy
) -> None:
    async def kill(_: Seen) -> Verdict:
        await kill_workers(hub)
        return Verdict.CUT

    rule = proxy.on(kill, method="POST", path=r"/\$batch", body=r'/slices\b.*"RowKey": ?"0:000000', moment=Moment.AFTER)
    hub.born_there(2, "Planned")
    run = await hub.run_to_end(await hub.start())
    assert rule.hits == 1
    assert run["status"] == "succeeded"
    assert [len(hub.partners_named(f"Planned {n:03d} GmbH")) for n in range(2)] == [1, 1]


@pytest.mark.parametrize("lost", ["deliveries", "runs"])
async def test_a_run_whose_messages_are_lost_for_good_is_ended_by_the_sweeper(
    hub: Driver, proxy: StorageProxy, lost: str
) -> None:
    """The planner dies once its slices are saved, and every message that was there is gone."""

    async def kill_and_lose(_: Seen) -> Verdict:
        await kill_workers(hub)
        async with hub.raw_queues() as service:
            await service.get_queue_client("runs").clear_messages()
            await service.get_queue_client("deliveries").clear_messages()
        return Verdict.CUT

    body = r'/slices\b.*"RowKey": ?"0:000000' if lost == "deliveries" else r'/runs\b.*"status": ?"delivering"'
    proxy.on(kill_and_lose, method="POST", path=r"/\$batch", body=body, moment=Moment.AFTER)
    hub.born_there(2, f"Lost {lost}")
    run = await hub.run_to_end(await hub.start())
    assert run["status"] == "succeeded"
    await hub.at_rest()
    assert [len(hub.partners_named(f"Lost {lost} {n:03d} GmbH")) for n in range(2)] == [1, 1]


async def test_a_run_that_was_written_but_whose_first_message_was_never_sent_still_happens(
    hub: Driver, proxy: StorageProxy
) -> None:
    async def kill(_: Seen) -> Verdict:
        await kill_workers(hub)
        return Verdict.CUT

    rule = proxy.on(kill, service="queue", method="POST", path=r"/runs/messages")
    hub.born_there(1, "Unsent")
    status, _, _ = await hub.env.call("POST", "/templates/dynamics/objects/account/sync", {})
    assert status >= 500
    assert rule.hits == 1
    state = await hub.state()
    assert state.active is not None
    run = state.active.run
    assert await hub.queues.count("runs") == 0

    async def over() -> bool:
        return (await hub.state()).last_run == run

    await until(over, "the sweeper", log=hub.log)
    assert len(hub.partners_named("Unsent 000 GmbH")) == 1
    assert await hub.failures() == []


async def test_messages_and_logs_hold_keys_and_never_what_is_in_a_record(hub: Driver, proxy: StorageProxy) -> None:
    bodies: list[str] = []

    async def note(seen: Seen) -> Verdict:
        bodies.append(seen.body)
        return Verdict.PASS

    proxy.on(note, service="queue", method="POST", times=None)
    hub.born_there(1, "Secret")
    await hub.sync()
    texts = [base64.b64decode(found[1]).decode() for body in bodies if (found := re.search(">([\\w+/=]+)</M", body))]
    assert texts
    assert not [text for text in texts if "Secret" in text or "secret" in text]
    assert "Secret" not in hub.log()
