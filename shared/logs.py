"""Structured logs without record data: one JSON object a line, of a fixed text and a few named fields.

``log = logs.get(__name__)``, then ``log.info("slice delivered", extra={"run": ..., "outcome": ...})``. Fields that are
not in the list are dropped, keys of records are hashed, the text is not formatted with values: what an error, a
vendor or a caller says never gets in, whichever handler the platform attaches. A line that is written inside a run
carries the run's id, and the ids of the present trace and span, so that it can be found from there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from opentelemetry import trace

from shared.errors import HubError, masked

_NAME = re.compile(r"[\w.:|+-]{1,120}")
# On records that went through Log; the filter trusts no others.
HUB_LINE = "hub_line"
# These write whole URLs at INFO, and URLs carry keys, filters and tokens.
_TALKATIVE = ("azure", "httpx", "httpcore", "msal", "urllib3", "aiohttp", "asyncio")

_run: ContextVar[str] = ContextVar("run", default="")


@contextmanager
def inside(run: str) -> Iterator[None]:
    """Inside, every line carries that run's id."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


class _KeyedHash:
    """The key of the hash: this process's own until the app gives one that all its processes share."""

    secret = os.urandom(16)


def _as_name(value: object) -> object:
    """A name we gave; what does not look like one is hidden."""
    text = str(value)
    return text if _NAME.fullmatch(text) else "…"


def _as_number(value: object) -> object:
    return value if isinstance(value, int | float) else "…"


def hashed(value: object) -> str:
    """A record's key as logs show it: 8 hexadecimal digits that are the same for the same key."""
    return hashlib.blake2b(str(value).encode(errors="replace"), key=_KeyedHash.secret, digest_size=4).hexdigest()


# Every field a line may have, and what of its value may be seen.
_FIELDS: dict[str, Callable[[object], object]] = {
    "run": _as_name,
    "template": _as_name,
    "object": _as_name,
    "direction": _as_name,
    "side": _as_name,
    "slice": _as_name,
    "key": hashed,
    "outcome": _as_name,
    "status": _as_name,
    "system": _as_name,
    "error": _as_name,
    "code": _as_name,
    "queue": _as_name,
    "function": _as_name,
    "setting": _as_name,
    "attempt": _as_number,
    "count": _as_number,
    "seconds": _as_number,
    "trace": _as_name,
    "span": _as_name,
}


class Log(logging.LoggerAdapter[logging.Logger]):
    """A logger that lets nothing through but its fixed text and the known fields."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        """The line as JSON; an exception becomes its class, code and the places it came through."""
        given = {**_whereabouts(), **(self.extra or {}), **(kwargs.pop("extra", None) or {})}
        error = kwargs.pop("exc_info", None)
        kwargs.pop("stack_info", None)
        fields: dict[str, object] = {name: _FIELDS[name](value) for name, value in given.items() if name in _FIELDS}
        line = {"text": masked(str(msg)), **fields, **_told(error)}
        return json.dumps(line, ensure_ascii=False), {**kwargs, "extra": {HUB_LINE: True}}

    def log(self, level: int, msg: object, *_values: object, **kwargs: Any) -> None:
        """Log the text as it is; values to format into it are dropped."""
        if self.isEnabledFor(level):
            text, options = self.process(msg, kwargs)
            # A record without arguments is not formatted, so that a % in the text stays one.
            self.logger.log(level, text, **{"stacklevel": 2, **options})

    def bound(self, **fields: object) -> Log:
        """The same log with these fields on every line."""
        return Log(self.logger, {**(self.extra or {}), **fields})


def get(name: str) -> Log:
    """The log of a module."""
    return Log(logging.getLogger(name), {})


class Redaction(logging.Filter):
    """For handlers: what did not come through :class:`Log` keeps its fixed text alone, without values or stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True; the record is changed."""
        if not getattr(record, HUB_LINE, False):
            told = _told(record.exc_info)
            text = masked(str(record.msg)) if record.args else f"a {record.levelname.lower()} of a library"
            record.msg = json.dumps({"text": text, "logger": record.name, **told}, ensure_ascii=False)
        record.args = None
        record.exc_info = None
        record.exc_text = None
        record.stack_info = None
        return True


def configure(secret: bytes = b"", handlers: Iterable[logging.Handler] | None = None) -> None:
    """Quiet the libraries and guard the handlers (the root's, unless given); repeats are harmless.

    ``secret`` keys the hashes of record keys, so that all processes show the same one.
    """
    if secret:
        _KeyedHash.secret = hashlib.blake2b(secret, digest_size=16, person=b"log keys").digest()
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers if handlers is None else handlers:
        if not any(isinstance(one, Redaction) for one in handler.filters):
            handler.addFilter(Redaction())


def _whereabouts() -> dict[str, object]:
    """The run, trace and span that this is a part of; those that there are."""
    found: dict[str, object] = {"run": run} if (run := _run.get()) else {}
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        found |= {"trace": trace.format_trace_id(context.trace_id), "span": trace.format_span_id(context.span_id)}
    return found


def _told(error: object) -> dict[str, object]:
    """What may be said of an exception: its class, the hub's own code, and where; never its text, which may quote."""
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return {}
    told: dict[str, object] = {"error": type(error).__name__, "at": _places(error.__traceback__)}
    if isinstance(error, HubError):
        told |= {"code": _as_name(error.code), "system": _as_name(error.system)}
    return told


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-12:]
    return [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
