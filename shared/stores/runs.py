"""Runs, their slices, and what is known of each object: schedule, watermarks, which run is at work.

Table ``runs``, ``PartitionKey = template|object``: row ``object`` and one row ``run:<id>`` per run, so that starting or
ending a run changes both in one transaction. Table ``slices``, ``PartitionKey = run id``: row ``plan`` (the plan's
cursor) and one row per slice, so that a page of slices and the cursor behind it are saved together.
A run id names its template and object: ``<template>.<object>.<time and chance>``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from shared.stores.records import partition
from shared.stores.run import (
    ObjectState,
    Plan,
    Request,
    Run,
    Slice,
    countdown,
    object_from,
    object_row,
    parse_run_id,
    plan_from,
    plan_row,
    run_from,
    run_id,
    run_row,
    slice_from,
    slice_id,
    slice_row,
)
from shared.stores.tables import Op, Table, Tables

__all__ = ["ObjectState", "Plan", "Request", "Run", "Runs", "Slice", "parse_run_id", "run_id", "slice_id"]

_OBJECT_ROW = "object"


class Runs:
    """Object states, runs and slices."""

    def __init__(self, tables: Tables) -> None:
        self._runs: Table = tables.table("runs")
        self._slices: Table = tables.table("slices")

    # --- objects ----------------------------------------------------------------------------------------------------

    async def object(self, template: str, object_name: str) -> ObjectState:
        """The object's state; a fresh one if it has none yet."""
        row = await self._runs.get(partition(template, object_name), _OBJECT_ROW)
        return object_from(row) if row else ObjectState(template, object_name)

    async def save_object(self, state: ObjectState, *runs: Run, forget: Run | None = None) -> None:
        """Save the state and the given runs in one transaction; LostRace if the state changed since it was read.

        ``forget`` is a run to delete in the same step (an idle scheduled run leaves a counter, not a row).
        """
        pk = partition(state.template, state.object)
        row = {"PartitionKey": pk, "RowKey": _OBJECT_ROW, **object_row(state)}
        ops = [Op("insert", row) if state.etag is None else Op("replace", row, state.etag)]
        ops += [Op("put", {"PartitionKey": pk, "RowKey": f"run:{r.id}", **run_row(r)}) for r in runs]
        if forget is not None:
            ops.append(Op("delete", {"PartitionKey": pk, "RowKey": f"run:{forget.id}"}))
        etags = await self._runs.transact(ops)
        state.etag = etags[0]

    # --- runs -------------------------------------------------------------------------------------------------------

    async def run(self, run: str) -> Run | None:
        """One run by id."""
        try:
            template, object_name = parse_run_id(run)
        except ValueError:
            return None
        row = await self._runs.get(partition(template, object_name), f"run:{run}")
        return run_from(row) if row else None

    async def run_and_object(self, run: str) -> tuple[Run | None, ObjectState | None]:
        """One run by id and the state of its object, in one request; (None, None) for what cannot be an id."""
        try:
            template, object_name = parse_run_id(run)
        except ValueError:
            return None, None
        wanted = [_OBJECT_ROW, f"run:{run}"]
        rows = {row["RowKey"]: row async for row in self._runs.query(partition(template, object_name), rows=wanted)}
        found, known = rows.get(wanted[1]), rows.get(_OBJECT_ROW)
        state = object_from(known) if known else ObjectState(template, object_name)
        return run_from(found) if found else None, state

    async def save_run(self, run: Run) -> None:
        """Write a run that stands by itself (bulk marks); LostRace if somebody changed it since it was read."""
        row = {"PartitionKey": partition(run.template, run.object), "RowKey": f"run:{run.id}", **run_row(run)}
        run.etag = await (self._runs.put(row) if run.etag is None else self._runs.replace(row, run.etag))

    async def list_runs(
        self, template: str, object_name: str, continuation: str | None, size: int
    ) -> tuple[list[Run], str | None]:
        """A page of an object's runs, newest first."""
        rows, more = await self._runs.page(
            partition(template, object_name), low="run:", high="run;", continuation=continuation, size=size
        )
        return [run_from(r) for r in rows], more

    async def older_runs(self, template: str, object_name: str, moment: datetime, size: int) -> list[Run]:
        """Some runs that were made before that moment."""
        low = f"run:{template}.{object_name}.{countdown(moment)}"
        rows, _ = await self._runs.page(partition(template, object_name), low=low, high="run;", size=size)
        return [run_from(r) for r in rows]

    async def delete_run(self, run: Run) -> None:
        """Delete a run and its slices (retention)."""
        async for row in self._slices.query(run.id, select=["PartitionKey", "RowKey"]):
            await self._slices.delete(run.id, row["RowKey"])
        await self._runs.delete(partition(run.template, run.object), f"run:{run.id}")

    # --- plan and slices --------------------------------------------------------------------------------------------

    async def plan(self, run: str) -> Plan:
        """The run's plan; a fresh one before its first page was saved."""
        row = await self._slices.get(run, "plan")
        return plan_from(row) if row else Plan()

    async def save_plan(self, run: str, plan: Plan, slices: Sequence[Slice] = ()) -> None:
        """Save a page of new slices and the cursor behind it in one transaction; LostRace if another planner did."""
        row = {"PartitionKey": run, "RowKey": "plan", **plan_row(plan)}
        ops = [Op("insert", row) if plan.etag is None else Op("replace", row, plan.etag)]
        ops += [Op("put", {"PartitionKey": run, "RowKey": s.id, **slice_row(s)}) for s in slices]
        etags = await self._slices.transact(ops)
        plan.etag = etags[0]

    async def slice(self, run: str, slice_id: str) -> Slice | None:
        """One slice."""
        row = await self._slices.get(run, slice_id)
        return slice_from(row) if row else None

    async def save_slice(self, run: str, item: Slice) -> None:
        """Save a slice; LostRace if someone else saved it since it was read."""
        row = {"PartitionKey": run, "RowKey": item.id, **slice_row(item)}
        item.etag = await self._slices.replace(row, item.etag)

    async def slices(self, run: str, phase: int | None = None) -> AsyncIterator[Slice]:
        """The run's slices (of one phase), without their keys."""
        low, high = ("0", "9~") if phase is None else (f"{phase}:", f"{phase};")
        columns = ["RowKey", "side", "done", "attempt", "not_before", "sent_at", "counts", "reason"]
        async for row in self._slices.query(run, low=low, high=high, select=columns):
            yield slice_from({**row, "entries": "[]", "contiguous": False, "forced": False})
