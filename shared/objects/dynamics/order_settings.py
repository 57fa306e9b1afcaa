"""The settings of sales orders."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.objects.settings import TemplateSettings
from shared.times import zone_name

CANCELED_STATE = 2
SUBMITTED_STATE = 1

type Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
type ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*_[a-z0-9_]+$", max_length=50)]


def _order_state(state: int) -> int:
    if state not in (0, 1, 3, 4):
        raise ValueError(
            "take 0 Active, 1 Submitted, 3 Fulfilled or 4 Invoiced; cancelled orders follow cancelledOrders"
        )
    return state


class OrderSettings(TemplateSettings):
    """What an admin decides about orders that come from Dynamics."""

    start_date: date | None = Field(
        default=None,
        title="Start date of transactions",
        description="Orders created in Dynamics before this day stay there. Example: 2026-01-01",
    )
    time_zone: Annotated[str, AfterValidator(zone_name)] = Field(
        default="UTC",
        title="Time zone of dates",
        description="Where people enter dates in Dynamics: a day there is the same day in SAP. Example: Europe/Berlin",
    )
    order_states: list[Annotated[int, AfterValidator(_order_state)]] = Field(
        default=[1],
        title="States of orders that are taken",
        description="States (statecode) in which an order comes to SAP: 0 Active, 1 Submitted, 3 Fulfilled, 4 Invoiced",
        min_length=1,
    )
    exempt_tax_code: Code | None = Field(
        default=None,
        title="Exempt tax code",
        description="SAP's tax group or tax code of 0 % for all rows and freights of orders: their tax is a freight",
    )
    freight_for_shipping: int | None = Field(
        default=None,
        title="Freight for shipping charges",
        description="The SAP freight (additional expense) that receives the shipping amount of an order",
    )
    freight_for_item_tax: int | None = Field(
        default=None,
        title="Freight for item tax",
        description="The SAP freight that receives the tax of an order's line, on the row of that line",
    )
    default_payment_term: int | None = Field(
        default=None,
        title="Payment term of orders",
        description=(
            "SAP's payment term (group number) of orders whose own is not mapped in paymentTerms; without it such an "
            "order gets its customer's"
        ),
    )
    write_in_item: Code | None = Field(
        default=None,
        title="Item for write-in lines",
        description="The SAP item, without stock, that lines without a product are entered as, with their own text",
    )
    warehouse_for_documents: Code | None = Field(
        default=None,
        title="Warehouse of orders",
        description="The SAP warehouse of the rows of orders; without it each item's default warehouse",
    )
    branch_for_documents: int | None = Field(
        default=None,
        title="Branch of orders",
        description="The SAP branch of orders; only for companies with branches",
    )
    delivery_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=0,
        title="Days until delivery",
        description="The delivery date of an order that requests none: so many days after it was created",
    )
    cancelled_orders: Literal["cancel", "report"] = Field(
        default="report",
        title="When an order is cancelled in Dynamics",
        description="cancel cancels the order in SAP as long as that allows it; report lists it for a person",
    )
    delivered_orders: Literal["fulfill", "leave"] = Field(
        default="leave",
        title="When an order is delivered in SAP",
        description=(
            "fulfill makes the order Fulfilled in Dynamics, which then takes no more change of it; leave only writes the "
            "status into its column"
        ),
    )
    cancelled_in_sap: Literal["cancel", "leave"] = Field(
        default="leave",
        title="When an order is cancelled in SAP",
        description="cancel cancels the order in Dynamics too; leave only writes the status into its column",
    )
    order_number_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's order number",
        description="The text column of Dynamics' order that gets SAP's number; set-up creates it. Example: new_sapnumber",
    )
    order_status_column: ColumnName | None = Field(
        default=None,
        title="Column for SAP's order status",
        description=(
            "The text column of Dynamics' order that gets open, partly delivered, delivered, invoiced, closed or "
            "cancelled; set-up creates it. Invoices are seen by the object's sweeps, if its schedule has some"
        ),
    )
