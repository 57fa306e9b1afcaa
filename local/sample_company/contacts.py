"""More contact persons for a part of the customers, drawn apart so that nothing else of the company changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from local.sample_company.pools import Region, draw_pools, phone

Row = dict[str, Any]

# (gender, titles)
_GENDERS = (("gt_Female", ("Frau", "Ms", "Dr.")), ("gt_Male", ("Herr", "Mr", "Dr.")), ("gt_Undefined", (None,)))
_POSITIONS = ("Einkauf", "Buchhaltung", "Lager", "Sales", "IT")


def add_contacts(partners: Iterable[Row], seed: int, share: float, codes: Iterator[int]) -> None:
    """Fill up that share of the customers to two or three contact persons; ``codes`` gives their InternalCodes."""
    random = Random(f"contacts/{seed}")
    regions = {region.country: region for region in draw_pools(seed)}
    for partner in partners:
        if partner["CardType"] == "cCustomer" and random.random() < share:
            _fill_up(partner, random.choice((2, 3)), regions[partner["Country"]], random, codes)


def _fill_up(partner: Row, wanted: int, region: Region, random: Random, codes: Iterator[int]) -> None:
    contacts: list[Row] = partner["ContactEmployees"]
    names = {each["Name"].casefold() for each in contacts}
    for first, last in random.sample(region.people, len(region.people)):
        name = f"{first} {last}"[:50]
        if len(contacts) >= wanted:
            break
        if name.casefold() not in names:
            names.add(name.casefold())
            contacts.append(_contact(partner, name, first, last, next(codes), phone(region, random), random))
    partner.setdefault("ContactPerson", contacts[0]["Name"])


def _contact(partner: Row, name: str, first: str, last: str, code: int, mobile: str, random: Random) -> Row:
    gender, titles = random.choice(_GENDERS)
    title = random.choice(titles)
    return {
        "CardCode": partner["CardCode"],
        "InternalCode": code,
        "Name": name,
        "FirstName": first,
        "LastName": last,
        "Position": random.choice(_POSITIONS),
        "MobilePhone": mobile,
        "E_Mail": f"p{code}@{partner['CardCode'].lower()}.example",
        "Gender": gender,
        "Active": "tYES",
        "CreateDate": partner["CreateDate"],
        "CreateTime": partner["CreateTime"],
        **({"Title": title} if title else {}),
    }
