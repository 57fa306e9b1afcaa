"""Records of Tagrain: where they live, how their properties are written (our contract, docs/tagrain-contract.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.objects.columns import Column, Draft
from shared.ports import Entity, Value

ARRIVALS = "tagrain"
"""The batch of marks of what was born or matched in Tagrain."""


GIFT_CARD = "GiftCard"
"""The type of products, and of the lines that sell them, that are money to be spent later."""


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


@dataclass(frozen=True)
class Property(Column):
    """A property of a record of Tagrain. Amounts are plain decimals in texts."""

    def write(self, value: Value, draft: Draft) -> None:
        """Set the property if the value fits."""
        super().write(value, draft)
        if isinstance(value, Decimal) and self.name in draft.body:
            draft.body[self.name] = f"{value:f}"
