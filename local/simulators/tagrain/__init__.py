"""Tagrain by our contract (docs/tagrain-contract.yaml), played in memory."""

from local.simulators.tagrain.simulator import TagrainSimulator

__all__ = ["TagrainSimulator"]
