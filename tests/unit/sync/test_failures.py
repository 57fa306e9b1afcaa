"""What needs a person: list, retry, dismiss."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest, Rejected
from shared.ports import Write
from shared.sync import failures
from shared.sync.failures import Chosen
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import SAP

PK = "toy|thing"


async def broken(world: ApiWorld, count: int = 1) -> list[str]:
    """Marked records that the other side refuses until ``mended``."""
    world.other.before_write = lambda write: Rejected("too long", code="x", fields=["name"])
    keys = world.stock(count)
    await world.mark(*keys)
    assert (await world.sync()).counts == {"failed": count}
    return keys


def mended(world: ApiWorld) -> None:
    def fine(_: Write) -> None:
        return None

    world.other.before_write = fine


async def test_a_failure_is_listed_with_class_reason_and_next_step(world: ApiWorld):
    await broken(world)
    rows, more = await failures.list_failures(world.hub, "toy", Chosen(), 10)
    assert more is None
    assert rows[0] | {"since": None} == {
        "object": "thing",
        "side": "sap",
        "key": "C0001",
        "sap": "C0001",
        "other": None,
        "kind": "failed",
        "class": "Rejected",
        "reason": "too long",
        "code": "x",
        "fields": ["name"],
        "since": None,
        "nextStep": rows[0]["nextStep"],
    }
    assert "retry" in rows[0]["nextStep"]


async def test_lists_narrow_by_class_and_kind_and_go_on(world: ApiWorld):
    await broken(world, 5)
    assert (await failures.list_failures(world.hub, "toy", Chosen(error="Conflict"), 10))[0] == []
    assert (await failures.list_failures(world.hub, "toy", Chosen(kind="conflict"), 10))[0] == []
    seen, more = [], None
    while True:
        page, more = await failures.list_failures(world.hub, "toy", Chosen(continuation=more), 2)
        seen += [one["key"] for one in page]
        if more is None:
            break
    assert seen == [f"C000{n}" for n in range(1, 6)]


@pytest.mark.parametrize("continuation", ["x", "W10=", "WzksbnVsbF0=", "WzAsMV0=", "é"])
async def test_a_strange_continuation_is_refused(world: ApiWorld, continuation: str):
    with pytest.raises(BadRequest):
        await failures.list_failures(world.hub, "toy", Chosen(continuation=continuation), 2)


async def test_a_retry_after_the_fix_works_from_fresh_data(world: ApiWorld):
    await broken(world, 2)
    mended(world)
    world.sap.rows["C0001"]["name"] = "changed without a new stamp"
    done = await failures.retry(world.hub, "toy", Chosen("thing", ((SAP, "C0001"),)))
    assert done.count == 1
    await world.drain()
    run = await world.hub.runs.run(done.runs["thing"])
    assert run is not None
    assert run.counts == {"created": 1}
    assert [r["name"] for r in world.other.rows.values()] == ["changed without a new stamp"]
    assert [one["key"] for one in (await failures.list_failures(world.hub, "toy", Chosen(), 9))[0]] == ["C0002"]


async def test_all_of_a_class_are_retried_and_those_that_fail_again_stay_listed(world: ApiWorld):
    await broken(world, 3)
    done = await failures.retry(world.hub, "toy", Chosen(error="Rejected"))
    assert (done.count, done.continuation) == (3, None)
    assert len((await failures.list_failures(world.hub, "toy", Chosen(), 9))[0]) == 3
    await world.drain()
    assert len((await failures.list_failures(world.hub, "toy", Chosen(), 9))[0]) == 3


async def test_keys_that_are_not_listed_start_nothing(world: ApiWorld):
    world.stock(1)
    done = await failures.retry(world.hub, "toy", Chosen("thing", ((SAP, "C0001"), (SAP, "nobody"))))
    assert (done.count, done.runs, world.queues.messages) == (0, {}, [])


async def test_a_dismissed_failure_stays_quiet_until_its_next_change(world: ApiWorld):
    await broken(world)
    assert (await failures.dismiss(world.hub, "toy", Chosen("thing", ((SAP, "C0001"),)))).count == 1
    assert (await failures.list_failures(world.hub, "toy", Chosen(), 9))[0] == []
    world.clock.forward(60)
    writes = world.other.calls.count("write")
    await world.sync()
    assert world.other.calls.count("write") == writes, "it is not tried again as it is"
    mended(world)
    world.clock.forward(60)
    world.sap.put("C0001", name="corrected")
    assert (await world.sync()).counts == {"created": 1}


async def test_keys_without_an_object_are_refused(world: ApiWorld):
    with pytest.raises(BadRequest, match="object"):
        await failures.retry(world.hub, "toy", Chosen(None, ((SAP, "C0001"),)))


async def test_an_unknown_object_is_refused_with_those_there_are(world: ApiWorld):
    with pytest.raises(BadRequest, match="thing"):
        await failures.list_failures(world.hub, "toy", Chosen("stuff"), 9)
