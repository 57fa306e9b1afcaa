"""Simulator of the Entra token endpoint: client credentials with secret or certificate, and a managed identity."""

from local.simulators.entra.simulator import EntraSimulator

__all__ = ["EntraSimulator"]
