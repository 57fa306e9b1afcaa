"""SAP's figures for an order of Dynamics: prices and discounts that SAP computes to exactly the same total.

Dynamics has amounts: the net of each line, a discount of the header, shipping, tax. SAP has quantity, price and discount
percentage of each row, one discount percentage of the header, and freight, each with a limited number of decimals; what
it computes from them must be Dynamics' total to the last unit of the currency, or the order is refused by name.

The header's discount becomes the header's percentage where one gives its amount; else the rows bear it, each in
proportion to its net. A row keeps Dynamics' price where it can; else the nearest price and percentage are searched. Tax
is freight of its row, and rows and freight carry a tax code of 0 %, so that SAP adds none of its own.

Source: SAP rounds each row's total, and the header's discount on their sum, half away from zero to the currency's
decimals; that it does so is what our Service Layer simulator assumes too. Dynamics' amounts are those of its system price
calculation: ``extendedamount`` with tax, ``totalamountlessfreight``, ``totalamount``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import chain
from typing import Final

from shared.objects.canonical import Refused, decimal_places
from shared.objects.row_figures import EXACT, Accuracy, is_too_long, rounded, row_figures, row_total

_NONE: Final = Decimal(0)
_ALL: Final = Decimal(100)

_DO_NOT_ADD_UP: Final = (
    "Dynamics' own amounts do not add up: the total is not the amount before freight plus freight and tax; "
    "recalculate the order in Dynamics"
)
_TOO_LONG: Final = "an amount, price or quantity has more digits than Dynamics keeps; correct it in Dynamics"
_NO_LINES: Final = "the order has no lines; add a product in Dynamics"
_DISCOUNT_TOO_LARGE: Final = "the discount of the order is more than its lines amount to; lower it in Dynamics"
_NOTHING_TO_RAISE: Final = "the order has an amount but its lines have none; give the amount to a line in Dynamics"
_NOT_ABOVE_ZERO: Final = "the quantity is not above zero; correct it in Dynamics"
_NEGATIVE: Final = "the amount after discount is negative; lower the discount in Dynamics"
_NO_FIGURES: Final = (
    "no price and discount in SAP's decimals give the line's amount (less its share of the order's discount) exactly; "
    "round the price or the discount in Dynamics, or raise the decimals of prices in SAP"
)


@dataclass(frozen=True)
class LineAmounts:
    """One line as Dynamics shows it.

    ``price`` is that of one unit; ``net`` is ``extendedamount`` less ``tax``: after all discounts of the line.
    """

    quantity: Decimal
    price: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True)
class OrderAmounts:
    """An order as Dynamics shows it, in its currency.

    ``net`` is ``totalamountlessfreight`` (the lines' nets less the header's discount), ``freight`` is
    ``freightamount``, ``total`` is ``totalamount``.
    """

    lines: tuple[LineAmounts, ...]
    net: Decimal
    freight: Decimal
    total: Decimal


@dataclass(frozen=True)
class SapLine:
    """A row of SAP's order; ``tax`` travels as a freight row of it. A surcharge is a negative percentage."""

    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal
    tax: Decimal


@dataclass(frozen=True)
class SapAmounts:
    """SAP's order, rows in the order of Dynamics' lines; ``freight`` is the document's own."""

    lines: tuple[SapLine, ...]
    discount_percent: Decimal
    freight: Decimal


def fitted(order: OrderAmounts, accuracy: Accuracy) -> SapAmounts:
    """SAP's figures whose total is exactly Dynamics'; the same order always gives the same figures.

    Figures are finite. The caller's decimal context has no influence.

    Raises:
        Refused: for the whole order, by name and without an amount; lines are named by their place, from 1.
    """
    with localcontext(EXACT):
        if reason := next(_faults(order, accuracy), ""):
            raise Refused(reason, whole=True)
        percent, targets = _header(order, accuracy)
        pairs = enumerate(zip(order.lines, targets, strict=True), 1)
        lines = tuple(_sap_line(place, line, target, accuracy) for place, (line, target) in pairs)
        return SapAmounts(lines, percent, order.freight)


def predicted_total(amounts: SapAmounts, accuracy: Accuracy) -> Decimal:
    """The total that SAP computes, in the document's currency: rows less the header's discount, freight and taxes."""
    with localcontext(EXACT):
        rows = _sum(
            row_total(line.quantity, line.unit_price, line.discount_percent, accuracy) for line in amounts.lines
        )
        discount = _discount(rows, amounts.discount_percent, accuracy)
        return rows - discount + amounts.freight + _sum(line.tax for line in amounts.lines)


# -- what cannot be carried ----------------------------------------------------------------------------------------


def _faults(order: OrderAmounts, accuracy: Accuracy) -> Iterator[str]:
    """Why the order cannot stand in SAP, the order's own reasons before those of its lines."""
    figures = (each for line in order.lines for each in (line.quantity, line.price, line.net, line.tax))
    if any(map(is_too_long, chain(figures, (order.net, order.freight, order.total)))):
        yield _TOO_LONG
    if order.total != order.net + order.freight + _sum(line.tax for line in order.lines):
        yield _DO_NOT_ADD_UP
    if not order.lines:
        yield _NO_LINES
    amounts = (
        ("total amount", order.total),
        ("freight amount", order.freight),
        ("amount before freight", order.net),
    )
    yield from _too_fine(amounts, accuracy.amount, "amounts of the currency")
    for place, line in enumerate(order.lines, 1):
        yield from (f"line {place}: {fault}" for fault in _line_faults(line, accuracy))
    if order.net < 0:
        yield _DISCOUNT_TOO_LARGE
    if order.net > 0 and not any(line.net for line in order.lines):
        yield _NOTHING_TO_RAISE


def _line_faults(line: LineAmounts, accuracy: Accuracy) -> Iterator[str]:
    yield from _too_fine((("quantity", line.quantity),), accuracy.quantity, "quantities")
    amounts = (("amount after discount", line.net), ("tax", line.tax))
    yield from _too_fine(amounts, accuracy.amount, "amounts of the currency")
    if line.quantity <= 0:
        yield _NOT_ABOVE_ZERO
    if line.net < 0:
        yield _NEGATIVE


def _too_fine(figures: Iterable[tuple[str, Decimal]], places: int, what: str) -> Iterator[str]:
    for name, figure in figures:
        if decimal_places(figure) > places:
            yield (
                f"the {name} has more decimals than the {places} that SAP keeps; "
                f"round it in Dynamics, or raise the decimals of {what} in SAP"
            )


# -- the header's discount -----------------------------------------------------------------------------------------


def _header(order: OrderAmounts, accuracy: Accuracy) -> tuple[Decimal, list[Decimal]]:
    """The header's percentage, and the amount that each row is to have.

    Only the nearest percentage need be tried: as the discount is in whole last units, no other rounds to it if that
    one does not. The same holds for the nearest percentage of a row.
    """
    nets = [line.net for line in order.lines]
    rows = _sum(nets)
    discount = rows - order.net
    if not discount:
        return _NONE, nets
    percent = rounded(discount / rows * 100, accuracy.percent)
    if -_ALL < percent <= _ALL and _discount(rows, percent, accuracy) == discount:
        return percent, nets
    shares = _shares(discount, nets, accuracy.amount)
    return _NONE, [net - share for net, share in zip(nets, shares, strict=True)]


def _shares(amount: Decimal, nets: Sequence[Decimal], places: int) -> list[Decimal]:
    """The amount in proportion to the nets: whole last units, by largest remainder, the first line on a tie.

    A share is never more than its net unless the amount is more than all of them.
    """
    weights = [int(net.scaleb(places)) for net in nets]
    units, total = abs(int(amount.scaleb(places))), sum(weights)
    whole = [units * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: -(units * weights[at] % total))
    for at in by_remainder[: units - sum(whole)]:
        whole[at] += 1
    return [Decimal(each).scaleb(-places).copy_sign(amount) for each in whole]


# -- a row ---------------------------------------------------------------------------------------------------------


def _sap_line(place: int, line: LineAmounts, target: Decimal, accuracy: Accuracy) -> SapLine:
    """The first figures whose row total is the target."""
    figures = row_figures(line.quantity, line.price, target, accuracy)
    if figures is None:
        raise Refused(f"line {place}: {_NO_FIGURES}", whole=True)
    return SapLine(line.quantity, *figures, line.tax)


# -- arithmetic ----------------------------------------------------------------------------------------------------


def _discount(rows: Decimal, percent: Decimal, accuracy: Accuracy) -> Decimal:
    return rounded(rows * percent / 100, accuracy.amount)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _NONE)
