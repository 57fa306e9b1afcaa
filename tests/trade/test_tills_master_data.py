"""Customers, products, their groups and their stock between SAP and the tills, through the real clients."""

from __future__ import annotations

from shared.ports import SideName
from shared.sync import sync_now
from tests.trade.tills import TILLS, Tills, tills

SAP, OTHER = SideName.SAP, SideName.OTHER
MARKED_CUSTOMERS = ("C00002", "C00003", "C00004")
MARKED_ITEMS = ("I00001", "I00002", "I00012", "I00020")


async def _opened(world: Tills) -> None:
    await world.mark("customers", MARKED_CUSTOMERS, {})
    await world.mark("items", MARKED_ITEMS, {})
    await world.open_shop()


async def test_a_shop_is_initialized_in_its_order_and_ten_rounds_later_nothing_is_written(azurite: str) -> None:
    async with tills(azurite) as world:
        await _opened(world)
        names = {row["name"] for row in world.tagrain.data_rows("customer-groups")}
        assert {"Customers", "Key accounts", "Filialen & Händler", "Öffentliche Hand", "Export"} == names
        there = {row["code"] for row in world.tagrain.data_rows("customers")}
        assert set(MARKED_CUSTOMERS) <= there
        assert "C00005" not in there, "it is not marked"
        partners = [row for row in world.sap.data_rows("BusinessPartners") if row.get("U_HubRef")]
        assert len(partners) == 8, "every customer of the tills comes in"
        assert {row["Currency"] for row in partners} == {"EUR"}
        for code in MARKED_ITEMS:
            world.in_tagrain("products", code=code)
        for code in ("T-1", "T-2", "T-3", "T-4", "T-5-S", "T-GIFT"):
            world.in_sap("Items", ItemCode=code)
        world.forget_writes()
        for _ in range(10):
            for name in ("customer", "product", "inventory"):
                await world.run(name)
            await world.run("customer", "full")
        assert world.writes() == {}


async def test_what_exists_at_the_tills_alone_is_listed_with_what_to_do_and_links_after_it_was_made(
    azurite: str,
) -> None:
    async with tills(azurite) as world:
        world.tagrain.data_write("customer-groups", [{"id": "cgr_9", "name": "Vendors"}])
        await _opened(world)
        vendors = await world.record("customer_group", OTHER, "cgr_9")
        assert not vendors.linked, "SAP's group of that name is one of vendors"
        assert vendors.failure is not None
        record = await world.record("product_group", OTHER, "pgr_2")
        assert record.failure is not None
        assert "exactly" in record.failure.reason
        assert "SAP" in record.failure.reason


async def test_product_kinds_become_sap_s_and_back(azurite: str) -> None:
    async with tills(azurite) as world:
        await _opened(world)
        managed = {
            code: (item["ManageSerialNumbers"], item["ManageBatchNumbers"], item["InventoryItem"])
            for code in ("T-1", "T-2", "T-3", "T-4", "T-GIFT")
            for item in [world.in_sap("Items", ItemCode=code)]
        }
        assert managed == {
            "T-1": ("tNO", "tNO", "tYES"),
            "T-2": ("tYES", "tNO", "tYES"),
            "T-3": ("tNO", "tYES", "tYES"),
            "T-4": ("tNO", "tNO", "tNO"),
            "T-GIFT": ("tNO", "tNO", "tNO"),
        }


async def test_an_edit_travels_both_ways_and_different_fields_merge(azurite: str) -> None:
    async with tills(azurite) as world:
        await _opened(world)
        twin = world.in_tagrain("customers", code="C00002")
        world.sap.data_write("BusinessPartners", [{"CardCode": "C00002", "Phone1": "+49 30 1"}])
        world.tagrain.data_write("customers", [{"id": twin["id"], "email": "new@example.com"}])
        await world.run("customer")
        assert world.in_tagrain("customers", code="C00002")["phone"] == "+49 30 1"
        assert world.in_sap("BusinessPartners", CardCode="C00002")["EmailAddress"] == "new@example.com"


async def test_a_base_price_travels_with_the_sweep(azurite: str) -> None:
    async with tills(azurite) as world:
        await _opened(world)
        item = world.in_sap("Items", ItemCode="I00001")
        prices = [{**row, "Price": 12.34} if row["PriceList"] == 1 else row for row in item["ItemPrices"]]
        world.sap.store.tables["Items"].rows[("I00001",)]["ItemPrices"] = prices
        await world.run("product", "sweep")
        assert world.in_tagrain("products", code="I00001")["basePrice"] == "12.34"


async def test_only_stock_that_moved_goes_to_the_store_of_its_warehouse(azurite: str) -> None:
    async with tills(azurite) as world:
        await _opened(world)
        stock = {
            row["storeId"]: row["quantity"] for row in world.in_tagrain("inventory", productCode="I00001")["quantities"]
        }
        held = {
            row["WarehouseCode"]: row["InStock"]
            for row in world.in_sap("Items", ItemCode="I00001")["ItemWarehouseInfoCollection"]
        }
        assert {"st_1": float(stock["st_1"]), "st_2": float(stock["st_2"])} == {"st_1": held["01"], "st_2": held["02"]}
        assert stock["st_3"] == "0", "no warehouse is mapped to it"
        rows = world.sap.store.tables["Items"].rows[("I00002",)]["ItemWarehouseInfoCollection"]
        rows[0]["InStock"] = 7
        world.forget_writes()
        await world.run("inventory")
        assert world.writes() == {"inventory update": 1}
        moved = world.in_tagrain("inventory", productCode="I00002")["quantities"]
        assert {"storeId": "st_1", "quantity": "7"} in moved


async def test_sync_now_of_customers_reads_all_of_the_tills_and_a_schedule_only_what_changed(azurite: str) -> None:
    async with tills(azurite) as world:
        await _opened(world)
        started = await sync_now.sync_now(world.hub, TILLS, "customer", None, [])
        await world.drain()
        run = await world.hub.runs.run(started.run)
        assert run.mode == "full"
        assert sum(run.counts.values()) >= len(world.tagrain.data_rows("customers"))
        for _ in range(2):  # everything that was written so far lies before the overlap then
            world.tagrain.control.advance(600)
            world.sap.control.advance(600)
            await world.run("customer")
        world.tagrain.data_write("customers", [{"id": "cus_1", "phone": "+49 40 1"}])
        assert sum((await world.run("customer")).counts.values()) == 2, "once in each direction"
