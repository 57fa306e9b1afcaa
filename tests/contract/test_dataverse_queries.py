"""Reading collections and rows. Web API notes §2.2 to §2.5."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.dataverse_support import UNKNOWN_ID, Dataverse, error_code, running_dataverse

IN = "Microsoft.Dynamics.CRM.In"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


def seed(dataverse: Dataverse, count: int) -> list[str]:
    rows = [
        {"name": f"Account {number}", "accountnumber": f"C{number:04}", "modifiedon": f"2024-01-01T00:00:{number:02}Z"}
        for number in range(count)
    ]
    return dataverse.simulator.seed("account", rows)


async def names(dataverse: Dataverse, query: str) -> list[str]:
    answer = (await dataverse.get(f"accounts?$select=name&{query}")).raise_for_status()
    return [row["name"] for row in answer.json()["value"]]


async def test_a_row_has_its_etag_and_key_even_when_they_were_not_selected(dataverse: Dataverse) -> None:
    """§2.2: the etag is the version; null columns are there when selected; money brings its currency."""
    (key,) = seed(dataverse, 1)
    body = (await dataverse.get("accounts?$select=name,fax,creditlimit")).json()
    (row,) = body["value"]
    assert body["@odata.context"].endswith("/api/data/v9.2/$metadata#accounts(name,fax,creditlimit)")
    assert set(row) == {"@odata.etag", "name", "fax", "creditlimit", "_transactioncurrencyid_value", "accountid"}
    assert row["accountid"] == key
    assert row["fax"] is None
    version = (await dataverse.get(f"accounts({key})?$select=versionnumber")).json()["versionnumber"]
    assert row["@odata.etag"] == f'W/"{version}"'


async def test_without_a_select_every_readable_column_comes_back(dataverse: Dataverse) -> None:
    seed(dataverse, 1)
    (row,) = (await dataverse.get("accounts")).json()["value"]
    assert {"_primarycontactid_value", "websiteurl", "statecode", "modifiedon", "versionnumber"} <= set(row)
    assert not any(name.endswith("@table") for name in row)


async def test_a_page_must_be_asked_for_again_with_its_size(dataverse: Dataverse) -> None:
    """§2.3: the link holds no page size; without Prefer the next page is a default one of 5000."""
    seed(dataverse, 9)
    first = await dataverse.get("accounts?$select=name", "odata.maxpagesize=3")
    assert first.headers["Preference-Applied"] == "odata.maxpagesize=3"
    assert len(first.json()["value"]) == 3
    link = first.json()["@odata.nextLink"]
    assert link.startswith(dataverse.url)
    assert len((await dataverse.get(link, "odata.maxpagesize=2")).json()["value"]) == 2
    rest = (await dataverse.get(link)).json()
    assert len(rest["value"]) == 6
    assert "@odata.nextLink" not in rest


async def test_all_pages_together_hold_every_row_once(dataverse: Dataverse) -> None:
    keys = seed(dataverse, 10)
    for order in (
        "",
        "&$orderby=name desc",
        "&$orderby=modifiedon,accountid",
        "&$orderby=fax,name",
        "&$orderby=accountid",
    ):
        rows = await dataverse.all_pages(f"accounts?$select=name{order}", 3)
        assert sorted(row["accountid"] for row in rows) == sorted(keys), order


async def test_a_page_that_is_exactly_full_still_links_to_an_empty_one(dataverse: Dataverse) -> None:
    """§2.3, an assumption, so it is a switch."""
    seed(dataverse, 4)
    first = (await dataverse.get("accounts?$select=name", "odata.maxpagesize=4")).json()
    last = (await dataverse.get(first["@odata.nextLink"], "odata.maxpagesize=4")).json()
    assert last["value"] == []
    assert "@odata.nextLink" not in last
    dataverse.simulator.switches.link_after_full_page = False
    assert "@odata.nextLink" not in (await dataverse.get("accounts?$select=name", "odata.maxpagesize=4")).json()


@pytest.mark.parametrize(
    ("old", "new"),
    [("pagenumber=%222%22", "pagenumber=%223%22"), ("%20", "+"), ("$select=name", "$select=fax"), ("%2522", "%22")],
)
async def test_a_link_that_was_changed_is_refused(dataverse: Dataverse, old: str, new: str) -> None:
    """§2.3: a client that re-encodes or edits the link corrupts it."""
    seed(dataverse, 4)
    link = (await dataverse.get("accounts?$select=name", "odata.maxpagesize=2")).json()["@odata.nextLink"]
    assert old in link
    assert (await dataverse.get(link.replace(old, new), "odata.maxpagesize=2")).status_code == 400
    assert (await dataverse.get(link, "odata.maxpagesize=2")).status_code == 200


async def test_a_row_changed_between_pages_comes_again_when_ordered_by_modification(dataverse: Dataverse) -> None:
    """§2.3: paging is by order and key, not a snapshot."""
    keys = seed(dataverse, 4)
    path = "accounts?$select=name&$orderby=modifiedon,accountid"
    first = (await dataverse.get(path, "odata.maxpagesize=2")).json()
    await dataverse.patch(f"accounts({keys[0]})", {"name": "again"})
    second = (await dataverse.get(first["@odata.nextLink"], "odata.maxpagesize=9")).json()
    assert [row["accountid"] for row in second["value"]] == [keys[2], keys[3], keys[0]]


async def test_top_is_ignored_beside_a_page_size(dataverse: Dataverse) -> None:
    """§2.2."""
    seed(dataverse, 5)
    assert len(await names(dataverse, "$top=2")) == 2
    page = await dataverse.get("accounts?$select=name&$top=2", "odata.maxpagesize=3")
    assert len(page.json()["value"]) == 3
    assert "@odata.nextLink" not in (await dataverse.get("accounts?$select=name&$top=2")).json()


async def test_filters_find_what_they_say(dataverse: Dataverse) -> None:
    """§2.2: instants and ids without quotes, doubled quotes inside text, blanks as + or %20."""
    keys = seed(dataverse, 6)
    assert await names(dataverse, "$filter=modifiedon ge 2024-01-01T00:00:05Z") == ["Account 5"]
    assert await names(dataverse, "$filter=modifiedon+gt+2024-01-01T00:00:04.5Z") == ["Account 5"]
    assert await names(dataverse, f"$filter=accountid%20eq%20{keys[3].upper()}") == ["Account 3"]
    assert await names(dataverse, "$filter=accountnumber eq 'c0002'") == ["Account 2"]
    assert await names(dataverse, "$filter=contains(name,'4') and statecode eq 0") == ["Account 4"]
    await dataverse.patch(f"accounts({keys[0]})", {"name": "O'Neil & Söhne"})
    assert await names(dataverse, "$filter=name eq 'O''Neil %26 Söhne'") == ["O'Neil & Söhne"]


async def test_the_in_function_takes_a_list_of_text(dataverse: Dataverse) -> None:
    """§2.2: Microsoft.Dynamics.CRM.In with named parameters."""
    keys = seed(dataverse, 4)
    found = await names(dataverse, f"$filter={IN}(PropertyName='accountnumber',PropertyValues=['C0001','c0003','x'])")
    assert sorted(found) == ["Account 1", "Account 3"]
    by_id = f"$filter={IN}(PropertyName='accountid',PropertyValues=['{keys[0]}','{keys[2]}'])"
    assert sorted(await names(dataverse, by_id)) == ["Account 0", "Account 2"]
    assert await names(dataverse, f"$filter={IN}(PropertyName='statecode',PropertyValues=['1'])") == []


async def test_keyset_paging_by_id_follows_the_databases_order_not_the_texts(dataverse: Dataverse) -> None:
    """SQL Server compares the last six bytes of a GUID first; ``accountid gt`` goes on in that order."""
    ids = ["00000000-0000-0000-0000-000000000002", "ffffffff-0000-0000-0000-000000000001"]
    dataverse.simulator.seed("account", [{"accountid": key, "name": key} for key in ids])
    assert await names(dataverse, "$orderby=accountid") == [ids[1], ids[0]]
    assert await names(dataverse, f"$orderby=accountid&$filter=accountid gt {ids[1]}") == [ids[0]]
    assert await names(dataverse, f"$filter=accountid gt {ids[0]}") == []


async def test_lookups_are_filtered_by_value_or_by_path(dataverse: Dataverse) -> None:
    """§2.2."""
    (parent,) = dataverse.simulator.seed("account", [{"name": "Parent"}])
    bind = {"parentaccountid@odata.bind": f"/accounts({parent})"}
    dataverse.simulator.seed("account", [{"name": "Child", **bind}])
    assert await names(dataverse, f"$filter=_parentaccountid_value eq {parent}") == ["Child"]
    assert await names(dataverse, f"$filter=parentaccountid/accountid eq {parent}") == ["Child"]
    assert await names(dataverse, "$filter=_parentaccountid_value eq null") == ["Parent"]


@pytest.mark.parametrize(
    "query",
    [
        "$select=Name",
        "$filter=colour eq 'x'",
        "$orderby=colour",
        "$expand=colour",
        "$select=primarycontactid",
        "$skip=3",
        "$filter=name eq",
        "$filter=modifiedon eq '2024-01-01'",
        f"$filter=accountid eq '{UNKNOWN_ID}'",
        f"$filter={IN}(PropertyName='colour',PropertyValues=['x'])",
    ],
)
async def test_what_the_table_does_not_have_is_refused(dataverse: Dataverse, query: str) -> None:
    """§2.2: 400 0x80060888; names are case-sensitive."""
    answer = await dataverse.get(f"accounts?{query}")
    assert (answer.status_code, error_code(answer)) == (400, "0x80060888")


async def test_an_unknown_property_is_named_with_its_type(dataverse: Dataverse) -> None:
    answer = await dataverse.get("accounts?$select=Name")
    expected = "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."
    assert answer.json()["error"]["message"] == expected


async def test_an_unknown_set_is_404(dataverse: Dataverse) -> None:
    """§2.2: entity set names are case-sensitive; §5 0x8006088a."""
    for path in ("Accounts", "account", "nothing"):
        answer = await dataverse.get(path)
        assert (answer.status_code, error_code(answer)) == (404, "0x8006088a")


async def test_a_wrong_verb_on_a_function_is_404_without_a_code(dataverse: Dataverse) -> None:
    """§2.2."""
    answer = await dataverse.post("WhoAmI", {})
    assert (answer.status_code, error_code(answer)) == (404, "")


async def test_one_row_is_read_by_id(dataverse: Dataverse) -> None:
    """§2.2: /$entity in the context; a missing one is 404 0x80040217."""
    (key,) = seed(dataverse, 1)
    answer = await dataverse.get(f"accounts({key.upper()})?$select=name")
    assert answer.json()["@odata.context"].endswith("#accounts(name)/$entity")
    assert answer.headers["ETag"] == answer.json()["@odata.etag"]
    missing = await dataverse.get(f"accounts({UNKNOWN_ID})")
    assert (missing.status_code, error_code(missing)) == (404, "0x80040217")
    assert missing.json()["error"]["message"] == f"Entity 'Account' With Id = {UNKNOWN_ID} Does Not Exist"


async def test_an_unchanged_row_answers_304_and_the_word_null_is_no_etag(dataverse: Dataverse) -> None:
    """§2.1, §3.1: If-None-Match."""
    (key,) = seed(dataverse, 1)
    tag = (await dataverse.get(f"accounts({key})")).headers["ETag"]
    assert (await dataverse.get(f"accounts({key})", **{"If-None-Match": tag})).status_code == 304
    assert (await dataverse.get(f"accounts({key})", **{"If-None-Match": "null"})).status_code == 200
    await dataverse.patch(f"accounts({key})", {"name": "B"})
    assert (await dataverse.get(f"accounts({key})", **{"If-None-Match": tag})).status_code == 200


async def test_annotations_come_only_when_asked_for(dataverse: Dataverse) -> None:
    """§2.5: labels, the lookup's table and property."""
    (account,) = dataverse.simulator.seed("account", [{"name": "Contoso", "customertypecode": 3}])
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    dataverse.simulator.seed("contact", [{"lastname": "Li", **bind}])
    path = "contacts?$select=lastname,_parentcustomerid_value,statecode"
    assert not any("@OData" in name for name in (await dataverse.get(path)).json()["value"][0])
    answer = await dataverse.get(path, 'odata.include-annotations="*"')
    row = answer.json()["value"][0]
    assert row["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"] == "Contoso"
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    assert (
        row["_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"] == "parentcustomerid_account"
    )
    assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"
    assert answer.json()["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1
    only = (await dataverse.get(path, 'odata.include-annotations="OData.Community.*"')).json()["value"][0]
    assert "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname" not in only


async def test_a_single_valued_lookup_can_be_expanded(dataverse: Dataverse) -> None:
    (contact,) = dataverse.simulator.seed("contact", [{"firstname": "Ann", "lastname": "Li"}])
    bind = {"primarycontactid@odata.bind": f"/contacts({contact})"}
    dataverse.simulator.seed("account", [{"name": "With", **bind}, {"name": "Without"}])
    query = "accounts?$select=name&$expand=primarycontactid($select=fullname)&$orderby=name"
    first, second = (await dataverse.get(query)).json()["value"]
    assert first["primarycontactid"]["fullname"] == "Ann Li"
    assert first["primarycontactid"]["contactid"] == contact
    assert second["primarycontactid"] is None


async def test_counts_stop_at_five_thousand(dataverse: Dataverse) -> None:
    """§2.2, §2.4."""
    dataverse.simulator.seed("account", [{"name": "x"}] * 5001)
    body = (await dataverse.get("accounts?$select=name&$count=true&$top=1", 'odata.include-annotations="*"')).json()
    assert body["@odata.count"] == 5000
    assert body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    text = await dataverse.get("accounts/$count")
    assert text.content == b"\xef\xbb\xbf5000"
    total = (await dataverse.get("RetrieveTotalRecordCount(EntityNames=['account','contact'])")).json()
    assert total["EntityRecordCountCollection"]["Keys"] == ["account", "contact"]
    assert total["EntityRecordCountCollection"]["Values"] == [5001, 0]
    page = (await dataverse.get("accounts?$select=name")).json()
    assert len(page["value"]) == 5000
    assert len((await dataverse.get(page["@odata.nextLink"])).json()["value"]) == 1


async def test_a_page_size_above_five_thousand_is_cut(dataverse: Dataverse) -> None:
    """§2.1."""
    dataverse.simulator.seed("account", [{"name": "x"}] * 5001)
    page = (await dataverse.get("accounts?$select=name", "odata.maxpagesize=9000")).json()
    assert len(page["value"]) == 5000
