"""Who calls, and what he may do.

Whoever reaches a function has shown the host its function key, except where the route is anonymous; the app is not told
which key it was. A function key alone lets a caller operate; with ``X-Hub-Admin-Key`` it lets him administer. Someone
whom the platform signed in (App Service authentication with Microsoft Entra, "Easy Auth") has the greatest of the roles
``Hub.Read``, ``Hub.Operate``, ``Hub.Admin`` in his token, and no more because of a function key.

The platform names him in ``X-MS-CLIENT-PRINCIPAL``: base64 of JSON ``{auth_typ, name_typ, role_typ, claims: [{typ, val}]}``,
and removes such headers from what comes in. Where it is not switched on nobody removes them, so that whoever sends one
pretends to be somebody: he is refused. (Microsoft Learn, "Work with user identities in Azure App Service authentication".)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.errors import BadRequest
from shared.triggers.http.roles import Role
from shared.wiring import Access

ADMIN_KEY_HEADER = "x-hub-admin-key"
PRINCIPAL_HEADER = "x-ms-client-principal"
_PROVIDER = "aad"
_OBJECT_ID = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
# A token calls them "roles"; the platform may say in role_typ that it calls them otherwise.
_ROLES = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")


@dataclass(frozen=True)
class Caller:
    """Who calls (``user:<object id>``, ``function-key``, ``admin-key``, "" for nobody known) and his role, if any."""

    role: Role | None = None
    who: str = ""

    def may(self, needed: Role) -> bool:
        """Whether his role is as great as that."""
        return self.role is not None and self.role >= needed


def caller_of(headers: Mapping[str, str], access: Access, *, has_key: bool) -> Caller:
    """Who sent these headers (names in lower case, as the host gives them). ``has_key``: the host asked for its key.

    BadRequest (401) for a principal that is not the platform's or makes no sense, and for a wrong admin key.
    """
    found = {name.lower(): value for name, value in headers.items()}
    principal = _principal(found, access)
    if not has_key:
        return principal or Caller()
    if _has_admin_key(found, access):
        return Caller(Role.ADMIN, principal.who if principal else "admin-key")
    return principal or Caller(Role.OPERATE, "function-key")


def require(caller: Caller, needed: Role, access: Access) -> None:
    """BadRequest (403), saying what would help, unless the caller's role is as great as that."""
    if caller.may(needed):
        return
    if caller.role is None:
        text = (
            f"You are signed in, and have no role in this hub; this needs {needed.claim}. Ask whoever runs the hub to "
            "assign it to you in its app registration."
        )
        raise BadRequest(text, code="no-role", status=403)
    if caller.who.startswith(_USER):
        text = f"This needs the role {needed.claim}, and yours is {caller.role.claim}."
        raise BadRequest(text, code="role-too-small", status=403)
    if not access.admin_key:
        text = (
            f"This is for admins: sign in with the role {needed.claim}, or let whoever runs the hub set the app setting "
            "HUB_ADMIN_KEY and send that key in X-Hub-Admin-Key."
        )
        raise BadRequest(text, code="no-admin-key", status=403)
    text = (
        "This is for admins, and a function key only lets operate: send the admin key, the value of the app setting "
        f"HUB_ADMIN_KEY, in X-Hub-Admin-Key besides, or sign in with the role {needed.claim}."
    )
    raise BadRequest(text, code="admin-key-missing", status=403)


# --- the admin key ------------------------------------------------------------------------------------------------------


def _has_admin_key(headers: Mapping[str, str], access: Access) -> bool:
    """Whether the admin key came along; one that is sent where none is set opens nothing."""
    sent = headers.get(ADMIN_KEY_HEADER, "").strip()
    if not sent or not access.admin_key:
        return False
    if not hmac.compare_digest(sent.encode(errors="replace"), access.admin_key):
        text = "X-Hub-Admin-Key is not the admin key of this hub (its app setting HUB_ADMIN_KEY); correct it or leave it out."
        raise BadRequest(text, code="bad-admin-key", status=401)
    return True


# --- the principal ------------------------------------------------------------------------------------------------------

_USER = "user:"


def _principal(headers: Mapping[str, str], access: Access) -> Caller | None:
    """Who the platform signed in, None for nobody."""
    if not any(name.startswith(PRINCIPAL_HEADER) for name in headers):
        return None
    if not access.easy_auth:
        text = (
            "The request names a signed-in user in X-MS-CLIENT-PRINCIPAL, and signing in is not switched on in this hub "
            "(app setting HUB_EASY_AUTH), so nobody vouches for it. Leave such headers out."
        )
        raise BadRequest(text, code="forged-principal", status=401)
    document = _decoded(headers.get(PRINCIPAL_HEADER, ""))
    claims = _claims(document)
    ids = {value for name, value in claims if name in _OBJECT_ID}
    if str(document.get("auth_typ")).lower() != _PROVIDER or len(ids) != 1:
        raise _unclear()
    roles = {value for name, value in claims if name in (*_ROLES, document.get("role_typ"))}
    role = max((role for role in Role if role.claim in roles), default=None)
    return Caller(role, _USER + _object_id(ids.pop()))


def _decoded(header: str) -> dict[str, Any]:
    try:
        document = json.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _unclear() from None
    if not isinstance(document, dict):
        raise _unclear()
    return document


def _claims(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    claims = document.get("claims")
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        raise _unclear()
    return [(str(claim.get("typ")), str(claim.get("val"))) for claim in claims]


def _object_id(text: str) -> str:
    """The object id as Entra spells it; a name or an address is none, and is not kept."""
    try:
        return str(UUID(text))
    except ValueError:
        raise _unclear() from None


def _unclear() -> BadRequest:
    text = (
        "X-MS-CLIENT-PRINCIPAL names no user of Microsoft Entra with an object id. The platform sets it when you sign in; "
        "do not send it yourself."
    )
    return BadRequest(text, code="bad-principal", status=401)
