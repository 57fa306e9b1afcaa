"""The reference lists of Tagrain: what the engine loads and caches for a template, besides SAP's."""

from __future__ import annotations

from shared.objects.model import Reference
from shared.ports import Entity, SideName

STORES = "other.stores"
PAYMENT_TYPES = "other.payment_types"
TAX_CODES = "other.tax_codes"
EXPENSE_REASONS = "other.expense_reasons"
SURCHARGES = "other.surcharges"
CUSTOMER_GROUPS = "other.customer_groups"
PRODUCT_GROUPS = "other.product_groups"
MANUFACTURERS = "other.manufacturers"


def _tagrain(name: str, collection: str, *columns: str) -> Reference:
    return Reference(name, SideName.OTHER, Entity(collection, collection, "id", select=("id", "name", *columns)))


TAGRAIN_STORES = _tagrain(STORES, "stores", "currency", "timeZone", "isActive")
# Payments are mapped by the type's name; its type tells cash from what needs a mapping.
TAGRAIN_PAYMENT_TYPES = _tagrain(PAYMENT_TYPES, "payment-types", "type", "isActive")
TAGRAIN_TAX_CODES = _tagrain(TAX_CODES, "tax-codes", "rate", "isActive")
TAGRAIN_EXPENSE_REASONS = _tagrain(EXPENSE_REASONS, "expense-reasons", "isActive")
TAGRAIN_SURCHARGES = _tagrain(SURCHARGES, "surcharges", "isActive")
TAGRAIN_CUSTOMER_GROUPS = _tagrain(CUSTOMER_GROUPS, "customer-groups", "taxCode", "isDefault")
TAGRAIN_PRODUCT_GROUPS = _tagrain(PRODUCT_GROUPS, "product-groups")
TAGRAIN_MANUFACTURERS = _tagrain(MANUFACTURERS, "manufacturers")

CASH_CUSTOMER = "sap.cash_customer"


def cash_customer(code: str) -> Reference:
    """The one SAP customer of that code, as a list that is empty where there is none."""
    quoted = code.replace("'", "''")
    entity = Entity(
        "BusinessPartners",
        "BusinessPartner",
        "CardCode",
        select=("CardCode", "CardType", "Valid", "Frozen"),
        scope=f"CardCode eq '{quoted}'",
    )
    return Reference(CASH_CUSTOMER, SideName.SAP, entity)
