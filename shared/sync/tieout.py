"""The tie-out of a day: what a store did on the other side against what SAP holds of it, document by document.

SAP is asked for the documents by their reference; what the hub remembers only explains what is missing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from shared.errors import BadRequest
from shared.objects.canonical import Refused
from shared.objects.model import Tally
from shared.ports import Row, SideName
from shared.stores.records import Record
from shared.sync.hub import Flow, Hub
from shared.sync.outcomes import Outcome

SAP, OTHER = SideName.SAP, SideName.OTHER
_PAGE = 500


@dataclass
class _Sum:
    """Count, total and tenders of one side's documents."""

    count: int = 0
    total: Decimal = Decimal(0)
    tenders: dict[str, Decimal] = field(default_factory=dict)

    def add(self, tally: Tally) -> None:
        self.count += 1
        self.total += tally.total
        for name, amount in tally.tenders.items():
            self.tenders[name] = self.tenders.get(name, Decimal(0)) + amount

    def told(self) -> dict[str, Any]:
        tenders = {name: str(amount) for name, amount in sorted(self.tenders.items()) if amount}
        return {"count": self.count, "total": str(self.total), "tenders": tenders}


async def tie_out(hub: Hub, template: str, store: str, day: date) -> dict[str, Any]:
    """One store's day, object by object. BadRequest (404) for a template without a tie-out.

    ``agrees`` only if no document is missing, doubled or different and every difference is zero.
    """
    row, kind = await hub.template(template)
    flows = [await hub.flow_of(row, kind, found) for found in kind.objects if found.transactional]
    scopes = [(flow, flow.object.day_scope(store, day, flow.ctx)) for flow in flows]
    objects = [await _object(hub, flow, scope) for flow, scope in scopes if scope is not None]
    if not objects:
        raise BadRequest(f"A {kind.name} template has no tie-out.", code="no-tie-out", status=404)
    return {
        "template": template,
        "store": store,
        "date": day.isoformat(),
        "agrees": all(each["agrees"] for each in objects),
        "objects": objects,
    }


async def _object(hub: Hub, flow: Flow, scope: str) -> dict[str, Any]:
    entity = replace(flow.object.entity(OTHER, flow.ctx), scope=scope)
    day = _Day(flow)
    cursor: str | None = None
    while True:
        page = await flow.sides[OTHER].changed(entity, None, cursor, _PAGE)
        rows = await flow.sides[OTHER].read(entity, [each.key for each in page.keys])
        documents = await _documents(flow, list(rows))
        records = await hub.records.load(flow.pk, OTHER, list(rows))
        for key, row in rows.items():
            day.take(key, row, documents.get(key, []), records.get(key))
        cursor = page.cursor
        if cursor is None:
            return day.told()


class _Day:
    """One object's documents of a store and day, on both sides."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._theirs, self._ours = _Sum(), _Sum()
        self._missing: list[dict[str, Any]] = []
        self._differing: list[dict[str, Any]] = []

    def take(self, key: str, row: Row, documents: Sequence[Row], record: Record | None) -> None:
        """Add one document of the other side with what SAP holds of it."""
        here = [_tally(self._flow, SAP, each) for each in documents]
        for tally in here:
            if isinstance(tally, Tally):
                self._ours.add(tally)
        if not self._flow.object.is_booked(row):
            if here:
                self._differing.append({"key": key, "reason": "it was voided, but SAP holds a document of it"})
            return
        there = _tally(self._flow, OTHER, row)
        if isinstance(there, Tally):
            self._theirs.add(there)
        if not here:
            self._missing.append({"key": key, "reason": _why(record, there)})
        elif problem := _difference(there, here):
            self._differing.append({"key": key, **problem})

    def told(self) -> dict[str, Any]:
        """Sums, differences, and the documents that are missing or differ."""
        difference = _minus(self._theirs, self._ours)
        return {
            "object": self._flow.object.name,
            "other": self._theirs.told(),
            "sap": self._ours.told(),
            "difference": difference,
            "agrees": not self._missing and not self._differing and _is_zero(difference),
            "missing": self._missing,
            "differing": self._differing,
        }


async def _documents(flow: Flow, keys: Sequence[str]) -> dict[str, list[Row]]:
    """SAP's documents by the other side's key."""
    entity = flow.object.entity(SAP, flow.ctx)
    by_reference = {flow.reference_of(key): key for key in keys}
    found = await flow.sides[SAP].find(entity, entity.reference, list(by_reference)) if keys else {}
    return {by_reference[reference]: rows for reference, rows in found.items()}


def _tally(flow: Flow, side: SideName, row: Row) -> Tally | str:
    """What the document is worth, or why that cannot be told."""
    try:
        return flow.object.tally(side, row, flow.ctx)
    except Refused as refused:
        return refused.reason


def _why(record: Record | None, there: Tally | str) -> str:
    """Why a document is not in SAP, as far as the hub knows."""
    if record is None:
        return there if isinstance(there, str) else "no run has read it yet; press Sync Now"
    if record.failure is not None:
        return f"{record.failure.error}: {record.failure.reason}"
    if record.parked:
        return f"{Outcome.PARKED.value}: it waits for {', '.join(sorted({p.split('|')[0] for p in record.parked}))}"
    return record.outcome or "it is on its way"


def _difference(there: Tally | str, here: Sequence[Tally | str]) -> dict[str, Any] | None:
    if len(here) > 1:
        return {"reason": f"SAP holds {len(here)} documents of it", "other": None, "sap": None}
    if isinstance(there, str) or isinstance(here[0], str):
        text = there if isinstance(there, str) else str(here[0])
        return {"reason": text, "other": None, "sap": None}
    if there.total != here[0].total:
        return {"reason": "the totals differ", "other": str(there.total), "sap": str(here[0].total)}
    tenders = {name for name in (*there.tenders, *here[0].tenders) if _of(there, name) != _of(here[0], name)}
    if tenders:
        return {
            "reason": f"the payments differ: {', '.join(sorted(tenders))}",
            "other": {name: str(_of(there, name)) for name in sorted(tenders)},
            "sap": {name: str(_of(here[0], name)) for name in sorted(tenders)},
        }
    return None


def _of(tally: Tally, name: str) -> Decimal:
    return tally.tenders.get(name, Decimal(0))


def _minus(theirs: _Sum, ours: _Sum) -> dict[str, Any]:
    names: Iterable[str] = sorted({*theirs.tenders, *ours.tenders})
    tenders = {name: theirs.tenders.get(name, Decimal(0)) - ours.tenders.get(name, Decimal(0)) for name in names}
    return {
        "count": theirs.count - ours.count,
        "total": str(theirs.total - ours.total),
        "tenders": {name: str(amount) for name, amount in tenders.items() if amount},
    }


def _is_zero(difference: Mapping[str, Any]) -> bool:
    return difference["count"] == 0 and Decimal(difference["total"]) == 0 and not difference["tenders"]
