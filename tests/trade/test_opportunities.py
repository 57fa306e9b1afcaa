"""Opportunities of Dynamics stand in SAP once, and follow: stages, ends and reopenings; SAP's edits go back if told to."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from shared.ports import SideName
from shared.sync.start import start
from tests.trade.opportunities import (
    LOST,
    OTHER,
    REOPENED,
    SETTINGS,
    STAGES,
    WON,
    assert_equal,
    currency,
    edit,
    edit_in_sap,
    in_dynamics,
    in_sap,
    stages_of,
    with_opportunities,
)
from tests.trade.world import CUT_CONNECTIONS, SHORTER_TIMES, TEMPLATE, Trade, trade

SAP = SideName.SAP
BOTH = {**SETTINGS, "opportunityDirection": "both"}


async def failure_of(world: Trade, key: str) -> Any:
    return (await world.record("opportunity", OTHER, key)).failure


async def held_of(world: Trade, key: str) -> set[str]:
    return set((await world.record("opportunity", OTHER, key)).held)


# --- coming in --------------------------------------------------------------------------------------------------------


async def test_opportunities_come_in_once_and_ten_rounds_after_write_nothing(azurite: str) -> None:
    async with trade(azurite, **SETTINGS) as world:
        keys = await with_opportunities(world, 40)
        run = await world.run("opportunity")
        assert (run.status, run.counts["created"]) == ("succeeded", 40)
        assert_equal(world, *keys)
        assert all(in_dynamics(world, key)["new_sapstatus"].startswith("open: ") for key in keys)
        world.forget_writes()
        for mode in ["delta", "full"] * 5:
            assert (await world.run("opportunity", mode)).status == "succeeded"
        assert world.writes() == {}


@CUT_CONNECTIONS
async def test_they_come_in_once_however_often_the_work_is_killed(azurite: str) -> None:
    random = Random("killed")
    async with trade(azurite, times=SHORTER_TIMES, **SETTINGS) as world:
        keys = await with_opportunities(world, 120, seed=2)
        await start(world.hub, TEMPLATE, "opportunity", "delta", "request")
        assert await world.work_killed([random.uniform(0.1, 0.8) for _ in range(8)])
        await world.settle()
        assert_equal(world, *keys)
        assert len(list(world.sap.data_rows("SalesOpportunities"))) == 120


@pytest.mark.parametrize(("count", "path"), [(1, r"/SalesOpportunities$"), (6, r"/\$batch$")])
async def test_a_post_that_commits_and_never_answers_makes_one(azurite: str, count: int, path: str) -> None:
    async with trade(azurite, times=SHORTER_TIMES, **SETTINGS) as world:
        keys = await with_opportunities(world, count)
        rule = {"match": {"method": "POST", "path": path}, "times": 1, "action": {"commit_then_hang": 60}}
        world.sap.control.add_fault(rule)
        assert (await world.run("opportunity")).counts["retrying"] >= 1
        world.sap.control.clear_faults()
        await world.settle()
        assert_equal(world, *keys)
        assert len(list(world.sap.data_rows("SalesOpportunities"))) == count


async def test_one_whose_account_takes_no_part_waits_for_it(azurite: str) -> None:
    async with trade(azurite, **SETTINGS) as world:
        (key,) = await with_opportunities(world, 1)
        (stranger,) = world.dataverse.seed("account", [{"name": "Stranger", "customertypecode": 8}])
        edit(world, key, **{"parentaccountid@odata.bind": f"/accounts({stranger})"})
        assert (await world.run("opportunity")).counts == {"parked": 1}
        assert "until its account is linked" in (await world.explain("opportunity", OTHER, key))["summary"]


async def test_a_foreign_amount_is_held_by_name_and_a_stage_without_a_mapping_is_too(azurite: str) -> None:
    async with trade(azurite, **SETTINGS) as world:
        first, second = await with_opportunities(world, 2)
        edit(world, first, **{"transactioncurrencyid@odata.bind": currency(world, "USD")})
        edit(world, second, stepname="5-Something else")
        assert (await world.run("opportunity")).counts["created"] == 2
        assert (await held_of(world, first), await held_of(world, second)) == ({"amount"}, {"stage"})
        assert stages_of(world, second) == [1], "it begins at SAP's first stage"
        await world.save_settings(opportunityStages={**STAGES, "5-Something else": 5})
        await world.run("opportunity", "full")
        assert stages_of(world, second) == [1, 5]
        last = in_sap(world, second)["SalesOpportunitiesLines"][-1]
        assert last["MaxLocalTotal"] == float(in_dynamics(world, second)["estimatedvalue"])


@pytest.mark.parametrize(("settings", "taken"), [({}, 0), ({"closedOpportunities": True}, 2)])
async def test_what_was_closed_before_it_came_stays_unless_the_settings_say_so(
    azurite: str, settings: dict[str, Any], taken: int
) -> None:
    async with trade(azurite, **SETTINGS, **settings) as world:
        won, lost = await with_opportunities(world, 2)
        edit(world, won, **WON)
        edit(world, lost, **LOST)
        await world.run("opportunity")
        states = [row["Status"] for row in world.sap.data_rows("SalesOpportunities")]
        assert len(states) == taken
        assert not taken or (in_sap(world, won)["Status"], in_sap(world, lost)["Status"]) == ("sos_Sold", "sos_Missed")


async def test_those_from_before_the_start_date_stay_where_they_are(azurite: str) -> None:
    async with trade(azurite, startDate="2999-01-01", **SETTINGS) as world:
        await with_opportunities(world, 3)
        assert (await world.run("opportunity")).counts == {}
        assert list(world.sap.data_rows("SalesOpportunities")) == []


# --- changes ----------------------------------------------------------------------------------------------------------


async def test_stages_are_added_one_by_one_and_what_changes_within_one_changes_its_row(azurite: str) -> None:
    async with trade(azurite, **SETTINGS) as world:
        (key,) = await with_opportunities(world, 1, stepname="1-Qualify", closeprobability=10)
        await world.run("opportunity")
        for name, percent, amount in (
            ("1-Qualify", 15, 100),
            ("2-Develop", 40, 100),
            ("2-Develop", 45, 120.5),
            ("3-Propose", None, 130),
            ("2-Develop", 30, 130),
        ):
            edit(world, key, stepname=name, closeprobability=percent, estimatedvalue=amount)
            assert (await world.run("opportunity")).status == "succeeded"
            assert_equal(world, key)
        rows = in_sap(world, key)["SalesOpportunitiesLines"]
        shown = [(row["StageKey"], row["PercentageRate"], row["MaxLocalTotal"]) for row in rows]
        assert shown == [(1, 15, 100), (3, 45, 120.5), (4, 60, 130), (3, 30, 130)]


async def test_products_are_told_in_the_remarks(azurite: str) -> None:
    async with trade(azurite, **SETTINGS) as world:
        (key,) = await with_opportunities(world, 1, description="By June")
        product = {
            "opportunityid@odata.bind": f"/opportunities({key})",
            "isproductoverridden": True,
            "productdescription": "Assembly",
            "quantity": 2,
            "priceperunit": 10,
        }
        world.dataverse.data_write("opportunityproducts", [product])
        await world.run("opportunity")
        assert in_sap(world, key)["Remarks"].splitlines() == ["By June", "2 x Assembly at 10.00 EUR = 20.00"]


@pytest.mark.parametrize(
    ("end", "status", "reasons"), [(WON, "sos_Sold", []), (LOST, "sos_Missed", [3])], ids=["won", "lost"]
)
async def test_its_end_comes_after_its_last_change_and_a_reopening_before_the_next(
    azurite: str, end: dict[str, int], status: str, reasons: list[int]
) -> None:
    async with trade(azurite, **SETTINGS) as world:
        (key,) = await with_opportunities(world, 1, stepname="1-Qualify", closeprobability=10)
        await world.run("opportunity")
        edit(world, key, name="At last", stepname="4-Close", estimatedvalue=77)
        edit(world, key, **end)
        await world.run("opportunity")
        assert_equal(world, key)
        row = in_sap(world, key)
        assert (row["Status"], [each["Reason"] for each in row.get("SalesOpportunitiesReasons") or ()]) == (
            status,
            reasons,
        )
        edit(world, key, **REOPENED)
        edit(world, key, name="Once more", stepname="2-Develop", estimatedvalue=88)
        await world.run("opportunity")
        assert_equal(world, key)
        assert stages_of(world, key) == [1, 5, 3]
        await world.run("opportunity")  # SAP's status goes back once Dynamics takes it
        world.forget_writes()
        await world.run("opportunity", "full")
        assert world.writes() == {}
        assert in_dynamics(world, key)["new_sapstatus"].startswith("open: ")


@pytest.mark.parametrize("lost", range(5))
async def test_whichever_answer_is_lost_a_reopened_and_changed_one_ends_as_it_is_in_dynamics(
    azurite: str, lost: int
) -> None:
    async with trade(azurite, times=SHORTER_TIMES, **SETTINGS) as world:
        (key,) = await with_opportunities(world, 1, stepname="1-Qualify", closeprobability=10)
        edit(world, key, name="At first")
        await world.run("opportunity")
        edit(world, key, **LOST)
        await world.run("opportunity")
        edit(world, key, **REOPENED)
        edit(world, key, name="Once more", stepname="2-Develop", estimatedvalue=88)
        edit(world, key, **WON)
        match = {"method": "PATCH", "path": r"/SalesOpportunities\(\d+\)"}
        world.sap.control.add_fault(
            {"match": match, "skip": lost, "times": 1, "action": {"close": "after" if lost % 2 else "before"}}
        )
        await world.run("opportunity")
        await world.settle()
        assert world.sap.control.faults_hit["close"] == 1
        assert_equal(world, key)
        assert stages_of(world, key) == [1, 3]


# --- what happens in SAP ----------------------------------------------------------------------------------------------


async def test_one_that_is_closed_in_sap_alone_is_named_and_takes_no_change(azurite: str) -> None:
    async with trade(azurite, **SETTINGS) as world:
        (key,) = await with_opportunities(world, 1)
        await world.run("opportunity")
        edit_in_sap(world, key, Status="sos_Sold")
        await world.run("opportunity")
        assert await held_of(world, key) == {"is_open"}
        assert in_dynamics(world, key)["statecode"] == 0
        assert in_dynamics(world, key)["new_sapstatus"].startswith("won: ")
        edit(world, key, name="Late")
        assert (await world.run("opportunity")).status == "partly failed"
        assert "won or lost already" in (await failure_of(world, key)).reason
        assert in_sap(world, key)["OpportunityName"] != "Late"
        edit_in_sap(world, key, Status="sos_Open")
        await world.run("opportunity")
        assert_equal(world, key)
        assert await failure_of(world, key) is None


async def test_in_both_directions_edits_merge_and_saps_end_is_dynamics_end(azurite: str) -> None:
    async with trade(azurite, **BOTH) as world:
        won, lost = await with_opportunities(world, 2, stepname="1-Qualify", closeprobability=10)
        await world.run("opportunity")
        for key in (won, lost):
            edit(world, key, name="Named in Dynamics")
            edit_in_sap(world, key, PredictedClosingDate="2031-01-31")
            row = in_sap(world, key)["SalesOpportunitiesLines"][0]
            added = {"LineNum": 1, "StageKey": 4, "PercentageRate": 70, "MaxLocalTotal": row["MaxLocalTotal"]}
            edit_in_sap(world, key, SalesOpportunitiesLines=[{"LineNum": 0}, added])
        await world.run("opportunity")
        assert_equal(world, won, lost)
        assert (in_dynamics(world, won)["stepname"], in_dynamics(world, won)["closeprobability"]) == ("3-Propose", 70)
        edit_in_sap(world, won, Status="sos_Sold", OpportunityName="Won in SAP")
        edit_in_sap(world, lost, Status="sos_Missed", SalesOpportunitiesReasons=[{"Reason": 3}])
        await world.run("opportunity")
        assert_equal(world, won, lost)
        assert [in_dynamics(world, key)["statuscode"] for key in (won, lost)] == [3, 5]
        edit_in_sap(world, lost, Status="sos_Open")
        edit_in_sap(world, lost, OpportunityName="Not lost after all")
        await world.run("opportunity")
        assert_equal(world, won, lost)
        world.forget_writes()
        await world.run("opportunity", "full")
        assert world.writes() == {}


async def test_its_contact_comes_with_it_or_as_soon_as_that_is_linked(azurite: str) -> None:
    async with trade(azurite) as world:
        await world.mark_customers("C00001")
        await world.initialize("account")
        account = world.account_of("C00001")["accountid"]
        parent = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
        (contact,) = world.dataverse.data_write("contacts", [{**parent, "lastname": "Late"}])
        bind = {"parentcontactid@odata.bind": f"/contacts({contact['contactid']})"}
        given = {"name": "With somebody", "customerid_account@odata.bind": f"/accounts({account})", **bind}
        (row,) = world.dataverse.data_write("opportunities", [given])
        await world.run("opportunity")
        assert set((await world.record("opportunity", OTHER, row["opportunityid"])).held) == {"contact"}
        await world.initialize("contact")
        await world.settle()
        (partner,) = [each for each in world.sap.data_rows("BusinessPartners") if each["CardCode"] == "C00001"]
        (person,) = [each for each in partner["ContactEmployees"] if each.get("LastName") == "Late"]
        assert in_sap(world, row["opportunityid"])["ContactPerson"] == person["InternalCode"]
