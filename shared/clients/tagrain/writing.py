"""How records of Tagrain are written: each in a request of its own, some side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import batched

from shared.clients.exact_json import dump_json
from shared.clients.tagrain.client import TagrainClient
from shared.clients.tagrain.config import SYSTEM
from shared.clients.tagrain.queries import is_key
from shared.errors import HubError, Misconfigured, Rejected, Throttled, Transient, Undetermined, UnknownOutcome
from shared.ports import Entity, Row, Write, WriteResult

_WHOLE_CALL = (Throttled, Transient, Misconfigured)


async def write_records(client: TagrainClient, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
    """Each record by itself, results in order of the writes, with the row as it is now.

    After an error of the system nothing more is sent; the rest carries it. It is raised (Throttled, Transient,
    Misconfigured) only if it is all there is to say.
    """
    results: list[WriteResult] = []
    for chunk in batched(writes, client.config.writes_at_once, strict=False):
        stop = next((error for each in results if (error := _stopping(each))), None)
        if stop is not None:
            results += [WriteResult(each.ref, _far_key(each), error=stop) for each in chunk]
        else:
            results += await asyncio.gather(*(_write(client, entity, each) for each in chunk))
    errors = [each.error for each in results]
    if errors and errors[0] and all(isinstance(error, _WHOLE_CALL) for error in errors):
        raise errors[0]
    return results


def _stopping(result: WriteResult) -> HubError | None:
    """The error after which no more is sent: the system is unwell, or refuses us altogether."""
    error = result.error
    if isinstance(error, UnknownOutcome) and not isinstance(error, Undetermined):
        return Transient("not sent: the write before it was not answered", code=error.code, system=SYSTEM)
    return error if isinstance(error, _WHOLE_CALL) else None


async def _write(client: TagrainClient, entity: Entity, write: Write) -> WriteResult:
    try:
        key = _checked(write)
        body: Row = {name: value for name, value in write.body.items() if name != entity.key}
        if not write.create:
            return WriteResult(write.ref, key, await client.update(f"{entity.set}/{key}", body))
        if entity.reference:
            body[entity.reference] = key
        row = await client.create(entity.set, body, key)
    except HubError as error:
        return WriteResult(write.ref, _far_key(write), error=error)
    if not row.get(entity.key):
        unknown = UnknownOutcome("created, but the answer names no id", code="no-key", system=SYSTEM)
        return WriteResult(write.ref, error=unknown)
    return WriteResult(write.ref, str(row[entity.key]), row)


def _checked(write: Write) -> str:
    """The key of a write that can be sent: of its record, or of its claim. Rejected for any other."""
    if write.delete:
        raise Rejected("the hub deletes nothing in Tagrain", code="no-delete", system=SYSTEM)
    if write.key is None or not is_key(write.key):
        text = "a creation needs the key of its claim" if write.create else "an update needs the id of its record"
        raise Rejected(text, code="key", system=SYSTEM)
    try:
        dump_json(write.body)
    except (TypeError, ValueError):
        raise Rejected("the record holds a value that has no JSON form", code="bad-value", system=SYSTEM) from None
    return write.key


def _far_key(write: Write) -> str | None:
    """The record's id, where it has one already: a claim's key is none."""
    return None if write.create else write.key
