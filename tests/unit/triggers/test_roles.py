"""Every route and every kind of caller in one table: who is let in, who is refused with what, and that nothing is done then."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared import wiring
from shared.stores.records import partition
from shared.triggers.http import OPERATIONS
from shared.triggers.http.roles import Role
from shared.wiring import Access
from tests.signed_in import ANNA, BERT, OBJECT_ID, ROLE_CLAIM, encoded, principal
from tests.unit.sync.api_world import ADMIN_KEY, ApiWorld
from tests.unit.triggers.conftest import Answer, Client

READ, OPERATE, ADMIN = Role.READ, Role.OPERATE, Role.ADMIN
ONE = "templates/{template}"
THING = ONE + "/objects/{object}"
TOYS = ONE + "/{noun}"
BATCH = TOYS + "/marks/batches/{batch}"
SAMPLE = {"{template}": "toy", "{object}": "thing", "{noun}": "toys", "{batch}": "b", "{list}": "sap.things"}
ENTRIES = {"marked": True, "entries": [{"code": "C0001", "kind": "big"}]}
A_LINK = {"object": "thing", "sap": "C0001", "other": "o1"}
ALL_OF_THEM = {"object": "thing", "all": True}


@dataclass(frozen=True)
class Sent:
    """A call that would do something, and the least role that it takes; None: a run's token will do instead."""

    role: Role | None
    body: Any = None
    query: str = ""


#: The whole API. A route that is not here fails the test below.
ROUTES: Mapping[tuple[str, str], tuple[Sent, ...]] = {
    ("GET", "templates"): (Sent(READ),),
    ("POST", "templates"): (Sent(ADMIN, {"id": "second", "type": "toy"}),),
    ("GET", ONE + "/settings"): (Sent(READ),),
    ("PUT", ONE + "/settings"): (Sent(ADMIN, {"scope": "elsewhere"}),),
    ("POST", ONE + "/setup"): (Sent(ADMIN),),
    ("GET", ONE + "/lists"): (Sent(READ),),
    ("GET", ONE + "/lists/{list}"): (Sent(READ),),
    ("GET", ONE + "/objects"): (Sent(READ),),
    ("GET", THING + "/schedule"): (Sent(READ),),
    ("PUT", THING + "/schedule"): (Sent(ADMIN, {"run": "daily", "at": "06:30"}),),
    ("POST", THING + "/initialize"): (Sent(ADMIN),),
    ("POST", THING + "/sync"): (Sent(OPERATE, {}), Sent(READ, {"preview": True})),
    ("GET", "runs"): (Sent(READ),),
    ("GET", "runs/{run}"): (Sent(None),),
    ("POST", "runs/{run}/cancel"): (Sent(OPERATE),),
    ("GET", TOYS + "/candidates"): (Sent(READ),),
    ("POST", TOYS + "/marks"): (
        Sent(OPERATE, ENTRIES),
        Sent(OPERATE, {"marked": True, "criteria": {"kind": "big"}}),
        Sent(READ, {**ENTRIES, "preview": True}),
    ),
    ("GET", BATCH): (Sent(READ),),
    ("DELETE", BATCH): (Sent(OPERATE),),
    ("GET", ONE + "/links"): (Sent(READ, query="?object=thing"),),
    ("PUT", ONE + "/links"): (Sent(ADMIN, A_LINK),),
    ("DELETE", ONE + "/links"): (Sent(ADMIN, query="?object=thing&key=C0001"),),
    ("GET", ONE + "/conflicts"): (Sent(READ),),
    ("POST", ONE + "/conflicts/resolve"): (Sent(OPERATE, {"object": "thing", "key": "C1", "fields": {"name": "sap"}}),),
    ("GET", ONE + "/failures"): (Sent(READ),),
    ("POST", ONE + "/failures/retry"): (Sent(OPERATE, ALL_OF_THEM),),
    ("POST", ONE + "/failures/dismiss"): (Sent(OPERATE, ALL_OF_THEM),),
    ("GET", ONE + "/explain"): (Sent(READ, query="?object=thing&key=C0001"),),
    ("GET", ONE + "/tieout"): (Sent(READ, query="?store=s&date=2026-03-02"),),
    ("GET", "health"): (Sent(READ),),
    ("GET", "openapi.json"): (Sent(READ),),
}

OFF = Access(easy_auth=False, admin_key=ADMIN_KEY.encode())
ON = Access(easy_auth=True, admin_key=ADMIN_KEY.encode())
NO_ADMIN_KEY = Access(easy_auth=True)
RIGHT = {"x-hub-admin-key": ADMIN_KEY}
WRONG = {"x-hub-admin-key": ADMIN_KEY + "x"}


@dataclass(frozen=True)
class Kind:
    """One kind of caller: what is sent, by which settings it is judged, and what comes of it.

    ``role`` is what the caller has; ``too_small`` the refusal where that is not enough; ``refused`` the one that meets
    him on every route, ``reads_runs`` whether a run's status is open to him without its token.
    """

    headers: Mapping[str, str]
    access: Access = ON
    role: Role | None = None
    too_small: tuple[int, str] = (0, "")
    refused: tuple[int, str] | None = None
    refused_at_run: tuple[int, str] | None = None
    reads_runs: bool = False


MISSING, NONE_SET = (403, "admin-key-missing"), (403, "no-admin-key")
BAD_KEY, FORGED, BAD, TOO_SMALL = (
    (401, "bad-admin-key"),
    (401, "forged-principal"),
    (401, "bad-principal"),
    (403, "role-too-small"),
)


def signed_in(role: Role | None, headers: Mapping[str, str]) -> Kind:
    """Somebody with a role; without one he is refused everywhere but at a run whose token he has."""
    if role is None:
        return Kind(headers, refused=(403, "no-role"))
    return Kind(headers, role=role, too_small=TOO_SMALL, reads_runs=True)


def nobody(headers: Mapping[str, str], refusal: tuple[int, str], access: Access = ON) -> Kind:
    """Somebody who is refused everywhere, whatever else he has."""
    return Kind(headers, access, refused=refusal, refused_at_run=refusal)


CALLERS: Mapping[str, Kind] = {
    "a function key": Kind({}, OFF, OPERATE, MISSING),
    "a function key where people sign in": Kind({}, ON, OPERATE, MISSING),
    "a function key where there is no admin key": Kind({}, NO_ADMIN_KEY, OPERATE, NONE_SET),
    "an admin key where there is none": Kind(RIGHT, NO_ADMIN_KEY, OPERATE, NONE_SET),
    "an empty admin key": Kind({"x-hub-admin-key": " "}, OFF, OPERATE, MISSING),
    "a wrong admin key": Kind(WRONG, OFF, refused=BAD_KEY),
    "an admin key twice": Kind({"x-hub-admin-key": f"{ADMIN_KEY},{ADMIN_KEY}"}, OFF, refused=BAD_KEY),
    "an admin key beyond ASCII": Kind({"x-hub-admin-key": "é\ud800"}, OFF, refused=BAD_KEY),
    "the admin key": Kind(RIGHT, OFF, ADMIN),
    "the admin key where people sign in": Kind(RIGHT, ON, ADMIN),
    "no role": signed_in(None, principal()),
    "a role of another app": signed_in(None, principal("Hub.Everything", "hub.admin", "Admin")),
    "a role in a claim that holds none": signed_in(None, principal("Hub.Admin", role_typ="groups")),
    "Hub.Read": signed_in(READ, principal("Hub.Read")),
    "Hub.Operate": signed_in(OPERATE, principal("Hub.Operate")),
    "Hub.Admin": signed_in(ADMIN, principal("Hub.Admin")),
    "several roles": signed_in(OPERATE, principal("Hub.Read", "Hub.Operate", "Other")),
    "a role by its long name": signed_in(READ, principal("Hub.Read", role_typ=ROLE_CLAIM)),
    "a role by the name that the platform says": signed_in(
        READ, principal("Hub.Read", role_typ="r", role_typ_said="r")
    ),
    "no role, and the admin key": replace(signed_in(ADMIN, {**principal(), **RIGHT}), reads_runs=False),
    "Hub.Read and the admin key": signed_in(ADMIN, {**principal("Hub.Read"), **RIGHT}),
    "Hub.Admin and a wrong admin key": Kind({**principal("Hub.Admin"), **WRONG}, refused=BAD_KEY, reads_runs=True),
    "a forged principal": nobody(principal("Hub.Admin"), FORGED, OFF),
    "a forged principal and the admin key": nobody({**principal("Hub.Admin"), **RIGHT}, FORGED, OFF),
    "a forged id": nobody({"x-ms-client-principal-id": "x"}, FORGED, OFF),
    "a forged name": nobody({"X-MS-Client-Principal-Name": "x"}, FORGED, OFF),
    "an id without its principal": nobody({"x-ms-client-principal-id": "x", **RIGHT}, BAD),
    "an empty principal": nobody({"x-ms-client-principal": ""}, BAD),
    "no base64": nobody({"x-ms-client-principal": "{}"}, BAD),
    "no JSON": nobody({"x-ms-client-principal": "eHh4"}, BAD),
    "nested without end": nobody({"x-ms-client-principal": "W1tb" * 40_000}, BAD),
    "no object": nobody(encoded([]), BAD),
    "no claims": nobody(encoded({"auth_typ": "aad"}), BAD),
    "claims that are none": nobody(principal(claims=["Hub.Admin"]), BAD),
    "another provider": nobody(principal("Hub.Admin", auth_typ="facebook"), BAD),
    "no object id": nobody(principal(claims=[{"typ": "roles", "val": "Hub.Admin"}]), BAD),
    "two object ids": nobody(
        principal(
            claims=[{"typ": "oid", "val": ANNA}, {"typ": OBJECT_ID, "val": BERT}, {"typ": "roles", "val": "Hub.Admin"}]
        ),
        BAD,
    ),
    "a name for an object id": nobody(principal("Hub.Admin", oid="Erfundene Person"), BAD),
    "two principals": nobody({"x-ms-client-principal": ",".join([*principal("Hub.Admin").values()] * 2)}, BAD),
}


def expected(caller: Kind, sent: Sent) -> tuple[int, str] | None:
    """The status and problem of the refusal, None where the call is let in."""
    if sent.role is None:
        return None if caller.reads_runs else caller.refused_at_run or (401, "bad-token")
    if caller.refused is not None:
        return caller.refused
    return None if caller.role is not None and caller.role >= sent.role else caller.too_small


def test_the_table_names_every_route_with_its_role() -> None:
    assert set(ROUTES) == {(operation.method, operation.route) for operation in OPERATIONS}
    for operation in OPERATIONS:
        told = {sent.role for sent in ROUTES[operation.method, operation.route]}
        declared = {operation.role} | ({operation.preview_role} if operation.preview_role else set())
        assert told == declared, operation.route


async def everything(world: ApiWorld) -> list[Any]:
    """All that a call could change: state, messages, both systems."""
    runs, _ = await world.hub.runs.list_runs("toy", "thing", None, 100)
    state = await world.hub.runs.object("toy", "thing")
    return [
        [row async for row in world.hub.records.rows(partition("toy", "thing"), "")],
        [vars(row) for row in await world.hub.templates.list()],
        [vars(run) for run in runs],
        vars(state),
        list(world.queues.messages),
        [deepcopy((side.rows, side.writes, side.columns)) for side in (world.sap, world.other)],
    ]


@pytest.mark.parametrize("name", CALLERS)
async def test_each_route_lets_in_whom_it_should_and_a_refused_call_changes_nothing(
    name: str, api: Client, world: ApiWorld
) -> None:
    caller = CALLERS[name]
    world.stock(2)
    world.other.put("o1", name="there")
    run = (await api("POST", "/templates/toy/objects/thing/sync", {})).body["run"]
    await api("POST", "/templates/toy/toys/marks", {**ENTRIES, "batch": "b"})
    let_in = [(at, sent) for at, calls in ROUTES.items() for sent in calls if expected(caller, sent) is None]
    refused = [(at, sent) for at, calls in ROUTES.items() for sent in calls if expected(caller, sent) is not None]
    before = await everything(world)
    with wiring.using(replace(world.app, access=caller.access)):
        for (method, route), sent in refused:
            answer = await api(method, path(route, run) + sent.query, sent.body, headers=caller.headers)
            status, problem = expected(caller, sent) or (0, "")
            assert (answer.status, answer.problem) == (status, f"/problems/{problem}"), (method, route)
        assert await everything(world) == before
        for (method, route), sent in let_in:
            answer = await api(method, path(route, run) + sent.query, sent.body, headers=caller.headers)
            assert answer.status not in (401, 403, 500), (method, route, answer.body)


def path(route: str, run: str) -> str:
    for name, value in {**SAMPLE, "{run}": run}.items():
        route = route.replace(name, value)
    return "/" + route


# --- the finer points -------------------------------------------------------------------------------------------------


async def refusal_of(api: Client, world: ApiWorld, access: Access, headers: Mapping[str, str]) -> Answer:
    with wiring.using(replace(world.app, access=access)):
        return await api("PUT", "/templates/toy/settings", {"scope": "x"}, headers=headers)


async def test_a_refusal_says_what_would_help(api: Client, world: ApiWorld) -> None:
    missing = await refusal_of(api, world, OFF, {})
    assert "X-Hub-Admin-Key" in missing.body["detail"]
    assert "Hub.Admin" in missing.body["detail"]
    none_set = await refusal_of(api, world, NO_ADMIN_KEY, {})
    assert "HUB_ADMIN_KEY" in none_set.body["detail"]
    small = await refusal_of(api, world, ON, principal("Hub.Read"))
    assert small.body["detail"] == "This needs the role Hub.Admin, and yours is Hub.Read."
    nobodys = await refusal_of(api, world, ON, principal())
    assert "Hub.Admin" in nobodys.body["detail"]
    for answer in (missing, none_set, await refusal_of(api, world, OFF, WRONG)):
        assert ADMIN_KEY not in str(answer.body)


async def test_whoever_may_not_call_is_not_told_what_is_wrong_with_his_request(api: Client, world: ApiWorld) -> None:
    calls = (
        ("PUT", "/templates/nothing/objects/none/schedule?strange=1", b"{"),
        ("POST", "/templates", b'{"id": 7}'),
        ("GET", "/runs?strange=1", b""),
    )
    with wiring.using(replace(world.app, access=ON)):
        for method, address, raw in calls:
            assert (await api(method, address, raw=raw, headers=principal())).problem == "/problems/no-role"
            assert (await api(method, address, raw=raw, headers=WRONG)).problem == "/problems/bad-admin-key"
            assert (await api(method, address, raw=raw, headers=RIGHT)).status == 400


async def test_values_of_a_preview_are_shown_to_whoever_may_operate(api: Client, world: ApiWorld) -> None:
    await world.mark(*world.stock(1))
    with wiring.using(replace(world.app, access=ON)):
        for headers, shown in ((principal("Hub.Read"), False), (principal("Hub.Operate"), True), ({}, True)):
            answer = await api("POST", "/templates/toy/objects/thing/sync", {"preview": True}, headers=headers)
            changes = answer.body["records"][0]["changes"]["other"]
            assert "name" in changes["fields"]
            assert ("values" in changes) == shown
            assert ("Toy C0001" in str(answer.body)) == shown


async def test_a_reader_may_look_at_marks_before_and_not_mark(api: Client, world: ApiWorld) -> None:
    world.stock(1)
    with wiring.using(replace(world.app, access=ON)):
        for body in (ENTRIES, {**ENTRIES, "preview": False}):
            answer = await api("POST", "/templates/toy/toys/marks", body, headers=principal("Hub.Read"))
            assert (answer.status, answer.problem) == (403, "/problems/role-too-small")
        looked = await api(
            "POST", "/templates/toy/toys/marks", {**ENTRIES, "preview": True}, headers=principal("Hub.Read")
        )
    assert looked.body["counts"] == {"marked": 1}
    assert await world.record("C0001") is None


async def test_a_runs_token_is_enough_for_everybody_but_a_forger(api: Client, world: ApiWorld) -> None:
    location = (await api("POST", "/templates/toy/objects/thing/sync", {})).body["statusUrl"]
    address = location.partition("/api")[2]
    for name, caller in CALLERS.items():
        with wiring.using(replace(world.app, access=caller.access)):
            answer = await api("GET", address, headers=caller.headers)
        refusal = caller.refused_at_run
        assert answer.status == (202 if refusal is None else refusal[0]), name
