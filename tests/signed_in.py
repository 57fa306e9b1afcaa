"""The header in which the platform names whom it signed in, as Microsoft documents it for App Service authentication."""

from __future__ import annotations

import base64
import json
from typing import Any

OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
ROLE_CLAIM = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
#: Invented people.
ANNA = "11111111-aaaa-4aaa-8aaa-000000000001"
BERT = "22222222-bbbb-4bbb-8bbb-000000000002"


def principal(
    *roles: str, oid: str = ANNA, role_typ: str = "roles", role_typ_said: str = ROLE_CLAIM, **changes: Any
) -> dict[str, str]:
    """The header of somebody with these roles; ``changes`` replace parts of its JSON.

    ``role_typ`` is what the claims are called, ``role_typ_said`` what the JSON says that they are: in an access token of
    Entra the two differ.
    """
    claims = [
        {"typ": "name", "val": "Erfundene Person"},
        {"typ": "preferred_username", "val": "erfunden@hub.example"},
        {"typ": OBJECT_ID, "val": oid},
        *({"typ": role_typ, "val": role} for role in roles),
    ]
    return encoded({"auth_typ": "aad", "name_typ": "name", "role_typ": role_typ_said, "claims": claims, **changes})


def encoded(document: Any) -> dict[str, str]:
    """Any JSON as that header."""
    return {"x-ms-client-principal": base64.b64encode(json.dumps(document).encode()).decode()}
