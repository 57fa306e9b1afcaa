"""The settings of opportunities. From when on they are taken, and in which time zone, are those of orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.objects.dynamics.order_settings import ColumnName
from shared.objects.settings import TemplateSettings

type UserName = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=1024)]
type StageName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def is_option(stage: str) -> bool:
    """Whether a stage of the settings is an option of Dynamics (salesstage), not a name (stepname)."""
    return stage.isascii() and stage.isdigit()


def _of_one_kind(stages: dict[str, int]) -> dict[str, int]:
    if len({is_option(stage) for stage in stages}) > 1:
        raise ValueError("take either names (stepname) or numbers of options (salesstage), not some of each")
    if len({stage.casefold() for stage in stages}) < len(stages):
        raise ValueError("a stage is there twice; keep one of them")
    return stages


class OpportunitySettings(TemplateSettings):
    """What an admin decides about opportunities."""

    opportunity_direction: Literal["in", "out", "both"] = Field(
        default="in",
        title="Direction of opportunities",
        description=(
            "in takes opportunities of Dynamics to SAP; both also takes what is edited or closed in SAP back to "
            "opportunities that came in; out does only that and enters no new ones in SAP. Opportunities that were "
            "entered in SAP are not created in Dynamics"
        ),
    )
    opportunity_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=30,
        title="Days until an opportunity closes",
        description="The predicted closing date where Dynamics has none: so many days after it was created there",
    )
    sales_employees: dict[UserName, int] = Field(
        default_factory=dict,
        title="Sales employees",
        description=(
            "Users of Dynamics (user name or systemuserid) to SAP's sales employees (code), by the owner. An owner who "
            'is not named is left out. Example: {"ann@contoso.example": 3}'
        ),
    )
    opportunity_stages: Annotated[dict[StageName, int], AfterValidator(_of_one_kind)] = Field(
        default_factory=dict,
        title="Stages of opportunities",
        description=(
            "Stages of Dynamics, either by name (stepname) or by option (salesstage), to SAP's sales stages "
            "(SequenceNo). While it is empty stages and their percentages do not travel. "
            'Example: {"1-Qualify": 1, "2-Develop": 3}'
        ),
    )
    opportunity_reasons: dict[int, int] = Field(
        default_factory=dict,
        title="Reasons of lost opportunities",
        description=(
            "Status reasons (statuscode) of lost opportunities to SAP's reasons (SequenceNo). While it is empty "
            'reasons do not travel. Example: {"4": 4, "5": 3}'
        ),
    )
    opportunity_products: Literal["remarks", "none"] = Field(
        default="remarks",
        title="Products of opportunities",
        description=(
            "SAP's opportunities have no items: remarks writes a line per product into the remarks, none leaves them out"
        ),
    )
    closed_opportunities: bool = Field(
        default=False,
        title="Take closed opportunities",
        description="Whether opportunities that are won or lost before they came to SAP are entered there too",
    )
    opportunity_number_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's opportunity number",
        description=(
            "The text column of Dynamics' opportunity that gets SAP's number; set-up creates it. Example: new_sapnumber"
        ),
    )
    opportunity_status_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's opportunity status",
        description=(
            "The text column of Dynamics' opportunity that gets open, won or lost and SAP's stage; set-up creates it"
        ),
    )
