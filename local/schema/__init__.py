"""Names, types and limits of the real APIs that this project speaks to, loaded typed from the two JSON files here.

The files are made by `local.schema.condense` from published metadata; each says so in its ``_source``.
"""

from local.schema.dataverse import Column, DataverseSchema, Table, load_dataverse
from local.schema.service_layer import (
    EntitySet,
    EntityType,
    Property,
    ServiceLayerSchema,
    ServiceOperation,
    load_service_layer,
)

__all__ = [
    "Column",
    "DataverseSchema",
    "EntitySet",
    "EntityType",
    "Property",
    "ServiceLayerSchema",
    "ServiceOperation",
    "Table",
    "load_dataverse",
    "load_service_layer",
]
