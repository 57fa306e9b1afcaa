"""Previews over HTTP: answered at once, bounded, and without a trace."""

from __future__ import annotations

from typing import Any

from shared.ports import SideName
from shared.stores.records import partition
from tests.unit.sync.api_world import ApiWorld
from tests.unit.triggers.conftest import Client

SYNC = "/templates/toy/objects/thing/sync"
MARKS = "/templates/toy/toys/marks"


async def stored(world: ApiWorld) -> list[Any]:
    rows = [row async for row in world.hub.records.rows(partition("toy", "thing"), "")]
    runs, _ = await world.hub.runs.list_runs("toy", "thing", None, 10)
    return [rows, [vars(run) for run in runs], list(world.queues.messages), world.sap.writes, world.other.writes]


async def test_a_preview_of_sync_now_answers_200_with_what_it_would_do(api: Client, world: ApiWorld) -> None:
    keys = world.stock(2)
    await world.mark(*keys)
    before = await stored(world)
    answer = await api("POST", SYNC, {"preview": True})
    assert (answer.status, answer.body["counts"], answer.body["more"]) == (200, {"created": 2}, False)
    (first, second) = answer.body["records"]
    assert (first["key"], first["outcome"], second["outcome"]) == (keys[0], "created", "created")
    assert first["changes"]["other"]["values"]["name"] == {"from": None, "to": f"Toy {keys[0]}"}
    assert answer.body["calls"]["other"]["writes"] == 1
    assert await stored(world) == before


async def test_a_preview_of_named_records_takes_two_hundred(api: Client, world: ApiWorld) -> None:
    keys = world.stock(1)
    await world.mark(*keys)
    answer = await api("POST", SYNC, {"preview": True, "keys": keys})
    assert [one["key"] for one in answer.body["records"]] == keys
    refused = await api("POST", SYNC, {"preview": True, "keys": [f"C{n}" for n in range(201)]})
    assert (refused.status, "up to 200 keys" in refused.body["detail"]) == (400, True)
    assert refused.problem.endswith("too-many-for-preview")


async def test_a_preview_before_the_first_load_is_refused_as_sync_now_is(api: Client, world: ApiWorld) -> None:
    state = await world.hub.runs.object("toy", "thing")
    state.initialized_at = None
    await world.hub.runs.save_object(state)
    assert (await api("POST", SYNC, {"preview": True})).status == 409


async def test_a_preview_of_marks_says_what_each_would_be_and_marks_nothing(api: Client, world: ApiWorld) -> None:
    keys = world.stock(3)
    await world.mark(keys[2])
    before = await stored(world)
    entries = [{"code": keys[0], "kind": "big"}, {"code": "C9999", "kind": "big"}, {"code": keys[1], "kind": "huge"}]
    answer = await api("POST", MARKS, {"preview": True, "marked": True, "entries": entries})
    assert (answer.status, [one["result"] for one in answer.body["results"]]) == (200, ["marked", "unknown", "refused"])
    unmarked = await api("POST", MARKS, {"preview": True, "marked": False, "entries": [{"code": keys[2]}]})
    assert unmarked.body["counts"] == {"unmarked": 1}
    assert await stored(world) == before
    assert (await world.record(keys[2], SideName.SAP)).mark.on


async def test_a_preview_of_a_range_shows_its_first_records_and_starts_no_run(api: Client, world: ApiWorld) -> None:
    world.stock(203)
    before = await stored(world)
    criteria = {"from": "C0001", "kind": "small"}
    answer = await api("POST", MARKS, {"preview": True, "marked": True, "criteria": criteria})
    assert (answer.status, answer.body["counts"], answer.body["more"]) == (200, {"marked": 200}, True)
    assert await stored(world) == before
    many = [{"code": f"C{n}", "kind": "big"} for n in range(201)]
    refused = await api("POST", MARKS, {"preview": True, "marked": True, "entries": many})
    assert refused.status == 400
