"""One record on its way through one delivery: what was read of it, what was decided, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.errors import HubError
from shared.objects.model import Parent, Reading, Writing
from shared.ports import Row, SideName
from shared.stores.records import Record
from shared.sync.merge import Merge
from shared.sync.outcomes import Outcome

NEW = "(new)"
"""Begins the key of what a rehearsal would create."""


def is_new(key: str) -> bool:
    """Whether this stands for the key of a record that would be created."""
    return key.startswith(NEW)


@dataclass
class Item:
    """A record in delivery. ``key`` is its key on the side whose change is carried; ``outcome`` ends its way.

    ``given`` are the fingerprints of what a create brings in its first write; ``recovered``: what was found is what an
    earlier delivery created; ``replaces``: it took the place of one that was linked; ``hopes``: parents that may be linked
    later; ``waits``: what the far side would send has a parent that is not linked; ``stepped`` are
    the sides whose steps were run, ``undone`` by side the fields of which a step did not hold; ``guarded``: a claim keeps
    others from its steps.
    """

    key: str
    version: str = ""
    forced: bool = False
    record: Record | None = None
    rows: dict[SideName, Row] = field(default_factory=dict)
    readings: dict[SideName, Reading] = field(default_factory=dict)
    merged: Merge | None = None
    create: bool = False
    guarded: bool = False
    writings: dict[SideName, Writing] = field(default_factory=dict)
    written: set[SideName] = field(default_factory=set)
    expected: dict[SideName, Reading] = field(default_factory=dict)
    after: dict[SideName, Reading] = field(default_factory=dict)
    seen_versions: dict[SideName, str] = field(default_factory=dict)
    error: HubError | None = None
    error_side: SideName | None = None
    outcome: Outcome | None = None
    reason: str = ""
    merged_into: str = ""
    save: bool = False
    recovered: bool = False
    replaces: bool = False
    hopes: tuple[Parent, ...] = ()
    waits: bool = False
    given: dict[str, str] = field(default_factory=dict)
    stepped: set[SideName] = field(default_factory=set)
    steps_done: dict[SideName, set[str]] = field(default_factory=lambda: {side: set() for side in SideName})
    undone: dict[SideName, set[str]] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether its way is not over yet."""
        return self.outcome is None

    def finish(self, outcome: Outcome, reason: str = "", *, save: bool = False) -> None:
        """End its way; ``save`` if its record must be written."""
        self.outcome, self.reason, self.save = outcome, reason, save or self.save

    @property
    def known(self) -> Record:
        """Its record, which the caller knows to be there."""
        assert self.record is not None
        return self.record
