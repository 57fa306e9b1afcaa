"""Contract of simulated contacts: names, parents of two kinds, states, and filters through a lookup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.dataverse_support import UNKNOWN_ID, Dataverse, error_code, running_dataverse

OLD, NEW = "2024-01-01T00:00:00Z", "2025-06-01T00:00:00Z"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


async def made(dataverse: Dataverse, entity_set: str, **values: Any) -> str:
    response = await dataverse.post(entity_set, values)
    assert response.status_code == 204, response.text
    return response.headers["OData-EntityId"][-37:-1]


async def read(dataverse: Dataverse, key: str) -> dict[str, Any]:
    row: dict[str, Any] = (await dataverse.get(f"contacts({key})")).raise_for_status().json()
    return row


def under_account(key: str) -> dict[str, str]:
    return {"parentcustomerid_account@odata.bind": f"/accounts({key})"}


async def names(dataverse: Dataverse, entity_set: str, filter: str) -> list[str]:
    name = "fullname" if entity_set == "contacts" else "name"
    rows = (await dataverse.get(f"{entity_set}?$select={name}&$filter={filter}")).raise_for_status().json()["value"]
    return sorted(row[name] for row in rows)


# -- columns


async def test_a_full_name_is_made_of_its_parts_and_never_written(dataverse: Dataverse) -> None:
    key = await made(dataverse, "contacts", firstname="Ann", lastname="Li", fullname="Somebody")
    assert (await read(dataverse, key))["fullname"] == "Ann Li"
    await dataverse.patch(f"contacts({key})", {"firstname": None, "fullname": "Somebody"})
    assert (await read(dataverse, key))["fullname"] == "Li"


async def test_a_parent_is_an_account_or_a_contact_and_only_one_shadow_shows_it(dataverse: Dataverse) -> None:
    account, boss = await made(dataverse, "accounts", name="A"), await made(dataverse, "contacts", lastname="Boss")
    key = await made(dataverse, "contacts", lastname="Li", **under_account(account))
    row = await read(dataverse, key)
    assert (row["_parentcustomerid_value"], row["_accountid_value"], row["_parentcontactid_value"]) == (
        account,
        account,
        None,
    )
    await dataverse.patch(f"contacts({key})", {"parentcustomerid_contact@odata.bind": f"/contacts({boss})"})
    row = await read(dataverse, key)
    assert (row["_parentcustomerid_value"], row["_accountid_value"], row["_parentcontactid_value"]) == (
        boss,
        None,
        boss,
    )
    await dataverse.patch(f"contacts({key})", {"parentcustomerid_contact": None})
    row = await read(dataverse, key)
    assert (row["_parentcustomerid_value"], row["_parentcontactid_value"]) == (None, None)


@pytest.mark.parametrize(
    ("bind", "status", "code"),
    [
        ("parentcustomerid_contact@odata.bind", 400, "0x80048d19"),
        ("parentcustomerid@odata.bind", 400, "0x80048d19"),
    ],
)
async def test_a_parent_is_bound_by_the_name_of_its_kind(
    dataverse: Dataverse, bind: str, status: int, code: str
) -> None:
    account = await made(dataverse, "accounts", name="A")
    response = await dataverse.post("contacts", {"lastname": "Li", bind: f"/accounts({account})"})
    assert (response.status_code, error_code(response)) == (status, code)


async def test_the_shadow_of_an_account_has_no_effect_in_a_payload(dataverse: Dataverse) -> None:
    account = await made(dataverse, "accounts", name="A")
    key = await made(dataverse, "contacts", lastname="Li")
    response = await dataverse.patch(f"contacts({key})", {"_accountid_value": account})
    assert error_code(response) == "0x80048d19"
    assert (await read(dataverse, key))["_accountid_value"] is None


async def test_a_primary_contact_exists(dataverse: Dataverse) -> None:
    body = {"name": "A", "primarycontactid@odata.bind": f"/contacts({UNKNOWN_ID})"}
    response = await dataverse.post("accounts", body)
    assert (response.status_code, error_code(response)) == (404, "0x80040217")
    assert dataverse.simulator.data_rows("accounts") == []


async def test_a_contact_is_inactive_and_active_again_by_an_update(dataverse: Dataverse) -> None:
    key = await made(dataverse, "contacts", lastname="Li")
    for state, status in ((1, 2), (0, 1)):
        assert (await dataverse.patch(f"contacts({key})", {"statecode": state})).status_code == 204
        row = await read(dataverse, key)
        assert (row["statecode"], row["statuscode"]) == (state, status)
    response = await dataverse.patch(f"contacts({key})", {"statecode": 1, "statuscode": 1})
    assert error_code(response) == "0x80048408"


async def test_an_account_takes_its_contacts_along_but_not_its_primary_contact(dataverse: Dataverse) -> None:
    free = await made(dataverse, "contacts", lastname="Free")
    account = await made(dataverse, "accounts", name="A", **{"primarycontactid@odata.bind": f"/contacts({free})"})
    await made(dataverse, "contacts", lastname="Li", **under_account(account))
    assert (await dataverse.send("DELETE", f"accounts({account})")).status_code == 204
    assert [row["lastname"] for row in dataverse.simulator.data_rows("contacts")] == ["Free"]


# -- filters through a lookup


@pytest.fixture
async def people(dataverse: Dataverse) -> dict[str, str]:
    """An old and a new account with a contact each, a contact of a contact, and a contact of nobody."""
    seed = dataverse.simulator.seed
    old, new = seed("account", [{"name": "Old", "modifiedon": OLD}, {"name": "New", "modifiedon": NEW}])
    old_one, new_one, lone = seed(
        "contact",
        [
            {"lastname": "OfOld", "modifiedon": OLD, **under_account(old)},
            {"lastname": "OfNew", "modifiedon": OLD, **under_account(new)},
            {"lastname": "Lone", "modifiedon": NEW},
        ],
    )
    under = {"parentcustomerid_contact@odata.bind": f"/contacts({lone})"}
    seed("contact", [{"lastname": "Under", "modifiedon": OLD, **under}])
    main = {"primarycontactid@odata.bind": f"/contacts({new_one})", "modifiedon": NEW}
    seed("account", [{"name": "Main", **main}])
    return {"old": old, "new": new, "old_one": old_one, "new_one": new_one, "lone": lone}


async def test_contacts_are_found_by_the_stamp_of_their_account(dataverse: Dataverse, people: dict[str, str]) -> None:
    account, contact = "parentcustomerid_account/modifiedon", "parentcustomerid_contact/modifiedon"
    assert await names(dataverse, "contacts", f"{account} ge {NEW}") == ["OfNew"]
    assert await names(dataverse, "contacts", f"{account} lt {NEW}") == ["OfOld"]
    assert await names(dataverse, "contacts", f"modifiedon ge {NEW} or {account} ge {NEW}") == ["Lone", "OfNew"]
    assert await names(dataverse, "contacts", f"modifiedon ge {NEW} and {account} ge {NEW}") == []
    assert await names(dataverse, "contacts", f"{account} ge {NEW} or {contact} ge {NEW}") == ["OfNew", "Under"]
    assert await names(dataverse, "contacts", f"{account} eq null and {contact} eq null") == ["Lone"]


async def test_a_row_behind_a_lookup_is_compared_as_its_own_table_compares(
    dataverse: Dataverse, people: dict[str, str]
) -> None:
    assert await names(dataverse, "contacts", "parentcustomerid_account/name eq 'OLD'") == ["OfOld"]
    assert await names(dataverse, "contacts", "startswith(parentcustomerid_account/name,'n')") == ["OfNew"]
    assert await names(dataverse, "accounts", "primarycontactid/lastname eq 'ofnew'") == ["Main"]


async def test_a_lookup_is_compared_with_an_id_by_either_name(dataverse: Dataverse, people: dict[str, str]) -> None:
    old, new = people["old"], people["new"]
    assert await names(dataverse, "accounts", f"primarycontactid/contactid eq {people['new_one']}") == ["Main"]
    either = f"_parentcustomerid_value eq {old} or _parentcustomerid_value eq {new}"
    assert await names(dataverse, "contacts", either) == ["OfNew", "OfOld"]
    mixed = f"parentcustomerid_account/accountid eq {old} or _parentcustomerid_value eq {people['lone']}"
    assert await names(dataverse, "contacts", mixed) == ["OfOld", "Under"]
    assert await names(dataverse, "contacts", f"({either}) and lastname ne 'OfOld'") == ["OfNew"]


async def test_pages_of_a_filter_through_a_lookup_miss_nothing(dataverse: Dataverse, people: dict[str, str]) -> None:
    dataverse.simulator.seed("contact", [{"lastname": f"N{n}", **under_account(people["new"])} for n in range(5)])
    query = f"contacts?$select=lastname&$filter=parentcustomerid_account/modifiedon ge {NEW}&$orderby=modifiedon"
    rows = await dataverse.all_pages(query, page_size=2)
    assert sorted(row["lastname"] for row in rows) == ["N0", "N1", "N2", "N3", "N4", "OfNew"]


@pytest.mark.parametrize(
    "filter",
    [
        "parentcustomerid_account/nothing eq 1",
        "parentcustomerid/modifiedon ge 2024-01-01T00:00:00Z",
        "parentcustomerid_account/primarycontactid/lastname eq 'x'",
        "_parentcustomerid_value/name eq 'x'",
        "parentcustomerid_account/modifiedon ge 'x'",
    ],
)
async def test_a_path_that_leads_nowhere_is_refused(dataverse: Dataverse, filter: str) -> None:
    response = await dataverse.get(f"contacts?$filter={filter}")
    assert (response.status_code, error_code(response)) == (400, "0x80060888")
