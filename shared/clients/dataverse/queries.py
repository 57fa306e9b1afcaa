"""Addresses of the Web API: queries, literals, and links that the server gave, which are followed only to itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from shared.clients.dataverse.config import SYSTEM
from shared.errors import Misconfigured, Transient
from shared.ports import Entity

LONGEST_URL = 6000
"""Longer queries travel inside a ``$batch``: gateways on the way cut request lines at 8 KB or less."""
LONGEST_INNER_URL = 60_000
"""Inside a ``$batch`` an address may have 64 KB (Web API batch documentation); some room is left for the rest."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_READABLE = "$'(),:/@;!*-._~"


def is_guid(key: str) -> bool:
    """Whether this can be a key of Dataverse at all."""
    return _GUID.fullmatch(key) is not None


def text_literal(value: str) -> str:
    """The value in quotes, its own quotes doubled."""
    return "'" + value.replace("'", "''") + "'"


def moment_literal(moment: datetime) -> str:
    """A time as Dataverse compares it: UTC, whole seconds, rounded down, no quotes."""
    if moment.tzinfo is None:
        raise ValueError("times must be aware")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_one_of(column: str, values: Iterable[str]) -> str:
    """A filter for rows whose column equals one of the values (the ``In`` query function of the Web API)."""
    listed = ",".join(text_literal(value) for value in values)
    return f"Microsoft.Dynamics.CRM.In(PropertyName={text_literal(name(column))},PropertyValues=[{listed}])"


def points_to_one_of(lookup: str, keys: Iterable[str]) -> str:
    """A filter for rows whose lookup, by the property it reads as, holds one of these GUIDs (Web API: lookup properties)."""
    return " or ".join(f"{name(lookup)} eq {key}" for key in keys)


def equals_one_of(column: str, values: Iterable[str]) -> str:
    """A filter for rows whose column, a lookup's property or any other, equals one of the values."""
    is_lookup = column.startswith("_") and column.endswith("_value")
    return points_to_one_of(column, values) if is_lookup else is_one_of(column, values)


def both(*conditions: str) -> str:
    """All of the conditions that are not empty."""
    given = [condition for condition in conditions if condition]
    return given[0] if len(given) == 1 else " and ".join(f"({condition})" for condition in given)


def name(identifier: str) -> str:
    """The name of a table or column as it is; ValueError for anything that is none."""
    if not _NAME.fullmatch(identifier):
        raise ValueError("not a name of Dataverse")
    return identifier


def rows_url(api: str, entity_set: str, *, select: Sequence[str], where: str = "", order: str = "") -> str:
    """The address of a set of rows, percent-encoded."""
    options = {"$select": ",".join(name(column) for column in select), "$filter": where, "$orderby": order}
    query = "&".join(f"{option}={encoded(value)}" for option, value in options.items() if value)
    return f"{api}{name(entity_set)}" + (f"?{query}" if query else "")


def encoded(value: str) -> str:
    """One value of a query string; blanks as ``%20``."""
    return quote(value, safe=_READABLE)


def record_path(entity_set: str, key: str) -> str:
    """Where one row is, relative to the Web API; ValueError for a key that is no GUID."""
    if not is_guid(key):
        raise ValueError("not a GUID")
    return f"{name(entity_set)}({key})"


def selected(entity: Entity, *more: str) -> tuple[str, ...]:
    """The columns to read in full: the entity's own, its key, its version and more, each once."""
    return tuple(dict.fromkeys(column for column in (entity.key, entity.version, *entity.select, *more) if column))


def changed_url(api: str, entity: Entity, since: datetime | None) -> str:
    """Keys and versions of rows changed since then, ordered by key, so that an edit never moves a row to a later page."""
    owner = entity.owner if entity.owner is not None and entity.owner.navigation else None
    columns = tuple(column for column in (entity.key, entity.version, owner.lookup if owner else "") if column)
    newer = ""
    if since is not None and entity.modified:
        newer = f"{name(entity.modified[0])} ge {moment_literal(since)}"
        if owner is not None:  # a property of the row that a lookup points to (Web API: filter on lookup properties)
            newer += f" or {name(owner.navigation)}/{name(owner.entity.modified[0])} ge {moment_literal(since)}"
    return rows_url(api, entity.set, select=columns, where=both(entity.scope, newer), order=entity.key)


def slices_of_values(values: Sequence[str], at_most: int) -> list[list[str]]:
    """The values in their order, cut by number and by the length they have in an address."""
    slices: list[list[str]] = []
    room = 0
    for value in values:
        length = len(encoded(text_literal(value))) + 1
        if not slices or len(slices[-1]) >= at_most or length > room:
            slices.append([])
            room = LONGEST_INNER_URL // 2
        slices[-1].append(value)
        room -= length
    return slices


def own_link(link: str, api: str) -> str:
    """The link, if it leads to our own Web API; a token is never sent elsewhere. Raises Misconfigured otherwise."""
    if not link.startswith(api):
        raise Misconfigured("a link to the next page leads to another address", code="foreign-link", system=SYSTEM)
    return link


@dataclass(frozen=True)
class PageCursor:
    """Where to go on reading, and enough of the way so far to notice a circle.

    ``mark`` is the hash of a link seen before, ``steps`` how many pages lie behind. The mark moves on at every power of
    two, so a circle of any length is noticed within about three times round it, with one hash to remember (Brent).
    """

    link: str
    steps: int = 0
    mark: str = ""

    @classmethod
    def read(cls, text: str, api: str) -> PageCursor:
        """The cursor from its text. Raises Misconfigured if it is none, or leads anywhere but to our own Web API."""
        steps, _, rest = text.partition(" ")
        mark, _, link = rest.partition(" ")
        if not steps.isdecimal():
            raise Misconfigured("this is no cursor of a Dataverse page", code="cursor", system=SYSTEM)
        return cls(own_link(link, api), int(steps), mark)

    def __str__(self) -> str:
        """The cursor as text; :meth:`read` reads it."""
        return f"{self.steps} {self.mark} {self.link}"

    def then(self, link: str) -> PageCursor:
        """The cursor after following this one. Raises Transient where the server leads in a circle."""
        if link == self.link or _hash(link) == self.mark:
            raise Transient("the link to the next page repeats itself", code="link-repeats", system=SYSTEM)
        steps = self.steps + 1
        return PageCursor(link, steps, _hash(link) if steps & (steps - 1) == 0 else self.mark)


def _hash(link: str) -> str:
    return hashlib.sha256(link.encode()).hexdigest()[:16]
