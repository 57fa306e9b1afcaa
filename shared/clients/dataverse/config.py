"""What is needed to reach one Dataverse environment, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.clients.connections import HttpTimes
from shared.errors import Misconfigured

SYSTEM = "dataverse"
PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
_LARGEST_PAGE = 5000
_LARGEST_BATCH = 1000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Certificate:
    """A client certificate: private key and public certificate, both as PEM text."""

    private_key: str = field(repr=False)
    public: str


@dataclass(frozen=True)
class DataverseConfig:
    """Address, identity and sizes. Raises Misconfigured for a setting that can not work.

    ``base_url`` is the root of the environment (``https://contoso.crm4.dynamics.com``). The identity is the managed
    identity of the app (``client_id`` set: a user-assigned one) or an app registration with secret or certificate.
    ``authority`` is the root of the sign-in service; ``instance_discovery`` lets msal ask Microsoft whether that
    authority is genuine, which needs the internet and is off. ``ca_bundle`` is a PEM file that replaces the public
    certificate authorities, for Dataverse and sign-in alike.
    """

    base_url: str
    tenant: str = ""
    client_id: str = ""
    secret: str = field(default="", repr=False)
    certificate: Certificate | None = None
    managed_identity: bool = False
    authority: str = PUBLIC_AUTHORITY
    instance_discovery: bool = False
    ca_bundle: str | None = None
    version: str = "v9.2"
    page_size: int = _LARGEST_PAGE
    bulk_size: int = 100
    keys_at_once: int = 100
    label_language: int = 1033
    times: HttpTimes = field(default_factory=HttpTimes)

    def __post_init__(self) -> None:
        """Refuse what can not work, so that nothing is sent with it."""
        address = urlsplit(self.base_url)
        if address.scheme not in ("https", "http") or not address.hostname or address.path not in ("", "/"):
            raise _unusable("the address of Dataverse must be the root of the environment, https://….dynamics.com")
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            raise _unusable("the address of Dataverse must begin with https://")
        if not self.managed_identity:
            self._check_app_registration()
        if not 1 <= self.page_size <= _LARGEST_PAGE:
            raise _unusable(f"a Dataverse page has 1 to {_LARGEST_PAGE} rows")
        if not 1 <= self.bulk_size <= _LARGEST_BATCH or not 1 <= self.keys_at_once <= _LARGEST_BATCH:
            raise _unusable(f"a Dataverse batch has 1 to {_LARGEST_BATCH} records")

    def _check_app_registration(self) -> None:
        if not self.tenant or not self.client_id:
            raise _unusable("tenant and client id of the app registration for Dataverse are needed")
        if bool(self.secret) == (self.certificate is not None):
            raise _unusable("the app registration for Dataverse needs either a secret or a certificate")

    @property
    def root(self) -> str:
        """The environment without a slash at the end; also the resource that tokens are asked for."""
        return self.base_url.rstrip("/")

    @property
    def path(self) -> str:
        """The path of the Web API on its host, with a slash at the end."""
        return f"/api/data/{self.version}/"

    @property
    def api(self) -> str:
        """The absolute address of the Web API, with a slash at the end."""
        return self.root + self.path


def _unusable(text: str) -> Misconfigured:
    return Misconfigured(text, code="settings", system=SYSTEM)
