"""What can become of a record and of a run, and what an admin does next."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shared import errors


class Outcome(StrEnum):
    """The end of one record's delivery."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    HELD = "held"
    RETRYING = "retrying"
    PARKED = "parked"
    CONFLICT = "conflict"
    AWAITING_APPROVAL = "awaiting approval"
    DELETED = "deleted"
    FAILED = "failed"


class RunStatus(StrEnum):
    """Where a run stands; the last five are ends."""

    WAITING = "waiting"
    PLANNING = "planning"
    DELIVERING = "delivering"
    SUCCEEDED = "succeeded"
    PARTLY_FAILED = "partly failed"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more happens in this run."""
        return self not in (RunStatus.WAITING, RunStatus.PLANNING, RunStatus.DELIVERING)


#: Ends of a run after which a person should look.
ENDED_BADLY = frozenset({RunStatus.STOPPED, RunStatus.FAILED})
NEEDS_A_PERSON = frozenset({Outcome.FAILED, Outcome.CONFLICT, Outcome.DELETED})

#: Error class -> what a person does about a record that failed with it.
NEXT_STEP: Mapping[str, str] = {
    errors.Rejected.__name__: "Correct the record in the system it comes from; it travels again with that change, or retry it here.",
    errors.NotFound.__name__: "The record no longer exists on the other side. Undo the link if it may be created again.",
    errors.Conflict.__name__: "Two records or edits stand against each other. Do what the reason says, link by hand, or resolve the fields that wait for an answer; then retry it, or dismiss it.",
    errors.Stale.__name__: "It was edited while being written; retry it.",
    errors.Parked.__name__: "The record it belongs to takes no part. Mark or correct that one first, then retry.",
    errors.Throttled.__name__: "The system kept asking to slow down; retry when it is less busy.",
    errors.Transient.__name__: "The system could not be reached for long; retry when it is well.",
    errors.Undetermined.__name__: "It is not known what the system made of it; retry: the hub looks first.",
    errors.UnknownOutcome.__name__: "It is not known whether the write happened; retry: the hub looks first.",
    errors.Misconfigured.__name__: "Correct the credentials, rights or settings named in the reason, then run again.",
}


def run_status(counts: Mapping[str, int]) -> RunStatus:
    """How a run that delivered everything ended: failed only if nothing came of it but failures."""
    bad = sum(counts.get(o, 0) for o in NEEDS_A_PERSON)
    if not bad:
        return RunStatus.SUCCEEDED
    only_failures = counts.get(Outcome.FAILED, 0) + counts.get(Outcome.DELETED, 0) == sum(counts.values())
    return RunStatus.FAILED if only_failures else RunStatus.PARTLY_FAILED
