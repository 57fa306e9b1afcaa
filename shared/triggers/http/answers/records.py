"""Answers about single records: links, conflicts, failures, why one did or did not travel."""

from __future__ import annotations

from pydantic import Field

from shared.ports import SideName
from shared.triggers.http.answers.base import Answer, Key, Moment, Page, RecordKey, StartedRun
from shared.triggers.http.answers.objects import Way


class Link(Answer):
    """Two records that are the same thing."""

    object: str = Field(description="The object")
    sap: str | None = Field(title="SAP key", description="The record's key in SAP")
    other: str | None = Field(title="Other key", description="Its key on the other side")
    born: SideName = Field(description="The side where it was born or marked")
    marked: bool = Field(description="Whether it is marked")
    outcome: str | None = Field(description="What came of it last")
    outcome_at: Moment | None = Field(description="When")
    linked_by: str | None = Field(description="Who last made or undid a link of it by hand")


class LinkList(Page):
    """A page of links. It may hold fewer than asked for, even none, while more follow."""

    items: list[Link] = Field(title="Links", description="The links")


class Resolved(Link):
    """The record, and which of its fields are decided."""

    resolved: list[str] = Field(description="Fields that are decided; the next run carries them")
    open: list[str] = Field(description="Fields that still wait for an answer")


class Trouble(Answer):
    """Why a record needs a person."""

    kind: str = Field(description="failed, conflict or deleted")
    error: str = Field(alias="class", title="Class", description="What kind of error it was")
    reason: str = Field(description="What the system said, without record data")
    code: str | None = Field(description="The system's own code of the error")
    fields: list[str] = Field(description="The fields it is about")
    since: Moment | None = Field(description="Since when")


class Failure(RecordKey, Trouble):
    """A record that needs a person."""

    sap: str | None = Field(title="SAP key", description="Its key in SAP, if it has one")
    other: str | None = Field(title="Other key", description="Its key on the other side, if it has one")
    next_step: str = Field(description="What to do")


class FailureList(Page):
    """A page of what needs a person. It may hold fewer than asked for while more follow."""

    items: list[Failure] = Field(title="Failures", description="The records")


class RetryRun(StartedRun):
    """The run that tries records of one object again."""

    object: str = Field(description="The object")


class RetryResult(Page):
    """What is tried again. A continuation means that more were chosen than one call takes."""

    retried: int = Field(description="How many records")
    runs: list[RetryRun] = Field(description="The runs that carry them; none before the object is initialized")


class DismissResult(Page):
    """What was taken off the list. A continuation means that more were chosen than one call takes."""

    dismissed: int = Field(description="How many records")


# --- explain ----------------------------------------------------------------------------------------------------------


class SideState(Answer):
    """The record on one side."""

    key: str | None = Field(description="Its key there, if it has one")
    exists: bool = Field(description="Whether it is there now")
    version: str | None = Field(description="The version it shows now")
    delivered_version: str | None = Field(description="The version that was delivered last")
    changed_since: bool | None = Field(description="Whether those differ; null if that cannot be told")
    watermark: Moment | None = Field(description="How far this side was read")


class MarkState(Answer):
    """The record's mark."""

    on: bool = Field(description="Whether it takes part")
    batches: list[str] = Field(description="The batches it is marked in")
    attributes: dict[str, str] = Field(description="What its mark carries")


class DirectionState(Answer):
    """Whether the record travels in one direction."""

    direction: Way = Field(description="in: to SAP, out: from SAP")
    takes_part: bool = Field(description="Whether it does")
    reason: str | None = Field(description="Why it does not")


class ClaimState(Answer):
    """The record is being created, or the outcome of that is not known."""

    until: Moment = Field(description="When the hub looks again at the latest")


class FailureState(Trouble):
    """Why the record needs a person."""

    next_step: str | None = Field(description="What to do")


class Explanation(Answer):
    """All that the hub knows of a record, what both sides show now, and a sentence that sums it up.

    What is remembered of a record is left out where nothing is known of it.
    """

    template: str = Field(description="The template")
    object: str = Field(description="The object")
    key: Key = Field(description="The key that was asked for")
    known: bool = Field(description="Whether the hub knows the record")
    summary: str = Field(description="Why it did or did not travel, in a sentence")
    sides: dict[str, SideState] = Field(description="What each side shows now")
    mark: MarkState = Field(description="Its mark")
    directions: list[DirectionState] = Field(description="Whether it travels, direction by direction")
    initialized: bool = Field(description="Whether the object's first load was started")
    rescan_pending: list[Way] = Field(description="Directions in which the next run compares everything again")
    active_run: str | None = Field(description="The object's run at work")
    linked: bool = Field(description="Whether it is linked")
    by: dict[str, str] = Field(
        default={}, description="Who last did something to it by hand: mark, link, resolve, retry, dismiss"
    )
    born: SideName = Field(default=SideName.SAP, description="The side where it was born or marked")
    claim: ClaimState | None = Field(default=None, description="Its claim while it is being created")
    parked_on: list[RecordKey] = Field(default=[], description="The records it waits for")
    parked_since: Moment | None = Field(default=None, description="Since when it waits")
    held: dict[str, str] = Field(default={}, description="By field, why it could not travel")
    ruled: dict[str, SideName] = Field(
        default={}, description="Fields edited on both sides that a rule decided, and the side that won"
    )
    asked: list[str] = Field(default=[], description="Fields edited on both sides that wait for an answer")
    deleted_on: SideName | None = Field(default=None, description="The side where it was deleted")
    outcome: str | None = Field(default=None, description="What came of it last")
    outcome_at: Moment | None = Field(default=None, description="When")
    run: str | None = Field(default=None, description="The run that was")
    attempt: int = Field(default=0, description="Tries without success")
    next_try: Moment | None = Field(default=None, description="When it is tried again")
    failure: FailureState | None = Field(default=None, description="Why it needs a person")
