"""Contact (Dynamics 365 Sales) <-> contact person inside a business partner (SAP Business One), both ways.

A contact travels with its account: once that is linked, all its contacts take part. In SAP a contact is a row of its
partner, with a key of both (``C00001/17``). A contact that comes from a qualified lead is that lead's person, if SAP has
one of that name already. Rules: docs/decisions/0013.

Lengths of SAP's columns are those of OCPR, from memory of SAP's database reference.
"""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.objects.canonical import Refused, Text, Truth
from shared.objects.columns import Accessor, Column, Draft, YesNo, column_of
from shared.objects.dynamics.account import ARRIVALS
from shared.objects.dynamics.account import OTHER_ENTITY as ACCOUNTS
from shared.objects.fields import Field, TableObject
from shared.objects.model import KEY, Context, Direction, NeededColumn, Parent, Refusal, Step, Writing
from shared.objects.references import HUB_REFERENCE
from shared.objects.sap_entities import CUSTOMERS, our_reference
from shared.ports import Entity, Mark, Owner, Row, SideName, Value

PARTNER, ACCOUNT_ROW = "partner", "account"  # where the owners stand in the rows of either side
_LONGEST_NAME = 50
_ACCOUNT = "_parentcustomerid_value"
_PRIMARY = "_primarycontactid_value"

PERSONS = Entity(
    set="BusinessPartners",
    type="ContactEmployee",
    key="InternalCode",
    version=CUSTOMERS.version,
    scope=CUSTOMERS.scope,
    created=("CreateDate", "CreateTime"),
    modified=("UpdateDate", "UpdateTime"),
    reference=HUB_REFERENCE,
    owner=Owner(
        PARTNER,
        replace(CUSTOMERS, select=("CardType", "ContactPerson"), reference=""),
        lookup="CardCode",
        collection="ContactEmployees",
    ),
)
CONTACTS = Entity(
    set="contacts",
    type="contact",
    key="contactid",
    version="versionnumber",
    modified=("modifiedon",),
    created=("createdon",),
    key_is_text=False,
    owner=Owner(
        ACCOUNT_ROW, replace(ACCOUNTS, select=(_PRIMARY,)), lookup=_ACCOUNT, navigation="parentcustomerid_account"
    ),
)


@dataclass(frozen=True)
class SapPartner(Accessor):
    """The partner that a person belongs to, by the code it has in SAP."""

    columns = ("CardCode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The code."""
        return column_of(row, "CardCode")

    def write(self, value: Value, draft: Draft) -> None:
        """The partner of a new person. SAP moves none to another partner."""
        code = draft.ctx.links.get(Parent("account", SideName.OTHER, str(value)))
        if code is None:
            raise Refused("its account is not linked to a customer")
        if draft.current is None:
            draft.body["CardCode"] = code
        elif draft.current.get("CardCode") != code:
            text = (
                "it was moved to another account in Dynamics; SAP moves no contact person to another customer. Move it "
                "back, or deactivate it and create it there anew"
            )
            raise Refused(text, conflict=True)


@dataclass(frozen=True)
class DynamicsAccount(Accessor):
    """The account that a contact belongs to, by its id."""

    columns = (_ACCOUNT,)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The account's id."""
        return column_of(row, _ACCOUNT)

    def write(self, value: Value, draft: Draft) -> None:
        """Bind the contact to the account of the customer."""
        account = draft.ctx.links.get(Parent("account", SideName.SAP, str(value)))
        if account is None:
            raise Refused("its customer is not linked to an account")
        if (draft.current or {}).get(_ACCOUNT) != account:
            draft.body["parentcustomerid_account@odata.bind"] = f"/accounts({account})"


@dataclass(frozen=True)
class LastName(Accessor):
    """A person's last name in SAP; where only the name of the contact is entered, that one."""

    columns = ("LastName", "FirstName", "Name")
    column = Column("LastName", 50)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The last name."""
        last, first = column_of(row, "LastName"), column_of(row, "FirstName")
        return column_of(row, "Name") if not (last or first) else last

    def write(self, value: Value, draft: Draft) -> None:
        """Set the last name."""
        self.column.write(value, draft)


@dataclass(frozen=True)
class MainPerson(Accessor):
    """Whether the person is the main contact of the partner."""

    columns = ("Name",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """Its name is the one the partner names."""
        name = (row.get(PARTNER) or {}).get("ContactPerson")
        return bool(name) and name == column_of(row, "Name")

    def write(self, value: Value, draft: Draft) -> None:
        """Name it in the partner. A main contact is replaced by another one, never taken away."""
        if value is True:
            name = draft.body.get("Name") or (draft.current or {}).get("Name") or person_name(draft.values)
            draft.body[PARTNER] = {"ContactPerson": name}


@dataclass(frozen=True)
class PrimaryContact(Accessor):
    """Whether the contact is the primary one of its account."""

    columns = ("contactid",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The account points to it."""
        primary = (row.get(ACCOUNT_ROW) or {}).get(_PRIMARY)
        return primary is not None and str(primary).lower() == str(column_of(row, "contactid")).lower()

    def write(self, value: Value, draft: Draft) -> None:
        """Let the account point to it, as a step. A primary contact is replaced by another one, never taken away."""
        customer = Parent("account", SideName.SAP, str(draft.values.get("account")))
        account = (draft.current or {}).get(_ACCOUNT) or draft.ctx.links.get(customer)
        if value is True and account is not None:
            body = {"primarycontactid@odata.bind": f"/contacts({KEY})"}
            draft.steps.append(Step(1, "main", "primary", body, entity=ACCOUNTS, key=str(account)))


@dataclass(frozen=True)
class ActiveState(Accessor):
    """Whether a row of Dynamics is active (statecode 0)."""

    columns = ("statecode",)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """True for 0."""
        return column_of(row, "statecode") == 0

    def write(self, value: Value, draft: Draft) -> None:
        """Set state and reason together; a new row is active by itself."""
        active = value is not False
        if draft.current is not None or not active:
            draft.body |= {"statecode": 0, "statuscode": 1} if active else {"statecode": 1, "statuscode": 2}


def person_name(values: Mapping[str, Value]) -> str:
    """The name under which SAP lists a new person, which is unique in its partner; as much of it as fits."""
    parts = [str(values[name]) for name in ("first_name", "middle_name", "last_name") if values.get(name)]
    return " ".join(parts or [str(values.get("email") or "")])[:_LONGEST_NAME].strip()


TABLE: tuple[Field, ...] = (
    Field("account", Text(), SapPartner(), DynamicsAccount(), essential=True),
    Field("first_name", Text(), Column("FirstName", 50), Column("firstname", 50)),
    Field("middle_name", Text(), Column("MiddleName", 50), Column("middlename", 50)),
    Field("last_name", Text(), LastName(), Column("lastname", 50)),
    Field("position", Text(), Column("Position", 90), Column("jobtitle", 100)),
    Field("phone", Text(), Column("Phone1", 20), Column("telephone1", 50)),
    Field("phone2", Text(), Column("Phone2", 20), Column("telephone2", 50)),
    Field("mobile", Text(), Column("MobilePhone", 50), Column("mobilephone", 50)),
    Field("fax", Text(), Column("Fax", 20), Column("fax", 50)),
    Field("email", Text(), Column("E_Mail", 100), Column("emailaddress1", 100)),
    Field("active", Truth(), YesNo("Active"), ActiveState()),
    Field("main", Truth(), MainPerson(), PrimaryContact()),
)
_SAME_BY: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "name": ("first_name", "last_name"),
    "phone": ("phone",),
}


class Contact(TableObject):
    """The contact of a linked account."""

    name = "contact"
    template_type = "dynamics"
    init_order = 20
    parent_of = ("opportunity",)
    table = TABLE
    sap_entity = PERSONS
    other_entity = CONTACTS
    further_columns: Mapping[SideName, tuple[str, ...]] = {SideName.OTHER: ("_originatingleadid_value",)}
    needed_columns: tuple[NeededColumn, ...] = (our_reference(replace(PERSONS, owner=None)),)
    all_take_part = True
    owned_by = "account"

    def takes_part(self, direction: Direction, row: Row, mark: Mark, ctx: Context) -> str:
        """Whatever belongs to an account or a customer; whether that one takes part is its own matter."""
        if direction is Direction.IN:
            return "" if row.get(_ACCOUNT) and row.get(ACCOUNT_ROW) else "it does not belong to an account"
        partner = row.get(PARTNER) or {}
        return "" if partner.get("CardType") == "cCustomer" else "it is not a contact of a customer (yet)"

    def mark_on_arrival(self, row: Row, ctx: Context) -> Mark:
        """A mark in the batch of arrivals."""
        return Mark(frozenset({ARRIVALS}))

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """The account, or the customer."""
        key = row.get("CardCode" if side is SideName.SAP else _ACCOUNT)
        return (Parent("account", side, str(key)),) if key else ()

    def recognises(self, sap: Row, other: Row, ctx: Context) -> str:
        """By what the settings name, and by name if the contact was a lead: SAP had that lead's person already."""
        words = [word for word in ctx.settings.match_further if word in _SAME_BY]
        if other.get("_originatingleadid_value") and "name" not in words:
            words.append("name")
        ours, theirs = (
            self.read(s, row, Mark(), ctx).values for s, row in ((SideName.SAP, sap), (SideName.OTHER, other))
        )
        return next((word for word in words if _are_same(_SAME_BY[word], ours, theirs)), "")

    def finished(
        self, side: SideName, writing: Writing, values: Mapping[str, Value], current: Row | None, ctx: Context
    ) -> Writing:
        """As the table says; a new person in SAP is listed under a name made of its parts."""
        if side is SideName.SAP and current is None:
            name = person_name(values)
            if not name:
                return replace(writing, refusal=Refusal("it has neither a name nor an e-mail address", ("last_name",)))
            return replace(writing, body={"Name": name, **writing.body})
        return writing

    def defaults(self, side: SideName, ctx: Context, hub_reference: str) -> Row:
        """Our reference in SAP."""
        return {HUB_REFERENCE: hub_reference} if side is SideName.SAP and hub_reference else {}


def _are_same(names: tuple[str, ...], ours: Mapping[str, Value], theirs: Mapping[str, Value]) -> bool:
    """Whether both have these values, not all of them empty, without regard to case."""
    pairs = [(str(ours.get(name) or "").casefold(), str(theirs.get(name) or "").casefold()) for name in names]
    return any(one for one, _ in pairs) and all(one == other for one, other in pairs)


CONTACT = Contact()
