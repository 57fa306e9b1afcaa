"""The settings of products and their prices."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.objects.code_settings import IsoCurrency, Words
from shared.objects.settings import OneToOne, TemplateSettings


class PriceListMapping(BaseModel):
    """One SAP price list in one currency, and the price list of Dynamics that gets its prices."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    sap: int = Field(title="SAP price list", description="Its number, as GET …/lists/sap.price_lists shows it")
    currency: IsoCurrency = Field(
        title="Currency", description="The ISO code of the primary or an additional currency of that price list"
    )
    dynamics: Words = Field(
        title="Price list of Dynamics",
        description="Its id or its name, as GET …/lists/other.price_lists shows them; it must be in that currency",
    )


class ProductSettings(TemplateSettings):
    """What an admin decides about items that become products."""

    default_unit_group: Words | None = Field(
        default=None,
        title="Unit group for items without one",
        description=(
            "The name of the unit group in Dynamics for SAP items that have none (manual units); their unit there is "
            "the base unit of that group"
        ),
    )
    unit_groups: OneToOne[str, Words] = Field(
        default_factory=dict,
        title="Unit groups",
        description=(
            "SAP's unit group code to the name of the unit group in Dynamics, where that is neither the name nor the "
            'code in SAP. Example: {"PIECES": "Pieces"}'
        ),
    )
    units: OneToOne[str, Words] = Field(
        default_factory=dict,
        title="Units",
        description=(
            "SAP's unit code to the name of the unit in Dynamics, where that is neither the name nor the code in SAP. "
            'Example: {"PC": "Each"}'
        ),
    )
    price_lists: list[PriceListMapping] = Field(
        default_factory=list,
        title="Price lists",
        description=(
            "Which prices travel. While it is empty none do. "
            'Example: [{"sap": 1, "currency": "EUR", "dynamics": "Retail"}]'
        ),
    )
    price_rounding: Literal["hold", "round"] = Field(
        default="hold",
        title="Prices with more decimals than Dynamics keeps",
        description=(
            "hold leaves such a price out and names it; round sends it rounded (half up) to the decimals of the currency"
        ),
    )
    retire_inactive_items: bool = Field(
        default=True,
        title="Retire products of inactive items",
        description=(
            "Whether the product of an item that becomes inactive in SAP is retired and loses its prices. Dynamics "
            "takes no retired product back"
        ),
    )
