"""Where a run's status is asked for without a function key: a link that carries a token for that run alone.

Power Automate polls the Location of a 202 without credentials. The token is an HMAC over run id and expiry; besides, it
is good only until some time after the run's end, whatever its expiry says.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from shared.stores.runs import Run
from shared.times import Times

_HEX_CHARACTERS = 40


@dataclass(frozen=True)
class RunLinks:
    """Makes and checks such links. ``base_url`` is the app's own address, without /api and without a slash at its end."""

    base_url: str
    key: bytes = field(repr=False)
    times: Times

    def location(self, run: str, now: datetime) -> str:
        """The absolute address of the run's status, with its token."""
        return f"{self.base_url.rstrip('/')}/api/runs/{quote(run)}?token={self.token(run, now)}"

    def token(self, run: str, now: datetime) -> str:
        """``<expiry>.<mac>``; it expires when the run's row is deleted at the latest."""
        expiry = int((now + timedelta(seconds=self.times.run_retention)).timestamp())
        return f"{expiry}.{self._mac(run, expiry)}"

    def is_genuine(self, run: str, token: str, now: datetime) -> bool:
        """Whether we made this token for this run and it has not expired."""
        expiry, _, mac = token.partition(".")
        if not (expiry.isascii() and expiry.isdecimal() and len(expiry) < 15 and mac.isascii()):
            return False
        return hmac.compare_digest(mac, self._mac(run, int(expiry))) and int(expiry) > now.timestamp()

    def is_open(self, run: Run, now: datetime) -> bool:
        """Whether the run is at work, or over for not too long."""
        return run.ended_at is None or run.ended_at + timedelta(seconds=self.times.run_token_valid) > now

    def _mac(self, run: str, expiry: int) -> str:
        text = f"run status\x1f{run}\x1f{expiry}".encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()[:_HEX_CHARACTERS]
