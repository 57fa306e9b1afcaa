"""Marks: by code, by range, in batches."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import BadRequest, Rejected, Transient
from shared.ports import Mark
from shared.stores.records import new_record
from shared.sync import finish, mark_runs, marks
from shared.sync.marks import Change, Entry, Range
from shared.sync.outcomes import RunStatus
from tests.unit.sync.api_world import ApiWorld
from tests.unit.sync.harness import OTHER, SAP

PK = "toy|thing"
SMALL = {"kind": "small"}


async def mark(world: ApiWorld, *entries: Entry, marked: bool = True, batch: str | None = None) -> list[str]:
    results = await marks.mark_entries(world.hub, "toy", "toys", entries, marked=marked, batch=batch)
    return [one["result"] for one in results]


def small(*codes: str) -> list[Entry]:
    return [Entry(code, SMALL) for code in codes]


async def run_to_end(world: ApiWorld, run: str) -> Any:
    await world.drain()
    found = await world.hub.runs.run(run)
    assert found is not None
    return found


async def test_a_code_is_stored_as_sap_spells_it(world: ApiWorld):
    world.stock(2)
    results = await marks.mark_entries(world.hub, "toy", "toys", small("c0001"), marked=True, batch=None)
    assert results == [{"code": "C0001", "result": "marked"}]
    record = await world.record("C0001")
    assert record.mark == Mark(frozenset({"manual"}), SMALL)
    assert await world.record("c0001") is None


async def test_unknown_codes_are_answered_by_name_and_the_others_marked(world: ApiWorld):
    world.stock(1)
    results = await marks.mark_entries(world.hub, "toy", "toys", small("X1", "C0001"), marked=True, batch=None)
    assert [(one["code"], one["result"]) for one in results] == [("X1", "unknown"), ("C0001", "marked")]


async def test_a_mark_without_its_mandatory_attribute_is_refused(world: ApiWorld):
    world.stock(3)
    entries = [Entry("C0001"), Entry("C0002", {"kind": "huge"}), Entry("C0003", {"kind": "big", "colour": "red"})]
    results = await marks.mark_entries(world.hub, "toy", "toys", entries, marked=True, batch=None)
    assert [one["result"] for one in results] == ["refused"] * 3
    assert "mandatory" in results[0]["text"]
    assert "small, big" in results[1]["text"]
    assert "colour" in results[2]["text"]
    assert await world.record("C0001") is None


async def test_what_could_never_take_part_is_not_marked(world: ApiWorld):
    world.stock(1, note="supplier")
    results = await marks.mark_entries(world.hub, "toy", "toys", small("C0001"), marked=True, batch=None)
    assert results[0] == {"code": "C0001", "result": "refused", "text": "it is a supplier"}


async def test_what_is_marked_travels_in_the_next_run_however_old_it_is(world: ApiWorld):
    world.stock(1)
    world.clock.forward(400 * 24 * 3600)
    state = await world.hub.runs.object("toy", "thing")
    state.watermarks = {"out": world.clock(), "in": world.clock()}
    await world.hub.runs.save_object(state)
    assert await mark(world, *small("C0001")) == ["marked"]
    assert (await world.sync()).counts == {"created": 1}


async def test_marking_again_changes_nothing_and_another_attribute_makes_it_due(world: ApiWorld):
    world.stock(1)
    await mark(world, *small("C0001"))
    await world.sync()
    assert await mark(world, *small("C0001")) == ["already"]
    assert (await world.record("C0001")).due == ""
    assert await mark(world, Entry("C0001", {"kind": "big"})) == ["marked"]
    assert (await world.record("C0001")).due != ""


async def test_the_same_code_twice_counts_once(world: ApiWorld):
    world.stock(1)
    assert await mark(world, Entry("C0001", SMALL), Entry("c0001", {"kind": "big"})) == ["marked", "duplicate"]
    assert (await world.record("C0001")).mark.attributes == SMALL


async def test_a_mark_stays_on_while_one_batch_is_left(world: ApiWorld):
    world.stock(1)
    await mark(world, *small("C0001"), batch="spring")
    await mark(world, *small("C0001"), batch="autumn")
    assert await mark(world, Entry("C0001"), marked=False, batch="spring") == ["unmarked"]
    assert (await world.record("C0001")).mark.batches == {"autumn"}
    assert await mark(world, Entry("C0001"), marked=False) == ["unmarked"]
    record = await world.record("C0001")
    assert not record.mark.on
    assert record.due == "", "nothing is left to be done for it"


async def test_unmarking_keeps_the_link(world: ApiWorld):
    world.stock(1)
    await mark(world, *small("C0001"))
    await world.sync()
    await mark(world, Entry("C0001"), marked=False)
    assert (await world.record("C0001")).linked


async def test_what_sap_deleted_can_still_be_unmarked(world: ApiWorld):
    world.stock(1)
    await mark(world, *small("C0001"))
    del world.sap.rows["C0001"]
    assert await mark(world, Entry("C0001"), marked=False) == ["unmarked"]


async def test_a_thousand_entries_are_the_most(world: ApiWorld):
    with pytest.raises(BadRequest) as refused:
        await mark(world, *small(*(f"C{n}" for n in range(1001))))
    assert refused.value.status == 413


async def test_marks_survive_that_somebody_else_saves_the_record_at_the_same_time(world: ApiWorld):
    world.stock(1)
    await mark(world, *small("C0001"), batch="first")
    ours = world.hub.records.load
    raced = []

    async def load(*args: Any, **options: Any) -> Any:
        found = await ours(*args, **options)
        if not raced:
            raced.append(True)
            theirs = (await ours(PK, SAP, ["C0001"]))["C0001"]
            theirs.outcome = "created"
            assert not await world.hub.records.save(PK, [theirs])
        return found

    world.hub.records.load = load  # type: ignore[method-assign]
    assert await mark(world, *small("C0001"), batch="second") == ["marked"]
    record = await world.record("C0001")
    assert record.mark.batches == {"first", "second"}
    assert record.outcome == "created"


# --- the selection window -----------------------------------------------------------------------------------------------


async def test_the_selection_window_pages_through_a_range_of_codes_and_groups(world: ApiWorld):
    world.stock(9)
    await mark(world, *small("C0003"))
    flow, marking = await marks.marking_flow(world.hub, "toy", "toys")
    wanted, seen, more = Range("C0002", "C0008", 100, 100), [], None
    while True:
        page, more = await marks.candidates(world.hub, flow, marking, wanted, more, 2)
        seen += page
        if more is None:
            break
    assert [(one["code"], one["group"], one["marked"]) for one in seen] == [
        ("C0003", 100, True),
        ("C0005", 100, False),
        ("C0007", 100, False),
    ]
    assert seen[0]["kind"] == "small"
    assert seen[0]["name"] == "Toy C0003"


async def test_a_noun_that_no_object_has_is_refused_with_those_there_are(world: ApiWorld):
    with pytest.raises(BadRequest, match="toys") as refused:
        await marks.marking_flow(world.hub, "toy", "customers")
    assert refused.value.status == 404


# --- ranges -------------------------------------------------------------------------------------------------------------


async def test_a_range_is_marked_by_a_run_of_its_own(world: ApiWorld):
    world.stock(1203)
    change = Change(True, "all", SMALL)
    run = await run_to_end(world, await mark_runs.start_range(world.hub, "toy", "toys", Range("C0002", None), change))
    assert (run.status, run.counts) == ("succeeded", {"marked": 1202})
    record = await world.record("C1203")
    assert record.mark == Mark(frozenset({"all"}), SMALL)
    assert record.due
    assert await world.record("C0001") is None


async def test_a_run_of_marks_does_not_touch_the_objects_own_run(world: ApiWorld):
    world.stock(3)
    before = await world.hub.runs.object("toy", "thing")
    await run_to_end(world, await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL)))
    after = await world.hub.runs.object("toy", "thing")
    assert (after.active, after.etag) == (None, before.etag)


async def test_a_range_that_repeats_every_message_ends_the_same(world: ApiWorld):
    world.stock(1100)
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL))
    world.queues.messages += list(world.queues.messages)
    await world.drain()
    found = await world.hub.runs.run(run)
    assert found is not None
    assert found.status == "succeeded"
    members, _ = await world.hub.records.listed(PK, marks.batch_prefix("b"), None, 1000)
    assert len(members) == 1000


async def test_a_range_goes_on_from_its_cursor_after_sap_was_down(world: ApiWorld):
    world.stock(1100)
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL))
    failing = [False, True, False]

    def trouble(verb: str, _: Any) -> None:
        if verb == "changed" and failing and failing.pop(0):
            raise Transient("down")

    world.sap.trouble.append(trouble)
    ended = await run_to_end(world, run)
    assert (ended.status, ended.counts) == ("succeeded", {"marked": 1100})
    assert world.sap.calls.count("changed") == 4, "three pages, one of them asked for twice"


async def test_a_cancelled_range_stops_and_stays_cancelled(world: ApiWorld):
    world.stock(600)
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL))
    await finish.cancel(world.hub, run)
    ended = await run_to_end(world, run)
    assert ended.status == "cancelled"
    assert await world.record("C0001") is None


async def test_a_message_that_comes_before_its_run_waits_for_it(world: ApiWorld):
    world.stock(1)
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL))
    row = await world.hub.runs.run(run)
    assert row is not None
    await world.hub.runs.delete_run(row)
    assert await world.handle_one()
    assert len(world.queues.messages) == 1
    row.etag = None
    await world.hub.runs.save_run(row)
    assert (await run_to_end(world, run)).status == "succeeded"


async def test_a_message_whose_run_never_comes_ends(world: ApiWorld):
    await mark_runs.on_message(world.hub, {"v": 1, "run": "toy.thing.1", "attempt": 0})
    await world.drain(20)
    assert await world.oddities.list() == []


async def test_bounds_that_no_code_can_be_are_refused_before_a_run_is_made(world: ApiWorld):
    with pytest.raises(Rejected):
        await mark_runs.start_range(world.hub, "toy", "toys", Range("a\nb"), Change(True, "b", SMALL))
    assert world.queues.messages == []


async def test_a_range_without_the_mandatory_attribute_is_refused(world: ApiWorld):
    with pytest.raises(BadRequest, match="kind is mandatory"):
        await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b"))


async def test_a_range_that_fails_for_good_is_ended_by_its_poison_worker(world: ApiWorld):
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL))
    await mark_runs.on_poison(world.hub, {"v": 1, "run": run, "attempt": 0})
    found = await world.hub.runs.run(run)
    assert found is not None
    assert RunStatus(found.status) is RunStatus.FAILED
    assert "defect" in found.reason


# --- batches ------------------------------------------------------------------------------------------------------------


async def test_a_batch_is_listed_and_undone(world: ApiWorld):
    world.stock(1100)
    await run_to_end(world, await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "a/b", SMALL)))
    await mark(world, *small("C0001"), batch="keep")
    page, more = await marks.batch_members(world.hub, "toy", "toys", "a/b", None, 3)
    assert [(one["code"], one["side"], one["kind"]) for one in page] == [
        (code, "sap", "small") for code in ("C0001", "C0002", "C0003")
    ]
    assert more
    ended = await run_to_end(world, await mark_runs.start_undo(world.hub, "toy", "toys", "a/b"))
    assert (ended.status, ended.counts) == ("succeeded", {"unmarked": 1100})
    assert (await world.record("C0001")).mark.batches == {"keep"}
    assert not (await world.record("C0002")).mark.on
    with pytest.raises(BadRequest) as refused:
        await mark_runs.start_undo(world.hub, "toy", "toys", "a/b")
    assert refused.value.status == 404


async def test_undoing_a_batch_takes_records_of_the_other_side_too(world: ApiWorld):
    record = new_record(OTHER, "o-1")
    record.mark = Mark(frozenset({"arrivals"}))
    await world.hub.records.save(PK, [record])
    ended = await run_to_end(world, await mark_runs.start_undo(world.hub, "toy", "toys", "arrivals"))
    assert ended.counts == {"unmarked": 1}
    assert not (await world.record("o-1", OTHER)).mark.on


async def test_a_record_takes_no_more_batches_than_one_step_can_undo(world: ApiWorld) -> None:
    world.sap.put("C1", name="Anton")
    entry = Entry("C1", SMALL)
    for n in range(110):
        (last,) = await marks.mark_entries(world.hub, "toy", "toys", [entry], marked=True, batch=f"batch {n}")
    assert last["result"] == "refused"
    assert str(marks.MOST_BATCHES) in last["text"]
    (undone,) = await marks.mark_entries(world.hub, "toy", "toys", [entry], marked=False, batch=None)
    assert undone["result"] == "unmarked"


async def test_a_range_cancelled_as_it_begins_stays_cancelled(world: ApiWorld) -> None:
    for n in range(5):
        world.sap.put(f"C{n}", name="Anton")
    run = await mark_runs.start_range(world.hub, "toy", "toys", Range(), Change(True, "b", SMALL))
    inner = world.hub.runs.save_run
    once = False

    async def save_run(row: Any) -> None:
        nonlocal once
        if not once:
            once = True
            await finish.cancel(world.hub, run)
        await inner(row)

    world.hub.runs.save_run = save_run  # type: ignore[method-assign]
    await world.drain()
    assert (await world.hub.runs.run(run)).status == "cancelled"
