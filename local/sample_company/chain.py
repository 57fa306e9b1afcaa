"""An invented chain of shops at Tagrain: stores, tills, what customers pay with, customers, products. No receipts.

Tax codes are named as SAP's; the first products have the codes of SAP items, so that both sides know them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

type Row = dict[str, Any]

STORES = (("st_1", "Marktplatz"), ("st_2", "Hafenstraße"), ("st_3", "Bahnhof"))
PAYMENT_TYPES = (
    ("pt_cash", "Cash", "Cash"),
    ("pt_visa", "Visa", "CreditCard"),
    ("pt_girocard", "girocard", "CreditCard"),
    ("pt_gift", "Gift card", "GiftCard"),
    ("pt_bank", "Bank transfer", "BankTransfer"),
    ("pt_account", "On account", "OnAccount"),
)
TAX_CODES = (("tx_0", "A0", "0"), ("tx_7", "A7", "7"), ("tx_19", "A19", "19"))
EXPENSE_REASONS = (("er_1", "Cleaning"), ("er_2", "Postage"), ("er_3", "Coffee and milk"))
SURCHARGES = (("sc_1", "Delivery"), ("sc_2", "Gift wrapping"))
CUSTOMER_GROUPS = (("cgr_1", "Customers", True), ("cgr_2", "Key accounts", False))
PRODUCT_GROUPS = (("pgr_1", "Items"), ("pgr_2", "Tills only"))
MANUFACTURERS = (("man_1", "Nordlicht Werke"),)
_NAMES = (
    "Anna Björk",
    "Jürgen O'Neill",
    "Łucja Wiśniewska",
    "José Núñez",
    "Café «Zur Möwe»",
    "山田 太郎",
    "Ben Ali",
    "Müller & Söhne",
)
_SHARED_ITEMS = 12
_ACTIVE: Mapping[str, Any] = {"isActive": True}


def build_chain(customers: int = 8) -> dict[str, Sequence[Row]]:
    """The chain's records by collection, ``settings`` among them; the same every time."""
    return {
        "settings": [
            {"name": "Nordlicht Läden", "currency": "EUR", "taxInclusivePrices": True, "timeZone": "Europe/Berlin"}
        ],
        "stores": [
            {"id": key, "name": name, "currency": "EUR", "timeZone": "Europe/Berlin", **_ACTIVE} for key, name in STORES
        ],
        "registers": [
            {"id": f"rg_{number}", "storeId": key, "name": f"Till {number}"}
            for number, (key, _) in enumerate(STORES, 1)
        ],
        "payment-types": [{"id": key, "name": name, "type": kind, **_ACTIVE} for key, name, kind in PAYMENT_TYPES],
        "tax-codes": [{"id": key, "name": name, "rate": rate, **_ACTIVE} for key, name, rate in TAX_CODES],
        "expense-reasons": [{"id": key, "name": name, **_ACTIVE} for key, name in EXPENSE_REASONS],
        "surcharges": [{"id": key, "name": name, **_ACTIVE} for key, name in SURCHARGES],
        "customer-groups": [{"id": key, "name": name, "isDefault": main} for key, name, main in CUSTOMER_GROUPS],
        "product-groups": [{"id": key, "name": name} for key, name in PRODUCT_GROUPS],
        "manufacturers": [{"id": key, "name": name} for key, name in MANUFACTURERS],
        "customers": list(_customers(customers)),
        "products": list(_products()),
    }


def _customers(count: int) -> Iterator[Row]:
    for number in range(count):
        name = _NAMES[number % len(_NAMES)]
        yield {
            "id": f"cus_{number + 1}",
            "name": name if number < len(_NAMES) else f"{name} {number}",
            "customerGroupId": CUSTOMER_GROUPS[number % 2][0],
            "email": f"customer{number + 1}@example.com",
            "phone": f"+49 40 55{number:04d}",
            "birthDate": "1980-02-29" if number == 0 else None,
            "address": {
                "street": f"Möwenweg {number + 1}", "city": "Hamburg", "state": None, "zip": "20095", "country": "DE",
            },
        }  # fmt: skip


def _products() -> Iterator[Row]:
    """Some that SAP has too, and of each kind some that are born at the tills."""
    for number in range(1, _SHARED_ITEMS + 1):
        yield _product(f"I{number:05d}", f"Item {number}", "Serial" if number == 12 else "Standard")
    yield _product("T-1", "Baumwolltasche", "Standard", productGroupId="pgr_1", upc="4006381333931")
    yield _product("T-2", "Seriengerät", "Serial")
    yield _product("T-3", "Tee, lose", "Batch", taxCode="A7")
    yield _product("T-4", "Einpacken", "Standard", isNonStock=True)
    yield _product("T-5-S", "T-Shirt S", "Variant", attributes=[{"name": "size", "value": "S"}])
    yield _product("T-GIFT", "Gutschein", "GiftCard", taxCode="A0")


def _product(code: str, name: str, kind: str, **more: Any) -> Row:
    plain = {"code": code, "name": name, "productType": kind, "basePrice": "9.90", "taxCode": "A19"}
    return {"id": f"prd_{code}", **plain, **more}
