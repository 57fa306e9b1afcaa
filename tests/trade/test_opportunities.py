"""Opportunities of linked accounts: entered in SAP once, followed through their stages, won and lost."""

from __future__ import annotations

from typing import Any

from shared.ports import SideName
from tests.trade.sales import one, sap_rows
from tests.trade.world import Row, Trade, trade

SAP, OTHER = SideName.SAP, SideName.OTHER
STAGES = {"1": "1-Qualify", "2": "2-Develop", "3": "3-Propose"}
BACK = {"opportunityNumberColumn": "new_sapnumber", "opportunityStatusColumn": "new_sapstatus"}


def twin(world: Trade, key: str) -> Row:
    """The one SAP opportunity of an opportunity."""
    (row,) = sap_rows(world, "SalesOpportunities", U_HubRef=f"dynamics:{key}")
    return row


def opportunity(world: Trade, key: str) -> Row:
    return one(world, "opportunities", opportunityid=key)


def stages(row: Row) -> list[tuple[int, Any]]:
    return [(line["StageKey"], line["Status"]) for line in row["SalesOpportunitiesLines"]]


def close(world: Trade, key: str, message: str, status: int) -> None:
    """A user of Dynamics wins or loses it."""
    bind = {"subject": message, "opportunityid@odata.bind": f"/opportunities({key})"}
    world.dataverse.act(message, {"Status": status, "OpportunityClose": bind})


async def new_opportunity(world: Trade, **columns: Any) -> str:
    """A linked customer, and an opportunity for it that is in SAP; its id."""
    await world.mark_customers("C00001")
    await world.initialize("account")
    await world.initialize("contact")
    account = world.account_of("C00001")["accountid"]
    given = {
        "name": "A large order",
        "customerid_account@odata.bind": f"/accounts({account})",
        "estimatedvalue": 1500,
        "estimatedclosedate": "2026-12-31",
        "description": "They need it soon",
        "stepname": "1-Qualify",
        "closeprobability": 20,
        **columns,
    }
    (row,) = world.dataverse.data_write("opportunities", [given])
    await world.run("opportunity")
    return str(row["opportunityid"])


async def test_an_opportunity_is_entered_in_sap_once_and_its_number_flows_back(azurite: str) -> None:
    async with trade(azurite, opportunityStages=STAGES, **BACK) as world:
        key = await new_opportunity(world)
        row = twin(world, key)
        assert (row["CardCode"], row["OpportunityName"], row["MaxLocalTotal"]) == ("C00001", "A large order", 1500)
        assert (row["PredictedClosingDate"][:10], row["Remarks"]) == ("2026-12-31", "They need it soon")
        assert [(line["StageKey"], line["PercentageRate"]) for line in row["SalesOpportunitiesLines"]] == [(1, 20)]
        told = opportunity(world, key)
        assert (told["new_sapnumber"], told["new_sapstatus"]) == (str(row["SequentialNo"]), "open")
        world.forget_writes()
        for mode in ("delta", "delta", "full"):
            await world.run("opportunity", mode)
        assert world.writes() == {}


async def test_another_stage_is_another_row_and_another_probability_is_none(azurite: str) -> None:
    async with trade(azurite, opportunityStages=STAGES) as world:
        key = await new_opportunity(world)
        world.dataverse.data_write("opportunities", [{"opportunityid": key, "closeprobability": 30}])
        await world.run("opportunity")
        assert stages(twin(world, key)) == [(1, "so_Open")]
        world.dataverse.data_write(
            "opportunities", [{"opportunityid": key, "stepname": "3-Propose", "closeprobability": 60}]
        )
        await world.run("opportunity")
        row = twin(world, key)
        assert stages(row) == [(1, "so_Closed"), (3, "so_Open")]
        assert row["SalesOpportunitiesLines"][-1]["PercentageRate"] == 60
        world.dataverse.data_write("opportunities", [{"opportunityid": key, "stepname": "9-Unknown"}])
        await world.run("opportunity")
        assert stages(twin(world, key)) == stages(row)
        assert set((await world.record("opportunity", OTHER, key)).held) == {"stage"}


async def test_won_and_lost_close_it_with_its_reason_after_the_last_change(azurite: str) -> None:
    async with trade(azurite, opportunityReasons={"5": 2}) as world:
        key = await new_opportunity(world)
        world.dataverse.data_write("opportunities", [{"opportunityid": key, "name": "A larger order"}])
        close(world, key, "LoseOpportunity", 5)
        await world.run("opportunity")
        row = twin(world, key)
        assert (row["Status"], row["OpportunityName"], row["ReasonForClosing"]) == ("sos_Missed", "A larger order", 2)
        world.dataverse.data_write("opportunities", [{"opportunityid": key, "statecode": 0, "statuscode": 1}])
        world.dataverse.data_write("opportunities", [{"opportunityid": key, "name": "The largest order"}])
        run = await world.run("opportunity")
        row = twin(world, key)
        assert (row["Status"], row["OpportunityName"]) == ("sos_Open", "The largest order"), run
        close(world, key, "WinOpportunity", 3)
        await world.run("opportunity")
        assert twin(world, key)["Status"] == "sos_Sold"
        world.forget_writes()
        for mode in ("delta", "full"):
            await world.run("opportunity", mode)
        assert world.writes() == {}


async def test_one_that_was_won_before_it_came_comes_as_won(azurite: str) -> None:
    async with trade(azurite) as world:
        await new_opportunity(world)
        account = world.account_of("C00001")["accountid"]
        given = {"name": "Quick", "customerid_account@odata.bind": f"/accounts({account})"}
        (row,) = world.dataverse.data_write("opportunities", [given])
        close(world, row["opportunityid"], "WinOpportunity", 3)
        await world.run("opportunity")
        assert twin(world, row["opportunityid"])["Status"] == "sos_Sold"


async def test_edits_in_sap_flow_back_only_if_the_settings_say_so(azurite: str) -> None:
    async with trade(azurite, opportunityDirection="both", opportunityStages=STAGES) as world:
        key = await new_opportunity(world)
        number = twin(world, key)["SequentialNo"]
        world.sap.data_write("SalesOpportunities", [{"SequentialNo": number, "OpportunityName": "Renamed"}])
        await world.run("opportunity")
        assert opportunity(world, key)["name"] == "Renamed"
        world.sap.data_write("SalesOpportunities", [{"SequentialNo": number, "Status": "sos_Sold"}])
        await world.run("opportunity")
        assert opportunity(world, key)["statecode"] == 1
        await world.save_settings(opportunityDirection="in")
        world.sap.data_write("SalesOpportunities", [{"SequentialNo": number, "Status": "sos_Open"}])
        world.sap.data_write("SalesOpportunities", [{"SequentialNo": number, "OpportunityName": "Only in SAP"}])
        await world.run("opportunity")
        assert (opportunity(world, key)["name"], opportunity(world, key)["statecode"]) == ("Renamed", 1)


async def test_an_amount_in_a_foreign_currency_is_held_by_name(azurite: str) -> None:
    async with trade(azurite) as world:
        usd = world.dataverse.org.currency_id("USD")
        key = await new_opportunity(world, **{"transactioncurrencyid@odata.bind": f"/transactioncurrencies({usd})"})
        record = await world.record("opportunity", OTHER, key)
        assert twin(world, key)["MaxLocalTotal"] == 0
        assert set(record.held) == {"amount"}
        assert "currency" in record.held["amount"]


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
        (person,) = [
            each
            for each in sap_rows(world, "BusinessPartners", CardCode="C00001")[0]["ContactEmployees"]
            if each.get("LastName") == "Late"
        ]
        assert twin(world, row["opportunityid"])["ContactPerson"] == person["InternalCode"]


async def test_products_stand_in_the_remarks_unless_the_settings_leave_them_out(azurite: str) -> None:
    async with trade(azurite) as world:
        key = await new_opportunity(world)
        line = {
            "opportunityid@odata.bind": f"/opportunities({key})",
            "isproductoverridden": True,
            "productdescription": "Engraving",
            "quantity": 2,
            "priceperunit": 9.5,
        }
        world.dataverse.data_write("opportunityproducts", [line])
        await world.run("opportunity")
        assert twin(world, key)["Remarks"] == "They need it soon\n2 x Engraving at 9.5 = 19"
        await world.save_settings(opportunityProducts="none")
        await world.run("opportunity")
        assert twin(world, key)["Remarks"] == "They need it soon"
