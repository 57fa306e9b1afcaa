"""Lists that go through several partitions, one after the other, with one continuation for all."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence

from shared.errors import BadRequest

type PageOf[P, T] = Callable[[P, str | None, int], Awaitable[tuple[list[T], str | None]]]


async def across_objects[P, T](
    parts: Sequence[P], page: PageOf[P, T], continuation: str | None, limit: int
) -> tuple[list[tuple[P, T]], str | None]:
    """Up to ``limit`` rows with the part they are of, and where to go on (None: that was all).

    ``page`` gives the rows of one part. BadRequest for a continuation that this list never gave.
    """
    at, inner = _decoded(continuation, len(parts))
    found: list[tuple[P, T]] = []
    while at < len(parts):
        rows, inner = await page(parts[at], inner, limit - len(found))
        found += [(parts[at], row) for row in rows]
        if inner is None:
            at += 1
        if len(found) >= limit and at < len(parts):
            return found, _encoded(at, inner)
    return found, None


def _encoded(at: int, inner: str | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, inner]).encode()).decode()


def _decoded(continuation: str | None, parts: int) -> tuple[int, str | None]:
    if not continuation:
        return 0, None
    try:
        at, inner = json.loads(base64.b64decode(continuation, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise BadRequest("the continuation token is not one this list gave", code="bad-continuation") from None
    if not isinstance(at, int) or not 0 <= at < parts or not isinstance(inner, str | None):
        raise BadRequest("the continuation token is not one this list gave", code="bad-continuation")
    return at, inner
