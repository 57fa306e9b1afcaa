"""One request and one answer, the same for plain requests and for the parts of a ``$batch``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.simulators.service_layer.errors import SapError

DATA_TYPE = "application/json;odata.metadata=minimal;charset=utf-8"
ERROR_TYPE = "application/json;charset=utf-8"
ROOT = "/b1s/v2"


@dataclass(frozen=True)
class Call:
    """A request; ``path`` is relative to the service root and still percent-encoded, header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    node: str
    base_url: str
    """Scheme, host and port as the client sees them."""
    in_batch: bool = False

    @property
    def prefers(self) -> list[str]:
        """Preferences of the Prefer header."""
        return [each.strip() for each in self.headers.get("prefer", "").split(",") if each.strip()]

    def context(self, fragment: str) -> str:
        """The value of ``@odata.context``."""
        return f"{self.base_url}{ROOT}/$metadata#{fragment}"

    def json(self) -> Any:
        """The body as JSON; raises SapError -1000."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise SapError(400, -1000, "Invalid JSON format") from error


@dataclass(frozen=True)
class Answer:
    """An answer; ``template`` names the route for the statistics."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    template: str = ""


def json_answer(status: int, value: Any, template: str, **headers: str) -> Answer:
    """An answer with data."""
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, {"Content-Type": DATA_TYPE, "OData-Version": "4.0", **names}, body, template)


def error_answer(error: SapError, template: str) -> Answer:
    """A refusal."""
    return Answer(error.status, {"Content-Type": ERROR_TYPE}, json.dumps(error.body()).encode(), template)
