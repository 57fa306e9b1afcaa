"""Is the hub well: its storage, its systems, how old the last good runs and the oldest waiting records are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from shared.errors import HubError
from shared.objects.model import ObjectType
from shared.ports import SideName
from shared.stores.queues import QUEUES, poison
from shared.stores.records import WAITERS, parse_waiter, partition
from shared.stores.runs import ObjectState
from shared.stores.templates import TemplateRow
from shared.sync.explain import due_moment
from shared.sync.hub import Hub
from shared.sync.schedule import Schedule, last_start

_PING_SECONDS = 10.0
_WAITERS_LOOKED_AT = 20
# A scheduled start that is this many ticks of the sweeper late is worth a warning.
_LATE = timedelta(minutes=30)


@dataclass
class Health:
    """What was found. ``reasons`` says in words why the hub is not well; it is well if there are none."""

    storage: dict[str, Any] = field(default_factory=dict)
    systems: list[dict[str, Any]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons


async def look(hub: Hub) -> Health:
    """Look at everything, each part bounded in time; a part that is not well is a reason, never an error."""
    health = Health()
    try:
        async with asyncio.timeout(_PING_SECONDS):
            templates = await hub.templates.list()
        health.storage = {"ok": True}
    except (HubError, TimeoutError) as error:
        health.storage = {"ok": False, "text": _text(error)}
        health.reasons.append(f"The storage account is not well: {_text(error)}")
        return health
    await _poison(hub, health)
    await _systems(hub, templates, health)
    for template in templates:
        kind = hub.types.get(template.type)
        if kind is None:
            health.reasons.append(f"Template '{template.id}' is of a type that this version does not know.")
            continue
        for found in kind.objects:
            health.objects.append(await _object(hub, template.id, found, health))
    return health


async def _poison(hub: Hub, health: Health) -> None:
    """Poison queues are emptied by their workers; what stays there is not even base64, so that nobody can read it."""
    for queue in map(poison, QUEUES):
        try:
            count = await hub.queues.count(queue)
        except HubError as error:
            health.reasons.append(f"The queue {queue} cannot be looked at: {_text(error)}")
            continue
        if count:
            health.reasons.append(
                f"{count} unreadable messages lie in the queue {queue}; look at them and delete them."
            )


def _text(error: Exception) -> str:
    return f"{error.name}: {error.text}" if isinstance(error, HubError) else "no answer in time"


async def _systems(hub: Hub, templates: list[TemplateRow], health: Health) -> None:
    """Ping every side of every template, all at once; templates that share a system share its answer."""
    pings = [(template, side) for template in templates if template.type in hub.types for side in SideName]
    results = await asyncio.gather(*(_ping(hub, template, side) for template, side in pings))
    for (template, side), text in zip(pings, results, strict=True):
        health.systems.append({"template": template.id, "side": side.value, "ok": not text, "text": text or None})
        if text:
            where = "SAP" if side is SideName.SAP else "The other side"
            health.reasons.append(f"{where} of template '{template.id}' is not well: {text}")


async def _ping(hub: Hub, template: TemplateRow, side: SideName) -> str:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await hub.sides.side(template, side).ping()
    except (HubError, TimeoutError) as error:
        return _text(error)
    return ""


async def _object(hub: Hub, template: str, found: ObjectType, health: Health) -> dict[str, Any]:
    name = f"{template}/{found.name}"
    state = await hub.runs.object(template, found.name)
    now = hub.now()
    due = await _oldest_due(hub, template, found.name)
    silent = _is_silent(hub, state, now)
    if silent:
        health.reasons.append(f"The run at work on {name} gave no sign for too long; the sweeper revives it.")
    if _is_late(state, now):
        health.reasons.append(f"No scheduled run of {name} was started for too long; look at the timers.")
    if state.last_status in ("stopped", "failed"):
        health.reasons.append(f"The last run of {name} ended as {state.last_status}; GET /api/runs/{state.last_run}.")
    return {
        "template": template,
        "object": found.name,
        "initialized": state.initialized_at is not None,
        "lastStatus": state.last_status or None,
        "lastGoodAt": state.last_good_at,
        "lastGoodAgeSeconds": _age(state.last_good_at, now),
        "oldestDueAgeSeconds": _age(due, now),
        "oldestParkedAgeSeconds": _age(await _oldest_parked(hub, template, found), now),
        "runWithoutSign": silent,
    }


def _age(moment: datetime | None, now: datetime) -> int | None:
    """Whole seconds since then; not below 0, None for never."""
    return None if moment is None else max(0, int((now - moment).total_seconds()))


def _is_silent(hub: Hub, state: ObjectState, now: datetime) -> bool:
    limit = timedelta(seconds=hub.times.run_silent)
    return state.active is not None and state.beat_at is not None and state.beat_at + limit < now


def _is_late(state: ObjectState, now: datetime) -> bool:
    """Whether a start has been due for so long that the timers cannot be running."""
    if not state.schedule or state.initialized_at is None:
        return False
    try:
        latest = last_start(Schedule.model_validate(state.schedule), now - _LATE)
    except ValidationError:
        return True
    return latest is not None and state.last_start is not None and state.last_start < latest


async def _oldest_due(hub: Hub, template: str, object_name: str) -> datetime | None:
    rows, _ = await hub.records.listed(partition(template, object_name), "d:", None, 1)
    return due_moment(rows[0]["RowKey"]) if rows else None


async def _oldest_parked(hub: Hub, template: str, parent: ObjectType) -> datetime | None:
    """Of the first children that wait for a record of this object, since when the oldest waits."""
    if not parent.parent_of:
        return None
    rows, _ = await hub.records.listed(partition(template, parent.name), WAITERS, None, _WAITERS_LOOKED_AT)
    moments = []
    for row in rows:
        _, _, child_object, side, key = parse_waiter(row["RowKey"])
        record = await hub.records.get(partition(template, child_object), side, key)
        if record is not None and record.parked_since is not None:
            moments.append(record.parked_since)
    return min(moments, default=None)
