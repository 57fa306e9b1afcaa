"""Custom fields between the hub, its clients and both simulators: checked when saved, then fields like any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.simulators.dataverse.dispatch import dispatch
from local.simulators.dataverse.wire import Call
from shared.ports import SideName
from shared.sync.configure import InvalidSettings
from tests.trade.world import Row, Trade, trade

SAP, OTHER = SideName.SAP, SideName.OTHER
REGION = {"object": "account", "sap": "U_Region", "dynamics": "new_region"}
LIMIT = {"object": "account", "sap": "U_Limit", "dynamics": "new_limit"}
SINCE = {"object": "account", "sap": "U_Since", "dynamics": "new_since"}
LOYAL = {"object": "account", "sap": "U_Loyal", "dynamics": "new_loyal"}
TIER = {"object": "account", "sap": "U_Tier", "dynamics": "new_tier", "values": {"G": 1, "S": 2}}
NAME = "U_Region/new_region"
ALL = [REGION, LIMIT, SINCE, LOYAL, TIER]


def add_to_sap(world: Trade, name: str, kind: str, **more: Any) -> None:
    """An admin of SAP adds a user field to business partners."""
    world.sap.data_write("UserFieldsMD", [{"TableName": "OCRD", "Name": name, "Type": kind, **more}])


def add_to_dynamics(world: Trade, name: str, kind: str, **more: Any) -> None:
    """An admin of Dynamics adds a column to accounts."""
    body = {"@odata.type": f"Microsoft.Dynamics.CRM.{kind}AttributeMetadata", "SchemaName": name, **more}
    target = "EntityDefinitions(LogicalName='account')/Attributes"
    answer = dispatch(world.dataverse.org, Call("POST", target, "", body=json.dumps(body).encode()))
    assert answer.status == 204, answer.body


def add_columns(world: Trade) -> None:
    values = [{"Value": each, "Description": each} for each in ("Y", "N")]
    add_to_sap(world, "Region", "db_Alpha", Size=20)
    add_to_sap(world, "Limit", "db_Float", SubType="st_Sum")
    add_to_sap(world, "Since", "db_Date")
    add_to_sap(world, "Loyal", "db_Alpha", Size=1, ValidValuesMD=values)
    add_to_sap(world, "Tier", "db_Alpha", Size=1)
    add_to_dynamics(world, "new_region", "String", MaxLength=10)
    add_to_dynamics(world, "new_limit", "Decimal", Precision=2)
    add_to_dynamics(world, "new_since", "DateTime", DateTimeBehavior={"Value": "DateOnly"})
    add_to_dynamics(world, "new_loyal", "Boolean")
    add_to_dynamics(world, "new_tier", "Picklist", OptionSet={"Options": [{"Value": 1}, {"Value": 2}]})


def partner(world: Trade) -> Row:
    return next(row for row in world.sap.data_rows("BusinessPartners") if row["CardCode"] == "C00001")


async def linked(world: Trade) -> None:
    await world.mark_customers("C00001")
    assert (await world.initialize("account")).status == "succeeded"


async def refusals(world: Trade, *custom: Row) -> list[str]:
    with pytest.raises(InvalidSettings) as refused:
        await world.save_settings(customFields=list(custom))
    return [problem.text for problem in refused.value.problems]


async def test_values_of_every_kind_travel_both_ways_and_merge_with_the_other_fields(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        await world.save_settings(customFields=ALL)
        ours = {"U_Region": "North", "U_Limit": 12.5, "U_Since": "2026-02-03", "U_Loyal": "Y", "U_Tier": "S"}
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", **ours}])
        await linked(world)
        account = world.account_of("C00001")
        shown = {name: account[name] for name in ("new_region", "new_since", "new_loyal", "new_tier")}
        assert shown == {"new_region": "North", "new_since": "2026-02-03", "new_loyal": True, "new_tier": 2}
        assert float(account["new_limit"]) == 12.5
        changes = {"new_region": "South", "new_tier": 1, "new_loyal": False}
        world.dataverse.data_write("accounts", [{"accountid": account["accountid"], **changes}])
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "U_Limit": 99.95, "Phone1": "040 1"}])
        await world.run("account")
        assert [partner(world)[name] for name in ("U_Region", "U_Tier", "U_Loyal")] == ["South", "G", "N"]
        account = world.account_of("C00001")
        assert (float(account["new_limit"]), account["telephone1"]) == (99.95, "040 1")
        world.forget_writes()
        for mode in ("delta", "delta", "full"):
            await world.run("account", mode)
        assert world.writes() == {}


async def test_what_the_other_side_cannot_hold_is_held_by_name_and_explained(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        await world.save_settings(customFields=ALL)
        await linked(world)
        changes = {"U_Region": "Much too long for it", "U_Tier": "X"}
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", **changes, "Fax": "040 2"}])
        await world.run("account")
        told = await world.explain("account", SAP, "C00001")
        assert set(told["held"]) == {NAME, "U_Tier/new_tier"}
        assert "10 characters" in told["held"][NAME]
        assert world.account_of("C00001")["fax"] == "040 2"


async def test_directions_and_rules_are_those_of_any_field_and_removing_the_row_stops_it(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        rules = {"account.U_Limit/new_limit": "other_wins"}
        await world.save_settings(customFields=[{**REGION, "direction": "in"}, LIMIT], fieldRules=rules)
        await linked(world)
        key = world.account_of("C00001")["accountid"]
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "U_Region": "Only here", "U_Limit": 1}])
        await world.run("account")
        assert world.account_of("C00001").get("new_region") is None
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "U_Limit": 2}])
        world.dataverse.data_write("accounts", [{"accountid": key, "new_limit": 3}])
        await world.run("account")
        assert (await world.record("account", SAP, "C00001")).ruled == {"U_Limit/new_limit": "other"}
        assert partner(world)["U_Limit"] == 3
        await world.save_settings(customFields=[], fieldRules={})
        world.dataverse.data_write("accounts", [{"accountid": key, "new_limit": 4, "fax": "040 3"}])
        await world.run("account")
        assert (partner(world)["U_Limit"], partner(world)["Fax"]) == (3, "040 3")


async def test_pairs_are_checked_against_both_sides_when_they_are_saved(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        add_to_dynamics(world, "new_exact", "Decimal", Precision=4)
        add_to_dynamics(world, "new_moment", "DateTime", DateTimeBehavior={"Value": "UserLocal"})
        wrong = [
            {**REGION, "dynamics": "new_limit"},
            {**LIMIT, "dynamics": "new_exact"},
            {**SINCE, "dynamics": "new_moment"},
            {**LOYAL, "dynamics": "new_region"},
            {**TIER, "values": {"G": 7}},
            {"object": "account", "sap": "U_Missing", "dynamics": "new_missing"},
            {"object": "supplier", "sap": "U_Region", "dynamics": "new_other"},
        ]
        texts = await refusals(world, *wrong)
        said = [
            "holds text, Dynamics' column decimal numbers",
            "has 2 decimals, Dynamics' column 4",
            "DateTime (UserLocal)",
            "needs the valid values Y and N",
            "its values are not among",
            "there is no column U_Missing; create it in SAP",
            "there is no object supplier",
        ]
        for part in said:
            assert sum(part in text for text in texts) == 1, (part, texts)
        (text,) = await refusals(world, REGION, {**REGION, "dynamics": "new_other"})
        assert "paired twice" in text


async def test_a_column_that_is_gone_later_is_held_by_name_and_never_read_as_empty(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        await world.save_settings(customFields=[REGION])
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "U_Region": "North"}])
        await linked(world)
        (field,) = [row for row in world.sap.data_rows("UserFieldsMD") if row["Name"] == "Region"]
        del world.sap.store.tables["UserFieldsMD"].rows["OCRD", field["FieldID"]]
        world.sap.company.forget_user_fields()
        world.hub.forget_lists("dynamics")
        key = world.account_of("C00001")["accountid"]
        world.dataverse.data_write("accounts", [{"accountid": key, "fax": "040 9"}])
        run = await world.run("account")
        assert (run.status, world.account_of("C00001")["new_region"]) == ("succeeded", "North"), run
        assert partner(world)["Fax"] == "040 9"
        held = (await world.record("account", SAP, "C00001")).held
        assert "there is no column U_Region; create it in SAP" in held[NAME]


async def test_another_column_is_another_field_and_never_empties_sap(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        add_to_dynamics(world, "new_area", "String", MaxLength=20)
        await world.save_settings(customFields=[REGION])
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00001", "U_Region": "North"}])
        await linked(world)
        await world.save_settings(customFields=[{**REGION, "dynamics": "new_area"}])
        await world.run("account")
        assert partner(world)["U_Region"] == "North"
        assert [world.account_of("C00001")[name] for name in ("new_region", "new_area")] == ["North", "North"]


async def test_values_off_saps_list_are_held_and_money_needs_decimals_of_its_own(azurite: str) -> None:
    async with trade(azurite) as world:
        add_columns(world)
        add_to_sap(world, "Class", "db_Alpha", Size=3, ValidValuesMD=[{"Value": "A"}, {"Value": "B"}])
        add_to_dynamics(world, "new_class", "String", MaxLength=3)
        (text,) = await refusals(world, {**LIMIT, "dynamics": "creditlimit_base"})
        assert "without decimals of its own" in text or "computes" in text
        await world.save_settings(customFields=[{"object": "account", "sap": "U_Class", "dynamics": "new_class"}])
        await linked(world)
        key = world.account_of("C00001")["accountid"]
        world.dataverse.data_write("accounts", [{"accountid": key, "new_class": "C", "fax": "040 5"}])
        await world.run("account")
        assert partner(world)["Fax"] == "040 5"
        assert "valid values" in (await world.record("account", SAP, "C00001")).held["U_Class/new_class"]
