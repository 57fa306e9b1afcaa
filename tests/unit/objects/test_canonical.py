"""Canonical values and their one text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.objects.canonical import Amount, Choice, Refused, Text, Truth, Whole, canonical_text, decimal_places

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.decimals(allow_nan=False, allow_infinity=False)
)


@given(VALUES, VALUES)
def test_two_values_have_one_text_exactly_if_they_are_the_same_value_of_the_same_type(left, right):
    same = type(left) is type(right) and left == right
    assert (canonical_text(left) == canonical_text(right)) is same


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 40))
def test_trailing_zeros_do_not_change_the_text_of_an_amount(value, zeros):
    sign, digits, exponent = value.as_tuple()
    spelled_longer = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    assert canonical_text(spelled_longer) == canonical_text(value)


@pytest.mark.parametrize("spelling", ["1", "1.0", "1.000", "10E-1", "+1"])
def test_one_amount_has_one_text_however_it_is_spelled(spelling):
    assert canonical_text(Decimal(spelling)) == canonical_text(Decimal("1"))


def test_one_as_number_text_truth_and_amount_are_four_texts():
    assert len({canonical_text(v) for v in (1, "1", True, Decimal("1"))}) == 4


def test_zero_has_no_sign_and_no_exponent():
    assert {canonical_text(Decimal(z)) for z in ("0", "-0", "0.00", "0E+9", "-0E-9")} == {canonical_text(Decimal(0))}


def test_nothing_and_an_empty_text_differ():
    assert canonical_text(None) != canonical_text("")


def test_more_digits_than_the_decimal_context_has_are_not_rounded():
    long = "0." + "1" * 60
    assert canonical_text(Decimal(long)) != canonical_text(Decimal(long + "1"))


def test_a_huge_exponent_does_not_make_a_huge_text():
    assert len(canonical_text(Decimal("1E+999999"))) < 20


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-sNaN")])
def test_what_is_no_amount_has_no_text(value):
    with pytest.raises(ValueError, match="not a number"):
        canonical_text(value)


def test_what_is_no_canonical_value_has_no_text():
    with pytest.raises(TypeError):
        canonical_text(1.5)  # type: ignore[arg-type]


@given(st.text())
def test_text_is_canonical_after_one_pass(raw):
    try:
        once = Text().canonical(raw)
    except Refused:
        return
    assert Text().canonical(once) == once
    assert once is None or (once == once.strip() and once != "" and "\r" not in once)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, None),
        ("", None),
        ("  \t", None),
        (" A  B ", "A  B"),
        ("a\r\nb\rc\n", "a\nb\nc"),
        ("\U0001f600 שלום", "\U0001f600 שלום"),
    ],
)
def test_text_loses_outer_blanks_and_line_end_spelling_only(raw, expected):
    assert Text().canonical(raw) == expected


@pytest.mark.parametrize("raw", ["a\0b", "\ud800", "x\udfff", 5, 1.5, ["a"]])
def test_text_that_cannot_be_stored_is_refused_without_being_quoted(raw):
    with pytest.raises(Refused) as refused:
        Text().canonical(raw)
    assert str(raw) not in refused.value.reason


@pytest.mark.parametrize(
    ("raw", "expected"), [(None, None), ("", None), (7, 7), ("7", 7), (" -1 ", -1), (Decimal("3.0"), 3)]
)
def test_whole_numbers_are_read_from_every_spelling(raw, expected):
    assert Whole().canonical(raw) == expected


@pytest.mark.parametrize("raw", [True, "x", "1.5", Decimal("1.5"), Decimal("NaN"), Decimal("1E+999999"), 1.0, "1_0"])
def test_what_is_no_whole_number_is_refused(raw):
    with pytest.raises(Refused):
        Whole().canonical(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(None, None), ("", None), (Decimal("1.50"), Decimal("1.5")), (2, Decimal(2)), ("0.1", Decimal("0.1"))],
)
def test_amounts_are_decimals(raw, expected):
    value = Amount(2).canonical(raw)
    assert value == expected
    assert value is None or isinstance(value, Decimal)


@pytest.mark.parametrize("raw", [0.1, True, "x", Decimal("NaN"), Decimal("Infinity"), Decimal("0.125")])
def test_floats_and_finer_amounts_are_refused_not_rounded(raw):
    with pytest.raises(Refused):
        Amount(2).canonical(raw)


@pytest.mark.parametrize(("text", "places"), [("1.500", 1), ("100", 0), ("1E+3", 0), ("0.00", 0), ("-0.125", 3)])
def test_decimal_places_are_those_the_amount_needs(text, places):
    assert decimal_places(Decimal(text)) == places


def test_truth_is_yes_no_or_nothing():
    assert [Truth().canonical(v) for v in (True, False, None)] == [True, False, None]
    with pytest.raises(Refused):
        Truth().canonical("tMAYBE")


def test_a_choice_that_is_not_on_the_list_is_refused():
    status = Choice(frozenset({"open", "closed"}))
    assert status.canonical("open") == "open"
    assert status.canonical("") is None
    with pytest.raises(Refused):
        status.canonical("new")
