"""What health tells to whom: never more than the caller's role allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared import wiring
from shared.errors import Transient
from shared.stores.oddities import oddity_of
from shared.triggers.http.roles import Role
from shared.wiring import Access
from tests.signed_in import principal
from tests.unit.sync.api_world import ApiWorld
from tests.unit.triggers.conftest import Client

TEXT = "dispatcher-17 refuses 'Geheimnis GmbH'"
OURS = "SAP of template 'toy' cannot be reached or refuses the hub."


async def told(api: Client, world: ApiWorld, role: Role) -> dict[str, Any]:
    """What somebody of that role is told of a hub whose SAP is down and that was sent nonsense."""

    def trouble(*_: object) -> None:
        raise Transient(TEXT, system="sap")

    world.sap.trouble.append(trouble)
    await world.oddities.add(oddity_of("runs", b"nonsense", "it is not a JSON object", world.clock()))
    with wiring.using(replace(world.app, access=Access(easy_auth=True))):
        answer = await api("GET", "/health", headers=principal(role.claim))
    assert answer.status == 503
    return dict(answer.body)


async def test_a_reader_is_told_what_is_wrong_in_the_hubs_own_words_and_no_more(api: Client, world: ApiWorld):
    assert await told(api, world, Role.READ) == {"ok": False, "reasons": [OURS]}


async def test_an_operator_is_told_how_each_part_stands_and_the_class_of_an_error(api: Client, world: ApiWorld):
    body = await told(api, world, Role.OPERATE)
    assert body["reasons"] == [f"{OURS} (Transient)"]
    assert body["storage"] == {"ok": True}
    assert body["systems"] == [
        {"template": "toy", "side": "sap", "ok": False, "error": "Transient"},
        {"template": "toy", "side": "other", "ok": True},
    ]
    assert [one["object"] for one in body["objects"]] == ["thing"]
    assert [sorted(one) for one in body["oddities"]] == [["queue", "reason", "seenAt"]]


async def test_an_admin_is_told_the_texts_too(api: Client, world: ApiWorld):
    body = await told(api, world, Role.ADMIN)
    assert body["reasons"] == [f"{OURS} (Transient: {TEXT})"]
    assert body["systems"][0]["text"] == TEXT
    assert (body["oddities"][0]["length"], len(body["oddities"][0]["sha256"])) == (len(b"nonsense"), 64)


@pytest.mark.parametrize("role", [Role.READ, Role.OPERATE])
async def test_nobody_but_an_admin_is_told_what_a_system_said(api: Client, world: ApiWorld, role: Role):
    body = str(await told(api, world, role))
    assert "dispatcher-17" not in body
    assert "Geheimnis" not in body


async def test_storage_that_is_down_is_told_to_each_as_far_as_it_is_theirs(api: Client, world: ApiWorld):
    async def down() -> Any:
        raise Transient("table host 10.0.0.4", system="storage")

    world.hub.templates.list = down  # type: ignore[method-assign]
    with wiring.using(replace(world.app, access=Access(easy_auth=True))):
        for role, more in ((Role.READ, ""), (Role.OPERATE, " (Transient)"), (Role.ADMIN, "10.0.0.4)")):
            answer = await api("GET", "/health", headers=principal(role.claim))
            assert answer.status == 503
            assert answer.body["reasons"][0].endswith(more or "the hub.")


async def test_a_hub_that_is_well_answers_200_to_all(api: Client, world: ApiWorld):
    with wiring.using(replace(world.app, access=Access(easy_auth=True))):
        for role in Role:
            answer = await api("GET", "/health", headers=principal(role.claim))
            assert (answer.status, answer.body["ok"], answer.body["reasons"]) == (200, True, [])
