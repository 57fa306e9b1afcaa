"""Contract of simulated leads: names, states, and what qualifying one makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.dataverse_support import UNKNOWN_ID, Dataverse, error_code, running_dataverse

LEAD: dict[str, Any] = {
    "subject": "Two lathes",
    "firstname": "Ann",
    "lastname": "Li",
    "companyname": "Contoso",
    "jobtitle": "Buyer",
    "emailaddress1": "ann@contoso.example",
    "telephone1": "0123",
    "mobilephone": "0456",
    "websiteurl": "https://contoso.example",
    "address1_line1": "Main St 1",
    "address1_city": "Bonn",
    "address1_country": "DE",
    "estimatedamount": 1200.5,
    "estimatedclosedate": "2026-09-30",
}
QUALIFY: dict[str, Any] = {
    "CreateAccount": True,
    "CreateContact": True,
    "CreateOpportunity": True,
    "OpportunityCurrencyId": None,
    "OpportunityCustomerId": None,
    "SourceCampaignId": None,
    "Status": 3,
    "ProcessInstanceId": None,
}


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


async def made(dataverse: Dataverse, **values: Any) -> str:
    response = await dataverse.post("leads", {**LEAD, **values})
    assert response.status_code == 204, response.text
    return response.headers["OData-EntityId"][-37:-1]


async def read(dataverse: Dataverse, key: str) -> dict[str, Any]:
    row: dict[str, Any] = (await dataverse.get(f"leads({key})")).raise_for_status().json()
    return row


async def qualify(dataverse: Dataverse, key: str, **values: Any) -> httpx.Response:
    return await dataverse.post(f"leads({key})/Microsoft.Dynamics.CRM.QualifyLead", {**QUALIFY, **values})


def only(dataverse: Dataverse, entity_set: str) -> dict[str, Any]:
    (row,) = dataverse.simulator.data_rows(entity_set)
    return row


async def test_a_lead_starts_open_whatever_is_required_in_the_app_alone(dataverse: Dataverse) -> None:
    response = await dataverse.post("leads", {"statecode": 1, "fullname": "Somebody"})
    assert response.status_code == 204
    row = only(dataverse, "leads")
    assert (row["statecode"], row["statuscode"], row["fullname"]) == (0, 1, None)
    key = await made(dataverse)
    assert (await read(dataverse, key))["fullname"] == "Ann Li"


@pytest.mark.parametrize("status", [4, 5, 6, 7])
async def test_a_lead_is_disqualified_and_opened_again_by_updates(dataverse: Dataverse, status: int) -> None:
    key = await made(dataverse)
    closed = await dataverse.patch(f"leads({key})", {"statecode": 2, "statuscode": status})
    assert closed.status_code == 204
    row = await read(dataverse, key)
    assert (row["statecode"], row["statuscode"]) == (2, status)
    await dataverse.patch(f"leads({key})", {"statecode": 0, "statuscode": 1})
    assert (await read(dataverse, key))["statecode"] == 0
    wrong = await dataverse.patch(f"leads({key})", {"statecode": 2, "statuscode": 3})
    assert error_code(wrong) == "0x80048408"


async def test_a_closed_lead_still_takes_other_columns(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    await dataverse.patch(f"leads({key})", {"statecode": 2})
    assert (await dataverse.patch(f"leads({key})", {"jobtitle": "Owner"})).status_code == 204
    assert (await read(dataverse, key))["jobtitle"] == "Owner"


# -- qualifying


async def test_a_qualified_lead_becomes_account_contact_and_opportunity(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    response = await qualify(dataverse, key)
    assert response.status_code == 200
    account, contact, opportunity = (only(dataverse, name) for name in ("accounts", "contacts", "opportunities"))
    assert response.json()["value"] == [
        {"@odata.type": "#Microsoft.Dynamics.CRM.account", "accountid": account["accountid"]},
        {"@odata.type": "#Microsoft.Dynamics.CRM.contact", "contactid": contact["contactid"]},
        {"@odata.type": "#Microsoft.Dynamics.CRM.opportunity", "opportunityid": opportunity["opportunityid"]},
    ]
    taken = ("telephone1", "emailaddress1", "websiteurl", "address1_line1", "address1_city", "address1_country")
    assert {name: account[name] for name in taken} == {name: LEAD[name] for name in taken}
    assert (account["name"], account["_primarycontactid_value"]) == ("Contoso", contact["contactid"])
    taken = ("firstname", "lastname", "jobtitle", "emailaddress1", "telephone1", "mobilephone")
    assert {name: contact[name] for name in taken} == {name: LEAD[name] for name in taken}
    assert contact["_accountid_value"] == account["accountid"]
    assert {row["_originatingleadid_value"] for row in (account, contact, opportunity)} == {key}


async def test_an_opportunity_of_a_lead_has_its_estimate_and_its_customer(dataverse: Dataverse) -> None:
    org = dataverse.simulator.org
    currency = f"/transactioncurrencies({org.currency_id('USD')})"
    key = await made(dataverse, **{"transactioncurrencyid@odata.bind": currency})
    await qualify(dataverse, key)
    opportunity, account = only(dataverse, "opportunities"), only(dataverse, "accounts")
    assert (opportunity["name"], opportunity["estimatedvalue"], opportunity["estimatedclosedate"]) == (
        "Two lathes",
        LEAD["estimatedamount"],
        "2026-09-30",
    )
    assert opportunity["_transactioncurrencyid_value"] == org.currency_id("USD")
    assert opportunity["_customerid_value"] == opportunity["_parentaccountid_value"] == account["accountid"]
    assert opportunity["_parentcontactid_value"] == only(dataverse, "contacts")["contactid"]


async def test_a_qualified_lead_is_closed_and_shows_what_it_became(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    await qualify(dataverse, key)
    lead = await read(dataverse, key)
    assert (lead["statecode"], lead["statuscode"]) == (1, 3)
    assert lead["_parentaccountid_value"] == only(dataverse, "accounts")["accountid"]
    assert lead["_parentcontactid_value"] == only(dataverse, "contacts")["contactid"]
    assert lead["_qualifyingopportunityid_value"] == only(dataverse, "opportunities")["opportunityid"]


@pytest.mark.parametrize("state", [1, 2])
async def test_a_closed_lead_is_not_qualified(dataverse: Dataverse, state: int) -> None:
    key = await made(dataverse)
    await dataverse.patch(f"leads({key})", {"statecode": state})
    response = await qualify(dataverse, key)
    assert (response.status_code, error_code(response)) == (400, "0x80040519")
    assert dataverse.simulator.data_rows("accounts") == []


async def test_a_lead_opened_again_is_qualified_again(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    await qualify(dataverse, key)
    first = (await read(dataverse, key))["_parentaccountid_value"]
    await dataverse.patch(f"leads({key})", {"statecode": 0, "statuscode": 1})
    assert (await qualify(dataverse, key)).status_code == 200
    assert len(dataverse.simulator.data_rows("accounts")) == 2
    assert (await read(dataverse, key))["_parentaccountid_value"] == first


async def test_the_account_a_lead_has_is_the_customer_when_none_is_made(dataverse: Dataverse) -> None:
    (account,) = dataverse.simulator.seed("account", [{"name": "Known"}])
    key = await made(dataverse, **{"parentaccountid@odata.bind": f"/accounts({account})"})
    made_rows = (await qualify(dataverse, key, CreateAccount=False)).json()["value"]
    assert [row["@odata.type"].rsplit(".", 1)[1] for row in made_rows] == ["contact", "opportunity"]
    assert only(dataverse, "contacts")["_parentcustomerid_value"] == account
    assert only(dataverse, "opportunities")["_customerid_value"] == account
    assert only(dataverse, "accounts").get("_primarycontactid_value") is None


async def test_a_person_without_a_company_is_the_customer(dataverse: Dataverse) -> None:
    key = await made(dataverse, companyname=None)
    await qualify(dataverse, key)
    assert dataverse.simulator.data_rows("accounts") == []
    opportunity, contact = only(dataverse, "opportunities"), only(dataverse, "contacts")
    assert opportunity["_customerid_value"] == opportunity["_contactid_value"] == contact["contactid"]
    assert opportunity["_parentaccountid_value"] is None


async def test_only_what_is_asked_for_is_made(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    nothing = {"CreateAccount": False, "CreateContact": False, "CreateOpportunity": False}
    response = await qualify(dataverse, key, **nothing, Status=-1)
    assert (response.status_code, response.json()["value"]) == (200, [])
    lead = await read(dataverse, key)
    assert (lead["statecode"], lead["statuscode"], lead["_parentaccountid_value"]) == (1, 3, None)


async def test_customer_and_currency_of_the_opportunity_can_be_named(dataverse: Dataverse) -> None:
    (account,) = dataverse.simulator.seed("account", [{"name": "Payer"}])
    pounds = dataverse.simulator.org.currency_id("GBP")
    customer = {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": account}
    currency = {"@odata.type": "Microsoft.Dynamics.CRM.transactioncurrency", "transactioncurrencyid": pounds}
    key = await made(dataverse)
    response = await qualify(dataverse, key, OpportunityCustomerId=customer, OpportunityCurrencyId=currency)
    assert response.status_code == 200, response.text
    opportunity = only(dataverse, "opportunities")
    assert (opportunity["_customerid_value"], opportunity["_transactioncurrencyid_value"]) == (account, pounds)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Status": 4}, "0x80048408"),
        ({"CreateAccount": None}, "0x80048d19"),
        ({"CreateAccounts": True}, "0x80048d19"),
        ({"OpportunityCustomerId": {"accountid": UNKNOWN_ID}}, "0x80048d19"),
        (
            {"OpportunityCustomerId": {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": UNKNOWN_ID}},
            "0x80040217",
        ),
    ],
)
async def test_a_refused_qualification_leaves_nothing_behind(
    dataverse: Dataverse, change: dict[str, Any], code: str
) -> None:
    key = await made(dataverse)
    before = await read(dataverse, key)
    response = await qualify(dataverse, key, **change)
    assert (response.status_code, error_code(response)) == (400, code)
    assert await read(dataverse, key) == before
    for entity_set in ("accounts", "contacts", "opportunities"):
        assert dataverse.simulator.data_rows(entity_set) == []


async def test_a_parameter_left_out_is_refused(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    body = {name: value for name, value in QUALIFY.items() if name != "Status"}
    response = await dataverse.post(f"leads({key})/Microsoft.Dynamics.CRM.QualifyLead", body)
    assert error_code(response) == "0x80048d19"
    assert (await qualify(dataverse, UNKNOWN_ID)).status_code == 404


async def test_qualifying_needs_the_privilege_to_make_what_it_makes(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    dataverse.simulator.switches.missing_privileges = frozenset({("Create", "contact")})
    assert (await qualify(dataverse, key)).status_code == 403
    assert dataverse.simulator.data_rows("accounts") == []


async def test_leads_have_bulk_messages_only_in_an_org_that_has_them(dataverse: Dataverse) -> None:
    target = {"@odata.type": "Microsoft.Dynamics.CRM.lead", "lastname": "Li"}
    path = "leads/Microsoft.Dynamics.CRM.CreateMultiple"
    assert (await dataverse.post(path, {"Targets": [target]})).status_code == 400
    async with running_dataverse(bulk={"lead": ["CreateMultiple"]}) as other:
        assert len((await other.post(path, {"Targets": [target]})).json()["Ids"]) == 1


async def test_what_came_of_a_lead_stays_when_the_lead_goes(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    await qualify(dataverse, key)
    assert (await dataverse.send("DELETE", f"leads({key})")).status_code == 204
    for entity_set in ("accounts", "contacts", "opportunities"):
        assert only(dataverse, entity_set)["_originatingleadid_value"] is None
