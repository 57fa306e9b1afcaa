"""A receipt of Tagrain, sale or refund: its lines, surcharges and payments, parsed from the row or from a composite value.

Amounts are plain decimals in texts. ``total`` of a line or surcharge is its gross amount after all discounts, ``tax`` the
tax in it (our contract, docs/tagrain-contract.yaml). Figures of a refund are positive: what is given back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Amount, Refused
from shared.ports import Row, Value

VOIDED = "Voided"
_CONTENT = ("storeId", "currency", "taxInclusive", "lines", "surcharges", "rounding", "total")
_PAYMENT = ("id", "paymentTypeId", "amount", "paidAt", "reference", "isSettlement")


@dataclass(frozen=True)
class Batch:
    """So much of a batch."""

    number: str
    quantity: Decimal


@dataclass(frozen=True)
class Line:
    """One product. ``price`` and the discounts before it are gross where the receipt is tax inclusive."""

    product: str
    product_type: str
    quantity: Decimal
    price: Decimal
    tax_code: str | None
    tax: Decimal
    total: Decimal
    serial_numbers: tuple[str, ...] = ()
    batches: tuple[Batch, ...] = ()


@dataclass(frozen=True)
class Surcharge:
    """A surcharge by its id in the set-up."""

    surcharge: str
    tax_code: str | None
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class Content:
    """What was sold or given back. ``currency`` is an ISO code; ``rounding`` is what the till rounded the total by."""

    store: str
    currency: str
    tax_inclusive: bool
    lines: tuple[Line, ...]
    surcharges: tuple[Surcharge, ...]
    rounding: Decimal
    total: Decimal


@dataclass(frozen=True)
class Payment:
    """One payment; with ``is_settlement`` it was made after the sale, for what was left open then."""

    id: str
    payment_type: str
    amount: Decimal
    paid_at: datetime
    reference: str | None
    is_settlement: bool


@dataclass(frozen=True)
class Payments:
    """All payments of a receipt of that store and day."""

    store: str
    day: date
    payments: tuple[Payment, ...]


def shown_content(row: Row) -> dict[str, Any]:
    """The row's content as parts of a composite value. Refused where it does not add up."""
    parts = {name: _of(row, name) for name in _CONTENT}
    content = parse_content(parts)
    found = sum((each.total for each in content.lines), content.rounding)
    found += sum((each.total for each in content.surcharges), Decimal(0))
    _refuse_difference(content.total - found, "the total and its lines, surcharges and rounding")
    return parts


def shown_payments(row: Row) -> dict[str, Any]:
    """The row's payments as parts of a composite value. Refused where those of the sale itself are not its total."""
    payments = [{name: _of(each, name) for name in _PAYMENT} for each in _of(row, "payments") or ()]
    parts = {"storeId": _of(row, "storeId"), "businessDate": _of(row, "businessDate"), "payments": payments}
    found = sum((each.amount for each in parse_payments(parts).payments if not each.is_settlement), Decimal(0))
    _refuse_difference(amount_of(row, "total") - found, "the total and the payments")
    return parts


def content_of(value: Value) -> Content:
    """The content from its composite text."""
    return parse_content(json.loads(str(value)))


def payments_of(value: Value) -> Payments:
    """The payments from their composite text."""
    return parse_payments(json.loads(str(value)))


def parse_content(parts: Mapping[str, Any]) -> Content:
    """The content from its parts. Refused where one is missing or malformed."""
    return Content(
        store=str(_of(parts, "storeId")),
        currency=str(_of(parts, "currency")),
        tax_inclusive=bool(_of(parts, "taxInclusive")),
        lines=tuple(_line(each) for each in _of(parts, "lines") or ()),
        surcharges=tuple(_surcharge(each) for each in _of(parts, "surcharges") or ()),
        rounding=amount_of(parts, "rounding"),
        total=amount_of(parts, "total"),
    )


def parse_payments(parts: Mapping[str, Any]) -> Payments:
    """The payments from their parts. Refused where one is missing or malformed."""
    return Payments(
        store=str(_of(parts, "storeId")),
        day=day_of(parts, "businessDate"),
        payments=tuple(_payment(each) for each in _of(parts, "payments") or ()),
    )


def amount_of(parts: Mapping[str, Any], name: str) -> Decimal:
    """An amount; none counts as zero."""
    try:
        value = Amount().canonical(_of(parts, name))
    except Refused as refused:
        raise Refused(f"{name} {refused.reason}", whole=True) from None
    return value if isinstance(value, Decimal) else Decimal(0)


def day_of(parts: Mapping[str, Any], name: str) -> date:
    """A calendar day."""
    try:
        return date.fromisoformat(str(_of(parts, name))[:10])
    except ValueError:
        raise Refused(f"{name} is not a date", whole=True) from None


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        product=str(_of(row, "productId")),
        product_type=str(_of(row, "productType")),
        quantity=amount_of(row, "quantity"),
        price=amount_of(row, "unitPrice"),
        tax_code=_text(row, "taxCode"),
        tax=amount_of(row, "taxAmount"),
        total=amount_of(row, "total"),
        serial_numbers=tuple(map(str, row.get("serialNumbers") or ())),
        batches=tuple(Batch(str(_of(b, "number")), amount_of(b, "quantity")) for b in row.get("batches") or ()),
    )


def _surcharge(row: Mapping[str, Any]) -> Surcharge:
    return Surcharge(
        surcharge=str(_of(row, "surchargeId")),
        tax_code=_text(row, "taxCode"),
        tax=amount_of(row, "taxAmount"),
        total=amount_of(row, "total"),
    )


def _payment(row: Mapping[str, Any]) -> Payment:
    return Payment(
        id=str(_of(row, "id")),
        payment_type=str(_of(row, "paymentTypeId")),
        amount=amount_of(row, "amount"),
        paid_at=_instant(row),
        reference=_text(row, "reference"),
        is_settlement=_of(row, "isSettlement") is True,
    )


def _instant(row: Mapping[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(_of(row, "paidAt")))
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - no time at all
    if found.tzinfo is None:
        raise Refused("paidAt of a payment is not a time with its zone", whole=True)
    return found


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = _of(row, name)
    return str(value).strip() or None if value is not None else None


def _of(parts: Mapping[str, Any], name: str) -> Any:
    if name not in parts:
        raise Refused(f"{name} is missing in Tagrain's answer; check the version of its interface", whole=True)
    return parts[name]


def _refuse_difference(difference: Decimal, what: str) -> None:
    if difference:
        raise Refused(f"{what} differ by {difference:f} in Tagrain; have the receipt corrected there", whole=True)
