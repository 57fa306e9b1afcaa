"""Both sides field by field, in the demo's own words: written down anew, so that the hub's table is not its own judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.demo.systems import Dynamics, Row, Sap

#: What the demo puts into the settings, and expects to see: SAP's code -> Dynamics'.
PAYMENT_TERMS = {1: 1, 3: 2, 2: 4}
COUNTRIES = {"US": "United States"}
ALL_CURRENCIES_AS = "EUR"
UNMAPPED_TERMS = -1

_ALL_CURRENCIES = "##"
_SAME = (
    ("phone", "Phone1", "telephone1"),
    ("second phone", "Phone2", "telephone2"),
    ("fax", "Fax", "fax"),
    ("e-mail", "EmailAddress", "emailaddress1"),
    ("website", "Website", "websiteurl"),
)
_ADDRESSES = (
    ("bill-to", "bo_BillTo", "BilltoDefault", "address1"),
    ("ship-to", "bo_ShipTo", "ShipToDefault", "address2"),
)
_PARTS = (
    ("street", "Street", "line1"),
    ("block", "Block", "line2"),
    ("city", "City", "city"),
    ("zip", "ZipCode", "postalcode"),
)


@dataclass(frozen=True)
class Lists:
    """What codes mean: names of countries and states in SAP, ISO codes of Dynamics' currencies."""

    countries: Mapping[str, str]
    states: Mapping[tuple[str, str], str]
    currencies: Mapping[str, str]

    @classmethod
    async def read(cls, sap: Sap, dynamics: Dynamics) -> Lists:
        """From both systems."""
        countries = {row["Code"]: row["Name"] for row in await sap.rows("Countries?$select=Code,Name")}
        states = await sap.rows("States?$select=Code,Country,Name")
        return cls(
            {**countries, **COUNTRIES},
            {(row["Country"], row["Code"]): row["Name"] for row in states},
            await dynamics.currencies(),
        )


@dataclass
class Comparison:
    """What was compared: pairs and fields, differences in words, customers and accounts without a counterpart."""

    pairs: int = 0
    fields: int = 0
    differences: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    uninvited: list[str] = field(default_factory=list)


def compare(partners: Mapping[str, Row], accounts: Iterable[Row], types: Mapping[str, int], lists: Lists) -> Comparison:
    """Compare every customer in ``types`` (code -> account type) with its account, found by its number.

    Accounts that carry the number of any other customer are uninvited.
    """
    result = Comparison()
    by_number: dict[str, list[Row]] = {}
    for account in accounts:
        if account.get("accountnumber"):
            by_number.setdefault(account["accountnumber"], []).append(account)
    for code, account_type in types.items():
        found = by_number.pop(code, [])
        if len(found) != 1:
            (result.doubled if found else result.missing).append(code)
            continue
        expected = _expected(partners[code], account_type, lists)
        seen = _seen(found[0], lists)
        result.pairs += 1
        result.fields += len(expected)
        for name, value in expected.items():
            if seen[name] != value:
                result.differences.append(f"{code}, {name}: SAP has {value!r}, Dynamics {seen[name]!r}")
    result.uninvited = sorted(by_number)
    return result


def _expected(partner: Row, account_type: int, lists: Lists) -> dict[str, Any]:
    """What Dynamics must show of a customer."""
    currency = partner.get("Currency")
    shown: dict[str, Any] = {
        "name": _text(partner["CardName"]),
        "account type": account_type,
        "currency": ALL_CURRENCIES_AS if currency == _ALL_CURRENCIES else currency,
        # Terms without a counterpart are held back by name; nothing is guessed.
        "payment terms": PAYMENT_TERMS.get(partner["PayTermsGrpCode"]),
    }
    shown |= {name: _text(partner.get(column)) for name, column, _ in _SAME}
    for name, kind, default, _ in _ADDRESSES:
        address = _default_address(partner, kind, default)
        country, state = address.get("Country"), address.get("State")
        shown |= {f"{name} {part}": _text(address.get(column)) for part, column, _ in _PARTS}
        shown[f"{name} country"] = lists.countries[country] if country else None
        shown[f"{name} state"] = lists.states[country, state] if country and state else None
    return shown


def _default_address(partner: Row, kind: str, default: str) -> Row:
    rows = [row for row in partner.get("BPAddresses") or () if row["AddressType"] == kind]
    return next((row for row in rows if row["AddressName"] == partner.get(default)), {})


def _seen(account: Row, lists: Lists) -> dict[str, Any]:
    """What Dynamics does show."""
    shown: dict[str, Any] = {
        "name": _text(account["name"]),
        "account type": account["customertypecode"],
        "currency": lists.currencies.get(account["_transactioncurrencyid_value"] or ""),
        "payment terms": account["paymenttermscode"],
    }
    shown |= {name: _text(account.get(column)) for name, _, column in _SAME}
    for name, _, _, prefix in _ADDRESSES:
        shown |= {f"{name} {part}": _text(account.get(f"{prefix}_{column}")) for part, _, column in _PARTS}
        shown[f"{name} country"] = account.get(f"{prefix}_country")
        shown[f"{name} state"] = account.get(f"{prefix}_stateorprovince")
    return shown


def _text(value: str | None) -> str | None:
    """Blanks around a text mean nothing: SAP keeps those of old imports, Dynamics does not get them."""
    return (value or "").strip() or None
