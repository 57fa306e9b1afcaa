"""The app settings: one frozen model, read once from the environment. README and local.settings.sample.json list them.

Nothing else in the hub reads the environment. What is wrong is told at once, by the settings' names, never with a
value; an empty value counts as none.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from shared.errors import Misconfigured
from shared.telemetry import Destinations
from shared.times import Times

_TAGRAIN = re.compile(r"TAGRAIN_(.+)_(URL|API_KEY)", re.IGNORECASE)
_CONNECTION = re.compile(r"[A-Z][A-Z0-9_]{0,30}")
_AUTHENTICATION = re.compile(r"Authorization=AAD(?:;ClientId=([0-9A-Fa-f-]{36}))?;?")
_INSTRUMENTATION_KEY = re.compile(
    r"(?:^|;)InstrumentationKey=[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?:;|$)"
)
# What says that Dataverse is used at all: a national cloud's authority or a CA bundle alone say nothing.
_DATAVERSE = (
    "DATAVERSE_URL",
    "DATAVERSE_TENANT_ID",
    "DATAVERSE_CLIENT_ID",
    "DATAVERSE_CLIENT_SECRET",
    "DATAVERSE_CERTIFICATE",
    "DATAVERSE_MANAGED_IDENTITY_CLIENT_ID",
)
_UNRESOLVED = "@microsoft.keyvault("
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LEAST_KEY_BYTES = 16
_DEVELOPMENT = "UseDevelopmentStorage=true"
# What that means, spelled out: the Python SDK for tables does not know the short form. The key is everyone's.
_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


def _url(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in ("https", "http") or not address.hostname or address.query or address.fragment:
        raise ValueError("must be an absolute URL that begins with https://")
    if address.scheme == "http" and address.hostname not in _LOOPBACK:
        raise ValueError("must begin with https://")
    return text.rstrip("/")


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        raise ValueError('must be an IANA time zone like "Europe/Berlin"') from None
    return text


def _key(secret: SecretStr) -> SecretStr:
    if len(key_bytes(secret)) < _LEAST_KEY_BYTES:
        raise ValueError(f"must be at least {_LEAST_KEY_BYTES} bytes, as base64 or text")
    return secret


def _header(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of ASCII letters, digits and signs")
    return secret


def key_bytes(secret: SecretStr) -> bytes:
    """A key's bytes: of its base64 where it is that and long enough, else of the text itself."""
    text = secret.get_secret_value()
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
    return decoded if len(decoded) >= _LEAST_KEY_BYTES else text.encode()


def _insights_connection(secret: SecretStr) -> SecretStr:
    if not _INSTRUMENTATION_KEY.search(secret.get_secret_value()):
        raise ValueError("must be the connection string of Application Insights (InstrumentationKey=…)")
    return secret


def _insights(text: str) -> str:
    if not _AUTHENTICATION.fullmatch(text):
        raise ValueError("must be Authorization=AAD, or Authorization=AAD;ClientId=<client id of an identity>")
    return text


type Url = Annotated[str, AfterValidator(_url)]
type Zone = Annotated[str, AfterValidator(_zone)]
type Key = Annotated[SecretStr, AfterValidator(_key)]
type ApiKey = Annotated[SecretStr, AfterValidator(_header)]
type InsightsConnection = Annotated[SecretStr, AfterValidator(_insights_connection)]
type Insights = Annotated[str, AfterValidator(_insights)]
type HeaderKey = Annotated[SecretStr, AfterValidator(_header), AfterValidator(_key)]


class TagrainConnection(BaseModel):
    """One account of Tagrain: where the contract is served and the key to it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    url: Url = Field(alias="URL")
    api_key: ApiKey = Field(alias="API_KEY")


class AppSettings(BaseModel):
    """Every app setting; a field's alias is its name in the environment.

    Storage is a connection string or addresses with an identity. Dataverse is reached as a managed identity ("system"
    or a client id) or as an app registration with a secret or a certificate (PEM, key and certificate together);
    without any of its settings there is none. Of Tagrain there may be several connections, each a pair of settings
    whose names hold its name (:meth:`patterns`).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    storage_connection: SecretStr | None = Field(default=None, alias="AzureWebJobsStorage")
    storage_table_url: Url | None = Field(default=None, alias="AzureWebJobsStorage__tableServiceUri")
    storage_queue_url: Url | None = Field(default=None, alias="AzureWebJobsStorage__queueServiceUri")
    storage_client_id: str | None = Field(default=None, alias="AzureWebJobsStorage__clientId")

    sap_base_url: Url = Field(alias="SAP_BASE_URL")
    sap_company_db: str = Field(alias="SAP_COMPANY_DB")
    sap_user: str = Field(alias="SAP_USER")
    sap_password: SecretStr = Field(alias="SAP_PASSWORD")
    sap_ca_bundle: str | None = Field(default=None, alias="SAP_CA_BUNDLE")
    sap_timezone: Zone = Field(default="UTC", alias="SAP_TIMEZONE")
    sap_concurrency: int = Field(default=8, ge=1, le=100, alias="SAP_CONCURRENCY")

    dataverse_url: Url | None = Field(default=None, alias="DATAVERSE_URL")
    dataverse_tenant_id: str | None = Field(default=None, alias="DATAVERSE_TENANT_ID")
    dataverse_client_id: str | None = Field(default=None, alias="DATAVERSE_CLIENT_ID")
    dataverse_client_secret: SecretStr | None = Field(default=None, alias="DATAVERSE_CLIENT_SECRET")
    dataverse_certificate: SecretStr | None = Field(default=None, alias="DATAVERSE_CERTIFICATE")
    dataverse_managed_identity: str | None = Field(default=None, alias="DATAVERSE_MANAGED_IDENTITY_CLIENT_ID")
    dataverse_authority: Url = Field(default="https://login.microsoftonline.com", alias="DATAVERSE_AUTHORITY")
    dataverse_ca_bundle: str | None = Field(default=None, alias="DATAVERSE_CA_BUNDLE")

    #: By name. Not one setting but all that :meth:`patterns` describe, so it has no alias.
    tagrain: Mapping[str, TagrainConnection] = Field(default_factory=dict)
    tagrain_ca_bundle: str | None = Field(default=None, alias="TAGRAIN_CA_BUNDLE")

    hub_base_url: Url = Field(alias="HUB_BASE_URL")
    hub_fingerprint_key: Key = Field(alias="HUB_FINGERPRINT_KEY")
    hub_token_key: Key = Field(alias="HUB_TOKEN_KEY")
    # Whether the platform signs callers in: only then is the header in which it names them believed.
    hub_easy_auth: bool = Field(default=False, alias="HUB_EASY_AUTH")
    hub_admin_key: HeaderKey | None = Field(default=None, alias="HUB_ADMIN_KEY")
    hub_slice_size: int = Field(default=100, ge=1, le=1000, alias="HUB_SLICE_SIZE")
    hub_times: str = Field(default="", alias="HUB_TIMES")
    # Where traces, metrics and log lines go; the file is for one machine. Without either nothing is sent.
    insights_connection: InsightsConnection | None = Field(default=None, alias="APPLICATIONINSIGHTS_CONNECTION_STRING")
    insights_authentication: Insights | None = Field(default=None, alias="APPLICATIONINSIGHTS_AUTHENTICATION_STRING")
    hub_trace_ratio: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False, alias="HUB_TRACE_RATIO")
    hub_telemetry_file: str | None = Field(default=None, alias="HUB_TELEMETRY_FILE")
    # The platform itself reads these two, to fire the timers.
    schedule_tick: str = Field(default="0 */5 * * * *", alias="SCHEDULE_TICK")
    sweeper_tick: str = Field(default="0 * * * * *", alias="SWEEPER_TICK")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings; Misconfigured that names every one that is missing or wrong, and never a value."""
        names = [*cls.names(), *filter(_TAGRAIN.fullmatch, environment)]
        found = {name: environment[name].strip() for name in names if environment.get(name, "").strip()}
        unresolved = [name for name, value in found.items() if value.lower().startswith(_UNRESOLVED)]
        if unresolved:
            raise Misconfigured(
                f"Key Vault did not resolve the reference in {', '.join(unresolved)}: check that the secret exists and "
                "that the app's identity may read it, then restart the app.",
                code="key-vault",
                fields=unresolved,
            )
        connections, wrong = _connections(found)
        wrong, settings = {**wrong, **_ways_in(found)}, None
        try:
            settings = cls.model_validate({**found, "tagrain": connections})
        except ValidationError as error:
            wrong = {**_problems(error), **wrong}
        if wrong or settings is None:
            told = "; ".join(f"{name} {problem}" for name, problem in wrong.items())
            raise Misconfigured(f"The app settings are not complete: {told}.", code="settings", fields=wrong)
        _ = settings.times  # a wrong duration stops the start, not a run
        return settings

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of all settings in the environment that have a fixed name."""
        return tuple(field.alias for field in cls.model_fields.values() if field.alias)

    @classmethod
    def patterns(cls) -> tuple[str, ...]:
        """The names that hold a name of the admin's choice, ``<NAME>``: capitals, digits and underscores."""
        return ("TAGRAIN_<NAME>_URL", "TAGRAIN_<NAME>_API_KEY")

    @property
    def times(self) -> Times:
        """The durations; Misconfigured where HUB_TIMES makes no sense."""
        return Times.from_json(self.hub_times)

    @property
    def storage_connection_string(self) -> str:
        """The connection string, "" where storage is reached by identity."""
        text = self.storage_connection.get_secret_value() if self.storage_connection else ""
        return _EMULATOR if text.rstrip(";") == _DEVELOPMENT else text

    @property
    def fingerprint_key(self) -> bytes:
        """The secret that fingerprints are keyed with; a new one re-bases without writing."""
        return key_bytes(self.hub_fingerprint_key)

    @property
    def token_key(self) -> bytes:
        """The secret that tokens of run status links are signed with."""
        return key_bytes(self.hub_token_key)

    @property
    def admin_key(self) -> bytes:
        """What X-Hub-Admin-Key must equal, as it is sent; b"" where there is none."""
        return self.hub_admin_key.get_secret_value().encode() if self.hub_admin_key else b""

    @property
    def telemetry(self) -> Destinations:
        """Where telemetry goes and how much of it."""
        entered = _AUTHENTICATION.fullmatch(self.insights_authentication or "")
        return Destinations(
            connection_string=self.insights_connection.get_secret_value() if self.insights_connection else "",
            client_id=(entered[1] or "") if entered else None,
            file=self.hub_telemetry_file or "",
            ratio=self.hub_trace_ratio,
        )

    @property
    def certificate_pem(self) -> str:
        """The certificate as PEM text, "" where there is none; app settings often hold its line ends as ``\\n``."""
        text = self.dataverse_certificate.get_secret_value() if self.dataverse_certificate else ""
        return text.replace("\\n", "\n")


def _ways_in(found: Mapping[str, str]) -> dict[str, str]:
    """What keeps storage or Dataverse from being reached, by the setting to mend."""
    wrong: dict[str, str] = {}
    addresses = ("AzureWebJobsStorage__tableServiceUri", "AzureWebJobsStorage__queueServiceUri")
    if "AzureWebJobsStorage" not in found and not all(name in found for name in addresses):
        wrong["AzureWebJobsStorage"] = f"(a connection string) is missing, or {' and '.join(addresses)}"
    if not any(name in found for name in _DATAVERSE):
        return wrong
    if "DATAVERSE_URL" not in found:
        wrong["DATAVERSE_URL"] = "is missing"
    registration = [name for name in ("DATAVERSE_CLIENT_SECRET", "DATAVERSE_CERTIFICATE") if name in found]
    if "DATAVERSE_MANAGED_IDENTITY_CLIENT_ID" in found:
        if registration:
            wrong["DATAVERSE_MANAGED_IDENTITY_CLIENT_ID"] = f"needs no {' or '.join(registration)}; remove one"
        return wrong
    for name in ("DATAVERSE_TENANT_ID", "DATAVERSE_CLIENT_ID"):
        if name not in found:
            wrong[name] = "is missing (or set DATAVERSE_MANAGED_IDENTITY_CLIENT_ID)"
    if not registration:
        wrong["DATAVERSE_CLIENT_SECRET"] = "or DATAVERSE_CERTIFICATE is missing"  # noqa: S105 - a name
    elif len(registration) > 1:
        wrong["DATAVERSE_CERTIFICATE"] = "and DATAVERSE_CLIENT_SECRET are both set; remove one"
    return wrong


def _connections(found: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The pairs of Tagrain by name, and what is wrong with names, by the setting to mend."""
    connections: dict[str, dict[str, str]] = {}
    wrong: dict[str, str] = {}
    for setting, value in found.items():
        named = _TAGRAIN.fullmatch(setting)
        if named is None:
            continue
        if setting != setting.upper() or not _CONNECTION.fullmatch(named[1]):
            wrong[setting] = "must be named in capitals, digits and underscores, up to 31 for the connection"
        else:
            connections.setdefault(named[1], {})[named[2]] = value
    return connections, wrong


def _problems(error: ValidationError) -> dict[str, str]:
    """What validation found wrong, by setting; never a value."""
    wrong: list[Any] = list(error.errors(include_url=False, include_input=False))
    return {
        "_".join(map(str, one["loc"])).replace("tagrain_", "TAGRAIN_", 1): "is missing"
        if one["type"] == "missing"
        else one["msg"].removeprefix("Value error, ")
        for one in wrong
    }
