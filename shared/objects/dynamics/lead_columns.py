"""What is peculiar to leads on either side: the person inside the partner, the source as a property, the life of a lead."""

# ruff: noqa: ARG002 - one signature for all; an implementation ignores what it has no use for

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.columns import Accessor, Column, Draft, column_of, fitting
from shared.objects.dynamics.contact import person_name
from shared.objects.model import KEY, Context, Step
from shared.ports import Mark, Row, Value

OPEN, QUALIFIED, DISQUALIFIED = "open", "qualified", "disqualified"
STATES: Mapping[int, str] = {0: OPEN, 1: QUALIFIED, 2: DISQUALIFIED}
COLLECTION = "ContactEmployees"
_QUALIFIED_STATUS = 3


def person_of(row: Row) -> Row | None:
    """The person that a lead of SAP is about: the main contact, else the first; None if the partner has none."""
    rows = column_of(row, COLLECTION) or ()
    main = next((each for each in rows if each.get("Name") == row.get("ContactPerson")), None)
    return main or min(rows, key=lambda each: int(each["InternalCode"]), default=None)


@dataclass(frozen=True)
class PersonPart(Accessor):
    """One column of the lead's person. Parts that are written together make one row of the body."""

    name: str
    length: int
    columns = (COLLECTION, "ContactPerson")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The column; a partner without a person has an empty one. Where no names are entered, the contact's name."""
        person = person_of(row)
        if person is None:
            return None
        nameless = not (person.get("FirstName") or person.get("LastName"))
        return person.get("Name") if self.name == "LastName" and nameless else person.get(self.name)

    def write(self, value: Value, draft: Draft) -> None:
        """Set the column in the person's row; append the person if there is none."""
        value = fitting(value, f"the contact person's {self.name}", length=self.length)
        person = _row_in_body(draft, may_append=value is not None)
        if person is not None:
            person[self.name] = value
        elif value is not None:
            raise Refused("a contact person of SAP needs a name; the lead has neither a name nor an e-mail address")


def _row_in_body(draft: Draft, *, may_append: bool) -> Row | None:
    rows: list[Row] = draft.body.setdefault(COLLECTION, [])
    if rows:
        return rows[0]
    current = person_of(draft.current) if draft.current is not None else None
    if current is not None:
        rows.append({"InternalCode": current["InternalCode"]})
    elif may_append and (name := person_name(draft.values)):
        rows.append({"Name": name})
        draft.body["ContactPerson"] = name
    else:
        del draft.body[COLLECTION]
        return None
    return rows[0]


@dataclass(frozen=True)
class CompanyName(Accessor):
    """The company of a lead of Dynamics; one that names none is its person."""

    columns = ("companyname", "fullname")
    column = Column("companyname", 100, required=True)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The company, else the person's name."""
        return column_of(row, "companyname") or column_of(row, "fullname")

    def write(self, value: Value, draft: Draft) -> None:
        """Set the company, unless that is only the person's name again."""
        shown = (draft.current or {}).get("fullname")
        if value is None or value != shown or (draft.current or {}).get("companyname"):
            self.column.write(value, draft)


@dataclass(frozen=True)
class SapSource(Accessor):
    """The lead source as one of the partner's properties that the settings map."""

    columns = ()

    def columns_in(self, ctx: Context) -> tuple[str, ...]:
        """The mapped properties."""
        return tuple(f"Properties{number}" for number in ctx.settings.lead_sources)

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """The number of the one that is set."""
        numbers = ctx.settings.lead_sources
        found = [number for number in numbers if column_of(row, f"Properties{number}") == "tYES"]
        if len(found) > 1:
            raise Refused("more than one of the properties that stand for sources is set in SAP; leave one")
        return found[0] if found else None

    def write(self, value: Value, draft: Draft) -> None:
        """Set that one, and none of the others."""
        if value is not None and value not in draft.ctx.settings.lead_sources:
            raise Refused("no property of SAP stands for this source; add it to the setting leadSources")
        for number in draft.ctx.settings.lead_sources:
            if draft.current is not None or number == value:
                draft.body[f"Properties{number}"] = "tYES" if number == value else "tNO"


@dataclass(frozen=True)
class SapLife(Accessor):
    """Where a lead stands in SAP: a customer by now, inactive, or open."""

    columns = ("CardType", "Frozen")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """open, qualified or disqualified."""
        if column_of(row, "CardType") == "cCustomer":
            return QUALIFIED
        return DISQUALIFIED if column_of(row, "Frozen") == "tYES" else OPEN

    def write(self, value: Value, draft: Draft) -> None:
        """Turn the lead into a customer, freeze it, or let it live again. SAP turns no customer back."""
        if draft.current is None:
            return
        if draft.current.get("CardType") == "cCustomer":
            if value != QUALIFIED:
                raise Refused("it is a customer in SAP already, which turns none back into a lead", conflict=True)
            return
        if value == QUALIFIED:
            draft.body["CardType"] = "cCustomer"
            if draft.current.get("Frozen") == "tYES":  # it was disqualified, then opened again and qualified
                draft.body["Frozen"] = "tNO"
        else:
            draft.body["Frozen"] = "tYES" if value == DISQUALIFIED else "tNO"


@dataclass(frozen=True)
class DynamicsLife(Accessor):
    """Where a lead stands in Dynamics."""

    columns = ("statecode", "lastname")

    def read(self, row: Row, mark: Mark, ctx: Context) -> Any:
        """open, qualified or disqualified."""
        state = column_of(row, "statecode")
        return STATES.get(state, state)

    def write(self, value: Value, draft: Draft) -> None:
        """Qualify by Dynamics' own action, disqualify or open it again. What is qualified stays so."""
        if draft.current is None or value is None:
            return
        if draft.current.get("statecode") == 1:
            if value != QUALIFIED:
                raise Refused("it is qualified in Dynamics already; decide there what becomes of it", conflict=True)
            return
        if value == QUALIFIED:
            self._qualify(draft)
        elif value == DISQUALIFIED:
            draft.body |= {"statecode": 2, "statuscode": draft.ctx.settings.disqualified_status}
        else:
            draft.body |= {"statecode": 0, "statuscode": 1}

    @staticmethod
    def _qualify(draft: Draft) -> None:
        assert draft.current is not None
        if draft.ctx.settings.converted_leads == "report":
            raise Refused("it became a customer in SAP; qualify the lead in Dynamics", conflict=True)
        body = {
            "CreateAccount": True,
            "CreateContact": bool(draft.current.get("lastname")),
            "CreateOpportunity": False,
            "OpportunityCurrencyId": None,
            "OpportunityCustomerId": None,
            "SourceCampaignId": None,
            "Status": _QUALIFIED_STATUS,
        }
        if draft.current.get("statecode") == 2:  # a disqualified lead is opened first
            draft.body |= {"statecode": 0, "statuscode": 1}
        operation = f"leads({KEY})/Microsoft.Dynamics.CRM.QualifyLead"
        draft.steps.append(Step(1, "status", "qualify", body, operation=operation))
