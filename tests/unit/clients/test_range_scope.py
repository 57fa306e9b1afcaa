"""Range bounds come from callers: each side quotes them in its own grammar, so that they stay values."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clients.dataverse import DataverseSide
from shared.clients.service_layer import ServiceLayerSide
from shared.errors import Rejected
from shared.ports import Entity

CUSTOMER = Entity("BusinessPartners", "BusinessPartner", "CardCode", scope="CardType eq 'cCustomer'")
ACCOUNT = Entity("accounts", "account", "accountid", scope="customertypecode eq 3 or customertypecode eq 9")
HOSTILE = "C1' or CardType ne 'x"

# Neither method looks at the client.
SAP, DATAVERSE = ServiceLayerSide(None), DataverseSide.__new__(DataverseSide)  # type: ignore[arg-type]


def test_both_ends_narrow_the_scope():
    assert SAP.range_scope(CUSTOMER, "CardCode", "C1", "C9") == (
        "(CardType eq 'cCustomer') and (CardCode ge 'C1') and (CardCode le 'C9')"
    )
    assert DATAVERSE.range_scope(ACCOUNT, "name", "A", None) == (
        "(customertypecode eq 3 or customertypecode eq 9) and (name ge 'A')"
    )


def test_open_ends_leave_the_scope_as_it_is():
    assert SAP.range_scope(CUSTOMER, "CardCode", None, None) == CUSTOMER.scope
    assert DATAVERSE.range_scope(ACCOUNT, "name", None, None) == ACCOUNT.scope


def test_whole_numbers_are_not_quoted():
    assert SAP.range_scope(CUSTOMER, "GroupCode", 100, 105).endswith("(GroupCode ge 100) and (GroupCode le 105)")
    assert DATAVERSE.range_scope(ACCOUNT, "statecode", 0, 0).endswith("(statecode ge 0) and (statecode le 0)")


@pytest.mark.parametrize(("side", "entity", "column"), [(SAP, CUSTOMER, "CardCode"), (DATAVERSE, ACCOUNT, "name")])
def test_a_bound_cannot_leave_its_quotes(side: Any, entity: Entity, column: str):
    assert f"{column} ge 'C1'' or CardType ne ''x'" in side.range_scope(entity, column, HOSTILE, None)


@pytest.mark.parametrize(("side", "entity", "column"), [(SAP, CUSTOMER, "CardCode"), (DATAVERSE, ACCOUNT, "name")])
def test_control_characters_are_refused(side: Any, entity: Entity, column: str):
    with pytest.raises(Rejected):
        side.range_scope(entity, column, "C1\n", None)
