"""The header of an opportunity: customer, contact, days, owner, remarks, status text, each as its side spells it."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.objects import sap_lists as sap
from shared.objects.canonical import Refused, number_or_zero
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.opportunity_stages import CURRENCY, STAGES, currency_of, money, rows_of
from shared.objects.dynamics.opportunity_state import SAP_STATES
from shared.objects.dynamics.order_header import instant
from shared.objects.model import Context, Direction, Parent
from shared.ports import Children, Entity, Mark, Row, SideName, Value

PRODUCTS = "products"  # where an opportunity's products stand in its row
PRODUCT = Entity(
    set="opportunityproducts",
    type="opportunityproduct",
    key="opportunityproductid",
    select=(
        "lineitemnumber",
        "sequencenumber",
        "isproductoverridden",
        "productname",
        "productdescription",
        "quantity",
        "priceperunit",
        "extendedamount",
    ),
    key_is_text=False,
)
OPPORTUNITY_PRODUCTS = Children(PRODUCTS, PRODUCT, parent="_opportunityid_value")
_LAST = 2**31


def contacts_travel(ctx: Context) -> bool:
    """Whether this template brings contacts to SAP, so that an opportunity waits for its own."""
    return Direction.IN in ctx.settings.directions.get("contact", tuple(Direction))


@dataclass(frozen=True)
class OpportunityCustomer(Accessor):
    """The customer of SAP's opportunity, which never changes."""

    columns = ("CardCode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code."""
        return column_of(row, "CardCode")

    def write(self, value: Value, draft: Draft) -> None:
        """The partner that the account is linked to; another account of the same partner (a merge) changes nothing."""
        code = draft.ctx.links.get(Parent("account", SideName.OTHER, str(value)))
        if draft.current is not None:
            if code == column_of(draft.current, "CardCode"):
                return
            text = "SAP moves no opportunity to another customer; close it there and enter a new one"
            raise Refused(text, conflict=True)
        if code is None:
            raise Refused("its account is not linked to a customer")
        draft.body["CardCode"] = code


@dataclass(frozen=True)
class ParentAccount(Accessor):
    """The account that the opportunity is with."""

    columns = ("_parentaccountid_value",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The account's id. An opportunity with a contact alone cannot be entered in SAP."""
        account = column_of(row, "_parentaccountid_value")
        if account is None:
            raise Refused("it is not with an account; SAP's opportunities are with customers, so choose an account")
        return account

    def write(self, value: Value, draft: Draft) -> None:
        """The customer never comes from SAP."""


@dataclass(frozen=True)
class SapContact(Accessor):
    """The contact person of SAP's opportunity."""

    columns = ("ContactPerson",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The person's number as a text."""
        number = column_of(row, "ContactPerson")
        return str(number) if number else None

    def write(self, value: Value, draft: Draft) -> None:
        """The person that the contact is linked to; only those of the customer can be named."""
        if value is None:
            draft.body["ContactPerson"] = None
            return
        key = draft.ctx.links.get(Parent("contact", SideName.OTHER, str(value)))
        if key is None:
            raise Refused("its contact is not linked to a contact person in SAP")
        customer, _, number = key.rpartition("/")
        if customer != {**(draft.current or {}), **draft.body}.get("CardCode"):
            raise Refused("its contact is no contact person of its customer in SAP; choose one of the account's")
        draft.body["ContactPerson"] = int(number)


@dataclass(frozen=True)
class ParentContact(Accessor):
    """The contact of the opportunity."""

    columns = ("_parentcontactid_value",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The contact's id."""
        return column_of(row, "_parentcontactid_value")

    def write(self, value: Value, draft: Draft) -> None:
        """The contact never comes from SAP."""


def _created(row: Row, ctx: Context) -> date:
    """The day it was created in Dynamics, where people enter dates."""
    return instant(column_of(row, "createdon")).astimezone(ZoneInfo(ctx.settings.time_zone)).date()


@dataclass(frozen=True)
class StartDay(Accessor):
    """The day an opportunity began: when it was created, or when it was to close if that was entered afterwards."""

    columns = ("createdon", "estimatedclosedate")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP refuses a predicted closing date before the start."""
        created, closing = _created(row, ctx).isoformat(), column_of(row, "estimatedclosedate")
        return min(created, str(closing)[:10]) if closing else created

    def write(self, value: Value, draft: Draft) -> None:
        """Dynamics keeps when it was created."""


@dataclass(frozen=True)
class EstimatedCloseDate(Accessor):
    """The estimated closing date; without one so many days after the opportunity was created."""

    columns = ("estimatedclosedate", "createdon")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """A plain day, which is in no time zone."""
        closing = column_of(row, "estimatedclosedate")
        if closing:
            return closing
        return (_created(row, ctx) + timedelta(days=ctx.settings.opportunity_days)).isoformat()

    def write(self, value: Value, draft: Draft) -> None:
        """Set it."""
        draft.body["estimatedclosedate"] = value


@dataclass(frozen=True)
class OwningUser(Accessor):
    """The owner of the opportunity as SAP's sales employee."""

    columns = ("_ownerid_value",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code that the owner's id or user name is mapped to; None for anybody else."""
        owner = str(column_of(row, "_ownerid_value")).lower()
        mapping = ctx.settings.sales_employees
        if owner in mapping:
            return mapping[owner]
        users = ctx.lists.get(known.OTHER_USERS, ())
        user = next((each for each in users if str(each["systemuserid"]).lower() == owner), {})
        return mapping.get(str(user.get("domainname") or "").lower())

    def write(self, value: Value, draft: Draft) -> None:
        """Who owns a record in Dynamics is decided there: rights depend on it."""


@dataclass(frozen=True)
class SalesEmployee(Accessor):
    """The sales employee of SAP's opportunity."""

    columns = ("SalesPerson",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code; SAP's own for nobody is none."""
        code = column_of(row, "SalesPerson")
        return None if code == -1 else code

    def write(self, value: Value, draft: Draft) -> None:
        """Set it; one that is there stays when an owner has none."""
        if value is not None:
            draft.body["SalesPerson"] = value
        elif draft.current is not None:
            text = "its owner is not mapped to a sales employee, so SAP's stays; add the owner to salesEmployees"
            raise Refused(text)


@dataclass(frozen=True)
class Description(Accessor):
    """The description and, if the settings say so, a line of text per product."""

    columns = ("description", CURRENCY)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Both, one below the other."""
        text = str(column_of(row, "description") or "").strip()
        if ctx.settings.opportunity_products == "none":
            return text
        currency = currency_of(row, ctx)
        lines = [_product_text(each, currency) for each in sorted(column_of(row, PRODUCTS), key=_place)]
        return "\n".join([*([text] if text else []), *lines])

    def write(self, value: Value, draft: Draft) -> None:
        """Remarks never come from SAP: what is Dynamics' own could not be told from the products in them."""


def _place(row: Row) -> tuple[int, int, str]:
    numbers = (row.get("lineitemnumber"), row.get("sequencenumber"))
    first, second = (_LAST if number is None else int(number) for number in numbers)
    return first, second, str(row["opportunityproductid"])


def _product_text(row: Row, currency: Row | None) -> str:
    """``2 x Hammer at 10.00 EUR = 20.00``."""
    named = row.get("productdescription" if row.get("isproductoverridden") is True else "productname")
    name = " ".join(str(named or row.get("productdescription") or "a product without a name").split())
    quantity = number_or_zero(row.get("quantity")).normalize()
    price = money(number_or_zero(row.get("priceperunit")), currency)
    code = f" {currency['isocurrencycode']}" if currency else ""
    return f"{quantity:f} x {name} at {price}{code} = {money(number_or_zero(row.get('extendedamount')), currency)}"


@dataclass(frozen=True)
class StatusText(Accessor):
    """Where SAP's opportunity stands, in words for a person."""

    columns = ("Status", STAGES)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """open, won or lost, and the name of the stage: ``open: Negotiation``."""
        state = SAP_STATES.get(column_of(row, "Status"))
        last = rows_of(row)[-1:]
        names = [each["Name"] for each in ctx.lists.get(sap.SALES_STAGES, ()) if _is_stage(each, last)]
        return ": ".join([str(state), *names[:1]]) if state else None

    def write(self, value: Value, draft: Draft) -> None:
        """SAP decides it."""


def _is_stage(stage: Row, last: list[Row]) -> bool:
    return bool(last) and stage["SequenceNo"] == last[0].get("StageKey") and bool(stage.get("Name"))
