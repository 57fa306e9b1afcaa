"""SAP's figures for a receipt: rows, freights and a rounding of which SAP computes exactly the till's total. Pure.

The till tells the tax of every line; SAP computes it from each row's net and the code's rate. A net is moved by one last
unit of the currency where SAP's tax then gives the line's gross amount. What no net gives (a gross of 0.03 at 19 % lies
between two nets) is at most one unit a line; it joins the till's own rounding in ``RoundingDiffAmount``.

Source: SAP rounds each row's total and each row's tax half away from zero to the currency's decimals; that it does so is
what our Service Layer simulator assumes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from shared.objects.canonical import Refused, decimal_places
from shared.objects.row_figures import EXACT, Accuracy, is_too_long, rounded, row_figures, row_total, step

_NONE: Final = Decimal(0)


@dataclass(frozen=True)
class Taxed:
    """A surcharge: ``net`` without tax, its ``tax``, and the rate of SAP's code in percent."""

    net: Decimal
    tax: Decimal
    rate: Decimal

    @property
    def gross(self) -> Decimal:
        """What the customer pays for it."""
        return self.net + self.tax


@dataclass(frozen=True)
class TaxedLine(Taxed):
    """A line; ``price`` is that of one unit before discounts, with tax where the receipt is tax inclusive."""

    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class ReceiptAmounts:
    """A receipt as the till shows it."""

    lines: tuple[TaxedLine, ...]
    surcharges: tuple[Taxed, ...]
    rounding: Decimal
    total: Decimal
    tax_inclusive: bool = False


@dataclass(frozen=True)
class SapRow:
    """A row of SAP's document with the rate of its tax code in percent."""

    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal
    rate: Decimal


@dataclass(frozen=True)
class SapFreight:
    """A freight of SAP's document."""

    net: Decimal
    rate: Decimal


@dataclass(frozen=True)
class SapReceipt:
    """SAP's document: rows and freights in the receipt's order, and what its total is rounded by."""

    rows: tuple[SapRow, ...]
    freights: tuple[SapFreight, ...]
    rounding: Decimal


def fitted(receipt: ReceiptAmounts, accuracy: Accuracy) -> SapReceipt:
    """SAP's figures whose total is exactly the receipt's; the same receipt always gives the same figures.

    Raises:
        Refused: for the whole receipt, with the difference where there is one; lines are named by their place, from 1.
    """
    with localcontext(EXACT):
        if reason := next(_faults(receipt, accuracy), ""):
            raise Refused(reason, whole=True)
        inclusive = receipt.tax_inclusive
        rows = tuple(_row(place, each, inclusive, accuracy) for place, each in enumerate(receipt.lines, 1))
        freights = tuple(_freight(place, each, accuracy) for place, each in enumerate(receipt.surcharges, 1))
        made = SapReceipt(rows, freights, _NONE)
        made = SapReceipt(rows, freights, receipt.total - predicted_total(made, accuracy))
        _prove(made, receipt, accuracy)
        return made


def predicted_total(made: SapReceipt, accuracy: Accuracy) -> Decimal:
    """The total that SAP computes: rows, freights, the tax of each, and the rounding."""
    with localcontext(EXACT):
        nets = [(row_total(r.quantity, r.unit_price, r.discount_percent, accuracy), r.rate) for r in made.rows]
        nets += [(freight.net, freight.rate) for freight in made.freights]
        return sum((_gross(net, rate, accuracy) for net, rate in nets), made.rounding)


def _prove(made: SapReceipt, receipt: ReceiptAmounts, accuracy: Accuracy) -> None:
    """The total is the receipt's, and what is rounded is the till's rounding and at most a unit a line."""
    difference = predicted_total(made, accuracy) - receipt.total
    cents = made.rounding - receipt.rounding
    bound = step(accuracy.amount) * (len(made.rows) + len(made.freights))
    if difference or abs(cents) > bound:
        raise Refused(f"SAP's total would differ by {difference or -cents:f}; nothing was posted", whole=True)


def _row(place: int, line: TaxedLine, inclusive: bool, accuracy: Accuracy) -> SapRow:
    """The first figures of a net that is near enough."""
    where = f"line {place}"
    nets = _nets(where, line, accuracy)
    price = line.price * 100 / (100 + line.rate) if inclusive else line.price
    for net in nets:
        if figures := row_figures(line.quantity, price, net, accuracy):
            return SapRow(line.quantity, *figures, line.rate)
    raise Refused(
        f"{where}: no price and discount in SAP's decimals give its amount; raise the decimals of prices in SAP",
        whole=True,
    )


def _freight(place: int, surcharge: Taxed, accuracy: Accuracy) -> SapFreight:
    return SapFreight(_nets(f"surcharge {place}", surcharge, accuracy)[0], surcharge.rate)


def _nets(where: str, figure: Taxed, accuracy: Accuracy) -> Sequence[Decimal]:
    """The nets that with SAP's tax give the gross to a unit, the best first, the till's own before its neighbours."""
    unit = step(accuracy.amount)
    by_difference = [
        (abs(_gross(net, figure.rate, accuracy) - figure.gross), net)
        for net in (figure.net, figure.net - unit, figure.net + unit)
        if net >= 0
    ]
    near = [net for difference, net in sorted(by_difference, key=lambda each: each[0]) if difference <= unit]
    if not near:
        difference = _gross(figure.net, figure.rate, accuracy) - figure.gross
        raise Refused(
            f"{where}: SAP's tax would differ from the receipt's by {difference:f}; "
            "give the tax code the same rate in both systems",
            whole=True,
        )
    return near


def _gross(net: Decimal, rate: Decimal, accuracy: Accuracy) -> Decimal:
    return net + rounded(net * rate / 100, accuracy.amount)


# -- what cannot be carried ----------------------------------------------------------------------------------------


def _faults(receipt: ReceiptAmounts, accuracy: Accuracy) -> Iterator[str]:
    """Why the receipt cannot stand in SAP, its own reasons before those of its lines."""
    figures = [receipt.rounding, receipt.total]
    figures += [each for line in receipt.lines for each in (line.quantity, line.price, line.net, line.tax)]
    figures += [each for surcharge in receipt.surcharges for each in (surcharge.net, surcharge.tax)]
    if any(map(is_too_long, figures)):
        yield "an amount, price or quantity has too many digits"
    difference = receipt.total - receipt.rounding - sum(each.gross for each in (*receipt.lines, *receipt.surcharges))
    if difference:
        yield f"the total and its lines, surcharges and rounding differ by {difference:f} in Tagrain"
    if not receipt.lines:
        yield "it has no lines; SAP takes no document without any"
    yield from _too_fine("its total or rounding", (receipt.total, receipt.rounding), accuracy.amount)
    for place, line in enumerate(receipt.lines, 1):
        yield from _of_line(f"line {place}", line, accuracy)
    for place, surcharge in enumerate(receipt.surcharges, 1):
        yield from _of_amounts(f"surcharge {place}", surcharge, accuracy)


def _of_line(where: str, line: TaxedLine, accuracy: Accuracy) -> Iterator[str]:
    if line.quantity <= 0:
        yield f"{where}: its quantity is not above zero; sell and give back on separate receipts"
    yield from _too_fine(f"{where}: its quantity", (line.quantity,), accuracy.quantity)
    yield from _of_amounts(where, line, accuracy)


def _of_amounts(where: str, figure: Taxed, accuracy: Accuracy) -> Iterator[str]:
    yield from _too_fine(f"{where}: its amount or tax", (figure.net, figure.tax), accuracy.amount)
    if figure.net < 0:
        yield f"{where}: its amount is negative; sell and give back on separate receipts"


def _too_fine(what: str, figures: Sequence[Decimal], places: int) -> Iterator[str]:
    if any(decimal_places(figure) > places for figure in figures):
        yield f"{what} has more than the {places} decimals that SAP keeps; raise its decimals in SAP"
