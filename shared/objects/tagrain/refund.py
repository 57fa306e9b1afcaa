"""Refund (Tagrain) -> A/R credit memo with its outgoing payments (SAP Business One): in, each exactly once.

The credit memo always stands alone (decision 10); it names the sale that it gives back, and waits for it.
"""

from __future__ import annotations

from datetime import date

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
        """Those of any receipt, and the sale, unless that was made before transactions are taken."""
        sale = row.get("originalSaleId") if side is SideName.OTHER and _is_taken(row, ctx) else None
        more = (Parent("sales", SideName.OTHER, str(sale)),) if sale else ()
        return (*super().parents(side, row, ctx), *more)


def _is_taken(row: Row, ctx: Context) -> bool:
    """Whether the sale that is given back comes to SAP at all; one of an unknown day does."""
    day, start = row.get("originalBusinessDate"), ctx.settings.start_date
    return day is None or start is None or date.fromisoformat(day) >= start


REFUND = Refund()
