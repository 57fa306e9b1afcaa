"""What needs a person: listed with class, reason and next step; retried from fresh data, or taken off the list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import BadRequest, Transient
from shared.objects.model import ObjectType
from shared.ports import SideName
from shared.stores.records import Record, failure_row, parse_key, partition
from shared.sync.actor import sign
from shared.sync.hub import Hub
from shared.sync.lists import across_objects
from shared.sync.outcomes import NEXT_STEP
from shared.sync.start import start

MOST_AT_ONCE = 1000
_TRIES = 10
_PREFIX = "f:"
_OTHERWISE = "See the reason; retry it when that is mended."


@dataclass(frozen=True)
class Chosen:
    """Which failures: by keys, else all of an object or template, narrowed to an error class or kind."""

    object: str | None = None
    keys: tuple[tuple[SideName, str], ...] = ()
    error: str | None = None
    kind: str | None = None
    continuation: str | None = None

    def takes(self, row: dict[str, Any]) -> bool:
        """Whether the listed failure is one of them."""
        return (not self.error or row["error"] == self.error) and (not self.kind or row["kind"] == self.kind)


async def list_failures(hub: Hub, template: str, chosen: Chosen, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """A page of what is chosen, object by object. A page may hold fewer than asked for while more follow."""
    rows, more = await _page(hub, template, chosen, limit)
    return [_shown(object_type, row) for object_type, row in rows if chosen.takes(row)], more


async def _page(
    hub: Hub, template: str, chosen: Chosen, limit: int
) -> tuple[list[tuple[ObjectType, dict[str, Any]]], str | None]:
    _, kind = await hub.template(template)
    objects = _objects(kind.objects, chosen.object)

    async def page(object_type: ObjectType, inner: str | None, size: int) -> tuple[list[dict[str, Any]], str | None]:
        return await hub.records.listed(partition(template, object_type.name), _PREFIX, inner, size)

    return await across_objects(objects, page, chosen.continuation, limit)


def _objects(objects: Sequence[ObjectType], name: str | None) -> list[ObjectType]:
    found = [o for o in objects if name is None or o.name == name]
    if not found:
        names = ", ".join(o.name for o in objects)
        text = f"The template has no object '{name}'. It has: {names}."
        raise BadRequest(text, code="unknown-object", status=404)
    return found


def _shown(object_type: ObjectType, row: dict[str, Any]) -> dict[str, Any]:
    side, key = parse_key(row["RowKey"])
    return {
        "object": object_type.name,
        "side": side.value,
        "key": key,
        "sap": row["sap_key"] or None,
        "other": row["other_key"] or None,
        "kind": row["kind"],
        "class": row["error"],
        "reason": row["reason"],
        "code": row["code"] or None,
        "fields": json.loads(row["fields"]),
        "since": datetime.fromisoformat(row["since"]) if row["since"] else None,
        "nextStep": NEXT_STEP.get(row["error"], _OTHERWISE),
    }


# --- doing something about them -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """What a retry or dismissal did: how many records, the runs that carry them, where to go on if more are chosen."""

    count: int
    runs: dict[str, str]
    continuation: str | None


async def retry(hub: Hub, template: str, chosen: Chosen) -> Done:
    """Make up to 1,000 chosen records due now and start a run for each object that has some.

    They stay listed until that run has an outcome for them. Repeats are harmless.
    """
    found, more = await _chosen(hub, template, chosen)
    count = 0
    runs: dict[str, str] = {}
    for object_type, keys in found.items():
        pk = partition(template, object_type.name)
        done = sum([await _change(hub, pk, side, key, again=True) for side, key in keys])
        if done and (run := await _carry(hub, template, object_type.name)):
            runs[object_type.name] = run
        count += done
    return Done(count, runs, more)


async def _carry(hub: Hub, template: str, object_name: str) -> str:
    """A run for what is due; "" before the object is initialized: that run will take them along."""
    try:
        return await start(hub, template, object_name, "due", "retry")
    except BadRequest:
        return ""


async def dismiss(hub: Hub, template: str, chosen: Chosen) -> Done:
    """Take up to 1,000 chosen records off the list; they stay as they are until their next change."""
    found, more = await _chosen(hub, template, chosen)
    count = 0
    for object_type, keys in found.items():
        pk = partition(template, object_type.name)
        count += sum([await _change(hub, pk, side, key, again=False) for side, key in keys])
    return Done(count, {}, more)


async def _chosen(
    hub: Hub, template: str, chosen: Chosen
) -> tuple[dict[ObjectType, list[tuple[SideName, str]]], str | None]:
    if chosen.keys:
        if chosen.object is None:
            raise BadRequest("Keys belong to an object; name it.", code="missing-object", fields=["object"])
        _, kind = await hub.template(template)
        return {_objects(kind.objects, chosen.object)[0]: list(chosen.keys)}, None
    rows, more = await _page(hub, template, chosen, MOST_AT_ONCE)
    found: dict[ObjectType, list[tuple[SideName, str]]] = {}
    for object_type, row in rows:
        if chosen.takes(row):
            found.setdefault(object_type, []).append(parse_key(row["RowKey"]))
    return found, more


async def _change(hub: Hub, pk: str, side: SideName, key: str, *, again: bool) -> int:
    """Change one record by ETag; 1 if it was listed, else 0 (a row without its record is removed)."""
    for _ in range(_TRIES):
        record = await hub.records.get(pk, side, key)
        if record is None:
            await hub.records.remove(pk, failure_row(side, key))
            return 0
        if record.failure is None:
            return 0
        if again:
            _try_again(hub, record)
        else:
            record.failure = None
        sign(record.by, "retry" if again else "dismiss")
        if not await hub.records.save(pk, [record]):
            return 1
    raise Transient("The records' state is contended; try again.", system="storage")


def _try_again(hub: Hub, record: Record) -> None:
    """Due now, its attempts counted anew; one that waited too long for its parent may wait as long again."""
    record.attempt = 0
    record.parked_since = None
    record.set_due(hub.now())
