"""SAP Business One through its Service Layer."""

from shared.clients.service_layer.client import ServiceLayerClient
from shared.clients.service_layer.config import ServiceLayerConfig
from shared.clients.service_layer.side import ServiceLayerSide

__all__ = ["ServiceLayerClient", "ServiceLayerConfig", "ServiceLayerSide"]
