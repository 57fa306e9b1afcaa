"""Leads, both ways, until they are customers: one partner, one account, one contact, whoever acts first."""

from __future__ import annotations

from shared.ports import SideName
from tests.trade.sales import COMPANY, new_lead, one, qualify, rows_of, sap_rows
from tests.trade.world import Trade, trade

SAP, OTHER = SideName.SAP, SideName.OTHER


async def open_leads(world: Trade) -> None:
    """Leads, accounts and contacts are initialized; a few customers take part."""
    await world.mark_customers("C00001")
    for name in ("lead", "account", "contact"):
        assert (await world.initialize(name)).status == "succeeded"


async def round_of(world: Trade, *names: str) -> None:
    """One run of each object."""
    for name in names or ("lead", "account", "contact"):
        await world.run(name)


async def test_a_lead_of_dynamics_is_a_lead_in_sap_with_its_person_and_stays_in_step(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_leads(world)
        key = new_lead(world)
        await world.run("lead")
        (partner,) = sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")
        assert (partner["CardType"], partner["CardName"]) == ("cLid", "Lead Works")
        assert partner["CardCode"].startswith("LN")
        assert (partner["Notes"], partner["Phone1"]) == ("Wants brackets", "040 555")
        (person,) = partner["ContactEmployees"]
        assert (person["Name"], person["Position"]) == ("Lin Lead", "Buyer")
        (address,) = partner["BPAddresses"]
        assert (address["City"], address["Country"]) == ("Hamburg", "DE")
        world.sap.data_write("BusinessPartners", [{"CardCode": partner["CardCode"], "Phone1": "040 777"}])
        world.dataverse.data_write("leads", [{"leadid": key, "jobtitle": "Head of buying"}])
        await world.run("lead")
        assert one(world, "leads", leadid=key)["telephone1"] == "040 777"
        (partner,) = sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")
        assert [each["Position"] for each in partner["ContactEmployees"]] == ["Head of buying"]
        world.forget_writes()
        for _ in range(3):
            await round_of(world)
        await world.run("lead", "full")
        assert world.writes() == {}


async def test_a_qualified_lead_becomes_the_same_partner_turned_customer_with_one_contact(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_leads(world)
        before = len(sap_rows(world, "BusinessPartners"))
        key = new_lead(world)
        await round_of(world)
        qualify(world, key)
        await round_of(world)
        (partner,) = sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")
        assert partner["CardType"] == "cCustomer"
        assert len(sap_rows(world, "BusinessPartners")) == before + 1
        account = one(world, "accounts", _originatingleadid_value=key)
        record = await world.record("account", OTHER, account["accountid"])
        assert record.keys[SAP] == partner["CardCode"]
        account = one(world, "accounts", accountid=account["accountid"])
        assert (account["accountnumber"], account["customertypecode"]) == (partner["CardCode"], 3)
        (person,) = partner["ContactEmployees"]
        contact = one(world, "contacts", _originatingleadid_value=key)
        linked = await world.record("contact", OTHER, contact["contactid"])
        assert linked.keys[SAP] == f"{partner['CardCode']}/{person['InternalCode']}"
        await round_of(world)
        world.forget_writes()
        for _ in range(3):
            await round_of(world)
        assert world.writes() == {}


async def test_the_account_may_come_before_its_lead_is_looked_at_again(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_leads(world)
        key = new_lead(world)
        await world.run("lead")
        qualify(world, key)
        await round_of(world, "account", "contact", "lead", "account", "contact")
        (partner,) = sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")
        assert partner["CardType"] == "cCustomer"
        account = one(world, "accounts", _originatingleadid_value=key)
        assert (await world.record("account", OTHER, account["accountid"])).keys[SAP] == partner["CardCode"]
        assert account["accountnumber"] == partner["CardCode"]


async def test_a_lead_that_was_qualified_before_it_reached_sap_only_comes_as_a_customer(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_leads(world)
        before = len(sap_rows(world, "BusinessPartners"))
        key = new_lead(world)
        qualify(world, key)
        for _ in range(2):
            await round_of(world)
        assert len(sap_rows(world, "BusinessPartners")) == before + 1
        (partner,) = [p for p in sap_rows(world, "BusinessPartners") if p["CardName"] == COMPANY["companyname"]]
        assert partner["CardType"] == "cCustomer"
        assert len(partner["ContactEmployees"]) == 1


async def test_a_lead_marked_in_sap_that_becomes_a_customer_there_is_qualified_in_dynamics(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_leads(world)
        lead = {"CardCode": "L90001", "CardName": "From SAP", "CardType": "cLid"}
        person = {"Name": "Sam Person", "FirstName": "Sam", "LastName": "Person"}
        world.sap.data_write("BusinessPartners", [{**lead, "ContactEmployees": [person]}])
        await world.mark("leads", ["L90001"], {})
        await world.run("lead")
        row = one(world, "leads", companyname="From SAP")
        assert (row["lastname"], row["statecode"]) == ("Person", 0)
        world.sap.data_write("BusinessPartners", [{"CardCode": "L90001", "CardType": "cCustomer"}])
        await round_of(world)
        await round_of(world)
        assert one(world, "leads", leadid=row["leadid"])["statecode"] == 1
        account = one(world, "accounts", _originatingleadid_value=row["leadid"])
        assert (await world.record("account", OTHER, account["accountid"])).keys[SAP] == "L90001"
        assert len(rows_of(world, "contacts", _originatingleadid_value=row["leadid"])) == 1
        assert len(sap_rows(world, "BusinessPartners", CardCode="L90001")[0]["ContactEmployees"]) == 1


async def test_such_a_lead_is_only_reported_if_the_settings_say_so(azurite: str) -> None:
    async with trade(azurite, convertedLeads="report") as world:
        await open_leads(world)
        world.sap.data_write("BusinessPartners", [{"CardCode": "L90001", "CardName": "From SAP", "CardType": "cLid"}])
        await world.mark("leads", ["L90001"], {})
        await world.run("lead")
        world.sap.data_write("BusinessPartners", [{"CardCode": "L90001", "CardType": "cCustomer"}])
        run = await world.run("lead")
        assert run.counts.get("conflict") == 1, run
        assert one(world, "leads", companyname="From SAP")["statecode"] == 0


async def test_disqualified_is_inactive_both_ways(azurite: str) -> None:
    async with trade(azurite) as world:
        await open_leads(world)
        key = new_lead(world)
        await world.run("lead")
        (partner,) = sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")
        world.dataverse.data_write("leads", [{"leadid": key, "statecode": 2, "statuscode": 5}])
        await world.run("lead")
        assert sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")[0]["Frozen"] == "tYES"
        world.sap.data_write("BusinessPartners", [{"CardCode": partner["CardCode"], "Frozen": "tNO"}])
        await world.run("lead")
        assert one(world, "leads", leadid=key)["statecode"] == 0
        world.sap.data_write("BusinessPartners", [{"CardCode": partner["CardCode"], "Frozen": "tYES"}])
        await world.run("lead")
        row = one(world, "leads", leadid=key)
        assert (row["statecode"], row["statuscode"]) == (2, 4)


async def test_ratings_and_sources_travel_by_their_mappings(azurite: str) -> None:
    async with trade(azurite, leadSources={"11": 7, "12": 8}) as world:
        await open_leads(world)
        key = new_lead(world, leadsourcecode=7)
        await world.run("lead")
        (partner,) = sap_rows(world, "BusinessPartners", U_HubRef=f"dynamics:{key}")
        assert [partner.get(f"Properties{number}") == "tYES" for number in (11, 12)] == [True, False]
        flags = {"Properties11": "tNO", "Properties12": "tYES"}
        world.sap.data_write("BusinessPartners", [{"CardCode": partner["CardCode"], **flags}])
        await world.run("lead")
        assert one(world, "leads", leadid=key)["leadsourcecode"] == 8
