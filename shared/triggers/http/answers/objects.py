"""Answers about objects: state, schedule, Sync Now, its preview."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.ports import SideName
from shared.sync.outcomes import Outcome, RunStatus
from shared.sync.schedule import Schedule
from shared.triggers.http.answers.base import Accepted, Answer, Counts, Key, Moment, Page, RecordKey
from shared.triggers.http.answers.templates import Missing

Way = Literal["in", "out"]
"""in: to SAP; out: from SAP."""
Mode = Literal["due", "delta", "sweep", "full", "initialize", "mark"]


class ActiveRun(Answer):
    """The run at work."""

    run: str = Field(description="Its id")
    mode: Mode = Field(description="What it brings over")
    status: RunStatus = Field(description="Where it stands")
    last_sign: Moment | None = Field(description="When it last gave a sign")


class ObjectState(Answer):
    """One object of a template: its schedule, its runs, how far it has read."""

    object: str = Field(description="The object")
    directions: list[Way] = Field(description="in: to SAP, out: from SAP")
    marks: str | None = Field(description="What its marks go by in addresses (customers, items); null: it has none")
    initialized: bool = Field(description="Whether its first load was started")
    initialized_at: Moment | None = Field(description="When")
    missing: list[Missing] = Field(description="Settings that it still needs")
    schedule: Schedule | None = Field(description="When its runs start by themselves")
    last_start: Moment | None = Field(description="The last scheduled start")
    next_start: Moment | None = Field(description="The next one")
    active_run: ActiveRun | None = Field(description="The run at work")
    follow_up_run: str | None = Field(description="The run that waits behind it")
    last_run: str | None = Field(description="The last run that ended")
    last_status: RunStatus | None = Field(description="How it ended")
    last_good_at: Moment | None = Field(description="When a run last ended well")
    idle_runs: int = Field(description="Scheduled runs without work since the last one with work")
    watermarks: dict[str, Moment] = Field(description="Per direction, how far its source was read")
    rescan_pending: list[Way] = Field(description="Directions in which the next run compares everything again")


class ObjectList(Page):
    """A template's objects, in the order in which they are initialized."""

    items: list[ObjectState] = Field(title="Objects", description="The objects")


class ScheduleShown(Answer):
    """An object's schedule and its next starts."""

    object: str = Field(description="The object")
    schedule: Schedule = Field(description="When its runs start by themselves")
    changed_by: str | None = Field(description="Who saved it last")
    initialized: bool = Field(description="Whether its first load was started; before it no schedule starts anything")
    next_starts: list[Moment] = Field(description="The next five starts, in UTC")
    next_sweeps: list[Moment] = Field(default=[], description="The next five sweeps, if there are any")


class SyncAccepted(Accepted):
    """The run that carries what was saved before the call."""

    unknown: list[Key] = Field(default=[], description="Keys that cannot be carried: nothing is known of them")


# --- preview ----------------------------------------------------------------------------------------------------------


class ValueChange(Answer):
    """One field's value, and what it would become."""

    from_: str | int | bool | None = Field(alias="from", title="From", description="What it is")
    to: str | int | bool | None = Field(description="What it would be")


class Change(Answer):
    """What would be written on one side."""

    fields: list[str] = Field(description="Names of the fields")
    values: dict[str, ValueChange] = Field(default={}, description="By field, for callers who may see values")


class PreviewRecord(Answer):
    """What would become of one record."""

    side: SideName = Field(description="The side it was read on")
    key: str = Field(description="Its key there")
    keys: dict[str, str] = Field(description="Its keys by side, as far as there are any")
    direction: Way = Field(description="in: to SAP, out: from SAP")
    outcome: Outcome = Field(description="What would become of it")
    reason: str | None = Field(description="Why")
    changes: dict[str, Change] = Field(description="By side, what would be written")
    held: dict[str, str] = Field(description="By field, why it could not travel")
    parked_on: list[RecordKey] = Field(description="The records it would wait for")


class Calls(Answer):
    """Requests to one system."""

    reads: int = Field(description="That the preview sent")
    writes: int = Field(description="That a run would send")


class Preview(Answer):
    """What Sync Now would do; nothing was done."""

    preview: Literal[True] = Field(description="Always true")
    object: str = Field(description="The object")
    mode: Mode = Field(description="What the run would bring over")
    records: list[PreviewRecord] = Field(description="Record by record, 200 at most")
    counts: Counts = Field(description="How many, by outcome")
    more: bool = Field(description="Whether there are more records than are shown")
    calls: dict[str, Calls] = Field(description="By side")
