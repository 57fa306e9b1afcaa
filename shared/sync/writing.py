"""Claims, writes and read-backs: the stages of a delivery that change a system."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from shared.errors import Conflict, HubError, Misconfigured, Rejected, Throttled, Transient
from shared.objects.model import Direction, Reading, Refusal
from shared.ports import SideName, Write, WriteResult
from shared.stores.records import Claim, Record
from shared.sync import matching
from shared.sync.hub import Flow
from shared.sync.items import Item
from shared.sync.merge import for_create, merge
from shared.sync.outcomes import Outcome
from shared.sync.steps import Steps

_NAMESPACE = uuid.UUID("6f1d3a52-8d0b-5c37-9a1e-2f0c9b7d4e61")


def claim_key(flow: Flow, record: Record) -> str:
    """The name under which a lost creation is found again: our reference in SAP, a fixed GUID elsewhere."""
    if record.born is SideName.OTHER:
        return flow.reference_of(record.born_key)
    seed = "|".join((flow.template.id, flow.object.name, record.born_key, record.birth))
    return str(uuid.uuid5(_NAMESPACE, seed))


def refused(refusal: Refusal) -> HubError:
    """The error of a record that its object refuses to write as it is."""
    kind = Conflict if refusal.conflict else Rejected
    return kind(refusal.text, fields=refusal.fields)


class Writing(Steps):
    """A claim is saved before a create; a create that may have happened is looked for before it is made again."""

    async def _claim(self, items: list[Item]) -> set[str]:
        """Write down what is about to be created, before it is: a second delivery sees it and waits."""
        until = self.hub.now() + timedelta(seconds=self.hub.times.claim_expiry)
        for item in items:
            record = item.known
            record.claim = Claim(claim_key(self.flow, record), until, self.owner)
            record.bases = {self.near: item.given, self.far: {}}
            record.base_key = self.prints.key_id
        return await self._save_claims(items)

    async def _save_claims(self, items: list[Item]) -> set[str]:
        lost = await self.hub.records.save(self.flow.pk, [i.known for i in items]) if items else []
        gone = {id(r) for r in lost}
        for item in items:
            if id(item.known) in gone:
                item.finish(Outcome.RETRYING, "its state changed meanwhile")
        return {i.key for i in items if id(i.known) in gone}

    async def _guard(self, items: list[Item]) -> set[str]:
        """The same for rows that steps create in SAP for records that are linked already; bases stay as they are."""
        guarded = [i for i in items if not i.create and self._steps_create(i)]
        until = self.hub.now() + timedelta(seconds=self.hub.times.claim_expiry)
        for item in guarded:
            item.guarded = True
            item.known.claim = Claim(claim_key(self.flow, item.known), until, self.owner)
        return await self._save_claims(guarded)

    @staticmethod
    def _steps_create(item: Item) -> bool:
        writing = item.writings.get(SideName.SAP)
        steps = () if writing is None or writing.refusal is not None else writing.steps
        return any(step.entity is not None and step.key is None for step in steps)

    async def _write(self, items: list[Item], sides: Sequence[SideName]) -> None:
        """One side after the other, the far one first; each record's result by itself, its steps after it."""
        for side in sides:
            self._refuse(items, side)
            writes = [w for i in items if i.error is None and (w := self._to_write(i, side)) is not None]
            if writes:
                await self._write_records(items, side, writes)
            await self._run_steps(items, side)

    async def _write_records(self, items: list[Item], side: SideName, writes: list[Write]) -> None:
        entity = self.object.entity(side, self.ctx)
        try:
            results = await self.flow.sides[side].write(entity, writes)
        except (Throttled, Transient, Misconfigured) as error:
            if not any(i.written for i in items):
                await self._give_up_claims(items)
                raise
            # What the other side took already must be remembered: the records go on alone.
            results = [WriteResult(w.ref, error=error) for w in writes]
        by_key = {i.key: i for i in items}
        for result in results:
            self._take_result(by_key[result.ref], side, result)

    @staticmethod
    def _refuse(items: list[Item], side: SideName) -> None:
        """What must not be written as it is ends with its reason; what the side before took is remembered."""
        for item in items:
            writing = item.writings.get(side)
            if item.error is None and writing is not None and writing.refusal is not None:
                item.error = refused(writing.refusal)

    def _to_write(self, item: Item, side: SideName) -> Write | None:
        writing = item.writings.get(side)
        if writing is None or side in item.written or not (writing.body or item.create):
            return None
        if item.create and side is self.far:
            claim = item.known.claim
            assert claim is not None
            return Write(item.key, writing.body, key=None if side is SideName.SAP else claim.key, create=True)
        key = item.known.keys[side]
        return Write(item.key, writing.body, key=key, replace=writing.replace, around=writing.around)

    async def _give_up_claims(self, items: Iterable[Item]) -> None:
        """Nothing was written: others need not wait for our claims."""
        records = [i.known for i in items if i.create or i.guarded]
        for record in records:
            record.claim = None
        await self.hub.records.save(self.flow.pk, records)

    def _take_result(self, item: Item, side: SideName, result: WriteResult) -> None:
        if result.error is not None:
            item.error, item.error_side = result.error, side
            return
        item.written.add(side)
        if item.create and side is self.far:
            record = item.known
            record.keys[side] = result.key or (record.claim.key if record.claim else "")
        if result.row is not None and self.object.entity(side, self.ctx).version in result.row:
            item.rows[side] = result.row
            item.after[side] = self.object.read(side, result.row, item.known.mark, self.ctx)

    async def _look_up(self, items: list[Item]) -> None:
        """A create that was answered without saying what became of it: see what there is, a draft or the record."""
        if not items:
            return
        try:
            found = await matching.lost_creations(self.flow, self.far, items)
        except (Throttled, Transient, Misconfigured):  # another delivery looks, once the claim has expired
            return
        key = self.object.entity(self.far, self.ctx).key
        for item in items:
            made = found.get(item.key)
            if isinstance(made, HubError):
                item.error = made
            elif made is not None:
                item.error = None
                item.known.keys[self.far] = str(made[key])
                item.written.add(self.far)

    async def _read_back(self, items: list[Item]) -> None:
        """See what each side made of what it was given."""
        for side in SideName:
            wanted = {i.known.keys[side]: i for i in items if side in i.written and side not in i.after}
            rows = await self._read(side, list(wanted))
            for key, item in wanted.items():
                if key in rows:
                    item.rows[side] = rows[key]
                    item.after[side] = self.object.read(side, rows[key], item.known.mark, self.ctx)

    async def _complete(self, items: list[Item]) -> None:
        """Tell our side what the new record was born with there: its number, the defaults of its settings."""
        for item in items:
            record = item.known
            if self.direction is Direction.IN:
                self._mark_arrival(item, item.rows[self.near])
                item.readings[self.near] = self.object.read(self.near, item.rows[self.near], record.mark, self.ctx)
            given = for_create(self.rules, item.readings[self.near], self.direction)
            item.readings[self.far] = item.after.get(self.far, Reading({}))
            travels = self._travels(item) if self.far in item.rows else frozenset()
            item.merged = merge(self.rules, item.readings, {}, self.prints, travels=travels)
            item.merged.given(self.far, given)
            if back := item.merged.to[self.near]:
                item.writings[self.near] = self.object.write(self.near, back, item.rows[self.near], self.ctx)
        await self._write(items, (self.near,))
        await self._read_back(items)
