"""Whether the settings of opportunities hold: employees, stages, reasons and users must be on their lists."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from shared.objects import sap_lists as sap
from shared.objects.checks import Lists, unlisted
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.opportunity_settings import OpportunitySettings
from shared.objects.dynamics.opportunity_stages import is_usable
from shared.objects.model import Problem


def opportunity_problems(settings: OpportunitySettings, lists: Lists) -> Iterator[Problem]:
    """Everything that SAP or Dynamics would refuse, or that nobody could be meant by."""
    by_number = ("SequenceNo",)
    employees, reasons = settings.sales_employees.values(), settings.opportunity_reasons.values()
    of_sap = (sap.SALES_EMPLOYEES, ("SalesEmployeeCode",), "SAP's sales employees")
    yield from unlisted("salesEmployees", dict.fromkeys(employees), *of_sap, lists)
    yield from _users(settings, lists)
    yield from _stages(settings, lists)
    yield from unlisted(
        "opportunityReasons",
        dict.fromkeys(reasons),
        sap.OPPORTUNITY_REASONS,
        by_number,
        "SAP's reasons of opportunities",
        lists,
    )


def _users(settings: OpportunitySettings, lists: Lists) -> Iterator[Problem]:
    if known.OTHER_USERS not in lists:
        return
    rows = lists[known.OTHER_USERS]
    users = {str(row[column]).lower() for row in rows for column in ("systemuserid", "domainname")}
    for user in settings.sales_employees:
        if user not in users:
            what = "systemuserid" if _is_id(user) else "user name"
            yield Problem("salesEmployees", f"'{user}' is the {what} of no user of Dynamics; correct or remove it")


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _stages(settings: OpportunitySettings, lists: Lists) -> Iterator[Problem]:
    if sap.SALES_STAGES not in lists:
        return
    usable = {row["SequenceNo"] for row in lists[sap.SALES_STAGES] if is_usable(row)}
    for stage in dict.fromkeys(settings.opportunity_stages.values()):
        if stage not in usable:
            text = f"{stage} is not among SAP's sales stages that are in use; correct or remove it"
            yield Problem("opportunityStages", text)
