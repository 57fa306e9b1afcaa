"""Leads: their full name, and qualifying, which makes an account, a contact and an opportunity of them.

What goes from a lead to which column is general knowledge of Dynamics (attribute maps); that a lead without a company
makes no account, and that closed leads take changes of other columns, are assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.records import create_row, update_row
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import refuse
from local.simulators.dataverse.wire import Answer, Call, JsonObject, bad_payload, json_answer

OPEN, QUALIFIED, DISQUALIFIED = range(3)
"""States of a lead."""
_PARTS: Final = ("line1", "line2", "city", "stateorprovince", "postalcode", "country")
_ADDRESS: Final = tuple(f"address1_{part}" for part in _PARTS)
_TO_ACCOUNT: Final[Mapping[str, str]] = {
    "companyname": "name",
    **{name: name for name in ("telephone1", "fax", "emailaddress1", "websiteurl", "_transactioncurrencyid_value")},
    **{name: name for name in _ADDRESS},
}
_TO_CONTACT: Final[Mapping[str, str]] = {
    name: name
    for name in ("firstname", "middlename", "lastname", "jobtitle", "emailaddress1", "telephone1", "mobilephone", "fax")
}
_TO_OPPORTUNITY: Final[Mapping[str, str]] = {
    "subject": "name",
    "estimatedamount": "estimatedvalue",
    "estimatedclosedate": "estimatedclosedate",
    "_transactioncurrencyid_value": "_transactioncurrencyid_value",
}


def qualify(org: Org, lead: Row, call: Call) -> Answer:
    """``QualifyLead``: 200 with what it made; 0x80040519 for a lead that is not open."""
    body = call.json_object()
    wanted = {name: body.get(f"Create{name}") for name in ("Account", "Contact", "Opportunity")}
    status = body.get("Status")
    if not all(isinstance(each, bool) for each in wanted.values()) or not isinstance(status, int):
        raise bad_payload("Microsoft.OData.ODataException: QualifyLead needs three choices and a status.")
    if lead["statecode"] != OPEN:
        raise refuse("0x80040519", "The lead is already closed.")
    made: list[JsonObject] = []
    links: dict[str, Any] = {}
    account = _account(org, lead, made) if wanted["Account"] else lead.get("_parentaccountid_value")
    contact = _contact(org, lead, account, made) if wanted["Contact"] else lead.get("_parentcontactid_value")
    links |= {"_parentaccountid_value": account, "_parentcontactid_value": contact}
    if wanted["Opportunity"]:
        links["_qualifyingopportunityid_value"] = _opportunity(org, lead, account, contact, made)
    state = {"statecode": QUALIFIED, "statuscode": status if status != -1 else 3}
    update_row(org, org.tables["lead"], lead, {**links, **state})
    return json_answer({"@odata.context": f"{call.root}/$metadata#Collection(crmbaseentity)", "value": made})


def _made(org: Org, table: str, lead: Row, values: Mapping[str, Any], names: Mapping[str, str], made: list[Any]) -> str:
    """A row with what the lead gives it; its key, and a reference to it among the answers."""
    taken = {target: lead[source] for source, target in names.items() if lead.get(source) is not None}
    row = create_row(org, org.tables[table], {**taken, **values, "_originatingleadid_value": lead["leadid"]})
    key = org.tables[table].primary_id
    made.append({"@odata.type": f"#Microsoft.Dynamics.CRM.{table}", key: row[key]})
    return str(row[key])


def _account(org: Org, lead: Row, made: list[Any]) -> str | None:
    return _made(org, "account", lead, {}, _TO_ACCOUNT, made) if lead.get("companyname") else None


def _contact(org: Org, lead: Row, account: str | None, made: list[Any]) -> str:
    parent = {"_parentcustomerid_value": account, "_parentcustomerid_value@table": "account"} if account else {}
    key = _made(org, "contact", lead, parent, _TO_CONTACT, made)
    row = org.store.get("account", account) if account else None
    if row is not None and row.get("_primarycontactid_value") is None:
        update_row(org, org.tables["account"], row, {"_primarycontactid_value": key})
    return key


def _opportunity(org: Org, lead: Row, account: str | None, contact: str | None, made: list[Any]) -> str:
    customer = {"_customerid_value": account or contact, "_customerid_value@table": "account" if account else "contact"}
    parents = {"_parentaccountid_value": account, "_parentcontactid_value": contact}
    return _made(org, "opportunity", lead, {**customer, **parents}, _TO_OPPORTUNITY, made)
