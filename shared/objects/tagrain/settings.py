"""The settings of a Tagrain template: the connection, what new records get in SAP, and the mappings of transactions."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from shared.objects.code_settings import CodeSettings
from shared.times import zone_name

type Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
type Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
type Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
type ConnectionName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,30}$")]


class PaymentMeans(BaseModel):
    """How payments of one payment type of Tagrain are entered in SAP."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    means: Literal["cash", "creditCard", "bankTransfer"] = Field(
        title="Payment means",
        description="cash goes to an account like the drawer's, creditCard to a credit card of SAP, bankTransfer to a bank",
    )
    credit_card: int | None = Field(
        default=None,
        title="Credit card",
        description="For creditCard: the code of the credit card, as GET …/lists/sap.credit_cards shows it",
    )
    account: Code | None = Field(
        default=None,
        title="G/L account",
        description=(
            "For bankTransfer: the account the money goes to. For cash: the account, where it is not the store's "
            "cash account. A credit card has its own"
        ),
    )


class Store(BaseModel):
    """What a store of Tagrain is in SAP."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    warehouse: Code = Field(
        title="Warehouse",
        description="The SAP warehouse that the store sells from; its stock is the store's inventory",
    )
    branch: int | None = Field(
        default=None,
        title="Branch",
        description="The SAP branch of the store's documents; only for companies with branches",
    )
    cash_account: Code | None = Field(
        default=None,
        title="Cash account",
        description="The G/L account of the store's cash, where it is not that of the template (cashAccount)",
    )


class TagrainSettings(CodeSettings):
    """What an admin decides about one connection to Tagrain."""

    connection: ConnectionName | None = Field(
        default=None,
        title="Connection",
        description=(
            "Which Tagrain this is: the name in the app settings TAGRAIN_<CONNECTION>_URL and "
            "TAGRAIN_<CONNECTION>_API_KEY, in capitals. Example: PUNE"
        ),
    )
    start_date: date | None = Field(
        default=None,
        title="Start date of transactions",
        description="Sales, refunds and expenses of business days before this one stay in Tagrain. Example: 2026-01-01",
    )
    time_zone: Annotated[str, AfterValidator(zone_name)] = Field(
        default="UTC",
        title="Time zone of the stores",
        description="In which the start date begins and payments have their day. Example: Asia/Kolkata",
    )
    base_price_list: int | None = Field(
        default=None,
        title="Default price list for base price",
        description=(
            "The SAP price list whose prices become the base prices of products in Tagrain. While it is empty base "
            "prices do not travel"
        ),
    )
    price_rounding: Literal["hold", "round"] = Field(
        default="hold",
        title="Prices with more decimals than Tagrain keeps",
        description="hold leaves such a base price out and names it; round sends it rounded (half up) to 2 decimals",
    )
    cash_customer: Code | None = Field(
        default=None,
        title="Default cash customer",
        description="The code of the SAP customer that sales without a customer are entered for",
    )
    payment_term: int | None = Field(
        default=None,
        title="Default payment term for transactions",
        description="SAP's payment term (group number) of invoices and credit memos from Tagrain",
    )
    exempt_tax_code: Code | None = Field(
        default=None,
        title="Exempt tax code",
        description="SAP's tax group or tax code of 0 % for what has no tax code in Tagrain",
    )
    cash_account: Code | None = Field(
        default=None,
        title="Cash account",
        description="The G/L account of SAP that cash is entered on; a store may have one of its own",
    )
    customer_currency: Annotated[str, StringConstraints(pattern=r"^\S{1,3}$")] | None = Field(
        default=None,
        title="Default customer currency on adding customers",
        description="SAP's currency code of customers that are created from Tagrain; ## for all currencies",
    )
    branch_assignment: list[int] = Field(
        default_factory=list,
        title="Branch assignment for customers",
        description="The SAP branches that customers from Tagrain are assigned to; only for companies with branches",
    )
    bill_to_name: Words = Field(
        default="Bill to",
        title="Name of new bill-to addresses",
        description="The name of the bill-to address that is added in SAP to a customer who has none",
    )
    customer_code_series: int | None = Field(
        default=None,
        title="Customer code series",
        description="The SAP numbering series that gives customers created from Tagrain their code",
    )
    default_customer_group: int | None = Field(
        default=None,
        title="Default customer group",
        description="The code of the SAP customer group of customers from Tagrain that are in no group there",
    )
    default_item_group: int | None = Field(
        default=None,
        title="Default item group",
        description="The number of the SAP item group of items from Tagrain that are in no product group there",
    )
    gift_card_account: Code | None = Field(
        default=None,
        title="Gift card account",
        description=(
            "The G/L account of SAP for the liability of gift cards: selling one adds to it. Map the payment type of "
            "gift cards in payments, to a bank transfer or card of that account, so that paying with one takes from it"
        ),
    )
    payments: dict[Words, PaymentMeans] = Field(
        default_factory=dict,
        title="Payment mapping",
        description=(
            "The name of each payment type of Tagrain to its payment means in SAP. Cash needs no entry, it goes to "
            'the cash account. Example: {"Visa": {"means": "creditCard", "creditCard": 1}}'
        ),
    )
    stores: dict[Key, Store] = Field(
        default_factory=dict,
        title="Stores",
        description=(
            "The id of each store of Tagrain that is integrated to its warehouse and branch in SAP. "
            'Example: {"st_1": {"warehouse": "01"}}'
        ),
    )
    expense_reasons: dict[Key, Code] = Field(
        default_factory=dict,
        title="Expense reasons",
        description=(
            "The id of each expense reason of Tagrain to the G/L account of SAP that the expense is entered on. "
            'Example: {"er_1": "640100"}'
        ),
    )
    surcharges: dict[Key, int] = Field(
        default_factory=dict,
        title="Surcharges",
        description=(
            "The id of each surcharge of Tagrain to the SAP freight (additional expense) that it is entered as. "
            'Example: {"sc_1": 1}'
        ),
    )
    stock_shown: Literal["inStock", "available"] = Field(
        default="inStock",
        title="Stock shown at the tills",
        description="inStock: what is in the warehouse; available: less what is committed to orders",
    )
    stock_without_sales: bool = Field(
        default=False,
        title="Send stock although sales are missing",
        description=(
            "Stock is read after the sales and refunds of the tills were entered in SAP. If some of them could not be, "
            "SAP's stock is not what is in the stores: then it is not sent, unless this is on"
        ),
    )
