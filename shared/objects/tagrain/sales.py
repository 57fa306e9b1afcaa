"""Sales (Tagrain) -> A/R invoice with its incoming payments (SAP Business One): in, each exactly once.

A sale comes in once its customer and all its products are linked, and its total is known before it is posted. Later
settlements of what was left open become payments; any other change, and voiding it, is a conflict for a person.
"""

from __future__ import annotations

from shared.objects.tagrain.entities import collection
from shared.objects.tagrain.receipt_header import FromTagrain
from shared.objects.tagrain.receipt_object import ReceiptObject, receipt_table, sap_documents

SAP_ENTITY = sap_documents("Invoices", "IncomingPayments")


class Sales(ReceiptObject):
    """The sale."""

    name = "sales"
    init_order = 50
    parent_of = ("refund",)
    sap_entity = SAP_ENTITY
    other_entity = collection("sales", reference="")
    table = receipt_table(SAP_ENTITY.children[0], "it_Invoice", FromTagrain("note"))


SALES = Sales()
