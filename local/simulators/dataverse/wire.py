"""What travels between HTTP and the simulator's core: a call, an answer, and an error that becomes one.

The core never sees aiohttp, so that the parts of a ``$batch`` run through the same code as real requests.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from multidict import CIMultiDict

JSON_TYPE = "application/json; odata.metadata=minimal"

type JsonObject = dict[str, Any]

_DECIMAL_MARK = f"decimal:{uuid.uuid4().hex}:"
_MARKED_DECIMAL = re.compile(f'"{_DECIMAL_MARK}([^"]*)"')


@dataclass
class Call:
    """One request as the core sees it: `target` is the raw path and query below the API root, still percent-encoded."""

    method: str
    target: str
    root: str
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""
    references: Mapping[str, str] = field(default_factory=dict)
    """Content-ID references of a changeset: ``$1`` to the path of the record made under it."""

    @property
    def raw_path(self) -> str:
        """The path below the root, percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        """The query string as sent."""
        return self.target.partition("?")[2]

    def json_object(self) -> JsonObject:
        """The body as a JSON object; numbers with a point become Decimal. Raises DataverseError (0x80048d19)."""
        try:
            value = json.loads(self.body, parse_float=Decimal) if self.body else {}
        except ValueError as error:
            raise bad_payload("Microsoft.OData.ODataException: Invalid JSON. An unexpected token was found.") from error
        if not isinstance(value, dict):
            raise bad_payload("Microsoft.OData.ODataException: An object was expected in the payload.")
        return value


@dataclass
class Answer:
    """One response of the core; `template` names the route for statistics."""

    status: int
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""
    template: str = ""


class DataverseError(Exception):
    """A refusal: HTTP status, hex code and message, as the service words them."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """The JSON error body every refusal but 401 has."""
        answer = json_answer({"error": {"code": self.code, "message": self.message}}, status=self.status)
        answer.headers.update(self.headers)
        return answer


def bad_payload(inner: str, entity: str = "") -> DataverseError:
    """400 0x80048d19: the envelope Dataverse puts around everything wrong with a payload's shape."""
    return DataverseError(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{entity}', For more information on this error "
        f"please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : {inner}",
    )


def bad_query(message: str) -> DataverseError:
    """400 0x80060888: the query options or the key cannot be used."""
    return DataverseError(400, "0x80060888", message)


def no_segment(name: str) -> DataverseError:
    """404 0x8006088a: no such entity set, function or action."""
    return DataverseError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def no_record(logical_name: str, key: str) -> DataverseError:
    """404 0x80040217: no row with this id."""
    name = logical_name[:1].upper() + logical_name[1:]
    return DataverseError(404, "0x80040217", f"Entity '{name}' With Id = {key} Does Not Exist")


def json_answer(value: Any, *, status: int = 200) -> Answer:
    """An answer with a JSON body; Decimal is written with all its digits."""
    return Answer(status, CIMultiDict({"Content-Type": JSON_TYPE}), dump(value).encode())


def dump(value: Any) -> str:
    """JSON text in which Decimals are exact numbers."""
    text = json.dumps(value, default=_marked, ensure_ascii=False, separators=(",", ":"))
    return _MARKED_DECIMAL.sub(r"\1", text) if _DECIMAL_MARK in text else text


def _marked(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{_DECIMAL_MARK}{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON form")
