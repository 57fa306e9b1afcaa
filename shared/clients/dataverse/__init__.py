"""Dataverse (Dynamics 365 Sales): sign-in, Web API client, and the engine's port on top of it."""

from __future__ import annotations

from shared.clients.dataverse.auth import EntraTokens, HttpClient, Tokens
from shared.clients.dataverse.client import DataverseClient
from shared.clients.dataverse.config import Certificate, DataverseConfig
from shared.clients.dataverse.side import DataverseSide

__all__ = [
    "Certificate",
    "DataverseClient",
    "DataverseConfig",
    "DataverseSide",
    "EntraTokens",
    "HttpClient",
    "Tokens",
]
