"""The header of an order: customer, dates, terms, total, status, and what is written back, each as its side spells it.

What is Dynamics' alone is never written there; what SAP computes or decides is never written to it.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.company import is_foreign
from shared.objects.dynamics.order_settings import CANCELED_STATE
from shared.objects.model import KEY, Context, Parent, Step
from shared.ports import Mark, Row, SideName, Value

READ_ONLY = (2, 3, 4)  # states in which Dynamics takes no change of an order: Canceled, Fulfilled, Invoiced


def instant(text: Any) -> datetime:
    """A time as Dataverse spells it."""
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))


@dataclass(frozen=True)
class SapCustomer(Accessor):
    """The customer of the document, which SAP never changes."""

    columns = ("CardCode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code."""
        return column_of(row, "CardCode")

    def write(self, value: Value, draft: Draft) -> None:
        """The partner that the account is linked to."""
        if draft.current is not None:
            raise Refused("SAP moves no order to another customer; cancel it there and enter a new one", conflict=True)
        code = draft.ctx.links.get(Parent("account", SideName.OTHER, str(value)))
        if code is None:
            raise Refused("its account is not linked to a customer")
        draft.body["CardCode"] = code


@dataclass(frozen=True)
class DynamicsCustomer(Accessor):
    """The account that the order is for."""

    columns = ("_accountid_value", "_contactid_value")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The account's id. An order for a contact alone cannot be entered in SAP."""
        account = column_of(row, "_accountid_value")
        if account is None:
            raise Refused("it is not for an account; SAP enters orders for customers only, so choose an account")
        return account

    def write(self, value: Value, draft: Draft) -> None:
        """The customer never comes from SAP."""


@dataclass(frozen=True)
class RequestedDelivery(Accessor):
    """The day of the requested delivery; without one so many days after the order was created."""

    columns = ("requestdeliveryby", "createdon")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The day in the time zone of the settings: Dynamics keeps days as instants (date only, user local)."""
        zone = ZoneInfo(ctx.settings.time_zone)
        requested = column_of(row, "requestdeliveryby")
        if requested is not None:
            return instant(requested).astimezone(zone).date().isoformat()
        created = instant(column_of(row, "createdon")).astimezone(zone).date()
        return (created + timedelta(days=ctx.settings.delivery_days)).isoformat()

    def write(self, value: Value, draft: Draft) -> None:
        """The day never comes from SAP."""


@dataclass(frozen=True)
class PaymentTerms(Accessor):
    """The order's payment terms by SAP's code where they are mapped, else the one of the settings."""

    columns = ("paymenttermscode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's group number, None to leave it to the customer's."""
        code = column_of(row, "paymenttermscode")
        mapped = next((sap for sap, other in ctx.settings.payment_terms.items() if other == code), None)
        return ctx.settings.default_payment_term if mapped is None else mapped

    def write(self, value: Value, draft: Draft) -> None:
        """Payment terms never come from SAP."""


@dataclass(frozen=True)
class SapTotal(Accessor):
    """The document's total in its own currency."""

    columns = ("DocTotal", "DocTotalFc", "DocCurrency")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The total that SAP computed."""
        foreign = is_foreign(ctx, str(column_of(row, "DocCurrency")))
        return column_of(row, "DocTotalFc" if foreign else "DocTotal")

    def write(self, value: Value, draft: Draft) -> None:
        """SAP computes it."""


@dataclass(frozen=True)
class SapStatus(Accessor):
    """Where the document stands."""

    columns = ("DocumentStatus", "Cancelled")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """open, closed or cancelled."""
        if column_of(row, "Cancelled") == "tYES":
            return "cancelled"
        return "closed" if column_of(row, "DocumentStatus") == "bost_Close" else "open"

    def write(self, value: Value, draft: Draft) -> None:
        """SAP decides it."""


@dataclass(frozen=True)
class SapCancelled(Accessor):
    """Whether the document is cancelled in SAP."""

    columns = ("Cancelled", "DocumentStatus")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True for tYES."""
        return column_of(row, "Cancelled") == "tYES"

    def write(self, value: Value, draft: Draft) -> None:
        """Cancel it, as a step, if the settings say so and SAP still can; what was cancelled stays so."""
        if value is not True or draft.current is None:
            return
        if draft.ctx.settings.cancelled_orders == "report":
            raise Refused("it was cancelled in Dynamics; cancel or close it in SAP by hand", conflict=True)
        if draft.current.get("DocumentStatus") != "bost_Open":
            raise Refused("it was cancelled in Dynamics, but the SAP order is closed already", conflict=True)
        draft.steps.append(Step(1, "cancelled", "cancel", operation=f"Orders({KEY})/Cancel"))


@dataclass(frozen=True)
class Canceled(Accessor):
    """Whether the order is cancelled in Dynamics."""

    columns = ("statecode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True in the state Canceled."""
        return column_of(row, "statecode") == CANCELED_STATE

    def write(self, value: Value, draft: Draft) -> None:
        """Orders are cancelled in Dynamics by people."""


@dataclass(frozen=True)
class WrittenBack(Accessor):
    """A text column of the order that the settings name, for what SAP knows of it."""

    setting: str
    columns = ("statecode",)

    def columns_in(self, ctx: Context) -> tuple[str, ...]:
        """The column of the settings."""
        return (getattr(ctx.settings, self.setting), *self.columns)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The text."""
        return column_of(row, getattr(ctx.settings, self.setting))

    def write(self, value: Value, draft: Draft) -> None:
        """Set the text, unless Dynamics keeps the order read-only by now."""
        if draft.current is not None and draft.current.get("statecode") in READ_ONLY:
            raise Refused("Dynamics takes no change of an order that is cancelled, fulfilled or invoiced")
        draft.body[getattr(draft.ctx.settings, self.setting)] = None if value is None else str(value)
