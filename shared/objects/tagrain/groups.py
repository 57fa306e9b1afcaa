"""Groups that Tagrain knows by name: customer groups, manufacturers, product groups.

All of SAP's go out with the first load, or when a record needs one. Nothing is created in SAP: a group that only
Tagrain has is refused by name until SAP has one of exactly that name.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused, Text
from shared.objects.columns import Accessor, Column, Draft, column_of
from shared.objects.fields import Field, TableObject
from shared.objects.model import Context, Direction, FieldDirection, Parent, Refusal, Writing
from shared.objects.tagrain.entities import Property
from shared.ports import Mark, Row, SideName, Value

NAME_LENGTH = 100


def name_field(sap_column: str) -> Field:
    """The one field of a group. Its name is how it is recognised."""
    return Field(
        "name",
        Text(),
        Column(sap_column, writable=False),
        Property("name", NAME_LENGTH, required=True),
        FieldDirection.OUT,
        essential=True,
        recognises="number",
    )


class NamedGroup(TableObject):
    """A group: linked by equal names, created in Tagrain alone."""

    template_type = "tagrain"
    all_take_part = True
    on_demand = True
    what: str
    """What SAP calls such a group."""

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """All of them."""
        return ""

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """As the table says; nothing is created in SAP."""
        if side is SideName.SAP and current is None:
            text = f"SAP has no {self.what} of that name; create one there with exactly the name it has in Tagrain"
            return Writing({}, refusal=Refusal(text, ("name",)))
        return writing

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """Groups need no mark."""
        return Mark()


@dataclass(frozen=True)
class SapList:
    """SAP's groups of one kind: the reference list with its columns, the object that links them, what they are called."""

    object: str
    listing: str
    code: str
    name: str
    what: str

    def code_of(self, name: str, ctx: Context) -> int:
        """SAP's code for the group of exactly that name. Refused where SAP has none, or more than one."""
        found = [row[self.code] for row in ctx.lists.get(self.listing, ()) if _same(row.get(self.name), name)]
        if len(found) != 1:
            do = "more than one {}; rename one" if found else "no {}; create one with exactly that name"
            raise Refused(f"of the name it has in Tagrain SAP has {do.format(self.what)}")
        return int(found[0])

    def name_of(self, code: Value, ctx: Context) -> str | None:
        """The name of SAP's group of that code, None where the list has none."""
        rows = ctx.lists.get(self.listing, ())
        return next((str(row[self.name]).strip() for row in rows if row[self.code] == code), None)


@dataclass(frozen=True)
class GroupId(Accessor):
    """The group that a record of Tagrain points to, as SAP's code.

    Reading goes by equal names; writing takes the group that is linked to SAP's, else one of the same name.
    """

    name: str
    listing: str
    sap: SapList
    required: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The property itself."""
        return (self.name,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """SAP's code; None for a record without group."""
        key = column_of(row, self.name)
        if key is None:
            return None
        for parent, far in ctx.links.items():
            if far == key and parent.object == self.sap.object and parent.side is SideName.SAP:
                return int(parent.key)
        name = next((str(each["name"]) for each in ctx.lists.get(self.listing, ()) if each["id"] == key), None)
        if name is None:
            raise Refused(f"its {self.sap.what} is too new for the list of Tagrain's; Sync Now in some minutes sets it")
        return self.sap.code_of(name, ctx)

    def write(self, value: Value, draft: Draft) -> None:
        """The id of the linked group; none takes the record out of its group where Tagrain allows that."""
        if value is None:
            if self.required and draft.current is not None:
                raise Refused(f"has no {self.sap.what} in SAP, Tagrain wants one; choose one in SAP")
            if not self.required:
                draft.body[self.name] = None
            return
        draft.body[self.name] = self._linked(value, draft.ctx)

    def _linked(self, code: Value, ctx: Context) -> str:
        linked = ctx.links.get(Parent(self.sap.object, SideName.SAP, str(code)))
        if linked is not None:
            return linked
        name = self.sap.name_of(code, ctx)
        found = [str(each["id"]) for each in ctx.lists.get(self.listing, ()) if name and _same(each["name"], name)]
        if len(found) != 1:
            raise Refused(f"its {self.sap.what} is not in Tagrain yet; it goes there with the groups")
        return found[0]


def _same(one: Any, other: Any) -> bool:
    return str(one or "").strip() == str(other or "").strip()
