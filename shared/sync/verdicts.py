"""How a record's way through a delivery ends, whoever ends it: skipped, gone, failed, tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.errors import (
    AwaitingApproval,
    Conflict,
    HubError,
    Misconfigured,
    NotFound,
    Parked,
    Stale,
    Throttled,
    Transient,
    UnknownOutcome,
)
from shared.objects.model import Direction
from shared.ports import Mark, Row, SideName
from shared.stores.records import Claim, Failure, Record
from shared.sync.hub import Flow, Hub
from shared.sync.items import Item
from shared.sync.outcomes import Outcome


class Verdicts:
    """What every stage of a delivery shares: the flow, its two sides, and the ends a record can come to."""

    def __init__(self, hub: Hub, flow: Flow, direction: Direction, run: str) -> None:
        self.hub, self.flow, self.direction, self.run = hub, flow, direction, run
        self.near, self.far = direction.source, direction.source.opposite
        self.object, self.ctx, self.prints = flow.object, flow.ctx, flow.prints
        self.rules = self.object.fields(self.ctx)
        self.owner = hub.chance()
        self.broken: Misconfigured | None = None
        self.unknown: set[str] = set()  # keys of creates that may have happened

    async def _read(self, side: SideName, keys: Sequence[str]) -> dict[str, Row]:
        if not keys:
            return {}
        return await self.flow.sides[side].read(self.object.entity(side, self.ctx), keys)

    def _gone(self, item: Item, side: SideName, how: str = "it was deleted") -> None:
        """A record that a side no longer has is reported; it is never resurrected, and nothing is deleted for it."""
        record = item.known
        if record.stored is None:
            item.finish(Outcome.SKIPPED, how)
            return
        where = "SAP" if side is SideName.SAP else "the other side"
        record.deleted = side.value
        record.set_due(None)
        text = f"In {where} {how}."
        record.failure = Failure(Outcome.DELETED, NotFound.__name__, text, since=self.hub.now().isoformat())
        record.outcome, record.attempt, record.claim = Outcome.DELETED, 0, None
        item.finish(Outcome.DELETED, text, save=True)

    def _fail(self, item: Item, error: HubError) -> None:
        """What comes next is decided by the error's class alone."""
        record = item.known
        record.run, record.outcome_at = self.run, self.hub.now()
        if isinstance(error, Misconfigured):  # the run stops, once what was written meanwhile is remembered
            self.broken = error
            self._release_claim(item)
            item.finish(Outcome.RETRYING, error.text, save=True)
            return
        if isinstance(error, NotFound) and record.linked and item.error_side is not None:
            self._gone(item, item.error_side)
        elif isinstance(error, AwaitingApproval):
            self._await_approval(item, error)
        elif isinstance(error, UnknownOutcome) and record.claim is not None:
            self.unknown.add(item.key)
            self._retry(item, error, record.claim.until)
        elif isinstance(error, Throttled | Transient | UnknownOutcome | Parked | Stale):
            self._release_claim(item)
            self._retry(item, error, self.hub.now() + timedelta(seconds=self.hub.times.delay(record.attempt)))
        else:
            self._release_claim(item)
            self._give_up(item, error, Outcome.CONFLICT if isinstance(error, Conflict) else Outcome.FAILED)

    def _release_claim(self, item: Item) -> None:
        """What we were about to create was not created; a claim from before still tells where to look."""
        if item.create or item.guarded:
            item.known.claim = None

    def _await_approval(self, item: Item, error: AwaitingApproval) -> None:
        """A draft is there: nobody creates it again, whoever looks by its reference finds it. The claim only names it."""
        record, now = item.known, self.hub.now()
        assert record.claim is not None
        record.claim = Claim(record.claim.key, now, "")
        record.set_due(now + timedelta(seconds=self.hub.times.approval_look))
        record.failure, record.attempt, record.outcome = None, 0, Outcome.AWAITING_APPROVAL
        item.finish(Outcome.AWAITING_APPROVAL, error.text, save=True)

    def _retry(self, item: Item, error: HubError, moment: datetime) -> None:
        record = item.known
        record.attempt += 1
        if record.attempt >= self.hub.times.retry_attempts:
            self._give_up(item, error, Outcome.FAILED)
            return
        record.set_due(moment)
        record.outcome = f"{Outcome.RETRYING}: {error.name}: {error.text}"
        item.finish(Outcome.RETRYING, error.text, save=True)

    def _give_up(self, item: Item, error: HubError, outcome: Outcome) -> None:
        record = item.known
        record.set_due(None)
        since = record.failure.since if record.failure else self.hub.now().isoformat()
        record.failure = Failure(outcome, error.name, error.text, error.fields, since, error.code)
        record.versions[self.near] = item.seen_versions.get(self.near, record.versions.get(self.near, ""))
        record.outcome = outcome
        item.finish(outcome, error.text, save=True)

    def _clear(self, record: Record) -> None:
        """It is well: nothing is due, nothing failed, nothing is claimed or waited for."""
        record.set_due(None)
        record.failure, record.attempt, record.claim, record.deleted = None, 0, None, ""
        record.parked, record.parked_since = (), None
        record.run, record.outcome_at = self.run, self.hub.now()

    def _skip(self, item: Item, reason: str) -> None:
        """It takes no part: remembered only if something is known of it, so that explain can say why."""
        record = item.known
        known = record.stored is not None
        if known:
            record.set_due(None)
            record.outcome, record.failure, record.attempt = f"{Outcome.SKIPPED}: {reason}", None, 0
        changed = (
            known
            and record.stored is not None
            and (record.stored.due, record.stored.outcome) != (record.due, record.outcome)
        )
        item.finish(Outcome.SKIPPED, reason, save=changed)

    def _mark_arrival(self, item: Item, other_row: Row) -> None:
        """What was born or matched on the other side is marked in a batch of that name; an existing mark stays."""
        record = item.known
        arrival = self.object.mark_on_arrival(other_row, self.ctx)
        if not record.mark.on and self.direction is Direction.IN:
            record.mark = Mark(record.mark.batches | arrival.batches, {**arrival.attributes, **record.mark.attributes})

    def _travels(self, item: Item) -> frozenset[Direction]:
        """The directions in which this record takes part now."""
        mark = item.known.mark
        return frozenset(
            d
            for d in self.flow.directions
            if not (item.waits and d.source is self.far)
            and not self.object.takes_part(d, item.rows[d.source], mark, self.ctx)
        )

    def _version(self, side: SideName, row: Row) -> str:
        column = self.object.entity(side, self.ctx).version
        return str(row[column]) if column and row.get(column) is not None else ""
