"""Routes of failures: list, retry, dismiss."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.sync import failures
from shared.triggers.http.calls import Call, Nothing, Page, Reply, Routes, Strict, listed
from shared.triggers.http.keys import KeyIn, side_and_key
from shared.triggers.http.roles import Role

routes = Routes()
_FAILURES = "templates/{template}/failures"


class FailuresQuery(Page):
    """Which failures: of an object, of an error class, of a kind (failed, conflict, deleted)."""

    object: str | None = None
    error: str | None = Field(default=None, alias="class")
    kind: str | None = None


class ChosenIn(Strict):
    """By keys of an object, by filter, or all; exactly what is meant must be said."""

    object: str | None = None
    keys: list[KeyIn] = Field(default_factory=list, max_length=failures.MOST_AT_ONCE)
    error: str | None = Field(default=None, alias="class")
    kind: str | None = None
    all: bool = False
    continuation: str | None = None

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


@routes.on("GET", _FAILURES, query=FailuresQuery, body=Nothing, role=Role.READ)
async def failures_list(call: Call[FailuresQuery, Nothing]) -> Reply:
    """What needs a person, with class, reason and next step."""
    query = call.query
    chosen = failures.Chosen(query.object, error=query.error, kind=query.kind, continuation=query.continuation)
    return listed(*await failures.list_failures(call.hub, call.template, chosen, query.size))


@routes.on("POST", _FAILURES + "/retry", query=Nothing, body=ChosenIn, role=Role.OPERATE)
async def failures_retry(call: Call[Nothing, ChosenIn]) -> Reply:
    """Try them again from fresh data; answers the runs that do it. Up to 1,000 a call, then a continuation."""
    done = await failures.retry(call.hub, call.template, call.body.chosen)
    now, links = call.hub.now(), call.app.run_links
    runs = [{"object": o, "run": run, "statusUrl": links.location(run, now)} for o, run in done.runs.items()]
    return Reply({"retried": done.count, "runs": runs, "continuation": done.continuation}, 202 if runs else 200)


@routes.on("POST", _FAILURES + "/dismiss", query=Nothing, body=ChosenIn, role=Role.OPERATE)
async def failures_dismiss(call: Call[Nothing, ChosenIn]) -> Reply:
    """Take them off the list; the records stay as they are until their next change."""
    done = await failures.dismiss(call.hub, call.template, call.body.chosen)
    return Reply({"dismissed": done.count, "continuation": done.continuation})
