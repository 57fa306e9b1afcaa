"""``QualifyLead``: an account, a contact and an opportunity from a lead, all or some of them, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.simulators.dataverse.action_input import read_parameters, row_of_reference
from local.simulators.dataverse.closing import DEFAULT_STATUS
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.records import check_privilege, create_row, update_row
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import CURRENCY, refuse
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import Answer, Call, DataverseError, JsonObject, json_answer

OPEN, QUALIFIED = 0, 1
"""States of a lead."""
_REQUIRED: Final[Mapping[str, type]] = {
    "CreateAccount": bool,
    "CreateContact": bool,
    "CreateOpportunity": bool,
    "Status": int,
}
_OPTIONAL: Final[Mapping[str, type]] = {
    "OpportunityCurrencyId": dict,
    "OpportunityCustomerId": dict,
    "SourceCampaignId": dict,
    "ProcessInstanceId": dict,
}
_ACCOUNT: Final = ("telephone1", "emailaddress1", "websiteurl", "fax", CURRENCY)
_CONTACT: Final = (
    "firstname",
    "middlename",
    "lastname",
    "salutation",
    "jobtitle",
    "emailaddress1",
    "telephone1",
    "mobilephone",
    CURRENCY,
)
_OPPORTUNITY: Final = ("description", "budgetamount", "estimatedclosedate")


@dataclass
class _Qualification:
    """One lead on its way: what its account and contact are, and references to what was made."""

    org: Org
    lead: Row
    account: str | None
    contact: str | None
    made: list[tuple[SimTable, str]] = field(default_factory=list)

    def create(self, name: str, values: Mapping[str, Any]) -> str:
        """Make a row that knows which lead it came from; empty values leave the defaults."""
        table = self.org.tables[name]
        check_privilege(self.org, "Create", table)
        given = {key: value for key, value in values.items() if value is not None}
        key = str(create_row(self.org, table, given)[table.primary_id])
        self.made.append((table, key))
        return key

    def taken(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Values that go over under the same name, and the lead's origin."""
        return {name: self.lead.get(name) for name in names} | {"_originatingleadid_value": self.lead["leadid"]}


def qualify_lead(org: Org, table: SimTable, lead: Row, call: Call) -> Answer:
    """Qualify an open lead; 200 with references to what was made.

    Without a company name no account is made, without a person's name no contact (inferred). The opportunity is the
    customer's who is given, else the account's, else the contact's.
    """
    given = read_parameters(call, "QualifyLead", _REQUIRED, _OPTIONAL)
    if lead["statecode"] != OPEN:
        raise refuse("0x80040519", "The lead is already closed.")
    if given["SourceCampaignId"] is not None:
        raise DataverseError(501, "0x80040203", "Campaigns are not simulated.")
    work = _Qualification(org, lead, lead.get("_parentaccountid_value"), lead.get("_parentcontactid_value"))
    with org.store.transaction():
        if given["CreateAccount"] and lead.get("companyname"):
            work.account = _account(work)
        if given["CreateContact"] and lead.get("fullname"):
            work.contact = _contact(work)
        opportunity = _opportunity(work, given) if given["CreateOpportunity"] else None
        _close(work, table, given["Status"], opportunity)
    references = [{"@odata.type": f"#{made.odata_type}", made.primary_id: key} for made, key in work.made]
    context = f"{call.root}/$metadata#Collection(Microsoft.Dynamics.CRM.crmbaseentity)"
    return json_answer({"@odata.context": context, "value": references})


def _account(work: _Qualification) -> str:
    address = tuple(
        name
        for name, column in work.org.tables["lead"].by_read.items()
        if name.startswith("address1_") and column.type == "String" and not column.read_only
    )
    return work.create("account", {"name": work.lead["companyname"], **work.taken((*_ACCOUNT, *address))})


def _contact(work: _Qualification) -> str:
    """The contact belongs to the account, and is the first one of an account that is new."""
    org, values = work.org, work.taken(_CONTACT)
    if work.account is not None:
        values |= {"_parentcustomerid_value": work.account, "_parentcustomerid_value@table": "account"}
    is_new = any(table.name == "account" for table, _ in work.made)
    key = work.create("contact", values)
    account = org.store.get("account", work.account or "")
    if is_new and account is not None:
        update_row(org, org.tables["account"], account, {"_primarycontactid_value": key})
    return key


def _opportunity(work: _Qualification, given: JsonObject) -> str:
    lead, org = work.lead, work.org
    values = {"name": lead.get("subject"), "estimatedvalue": lead.get("estimatedamount"), **work.taken(_OPPORTUNITY)}
    values[CURRENCY] = lead.get(CURRENCY)
    if given["OpportunityCurrencyId"] is not None:
        _, currency = row_of_reference(
            org, "OpportunityCurrencyId", given["OpportunityCurrencyId"], "transactioncurrency"
        )
        values[CURRENCY] = currency["transactioncurrencyid"]
    kind, customer = _customer(work, given["OpportunityCustomerId"])
    if customer is not None:
        values |= {"_customerid_value": customer, "_customerid_value@table": kind}
    if kind != "contact":
        values["_parentcontactid_value"] = work.contact
    return work.create("opportunity", values)


def _customer(work: _Qualification, named: JsonObject | None) -> tuple[str, str | None]:
    if named is not None:
        table, row = row_of_reference(work.org, "OpportunityCustomerId", named, "account", "contact")
        return table.name, str(row[table.primary_id])
    return ("account", work.account) if work.account is not None else ("contact", work.contact)


def _close(work: _Qualification, table: SimTable, status: int, opportunity: str | None) -> None:
    """The lead is qualified, and shows what it became where it did not show anything before."""
    changes: dict[str, Any] = {"statecode": QUALIFIED}
    if status != DEFAULT_STATUS:
        changes["statuscode"] = status
    links = {
        "_parentaccountid_value": work.account,
        "_parentcontactid_value": work.contact,
        "_qualifyingopportunityid_value": opportunity,
    }
    changes |= {name: key for name, key in links.items() if key is not None and work.lead.get(name) is None}
    lead = work.org.store.get("lead", work.lead["leadid"]) or work.lead
    update_row(work.org, table, lead, changes)
