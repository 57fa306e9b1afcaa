"""Items, price lists, units, warehouses, taxes (facts sections 2.4, 3.2, 6; what is inferred is said so)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from local.sample_company import build_company
from local.schema import load_service_layer
from local.simulators.service_layer import ServiceLayerSimulator
from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_fixtures import sap

__all__ = ["sap"]

ONE = "Items('I00001')"
STAMPS = ("UpdateDate", "UpdateTime", "DataVersion")


async def item(client: Client, code: str = "I00001") -> dict[str, Any]:
    """The whole item."""
    return dict((await client.get(f"Items('{code}')")).json())


async def price_of(client: Client, code: str, price_list: int) -> float:
    """One price of an item."""
    rows = {row["PriceList"]: row for row in (await item(client, code))["ItemPrices"]}
    return float(rows[price_list]["Price"])


def stamps_of(row: dict[str, Any]) -> list[Any]:
    """Change stamps and version."""
    return [row[name] for name in STAMPS]


async def edit(client: Client, entity_set: str, row: dict[str, Any]) -> int:
    """An edit by a user of SAP's own windows."""
    return (await client.http.post(f"{client.base_url}/_sim/data/{entity_set}", json=row)).status_code


# -- the sample ----------------------------------------------------------------------------------------------------


def test_items_are_the_same_every_time_and_leave_the_partners_alone() -> None:
    few, many = build_company(20, items=10), build_company(20, items=40)
    assert few["Items"] == many["Items"][:10] == build_company(20, items=10)["Items"]
    assert few["BusinessPartners"] == many["BusinessPartners"]
    assert len(many["Items"]) == 40


def test_the_sample_has_every_kind_of_item() -> None:
    rows = build_company(5, items=60)["Items"]
    assert any(row["ManageSerialNumbers"] == "tYES" for row in rows)
    assert any(row["ManageBatchNumbers"] == "tYES" for row in rows)
    assert {row["InventoryItem"] for row in rows} == {"tYES", "tNO"}
    assert {row["UoMGroupEntry"] for row in rows} == {-1, 1}
    assert any(row["Frozen"] == "tYES" for row in rows)


def test_every_property_of_the_trade_tables_exists_and_fits() -> None:
    schema = load_service_layer()
    company = build_company(5, branches=True)
    checked = 0
    for name in company:
        if name not in schema.entity_sets or name == "BusinessPartners":
            continue
        for row in company[name]:
            checked += 1
            _check_properties(schema, schema.entity_sets[name].type.name, row)
    assert checked > 100


def _check_properties(schema: Any, type_name: str, row: dict[str, Any]) -> None:
    for name, value in row.items():
        prop = schema.types[type_name].properties[name]
        if isinstance(value, list):
            for inner in value:
                _check_properties(schema, prop.type_name, inner)
        elif prop.type_name in schema.enums:
            assert value in schema.enums[prop.type_name], (name, value)
        else:
            assert prop.max_length is None or len(value) <= prop.max_length, (name, value)


def test_the_sample_prices_are_those_the_simulator_computes() -> None:
    simulator = ServiceLayerSimulator(build_company(5))
    before = {row["ItemCode"]: row["ItemPrices"] for row in simulator.data_rows("Items")}
    simulator.data_write("PriceLists", [{"PriceListNo": 2, "Factor": 1.08}])
    assert {row["ItemCode"]: row["ItemPrices"] for row in simulator.data_rows("Items")} == before


async def test_reference_sets_are_listed(sap: Client) -> None:
    """Section 6: keys of the sets."""
    expected = {
        "PriceLists": ("PriceListNo", [1, 2, 3]),
        "Warehouses": ("WarehouseCode", ["01", "02", "03"]),
        "UnitOfMeasurements": ("AbsEntry", [-1, 1, 2, 3]),
        "UnitOfMeasurementGroups": ("AbsEntry", [-1, 1]),
        "AdditionalExpenses": ("ExpensCode", [1, 2, 3]),
        "ItemGroups": ("Number", [100, 101, 102, 103]),
    }
    for name, (key, values) in expected.items():
        assert [row[key] for row in (await sap.get(name)).json()["value"]] == values
    lists = (await sap.get("PriceLists")).json()["value"]
    assert [row["DefaultPrimeCurrency"] for row in lists] == ["EUR", "USD", "GBP"]
    exempt = await sap.get("SalesTaxCodes?$filter=Rate%20eq%200&$select=Code")
    assert [row["Code"] for row in exempt.json()["value"]] == ["EXEMPT"]
    expanded = (await sap.get(f"{ONE}?$select=ItemCode&$expand=ItemGroups($select=GroupName)")).json()
    assert expanded["ItemGroups"]["GroupName"]


async def test_items_are_found_by_code_range_group_and_change_time(sap: Client) -> None:
    """Section 2.4: Items are stamped."""
    found = await sap.get("Items?$select=ItemCode&$filter=ItemCode%20ge%20'I00002'%20and%20ItemCode%20le%20'I00004'")
    assert [row["ItemCode"] for row in found.json()["value"]] == ["I00002", "I00003", "I00004"]
    services = await sap.get("Items/$count?$filter=ItemsGroupCode%20eq%20103")
    assert int(services.text) == 6
    await sap.send("PATCH", ONE, {"ForeignName": "x"})
    changed = await item(sap)
    day = changed["UpdateDate"][:10]
    since = await sap.get(
        f"Items?$select=ItemCode&$filter=UpdateDate%20ge%20'{day}'%20and%20UpdateTime%20ge%20'{changed['UpdateTime']}'"
    )
    assert [row["ItemCode"] for row in since.json()["value"]] == ["I00001"]


# -- items ---------------------------------------------------------------------------------------------------------


async def test_a_new_item_gets_a_row_for_every_price_list_and_warehouse(sap: Client) -> None:
    body = {"ItemCode": "N1", "ItemName": "New", "ItemPrices": [{"PriceList": 1, "Price": 10.00005}]}
    created = await sap.send("POST", "Items", body)
    assert created.status_code == 201
    document = created.json()
    prices = [(row["PriceList"], row["Price"], row["Currency"], row["Factor"]) for row in document["ItemPrices"]]
    assert prices == [(1, 10.0001, "EUR", 1.0), (2, 10.8001, "USD", 1.08), (3, 8.6001, "GBP", 0.86)]
    assert [row["WarehouseCode"] for row in document["ItemWarehouseInfoCollection"]] == ["01", "02", "03"]
    assert (document["UoMGroupEntry"], document["ItemsGroupCode"], document["DataVersion"]) == (-1, 100, 1)
    assert error_of(await sap.send("POST", "Items", body)) == (400, "-10")


@pytest.mark.parametrize(
    "body",
    [
        {"ItemsGroupCode": 999},
        {"UoMGroupEntry": 999},
        {"SalesVATGroup": "ZZ"},
        {"DefaultWarehouse": "99"},
        {"ManageSerialNumbers": "tYES", "ManageBatchNumbers": "tYES"},
        {"ItemPrices": [{"PriceList": 99, "Price": 1}]},
        {"ItemPrices": [{"Price": 1}]},
        {"ItemPrices": [{"PriceList": 1, "Price": 1, "Currency": "XXX"}]},
        {"ItemWarehouseInfoCollection": [{"WarehouseCode": "99"}]},
    ],
)
async def test_an_item_that_refers_to_nothing_is_refused(sap: Client, body: dict[str, Any]) -> None:
    assert error_of(await sap.send("POST", "Items", {"ItemCode": "N1"} | body)) == (400, "-5002")
    assert error_of(await sap.get("Items('N1')")) == (404, "-2028")


# -- prices --------------------------------------------------------------------------------------------------------


async def test_a_factor_list_follows_its_base_until_a_price_is_typed_in(sap: Client) -> None:
    await sap.send("PATCH", ONE, {"ItemPrices": [{"PriceList": 1, "Price": 200}]})
    assert [await price_of(sap, "I00001", number) for number in (1, 2, 3)] == [200.0, 216.0, 172.0]
    await sap.send("PATCH", ONE, {"ItemPrices": [{"PriceList": 2, "Price": 199.99}]})
    await sap.send("PATCH", ONE, {"ItemPrices": [{"PriceList": 1, "Price": 100}]})
    assert [await price_of(sap, "I00001", number) for number in (1, 2, 3)] == [100.0, 199.99, 86.0]
    await sap.send("PATCH", ONE, {"ItemPrices": [{"PriceList": 2, "Price": None}]})
    assert await price_of(sap, "I00001", 2) == 108.0


async def test_another_factor_recalculates_every_item_and_moves_no_stamp(sap: Client) -> None:
    before = await item(sap)
    base = Decimal(str(before["ItemPrices"][0]["Price"]))
    assert (await sap.send("PATCH", "PriceLists(3)", {"Factor": 0.5})).status_code == 204
    after = await item(sap)
    half = (base / 2).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
    assert (Decimal(str(after["ItemPrices"][2]["Price"])), after["ItemPrices"][2]["Factor"]) == (half, 0.5)
    assert stamps_of(after) == stamps_of(before)
    assert error_of(await sap.send("PATCH", "PriceLists(3)", {"BasePriceList": 99})) == (400, "-5002")


async def test_a_price_patched_alone_raises_the_version_but_moves_no_stamp(sap: Client) -> None:
    """Section 2.4 (inferred there, hence a switch); DataVersion rises with each write (section 3.3)."""
    before = await item(sap)
    await sap.send("PATCH", ONE, {"ItemPrices": [{"PriceList": 1, "Price": 1}]})
    after = await item(sap)
    assert stamps_of(after) == [*stamps_of(before)[:2], before["DataVersion"] + 1]
    sap.simulator.switches.price_edits_move_stamps = True
    await sap.send("PATCH", ONE, {"ItemPrices": [{"PriceList": 1, "Price": 2}]})
    assert (await item(sap))["UpdateDate"] > (before["UpdateDate"] or "")


async def test_a_price_changed_with_something_else_is_an_edit_like_any_other(sap: Client) -> None:
    before = await item(sap)
    await sap.send("PATCH", ONE, {"ForeignName": "x", "ItemPrices": [{"PriceList": 1, "Price": 1}]})
    assert (await item(sap))["UpdateDate"] > (before["UpdateDate"] or "")


async def test_the_price_list_window_moves_neither_stamp_nor_version(sap: Client) -> None:
    """Section 2.4; the unmoved version is inferred."""
    before = await item(sap)
    assert await edit(sap, "Items", {"ItemCode": "I00001", "ItemPrices": [{"PriceList": 1, "Price": 7}]}) == 200
    after = await item(sap)
    assert (after["ItemPrices"][0]["Price"], stamps_of(after)) == (7.0, stamps_of(before))
    assert after["@odata.etag"] == before["@odata.etag"]
    await edit(sap, "Items", {"ItemCode": "I00001", "ItemName": "Renamed"})
    assert (await item(sap))["DataVersion"] == before["DataVersion"] + 1


async def test_a_new_price_list_shows_in_every_item(sap: Client) -> None:
    body = {"PriceListNo": 4, "PriceListName": "Half", "BasePriceList": 1, "Factor": 0.5, "DefaultPrimeCurrency": "EUR"}
    assert (await sap.send("POST", "PriceLists", body)).status_code == 201
    rows = (await item(sap))["ItemPrices"]
    assert [row["PriceList"] for row in rows] == [1, 2, 3, 4]
    assert rows[3]["Price"] == pytest.approx(rows[0]["Price"] / 2, abs=0.00006)


# -- rates ---------------------------------------------------------------------------------------------------------


async def test_the_rate_of_a_day_is_a_bare_number(sap: Client) -> None:
    """Section 3.1: SBOBobService_GetCurrencyRate; that a rate holds until the next one is the sample's convenience."""
    ask = "SBOBobService_GetCurrencyRate"
    response = await sap.send("POST", ask, {"Currency": "USD", "Date": "20260101"})
    assert (response.status_code, response.json()) == (200, 0.9216)
    assert (
        await edit(sap, "CurrencyRates", {"Currency": "USD", "RateDate": "2026-02-01T00:00:00Z", "Rate": 0.95}) == 200
    )
    rates = [(await sap.send("POST", ask, {"Currency": "USD", "Date": day})).json() for day in ("20260131", "20260201")]
    assert rates == [0.9216, 0.95]
    assert error_of(await sap.send("POST", ask, {"Currency": "XXX", "Date": "20260101"})) == (400, "-5002")
    assert error_of(await sap.send("POST", ask, {"Currency": "USD"})) == (400, "-1000")
