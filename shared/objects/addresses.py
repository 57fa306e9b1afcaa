"""The bill-to and ship-to address of a business partner in SAP: one row of a collection that has many.

The hub keeps one address of each kind in step: the one the partner names as its default, else the first of the kind.
The customer's other addresses are never sent, so SAP keeps them as they are: rows of a collection are matched by
BPCode + AddressName + AddressType + RowNum, and rows that a PATCH does not mention stay (Service Layer user guide).
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.objects.columns import Accessor, Draft, column_of, fitting
from shared.objects.model import Context
from shared.ports import Mark, Row, Value

COLLECTION = "BPAddresses"
IDENTITY = ("BPCode", "AddressName", "AddressType", "RowNum")


@dataclass(frozen=True)
class AddressKind:
    """A kind of address: its BoAddressType, the partner's column that names the default, the setting with a new name."""

    type: str
    default_column: str
    name_setting: str


BILL_TO = AddressKind("bo_BillTo", "BilltoDefault", "bill_to_name")
SHIP_TO = AddressKind("bo_ShipTo", "ShipToDefault", "ship_to_name")


def address_in_step(row: Row, kind: AddressKind) -> Row | None:
    """The address of that kind that the hub keeps in step, None if the partner has none.

    That is the default one; where the default is unset or names no row, the one with the lowest RowNum, so that an
    address added later does not take its place.
    """
    rows = [r for r in column_of(row, COLLECTION) or () if r.get("AddressType") == kind.type]
    default = row.get(kind.default_column)
    named = next((r for r in rows if default and r.get("AddressName") == default), None)
    return named or min(rows, key=lambda r: r.get("RowNum") or 0, default=None)


@dataclass(frozen=True)
class AddressPart(Accessor):
    """One column of the bill-to or ship-to address. Parts written together make one row of the body."""

    kind: AddressKind
    name: str
    length: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The collection (complex collections are selected whole) and the name of the default."""
        return (COLLECTION, self.kind.default_column)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The column of the address in step; a partner without such an address has an empty one."""
        address = address_in_step(row, self.kind)
        return None if address is None else column_of(address, self.name)

    def write(self, value: Value, draft: Draft) -> None:
        """Set the column in the row of the address in step; append that address if there is none to set it in."""
        value = fitting(value, f"the address's {self.name}", length=self.length)
        address = _row_in_body(draft, self.kind, may_append=value is not None)
        if address is not None:
            address[self.name] = value


def _row_in_body(draft: Draft, kind: AddressKind, *, may_append: bool) -> Row | None:
    """The draft's row for that address: identity only, unless other parts were written before."""
    rows: list[Row] = draft.body.get(COLLECTION, [])
    begun = next((r for r in rows if r["AddressType"] == kind.type), None)
    if begun is not None:
        return begun
    current = address_in_step(draft.current, kind) if draft.current is not None else None
    if current is not None:
        address = {name: current[name] for name in IDENTITY if current.get(name) is not None}
    elif may_append:
        # The name is free: the partner has no address of this kind, and names are unique per kind.
        address = {"AddressName": getattr(draft.ctx.settings, kind.name_setting), "AddressType": kind.type}
        draft.body[kind.default_column] = address["AddressName"]
    else:
        return None  # nothing to empty, and an address must not come into being for that
    draft.body[COLLECTION] = [*rows, address]
    return address
