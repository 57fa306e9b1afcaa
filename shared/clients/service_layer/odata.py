"""Service Layer URLs and filters: quoting, keys, change filters in the server's local time. Pure.

Grammar as in the Service Layer user guide: text in single quotes, a quote doubled; numbers bare; dates and times as
quoted text; no functions on dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from shared.errors import Rejected
from shared.ports import Entity, Row

LONGEST_URL = 7000
"""Apache refuses request lines above 8,190 bytes."""


def literal(value: str, *, is_text: bool) -> str:
    """A value as filters and key paths spell it. Raises Rejected for what no key or code can be."""
    if not _is_possible(value, is_text=is_text):
        raise Rejected("no record can have such a key", code="bad-key")
    return "'" + value.replace("'", "''") + "'" if is_text else value


def literals(values: Iterable[str], *, is_text: bool) -> list[str]:
    """Each possible value once, as filters spell it; what no record can hold is left out."""
    return [literal(each, is_text=is_text) for each in dict.fromkeys(values) if _is_possible(each, is_text=is_text)]


_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _is_possible(value: str, *, is_text: bool) -> bool:
    """Codes are not empty and hold no control characters (or half characters); number keys are whole numbers."""
    if is_text:
        return bool(value) and not _IMPOSSIBLE.search(value)
    return bool(_WHOLE_NUMBER.fullmatch(value))


def key_path(entity: Entity, key: str) -> str:
    """The path of one record below the root, percent-encoded: ``Items('A%2F''B')``."""
    return f"{entity.set}({quote(literal(key, is_text=entity.key_is_text), safe="'")})"


def query_string(options: Mapping[str, str | int]) -> str:
    """Query options, percent-encoded in the order given; empty ones are left out."""
    return "&".join(f"{name}={quote(str(value), safe="'(),$:")}" for name, value in options.items() if value != "")


def column_is_text(entity: Entity, column: str) -> bool:
    """Whether values of the column are quoted; of columns other than the key nothing is known, so they are."""
    return entity.key_is_text if column == entity.key else True


def both(*conditions: str) -> str:
    """The conditions that are not empty, joined by ``and``."""
    present = [each for each in conditions if each]
    return present[0] if len(present) == 1 else " and ".join(f"({each})" for each in present)


def any_of(column: str, values: Iterable[str]) -> str:
    """The column equals one of the literals."""
    return " or ".join(f"{column} eq {each}" for each in values)


def chunks_by_length(column: str, values: Sequence[str], room: int) -> Iterator[list[str]]:
    """Literals in as few groups as fit ``room`` encoded characters each; a group never is empty."""
    group: list[str] = []
    length = 0
    for each in values:
        size = len(quote(f"{column} eq {each} or ", safe="'(),$:"))
        if group and length + size > room:
            yield group
            group, length = [], 0
        group.append(each)
        length += size
    if group:
        yield group


def server_local(since: datetime, zone: ZoneInfo) -> datetime:
    """The wall clock at or before which nothing changed since then is stamped.

    In the hour that the clock goes through twice, stamps written later can read earlier: there the answer is earlier
    by as much as the clock is set back.
    """
    local = since.astimezone(zone)
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    wall = local.replace(tzinfo=None, microsecond=0)
    if first is not None and second is not None and first > second:
        return wall - (first - second)
    return wall


def changed_filter(entity: Entity, since: datetime, zone: ZoneInfo) -> str:
    """Rows modified or created at or after the instant; "" for an entity that has no stamps.

    Both stamps count: the modified one may be null until the first edit.
    """
    wall = server_local(since, zone)
    conditions = [_at_or_after(stamp, wall) for stamp in (entity.modified, entity.created) if stamp]
    return " or ".join(f"({each})" for each in conditions) if len(conditions) > 1 else "".join(conditions)


def _at_or_after(stamp: Sequence[str], wall: datetime) -> str:
    """Day and time are two columns: a later day counts whatever its time."""
    day = wall.strftime("%Y-%m-%d")
    if len(stamp) == 1:
        return f"{stamp[0]} ge '{day}'"
    return f"{stamp[0]} gt '{day}' or ({stamp[0]} eq '{day}' and {stamp[1]} ge '{wall.strftime('%H:%M:%S')}')"


def full_select(entity: Entity, *columns: str) -> str:
    """The columns of a whole row, and those given; "" (everything) where the entity names none."""
    if not entity.select:
        return ""
    needed = (*entity.select, entity.key, entity.version, *entity.modified, *entity.created, entity.reference, *columns)
    return ",".join(dict.fromkeys(filter(None, needed)))


def clean_row(row: Mapping[str, Any]) -> Row:
    """The row without OData annotations."""
    return {name: value for name, value in row.items() if not name.startswith(("@odata.", "odata."))}
