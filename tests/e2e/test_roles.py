"""Who gets in over real HTTP: what the host asks for before the app is asked, on every route, and headers as they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from local.environment import ROOT, Environment
from local.host.launch import HostProcess
from shared.triggers.http import OPERATIONS
from shared.triggers.http.calls import Operation
from shared.triggers.http.roles import Role
from tests.signed_in import principal

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = {"{template}": "x", "{object}": "x", "{noun}": "x", "{batch}": "x", "{list}": "x", "{run}": "x.y.z"}
ANONYMOUS = [operation for operation in OPERATIONS if operation.auth.name == "ANONYMOUS"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def env() -> AsyncIterator[Environment]:
    """A hub without templates; of its two hosts the second one believes that people are signed in."""
    async with Environment(customers=1) as environment:
        settings = {**environment.app_settings(), "HUB_EASY_AUTH": "true"}
        log_file = Path(environment.directory / "signed-in.log")
        environment.hosts.append(await HostProcess.start(ROOT, settings, port=0, workers=1, log_file=log_file))
        yield environment


async def answers(env: Environment, **options: Any) -> dict[str, tuple[int, str]]:
    """What each route answers, by name: status and problem, "" for what is no problem of the app's."""
    return {operation.name: await answer(env, operation, **options) for operation in OPERATIONS}


async def answer(env: Environment, operation: Operation, **options: Any) -> tuple[int, str]:
    path = "/" + operation.route
    for name, value in PLACES.items():
        path = path.replace(name, value)
    status, body, _ = await env.call(operation.method, path, **options)
    return status, str(body.get("type", "")).removeprefix("/problems/") if isinstance(body, dict) else ""


async def test_the_host_asks_every_route_for_its_key_but_a_runs_status_which_asks_for_its_token(
    env: Environment,
) -> None:
    assert [operation.route for operation in ANONYMOUS] == ["runs/{run}"]
    for key in ("", "no-such-key"):
        for host in (0, 1):
            found = await answers(env, key=key, host=host)
            assert found.pop("runs_get") == (401, "bad-token")
            assert set(found.values()) == {(401, "")}, found


async def test_a_function_key_alone_is_no_admins(env: Environment) -> None:
    found = await answers(env, key=env.hosts[0].function_key)
    admins = {operation.name for operation in OPERATIONS if operation.role is Role.ADMIN}
    assert {name for name, one in found.items() if one == (403, "admin-key-missing")} == admins
    del found["runs_get"]
    assert {name for name, one in found.items() if one[0] in (401, 403)} == admins
    wrong = await answers(env, headers={"X-Hub-Admin-Key": "not-the-admin-key"})
    assert wrong.pop("runs_get") == (401, "bad-token")
    assert set(wrong.values()) == {(401, "bad-admin-key")}
    right = await answers(env)
    assert right.pop("runs_get") == (401, "bad-token")
    assert not [name for name, one in right.items() if one[0] in (401, 403, 500)]


@pytest.mark.parametrize("header", ["X-MS-CLIENT-PRINCIPAL", "x-ms-client-principal-id"])
async def test_a_forged_principal_is_refused_on_every_route_whatever_keys_come_along(
    env: Environment, header: str
) -> None:
    (value,) = principal("Hub.Admin").values()
    assert set((await answers(env, headers={header: value})).values()) == {(401, "forged-principal")}


async def test_a_signed_in_role_counts_where_the_setting_says_so(env: Environment) -> None:
    key = env.hosts[1].function_key
    for role in (None, *Role):
        claims = principal(role.claim) if role else principal()
        found = await answers(env, host=1, key=key, headers=claims)
        for operation in OPERATIONS:
            status, problem = found[operation.name]
            if operation.role is None:
                assert (status, problem) == ((404, "unknown-run") if role else (401, "bad-token"))
            elif role is None:
                assert (status, problem) == (403, "no-role"), operation.route
            elif operation.least is not None and role < operation.least:
                assert (status, problem) == (403, "role-too-small"), operation.route
            elif role < operation.role:  # its body might ask for a preview; this one has none
                assert problem in ("role-too-small", "bad-body"), operation.route
            else:
                assert status not in (401, 403, 500), operation.route


async def test_a_principal_that_makes_no_sense_is_refused(env: Environment) -> None:
    for value in ("no base64", "eHh4"):
        found = await answers(env, host=1, headers={"X-MS-CLIENT-PRINCIPAL": value})
        assert set(found.values()) == {(401, "bad-principal")}


async def test_a_reader_asks_for_a_runs_status_without_any_key(env: Environment) -> None:
    (operation,) = ANONYMOUS
    assert await answer(env, operation, host=1, key="", headers=principal("Hub.Read")) == (404, "unknown-run")
    assert await answer(env, operation, host=1, key="", headers=principal()) == (401, "bad-token")
    admin_key = {"X-Hub-Admin-Key": env.app_settings()["HUB_ADMIN_KEY"]}
    assert await answer(env, operation, host=1, key="", headers=admin_key) == (401, "bad-token")
