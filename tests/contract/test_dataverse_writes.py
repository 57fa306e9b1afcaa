"""Writing single rows. Web API notes §3.1, §5, §6."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.dataverse_support import API, UNKNOWN_ID, Dataverse, error_code, running_dataverse

NEW_ID = "0a0b0c0d-1111-4222-8333-444455556666"


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


async def made(dataverse: Dataverse, **values: Any) -> str:
    answer = await dataverse.post("accounts", {"name": "A", **values})
    assert answer.status_code == 204, answer.text
    found = re.search(r"\(([^)]*)\)$", answer.headers["OData-EntityId"])
    assert found is not None
    return found[1]


async def read(dataverse: Dataverse, key: str, *names: str) -> Any:
    row = (await dataverse.get(f"accounts({key})?$select={','.join(names)}")).raise_for_status().json()
    return row[names[0]] if len(names) == 1 else [row[name] for name in names]


async def test_a_create_answers_204_and_the_new_rows_address(dataverse: Dataverse) -> None:
    answer = await dataverse.post("accounts", {"name": "A", "accountid": NEW_ID.upper()})
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["OData-EntityId"] == f"{dataverse.url}{API}accounts({NEW_ID})"
    assert await read(dataverse, NEW_ID, "name", "statecode", "statuscode") == ["A", 0, 1]


async def test_a_create_can_answer_the_row_and_then_names_no_address(dataverse: Dataverse) -> None:
    answer = await dataverse.post("accounts?$select=name", {"name": "A"}, Prefer="return=representation")
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert "OData-EntityId" not in answer.headers
    assert set(answer.json()) == {"@odata.context", "@odata.etag", "name", "accountid"}


async def test_an_id_that_exists_cannot_be_created_again(dataverse: Dataverse) -> None:
    """§5: 412 0x80040237."""
    await made(dataverse, accountid=NEW_ID)
    answer = await dataverse.post("accounts", {"name": "B", "accountid": NEW_ID})
    assert (answer.status_code, error_code(answer)) == (412, "0x80040237")


async def test_a_patch_by_id_creates_or_updates_and_says_neither(dataverse: Dataverse) -> None:
    for name in ("first", "second"):
        answer = await dataverse.patch(f"accounts({NEW_ID})", {"name": name})
        assert answer.status_code == 204
        assert answer.headers["OData-EntityId"].endswith(f"accounts({NEW_ID})")
        assert await read(dataverse, NEW_ID, "name") == name


async def test_only_a_representation_tells_created_from_updated(dataverse: Dataverse) -> None:
    prefer = {"Prefer": "return=representation"}
    first = await dataverse.patch(f"accounts({NEW_ID})?$select=accountid", {"name": "A"}, prefer)
    second = await dataverse.patch(f"accounts({NEW_ID})?$select=accountid", {"name": "B"}, prefer)
    assert [first.status_code, second.status_code] == [201, 200]
    assert second.headers["ETag"] == second.json()["@odata.etag"]


async def test_if_match_star_updates_and_never_creates(dataverse: Dataverse) -> None:
    answer = await dataverse.patch(f"accounts({NEW_ID})", {"name": "A"}, {"If-Match": "*"})
    assert (answer.status_code, error_code(answer)) == (404, "0x80040217")
    await made(dataverse, accountid=NEW_ID)
    assert (await dataverse.patch(f"accounts({NEW_ID})", {"name": "B"}, {"If-Match": "*"})).status_code == 204


async def test_if_none_match_star_creates_and_never_updates(dataverse: Dataverse) -> None:
    headers = {"If-None-Match": "*"}
    assert (await dataverse.patch(f"accounts({NEW_ID})", {"name": "A"}, headers)).status_code == 204
    answer = await dataverse.patch(f"accounts({NEW_ID})", {"name": "B"}, headers)
    assert answer.status_code == 412
    assert answer.json()["error"]["message"] == "A record with matching key values already exists."
    assert await read(dataverse, NEW_ID, "name") == "A"


async def test_a_stale_etag_is_refused_for_update_and_delete(dataverse: Dataverse) -> None:
    """§3.1: 412 0x80060882."""
    key = await made(dataverse)
    tag = (await dataverse.get(f"accounts({key})")).headers["ETag"]
    assert (await dataverse.patch(f"accounts({key})", {"fax": "1"}, {"If-Match": tag})).status_code == 204
    for answer in (
        await dataverse.patch(f"accounts({key})", {"fax": "2"}, {"If-Match": tag}),
        await dataverse.send("DELETE", f"accounts({key})", headers={"If-Match": tag}),
    ):
        assert (answer.status_code, error_code(answer)) == (412, "0x80060882")
    assert await read(dataverse, key, "fax") == "1"


async def test_every_write_moves_version_and_stamp_even_without_a_change(dataverse: Dataverse) -> None:
    """§2.2: one counter for the org; stamps have whole seconds."""
    clock = dataverse.simulator.control
    clock.set_clock(instant="2026-01-01T10:00:00.900Z")
    key, other = await made(dataverse), await made(dataverse)
    version, created = await read(dataverse, key, "versionnumber", "createdon")
    assert created == "2026-01-01T10:00:00Z"
    clock.set_clock(instant="2026-01-01T10:00:05Z")
    await dataverse.patch(f"accounts({key})", {"name": "A"})
    newer, modified, created_again = await read(dataverse, key, "versionnumber", "modifiedon", "createdon")
    assert newer > await read(dataverse, other, "versionnumber") > version
    assert (modified, created_again) == ("2026-01-01T10:00:05Z", created)


async def test_a_delete_is_final(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    assert (await dataverse.send("DELETE", f"accounts({key})")).status_code == 204
    for answer in (await dataverse.send("DELETE", f"accounts({key})"), await dataverse.get(f"accounts({key})")):
        assert (answer.status_code, error_code(answer)) == (404, "0x80040217")


async def test_one_column_can_be_set_and_nulled(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    assert (await dataverse.send("PUT", f"accounts({key})/fax", json={"value": "12"})).status_code == 204
    assert (await dataverse.get(f"accounts({key})/fax")).json()["value"] == "12"
    assert (await dataverse.send("DELETE", f"accounts({key})/fax")).status_code == 204
    assert await read(dataverse, key, "fax") is None


# -- alternate keys ----------------------------------------------------------------------------------------------


async def test_a_standard_table_has_no_alternate_key(dataverse: Dataverse) -> None:
    """§3.1: accountnumber is a key only where somebody made it one."""
    answer = await dataverse.patch("accounts(accountnumber='A1')", {"name": "A"})
    assert answer.status_code == 400
    assert "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.account'" in answer.text
    dataverse.simulator.add_alternate_key("account", ["accountnumber"], status="Pending")
    assert (await dataverse.get("accounts(accountnumber='A1')")).status_code == 400


async def test_an_upsert_by_alternate_key_answers_the_key_not_the_id(dataverse: Dataverse) -> None:
    dataverse.simulator.add_alternate_key("account", ["accountnumber"])
    for name in ("first", "second"):
        answer = await dataverse.patch("accounts(accountnumber='A''1')", {"name": name})
        assert answer.status_code == 204
        assert answer.headers["OData-EntityId"].endswith("accounts(accountnumber='A''1')")
    row = (await dataverse.get("accounts(accountnumber='A''1')?$select=name,accountnumber")).json()
    assert (row["name"], row["accountnumber"]) == ("second", "A'1")
    assert (await dataverse.get("accounts/$count")).text.endswith("1")


async def test_in_an_upsert_the_bodys_key_wins_on_create_and_is_dropped_on_update(dataverse: Dataverse) -> None:
    dataverse.simulator.add_alternate_key("account", ["accountnumber"])
    await dataverse.patch("accounts(accountnumber='A1')", {"name": "x", "accountnumber": "A2"})
    assert (await dataverse.get("accounts(accountnumber='A1')")).status_code == 404
    await dataverse.patch("accounts(accountnumber='A2')", {"name": "y", "accountnumber": "A3"})
    row = (await dataverse.get("accounts(accountnumber='A2')?$select=name")).json()
    assert row["name"] == "y"


async def test_a_missing_alternate_key_has_its_own_code(dataverse: Dataverse) -> None:
    """§3.1, §5: 404 0x80060891."""
    dataverse.simulator.add_alternate_key("account", ["accountnumber"])
    answer = await dataverse.patch("accounts(accountnumber='A1')", {"name": "A"}, {"If-Match": "*"})
    assert (answer.status_code, error_code(answer)) == (404, "0x80060891")


async def test_an_alternate_key_cannot_be_given_twice(dataverse: Dataverse) -> None:
    """§5: 412 0x80060892; a row without a value is exempt."""
    dataverse.simulator.add_alternate_key("account", ["accountnumber"])
    await made(dataverse, accountnumber="A1")
    await made(dataverse)
    key = await made(dataverse)
    for answer in (
        await dataverse.post("accounts", {"name": "B", "accountnumber": "A1"}),
        await dataverse.patch(f"accounts({key})", {"accountnumber": "A1"}),
    ):
        assert (answer.status_code, error_code(answer)) == (412, "0x80060892")


# -- payloads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Name": "case"}, "0x80048d19"),
        ({"colour": "red"}, "0x80048d19"),
        ({"primarycontactid": NEW_ID}, "0x80040203"),
        ({"_primarycontactid_value": NEW_ID}, "0x80048d19"),
        ({"contactid@odata.bind": f"/contacts({NEW_ID})"}, "0x80048d19"),
        ({"primarycontactid@odata.bind": f"/accounts({NEW_ID})"}, "0x80048d19"),
        ({"name": 5}, "0x80048d19"),
        ({"numberofemployees": "5"}, "0x80048d19"),
        ({"creditonhold": 1}, "0x80048d19"),
        ({"creditlimit": "10.00"}, "0x80048d19"),
        ({"lastusedincampaign": "2024-01-01T00:00:00"}, "0x80048d19"),
        ({"@odata.type": "Microsoft.Dynamics.CRM.contact"}, "0x80048d19"),
        ({"accountnumber": "x" * 21}, "0x80044331"),
        ({"numberofemployees": -1}, "0x8004432f"),
        ({"creditlimit": -1}, "0x80044330"),
        ({"customertypecode": 4711}, "0x8004431a"),
        ({"statuscode": 2}, "0x80048408"),
        ({"name": "a\u0000b"}, "0x80040278"),
    ],
)
async def test_a_payload_the_table_does_not_take_is_refused(
    dataverse: Dataverse, body: dict[str, Any], code: str
) -> None:
    """§3.1 Errors on payload, §5."""
    answer = await dataverse.post("accounts", body)
    assert error_code(answer) == code
    assert answer.status_code in (400, 501)
    assert dataverse.simulator.data_rows("accounts") == []


async def test_the_refusal_of_a_long_text_names_the_column_and_its_length(dataverse: Dataverse) -> None:
    answer = await dataverse.post("accounts", {"accountnumber": "x" * 21})
    assert answer.json()["error"]["message"] == (
        "A validation error occurred.  The length of the 'accountnumber' attribute of the 'account' entity exceeded "
        "the maximum allowed length of '20'."
    )


async def test_a_body_that_is_no_json_is_refused(dataverse: Dataverse) -> None:
    answer = await dataverse.send("POST", "accounts", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, error_code(answer)) == (400, "0x80048d19")


async def test_blanks_are_kept_and_an_empty_text_is_stored_as_null(dataverse: Dataverse) -> None:
    key = await made(dataverse, name=" A ", fax="")
    assert await read(dataverse, key, "name", "fax") == [" A ", None]


async def test_a_text_as_long_as_its_column_fits_counted_in_utf16(dataverse: Dataverse) -> None:
    assert (await dataverse.post("accounts", {"accountnumber": "😀" * 10})).status_code == 204
    assert (await dataverse.post("accounts", {"accountnumber": "😀" * 10 + "x"})).status_code == 400


async def test_read_only_columns_are_ignored(dataverse: Dataverse) -> None:
    key = await made(dataverse, modifiedon="2001-01-01T00:00:00Z", versionnumber=5)
    assert (await read(dataverse, key, "modifiedon")) > "2001-01-02"


async def test_a_create_can_be_back_dated(dataverse: Dataverse) -> None:
    """§6.2: overriddencreatedon, on create only."""
    key = await made(dataverse, overriddencreatedon="2015-05-05T00:00:00Z")
    created, overridden = await read(dataverse, key, "createdon", "overriddencreatedon")
    assert created == "2015-05-05T00:00:00Z"
    assert overridden > created


# -- lookups -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", ["/contacts({0})", "contacts({0})", "https://x.crm.dynamics.com" + API + "contacts({0})"]
)
async def test_a_lookup_is_set_by_bind_and_cleared_by_null(dataverse: Dataverse, form: str) -> None:
    """§2.2: leading slash optional, absolute URL allowed."""
    (contact,) = dataverse.simulator.seed("contact", [{"lastname": "Li"}])
    key = await made(dataverse, **{"primarycontactid@odata.bind": form.format(contact.upper())})
    assert await read(dataverse, key, "_primarycontactid_value") == contact
    await dataverse.patch(f"accounts({key})", {"primarycontactid": None})
    assert await read(dataverse, key, "_primarycontactid_value") is None


async def test_a_lookup_can_be_cleared_through_its_reference(dataverse: Dataverse) -> None:
    (contact,) = dataverse.simulator.seed("contact", [{"lastname": "Li"}])
    key = await made(dataverse, **{"primarycontactid@odata.bind": f"/contacts({contact})"})
    assert (await dataverse.send("DELETE", f"accounts({key})/primarycontactid/$ref")).status_code == 204
    assert await read(dataverse, key, "_primarycontactid_value") is None


async def test_a_bind_to_a_row_that_is_not_there_is_refused(dataverse: Dataverse) -> None:
    """§5: 0x80040217."""
    answer = await dataverse.post("accounts", {"primarycontactid@odata.bind": f"/contacts({UNKNOWN_ID})"})
    assert (answer.status_code, error_code(answer)) == (404, "0x80040217")


async def test_a_customer_lookup_has_one_property_for_each_target(dataverse: Dataverse) -> None:
    """§2.2: the plain name is no property; the shadow column follows."""
    (account,) = dataverse.simulator.seed("account", [{"name": "A"}])
    body = {"firstname": "Ann", "lastname": "Li"}
    refused = await dataverse.post("contacts", body | {"parentcustomerid@odata.bind": f"/accounts({account})"})
    assert (refused.status_code, error_code(refused)) == (400, "0x80048d19")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    await dataverse.post("contacts", body | bind)
    (row,) = (await dataverse.get("contacts?$select=fullname,_parentcustomerid_value,_accountid_value")).json()["value"]
    assert row["fullname"] == "Ann Li"
    assert row["_parentcustomerid_value"] == row["_accountid_value"] == account


# -- rules -------------------------------------------------------------------------------------------------------


async def test_a_state_brings_its_default_reason_and_a_foreign_reason_is_refused(dataverse: Dataverse) -> None:
    """§6.1, §5 0x80048408."""
    key = await made(dataverse)
    await dataverse.patch(f"accounts({key})", {"statecode": 1})
    assert await read(dataverse, key, "statecode", "statuscode") == [1, 2]
    refused = await dataverse.patch(f"accounts({key})", {"statecode": 0, "statuscode": 2})
    assert (refused.status_code, error_code(refused)) == (400, "0x80048408")


async def test_money_is_rounded_to_the_currency_and_has_a_twin_in_base_currency(dataverse: Dataverse) -> None:
    """§6.2: value divided by the rate of the row's currency."""
    usd = dataverse.simulator.org.currency_id("USD")
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({usd})"}
    key = await made(dataverse, creditlimit=100.005, **bind)
    text = (await dataverse.get(f"accounts({key})?$select=creditlimit,creditlimit_base,exchangerate")).text
    assert '"creditlimit":100.01,' in text
    assert '"creditlimit_base":80.01,' in text
    assert '"exchangerate":1.25,' in text


async def test_money_without_a_currency_gets_the_base_currency(dataverse: Dataverse) -> None:
    key = await made(dataverse, creditlimit=5)
    assert await read(dataverse, key, "_transactioncurrencyid_value") == dataverse.simulator.org.base_currency_id
    assert await read(dataverse, await made(dataverse), "_transactioncurrencyid_value") is None


async def test_large_money_keeps_every_digit_on_the_wire(dataverse: Dataverse) -> None:
    content = b'{"name":"A","creditlimit":99999999999999.97}'
    await dataverse.send("POST", "accounts", content=content, headers={"Content-Type": "application/json"})
    assert '"creditlimit":99999999999999.97,' in (await dataverse.get("accounts?$select=creditlimit")).text


async def test_currencies_are_unique_and_the_base_currency_is_kept(dataverse: Dataverse) -> None:
    """§6.2: 0x80048cf3, 0x80048cff, 0x80048cf5."""
    rows = (await dataverse.get("transactioncurrencies?$select=isocurrencycode,exchangerate")).json()["value"]
    assert sorted(row["isocurrencycode"] for row in rows) == ["EUR", "GBP", "USD"]
    copy = {
        "isocurrencycode": "USD",
        "currencyname": "Dollar",
        "currencysymbol": "$",
        "currencyprecision": 2,
        "exchangerate": 1.1,
    }
    duplicate = await dataverse.post("transactioncurrencies", copy)
    base = dataverse.simulator.org.base_currency_id
    delete = await dataverse.send("DELETE", f"transactioncurrencies({base})")
    rate = await dataverse.patch(f"transactioncurrencies({base})", {"exchangerate": 2})
    assert [error_code(each) for each in (duplicate, delete, rate)] == ["0x80048cf3", "0x80048cff", "0x80048cf5"]


async def test_a_merged_account_is_inactive_and_points_to_its_master(dataverse: Dataverse) -> None:
    """Fault 35: the loser's contacts go to the winner, and both stamps move."""
    winner, loser = await made(dataverse, name="W"), await made(dataverse, name="L")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({loser})"}
    dataverse.simulator.seed("contact", [{"lastname": "Li", **bind}])
    kind = "Microsoft.Dynamics.CRM.account"
    body = {
        "Target": {"@odata.type": kind, "accountid": winner},
        "Subordinate": {"@odata.type": kind, "accountid": loser},
        "UpdateContent": {"@odata.type": kind, "fax": "from the loser"},
        "PerformParentingChecks": False,
    }
    before = await read(dataverse, loser, "versionnumber")
    assert (await dataverse.post("Merge", body)).status_code == 204
    merged, master, state, version = await read(
        dataverse, loser, "merged", "_masterid_value", "statecode", "versionnumber"
    )
    assert (merged, master, state) == (True, winner, 1)
    assert version > before
    assert await read(dataverse, winner, "fax") == "from the loser"
    (contact,) = (await dataverse.get("contacts?$select=_parentcustomerid_value")).json()["value"]
    assert contact["_parentcustomerid_value"] == winner
    assert error_code(await dataverse.post("Merge", body)) == "0x80045304"


async def test_deleting_an_account_takes_its_contacts_and_clears_links(dataverse: Dataverse) -> None:
    parent = await made(dataverse, name="P")
    child = await made(dataverse, **{"parentaccountid@odata.bind": f"/accounts({parent})"})
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({parent})"}
    dataverse.simulator.seed("contact", [{"lastname": "Li", **bind}])
    await dataverse.send("DELETE", f"accounts({parent})")
    assert await read(dataverse, child, "_parentaccountid_value") is None
    assert (await dataverse.get("contacts")).json()["value"] == []


async def test_the_panel_writes_as_a_user_would(dataverse: Dataverse) -> None:
    key = await made(dataverse)
    panel = f"{dataverse.url}/_sim/data/accounts"
    version = await read(dataverse, key, "versionnumber")
    (row,) = (
        await dataverse.send("POST", panel, json=[{"accountid": key, "name": "edited", "creditlimit": 10.5}])
    ).json()
    assert (row["name"], row["creditlimit"]) == ("edited", 10.5)
    assert row["versionnumber"] > version
    refused = await dataverse.send("POST", panel, json=[{"accountid": key, "colour": "red"}])
    assert refused.status_code == 400
    assert (await dataverse.send("DELETE", f"{panel}/{key}")).status_code == 200
    assert (await dataverse.get(f"accounts({key})")).status_code == 404
