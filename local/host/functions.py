"""What the worker library says about the functions of an app, as typed triggers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.host.config import ConfigError

AUTH_LEVELS = ("anonymous", "function", "admin")


@dataclass(frozen=True)
class HttpTrigger:
    """Called by a request. No ``methods`` means any; ``output`` is the name of the response binding."""

    argument: str
    route: str
    methods: frozenset[str]
    auth_level: str
    output: str


@dataclass(frozen=True)
class QueueTrigger:
    """Called by a message. ``queue`` may still hold ``%SETTING%``."""

    argument: str
    queue: str
    connection: str
    binary: bool


@dataclass(frozen=True)
class TimerTrigger:
    """Called by the clock. ``schedule`` may still hold ``%SETTING%``."""

    argument: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool


type Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True)
class Function:
    """One function of the app; ``id`` is the worker library's own."""

    name: str
    id: str
    trigger: Trigger


def parse_function(name: str, function_id: str, bindings: Iterable[Mapping[str, Any]]) -> Function:
    """A function from its bindings. Raises ConfigError for a trigger or binding that is not emulated."""
    trigger: Mapping[str, Any] | None = None
    output = ""
    for binding in bindings:
        if str(binding["type"]).lower().endswith("trigger"):
            trigger = binding
        elif str(binding["type"]).lower() == "http":
            output = str(binding["name"])
        else:
            raise ConfigError(f"function {name}: the binding {binding['type']} is not emulated")
    if trigger is None:
        raise ConfigError(f"function {name} has no trigger")
    return Function(name, function_id, _trigger(name, trigger, output))


def _trigger(name: str, binding: Mapping[str, Any], output: str) -> Trigger:
    argument = str(binding["name"])
    match str(binding["type"]).lower():
        case "httptrigger":
            level = str(binding.get("authLevel") or "function").lower()
            if level not in AUTH_LEVELS:
                raise ConfigError(f"function {name}: authLevel {level!r} is not one of {', '.join(AUTH_LEVELS)}")
            methods = frozenset(str(method).upper() for method in binding.get("methods") or ())
            return HttpTrigger(argument, str(binding.get("route") or name), methods, level, output)
        case "queuetrigger":
            binary = str(binding.get("dataType") or "").lower() in {"binary", "2"}
            return QueueTrigger(argument, str(binding["queueName"]), str(binding.get("connection") or ""), binary)
        case "timertrigger":
            run_on_startup = _flag(binding.get("runOnStartup"), default=False)
            use_monitor = _flag(binding.get("useMonitor"), default=True)
            return TimerTrigger(argument, str(binding["schedule"]), run_on_startup, use_monitor)
        case other:
            raise ConfigError(f"function {name}: the trigger {other} is not emulated")


def _flag(value: object, *, default: bool) -> bool:
    return default if value is None else str(value).lower() == "true"
