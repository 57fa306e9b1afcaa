"""JSON without a float on the way: numbers with a fraction are ``Decimal`` in both directions."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import simplejson
from simplejson import RawJSON

JSON_TYPE = "application/json"


def dump_json(value: Any) -> bytes:
    """UTF-8 JSON with every Decimal written digit by digit (``1.10`` stays ``1.10``, never in exponent form).

    Raises ValueError for NaN and infinities, TypeError for what has no JSON form.
    """
    text = simplejson.dumps(
        value, use_decimal=False, default=_raw_number, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode()


def parse_json(data: bytes | str) -> Any:
    """The value, with fractions as Decimal. Raises ValueError for anything that is not strict JSON, NaN included."""
    return json.loads(data, parse_float=Decimal, parse_constant=_refuse_constant)


def _raw_number(value: object) -> RawJSON:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    if not value.is_finite():
        raise ValueError("a number that is not finite has no JSON form")
    return RawJSON(format(value, "f"))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
