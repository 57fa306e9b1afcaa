"""Keys as callers spell them: ``{side, key}``, or a bare string, which means SAP."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.ports import SideName
from shared.triggers.http.calls import Strict

type KeyText = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SideAndKey(Strict):
    """A key and the side it is of."""

    side: SideName = Field(description="sap, or other: the template's other system")
    key: KeyText = Field(description="The key as that side spells it")


type KeyIn = KeyText | SideAndKey


def side_and_key(key: str | SideAndKey) -> tuple[SideName, str]:
    """The two parts of a key."""
    return (SideName.SAP, key) if isinstance(key, str) else (key.side, key.key)


class RecordQuery(Strict):
    """One record of an object, as query parameters."""

    object: str = Field(description="The object it is of")
    side: SideName = Field(default=SideName.SAP, description="Whose key it is: sap, or other")
    key: KeyText = Field(description="Its key there")
