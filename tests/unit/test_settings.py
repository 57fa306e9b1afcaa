"""App settings: what is wrong is told at once, by name, and no secret is ever shown."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Misconfigured
from shared.settings import AppSettings
from shared.telemetry import Destinations
from shared.times import Times

SAMPLE = json.loads((Path(__file__).parents[2] / "local.settings.sample.json").read_text())["Values"]
PLATFORM = {"FUNCTIONS_WORKER_RUNTIME"}
SECRETS = {
    "AzureWebJobsStorage": "AccountKey=hush-storage",
    "SAP_PASSWORD": "hush-sap",
    "DATAVERSE_CLIENT_SECRET": "hush-dataverse",
    "HUB_FINGERPRINT_KEY": "hush-fingerprint-key",
    "HUB_TOKEN_KEY": "hush-token-key-of-ours",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=00000000-0000-0000-0000-000000000001;Hush=hush",
    "HUB_ADMIN_KEY": "hush-admin-key-of-ours",
}


def read(**changes: str | None) -> AppSettings:
    return AppSettings.from_environment({k: v for k, v in {**SAMPLE, **changes}.items() if v is not None})


def refused(**changes: str | None) -> Misconfigured:
    with pytest.raises(Misconfigured) as found:
        read(**changes)
    return found.value


def test_the_sample_lists_every_setting_and_no_other() -> None:
    named = {pattern.replace("<NAME>", "DEMO") for pattern in AppSettings.patterns()}
    assert set(SAMPLE) - PLATFORM == {*AppSettings.names(), *named}


def test_the_sample_is_complete_and_shows_the_defaults() -> None:
    settings = read()
    for name, field in AppSettings.model_fields.items():
        if field.alias is None or name == "sap_timezone":
            continue
        if not field.is_required() and SAMPLE[field.alias] and field.default is not None:
            assert getattr(settings, name) == field.default
    assert settings.times == Times()


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(Misconfigured) as found:
        AppSettings.from_environment({"UNRELATED": "x", "SAP_USER": "  "})
    assert set(found.value.fields) == {
        "SAP_BASE_URL", "SAP_COMPANY_DB", "SAP_USER", "SAP_PASSWORD",
        "AzureWebJobsStorage", "HUB_BASE_URL", "HUB_FINGERPRINT_KEY", "HUB_TOKEN_KEY",
    }  # fmt: skip


def test_a_company_without_dynamics_sets_nothing_of_it_and_with_it_all() -> None:
    of_dynamics = [name for name in SAMPLE if name.startswith("DATAVERSE_")]
    settings = read(**dict.fromkeys(of_dynamics))
    assert settings.dataverse_url is None
    half = refused(**{name: None for name in of_dynamics if name != "DATAVERSE_CLIENT_ID"})
    assert set(half.fields) == {"DATAVERSE_URL", "DATAVERSE_TENANT_ID", "DATAVERSE_CLIENT_SECRET"}


def test_a_connection_to_tagrain_is_an_address_and_a_key() -> None:
    settings = read(TAGRAIN_NORD_URL="https://tills.example.com", TAGRAIN_NORD_API_KEY="hush-tills")
    assert set(settings.tagrain) == {"DEMO", "NORD"}
    assert "hush-tills" not in repr(settings)
    assert refused(TAGRAIN_NORD_URL="https://tills.example.com").fields == ("TAGRAIN_NORD_API_KEY",)
    assert refused(TAGRAIN_NORD_API_KEY="hush-tills").fields == ("TAGRAIN_NORD_URL",)
    assert refused(TAGRAIN_DEMO_URL="http://tills.example.com").fields == ("TAGRAIN_DEMO_URL",)


def test_names_of_connections_are_in_capitals() -> None:
    error = refused(TAGRAIN_nord_URL="https://tills.example.com", TAGRAIN_nord_API_KEY="hush-tills")
    assert set(error.fields) == {"TAGRAIN_nord_URL", "TAGRAIN_nord_API_KEY"}
    assert "capitals" in error.text
    assert refused(TAGRAIN_DEMO_API_KEY="two words").fields == ("TAGRAIN_DEMO_API_KEY",)
    assert set(read(TAGRAIN_A_1_URL="https://x.example", TAGRAIN_A_1_API_KEY="k").tagrain) == {"DEMO", "A_1"}


def test_the_readme_lists_the_names_that_hold_a_name_of_the_admins_choice() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert all(f"`{pattern}`" in readme for pattern in AppSettings.patterns())


def test_storage_and_dataverse_need_one_way_in_each() -> None:
    assert "AzureWebJobsStorage" in refused(AzureWebJobsStorage="").text
    assert (
        "queueServiceUri"
        in refused(AzureWebJobsStorage="", AzureWebJobsStorage__tableServiceUri="https://x.table.core.windows.net").text
    )
    assert "DATAVERSE_CLIENT_SECRET or DATAVERSE_CERTIFICATE" in refused(DATAVERSE_CLIENT_SECRET="").text
    assert "both set" in refused(DATAVERSE_CERTIFICATE="pem").text
    assert "remove one" in refused(DATAVERSE_MANAGED_IDENTITY_CLIENT_ID="system").text


def test_identities_need_no_secret() -> None:
    settings = read(
        AzureWebJobsStorage="",
        AzureWebJobsStorage__tableServiceUri="https://x.table.core.windows.net/",
        AzureWebJobsStorage__queueServiceUri="https://x.queue.core.windows.net",
        DATAVERSE_TENANT_ID="", DATAVERSE_CLIENT_ID="", DATAVERSE_CLIENT_SECRET="",
        DATAVERSE_MANAGED_IDENTITY_CLIENT_ID="system",
    )  # fmt: skip
    assert settings.storage_connection_string == ""
    assert settings.storage_table_url == "https://x.table.core.windows.net"
    assert settings.dataverse_managed_identity == "system"


@pytest.mark.parametrize("name", [name for name in SAMPLE if name not in PLATFORM])
def test_an_unresolved_key_vault_reference_is_named_whatever_setting_it_is_in(name: str) -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://vault.example.com/secrets/secret-name/)"
    error = refused(**{name: reference})
    assert error.fields == (name,)
    assert name in error.text
    assert "secret-name" not in error.text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SAP_BASE_URL", "sap.example.com", "https://"),
        ("SAP_BASE_URL", "http://sap.example.com:50000/b1s/v2", "https://"),
        ("DATAVERSE_URL", "ftp://x", "https://"),
        ("HUB_BASE_URL", "https://x/api?code=hush", "absolute"),
        ("SAP_TIMEZONE", "Atlantis", "IANA"),
        ("SAP_CONCURRENCY", "0", "greater than or equal to 1"),
        ("SAP_CONCURRENCY", "many", "integer"),
        ("HUB_SLICE_SIZE", "1001", "1000"),
        ("HUB_FINGERPRINT_KEY", "too-short", "16 bytes"),
        ("HUB_TOKEN_KEY", base64.b64encode(b"x" * 8).decode(), "16 bytes"),
        ("HUB_ADMIN_KEY", "too-short", "16 bytes"),
        ("HUB_ADMIN_KEY", "a pass phrase of ours", "one word"),
        ("HUB_EASY_AUTH", "perhaps", "boolean"),
        ("HUB_TRACE_RATIO", "1.01", "less than or equal to 1"),
        ("HUB_TRACE_RATIO", "-0.5", "greater than or equal to 0"),
        ("HUB_TRACE_RATIO", "nan", "finite"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "https://in.example", "InstrumentationKey"),
        ("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "ClientId=7", "Authorization=AAD"),
        ("HUB_TIMES", "{", "JSON"),
        ("HUB_TIMES", '{"overlap": -1}', "overlap"),
        ("HUB_TIMES", '{"owerlap": 1}', "owerlap"),
        ("HUB_TIMES", "[]", "HUB_TIMES"),
        ("HUB_TIMES", '{"claim_expiry": 100}', "claim_expiry must be longer than request_longest"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_by_its_setting_and_not_shown(name: str, value: str, said: str) -> None:
    error = refused(**{name: value})
    assert name in error.text
    assert said in error.text
    assert name in error.fields
    if len(value) > 5 and name != "HUB_TIMES":
        assert value not in error.text


def test_no_secret_is_shown_by_repr_dump_or_error() -> None:
    settings = read(**SECRETS)
    for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hush" not in text
    for name in ("SAP_BASE_URL", "HUB_TIMES", "DATAVERSE_TENANT_ID"):
        error = refused(**SECRETS, **{name: "" if name != "HUB_TIMES" else "{"})
        assert "hush" not in repr(error) + str(error) + str(error.__cause__) + str(error.fields)
    short = refused(HUB_TOKEN_KEY="hush")
    assert "hush" not in str(short) + repr(short.__cause__)


def test_settings_cannot_be_changed() -> None:
    settings: Any = read()
    with pytest.raises(ValueError, match="frozen"):
        settings.sap_user = "other"


@given(st.binary(min_size=16, max_size=64))
def test_a_key_may_be_base64_of_any_bytes(key: bytes) -> None:
    assert read(HUB_FINGERPRINT_KEY=base64.b64encode(key).decode()).fingerprint_key == key


def test_a_key_may_be_plain_text() -> None:
    assert read(HUB_TOKEN_KEY="a pass phrase of ours").token_key == b"a pass phrase of ours"


def test_callers_are_believed_to_be_signed_in_only_where_that_is_said() -> None:
    assert [read(HUB_EASY_AUTH=text).hub_easy_auth for text in (None, "", "false", "True", "true")] == [
        False, False, False, True, True,
    ]  # fmt: skip


def test_the_admin_key_is_compared_as_it_is_sent() -> None:
    text = base64.b64encode(b"an admin key of ours").decode()
    assert read(HUB_ADMIN_KEY=text).admin_key == text.encode()
    assert read(HUB_ADMIN_KEY="").admin_key == b""


def test_telemetry_goes_nowhere_unless_it_is_said_where() -> None:
    assert read().telemetry == Destinations()
    assert read(HUB_TELEMETRY_FILE="told.jsonl", HUB_TRACE_RATIO="0.1").telemetry == Destinations(
        file="told.jsonl", ratio=0.1
    )


def test_application_insights_is_entered_by_its_string_or_as_an_identity() -> None:
    text = SECRETS["APPLICATIONINSIGHTS_CONNECTION_STRING"]
    client = "00000000-0000-0000-0000-000000000002"
    for authentication, entered in [
        ("", None),
        ("Authorization=AAD", ""),
        (f"Authorization=AAD;ClientId={client}", client),
    ]:
        settings = read(
            APPLICATIONINSIGHTS_CONNECTION_STRING=text, APPLICATIONINSIGHTS_AUTHENTICATION_STRING=authentication
        )
        assert settings.telemetry == Destinations(text, entered)
    assert "hush" not in repr(settings.telemetry).lower()


def test_the_short_form_for_the_emulator_is_spelled_out() -> None:
    assert "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1" in read().storage_connection_string
    assert read(AzureWebJobsStorage="AccountKey=x").storage_connection_string == "AccountKey=x"


def test_a_certificate_may_have_its_line_ends_escaped() -> None:
    settings = read(DATAVERSE_CLIENT_SECRET="", DATAVERSE_CERTIFICATE="-----BEGIN\\nabc\\n-----END")
    assert settings.certificate_pem == "-----BEGIN\nabc\n-----END"


def test_single_times_are_changed_and_keep_their_order() -> None:
    assert read(HUB_TIMES='{"overlap": 60}').times == Times(overlap=60)
    assert [Times().delay(n) for n in (0, 1, 2, 3, 8, 99)] == [30, 30, 60, 120, 3600, 3600]
    assert Times().request_longest == 130
