"""The generator of orders: every trait a real order may have, the same for the same seed, totals that add up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from local.simulators.dataverse.orders import lay_out_catalog, lay_out_orders, make_orders
from local.simulators.dataverse.wire import dump
from tests.contract.dataverse_support import running_dataverse


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def total_of(order: dict[str, Any], prices: dict[str, Decimal]) -> Decimal:
    """The total of a payload, computed apart from the simulator."""
    net = tax = Decimal()
    for line in order["order_details"]:
        price = line.get("priceperunit", prices.get(line.get("productid@odata.bind", ""), Decimal()))
        net += cents(price * line["quantity"]) - line.get("manualdiscountamount", 0)
        tax += line.get("tax", 0)
    discount = cents(net * order.get("discountpercentage", 0) / 100) + order.get("discountamount", 0)
    return Decimal(net - discount + order.get("freightamount", 0) + tax)


async def test_generated_orders_have_every_trait_and_the_totals_of_their_payloads() -> None:
    async with running_dataverse() as dataverse:
        catalog = lay_out_catalog(dataverse.simulator, seed=7)
        orders = list(make_orders(catalog, 60, seed=7))
        keys = lay_out_orders(dataverse.simulator, orders)
        rows = {row["salesorderid"]: row for row in dataverse.simulator.data_rows("salesorders")}
        list_of = {bind: code for code, bind in catalog.price_lists.items()}
        for key, order in zip(keys, orders, strict=True):
            code = list_of[order["pricelevelid@odata.bind"].removeprefix("/pricelevels(").removesuffix(")")]
            prices = {f"/products({each.product_id})": each.prices[code] for each in catalog.products}
            assert rows[key]["totalamount"] == total_of(order, prices) > 0
            assert (rows[key]["statecode"], rows[key]["pricingerrorcode"]) == (1, 0)
        lengths = [len(order["order_details"]) for order in orders]
        assert (min(lengths), max(lengths)) == (1, 200)
        assert len({row["_transactioncurrencyid_value"] for row in rows.values()}) == 3
        traits = {name for order in orders for name in order} | {
            name for order in orders for line in order["order_details"] for name in line
        }
        wanted = {"freightamount", "discountpercentage", "discountamount", "manualdiscountamount", "tax"}
        assert wanted | {"isproductoverridden", "ispriceoverridden"} <= traits


async def test_generated_orders_are_the_same_for_the_same_seed() -> None:
    made = []
    for seed in (1, 1, 2):
        async with running_dataverse() as dataverse:
            catalog = lay_out_catalog(dataverse.simulator, seed=1, products=5)
            lines = [line for order in make_orders(catalog, 5, seed=seed) for line in order["order_details"]]
            made.append([(line["quantity"], line.get("priceperunit"), line.get("tax")) for line in lines])
    assert made[0] == made[1] != made[2]


async def test_a_generated_order_can_be_posted() -> None:
    async with running_dataverse() as dataverse:
        catalog = lay_out_catalog(dataverse.simulator)
        for order in make_orders(catalog, 3, most_lines=20):
            response = await dataverse.send(
                "POST", "salesorders", content=dump(order), headers={"Content-Type": "application/json"}
            )
            assert response.status_code == 204, response.text
        assert {row["pricingerrorcode"] for row in dataverse.simulator.data_rows("salesorders")} == {0}
