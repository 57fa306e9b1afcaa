"""Route templates as ASP.NET routing reads them: literals, ``{name}``, ``{name:constraint?}``, ``{*rest}``.

Matching ignores case and one trailing slash. A parameter may carry several constraints (``{id:int:min(1)}``), may be
optional at the end (``{id?}``, ``{id=5}``), and a catch-all takes the rest, slashes included.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote
from uuid import UUID

from local.host.config import ConfigError

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\([^)]*\))?)*)(?:=(?P<default>[^{}?]*))?(?P<optional>\??)\}"
)
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^)]*)\))?")

type Check = Callable[[str], bool]


def _parses(parser: Callable[[str], object]) -> Check:
    def check(value: str) -> bool:
        try:
            parser(value)
        except ValueError:
            return False
        return True

    return check


def _integer(bits: int) -> Check:
    limit = 1 << (bits - 1)
    return lambda value: bool(re.fullmatch(r"[+-]?[0-9]+", value)) and -limit <= int(value) < limit


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_PLAIN: dict[str, Check] = {
    "int": _integer(32),
    "long": _integer(64),
    "guid": _parses(UUID),
    "alpha": lambda value: bool(re.fullmatch(r"[A-Za-z]*", value)),
    "bool": lambda value: value.lower() in {"true", "false"},
    "datetime": _parses(datetime.fromisoformat),
    "decimal": lambda value: bool(_NUMBER.fullmatch(value)),
    "double": lambda value: bool(_NUMBER.fullmatch(value)),
    "float": lambda value: bool(_NUMBER.fullmatch(value)),
    "required": bool,
}

_WITH_NUMBERS: dict[tuple[str, int], Callable[[list[int], str], bool]] = {
    ("minlength", 1): lambda n, value: len(value) >= n[0],
    ("maxlength", 1): lambda n, value: len(value) <= n[0],
    ("length", 1): lambda n, value: len(value) == n[0],
    ("length", 2): lambda n, value: n[0] <= len(value) <= n[1],
    ("min", 1): lambda n, value: _PLAIN["long"](value) and int(value) >= n[0],
    ("max", 1): lambda n, value: _PLAIN["long"](value) and int(value) <= n[0],
    ("range", 2): lambda n, value: _PLAIN["long"](value) and n[0] <= int(value) <= n[1],
}


def _check(name: str, arguments: str | None) -> Check:
    if arguments is None and name in _PLAIN:
        return _PLAIN[name]
    if arguments is not None and name == "regex":
        pattern = re.compile(arguments, re.IGNORECASE)
        return lambda value: bool(pattern.search(value))
    try:
        numbers = [int(part) for part in (arguments or "").split(",")]
        test = _WITH_NUMBERS[name, len(numbers)]
    except (ValueError, KeyError) as error:
        raise ConfigError(f"the route constraint {name!r} is not known or has wrong arguments") from error
    return lambda value: test(numbers, value)


@dataclass(frozen=True)
class Route:
    """One compiled template."""

    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Check], ...]
    defaults: dict[str, str]

    def match(self, path: str) -> dict[str, str] | None:
        """The route's parameters if the path fits, absent optional ones left out; None if it does not."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        if any(name in values and not check(values[name]) for name, check in self.checks):
            return None
        return {**self.defaults, **values}


def compile_route(prefix: str, template: str) -> Route:
    """A template under the app's route prefix. Raises ConfigError where it cannot be read.

    A leading slash is refused under a prefix, as the host does.
    """
    if prefix and template.startswith("/"):
        raise ConfigError(f"the route {template!r} must not start with a slash under the prefix {prefix!r}")
    pattern = ""
    checks: list[tuple[str, Check]] = []
    defaults: dict[str, str] = {}
    for segment in f"{prefix}/{template}".strip("/").split("/"):
        pattern += _segment(segment, checks, defaults)
    return Route(re.compile(pattern + "/?", re.IGNORECASE), tuple(checks), defaults)


def _segment(text: str, checks: list[tuple[str, Check]], defaults: dict[str, str]) -> str:
    pattern, position, may_be_absent = "", 0, False
    for found in _PARAMETER.finditer(text):
        pattern += _literal(text[position : found.start()])
        position = found.end()
        checks += [(found["name"], _check(name, arguments or None)) for name, arguments in _constraints(found)]
        if found["default"] is not None:
            defaults[found["name"]] = found["default"]
        optional = bool(found["optional"] or found["star"] or found["default"] is not None)
        may_be_absent = optional and found.group() == text
        pattern += f"(?P<{found['name']}>{'.*' if found['star'] else '[^/]+?'})" + ("?" if optional else "")
    pattern += _literal(text[position:])
    return f"(?:/{pattern})?" if may_be_absent else f"/{pattern}"


def _constraints(found: re.Match[str]) -> list[tuple[str, str | None]]:
    return [(name.lower(), arguments) for name, arguments in _CONSTRAINT.findall(found["constraints"])]


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise ConfigError(f"the route part {text!r} cannot be read")
    return re.escape(text)


def routing_path(raw_path: str) -> str:
    """The path that routes are matched against: decoded once, but an encoded slash stays encoded (as in ASP.NET)."""
    return unquote(re.sub("%2[fF]", "%252F", raw_path.partition("?")[0]))
