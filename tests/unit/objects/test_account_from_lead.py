"""Accounts of qualified leads: where they come from, how their partner becomes a customer, the type they get."""

from __future__ import annotations

from typing import Any

import pytest

from shared.objects.dynamics.account import ACCOUNT, ARRIVALS
from shared.objects.dynamics.lead import LEAD
from shared.objects.model import Direction, FieldDirection
from shared.ports import Mark, Row
from tests.unit.objects.support import MARK, OTHER, SAP, context, other_row, sap_row

LEAD_ID = "cccccccc-0000-4000-8000-000000000001"
FROM_LEAD = {"_originatingleadid_value": LEAD_ID, "customertypecode": None}


def reason(direction: Direction, row: Row, mark: Mark = MARK, **settings: Any) -> str:
    return ACCOUNT.takes_part(direction, row, mark, context(**settings))


def test_an_account_comes_from_the_lead_that_it_names_and_that_leads_partner() -> None:
    origin = ACCOUNT.origin
    assert origin is not None
    assert origin.object == LEAD.name
    assert origin.sap_column in ACCOUNT.entity(SAP, context()).select
    assert origin.other_column in ACCOUNT.entity(OTHER, context()).select
    assert (origin.sap_column, origin.other_column) == (LEAD.entity(SAP, context()).key, "_originatingleadid_value")
    assert LEAD.init_order < ACCOUNT.init_order


# --- lead or customer -------------------------------------------------------------------------------------------------


def customer(side: Any, row: Row) -> Any:
    reading = ACCOUNT.read(side, row, MARK, context())
    assert "customer" not in reading.held
    return reading.values["customer"]


def test_whether_it_is_a_customer_is_read_in_sap_and_certain_in_dynamics() -> None:
    assert [customer(SAP, sap_row(CardType=kind)) for kind in ("cCustomer", "cLid")] == [True, False]
    assert customer(OTHER, other_row()) is True


def test_that_an_account_is_a_customer_is_told_to_sap_alone_and_cannot_be_left_out() -> None:
    (rule,) = [rule for rule in ACCOUNT.fields(context()) if rule.name == "customer"]
    assert (rule.direction, rule.essential) == (FieldDirection.IN, True)


def test_a_lead_that_is_linked_to_an_account_is_turned_into_a_customer() -> None:
    writing = ACCOUNT.write(SAP, {"customer": True}, sap_row(CardType="cLid"), context())
    assert (writing.body, writing.held, writing.refusal) == ({"CardType": "cCustomer"}, {}, None)
    assert ACCOUNT.write(SAP, {"customer": True}, None, context()).body["CardType"] == "cCustomer"


@pytest.mark.parametrize("value", [False, None])
def test_no_customer_is_turned_back_into_a_lead(value: bool | None) -> None:
    assert ACCOUNT.write(SAP, {"customer": value}, sap_row(), context()).body == {}
    assert ACCOUNT.write(OTHER, {"customer": value}, other_row(), context()).body == {}


def test_a_marked_lead_stays_linked_but_makes_no_account() -> None:
    lead = sap_row(CardType="cLid")
    assert reason(Direction.OUT, lead) == ""
    assert "lead" in ACCOUNT.why_not_created(Direction.OUT, lead, context())
    assert ACCOUNT.why_not_created(Direction.OUT, sap_row(), context()) == ""
    assert ACCOUNT.why_not_created(Direction.IN, other_row(**FROM_LEAD), context()) == ""
    assert "customer" in reason(Direction.OUT, sap_row(CardType="cSupplier"))


def test_a_lead_is_matched_with_no_account() -> None:
    assert [ACCOUNT.is_one(SAP, sap_row(CardType=kind)) for kind in ("cLid", "cCustomer")] == [False, True]
    assert ACCOUNT.is_one(OTHER, other_row(**FROM_LEAD))


# --- the type ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "settings", "taken"),
    [
        (FROM_LEAD, {"leadAccountType": 3}, True),
        (FROM_LEAD, {}, False),
        ({"customertypecode": None}, {"leadAccountType": 3}, False),
        (FROM_LEAD | {"customertypecode": 8}, {"leadAccountType": 3}, False),
        (FROM_LEAD | {"customertypecode": 9}, {}, True),
        (FROM_LEAD, {"leadAccountType": 3, "accountTypes": []}, False),
        (FROM_LEAD | {"merged": True}, {"leadAccountType": 3}, False),
        (FROM_LEAD | {"statecode": 1}, {"leadAccountType": 3}, False),
    ],
)
def test_an_account_of_a_lead_without_a_type_takes_part_where_the_settings_give_it_one(
    row: Row, settings: Row, taken: bool
) -> None:
    assert (reason(Direction.IN, other_row(**row), Mark(), **settings) == "") is taken


@pytest.mark.parametrize(
    ("row", "settings", "kind"),
    [
        (FROM_LEAD, {"leadAccountType": 9}, "9"),
        (FROM_LEAD, {}, None),
        (FROM_LEAD | {"customertypecode": 3}, {"leadAccountType": 9}, "3"),
        ({"customertypecode": None}, {"leadAccountType": 9}, None),
    ],
)
def test_the_mark_on_arrival_has_the_type_that_the_account_gets(row: Row, settings: Row, kind: str | None) -> None:
    mark = ACCOUNT.mark_on_arrival(other_row(**row), context(**settings))
    assert mark.batches == {ARRIVALS}
    assert mark.attributes.get("accountType") == kind


def test_the_scope_takes_accounts_of_leads_without_a_type_only_where_they_get_one() -> None:
    types = "customertypecode eq 3 or customertypecode eq 9"
    assert ACCOUNT.entity(OTHER, context()).scope == types
    assert ACCOUNT.entity(OTHER, context(leadAccountType=3)).scope == (
        f"{types} or (customertypecode eq null and _originatingleadid_value ne null)"
    )
