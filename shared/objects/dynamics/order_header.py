"""The header of an order or quotation: customer, dates, terms, total, status, and what is written back, each as its side spells it.

What is Dynamics' alone is never written there; what SAP computes or decides is never written to it.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.objects.canonical import Refused, number_or_zero
from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.company import is_foreign
from shared.objects.dynamics.document_kind import DocumentKind
from shared.objects.model import KEY, Context, Parent, Step
from shared.ports import Mark, Row, SideName, Value

READ_ONLY = "Dynamics takes no change of a sales document that is won, closed, cancelled, fulfilled or invoiced"
DELIVERIES, INVOICES = "deliveries", "invoices"  # where the documents that were made of an order stand in its row


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
            text = "SAP moves no document to another customer; cancel it there and enter a new one"
            raise Refused(text, conflict=True)
        code = draft.ctx.links.get(Parent("account", SideName.OTHER, str(value)))
        if code is None:
            raise Refused("its account is not linked to a customer")
        draft.body["CardCode"] = code


@dataclass(frozen=True)
class DynamicsCustomer(Accessor):
    """The account that the document is for."""

    columns = ("_accountid_value", "_contactid_value")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The account's id. A document for a contact alone cannot be entered in SAP."""
        account = column_of(row, "_accountid_value")
        if account is None:
            raise Refused("it is not for an account; SAP enters documents for customers only, so choose an account")
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
class ValidUntil(Accessor):
    """The day until which a quote is good; without one so many days after it was created."""

    columns = ("effectiveto", "expireson", "createdon")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The end of its effect in the time zone of the settings, else the day on which it expires, else by the settings."""
        zone = ZoneInfo(ctx.settings.time_zone)
        effective = column_of(row, "effectiveto")
        if effective is not None:
            return instant(effective).astimezone(zone).date().isoformat()
        if expires := column_of(row, "expireson"):
            return expires
        created = instant(column_of(row, "createdon")).astimezone(zone).date()
        return (created + timedelta(days=ctx.settings.quotation_days)).isoformat()

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
    """Where the document stands, by what was drawn of its rows and whether an invoice was made of it."""

    kind: DocumentKind
    columns = ("DocumentStatus", "Cancelled", "DocumentLines")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """One of the kind's statuses. A document that was closed and of which nothing was made is only closed."""
        if column_of(row, "Cancelled") == "tYES":
            return "cancelled"
        if column_of(row, "DocumentStatus") != "bost_Close":
            return self.kind.partly if any(map(_is_drawn, column_of(row, "DocumentLines") or ())) else "open"
        if _any_of(row, INVOICES):
            return "invoiced"
        return "delivered" if _any_of(row, DELIVERIES) else "closed"

    def write(self, value: Value, draft: Draft) -> None:
        """SAP decides it."""


def _is_drawn(line: Row) -> bool:
    """Whether something of a row was delivered, invoiced or ordered already."""
    return number_or_zero(line.get("RemainingOpenQuantity", line.get("Quantity"))) < number_or_zero(
        line.get("Quantity")
    )


def _any_of(row: Row, name: str) -> bool:
    return any(each.get("Cancelled") != "tYES" for each in row.get(name) or ())


@dataclass(frozen=True)
class SapCancelled(Accessor):
    """Whether the document is cancelled in SAP."""

    kind: DocumentKind
    columns = ("Cancelled", "DocumentStatus")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True for tYES."""
        return column_of(row, "Cancelled") == "tYES"

    def write(self, value: Value, draft: Draft) -> None:
        """Cancel it, as a step, if the settings say so and SAP still can; what was cancelled stays so."""
        if value is not True or draft.current is None:
            return
        if self.kind.reports_cancelling(draft.ctx.settings):
            raise Refused("it was cancelled in Dynamics; cancel or close it in SAP by hand", conflict=True)
        if draft.current.get("DocumentStatus") != "bost_Open":
            raise Refused("it was cancelled in Dynamics, but the SAP document is closed already", conflict=True)
        draft.steps.append(Step(1, "cancelled", "cancel", operation=f"{self.kind.sap_set}({KEY})/Cancel"))


@dataclass(frozen=True)
class Canceled(Accessor):
    """Whether the document is cancelled in Dynamics."""

    kind: DocumentKind
    columns = ("statecode", "statuscode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True in the states that mean it."""
        return self.kind.is_canceled({name: column_of(row, name) for name in self.columns})

    def write(self, value: Value, draft: Draft) -> None:
        """What SAP cancelled is told by its status."""


@dataclass(frozen=True)
class WrittenBack(Accessor):
    """A text column of the document that the settings name, for what SAP knows of it."""

    setting: str
    kind: DocumentKind
    columns = ("statecode",)

    def columns_in(self, ctx: Context) -> tuple[str, ...]:
        """The column of the settings."""
        return (getattr(ctx.settings, self.setting), *self.columns)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The text."""
        return column_of(row, getattr(ctx.settings, self.setting))

    def write(self, value: Value, draft: Draft) -> None:
        """Set the text, unless Dynamics keeps the document read-only by now."""
        state = None if draft.current is None else draft.current.get("statecode")
        if state in self.kind.read_only:
            raise Refused(READ_ONLY)
        draft.body[getattr(draft.ctx.settings, self.setting)] = None if value is None else str(value)
