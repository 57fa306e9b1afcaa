"""What host and worker say to each other: pickled dataclasses, each with its length in front, over stdin and stdout.

Both ends are this package and the pipe is private to them, so pickle is safe here.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass, field
from typing import Literal

PREFIX = struct.Struct(">I")


@dataclass(frozen=True)
class Datum:
    """One value of a binding, in the kinds that the worker library tells apart."""

    kind: Literal["string", "bytes", "json", "int", "double"]
    value: str | bytes | int | float


@dataclass(frozen=True)
class HttpCall:
    """A request as the host hands it to the worker."""

    method: str
    url: str
    headers: dict[str, str]
    params: dict[str, str]
    query: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpReply:
    """A response as the worker hands it to the host; cookies are ready-made Set-Cookie values."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes


@dataclass(frozen=True)
class Invocation:
    """One call of one function."""

    id: str
    function_id: str
    argument: str
    value: Datum | HttpCall
    metadata: dict[str, Datum] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""


@dataclass(frozen=True)
class Stop:
    """The worker shall finish."""


@dataclass(frozen=True)
class Result:
    """What became of an invocation. ``values`` holds what came back, by binding; ``error`` the exception's text."""

    id: str
    ok: bool
    error: str = ""
    stack: str = ""
    values: dict[str, Datum | HttpReply] = field(default_factory=dict)


@dataclass(frozen=True)
class FunctionInfo:
    """A function as indexed: its bindings are the library's JSON."""

    name: str
    id: str
    bindings: list[str]


@dataclass(frozen=True)
class Ready:
    """The first message of a worker: the functions it found, or why it could not index the app."""

    functions: list[FunctionInfo] = field(default_factory=list)
    error: str = ""


type ToWorker = Invocation | Stop
type FromWorker = Ready | Result


def encode(message: ToWorker | FromWorker) -> bytes:
    """The message with its length in front."""
    body = pickle.dumps(message)
    return PREFIX.pack(len(body)) + body


def decode_from_worker(body: bytes) -> FromWorker:
    """A message without its length, as the host receives it."""
    message = pickle.loads(body)
    assert isinstance(message, Ready | Result)
    return message


def decode_to_worker(body: bytes) -> ToWorker:
    """A message without its length, as the worker receives it."""
    message = pickle.loads(body)
    assert isinstance(message, Invocation | Stop)
    return message
