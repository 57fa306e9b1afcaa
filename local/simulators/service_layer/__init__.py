"""A simulated SAP Business One Service Layer (OData 4, ``/b1s/v2``)."""

from local.simulators.service_layer.simulator import ServiceLayerSimulator
from local.simulators.service_layer.switches import Switches

__all__ = ["ServiceLayerSimulator", "Switches"]
