"""``multipart/mixed`` batches: writing requests into one, reading the answers out of one.

Framing as OData asks for it and both systems insist on: CRLF everywhere, also after the last boundary, a blank line
between a part's head and its request and between the request's head and its body, boundaries without quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesParser

_CRLF = "\r\n"
_PARSER = BytesParser(policy=policy.compat32)


@dataclass(frozen=True)
class Part:
    """One request inside a batch. ``content_id`` names it within its change set, where both systems demand one."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    content_id: str = ""


@dataclass(frozen=True)
class PartAnswer:
    """One answer inside a batch; ``headers`` have lower-case names; ``in_change_set`` tells a change set's answers.

    A change set that failed is answered by one plain part without a content id.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    content_id: str = ""
    in_change_set: bool = False


def batch_type(boundary: str) -> str:
    """The Content-Type of a batch."""
    return f"multipart/mixed;boundary={boundary}"


def encode_batch(items: Sequence[Part | Sequence[Part]], boundary: str) -> bytes:
    """The body of a batch: single requests, and sequences of them as change sets that succeed or fail whole."""
    chunks: list[bytes] = []
    for number, item in enumerate(items, start=1):
        chunks.append(_line(f"--{boundary}"))
        chunks.append(
            _encode_part(item) if isinstance(item, Part) else _encode_change_set(item, f"cs{number}_{boundary}")
        )
    chunks.append(_line(f"--{boundary}--"))
    return b"".join(chunks)


def _encode_change_set(parts: Sequence[Part], boundary: str) -> bytes:
    chunks = [_line(f"Content-Type: {batch_type(boundary)}"), _line()]
    for part in parts:
        chunks += [_line(f"--{boundary}"), _encode_part(part)]
    chunks += [_line(f"--{boundary}--"), _line()]
    return b"".join(chunks)


def _encode_part(part: Part) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if part.content_id:
        head.append(f"Content-ID: {part.content_id}")
    lines = [*head, "", f"{part.method} {part.url} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in part.headers.items()]
    return _line(_CRLF.join(lines)) + _line() + part.content + _line()


def _line(text: str = "") -> bytes:
    return (text + _CRLF).encode()


def parse_batch(content_type: str, content: bytes) -> list[PartAnswer]:
    """The answers in order, those of change sets flattened. Raises ValueError for what is no complete batch answer."""
    message = _PARSER.parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + content)
    if not message.is_multipart() or message.defects:
        raise ValueError("not a complete multipart answer")
    return [answer for part in _children(message) for answer in _answers(part)]


def _answers(part: Message) -> list[PartAnswer]:
    if not part.is_multipart():
        return [_answer(part, in_change_set=False)]
    if part.defects:
        raise ValueError("a change set's answer is cut off")
    return [_answer(each, in_change_set=True) for each in _children(part)]


def _children(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _answer(part: Message, *, in_change_set: bool) -> PartAnswer:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        raise ValueError("a part without content")
    status_line, _, rest = payload.lstrip(b"\r\n").partition(b"\n")
    words = status_line.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("a part without a status line")
    headers, content = _split_head(rest)
    return PartAnswer(
        status=int(words[1]),
        headers=headers,
        content=content.strip(b"\r\n"),
        content_id=part.get("Content-ID", "") or headers.get("content-id", ""),
        in_change_set=in_change_set,
    )


def _split_head(rest: bytes) -> tuple[dict[str, str], bytes]:
    """Header lines up to the first empty one, and what follows it."""
    headers: dict[str, str] = {}
    while rest:
        line, _, rest = rest.partition(b"\n")
        text = line.strip().decode("utf-8", "replace")
        if not text:
            break
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, rest
