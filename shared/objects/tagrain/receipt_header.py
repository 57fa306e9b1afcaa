"""The header of a receipt's document: customer, day, whether it was voided; what SAP never changes once it is posted."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Column, Draft, column_of
from shared.objects.model import Context, Parent
from shared.objects.tagrain.entities import Property
from shared.objects.tagrain.receipt import VOIDED
from shared.ports import Mark, Row, SideName, Value

WALK_IN = "*"
"""The customer of a receipt without one; no id of Tagrain looks so."""
CHANGED = "it was changed in Tagrain after it was posted; SAP changes no posted document, so correct it there by hand"
_VOIDED = "it was voided in Tagrain after it was posted; cancel its payments and the document in SAP by hand"


@dataclass(frozen=True)
class FixedColumn(Column):
    """A column that is set when the document is created, and never after."""

    def write(self, value: Value, draft: Draft) -> None:
        """Set it if the value fits; a conflict once the document is posted."""
        refuse_posted(draft)
        super().write(value, draft)


def refuse_posted(draft: Draft) -> None:
    """Raise the conflict of a receipt that changed after it was posted."""
    if draft.current is not None:
        raise Refused(CHANGED, conflict=True)


@dataclass(frozen=True)
class FromTagrain(Property):
    """A property of a receipt, which nothing ever changes from SAP."""

    writable: bool = False


@dataclass(frozen=True)
class TagrainCustomer(FromTagrain):
    """The customer's id, or that there is none."""

    name: str = "customerId"

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The id, :data:`WALK_IN` for none."""
        return super().read(row, mark, ctx) or WALK_IN


@dataclass(frozen=True)
class SapCustomer(Accessor):
    """The customer of the document."""

    columns = ("CardCode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code."""
        return column_of(row, "CardCode")

    def write(self, value: Value, draft: Draft) -> None:
        """The partner that the customer is linked to, the cash customer for none."""
        code = self._code(str(value), draft.ctx)
        if draft.current is None:
            draft.body["CardCode"] = code
        elif draft.current.get("CardCode") != code:
            raise Refused(CHANGED, conflict=True)

    @staticmethod
    def _code(customer: str, ctx: Context) -> str:
        if customer == WALK_IN:
            if ctx.settings.cash_customer is None:
                raise Refused("it has no customer; choose one for that in the setting cashCustomer", whole=True)
            return str(ctx.settings.cash_customer)
        code = ctx.links.get(Parent("customer", SideName.OTHER, customer))
        if code is None:
            raise Refused("its customer is not linked to a customer of SAP", whole=True)
        return code


@dataclass(frozen=True)
class PostingDay(Accessor):
    """The day of the document; also that of its tax and when it is due."""

    names: tuple[str, ...] = ("DocDate", "TaxDate", "DocDueDate")
    columns = ("DocDate",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The posting day."""
        return column_of(row, "DocDate")

    def write(self, value: Value, draft: Draft) -> None:
        """All of them the same day."""
        refuse_posted(draft)
        draft.body |= dict.fromkeys(self.names, value)


@dataclass(frozen=True)
class TagrainVoided(FromTagrain):
    """Whether the receipt was voided."""

    name: str = "status"

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True if so."""
        return super().read(row, mark, ctx) == VOIDED


@dataclass(frozen=True)
class SapCancelled(Accessor):
    """Whether the document is cancelled in SAP, which people do."""

    columns = ("Cancelled",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True for tYES."""
        return column_of(row, "Cancelled") == "tYES"

    def write(self, value: Value, draft: Draft) -> None:
        """A receipt that is voided after it was posted is for a person to undo."""
        if value is True and draft.current is not None:
            raise Refused(_VOIDED, conflict=True)


@dataclass(frozen=True)
class RefundComments(FromTagrain):
    """The note of a refund, behind the sale that it gives back."""

    name: str = "note"
    columns = ("note", "originalSaleId")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The sale's id where there is one, and the note."""
        sale = column_of(row, "originalSaleId")
        parts = (f"Tagrain: refund of sale {sale}" if sale else "", str(column_of(row, "note") or "").strip())
        return "\n".join(part for part in parts if part)
