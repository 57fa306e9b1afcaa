"""Delivering one slice: read what changed, compare with what was agreed, merge, write, read back, remember.

Everything is done in bulk; a record that fails goes on alone, as a due row of its own, so that the slice can end. The
order is what makes a crash harmless: the claim is saved before a create, links and bases after the write, the slice's
outcome last. Design, sections 4 and 5.

The moment between reading and the bulk write is not guarded by the systems: a field edited exactly then is overwritten
where we write that very field; an edit of any other field is noticed in the read-back, because it differs from what was
read before, and the version is then not taken as seen, so the record is delivered again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from shared.errors import Conflict, HubError, Rejected, Stale, Transient, Undetermined
from shared.objects.model import Direction
from shared.ports import KeyVersion, Mark, Row, SideName
from shared.stores.records import Record, new_record, partition
from shared.sync import matching, parking
from shared.sync.agreeing import Agreeing
from shared.sync.items import Item
from shared.sync.merge import for_create, merge, moved
from shared.sync.outcomes import Outcome
from shared.sync.writing import refused

_ROUNDS = 4
_DRAFT_LEFT = "draft-left"
_ALL = "all"  # the batch of marks of objects all of whose records take part


class Delivery(Agreeing):
    """One slice of one direction. ``run`` is the id of the run it belongs to."""

    async def deliver(self, entries: Sequence[KeyVersion], *, forced: bool, contiguous: bool = False) -> Counter[str]:
        """Deliver the records; answers how many ended with each outcome.

        A record whose state someone else changed meanwhile is delivered again from fresh data, some rounds long.
        Raises Throttled or Transient if the slice as a whole must wait, Misconfigured if the run must stop.
        """
        counts: Counter[str] = Counter()
        todo, force, at_once = list(entries), forced, contiguous
        for _ in range(_ROUNDS):
            items = [Item(e.key, e.version, force) for e in todo]
            lost = await self._round(items, at_once)
            if self.broken is not None:
                raise self.broken
            counts.update(str(i.outcome) for i in items if i.key not in lost)
            todo, force, at_once = [KeyVersion(k) for k in sorted(lost)], True, False
            if not todo:
                return counts
        raise Transient("The records' state is contended; the slice is delivered again.", system="storage")

    async def _round(self, items: list[Item], contiguous: bool) -> set[str]:
        """One pass over the records; answers the keys that lost a race and must be delivered again."""
        await self._recognise(items, contiguous)
        await self._read_near(_open(items))
        self._end_unmoved([i for i in _open(items) if i.known.linked])
        await parking.park_children(self.hub, self.flow, self.near, _open(items))
        await self._compare([i for i in _open(items) if i.known.linked])
        await self._match([i for i in _open(items) if not i.known.linked])
        lost = await self._claim([i for i in items if i.open and i.create])
        lost |= await self._guard(_open(items))
        await self._write(_open(items), (self.far, self.near))
        await self._look_up([i for i in items if i.open and i.create and isinstance(i.error, Undetermined)])
        await self._read_back([i for i in items if i.open and i.written])
        await self._complete([i for i in items if i.open and i.create and i.error is None])
        self._settle(_open(items))
        return lost | await self._save([i for i in items if i.save])

    async def _recognise(self, items: list[Item], contiguous: bool) -> None:
        """Load the records' state; end those of which it already tells that there is nothing to do."""
        versions = {i.key: i.version for i in items if i.version and not i.forced}
        if versions:
            same = await self.hub.records.unchanged(self.flow.pk, self.near, versions, contiguous=contiguous)
            for item in items:
                if item.key in same:
                    item.finish(Outcome.UNCHANGED)
        keys = [i.key for i in _open(items)]
        records = await self.hub.records.load(self.flow.pk, self.near, keys, contiguous=contiguous)
        marked = await self._marked_elsewhere(keys)
        for item in _open(items):
            item.record = records.get(item.key)
            if item.key in marked:
                item.record = item.record or new_record(self.near, item.key)
                item.record.mark = marked[item.key]
            self._recognise_one(item)

    async def _marked_elsewhere(self, keys: list[str]) -> dict[str, Mark]:
        """The marks of records that have none of their own: every record's where all take part, or another object's."""
        if self.direction is not Direction.OUT:
            return {}
        if self.object.all_take_part:
            return dict.fromkeys(keys, Mark(frozenset({_ALL})))
        if not self.object.marks_of:
            return {}
        pk = partition(self.flow.template.id, self.object.marks_of)
        leaders = await self.hub.records.load(pk, self.near, keys)
        return {key: leaders[key].mark if key in leaders else Mark() for key in keys}

    def _recognise_one(self, item: Item) -> None:
        record = item.record
        if record is None:
            if self.direction is Direction.OUT:
                item.finish(Outcome.SKIPPED, "it is not marked")
            else:
                item.record = new_record(self.near, item.key)
            return
        ours = record.claim and record.claim.owner == self.owner and item.key not in self.unknown
        if record.claim and record.claim.until > self.hub.now() and not ours:
            record.set_due(record.claim.until)
            item.finish(Outcome.RETRYING, "another delivery is creating it", save=True)
        elif self.direction is Direction.OUT and not record.mark.on and not record.linked:
            self._skip(item, "it is not marked")
        elif item.version and item.version == record.versions.get(self.near) and not item.forced and not record.due:
            item.finish(Outcome.UNCHANGED)

    async def _read_near(self, items: list[Item]) -> None:
        rows = await self._read(self.near, [i.key for i in items])
        for item in items:
            row = rows.get(item.key)
            if row is None:
                self._gone(item, self.near)
                continue
            self._take_near(item, row)
            if item.merged_into:
                await self._follow_near(item)
        followed = {i.merged_into for i in items if i.merged_into and i.outcome is Outcome.RETRYING}
        for item in _open(items):
            if item.key in followed:
                item.finish(Outcome.SKIPPED, "the link of the record that was merged into it follows")

    def _take_near(self, item: Item, row: Row) -> None:
        """Put the row to the item, unless it takes no part, is older than what was applied, or is another thing by now."""
        record = item.known
        item.rows[self.near] = row
        if self.near is SideName.OTHER and (master := self.object.merged_into(row)):
            item.merged_into = master
            return
        version = self._version(self.near, row)
        birth = self.object.birth(record.born, row) if record.born is self.near else record.birth
        if record.birth and birth != record.birth and record.linked:
            self._fail(
                item,
                Conflict(
                    "The code was deleted and used again for another record. Undo the link to let the new one travel."
                ),
            )
            return
        record.birth = birth or record.birth
        if record.linked and _older(version, record.versions.get(self.near, "")):
            self._refuse_older(item)
            return
        if reason := self.object.takes_part(self.direction, row, record.mark, self.ctx):
            if record.outcome == Outcome.AWAITING_APPROVAL or (record.failure and record.failure.code == _DRAFT_LEFT):
                text = f"It takes part no more ({reason}), but a draft of it awaits approval in SAP. Reject that draft."
                self._fail(item, Conflict(text, code=_DRAFT_LEFT))
                return
            if not (record.linked and _unfinished(record) and len(self.flow.directions) > 1):
                self._skip(item, reason)
                return
            item.forced, item.reason = True, reason  # what is left to do may be the other direction's
        item.readings[self.near] = self.object.read(self.near, row, record.mark, self.ctx)
        item.seen_versions[self.near] = version

    def _refuse_older(self, item: Item) -> None:
        """An older state than was applied never travels; where more was wanted than a look, it is tried again."""
        if item.known.due:
            text = "The system shows an older version of it than the hub has seen already. Was it restored?"
            self._fail(item, Stale(text))
        else:
            item.finish(Outcome.UNCHANGED)

    def _end_unmoved(self, items: list[Item]) -> None:
        """Where no field moved nothing else is read."""
        for item in items:
            if not item.forced and not self._moved(item):
                self._unchanged(item)

    async def _compare(self, items: list[Item]) -> None:
        """Where a field moved the other side is read too, and the fields are merged.

        What the other side would send does not travel while a parent of it is not linked; its own delivery parks it.
        """
        rows = await self._read(self.far, [i.known.keys[self.far] for i in items])
        missing = await parking.missing_parents(self.hub, self.flow, self.far, rows)
        for item in items:
            item.waits = any(p.required for p in missing.get(item.known.keys[self.far], ()))
            row = rows.get(item.known.keys[self.far])
            if row is None:
                self._gone(item, self.far)
            elif self.far is SideName.OTHER and (master := self.object.merged_into(row)):
                await self._follow(item, master)
            else:
                self._decide(item, row)

    def _moved(self, item: Item) -> bool:
        record = item.known
        if record.base_key != self.prints.key_id or record.resolutions or _unfinished(record):
            return True
        reading = item.readings[self.near]
        if reading.held.keys() - record.held.keys():  # what cannot be read any more is named, once
            return True
        return bool(moved(reading, record.bases[self.near], self.prints))

    def _unchanged(self, item: Item) -> None:
        record = item.known
        record.versions[self.near] = item.seen_versions[self.near]
        if not record.parked:  # the other side's change waits for a parent
            self._clear(record)
        item.finish(Outcome.HELD if record.held else Outcome.UNCHANGED, save=True)

    async def _follow_near(self, item: Item) -> None:
        """A linked record was merged into another there: the link moves to that one and is delivered anew."""
        record = item.known
        taken = await self.hub.records.get(self.flow.pk, self.near, item.merged_into)
        if not record.linked or record.born is self.near or taken is not None:
            self._gone(item, self.near, "it was merged into another record")
            return
        record.keys[self.near] = item.merged_into
        record.bases = {SideName.SAP: {}, SideName.OTHER: {}}
        record.versions.pop(self.near, None)
        record.set_due(self.hub.now())
        item.finish(Outcome.RETRYING, "it was merged into another record; the link follows", save=True)

    async def _follow(self, item: Item, master: str) -> None:
        """The other side merged the record into another: the link follows, if that one is free."""
        record = item.known
        rows = await self._read(self.far, [master])
        taken = await self.hub.records.get(self.flow.pk, self.far, master)
        if master not in rows or (taken is not None and taken.linked):
            self._gone(item, self.far, "it was merged into a record that is linked already or gone")
            return
        record.keys[self.far] = master
        record.bases = {SideName.SAP: {}, SideName.OTHER: {}}
        self._decide(item, rows[master])

    def _decide(self, item: Item, far_row: Row) -> None:
        """Merge both readings; nothing to write means both agree (or a person is asked)."""
        record = item.known
        item.rows[self.far] = far_row
        item.readings[self.far] = self.object.read(self.far, far_row, record.mark, self.ctx)
        item.seen_versions[self.far] = self._version(self.far, far_row)
        travels = self._travels(item)
        if item.reason and not travels:
            self._skip(item, item.reason)
            return
        rebase = record.base_key not in ("", self.prints.key_id)
        bases = {s: self.prints.of_all(item.readings[s].values) for s in SideName} if rebase else record.bases
        item.merged = merge(
            self.rules,
            item.readings,
            bases,
            self.prints,
            travels=travels,
            resolutions=record.resolutions,
        )
        if rebase:
            record.bases = bases
        for side in SideName:
            values = item.merged.to[side]
            if values:
                item.writings[side] = self.object.write(side, values, item.rows[side], self.ctx)

    async def _match(self, items: list[Item]) -> None:
        """Look for each on the other side; link what is there, prepare the creation of what is not."""
        if not items:
            return
        for item in items:
            if self._failed_before(item):
                item.finish(Outcome.FAILED, item.known.failure.reason if item.known.failure else "")
        found = await matching.find(self.hub, self.flow, self.direction, _open(items))
        for item in _open(items):
            match = found.get(item.key)
            if isinstance(match, HubError):
                self._fail(item, match)
            elif match is not None:
                self._link(item, match)
            else:
                self._prepare_create(item)

    def _failed_before(self, item: Item) -> bool:
        """Refused as it is now: not tried again until it changes or a person asks for it."""
        record = item.known
        return bool(
            record.failure
            and not record.due
            and not item.forced
            and record.versions.get(self.near) == item.seen_versions[self.near]
        )

    def _link(self, item: Item, row: Row) -> None:
        """Link what was found. What an earlier delivery of ours created is based on what it was to be given then."""
        record = item.known
        record.keys.update({self.near: item.key, self.far: str(row[self.object.entity(self.far, self.ctx).key])})
        record.claim = None
        if item.replaces:
            self._decide(item, row)
            return
        given = record.bases[self.near] if item.recovered and record.base_key == self.prints.key_id else {}
        record.bases = {SideName.SAP: {}, SideName.OTHER: {}}
        record.base_key = ""
        if given:
            made = self.object.read(self.far, row, record.mark, self.ctx)
            self._base_on(record, given, made)
        self._mark_arrival(item, row if self.far is SideName.OTHER else item.rows[self.near])
        item.readings[self.near] = self.object.read(self.near, item.rows[self.near], record.mark, self.ctx)
        self._decide(item, row)

    def _prepare_create(self, item: Item) -> None:
        record, reading = item.known, item.readings[self.near]
        if reason := self.object.why_not_created(self.direction, item.rows[self.near], self.ctx):
            record.claim = None  # what an earlier creation may have left was looked for: there is nothing
            self._skip(item, reason)
            return
        values = for_create(self.rules, reading, self.direction)
        writing = self.object.write(
            self.far, values, None, self.ctx, hub_reference=self.flow.reference_of(record.keys[self.near])
        )
        missing = [rule.name for rule in self.rules if rule.essential and rule.name in reading.held]
        if missing:
            self._fail(item, Rejected(f"{missing[0]}: {reading.held[missing[0]]}", fields=missing))
        elif writing.refusal is not None:
            self._fail(item, refused(writing.refusal))
        else:
            left_out = writing.later | writing.held.keys()
            given = {name: value for name, value in values.items() if name not in left_out}
            item.create, item.writings[self.far], item.given = True, writing, self.prints.of_all(given)


def _open(items: Iterable[Item]) -> list[Item]:
    return [i for i in items if i.open]


def _unfinished(record: Record) -> bool:
    """Whether something of it is left to do that a look at one side alone would not show."""
    return bool(record.due or record.failure or record.asked)


def _older(version: str, applied: str) -> bool:
    """Whether a version is older than one that was applied; versions are numbers that grow."""
    return version.isdecimal() and applied.isdecimal() and int(version) < int(applied)
