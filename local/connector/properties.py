"""``apiProperties.json``: how a connection proves itself.

The functions host asks for its key whoever is signed in, so that both kinds of connection carry one, and a policy puts it
into the header. (Microsoft Learn, "Add multiple authentications on a custom connector" and "Policy templates".)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.triggers.http.callers import ADMIN_KEY_HEADER

_KEY, _ADMIN_KEY = "functionKey", "adminKey"


@dataclass(frozen=True)
class Registration:
    """The app registration that the hub's Entra authentication uses, and its tenant."""

    client_id: str
    tenant: str

    @property
    def audience(self) -> str:
        """What tokens for the hub are for."""
        return f"api://{self.client_id}"


def api_properties(registration: Registration) -> dict[str, Any]:
    """The file's content."""
    keys = {
        _KEY: _secret("Function key", "A function key of the hub", required=True),
        _ADMIN_KEY: _secret("Admin key", "Only for what Hub.Admin may do: the app setting HUB_ADMIN_KEY"),
    }
    by_key = _set("function-key", "Function key", "As the hub's operator, whoever runs the flow", keys)
    by_entra = _set(
        "entra",
        "Microsoft Entra and function key",
        "As whoever signs in, with the roles assigned to him",
        {"token": _sign_in(registration), **keys},
    )
    return {
        "properties": {
            "connectionParameterSets": {
                "uiDefinition": {
                    "displayName": "Authentication type",
                    "description": "How the connection proves itself",
                },
                "values": [by_key, by_entra],
            },
            "iconBrandColor": "#0a6ed1",
            "capabilities": ["actions"],
            "policyTemplateInstances": [
                _header("Function key", "x-functions-key", _KEY),
                _header("Admin key", ADMIN_KEY_HEADER, _ADMIN_KEY),
            ],
        }
    }


def _set(name: str, title: str, meaning: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "uiDefinition": {"displayName": title, "description": meaning},
        "parameters": parameters,
    }


def _secret(title: str, meaning: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "type": "securestring",
        "uiDefinition": {
            "displayName": title,
            "schema": {"type": "securestring", "description": meaning},
            "tooltip": meaning,
            "constraints": {"required": str(required).lower(), "clearText": False},
        },
    }


def _sign_in(registration: Registration) -> dict[str, Any]:
    return {
        "type": "oauthSetting",
        "oAuthSettings": {
            "identityProvider": "aad",
            "clientId": registration.client_id,
            "scopes": [],
            "redirectMode": "GlobalPerConnector",
            "properties": {"IsFirstParty": "False"},
            "customParameters": {
                "loginUri": {"value": "https://login.microsoftonline.com"},
                "tenantId": {"value": registration.tenant},
                "resourceUri": {"value": registration.audience},
            },
        },
        "uiDefinition": {
            "displayName": "Sign in",
            "description": "Sign in with Microsoft Entra",
            "tooltip": "Sign in with Microsoft Entra",
            "constraints": {"required": "true"},
        },
    }


def _header(title: str, header: str, parameter: str) -> dict[str, Any]:
    return {
        "templateId": "setheader",
        "title": title,
        "parameters": {
            "x-ms-apimTemplateParameter.name": header,
            "x-ms-apimTemplateParameter.value": f"@connectionParameters('{parameter}')",
            "x-ms-apimTemplateParameter.existsAction": "override",
            "x-ms-apimTemplate-policySection": "Request",
        },
    }
