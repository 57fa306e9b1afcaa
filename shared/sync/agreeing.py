"""The last stage of a delivery: remember what both sides show now, and what came of each record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.errors import Conflict
from shared.objects.model import FieldDirection, Reading
from shared.ports import Mark, SideName, Value
from shared.stores.records import Failure, Record
from shared.sync import parking
from shared.sync.items import Item
from shared.sync.merge import Merge, differing, new_bases
from shared.sync.outcomes import Outcome
from shared.sync.writing import Writing


class Agreeing(Writing):
    """Links, bases and outcomes are saved after the writes, all rows of a record in one transaction."""

    def _settle(self, items: list[Item]) -> None:
        for item in items:
            if item.error is not None:
                self._agree_in_part(item)
                self._fail(item, item.error)
            else:
                self._agree(item)

    def _agree_in_part(self, item: Item) -> None:
        """One side took what it was given, the other did not: what the first one made of it is not an edit."""
        merged = item.merged
        if item.create and item.known.linked:
            self._mark_arrival(item, item.rows[self.near])
        if item.create and self.far in item.after:
            self._base_on(item.known, item.given, item.after[self.far])
        if merged is None or not item.written:
            return
        part = replace(merged, to={s: self._taken(item, s, values) for s, values in merged.to.items()})
        self._take_bases(item, part)
        item.known.held = {**merged.held, **{k: v for s in item.written for k, v in self._held(item, s).items()}}

    @staticmethod
    def _taken(item: Item, side: SideName, values: Mapping[str, Value]) -> dict[str, Value]:
        """What that side took of the values: nothing if it was not written, and no field whose steps did not all hold."""
        undone = item.undone.get(side, set())
        return {k: v for k, v in values.items() if k not in undone} if side in item.written else {}

    @staticmethod
    def _held(item: Item, side: SideName) -> Mapping[str, str]:
        return item.writings[side].held if side in item.writings else {}

    def _base_on(self, record: Record, given: Mapping[str, str], made: Reading) -> None:
        """What was created shows what it made of what it was given: that is the base, and no edit of anybody."""
        record.bases[self.near] = dict(given)
        record.bases[self.far] = {n: self.prints.of(n, made.values[n]) for n in given if n in made.values}
        record.base_key = self.prints.key_id

    def _take_bases(self, item: Item, merged: Merge) -> None:
        """Remember what each side shows of what it was given, and of what both agreed on already."""
        record = item.known
        not_taken = {side: w.held for side, w in item.writings.items()}
        after = self._shown(item)
        record.bases = new_bases(record.bases, merged, item.readings, after, not_taken, self.prints)
        for rule in self.rules:
            if rule.direction is FieldDirection.CHECKED:
                for side in SideName:
                    if rule.name in after[side].values:
                        record.bases[side][rule.name] = self.prints.of(rule.name, after[side].values[rule.name])
        record.base_key = self.prints.key_id

    @staticmethod
    def _shown(item: Item) -> dict[SideName, Reading]:
        """What both sides show now."""
        return {side: item.after.get(side, item.readings[side]) for side in SideName}

    def _agree(self, item: Item) -> None:
        """Both sides hold it: remember what each shows now."""
        record, created, merged = item.known, item.create, item.merged
        assert merged is not None
        self._take_attributes(item)
        self._take_bases(item, merged)
        for side in SideName:
            if self._nobody_else_wrote(item, side):
                record.versions[side] = self._version(side, item.rows[side])
        record.held = {**merged.held, **{k: v for w in item.writings.values() for k, v in w.held.items()}}
        record.held |= differing(self.rules, self._shown(item), self.prints)
        record.ruled = {name: winner.value for name, winner in merged.ruled.items()}
        record.asked = tuple(sorted(merged.asked))
        record.resolutions = {}  # an answer decides once; a later edit is another question
        waiting = record.parked, record.parked_since
        self._clear(record)
        if item.waits:  # what the other side would send has not come
            record.parked, record.parked_since = waiting
        if record.asked:
            self._ask(item)
        else:
            done = (
                Outcome.CREATED if created or item.recovered else Outcome.UPDATED if item.written else Outcome.UNCHANGED
            )
            outcome = Outcome.HELD if record.held and done is Outcome.UNCHANGED else done
            record.outcome = outcome
            item.finish(outcome, save=True)

    def _take_attributes(self, item: Item) -> None:
        attributes = {k: v for w in item.writings.values() for k, v in w.attributes.items()}
        if attributes:
            mark = item.known.mark
            item.known.mark = Mark(mark.batches, {**mark.attributes, **attributes})
            row = item.rows[SideName.SAP]
            item.after[SideName.SAP] = self.object.read(SideName.SAP, row, item.known.mark, self.ctx)
            item.written.add(SideName.SAP)

    def _nobody_else_wrote(self, item: Item, side: SideName) -> bool:
        """Whether the read-back shows only our own change: else the version counts as not seen."""
        if side not in item.rows:
            return False
        after = item.after.get(side)
        if after is None or item.merged is None or (item.create and side is self.far):
            return True
        before = item.readings[side]
        computed = {rule.name for rule in self.rules if rule.direction is FieldDirection.CHECKED}
        return not any(
            self.prints.of(name, value) != self.prints.of(name, before.values.get(name))
            for name, value in after.values.items()
            if name not in item.merged.to[side] and name in before.values and name not in computed
        )

    def _ask(self, item: Item) -> None:
        record = item.known
        text = "The same fields were edited on both sides; choose a winner for each."
        record.failure = Failure(
            Outcome.CONFLICT, Conflict.__name__, text, record.asked, since=self.hub.now().isoformat()
        )
        record.outcome = Outcome.CONFLICT
        item.finish(Outcome.CONFLICT, text, save=True)

    async def _save(self, items: list[Item]) -> set[str]:
        """Save links, bases and outcomes; then wake the children that waited for what is linked now."""
        absorbed = {(before.born, before.born_key) for i in items if (before := i.known.absorbed) is not None}
        items = [i for i in items if (i.known.born, i.known.born_key) not in absorbed]  # their rows go with the other's
        fresh = [i for i in items if i.known.linked and (i.known.stored is None or i.known.stored.keys != i.known.keys)]
        changed = [i for i in items if _differs(i.known)]
        parked = [i for i in items if i.outcome is Outcome.PARKED]
        await parking.wait_for_parents(self.hub, self.flow, parked)
        lost = await self.hub.records.save(self.flow.pk, [i.known for i in changed])
        gone = {id(r) for r in lost}
        await parking.hope_for_parents(self.hub, self.flow, [i for i in items if i.known.linked])
        linked = [i.known for i in fresh if id(i.known) not in gone]
        await parking.release(self.hub, self.flow, linked)
        await parking.demand(self.hub, self.flow, parked)
        await parking.look_again(self.hub, self.flow, parked)
        return {i.key for i in changed if id(i.known) in gone}


def _differs(record: Record) -> bool:
    """Whether anything but the time of the last look changed."""
    before = record.stored
    if before is None:
        return True
    ours, theirs = dict(vars(record)), dict(vars(before))
    for name in ("stored", "etag", "pointer_etag", "run", "outcome_at"):
        ours.pop(name)
        theirs.pop(name)
    return ours != theirs
