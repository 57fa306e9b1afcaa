"""Price and discount percentage of a row of a SAP document, so that SAP computes exactly the total that it is to have.

Source: SAP rounds each row's total half away from zero to the currency's decimals; that it does so is what our Service
Layer simulator assumes too. Prices and percentages have a limited number of decimals, by the company's settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from itertools import chain
from typing import Final

from shared.objects.canonical import decimal_places

EXACT: Final = Context(prec=100)
"""Products of three figures that the systems hold are exact in this context."""

_WHOLE_DIGITS: Final = 15
_DECIMALS: Final = 10
"""Longer figures than these no system holds; products of shorter ones are exact."""
_MOST_STEPS: Final = 4_000
"""How far from the nearest percentage a row's figures are searched, each way, in SAP's smallest percentage."""
_SURCHARGE_STEPS: Final = 500
_LOWEST: Final = Decimal(-5)
"""How far below zero it is searched when nothing from 0 to 100 % fits, in steps and in percent."""
_NONE: Final = Decimal(0)
_ALL: Final = Decimal(100)


@dataclass(frozen=True)
class Accuracy:
    """Decimal places that SAP keeps: of amounts in the document's currency, prices, percentages, quantities."""

    amount: int
    price: int
    percent: int
    quantity: int


def is_too_long(figure: Decimal) -> bool:
    """Whether it has more digits than the systems hold (Dynamics: money below 10^15 with ten decimals)."""
    return bool(figure) and (figure.adjusted() >= _WHOLE_DIGITS or decimal_places(figure) > _DECIMALS)


def row_figures(
    quantity: Decimal, price: Decimal, target: Decimal, accuracy: Accuracy
) -> tuple[Decimal, Decimal] | None:
    """Unit price and percentage, nearest to the price, whose row total is the target; None if SAP's decimals have none.

    The quantity is above zero; a surcharge is a negative percentage. The same input always gives the same figures.
    """
    for some_price, percent in _figures(quantity, price, target, accuracy):
        if row_total(quantity, some_price, percent, accuracy) == target:
            return some_price, percent
    return None


def row_total(quantity: Decimal, price: Decimal, percent: Decimal, accuracy: Accuracy) -> Decimal:
    """What SAP makes of a row's figures."""
    return rounded(quantity * price * (100 - percent) / 100, accuracy.amount)


def rounded(value: Decimal, places: int) -> Decimal:
    """Half away from zero, as SAP rounds."""
    return value.quantize(step(places), rounding=ROUND_HALF_UP)


@cache
def step(places: int) -> Decimal:
    """One of the last decimal: 0.01 for two places."""
    return Decimal(1).scaleb(-places)


def _figures(
    quantity: Decimal, shown: Decimal, target: Decimal, accuracy: Accuracy
) -> Iterator[tuple[Decimal, Decimal]]:
    """Prices and percentages that may give the target, those nearest to the price first."""
    price = rounded(shown, accuracy.price)
    yield price, _NONE
    full = quantity * price
    if target > full:  # a price goes up before a percentage goes below zero
        yield _price_for(target, quantity, _NONE, accuracy), _NONE
    nearest = rounded((1 - target / full) * 100, accuracy.percent) if full > 0 else _NONE
    if nearest >= _LOWEST:
        yield price, nearest
    for percent in _percents(max(nearest, _NONE), step(accuracy.percent)):
        yield _price_for(target, quantity, percent, accuracy), percent


def _percents(nearest: Decimal, one: Decimal) -> Iterator[Decimal]:
    """Percentages below 100: from the nearest one step up, one down, two up, two down; those below zero come last."""
    outwards = (nearest + one * at for distance in range(1, _MOST_STEPS + 1) for at in (distance, -distance))
    yield from (percent for percent in chain((nearest,), outwards) if 0 <= percent < _ALL)
    below_zero = (-one * at for at in range(1, _SURCHARGE_STEPS + 1))
    yield from (percent for percent in below_zero if percent >= _LOWEST)


def _price_for(target: Decimal, quantity: Decimal, percent: Decimal, accuracy: Accuracy) -> Decimal:
    return rounded(target * 100 / (quantity * (100 - percent)), accuracy.price)
