"""Keys: any text in, only what Table Storage allows out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores.keys import LONGEST_KEY, checked_key, decode_key, encode_key

ODD = ["a/b\\c#d?e%f", "😀", "עברית שלום", "a\x00b", "it's", "%2F", "\x7f\x85", "", "  spaces  ", "e\u0301"]


@pytest.mark.parametrize("text", ODD)
def test_odd_text_comes_back_as_it_was(text: str) -> None:
    assert decode_key(encode_key(text)) == text


@given(st.text(max_size=60))
def test_every_text_comes_back_and_its_key_holds_nothing_forbidden(text: str) -> None:
    key = encode_key(text)
    assert decode_key(key) == text
    assert checked_key(key, "RowKey") == key
    assert not set(key) & set(":|")


@given(st.text(max_size=10), st.text(max_size=10))
def test_a_range_by_prefix_and_a_start_after_a_key_can_be_written_with_one_character(one: str, other: str) -> None:
    first, second = sorted([encode_key(one), encode_key(other)])
    assert first <= second < first + "~" or not second.startswith(first)
    assert first == second or first + "!" <= second


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_texts_never_share_a_key(one: str, other: str) -> None:
    assert (encode_key(one) == encode_key(other)) == (one == other)


def test_text_is_refused_once_its_key_is_over_one_kibibyte() -> None:
    longest = "x" * LONGEST_KEY
    assert encode_key(longest) == longest
    with pytest.raises(ValueError, match="too long"):
        encode_key(longest + "x")
    with pytest.raises(ValueError, match="too long"):
        encode_key("/" * (LONGEST_KEY // 3 + 1))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        encode_key("\ud800")


@pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\x00b", "x" * 1025])
def test_a_key_that_was_not_encoded_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(ValueError, match="RowKey"):
        checked_key(key, "RowKey")
