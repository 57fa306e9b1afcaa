"""How records of SAP carry the hub's own reference, and from when on transactions are taken."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

HUB_REFERENCE = "U_HubRef"
"""The text user field with template and key of the origin of what the hub created."""

HUB_DOCUMENT = "U_HubDoc"
"""The text user field of a payment with the DocEntry of the document that the hub posted it for."""

REFERENCE_LENGTH = 100
"""The characters of :data:`HUB_REFERENCE`."""


class StartsTransactions(Protocol):
    """Settings that say from which day on, in which time zone (IANA name), transactions are taken."""

    @property
    def start_date(self) -> date | None:
        """The first day; None while it is not chosen."""

    @property
    def time_zone(self) -> str:
        """Where that day begins."""


def start_of_transactions(settings: StartsTransactions) -> datetime | None:
    """Midnight of the start date in the time zone of the settings, in UTC; None while there is no start date."""
    if settings.start_date is None:
        return None
    return datetime.combine(settings.start_date, time(), ZoneInfo(settings.time_zone)).astimezone(UTC)
