"""Records of Tagrain: where they live, how their properties are written (our contract, docs/tagrain-contract.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.objects.columns import Column, Draft
from shared.objects.model import NeededColumn
from shared.objects.references import HUB_REFERENCE, REFERENCE_LENGTH
from shared.ports import Entity, SideName, Value

ARRIVALS = "tagrain"
"""The batch of marks of what was born or matched in Tagrain."""


def collection(name: str, *, reference: str = "externalRef") -> Entity:
    """A collection of Tagrain; ``reference`` is the property that tells a creation that was lost, "" if it has none."""
    return Entity(
        set=name,
        type=name,
        key="id",
        version="version",
        modified=("updatedAt",),
        created=("createdAt",),
        reference=reference,
    )


def our_reference(entity: Entity) -> NeededColumn:
    """The user field of records of SAP that come from Tagrain."""
    text = "Integration Hub: template and key of the origin"
    return NeededColumn(SideName.SAP, entity, HUB_REFERENCE, text, length=REFERENCE_LENGTH)


@dataclass(frozen=True)
class Property(Column):
    """A property of a record of Tagrain. Amounts are plain decimals in texts."""

    def write(self, value: Value, draft: Draft) -> None:
        """Set the property if the value fits."""
        super().write(value, draft)
        if isinstance(value, Decimal) and self.name in draft.body:
            draft.body[self.name] = f"{value:f}"
