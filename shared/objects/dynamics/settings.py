"""The settings of a Dynamics 365 Sales template: those of accounts here, those of products and orders beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.objects.code_settings import CodeSettings, IsoCurrency
from shared.objects.custom_fields import CustomField
from shared.objects.dynamics.lead_settings import LeadSettings
from shared.objects.dynamics.opportunity_settings import OpportunitySettings
from shared.objects.dynamics.order_settings import OrderSettings
from shared.objects.dynamics.product_settings import ProductSettings
from shared.objects.dynamics.quotation_settings import QuotationSettings
from shared.objects.settings import OneToOne

type Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
type AccountType = Annotated[int, Field(ge=1)]


def _paired_once(custom: list[CustomField]) -> list[CustomField]:
    for column in ("sap", "dynamics"):
        named = [(each.object, str(getattr(each, column)).lower()) for each in custom]
        if len(set(named)) < len(named):
            raise ValueError("a column of one object is paired twice; keep one of them")
    return custom


class DynamicsSettings(
    LeadSettings, OpportunitySettings, QuotationSettings, OrderSettings, ProductSettings, CodeSettings
):
    """What an admin decides about one connection to Dynamics 365 Sales."""

    account_types: list[AccountType] = Field(
        default_factory=list,
        title="Account types to be integrated",
        description=(
            "The relationship types (customertypecode) of the accounts that come to SAP, as numbers; Dynamics ships "
            "with 3 for Customer, 8 for Prospect, 9 for Reseller. While the list is empty no account comes in"
        ),
    )
    default_customer_group: int | None = Field(
        default=None,
        title="Default customer group",
        description="The code of the SAP customer group that a customer created from Dynamics is put into",
    )
    customer_code_series: int | None = Field(
        default=None,
        title="Customer code series",
        description="The SAP numbering series that gives customers and leads created from Dynamics their code",
    )
    include_inactive_accounts: bool = Field(
        default=False,
        title="Include inactive accounts",
        description="Whether accounts that are deactivated in Dynamics still send their changes to SAP",
    )
    match_further: list[Literal["email", "name", "phone"]] = Field(
        default_factory=list,
        title="Recognise existing records by",
        description=(
            "Besides the customer code, the fields by which a record that exists on both sides is recognised before "
            "a new one is made; only values that occur once on each side count"
        ),
    )
    multiple_currencies: bool = Field(
        default=True,
        title="Multiple currencies are enabled",
        description="Whether Dynamics has several currencies. If not, the currency of customers does not travel",
    )
    all_currencies_as: IsoCurrency | None = Field(
        default=None,
        title="All currencies as",
        description=(
            "The ISO code that Dynamics shows for a customer who takes all currencies in SAP (##). "
            "Without it the currency of such customers is held, by name"
        ),
    )
    payment_terms: OneToOne[int, int] = Field(
        default_factory=dict,
        title="Payment terms",
        description=(
            "SAP's payment terms (group number) to the payment terms of Dynamics (paymenttermscode), one to one. "
            'While it is empty payment terms do not travel. Example: {"2": 1}'
        ),
    )
    branch_assignment: list[int] = Field(
        default_factory=list,
        title="Branch assignment for customers",
        description="The SAP branches that customers from Dynamics are assigned to; only for companies with branches",
    )
    bill_to_name: Name = Field(
        default="Bill to",
        title="Name of new bill-to addresses",
        description="The name of the bill-to address that is added in SAP to a customer who has none",
    )
    custom_fields: Annotated[list[CustomField], AfterValidator(_paired_once)] = Field(
        default_factory=list,
        title="Custom fields",
        description=(
            "SAP's user fields and custom columns of Dynamics that hold the same: the object, both columns, the direction "
            "(both, in, out) and, for a choice of Dynamics, which of SAP's values is which option. Both columns must be "
            "there, of one kind and with as many decimals. Rules name a custom field by both, as account.U_Region/new_region. "
            'Example: [{"object": "account", "sap": "U_Region", "dynamics": "new_region"}]'
        ),
    )
    ship_to_name: Name = Field(
        default="Ship to",
        title="Name of new ship-to addresses",
        description="The name of the ship-to address that is added in SAP to a customer who has none",
    )

    def custom_fields_of(self, object_name: str) -> Sequence[CustomField]:
        """Those that name the object."""
        return [each for each in self.custom_fields if each.object == object_name]
