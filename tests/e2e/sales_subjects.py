"""Subjects of selling: contacts, leads, opportunities, quotations (see :mod:`tests.e2e.subjects`)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from local.simulators.dataverse.orders import as_quote
from shared.ports import SideName
from tests.e2e.driver import Driver, Row
from tests.e2e.subjects import BUYERS, Stage, Subject, sales_catalog

_ACTIVE = {"statecode": 1, "statuscode": 2}


def _rows(hub: Driver, entity_set: str, **values: Any) -> list[Row]:
    """Rows of Dynamics with these values."""
    found = hub.dataverse.data_rows(entity_set)
    return [row for row in found if all(row.get(name) == value for name, value in values.items())]


def _in_sap(hub: Driver, entity_set: str, key: str) -> list[Row]:
    """Rows of SAP that carry the reference of a record of Dynamics."""
    return [row for row in hub.sap.data_rows(entity_set) if row.get("U_HubRef") == f"{hub.template}:{key}"]


def _unequal(key: str, shown: Sequence[tuple[str, Any, Any]]) -> list[str]:
    return [
        f"{key}: {name} {ours!r} != {theirs!r}" for name, ours, theirs in shown if (ours or None) != (theirs or None)
    ]


class _FirstLoaded(Subject):
    """One that has a first load, which has nothing to bring."""

    is_trade = True

    async def open(self, hub: Driver) -> None:
        """Buyers are accounts; the object is initialized. Repeats change nothing.

        What the other side shows of earlier runs is looked at, so that the next one begins with the records out.
        """
        await super().open(hub)
        if (await hub.state(self.name)).initialized_at is None:
            assert (await hub.initialize(self.name))["status"] == "succeeded"
            await hub.at_rest()
        elif self.phase:
            await hub.run_to_end(await hub.start(name=self.name))
            await hub.at_rest()


class _Contact(_FirstLoaded):
    """Persons of one buyer: all of them travel in one write."""

    name = "contact"
    buyer: ClassVar[str]

    def persons(self, hub: Driver) -> list[Row]:
        """The buyer's contact persons in SAP."""
        return list(hub.partner(self.buyer)["ContactEmployees"])

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Name, position and mail, of one each."""
        found = []
        for key in keys:
            mail = self.mail_of(hub, key)
            ours = [row for row in self.persons(hub) if row.get("E_Mail") == mail]
            theirs = _rows(hub, "contacts", emailaddress1=mail)
            if (len(ours), len(theirs)) != (1, 1):
                found.append(f"{key}: {len(ours)} in SAP, {len(theirs)} in Dynamics")
                continue
            found += _unequal(
                key,
                [
                    ("first name", ours[0].get("FirstName"), theirs[0].get("firstname")),
                    ("last name", ours[0].get("LastName"), theirs[0].get("lastname")),
                    ("position", ours[0].get("Position"), theirs[0].get("jobtitle")),
                    ("account", hub.account_of(self.buyer)["accountid"], theirs[0].get("_parentcustomerid_value")),
                ],
            )
        return found

    def mail_of(self, hub: Driver, key: str) -> str:
        """The mail address of a record of the side where it was born."""
        raise NotImplementedError

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Partner and number; the id."""
        mail = self.mail_of(hub, key)
        (ours,) = [row for row in self.persons(hub) if row.get("E_Mail") == mail]
        (theirs,) = _rows(hub, "contacts", emailaddress1=mail)
        return f"{self.buyer}/{ours['InternalCode']}", str(theirs["contactid"])

    def _there(self, hub: Driver, stage: Stage) -> int:
        return len(self.persons(hub)) if self.in_sap else super()._there(hub, stage)


class ContactIn(_Contact):
    """Contacts of Dynamics become persons of their customer."""

    born = SideName.OTHER
    buyer = BUYERS[0]
    stages = (Stage(r"PATCH \S*/BusinessPartners\(", "ContactEmployees"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New contacts of the buyer's account."""
        parent = {"parentcustomerid_account@odata.bind": f"/accounts({hub.account_of(self.buyer)['accountid']})"}
        numbers = [hub.next_number("contact") for _ in range(count)]
        rows = [
            {
                **parent,
                "firstname": "Kim",
                "lastname": f"Contact {n}",
                "jobtitle": f"Desk {n}",
                "emailaddress1": f"kim{n}@born.example",
            }
            for n in numbers
        ]
        return [str(row["contactid"]) for row in hub.dataverse.data_write("contacts", rows)]

    def mail_of(self, hub: Driver, key: str) -> str:
        """As Dynamics shows it."""
        (row,) = _rows(hub, "contacts", contactid=key)
        return str(row["emailaddress1"])


class ContactOut(_Contact):
    """Persons of a customer become contacts of the account."""

    born = SideName.SAP
    phase = 1
    buyer = BUYERS[1]
    stages = (Stage(r"POST \S*/contacts/Microsoft\.Dynamics\.CRM\.UpsertMultiple", "contacts"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New persons of the buyer; their numbers."""
        kept = [{"InternalCode": row["InternalCode"]} for row in self.persons(hub)]
        numbers = [hub.next_number("person") for _ in range(count)]
        fresh = [
            {
                "Name": f"Lou {n}",
                "FirstName": "Lou",
                "LastName": f"Person {n}",
                "Position": f"Bench {n}",
                "E_Mail": f"lou{n}@born.example",
            }
            for n in numbers
        ]
        hub.edit_partner(self.buyer, ContactEmployees=[*kept, *fresh])
        return [str(row["InternalCode"]) for row in self.persons(hub)[-count:]]

    def mail_of(self, hub: Driver, key: str) -> str:
        """As SAP shows it."""
        return next(str(row["E_Mail"]) for row in self.persons(hub) if str(row["InternalCode"]) == key)


class _Lead(_FirstLoaded):
    """Partners of type lead and leads of one company name."""

    name = "lead"
    is_trade = False

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Company, phone, topic and person, of one each."""
        found = []
        for key in keys:
            company = self.company_of(hub, key)
            ours, theirs = hub.partners_named(company), _rows(hub, "leads", companyname=company)
            if (len(ours), len(theirs)) != (1, 1):
                found.append(f"{key}: {len(ours)} in SAP, {len(theirs)} in Dynamics")
                continue
            person: Row = next(iter(ours[0].get("ContactEmployees") or ()), {})
            found += _unequal(
                key,
                [
                    ("type", ours[0]["CardType"], "cLid"),
                    ("phone", ours[0].get("Phone1"), theirs[0].get("telephone1")),
                    ("last name", person.get("LastName"), theirs[0].get("lastname")),
                ],
            )
        return found

    def company_of(self, hub: Driver, key: str) -> str:
        """The company of a record of the side where it was born."""
        raise NotImplementedError

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Code and id."""
        company = self.company_of(hub, key)
        (ours,), (theirs,) = hub.partners_named(company), _rows(hub, "leads", companyname=company)
        return str(ours["CardCode"]), str(theirs["leadid"])


class LeadIn(_Lead):
    """Leads of Dynamics become partners of type lead."""

    born = SideName.OTHER
    stages = (Stage(r"POST \S*/BusinessPartners(?!\()", "BusinessPartners"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New leads."""
        numbers = [hub.next_number("lead") for _ in range(count)]
        rows = [
            {"companyname": f"Lead {n} AG", "subject": "A call", "lastname": f"Caller {n}", "telephone1": f"+49 {n}"}
            for n in numbers
        ]
        return [str(row["leadid"]) for row in hub.dataverse.data_write("leads", rows)]

    def company_of(self, hub: Driver, key: str) -> str:
        """As Dynamics shows it."""
        (row,) = _rows(hub, "leads", leadid=key)
        return str(row["companyname"])


class LeadOut(_Lead):
    """Marked leads of SAP become leads."""

    born = SideName.SAP
    noun = "leads"
    phase = 1
    stages = (Stage(r"PATCH \S*/leads\(", "leads"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New partners of type lead."""
        codes = [f"L{hub.next_number('lead of SAP', 70000)}" for _ in range(count)]
        rows = [{"CardCode": c, "CardName": f"Prospect {c}", "CardType": "cLid", "Phone1": f"+49 {c}"} for c in codes]
        hub.sap.data_write("BusinessPartners", rows)
        return codes

    def company_of(self, hub: Driver, key: str) -> str:
        """As SAP shows it."""
        return str(hub.partner(key)["CardName"])


class OpportunityIn(Subject):
    """Opportunities of linked accounts become SAP's."""

    name = "opportunity"
    born = SideName.OTHER
    is_trade = True
    stages = (Stage(r"POST \S*/SalesOpportunities(?!\()", "SalesOpportunities"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New ones."""
        account = hub.account_of(BUYERS[0])["accountid"]
        numbers = [hub.next_number("opportunity") for _ in range(count)]
        rows = [
            {"name": f"Deal {n}", "parentaccountid@odata.bind": f"/accounts({account})", "estimatedvalue": 100 + n}
            for n in numbers
        ]
        return [str(row["opportunityid"]) for row in hub.dataverse.data_write("opportunities", rows)]

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Name and amount, of one each."""
        found = []
        for key in keys:
            (row,) = _rows(hub, "opportunities", opportunityid=key)
            twins = _in_sap(hub, "SalesOpportunities", key)
            if len(twins) != 1:
                found.append(f"{key}: {len(twins)} in SAP")
                continue
            amounts = Decimal(str(twins[0]["MaxLocalTotal"])), Decimal(str(row["estimatedvalue"]))
            found += _unequal(key, [("name", twins[0]["OpportunityName"], row["name"]), ("amount", *amounts)])
        return found

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Number and id."""
        (twin,) = _in_sap(hub, "SalesOpportunities", key)
        return str(twin["SequentialNo"]), key


class QuotationIn(Subject):
    """Active quotes become quotations; each in a request of its own."""

    name = "quotation"
    born = SideName.OTHER
    is_trade = True
    stages = (Stage(r"POST \S*/Quotations(?!\()", "Quotations"),)
    written_together = False

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New quotes, active at once."""
        return hub.dataverse.seed("quote", [{**as_quote(each), **_ACTIVE} for each in sales_catalog(hub, count)])

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Total and lines, of one each; number and status came back."""
        found = []
        for key in keys:
            (row,) = _rows(hub, "quotes", quoteid=key)
            twins = _in_sap(hub, "Quotations", key)
            if len(twins) != 1:
                found.append(f"{key}: {len(twins)} in SAP")
                continue
            twin = twins[0]
            total = twin["DocTotal" if twin["DocCurrency"] == "EUR" else "DocTotalFc"]
            lines = sorted(str(line["quotedetailid"]) for line in _rows(hub, "quotedetails", _quoteid_value=key))
            found += _unequal(
                key,
                [
                    ("total", Decimal(str(total)), Decimal(str(row["totalamount"]))),
                    ("lines", sorted(str(line["U_HubRef"]) for line in twin["DocumentLines"]), lines),
                    ("SAP's number", str(twin["DocNum"]), row.get("new_sapnumber")),
                    ("state", 1, row["statecode"]),
                ],
            )
        return found

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Document entry and id."""
        (twin,) = _in_sap(hub, "Quotations", key)
        return str(twin["DocEntry"]), key


CONTACT_IN, CONTACT_OUT, LEAD_IN, LEAD_OUT = ContactIn(), ContactOut(), LeadIn(), LeadOut()
OPPORTUNITY_IN, QUOTATION_IN = OpportunityIn(), QuotationIn()
SALES = (CONTACT_IN, CONTACT_OUT, LEAD_IN, LEAD_OUT, OPPORTUNITY_IN, QUOTATION_IN)
