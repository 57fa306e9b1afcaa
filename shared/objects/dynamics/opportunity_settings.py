"""The settings of opportunities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.objects.dynamics.order_settings import ColumnName
from shared.objects.settings import OneToOne, TemplateSettings

type Guid = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", to_lower=True)
]
type StageName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class OpportunitySettings(TemplateSettings):
    """What an admin decides about opportunities."""

    opportunity_direction: Literal["in", "both"] = Field(
        default="in",
        title="Direction of opportunities",
        description=(
            "in takes them from Dynamics to SAP, and only number and status flow back; both also carries what is edited "
            "in SAP to the opportunity it came from. They are always created in Dynamics"
        ),
    )
    opportunity_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=30,
        title="Days until closing",
        description="The predicted closing date of an opportunity that has none: so many days after it was created",
    )
    sales_employees: dict[Guid, int] = Field(
        default_factory=dict,
        title="Sales employees",
        description=(
            "The id of a user or team that owns opportunities in Dynamics to the SAP sales employee (its code). While it "
            'is empty owners do not travel. Example: {"5f0e7c1a-0000-4000-8000-000000000001": 3}'
        ),
    )
    opportunity_stages: OneToOne[int, StageName] = Field(
        default_factory=dict,
        title="Stages",
        description=(
            "SAP's sales stage (its sequence number) to the pipeline phase in Dynamics (stepname). While it is empty "
            'stages and probabilities do not travel. Example: {"1": "1-Qualify", "2": "2-Develop"}'
        ),
    )
    opportunity_reasons: dict[int, int] = Field(
        default_factory=dict,
        title="Reasons of won and lost opportunities",
        description=(
            "The status reason in Dynamics (statuscode: 3 Won, 4 Canceled, 5 Out-Sold) to SAP's reason for closing (its "
            'sequence number); without an entry SAP gets no reason. Example: {"5": 2}'
        ),
    )
    opportunity_products: Literal["remarks", "none"] = Field(
        default="remarks",
        title="Products of opportunities",
        description="remarks lists them in SAP's remarks, which has no rows for them; none leaves them out",
    )
    opportunity_number_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's opportunity number",
        description="The text column of Dynamics' opportunity that gets SAP's number; set-up creates it",
    )
    opportunity_status_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's opportunity status",
        description="The text column of Dynamics' opportunity that gets open, won or lost; set-up creates it",
    )
