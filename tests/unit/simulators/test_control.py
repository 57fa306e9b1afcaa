"""The control panel: faults, statistics, latency, clock, rows, over HTTP and in Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from local.simulators.control import Control
from local.simulators.faults import BadFaultRule, parse_rule
from local.simulators.server import start_server


class Counting:
    """A system with one set and one data route that writes."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def reset(self) -> None:
        self.rows.clear()

    def data_rows(self, entity_set: str) -> list[dict[str, Any]]:
        return {"things": list(self.rows.values())}[entity_set]

    def data_write(self, entity_set: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if any("key" not in row for row in rows):
            raise ValueError("no key")
        self.rows.update({row["key"]: dict(row) for row in rows})
        return list(rows)

    def data_delete(self, entity_set: str, key: str) -> bool:
        return self.rows.pop(key, None) is not None


class Panel:
    """The running toy system."""

    def __init__(self, control: Control, system: Counting, http: httpx.AsyncClient) -> None:
        self.control, self.system, self.http = control, system, http

    async def post_thing(self, key: str) -> httpx.Response:
        return await self.http.post("/things", json={"key": key})


@pytest_asyncio.fixture
async def panel() -> AsyncIterator[Panel]:
    control, system, app = Control(), Counting(), web.Application()
    control.attach(app, system)

    async def create(request: web.Request) -> web.Response:
        row = await request.json()
        system.rows[row["key"]] = row
        control.count_write("things")
        await control.delay_single()
        return web.json_response({"key": row["key"], "padding": "x" * 200}, status=201)

    app.router.add_post("/things", create)
    server = await start_server(app)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, timeout=5) as http:
        yield Panel(control, system, http)
    control.release()
    await server.stop()


async def test_a_status_fault_answers_in_place_of_the_system(panel: Panel) -> None:
    headers = {"Retry-After": "3"}
    rule = {"every": 2, "action": {"status": 429, "headers": headers, "body": {"error": "slow"}}}
    assert (await panel.http.post("/_sim/faults", json=[rule])).json() == {"faults": 1}
    answers = [await panel.post_thing(key) for key in "abcd"]
    assert [each.status_code for each in answers] == [201, 429, 201, 429]
    assert (answers[1].headers["Retry-After"], answers[1].json()) == ("3", {"error": "slow"})
    assert sorted(panel.system.rows) == ["a", "c"]
    await panel.http.delete("/_sim/faults")
    assert (await panel.post_thing("e")).status_code == 201


async def test_a_rule_skips_then_strikes_a_number_of_times_where_it_matches(panel: Panel) -> None:
    match = {"method": "POST", "path": "^/things", "body": '"key": ?"x'}
    panel.control.add_fault({"match": match, "skip": 1, "times": 1, "action": {"html": 502}})
    answers = [await panel.post_thing(key) for key in ("x1", "a", "x2", "x3")]
    assert [each.status_code for each in answers] == [201, 201, 502, 201]
    assert answers[2].headers["Content-Type"].startswith("text/html")


async def test_retry_after_can_be_a_date_by_the_simulators_clock(panel: Panel) -> None:
    panel.control.set_clock(instant="2026-01-01T00:00:00Z")
    panel.control.add_fault({"action": {"status": 503, "headers": {"Retry-After": {"date_in_seconds": 90}}}})
    answer = await panel.post_thing("a")
    assert answer.headers["Retry-After"] == "Thu, 01 Jan 2026 00:01:30 GMT"
    assert answer.headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(("moment", "written"), [("before", []), ("mid_body", ["a"]), ("after", ["a"])])
async def test_a_dropped_connection_is_an_error_to_the_client(panel: Panel, moment: str, written: list[str]) -> None:
    panel.control.add_fault({"action": {"close": moment}})
    with pytest.raises(httpx.RemoteProtocolError if moment != "before" else httpx.TransportError):
        await panel.post_thing("a")
    assert sorted(panel.system.rows) == written


async def test_a_write_can_be_done_and_never_answered(panel: Panel) -> None:
    panel.control.add_fault({"action": {"commit_then_hang": 60}})
    with pytest.raises(httpx.ReadTimeout):
        await panel.http.post("/things", json={"key": "a"}, timeout=0.3)
    assert sorted(panel.system.rows) == ["a"]


async def test_a_hanging_request_does_nothing_and_ends_when_faults_are_cleared(panel: Panel) -> None:
    panel.control.add_fault({"action": {"hang": 60}})
    hanging = asyncio.create_task(panel.post_thing("a"))
    while panel.control.current == 0:  # noqa: ASYNC110 - the panel offers a number, no event
        await asyncio.sleep(0)
    panel.control.clear_faults()
    with pytest.raises(httpx.TransportError):
        await hanging
    assert panel.system.rows == {}


async def test_a_named_fault_may_answer_or_let_go_on(panel: Panel) -> None:
    seen: list[Any] = []

    async def spy(_request: web.Request, options: Any) -> None:
        seen.append(dict(options))

    panel.control.register_fault("spy", spy)
    panel.control.add_fault({"action": {"named": "spy", "colour": "red"}})
    assert (await panel.post_thing("a")).status_code == 201
    assert seen == [{"colour": "red"}]
    refused = await panel.http.post("/_sim/faults", json=[{"action": {"named": "nobody"}}])
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"action": {}},
        {"action": {"status": 1, "html": 2}},
        {"action": {"close": "later"}},
        {"every": 0, "action": {"html": 502}},
        {"match": {"path": "("}, "action": {"html": 502}},
        {"match": {"paht": "x"}, "action": {"html": 502}},
        {"evry": 1, "action": {"html": 502}},
    ],
)
def test_a_rule_that_says_nothing_sensible_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadFaultRule):
        parse_rule(rule)


async def test_statistics_count_routes_rows_and_the_most_at_once(panel: Panel) -> None:
    panel.control.latency.single = 100
    await asyncio.gather(*(panel.post_thing(key) for key in "abc"))
    stats = (await panel.http.get("/_sim/stats")).json()
    assert stats["requests"] == {"POST /things 201": 3}
    assert stats["written"] == {"things": 3}
    assert (stats["peak"], stats["current"], stats["total"]) == (3, 0, 3)
    await panel.http.delete("/_sim/stats")
    assert (await panel.http.get("/_sim/stats")).json()["total"] == 0


async def test_rows_are_read_written_and_deleted_and_reset_forgets_all(panel: Panel) -> None:
    assert (await panel.http.post("/_sim/data/things", json=[{"key": "a"}])).json() == [{"key": "a"}]
    assert (await panel.http.post("/_sim/data/things", json={"no": "key"})).status_code == 400
    assert (await panel.http.get("/_sim/data/things")).json() == [{"key": "a"}]
    assert (await panel.http.get("/_sim/data/none")).status_code == 404
    assert (await panel.http.delete("/_sim/data/things/a")).json() == {"deleted": True}
    assert (await panel.http.delete("/_sim/data/things/a")).status_code == 404
    await panel.http.post("/_sim/latency", json={"page": 5})
    await panel.http.post("/_sim/clock", json={"offset_seconds": 300})
    await panel.http.post("/_sim/data/things", json=[{"key": "b"}])
    await panel.http.post("/_sim/reset")
    assert (panel.control.latency.page, panel.system.rows) == (0.0, {})


async def test_the_clock_is_shifted_or_held(panel: Panel) -> None:
    held = await panel.http.post("/_sim/clock", json={"instant": "2026-03-29T02:00:00+02:00"})
    assert held.json() == {"now": "2026-03-29T00:00:00+00:00"}
    panel.control.advance(60)
    assert panel.control.now().isoformat() == "2026-03-29T00:01:00+00:00"
    assert (await panel.http.post("/_sim/clock", json={"instant": "2026-03-29T02:00:00"})).status_code == 400
    assert (await panel.http.post("/_sim/clock", json={"ofset": 1})).status_code == 400
