"""Who may hold how many of a gate's slots: the row that all processes share, and the rule by which one takes its part.

Pure: a decision reads the row and answers the row as it should be. Times are seconds of the epoch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

type Purpose = Literal["work", "http"]


@dataclass(frozen=True)
class Holder:
    """One process's slots, good until then; ``since`` is when it last began to hold any."""

    slots: int
    until: float
    since: float
    purpose: Purpose


@dataclass(frozen=True)
class Waiter:
    """A process that found no slot free and says so; it must say it again before ``until``."""

    asked: float
    until: float
    purpose: Purpose


@dataclass(frozen=True)
class Shares:
    """The row: what the system recommended, when everyone may start again, who holds and who waits."""

    hint: int | None = None
    not_before: float = 0.0
    holders: dict[str, Holder] = field(default_factory=dict)
    waiters: dict[str, Waiter] = field(default_factory=dict)

    def to_json(self) -> str:
        """The row's column."""
        return json.dumps(
            {
                "hint": self.hint,
                "notBefore": self.not_before,
                "holders": {name: [h.slots, h.until, h.since, h.purpose] for name, h in self.holders.items()},
                "waiters": {name: [w.asked, w.until, w.purpose] for name, w in self.waiters.items()},
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Shares:
        """The row that :meth:`to_json` wrote."""
        read: dict[str, Any] = json.loads(text)
        return cls(
            read["hint"],
            read["notBefore"],
            {name: Holder(*parts) for name, parts in read["holders"].items()},
            {name: Waiter(*parts) for name, parts in read["waiters"].items()},
        )


@dataclass(frozen=True)
class Rules:
    """What does not change: the limit without a hint, how long a lease and a waiter's word last, when turns change.

    ``skew`` is by how much two processes' clocks may differ: a lease counts as over only that much later.
    """

    limit: int
    lease: float
    waiting: float
    turn: float
    skew: float


@dataclass(frozen=True)
class Asking:
    """What one process has and wants: requests under way, and how many it would have under way if it could."""

    name: str
    purpose: Purpose
    in_use: int
    wanted: int


def limit_of(shares: Shares, rules: Rules) -> int:
    """How many slots there are: what the system recommended, else what is configured."""
    return max(1, shares.hint or rules.limit)


def without_dead(shares: Shares, rules: Rules, now: float) -> Shares:
    """The row without leases that ran out and waiters that fell silent."""
    return replace(
        shares,
        holders={name: one for name, one in shares.holders.items() if one.until + rules.skew > now},
        waiters={name: one for name, one in shares.waiters.items() if one.until + rules.skew > now},
    )


def take_share(shares: Shares, rules: Rules, asking: Asking, now: float) -> tuple[Shares, int]:
    """The row after this process took, renewed or gave back, and how many of its slots new requests may use.

    Work leaves one slot to HTTP. A process keeps what it holds while nobody waits. While others of its purpose wait it
    goes back to its fair share; where there are more processes than slots, it gives up its turn. Free slots go to
    those who asked earlier first. It never goes below what it has under way, whatever it may use for new requests.
    """
    alive = without_dead(shares, rules, now)
    holder = alive.holders.get(asking.name)
    held = holder.slots if holder else 0
    most = _most(alive, rules, asking)
    others = {name: one for name, one in alive.waiters.items() if one.purpose == asking.purpose and name != asking.name}
    wanted = min(asking.wanted, most)
    if others:
        fair = _fair(alive, rules, asking, others)
        wanted = min(wanted, 0 if _turn_is_over(alive, rules, asking, others, now) else fair)
        if wanted > held:
            wanted = max(held, min(wanted, most - _ahead(alive, asking, others, held, fair)))
    else:
        wanted = max(wanted, held)
    allowed = max(0, min(wanted, most))
    kept = max(allowed, asking.in_use)
    return _written(alive, rules, asking, kept, now), allowed


def _most(alive: Shares, rules: Rules, asking: Asking) -> int:
    """The most this process could hold beside what the others hold."""
    limit = limit_of(alive, rules)
    others = [one for name, one in alive.holders.items() if name != asking.name]
    free = limit - sum(one.slots for one in others)
    if asking.purpose == "work" and limit > 1:
        free = min(free, limit - 1 - sum(one.slots for one in others if one.purpose == "work"))
    return max(0, free)


def _capacity(alive: Shares, rules: Rules, asking: Asking) -> int:
    limit = limit_of(alive, rules)
    return limit - 1 if asking.purpose == "work" and limit > 1 else limit


def _parties(alive: Shares, asking: Asking, others: dict[str, Waiter]) -> int:
    holding = {name for name, one in alive.holders.items() if one.purpose == asking.purpose}
    return len(holding | set(others) | {asking.name})


def _held(alive: Shares, name: str) -> int:
    holder = alive.holders.get(name)
    return holder.slots if holder else 0


def _fair(alive: Shares, rules: Rules, asking: Asking, others: dict[str, Waiter]) -> int:
    """One process's share while others wait, rounded up once everyone has some, so that no slot lies idle."""
    capacity, parties = _capacity(alive, rules, asking), _parties(alive, asking, others)
    somebody_has_none = any(not _held(alive, name) for name in others)
    return max(1, capacity // parties if somebody_has_none else -(-capacity // parties))


def _turn_is_over(alive: Shares, rules: Rules, asking: Asking, others: dict[str, Waiter], now: float) -> bool:
    """Whether not everyone can have a slot and this process had one for long enough."""
    holder = alive.holders.get(asking.name)
    crowded = _parties(alive, asking, others) > _capacity(alive, rules, asking)
    return crowded and holder is not None and holder.since + rules.turn <= now


def _ahead(alive: Shares, asking: Asking, others: dict[str, Waiter], held: int, fair: int) -> int:
    """How many of those who wait come first: who holds less, then who asked earlier."""
    waiter = alive.waiters.get(asking.name)
    mine = (held, waiter.asked if waiter else float("inf"))
    places = [(_held(alive, name), one.asked) for name, one in others.items()]
    return sum(1 for place in places if place[0] < fair and place < mine)


def _written(alive: Shares, rules: Rules, asking: Asking, kept: int, now: float) -> Shares:
    holders, waiters = dict(alive.holders), dict(alive.waiters)
    before, waiter = holders.pop(asking.name, None), waiters.pop(asking.name, None)
    if kept:
        since = before.since if before and before.slots else now
        holders[asking.name] = Holder(kept, now + rules.lease, since, asking.purpose)
    if asking.wanted > kept or (asking.wanted and not kept):
        asked = waiter.asked if waiter else now
        waiters[asking.name] = Waiter(asked, now + rules.waiting, asking.purpose)
    return replace(alive, holders=holders, waiters=waiters)
