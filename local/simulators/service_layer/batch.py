"""``$batch``: multipart only, requests in sequence, changesets atomic, stopping at the first failure.

Rules from the user guide and live tests: CRLF line ends; a blank line ends the headers of part and request, even
without a body; Content-ID is mandatory and unique within a changeset; ``$n`` in a URL names what an earlier request of
the same changeset created; a failed changeset answers with one plain part; later parts are absent from the answer.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from local.simulators.faults import FaultAction
from local.simulators.service_layer.errors import SapError
from local.simulators.service_layer.messages import ROOT, Answer, Call
from local.simulators.service_layer.store import Store

Answerer = Callable[[Call], Answer]
PartFault = Callable[[str, str, str], FaultAction | None]
CountPart = Callable[[str, str, int], None]

_BOUNDARY = re.compile(r"multipart/mixed\s*;\s*boundary=([^;\s\"]+)\s*$", re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+)(?: HTTP/1\.1)?$")
_REFERENCE = re.compile(r"\$(\w+)(?=/|$)")
_INCOMPLETE = "Incomplete Batch Request Body!"
_INCOMPLETE_PART = (
    "Incomplete request, Please check the request and make sure there are two '\\r\\n' between sub-request header "
    "and content!"
)
_CHANGES = frozenset({"POST", "PATCH", "MERGE", "PUT", "DELETE"})


@dataclass(frozen=True)
class Part:
    """One request of a batch."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    content_id: str | None


Item = Part | tuple[Part, ...]


def _refused(message: str, code: int = -1000) -> SapError:
    return SapError(400, code, message)


def parse_batch(body: bytes, content_type: str) -> list[Item]:
    """Requests and changesets in order; raises SapError -1000, 242 or 244 and then nothing is executed."""
    if b"\x00" in body:
        raise _refused("Invalid character in batch request", 242)
    items: list[Item] = []
    for headers, content in _split(body, content_type):
        kind = headers.get("content-type", "")
        if kind.lower().startswith("multipart/mixed"):
            items.append(_parse_changeset(content, kind))
        elif kind.lower() == "application/http":
            items.append(_parse_request(headers, content))
        else:
            raise _refused(_INCOMPLETE)
    if not items:
        raise _refused(_INCOMPLETE)
    return items


def _parse_changeset(content: bytes, content_type: str) -> tuple[Part, ...]:
    parts = tuple(_parse_request(headers, each) for headers, each in _split(content, content_type))
    ids = [part.content_id for part in parts]
    if not parts or None in ids or len(set(ids)) != len(ids):
        raise _refused("Content ID should be specified in each change set request.", 244)
    if any(part.method not in _CHANGES for part in parts):
        raise _refused("GET requests are not allowed in a change set")
    return parts


def _split(body: bytes, content_type: str) -> list[tuple[dict[str, str], bytes]]:
    """Headers and content of the parts of a multipart body."""
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise _refused(_INCOMPLETE)
    delimiter = b"--" + match[1].encode()
    start = body.find(delimiter + b"\r\n")
    pieces = (b"\r\n" + body[max(start, 0) :]).split(b"\r\n" + delimiter)
    if start < 0 or body[:start].strip() or not pieces[-1].startswith(b"--"):
        raise _refused(_INCOMPLETE)
    parts = []
    for piece in pieces[1:-1]:
        if not piece.startswith(b"\r\n"):
            raise _refused(_INCOMPLETE)
        head, separator, content = piece[2:].partition(b"\r\n\r\n")
        if not separator:
            raise _refused(_INCOMPLETE_PART)
        parts.append((_headers(head), content))
    return parts


def _headers(head: bytes) -> dict[str, str]:
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, separator, value = line.partition(":")
        if line.strip() and not separator:
            raise _refused(_INCOMPLETE_PART)
        headers[name.strip().lower()] = value.strip()
    return headers


def _parse_request(part_headers: dict[str, str], content: bytes) -> Part:
    head, separator, body = content.partition(b"\r\n\r\n")
    if not separator:
        raise _refused(_INCOMPLETE_PART)
    line, _, rest = head.partition(b"\r\n")
    match = _REQUEST_LINE.match(line.decode("utf-8", "replace"))
    if match is None:
        raise _refused(_INCOMPLETE_PART)
    return Part(match[1], match[2], _headers(rest), body.strip(b"\r\n"), part_headers.get("content-id"))


def counts(items: Sequence[Item]) -> tuple[int, int]:
    """How many requests read and how many write."""
    parts = [part for item in items for part in (item if isinstance(item, tuple) else (item,))]
    writes = sum(part.method in _CHANGES for part in parts)
    return len(parts) - writes, writes


class BatchRunner:
    """Runs the items of one batch and writes the answer."""

    def __init__(self, envelope: Call, store: Store, answer: Answerer, fault: PartFault, count: CountPart) -> None:
        self._envelope = envelope
        self._store = store
        self._answer = answer
        self._fault = fault
        self._count = count

    def run(self, items: Sequence[Item], *, continue_on_error: bool = False) -> Answer:
        """Run items in order up to the first failure; the answer is 200 whatever the parts say."""
        boundary = f"batchresponse_{uuid.uuid4()}"
        chunks: list[bytes] = []
        for item in items:
            written, succeeded = self._run_changeset(item) if isinstance(item, tuple) else self._run_single(item)
            chunks.append(f"--{boundary}\r\n".encode() + written)
            if not succeeded and not continue_on_error:
                break
        body = b"".join(chunks) + f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/mixed;boundary={boundary}", "OData-Version": "4.0"}
        return Answer(200, headers, body, f"{ROOT}/$batch")

    def _run_single(self, part: Part) -> tuple[bytes, bool]:
        answer = self._send(part, {})
        return _written(answer, None), answer.status < 400

    def _run_changeset(self, parts: tuple[Part, ...]) -> tuple[bytes, bool]:
        boundary = f"changesetresponse_{uuid.uuid4()}"
        created: dict[str, str] = {}
        chunks = [f"Content-Type: multipart/mixed;boundary={boundary}\r\n\r\n".encode()]
        try:
            with self._store.transaction():
                for part in parts:
                    answer = self._send(part, created)
                    if answer.status >= 400:
                        raise _ChangesetFailed(answer)
                    if part.content_id is not None and "Location" in answer.headers:
                        created[part.content_id] = urlsplit(answer.headers["Location"]).path.removeprefix(f"{ROOT}/")
                    chunks.append(f"--{boundary}\r\n".encode() + _written(answer, part.content_id))
        except _ChangesetFailed as failure:
            return _written(failure.answer, None), False
        return b"".join(chunks) + f"--{boundary}--\r\n".encode(), True

    def _send(self, part: Part, created: dict[str, str]) -> Answer:
        path, query = _resolve(part.url)
        reference = _REFERENCE.match(path)
        if reference is not None and reference[1] in created:
            path = created[reference[1]] + path[reference.end() :]
        action = self._fault(part.method, f"{path}?{query}" if query else path, part.body.decode("utf-8", "replace"))
        if action is not None and action.kind == "status":
            answer = _injected(action)
        elif _refers_in_body(part.body, created):
            answer = Answer(400, {"Content-Type": "application/json;charset=utf-8"}, _reference_refusal())
        else:
            headers = {"prefer": "", **part.headers}
            answer = self._answer(
                replace(
                    self._envelope,
                    method=part.method,
                    path=path,
                    query=query,
                    headers=headers,
                    body=part.body,
                    in_batch=True,
                )
            )
        self._count(part.method, answer.template or f"{ROOT}/{path}", answer.status)
        return answer


class _ChangesetFailed(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _resolve(url: str) -> tuple[str, str]:
    """Path relative to the root and query, from a full URL, an absolute path or a relative one."""
    split = urlsplit(url)
    path = split.path
    if path.startswith(f"{ROOT}/"):
        path = path[len(ROOT) + 1 :]
    return path, split.query


def _refers_in_body(body: bytes, created: dict[str, str]) -> bool:
    """True if a value of the body is ``$n`` of an earlier request: only URLs may refer (user guide)."""
    return any(f'"${content_id}"'.encode() in body for content_id in created)


def _reference_refusal() -> bytes:
    return json.dumps(_refused("Content ID reference is not allowed in request content").body()).encode()


def _injected(action: FaultAction) -> Answer:
    body = action.body if isinstance(action.body, str) else json.dumps(action.body)
    content = b"" if action.body is None else body.encode()
    return Answer(action.status, {"Content-Type": "application/json;charset=utf-8"}, content)


_REASONS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found"}


def _written(answer: Answer, content_id: str | None) -> bytes:
    """One answer as a part of the reply."""
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    if content_id is not None:
        head += f"Content-ID: {content_id}\r\n"
    head += f"\r\nHTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Error')}\r\n"
    headers = dict(answer.headers)
    if answer.body:
        headers["Content-Length"] = str(len(answer.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (head + lines + "\r\n").encode() + answer.body + b"\r\n"
