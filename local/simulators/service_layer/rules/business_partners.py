"""BusinessPartners: codes and series, kinds, groups, currencies, terms, addresses.

Sources: Service Layer user guide and observed answers where an error code is known; else general Business One rules.
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Collection, SetRules, must_exist, without_nulls
from local.simulators.service_layer.rules.contact_persons import Contacts, follow_main_contact
from local.simulators.service_layer.rules.series import next_code
from local.simulators.service_layer.store import Row
from local.simulators.service_layer.values import stamp

ALL_CURRENCIES = "##"
_GROUP_TYPES = {
    "cCustomer": "bbpgt_CustomerGroup",
    "cLid": "bbpgt_CustomerGroup",
    "cSupplier": "bbpgt_VendorGroup",
}
_TERMS_SETTINGS = {
    "cCustomer": "DefaultCustomerPaymentTerms",
    "cLid": "DefaultCustomerPaymentTerms",
    "cSupplier": "DefaultVendorPaymentTerms",
}
_DEFAULTS: dict[str, Any] = {
    "CardType": "cCustomer",
    "SalesPersonCode": -1,
    "PriceListNum": 1,
    "Valid": "tYES",
    "Frozen": "tNO",
    "CompanyPrivate": "cCompany",
    "CreditLimit": 0.0,
    "MaxCommitment": 0.0,
    "DiscountPercent": 0.0,
    "CurrentAccountBalance": 0.0,
    "OpenDeliveryNotesBalance": 0.0,
    "OpenOrdersBalance": 0.0,
}
# The header shows its default addresses: header property <- address property.
_BILL_TO_MIRROR = {
    "Address": "Street",
    "Block": "Block",
    "City": "City",
    "County": "County",
    "ZipCode": "ZipCode",
    "Country": "Country",
    "BillToState": "State",
    "BillToBuildingFloorRoom": "BuildingFloorRoom",
}
_SHIP_TO_MIRROR = {
    "MailAddress": "Street",
    "MailCity": "City",
    "MailCounty": "County",
    "MailZipCode": "ZipCode",
    "MailCountry": "Country",
    "ShipToState": "State",
    "ShipToBuildingFloorRoom": "BuildingFloorRoom",
}
_ADDRESS_SIDES = (
    ("BilltoDefault", "bo_BillTo", _BILL_TO_MIRROR),
    ("ShipToDefault", "bo_ShipTo", _SHIP_TO_MIRROR),
)


class Addresses(Collection):
    """CRD1: all key parts a row gives must match; the address type is ship-to unless given."""

    def __init__(self) -> None:
        super().__init__("AddressName", "AddressType", "RowNum")

    def find(self, rows: Sequence[Row], given: Row, touched: set[int]) -> int | None:
        """A row is named by its AddressName or its RowNum."""
        if given.get("AddressName") is None and given.get("RowNum") is None:
            raise errors.rule("CRD1.Address", "Address name is missing")
        if given.get("AddressType") is None and given.get("AddressName") is not None:
            given = {**given, "AddressType": "bo_ShipTo"}
        return super().find(rows, given, touched)

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """Gets the next RowNum and the partner's code."""
        if not given.get("AddressName"):
            raise errors.rule("CRD1.Address", "Address name is missing")
        day, time = stamp(company.local_now())
        return without_nulls(
            {
                "AddressType": "bo_ShipTo",
                **given,
                "BPCode": parent["CardCode"],
                "RowNum": max((row["RowNum"] for row in rows), default=-1) + 1,
                "CreateDate": day,
                "CreateTime": time,
            }
        )

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """Keeps the partner's code."""
        return super().changed_row(company, present, {**given, "BPCode": present["BPCode"]})

    def check(self, rows: Sequence[Row]) -> None:
        """One address of a name and type."""
        names = [(row["AddressName"], row["AddressType"]) for row in rows]
        if len(set(names)) != len(names):
            raise errors.entry_exists()


class Branches(Collection):
    """CRD8: by branch."""

    def __init__(self) -> None:
        super().__init__("BPLID")

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """The branch must exist."""
        if company.store.get("BusinessPlaces", given.get("BPLID")) is None:
            raise errors.rule("CRD8.BPLId", "Invalid branch")
        return without_nulls({"DisabledForBP": "tNO", **given, "BPCode": parent["CardCode"]})


class BusinessPartnerRules(SetRules):
    """Rules of the set."""

    read_only: ClassVar[frozenset[str]] = frozenset(
        {"CurrentAccountBalance", "OpenDeliveryNotesBalance", "OpenOrdersBalance", "OpenChecksBalance"}
    )
    collections: ClassVar[Mapping[str, Collection]] = {
        "BPAddresses": Addresses(),
        "ContactEmployees": Contacts(),
        "BPBranchAssignment": Branches(),
        "BPPaymentMethods": Collection("PaymentMethodCode"),
        "BPBankAccounts": Collection("InternalKey"),
    }

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """Code from a series unless given, and the defaults of the company; codes of contacts are the server's."""
        for contact in draft.get("ContactEmployees", ()):
            contact.pop("InternalCode", None)
        for name, value in _DEFAULTS.items():
            if draft.get(name) is None:
                draft[name] = value
        card_type = draft["CardType"]
        if draft.get("CardCode") is None:
            draft["CardCode"] = next_code(company, draft.get("Series"), card_type)
        if draft.get("GroupCode") is None:
            draft["GroupCode"] = _first_group(company, card_type)
        if draft.get("Currency") is None:
            draft["Currency"] = company.setting("LocalCurrency")
        if draft.get("PayTermsGrpCode") is None:
            draft["PayTermsGrpCode"] = company.setting(_TERMS_SETTINGS[card_type])
        for name in [name for name, value in draft.items() if value is None]:
            del draft[name]

    def allow(self, company: Company, before: Row, changes: Row) -> None:
        """A lead may become a customer; no other kind becomes another one (inferred)."""
        kinds = (before["CardType"], changes.get("CardType", before["CardType"]))
        if kinds[0] != kinds[1] and kinds != ("cLid", "cCustomer"):
            raise errors.field_cannot_be_updated("OCRD.CardType")

    def duplicate(self, draft: Row, key: Sequence[str]) -> errors.SapError:
        """SAP's text for a partner code in use."""
        return errors.SapError(
            400,
            -10,
            f"1320000140 - Business partner code '{draft['CardCode']}' already assigned to a business partner; "
            "enter a unique business partner code",
        )

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """References exist, defaults name what is there; the header shows the default addresses."""
        _check_group(company, row)
        if row.get("Currency") not in (None, ALL_CURRENCIES):
            must_exist(company, "Currencies", row["Currency"], "OCRD.Currency")
        must_exist(company, "PaymentTermsTypes", row.get("PayTermsGrpCode"), "OCRD.GroupNum")
        if row.get("SalesPersonCode", -1) != -1:
            must_exist(company, "SalesPersons", row["SalesPersonCode"], "OCRD.SlpCode")
        for address in row.get("BPAddresses", ()):
            _check_address(company, address)
        row = dict(row)
        for default, address_type, mirror in _ADDRESS_SIDES:
            _follow_default_address(row, before, default, address_type, mirror)
        follow_main_contact(row, before)
        return row


def _first_group(company: Company, card_type: str) -> int | None:
    groups = company.store.tables["BusinessPartnerGroups"].scan()
    return next((group["Code"] for group in groups if group.get("Type") == _GROUP_TYPES[card_type]), None)


def _check_group(company: Company, row: Row) -> None:
    code = row.get("GroupCode")
    group = company.store.get("BusinessPartnerGroups", code) if code is not None else None
    if group is None or group.get("Type") != _GROUP_TYPES[row["CardType"]]:
        raise errors.rule("OCRD.GroupCode", f"Invalid group code '{code}'")


def _check_address(company: Company, address: Row) -> None:
    country, state = address.get("Country"), address.get("State")
    must_exist(company, "Countries", country, "CRD1.Country")
    if state is not None and (country is None or company.store.get("States", state, country) is None):
        raise errors.rule("CRD1.State", f"Invalid state '{state}'")


def _follow_default_address(
    row: Row, before: Row | None, default: str, address_type: str, mirror: dict[str, str]
) -> None:
    """The first address of the type is the default until another one is; naming an unknown one is refused."""
    addresses = {
        each["AddressName"]: each for each in row.get("BPAddresses", ()) if each["AddressType"] == address_type
    }
    chosen = row.get(default)
    was_removed = before is not None and chosen not in addresses and before.get(default) == chosen
    if chosen is None or was_removed:
        chosen = next(iter(addresses), None)
    elif chosen not in addresses:
        raise errors.rule(f"OCRD.{default}", f"Invalid address '{chosen}'")
    shown = {default: chosen} | {
        header: addresses[chosen].get(name) if chosen else None for header, name in mirror.items()
    }
    if chosen is None and not was_removed:
        return  # a partner without addresses keeps what its header says
    for header, value in shown.items():
        row[header] = value
        if value is None:
            del row[header]
