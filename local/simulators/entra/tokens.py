"""Access tokens: signed text that clients treat as opaque and the resource simulators check."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime

import jwt

_ALGORITHM = "HS256"


class TokenIssuer:
    """Issues and checks tokens with a key of its own; `now` is the clock both use."""

    def __init__(self, issuer: str, now: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._now = now
        self._key = secrets.token_bytes(32)

    def issue(self, audience: str, client_id: str, seconds: int) -> str:
        """A token for one resource; its life is counted by the issuer's clock."""
        issued = int(self._now().timestamp())
        claims = {
            "aud": audience,
            "iss": self._issuer,
            "appid": client_id,
            "iat": issued,
            "exp": issued + seconds,
            "uti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def accepts(self, token: str, audiences: Iterable[str]) -> bool:
        """True for a token of this issuer, not expired, for one of the resources (a slash at the end is no matter)."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError:
            return False
        wanted = {audience.rstrip("/") for audience in audiences}
        return str(claims["aud"]).rstrip("/") in wanted and int(claims["exp"]) > self._now().timestamp()

    def revoke_all(self) -> None:
        """Make every token issued so far invalid."""
        self._key = secrets.token_bytes(32)
