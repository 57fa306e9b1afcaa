"""Account (Dynamics 365 Sales) <-> business partner of type customer (SAP Business One).

Lengths of Dataverse columns are from its table reference. SAP's are the sizes of the database columns (OCRD, CRD1), from
memory of SAP's database reference: the Service Layer's metadata names no lengths.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.addresses import BILL_TO, SHIP_TO, AddressKind, AddressPart
from shared.objects.branches import missing_branches, with_branches
from shared.objects.canonical import Text, Truth, Whole
from shared.objects.codes import SapCurrencyColumn, SettingCodes
from shared.objects.columns import Accessor, Column, Draft, Lookup, Mapped, MarkAttribute
from shared.objects.dynamics.lists import DYNAMICS_CURRENCIES, OTHER_CURRENCIES
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Marking, Origin
from shared.objects.references import HUB_REFERENCE
from shared.objects.regions import Country, CountryText, SapState, StateText
from shared.objects.sap_entities import CUSTOMERS, our_reference
from shared.objects.sap_lists import SAP_COUNTRIES, SAP_CURRENCIES, SAP_STATES
from shared.ports import Entity, Mark, Row, SideName, Value

ACCOUNT_TYPE = "accountType"  # the attribute of a mark
ACCOUNT_TYPE_COLUMN = "customertypecode"  # Dynamics calls it Relationship Type
ARRIVALS = "dynamics"  # the batch of marks of what was born or matched there
LEAD_COLUMN = "_originatingleadid_value"
NOTHING = f"{ACCOUNT_TYPE_COLUMN} eq null and {ACCOUNT_TYPE_COLUMN} ne null"

OTHER_ENTITY = Entity(
    set="accounts",
    type="account",
    key="accountid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
)


def address_fields(prefix: str, kind: AddressKind, columns: str) -> tuple[Field, ...]:
    """The rows of one address: its kind in SAP, the prefix of its columns in Dataverse. The state precedes the country."""
    sap_country, sap_state = AddressPart(kind, "Country", 3), AddressPart(kind, "State", 3)
    country = Mapped(Column(f"{columns}_country", 80), CountryText())
    state = Column(f"{columns}_stateorprovince", 50)
    names = (f"{prefix}_state", f"{prefix}_country")
    return (
        Field(f"{prefix}_street", Text(), AddressPart(kind, "Street", 100), Column(f"{columns}_line1", 250)),
        Field(f"{prefix}_block", Text(), AddressPart(kind, "Block", 100), Column(f"{columns}_line2", 250)),
        Field(f"{prefix}_city", Text(), AddressPart(kind, "City", 100), Column(f"{columns}_city", 80)),
        Field(f"{prefix}_zip", Text(), AddressPart(kind, "ZipCode", 20), Column(f"{columns}_postalcode", 20)),
        Field(names[0], Text(), SapState(sap_state, sap_country, names[1]), StateText(state, country, names[1])),
        Field(names[1], Text(), Country(sap_country, sap_state, names[0]), Country(country, state, names[0])),
    )


@dataclass(frozen=True)
class IsCustomer(Accessor):
    """Whether the partner is a customer in SAP: one that is linked to an account is, whatever it was before."""

    columns = ("CardType",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True for cCustomer."""
        return row.get("CardType") == "cCustomer"

    def write(self, value: Value, draft: Draft) -> None:
        """Turn a lead into a customer."""
        if value is True:
            draft.body["CardType"] = "cCustomer"


@dataclass(frozen=True)
class AnAccount(Accessor):
    """What an account always is."""

    columns = ()

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True."""
        return True

    def write(self, value: Value, draft: Draft) -> None:
        """There is nothing to write."""


_DYNAMICS_CURRENCY = Lookup(
    "transactioncurrencyid",
    set="transactioncurrencies",
    key="transactioncurrencyid",
    code="isocurrencycode",
    listing=OTHER_CURRENCIES,
    what="currency of Dynamics",
)
_DYNAMICS_PAYMENT_TERMS = Mapped(
    Column("paymenttermscode"), SettingCodes("payment_terms", "paymentTerms", "payment term")
)

# The account has no column for a mobile number, a foreign name or a tax number; SAP's stay SAP's.
TABLE: tuple[Field, ...] = (
    Field(
        "number",
        Text(),
        Column("CardCode", 15, writable=False),
        Column("accountnumber", 20),
        FieldDirection.CREATE_ONLY,
        essential=True,
        recognises="number",
    ),
    Field(
        "name",
        Text(),
        Column("CardName", 100, required=True),
        Column("name", 160, required=True),
        essential=True,
        recognises="name",
    ),
    Field(
        "account_type",
        Whole(),
        MarkAttribute(ACCOUNT_TYPE),
        Column(ACCOUNT_TYPE_COLUMN, required=True),
        essential=True,
    ),
    Field("customer", Truth(), IsCustomer(), AnAccount(), FieldDirection.IN, essential=True),
    Field("phone", Text(), Column("Phone1", 20), Column("telephone1", 50), recognises="phone"),
    Field("phone2", Text(), Column("Phone2", 20), Column("telephone2", 50)),
    Field("fax", Text(), Column("Fax", 20), Column("fax", 50)),
    Field("email", Text(), Column("EmailAddress", 100), Column("emailaddress1", 100), recognises="email"),
    Field("website", Text(), Column("Website", 100), Column("websiteurl", 200)),
    Field("currency", Text(), SapCurrencyColumn(), _DYNAMICS_CURRENCY, only_if="multiple_currencies"),
    Field(
        "payment_terms",
        Whole(),
        Column("PayTermsGrpCode", required=True),
        _DYNAMICS_PAYMENT_TERMS,
        only_if="payment_terms",
    ),
    *address_fields("bill", BILL_TO, "address1"),
    *address_fields("ship", SHIP_TO, "address2"),
)


class Account(TableObject):
    """The account: out while its mark is on, in while its account type is configured."""

    name = "account"
    template_type = "dynamics"
    init_order = 10
    parent_of = ("contact", "opportunity", "quotation", "order")
    table = TABLE
    sap_entity = CUSTOMERS
    other_entity = OTHER_ENTITY
    further_columns: Mapping[SideName, tuple[str, ...]] = {
        SideName.SAP: ("CardType", "GroupCode", "BPBranchAssignment"),
        SideName.OTHER: (ACCOUNT_TYPE_COLUMN, "statecode", "merged", "_masterid_value", LEAD_COLUMN),
    }
    marking = Marking("customers", name_column="CardName", group_column="GroupCode", attributes=(ACCOUNT_TYPE,))
    references = (SAP_COUNTRIES, SAP_STATES, SAP_CURRENCIES, DYNAMICS_CURRENCIES)
    needed_columns = (our_reference(CUSTOMERS),)
    origin = Origin("lead", "CardCode", LEAD_COLUMN)

    def scope(self, side: SideName, ctx: Context) -> str:
        """Customers in SAP; in Dynamics the configured account types, and nothing while none is configured."""
        if side is SideName.SAP:
            return CUSTOMERS.scope
        types = dict.fromkeys(ctx.settings.account_types)
        wanted = [f"{ACCOUNT_TYPE_COLUMN} eq {code}" for code in types]
        if ctx.settings.lead_account_type is not None:
            wanted.append(f"({ACCOUNT_TYPE_COLUMN} eq null and {LEAD_COLUMN} ne null)")
        return " or ".join(wanted) or NOTHING

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Out: marked, with an Account Type, still a customer. In: not merged, of a configured type, active."""
        checks = self._why_not_out(row, mark) if direction is Direction.OUT else self._why_not_in(row, ctx)
        return next((reason for applies, reason in checks if applies), "")

    @staticmethod
    def _why_not_out(row: Row, mark: Mark) -> tuple[tuple[bool, str], ...]:
        return (
            (not mark.on, "it is not marked for synchronization"),
            (not mark.attributes.get(ACCOUNT_TYPE), "its mark has no Account Type; mark it again and choose one"),
            (row.get("CardType") not in ("cCustomer", "cLid"), "it is not a customer in SAP (any more)"),
        )

    @staticmethod
    def _why_not_in(row: Row, ctx: Context) -> tuple[tuple[bool, str], ...]:
        settings = ctx.settings
        return (
            (row.get("merged") is True, "it was merged into another account in Dynamics"),
            (not settings.account_types, "no account types are configured; set accountTypes"),
            (
                row.get(ACCOUNT_TYPE_COLUMN) not in settings.account_types and not _gets_a_type(row, ctx),
                "its account type is not among those to be integrated (accountTypes)",
            ),
            (
                row.get("statecode") == 1 and not settings.include_inactive_accounts,
                "it is inactive in Dynamics; activate it, or set includeInactiveAccounts",
            ),
        )

    def why_not_created(self, direction: Direction, row: Row, ctx: Context) -> str:
        """A lead of SAP becomes an account only once it is a customer."""
        is_lead = direction is Direction.OUT and row.get("CardType") == "cLid"
        return "it is a lead in SAP, not a customer (yet)" if is_lead else ""

    def is_one(self, side: SideName, row: Row) -> bool:
        """Leads have the same columns."""
        return side is SideName.OTHER or row.get("CardType") != "cLid"

    def mark_choices(self, ctx: Context) -> Mapping[str, tuple[str, ...]]:
        """The Account Type must be one of those that are integrated."""
        return {ACCOUNT_TYPE: tuple(str(code) for code in dict.fromkeys(ctx.settings.account_types))}

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """A mark in the batch of arrivals, with the account's own type, or the one that accounts of leads get."""
        code = ctx.settings.lead_account_type if _gets_a_type(row, ctx) else row.get(ACCOUNT_TYPE_COLUMN)
        return Mark(frozenset({ARRIVALS}), {} if code is None else {ACCOUNT_TYPE: str(code)})

    def merged_into(self, row: Row) -> str | None:
        """The account that a merge kept in this one's place."""
        if row.get("merged") is not True:
            return None
        master = row.get("_masterid_value")
        return None if master is None else str(master)

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """In SAP: customer, group and series of the settings, our reference, branches. In Dynamics: nothing."""
        if side is SideName.OTHER:
            return {}
        settings = ctx.settings
        body: Row = {"CardType": "cCustomer"}
        chosen = {
            "GroupCode": settings.default_customer_group,
            "Series": settings.customer_code_series,
            HUB_REFERENCE: hub_reference or None,
        }
        body.update({column: value for column, value in chosen.items() if value is not None})
        return body | with_branches(settings.branch_assignment)

    def additions(self, side: SideName, current: Row, ctx: Context) -> Row:
        """The branches of the settings that the customer is not assigned to yet; its other branches stay."""
        return {} if side is SideName.OTHER else missing_branches(current, ctx.settings.branch_assignment)


def _gets_a_type(row: Row, ctx: Context) -> bool:
    """Whether the account comes from a lead and gets its type from the settings."""
    if row.get(ACCOUNT_TYPE_COLUMN) is not None or row.get(LEAD_COLUMN) is None:
        return False
    return ctx.settings.lead_account_type is not None


ACCOUNT = Account()
