"""What products of more than one template take from SAP's items."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.objects.columns import Accessor, Draft, column_of
from shared.objects.model import Context
from shared.ports import Mark, Row, Value


@dataclass(frozen=True)
class NameOrCode(Accessor):
    """The item's name; an item may have none, a product may not."""

    columns = ("ItemName", "ItemCode")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The name, else the code."""
        return (column_of(row, "ItemName") or "").strip() or column_of(row, "ItemCode")

    def write(self, value: Value, draft: Draft) -> None:
        """Nothing is written to an item."""
