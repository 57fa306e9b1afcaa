"""Contacts of linked accounts, both ways: between the hub, its clients and both simulators."""

from __future__ import annotations

from typing import Any

from shared.ports import SideName
from tests.trade.world import ACCOUNT_TYPE, Row, Trade, trade

SAP, OTHER = SideName.SAP, SideName.OTHER


def contacts_of(world: Trade, code: str) -> list[Row]:
    """The contacts of a customer's account."""
    account = world.account_of(code)["accountid"]
    return [each for each in world.dataverse.data_rows("contacts") if each["_parentcustomerid_value"] == account]


def contact(world: Trade, mail: str) -> Row:
    """The one contact with that e-mail address."""
    (row,) = [each for each in world.dataverse.data_rows("contacts") if each["emailaddress1"] == mail]
    return row


def partner(world: Trade, code: str) -> Row:
    (row,) = [each for each in world.sap.data_rows("BusinessPartners") if each["CardCode"] == code]
    return row


def person(world: Trade, code: str, mail: str) -> Row:
    """The one contact person of a customer with that e-mail address."""
    (row,) = [each for each in partner(world, code)["ContactEmployees"] if each.get("E_Mail") == mail]
    return row


def write_persons(world: Trade, code: str, *persons: Row, **columns: Any) -> None:
    """A user of SAP writes contact persons; those without a number are new."""
    known = [{"InternalCode": row["InternalCode"]} for row in partner(world, code)["ContactEmployees"]]
    given = [*known, *persons] if any("InternalCode" not in each for each in persons) else list(persons)
    world.sap.data_write("BusinessPartners", [{"CardCode": code, "ContactEmployees": given, **columns}])


def write_contact(world: Trade, code: str, **columns: Any) -> str:
    """A user of Dynamics adds a contact to a customer's account; its id."""
    parent = {"parentcustomerid_account@odata.bind": f"/accounts({world.account_of(code)['accountid']})"}
    (row,) = world.dataverse.data_write("contacts", [{**parent, **columns}])
    return str(row["contactid"])


def ada(**columns: Any) -> Row:
    return {"Name": "Ada Example", "FirstName": "Ada", "LastName": "Example", "E_Mail": "ada@example.test", **columns}


def written_in_sap(world: Trade) -> int:
    """How often a partner was written in SAP since the counting began."""
    return sum(world.sap.control.writes.values())


async def with_contacts(world: Trade, *codes: str) -> None:
    """These customers are linked, and their contacts."""
    await world.mark_customers(*codes)
    assert (await world.initialize("account")).status == "succeeded"
    assert (await world.initialize("contact")).status == "succeeded"


async def test_contacts_of_linked_customers_come_to_dynamics_once_and_stay_quiet(azurite: str) -> None:
    async with trade(azurite) as world:
        write_persons(world, "C00001", ada())
        await with_contacts(world, "C00001", "C00002")
        row = contact(world, "ada@example.test")
        assert (row["firstname"], row["lastname"], row["statecode"]) == ("Ada", "Example", 0)
        key = f"C00001/{person(world, 'C00001', 'ada@example.test')['InternalCode']}"
        told = await world.explain("contact", SAP, key)
        assert told["sides"]["other"]["key"] == row["contactid"], told
        for code in ("C00001", "C00002"):
            assert len(contacts_of(world, code)) == len(partner(world, code)["ContactEmployees"])
        assert len(world.dataverse.data_rows("contacts")) == sum(
            len(partner(world, code)["ContactEmployees"]) for code in ("C00001", "C00002")
        )
        for name in ("account", "contact", "account", "contact"):
            await world.run(name)
        world.forget_writes()
        for _ in range(3):
            await world.run("account")
            await world.run("contact")
        await world.run("contact", "full")
        assert world.writes() == {}


async def test_a_contact_made_in_dynamics_becomes_a_person_of_its_customer(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_contacts(world, "C00001")
        before = len(partner(world, "C00001")["ContactEmployees"])
        key = write_contact(
            world, "C00001", firstname="Bo", lastname="Sample", emailaddress1="bo@example.test", jobtitle="Buyer"
        )
        run = await world.run("contact")
        assert run.counts.get("created") == 1, run
        made = person(world, "C00001", "bo@example.test")
        assert (made["Name"], made["FirstName"], made["Position"]) == ("Bo Sample", "Bo", "Buyer")
        assert made["U_HubRef"] == f"dynamics:{key}"
        assert len(partner(world, "C00001")["ContactEmployees"]) == before + 1
        world.forget_writes()
        await world.run("contact", "full")
        assert world.writes() == {}


async def test_several_contacts_of_one_customer_travel_in_one_write(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_contacts(world, "C00001")
        for number in range(4):
            write_contact(world, "C00001", lastname=f"New {number}", emailaddress1=f"new{number}@example.test")
        world.forget_writes()
        await world.run("contact")
        assert written_in_sap(world) == 1
        rows = [each for each in world.dataverse.data_rows("contacts") if each["lastname"].startswith("New ")]
        for row in rows:
            world.dataverse.data_write("contacts", [{"contactid": row["contactid"], "mobilephone": "0170 1"}])
        world.forget_writes()
        await world.run("contact")
        assert written_in_sap(world) == sum(world.writes().values()) == 1
        for number in range(4):
            assert person(world, "C00001", f"new{number}@example.test")["MobilePhone"] == "0170 1"


async def test_edits_on_both_sides_merge_and_inactive_follows(azurite: str) -> None:
    async with trade(azurite) as world:
        write_persons(world, "C00001", ada())
        await with_contacts(world, "C00001")
        number = person(world, "C00001", "ada@example.test")["InternalCode"]
        key = contact(world, "ada@example.test")["contactid"]
        write_persons(world, "C00001", {"InternalCode": number, "Phone1": "040 123", "Active": "tNO"})
        world.dataverse.data_write("contacts", [{"contactid": key, "jobtitle": "Head of buying"}])
        await world.run("contact")
        row, twin = contact(world, "ada@example.test"), person(world, "C00001", "ada@example.test")
        assert (row["telephone1"], row["statecode"], row["jobtitle"]) == ("040 123", 1, "Head of buying")
        assert twin["Position"] == "Head of buying"
        world.dataverse.data_write("contacts", [{"contactid": key, "statecode": 0, "statuscode": 1}])
        await world.run("contact")
        assert person(world, "C00001", "ada@example.test")["Active"] == "tYES"


async def test_the_main_contact_is_the_primary_contact(azurite: str) -> None:
    async with trade(azurite) as world:
        write_persons(world, "C00001", ada(), ContactPerson="Ada Example")
        await with_contacts(world, "C00001")
        assert world.account_of("C00001")["_primarycontactid_value"] == contact(world, "ada@example.test")["contactid"]
        key = write_contact(world, "C00001", firstname="Bo", lastname="Sample", emailaddress1="bo@example.test")
        account = world.account_of("C00001")["accountid"]
        world.dataverse.data_write(
            "accounts", [{"accountid": account, "primarycontactid@odata.bind": f"/contacts({key})"}]
        )
        await world.run("contact")
        assert partner(world, "C00001")["ContactPerson"] == "Bo Sample"
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "ContactPerson": "Ada Example"}])
        await world.run("contact")
        assert world.account_of("C00001")["_primarycontactid_value"] == contact(world, "ada@example.test")["contactid"]
        world.forget_writes()
        for name in ("contact", "account", "contact"):
            await world.run(name)
        assert world.writes() == {}


async def test_a_contact_whose_account_takes_no_part_is_parked_and_comes_with_it(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_contacts(world, "C00001")
        write_persons(world, "C00003", ada())
        (account,) = world.dataverse.data_write("accounts", [{"name": "Elsewhere"}])
        bind = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
        (guest,) = world.dataverse.data_write(
            "contacts", [{**bind, "lastname": "Guest", "emailaddress1": "g@example.test"}]
        )
        run = await world.run("contact")
        assert run.counts["parked"] >= 2, run
        told = await world.explain("contact", OTHER, guest["contactid"])
        assert told["parkedOn"] == [{"object": "account", "side": "other", "key": account["accountid"]}]
        assert "account" in told["summary"]
        await world.mark_customers("C00003")
        world.dataverse.data_write("accounts", [{"accountid": account["accountid"], "customertypecode": ACCOUNT_TYPE}])
        await world.run("account")
        await world.settle()
        assert contact(world, "ada@example.test")["_parentcustomerid_value"] == world.account_of("C00003")["accountid"]
        code = (await world.record("account", OTHER, account["accountid"])).keys[SAP]
        assert person(world, code, "g@example.test")["LastName"] == "Guest"


async def test_contacts_that_never_changed_come_when_their_customer_is_marked_later(azurite: str) -> None:
    async with trade(azurite) as world:
        write_persons(world, "C00003", ada())
        await with_contacts(world, "C00001")
        await world.run("contact")
        await world.mark_customers("C00003")
        await world.run("account")
        await world.run("contact")
        assert contact(world, "ada@example.test")["_parentcustomerid_value"] == world.account_of("C00003")["accountid"]


async def test_a_contact_that_moves_to_another_account_is_reported(azurite: str) -> None:
    async with trade(azurite) as world:
        write_persons(world, "C00001", ada())
        await with_contacts(world, "C00001", "C00002")
        key = contact(world, "ada@example.test")["contactid"]
        other = world.account_of("C00002")["accountid"]
        world.dataverse.data_write(
            "contacts", [{"contactid": key, "parentcustomerid_account@odata.bind": f"/accounts({other})"}]
        )
        run = await world.run("contact")
        assert run.counts.get("conflict") == 1, run
        failure = (await world.record("contact", OTHER, key)).failure
        assert failure is not None
        assert failure.fields == ("account",)
        assert "another account" in failure.reason
        assert (
            len([p for p in partner(world, "C00002")["ContactEmployees"] if p.get("E_Mail") == "ada@example.test"]) == 0
        )


async def test_contacts_are_recognised_within_their_account_by_what_the_settings_name(azurite: str) -> None:
    async with trade(azurite, matchFurther=["email"]) as world:
        write_persons(world, "C00001", ada())
        write_persons(world, "C00002", ada())
        await world.mark_customers("C00001", "C00002")
        await world.initialize("account")
        key = write_contact(world, "C00001", firstname="A.", lastname="Example", emailaddress1="ADA@example.test")
        assert (await world.initialize("contact")).status == "succeeded"
        number = person(world, "C00001", "ada@example.test")["InternalCode"]
        record = await world.record("contact", OTHER, key)
        assert record.keys[SAP] == f"C00001/{number}"
        assert len(contacts_of(world, "C00002")) == len(partner(world, "C00002")["ContactEmployees"])
