"""The settings of leads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.objects.settings import OneToOne, TemplateSettings

MOST_PROPERTIES = 64
_DISQUALIFIED = (4, 5, 6, 7)


def _disqualified_status(status: int) -> int:
    if status not in _DISQUALIFIED:
        raise ValueError("take 4 Lost, 5 Cannot Contact, 6 No Longer Interested or 7 Canceled")
    return status


class LeadSettings(TemplateSettings):
    """What an admin decides about leads."""

    lead_account_type: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        title="Account type of accounts from leads",
        description=(
            "The relationship type (customertypecode) that the account of a qualified lead gets if it has none, so that "
            "it takes part at once; without it such an account waits until somebody gives it a type that is integrated"
        ),
    )
    lead_code_series: int | None = Field(
        default=None,
        title="Lead code series",
        description=(
            "The SAP numbering series that gives leads created from Dynamics their code, where SAP numbers leads by a "
            "series of their own; without it that of customers"
        ),
    )
    converted_leads: Literal["qualify", "report"] = Field(
        default="qualify",
        title="When a lead becomes a customer in SAP",
        description=(
            "qualify qualifies the lead in Dynamics, which makes its account and contact; report lists it for a person"
        ),
    )
    disqualified_status: Annotated[int, AfterValidator(_disqualified_status)] = Field(
        default=4,
        title="Status reason of leads that are inactive in SAP",
        description="4 Lost, 5 Cannot Contact, 6 No Longer Interested or 7 Canceled",
    )
    lead_ratings: OneToOne[int, int] = Field(
        default_factory=dict,
        title="Ratings",
        description=(
            "SAP's priority of a partner (its code) to the rating in Dynamics (leadqualitycode: 1 Hot, 2 Warm, 3 Cold). "
            'While it is empty ratings do not travel. Example: {"1": 1, "2": 2}'
        ),
    )
    lead_sources: OneToOne[Annotated[int, Field(ge=1, le=MOST_PROPERTIES)], int] = Field(
        default_factory=dict,
        title="Sources",
        description=(
            "The SAP property of a partner (1 to 64) that stands for a lead source to that source in Dynamics "
            '(leadsourcecode). While it is empty sources do not travel. Example: {"11": 7, "12": 8}'
        ),
    )
