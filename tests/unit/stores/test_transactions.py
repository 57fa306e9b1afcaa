"""Packing: records stay whole, transactions stay within what the store takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores.transactions import (
    FULL_BYTES,
    MOST_BYTES,
    MOST_OPERATIONS,
    Op,
    checked_transaction,
    estimated_bytes,
    pack,
)


def group(name: str, rows: int, *, size: int = 0, partition: str = "p") -> list[Op]:
    return [Op("put", {"PartitionKey": partition, "RowKey": f"{name}.{n}", "t": "x" * size}) for n in range(rows)]


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0, 5_000, 30_000]), st.sampled_from("pq")), max_size=30))
def test_every_group_is_whole_in_one_transaction_and_none_is_too_large(sizes: list[tuple[int, int, str]]) -> None:
    groups = [group(str(n), rows, size=size, partition=where) for n, (rows, size, where) in enumerate(sizes)]
    packed = pack(groups)
    for transaction in packed:
        checked_transaction(transaction)
        assert sum(estimated_bytes(op) for op in transaction) <= MOST_BYTES
    assert sorted((op.partition, op.row) for one in packed for op in one) == sorted(
        (op.partition, op.row) for one in groups for op in one
    )
    for one in groups:
        assert sum(_holds_all(transaction, one) for transaction in packed) == (1 if one else 0)


def _holds_all(transaction: Sequence[Op], wanted: Sequence[Op]) -> bool:
    return bool(wanted) and {op.row for op in wanted} <= {op.row for op in transaction}


def test_packing_fills_transactions_before_it_opens_another() -> None:
    assert [len(one) for one in pack(group(str(n), 3) for n in range(40))] == [99, 21]


def test_records_of_two_partitions_do_not_break_each_others_transactions() -> None:
    packed = pack(group(str(n), 1, partition="pq"[n % 2]) for n in range(60))
    assert [len(one) for one in packed] == [30, 30]


def test_a_row_named_by_two_groups_comes_into_two_transactions() -> None:
    assert [len(one) for one in pack([group("a", 2), group("a", 2)])] == [2, 2]


def test_packing_opens_the_next_transaction_before_one_grows_long() -> None:
    packed = pack(group(str(n), 1, size=30_000) for n in range(40))
    assert [len(one) for one in packed] == [29, 11]
    assert sum(estimated_bytes(op) for op in packed[0]) <= FULL_BYTES


def test_one_large_group_may_fill_a_whole_transaction() -> None:
    assert [len(one) for one in pack([group("a", 90, size=30_000), group("b", 1)])] == [90, 1]


def test_a_group_that_no_transaction_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="101"):
        pack([group("a", MOST_OPERATIONS + 1)])
    with pytest.raises(ValueError, match="more than one transaction"):
        pack([group("a", 100, size=40_000)])


def test_a_transaction_keeps_to_one_partition_and_names_each_row_once() -> None:
    with pytest.raises(ValueError, match="one partition"):
        checked_transaction([*group("a", 1), *group("b", 1, partition="q")])
    with pytest.raises(ValueError, match="once"):
        checked_transaction([*group("a", 1), *group("a", 1)])
    with pytest.raises(ValueError, match="no etag"):
        checked_transaction([Op("put", {"PartitionKey": "p", "RowKey": "r"}, "etag")])
