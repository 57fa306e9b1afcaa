"""Drafts: a create that becomes one is waited for, linked when it is a document, and never made a second time."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Undetermined, UnknownOutcome
from shared.sync import explain
from shared.sync.sweep import sweep
from tests.unit.sync.conftest import MakeWorld
from tests.unit.sync.harness import OTHER, World
from tests.unit.sync.toys import DraftsSystem, DraftToy


async def _world(make_world: MakeWorld) -> tuple[World, DraftsSystem]:
    world = await make_world(DraftToy())
    sap = DraftsSystem(world.clock, "C")
    sap.create_error = Undetermined
    world.sap = sap
    world.other.put("g-1", name="Born there", note="n")
    return world, sap


async def _looked_again(world: World) -> None:
    """The sweeper delivers what is due."""
    world.clock.forward(world.hub.times.approval_look + 1)
    await sweep(world.hub)
    await world.drain()


async def _retried(world: World) -> Any:
    record = await world.record("g-1", OTHER)
    record.set_due(world.clock())
    assert not await world.hub.records.save("toy|thing", [record])
    return await world.sync("due")


async def test_a_draft_is_an_outcome_of_its_own_and_no_failure(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    run = await world.sync()
    assert (run.status, run.counts) == ("succeeded", {"awaiting approval": 1})
    record = await world.record("g-1", OTHER)
    assert (record.linked, record.failure, record.outcome) == (False, None, "awaiting approval")
    assert record.due, "it is looked at again"
    assert len(sap.drafts) == 1
    told = await explain.explain(world.hub, "toy", "thing", OTHER, "g-1")
    assert "draft" in told["summary"]


async def test_a_draft_is_never_created_a_second_time(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    for n in range(6):
        await _looked_again(world)
        world.other.put("g-1", note=f"edit {n}")
        world.clock.forward(world.hub.times.claim_expiry)
        assert (await world.sync("full" if n % 2 else "delta")).counts == {"awaiting approval": 1}
        assert (await _retried(world)).counts == {"awaiting approval": 1}
    assert (sap.created, len(sap.drafts), len(sap.rows)) == (1, 1, 0)


async def test_a_draft_that_becomes_a_document_is_linked_and_edits_made_meanwhile_travel(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    world.other.put("g-1", note="edited while it waited")
    world.clock.forward(7200)
    await world.sync()
    key = sap.approve()
    await _looked_again(world)
    record = await world.record("g-1", OTHER)
    assert (record.linked, record.claim, record.due, record.failure) == (True, None, "", None)
    assert sap.rows[key]["note"] == "edited while it waited"
    assert sap.rows[key]["name"] == "Born there"
    assert world.other.rows["g-1"]["number"] == key
    assert sap.created == 1


async def test_what_was_edited_in_the_document_on_its_way_is_not_overwritten(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    (draft,) = sap.drafts.values()
    draft["size"] = "added by the approver"
    key = sap.approve()
    world.other.put("g-1", note="edited while it waited")
    await _looked_again(world)
    assert (sap.rows[key]["size"], sap.rows[key]["note"]) == ("added by the approver", "edited while it waited")
    assert world.other.rows["g-1"]["size"] == "added by the approver"


async def test_a_document_that_came_of_a_draft_is_counted_as_created_and_then_settles(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    sap.approve()
    assert (await _retried(world)).counts["created"] == 1
    writes = (sap.writes, world.other.writes)
    for _ in range(10):
        world.clock.forward(7200)
        assert set((await world.sync("full")).counts) == {"unchanged"}
    assert (sap.writes, world.other.writes) == writes


async def test_a_draft_that_was_rejected_is_a_failure_that_says_what_to_do(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    next(iter(sap.drafts.values()))["state"] = "rejected"
    await _looked_again(world)
    record = await world.record("g-1", OTHER)
    assert record.failure.kind == "failed"
    assert "delete the draft" in record.failure.reason
    assert not record.due
    assert (await _retried(world)).counts == {"failed": 1}
    assert sap.created == 1


async def test_a_rejected_draft_that_was_deleted_is_created_anew_on_retry(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    next(iter(sap.drafts.values()))["state"] = "rejected"
    await _looked_again(world)
    sap.drafts.clear()
    assert (await _retried(world)).counts == {"awaiting approval": 1}
    assert (sap.created, len(sap.drafts)) == (2, 1)
    key = sap.approve()
    await _looked_again(world)
    assert (await world.record(key)).linked


async def test_one_pending_draft_beside_a_rejected_one_is_waited_for(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    (draft,) = sap.drafts.values()
    sap.drafts["D9999"] = {**draft, "key": "D9999", "state": "rejected"}
    await _looked_again(world)
    assert (await world.record("g-1", OTHER)).outcome == "awaiting approval"


async def test_a_draft_that_becomes_a_document_while_it_is_looked_for_is_not_created_again(
    make_world: MakeWorld,
) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    sap.finds.clear()

    def approved_between(entity: Any) -> None:
        if len(sap.finds) == 2:
            sap.approval = False
            sap.approve()

    sap.at_find = approved_between
    await _looked_again(world)
    await _looked_again(world)
    assert sap.created == 1
    assert len(sap.rows) == 1


async def test_a_record_that_takes_part_no_more_says_that_its_draft_is_there(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    await world.sync()
    world.other.put("g-1", scope="no")
    world.clock.forward(7200)
    run = await world.sync()
    assert run.counts == {"conflict": 1}
    assert "Reject that draft" in (await world.record("g-1", OTHER)).failure.reason
    assert sap.created == 1


async def test_a_create_whose_answer_tells_nothing_is_looked_up_at_once(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)

    def made_after_all(entity: Any) -> None:
        if sap.drafts:
            sap.approve()

    sap.at_find = made_after_all
    assert (await world.sync()).counts["created"] == 1
    record = await world.record("g-1", OTHER)
    assert (record.linked, record.claim) == (True, None)
    (key,) = sap.rows
    assert world.other.rows["g-1"]["number"] == key


async def test_an_answer_that_was_lost_is_not_looked_up_before_the_system_can_be_done(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    sap.create_error = UnknownOutcome
    run = await world.sync()
    assert run.counts == {"retrying": 1}
    assert "drafts" not in sap.finds
    world.clock.forward(world.hub.times.claim_expiry + 1)
    await sweep(world.hub)
    await world.drain()
    assert (await world.record("g-1", OTHER)).outcome == "awaiting approval"
    assert sap.created == 1


async def test_a_create_of_which_nothing_is_found_is_made_again_only_after_the_claim(make_world: MakeWorld) -> None:
    world, sap = await _world(make_world)
    sap.at_find = lambda entity: sap.drafts.clear()
    assert (await world.sync()).counts == {"retrying": 1}
    world.clock.forward(60)
    await world.sync()
    assert sap.created == 1
    sap.at_find, sap.approval = lambda entity: None, False
    world.clock.forward(world.hub.times.claim_expiry + 1)
    await sweep(world.hub)
    await world.drain()
    assert sap.created == 2
    assert len(sap.rows) == 1


@pytest.mark.parametrize("others", [3])
async def test_a_draft_does_not_keep_the_other_records_of_its_slice(make_world: MakeWorld, others: int) -> None:
    world, sap = await _world(make_world)
    for n in range(others):
        world.other.put(f"h-{n}", name=f"N{n}")
    await world.sync()
    assert len(sap.drafts) == 1 + others
    last = list(sap.drafts)[-1]
    kept = sap.drafts.pop(last)
    sap.approve()
    sap.drafts[last] = kept
    await _looked_again(world)
    linked = [r for r in [await world.record(k, OTHER) for k in world.other.rows] if r.linked]
    assert (len(linked), len(sap.rows), sap.created) == (others, others, 1 + others)
