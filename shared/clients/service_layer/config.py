"""Where a company is and how it is spoken to."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from shared.clients.connections import HttpTimes
from shared.errors import Misconfigured

SYSTEM = "sap"


@dataclass(frozen=True)
class ServiceLayerConfig:
    """One company of one Service Layer.

    ``base_url`` ends with the version (``https://host:50000/b1s/v2``). ``timezone`` is the one the company's server
    runs in (``Europe/Berlin``): change stamps are in its local time. ``ca_bundle`` is a PEM file, None for public
    certificates. ``page_size`` is what whole reads ask for, ``batch_size`` the records of one ``$batch``.
    """

    base_url: str
    company_db: str
    user: str
    password: str = field(repr=False)
    ca_bundle: str | None = None
    timezone: str = "UTC"
    page_size: int = 1000
    batch_size: int = 50
    max_connections: int = 16
    times: HttpTimes = field(default_factory=HttpTimes)

    @property
    def root(self) -> str:
        """The base URL without a slash at its end."""
        return self.base_url.rstrip("/")

    @property
    def root_path(self) -> str:
        """The path of the base URL, as requests inside a batch spell it."""
        return urlsplit(self.root).path

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone. Raises Misconfigured for a name that does not exist."""
        try:
            return ZoneInfo(self.timezone)
        except (LookupError, ValueError) as error:
            raise Misconfigured(
                "the company's time zone is not an IANA name", code="timezone", system=SYSTEM
            ) from error
