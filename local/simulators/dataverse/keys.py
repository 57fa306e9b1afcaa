"""Paths and keys: ``accounts(guid)``, ``accounts(accountnumber='A1')``, and the segments of a request's path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.values import GUID, fold_text, listed_value, literal_value
from local.simulators.dataverse.wire import DataverseError, bad_query, no_record
from local.simulators.odata import BadLiteral, Literal

_SEGMENT: Final = re.compile(r"(?P<name>[$\w.]+)(?:\((?P<inside>.*)\))?", re.DOTALL)
_KEY_PART: Final = re.compile(r"\s*(?P<name>\w+)\s*=\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<bare>[^',]+))\s*(?:,|$)")
API_PATH: Final = "/api/data/v9.2/"


@dataclass(frozen=True)
class Segment:
    """One part of a path; `inside` is the text between its parentheses, None without any."""

    name: str
    inside: str | None = None


@dataclass(frozen=True)
class RowKey:
    """How a request names a row: by primary key (`guid`), or by `values` of an alternate key in stored form."""

    guid: str | None
    values: Mapping[str, Any]
    text: str


def split_path(raw_path: str) -> list[Segment]:
    """The decoded segments of a path below the API root; slashes inside quotes do not separate."""
    segments = []
    for part in _parts(unquote(raw_path).strip("/")):
        found = _SEGMENT.fullmatch(part)
        if found is None:
            raise bad_query(f"Bad Request - Error in query syntax in the segment '{part}'.")
        segments.append(Segment(found["name"], found["inside"]))
    return segments


def _parts(path: str) -> Iterator[str]:
    quoted, start = False, 0
    for position, mark in enumerate(path):
        if mark == "'":
            quoted = not quoted
        elif mark == "/" and not quoted:
            yield path[start:position]
            start = position + 1
    yield path[start:]


def relative_path(path: str) -> str:
    """A path below the API root, from one that is absolute, rooted or relative already."""
    if API_PATH in path:
        return path.partition(API_PATH)[2]
    return path.lstrip("/")


def parse_key(table: SimTable, inside: str) -> RowKey:
    """Read the text between a key's parentheses; raises DataverseError for a key the table does not have."""
    text = inside.strip()
    if GUID.fullmatch(text):
        return RowKey(text.lower(), {}, text.lower())
    given = _key_parts(table, text)
    if set(given) == {table.primary_id}:
        guid = str(given[table.primary_id])
        return RowKey(guid.lower(), {}, text)
    for key in table.keys.values():
        if {table.columns[name].read_property for name in key.columns} == set(given):
            if key.status != "Active":
                break
            return RowKey(None, given, text)
    raise _undeclared_key(table)


def _key_parts(table: SimTable, text: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    position = 0
    while position < len(text):
        found = _KEY_PART.match(text, position)
        if found is None:
            raise _undeclared_key(table)
        position = found.end()
        name = found["name"]
        column = table.by_read.get(name)
        if column is None:
            raise bad_query(f"Could not find a property named '{name}' on type '{table.odata_type}'.")
        try:
            if found["text"] is not None:
                given[name] = literal_value(column, Literal("string", found["text"].replace("''", "'")))
            else:
                given[name] = listed_value(column, Literal("string", found["bare"].strip()))
        except BadLiteral as error:
            raise bad_query(str(error)) from error
    return given


def _undeclared_key(table: SimTable) -> DataverseError:
    return DataverseError(
        400,
        "0x80060888",
        f"The key in the request URI is not valid for resource '{table.odata_type}'. Ensure that the names and number "
        "of key properties match the declared or alternate key properties for the resource.",
    )


def find_row(org: Org, table: SimTable, key: RowKey) -> Row | None:
    """The row a key names, or None; raises DataverseError 0x8006089d if an alternate key names several."""
    if key.guid is not None:
        return org.store.get(table.name, key.guid)
    rows = org.store.rows(table.name)
    found: set[str] | None = None
    for read_name, value in key.values.items():
        ids = rows.ids_with(read_name, (fold_text(value),))
        found = ids if found is None else found & ids
    if not found:
        return None
    if len(found) > 1:
        raise DataverseError(400, "0x8006089d", "More than one record exists for entity with the key attributes.")
    return rows.by_id[found.pop()]


def require_row(org: Org, table: SimTable, key: RowKey) -> Row:
    """The row a key names; raises 404, whose code tells a missing id from a missing alternate key."""
    row = find_row(org, table, key)
    if row is not None:
        return row
    if key.guid is not None:
        raise no_record(table.name, key.guid)
    raise DataverseError(
        404, "0x80060891", f"A record with the specified key values does not exist in {table.name} entity"
    )


def parse_reference(org: Org, path: str, references: Mapping[str, str]) -> tuple[SimTable, RowKey]:
    """Read a path to a row, as in ``@odata.bind`` and ``@odata.id``; ``$n`` is a Content-ID of the changeset."""
    if path.startswith("$"):
        if path not in references:
            raise DataverseError(
                400, "0x80060888", f"Content-ID Reference: '{path}' does not exist in the batch context."
            )
        path = references[path]
    segments = split_path(relative_path(path))
    if len(segments) != 1 or segments[0].inside is None:
        raise bad_query("Bad Request - Error in query syntax.")
    table = org.table_of_set(segments[0].name)
    return table, parse_key(table, segments[0].inside)
