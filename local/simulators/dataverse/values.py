"""Values of columns: from a payload to what is stored, from a filter's literal to what a row shows.

Stored forms are JSON forms: dates and instants are ISO text of fixed width (so that they compare as text), GUIDs are
lower-case text, money and decimals are Decimal. What the platform loses on the way is lost here: fractions of a second,
digits beyond the precision, the difference between an empty text and none.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from local.schema import Column
from local.simulators.dataverse.wire import DataverseError, bad_payload
from local.simulators.odata import BadLiteral, Literal

DECIMAL_PLACES = 5
"""Decimal columns keep at most five places here; the real limit is metadata of each column."""

GUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SQL_GUID_ORDER: Final = (10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3)
_TEXTS: Final = frozenset({"String", "Memo", "string", "EntityName"})
_CHOICES: Final = frozenset({"Picklist", "State", "Status"})
_WHOLE: Final = frozenset({"Integer", "BigInt"})
_EXACT: Final = frozenset({"Money", "Decimal"})


def instant_text(moment: datetime) -> str:
    """An instant as Dataverse stores and shows it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def guid_order(guid: str) -> bytes:
    """A key that sorts GUIDs as SQL Server does: by the last six bytes first, not as their text sorts."""
    stored = uuid.UUID(guid).bytes_le
    return bytes(stored[position] for position in _SQL_GUID_ORDER)


def guid_of_order(key: bytes) -> str:
    """The GUID that `guid_order` made a key of."""
    stored = bytearray(16)
    for position, byte in zip(_SQL_GUID_ORDER, key, strict=True):
        stored[position] = byte
    return str(uuid.UUID(bytes_le=bytes(stored)))


def fold_text(value: Any) -> Any:
    """Text as the database compares it: without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half up to a number of places (the direction of a tie is an assumption)."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


# -- payload -----------------------------------------------------------------------------------------------------


def stored_value(table: str, entity_set: str, column: Column, value: Any) -> Any:
    """What a row keeps of a payload's value; raises DataverseError for a wrong type, length, range or option."""
    if value is None:
        if column.required_level == "systemrequired":
            raise DataverseError(400, "0x80040200", f"The field '{column.name}' of '{table}' is required.")
        return None
    for kinds, convert in _CONVERTERS:
        if column.type in kinds:
            return convert(table, entity_set, column, value)
    raise bad_payload(f"Microsoft.OData.ODataException: '{column.name}' cannot be written.", entity_set)


def _wrong_type(entity_set: str, column: Column, value: Any) -> DataverseError:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return bad_payload(
        f"Microsoft.OData.ODataException: Cannot convert the literal '{shown}' to the expected type "
        f"'{column.edm_type}'.",
        entity_set,
    )


def _text(table: str, entity_set: str, column: Column, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _wrong_type(entity_set, column, value)
    if column.max_length is not None and len(value.encode("utf-16-le")) // 2 > column.max_length:
        raise DataverseError(
            400,
            "0x80044331",
            f"A validation error occurred.  The length of the '{column.name}' attribute of the '{table}' entity "
            f"exceeded the maximum allowed length of '{column.max_length}'.",
        )
    if _NOT_IN_XML.search(value):
        raise DataverseError(400, "0x80040278", f"The field '{column.name}' contains one or more invalid characters.")
    return value or None


def _choice(table: str, entity_set: str, column: Column, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(entity_set, column, value)
    if all(value != option.value for option in column.options):
        raise DataverseError(
            400,
            "0x8004431a",
            f"A validation error occurred. The value {value} of '{column.name}' on record of type '{table}' is "
            "outside the valid range.",
        )
    return value


def _whole(table: str, entity_set: str, column: Column, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(entity_set, column, value)
    _check_range("0x8004432f", table, column, value)
    return value


def _exact(table: str, entity_set: str, column: Column, value: Any) -> Decimal:
    number = _number(entity_set, column, value)
    _check_range("0x80044330", table, column, number)
    return (
        number
        if column.type == "Money"
        else rounded(number, DECIMAL_PLACES if column.places is None else column.places).normalize()
    )


def _double(table: str, entity_set: str, column: Column, value: Any) -> float:
    number = _number(entity_set, column, value)
    _check_range("0x80044330", table, column, number)
    return float(number)


def _number(entity_set: str, column: Column, value: Any) -> Decimal:
    """A number as Decimal; floats come from the panel only, requests are read without any."""
    if not isinstance(value, int | Decimal | float) or isinstance(value, bool):
        raise _wrong_type(entity_set, column, value)
    return Decimal(str(value))


def _check_range(code: str, table: str, column: Column, value: int | Decimal) -> None:
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise DataverseError(
            400,
            code,
            f"A validation error occurred. The value {value} of '{column.name}' on record of type '{table}' is "
            "outside the valid range.",
        )


def _boolean(_table: str, entity_set: str, column: Column, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(entity_set, column, value)
    return value


def _guid(_table: str, entity_set: str, column: Column, value: Any) -> str:
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise _wrong_type(entity_set, column, value)
    return value.lower()


def _moment(_table: str, entity_set: str, column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(entity_set, column, value)
    try:
        if column.edm_type == "Edm.Date":
            if len(value) != 10:
                raise ValueError
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None and len(value) > 10:
            raise ValueError
    except ValueError as error:
        raise _wrong_type(entity_set, column, value) from error
    return instant_text(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


_CONVERTERS: Final[tuple[tuple[frozenset[str], Callable[[str, str, Column, Any], Any]], ...]] = (
    (_TEXTS, _text),
    (_CHOICES, _choice),
    (_WHOLE, _whole),
    (_EXACT, _exact),
    (frozenset({"Double"}), _double),
    (frozenset({"Boolean"}), _boolean),
    (frozenset({"Uniqueidentifier"}), _guid),
    (frozenset({"DateTime"}), _moment),
)


# -- literals of filters and keys --------------------------------------------------------------------------------

_FITTING: Final[Mapping[str, frozenset[str]]] = {
    "Edm.String": frozenset({"string"}),
    "Edm.Guid": frozenset({"guid"}),
    "Edm.Boolean": frozenset({"boolean"}),
    "Edm.Int32": frozenset({"integer"}),
    "Edm.Int64": frozenset({"integer"}),
    "Edm.Decimal": frozenset({"integer", "decimal"}),
    "Edm.Double": frozenset({"integer", "decimal"}),
    "Edm.DateTimeOffset": frozenset({"datetime", "date"}),
    "Edm.Date": frozenset({"date"}),
}


def literal_value(column: Column, literal: Literal) -> Any:
    """A filter's literal in the stored form of a column; raises BadLiteral if the types do not go together."""
    if literal.kind not in _FITTING.get(column.edm_type, frozenset()):
        raise BadLiteral(
            "A binary operator with incompatible types was detected. "
            f"Found operand types '{column.edm_type}' and 'Edm.{literal.kind.capitalize()}' for operator kind 'Equal'."
        )
    if literal.kind == "datetime":
        return _comparable_instant(literal.value)
    if literal.kind == "date" and column.edm_type == "Edm.DateTimeOffset":
        return f"{literal.value}T00:00:00Z"
    return literal.value


def listed_value(column: Column, literal: Literal) -> Any:
    """An element of ``PropertyValues`` of the In function, where every value may be written as text."""
    if literal.kind != "string" or column.edm_type == "Edm.String":
        return literal_value(column, literal)
    text = str(literal.value)
    try:
        if column.edm_type == "Edm.Guid" and GUID.fullmatch(text):
            return text.lower()
        if column.edm_type in ("Edm.Int32", "Edm.Int64"):
            return int(text)
        if column.edm_type in ("Edm.Decimal", "Edm.Double"):
            return Decimal(text)
        if column.edm_type == "Edm.DateTimeOffset":
            return _comparable_instant(datetime.fromisoformat(text))
        if column.edm_type == "Edm.Date":
            return date.fromisoformat(text).isoformat()
    except (ValueError, ArithmeticError) as error:
        raise BadLiteral(f"a value in the list is no {column.edm_type}") from error
    raise BadLiteral(f"a value in the list is no {column.edm_type}")


def _comparable_instant(moment: datetime) -> str:
    """An instant as text that sorts right among stored ones even with a fraction: ``...:00Z`` < ``...:00Z.5``."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    return instant_text(moment) + fraction
