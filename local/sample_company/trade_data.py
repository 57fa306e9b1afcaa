"""The small tables that trade needs: price lists, units, warehouses, tax codes, freight, exchange rates, order series."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

ITEM_GROUPS = ((100, "Items"), (101, "Printers"), (102, "Zubehör"), (103, "Services"))
BASE_LIST = 1
# (number, name, base list, factor, currency)
PRICE_LISTS = (
    (1, "Base Price EUR", 1, 1.0, "EUR"),
    (2, "Export USD", 1, 1.08, "USD"),
    (3, "Retail GBP", 1, 0.86, "GBP"),
)
UNITS = ((-1, "Manual", "Manual"), (1, "PC", "Piece"), (2, "BOX", "Box of 12"), (3, "PAL", "Pallet"))
# (entry, code, name, base unit, ((unit, how many of the base unit), ...))
UNIT_GROUPS = (
    (-1, "Manual", "Manual", -1, ((-1, 1.0),)),
    (1, "PIECES", "Pieces and boxes", 1, ((1, 1.0), (2, 12.0), (3, 480.0))),
)
WAREHOUSES = (("01", "General Warehouse"), ("02", "West Warehouse"))
BRANCH_WAREHOUSE = ("03", "Wien")
"""Only in a company with branches, where every warehouse belongs to one."""
# (code, name, category, percent)
VAT_GROUPS = (
    ("A0", "Ausgangssteuer 0 %", "bovcOutputTax", 0.0),
    ("A7", "Ausgangssteuer 7 %", "bovcOutputTax", 7.0),
    ("A19", "Ausgangssteuer 19 %", "bovcOutputTax", 19.0),
    ("V19", "Vorsteuer 19 %", "bovcInputTax", 19.0),
)
# (code, name, percent)
SALES_TAX_CODES = (
    ("EXEMPT", "Exempt", 0.0),
    ("STD", "Standard rate", 19.0),
    ("RED", "Reduced rate", 7.0),
    ("CITY", "City rate", 8.375),
)
FREIGHT = ((1, "Shipping"), (2, "Item tax"), (3, "Insurance"))
MANUFACTURERS = ((-1, "- No Manufacturer -"), (1, "Nordlicht Werke"), (2, "Hafen Apparatebau"))
# (code, name, G/L account)
CREDIT_CARDS = ((1, "Visa", "1360"), (2, "girocard", "1361"), (3, "Gift card", "1705"))
# (code, name, whether money lies there)
ACCOUNTS = (
    ("1000", "Cash, Marktplatz", True),
    ("1001", "Cash, Hafenstraße", True),
    ("1002", "Cash, Bahnhof", True),
    ("1200", "Bank", True),
    ("1360", "Visa in transit", False),
    ("1361", "girocard in transit", False),
    ("1705", "Gift cards sold", False),
    ("4900", "Other expenses", False),
    ("4910", "Postage", False),
)
# Units of EUR for one; kept for a day long past, and valid until another one is kept.
RATES = (("USD", 0.9216), ("GBP", 1.1687), ("KWD", 3.0042))
RATE_DAY = "2016-01-01T00:00:00Z"
ORDER_SERIES = 80
QUOTATION_SERIES = 81


def trade_tables(*, branches: bool) -> dict[str, list[Row]]:
    """Rows of the tables, in Service Layer's v2 spelling; without items."""
    houses = (*WAREHOUSES, BRANCH_WAREHOUSE) if branches else WAREHOUSES
    return {
        "ItemGroups": [{"Number": number, "GroupName": name} for number, name in ITEM_GROUPS],
        "PriceLists": [_price_list(*each) for each in PRICE_LISTS],
        "UnitOfMeasurements": [{"AbsEntry": entry, "Code": code, "Name": name} for entry, code, name in UNITS],
        "UnitOfMeasurementGroups": [_unit_group(*each) for each in UNIT_GROUPS],
        "Warehouses": [
            {"WarehouseCode": code, "WarehouseName": name, "Inactive": "tNO"}
            | ({"BusinessPlaceID": number} if branches else {})
            for number, (code, name) in enumerate(houses, 1)
        ],
        "VatGroups": [_vat_group(*each) for each in VAT_GROUPS],
        "SalesTaxCodes": [
            {"Code": code, "Name": name, "Rate": rate, "ValidForAR": "tYES", "Inactive": "tNO", "Freight": "tYES"}
            for code, name, rate in SALES_TAX_CODES
        ],
        "AdditionalExpenses": [
            {"ExpensCode": code, "Name": name, "TaxLiable": "tYES", "OutputVATGroup": "A19", "DataVersion": 1}
            for code, name in FREIGHT
        ],
        "Manufacturers": [{"Code": code, "ManufacturerName": name} for code, name in MANUFACTURERS],
        "CreditCards": [
            {"CreditCardCode": code, "CreditCardName": name, "GLAccount": account}
            for code, name, account in CREDIT_CARDS
        ],
        "ChartOfAccounts": [
            {"Code": code, "Name": name, "ActiveAccount": "tYES", "CashAccount": "tYES" if money else "tNO"}
            for code, name, money in ACCOUNTS
        ],
        "CurrencyRates": [{"Currency": code, "RateDate": RATE_DAY, "Rate": rate} for code, rate in RATES],
    }


def document_series() -> list[Row]:
    """The numbering series of sales orders (object type 17) and sales quotations (23)."""
    return [
        {
            "SeriesProperty": series,
            "Name": "Primary",
            "Document": document,
            "InitialNumber": first,
            "NextNumber": first,
            "IsManual": "tNO",
            "Locked": "tNO",
        }
        for series, document, first in ((ORDER_SERIES, "17", 1001), (QUOTATION_SERIES, "23", 501))
    ]


def _price_list(number: int, name: str, base: int, factor: float, currency: str) -> Row:
    return {
        "PriceListNo": number,
        "PriceListName": name,
        "BasePriceList": base,
        "Factor": factor,
        "DefaultPrimeCurrency": currency,
        "Active": "tYES",
        "IsGrossPrice": "tNO",
        "RoundingMethod": "borm_NoRounding",
    }


def _unit_group(entry: int, code: str, name: str, base: int, units: tuple[tuple[int, float], ...]) -> Row:
    definitions = [
        {"AlternateUoM": unit, "AlternateQuantity": 1.0, "BaseQuantity": quantity, "Active": "tYES"}
        for unit, quantity in units
    ]
    return {
        "AbsEntry": entry,
        "Code": code,
        "Name": name,
        "BaseUoM": base,
        "UoMGroupDefinitionCollection": definitions,
    }


def _vat_group(code: str, name: str, category: str, percent: float) -> Row:
    line = {"Effectivefrom": "2007-01-01T00:00:00Z", "Rate": percent}
    return {"Code": code, "Name": name, "Category": category, "Inactive": "tNO", "VatGroups_Lines": [line]}
