"""What is needed to reach one Tagrain account."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.clients.connections import HttpTimes
from shared.errors import Misconfigured

SYSTEM = "tagrain"
_VERSION = "/v1"
_LARGEST_PAGE = 200
_MOST_VALUES = 100
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class TagrainConfig:
    """Address, key and sizes. Raises Misconfigured for a setting that cannot work.

    ``base_url`` is where the contract is served, with or without its ``/v1``. ``ca_bundle`` is a PEM file, None for
    public certificates. ``page_size`` and ``values_at_once`` are the contract's limits on pages and filters,
    ``writes_at_once`` is how many records are written side by side.
    """

    base_url: str
    api_key: str = field(repr=False)
    ca_bundle: str | None = None
    page_size: int = _LARGEST_PAGE
    values_at_once: int = _MOST_VALUES
    writes_at_once: int = 4
    times: HttpTimes = field(default_factory=HttpTimes)

    def __post_init__(self) -> None:
        """Refuse what cannot work, so that nothing is sent with it."""
        address = urlsplit(self.base_url)
        if address.scheme not in ("https", "http") or not address.hostname or address.query or address.fragment:
            raise _unusable("the address of Tagrain must be an absolute URL")
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            raise _unusable("the address of Tagrain must begin with https://")
        if not self.api_key.isascii() or not self.api_key.isprintable() or not self.api_key.strip():
            raise _unusable("the API key of Tagrain must be printable ASCII text")
        if not 1 <= self.page_size <= _LARGEST_PAGE or not 1 <= self.values_at_once <= _MOST_VALUES:
            raise _unusable(f"a page of Tagrain has 1 to {_LARGEST_PAGE} records, a filter 1 to {_MOST_VALUES} values")

    @property
    def root(self) -> str:
        """The base URL with its version and without a slash at its end."""
        base = self.base_url.rstrip("/")
        return base if base.endswith(_VERSION) else base + _VERSION


def _unusable(text: str) -> Misconfigured:
    return Misconfigured(text, code="settings", system=SYSTEM)
