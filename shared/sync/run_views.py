"""Runs as callers see them, one by one and as a list."""

from __future__ import annotations

from typing import Any

from shared.errors import BadRequest
from shared.stores.runs import Run
from shared.sync import mark_runs
from shared.sync.hub import Hub
from shared.sync.lists import across_objects
from shared.sync.outcomes import RunStatus

_PAGES_AT_MOST = 20


async def get_run(hub: Hub, run: str) -> Run:
    """The run; BadRequest (404) if there is none of that id."""
    found = await hub.runs.run(run)
    if found is None:
        text = (
            "There is no such run; runs older than the retention are deleted, and so are scheduled ones without work."
        )
        raise BadRequest(text, code="unknown-run", status=404)
    return found


async def shown(hub: Hub, run: Run) -> dict[str, Any]:
    """Status, counts by outcome, times, and why it ended if it did not end well."""
    counts = await mark_runs.progress(hub, run) if run.mode == mark_runs.MODE else run.counts
    return {
        "id": run.id,
        "template": run.template,
        "object": run.object,
        "mode": run.mode,
        "origin": run.origin,
        "by": run.by.split(),
        "cancelledBy": run.cancelled_by or None,
        "status": run.status,
        "over": RunStatus(run.status).over,
        "createdAt": run.created_at,
        "beganAt": run.began_at,
        "endedAt": run.ended_at,
        "counts": counts,
        "slices": run.slices,
        "slicesDone": run.slices_done,
        "reason": run.reason or None,
    }


async def list_runs(
    hub: Hub, template: str | None, object_name: str | None, status: str | None, continuation: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of runs, object by object, newest first. Fewer than asked for may come while more follow."""
    parts = await _objects(hub, template, object_name)

    async def page(part: tuple[str, str], inner: str | None, size: int) -> tuple[list[Run], str | None]:
        return await hub.runs.list_runs(*part, inner, size)

    found: list[Run] = []
    more = continuation
    for _ in range(_PAGES_AT_MOST):
        rows, more = await across_objects(parts, page, more, limit - len(found))
        found += [run for _, run in rows if status is None or run.status == status]
        if more is None or len(found) >= limit:
            break
    return [await shown(hub, run) for run in found], more


async def _objects(hub: Hub, template: str | None, object_name: str | None) -> list[tuple[str, str]]:
    if template is not None:
        row, kind = await hub.template(template)
        wanted = [(row, kind)]
    else:
        wanted = [(row, hub.types[row.type]) for row in await hub.templates.list() if row.type in hub.types]
    parts = [(row.id, o.name) for row, kind in wanted for o in kind.objects if object_name in (None, o.name)]
    if object_name is not None and not parts:
        raise BadRequest(f"No template has an object '{object_name}'.", code="unknown-object", status=404)
    return parts
