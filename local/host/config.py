"""``host.json`` and app settings, read once and checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.azurite import connection_string

_TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2}(?:\.\d{1,7})?))?"
)
_SETTING = re.compile(r"%([^%\s]+)%")
_LARGEST_BATCH = 32
# App settings of this name override values of host.json: AzureFunctionsJobHost__extensions__queues__batchSize.
_OVERRIDE = "AzureFunctionsJobHost__"
_LEVELS = {
    "trace": "DEBUG", "debug": "DEBUG", "information": "INFO", "warning": "WARNING",
    "error": "ERROR", "critical": "CRITICAL", "none": "CRITICAL",
}  # fmt: skip


class ConfigError(Exception):
    """The app cannot be served as it is configured; the text says what to change."""


def parse_timespan(text: str) -> float:
    """Seconds of a .NET TimeSpan ``[d.]hh:mm[:ss[.fraction]]``.

    Hours end at 23: .NET reads ``24:00:00`` as 24 *days*, which nobody means, so it is refused.
    """
    match = _TIMESPAN.fullmatch(text.strip())
    if not match:
        raise ConfigError(f"{text!r} is not a time span; write hh:mm:ss or d.hh:mm:ss")
    days, hours, minutes = (int(match[name] or 0) for name in ("days", "hours", "minutes"))
    seconds = float(match["seconds"] or 0)
    if hours > 23 or minutes > 59 or seconds >= 60:
        raise ConfigError(
            f"{text!r} is out of range: hours go to 23, minutes and seconds to 59; write days as d.hh:mm:ss"
        )
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


@dataclass(frozen=True)
class QueueOptions:
    """``extensions.queues``. Defaults are the extension's own, on an instance with one core."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_polling_interval_seconds: float = 60.0
    visibility_timeout_seconds: float = 0.0
    max_dequeue_count: int = 5
    base64: bool = True


@dataclass(frozen=True)
class HostConfig:
    """``host.json``, as far as this host heeds it. No ``function_timeout_seconds`` means unbounded."""

    route_prefix: str = "api"
    function_timeout_seconds: float | None = 1800.0
    log_level: str = "INFO"
    queues: QueueOptions = QueueOptions()

    @classmethod
    def load(cls, app_dir: Path, settings: Mapping[str, str] | None = None) -> HostConfig:
        """Read ``host.json`` of this app; app settings may override its values. ConfigError where it is missing or wrong."""
        path = app_dir / "host.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"no host.json in {app_dir}") from error
        except ValueError as error:
            raise ConfigError(f"host.json is not JSON: {error}") from error
        return cls.parse(overridden(document, settings or {}))

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> HostConfig:
        """A checked configuration from the JSON of ``host.json``."""
        if document.get("version") != "2.0":
            raise ConfigError('host.json must say "version": "2.0"')
        extensions = document.get("extensions", {})
        timeout = document.get("functionTimeout", "00:30:00")
        level = str(document.get("logging", {}).get("logLevel", {}).get("default", "Information")).lower()
        if level not in _LEVELS:
            raise ConfigError(f"logging.logLevel.default {level!r} is not one of {', '.join(_LEVELS)}")
        return cls(
            route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
            function_timeout_seconds=None if timeout == "-1" else parse_timespan(timeout),
            log_level=_LEVELS[level],
            queues=_queue_options(extensions.get("queues", {})),
        )


def overridden(document: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """``host.json`` with the values that app settings give instead, as "Override host.json values" in Azure's docs."""
    result: dict[str, Any] = json.loads(json.dumps(document))
    for name, value in settings.items():
        if not name.startswith(_OVERRIDE):
            continue
        *path, last = name.removeprefix(_OVERRIDE).split("__")
        place = result
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return result


def _queue_options(document: Mapping[str, Any]) -> QueueOptions:
    batch_size = int(document.get("batchSize", QueueOptions.batch_size))
    if not 1 <= batch_size <= _LARGEST_BATCH:
        raise ConfigError(f"extensions.queues.batchSize must be 1 to {_LARGEST_BATCH}")
    threshold = int(document.get("newBatchThreshold", batch_size // 2))
    dequeue_count = int(document.get("maxDequeueCount", QueueOptions.max_dequeue_count))
    if threshold < 0 or dequeue_count < 1:
        raise ConfigError("extensions.queues: newBatchThreshold is 0 or more, maxDequeueCount 1 or more")
    encoding = str(document.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise ConfigError("extensions.queues.messageEncoding must be base64 or none")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=threshold,
        max_polling_interval_seconds=parse_timespan(document.get("maxPollingInterval", "00:01:00")),
        visibility_timeout_seconds=parse_timespan(document.get("visibilityTimeout", "00:00:00")),
        max_dequeue_count=dequeue_count,
        base64=encoding == "base64",
    )


@dataclass(frozen=True)
class Settings:
    """App settings: what Azure would put into the environment of host and workers."""

    values: Mapping[str, str]

    @classmethod
    def load(cls, environment: Mapping[str, str], file: Path | None) -> Settings:
        """The environment, overlaid by a settings file: flat, or with ``Values`` as in local.settings.json."""
        if file is None:
            return cls(dict(environment))
        document = json.loads(file.read_text(encoding="utf-8"))
        values = document.get("Values", document)
        wrong = [name for name, value in values.items() if not isinstance(value, str)]
        if wrong:
            raise ConfigError(f"settings must be strings: {', '.join(wrong)}")
        return cls({**environment, **values})

    def resolve(self, text: str) -> str:
        """The text with every ``%NAME%`` replaced by that setting. Raises ConfigError for a name that is not set."""

        def value(match: re.Match[str]) -> str:
            if match[1] not in self.values:
                raise ConfigError(f"the setting {match[1]} is used as {match[0]} but not set")
            return self.values[match[1]]

        return _SETTING.sub(value, text)

    def seconds(self, name: str, default: float) -> float:
        """A setting that is a number of seconds."""
        try:
            seconds = float(self.values.get(name, default))
        except ValueError as error:
            raise ConfigError(f"the setting {name} must be a number of seconds") from error
        if seconds <= 0:
            raise ConfigError(f"the setting {name} must be more than 0")
        return seconds

    def connection(self, name: str) -> str:
        """The storage connection string behind a binding's ``connection``.

        As in the WebJobs SDK, ``AzureWebJobs<name>`` is tried before ``<name>``. Raises ConfigError without either.
        """
        name = name or "AzureWebJobsStorage"
        text = self.values.get(f"AzureWebJobs{name}") or self.values.get(name)
        if not text:
            raise ConfigError(f"the setting {name} must hold a storage connection string (identities are not emulated)")
        if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
            return connection_string(10000, 10001, 10002)
        return text

    def disabled(self, function: str) -> bool:
        """Whether ``AzureWebJobs.<function>.Disabled`` is on."""
        return self.values.get(f"AzureWebJobs.{function}.Disabled", "").strip().lower() in {"1", "true"}

    def host_id(self, app_dir: Path) -> str:
        """The name that instances of one app share in storage: a setting, else made from the app's path."""
        given = self.values.get("AzureFunctionsWebHost__hostid")
        return given or f"local{hashlib.sha256(str(app_dir.resolve()).encode()).hexdigest()[:24]}"
