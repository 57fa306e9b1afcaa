"""SAP's figures for an order of Dynamics: exactly its total, or a refusal by name."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.objects.canonical import Refused, decimal_places
from shared.objects.dynamics.order_amounts import (
    Accuracy,
    LineAmounts,
    OrderAmounts,
    SapAmounts,
    SapLine,
    fitted,
    predicted_total,
)

D = Decimal
USUAL = Accuracy(amount=2, price=4, percent=2, quantity=3)
COARSE = Accuracy(amount=2, price=2, percent=2, quantity=3)
DINAR = Accuracy(amount=3, price=4, percent=2, quantity=3)
ZERO = D(0)


def line(quantity, price, net=None, tax="0", places=2):
    """A line; without a net it has no discount."""
    full = rounded(D(quantity) * D(price), places)
    return LineAmounts(D(quantity), D(price), full if net is None else D(net), D(tax))


def order(*lines, discount="0", freight="0"):
    """An order that adds up, with a header discount as an amount."""
    net = sum((each.net for each in lines), ZERO) - D(discount)
    return OrderAmounts(lines, net, D(freight), net + D(freight) + sum((each.tax for each in lines), ZERO))


def rounded(value, places):
    with localcontext(prec=100):
        return value.quantize(D(1).scaleb(-places), rounding=ROUND_HALF_UP)


def figures(amounts):
    """Price and percentage of each row."""
    return [(each.unit_price, each.discount_percent) for each in amounts.lines]


def row_totals(amounts, accuracy):
    """What each row amounts to before the header's discount."""
    alone = (SapAmounts((replace(each, tax=ZERO),), ZERO, ZERO) for each in amounts.lines)
    return [predicted_total(each, accuracy) for each in alone]


def header(*percents):
    return pytest.mark.parametrize(("lines", "discount", "percent"), percents)


# -- examples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "accuracy", "total"),
    [
        # 3 x 33.335 = 100.005 -> 100.01: half a cent goes up
        (SapAmounts((SapLine(D(3), D("33.335"), ZERO, ZERO),), ZERO, ZERO), USUAL, "100.01"),
        # 7 x 19.99 x 0.875 = 122.43875 -> 122.44
        (SapAmounts((SapLine(D(7), D("19.99"), D("12.5"), ZERO),), ZERO, ZERO), USUAL, "122.44"),
        # 3 % of 2 x 9.99 = 0.5994 -> 0.60, not on freight and tax: 19.98 - 0.60 + 5 + 1.90 + 1.90
        (SapAmounts((SapLine(D(1), D("9.99"), ZERO, D("1.9")),) * 2, D(3), D(5)), USUAL, "28.18"),
        # a surcharge of half a cent goes away from zero: 0.10 + 0.005 -> 0.10 + 0.01
        (SapAmounts((SapLine(D(1), D("0.1"), ZERO, ZERO),), D(-5), ZERO), USUAL, "0.11"),
        # 3 x 1.2345 = 3.7035 -> 3.704
        (SapAmounts((SapLine(D(3), D("1.2345"), ZERO, ZERO),), ZERO, ZERO), DINAR, "3.704"),
    ],
)
def test_the_total_is_predicted_to_the_last_unit(amounts, accuracy, total):
    assert predicted_total(amounts, accuracy) == D(total)


@pytest.mark.parametrize(
    ("lines", "accuracy"),
    [
        ([line(1, "0.1"), line(1, "0.2")], USUAL),
        ([line(3, "33.335"), line("0.125", "0.04")], USUAL),
        ([line(3, "1.2345", places=3), line(7, "0.001", places=3)], DINAR),
        ([line(1500, "0.0001"), line(1, "0")], USUAL),
        ([line("99999999999", "9.99"), line("0.001", "999999999999.99")], USUAL),
    ],
)
def test_undiscounted_lines_keep_quantity_price_and_tax(lines, accuracy):
    lines = [replace(each, tax=D("0.19")) for each in lines]
    made = fitted(order(*lines, freight="7.5"), accuracy)
    assert made.lines == tuple(SapLine(each.quantity, each.price, ZERO, D("0.19")) for each in lines)
    assert (made.discount_percent, made.freight) == (ZERO, D("7.5"))


@pytest.mark.parametrize(
    ("given_line", "accuracy", "price", "percent"),
    [
        # 10 % of 7 x 19.99 = 13.993: 139.93 x 0.9 = 125.937 -> 125.94
        (line(7, "19.99", "125.94"), USUAL, "19.99", "10"),
        # less 13.37: 9.55 % of 139.93 leaves 126.57, 9.56 % leaves 126.55; 7 x 19.9889 x 0.9045 = 126.5597
        (line(7, "19.99", "126.56"), USUAL, "19.9889", "9.55"),
        # a cent less than 300, at 2 places of price: 3 x 100.41 x 0.9959 = 299.994957
        (line(3, "100", "299.99"), COARSE, "100.41", "0.41"),
        # free goods
        (line(5, "19.99", "0"), USUAL, "19.99", "100"),
        (line(5, "19.99123", "0"), USUAL, "19.9912", "100"),
        (line(5, "0"), USUAL, "0", "0"),
        # next to nothing: 100 % and 99.99 % of 10000 leave 0 and 1
        (line(1, "10000", "0.01"), USUAL, "100", "99.99"),
        # a price of more decimals than SAP keeps, rounded: 2 x 1.2346 = 2.4692
        (line(2, "1.23456"), USUAL, "1.2346", "0"),
        # and where that is not near enough: 1000 x 1.2353 x 0.9994 = 1234.55882; 1000 x 1.25 x 0.9876 = 1234.5
        (line(1000, "1.23456"), USUAL, "1.2353", "0.06"),
        (line(1000, "1.2345"), COARSE, "1.25", "1.24"),
        # a cent less on many pieces: 1500 x 10.006 x 0.9994 = 14999.9946; 1500 x 10.01 x 0.999 = 14999.985, half a cent
        (line(1500, "10", "14999.99"), USUAL, "10.006", "0.06"),
        (line(1500, "10", "14999.99"), COARSE, "10.01", "0.1"),
        # a surcharge raises the price before the percentage goes below zero
        (line(3, "10", "31.5"), USUAL, "10.5", "0"),
        (line(7, "10", "70.01"), USUAL, "10.0014", "0"),
        (line(1, "0", "12.34"), USUAL, "12.34", "0"),
        # however low the price was, not far below zero: -29960 % on 0.01 would do; 300 x 3.33 x 0.9027 = 901.7973
        (line(300, "0.01", "901.8"), COARSE, "3.33", "9.73"),
        # nor does a price below zero stand: 200.2 % off -3 would do
        (line(300, "-3", "901.8"), COARSE, "3.33", "9.73"),
        # a discount that only a surcharge on a lower price gives: 1900 x 3.05 x 1.0161 = 5888.2995
        (line(1900, "3.1", "5888.3"), COARSE, "3.05", "-1.61"),
        # 300 x 3.01 = 903 and 300 x 3.00 = 900: neither price gives 901.80, -0.2 % does
        (line(300, "3", "901.8"), COARSE, "3", "-0.2"),
    ],
)
def test_a_line_has_the_figures_nearest_to_dynamics_that_give_its_amount(given_line, accuracy, price, percent):
    made = fitted(order(given_line), accuracy)
    assert row_totals(made, accuracy) == [given_line.net]
    assert figures(made) == [(D(price), D(percent))]


@pytest.mark.parametrize("accuracy", [USUAL, COARSE, DINAR])
@pytest.mark.parametrize("net", ["14999.99", "15000.01", "14985.37"])
def test_many_pieces_take_an_odd_discount(accuracy, net):
    made = fitted(order(line(1500, "10", net)), accuracy)
    assert row_totals(made, accuracy) == [D(net)]


@header(
    # 33.333 % of 99.99 is 33.33; so is 33.33 % (33.3267)
    ([line(3, "33.33")], "33.33", "33.33"),
    ([line(1, "100"), line(1, "0.1")], "10.01", "10"),
    ([line(1, "50")], "50", "100"),
    # a surcharge
    ([line(1, "40"), line(1, "60")], "-2.5", "-2.5"),
)
def test_a_header_discount_is_a_percentage_where_one_gives_its_amount(lines, discount, percent):
    made = fitted(order(*lines, discount=discount), USUAL)
    assert made.discount_percent == D(percent)
    assert figures(made) == [(each.price, ZERO) for each in lines]


@pytest.mark.parametrize(
    ("lines", "discount", "nets"),
    [
        # 33.333 % of 1000 is 333.33, which 33.33 % (333.30) does not give: two thirds and one third of it
        ([line(2, "333.335"), line(1, "333.33")], "333.33", ["444.45", "222.22"]),
        # 0.02 on three equal lines: 0.67 of a cent each, the first two bear it
        ([line(1, "100")] * 3, "0.02", ["99.99", "99.99", "100"]),
        # what is free bears nothing; 3/4 and 1/4 of 0.05 are 0.0375 and 0.0125
        ([line(1, "1500"), line(1, "9", "0"), line(1, "500")], "0.05", ["1499.96", "0", "499.99"]),
        # a surcharge, and one of more than all lines
        ([line(1, "100")] * 3, "-0.01", ["100.01", "100", "100"]),
        ([line(1, "1"), line(1, "3")], "-10", ["3.5", "10.5"]),
    ],
)
def test_a_header_discount_that_no_percentage_gives_is_borne_by_the_lines(lines, discount, nets):
    made = fitted(order(*lines, discount=discount), USUAL)
    assert made.discount_percent == 0
    assert row_totals(made, USUAL) == [D(net) for net in nets]


def test_figures_beyond_the_usual_decimal_context_are_exact():
    """56048859765.41227 x 664.522741 x 0.92759657 is 10^-19 less than half a cent over: at 28 digits it would go up."""
    shown = line("56048859765.41227", "664.522741", "34549022453244.07")
    accuracy = Accuracy(amount=2, price=6, percent=6, quantity=5)
    given_order = order(shown, freight="999999999999.99")
    with localcontext(prec=6):
        made = fitted(given_order, accuracy)
        total = predicted_total(made, accuracy)
    assert figures(made) == [(D("664.522741"), D("7.240343"))]
    assert total == given_order.total


def test_two_hundred_lines_are_fitted_in_a_blink():
    lines = [line(at % 60 + 1, f"{at * 7919 % 25000}.37") for at in range(1, 201)]
    given_order = order(*lines, discount="4321.09")
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        fitted(given_order, USUAL)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.05


# -- refusals ------------------------------------------------------------------------------------------------------

GOOD = order(line(7, "19.99", tax="26.59"), line(2, "45.67"), freight="12.34")
REFUSALS = [
    (replace(GOOD, total=GOOD.total + D("0.01")), "Dynamics' own amounts do not add up"),
    (replace(order(), total=ZERO), "the order has no lines"),
    (order(line(1, "10000000000000000")), "more digits than Dynamics keeps"),
    (order(line(1, "1E-11")), "more digits than Dynamics keeps"),
    (order(GOOD.lines[0], line("1.2345", "10")), "line 2: the quantity has more decimals than the 3 that SAP keeps"),
    (order(line("0", "45.67")), "line 1: the quantity is not above zero"),
    (order(line("-34.5", "45.67", "0")), "line 1: the quantity is not above zero"),
    (order(GOOD.lines[0], line(1, "45.67", "-0.01")), "line 2: the amount after discount is negative"),
    (order(line(1, "45.678", "45.678"), discount="0.008"), "line 1: the amount after discount has more decimals"),
    (
        order(line(1, "45.67", tax="1.005"), line(1, "45.67", tax="1.005")),
        "line 1: the tax has more decimals than the 2 that SAP keeps; round it in Dynamics",
    ),
    (order(GOOD.lines[0], freight="12.345"), "the total amount has more decimals than the 2 that SAP keeps"),
    (
        order(line(1, "45.67", tax="1.005"), freight="12.345"),
        "the freight amount has more decimals than the 2 that SAP keeps",
    ),
    (order(GOOD.lines[0], discount="0.005", freight="0.005"), "the freight amount has more decimals"),
    (
        order(line(1, "45.67", tax="1.005"), discount="0.005"),
        "the amount before freight has more decimals than the 2 that SAP keeps",
    ),
    (order(GOOD.lines[0], discount="139.94"), "the discount of the order is more than its lines amount to"),
    (order(line(1, "45.67", "0"), discount="-12.34"), "the order has an amount but its lines have none"),
    (
        order(GOOD.lines[0], line("12345678901", "1", "12345678900.99")),
        "line 2: no price and discount in SAP's decimals",
    ),
]


@pytest.mark.parametrize(("bad", "reason"), REFUSALS)
def test_what_cannot_stand_in_sap_is_refused_by_name_without_an_amount(bad, reason):
    with pytest.raises(Refused) as caught:
        fitted(bad, USUAL)
    assert reason in caught.value.reason
    assert caught.value.whole
    amounts = {bad.net, bad.freight, bad.total}.union(*((x.quantity, x.price, x.net, x.tax) for x in bad.lines))
    assert not any(text in caught.value.reason for text in map(str, amounts) if len(text) > 2)


def test_what_two_decimals_refuse_three_may_take():
    given_order = order(line(1, "45.678", "45.678"))
    assert fitted(given_order, DINAR).lines[0].unit_price == D("45.678")


# -- properties ----------------------------------------------------------------------------------------------------


def units(least, most, places):
    return st.integers(int(least), int(most)).map(lambda each: D(each).scaleb(-places))


@st.composite
def lines_of(draw, accuracy, most_quantity, more_price_places):
    quantity = draw(units(1, most_quantity * 10**accuracy.quantity, accuracy.quantity))
    places = accuracy.price + draw(st.integers(0, more_price_places))
    price = draw(units(0, 10**12 * 10**places // max(1, int(quantity)), places))
    with localcontext(prec=100):
        full = rounded(quantity * price, accuracy.amount)
        last_units = int(full.scaleb(accuracy.amount))
        discount = draw(st.one_of(st.just(ZERO), units(-last_units // 10, last_units, accuracy.amount)))
        return LineAmounts(quantity, price, full - discount, draw(units(-100, 10**6, accuracy.amount)))


@st.composite
def orders(draw, accuracy, most_quantity=10**11, more_price_places=3):
    lines = draw(st.lists(lines_of(accuracy, most_quantity, more_price_places), min_size=1, max_size=6))
    with localcontext(prec=100):
        last_units = int(sum((each.net for each in lines), ZERO).scaleb(accuracy.amount))
        discount = draw(st.one_of(st.just(ZERO), units(-last_units // 10, last_units, accuracy.amount)))
        return order(*lines, discount=discount, freight=draw(units(0, 10**6, accuracy.amount)))


def fitted_or_none(given_order, accuracy):
    """None if SAP's decimals have no figures for a line; any other refusal is a defect."""
    try:
        return fitted(given_order, accuracy)
    except Refused as refused:
        if "no price and discount" not in refused.reason:
            raise
        return None


ACCURACIES = st.builds(
    Accuracy, amount=st.integers(0, 3), price=st.integers(2, 6), percent=st.integers(0, 6), quantity=st.integers(0, 5)
)


@given(ACCURACIES.flatmap(lambda accuracy: st.tuples(orders(accuracy), st.just(accuracy))))
@settings(max_examples=200, deadline=None)
def test_what_is_fitted_has_exactly_the_total_and_sap_keeps_every_figure(given_pair):
    given_order, accuracy = given_pair
    made = fitted_or_none(given_order, accuracy)
    if made is None:
        return
    assert predicted_total(made, accuracy) == given_order.total
    assert made.freight == given_order.freight
    assert decimal_places(made.discount_percent) <= accuracy.percent
    for each, shown in zip(made.lines, given_order.lines, strict=True):
        assert (each.quantity, each.tax) == (shown.quantity, shown.tax)
        assert each.unit_price >= 0
        assert decimal_places(each.unit_price) <= accuracy.price
        assert decimal_places(each.discount_percent) <= accuracy.percent
        assert -5 <= each.discount_percent <= 100


@given(orders(USUAL, most_quantity=100))
@settings(max_examples=300, deadline=None)
def test_no_order_of_up_to_a_hundred_pieces_a_line_is_refused(given_order):
    """A step of the price, times the pieces, is no more than a cent: a price for any percentage exists."""
    made = fitted(given_order, USUAL)
    assert predicted_total(made, USUAL) == given_order.total
    assert all(0 <= each.discount_percent <= 100 for each in made.lines)


@given(orders(USUAL, more_price_places=0))
@settings(max_examples=300, deadline=None)
def test_lines_without_any_discount_are_exactly_as_dynamics_shows_them(given_order):
    lines = [line(each.quantity, each.price) for each in given_order.lines]
    with localcontext(prec=100):
        made = fitted(order(*lines), USUAL)
    assert figures(made) == [(each.price, ZERO) for each in lines]


@given(orders(USUAL, most_quantity=100))
@settings(max_examples=300, deadline=None)
def test_lines_bear_a_header_discount_in_proportion_to_less_than_a_cent(given_order):
    made = fitted(given_order, USUAL)
    nets = [each.net for each in given_order.lines]
    shown, stands = sum(nets, ZERO), row_totals(made, USUAL)
    if made.discount_percent:
        assert stands == nets
        return
    assert sum(stands, ZERO) == given_order.net
    for net, total in zip(nets, stands, strict=True):
        share = net * (shown - given_order.net) / shown if shown else ZERO
        assert abs(net - share - total) < D("0.01")
        assert total >= 0
