"""The rule by which processes share slots: never more than there are, nobody left out."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.stores.shares import Asking, Purpose, Rules, Shares, take_share

RULES = Rules(limit=8, lease=180, waiting=10, turn=15, skew=5)


def ask(
    shares: Shares, name: str, wanted: int, now: float, in_use: int = 0, purpose: Purpose = "work"
) -> tuple[Shares, int]:
    return take_share(shares, RULES, Asking(name, purpose, in_use, wanted), now)


def slots(shares: Shares) -> dict[str, int]:
    return {name: one.slots for name, one in shares.holders.items()}


def test_one_process_alone_takes_what_it_wants_in_one_block_but_the_slot_kept_for_http() -> None:
    assert ask(Shares(), "a", 3, 0)[1] == 3
    assert ask(Shares(), "a", 50, 0)[1] == 7


def test_http_finds_a_slot_while_work_holds_all_it_may() -> None:
    shares, _ = ask(Shares(), "a", 50, 0)
    shares, allowed = ask(shares, "b", 5, 0, purpose="http")
    assert allowed == 1
    assert ask(shares, "c", 1, 0)[1] == 0


def test_a_limit_of_one_is_shared_by_work_and_http() -> None:
    shares = Shares(hint=1)
    assert ask(shares, "a", 5, 0)[1] == 1
    assert ask(shares, "b", 5, 0, purpose="http")[1] == 1


def test_a_holder_goes_back_to_its_fair_share_once_somebody_waits() -> None:
    shares, _ = ask(Shares(), "a", 7, 0, in_use=7)
    shares, allowed = ask(shares, "b", 7, 1)
    assert allowed == 0
    shares, allowed = ask(shares, "a", 7, 2, in_use=7)
    assert (allowed, slots(shares)) == (3, {"a": 7})
    shares, allowed = ask(shares, "a", 7, 3, in_use=3)
    assert (allowed, slots(shares)) == (3, {"a": 3})
    shares, allowed = ask(shares, "b", 7, 4)
    # Everyone has some then, so the one that would lie idle is taken as well; and so it stays.
    assert (allowed, slots(shares)) == (4, {"a": 3, "b": 4})
    shares, _ = ask(shares, "a", 7, 5, in_use=3)
    shares, _ = ask(shares, "b", 7, 6, in_use=4)
    assert slots(shares) == {"a": 3, "b": 4}


def test_a_block_is_kept_while_nobody_waits() -> None:
    shares, _ = ask(Shares(), "a", 6, 0)
    assert ask(shares, "a", 1, 5)[1] == 6


def test_free_slots_go_to_who_asked_first() -> None:
    shares, _ = ask(Shares(), "a", 7, 0, in_use=7)
    shares, _ = ask(shares, "b", 1, 1)
    shares, _ = ask(shares, "c", 1, 2)
    shares = replace(shares, holders={"a": replace(shares.holders["a"], slots=6)})
    assert ask(shares, "c", 1, 3)[1] == 0
    assert ask(shares, "b", 1, 3)[1] == 1


def test_a_waiter_that_fell_silent_holds_nobody_up() -> None:
    shares, _ = ask(Shares(), "a", 7, 0, in_use=7)
    shares, _ = ask(shares, "b", 1, 1)
    shares, _ = ask(shares, "c", 1, 14)
    shares = replace(shares, holders={"a": replace(shares.holders["a"], slots=6)})
    assert ask(shares, "c", 1, 17)[1] == 1


def test_slots_of_a_process_that_vanished_come_back_after_its_lease_and_not_before() -> None:
    shares, _ = ask(Shares(), "a", 7, 0, in_use=7)
    assert ask(shares, "b", 7, 184)[1] == 0
    assert ask(shares, "b", 7, 185)[1] == 7


def test_a_smaller_hint_lets_nothing_new_start_until_few_enough_are_under_way() -> None:
    shares, _ = ask(Shares(), "a", 7, 0)
    shares, allowed = ask(replace(shares, hint=4), "a", 7, 1, in_use=6)
    assert (allowed, slots(shares)) == (3, {"a": 6})


def test_with_more_processes_than_slots_everyone_has_a_turn() -> None:
    names = [f"p{n}" for n in range(20)]
    shares, had, now = Shares(), set[str](), 0.0
    for _ in range(60):
        for name in names:
            shares, allowed = ask(shares, name, 4, now)
            if allowed:
                had.add(name)
        assert sum(slots(shares).values()) <= 7
        now += 2
    assert had == set(names)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2), st.randoms(use_true_random=False))
def test_whatever_processes_do_the_slots_given_never_pass_the_limit(
    limit: int, work: int, http: int, chance: random.Random
) -> None:
    rules = replace(RULES, limit=limit)
    purposes: dict[str, Purpose] = {**{f"w{n}": "work" for n in range(work)}, **{f"h{n}": "http" for n in range(http)}}
    shares, in_use, now = Shares(), dict.fromkeys(purposes, 0), 0.0
    until = dict.fromkeys(purposes, 0.0)
    for _ in range(120):
        now += chance.uniform(0, 4)
        name = chance.choice(list(purposes))
        if until[name] <= now:
            in_use[name] = 0  # requests end before the lease does
        asking = Asking(name, purposes[name], in_use[name], in_use[name] + chance.randint(0, 5))
        shares, allowed = take_share(shares, rules, asking, now)
        assert sum(slots(shares).values()) <= limit
        of_work = sum(one.slots for one in shares.holders.values() if one.purpose == "work")
        assert of_work <= max(1, limit - 1)
        held = slots(shares).get(name, 0)
        assert allowed <= held
        in_use[name] = chance.randint(0, max(allowed, in_use[name]))
        until[name] = now + rules.lease


def test_the_row_comes_back_from_json_as_it_was() -> None:
    shares, _ = ask(Shares(hint=4, not_before=12.5), "a", 7, 0)
    shares, _ = ask(shares, "b", 7, 1)
    assert Shares.from_json(shares.to_json()) == shares
    with pytest.raises(KeyError):
        Shares.from_json("{}")
