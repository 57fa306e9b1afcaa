"""Fingerprints stand in state for field values: keyed, short, useless without the key."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from shared.objects.canonical import canonical_text
from shared.ports import Value

_BYTES = 9  # 72 bits: 12 characters of base64


@dataclass(frozen=True)
class Fingerprints:
    """Makes fingerprints of one flow's fields with one secret key.

    ``key_id`` is stored beside every base: a base made with another key says nothing, so the record is based anew.
    """

    secret: bytes
    scope: str

    @property
    def key_id(self) -> str:
        """A short name of the key that does not reveal it."""
        return hashlib.blake2b(b"key id", key=self.secret[:64], digest_size=4).hexdigest()

    def of(self, field: str, value: Value) -> str:
        """The fingerprint of one canonical value: equal values of one field, and only those, look equal."""
        text = f"{self.scope}\x1f{field}\x1f{canonical_text(value)}"
        digest = hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), key=self.secret[:64], digest_size=_BYTES
        ).digest()
        return base64.urlsafe_b64encode(digest).decode()

    def of_all(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Fingerprints of all values by field."""
        return {name: self.of(name, value) for name, value in values.items()}
