"""Routes of failures: list, retry, dismiss."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.sync import failures
from shared.triggers.http.answers.records import DismissResult, FailureList, RetryResult
from shared.triggers.http.calls import Call, Nothing, Page, Reply, Routes, Strict, listed
from shared.triggers.http.keys import KeyIn, side_and_key
from shared.triggers.http.roles import Role

routes = Routes()
_FAILURES = "templates/{template}/failures"


class FailuresQuery(Page):
    """Which failures: of an object, of an error class, of a kind (failed, conflict, deleted)."""

    object: str | None = Field(default=None, description="Only those of this object")
    error: str | None = Field(default=None, alias="class", title="Class", description="Only errors of this class")
    kind: str | None = Field(default=None, description="Only failed, conflict or deleted ones")


class ChosenIn(Strict):
    """By keys of an object, by filter, or all; exactly what is meant must be said."""

    object: str | None = Field(default=None, description="The object; needed with keys")
    keys: list[KeyIn] = Field(
        default_factory=list, max_length=failures.MOST_AT_ONCE, description="These records; a bare text is a key in SAP"
    )
    error: str | None = Field(default=None, alias="class", title="Class", description="All errors of this class")
    kind: str | None = Field(default=None, description="All that are failed, conflict or deleted")
    all: bool = Field(default=False, description="All there are")
    continuation: str | None = Field(default=None, description="Where the call before this one ended")

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if not (self.keys or self.error or self.kind or self.all):
            raise ValueError("say which: keys of an object, a class, a kind, or all: true")
        if self.keys and (self.error or self.kind or self.all):
            raise ValueError("give keys or a filter, not both")
        return self

    @property
    def chosen(self) -> failures.Chosen:
        """The same for the engine."""
        keys = tuple(side_and_key(key) for key in self.keys)
        return failures.Chosen(self.object, keys, self.error, self.kind, self.continuation)


@routes.on(
    "GET",
    _FAILURES,
    query=FailuresQuery,
    body=Nothing,
    role=Role.READ,
    title="List failures",
    answers={200: FailureList},
    refusals=(404,),
)
async def failures_list(call: Call[FailuresQuery, Nothing]) -> Reply:
    """What needs a person, with class, reason and next step."""
    query = call.query
    chosen = failures.Chosen(query.object, error=query.error, kind=query.kind, continuation=query.continuation)
    return listed(*await failures.list_failures(call.hub, call.template, chosen, query.size))


@routes.on(
    "POST",
    _FAILURES + "/retry",
    query=Nothing,
    body=ChosenIn,
    role=Role.OPERATE,
    title="Retry failures",
    answers={200: RetryResult, 202: RetryResult},
    refusals=(404,),
)
async def failures_retry(call: Call[Nothing, ChosenIn]) -> Reply:
    """Try them again from fresh data; answers the runs that do it. Up to 1,000 a call, then a continuation."""
    done = await failures.retry(call.hub, call.template, call.body.chosen)
    now, links = call.hub.now(), call.app.run_links
    runs = [{"object": o, "run": run, "statusUrl": links.location(run, now)} for o, run in done.runs.items()]
    return Reply({"retried": done.count, "runs": runs, "continuation": done.continuation}, 202 if runs else 200)


@routes.on(
    "POST",
    _FAILURES + "/dismiss",
    query=Nothing,
    body=ChosenIn,
    role=Role.OPERATE,
    title="Dismiss failures",
    answers={200: DismissResult},
    refusals=(404,),
)
async def failures_dismiss(call: Call[Nothing, ChosenIn]) -> Reply:
    """Take them off the list; the records stay as they are until their next change."""
    done = await failures.dismiss(call.hub, call.template, call.body.chosen)
    return Reply({"dismissed": done.count, "continuation": done.continuation})
