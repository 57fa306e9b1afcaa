"""Simulator of the Dataverse Web API (``/api/data/v9.2``), built from the table schema plus rules per table."""

from local.simulators.dataverse.org import Switches
from local.simulators.dataverse.protection import Limits
from local.simulators.dataverse.simulator import DataverseSimulator

__all__ = ["DataverseSimulator", "Limits", "Switches"]
