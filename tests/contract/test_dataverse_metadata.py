"""Metadata requests. Web API notes §3.2 (availability), §8.1 (shapes that clients need)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.dataverse_support import Dataverse, error_code, running_dataverse

ACCOUNT = "EntityDefinitions(LogicalName='account')"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


def label(text: str) -> dict[str, Any]:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def text_column(name: str, length: int) -> dict[str, Any]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": name,
        "DisplayName": label("Hub reference"),
        "RequiredLevel": {"Value": "None"},
        "FormatName": {"Value": "Text"},
        "MaxLength": length,
    }


async def test_a_table_is_found_by_its_logical_name(dataverse: Dataverse) -> None:
    """Blanks as plus signs, as the vendor's own client writes them."""
    path = "EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute&$filter=LogicalName+eq+'account'"
    (row,) = (await dataverse.get(path)).json()["value"]
    assert (row["EntitySetName"], row["PrimaryIdAttribute"]) == ("accounts", "accountid")
    one = (await dataverse.get(f"{ACCOUNT}?$select=EntitySetName,PrimaryIdAttribute,PrimaryImageAttribute")).json()
    assert one["EntitySetName"] == "accounts"
    assert (await dataverse.get("EntityDefinitions(LogicalName='nothing')")).status_code == 404


async def test_choices_come_with_labels_when_expanded(dataverse: Dataverse) -> None:
    cast = f"{ACCOUNT}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    rows = (await dataverse.get(f"{cast}?$select=LogicalName&$expand=OptionSet($select=Options)")).json()["value"]
    options = {row["LogicalName"]: row["OptionSet"]["Options"] for row in rows}["customertypecode"]
    labels = {option["Value"]: option["Label"]["LocalizedLabels"][0]["Label"] for option in options}
    assert (labels[3], labels[10]) == ("Customer", "Supplier")
    assert "statecode" not in {row["LogicalName"] for row in rows}


async def test_a_text_column_made_through_the_api_can_be_used_at_once(dataverse: Dataverse) -> None:
    answer = await dataverse.post(f"{ACCOUNT}/Attributes", text_column("new_HubRef", 10))
    assert answer.status_code == 204
    assert "/Attributes(" in answer.headers["OData-EntityId"]
    (row,) = (
        await dataverse.get(
            f"{ACCOUNT}/Attributes?$select=LogicalName,AttributeType&$filter=LogicalName eq 'new_hubref'"
        )
    ).json()["value"]
    assert (row["LogicalName"], row["AttributeType"]) == ("new_hubref", "String")
    assert (await dataverse.get(f"{ACCOUNT}/Attributes(LogicalName='new_hubref')")).json()["MaxLength"] == 10
    assert (await dataverse.post("PublishXml", {"ParameterXml": "<x/>"})).status_code == 204
    assert (await dataverse.post("accounts", {"name": "A", "new_hubref": "x" * 10})).status_code == 204
    assert (await dataverse.post("accounts", {"name": "A", "new_hubref": "x" * 11})).status_code == 400
    found = (await dataverse.get("accounts?$select=new_hubref&$filter=startswith(new_hubref,'xx')")).json()["value"]
    assert found[0]["new_hubref"] == "x" * 10


async def test_a_whole_number_column_keeps_its_range(dataverse: Dataverse) -> None:
    body = {
        "@odata.type": "Microsoft.Dynamics.CRM.IntegerAttributeMetadata",
        "SchemaName": "new_Level",
        "DisplayName": label("Level"),
        "MinValue": 0,
        "MaxValue": 5,
    }
    assert (await dataverse.post(f"{ACCOUNT}/Attributes", body)).status_code == 204
    assert (await dataverse.post("accounts", {"name": "A", "new_level": 5})).status_code == 204
    answer = await dataverse.post("accounts", {"name": "A", "new_level": 6})
    assert error_code(answer) == "0x8004432f"


async def test_a_column_cannot_be_made_twice_nor_without_a_prefix(dataverse: Dataverse) -> None:
    assert (await dataverse.post(f"{ACCOUNT}/Attributes", text_column("new_HubRef", 10))).status_code == 204
    again = await dataverse.post(f"{ACCOUNT}/Attributes", text_column("new_hubref", 10))
    assert (again.status_code, error_code(again)) == (400, "0x80047013")
    assert (await dataverse.post(f"{ACCOUNT}/Attributes", text_column("HubRef", 10))).status_code == 400


async def test_keys_are_listed_with_the_state_of_their_index(dataverse: Dataverse) -> None:
    path = f"{ACCOUNT}/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus"
    assert (await dataverse.get(path)).json()["value"] == []
    made = await dataverse.post(f"{ACCOUNT}/Keys", {"SchemaName": "new_Number", "KeyAttributes": ["accountnumber"]})
    assert made.status_code == 204
    (row,) = (await dataverse.get(path)).json()["value"]
    assert (row["KeyAttributes"], row["EntityKeyIndexStatus"]) == (["accountnumber"], "Active")
    assert (await dataverse.patch("accounts(accountnumber='A1')", {"name": "A"})).status_code == 204


async def test_the_organization_names_its_base_currency(dataverse: Dataverse) -> None:
    (org,) = (await dataverse.get("organizations?$select=name,_basecurrencyid_value")).json()["value"]
    currency = (await dataverse.get(f"transactioncurrencies({org['_basecurrencyid_value']})")).json()
    assert currency["isocurrencycode"] == "EUR"
    who = (await dataverse.get("WhoAmI")).json()
    assert who["OrganizationId"] == (await dataverse.get("organizations")).json()["value"][0]["organizationid"]
    assert (await dataverse.get(f"systemusers({who['UserId']})?$select=fullname")).status_code == 200
