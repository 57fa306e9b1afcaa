"""Pure parts of the queue listener."""

from __future__ import annotations

import base64
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.queues import Backoff, decoded, has_poison_queue


def test_pauses_start_at_100_ms_double_within_a_fifth_and_end_at_the_longest() -> None:
    backoff = Backoff(2.0, random.Random(1))
    pauses = [backoff.next_seconds() for _ in range(12)]
    assert pauses[0] == 0.1
    assert pauses[-1] == 2.0
    for before, after in itertools.pairwise(pauses):
        assert after == 2.0 or before * 1.6 <= after <= before * 2.4


def test_a_longest_pause_below_100_ms_is_kept() -> None:
    backoff = Backoff(0.05)
    assert backoff.next_seconds() == 0.05


def test_a_found_message_makes_the_pause_short_again() -> None:
    backoff = Backoff(60.0)
    for _ in range(5):
        backoff.next_seconds()
    backoff.reset()
    assert backoff.next_seconds() == 0.1


@given(st.binary())
def test_a_base64_body_is_decoded_exactly(body: bytes) -> None:
    assert decoded(base64.b64encode(body).decode(), as_base64=True) == body


@pytest.mark.parametrize("text", ["not base64", "abc", "{}", "YQ==="])
def test_a_body_that_is_not_base64_is_none(text: str) -> None:
    assert decoded(text, as_base64=True) is None


def test_without_encoding_the_text_is_the_body() -> None:
    assert decoded("not base64 é", as_base64=False) == "not base64 é".encode()


@pytest.mark.parametrize(
    ("name", "expected"), [("runs", True), ("runs-poison", False), ("a" * 56, True), ("a" * 57, False)]
)
def test_a_poison_queue_and_a_name_too_long_have_no_poison_queue(name: str, expected: bool) -> None:
    assert has_poison_queue(name) is expected
