"""What tells orders from quotations, where the two are alike otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.objects.dynamics.order_settings import CANCELED_STATE
from shared.ports import Row

ACTIVE_AGAIN: tuple[Row, Row] = ({"statecode": 0, "statuscode": 1}, {"statecode": 1, "statuscode": 2})
"""What makes an active quote a draft, and active again: only drafts can be changed (Dynamics: read-only documents)."""


@dataclass(frozen=True)
class DocumentKind:
    """One kind of sales document.

    ``canceled`` are the states (by status reason, none: all of them) in which Dynamics takes it for cancelled;
    ``read_only`` those in which it takes no change, ``around`` what must be sent before and after one in state 1.
    ``reports_cancelling`` tells, by the settings, whether what Dynamics cancelled is listed for a person instead of being
    cancelled in SAP; ``partly`` is the word for the status of a document of which a part was drawn.
    """

    name: str
    sap_set: str
    canceled: Mapping[int, tuple[int, ...]]
    read_only: tuple[int, ...]
    reports_cancelling: Callable[[Any], bool]
    number_setting: str
    status_setting: str
    partly: str
    around: tuple[Row, Row] | None = None

    def is_canceled(self, row: Row) -> bool:
        """Whether Dynamics shows it as cancelled."""
        reasons = self.canceled.get(row.get("statecode", 0))
        return reasons is not None and (not reasons or row.get("statuscode") in reasons)

    @property
    def statuses(self) -> frozenset[str]:
        """All that can be written back as its status."""
        return frozenset({"open", self.partly, "delivered", "invoiced", "closed", "cancelled"})


ORDERS = DocumentKind(
    name="order",
    sap_set="Orders",
    canceled={CANCELED_STATE: ()},
    read_only=(2, 3, 4),
    reports_cancelling=lambda settings: bool(settings.cancelled_orders == "report"),
    number_setting="order_number_column",
    status_setting="order_status_column",
    partly="partly delivered",
)
OPPORTUNITIES = DocumentKind(
    name="opportunity",
    sap_set="SalesOpportunities",
    canceled={},
    read_only=(1, 2),
    reports_cancelling=lambda _: False,
    number_setting="opportunity_number_column",
    status_setting="opportunity_status_column",
    partly="",
)
QUOTATIONS = DocumentKind(
    name="quotation",
    sap_set="Quotations",
    canceled={3: (5, 6)},
    read_only=(2, 3),
    reports_cancelling=lambda settings: bool(settings.cancelled_quotations == "report"),
    number_setting="quotation_number_column",
    status_setting="quotation_status_column",
    partly="partly ordered",
    around=ACTIVE_AGAIN,
)
