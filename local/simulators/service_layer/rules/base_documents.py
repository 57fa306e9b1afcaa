"""Base documents: which row a row is based on, what is left of that, and what the new document takes over from it.

Sources: service layer facts (BaseType, BaseEntry, BaseLine; their numbers); what is taken over is general Business One
knowledge: a row has the base row's item, price and tax unless it says otherwise, a document the header's user fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.money import exact, number
from local.simulators.service_layer.store import Row

INVOICE, DELIVERY_NOTE, ORDER, QUOTATION = 13, 15, 17, 23
"""BaseType of the documents that are simulated."""
DRAWN = "_drawn"
"""Where a row keeps how much of it other documents took; never shown."""
TAKEN = "_taken"
"""Where a row keeps how much it took of its base row; never shown."""
_NO_BASE = (None, -1)
_COPIED = ("ItemCode", "ItemDescription", "AccountCode", "FreeText", "WarehouseCode", "UoMEntry", "SalesPersonCode")
_PRICE = frozenset({"UnitPrice", "Price", "LineTotal", "RowTotalFC", "DiscountPercent"})
_TAX = frozenset({"TaxCode", "VatGroup"})


@dataclass(frozen=True)
class Base:
    """A kind of base document.

    ``is_settled``: it takes no harm from a row that takes more than is left, closes when nothing is left, and gets a
    change stamp. An invoice is closed by payments instead, and no credit memo may take more than is left.
    """

    entity_set: str
    is_settled: bool = True


BASES: Mapping[Any, Base] = {
    INVOICE: Base("Invoices", is_settled=False),
    DELIVERY_NOTE: Base("DeliveryNotes"),
    ORDER: Base("Orders"),
    QUOTATION: Base("Quotations"),
}
"""By BaseType."""


def has_base(line: Row) -> bool:
    """True if the row names a base, a right one or not."""
    return line.get("BaseType") not in _NO_BASE


def base_of(company: Company, line: Row) -> tuple[Row, Row] | None:
    """The document and the row that a row is based on; None for none or one that does not exist."""
    kind = BASES.get(line.get("BaseType"))
    document = company.store.get(kind.entity_set, line.get("BaseEntry")) if kind is not None else None
    rows = (document or {}).get("DocumentLines", ())
    row = next((each for each in rows if each["LineNum"] == line.get("BaseLine")), None)
    return (document, row) if document is not None and row is not None else None


def left_of(row: Row) -> Decimal:
    """What no other document took of a row yet, whether it is open or not."""
    return max(exact(row["Quantity"]) - exact(row.get(DRAWN)), Decimal(0))


def with_base_values(company: Company, given: Row, currency: str) -> Row:
    """A new row with what it does not say and its base row does; prices only in the same ``currency``."""
    found = base_of(company, given)
    if found is None:
        return given
    document, row = found
    copied = {name: row[name] for name in _COPIED if name in row}
    copied["Quantity"] = number(left_of(row))
    if not _TAX & set(given):
        copied |= {name: row[name] for name in _TAX if name in row}
    if not _PRICE & set(given) and document["DocCurrency"] == currency:
        copied |= {name: row[name] for name in ("UnitPrice", "DiscountPercent") if name in row}
    return {**copied, **given}


def take_user_fields(company: Company, draft: Row) -> None:
    """Give a new document the header's user fields of its first base document, unless it names them itself."""
    found = next((base_of(company, line) for line in draft.get("DocumentLines") or () if has_base(line)), None)
    if found is None or not company.switches.user_fields_are_copied:
        return
    for name, value in found[0].items():
        if name.startswith("U_"):
            draft.setdefault(name, value)
