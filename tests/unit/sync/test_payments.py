"""Documents with payments beside them: each exactly once, whatever fails or comes twice in between."""

from __future__ import annotations

import asyncio
import contextlib
import copy

import pytest

from shared.errors import Rejected, Transient, UnknownOutcome
from shared.objects.model import KEY, KEY_NUMBER
from shared.ports import Write
from shared.sync import slices
from shared.sync.start import start
from shared.sync.steps import with_key
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.documents import Books, Receipt
from tests.unit.sync.harness import OTHER, World


async def _shop(make_world: MakeWorld) -> tuple[World, Books]:
    world = await make_world(Receipt())
    books = Books(world.clock, "D")
    world.sap = books
    return world, books


async def _settle(world: World) -> None:
    for _ in range(3):
        world.clock.forward(world.hub.times.claim_expiry + world.hub.times.slice_overdue)
        await sweep(world.hub)
        await world.drain(sweeping=True)


async def test_a_receipt_becomes_a_document_and_its_payments_and_nothing_is_read_back(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash", "card"])
    run = await world.sync()
    assert run.counts == {"created": 1}
    (key,) = books.rows
    assert books.paid(key) == ["card", "cash"]
    assert [verb for verb in books.calls if verb in ("read", "find")] == []


async def test_where_sap_does_not_answer_what_it_made_it_is_read_back(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    books.answering = False
    world.other.put("r1", name="N", pay=["cash"])
    await world.sync()
    writes = books.writes
    world.clock.forward(7200)
    await world.sync("full")
    assert (books.writes, len(books.payments)) == (writes, 1)


async def test_a_later_payment_is_added_and_the_first_is_not_made_again(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"])
    await world.sync()
    world.clock.forward(3600)
    world.other.put("r1", pay=["cash", "later"])
    run = await world.sync()
    assert run.counts == {"updated": 1}
    assert [each["name"] for each in books.payments] == ["cash", "later"]


@pytest.mark.parametrize("error", [Rejected("account is locked"), Transient("down"), UnknownOutcome("no answer")])
async def test_a_payment_that_fails_is_completed_later_and_the_document_is_not_made_again(
    make_world: MakeWorld, error: Exception
) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash", "card"])
    books.before_write = lambda write: error if write.body.get("name") == "card" else None  # type: ignore[return-value]
    await world.sync()
    (key,) = books.rows
    assert books.paid(key) == ["cash"]
    books.before_write = lambda write: None
    world.clock.forward(7200)
    await world.sync("full")
    await _settle(world)
    assert (list(books.rows), books.paid(key)) == ([key], ["card", "cash"])


async def test_a_later_payment_that_was_made_but_never_answered_is_not_made_again(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"])
    await world.sync()
    world.clock.forward(3600)
    world.other.put("r1", pay=["cash", "later"])
    books.after_write = lambda write: UnknownOutcome("no answer")
    await world.sync()
    books.after_write = lambda write: None
    assert (await world.record("r1", OTHER)).claim is not None
    await world.sync()  # too early: the server might still be at work
    await _settle(world)
    assert [each["name"] for each in books.payments] == ["cash", "later"]
    assert (await world.record("r1", OTHER)).claim is None


async def test_a_later_payment_is_made_once_by_two_deliveries_at_once(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"])
    await world.sync()
    world.clock.forward(3600)
    world.other.put("r1", pay=["cash", "later"])
    await start(world.hub, "toy", "thing", "delta", "test")
    while not any(queue == "deliveries" for _, queue, _ in world.queues.messages):
        assert await world.handle_one()
    (message,) = [body for _, queue, body in world.queues.messages if queue == "deliveries"]
    pay, both = books.write, asyncio.Barrier(2)

    async def slowly(entity, writes):  # type: ignore[no-untyped-def]
        if entity.set == "payments":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(both.wait(), 2)
        return await pay(entity, writes)

    books.write = slowly  # type: ignore[method-assign]
    await asyncio.gather(*(slices.on_message(world.hub, copy.deepcopy(message)) for _ in range(2)))
    books.write = pay  # type: ignore[method-assign]
    await world.drain()
    await _settle(world)
    assert [each["name"] for each in books.payments] == ["cash", "later"]


async def test_a_later_payment_whose_maker_died_is_looked_for_before_it_is_made(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"])
    await world.sync()
    world.clock.forward(3600)
    world.other.put("r1", pay=["cash", "later"])

    def die(write: Write) -> None:
        raise KeyboardInterrupt

    books.after_write = die  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        await world.sync()
    books.after_write = lambda write: None
    await _settle(world)
    await world.sync()
    await _settle(world)
    assert [each["name"] for each in books.payments] == ["cash", "later"]


async def test_a_later_payment_that_was_refused_is_retried_at_once_when_a_person_asks(make_world: MakeWorld) -> None:
    world, books = await _shop(make_world)
    world.other.put("r1", name="N", pay=["cash"])
    await world.sync()
    world.clock.forward(3600)
    world.other.put("r1", pay=["cash", "later"])
    books.before_write = lambda write: Rejected("account is locked")
    assert (await world.sync()).counts == {"failed": 1}
    assert (await world.record("r1", OTHER)).claim is None
    books.before_write = lambda write: None
    await world.sync("full")
    assert [each["name"] for each in books.payments] == ["cash", "later"]


def test_a_steps_body_gets_the_key_as_text_or_as_a_number() -> None:
    body = {"document": KEY, "rows": [{"DocEntry": KEY_NUMBER, "text": f"of {KEY}"}]}
    assert with_key(body, "17") == {"document": "17", "rows": [{"DocEntry": 17, "text": "of 17"}]}
