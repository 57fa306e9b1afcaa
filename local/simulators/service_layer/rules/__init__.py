"""What is special about a set: one entry per set that has rules; every other set gets the plain ones."""

from __future__ import annotations

from local.simulators.service_layer.rules.base import Collection, SetRules
from local.simulators.service_layer.rules.base_documents import DELIVERY_NOTE, INVOICE, ORDER, QUOTATION
from local.simulators.service_layer.rules.business_partners import BusinessPartnerRules
from local.simulators.service_layer.rules.documents import DraftRules, OrderRules, QuotationRules
from local.simulators.service_layer.rules.items import ItemRules
from local.simulators.service_layer.rules.opportunities import OpportunityRules
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
    "Quotations": QuotationRules(),
    "DeliveryNotes": PostedRules("DeliveryNotes", "oDeliveryNotes", -1, frozenset({ORDER, QUOTATION})),
    "Invoices": PostedRules("Invoices", "oInvoices", -1, frozenset({DELIVERY_NOTE, ORDER, QUOTATION})),
    "CreditNotes": PostedRules("CreditNotes", "oCreditNotes", 1, frozenset({INVOICE})),
    "SalesOpportunities": OpportunityRules(),
    "IncomingPayments": PaymentRules("IncomingPayments", "ORCT", "it_Invoice", "Invoices"),
    "VendorPayments": PaymentRules("VendorPayments", "OVPM", "it_CredItnote", "CreditNotes"),
}


def rules_of(entity_set: str) -> SetRules:
    """The rules of a set."""
    return _RULES.get(entity_set, _PLAIN)


__all__ = ["Collection", "SetRules", "rules_of"]
