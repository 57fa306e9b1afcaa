"""Records: all rows of one record change together; who loses a race is named, the others are saved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.ports import Mark, SideName
from shared.stores.records import Claim, Failure, Record, Records, from_row, new_record, record_row, to_row
from shared.stores.tables import Tables

PK = "t|thing"
SAP, OTHER = SideName.SAP, SideName.OTHER
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def _full(key: str) -> Record:
    record = new_record(SAP, key)
    record.keys[OTHER] = f"g-{key}"
    record.mark = Mark(frozenset({"b 1", "b:2"}), {"accountType": "3"})
    record.claim = Claim("name", NOW + timedelta(minutes=5), "me")
    record.base_key, record.bases = "k", {SAP: {"a": "1"}, OTHER: {"a": "2"}}
    record.versions = {SAP: "3", OTHER: "44"}
    record.held, record.asked, record.resolutions = {"a": "why"}, ("b",), {"b": OTHER}
    record.birth, record.deleted, record.parked = "stamp", "sap", ("parent|sap|P1",)
    record.parked_since = record.outcome_at = NOW
    record.attempt, record.outcome, record.run, record.ruled = 2, "updated", "run", {"a": "sap"}
    record.failure = Failure("failed", "Rejected", "reason", ("a",), NOW.isoformat())
    record.set_due(NOW)
    return record


def test_a_record_survives_its_row() -> None:
    record = _full("C'1/ü")
    again = from_row({"RowKey": record_row(SAP, "C'1/ü"), "etag": "e", **to_row(record)})
    again.stored, again.etag = None, None
    assert again == record


async def test_a_record_is_found_by_either_key(tables: Tables) -> None:
    records = Records(tables)
    assert await records.save(PK, [_full("C1"), _full("C2")]) == []
    by_sap = await records.load(PK, SAP, ["C1", "C2", "C3"])
    by_other = await records.load(PK, OTHER, ["g-C1", "g-C9"])
    assert set(by_sap) == {"C1", "C2"}
    assert by_other["g-C1"].keys == {SAP: "C1", OTHER: "g-C1"}


async def test_one_range_reads_the_same_as_named_rows(tables: Tables) -> None:
    records = Records(tables)
    await records.save(PK, [_full(f"C{n:03}") for n in range(40)])
    guest = new_record(OTHER, "h-1")
    guest.keys[SAP] = "C020x"
    await records.save(PK, [guest])
    keys = [f"C{n:03}" for n in range(5, 30)] + ["C020x"]
    named = await records.load(PK, SAP, keys)
    ranged = await records.load(PK, SAP, keys, contiguous=True)
    assert set(named) == set(ranged) == set(keys)


async def test_of_many_only_the_one_that_changed_meanwhile_is_lost(tables: Tables) -> None:
    records = Records(tables)
    await records.save(PK, [_full(f"C{n}") for n in range(10)])
    mine = await records.load(PK, SAP, [f"C{n}" for n in range(10)])
    theirs = await records.load(PK, SAP, ["C4"])
    theirs["C4"].attempt = 9
    assert await records.save(PK, theirs.values()) == []
    for record in mine.values():
        record.attempt = 1
    lost = await records.save(PK, mine.values())
    assert [r.born_key for r in lost] == ["C4"]
    now = await records.load(PK, SAP, [f"C{n}" for n in range(10)])
    assert {k: r.attempt for k, r in now.items()} == {**{f"C{n}": 1 for n in range(10)}, "C4": 9}


async def test_a_second_claimant_of_a_key_never_becomes_a_second_link(tables: Tables) -> None:
    records = Records(tables)
    one, two = new_record(SAP, "C1"), new_record(SAP, "C2")
    one.keys[OTHER] = two.keys[OTHER] = "g-1"
    assert await records.save(PK, [one]) == []
    assert await records.save(PK, [two]) == [two]
    assert (await records.load(PK, OTHER, ["g-1"]))["g-1"].keys[SAP] == "C1"


async def test_due_rows_come_in_the_order_of_time_and_follow_their_record(tables: Tables) -> None:
    records = Records(tables)
    made = []
    for n, minutes in enumerate((3, 1, 2, 90)):
        record = new_record(SAP, f"C{n}")
        record.set_due(NOW + timedelta(minutes=minutes))
        made.append(record)
    await records.save(PK, made)
    until = NOW + timedelta(minutes=10)
    assert await records.due(PK, until, 10) == [(SAP, "C1"), (SAP, "C2"), (SAP, "C0")]
    made[1].set_due(None)
    made[2].set_due(NOW + timedelta(minutes=9))
    assert await records.save(PK, made[1:3]) == []
    assert await records.due(PK, until, 10) == [(SAP, "C0"), (SAP, "C2")]


async def test_lists_hold_what_the_records_say(tables: Tables) -> None:
    records = Records(tables)
    record = _full("C1")
    await records.save(PK, [record])
    rows = lambda prefix: records.listed(PK, prefix, None, 10)  # noqa: E731
    assert len((await rows("f:"))[0]) == 1
    assert len((await rows("b:"))[0]) == 2
    record.failure, record.mark = None, Mark(frozenset({"b 1"}))
    assert await records.save(PK, [record]) == []
    assert (await rows("f:"))[0] == []
    assert len((await rows("b:"))[0]) == 1


async def test_unlinking_frees_the_other_key(tables: Tables) -> None:
    records = Records(tables)
    record = _full("C1")
    await records.save(PK, [record])
    record.unlink()
    assert await records.save(PK, [record]) == []
    assert await records.load(PK, OTHER, ["g-C1"]) == {}
    another = new_record(SAP, "C2")
    another.keys[OTHER] = "g-C1"
    assert await records.save(PK, [another]) == []


async def test_marked_pages_hold_each_marked_record_once(tables: Tables) -> None:
    records = Records(tables)
    await records.save(PK, [_full(f"C{n:02}") for n in range(25)])
    await records.save(PK, [new_record(SAP, f"U{n:02}") for n in range(5)])
    seen, after = [], ""
    while True:
        page, after = await records.marked(PK, after, 10)
        seen += [r.born_key for r in page]
        if not after:
            break
    assert seen == [f"C{n:02}" for n in range(25)]


async def test_a_version_on_the_pointer_tells_that_nothing_changed(tables: Tables) -> None:
    records = Records(tables)
    await records.save(PK, [_full("C1")])
    assert await records.unchanged(PK, OTHER, {"g-C1": "44", "g-C2": "1"}, contiguous=False) == {"g-C1"}
    assert await records.unchanged(PK, OTHER, {"g-C1": "45"}, contiguous=True) == set()
