"""Logs: no value of a record, no secret, no vendor's text ever gets in."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import logs
from shared.errors import Rejected

HUSH = "hush-Müller GmbH"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a handler writes that knows nothing of us but for the filter."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    before, level = {name: logging.getLogger(name).level for name in logs._TALKATIVE}, root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logs.configure(b"a secret of the test", [handler])
    logs.configure(b"a secret of the test", [handler])
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    for name, was in before.items():
        logging.getLogger(name).setLevel(was)


def parsed(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_json_of_its_text_and_the_known_fields(lines: io.StringIO) -> None:
    logs.get("shared.x").info("slice delivered", extra={"run": "dynamics.account.1", "count": 3, "outcome": "created"})
    assert parsed(lines) == [{"text": "slice delivered", "run": "dynamics.account.1", "count": 3, "outcome": "created"}]


def test_a_records_key_is_hashed_the_same_way_every_time(lines: io.StringIO) -> None:
    log = logs.get("shared.x").bound(template="dynamics")
    for key in ("C20000", "C20000", "C30000"):
        log.warning("record failed", extra={"key": key})
    first, second, third = parsed(lines)
    assert first["key"] == second["key"] != third["key"]
    assert len(first["key"]) == 8
    assert "C20000" not in lines.getvalue()
    assert first["template"] == "dynamics"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from([*logs._FIELDS, "name_of_customer", "row", "body"]),
    value=st.sampled_from([HUSH, {"CardName": HUSH}, [HUSH], f"a@{HUSH}", (HUSH,)]),
)
def test_no_value_passes_in_whatever_field_it_comes(lines: io.StringIO, field: str, value: object) -> None:
    lines.truncate(0)
    lines.seek(0)
    logs.get("shared.x").error("it failed", extra={field: value})
    assert "hush" not in lines.getvalue()
    assert parsed(lines)[0]["text"] == "it failed"


def test_values_formatted_into_a_text_are_dropped(lines: io.StringIO) -> None:
    log = logs.get("shared.x")
    log.info("customer %s failed", HUSH)
    log.info("100% done")
    assert [line["text"] for line in parsed(lines)] == ["customer %s failed", "100% done"]


def test_quoted_text_and_addresses_in_a_message_are_masked(lines: io.StringIO) -> None:
    logs.get("shared.x").info("field 'hush' of hush@example.com is wrong")
    assert "hush" not in lines.getvalue()


def test_an_exception_is_told_by_class_code_and_place_alone(lines: io.StringIO) -> None:
    log = logs.get("shared.x")
    try:
        raise Rejected(HUSH, code="-10", system="sap") from ValueError(HUSH)
    except Rejected as error:
        log.exception("it failed")
        log.error("it failed", exc_info=error)
    for line in parsed(lines):
        assert (line["error"], line["code"], line["system"]) == ("Rejected", "-10", "sap")
        assert "test_an_exception" in line["at"][-1]
    assert "hush" not in lines.getvalue()


def test_libraries_are_quiet_and_what_they_still_say_has_no_values(lines: io.StringIO) -> None:
    for name in ("azure.core.pipeline.policies.http_logging_policy", "httpx", "msal.application", "azure.identity.aio"):
        library = logging.getLogger(name)
        library.info("Request URL: %s", f"https://x/?code={HUSH}")
        assert lines.getvalue() == ""
    logging.getLogger("httpx").warning("retrying %s", HUSH)
    logging.getLogger("azure.x").warning(f"whole URL https://x/{HUSH}")
    try:
        raise ValueError(HUSH)
    except ValueError:
        logging.getLogger("asyncio").exception("task %r failed", HUSH, stack_info=True)
    assert "hush" not in lines.getvalue()
    assert [line["logger"] for line in parsed(lines)] == ["httpx", "azure.x", "asyncio"]


def test_our_own_records_without_the_adapter_lose_their_values_too(lines: io.StringIO) -> None:
    logging.getLogger("shared.y").warning("it failed: %s", HUSH, extra={"row": HUSH})
    assert "hush" not in lines.getvalue()
