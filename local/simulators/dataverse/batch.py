"""``$batch``: multipart requests run one after the other, changesets as one transaction.

CRLF is required throughout, also after the last boundary; anything else answers 400 as the service does.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from multidict import CIMultiDict

from local.simulators.dataverse.keys import relative_path
from local.simulators.dataverse.options import parse_preferences
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.wire import Answer, Call, DataverseError, bad_payload

LARGEST_BATCH: Final = 1000
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?')
_REQUEST_LINE: Final = re.compile(r"([A-Z]+) (\S+) HTTP/1\.1")
_CRLF: Final = b"\r\n"

type Run = Callable[[Call], Answer]


@dataclass
class Part:
    """One request, or the requests of a changeset; `content_id` is set inside changesets."""

    call: Call | None = None
    content_id: str | None = None
    changeset: list[Part] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Requests in the part."""
        return 1 if self.call is not None else len(self.changeset)


def parse_batch(call: Call) -> list[Part]:
    """The parts of a batch; raises DataverseError for anything but strict multipart of at most 1000 requests."""
    parts = [_part(call.root, headers, content, False) for headers, content in _multipart(call.headers, call.body)]
    if sum(part.size for part in parts) > LARGEST_BATCH:
        raise bad_payload("Microsoft.OData.ODataException: The batch has more than the allowed 1000 operations.")
    return parts


def run_batch(org: Org, call: Call, parts: list[Part], run: Run) -> Answer:
    """Run the parts; without ``odata.continue-on-error`` the first failure is the only answer and ends the batch."""
    go_on = parse_preferences(call.headers.getall("Prefer", [])).continue_on_error
    blocks: list[bytes] = []
    for part in parts:
        block, status = _run_changeset(org, part, run) if part.call is None else _run_one(part, run)
        if status >= 400 and not go_on:
            return _multipart_answer([block], status)
        blocks.append(block)
    return _multipart_answer(blocks, 200)


def _run_one(part: Part, run: Run) -> tuple[bytes, int]:
    answer = run(_called(part))
    return _http_block(answer, part.content_id), answer.status


class _RolledBack(Exception):
    """Carries the failing answer out of a changeset's transaction."""

    def __init__(self, answer: Answer, content_id: str | None) -> None:
        super().__init__()
        self.answer = answer
        self.content_id = content_id


def _run_changeset(org: Org, part: Part, run: Run) -> tuple[bytes, int]:
    """All requests or none; a failure is one part without a changeset around it."""
    blocks: list[bytes] = []
    references: dict[str, str] = {}
    try:
        with org.store.transaction():
            for inner in part.changeset:
                call = _called(inner)
                call.references = references
                if call.target.startswith("$"):
                    call.target = _dereferenced(call.target, references)
                answer = run(call)
                if answer.status >= 400:
                    raise _RolledBack(answer, inner.content_id)
                if inner.content_id is not None and (made := answer.headers.get("OData-EntityId")):
                    references[f"${inner.content_id}"] = relative_path(made)
                blocks.append(_http_block(answer, inner.content_id))
    except _RolledBack as failure:
        return _http_block(failure.answer, failure.content_id), failure.answer.status
    except DataverseError as error:
        return _http_block(error.answer(), None), error.status
    boundary = f"changesetresponse_{uuid.uuid4()}"
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + _joined(blocks, boundary), 200


def _dereferenced(target: str, references: dict[str, str]) -> str:
    name, slash, rest = target.partition("/")
    if name not in references:
        raise DataverseError(400, "0x80060888", f"Content-ID Reference: '{name}' does not exist in the batch context.")
    return f"{references[name]}{slash}{rest}"


def _called(part: Part) -> Call:
    if part.call is None:
        raise bad_payload("Microsoft.OData.ODataException: A changeset cannot be nested in a changeset.")
    return part.call


# -- reading -----------------------------------------------------------------------------------------------------


def _multipart(headers: CIMultiDict[str], body: bytes) -> Iterator[tuple[CIMultiDict[str], bytes]]:
    found = _BOUNDARY.search(headers.get("Content-Type", ""))
    if found is None:
        raise bad_payload("Microsoft.OData.ODataException: The content type needs a 'boundary' parameter.")
    delimiter = b"--" + found[1].encode()
    opening, closing = delimiter + _CRLF, _CRLF + delimiter + b"--" + _CRLF
    if not body.startswith(opening) or not body.endswith(closing):
        raise bad_payload("System.ArgumentException: Stream was not readable.")
    inside = body[len(opening) : len(body) - len(closing)]
    for piece in inside.split(_CRLF + opening):
        yield _headers_and_content(piece)


def _headers_and_content(piece: bytes) -> tuple[CIMultiDict[str], bytes]:
    head, blank, content = piece.partition(_CRLF + _CRLF)
    if not blank and not piece.endswith(_CRLF):
        raise bad_payload("System.ArgumentException: Stream was not readable.")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in head.removesuffix(_CRLF).split(_CRLF):
        name, colon, value = line.decode("utf-8", "replace").partition(":")
        if not colon or "\n" in name or "\n" in value:
            raise bad_payload("System.ArgumentException: Stream was not readable.")
        headers.add(name.strip(), value.strip())
    return headers, content


def _part(root: str, headers: CIMultiDict[str], content: bytes, in_changeset: bool) -> Part:
    kind = headers.get("Content-Type", "")
    if kind.startswith("multipart/mixed") and not in_changeset:
        whole = content.rstrip(_CRLF) + _CRLF
        inner = [_part(root, *each, True) for each in _multipart(headers, whole)]
        return Part(changeset=inner)
    if not kind.startswith("application/http"):
        raise bad_payload("Microsoft.OData.ODataException: A part needs the content type 'application/http'.")
    line, _, rest = content.partition(_CRLF)
    found = _REQUEST_LINE.fullmatch(line.decode("utf-8", "replace"))
    if found is None:
        raise bad_payload("System.ArgumentException: Stream was not readable.")
    method, target = found.groups()
    if "$batch" in target:
        raise bad_payload("Microsoft.OData.ODataException: A batch cannot hold a batch.")
    if in_changeset and method == "GET":
        raise bad_payload("Microsoft.OData.ODataException: GET is not allowed in a changeset.")
    inner_headers, body = _inner(rest)
    path, question, query = target.partition("?")
    call = Call(method, relative_path(path) + question + query, root, inner_headers, body)
    return Part(call=call, content_id=headers.get("Content-ID"))


def _inner(rest: bytes) -> tuple[CIMultiDict[str], bytes]:
    """Headers and body of an inner request; both may be missing."""
    if rest.startswith(_CRLF):
        return CIMultiDict(), rest.removeprefix(_CRLF).rstrip(_CRLF)
    if not rest:
        return CIMultiDict(), b""
    headers, body = _headers_and_content(rest)
    return headers, body.rstrip(_CRLF)


# -- writing -----------------------------------------------------------------------------------------------------


def _http_block(answer: Answer, content_id: str | None) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        head.append(f"Content-ID: {content_id}")
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    for name, value in answer.headers.items():
        shown = f"{value}; odata.streaming=true" if name == "Content-Type" and "odata.metadata" in value else value
        lines.append(f"{name}: {shown}")
    if answer.status >= 400:
        lines.append(f"REQ_ID: {uuid.uuid4()}")
    lines.append("OData-Version: 4.0")
    text = "\r\n".join(head) + "\r\n\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    return text.encode() + answer.body


def _joined(blocks: list[bytes], boundary: str) -> bytes:
    opening = f"--{boundary}\r\n".encode()
    return b"".join(opening + block + _CRLF for block in blocks) + f"--{boundary}--\r\n".encode()


def _multipart_answer(blocks: list[bytes], status: int) -> Answer:
    boundary = f"batchresponse_{uuid.uuid4()}"
    headers = CIMultiDict({"Content-Type": f"multipart/mixed; boundary={boundary}"})
    return Answer(status, headers, _joined(blocks, boundary), "$batch")
