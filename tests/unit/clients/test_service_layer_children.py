"""Rows of other sets that name a record's key: read with it, many records' in one request."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import httpx
import pytest

from shared.errors import Rejected
from shared.ports import Children, Entity, Write
from tests.unit.clients.service_layer_script import Sap, login, page, refusal

PAYMENTS = Entity(
    set="IncomingPayments", type="Payment", key="DocEntry", select=("DocTotal", "U_HubDoc"), key_is_text=False
)
REFUNDS = Entity(set="VendorPayments", type="Payment", key="DocEntry", key_is_text=False)
INVOICES = Entity(
    set="Invoices",
    type="Document",
    key="DocEntry",
    reference="U_HubRef",
    key_is_text=False,
    drafts="Drafts",
    slow=True,
    children=(Children("payments", PAYMENTS, "U_HubDoc"),),
)


def options(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}


async def test_children_stand_in_the_rows_that_were_read() -> None:
    payments = [{"DocEntry": n, "U_HubDoc": doc} for n, doc in ((1, "5"), (2, "7"), (3, "5"), (4, "99"), (5, None))]
    sap = Sap(login(), page({"DocEntry": 5}, {"DocEntry": 6}, {"DocEntry": 7}), page(*payments))
    rows = await sap.side.read(INVOICES, ["5", "6", "7"])
    assert {key: [one["DocEntry"] for one in row["payments"]] for key, row in rows.items()} == {
        "5": [1, 3],
        "6": [],
        "7": [2],
    }
    assert sap.paths[2:] == ["GET IncomingPayments"]
    sent = options(sap.requests[2])
    assert sent["$filter"] == "U_HubDoc eq '5' or U_HubDoc eq '6' or U_HubDoc eq '7'"
    assert sent["$select"] == "DocTotal,U_HubDoc,DocEntry"


async def test_children_come_with_rows_that_are_found_too() -> None:
    sap = Sap(login(), page({"DocEntry": 5, "U_HubRef": "r"}), page({"DocEntry": 1, "U_HubDoc": "5"}))
    found = await sap.side.find(INVOICES, "U_HubRef", ["r"])
    assert found["r"][0]["payments"] == [{"DocEntry": 1, "U_HubDoc": "5"}]


async def test_each_kind_of_children_is_read_by_itself() -> None:
    both = replace(INVOICES, children=(*INVOICES.children, Children("refunds", REFUNDS, "U_HubDoc")))
    sap = Sap(login(), page({"DocEntry": 5}), page(), page({"DocEntry": 8, "U_HubDoc": "5"}))
    row = (await sap.side.read(both, ["5"]))["5"]
    assert (row["payments"], row["refunds"]) == ([], [{"DocEntry": 8, "U_HubDoc": "5"}])


async def test_without_rows_no_children_are_asked_for() -> None:
    sap = Sap(login(), page())
    assert await sap.side.read(INVOICES, ["5"]) == {}
    assert len(sap.requests) == 2


async def test_a_draft_has_none_of_the_children_of_the_document_with_its_number() -> None:
    sap = Sap(login(), page({"DocEntry": 5, "U_HubRef": "r"}))
    found = await sap.side.find(replace(INVOICES, set=INVOICES.drafts), "U_HubRef", ["r"])
    assert found["r"][0]["payments"] == []
    assert len(sap.requests) == 2


@pytest.mark.parametrize("slow", [True, False])
async def test_what_was_just_created_has_no_children_yet(slow: bool) -> None:
    sap = Sap(login(), httpx.Response(201, json={"DocEntry": 5}), refusal(400, "-10"))
    entity = replace(INVOICES, slow=slow)
    [result] = await sap.side.write(entity, [Write("a", {"CardCode": "C1"}, create=True)])
    assert result.row == {"DocEntry": 5, "payments": []}
    [refused] = await sap.side.write(entity, [Write("b", {"CardCode": "C1"}, create=True)])
    assert isinstance(refused.error, Rejected)
    assert refused.row is None


# --- user fields ------------------------------------------------------------------------------------------------------


async def test_a_field_that_is_defined_under_another_document_is_there_for_all() -> None:
    field = {"TableName": "ORDR", "FieldID": 0, "Name": "HubRef", "Type": "db_Alpha", "Size": 100}
    sap = Sap(login(), page(), refusal(400, "-2035", "exists"), page(), page(field))
    assert await sap.side.ensure_column(INVOICES, "U_HubRef", "origin", 100) == "present"
    assert options(sap.requests[4])["$filter"].startswith("(TableName eq 'OQUT' or TableName eq 'ORDR' or ")


async def test_a_field_of_payments_that_is_refused_is_looked_for_under_its_own_table_alone() -> None:
    sap = Sap(login(), page(), refusal(400, "-2035", "exists"), page())
    with pytest.raises(Rejected):
        await sap.side.ensure_column(PAYMENTS, "U_HubDoc", "document", 20)
    assert options(sap.requests[3])["$filter"] == "(TableName eq 'ORCT') and (Name eq 'HubDoc')"
