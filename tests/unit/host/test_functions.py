"""Bindings as the worker library reports them."""

from __future__ import annotations

from typing import Any

import pytest

from local.host.config import ConfigError
from local.host.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger, parse_function

HTTP_OUT = {"type": "http", "name": "$return", "direction": "OUT"}


def parsed(*bindings: dict[str, Any]) -> Function:
    """A function named f with these bindings."""
    return parse_function("f", "id", bindings)


def test_an_http_function_without_route_is_reached_by_its_name_with_a_function_key() -> None:
    trigger = parsed({"type": "httpTrigger", "name": "req"}, HTTP_OUT).trigger
    assert trigger == HttpTrigger("req", "f", frozenset(), "function", "$return")


def test_methods_and_level_are_compared_without_case() -> None:
    binding = {"type": "httpTrigger", "name": "req", "route": "x", "methods": ["get"], "authLevel": "ANONYMOUS"}
    assert parsed(binding, HTTP_OUT).trigger == HttpTrigger("req", "x", frozenset({"GET"}), "anonymous", "$return")


def test_queue_and_timer_triggers_have_azures_defaults() -> None:
    queue = {"type": "queueTrigger", "name": "msg", "queueName": "%Q%", "connection": "Hub"}
    timer = {"type": "timerTrigger", "name": "tm", "schedule": "%S%"}
    assert parsed(queue).trigger == QueueTrigger("msg", "%Q%", "Hub", binary=False)
    assert parsed(timer).trigger == TimerTrigger("tm", "%S%", run_on_startup=False, use_monitor=True)
    startup = {**timer, "runOnStartup": True, "useMonitor": False}
    assert parsed(startup).trigger == TimerTrigger("tm", "%S%", run_on_startup=True, use_monitor=False)


@pytest.mark.parametrize(
    "bindings",
    [
        [],
        [{"type": "blobTrigger", "name": "b"}],
        [{"type": "timerTrigger", "name": "t", "schedule": "x"}, {"type": "queue", "name": "q", "direction": "OUT"}],
        [{"type": "httpTrigger", "name": "r", "authLevel": "system"}],
    ],
)
def test_what_is_not_emulated_is_refused(bindings: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigError):
        parsed(*bindings)
