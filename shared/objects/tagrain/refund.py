"""Refund (Tagrain) -> A/R credit memo with its outgoing payments (SAP Business One): in, each exactly once.

The credit memo always stands alone (decision 10); it names the sale that it gives back, and waits for it.
"""

from __future__ import annotations

from shared.objects.model import Context, Parent
from shared.objects.tagrain.entities import collection
from shared.objects.tagrain.receipt_header import RefundComments
from shared.objects.tagrain.receipt_object import ReceiptObject, receipt_table, sap_documents
from shared.ports import Row, SideName

SAP_ENTITY = sap_documents("CreditNotes", "VendorPayments")


class Refund(ReceiptObject):
    """The refund."""

    name = "refund"
    init_order = 60
    sap_entity = SAP_ENTITY
    other_entity = collection("refunds", reference="")
    table = receipt_table(SAP_ENTITY.children[0], "it_CredItnote", RefundComments())

    def parents(self, side: SideName, row: Row, ctx: Context) -> tuple[Parent, ...]:
        """Those of any receipt, and the sale."""
        sale = row.get("originalSaleId") if side is SideName.OTHER else None
        more = (Parent("sales", SideName.OTHER, str(sale)),) if sale else ()
        return (*super().parents(side, row, ctx), *more)


REFUND = Refund()
