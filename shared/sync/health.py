"""Is the hub well: its storage, its systems, its queues, how old the last good runs and the oldest waiting records are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import HubError
from shared.objects.model import ObjectType
from shared.ports import SideName
from shared.stores.queues import QUEUES, poison
from shared.stores.records import WAITERS, parse_waiter, partition
from shared.stores.runs import ObjectState
from shared.stores.templates import TemplateRow
from shared.sync.explain import due_moment
from shared.sync.hub import Hub
from shared.sync.outcomes import ENDED_BADLY
from shared.sync.overdue import overdue
from shared.sync.queue_looks import look_at

_PATIENCE_SECONDS = 10.0
_WAITERS_LOOKED_AT = 20


@dataclass(frozen=True)
class Reason:
    """Why the hub is not well. ``text`` is in the hub's own words and names only templates, objects, queues, times.

    ``error`` is the class of what went wrong and ``detail`` its text, which a system may have worded; both "" where
    nothing failed.
    """

    text: str
    error: str = ""
    detail: str = ""


@dataclass(frozen=True)
class SystemState:
    """One end of one template, asked just now."""

    template: str
    side: SideName
    reason: Reason | None


@dataclass(frozen=True)
class ObjectLook:
    """One object of one template; ages in whole seconds, None for never or nothing."""

    template: str
    object: str
    initialized: bool
    last_run: str | None
    last_status: str | None
    last_good_at: datetime | None
    last_good_age: int | None
    oldest_due_age: int | None
    oldest_parked_age: int | None
    run_without_sign: bool
    overdue: bool


@dataclass
class Health:
    """What was found. ``reasons`` says why the hub is not well; it is well if there are none."""

    storage: Reason | None = None
    systems: list[SystemState] = field(default_factory=list)
    objects: list[ObjectLook] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons


async def look(hub: Hub, patience: float = _PATIENCE_SECONDS) -> Health:
    """Look at everything; a part that is not well is a reason, never an error.

    Storage, then each system, are waited for that many seconds, all queues and objects together twice as long.
    """
    health = Health()
    templates: list[TemplateRow] = []

    async def storage() -> None:
        templates.extend(await hub.templates.list())

    health.storage = await _tried("The storage account cannot be reached or refuses the hub.", storage(), patience)
    if health.storage is not None:
        health.reasons.append(health.storage)
        return health
    found = await asyncio.gather(
        _systems(hub, templates, health, patience), _work(hub, templates, health, 2 * patience)
    )
    health.reasons = [reason for some in found for reason in some]
    return health


async def _tried(text: str, step: Awaitable[None], seconds: float) -> Reason | None:
    """The reason that a step failed or took too long; None if it did neither."""
    try:
        async with asyncio.timeout(seconds):
            await step
    except HubError as error:
        return Reason(text, error.name, error.text)
    except TimeoutError:
        return Reason(text, "Transient", "no answer in time")
    return None


# --- systems ----------------------------------------------------------------------------------------------------------


async def _systems(hub: Hub, templates: list[TemplateRow], health: Health, patience: float) -> list[Reason]:
    """Ping every side of every template, all at once; templates that share a system share its answer."""
    pings = [(template, side) for template in templates if template.type in hub.types for side in SideName]
    results = await asyncio.gather(*(_ping(hub, template, side, patience) for template, side in pings))
    for (template, side), reason in zip(pings, results, strict=True):
        health.systems.append(SystemState(template.id, side, reason))
    return [reason for reason in results if reason is not None]


async def _ping(hub: Hub, template: TemplateRow, side: SideName, patience: float) -> Reason | None:
    async def ping() -> None:
        await hub.sides.side(template, side).ping()

    where = "SAP" if side is SideName.SAP else "The other side"
    return await _tried(f"{where} of template '{template.id}' cannot be reached or refuses the hub.", ping(), patience)


# --- what waits and what runs -----------------------------------------------------------------------------------------


async def _work(hub: Hub, templates: list[TemplateRow], health: Health, patience: float) -> list[Reason]:
    """Queues and objects; what was found before storage failed or the time was over is kept."""
    reasons: list[Reason] = []

    async def all_of_it() -> None:
        await _queues(hub, reasons)
        for template in templates:
            await _template(hub, template, health, reasons)

    late = await _tried("Not all queues and objects could be looked at.", all_of_it(), patience)
    return [*reasons, late] if late else reasons


async def _queues(hub: Hub, reasons: list[Reason]) -> None:
    for queue in QUEUES:
        found = await look_at(hub, queue)
        if found.unreadable:
            where = f"the queue {poison(queue)}"
            reasons.append(
                Reason(f"{found.unreadable} unreadable messages lie in {where}; look at them and delete them.")
            )
        if found.waits_too_long(hub):
            reasons.append(Reason(f"Messages in the queue {queue} have waited for too long; is the app overloaded?"))


async def _template(hub: Hub, template: TemplateRow, health: Health, reasons: list[Reason]) -> None:
    kind = hub.types.get(template.type)
    if kind is None:
        reasons.append(Reason(f"Template '{template.id}' is of a type that this version does not know."))
        return
    for found in kind.objects:
        state = await hub.runs.object(template.id, found.name)
        due = await _oldest_due(hub, template.id, found.name)
        parked = await _oldest_parked(hub, template.id, found)
        late = overdue(state, hub.now(), timedelta(seconds=hub.times.health_grace))
        health.objects.append(_looked_at(hub, state, due, parked, late))
        reasons.extend(map(Reason, _complaints(hub, state, due, parked, late)))


def _looked_at(
    hub: Hub, state: ObjectState, due: datetime | None, parked: datetime | None, late: str | None
) -> ObjectLook:
    now = hub.now()
    return ObjectLook(
        template=state.template,
        object=state.object,
        initialized=state.initialized_at is not None,
        last_run=state.last_run or None,
        last_status=state.last_status or None,
        last_good_at=state.last_good_at,
        last_good_age=_age(state.last_good_at, now),
        oldest_due_age=_age(due, now),
        oldest_parked_age=_age(parked, now),
        run_without_sign=_is_silent(hub, state),
        overdue=late is not None,
    )


def _complaints(
    hub: Hub, state: ObjectState, due: datetime | None, parked: datetime | None, late: str | None
) -> list[str]:
    """What is wrong with an object, in words."""
    now, times, name = hub.now(), hub.times, f"{state.template}/{state.object}"
    found = []
    if _is_silent(hub, state):
        found.append(f"The run at work on {name} gave no sign for too long; the sweeper revives it.")
    if late:
        found.append(f"{name}: {late}")
    if state.last_status in ENDED_BADLY:
        found.append(f"The last run of {name} ended as {state.last_status}; GET /api/runs/{state.last_run}.")
    # Before the first load marks are due, and wait for an admin.
    if state.initialized_at is not None and _longer(due, times.health_due, now):
        found.append(f"A record of {name} has been due for too long, and no run delivers it; look at its runs.")
    if _longer(parked, times.health_parked, now):
        found.append(f"A record has waited for its {name} for too long; mark or link that, or correct the record.")
    return found


def _longer(since: datetime | None, seconds: float, now: datetime) -> bool:
    return since is not None and since + timedelta(seconds=seconds) < now


def _age(moment: datetime | None, now: datetime) -> int | None:
    """Whole seconds since then; not below 0, None for never."""
    return None if moment is None else max(0, int((now - moment).total_seconds()))


def _is_silent(hub: Hub, state: ObjectState) -> bool:
    return state.active is not None and _longer(state.beat_at, hub.times.run_silent, hub.now())


async def _oldest_due(hub: Hub, template: str, object_name: str) -> datetime | None:
    rows, _ = await hub.records.listed(partition(template, object_name), "d:", None, 1)
    return due_moment(rows[0]["RowKey"]) if rows else None


async def _oldest_parked(hub: Hub, template: str, parent: ObjectType) -> datetime | None:
    """Of the first children that wait for a record of this object, since when the oldest waits; failed ones do not."""
    if not parent.parent_of:
        return None
    rows, _ = await hub.records.listed(partition(template, parent.name), WAITERS, None, _WAITERS_LOOKED_AT)
    moments = []
    for row in rows:
        _, _, child_object, side, key = parse_waiter(row["RowKey"])
        record = await hub.records.get(partition(template, child_object), side, key)
        if record is not None and record.parked_since is not None and not record.failure:
            moments.append(record.parked_since)
    return min(moments, default=None)
