"""Items, products and orders as their systems spell them, the lists around them, and what a write makes of a row."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

from shared.objects.dynamics.order import ORDER
from shared.objects.dynamics.prices import PRICES
from shared.objects.dynamics.product import PRODUCT
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.model import KEY, Context, Parent, Step, Writing
from shared.ports import Mark, Row, SideName
from shared.sync.steps import child_key, with_key
from tests.unit.objects.support import EUR_ID, USD_ID

SAP, OTHER = SideName.SAP, SideName.OTHER
MARK = Mark(frozenset({"autumn"}))
CAME_IN = Mark(frozenset({"dynamics"}))
JPY_ID = "5f0e7c1a-0000-4000-8000-000000000003"


def guid(number: int) -> str:
    """A key of Dataverse that is easy to recognise."""
    return f"00000000-0000-4000-8000-{number:012d}"


PRODUCT_ID, ORDER_ID, ACCOUNT_ID = guid(1), guid(2), guid(3)
DEFAULT_GROUP, PIECES_GROUP = guid(10), guid(11)
DEFAULT_UNIT, PIECE, BOX = guid(20), guid(21), guid(22)
RETAIL, DOLLARS = guid(30), guid(31)
LINE_1, LINE_2, LINE_3 = guid(41), guid(42), guid(43)
PRODUCT_A, PRODUCT_B = guid(51), guid(52)

LISTS: dict[str, list[Row]] = {
    "sap.company": [
        {
            "LocalCurrency": "EUR",
            "TotalsAccuracy": 2,
            "PriceAccuracy": 4,
            "PercentageAccuracy": 2,
            "AccuracyofQuantities": 3,
        }
    ],
    "sap.currencies": [
        {"Code": "EUR", "Name": "Euro", "Decimals": "cdDefault"},
        {"Code": "$", "Name": "US Dollar", "Decimals": "cd2Digits"},
        {"Code": "JPY", "Name": "Yen", "Decimals": "cdWithoutDecimals"},
    ],
    "sap.payment_terms": [{"GroupNumber": 2, "PaymentTermsGroupName": "Net 30"}, {"GroupNumber": 5}],
    "sap.branches": [{"BPLID": 1, "Disabled": "tNO"}, {"BPLID": 2, "Disabled": "tYES"}],
    "sap.price_lists": [
        {"PriceListNo": 1, "PriceListName": "Retail", "DefaultPrimeCurrency": "EUR", "Active": "tYES"},
        {"PriceListNo": 2, "PriceListName": "Export", "DefaultPrimeCurrency": "$", "Active": "tYES"},
        {"PriceListNo": 9, "PriceListName": "Old", "DefaultPrimeCurrency": "EUR", "Active": "tNO"},
    ],
    "sap.unit_groups": [
        {"AbsEntry": -1, "Code": "Manual", "Name": "Manual", "BaseUoM": -1},
        {"AbsEntry": 3, "Code": "PIECES", "Name": "Pieces", "BaseUoM": 11},
        {"AbsEntry": 4, "Code": "WEIGHT", "Name": "Weights", "BaseUoM": 13},
    ],
    "sap.units": [
        {"AbsEntry": -1, "Code": "Manual", "Name": "Manual"},
        {"AbsEntry": 11, "Code": "PC", "Name": "Piece"},
        {"AbsEntry": 12, "Code": "BX", "Name": "Box of ten"},
        {"AbsEntry": 13, "Code": "KG", "Name": "Kilogram"},
    ],
    "sap.warehouses": [{"WarehouseCode": "01", "Inactive": "tNO"}, {"WarehouseCode": "02", "Inactive": "tNO"}],
    "sap.freights": [{"ExpensCode": 1, "Name": "Shipping"}, {"ExpensCode": 2, "Name": "Item tax"}],
    "sap.tax_groups": [
        _group := {
            "Code": "A0",
            "Name": "Exempt",
            "Category": "bovcOutputTax",
            "Inactive": "tNO",
            "VatGroups_Lines": [
                {"Effectivefrom": "2000-01-01", "Rate": Decimal(7)},
                {"Effectivefrom": "2010-01-01", "Rate": Decimal(0)},
            ],
        },
        {
            **_group,
            "Code": "A1",
            "VatGroups_Lines": [
                {"Effectivefrom": "2010-01-01", "Rate": Decimal(19)},
                {"Effectivefrom": "2000-01-01", "Rate": Decimal(0)},
            ],
        },
        {**_group, "Code": "V0", "Category": "bovcInputTax"},
        {**_group, "Code": "X0", "Inactive": "tYES"},
    ],
    "sap.tax_codes": [
        {"Code": "EX", "Name": "Exempt", "Rate": Decimal(0), "ValidForAR": "tYES", "Inactive": "tNO"},
        {"Code": "NY", "Name": "New York", "Rate": Decimal("8.875"), "ValidForAR": "tYES", "Inactive": "tNO"},
        {"Code": "AP", "Name": "Purchases", "Rate": Decimal(0), "ValidForAR": "tNO", "Inactive": "tNO"},
    ],
    "other.currencies": [
        {"transactioncurrencyid": EUR_ID, "isocurrencycode": "EUR", "currencyprecision": 2},
        {"transactioncurrencyid": USD_ID, "isocurrencycode": "USD", "currencyprecision": 3},
        {"transactioncurrencyid": JPY_ID, "isocurrencycode": "JPY", "currencyprecision": 0},
    ],
    "other.price_lists": [
        {"pricelevelid": RETAIL, "name": "Retail", "_transactioncurrencyid_value": EUR_ID},
        {"pricelevelid": DOLLARS, "name": "In dollars", "_transactioncurrencyid_value": USD_ID},
        {"pricelevelid": guid(32), "name": "Twin", "_transactioncurrencyid_value": EUR_ID},
        {"pricelevelid": guid(33), "name": "twin ", "_transactioncurrencyid_value": EUR_ID},
        {"pricelevelid": guid(34), "name": "In yen", "_transactioncurrencyid_value": JPY_ID},
    ],
    "other.unit_groups": [
        {"uomscheduleid": DEFAULT_GROUP, "name": "Default Unit"},
        {"uomscheduleid": PIECES_GROUP, "name": "Pieces"},
    ],
    "other.units": [
        {"uomid": DEFAULT_UNIT, "name": "Primary Unit", "_uomscheduleid_value": DEFAULT_GROUP, "isschedulebaseuom": True},
        {"uomid": PIECE, "name": "Piece", "_uomscheduleid_value": PIECES_GROUP, "isschedulebaseuom": True},
        {"uomid": BOX, "name": "BX", "_uomscheduleid_value": PIECES_GROUP, "isschedulebaseuom": False},
    ],
}  # fmt: skip
LINKS = {
    Parent("account", OTHER, ACCOUNT_ID): "C20000",
    Parent("product", OTHER, PRODUCT_A): "I00001",
    Parent("product", OTHER, PRODUCT_B): "I00002",
}


def context(lists: dict[str, list[Row]] | None = None, **settings: Any) -> Context:
    """A context with working settings; the given ones, in their JSON names, instead of the defaults.

    Lists that are given replace those of the same name.
    """
    given = {
        "currencies": {"$": "USD"},
        "paymentTerms": {"2": 1, "5": 4},
        "defaultUnitGroup": "Default Unit",
        "priceLists": [{"sap": 1, "currency": "EUR", "dynamics": "Retail"}],
        "startDate": "2026-01-01",
        "timeZone": "Europe/Berlin",
        "exemptTaxCode": "A0",
        "freightForShipping": 1,
        "freightForItemTax": 2,
        **settings,
    }
    return Context("dynamics", DynamicsSettings.model_validate(given), {**LISTS, **(lists or {})}, links=dict(LINKS))


# --- items and products -----------------------------------------------------------------------------------------------


def item(**changes: Any) -> Row:
    """An item with a unit group and a price, as SAP shows it."""
    row: Row = {
        "ItemCode": "I00001",
        "ItemName": "Hammer",
        "User_Text": "Strikes nails",
        "SalesItem": "tYES",
        "Frozen": "tNO",
        "Valid": "tYES",
        "UoMGroupEntry": 3,
        "PricingUnit": 11,
        "ItemPrices": [price(1, "12.5", "EUR"), price(2, "14", "$")],
        "CreateDate": "2024-03-01T00:00:00Z",
        "CreateTime": "09:30:00",
        "UpdateDate": None,
        "UpdateTime": None,
        "DataVersion": 3,
    }
    return row | changes


def price(number: int, *pairs: str | None) -> Row:
    """A row of an item's prices: amount and currency, up to three times."""
    padded = [*pairs, *[None] * (6 - len(pairs))]
    row: Row = {"PriceList": number}
    for at, (amount, currency) in enumerate((("Price", "Currency"), *_ADDITIONAL)):
        row[amount] = None if padded[2 * at] is None else Decimal(str(padded[2 * at]))
        row[currency] = padded[2 * at + 1]
    return row


_ADDITIONAL = tuple((f"AdditionalPrice{n}", f"AdditionalCurrency{n}") for n in (1, 2))


def product(**changes: Any) -> Row:
    """A published product in pieces with one price, as Dynamics shows it."""
    row: Row = dict.fromkeys(PRODUCT.entity(OTHER, context()).select)
    row |= {
        "productid": PRODUCT_ID,
        "productnumber": "I00001",
        "name": "Hammer",
        "description": "Strikes nails",
        "_defaultuomscheduleid_value": PIECES_GROUP,
        "_defaultuomid_value": PIECE,
        "quantitydecimal": 3,
        "statecode": 0,
        "createdon": "2024-03-01T09:30:00Z",
        "versionnumber": 81,
        PRICES: [{**price_item("12.5"), "productpricelevelid": guid(60)}],
    }
    return row | changes


def price_item(amount: str, price_list: str = RETAIL, unit: str = PIECE) -> Row:
    """A price list item without its key."""
    return {"amount": Decimal(amount), "_pricelevelid_value": price_list, "_uomid_value": unit}


def stored_product(current: Row | None, writing: Writing) -> Row:
    """The product that Dynamics shows once the write and its steps are done; a tiny stand-in for the real one."""
    row = deepcopy(current) or dict.fromkeys(product()) | {"productid": PRODUCT_ID, "statecode": 2, PRICES: []}
    _bind(row, writing.body)
    for step in sorted(writing.steps, key=lambda each: each.stage):
        assert step.entity is not None
        body = with_key(step.body, row["productid"])
        if step.entity.set == "products":
            assert step.key == KEY
            _bind(row, body)
        else:
            _step_on_prices(row, step, body)
    return row


def _step_on_prices(row: Row, step: Step, body: Row) -> None:
    if step.key is None:
        made: Row = {"productpricelevelid": child_key(row["productid"], step.name), **_shown(body)}
        assert made["_productid_value"] == row["productid"]
        row[PRICES].append(made)
        return
    (found,) = [each for each in row[PRICES] if each["productpricelevelid"] == step.key]
    if step.delete:
        row[PRICES].remove(found)
    else:
        found.update(_shown(body))


def _shown(body: Row) -> Row:
    return {
        _property(name): value.partition("(")[2].rstrip(")") if name.endswith("bind") else value
        for name, value in body.items()
    }


def _property(name: str) -> str:
    return f"_{name.removesuffix('@odata.bind')}_value" if "@" in name else name


def _bind(row: Row, body: Row) -> None:
    for name, value in body.items():
        if name.endswith("@odata.bind"):
            assert _property(name) in row
            row[_property(name)] = value.partition("(")[2].rstrip(")")
        else:
            assert name in row or name == "statuscode", f"{name} is not a column the hub reads back"
            row[name] = value


# --- orders -----------------------------------------------------------------------------------------------------------


def line(key: str = LINE_1, **changes: Any) -> Row:
    """A line of two pieces at 10.00, without tax."""
    row: Row = {
        "salesorderdetailid": key,
        "lineitemnumber": 1,
        "sequencenumber": 1,
        "isproductoverridden": False,
        "_productid_value": PRODUCT_A,
        "productdescription": None,
        "_uomid_value": PIECE,
        "quantity": Decimal(2),
        "priceperunit": Decimal(10),
        "extendedamount": Decimal(20),
        "tax": None,
        "pricingerrorcode": 0,
    }
    return row | changes


def write_in(key: str = LINE_2, text: str = "Assembly on site", **changes: Any) -> Row:
    """A line without a product: one at 5.00."""
    given: Row = {
        "lineitemnumber": 2,
        "isproductoverridden": True,
        "_productid_value": None,
        "_uomid_value": None,
        "productdescription": text,
        "quantity": Decimal(1),
        "priceperunit": Decimal(5),
        "extendedamount": Decimal(5),
    }
    return line(key, **{**given, **changes})


def order(*lines: Row, **changes: Any) -> Row:
    """A submitted order in euro of these lines (one if none is given); its totals are those of its lines."""
    rows = list(lines) or [line()]
    tax = sum((each["tax"] or Decimal(0) for each in rows), Decimal(0))
    net = sum((each["extendedamount"] for each in rows), Decimal(0)) - tax
    freight = changes.get("freightamount") or Decimal(0)
    row: Row = dict.fromkeys(ORDER.entity(OTHER, context()).select)
    row |= {
        "salesorderid": ORDER_ID,
        "ordernumber": "ORD-01000",
        "_accountid_value": ACCOUNT_ID,
        "_transactioncurrencyid_value": EUR_ID,
        "totalamountlessfreight": net,
        "totalamount": net + freight + tax,
        "pricingerrorcode": 0,
        "statecode": 1,
        "createdon": "2026-03-01T10:00:00Z",
        "requestdeliveryby": "2026-03-10T00:00:00Z",
        "versionnumber": 7,
        "lines": rows,
    }
    return row | changes


def created(row: Row, ctx: Context) -> Writing:
    """What SAP is told to create the order."""
    reading = ORDER.read(OTHER, row, CAME_IN, ctx)
    values = {name: value for name, value in reading.values.items() if value is not None}
    for name in ("total", "cancelled", "sap_number", "sap_status"):
        values.pop(name, None)
    return ORDER.write(SAP, values, None, ctx, hub_reference=f"dynamics:{ORDER_ID}")


def sap_order(body: Row, **changes: Any) -> Row:
    """The document that SAP shows after it was created with that body."""
    row: Row = dict.fromkeys(ORDER.entity(SAP, context()).select)
    row |= {
        "DocEntry": 77,
        "DocNum": 5001,
        "DocumentStatus": "bost_Open",
        "Cancelled": "tNO",
        "PaymentGroupCode": 5,
        "DocTotal": Decimal(20),
        "DocTotalFc": Decimal(0),
        "CreationDate": "2026-03-01T00:00:00Z",
        "DocTime": "11:00:00",
        "DataVersion": 1,
        **deepcopy(body),
    }
    row["DocumentLines"] = [_shown_row(number, each) for number, each in enumerate(body["DocumentLines"])]
    row["DocumentAdditionalExpenses"] = [
        {"LineNum": number, "LineTotal": Decimal(0), "LineTotalFC": Decimal(0), **each}
        for number, each in enumerate(body["DocumentAdditionalExpenses"])
    ]
    return row | changes


def _shown_row(number: int, sent: Row) -> Row:
    return {"LineNum": number, "LineStatus": "bost_Open", "UoMEntry": -1, "ItemDescription": "Hammer", **deepcopy(sent)}


def content(row: Row, ctx: Context) -> str:
    """The composite text of an order's lines."""
    reading = ORDER.read(OTHER, row, CAME_IN, ctx)
    assert reading.held == {}
    return str(reading.values["lines"])


def parts(text: Any) -> dict[str, Any]:
    """That text as values."""
    found: dict[str, Any] = json.loads(str(text))
    return found
