"""Resource paths: ``Set``, ``Set(key)``, ``Set(key)/Property[/$value]``, ``Set/$count``, ``$batch``, operations.

Keys: quoted text with doubled quotes, bare numbers, ``(Name=value,...)``. Percent-decoding happens after the path is
split, so an encoded slash stays inside its key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from local.schema import EntitySet
from local.simulators.service_layer import errors
from local.simulators.service_layer.values import as_number

_SEGMENT = re.compile(r"([A-Za-z_$][\w$]*)(?:\((.*)\))?$", re.DOTALL)
_KEY_PART = re.compile(r"\s*(?:(\w+)\s*=\s*)?('(?:[^']|'')*'|[^',()\s]+)\s*(?:,|$)", re.DOTALL)


@dataclass(frozen=True)
class Resource:
    """A parsed path. ``key`` is the text inside the brackets, None without brackets; ``rest`` what follows."""

    name: str
    key: str | None
    rest: tuple[str, ...]


def parse_path(path: str) -> Resource:
    """Split a path relative to the service root, still percent-encoded; raises SapError 400/200."""
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    match = _SEGMENT.match(segments[0])
    if match is None:
        raise errors.unknown_path()
    return Resource(match[1], match[2], tuple(segments[1:]))


def parse_key(text: str, entity_set: EntitySet) -> tuple[Any, ...]:
    """Key values in the order of the set's key; raises SapError for a key of another shape."""
    parts = []
    position = 0
    while position < len(text):
        match = _KEY_PART.match(text, position)
        if match is None:
            raise errors.unknown_path()
        parts.append((match[1], match[2]))
        position = match.end()
    if len(parts) != len(entity_set.key):
        raise errors.unknown_path()
    named = {name: value for name, value in parts if name}
    if (
        len(named) not in (0, len(parts))
        or (named and set(named) != set(entity_set.key))
        or (not named and len(parts) > 1)
    ):
        raise errors.unknown_path()
    ordered = [named.get(name, parts[0][1]) for name in entity_set.key]
    return tuple(_key_value(value, name, entity_set) for name, value in zip(entity_set.key, ordered, strict=True))


def _key_value(text: str, name: str, entity_set: EntitySet) -> Any:
    is_text = entity_set.type.properties[name].type_name == "String"
    if text.startswith("'") != is_text:
        raise errors.unknown_path()
    if is_text:
        return text[1:-1].replace("''", "'")
    number = as_number(text)
    if number is None:
        raise errors.unknown_path()
    return number


def key_text(entity_set: EntitySet, row: dict[str, Any]) -> str:
    """The key of a row as SAP writes it in Location: ``'A''B'``, ``3``, ``TableName='OCRD',FieldID=3``."""
    values = [
        "'" + row[name].replace("'", "''") + "'" if isinstance(row[name], str) else str(row[name])
        for name in entity_set.key
    ]
    if len(values) == 1:
        return values[0]
    return ",".join(f"{name}={value}" for name, value in zip(entity_set.key, values, strict=True))


def parse_query(query: str) -> dict[str, str]:
    """Query options, decoded; raises SapError 400/201 for one given twice."""
    options: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name in options:
            raise errors.query_error(f"Query string error - Duplicate query option '{name}'")
        options[name] = unquote_plus(value)
    return options
