"""The simulator's rows: order, transactions, collation; and its filters' shortcuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.service_layer.store import Store, collate_binary, collate_ignoring_case

KEYS = st.text(alphabet="abcABC'é", min_size=1, max_size=3)


def rows_of(store: Store) -> list[str]:
    """Keys in scan order."""
    return [row["k"] for row in store.tables["t"].scan()]


def new_store(*keys: str, ignore_case: bool = False) -> Store:
    """A store with one table."""
    store = Store()
    store.add_table("t", ("k",), collate_ignoring_case if ignore_case else collate_binary)
    for key in keys:
        store.put("t", {"k": key})
    return store


@given(st.lists(st.tuples(st.booleans(), KEYS)), st.lists(st.tuples(st.booleans(), KEYS)))
def test_a_rolled_back_transaction_leaves_no_trace(
    before: list[tuple[bool, str]], inside: list[tuple[bool, str]]
) -> None:
    store = new_store()
    changes = []

    def apply(steps: list[tuple[bool, str]]) -> None:
        for is_put, key in steps:
            row = store.get("t", key)
            if is_put:
                store.put("t", {"k": key, "n": len(changes)})
                changes.append(key)
            elif row is not None:
                store.remove("t", row)

    apply(before)
    kept = list(store.tables["t"].scan())
    noted: list[str] = []

    def fail_after_writing() -> None:
        with store.transaction():
            apply(inside)
            with store.transaction():
                store.put("t", {"k": "inner"})
            store.on_commit(lambda: noted.append("held"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    assert list(store.tables["t"].scan()) == kept
    assert rows_of(store) == sorted(rows_of(store))
    assert noted == []


def test_notes_run_when_the_outer_transaction_has_held() -> None:
    store = new_store()
    noted: list[str] = []
    with store.transaction():
        with store.transaction():
            store.on_commit(lambda: noted.append("held"))
        assert noted == []
    assert noted == ["held"]


def test_a_scan_survives_writers_and_starts_after_a_key() -> None:
    store = new_store("a", "b", "c")
    scan = store.tables["t"].scan(("a",))
    assert next(scan)["k"] == "b"
    store.remove("t", {"k": "c"})
    store.put("t", {"k": "d"})
    assert [row["k"] for row in scan] == []
    assert [row["k"] for row in store.tables["t"].scan(("b",), inclusive=True)] == ["b", "d"]


def test_without_case_two_spellings_are_one_key() -> None:
    store = new_store("b", "A", ignore_case=True)
    assert rows_of(store) == ["A", "b"]
    store.put("t", {"k": "B"})
    assert rows_of(store) == ["A", "B"]
