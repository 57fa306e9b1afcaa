"""Routes of one template's objects: state, schedule, first load, Sync Now."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.sync import configure, preview, sync_now
from shared.sync.schedule import Schedule
from shared.triggers.http.answers.base import Accepted
from shared.triggers.http.answers.objects import ObjectList, Preview, ScheduleShown, SyncAccepted
from shared.triggers.http.calls import Call, Nothing, Reply, Routes, Strict, accepted, may_see_values
from shared.triggers.http.keys import KeyIn, side_and_key
from shared.triggers.http.roles import Role

routes = Routes()
_OBJECT = "templates/{template}/objects/{object}"


class SyncNow(Strict):
    """What to bring over: what changed (delta), all marked records that moved (sweep), all (full), or named records.

    Without a mode the object's own: delta, or full where Sync Now reads everything (customers of Tagrain). With
    ``preview`` nothing is done: the answer says what would be.
    """

    mode: Literal["delta", "sweep", "full"] | None = Field(
        default=None, description="delta: what changed; sweep: all that is marked; full: everything"
    )
    keys: list[KeyIn] = Field(default_factory=list, description="Only these records; a bare text is a key in SAP")
    preview: bool = Field(default=False, description="Only say what would be done")


@routes.on(
    "GET",
    "templates/{template}/objects",
    query=Nothing,
    body=Nothing,
    role=Role.READ,
    title="List objects",
    answers={200: ObjectList},
    refusals=(404,),
)
async def objects_list(call: Call[Nothing, Nothing]) -> Reply:
    """State, schedule, last and next run of each object."""
    return Reply({"items": await configure.overview(call.hub, call.template), "continuation": None})


@routes.on(
    "GET",
    _OBJECT + "/schedule",
    query=Nothing,
    body=Nothing,
    role=Role.READ,
    title="Get a schedule",
    answers={200: ScheduleShown},
    refusals=(404,),
)
async def schedule_get(call: Call[Nothing, Nothing]) -> Reply:
    """The schedule and its next five starts."""
    return Reply(await configure.get_schedule(call.hub, call.template, call.path["object"]))


@routes.on(
    "PUT",
    _OBJECT + "/schedule",
    query=Nothing,
    body=Schedule,
    role=Role.ADMIN,
    title="Save a schedule",
    answers={200: ScheduleShown},
    refusals=(404, 409),
)
async def schedule_put(call: Call[Nothing, Schedule]) -> Reply:
    """Replace the schedule; answers the next five starts."""
    return Reply(await configure.save_schedule(call.hub, call.template, call.path["object"], call.body))


@routes.on(
    "POST",
    _OBJECT + "/initialize",
    query=Nothing,
    body=Nothing,
    role=Role.ADMIN,
    title="Initialize",
    answers={202: Accepted},
    refusals=(404, 409),
)
async def initialize(call: Call[Nothing, Nothing]) -> Reply:
    """The first load, once per object: 202 and a run."""
    return accepted(call.app, await configure.initialize(call.hub, call.template, call.path["object"]))


@routes.on(
    "POST",
    _OBJECT + "/sync",
    query=Nothing,
    body=SyncNow,
    role=Role.OPERATE,
    preview_role=Role.READ,
    title="Sync Now",
    answers={200: Preview, 202: SyncAccepted},
    refusals=(404, 409, 422),
)
async def sync(call: Call[Nothing, SyncNow]) -> Reply:
    """Sync Now: 202 and the run that carries what was saved before this call. A preview: 200 and what that would do."""
    keys = [side_and_key(key) for key in call.body.keys]
    if call.body.preview:
        with_values = may_see_values(call)
        name, mode = call.path["object"], call.body.mode
        return Reply(await preview.preview(call.hub, call.template, name, mode, keys, with_values=with_values))
    started = await sync_now.sync_now(call.hub, call.template, call.path["object"], call.body.mode, keys)
    unknown = [{"side": side.value, "key": key} for side, key in started.unknown]
    return accepted(call.app, started.run, **({"unknown": unknown} if keys else {}))
