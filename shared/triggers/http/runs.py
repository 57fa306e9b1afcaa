"""Routes of runs: what is running, what came of it, cancel.

``GET /api/runs/{id}`` is anonymous at the host, because Power Automate polls the Location of a 202 without
credentials: it wants the token that this Location carries, good for that run's status alone, or somebody who is signed
in with a role. Whoever has a function key but no token asks ``GET /api/runs?id=…``, which answers the same.
"""

from __future__ import annotations

import azure.functions as func
from pydantic import Field

from shared.errors import BadRequest
from shared.stores.runs import Run
from shared.sync import finish, run_views
from shared.sync.outcomes import RunStatus
from shared.triggers.http.answers.runs import RunList, RunShown
from shared.triggers.http.calls import Call, Nothing, Page, Reply, Routes, Strict, listed, poll_after
from shared.triggers.http.roles import Role

routes = Routes()


class RunsQuery(Page):
    """Which runs: by template, object, status, or the one of an id."""

    template: str | None = Field(default=None, description="Only those of this template")
    object: str | None = Field(default=None, description="Only those of this object")
    status: RunStatus | None = Field(default=None, description="Only those that stand so")
    id: str | None = Field(default=None, title="Run", description="Just the run of this id")


class TokenQuery(Strict):
    """The token that a Location carries."""

    token: str = Field(default="", description="The token of the run's Location")


@routes.on(
    "GET",
    "runs",
    query=RunsQuery,
    body=Nothing,
    role=Role.READ,
    title="List runs",
    answers={200: RunList},
    refusals=(404,),
)
async def runs_list(call: Call[RunsQuery, Nothing]) -> Reply:
    """Runs, object by object, newest first; with an id just that run."""
    query = call.query
    if query.id is not None:
        run = await run_views.get_run(call.hub, query.id)
        return listed([await run_views.shown(call.hub, run)], None)
    return listed(
        *await run_views.list_runs(call.hub, query.template, query.object, query.status, query.continuation, query.size)
    )


@routes.on(
    "GET",
    "runs/{run}",
    query=TokenQuery,
    body=Nothing,
    role=None,
    auth=func.AuthLevel.ANONYMOUS,
    title="Get the status of a run",
    answers={200: RunShown, 202: RunShown},
    refusals=(404,),
)
async def runs_get(call: Call[TokenQuery, Nothing]) -> Reply:
    """One run by its token, or to whoever may read: 202 while it works, 200 when it is over."""
    links, now, name = call.app.run_links, call.hub.now(), call.path["run"]
    by_token = not call.caller.may(Role.READ)
    if by_token and not links.is_genuine(name, call.query.token, now):
        raise _no_entry()
    run = await run_views.get_run(call.hub, name)
    if by_token and not links.is_open(run, now):
        raise _no_entry()
    return await _status(call, run)


@routes.on(
    "POST",
    "runs/{run}/cancel",
    query=Nothing,
    body=Nothing,
    role=Role.OPERATE,
    title="Cancel a run",
    answers={200: RunShown},
    refusals=(404, 409),
)
async def runs_cancel(call: Call[Nothing, Nothing]) -> Reply:
    """End a run: what is not delivered yet stays for the next one."""
    run = await finish.cancel(call.hub, call.path["run"])
    return Reply(await run_views.shown(call.hub, run))


async def _status(call: Call[TokenQuery, Nothing], run: Run) -> Reply:
    body = await run_views.shown(call.hub, run)
    if RunStatus(run.status).over:
        return Reply(body)
    location = call.app.run_links.location(run.id, call.hub.now())
    return Reply(body, 202, {"Location": location, **poll_after(call.app)})


def _no_entry() -> BadRequest:
    text = "The token is missing, expired or of another run. Use the Location as it was given, or GET /api/runs?id=…"
    return BadRequest(f"{text} with a function key.", code="bad-token", status=401)
