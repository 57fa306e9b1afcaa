"""What sales opportunities refer to: the stages of a sale, why sales end, where they come from."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

# (key, name, place, closing percentage)
SALES_STAGES = (
    (1, "Lead", 1, 10.0),
    (2, "First meeting", 2, 25.0),
    (3, "Second meeting", 3, 40.0),
    (4, "Quotation", 4, 60.0),
    (5, "Negotiation", 5, 80.0),
    (6, "Order", 6, 100.0),
)
REASONS = ((1, "Price"), (2, "Delivery time"), (3, "Competitor"), (4, "Budget gone"), (5, "Good service"))
SOURCES = ((1, "Trade fair"), (2, "Website"), (3, "Recommendation"), (4, "Cold call"))


def selling_tables() -> dict[str, list[Row]]:
    """Rows of the tables, in Service Layer's v2 spelling."""
    return {
        "SalesStages": [
            {
                "SequenceNo": key,
                "Name": name,
                "Stageno": place,
                "ClosingPercentage": percentage,
                "Cancelled": "tNO",
                "IsSales": "tYES",
                "IsPurchasing": "tNO",
            }
            for key, name, place, percentage in SALES_STAGES
        ],
        "SalesOpportunityReasonsSetup": _listed(REASONS),
        "SalesOpportunitySourcesSetup": _listed(SOURCES),
    }


def _listed(rows: tuple[tuple[int, str], ...]) -> list[Row]:
    return [{"SequenceNo": key, "Description": text, "Sort": key} for key, text in rows]
