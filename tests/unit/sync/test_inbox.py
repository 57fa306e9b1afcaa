"""Messages of every kind, from well to hostile."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from shared.errors import Transient
from shared.stores.queues import DELIVERIES, MARKS, RUNS, poison
from shared.sync import inbox
from shared.sync.incidents import Defect
from tests.unit.sync.api_world import ApiWorld

SECRET = "Geheimnis GmbH"


@pytest.mark.parametrize("queue", [RUNS, DELIVERIES, MARKS])
@pytest.mark.parametrize("body", [b"", b"not json " + SECRET.encode(), b"[1]", b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_message_is_listed_at_once(world: ApiWorld, queue: str, body: bytes):
    await inbox.work(world.hub, world.oddities, queue, body)
    (found,) = await world.oddities.list()
    assert (found.queue, found.length, len(found.sha256)) == (queue, len(body), 64)
    assert "not a JSON object" in found.reason


@pytest.mark.parametrize("queue", [RUNS, DELIVERIES, MARKS])
async def test_a_message_of_a_newer_schema_is_listed_at_once(world: ApiWorld, queue: str):
    body = json.dumps({"v": 2, "run": "toy.thing.1", "step": "plan", "beat": 0, "slice": "s", "attempt": 0}).encode()
    await inbox.work(world.hub, world.oddities, queue, body)
    (found,) = await world.oddities.list()
    assert "schema" in found.reason


async def test_a_repeated_oddity_is_one_row_and_forgotten_in_the_end(world: ApiWorld):
    for _ in range(3):
        await inbox.work(world.hub, world.oddities, RUNS, b"x")
    (found,) = await world.oddities.list()
    await world.oddities.forget(found.seen_at)
    assert len(await world.oddities.list()) == 1
    world.clock.forward(1)
    await world.oddities.forget(world.clock())
    assert await world.oddities.list() == []


async def test_a_message_that_must_wait_sends_itself_again(world: ApiWorld):
    async def down(*_: Any) -> Any:
        raise Transient("storage is down")

    world.hub.runs.run_and_object = down  # type: ignore[method-assign]
    message = {"v": 1, "run": "toy.thing.1", "step": "plan", "beat": 0}
    await inbox.work(world.hub, world.oddities, RUNS, json.dumps(message).encode())
    ((moment, queue, sent),) = world.queues.messages
    assert (queue, sent) == (RUNS, message)
    assert moment > world.clock()
    assert await world.oddities.list() == []


async def test_a_defect_raises_and_neither_its_text_nor_the_log_quotes_data(
    world: ApiWorld, caplog: pytest.LogCaptureFixture
):
    async def bug(*_: Any) -> Any:
        raise KeyError(SECRET)

    world.hub.runs.run_and_object = bug  # type: ignore[method-assign]
    message = {"v": 1, "run": "toy.thing.1", "step": "plan", "beat": 0}
    with caplog.at_level(logging.DEBUG), pytest.raises(Defect) as raised:
        await inbox.work(world.hub, world.oddities, RUNS, json.dumps(message).encode())
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert raised.value.incident in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("queue", [RUNS, DELIVERIES, MARKS])
@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"v": 1, "run": "nonsense", "slice": "1"}'])
async def test_a_poison_worker_never_raises_and_always_lists(world: ApiWorld, queue: str, body: bytes):
    await inbox.bury(world.hub, world.oddities, poison(queue), body)
    assert [found.queue for found in await world.oddities.list()] == [poison(queue)]


async def test_a_poison_worker_never_raises_even_if_nothing_can_be_saved(
    world: ApiWorld, caplog: pytest.LogCaptureFixture
):
    async def bug(*_: Any) -> Any:
        raise OSError(SECRET)

    world.oddities.add = bug  # type: ignore[method-assign]
    await inbox.bury(world.hub, world.oddities, poison(RUNS), b"x")
    assert "could not be listed" in caplog.text
    assert SECRET not in caplog.text


async def test_a_run_whose_message_was_given_up_ends_and_frees_its_object(world: ApiWorld):
    from shared.sync.start import start

    run = await start(world.hub, "toy", "thing", "delta", "test")
    message = {"v": 1, "run": run, "step": "plan", "beat": 0}
    await inbox.bury(world.hub, world.oddities, poison(RUNS), json.dumps(message).encode())
    ended = await world.hub.runs.run(run)
    assert ended is not None
    assert ended.status == "stopped"
    assert "defect" in ended.reason
    assert (await world.hub.runs.object("toy", "thing")).active is None


async def test_a_marks_message_that_names_no_run_is_listed(world: ApiWorld):
    await inbox.work(world.hub, world.oddities, MARKS, b'{"v": 1, "run": "zzz", "attempt": 0}')
    await inbox.work(world.hub, world.oddities, MARKS, b'{"v": 1, "run": "a.b.c", "attempt": []}')
    assert len(await world.oddities.list()) == 2
    assert world.queues.messages == []
