"""The settings of sales quotations; they share those of orders for freights, tax, terms, dates and branches."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.objects.dynamics.order_settings import ColumnName
from shared.objects.settings import TemplateSettings


class QuotationSettings(TemplateSettings):
    """What an admin decides about quotes that come from Dynamics."""

    quotation_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=30,
        title="Days that quotations are good for",
        description="The end of a quotation whose quote names none: so many days after it was created",
    )
    cancelled_quotations: Literal["cancel", "report"] = Field(
        default="cancel",
        title="When a quote is lost or cancelled in Dynamics",
        description="cancel cancels the quotation in SAP as long as that allows it; report lists it for a person",
    )
    quotation_number_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's quotation number",
        description=(
            "The text column of Dynamics' quote that gets SAP's number; set-up creates it. Only drafts can be changed "
            "there, so an active quote becomes a draft and active again in one transaction"
        ),
    )
    quotation_status_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's quotation status",
        description=(
            "The text column of Dynamics' quote that gets open, partly ordered, closed or cancelled, as long "
            "as the quote is active; set-up creates it"
        ),
    )
