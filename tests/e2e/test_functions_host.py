"""The local functions host with real workers and a real Azurite."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from local.azurite import Azurite
from local.host.launch import HostProcess
from tests.e2e.host_support import APP, Bench, is_running, until, write_app

ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def azurite() -> AsyncIterator[Azurite]:
    """One storage account for the module; every test has an app, and so a queue and timers, of its own."""
    async with Azurite.start() as running:
        yield running


@dataclass(frozen=True)
class Running:
    """A host that stays up for the whole module, for tests that only ask."""

    bench: Bench
    host: HostProcess


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The sample app, served once."""
    bench = Bench(azurite, write_app(tmp_path_factory.mktemp("shared") / "app"))
    async with await bench.host() as host:
        yield Running(bench, host)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def bench(azurite: Azurite, tmp_path: Path) -> Bench:
    """The sample app as it comes."""
    return Bench(azurite, write_app(tmp_path / "app"))


async def status(http: aiohttp.ClientSession, url: str, method: str = "GET", **headers: str) -> int:
    """The status alone."""
    async with http.request(method, url, headers=headers) as response:
        return response.status


async def text(http: aiohttp.ClientSession, url: str, **headers: str) -> str:
    """The body of a 200."""
    async with http.get(url, headers=headers) as response:
        assert response.status == 200
        return await response.text()


class TestHttp:
    """Requests, as the Azure host lets them through."""

    async def test_keys_decide_by_level_and_come_in_header_or_query(
        self, running: Running, http: aiohttp.ClientSession
    ) -> None:
        host = running.host
        orders, admins = f"{host.base_url}/api/orders/c1", f"{host.base_url}/api/admins"
        assert await status(http, f"{host.base_url}/api/first") == 200
        assert await status(http, orders) == 401
        assert await status(http, orders, **{"x-functions-key": "wrong"}) == 401
        assert await status(http, orders, **{"x-functions-key": host.function_key}) == 200
        assert await status(http, f"{orders}?code={host.function_key}") == 200
        assert await status(http, f"{orders}?code={host.master_key}") == 200
        assert await status(http, admins, **{"x-functions-key": host.function_key}) == 401
        assert await status(http, admins, **{"x-functions-key": host.master_key}) == 200

    async def test_route_and_method_together_make_the_match(
        self, running: Running, http: aiohttp.ClientSession
    ) -> None:
        host = running.host
        api, key = f"{host.base_url}/api", {"x-functions-key": host.function_key}
        assert await status(http, f"{api}/orders/c1/seven", **key) == 404
        assert await status(http, f"{api}/orders/c1", "DELETE", **key) == 404
        assert await status(http, f"{host.base_url}/orders/c1", **key) == 404
        assert await text(http, f"{api}/first") == "first"
        assert await text(http, f"{api}/third") == "second"
        params = [
            json.loads(await text(http, f"{api}/{path}", **key))["params"] for path in ("ORDERS/C1/7", "orders/c1/")
        ]
        assert params == [{"customer": "C1", "number": "7"}, {"customer": "c1"}]

    async def test_headers_and_query_reach_the_function_as_in_azure(
        self, running: Running, http: aiohttp.ClientSession
    ) -> None:
        host = running.host
        url = f"{host.base_url}/api/orders/c1?a=1&b=&a=2&code={host.function_key}"
        async with http.get(url, headers=[("X-Mixed", "1"), ("X-Mixed", "2")]) as response:
            seen = await response.json()
            assert response.cookies["a"].value == "b"
        assert seen["headers"]["x-mixed"] == "1,2"
        assert seen["query"] == {"a": "1,2", "code": host.function_key}

    async def test_a_body_arrives_byte_by_byte_but_a_chunked_one_does_not(
        self, running: Running, http: aiohttp.ClientSession
    ) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"chunk"

        body = bytes(range(256)) * 3000
        host = running.host
        async with http.post(f"{host.base_url}/api/echo", data=body) as response:
            assert (response.status, await response.read()) == (201, body)
        async with http.post(f"{host.base_url}/api/echo", data=chunks()) as response:
            assert (response.status, await response.read()) == (201, b"")

    async def test_a_failed_function_is_an_empty_500(self, running: Running, http: aiohttp.ClientSession) -> None:
        host = running.host
        # The worker library itself refuses None from a function that has a response binding.
        for path in ("boom/now", "nothing/here"):
            async with http.get(f"{host.base_url}/api/{path}") as response:
                assert (response.status, await response.read()) == (500, b"")
        assert "ValueError: boom" in running.bench.log()

    async def test_a_function_without_a_response_binding_answers_204(
        self, running: Running, http: aiohttp.ClientSession
    ) -> None:
        host = running.host
        assert await status(http, f"{host.base_url}/api/no/answer?code={host.function_key}") == 204

    async def test_what_the_app_prints_and_logs_is_in_the_log_with_its_invocation(
        self, running: Running, http: aiohttp.ClientSession
    ) -> None:
        host = running.host
        invocation = await text(http, f"{host.base_url}/api/speak/up")
        lines = running.bench.log().splitlines()
        assert "printed by the app" in lines
        (logged,) = [line for line in lines if "logged by the app" in line]
        assert f"inv={invocation}" in logged
        assert "run_id=r-7" in logged

    async def test_settings_reach_the_worker_over_the_environment(
        self, bench: Bench, http: aiohttp.ClientSession
    ) -> None:
        async with await bench.host({"REQUESTS_CA_BUNDLE": "/some/ca.pem"}) as host:
            assert json.loads(await text(http, f"{host.base_url}/api/who/am/i"))["ca"] == "/some/ca.pem"

    async def test_a_disabled_function_is_not_there(self, bench: Bench, http: aiohttp.ClientSession) -> None:
        async with await bench.host({"AzureWebJobs.admins.Disabled": "true"}) as host:
            assert await status(http, f"{host.base_url}/api/orders/c", **{"x-functions-key": host.master_key}) == 200
            assert "admins" not in host.functions
            # The next route that fits takes over.
            assert await text(http, f"{host.base_url}/api/admins") == "second"

    async def test_two_instances_share_their_keys(self, bench: Bench) -> None:
        async with await bench.host() as one, await bench.host() as two:
            assert (one.function_key, one.master_key) == (two.function_key, two.master_key)
            assert one.function_key != one.master_key


class TestAdmin:
    """The host's own endpoints."""

    async def test_a_timer_and_a_queue_function_are_started_by_hand_with_the_master_key(
        self, bench: Bench, http: aiohttp.ClientSession
    ) -> None:
        async with await bench.host() as host:
            admin, key = f"{host.base_url}/admin/functions", {"x-functions-key": host.master_key}
            assert await status(http, f"{admin}/tick", "POST", **{"x-functions-key": host.function_key}) == 401
            assert await status(http, f"{admin}/unknown", "POST", **key) == 404
            assert await status(http, f"{admin}/tick", "POST", **key) == 202
            (tick,) = await bench.event("tick")
            assert tick["past_due"] is False
            async with http.post(f"{admin}/work", json={"input": '{"n": 1}'}, headers=key) as response:
                assert response.status == 202
            assert [event["body"] for event in await bench.event("worked")] == [{"n": 1}]

    async def test_the_status_needs_the_master_key_and_names_the_workers(
        self, bench: Bench, http: aiohttp.ClientSession
    ) -> None:
        async with await bench.host(workers=2) as host:
            assert await status(http, f"{host.base_url}/admin/host/status") == 401
            body = json.loads(
                await text(http, f"{host.base_url}/admin/host/status", **{"x-functions-key": host.master_key})
            )
            assert body["state"] == "Running"
            assert sorted(body["workerPids"]) == sorted(host.worker_pids)
            assert len(set(host.worker_pids)) == 2


class TestProcesses:
    """Workers under supervision."""

    async def test_workers_are_used_in_turn(self, bench: Bench, http: aiohttp.ClientSession) -> None:
        async with await bench.host(workers=2) as host:
            pids = [json.loads(await text(http, f"{host.base_url}/api/who/am/i"))["pid"] for _ in range(6)]
            assert Counter(pids) == dict.fromkeys(host.worker_pids, 3)

    async def test_the_number_of_workers_is_a_setting(self, bench: Bench) -> None:
        # HostProcess always passes a number; the command line without one is what the setting is for.
        settings = bench.app_dir / "settings.json"
        settings.write_text(json.dumps({"Values": {**bench.settings, "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}}))
        process = await asyncio.create_subprocess_exec(
            *python("--app", str(bench.app_dir), "--port", "0", "--settings", str(settings)),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert len(ready["workerPids"]) == 2
        assert not any(is_running(pid) for pid in ready["workerPids"])

    async def test_a_function_past_its_timeout_takes_its_worker_with_it_and_the_next_call_succeeds(
        self, azurite: Azurite, tmp_path: Path, http: aiohttp.ClientSession
    ) -> None:
        bench = Bench(azurite, write_app(tmp_path / "app", {"functionTimeout": "00:00:01"}))
        async with await bench.host() as host:
            assert await status(http, f"{host.base_url}/api/block/loop?seconds=60") == 500
            assert await text(http, f"{host.base_url}/api/first") == "first"
            assert await host.current_worker_pids() != host.worker_pids
            assert not is_running(host.worker_pids[0])
        assert "timeout" in bench.log()

    async def test_a_killed_worker_fails_what_it_was_doing_and_is_replaced(
        self, bench: Bench, http: aiohttp.ClientSession
    ) -> None:
        async with await bench.host() as host:
            call = asyncio.create_task(status(http, f"{host.base_url}/api/block/loop?seconds=60"))
            await bench.event("blocking")
            os.kill(host.worker_pids[0], signal.SIGKILL)
            assert await call == 500
            assert await text(http, f"{host.base_url}/api/first") == "first"

    async def test_a_killed_host_leaves_no_worker_even_if_one_blocks(
        self, bench: Bench, http: aiohttp.ClientSession
    ) -> None:
        host = await bench.host(workers=2)
        call = asyncio.create_task(status(http, f"{host.base_url}/api/block/loop?seconds=600"))
        await bench.event("blocking")
        host.kill()
        with pytest.raises(aiohttp.ClientError):
            await call
        await host.stop()
        await until(lambda: not any(is_running(pid) for pid in host.worker_pids), "workers to leave")

    async def test_a_host_whose_parent_is_killed_stops_with_its_workers(self, bench: Bench) -> None:
        code = f"""
import asyncio
from pathlib import Path
from local.host.launch import HostProcess
async def main():
    host = await HostProcess.start(Path({str(bench.app_dir)!r}), {bench.settings!r})
    print(host.pid, *host.worker_pids, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
        parent = await asyncio.create_subprocess_exec(python()[0], "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
        assert parent.stdout is not None
        pids = [int(word) for word in (await parent.stdout.readline()).split()]
        assert [is_running(pid) for pid in pids] == [True, True]
        parent.kill()
        await parent.wait()
        await until(lambda: not any(is_running(pid) for pid in pids), "host and worker to leave")

    async def test_an_app_that_cannot_be_imported_is_told_at_start(self, azurite: Azurite, tmp_path: Path) -> None:
        bench = Bench(azurite, write_app(tmp_path / "app", source="import no_such_module"))
        with pytest.raises(RuntimeError, match="ended with 1"):
            await bench.host()
        assert "no_such_module" in bench.log()

    async def test_a_binding_that_is_not_emulated_is_told_at_start(self, azurite: Azurite, tmp_path: Path) -> None:
        source = APP.replace(
            "@app.timer_trigger(",
            '@app.queue_output(arg_name="out", queue_name="q", connection="")\n@app.timer_trigger(',
        )
        source = source.replace("tick(timer: func.TimerRequest)", "tick(timer: func.TimerRequest, out: func.Out[str])")
        bench = Bench(azurite, write_app(tmp_path / "app", source=source))
        with pytest.raises(RuntimeError, match="ended with 1"):
            await bench.host()
        assert "the binding queue is not emulated" in bench.log()


class TestQueues:
    """Messages, with the semantics of the storage queue extension."""

    async def test_a_message_is_delivered_once_and_deleted(self, bench: Bench) -> None:
        # The queue comes into being after the host: it is waited for.
        async with await bench.host():
            await bench.send({"n": 1})
            await bench.event("worked")
            await bench.is_empty()
        assert [(event["body"], event["count"]) for event in bench.events("work")] == [({"n": 1}, 1)]

    async def test_many_messages_are_in_flight_at_once_but_not_more_than_allowed(
        self, azurite: Azurite, tmp_path: Path
    ) -> None:
        bench = Bench(azurite, write_app(tmp_path / "app", {"queues": {"batchSize": 4, "newBatchThreshold": 2}}))
        await bench.send(*({"n": n, "seconds": 2 if n < 2 else 0.5} for n in range(12)))
        async with await bench.host():
            await bench.event("worked", 12)
            await bench.is_empty()
        lines = [json.loads(line)["kind"] for line in bench.events_file.read_text().splitlines()]
        at_once = most = 0
        for kind in lines:
            at_once += {"work": 1, "worked": -1}.get(kind, 0)
            most = max(most, at_once)
        # The two slow ones leave room for a new batch beside them: the threshold is met before they are done.
        assert most == 6
        assert len(bench.events("work")) == 12

    async def test_a_message_that_keeps_failing_goes_to_poison_after_the_last_try(
        self, azurite: Azurite, tmp_path: Path
    ) -> None:
        bench = Bench(azurite, write_app(tmp_path / "app", {"queues": {"maxDequeueCount": 3}}))
        async with await bench.host():
            await bench.send({"fail": True})
            assert [json.loads(base64.b64decode(body)) for body in await bench.poison()] == [{"fail": True}]
            await bench.is_empty()
        assert [event["count"] for event in bench.events("work")] == [1, 2, 3]

    async def test_a_message_that_cannot_be_decoded_goes_to_poison_unread(self, bench: Bench) -> None:
        await bench.send()
        async with await bench.host(), bench.queue() as queue:
            await queue.send_message("{not base64}")
            assert await bench.poison() == ["{not base64}"]
            await bench.is_empty()
        assert bench.events("work") == []

    async def test_a_message_outlives_the_worker_that_held_it(self, bench: Bench) -> None:
        async with await bench.host() as host:
            await bench.send({"seconds": 600})
            await bench.event("work")
            os.kill(host.worker_pids[0], signal.SIGKILL)
            await bench.event("worked")
            await bench.is_empty()
        assert [event["count"] for event in bench.events("work")] == [1, 2]

    async def test_a_message_outlives_the_host_that_held_it_and_comes_back_when_its_lock_ends(
        self, bench: Bench
    ) -> None:
        settings = {"LOCAL_HOST_MESSAGE_LOCK_SECONDS": "2"}
        first = await bench.host(settings)
        await bench.send({"seconds": 600})
        await bench.event("work")
        first.kill()
        await first.stop()
        async with await bench.host(settings):
            await bench.event("worked")
            await bench.is_empty()
        assert [event["count"] for event in bench.events("work")] == [1, 2]

    async def test_a_lock_is_renewed_while_the_function_runs(self, bench: Bench) -> None:
        # Twice as long as the lock: without renewal the second host would get the message too.
        settings = {"LOCAL_HOST_MESSAGE_LOCK_SECONDS": "2"}
        async with await bench.host(settings), await bench.host(settings):
            await bench.send({"seconds": 4.5})
            await bench.event("worked")
            await bench.is_empty()
        assert len(bench.events("work")) == 1

    async def test_a_stopped_host_gives_back_what_it_could_not_finish(self, bench: Bench) -> None:
        async with await bench.host():
            await bench.send({"seconds": 600})
            await bench.event("work")
        async with await bench.host():
            await bench.event("worked")
            await bench.is_empty()
        assert [event["count"] for event in bench.events("work")] == [1, 2]

    async def test_storage_that_was_down_for_a_while_is_polled_again(self, tmp_path: Path) -> None:
        storage = await Azurite.start(location=tmp_path / "storage")
        bench = Bench(storage, write_app(tmp_path / "app"), SCHEDULE="* * * * * *")
        async with await bench.host():
            await bench.send({"n": 1})
            await bench.event("worked")
            await storage.stop()
            await until(lambda: "polling the queue" in bench.log(), "a failed poll", bench.log)
            ticks = len(bench.events("tick"))
            blob, queue, table = storage.ports
            async with Azurite.start(blob_port=blob, queue_port=queue, table_port=table, location=tmp_path / "storage"):
                await bench.send({"n": 2})
                await bench.event("worked", 2)
                await bench.event("tick", ticks + 2)


class TestTimers:
    """Schedules, over one or more host processes."""

    async def test_two_hosts_fire_a_timer_once_per_tick(self, bench: Bench) -> None:
        settings = {"SCHEDULE": "* * * * * *"}
        async with await bench.host(settings), await bench.host(settings):
            ticks = await bench.event("tick", 5)
        seconds = [int(tick["at"]) for tick in ticks]
        assert len(seconds) == len(set(seconds))
        assert not any(tick["past_due"] for tick in ticks)

    async def test_a_timer_that_takes_longer_than_its_schedule_never_overlaps_itself(self, bench: Bench) -> None:
        async with await bench.host({"SCHEDULE": "* * * * * *", "TICK_SECONDS": "1.3"}):
            await bench.event("ticked", 3)
        kinds = [json.loads(line)["kind"] for line in bench.events_file.read_text().splitlines()]
        assert kinds[:6] == ["tick", "ticked"] * 3

    async def test_missed_runs_are_made_up_once_by_one_of_two_hosts(self, bench: Bench) -> None:
        settings = {"SCHEDULE": "*/2 * * * * *"}
        async with await bench.host(settings):
            await bench.event("tick")
        missed = len(bench.events("tick"))
        last = bench.events("tick")[-1]["at"]
        await until(lambda: time.time() > last + 5, "two starts to be missed")
        async with await bench.host(settings), await bench.host(settings):
            ticks = (await bench.event("tick", missed + 3))[missed:]
        assert [tick["past_due"] for tick in ticks[:3]] == [True, False, False]

    async def test_a_killed_hosts_timer_is_taken_over_when_its_lease_ends(self, bench: Bench) -> None:
        settings = {"SCHEDULE": "* * * * * *", "LOCAL_HOST_TIMER_LEASE_SECONDS": "1.5"}
        one, two = await bench.host(settings), await bench.host(settings)
        hosts = {host.worker_pids[0]: host for host in (one, two)}
        owner = (await bench.event("tick"))[-1]["pid"]
        hosts[owner].kill()
        await until(lambda: bench.events("tick")[-1]["pid"] != owner, "the other host to tick", bench.log)
        for host in hosts.values():
            await host.stop()

    async def test_a_stopped_hosts_timer_is_free_at_once_and_a_new_schedule_starts_afresh(self, bench: Bench) -> None:
        lease = {"LOCAL_HOST_TIMER_LEASE_SECONDS": "600"}
        async with await bench.host({"SCHEDULE": "* * * * * *", **lease}):
            await bench.event("tick", 2)
        before = len(bench.events("tick"))
        async with await bench.host({"SCHEDULE": "*/2 * * * * *", **lease}):
            ticks = (await bench.event("tick", before + 2))[before:]
        assert not any(tick["past_due"] for tick in ticks)
        assert all(int(tick["at"]) % 2 == 0 for tick in ticks)

    async def test_run_on_startup_fires_before_the_schedule_does(self, azurite: Azurite, tmp_path: Path) -> None:
        source = APP.replace('schedule="%SCHEDULE%"', 'schedule="%SCHEDULE%", run_on_startup=True')
        bench = Bench(azurite, write_app(tmp_path / "app", source=source))
        async with await bench.host():
            (tick,) = await bench.event("tick")
        assert tick["past_due"] is False


def python(*arguments: str) -> list[str]:
    """The command that runs the host."""
    return [sys.executable, "-m", "local.host", *arguments]
