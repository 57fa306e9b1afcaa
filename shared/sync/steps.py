"""Steps: what a side must be told of a record after the record itself is written (see :class:`shared.objects.model.Step`).

They are run stage by stage, those of all records of a slice together. A record whose step fails goes no further; what
is left of its steps follows from what both sides show, so the next delivery finds it again.
"""

from __future__ import annotations

import uuid
from itertools import groupby
from typing import Any

from shared.errors import Conflict, HubError, Misconfigured, NotFound, Stale, Throttled, Transient, UnknownOutcome
from shared.objects.model import KEY, KEY_NUMBER, Step
from shared.ports import Entity, Row, SideName, Write, WriteResult
from shared.sync.items import Item, is_new
from shared.sync.verdicts import Verdicts

type Todo = list[tuple[Item, Step]]


class Steps(Verdicts):
    """Runs the steps of the records of a slice."""

    async def _run_steps(self, items: list[Item], side: SideName) -> None:
        """All steps on that side of the records that are well so far."""
        todo: Todo = []
        for item in items:
            writing = item.writings.get(side)
            if item.error is None and writing is not None and writing.steps and side not in item.stepped:
                item.stepped.add(side)
                item.undone[side] = set(writing.later)
                todo += [(item, step) for step in writing.steps]
        for _, stage in groupby(sorted(todo, key=_stage), key=_stage):
            well = [(item, step) for item, step in stage if item.error is None]
            await self._write_rows(side, [(item, step) for item, step in well if step.entity is not None])
            await self._call(side, [(item, step) for item, step in well if step.entity is None])
        for item in {id(item): item for item, _ in todo}.values():
            item.undone[side] -= self._fields_done(item, side)

    @staticmethod
    def _fields_done(item: Item, side: SideName) -> set[str]:
        """Fields all of whose steps held: none of a later stage is run after one that failed."""
        steps = item.writings[side].steps
        left = {step.field_name for step in steps if step.name not in item.steps_done[side]}
        return {step.field_name for step in steps} - left

    async def _write_rows(self, side: SideName, todo: Todo) -> None:
        """Rows of one collection in one call; a row that was to go and is gone is as it should be."""
        by_set: dict[str, Todo] = {}
        for item, step in todo:
            assert step.entity is not None
            by_set.setdefault(step.entity.set, []).append((item, step))
        for some in by_set.values():
            writes = {str(number): _write(str(number), side, item, step) for number, (item, step) in enumerate(some)}
            entity = some[0][1].entity
            assert entity is not None
            results = await self._results_of(side, entity, list(writes.values()))
            for number, (item, step) in enumerate(some):
                result = results[str(number)]
                self._take_step(item, side, step, _of_row(step, result.error), result.row)

    async def _results_of(self, side: SideName, entity: Entity, writes: list[Write]) -> dict[str, WriteResult]:
        """The results by the writes' names. An error of the whole call is one of each record: they go on alone."""
        try:
            results = await self.flow.sides[side].write(entity, writes)
        except (Throttled, Transient, Misconfigured) as error:
            return {write.ref: WriteResult(write.ref, error=error) for write in writes}
        return {result.ref: result for result in results}

    async def _call(self, side: SideName, todo: Todo) -> None:
        """Operations, one by one. What an unanswered one did is seen when the record is delivered again."""
        for item, step in todo:
            key = item.known.keys[side]
            try:
                await self.flow.sides[side].call(step.operation.replace(KEY, key), with_key(step.body, key))
            except UnknownOutcome as error:
                self._take_step(item, side, step, Transient(error.text, code=error.code, system=error.system))
            except HubError as error:
                self._take_step(item, side, step, error)
            else:
                self._take_step(item, side, step, None)

    def _take_step(
        self, item: Item, side: SideName, step: Step, error: HubError | None, row: Row | None = None
    ) -> None:
        """After a step the side shows something else than after the record's own write: it is read back anew.

        A child that was created and answered in full needs no reading: it joins what is known of its record.
        """
        seen = side in item.after or not (side in item.written or item.create)
        item.written.add(side)
        if error is None:
            item.steps_done[side].add(step.name)
        child = self._child_of(side, step) if step.key is None else ""
        if error is None and row is not None and child and seen and side in item.rows:
            known = item.rows[side]
            item.rows[side] = {**known, child: [*(known.get(child) or ()), row]}
            item.after[side] = self.object.read(side, item.rows[side], item.known.mark, self.ctx)
        else:
            item.after.pop(side, None)
        if error is not None and item.error is None:
            item.error = error

    def _child_of(self, side: SideName, step: Step) -> str:
        """Under which name the step's row stands in the record's, "" for none."""
        children = self.object.entity(side, self.ctx).children
        return next((c.name for c in children if step.entity is not None and c.entity.set == step.entity.set), "")


def _of_row(step: Step, error: HubError | None) -> HubError | None:
    """What an error of one row means for its record: it was not what it had been read as, so it is read again."""
    if isinstance(error, NotFound) and step.delete:
        return None
    is_child = step.key != KEY
    if is_child and isinstance(error, NotFound | Conflict):
        return Stale(f"A row of it changed meanwhile: {error.text}", code=error.code, system=error.system)
    return error


def _stage(entry: tuple[Item, Step]) -> int:
    return entry[1].stage


def _write(ref: str, side: SideName, item: Item, step: Step) -> Write:
    """The step as a write; a row that comes into being gets its key here, where the client chooses keys."""
    record_key = item.known.keys[side]
    create = step.key is None
    key = None if step.key is None else step.key.replace(KEY, record_key)
    if create and side is SideName.OTHER:
        key = child_key(record_key, step.name)
    return Write(ref, with_key(step.body, record_key), key=key, create=create, delete=step.delete)


def child_key(record_key: str, name: str) -> str:
    """The key of a child row, always the same for the same record and name: a repeat hits the same row."""
    return str(uuid.uuid5(uuid.UUID(record_key), name))


def with_key(value: Any, key: str) -> Any:
    """The value with :data:`KEY` in its texts replaced by the key, and :data:`KEY_NUMBER` by the key as a number."""
    if value == KEY_NUMBER:
        return key if is_new(key) else int(key)  # a rehearsal has no number, and sends nothing
    match value:
        case str():
            return value.replace(KEY, key)
        case dict():
            return {name: with_key(each, key) for name, each in value.items()}
        case list() | tuple():
            return [with_key(each, key) for each in value]
    return value
