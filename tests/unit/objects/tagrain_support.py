"""A business partner, an item, and the records of Tagrain as their systems spell them, with the lists around them."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

from shared.objects.addresses import COLLECTION, IDENTITY
from shared.objects.model import Context, Parent
from shared.objects.tagrain.settings import TagrainSettings
from shared.ports import Mark, Row, SideName

SAP, OTHER = SideName.SAP, SideName.OTHER
MARK = Mark(frozenset({"autumn"}))

LISTS: dict[str, list[Row]] = {
    "sap.countries": [
        {"Code": "IN", "Name": "India", "ISOAlpha2Code": "IN", "ISOAlpha3Code": "IND"},
        {"Code": "US", "Name": "USA", "ISOAlpha2Code": "US", "ISOAlpha3Code": "USA"},
    ],
    "sap.states": [
        {"Code": "MH", "Country": "IN", "Name": "Maharashtra"},
        {"Code": "GA", "Country": "US", "Name": "Georgia"},
    ],
    "sap.currencies": [{"Code": "EUR", "Name": "Euro"}, {"Code": "$", "Name": "US Dollar"}],
    "sap.customer_groups": [
        {"Code": 100, "Name": "Customers", "Type": "bbpgt_CustomerGroup"},
        {"Code": 101, "Name": "Suppliers", "Type": "bbpgt_VendorGroup"},
        {"Code": 102, "Name": "Regulars ", "Type": "bbpgt_CustomerGroup"},
    ],
    "sap.series": [
        {"Series": 71, "Name": "POS", "IsManual": "tNO", "Locked": "tNO"},
        {"Series": 1, "Name": "Manual", "IsManual": "tYES", "Locked": "tNO"},
    ],
    "sap.payment_terms": [{"GroupNumber": 2, "PaymentTermsGroupName": "Net 30"}],
    "sap.branches": [{"BPLID": 1, "Disabled": "tNO"}, {"BPLID": 2, "Disabled": "tYES"}, {"BPLID": 3}],
    "sap.price_lists": [
        {"PriceListNo": 1, "PriceListName": "Base", "Active": "tYES"},
        {"PriceListNo": 9, "PriceListName": "Old", "Active": "tNO"},
    ],
    "sap.warehouses": [
        {"WarehouseCode": "01", "Inactive": "tNO"},
        {"WarehouseCode": "02", "Inactive": "tNO"},
        {"WarehouseCode": "77", "Inactive": "tYES"},
    ],
    "sap.freights": [{"ExpensCode": 1, "Name": "Packing"}],
    "sap.tax_groups": [
        {"Code": "A0", "Category": "bovcOutputTax", "VatGroups_Lines": [{"Effectivefrom": "2020-01-01", "Rate": 0}]},
        {"Code": "A1", "Category": "bovcOutputTax", "VatGroups_Lines": [{"Effectivefrom": "2020-01-01", "Rate": 19}]},
    ],
    "sap.tax_codes": [],
    "sap.credit_cards": [{"CreditCardCode": 1, "CreditCardName": "Visa", "GLAccount": "161000"}],
    "sap.accounts": [{"Code": code, "ActiveAccount": "tYES"} for code in ("161000", "161100", "230000", "640100")],
    "sap.manufacturers": [
        {"Code": -1, "ManufacturerName": "- No Manufacturer -"},
        {"Code": 1, "ManufacturerName": "Anvil Works"},
        {"Code": 2, "ManufacturerName": "Bolt & Sons"},
    ],
    "sap.item_groups": [
        {"Number": 100, "GroupName": "Items"},
        {"Number": 104, "GroupName": "Tools"},
        {"Number": 105, "GroupName": "Twin"},
        {"Number": 106, "GroupName": "Twin"},
    ],
    "sap.cash_customer": [{"CardCode": "CASH", "CardType": "cCustomer", "Valid": "tYES", "Frozen": "tNO"}],
    "other.stores": [
        {"id": "st_1", "name": "Harbour", "currency": "EUR", "timeZone": "Europe/Berlin", "isActive": True},
        {"id": "st_2", "name": "Station", "currency": "EUR", "timeZone": "Europe/Berlin", "isActive": True},
        {"id": "st_3", "name": "Airport", "currency": "USD", "timeZone": "America/New_York", "isActive": True},
    ],
    "other.payment_types": [
        {"id": "pt_1", "name": "Cash", "type": "Cash", "isActive": True},
        {"id": "pt_2", "name": "Visa", "type": "CreditCard", "isActive": True},
        {"id": "pt_3", "name": "Transfer", "type": "BankTransfer", "isActive": True},
        {"id": "pt_4", "name": "On account", "type": "OnAccount", "isActive": True},
    ],
    "other.tax_codes": [
        {"id": "tx_1", "name": "A1", "rate": "19", "isActive": True},
        {"id": "tx_2", "name": "A7", "rate": "7", "isActive": False},
    ],
    "other.expense_reasons": [{"id": "er_1", "name": "Cleaning", "isActive": True}],
    "other.surcharges": [{"id": "sc_1", "name": "Packing", "isActive": True}],
    "other.customer_groups": [
        {"id": "cg_1", "name": "Customers", "taxCode": None, "isDefault": True},
        {"id": "cg_2", "name": "Regulars", "taxCode": None, "isDefault": False},
        {"id": "cg_3", "name": "Club", "taxCode": None, "isDefault": False},
        {"id": "cg_4", "name": "regulars", "taxCode": None, "isDefault": False},
    ],
    "other.product_groups": [
        {"id": "pg_1", "name": "Items"},
        {"id": "pg_2", "name": "Tools"},
        {"id": "pg_3", "name": "Toys"},
        {"id": "pg_4", "name": "Twin"},
    ],
    "other.manufacturers": [{"id": "mf_1", "name": "Anvil Works"}, {"id": "mf_2", "name": "Bolt & Sons"}],
}

LINKS = {
    Parent("customer_group", SAP, "100"): "cg_1",
    Parent("customer_group", SAP, "102"): "cg_2",
    Parent("product_group", SAP, "100"): "pg_1",
    Parent("product_group", SAP, "104"): "pg_2",
    Parent("manufacturer", SAP, "1"): "mf_1",
    Parent("manufacturer", SAP, "2"): "mf_2",
}

EVERYTHING: dict[str, Any] = {
    "connection": "HARBOUR",
    "startDate": "2026-01-01",
    "timeZone": "Europe/Berlin",
    "basePriceList": 1,
    "cashCustomer": "CASH",
    "paymentTerm": 2,
    "exemptTaxCode": "A0",
    "cashAccount": "161000",
    "customerCurrency": "EUR",
    "branchAssignment": [1],
    "customerCodeSeries": 71,
    "defaultCustomerGroup": 100,
    "defaultItemGroup": 100,
    "giftCardAccount": "230000",
    "payments": {
        "Visa": {"means": "creditCard", "creditCard": 1},
        "Transfer": {"means": "bankTransfer", "account": "161100"},
    },
    "stores": {
        "st_1": {"warehouse": "01", "branch": 1},
        "st_2": {"warehouse": "02", "branch": 3, "cashAccount": "161100"},
    },
    "expenseReasons": {"er_1": "640100"},
    "surcharges": {"sc_1": 1},
}
"""Settings of which every one holds."""


def context(*, lists: dict[str, list[Row]] | None = None, linked: bool = True, **settings: Any) -> Context:
    """A context with working settings; the given ones, in their JSON names, instead of the usual ones."""
    model = TagrainSettings.model_validate({**EVERYTHING, **settings})
    return Context("harbour", model, {**LISTS, **(lists or {})}, links=dict(LINKS) if linked else {})


# --- customers -------------------------------------------------------------------------------------------------------


def partner(**changes: Any) -> Row:
    """A customer in SAP with one bill-to address."""
    row: Row = {
        "CardCode": "C20000",
        "CardName": "Norm Thompson",
        "CardType": "cCustomer",
        "GroupCode": 102,
        "Phone1": "02 1234",
        "EmailAddress": "norm@example.com",
        "Valid": "tYES",
        "Frozen": "tNO",
        "BilltoDefault": "Office",
        COLLECTION: [
            _address("Office", 0, Street="12 Hill Road", City="Pune", ZipCode="411001", Country="IN", State="MH")
        ],
        "BPBranchAssignment": [{"BPCode": "C20000", "BPLID": 1, "DisabledForBP": "tNO"}],
        "U_HubRef": None,
        "CreateDate": "2024-03-01T00:00:00Z",
        "CreateTime": "09:30:00",
        "UpdateDate": None,
        "UpdateTime": None,
        "DataVersion": 3,
    }
    return row | changes


def _address(name: str, number: int, **parts: Any) -> Row:
    empty = dict.fromkeys(("Street", "Block", "City", "ZipCode", "State", "Country"))
    return {"BPCode": "C20000", "AddressName": name, "AddressType": "bo_BillTo", "RowNum": number, **empty, **parts}


def customer(**changes: Any) -> Row:
    """The same customer in Tagrain."""
    row: Row = {
        "id": "cus_00012",
        "version": 4,
        "createdAt": "2026-03-01T09:30:00.000Z",
        "updatedAt": "2026-03-01T09:30:00.000Z",
        "code": "C20000",
        "name": "Norm Thompson",
        "customerGroupId": "cg_2",
        "email": "norm@example.com",
        "phone": "02 1234",
        "birthDate": "1970-01-01",
        "anniversary": None,
        "address": {
            "street": "12 Hill Road",
            "city": "Pune",
            "state": "Maharashtra",
            "zip": "411001",
            "country": "India",
        },
        "isActive": True,
        "externalRef": None,
    }
    return row | changes


# --- products --------------------------------------------------------------------------------------------------------


def item(**changes: Any) -> Row:
    """An item in SAP, without serial numbers or batches."""
    row: Row = {
        "ItemCode": "I00001",
        "ItemName": "Hammer",
        "User_Text": "Strikes nails",
        "ManageSerialNumbers": "tNO",
        "ManageBatchNumbers": "tNO",
        "InventoryItem": "tYES",
        "SalesItem": "tYES",
        "ItemsGroupCode": 104,
        "Manufacturer": 1,
        "BarCode": "4006381333931",
        "SalesVATGroup": "A1",
        "ItemPrices": [
            {
                "PriceList": 1,
                "Price": Decimal("12.5"),
                "Currency": "EUR",
                "AdditionalPrice1": 14,
                "AdditionalCurrency1": "$",
            },
            {"PriceList": 2, "Price": 99, "Currency": "EUR"},
        ],
        "Valid": "tYES",
        "Frozen": "tNO",
        "U_HubRef": None,
        "CreateDate": "2024-03-01T00:00:00Z",
        "CreateTime": "09:30:00",
        "UpdateDate": None,
        "UpdateTime": None,
        "DataVersion": 3,
    }
    return row | changes


def product(**changes: Any) -> Row:
    """The same item in Tagrain."""
    row: Row = {
        "id": "prd_00007",
        "version": 9,
        "createdAt": "2026-03-01T09:30:00.000Z",
        "updatedAt": "2026-03-01T09:30:00.000Z",
        "code": "I00001",
        "name": "Hammer",
        "description": "Strikes nails",
        "productType": "Standard",
        "isNonStock": False,
        "productGroupId": "pg_2",
        "manufacturerId": "mf_1",
        "upc": "4006381333931",
        "basePrice": "12.50",
        "taxCode": "A1",
        "parentId": None,
        "attributes": [],
        "isActive": True,
        "externalRef": None,
    }
    return row | changes


def after_write(side: SideName, row: Row, body: Row) -> Row:
    """The row that the system shows after it was told the body; addresses of SAP are merged by identity."""
    after = deepcopy(row)
    for column, value in body.items():
        if side is SAP and column == COLLECTION:
            for sent in value:
                _merge_address(after, sent)
        else:
            assert column in after, f"{column} is not a column the hub reads back"
            after[column] = value
    return after


def _merge_address(row: Row, sent: Row) -> None:
    identity = [name for name in IDENTITY if name in sent]
    found = [each for each in row[COLLECTION] if all(each[name] == sent[name] for name in identity)]
    if found:
        found[0].update(sent)
    else:
        row[COLLECTION].append(_address(sent["AddressName"], len(row[COLLECTION])) | sent)
