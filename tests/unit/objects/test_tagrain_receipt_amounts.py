"""SAP's figures for a receipt: exactly the till's total, or refused with the difference."""

from __future__ import annotations

from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.objects.canonical import Refused
from shared.objects.row_figures import Accuracy, row_total
from shared.objects.tagrain.receipt_amounts import ReceiptAmounts, Taxed, TaxedLine, fitted, predicted_total

D = Decimal
USUAL = Accuracy(amount=2, price=4, percent=4, quantity=3)
COARSE = Accuracy(amount=2, price=2, percent=2, quantity=3)
DINAR = Accuracy(amount=3, price=4, percent=4, quantity=3)
RATES = [D(0), D(5), D(7), D("8.25"), D(19), D(28)]


def taxed_line(quantity, price, net, tax, rate):
    return TaxedLine(D(net), D(tax), D(rate), D(quantity), D(price))


def receipt(*lines, surcharges=(), rounding="0", inclusive=False):
    total = sum((each.gross for each in (*lines, *surcharges)), D(rounding))
    return ReceiptAmounts(tuple(lines), tuple(surcharges), D(rounding), total, inclusive)


def cents(value, places=2):
    return value.quantize(D(1).scaleb(-places), rounding=ROUND_HALF_UP)


def by_till(gross_or_net, rate, inclusive, places):
    """Net and tax of a line as a till computes them."""
    if inclusive:
        tax = cents(gross_or_net * rate / (100 + rate), places)
        return gross_or_net - tax, tax
    return gross_or_net, cents(gross_or_net * rate / 100, places)


@st.composite
def lifelike(draw, places=2, price_places=2):
    """A receipt as a till makes it: discounts of lines and of the whole, several rates, surcharges, cash rounding.

    A part of a line may be all there is (a partial refund).
    """
    inclusive = draw(st.booleans())
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        quantity = draw(st.one_of(st.integers(1, 20).map(D), st.integers(1, 5000).map(lambda n: D(n).scaleb(-3))))
        price = D(draw(st.integers(1, 100_000))).scaleb(-price_places)
        rate = draw(st.sampled_from(RATES))
        full = cents(quantity * price, places)
        percent = draw(st.sampled_from([0, 0, 0, 5, 10, 33, 50, 100]))
        net, tax = by_till(full - cents(full * percent / 100, places), rate, inclusive, places)
        lines.append(TaxedLine(net, tax, rate, quantity, price))
    surcharges = []
    for amount in draw(st.lists(st.integers(1, 5000), max_size=2)):
        rate = draw(st.sampled_from(RATES))
        net, tax = by_till(D(amount).scaleb(-places), rate, inclusive, places)
        surcharges.append(Taxed(net, tax, rate))
    rounding = D(draw(st.sampled_from([0, 0, 0, -2, -1, 1, 2]))).scaleb(-places)
    return receipt(*lines, surcharges=surcharges, rounding=rounding, inclusive=inclusive)


def assert_exact(amounts, accuracy):
    made = fitted(amounts, accuracy)
    assert predicted_total(made, accuracy) == amounts.total
    unit = D(1).scaleb(-accuracy.amount)
    assert abs(made.rounding - amounts.rounding) <= unit * (len(made.rows) + len(made.freights))
    for row, line in zip(made.rows, amounts.lines, strict=True):
        net = row_total(row.quantity, row.unit_price, row.discount_percent, accuracy)
        assert row.quantity == line.quantity
        assert abs(net - line.net) <= unit
    return made


@settings(max_examples=300, deadline=None)
@given(lifelike())
def test_a_lifelike_receipt_adds_up_to_the_last_cent(amounts):
    assert_exact(amounts, USUAL)


@settings(max_examples=200, deadline=None)
@given(lifelike(places=3, price_places=3))
def test_so_does_one_in_a_currency_of_three_decimals(amounts):
    assert_exact(amounts, DINAR)


@settings(max_examples=200, deadline=None)
@given(lifelike(price_places=3))
def test_with_coarse_prices_it_adds_up_or_is_refused(amounts):
    with suppress(Refused):
        assert_exact(amounts, COARSE)


@settings(max_examples=200, deadline=None)
@given(lifelike(), st.integers(-500, 500), st.sampled_from(RATES))
def test_taxes_that_are_not_saps_never_make_another_total(amounts, tax, rate):
    first = amounts.lines[0]
    odd = TaxedLine(first.net, abs(D(tax).scaleb(-2)), rate, first.quantity, first.price)
    changed = receipt(odd, *amounts.lines[1:], surcharges=amounts.surcharges, rounding=amounts.rounding)
    with suppress(Refused):
        assert_exact(changed, USUAL)


def test_the_net_moves_by_a_cent_where_saps_tax_then_gives_the_gross():
    # 10.00 with 19 %: the till's tax of 1.59 leaves 8.41, of which SAP's tax is 1.60; 8.40 gives exactly 10.00
    made = fitted(receipt(taxed_line(1, "10.00", "8.41", "1.59", 19), inclusive=True), USUAL)
    assert made.rows[0].unit_price * (100 - made.rows[0].discount_percent) / 100 == pytest.approx(
        D("8.40"), abs=D("0.005")
    )
    assert made.rounding == 0


def test_a_gross_that_no_net_gives_is_rounded_by_a_cent():
    # at 19 % there is no net for a gross of 0.03: 0.02 gives 0.02, 0.03 gives 0.04
    made = fitted(receipt(taxed_line(1, "0.03", "0.03", "0.00", 19), inclusive=True), USUAL)
    assert abs(made.rounding) == D("0.01")


def test_the_tills_rounding_is_kept():
    made = fitted(receipt(taxed_line(1, "10.00", "10.00", "1.90", 19), rounding="-0.02"), USUAL)
    assert made.rounding == D("-0.02")


def test_the_price_is_that_of_the_till_where_there_is_no_discount():
    made = fitted(receipt(taxed_line(3, "11.90", "30.00", "5.70", 19), inclusive=True), USUAL)
    assert (made.rows[0].unit_price, made.rows[0].discount_percent) == (D("10.0000"), 0)


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        (receipt(taxed_line(1, "10", "10.00", "0.70", 19)), "differ from the receipt's by 1.20"),
        (ReceiptAmounts((taxed_line(1, "10", "10", "0", 0),), (), D(0), D("10.05")), "differ by 0.05"),
        (receipt(), "no lines"),
        (receipt(taxed_line(-1, "10", "10", "0", 0)), "not above zero"),
        (receipt(taxed_line(1, "10", "-10", "0", 0)), "negative"),
        (receipt(taxed_line("0.0001", "10", "10", "0", 0)), "decimals"),
        (receipt(taxed_line(1, "10", "10.001", "0", 0)), "decimals"),
        (receipt(taxed_line(1, "10", "1e16", "0", 0)), "too many digits"),
        (receipt(taxed_line(1, "1", "1", "0", 0), surcharges=(Taxed(D("10"), D(9), D(19)),)), "surcharge 1"),
    ],
)
def test_what_cannot_be_carried_is_refused_with_the_difference(amounts, text):
    with pytest.raises(Refused, match=text) as refused:
        fitted(amounts, USUAL)
    assert refused.value.whole
