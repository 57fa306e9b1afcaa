"""Orders of Dynamics stand in SAP once and to the cent: many generated ones, read back through neither of the hub's clients."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

from local.simulators.dataverse.orders import lay_out_orders, make_orders, read_catalog
from shared.ports import SideName
from shared.sync.start import start
from tests.trade.world import CUT_CONNECTIONS, SHORTER_TIMES, TEMPLATE, Row, Trade, open_for_business, trade

OTHER = SideName.OTHER
ORDERS = 500
MOST_LINES = 200
#: What may keep a generated order from SAP; everything else is a defect.
_REFUSALS = ("decimals", "no price and discount")


def total_in_sap(order: Row) -> Decimal:
    """The total in the document's own currency."""
    return Decimal(str(order["DocTotal" if order["DocCurrency"] == "EUR" else "DocTotalFc"]))


def check_totals(world: Trade, keys: list[str]) -> tuple[int, list[str]]:
    """How many orders stand in SAP, each once and with its total; the ids of those that do not."""
    references = Counter(order.get("U_HubRef") for order in world.orders())
    assert set(references.values()) <= {1}, "an order stands in SAP twice"
    by_reference = {order["U_HubRef"]: order for order in world.orders()}
    there, missing = 0, []
    for order in world.dataverse.data_rows("salesorders"):
        if order["salesorderid"] not in keys:
            continue
        twin = by_reference.get(f"{TEMPLATE}:{order['salesorderid']}")
        if twin is None:
            missing.append(order["salesorderid"])
            continue
        assert total_in_sap(twin) == order["totalamount"], order["ordernumber"]
        assert (order["new_sapnumber"], order["new_sapstatus"]) == (str(twin["DocNum"]), "open")
        there += 1
    return there, missing


async def check_refusals(world: Trade, missing: list[str]) -> None:
    """Each order that is not in SAP is listed with a reason in words."""
    for key in missing:
        record = await world.record("order", OTHER, key)
        assert record.failure is not None
        assert any(words in record.failure.reason for words in _REFUSALS), record.failure


async def test_five_hundred_orders_equal_saps_totals_or_are_refused_by_name_and_a_second_run_writes_nothing(
    azurite: str,
) -> None:
    async with trade(azurite) as world:
        await open_for_business(world)
        orders = make_orders(read_catalog(world.dataverse), ORDERS, most_lines=MOST_LINES)
        keys = lay_out_orders(world.dataverse, orders)
        run = await world.run("order")
        assert run.status in ("succeeded", "partly failed"), run
        there, missing = check_totals(world, keys)
        await check_refusals(world, missing)
        assert there + len(missing) == ORDERS
        assert len(missing) <= ORDERS // 50
        world.forget_writes()
        again = await world.run("order", "full")
        assert again.status == run.status
        assert world.writes() == {}


@CUT_CONNECTIONS
async def test_five_hundred_orders_come_to_the_same_end_however_often_the_work_is_killed(azurite: str) -> None:
    random = Random("killed")
    async with trade(azurite, times=SHORTER_TIMES) as world:
        await open_for_business(world)
        orders = make_orders(read_catalog(world.dataverse), ORDERS, seed=2, most_lines=30)
        keys = lay_out_orders(world.dataverse, orders)
        name = await start(world.hub, TEMPLATE, "order", "delta", "request")
        interrupted = await world.work_killed([random.uniform(0.2, 1.2) for _ in range(12)])
        assert interrupted >= 12
        await world.settle()
        run = await world.hub.runs.run(name)
        assert run is not None
        assert run.status in ("succeeded", "partly failed")
        there, missing = check_totals(world, keys)
        await check_refusals(world, missing)
        assert there + len(missing) == ORDERS
        assert len(missing) <= ORDERS // 50
