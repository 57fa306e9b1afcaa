"""Answers of the control panel, of a broken proxy, and of a connection that breaks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from aiohttp import web

_CUT = web.RequestKey("cut", bool)


def is_cut(request: web.Request) -> bool:
    """True if the connection of this request was dropped on purpose."""
    return bool(request.get(_CUT, False))


def cut_connection(request: web.Request) -> web.Response:
    """Drop the connection; the response returned is never sent."""
    request[_CUT] = True
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def cut_in_the_body(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send the head and half of the body, then drop the connection."""
    request[_CUT] = True
    body = response.body if isinstance(response, web.Response) else b""
    data = bytes(body) if isinstance(body, bytes | bytearray | memoryview) else b""
    broken = web.StreamResponse(status=response.status, headers=response.headers)
    broken.content_length = max(len(data), 2)
    await broken.prepare(request)
    await broken.write(data[: len(data) // 2] or b"{")
    if request.transport is not None:
        request.transport.close()
    return broken


def html_page(status: int) -> web.Response:
    """An error page as a reverse proxy in front of the system writes it."""
    names: Iterable[tuple[int, str]] = ((502, "Proxy Error"), (503, "Service Unavailable"), (504, "Gateway Timeout"))
    title = dict(names).get(status, "Error")
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(status=status, headers={"Content-Type": "text/html; charset=iso-8859-1"}, body=page.encode())


def dump_json(value: Any) -> str:
    """JSON text of rows that may hold Decimal, dates and times."""
    return json.dumps(value, default=_jsonable, ensure_ascii=False)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def json_response(value: Any, *, status: int = 200) -> web.Response:
    """A JSON answer of the control panel."""
    return web.Response(
        status=status,
        headers={"Content-Type": "application/json;charset=utf-8"},
        body=dump_json(value).encode(),
    )
