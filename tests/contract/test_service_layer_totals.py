"""What SAP computes on an order: rows, discounts, tax, freight, currencies (facts sections 3.1 and 6)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest

from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_orders import EXEMPT, FREIGHT, Json, line, order, panel, post, read, sap

__all__ = ["sap"]


@pytest.mark.parametrize(
    ("lines", "header", "expected"),
    [
        # rows: 3 x 33.335 = 100.005 -> 100.01; half a cent goes up
        ([line(33.335, 3)], {}, {"DocTotal": 100.01, "VatSum": 0.0}),
        # row discount: 7 x 19.99 x 0.875 = 122.43875 -> 122.44
        ([line(19.99, 7, DiscountPercent=12.5)], {}, {"DocTotal": 122.44}),
        # tax on each row: 0.33 x 19 % = 0.0627 -> 0.06, twice
        ([line(0.33, TaxCode="STD"), line(0.33, TaxCode="STD")], {}, {"VatSum": 0.12, "DocTotal": 0.78}),
        # header discount on the sum, tax on what remains of each row: 100 x 0.967 = 96.70, tax 18.373 -> 18.37
        (
            [line(100, TaxCode="STD")],
            {"DiscountPercent": 3.3},
            {"TotalDiscount": 3.3, "VatSum": 18.37, "DocTotal": 115.07},
        ),
        # a tax group: 19 % by its line in force
        ([line(10, TaxCode=None, VatGroup="A19")], {}, {"VatSum": 1.9, "DocTotal": 11.9}),
        # freight keeps out of the header's discount: 50 + 4.99
        ([line(100)], {"DiscountPercent": 50, "DocumentAdditionalExpenses": [FREIGHT]}, {"DocTotal": 54.99}),
        # freight of its own tax group by default: 10 + 10 + 1.90
        (
            [line(10)],
            {"DocumentAdditionalExpenses": [{"ExpenseCode": 2, "LineTotal": 10}]},
            {"DocTotal": 21.9, "VatSum": 1.9},
        ),
        # freight of a row, and negative freight of the document
        (
            [line(10, DocumentLineAdditionalExpenses=[{"ExpenseCode": 2, "LineTotal": 1.23, **EXEMPT}])],
            {"DocumentAdditionalExpenses": [{"ExpenseCode": 1, "LineTotal": -3, **EXEMPT}]},
            {"DocTotal": 8.23},
        ),
        # 0.1 + 0.2
        ([line(0.1), line(0.2)], {}, {"DocTotal": 0.3}),
        # a surcharge is a negative discount
        ([line(10, DiscountPercent=-10)], {}, {"DocTotal": 11.0}),
    ],
)
async def test_totals_are_computed_to_the_cent(sap: Client, lines: list[Json], header: Json, expected: Json) -> None:
    made = await order(sap, *lines, **header)
    assert {name: made[name] for name in expected} == expected
    assert (made["DocTotalFc"], made["VatSumFc"], made["DocTotalSys"]) == (0.0, 0.0, made["DocTotal"])


async def test_tax_may_be_rounded_once_for_a_document(sap: Client) -> None:
    """A switch: 3 x 0.33 x 19 % = 0.1881 -> 0.19, where rows give 0.18."""
    lines = [line(0.33, TaxCode="STD")] * 3
    assert (await order(sap, *lines))["VatSum"] == 0.18
    sap.simulator.switches.tax_rounding = "document"
    made = await order(sap, *lines)
    assert (made["VatSum"], made["DocTotal"], made["DocumentLines"][0]["TaxTotal"]) == (0.19, 1.18, 0.06)


async def test_a_foreign_document_is_computed_in_its_currency_and_converted(sap: Client) -> None:
    """10.01 USD + 19 % = 1.90; x 0.9216."""
    made = await order(sap, line(10.01, TaxCode="STD"), DocCurrency="USD")
    names = ("DocTotalFc", "VatSumFc", "DocTotal", "VatSum", "DocRate")
    assert [made[name] for name in names] == [11.91, 1.9, 10.98, 1.75, 0.9216]
    row = made["DocumentLines"][0]
    assert [row[name] for name in ("RowTotalFC", "LineTotal", "Currency", "Rate")] == [10.01, 9.23, "USD", 0.9216]
    own_rate = await order(sap, line(10), DocCurrency="USD", DocRate=2)
    assert (own_rate["DocTotal"], own_rate["DocTotalFc"]) == (20.0, 10.0)


async def test_a_currency_of_three_decimals_keeps_them(sap: Client) -> None:
    """Currencies.Decimals; 3 x 1.2345 = 3.7035 -> 3.704."""
    made = await order(sap, line(1.2345, 3, TaxCode="STD"), DocCurrency="KWD")
    assert (made["DocumentLines"][0]["RowTotalFC"], made["VatSumFc"], made["DocTotalFc"]) == (3.704, 0.704, 4.408)


async def test_a_document_without_a_rate_is_refused(sap: Client) -> None:
    await panel(sap, "data/Currencies", {"Code": "CHF", "Name": "Franken"})
    assert error_of(await post(sap, line(), DocCurrency="CHF")) == (400, "-5002")


async def test_prices_quantities_and_percentages_have_the_companys_decimals(sap: Client) -> None:
    """AdminInfo: PriceAccuracy 4, AccuracyofQuantities 3, PercentageAccuracy 2."""
    row = (await order(sap, line(1.23456, 1.2345, DiscountPercent=33.333)))["DocumentLines"][0]
    assert (row["UnitPrice"], row["Quantity"], row["DiscountPercent"]) == (1.2346, 1.235, 33.33)
    assert row["LineTotal"] == 1.02  # 1.2346 x 1.235 x 0.6667 = 1.0165...


async def test_a_price_given_after_discount_is_taken_back_to_the_price_before(sap: Client) -> None:
    body = {"ItemCode": "I00001", "Price": 9, "DiscountPercent": 10, **EXEMPT}
    row = (await order(sap, body))["DocumentLines"][0]
    assert (row["UnitPrice"], row["Price"], row["LineTotal"]) == (10.0, 9.0, 9.0)


async def test_a_given_row_total_stands_unless_a_switch_says_it_is_ignored(sap: Client) -> None:
    """Inferred, hence a switch: the discount follows."""
    given = line(10, 3, LineTotal=29.99)
    row = (await order(sap, given))["DocumentLines"][0]
    assert (row["LineTotal"], row["UnitPrice"], row["DiscountPercent"]) == (29.99, 10.0, 0.03)
    await sap.send("PATCH", "Orders(1)", {"DocumentLines": [{"LineNum": 0, "FreeText": "kept"}]})
    assert (await read(sap, 1))["DocTotal"] == 29.99
    await sap.send("PATCH", "Orders(1)", {"DocumentLines": [{"LineNum": 0, "Quantity": 1, "DiscountPercent": 0}]})
    assert (await read(sap, 1))["DocTotal"] == 10.0
    sap.simulator.switches.line_total_given = "ignored"
    assert (await order(sap, given))["DocTotal"] == 30.0


async def test_amounts_given_in_a_foreign_document_are_its_own_or_local_by_a_switch(sap: Client) -> None:
    """Inferred which; the FC spellings leave no doubt."""
    freight = [{"ExpenseCode": 1, "LineTotal": 9.22, **EXEMPT}]
    body = {"DocCurrency": "USD", "DocumentAdditionalExpenses": freight}
    assert (await order(sap, line(), **body))["DocTotalFc"] == 19.22
    sap.simulator.switches.foreign_amounts = "local"
    made = await order(sap, line(), **body)
    assert (made["DocTotalFc"], made["DocumentAdditionalExpenses"][0]["LineTotalFC"]) == (20.0, 10.0)
    freight[0] = {"ExpenseCode": 1, "LineTotalFC": 9.22, **EXEMPT}
    assert (await order(sap, line(), **body))["DocTotalFc"] == 19.22


async def test_the_list_price_comes_in_the_rows_unit_and_the_documents_currency(sap: Client) -> None:
    """A box of twelve; a price in EUR at the day's rate."""
    price = (await sap.get("Items('I00003')")).json()["ItemPrices"][0]["Price"]
    box = (await order(sap, {"ItemCode": "I00003", "UoMEntry": 2, **EXEMPT}))["DocumentLines"][0]
    assert (box["UoMCode"], box["MeasureUnit"]) == ("BOX", "Box of 12")
    assert Decimal(str(box["UnitPrice"])) == Decimal(str(price)) * 12
    foreign = (await order(sap, {"ItemCode": "I00003", **EXEMPT}, DocCurrency="USD"))["DocumentLines"][0]
    expected = (Decimal(str(price)) / Decimal("0.9216")).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
    assert Decimal(str(foreign["UnitPrice"])) == expected


async def test_a_service_document_has_amounts_and_no_items(sap: Client) -> None:
    row = {"AccountCode": "4400", "ItemDescription": "Consulting", "LineTotal": 99.99, **EXEMPT}
    made = await order(sap, row, DocType="dDocument_Service")
    assert (made["DocTotal"], made["DocumentLines"][0]["ItemCode"]) == (99.99, None)


async def test_generated_orders_have_the_totals_a_second_computation_gives(sap: Client) -> None:
    """Rows, discounts, tax, freight in three currencies, against the formula written down once more."""
    random = Random(11)
    rates = {"EXEMPT": "0", "STD": "0.19", "RED": "0.07", "CITY": "0.08375"}
    for _ in range(40):
        currency, places = random.choice((("EUR", 2), ("USD", 2), ("KWD", 3)))
        discount = Decimal(random.randrange(0, 2000)) / 100
        lines, total = [], Decimal(0)
        tax = Decimal(0)
        for _ in range(random.randrange(1, 12)):
            price, quantity = Decimal(random.randrange(1, 10**7)) / 10**4, Decimal(random.randrange(1, 10**5)) / 10**3
            percent, code = Decimal(random.randrange(0, 10000)) / 100, random.choice(list(rates))
            amount = _round(price * quantity * (100 - percent) / 100, places)
            total += amount
            tax += _round(amount * (100 - discount) / 100 * Decimal(rates[code]), places)
            lines.append(line(float(price), float(quantity), DiscountPercent=float(percent), TaxCode=code))
        freight = Decimal(random.randrange(0, 10**5)) / 10**places
        extra = [{"ExpenseCode": 1, "LineTotal": float(freight), **EXEMPT}]
        made = await order(
            sap, *lines, DocCurrency=currency, DiscountPercent=float(discount), DocumentAdditionalExpenses=extra
        )
        expected = total - _round(total * discount / 100, places) + freight + tax
        assert Decimal(str(made["DocTotal" if currency == "EUR" else "DocTotalFc"])) == expected


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
