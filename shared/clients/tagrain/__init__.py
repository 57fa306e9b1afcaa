"""Tagrain's tills through the contract in docs/tagrain-contract.yaml, and the engine's port on top of it."""

from __future__ import annotations

from shared.clients.tagrain.client import TagrainClient
from shared.clients.tagrain.config import TagrainConfig
from shared.clients.tagrain.side import TagrainSide

__all__ = ["TagrainClient", "TagrainConfig", "TagrainSide"]
