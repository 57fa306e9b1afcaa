"""Hosts that are killed (SIGKILL) with all they hold, and several hosts on one storage."""

from __future__ import annotations

import pytest

from local.environment import Environment
from tests.e2e.driver import QUICK_HOST, QUICK_TIMES, Driver, until
from tests.e2e.subjects import ACCOUNT_OUT, ORDER_IN, Subject
from tests.trade.world import SETTINGS


@pytest.mark.parametrize(("subject", "count"), [(ACCOUNT_OUT, 2000), (ORDER_IN, 60)], ids=str)
async def test_a_host_killed_in_the_middle_of_a_load_loses_and_doubles_nothing(subject: Subject, count: int) -> None:
    customers = 2020 if subject is ACCOUNT_OUT else 20
    async with Environment(customers=customers, settings=QUICK_HOST, times=QUICK_TIMES) as env:
        hub = Driver(env)
        await hub.set_up(**SETTINGS)
        if subject is ACCOUNT_OUT:
            keys = await subject.make(hub, count)
            run = await hub.api("POST", "/objects/account/initialize", expect=202)
        else:
            await hub.initialize()
            await subject.open(hub)
            hub.sap.control.latency.single = 100
            keys = await subject.make(hub, count)
            run = await hub.start(name=subject.name)

        async def in_the_middle() -> bool:
            return subject.progress(hub)[0] >= count // 4

        await until(in_the_middle, "a quarter of the load", log=hub.log)
        env.hosts[0].kill()
        await env.hosts[0].wait()
        assert subject.progress(hub)[0] < count, "it was killed in the middle"
        await env.add_host()
        env.hosts.pop(0)
        state = await hub.state(subject.name)
        assert state.active is not None
        assert state.active.run == run["run"]

        async def over() -> bool:
            return (await hub.state(subject.name)).last_run == str(run["run"])

        await until(over, "the run to end", seconds=120, log=hub.log)
        assert (await hub.state(subject.name)).last_status == "succeeded"
        await hub.at_rest()
        assert subject.progress(hub) == [count]
        assert subject.differences(hub, keys) == []
        assert await hub.failures() == []
        assert await hub.poisoned() == {}
        await hub.close()


async def test_two_hosts_together_never_send_sap_more_at_once_than_the_gate_allows_even_when_one_is_killed() -> None:
    limit = 3
    settings = {**QUICK_HOST, "SAP_CONCURRENCY": str(limit), "HUB_SLICE_SIZE": "10"}
    codes = [f"C{n:05d}" for n in range(1, 301)]
    async with Environment(customers=300, hosts=2, workers=2, settings=settings, times=QUICK_TIMES) as env:
        hub = Driver(env)
        await hub.set_up()
        await hub.mark_range(codes[0], codes[-1])
        hub.born_there(100, "Pressing")
        sap = hub.sap.control
        sap.reset_stats()
        sap.latency.page, sap.latency.single, sap.latency.bulk_base = 150, 150, 150
        run = await hub.api("POST", "/objects/account/initialize", expect=202)

        async def under_way() -> bool:
            return hub.account_count() >= 150 and sap.current > 0

        await until(under_way, "slices under way", log=hub.log)
        env.hosts[1].kill()
        await env.hosts[1].wait()
        before = sap.peak
        ended = await hub.run_to_end(run, seconds=120)
        await hub.at_rest()
        assert ended["status"] == "succeeded"
        assert hub.differences(codes) == []
        assert [len(hub.partners_named(f"Pressing {n:03d} GmbH")) for n in range(100)] == [1] * 100
        assert 1 < before <= limit
        assert sap.peak <= limit
        assert await hub.failures() == []
        env.hosts.pop()
        await hub.close()
