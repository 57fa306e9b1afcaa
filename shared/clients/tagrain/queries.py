"""Addresses of Tagrain: query strings, filters in as few requests as fit, keys. Pure.

Filters are repeated parameters (``code=A&code=B``), so no value needs quoting beyond percent-encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlencode

from shared.clients.tagrain.config import SYSTEM
from shared.errors import Misconfigured
from shared.ports import Entity

type Pairs = Sequence[tuple[str, str]]

_LONGEST_FILTER = 6000
"""Gateways cut request lines at 8 KB."""
_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_FILTERS: Mapping[str, str] = {
    "id": "id",
    "externalRef": "externalRef",
    "code": "code",
    "name": "name",
    "productCode": "code",
}
"""Property of a record -> the filter that compares it."""


def is_key(key: str) -> bool:
    """Whether this can be the id of a record at all."""
    return _KEY.fullmatch(key) is not None


def filter_of(column: str) -> str:
    """The filter on a property. Raises Misconfigured for one that the contract cannot look up."""
    if column not in _FILTERS:
        raise Misconfigured(
            "Tagrain looks no records up by this property", code="filter", system=SYSTEM, fields=[column]
        )
    return _FILTERS[column]


def askable(filter_name: str, values: Iterable[str]) -> list[str]:
    """Each value once that a record can hold; Tagrain keeps no blanks around texts."""
    trimmed = dict.fromkeys(value.strip() for value in values)
    return [each for each in trimmed if each and not _IMPOSSIBLE.search(each) and (filter_name != "id" or is_key(each))]


def filters(filter_name: str, values: Sequence[str], most: int) -> Iterator[list[tuple[str, str]]]:
    """The filter in as few groups as the limits on values and on the length of an address allow."""
    group: list[tuple[str, str]] = []
    length = 0
    for value in values:
        size = len(quote(value, safe="")) + len(filter_name) + 2
        if group and (len(group) >= most or length + size > _LONGEST_FILTER):
            yield group
            group, length = [], 0
        group.append((filter_name, value))
        length += size
    if group:
        yield group


def scope_pairs(entity: Entity) -> list[tuple[str, str]]:
    """The entity's scope, which is a query string, as pairs."""
    return parse_qsl(entity.scope, keep_blank_values=True)


def changed_pairs(entity: Entity, since: datetime | None) -> list[tuple[str, str]]:
    """The scope, and from when on (included); of records without a stamp all are asked for."""
    pairs = scope_pairs(entity)
    return [*pairs, ("updatedSince", moment(since))] if since is not None and entity.modified else pairs


def moment(time: datetime) -> str:
    """A time as the contract spells it: UTC, milliseconds, rounded down."""
    if time.tzinfo is None:
        raise ValueError("times must be aware")
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def query(pairs: Pairs) -> str:
    """A query string with everything encoded that is not plain."""
    return urlencode(pairs, quote_via=quote, safe="")


def folded(value: str) -> str:
    """What names are compared by."""
    return value.strip().casefold()
