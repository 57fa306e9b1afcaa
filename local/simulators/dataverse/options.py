"""Query options and ``Prefer`` as a request gives them, checked but not yet run."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from local.simulators.dataverse.wire import Call, DataverseError, bad_query

LARGEST_PAGE: Final = 5000
_KNOWN: Final = frozenset({"$select", "$filter", "$orderby", "$top", "$expand", "$count", "$skiptoken"})
_REFUSED: Final = frozenset({"$skip", "$search", "$format"})
_EXPAND: Final = re.compile(r"\s*(?P<name>\w+)\s*(?:\((?P<inside>[^()]*)\))?\s*(?:,|$)")


@dataclass(frozen=True)
class Options:
    """The query options of one request; `raw_rest` is the query as sent, without ``$skiptoken``."""

    select: tuple[str, ...] = ()
    filter: str = ""
    orderby: str = ""
    top: int | None = None
    count: bool = False
    expand: tuple[tuple[str, tuple[str, ...]], ...] = ()
    skiptoken: str | None = None
    raw_rest: str = ""


@dataclass(frozen=True)
class Preferences:
    """The parts of ``Prefer`` that are honoured; `applied` is what ``Preference-Applied`` says."""

    page_size: int | None = None
    annotations: tuple[str, ...] = ()
    representation: bool = False
    continue_on_error: bool = False
    applied: tuple[str, ...] = field(default_factory=tuple)

    def wants(self, annotation: str) -> bool:
        """True if rows should carry this annotation."""
        return any(fnmatch.fnmatchcase(annotation, pattern) for pattern in self.annotations)


def parse_options(call: Call) -> Options:
    """Read the query string; blanks may be ``+`` or ``%20``. Raises DataverseError for what the service refuses."""
    values: dict[str, str] = {}
    rest: list[str] = []
    skiptoken: str | None = None
    for piece in filter(None, call.raw_query.split("&")):
        raw_name, _, raw_value = piece.partition("=")
        name = unquote_plus(raw_name)
        if name == "$skiptoken":
            skiptoken = raw_value
            continue
        rest.append(piece)
        if name in _REFUSED or (name.startswith("$") and name not in _KNOWN):
            raise bad_query(f"The query parameter {name} is not supported.")
        values[name] = unquote_plus(raw_value)
    return Options(
        select=_names(values.get("$select", "")),
        filter=values.get("$filter", ""),
        orderby=values.get("$orderby", ""),
        top=_whole(values["$top"], "$top") if "$top" in values else None,
        count=_flag(values.get("$count", "false")),
        expand=_expansions(values.get("$expand", "")),
        skiptoken=skiptoken,
        raw_rest="&".join(rest),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _whole(text: str, name: str) -> int:
    if not text.isdecimal():
        raise bad_query(f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise bad_query("Invalid value for $count query option found.")
    return text == "true"


def _expansions(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: list[tuple[str, tuple[str, ...]]] = []
    position = 0
    while position < len(text):
        match = _EXPAND.match(text, position)
        if match is None:
            raise bad_query("Syntax error in $expand.")
        position = match.end()
        found.append((match["name"], _expanded_select(match["inside"] or "")))
    return tuple(found)


def _expanded_select(text: str) -> tuple[str, ...]:
    for option in filter(None, (part.strip() for part in text.split(";"))):
        name, _, value = option.partition("=")
        if name.strip() != "$select":
            raise DataverseError(501, "0x80060888", f"{name} inside $expand is not simulated.")
        return _names(value)
    return ()


def parse_preferences(headers: Sequence[str]) -> Preferences:
    """Read all ``Prefer`` headers; values may be joined by commas, and quoted values may hold commas themselves."""
    page_size: int | None = None
    annotations: tuple[str, ...] = ()
    applied: list[str] = []
    flags: set[str] = set()
    for piece in re.findall(r'[^,"]+(?:"[^"]*")?', ",".join(headers)):
        name, _, raw = piece.strip().partition("=")
        value = raw.strip('"')
        if name == "odata.maxpagesize" and value.isdecimal() and int(value) > 0:
            page_size = min(int(value), LARGEST_PAGE)
        elif name == "odata.include-annotations":
            annotations = _names(value)
        elif name == "return" and value == "representation":
            flags.add("representation")
        elif name == "odata.continue-on-error":
            flags.add("continue")
        else:
            continue
        applied.append(piece.strip())
    return Preferences(page_size, annotations, "representation" in flags, "continue" in flags, tuple(applied))
