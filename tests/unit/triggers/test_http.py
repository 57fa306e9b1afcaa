"""The HTTP API: routes, statuses, headers, and every way a request can be wrong."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import HubError, Misconfigured, Rejected, Throttled, Transient
from shared.objects.model import Reference
from shared.objects.registry import default_registry
from shared.ports import Entity, Row, SideName
from shared.sync.outcomes import RunStatus
from shared.triggers.http.calls import MOST_BODY_BYTES
from tests.unit.sync.api_world import ApiWorld
from tests.unit.triggers.conftest import FUNCTIONS, HTTP, Client, encoded

TOYS = "/templates/toy/toys"


# --- the surface ----------------------------------------------------------------------------------------------------------


def test_the_routes_are_those_of_the_api_and_only_a_runs_status_is_anonymous():
    routes = {(trigger.methods[0].value, trigger.route): trigger.auth_level.name for *_, trigger in HTTP}
    template = "templates/{template}"
    one = template + "/objects/{object}"
    assert set(routes) == {
        ("GET", "templates"), ("POST", "templates"), ("GET", template + "/objects"),
        ("GET", template + "/settings"), ("PUT", template + "/settings"), ("POST", template + "/setup"),
        ("GET", one + "/schedule"), ("PUT", one + "/schedule"), ("POST", one + "/initialize"), ("POST", one + "/sync"),
        ("GET", "runs"), ("GET", "runs/{run}"), ("POST", "runs/{run}/cancel"),
        ("GET", template + "/lists"), ("GET", template + "/lists/{list}"),
        ("GET", template + "/{noun}/candidates"), ("POST", template + "/{noun}/marks"),
        ("GET", template + "/{noun}/marks/batches/{batch}"), ("DELETE", template + "/{noun}/marks/batches/{batch}"),
        ("GET", template + "/links"), ("PUT", template + "/links"), ("DELETE", template + "/links"),
        ("GET", template + "/conflicts"), ("POST", template + "/conflicts/resolve"),
        ("GET", template + "/failures"), ("POST", template + "/failures/retry"),
        ("POST", template + "/failures/dismiss"), ("GET", template + "/explain"), ("GET", template + "/tieout"), ("GET", "health"),
        ("GET", "openapi.json"),
    }  # fmt: skip
    assert [route for route, level in routes.items() if level == "ANONYMOUS"] == [("GET", "runs/{run}")]
    assert set(routes.values()) == {"ANONYMOUS", "FUNCTION"}


def test_every_queue_has_a_worker_and_every_object_a_timer():
    triggers = {name: function.get_trigger() for name, function in FUNCTIONS.items()}
    queues = {t.queue_name for t in triggers.values() if t.type == "queueTrigger"}
    assert queues == {f"{name}{end}" for name in ("runs", "deliveries", "marks") for end in ("", "-poison")}
    timers = {name: t.schedule for name, t in triggers.items() if t.type == "timerTrigger"}
    assert timers["sweeper"] == "%SWEEPER_TICK%"
    names = {name for name in timers if name.startswith("schedule_")}
    scheduled = {
        f"schedule_{kind.name}_{found.name}" for kind, found in default_registry().objects() if not found.on_demand
    }
    assert names == scheduled
    assert {"schedule_dynamics_order", "schedule_tagrain_customer", "schedule_tagrain_inventory"} <= names
    assert "schedule_tagrain_customer_group" not in names, "it travels on demand alone"
    assert {timers[name] for name in names} == {"%SCHEDULE_TICK%"}


# --- well-formed requests ---------------------------------------------------------------------------------------------------


async def test_sync_now_answers_202_and_power_automate_can_poll_without_a_key(api: Client, world: ApiWorld):
    started = await api("POST", "/templates/toy/objects/thing/sync", {})
    assert started.status == 202
    location = started.headers["Location"]
    assert location.startswith("https://hub.example/api/runs/toy.thing.")
    assert int(started.headers["Retry-After"]) >= 1
    assert started.body == {"run": started.body["run"], "statusUrl": location}
    waiting = await api.status(location)
    assert (waiting.status, waiting.body["status"]) == (202, "waiting")
    assert waiting.headers["Retry-After"]
    await world.drain()
    over = await api.status(location)
    assert (over.status, over.body["status"], over.body["over"]) == (200, "succeeded", True)
    assert over.headers["Cache-Control"] == "no-store"


async def test_a_runs_token_is_good_for_that_run_alone_and_not_for_ever(api: Client, world: ApiWorld):
    first = await api("POST", "/templates/toy/objects/thing/sync", {})
    token = first.headers["Location"].partition("?token=")[2]
    await world.drain()
    second = await api("POST", "/templates/toy/objects/thing/sync", {})
    name = second.body["run"]
    expiry, _, mac = token.partition(".")
    for wrong in (
        "",
        "x",
        token,
        f"{int(expiry) + 1}.{mac}",
        f"{expiry}.{mac[:-1]}",
        f"9.{mac}",
        f"é.{mac}",
        f"{expiry}.é",
    ):
        assert (await api("GET", f"/runs/{name}?token={encoded(wrong)}")).problem == "/problems/bad-token"
    assert (await api.status(first.headers["Location"])).status == 200
    world.clock.forward(world.hub.times.run_token_valid + 1)
    assert (await api.status(first.headers["Location"])).status == 401
    assert (await api("GET", f"/runs?id={first.body['run']}")).body["items"][0]["status"] == "succeeded"


async def test_runs_are_listed_by_status_and_page(api: Client, world: ApiWorld):
    for _ in range(3):
        world.clock.forward(60)
        await api("POST", "/templates/toy/objects/thing/sync", {})
        await world.drain()
    await api("POST", "/templates/toy/objects/thing/sync", {})
    done = await api("GET", "/runs?template=toy&object=thing&status=succeeded&limit=2")
    assert [run["status"] for run in done.body["items"]] == ["succeeded"] * 2
    rest = await api("GET", f"/runs?status=succeeded&limit=2&continuation={encoded(done.body['continuation'])}")
    assert len(rest.body["items"]) == 1
    assert rest.body["continuation"] is None
    assert len((await api("GET", "/runs?status=waiting")).body["items"]) == 1


async def test_a_run_is_cancelled_once(api: Client):
    started = await api("POST", "/templates/toy/objects/thing/sync", {})
    path = f"/runs/{started.body['run']}/cancel"
    assert (await api("POST", path)).body["status"] == RunStatus.CANCELLED
    assert (await api("POST", path)).problem == "/problems/run-over"
    assert (await api("POST", "/runs/nonsense/cancel")).problem == "/problems/unknown-run"


async def test_entries_answer_200_with_results_and_criteria_202_with_a_run(api: Client, world: ApiWorld):
    world.stock(4)
    body = {"marked": True, "batch": "b", "entries": [{"code": "c0001", "kind": "big"}, {"code": "x", "kind": "big"}]}
    marked = await api("POST", TOYS + "/marks", body)
    assert (marked.status, marked.body["counts"]) == (200, {"marked": 1, "unknown": 1})
    body = {"marked": True, "batch": "b", "criteria": {"from": "C0002", "to": "C0003", "kind": "small"}}
    started = await api("POST", TOYS + "/marks", body)
    assert started.status == 202
    await world.drain()
    over = await api.status(started.headers["Location"])
    assert (over.status, over.body["counts"]) == (200, {"marked": 2})
    members = await api("GET", TOYS + "/marks/batches/b?limit=2")
    assert [one["code"] for one in members.body["items"]] == ["C0001", "C0002"]
    assert members.body["continuation"]
    window = await api("GET", TOYS + "/candidates?from=C0003&groupFrom=100&groupTo=101")
    assert [(one["code"], one["marked"]) for one in window.body["items"]] == [("C0003", True), ("C0004", False)]
    undone = await api("DELETE", TOYS + "/marks/batches/b")
    assert undone.status == 202
    await world.drain()
    assert (await api("GET", TOYS + "/marks/batches/b")).body["items"] == []


async def test_settings_and_schedule_are_saved_and_read(api: Client):
    made = await api("POST", "/templates", {"id": "second", "type": "toy"})
    assert made.status == 201
    assert [one["id"] for one in (await api("GET", "/templates")).body["items"]] == ["second", "toy"]
    saved = await api("PUT", "/templates/second/settings", {"scope": "no"})
    assert saved.body["settings"]["scope"] == "no"
    assert (await api("GET", "/templates/second/settings")).body["settings"] == saved.body["settings"]
    assert (await api("POST", "/templates/second/setup")).body["done"]
    plan = await api("PUT", "/templates/second/objects/thing/schedule", {"run": "daily", "at": "06:30"})
    assert len(plan.body["nextStarts"]) == 5
    assert plan.body["nextStarts"][0].endswith("Z")
    (shown,) = (await api("GET", "/templates/second/objects")).body["items"]
    assert shown["schedule"]["at"] == "06:30"
    assert (await api("POST", "/templates/second/objects/thing/initialize")).status == 202


async def test_lists_are_named_and_each_is_read_now(api: Client, world: ApiWorld):
    assert (await api("GET", "/templates/toy/lists")).body == {"items": [], "continuation": None}
    colours = Entity("colours", "colour", "code")
    world.type.references = (
        Reference("sap.colours", SideName.SAP, colours),
        Reference("other.company", SideName.OTHER, Entity("GetCompany", "company", "code"), body={}),
    )
    rows = [{"code": "r", "name": "Red", "price": Decimal("1.50")}]

    async def listing(entity: Entity) -> list[Row]:
        assert entity == colours
        return list(rows)

    async def call(operation: str, body: Any) -> Row:
        return {"currency": "EUR"}

    world.sap.listing, world.other.call = listing, call  # type: ignore[method-assign]
    named = await api("GET", "/templates/toy/lists")
    assert named.body["items"] == [{"list": "sap.colours", "side": "sap"}, {"list": "other.company", "side": "other"}]
    shown = await api("GET", "/templates/toy/lists/sap.colours")
    assert shown.status == 200
    assert [(row["code"], row["name"]) for row in shown.body["items"]] == [("r", "Red")]
    assert str(shown.body["items"][0]["price"]) in ("1.5", "1.50")
    rows.append({"code": "b", "name": "Blue"})
    assert len((await api("GET", "/templates/toy/lists/sap.colours")).body["items"]) == 2
    assert (await api("GET", "/templates/toy/lists/other.company")).body["items"] == [{"currency": "EUR"}]
    unknown = await api("GET", "/templates/toy/lists/sap.shapes")
    assert (unknown.status, unknown.problem) == (404, "/problems/unknown-list")
    assert "sap.colours" in unknown.body["detail"]


async def test_a_list_of_a_system_that_is_down_is_not_an_empty_one(api: Client, world: ApiWorld):
    world.type.references = (Reference("sap.colours", SideName.SAP, Entity("colours", "colour", "code")),)

    async def down(entity: Entity) -> list[Row]:
        raise Transient("no route to host")

    world.sap.listing = down  # type: ignore[method-assign]
    assert (await api("GET", "/templates/toy/lists/sap.colours")).status == 503


async def test_a_sweep_is_asked_for_by_sync_now_and_scheduled_for_swept_objects_alone(api: Client, world: ApiWorld):
    started = await api("POST", "/templates/toy/objects/thing/sync", {"mode": "sweep"})
    assert started.status == 202
    await world.drain()
    assert (await api.status(started.headers["Location"])).body["mode"] == "sweep"
    daily = {"run": "daily", "at": "06:30"}
    refused = await api("PUT", "/templates/toy/objects/thing/schedule", {**daily, "sweep": daily})
    assert (refused.status, refused.problem) == (400, "/problems/not-swept")
    world.type.objects[0].swept = True
    plan = await api("PUT", "/templates/toy/objects/thing/schedule", {**daily, "sweep": daily})
    assert len(plan.body["nextSweeps"]) == 5


async def test_links_failures_conflicts_and_explain(api: Client, world: ApiWorld):
    world.sap.put("C0001", name="x")
    world.other.put("o-1", name="x")
    made = await api("PUT", "/templates/toy/links", {"object": "thing", "sap": "C0001", "other": "o-1"})
    assert made.status == 200
    assert (await api("GET", "/templates/toy/links?object=thing&side=other&key=o-1")).body["items"][0]["sap"] == "C0001"
    assert len((await api("GET", "/templates/toy/links?object=thing")).body["items"]) == 1
    told = await api("GET", "/templates/toy/explain?object=thing&key=C0001")
    assert told.body["linked"]
    assert told.body["summary"]
    assert (await api("DELETE", "/templates/toy/links?object=thing&key=C0001")).status == 200
    world.other.rows.clear()
    world.sap.rows.clear()
    world.other.before_write = lambda write: Rejected("refused")
    world.sap.put("C0002", name="y")
    await world.mark("C0002")
    await world.sync()
    assert [one["key"] for one in (await api("GET", "/templates/toy/failures")).body["items"]] == ["C0002"]
    assert (await api("GET", "/templates/toy/conflicts")).body["items"] == []
    world.other.before_write = lambda write: None
    again = await api("POST", "/templates/toy/failures/retry", {"object": "thing", "keys": ["C0002"]})
    assert (again.status, again.body["retried"]) == (202, 1)
    await world.drain()
    assert (await api.status(again.body["runs"][0]["statusUrl"])).body["counts"] == {"created": 1}
    dismissed = await api("POST", "/templates/toy/failures/dismiss", {"all": True})
    assert dismissed.body == {"dismissed": 0, "continuation": None}


async def test_health_is_503_with_reasons_when_a_system_is_down(api: Client, world: ApiWorld):
    assert (await api("GET", "/health")).status == 200

    def trouble(*_: object) -> None:
        raise Transient("no route to host")

    world.other.trouble.append(trouble)
    sick = await api("GET", "/health")
    assert (sick.status, sick.body["ok"]) == (503, False)
    assert "no route to host" in sick.body["reasons"][0]


# --- everything that can be wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "problem"),
    [
        ("GET", "/templates/nobody/objects", None, 404, "unknown-template"),
        ("GET", "/templates/..%2F/objects", None, 404, "unknown-template"),
        ("POST", "/templates/toy/objects/stuff/sync", {}, 404, "unknown-object"),
        ("GET", "/templates/toy/lists/sap.shapes", None, 404, "unknown-list"),
        ("GET", "/templates/nobody/lists", None, 404, "unknown-template"),
        ("GET", "/templates/nobody/lists/sap.shapes", None, 404, "unknown-template"),
        ("GET", "/templates/toy/lists?limit=5", None, 400, "bad-query"),
        ("GET", "/templates/toy/stuff/candidates", None, 404, "unknown-marks"),
        ("GET", TOYS + "/candidates?form=C1", None, 400, "bad-query"),
        ("GET", TOYS + "/candidates?groupFrom=a", None, 400, "bad-query"),
        ("GET", TOYS + "/candidates?limit=many", None, 400, "bad-query"),
        ("GET", "/templates/toy/links?object=thing&continuation=zzz", None, 400, "bad-continuation"),
        ("GET", "/runs?status=sleeping", None, 400, "bad-query"),
        ("POST", "/templates/toy/objects/thing/sync", {"mode": "due"}, 400, "bad-body"),
        ("POST", "/templates/toy/objects/thing/sync", {"mood": "full"}, 400, "bad-body"),
        ("POST", "/templates/toy/objects/thing/sync", {"keys": [{"side": "left", "key": "x"}]}, 400, "bad-body"),
        ("POST", "/templates/toy/objects/thing/sync", {"keys": [""]}, 400, "bad-body"),
        ("POST", "/templates/toy/objects/thing/sync", {"keys": ["x"] * 1001}, 413, "too-many-keys"),
        ("POST", "/templates/toy/objects/thing/initialize", {"force": True}, 400, "bad-body"),
        ("POST", "/templates/toy/objects/thing/initialize", None, 409, "already-initialized"),
        ("PUT", "/templates/toy/objects/thing/schedule", {"run": "daily"}, 400, "bad-body"),
        ("PUT", "/templates/toy/settings", {"colour": 1, "scope": "nowhere"}, 400, "settings-refused"),
        ("PUT", "/templates/toy/settings", {"rule": "nobody"}, 400, "bad-settings"),
        ("POST", "/templates", {"id": "x"}, 400, "bad-body"),
        ("POST", "/templates", {"id": "UPPER", "type": "toy"}, 400, "template-id"),
        ("POST", TOYS + "/marks", {"marked": True}, 400, "bad-body"),
        ("POST", TOYS + "/marks", {"marked": True, "entries": [], "criteria": {}}, 400, "bad-body"),
        ("POST", TOYS + "/marks", {"marked": True, "entries": [{"code": {"x": 1}}]}, 400, "bad-body"),
        ("POST", TOYS + "/marks", {"marked": True, "entries": [{"code": "C1", "kind": ["big"]}]}, 400, "bad-body"),
        ("POST", TOYS + "/marks", {"marked": True, "criteria": {"from": "C1"}}, 400, "bad-attributes"),
        ("POST", TOYS + "/marks", {"marked": True, "criteria": {"from": "a\nb", "kind": "big"}}, 422, "rejected"),
        ("POST", TOYS + "/marks", {"marked": True, "batch": "", "entries": []}, 400, "bad-body"),
        ("DELETE", TOYS + "/marks/batches/none", None, 404, "unknown-batch"),
        ("PUT", "/templates/toy/links", {"object": "thing", "sap": "a", "other": "b"}, 404, "unknown-record"),
        ("POST", "/templates/toy/failures/retry", {}, 400, "bad-body"),
        ("POST", "/templates/toy/failures/retry", {"keys": ["C1"], "all": True}, 400, "bad-body"),
        ("POST", "/templates/toy/failures/retry", {"keys": ["C1"]}, 400, "missing-object"),
        ("POST", "/templates/toy/conflicts/resolve", {"object": "thing", "key": "C1", "fields": {}}, 400, "bad-body"),
        ("GET", "/templates/toy/explain?object=thing", None, 400, "bad-query"),
    ],
)
async def test_what_is_wrong_is_a_problem_of_a_stable_type(
    api: Client, method: str, path: str, body: Any, status: int, problem: str
):
    answer = await api(method, path, body)
    assert (answer.status, answer.problem) == (status, f"/problems/{problem}"), answer.body
    if problem in ("bad-body", "bad-query"):
        assert answer.body["errors"]


async def test_bad_fields_are_named_without_their_values(api: Client):
    answer = await api("POST", "/templates/toy/objects/thing/sync", {"mode": "Geheimnis", "secret": "Geheimnis"})
    assert {one["field"] for one in answer.body["errors"]} == {"mode", "secret"}
    assert "Geheimnis" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("raw", "kind", "status", "problem"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"[]", "application/json", 400, "bad-json"),
        (b"null", "application/json", 400, "bad-json"),
        (b'{"mode": NaN}', "application/json", 400, "bad-json"),
        (b'{"mode": "\xff"}', "application/json", 400, "bad-json"),
        (b'{"mode": "\\ud800"}', "application/json", 400, "bad-json"),
        (b"[" * 200_000, "application/json", 400, "bad-json"),
        (b'{"mode": "full"}', "text/plain", 415, "not-json"),
        (b'{"mode": "full"}', "", 415, "not-json"),
        (b"mode=full", "application/x-www-form-urlencoded", 415, "not-json"),
        (b" " * (MOST_BODY_BYTES + 1), "application/json", 413, "body-too-long"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(api: Client, raw: bytes, kind: str, status: int, problem: str):
    answer = await api("POST", "/templates/toy/objects/thing/sync", raw=raw, kind=kind)
    assert (answer.status, answer.problem) == (status, f"/problems/{problem}")


async def test_json_with_a_charset_or_a_suffix_is_json(api: Client):
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        assert (await api("POST", "/templates/toy/objects/thing/sync", {"mode": "full"}, kind=kind)).status == 202


async def test_the_hosts_own_key_parameter_is_no_unknown_one(api: Client):
    assert (await api("GET", "/templates?code=abc")).status == 200


@pytest.mark.parametrize(
    ("error", "status", "problem", "wait"),
    [
        (Throttled("slow down", retry_after_seconds=6.2, system="sap"), 503, "throttled", "7"),
        (Transient("no route", system="sap"), 503, "unavailable", "10"),
        (Misconfigured("the password is wrong", system="sap"), 502, "misconfigured", None),
    ],
)
async def test_a_system_that_is_not_well_is_told_with_when_to_come_back(
    api: Client, world: ApiWorld, error: HubError, status: int, problem: str, wait: str | None
):
    def trouble(*_: object) -> None:
        raise error

    world.sap.trouble.append(trouble)
    answer = await api("GET", TOYS + "/candidates")
    assert (answer.status, answer.problem) == (status, f"/problems/{problem}")
    assert answer.headers.get("Retry-After") == wait
    assert answer.body["system"] == "sap"


async def test_a_defect_answers_500_with_an_incident_that_the_log_knows_and_no_details(
    api: Client, world: ApiWorld, caplog: pytest.LogCaptureFixture
):
    def bug(*_: object) -> None:
        raise KeyError("Geheimnis GmbH")

    world.sap.trouble.append(bug)
    with caplog.at_level(logging.DEBUG):
        answer = await api("GET", TOYS + "/candidates")
    assert (answer.status, answer.problem) == (500, "/problems/internal-error")
    assert answer.body["incident"] in caplog.text
    assert "Geheimnis" not in caplog.text + json.dumps(answer.body)
