"""Items become products with their prices; what changes without a stamp travels with a sweep."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest

from local.sample_company.sales_catalog import PRICE_LISTS
from shared.ports import SideName
from shared.sync import configure
from tests.trade.world import CUT_CONNECTIONS, SETTINGS, SHORTER_TIMES, TEMPLATE, Trade, trade

SAP = SideName.SAP
MARKED = ("I00001", "I00003", "I00009", "I00012")


def expected_prices(world: Trade, code: str) -> dict[str, Decimal]:
    """By the name of the price list, rounded to cents."""
    rows = {row["PriceList"]: Decimal(str(row["Price"])) for row in world.item(code)["ItemPrices"]}
    cent = Decimal("0.01")
    return {name: rows[n].quantize(cent, ROUND_HALF_UP) for n, (name, _) in enumerate(PRICE_LISTS, 1) if rows[n]}


def edit_price(world: Trade, code: str, price: float) -> None:
    """In SAP's price list window: neither stamp nor version moves."""
    before = world.item(code)
    world.sap.data_write("Items", [{"ItemCode": code, "ItemPrices": [{"PriceList": 1, "Price": price}]}])
    after = world.item(code)
    assert [after.get(name) for name in ("UpdateDate", "UpdateTime", "DataVersion")] == [
        before.get(name) for name in ("UpdateDate", "UpdateTime", "DataVersion")
    ]


async def with_products(world: Trade) -> None:
    await world.mark_items(*MARKED)
    run = await world.initialize("product")
    assert (run.status, run.counts) == ("succeeded", {"created": len(MARKED)})


async def test_marked_items_are_published_products_with_their_units_and_prices(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_products(world)
        assert len(world.dataverse.data_rows("products")) == len(MARKED)
        units = {row["uomid"]: row["name"] for row in world.dataverse.data_rows("uoms")}
        for code in MARKED:
            product, item = world.product_of(code), world.item(code)
            assert (product["statecode"], product["name"]) == (0, item["ItemName"].strip())
            assert world.prices_of(code) == expected_prices(world, code)
            unit = "Piece" if item["UoMGroupEntry"] == 1 else "Primary Unit"
            assert (units[product["_defaultuomid_value"]], product["quantitydecimal"]) == (unit, 3)


async def test_a_price_edit_alone_travels_with_the_next_sweep_and_an_idle_sweep_writes_nothing(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_products(world)
        edit_price(world, "I00003", 12.345)
        world.forget_writes()
        await world.run("product")
        assert world.writes() == {}, "a run that reads stamps cannot see it"
        run = await world.run("product", "sweep")
        assert run.counts == {"updated": 1, "unchanged": len(MARKED) - 1}
        assert world.writes() == {"productpricelevels update": 3}  # two price lists follow the first by a factor
        assert world.prices_of("I00003") == expected_prices(world, "I00003")
        world.forget_writes()
        reads = world.dataverse.control.stats()["total"]
        again = await world.run("product", "sweep")
        assert (again.counts, world.writes()) == ({"unchanged": len(MARKED)}, {})
        assert world.dataverse.control.stats()["total"] == reads, "nothing moved, so the other side is not read"


async def test_a_price_that_goes_is_removed_and_one_that_comes_is_added(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_products(world)
        edit_price(world, "I00001", 0)
        world.sap.data_write("PriceLists", [{"PriceListNo": 2, "Factor": 2.0}])
        await world.run("product", "sweep")
        assert world.prices_of("I00001") == {}
        assert world.prices_of("I00003") == expected_prices(world, "I00003")
        edit_price(world, "I00001", 5)
        await world.run("product", "sweep")
        assert world.prices_of("I00001") == expected_prices(world, "I00001")


async def test_an_inactive_item_retires_its_product_without_prices_and_dynamics_takes_none_back(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_products(world)
        world.sap.data_write("Items", [{"ItemCode": "I00003", "Frozen": "tYES"}])
        run = await world.run("product")
        assert run.status == "succeeded", run
        assert (world.product_of("I00003")["statecode"], world.prices_of("I00003")) == (1, {})
        world.sap.data_write("Items", [{"ItemCode": "I00003", "Frozen": "tNO"}])
        await world.run("product")
        record = await world.record("product", SAP, "I00003")
        assert "retired product" in str(record.held.get("state")) or record.failure is not None


async def test_a_product_that_is_there_already_is_recognised_by_its_number(azurite: str) -> None:
    async with trade(azurite) as world:
        groups = {row["name"]: row["uomscheduleid"] for row in world.dataverse.data_rows("uomschedules")}
        group = groups[SETTINGS["defaultUnitGroup"]]
        unit = next(row["uomid"] for row in world.dataverse.data_rows("uoms") if row["_uomscheduleid_value"] == group)
        (key,) = world.dataverse.seed(
            "product",
            [
                {
                    "productnumber": "I00001",
                    "name": "Entered by hand",
                    "quantitydecimal": 0,
                    "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
                    "defaultuomid@odata.bind": f"/uoms({unit})",
                }
            ],
        )
        await world.mark_items("I00001")
        await world.initialize("product")
        product = world.product_of("I00001")
        assert (product["productid"], product["statecode"]) == (key, 0)
        assert product["name"] == world.item("I00001")["ItemName"].strip()
        assert world.prices_of("I00001") == expected_prices(world, "I00001")


async def test_an_item_without_a_unit_group_there_is_refused_by_name_and_comes_after_the_cure(azurite: str) -> None:
    async with trade(azurite) as world:
        world.sap.data_write("UnitOfMeasurementGroups", [{"AbsEntry": 7, "Code": "ODD", "Name": "Odd", "BaseUoM": 1}])
        world.sap.data_write("Items", [{"ItemCode": "I00002", "UoMGroupEntry": 7}])
        await world.mark_items("I00002")
        run = await world.initialize("product")
        assert run.counts == {"failed": 1}
        record = await world.record("product", SAP, "I00002")
        assert record.failure is not None
        assert "unitGroups" in record.failure.reason
        await world.save_settings(unitGroups={"ODD": "Pieces and boxes"})
        assert (await world.run("product")).counts == {"created": 1}


@CUT_CONNECTIONS
@pytest.mark.parametrize("seed", range(3))
async def test_products_come_to_the_same_end_however_often_the_work_is_killed(azurite: str, seed: int) -> None:
    random = Random(seed)
    async with trade(azurite, items=120, times=SHORTER_TIMES) as world:
        codes = [row["ItemCode"] for row in world.sap.data_rows("Items") if row.get("Frozen") != "tYES"]
        await world.mark_items(*codes)
        await configure.initialize(world.hub, TEMPLATE, "product")
        await world.work_killed([random.uniform(0.05, 0.5) for _ in range(8)])
        await world.settle()
        assert len(world.dataverse.data_rows("products")) == len(codes)
        for code in codes:
            assert world.product_of(code)["statecode"] == 0
            assert world.prices_of(code) == expected_prices(world, code)


async def test_prices_follow_an_item_into_another_unit(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_products(world)
        before = world.prices_of("I00003")
        world.sap.data_write("Items", [{"ItemCode": "I00003", "PricingUnit": 2}])
        run = await world.run("product")
        assert run.status == "succeeded", run
        units = {row["uomid"]: row["name"] for row in world.dataverse.data_rows("uoms")}
        product = world.product_of("I00003")
        rows = [
            row
            for row in world.dataverse.data_rows("productpricelevels")
            if row["_productid_value"] == product["productid"]
        ]
        assert units[product["_defaultuomid_value"]] == "Box of 12"
        assert {units[row["_uomid_value"]] for row in rows} == {"Box of 12"}
        assert world.prices_of("I00003") == before


async def test_a_price_that_somebody_enters_or_deletes_meanwhile_is_read_again_and_set(azurite: str) -> None:
    async with trade(azurite) as world:
        await with_products(world)
        flow = await world.hub.flow(TEMPLATE, "product")
        side = flow.sides[SideName.OTHER]
        read, key = side.read, world.product_of("I00003")["productid"]
        rows = [r for r in world.dataverse.data_rows("productpricelevels") if r["_productid_value"] == key]

        async def then_deleted(entity, keys):  # type: ignore[no-untyped-def]
            found = await read(entity, keys)
            side.read = read
            world.dataverse.data_delete("productpricelevels", rows[0]["productpricelevelid"])
            return found

        edit_price(world, "I00003", 33)
        side.read = then_deleted
        run = await world.run("product", "sweep")
        assert run.counts == {"retrying": 1, "unchanged": len(MARKED) - 1}
        await world.settle()
        assert world.prices_of("I00003") == expected_prices(world, "I00003")
