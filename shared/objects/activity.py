"""Whether SAP's documents take a customer or an item: two columns of both."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.model import Context
from shared.ports import Mark, Row, Value


def is_active(row: Row) -> bool:
    """Whether documents take the customer or item."""
    return row.get("Frozen") != "tYES" and row.get("Valid") != "tNO"


@dataclass(frozen=True)
class Activity(Accessor):
    """Active or not, as a truth value."""

    columns = ("Valid", "Frozen")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Whether documents take it. A missing column is not a setting."""
        for name in self.columns:
            column_of(row, name)
        return is_active(row)

    def write(self, value: Value, draft: Draft) -> None:
        """Set both columns; an empty value counts as active."""
        active = value is not False
        draft.body |= {"Valid": "tYES" if active else "tNO", "Frozen": "tNO" if active else "tYES"}
