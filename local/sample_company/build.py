"""The sample company: its set-up, its items and its business partners."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from local.sample_company.contacts import add_contacts
from local.sample_company.items import build_items
from local.sample_company.pools import HAND_MADE_NAMES, Region, draw_pools, phone
from local.sample_company.selling import selling_tables
from local.sample_company.setup_data import BRANCHES, CUSTOMER_GROUPS, VENDOR_GROUPS, setup_tables
from local.sample_company.trade_data import document_series, trade_tables

Row = dict[str, Any]

_FIRST_DAY = date(2016, 1, 4)
_LAST_DAY = date(2025, 12, 31)
_DAYS = (_LAST_DAY - _FIRST_DAY).days
_ALL_CURRENCIES = "##"


def build_company(
    customers: int = 200,
    seed: int = 7,
    *,
    suppliers: int | None = None,
    leads: int | None = None,
    branches: bool = False,
    items: int = 60,
    more_contacts: float = 0.0,
) -> dict[str, list[Row]]:
    """Rows of every set: ``customers`` customers, by default a tenth as many suppliers and a twentieth of leads.

    Codes are C00001, V00001, L00001 and on, of items I00001. 50,000 customers take a few seconds. The number of items
    changes nothing of the partners. That share of the customers (0 to 1) has two or three contact persons; the others,
    and all of them at 0, have at most two.
    """
    random = Random(seed)
    regions = draw_pools(seed)
    tables = setup_tables(branches=branches) | trade_tables(branches=branches)
    tables |= selling_tables()
    tables["Series"] += document_series()
    tables["Items"] = build_items(items, seed, [row["WarehouseCode"] for row in tables["Warehouses"]])
    if not branches:  # a shop of its own: none of the items was ever there
        tables["Warehouses"].append({"WarehouseCode": "04", "WarehouseName": "Bahnhof shop", "Inactive": "tNO"})
    contact_codes = count(1)
    kinds = (
        ("cCustomer", "C", customers),
        ("cSupplier", "V", max(3, customers // 10) if suppliers is None else suppliers),
        ("cLid", "L", max(3, customers // 20) if leads is None else leads),
    )
    partners = [
        _partner(f"{letter}{number:05d}", card_type, random, regions, contact_codes, branches)
        for card_type, letter, amount in kinds
        for number in range(1, amount + 1)
    ]
    for partner, name in zip(partners, HAND_MADE_NAMES, strict=False):
        partner["CardName"] = name  # the first customers have the names that need care
    add_contacts(partners, seed, more_contacts, contact_codes)
    tables["BusinessPartners"] = partners
    return tables


def _partner(
    code: str, card_type: str, random: Random, regions: tuple[Region, ...], contact_codes: count[int], branches: bool
) -> Row:
    region = random.choice(regions)
    town = random.choice(region.towns)
    name = f"{random.choice(region.companies)} {town}" if random.random() < 0.8 else random.choice(region.companies)
    if random.random() < 0.02:
        name += " "  # rows of old imports keep blanks that SAP's own windows would cut
    is_supplier = card_type == "cSupplier"
    row: Row = {
        "CardCode": code,
        "CardName": name,
        "CardType": card_type,
        "GroupCode": random.choice(VENDOR_GROUPS if is_supplier else CUSTOMER_GROUPS)[0],
        "Phone1": phone(region, random),
        "EmailAddress": f"office@{code.lower()}.example",
        "Currency": _ALL_CURRENCIES if random.random() < 0.1 else region.currency,
        "PriceListNum": random.choice((1, 1, 1, 2, 3)),
        "PayTermsGrpCode": random.choice((-1, 1, 1, 1, 2, 3)),
        "SalesPersonCode": random.choice((-1, 1, 2, 3, 4, 5)),
        "FederalTaxID": f"{region.country}{random.randrange(10**8, 10**9)}",
        "Valid": "tYES",
        "Frozen": "tYES" if random.random() < 0.02 else "tNO",
        "CompanyPrivate": "cCompany",
        "CreditLimit": float(random.randrange(0, 500) * 100),
        "MaxCommitment": 0.0,
        "DiscountPercent": random.choice((0.0, 0.0, 0.0, 2.5, 5.0)),
        "CurrentAccountBalance": round(random.uniform(0, 20000), 2),
        "OpenOrdersBalance": 0.0,
        "OpenDeliveryNotesBalance": 0.0,
    }
    if random.random() < 0.5:
        row["Website"] = f"https://{code.lower()}.example"
    if random.random() < 0.3:
        row["Cellular"] = phone(region, random)
    if random.random() < 0.2:
        row["Notes"] = "Ruft lieber an – bitte nicht mailen"
    _add_addresses(row, region, town, random)
    _add_contacts(row, region, random, contact_codes)
    _add_stamps(row, random)
    if branches:
        row["BPBranchAssignment"] = [
            {"BPCode": code, "BPLID": number, "DisabledForBP": "tNO"}
            for number, _ in BRANCHES[: random.randrange(1, 4)]
        ]
    return row


def _add_addresses(row: Row, region: Region, town: str, random: Random) -> None:
    bill_to = _address(row["CardCode"], "Rechnung", "bo_BillTo", 0, region, town, random)
    addresses = [bill_to]
    for number in range(1, random.choice((2, 2, 3))):
        town_there = town if number == 1 else random.choice(region.towns)
        addresses.append(_address(row["CardCode"], f"Lager {number}", "bo_ShipTo", number, region, town_there, random))
    ship_to = addresses[1]
    row.update(
        BPAddresses=addresses,
        BilltoDefault=bill_to["AddressName"],
        ShipToDefault=ship_to["AddressName"],
        Address=bill_to["Street"],
        City=bill_to["City"],
        ZipCode=bill_to["ZipCode"],
        Country=bill_to["Country"],
        MailAddress=ship_to["Street"],
        MailCity=ship_to["City"],
        MailZipCode=ship_to["ZipCode"],
        MailCountry=ship_to["Country"],
    )
    if "State" in bill_to:
        row["BillToState"] = bill_to["State"]
    if "State" in ship_to:
        row["ShipToState"] = ship_to["State"]


def _address(code: str, name: str, kind: str, number: int, region: Region, town: str, random: Random) -> Row:
    address: Row = {
        "BPCode": code,
        "AddressName": name,
        "AddressType": kind,
        "RowNum": number,
        "Street": random.choice(region.streets),
        "City": town,
        "ZipCode": random.choice(region.zip_codes),
        "Country": region.country,
    }
    if region.states:
        address["State"] = random.choice(region.states)
    return address


def _add_contacts(row: Row, region: Region, random: Random, contact_codes: count[int]) -> None:
    people = random.sample(region.people, random.choice((0, 1, 1, 2)))
    contacts: dict[str, Row] = {}
    for first, last in people:
        name = f"{first} {last}"[:50]
        code = next(contact_codes)
        contacts.setdefault(
            name.casefold(),
            {
                "CardCode": row["CardCode"],
                "InternalCode": code,
                "Name": name,
                "FirstName": first,
                "LastName": last,
                "Position": random.choice(("Einkauf", "Buchhaltung", "CEO", "Sales")),
                "Phone1": row["Phone1"],
                "E_Mail": f"p{code}@{row['CardCode'].lower()}.example",
                "Active": "tYES",
            },
        )
    row["ContactEmployees"] = list(contacts.values())
    if contacts:
        row["ContactPerson"] = row["ContactEmployees"][0]["Name"]


def _add_stamps(row: Row, random: Random) -> None:
    """Created some day in ten years; seven of ten edited since."""
    created = random.randrange(_DAYS)
    row["CreateDate"], row["CreateTime"] = _day(created), _time(random)
    row["DataVersion"] = 1
    if random.random() < 0.7:
        row["UpdateDate"], row["UpdateTime"] = _day(random.randrange(created, _DAYS)), _time(random)
        row["DataVersion"] = random.randrange(2, 12)
    for contact in row["ContactEmployees"]:
        contact["CreateDate"], contact["CreateTime"] = row["CreateDate"], row["CreateTime"]


def _day(number: int) -> str:
    return f"{(_FIRST_DAY + timedelta(days=number)).isoformat()}T00:00:00Z"


def _time(random: Random) -> str:
    return f"{random.randrange(7, 19):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}"
