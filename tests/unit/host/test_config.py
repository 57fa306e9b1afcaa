"""host.json and app settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.azurite import connection_string
from local.host.app import worker_count
from local.host.config import ConfigError, HostConfig, QueueOptions, Settings, parse_timespan


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:01", 1.0), ("00:01", 60.0), ("01:02:03.5", 3723.5), ("2.00:00:00", 172800.0), ("23:59:59", 86399.0)],
)
def test_a_time_span_is_read_as_dotnet_reads_it(text: str, seconds: float) -> None:
    assert parse_timespan(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "24:00:00", "00:60:00", "00:00:60", "-00:00:01", "1:2:3:4", "x"])
def test_a_time_span_that_means_something_else_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_timespan(text)


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_time_span_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}.{hours:02}:{minutes:02}:{seconds:02}"
    assert parse_timespan(text) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def test_without_extensions_the_defaults_are_those_of_azure() -> None:
    config = HostConfig.parse({"version": "2.0"})
    assert config == HostConfig("api", 1800.0, "INFO", QueueOptions(16, 8, 60.0, 0.0, 5, True))


def test_every_option_of_host_json_is_heeded() -> None:
    queues = {
        "batchSize": 4, "newBatchThreshold": 1, "maxPollingInterval": "00:00:02",
        "visibilityTimeout": "00:00:03", "maxDequeueCount": 2, "messageEncoding": "none",
    }  # fmt: skip
    document = {
        "version": "2.0",
        "functionTimeout": "-1",
        "logging": {"logLevel": {"default": "Warning"}},
        "extensions": {"http": {"routePrefix": ""}, "queues": queues},
    }
    assert HostConfig.parse(document) == HostConfig("", None, "WARNING", QueueOptions(4, 1, 2.0, 3.0, 2, False))


def test_app_settings_override_single_values_of_host_json(tmp_path: Path) -> None:
    document = {"version": "2.0", "extensions": {"queues": {"batchSize": 4, "visibilityTimeout": "00:00:10"}}}
    (tmp_path / "host.json").write_text(json.dumps(document))
    settings = {
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
        "AzureFunctionsJobHost__functionTimeout": "00:01:00",
    }
    config = HostConfig.load(tmp_path, settings)
    assert (config.queues.visibility_timeout_seconds, config.function_timeout_seconds) == (1.0, 60.0)
    assert config.queues.batch_size == 4


def test_the_threshold_for_a_new_batch_is_half_a_batch_unless_given() -> None:
    document = {"version": "2.0", "extensions": {"queues": {"batchSize": 10}}}
    assert HostConfig.parse(document).queues.new_batch_threshold == 5


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": "1.0"},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 33}}},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 0}}},
        {"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 0}}},
        {"version": "2.0", "extensions": {"queues": {"newBatchThreshold": -1}}},
        {"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}},
        {"version": "2.0", "functionTimeout": "soon"},
        {"version": "2.0", "logging": {"logLevel": {"default": "loud"}}},
    ],
)
def test_a_wrong_host_json_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        HostConfig.parse(document)


def test_a_missing_or_broken_host_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no host\.json"):
        HostConfig.load(tmp_path)
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        HostConfig.load(tmp_path)


def test_a_settings_file_overlays_the_environment(tmp_path: Path) -> None:
    flat, nested = tmp_path / "flat.json", tmp_path / "nested.json"
    flat.write_text(json.dumps({"A": "file"}))
    nested.write_text(json.dumps({"IsEncrypted": False, "Values": {"A": "file"}}))
    for file in (flat, nested):
        assert Settings.load({"A": "environment", "B": "b"}, file).values == {"A": "file", "B": "b"}
    assert Settings.load({"A": "environment"}, None).values == {"A": "environment"}


def test_a_setting_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"COUNT": 5}))
    with pytest.raises(ConfigError, match="COUNT"):
        Settings.load({}, file)


def test_names_between_percent_signs_are_replaced_and_missing_ones_named() -> None:
    settings = Settings({"NAME": "runs"})
    assert settings.resolve("%NAME%-x") == "runs-x"
    with pytest.raises(ConfigError, match="OTHER"):
        settings.resolve("%OTHER%")


def test_a_connection_is_looked_up_with_and_without_the_prefix() -> None:
    settings = Settings({"AzureWebJobsHub": "one", "Hub": "two", "AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    assert settings.connection("Hub") == "one"
    assert settings.connection("") == connection_string(10000, 10001, 10002)
    with pytest.raises(ConfigError, match="Missing"):
        settings.connection("Missing")


@pytest.mark.parametrize(
    ("value", "disabled"), [("true", True), ("1", True), ("True", True), ("false", False), ("", False)]
)
def test_a_function_is_disabled_by_its_setting(value: str, disabled: bool) -> None:
    assert Settings({"AzureWebJobs.tick.Disabled": value}).disabled("tick") is disabled


def test_instances_of_one_app_share_their_id_and_other_apps_have_another(tmp_path: Path) -> None:
    settings = Settings({})
    assert settings.host_id(tmp_path) == settings.host_id(tmp_path / "x" / "..")
    assert settings.host_id(tmp_path) != settings.host_id(tmp_path / "x")
    assert Settings({"AzureFunctionsWebHost__hostid": "me"}).host_id(tmp_path) == "me"


def test_seconds_must_be_a_number_above_zero() -> None:
    assert Settings({"S": "1.5"}).seconds("S", 9) == 1.5
    assert Settings({}).seconds("S", 9) == 9
    for wrong in ("x", "0", "-1"):
        with pytest.raises(ConfigError):
            Settings({"S": wrong}).seconds("S", 9)


def test_the_number_of_workers_has_the_limit_of_the_platform() -> None:
    assert worker_count({}) == 1
    assert worker_count({"FUNCTIONS_WORKER_PROCESS_COUNT": "10"}) == 10
    for wrong in ("0", "11", "two"):
        with pytest.raises(ConfigError):
            worker_count({"FUNCTIONS_WORKER_PROCESS_COUNT": wrong})
