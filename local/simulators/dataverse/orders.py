"""Invented sales orders that look like real ones, the same for the same seed: for tests, the demo and measurements.

Orders come as payloads, so that they can be posted as well as laid out; numbers are Decimal (`wire.dump` writes them).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from local.simulators.dataverse.catalog_rules import ACTIVE, FAMILY
from local.simulators.dataverse.org import CURRENCIES
from local.simulators.dataverse.simulator import DataverseSimulator
from local.simulators.dataverse.values import rounded
from local.simulators.dataverse.wire import JsonObject

SUBMITTED: Final[Mapping[str, Any]] = {"statecode": 1, "statuscode": 3}
"""What a request changes to submit an order."""
MOST_LINES: Final = 200
_FIRST_DELIVERY: Final = date(2026, 3, 2)
_GOODS: Final = ("Bracket", "Valve", "Cable", "Panel", "Hinge", "Filter", "Sensor", "Pump", "Gasket", "Bearing")
_MAKES: Final = ("Steel", "Brass", "Blue", "Öko", "Compact", "Heavy", "No. 7", 'M8 x 40 "A2"')
_SERVICES: Final = ("Assembly on site", "Engraving", "Express handling", "Rückbau & Entsorgung", "Training, half a day")
_TAX_RATES: Final = (Decimal("0.19"), Decimal("0.2"), Decimal("0.07"), Decimal("0.0825"))


@dataclass(frozen=True)
class CatalogProduct:
    """A product that can be sold: in one unit, with so many decimals, at a price per currency."""

    product_id: str
    unit_id: str
    quantity_decimals: int
    prices: Mapping[str, Decimal]


@dataclass(frozen=True)
class Catalog:
    """What orders are made from: products, the price list of each currency, and customers (ids of accounts)."""

    products: tuple[CatalogProduct, ...]
    price_lists: Mapping[str, str]
    customers: tuple[str, ...]


def lay_out_catalog(simulator: DataverseSimulator, *, seed: int = 0, products: int = 40, customers: int = 5) -> Catalog:
    """Seed a unit group, a price list for each currency, active products with prices, and accounts."""
    random = Random(f"catalog {seed}")
    (group,) = simulator.seed(
        "uomschedule", [{"uomscheduleid": _guid(random), "name": "Goods", "baseuomname": "Piece"}]
    )
    (unit,) = (row["uomid"] for row in simulator.data_rows("uoms") if row["_uomscheduleid_value"] == group)
    codes = [code for code, *_ in CURRENCIES]
    lists = simulator.seed("pricelevel", [_price_list(simulator, random, code) for code in codes])
    keys = simulator.seed("product", [_product(random, number, group, unit) for number in range(products)])
    for key in keys:
        amount = Decimal(random.randrange(50, 250_000)) / 100
        prices = zip(codes, lists, strict=True)
        simulator.seed("productpricelevel", [_price(key, unit, code, price, amount) for code, price in prices])
    accounts = ({"accountid": _guid(random), "name": f"Customer {number + 1}"} for number in range(customers))
    simulator.seed("account", list(accounts))
    return read_catalog(simulator)


def read_catalog(simulator: DataverseSimulator) -> Catalog:
    """The catalog of what stands in the org: active products, prices in their default unit, accounts."""
    codes = {
        row["transactioncurrencyid"]: row["isocurrencycode"] for row in simulator.data_rows("transactioncurrencies")
    }
    price_lists = {
        codes[row["_transactioncurrencyid_value"]]: row["pricelevelid"]
        for row in simulator.data_rows("pricelevels")
        if row["statecode"] == 0
    }
    currency_of = {key: code for code, key in price_lists.items()}
    prices: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in simulator.data_rows("productpricelevels"):
        if row["_pricelevelid_value"] in currency_of:
            place = prices.setdefault((row["_productid_value"], row["_uomid_value"]), {})
            place[currency_of[row["_pricelevelid_value"]]] = row["amount"]
    found = (
        CatalogProduct(row["productid"], unit, row["quantitydecimal"], prices[row["productid"], unit])
        for row in simulator.data_rows("products")
        if row["statecode"] == ACTIVE and row["productstructure"] != FAMILY
        if (row["productid"], unit := row["_defaultuomid_value"]) in prices
    )
    customers = (row["accountid"] for row in simulator.data_rows("accounts") if row["statecode"] == 0)
    return Catalog(tuple(found), price_lists, tuple(customers))


def lay_out_orders(simulator: DataverseSimulator, orders: Iterable[JsonObject]) -> list[str]:
    """Seed orders as submitted ones; gives their ids."""
    return simulator.seed("salesorder", ({**order, **SUBMITTED} for order in orders))


def lay_out_quotes(simulator: DataverseSimulator, orders: Iterable[JsonObject], state: int = 1) -> list[str]:
    """Seed quotes with what orders say, active ones unless another state is asked for; gives their ids."""
    return simulator.seed("quote", ({**as_quote(order), "statecode": state} for order in orders))


def lay_out_opportunities(simulator: DataverseSimulator, orders: Iterable[JsonObject], state: int = 0) -> list[str]:
    """Seed opportunities with what orders say, open ones unless another state is asked for; gives their ids."""
    return simulator.seed("opportunity", ({**as_opportunity(order), "statecode": state} for order in orders))


def as_quote(order: JsonObject) -> JsonObject:
    """A quote of what an order is about."""
    return _renamed(order, {"salesorderid": "quoteid", "order_details": "quote_details"})


def as_opportunity(order: JsonObject) -> JsonObject:
    """An opportunity of what an order is about; its revenue is what its lines add up to."""
    names = {"salesorderid": "opportunityid", "order_details": "product_opportunities"}
    values = {name: value for name, value in order.items() if name not in ("requestdeliveryby", "paymenttermscode")}
    return {**_renamed(values, names), "isrevenuesystemcalculated": True}


def _renamed(values: JsonObject, names: Mapping[str, str]) -> JsonObject:
    return {names.get(name, name): value for name, value in values.items()}


def make_orders(catalog: Catalog, count: int, *, seed: int = 0, most_lines: int = MOST_LINES) -> Iterator[JsonObject]:
    """Payloads of orders with their lines under ``order_details``; few orders are long, the first one is the longest.

    Lines are of products at list price or at a price of their own, or write-ins; discounts stand on lines and headers,
    as amounts and as percentages; currencies take turns.
    """
    random = Random(f"orders {seed}")
    codes = sorted(catalog.price_lists)
    for number in range(count):
        length = most_lines if number == 0 else round(most_lines ** random.random())
        yield _order(random, catalog, codes[number % len(codes)], number, length)


def _guid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _price_list(simulator: DataverseSimulator, random: Random, code: str) -> JsonObject:
    currency = f"/transactioncurrencies({simulator.org.currency_id(code)})"
    return {"pricelevelid": _guid(random), "name": f"List {code}", "transactioncurrencyid@odata.bind": currency}


def _product(random: Random, number: int, group: str, unit: str) -> JsonObject:
    return {
        "productid": _guid(random),
        "productnumber": f"P-{number + 1:04d}",
        "name": f"{random.choice(_MAKES)} {random.choice(_GOODS)} {number + 1}",
        "quantitydecimal": random.choice((0, 0, 0, 2, 5)),
        "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
        "defaultuomid@odata.bind": f"/uoms({unit})",
        "statecode": ACTIVE,
        "statuscode": 1,
    }


def _price(product: str, unit: str, code: str, price_list: str, amount: Decimal) -> JsonObject:
    rate = next(Decimal(rate) for iso, _, _, rate in CURRENCIES if iso == code)
    return {
        "pricelevelid@odata.bind": f"/pricelevels({price_list})",
        "productid@odata.bind": f"/products({product})",
        "uomid@odata.bind": f"/uoms({unit})",
        "amount": rounded(amount * rate, 2),
    }


def _order(random: Random, catalog: Catalog, code: str, number: int, length: int) -> JsonObject:
    rate = random.choice((None, *_TAX_RATES))
    made = [_line(random, catalog, code, rate) for _ in range(length)]
    lines = [{**line, "lineitemnumber": place} for place, (line, _) in enumerate(made, 1)]
    order: JsonObject = {
        "salesorderid": _guid(random),
        "name": f"Order {number + 1}",
        "customerid_account@odata.bind": f"/accounts({random.choice(catalog.customers)})",
        "pricelevelid@odata.bind": f"/pricelevels({catalog.price_lists[code]})",
        "requestdeliveryby": f"{_FIRST_DELIVERY + timedelta(days=random.randrange(120))}T00:00:00Z",
        "paymenttermscode": random.choice((1, 2, 3, 4)),
        "description": random.choice((None, "Call before delivery", "Gate 3\nRing twice")),
        "order_details": lines,
    }
    if random.random() < 0.4:
        order["freightamount"] = _cents(random, 500, 25_000)
    if random.random() < 0.25:
        order["discountpercentage"] = random.choice((Decimal(2), Decimal("2.5"), Decimal(10), Decimal("33.333")))
    if random.random() < 0.2:
        order["discountamount"] = rounded(sum((net for _, net in made), Decimal()) / random.choice((11, 37, 100)), 2)
    return order


def _line(random: Random, catalog: Catalog, code: str, rate: Decimal | None) -> tuple[JsonObject, Decimal]:
    """A line and its amount after discount, before tax."""
    kind = random.random()
    line, price = _write_in(random) if kind < 0.2 else _existing(random, random.choice(catalog.products), code)
    if 0.2 <= kind < 0.35:
        price = _cents(random, 20, 200_000)
        line |= {"ispriceoverridden": True, "priceperunit": price}
    amount = rounded(price * line["quantity"], 2)
    if random.random() < 0.25:
        line["manualdiscountamount"] = discount = rounded(amount * random.choice((5, 10, 15)) / 100, 2)
        amount -= discount
    if rate is not None:
        line["tax"] = rounded(amount * rate, 2)
    return line, amount


def _write_in(random: Random) -> tuple[JsonObject, Decimal]:
    price = _cents(random, 100, 90_000)
    line = {
        "isproductoverridden": True,
        "productdescription": random.choice(_SERVICES),
        "quantity": Decimal(random.randrange(1, 2000)) / random.choice((1, 1, 100)),
        "priceperunit": price,
    }
    return line, price


def _existing(random: Random, product: CatalogProduct, code: str) -> tuple[JsonObject, Decimal]:
    whole, part = random.randrange(1, 60), random.randrange(10**product.quantity_decimals)
    line = {
        "productid@odata.bind": f"/products({product.product_id})",
        "uomid@odata.bind": f"/uoms({product.unit_id})",
        "quantity": whole + Decimal(part).scaleb(-product.quantity_decimals),
    }
    return line, product.prices[code]


def _cents(random: Random, least: int, most: int) -> Decimal:
    return Decimal(random.randrange(least, most)) / 100
