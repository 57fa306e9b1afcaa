"""Writing many records: one request for one record, ``$batch`` with a change set per record for more.

Documents take seconds each, so that many in one request would outlast any time-out, and what an approval procedure makes
of one in a change set nobody documents: each goes in a request of its own, some at once.

The Service Layer stops a batch at the first part that fails; what follows was not carried out and is sent again in
another batch. Its outer status says nothing about the parts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from itertools import batched
from urllib.parse import unquote

import httpx

from shared.clients.answers import Effect, leaf_values, lost, make_error
from shared.clients.exact_json import JSON_TYPE, dump_json, parse_json
from shared.clients.multipart import Part, PartAnswer
from shared.clients.service_layer.client import ServiceLayerClient
from shared.clients.service_layer.config import SYSTEM
from shared.clients.service_layer.odata import clean_row, key_path
from shared.clients.service_layer.outcomes import DIALECT
from shared.errors import HubError, Misconfigured, Rejected, Throttled, Transient, UnknownOutcome
from shared.ports import Entity, Row, Write, WriteResult

_WHOLE_CALL = (Throttled, Transient, Misconfigured)
_ABOUT_ONE_RECORD = frozenset({"-1116", "-2028"})
"""Answers that leave one record unclear (no commit, a draft instead of a document) while the system is well."""
_SLOW_AT_ONCE = 4
_REPLACE = {"B1S-ReplaceCollectionsOnPatch": "true"}
"""Rows of a collection that the body does not name are deleted (Service Layer user guide)."""
_KEY_IN_LOCATION = re.compile(r"\((.*)\)\s*$")


async def write_records(client: ServiceLayerClient, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
    """Each record by itself, results in order of the writes.

    Once a request was sent, an error of the system is given to the records it concerns and to those not sent after
    it; it is raised (Throttled, Transient, Misconfigured) only if it is all there is to say. Updates whose answer was
    lost are Transient, creates UnknownOutcome.
    """
    results: list[WriteResult] = []
    refused = {index: error for index, each in enumerate(writes) if (error := _unwritable(entity, each))}
    sendable = [each for index, each in enumerate(writes) if index not in refused]
    for chunk in batched(sendable, _SLOW_AT_ONCE if entity.slow else client.config.batch_size, strict=False):
        stop = next((error for each in results if (error := _stopped([each]))), None)
        if stop is not None:
            results += [WriteResult(each.ref, each.key, error=stop) for each in chunk]
        elif entity.slow:
            results += await asyncio.gather(*(_write_one(client, entity, each) for each in chunk))
        else:
            results += await _write_chunk(client, entity, chunk)
    _raise_if_nothing_else(results)
    answered = iter(results)
    return [
        WriteResult(each.ref, each.key, error=refused[index]) if index in refused else next(answered)
        for index, each in enumerate(writes)
    ]


def _unwritable(entity: Entity, write: Write) -> HubError | None:
    """Why a write cannot even be sent."""
    if write.delete:
        return Rejected("the hub deletes nothing in SAP", code="no-delete", system=SYSTEM)
    try:
        if not write.create and write.key is None:
            return Rejected("an update needs a key", code="no-key", system=SYSTEM)
        if not write.create and write.key is not None:
            key_path(entity, write.key)
        dump_json(write.body)
    except HubError as error:
        return error
    except (TypeError, ValueError):
        return Rejected("the record holds a value that has no JSON form", code="bad-value", system=SYSTEM)
    return None


def _stopped(results: Sequence[WriteResult]) -> HubError | None:
    """The error after which no more is sent: the system is unwell, or refuses us altogether."""
    last = results[-1].error if results else None
    if last is None or last.code in _ABOUT_ONE_RECORD:
        return None
    if isinstance(last, UnknownOutcome):
        return Transient("not sent: the write before it was not answered", code=last.code, system=SYSTEM)
    return last if isinstance(last, _WHOLE_CALL) else None


def _raise_if_nothing_else(results: Sequence[WriteResult]) -> None:
    first = results[0].error if results else None
    if isinstance(first, _WHOLE_CALL) and all(each.error is first for each in results):
        raise first


async def _write_chunk(client: ServiceLayerClient, entity: Entity, chunk: Sequence[Write]) -> list[WriteResult]:
    """Batches until every record of the chunk has a result; one record alone needs no batch."""
    results: list[WriteResult] = []
    while len(results) < len(chunk):
        rest = chunk[len(results) :]
        stop = _stopped(results)
        if stop is not None:
            return results + [WriteResult(each.ref, each.key, error=stop) for each in rest]
        if len(rest) == 1:
            results.append(await _write_one(client, entity, rest[0]))
        else:
            results += await _write_batch(client, entity, rest)
    return results


async def _write_one(client: ServiceLayerClient, entity: Entity, write: Write) -> WriteResult:
    try:
        if write.create or write.key is None:
            row, location = await client.create(entity.set, write.body)
            return _created(entity, write, row, location)
        await client.update(key_path(entity, write.key), write.body, _headers(write), _effect(write))
        return WriteResult(write.ref, write.key)
    except HubError as error:
        return WriteResult(write.ref, write.key, error=error)


async def _write_batch(client: ServiceLayerClient, entity: Entity, writes: Sequence[Write]) -> list[WriteResult]:
    """One batch; results of those records that it answered, at least one."""
    effect = Effect.CREATE if any(each.makes for each in writes) else Effect.UPDATE
    parts = [[_part(client, entity, each, str(number))] for number, each in enumerate(writes, start=1)]
    masks = leaf_values([each.body for each in writes])
    try:
        answers = await client.batch(parts, effect, masks)
    except UnknownOutcome as error:
        return [WriteResult(each.ref, each.key, error=_of_lost_batch(each, error)) for each in writes]
    except HubError as error:
        return [WriteResult(each.ref, each.key, error=error) for each in writes]
    results = [_result(entity, write, answer) for write, answer in zip(writes, answers, strict=False)]
    if len(results) < len(writes) and not (results and results[-1].error):
        # Parts are missing although none failed: nobody knows what became of them.
        results += [_missing(each) for each in writes[len(results) :]]
    return results


def _effect(write: Write) -> Effect:
    return Effect.CREATE if write.makes else Effect.UPDATE


def _of_lost_batch(write: Write, error: UnknownOutcome) -> HubError:
    if write.makes:
        return error
    return Transient("the answer to a batch was lost", code=error.code, system=SYSTEM)


def _missing(write: Write) -> WriteResult:
    kind = lost(_effect(write))
    error = make_error(kind, "the batch answered fewer parts than it was sent", code="missing-part", system=SYSTEM)
    return WriteResult(write.ref, write.key, error=error)


def _part(client: ServiceLayerClient, entity: Entity, write: Write, content_id: str) -> Part:
    path = entity.set if write.create or write.key is None else key_path(entity, write.key)
    return Part(
        method="POST" if write.create else "PATCH",
        url=f"{client.config.root_path}/{path}",
        headers={"Content-Type": JSON_TYPE, **_headers(write)},
        content=dump_json(write.body),
        content_id=content_id,
    )


def _headers(write: Write) -> Mapping[str, str]:
    return _REPLACE if write.replace and not write.create else {}


def _result(entity: Entity, write: Write, answer: PartAnswer) -> WriteResult:
    response = httpx.Response(answer.status, headers=_plain_headers(answer), content=answer.content)
    error = DIALECT.error(response, _effect(write), masks=leaf_values(write.body))
    if error is not None:
        return WriteResult(write.ref, write.key, error=error)
    if not write.create:
        return WriteResult(write.ref, write.key)
    return _created(entity, write, _row(answer.content), answer.headers.get("location", ""))


def _plain_headers(answer: PartAnswer) -> dict[str, str]:
    """Without those that describe how the part was carried."""
    return {name: value for name, value in answer.headers.items() if not name.startswith(("content-", "transfer-"))}


def _row(content: bytes) -> Row | None:
    try:
        value = parse_json(content) if content else None
    except ValueError:
        return None
    return clean_row(value) if isinstance(value, dict) else None


def _created(entity: Entity, write: Write, row: Row | None, location: str) -> WriteResult:
    """The key from the row, else from the Location; a create that names neither must be looked up.

    A record that was just created has no children.
    """
    if row is not None:
        row |= {kind.name: [] for kind in entity.children}
    if row is not None and row.get(entity.key) is not None:
        return WriteResult(write.ref, str(row[entity.key]), row)
    found = _KEY_IN_LOCATION.search(location)
    if found is None:
        error = UnknownOutcome("created, but the answer names no key", code="no-key", system=SYSTEM)
        return WriteResult(write.ref, write.key, error=error)
    key = unquote(found[1])
    return WriteResult(write.ref, key[1:-1].replace("''", "'") if key.startswith("'") else key, row)
