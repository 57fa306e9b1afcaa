"""Items of the sample company: standard ones, some managed by serial numbers or batches, and services."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from local.sample_company.trade_data import BASE_LIST, PRICE_LISTS

Row = dict[str, Any]

PRICE_DECIMALS = 4

_FIRST_DAY = date(2016, 1, 4)
_DAYS = (date(2025, 12, 31) - _FIRST_DAY).days
_ADJECTIVES = ("Compact", "Rapid", "Silent", "Heavy-duty", "Leichter", "Élégant", "Robust", "Mini", "Pro", "Eco")
_THINGS = ("Printer", "Scanner", 'Label 4" roll', "Monitor", "Küchenwaage", "Câble réseau", "Lamp", "Ständer", "Motor")
_SERVICES = ("Installation", "Wartung pro Stunde", "Training day", "Extended warranty")
_NEED_CARE = ("Bolt M6 × 20 'zinc'", "100% cotton wipes & cloths", "日本語ラベル", 'Maß-Set Größe "L" ')


def build_items(amount: int, seed: int, warehouses: list[str]) -> list[Row]:
    """``amount`` items, codes I00001 and on: of twenty, one with serial numbers, one with batches, two services.

    Drawn from a generator of their own, so that their number changes nothing else of the company.
    """
    random = Random(f"{seed}/items")
    return [_item(number, random, warehouses) for number in range(1, amount + 1)]


def _item(number: int, random: Random, warehouses: list[str]) -> Row:
    kind = number % 20
    is_service = kind in (9, 19)
    has_units = kind in (3, 4, 5, 6, 7)
    code = f"I{number:05d}"
    name = random.choice(_SERVICES) if is_service else f"{random.choice(_ADJECTIVES)} {random.choice(_THINGS)}"
    row: Row = {
        "ItemCode": code,
        "ItemName": _NEED_CARE[number - 1] if number <= len(_NEED_CARE) else f"{name} {number}",
        "ItemsGroupCode": 103 if is_service else random.choice((100, 101, 102)),
        "ItemType": "itLabor" if is_service else "itItems",
        "InventoryItem": "tNO" if is_service else "tYES",
        "SalesItem": "tYES",
        "PurchaseItem": "tNO" if is_service else "tYES",
        "ManageSerialNumbers": "tYES" if kind == 12 else "tNO",
        "ManageBatchNumbers": "tYES" if kind == 16 else "tNO",
        "Manufacturer": -1,
        "VatLiable": "tYES",
        "SalesVATGroup": "A7" if kind == 8 else "A19",
        "DefaultWarehouse": "01",
        "Valid": "tYES",
        "Frozen": "tYES" if number % 50 == 0 else "tNO",
        "ItemPrices": item_prices(Decimal(random.randrange(50, 250_000)) / 100),
        **_units(has_units=has_units, is_service=is_service),
    }
    if random.random() < 0.4:
        row["User_Text"] = f"Sample text of {code}; invented."
    if not is_service and random.random() < 0.5:
        row["BarCode"] = str(random.randrange(10**12, 10**13))
    stock = [0.0 if is_service else float(random.randrange(0, 400)) for _ in warehouses]
    row["ItemWarehouseInfoCollection"] = [
        {"WarehouseCode": each, "ItemCode": code, "InStock": held, "Committed": 0.0, "Ordered": 0.0, "Locked": "tNO"}
        for each, held in zip(warehouses, stock, strict=True)
    ]
    row["QuantityOnStock"] = sum(stock)
    _add_stamps(row, random)
    return row


def _units(*, has_units: bool, is_service: bool) -> Row:
    """Units from the unit group, or the free text of items without one."""
    if not has_units:
        unit = "h" if is_service else "pcs"
        return {"UoMGroupEntry": -1, "SalesUnit": unit, "InventoryUOM": unit, "InventoryUoMEntry": -1}
    return {
        "UoMGroupEntry": 1,
        "InventoryUoMEntry": 1,
        "DefaultSalesUoMEntry": 1,
        "InventoryUOM": "Piece",
        "SalesUnit": "Piece",
        "ItemUnitOfMeasurementCollection": [
            {"UoMType": "iutSales", "UoMEntry": 1},
            {"UoMType": "iutSales", "UoMEntry": 2},
        ],
    }


def item_prices(base: Decimal) -> list[Row]:
    """The row of every price list for a price of the base list, factor lists computed."""
    return [
        {
            "PriceList": number,
            "Price": float(base if number == BASE_LIST else _rounded(base * Decimal(str(factor)))),
            "Currency": currency,
            "BasePriceList": base_list,
            "Factor": factor,
        }
        for number, _, base_list, factor, currency in PRICE_LISTS
    ]


def _rounded(price: Decimal) -> Decimal:
    return price.quantize(Decimal(1).scaleb(-PRICE_DECIMALS), rounding=ROUND_HALF_UP)


def _add_stamps(row: Row, random: Random) -> None:
    created = random.randrange(_DAYS)
    row["CreateDate"], row["CreateTime"] = _day(created), _time(random)
    row["DataVersion"] = 1
    if random.random() < 0.7:
        row["UpdateDate"], row["UpdateTime"] = _day(random.randrange(created, _DAYS)), _time(random)
        row["DataVersion"] = random.randrange(2, 12)


def _day(number: int) -> str:
    return f"{(_FIRST_DAY + timedelta(days=number)).isoformat()}T00:00:00Z"


def _time(random: Random) -> str:
    return f"{random.randrange(7, 19):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}"
