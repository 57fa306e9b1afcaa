"""Who did what is kept with runs, marks, settings, schedules, links and resolutions: by object id, never by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from shared import wiring
from shared.stores.record import from_row, record_row, to_row
from shared.stores.records import new_record
from shared.stores.run import ObjectState, Request, Run, object_from, object_row, run_from, run_row
from shared.sync import due_starts
from shared.wiring import Access
from tests.signed_in import ANNA, BERT, principal
from tests.unit.sync.api_world import ADMIN_KEY, ApiWorld
from tests.unit.sync.harness import SAP, START
from tests.unit.sync.test_failures import broken
from tests.unit.sync.test_links import conflict
from tests.unit.triggers.conftest import Answer, Client
from tests.unit.triggers.test_roles import everything

SYNC = "/templates/toy/objects/thing/sync"
ENTRY = {"marked": True, "entries": [{"code": "C0001", "kind": "big"}]}
AS_ANNA, AS_BERT = principal("Hub.Admin", oid=ANNA.upper()), principal("Hub.Operate", oid=BERT)
BY_ANNA, BY_BERT = f"user:{ANNA}", f"user:{BERT}"


@pytest.fixture
async def people(world: ApiWorld) -> AsyncIterator[ApiWorld]:
    """The hub where people sign in."""
    with wiring.using(replace(world.app, access=Access(easy_auth=True, admin_key=ADMIN_KEY.encode()))):
        yield world


async def of_run(api: Client, started: Answer) -> dict[str, Any]:
    (run,) = (await api("GET", f"/runs?id={started.body['run']}")).body["items"]
    return dict(run)


async def explained(api: Client, key: str) -> Any:
    return (await api("GET", f"/templates/toy/explain?object=thing&key={key}")).body["by"]


# --- runs -------------------------------------------------------------------------------------------------------------


async def test_a_run_names_all_who_asked_for_it_and_who_cancelled_it(api: Client, people: ApiWorld) -> None:
    first = await api("POST", SYNC, {}, headers=AS_ANNA)
    for headers in (AS_BERT, {}, AS_ANNA):
        assert (await api("POST", SYNC, {}, headers=headers)).body["run"] == first.body["run"]
    shown = await of_run(api, first)
    assert (shown["by"], shown["cancelledBy"]) == ([BY_ANNA, BY_BERT, "function-key"], None)
    await api("POST", f"/runs/{first.body['run']}/cancel", headers=AS_BERT)
    assert (await of_run(api, first))["cancelledBy"] == BY_BERT


async def test_who_asked_is_kept_to_the_end_and_with_the_run_that_waits_behind(api: Client, people: ApiWorld) -> None:
    await people.mark(*people.stock(1))
    first = await api("POST", SYNC, {}, headers=AS_ANNA)
    assert await people.handle_one(), "it begins planning"
    second = await api("POST", SYNC, {}, headers=AS_BERT)
    (shown,) = (await api("GET", "/templates/toy/objects")).body["items"]
    assert (shown["activeRun"]["run"], shown["followUpRun"]) == (first.body["run"], second.body["run"])
    await people.drain()
    for started, by in ((first, [BY_ANNA]), (second, [BY_BERT])):
        run = await of_run(api, started)
        assert (run["status"], run["by"]) == ("succeeded", by)


async def test_what_the_hub_does_by_itself_names_nobody_until_somebody_joins(api: Client, people: ApiWorld) -> None:
    await api("PUT", "/templates/toy/objects/thing/schedule", {"run": "daily", "every": "00:30"})
    people.clock.forward(3600)
    (run,) = await due_starts.tick(people.hub, "toy", "thing")
    assert (await of_run(api, Answer(200, {"run": run}, {})))["by"] == []
    joined = await api("POST", SYNC, {}, headers=AS_BERT)
    shown = await of_run(api, joined)
    assert (shown["id"], shown["origin"], shown["by"]) == (run, "request", [BY_BERT])


async def test_keys_are_named_as_what_they_are(api: Client, people: ApiWorld) -> None:
    plain = await api("POST", SYNC, {}, headers={})
    assert (await of_run(api, plain))["by"] == ["function-key"]
    await people.drain()
    admin = await api("POST", SYNC, {}, headers={"x-hub-admin-key": ADMIN_KEY})
    assert (await of_run(api, admin))["by"] == ["admin-key"]
    await people.drain()
    both = await api("POST", SYNC, {}, headers={**AS_BERT, "x-hub-admin-key": ADMIN_KEY})
    assert (await of_run(api, both))["by"] == [BY_BERT]


# --- marks ------------------------------------------------------------------------------------------------------------


async def test_a_mark_names_who_set_it_one_by_one_and_by_range(api: Client, people: ApiWorld) -> None:
    people.stock(3)
    await api("POST", "/templates/toy/toys/marks", {**ENTRY, "batch": "b"}, headers=AS_ANNA)
    criteria = {"marked": True, "batch": "b", "criteria": {"from": "C0001", "to": "C0002", "kind": "big"}}
    started = await api("POST", "/templates/toy/toys/marks", criteria, headers=AS_BERT)
    await people.drain()
    assert (await of_run(api, started))["by"] == [BY_BERT]
    members = (await api("GET", "/templates/toy/toys/marks/batches/b")).body["items"]
    assert [(one["code"], one["markedBy"]) for one in members] == [("C0001", BY_ANNA), ("C0002", BY_BERT)]
    undone = await api("DELETE", "/templates/toy/toys/marks/batches/b", headers=AS_ANNA)
    await people.drain()
    assert (await of_run(api, undone))["by"] == [BY_ANNA]
    assert await explained(api, "C0002") == {"mark": BY_ANNA}


async def test_a_repeat_that_changes_nothing_leaves_the_one_who_did_it(api: Client, people: ApiWorld) -> None:
    people.stock(1)
    await api("POST", "/templates/toy/toys/marks", ENTRY, headers=AS_ANNA)
    await api("POST", "/templates/toy/toys/marks", ENTRY, headers=AS_BERT)
    await api("POST", "/templates/toy/toys/marks", {**ENTRY, "preview": True, "marked": False}, headers=AS_BERT)
    assert await explained(api, "C0001") == {"mark": BY_ANNA}


# --- what admins and operators do -------------------------------------------------------------------------------------


async def test_templates_settings_and_schedules_name_who_saved_them(api: Client, people: ApiWorld) -> None:
    made = await api("POST", "/templates", {"id": "second", "type": "toy"}, headers=AS_ANNA)
    assert made.body["changedBy"] == BY_ANNA
    saved = await api("PUT", "/templates/second/settings", {"scope": "no"}, headers={"x-hub-admin-key": ADMIN_KEY})
    assert saved.body["changedBy"] == "admin-key"
    await api("POST", "/templates/second/objects/thing/initialize", headers=AS_ANNA)
    assert (await api("GET", "/templates/second/settings")).body["changedBy"] == "admin-key"
    listed = {one["id"]: one["changedBy"] for one in (await api("GET", "/templates")).body["items"]}
    assert listed == {"toy": None, "second": "admin-key"}
    at = "/templates/second/objects/thing/schedule"
    plan = await api("PUT", at, {"run": "daily", "at": "06:30"}, headers=AS_ANNA)
    assert (plan.body["changedBy"], (await api("GET", at)).body["changedBy"]) == (BY_ANNA, BY_ANNA)


async def test_links_made_and_undone_by_hand_name_who_did_it(api: Client, people: ApiWorld) -> None:
    people.stock(1)
    people.other.put("o1", name="Toy C0001")
    pair = {"object": "thing", "sap": "C0001", "other": "o1"}
    made = await api("PUT", "/templates/toy/links", pair, headers=AS_ANNA)
    assert made.body["linkedBy"] == BY_ANNA
    await people.sync()
    assert (await api("GET", "/templates/toy/links?object=thing")).body["items"][0]["linkedBy"] == BY_ANNA
    await api("DELETE", "/templates/toy/links?object=thing&key=C0001", headers={"x-hub-admin-key": ADMIN_KEY})
    assert await explained(api, "C0001") == {"link": "admin-key"}


async def test_a_resolution_names_who_decided(api: Client, people: ApiWorld) -> None:
    other = await conflict(people)
    body = {"object": "thing", "key": {"side": "other", "key": other}, "fields": {"name": "sap", "note": "other"}}
    await api("POST", "/templates/toy/conflicts/resolve", body, headers=AS_BERT)
    await people.sync()
    assert people.other.rows[other]["name"] == "ours"
    assert await explained(api, "C0001") == {"resolve": BY_BERT}


async def test_retries_and_dismissals_name_who_asked(api: Client, people: ApiWorld) -> None:
    keys = await broken(people, 2)
    for what, key, headers in (("retry", keys[0], AS_ANNA), ("dismiss", keys[1], AS_BERT)):
        chosen = {"object": "thing", "keys": [key]}
        answer = await api("POST", f"/templates/toy/failures/{what}", chosen, headers=headers)
        if what == "retry":
            assert (await of_run(api, Answer(202, answer.body["runs"][0], {})))["by"] == [BY_ANNA]
    assert (await explained(api, keys[0]), await explained(api, keys[1])) == ({"retry": BY_ANNA}, {"dismiss": BY_BERT})


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_nothing_but_the_object_id_of_a_person_is_kept(api: Client, people: ApiWorld) -> None:
    people.stock(1)
    for method, path, body in (
        ("PUT", "/templates/toy/settings", {"scope": "no"}),
        ("PUT", "/templates/toy/objects/thing/schedule", {"run": "never"}),
        ("POST", "/templates/toy/toys/marks", ENTRY),
        ("POST", SYNC, {}),
    ):
        assert (await api(method, path, body, headers=AS_ANNA)).status < 300
    kept = str(await everything(people)) + str(await people.record("C0001"))
    assert BY_ANNA in kept
    assert "Erfunden" not in kept
    assert "erfunden@" not in kept


def test_rows_of_before_read_as_nobody() -> None:
    record = to_row(new_record(SAP, "C1"))
    del record["by"]
    assert from_row({"RowKey": record_row(SAP, "C1"), "etag": "e", **record}).by == {}
    state = ObjectState("t", "o", active=Request("t.o.1", "delta", "request"), follow_up=Request("t.o.2", "full", "x"))
    row = object_row(state)
    for name in ("active_by", "follow_up_by", "schedule_by"):
        del row[name]
    old = object_from({**row, "etag": "e"})
    assert (old.active, old.follow_up, old.schedule_by) == (state.active, state.follow_up, "")
    run = run_row(Run("t.o.1", "t", "o", "delta", "request", "waiting", START))
    for name in ("by", "cancelled_by"):
        del run[name]
    assert run_from({**run, "etag": "e"}).by == ""
