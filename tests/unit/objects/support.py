"""A customer and an account as their systems spell them, the lists around them, and what a write makes of a row."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from shared.objects.addresses import COLLECTION, IDENTITY
from shared.objects.dynamics.account import ACCOUNT
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.model import Context
from shared.ports import Mark, Row, SideName

SAP, OTHER = SideName.SAP, SideName.OTHER
EUR_ID = "5f0e7c1a-0000-4000-8000-000000000001"
USD_ID = "5f0e7c1a-0000-4000-8000-000000000002"

LISTS: dict[str, list[Row]] = {
    "sap.countries": [
        {"Code": "IN", "Name": "India", "ISOAlpha2Code": "IN", "ISOAlpha3Code": "IND"},
        {"Code": "US", "Name": "USA", "ISOAlpha2Code": "US", "ISOAlpha3Code": "USA"},
        {"Code": "DE", "Name": "Germany", "ISOAlpha2Code": "DE", "ISOAlpha3Code": "DEU"},
    ],
    "sap.states": [
        {"Code": "MH", "Country": "IN", "Name": "Maharashtra"},
        {"Code": "GA", "Country": "IN", "Name": "Goa"},
        {"Code": "GA", "Country": "US", "Name": "Georgia"},
        {"Code": "BY", "Country": "DE", "Name": "Bayern"},
    ],
    "sap.currencies": [{"Code": "EUR", "Name": "Euro"}, {"Code": "$", "Name": "US Dollar"}],
    "sap.customer_groups": [
        {"Code": 100, "Name": "Customers", "Type": "bbpgt_CustomerGroup"},
        {"Code": 101, "Name": "Vendors", "Type": "bbpgt_VendorGroup"},
    ],
    "sap.series": [
        {"Series": 71, "Name": "CRM", "IsManual": "tNO", "Locked": "tNO"},
        {"SeriesProperty": 72, "Name": "Web", "IsManual": "tNO", "Locked": "tNO"},
        {"Series": 1, "Name": "Manual", "IsManual": "tYES", "Locked": "tNO"},
        {"Series": 73, "Name": "Old", "IsManual": "tNO", "Locked": "tYES"},
    ],
    "sap.payment_terms": [{"GroupNumber": 2, "PaymentTermsGroupName": "Net 30"}, {"GroupNumber": 5}],
    "sap.branches": [{"BPLID": 1, "Disabled": "tNO"}, {"BPLID": 2, "Disabled": "tYES"}],
    "other.currencies": [
        {"transactioncurrencyid": EUR_ID, "isocurrencycode": "EUR"},
        {"transactioncurrencyid": USD_ID, "isocurrencycode": "USD"},
    ],
}

MARK = Mark(frozenset({"autumn"}), {"accountType": "3"})


def context(**settings: Any) -> Context:
    """A context with working settings; the given ones, in their JSON names, instead of the defaults."""
    given = {
        "accountTypes": [3, 9],
        "defaultCustomerGroup": 100,
        "customerCodeSeries": 71,
        "currencies": {"$": "USD"},
        "paymentTerms": {"2": 1, "5": 4},
        **settings,
    }
    return Context("dynamics", DynamicsSettings.model_validate(given), LISTS)


def sap_row(**changes: Any) -> Row:
    """A customer with two bill-to and two ship-to addresses; the defaults are not the first ones."""
    row: Row = {
        "CardCode": "C20000",
        "CardName": "Norm Thompson",
        "CardType": "cCustomer",
        "GroupCode": 100,
        "Phone1": "02 1234",
        "Phone2": None,
        "Fax": "",
        "EmailAddress": "norm@example.com",
        "Website": None,
        "Currency": "$",
        "PayTermsGrpCode": 2,
        "BilltoDefault": "Office",
        "ShipToDefault": "Dock 2",
        "BPAddresses": [
            _address("Old office", "bo_BillTo", 0, Street="1 Past Road", Country="US", State="GA"),
            _address("Office", "bo_BillTo", 1, Street="12 Hill Road", City="Pune", Country="IN", State="MH"),
            _address("Dock 1", "bo_ShipTo", 0, Street="1 Port", Country="IN", State="GA"),
            _address("Dock 2", "bo_ShipTo", 1, Street="2 Port", City="Panaji", Country="IN", State="GA"),
        ],
        "BPBranchAssignment": [],
        "U_HubRef": None,
        "CreateDate": "2024-03-01T00:00:00Z",
        "CreateTime": "09:30:00",
        "UpdateDate": None,
        "UpdateTime": None,
        "DataVersion": 3,
    }
    return row | changes


def _address(name: str, kind: str, number: int, **parts: Any) -> Row:
    empty = dict.fromkeys(("Street", "Block", "City", "ZipCode", "State", "Country"))
    return {"BPCode": "C20000", "AddressName": name, "AddressType": kind, "RowNum": number, **empty, **parts}


def other_row(**changes: Any) -> Row:
    """An account with all columns that the hub selects, most of them empty."""
    row: Row = dict.fromkeys(ACCOUNT.entity(OTHER, context()).select)
    row |= {
        "accountid": "aaaaaaaa-0000-4000-8000-000000000001",
        "name": "Norm Thompson",
        "customertypecode": 3,
        "statecode": 0,
        "merged": False,
        "_transactioncurrencyid_value": EUR_ID,
        "createdon": "2024-03-01T09:30:00Z",
        "versionnumber": 81,
    }
    return row | changes


def after_write(side: SideName, row: Row | None, body: Row) -> Row:
    """The row that the system shows after it was told the body; a tiny stand-in for the real merges."""
    return _in_sap(deepcopy(row), body) if side is SAP else _in_dataverse(deepcopy(row), body)


def _in_sap(row: Row | None, body: Row) -> Row:
    row = row or dict.fromkeys(sap_row()) | {"CardCode": "C99999", "BPAddresses": [], "BPBranchAssignment": []}
    for column, value in body.items():
        if column == COLLECTION:
            for sent in value:
                _merge_address(row, sent)
        else:
            row[column] = value
    return row


def _merge_address(row: Row, sent: Row) -> None:
    identity = [name for name in IDENTITY if name in sent]
    assert {"AddressName", "AddressType"} <= set(identity), "SAP could not tell which address is meant"
    found = [a for a in row[COLLECTION] if all(a[name] == sent[name] for name in identity)]
    if found:
        found[0].update(sent)
    else:
        row[COLLECTION].append(_address(sent["AddressName"], sent["AddressType"], len(row[COLLECTION])) | sent)


def _in_dataverse(row: Row | None, body: Row) -> Row:
    row = row or dict.fromkeys(ACCOUNT.entity(OTHER, context()).select)
    for column, value in body.items():
        if column.endswith("@odata.bind"):
            name = column.removesuffix("@odata.bind")
            row[f"_{name}_value"] = value.partition("(")[2].rstrip(")")
        elif f"_{column}_value" in row:
            assert value is None
            row[f"_{column}_value"] = None
        else:
            assert column in row, f"{column} is not a column the hub reads back"
            row[column] = value
    return row
