"""Answers about runs."""

from __future__ import annotations

from pydantic import Field

from shared.sync.outcomes import RunStatus
from shared.triggers.http.answers.base import Answer, Counts, Moment, Page
from shared.triggers.http.answers.objects import Mode


class RunShown(Answer):
    """One run: what was asked, where it stands, what came of it."""

    id: str = Field(title="Run", description="Its id")
    template: str = Field(description="The template")
    object: str = Field(description="The object")
    mode: Mode = Field(description="What it brings over")
    origin: str = Field(description="What it was started by: request, schedule, retry, sweeper …")
    by: list[str] = Field(description="Who asked for it: user:<object id>, function-key, admin-key; nobody but the hub")
    cancelled_by: str | None = Field(description="Who cancelled it")
    status: RunStatus = Field(description="Where it stands, or how it ended")
    over: bool = Field(description="Whether nothing more happens in it")
    created_at: Moment = Field(description="When it was asked for")
    began_at: Moment | None = Field(description="When it began")
    ended_at: Moment | None = Field(description="When it ended")
    counts: Counts = Field(description="Records by outcome; of a run of marks, codes by result")
    slices: int = Field(description="Its parts")
    slices_done: int = Field(description="Parts that are done")
    reason: str | None = Field(description="Why it did not end well")


class RunList(Page):
    """Runs, object by object, newest first."""

    items: list[RunShown] = Field(title="Runs", description="The runs")
