"""What is special about a set: one entry per set that has rules; every other set gets the plain ones."""

from __future__ import annotations

from local.simulators.service_layer.rules.base import Collection, SetRules
from local.simulators.service_layer.rules.business_partners import BusinessPartnerRules
from local.simulators.service_layer.rules.documents import DraftRules, OrderRules
from local.simulators.service_layer.rules.items import ItemRules
from local.simulators.service_layer.rules.payments import PaymentRules
from local.simulators.service_layer.rules.posted import PostedRules
from local.simulators.service_layer.rules.prices import PriceListRules
from local.simulators.service_layer.rules.user_fields import UserFieldRules

_PLAIN = SetRules()
_RULES: dict[str, SetRules] = {
    "BusinessPartners": BusinessPartnerRules(),
    "UserFieldsMD": UserFieldRules(),
    "Items": ItemRules(),
    "PriceLists": PriceListRules(),
    "Orders": OrderRules(),
    "Drafts": DraftRules(),
    "Invoices": PostedRules("Invoices", "oInvoices", -1),
    "CreditNotes": PostedRules("CreditNotes", "oCreditNotes", 1),
    "IncomingPayments": PaymentRules("IncomingPayments", "ORCT", "it_Invoice", "Invoices"),
    "VendorPayments": PaymentRules("VendorPayments", "OVPM", "it_CredItnote", "CreditNotes"),
}


def rules_of(entity_set: str) -> SetRules:
    """The rules of a set."""
    return _RULES.get(entity_set, _PLAIN)


__all__ = ["Collection", "SetRules", "rules_of"]
