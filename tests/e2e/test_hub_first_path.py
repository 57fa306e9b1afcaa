"""The first whole path through a running hub: marked customers go out, edits merge, accounts come in, a schedule fires.

One story; its tests build upon each other in this order.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.e2e.driver import ACCOUNT_TYPE, Driver, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODES = [f"C{n:05d}" for n in range(1, 121)]


async def test_sync_now_before_the_first_load_is_refused_and_says_what_to_do(hub: Driver) -> None:
    answer = await hub.api("POST", "/objects/account/sync", {}, expect=409)
    assert "initialize" in answer["detail"]


async def test_marked_customers_become_accounts_that_show_the_same_field_by_field(hub: Driver) -> None:
    marking = await hub.mark_range(CODES[0], CODES[-1])
    assert marking["status"] == "succeeded"
    run = await hub.initialize()
    assert (run["status"], run["counts"]) == ("succeeded", {"created": len(CODES)})
    assert len(hub.accounts()) == len(CODES)
    assert hub.differences(CODES) == []
    assert {row["customertypecode"] for row in hub.accounts()} == {ACCOUNT_TYPE}


async def test_ten_rounds_over_unchanged_data_write_nothing_on_either_side(hub: Driver) -> None:
    hub.sap.control.reset_stats()
    hub.dataverse.control.reset_stats()
    for n in range(10):
        run = await hub.sync("full" if n == 5 else "delta")
        assert run["status"] == "succeeded"
    assert (dict(hub.sap.control.writes), dict(hub.dataverse.control.writes)) == ({}, {})
    assert (dict(hub.sap.control.written), dict(hub.dataverse.control.written)) == ({}, {})


async def test_edits_of_different_fields_on_both_sides_merge(hub: Driver) -> None:
    account = hub.account_of(CODES[0])
    hub.edit_partner(CODES[0], Phone1="+49 40 111")
    hub.edit_account(account["accountid"], emailaddress1="new@there.example")
    run = await hub.sync()
    assert run["status"] == "succeeded"
    assert hub.partner(CODES[0])["EmailAddress"] == "new@there.example"
    assert hub.account_of(CODES[0])["telephone1"] == "+49 40 111"
    assert hub.differences([CODES[0]]) == []


async def test_edits_of_the_same_field_follow_the_rule_and_explain_names_it(hub: Driver) -> None:
    hub.edit_partner(CODES[1], Fax="from SAP")
    hub.edit_account(hub.account_of(CODES[1])["accountid"], fax="from there")
    await hub.sync()
    assert (hub.partner(CODES[1])["Fax"], hub.account_of(CODES[1])["fax"]) == ("from SAP", "from SAP")
    told = await hub.api("GET", f"/explain?object=account&key={CODES[1]}")
    assert "fax" in str(told)


async def test_an_account_born_in_dynamics_becomes_a_customer_with_a_code_of_the_series(hub: Driver) -> None:
    (key,) = hub.born_there(1, "Newcomer")
    run = await hub.sync()
    assert run["status"] == "succeeded"
    (partner,) = hub.partners_named("Newcomer 000 GmbH")
    assert partner["CardCode"].startswith("CN")
    assert partner["U_HubRef"] == f"dynamics:{key}"
    assert partner["GroupCode"] == 100
    assert hub.account_of(partner["CardCode"])["accountid"] == key
    assert hub.differences([partner["CardCode"]]) == []
    members = await hub.api("GET", "/customers/marks/batches/dynamics")
    assert [member["code"] for member in members["items"]] == [partner["CardCode"]]


async def test_what_was_marked_today_and_did_not_change_for_years_still_travels(hub: Driver) -> None:
    await hub.mark(["C00130"])
    run = await hub.sync()
    assert run["counts"]["created"] == 1
    assert hub.differences(["C00130"]) == []


async def test_a_schedule_fires_by_itself_and_makes_up_once_for_all_starts_that_were_missed(hub: Driver) -> None:
    hub.edit_partner(CODES[2], Website="https://scheduled.example")
    schedule = await hub.api(
        "PUT", "/objects/account/schedule", {"run": "daily", "every": "01:00", "timezone": "Asia/Tokyo"}
    )
    assert len(schedule["nextStarts"]) == 5
    await hub.pretend_the_last_start_was(timedelta(hours=25))

    async def arrived() -> bool:
        return bool(hub.account_of(CODES[2]).get("websiteurl") == "https://scheduled.example")

    await until(arrived, "the scheduled run", log=hub.log)
    await hub.at_rest()
    runs = (await hub.env.api("GET", "/runs?template=dynamics&object=account&limit=1000"))["items"]
    assert [run["status"] for run in runs if run["origin"] == "schedule"] == ["succeeded"]
    await hub.api("PUT", "/objects/account/schedule", {"run": "never"})
    assert await hub.poisoned() == {}
