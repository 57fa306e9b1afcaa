"""Opportunities as their systems spell them, the lists around them, and what a write makes of a row."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

from shared.objects.dynamics.opportunity import OPPORTUNITY
from shared.objects.model import KEY, Context, Parent, Writing
from shared.ports import Row
from tests.unit.objects import sales_support
from tests.unit.objects.sales_support import ACCOUNT_ID, CAME_IN, OTHER, SAP, guid
from tests.unit.objects.support import EUR_ID

OPPORTUNITY_ID, CONTACT_ID, OWNER_ID, OTHER_OWNER = guid(70), guid(71), "00000000-0000-4000-8000-00000000AB72", guid(73)
STAGES, REASONS = "SalesOpportunitiesLines", "SalesOpportunitiesReasons"
LISTS: dict[str, list[Row]] = {
    "sap.sales_employees": [{"SalesEmployeeCode": -1}, {"SalesEmployeeCode": 3}, {"SalesEmployeeCode": 4}],
    "sap.sales_stages": [
        {"SequenceNo": 2, "Name": "Meeting", "Stageno": 2, "Cancelled": "tNO", "IsSales": "tYES"},
        {"SequenceNo": 5, "Name": "Lead", "Stageno": 1, "Cancelled": "tNO", "IsSales": "tYES"},
        {"SequenceNo": 3, "Name": "Quotation", "Stageno": 3, "Cancelled": "tNO", "IsSales": "tYES"},
        {"SequenceNo": 8, "Name": "Old", "Stageno": 0, "Cancelled": "tYES", "IsSales": "tYES"},
        {"SequenceNo": 9, "Name": "Tender", "Stageno": 0, "Cancelled": "tNO", "IsSales": "tNO"},
    ],
    "sap.opportunity_reasons": [{"SequenceNo": 1, "Description": "Price"}, {"SequenceNo": 4, "Description": "Budget"}],
    "other.users": [
        {"systemuserid": OWNER_ID.lower(), "domainname": "Ann@contoso.example"},
        {"systemuserid": OTHER_OWNER, "domainname": "bob@contoso.example"},
        {"systemuserid": guid(74), "domainname": None},
    ],
}
MAPPED: dict[str, Any] = {
    "opportunityStages": {"1-Qualify": 2, "2-Develop": 3},
    "opportunityReasons": {"4": 4, "5": 1},
    "salesEmployees": {"ann@contoso.example": 3},
}
BACK = {"opportunityNumberColumn": "new_number", "opportunityStatusColumn": "new_status"}


def context(lists: dict[str, list[Row]] | None = None, **settings: Any) -> Context:
    """A context with working settings and mappings; the given ones, in their JSON names, instead."""
    ctx = sales_support.context({**LISTS, **(lists or {})}, **{**MAPPED, **settings})
    ctx.links[Parent("contact", OTHER, CONTACT_ID)] = "C20000/17"
    return ctx


def product(number: int = 1, **changes: Any) -> Row:
    """A product of an opportunity: two hammers at 10.00."""
    row: Row = {
        "opportunityproductid": guid(80 + number),
        "lineitemnumber": number,
        "sequencenumber": number,
        "isproductoverridden": False,
        "productname": "Hammer",
        "productdescription": None,
        "quantity": Decimal("2.00000"),
        "priceperunit": Decimal(10),
        "extendedamount": Decimal(20),
    }
    return row | changes


def opportunity(*products: Row, **changes: Any) -> Row:
    """An open opportunity in euro, as Dynamics shows it."""
    row: Row = dict.fromkeys(OPPORTUNITY.entity(OTHER, context()).select)
    row |= {
        "opportunityid": OPPORTUNITY_ID,
        "name": "New workshop",
        "_parentaccountid_value": ACCOUNT_ID,
        "_transactioncurrencyid_value": EUR_ID,
        "_ownerid_value": OWNER_ID,
        "estimatedvalue": Decimal("1500.50"),
        "estimatedclosedate": "2026-04-30",
        "isrevenuesystemcalculated": False,
        "stepname": "1-Qualify",
        "closeprobability": 40,
        "statecode": 0,
        "statuscode": 1,
        "createdon": "2026-03-01T23:30:00Z",
        "versionnumber": 7,
        "products": list(products),
    }
    return row | changes


def values_of(row: Row, ctx: Context) -> dict[str, Any]:
    """What Dynamics' row is worth to SAP; nothing of it may be held."""
    reading = OPPORTUNITY.read(OTHER, row, CAME_IN, ctx)
    assert reading.held == {}
    return reading.values


def created(row: Row, ctx: Context) -> Writing:
    """What SAP is told to create the opportunity."""
    reading = OPPORTUNITY.read(OTHER, row, CAME_IN, ctx)
    back = {"is_open", "sap_number", "sap_status"}
    values = {name: value for name, value in reading.values.items() if value is not None and name not in back}
    return OPPORTUNITY.write(SAP, values, None, ctx, hub_reference=f"dynamics:{OPPORTUNITY_ID}")


def sap_opportunity(row: Row | None = None, ctx: Context | None = None, **changes: Any) -> Row:
    """What SAP shows of that opportunity once it was created, steps and all."""
    ctx = ctx or context()
    return in_sap(None, created(row or opportunity(), ctx)) | changes


def in_sap(row: Row | None, writing: Writing) -> Row:
    """The row that SAP shows once the write and its steps are done; a tiny stand-in that refuses what SAP refuses."""
    assert writing.refusal is None
    shown = deepcopy(row) if row is not None else _empty_in_sap()
    for body in (writing.body, *(step.body for step in sorted(writing.steps, key=lambda each: each.stage))):
        _put(shown, body, is_new=row is None and body is writing.body)
    for step in writing.steps:
        assert (step.key, step.entity is not None and step.entity.set) == (KEY, "SalesOpportunities")
    return shown


def _empty_in_sap() -> Row:
    row: Row = dict.fromkeys(OPPORTUNITY.entity(SAP, context()).select)
    return row | {"SequentialNo": 90, "SalesPerson": -1, "Status": "sos_Open", STAGES: [], REASONS: []}


def _put(row: Row, body: Row, *, is_new: bool) -> None:
    if row["Status"] != "sos_Open" and body:
        assert body == {"Status": "sos_Open"}, f"SAP takes no {sorted(body)} of a closed opportunity"
    for column, value in body.items():
        if column == STAGES:
            _put_stages(row, value, is_new=is_new)
        elif column == REASONS:
            _put_reasons(row, value)
        else:
            assert column in row, f"{column} is not a column the hub reads back"
            row[column] = value
    assert row[STAGES], "SAP's opportunities have stages"
    row["MaxLocalTotal"] = row[STAGES][-1].get("MaxLocalTotal")


def _put_stages(row: Row, sent: list[Row], *, is_new: bool) -> None:
    rows = {each["LineNum"]: each for each in row[STAGES]}
    for place, each in enumerate(sent):
        assert is_new or "LineNum" in each, "a row without its number would take another's place"
        number = each.get("LineNum", place)
        if number not in rows:
            assert number == len(rows), "rows are numbered one after the other"
            assert "StageKey" in each, "a row has a stage"
            rows[number] = {"PercentageRate": Decimal(25), "MaxLocalTotal": Decimal(0)}
        rows[number] |= {**each, "LineNum": number}
    row[STAGES] = list(rows.values())


def _put_reasons(row: Row, sent: list[Row]) -> None:
    rows = {each["RowNo"]: each for each in row[REASONS]}
    for each in sent:
        number = each.get("RowNo", len(rows) + 1)
        rows[number] = {**each, "RowNo": number}
    row[REASONS] = list(rows.values())
