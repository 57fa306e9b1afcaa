"""Orders of Dynamics stand in SAP with exactly their total, as SAP itself computes it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest

from shared.objects.dynamics.order_amounts import (
    Accuracy,
    LineAmounts,
    OrderAmounts,
    SapAmounts,
    SapLine,
    fitted,
    predicted_total,
)
from tests.contract.service_layer_client import Client
from tests.contract.service_layer_orders import EXEMPT, Json, line, order, sap

__all__ = ["sap"]

COMPANY = {"price": 4, "percent": 2, "quantity": 3}
"""The sample company's PriceAccuracy, PercentageAccuracy, AccuracyofQuantities."""


def generated(random: Random, places: int) -> OrderAmounts:
    """An order as Dynamics computes it: discounts on lines and header, as odd amounts and as percentages, or none."""
    lines = tuple(_line(random, places) for _ in range(random.randrange(1, 12)))
    rows = sum((each.net for each in lines), Decimal(0))
    percent = random.choice((0, 0, 10, Decimal("2.5"), Decimal("33.333"), -3))
    odd = Decimal(random.randrange(1, 100)).scaleb(-places) if random.random() < 0.3 else Decimal(0)
    net = rows - min(rows, _round(rows * percent / 100, places) + odd)
    freight = Decimal(random.choice((0, random.randrange(10**5)))).scaleb(-places)
    return OrderAmounts(lines, net, freight, net + freight + sum((each.tax for each in lines), Decimal(0)))


def _line(random: Random, places: int) -> LineAmounts:
    quantity = random.choice((Decimal(random.randrange(1, 300)), Decimal(random.randrange(1, 10**5)) / 1000))
    price = Decimal(random.randrange(0, 10**6)).scaleb(-random.choice((2, 4, 5)))
    net = _round(quantity * price, places)
    if random.random() < 0.4:
        net -= min(net, _round(net * random.choice((5, 10, Decimal("12.345"), 100)) / 100, places))
    tax = _round(net * random.choice((0, 19)) / 100, places)
    return LineAmounts(quantity, price, net, tax)


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _row(row: SapLine, amount_column: str) -> Json:
    tax = [{"ExpenseCode": 2, amount_column: float(row.tax), **EXEMPT}] if row.tax else []
    percent = float(row.discount_percent)
    return line(float(row.unit_price), float(row.quantity), DiscountPercent=percent, DocumentLineAdditionalExpenses=tax)


async def _ordered(sap: Client, amounts: SapAmounts, currency: str) -> Json:
    amount_column = "LineTotal" if currency == "EUR" else "LineTotalFC"
    freight = [{"ExpenseCode": 1, amount_column: float(amounts.freight), **EXEMPT}]
    return await order(
        sap,
        *(_row(each, amount_column) for each in amounts.lines),
        DocCurrency=currency,
        DiscountPercent=float(amounts.discount_percent),
        DocumentAdditionalExpenses=freight if amounts.freight else [],
    )


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("USD", 2), ("KWD", 3)])
async def test_generated_orders_have_the_total_of_dynamics_as_predicted(
    sap: Client, currency: str, places: int
) -> None:
    random, accuracy = Random(f"amounts {currency}"), Accuracy(amount=places, **COMPANY)
    ways = set()
    for _ in range(40):
        shown = generated(random, places)
        amounts = fitted(shown, accuracy)
        made = await _ordered(sap, amounts, currency)
        total = Decimal(str(made["DocTotal" if currency == "EUR" else "DocTotalFc"]))
        assert total == predicted_total(amounts, accuracy) == shown.total
        kept = [(row["Quantity"], row["UnitPrice"], row["DiscountPercent"]) for row in made["DocumentLines"]]
        sent = [(row.quantity, row.unit_price, row.discount_percent) for row in amounts.lines]
        assert kept == [tuple(map(float, row)) for row in sent]
        discounted = shown.net != sum((each.net for each in shown.lines), Decimal(0))
        ways.add("percentage" if amounts.discount_percent else "lines" if discounted else "none")
    assert ways == {"percentage", "lines", "none"}
