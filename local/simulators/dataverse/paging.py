"""``@odata.nextLink``: a cookie with the last row's order values, signed, to be sent back exactly as it was given.

The page size is not in the link; it comes from ``Prefer`` of each request. Paging goes on after the last row's place in
the order, so rows changed in between can be missed or come twice, as documented.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, unquote

from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import DataverseError

_SECRET: Final = secrets.token_bytes(16)
_OUTER: Final = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="False" />')
_VALUE: Final = re.compile(r'<(\w+) (?:last="([^"]*)"|(lastnull)="1")(?: first="[^"]*")? />')
_SIGNATURE: Final = re.compile(r' signature="([0-9a-f]+)">')


@dataclass(frozen=True)
class Place:
    """Where a page ended: the page to come and the order values of the last row, by read property."""

    page: int
    values: Mapping[str, Any]


def make_token(table: SimTable, names: Sequence[str], first: Row, last: Row, page: int, context: str) -> str:
    """The raw ``$skiptoken`` for the page after `last`; `context` is the path and query it belongs to."""
    inner = []
    for name in names:
        value = last.get(name)
        if value is None:
            inner.append(f'<{name} lastnull="1" />')
        elif name == table.primary_id:
            inner.append(f'<{name} last="{{{value.upper()}}}" first="{{{first[name].upper()}}}" />')
        else:
            inner.append(f'<{name} last="{quote(str(value), safe="")}" />')
    content = f"{page - 1}|{''.join(inner)}|{context}"
    signature = hmac.new(_SECRET, content.encode(), hashlib.sha256).hexdigest()[:32]
    cookie = f'<cookie page="{page - 1}" signature="{signature}">{"".join(inner)}</cookie>'
    outer = f'<cookie pagenumber="{page}" pagingcookie="{quote(cookie, safe="")}" istracking="False" />'
    return quote(outer, safe="=/")


def read_token(table: SimTable, token: str, context: str) -> Place:
    """The place a raw token stands for; raises 400 unless token, path and query are what the link said."""
    outer = _OUTER.fullmatch(unquote(token))
    if outer is None or quote(outer.group(), safe="=/") != token:
        raise _malformed()
    cookie = unquote(outer[2])
    signed = _SIGNATURE.search(cookie)
    if signed is None:
        raise _malformed()
    inner = cookie[signed.end() :].removesuffix("</cookie>")
    page = int(outer[1])
    content = f"{page - 1}|{inner}|{context}"
    expected = hmac.new(_SECRET, content.encode(), hashlib.sha256).hexdigest()[:32]
    if not hmac.compare_digest(expected, signed[1]):
        raise _malformed()
    values = {
        found[1]: None if found[3] else _restored(table, found[1], unquote(found[2]))
        for found in _VALUE.finditer(inner)
    }
    return Place(page, values)


def _restored(table: SimTable, name: str, text: str) -> Any:
    kind = table.by_read[name].edm_type
    if kind == "Edm.Guid":
        return text.strip("{}").lower()
    if kind in ("Edm.Int32", "Edm.Int64"):
        return int(text)
    if kind == "Edm.Decimal":
        return Decimal(text)
    if kind == "Edm.Double":
        return float(text)
    return text == "True" if kind == "Edm.Boolean" else text


def _malformed() -> DataverseError:
    return DataverseError(
        400, "0x80040203", "The skip token or the query it belongs to is not the one that was issued."
    )
