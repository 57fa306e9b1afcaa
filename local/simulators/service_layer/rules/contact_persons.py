"""Contact persons, the rows ContactEmployees of a partner, and the main one among them, which the header names.

Sources: service layer facts (matched by InternalCode, names unique per partner); the rest is general Business One
knowledge, and every code of a refusal here is inferred.
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Sequence

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Collection, without_nulls
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp


class Contacts(Collection):
    """OCPR: matched by InternalCode alone, which the server gives; names are unique within the partner."""

    def __init__(self) -> None:
        super().__init__("InternalCode")

    def find(self, rows: Sequence[Row], given: Row, touched: set[int]) -> int | None:
        """A row without InternalCode is a new one."""
        return None if given.get("InternalCode") is None else super().find(rows, given, touched)

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """Gets its code from the server; a code that is not one of the partner's contacts is refused (inferred)."""
        if given.get("InternalCode") is not None:
            raise errors.rule("OCPR.CntctCode", f"Invalid contact person '{given['InternalCode']}'")
        day, time = stamp(company.local_now())
        changed = {"UpdateDate": day, "UpdateTime": time} if company.switches.update_stamp_on_create else {}
        return without_nulls(
            {
                "Active": "tYES",
                **given,
                "CardCode": parent["CardCode"],
                "InternalCode": company.next_contact_code(),
                "CreateDate": day,
                "CreateTime": time,
                **changed,
            }
        )

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """Keeps its partner; its own change stamp moves only if something else than before was given."""
        row = super().changed_row(company, present, {**given, "CardCode": present["CardCode"]})
        if row == present:
            return present
        day, time = stamp(company.local_now())
        return {**row, "UpdateDate": day, "UpdateTime": time}

    def check(self, rows: Sequence[Row]) -> None:
        """Every row has a name, and no two the same."""
        if not all(row.get("Name") for row in rows):
            raise errors.rule("OCPR.Name", "Contact person name is missing")
        names = [row["Name"].casefold() for row in rows]
        if len(set(names)) != len(names):
            raise errors.entry_exists()


def follow_main_contact(row: Row, before: Row | None) -> None:
    """Set ContactPerson: the first contact's name until another one is chosen; a new name or the loss of the main
    contact moves it along (inferred). Raises -5002 for a name that is none of the partner's contacts."""
    contacts = row.get("ContactEmployees", ())
    chosen = row.get("ContactPerson")
    old = before or {}
    codes = {each["Name"]: each["InternalCode"] for each in old.get("ContactEmployees", ())}
    names = {each["InternalCode"]: each["Name"] for each in contacts}
    was_main = chosen is not None and chosen in codes and chosen == old.get("ContactPerson")
    if was_main and codes[chosen] in names:
        chosen = names[codes[chosen]]
    elif chosen is None or (was_main and chosen not in names.values()):
        chosen = next(iter(names.values()), None)
    elif chosen not in names.values():
        raise errors.rule("OCRD.CntctPrsn", f"Invalid contact person '{chosen}'")
    row["ContactPerson"] = chosen
    if chosen is None:
        del row["ContactPerson"]
