"""Sales orders and drafts: checks, numbers, states, approval, branches (facts sections 3.1 to 3.5, 6)."""

from __future__ import annotations

import pytest

from local.simulators.service_layer.entities import etag_of
from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_orders import (
    CUSTOMER,
    FREIGHT,
    HEADER,
    UDF,
    Json,
    act,
    branched,
    line,
    order,
    panel,
    post,
    read,
    sap,
)

__all__ = ["branched", "sap"]


# -- creating ------------------------------------------------------------------------------------------------------


async def test_a_new_order_gets_key_number_and_what_partner_and_item_say(sap: Client) -> None:
    """Section 3.1: 201, Location, ETag; the series numbers."""
    response = await post(sap, {"ItemCode": "I00001", "Quantity": 2})
    first = response.json()
    assert response.headers["Location"] == f"{sap.base_url}/b1s/v2/Orders(1)"
    assert response.headers["ETag"] == etag_of(1)
    shown = [first[name] for name in ("DocEntry", "DocNum", "Series", "CardName", "DocCurrency", "DocRate")]
    assert shown == [1, 1001, 80, "New", "EUR", 1.0]
    states = [first[name] for name in ("DocumentStatus", "Cancelled", "CancelStatus", "DocObjectCode", "DocType")]
    assert states == ["bost_Open", "tNO", "csNo", "oOrders", "dDocument_Items"]
    item = (await sap.get("Items('I00001')")).json()
    row = first["DocumentLines"][0]
    expected = (0, item["ItemName"], "01", item["ItemPrices"][0]["Price"], item["SalesVATGroup"], -1, "Manual")
    names = ("LineNum", "ItemDescription", "WarehouseCode", "UnitPrice", "VatGroup", "UoMEntry", "UoMCode")
    assert tuple(row[name] for name in names) == expected
    assert (await order(sap, line()))["DocNum"] == 1002


async def test_creation_stamps_are_creation_date_and_doc_time(sap: Client) -> None:
    """Section 6: no CreationTime; minutes are inferred, hence a switch; UpdateDate waits for the first update."""
    sap.simulator.control.set_clock(instant="2026-06-30T22:30:15Z")
    await sap.login()
    new = await order(sap, line())
    names = ("CreationDate", "DocTime", "UpdateDate", "UpdateTime", "DocDate")
    assert [new[name] for name in names] == [
        "2026-07-01T00:00:00Z",
        "00:30:00",
        None,
        None,
        "2026-07-01T00:00:00Z",
    ]
    sap.simulator.switches.document_time = "seconds"
    assert (await order(sap, line()))["DocTime"] == "00:30:15"
    sap.simulator.control.advance(5)
    assert (await sap.send("PATCH", "Orders(1)", {"Comments": "x"})).status_code == 204
    changed = await read(sap, 1)
    assert [changed[name] for name in (*names[2:4], "DataVersion")] == ["2026-07-01T00:00:00Z", "00:30:20", 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"CardCode": "nobody"}, "Invalid BP code [ORDR.CardCode] , 'nobody'"),
        ({"CardCode": "V00001"}, "Invalid BP code [ORDR.CardCode] , 'V00001'"),
        ({"DocDueDate": None}, "Due date is missing [ORDR.DocDueDate]"),
        ({"DocumentLines": []}, "The document has no rows [RDR1.LineNum]"),
        ({"DocCurrency": "XXX"}, "Invalid value 'XXX' [ORDR.DocCur]"),
        ({"PaymentGroupCode": 99}, "Invalid value '99' [ORDR.GroupNum]"),
        ({"Series": 70}, "Invalid series '70' [ORDR.Series]"),
        ({"DocumentLines": [line(), line(ItemCode="none")]}, "Invalid item 'none' [RDR1.ItemCode][line: 2]"),
        ({"DocumentLines": [line(ItemCode="I00050")]}, "Item 'I00050' is inactive [RDR1.ItemCode][line: 1]"),
        ({"DocumentLines": [line(WarehouseCode="99")]}, "Invalid value '99' [RDR1.WhsCode][line: 1]"),
        ({"DocumentLines": [line(TaxCode="none")]}, "Invalid value 'none' [RDR1.TaxCode][line: 1]"),
        ({"DocumentLines": [line(TaxCode=None, VatGroup="V19")]}, "Invalid tax group 'V19' [RDR1.VatGroup][line: 1]"),
        ({"ShipToCode": "nowhere"}, "Invalid address 'nowhere' [ORDR.ShipToCode]"),
        ({"ContactPersonCode": 1}, "Invalid contact person '1' [ORDR.CntctCode]"),
        ({"DocumentLines": [line(quantity=0)]}, "Quantity must be greater than zero [RDR1.Quantity][line: 1]"),
        ({"DocumentLines": [line(UoMEntry=2)]}, "Invalid unit '2' [RDR1.UomEntry][line: 1]"),
        (
            {"DocumentAdditionalExpenses": [{"ExpenseCode": 9, "LineTotal": 1}]},
            "Invalid freight code '9' [RDR3.ExpnsCode]",
        ),
    ],
)
async def test_an_order_that_refers_to_nothing_is_refused_and_uses_no_number(
    sap: Client, change: Json, message: str
) -> None:
    """Section 3.4: -5002 with table, column and row."""
    refused = await sap.send("POST", "Orders", HEADER | {"DocumentLines": [line()]} | change)
    assert (error_of(refused), refused.json()["error"]["message"]) == ((400, "-5002"), message)
    assert (await sap.get("Orders/$count")).text == "0"
    assert (await order(sap, line()))["DocNum"] == 1001


async def test_an_unknown_field_is_refused_and_a_derived_one_ignored(sap: Client) -> None:
    """Section 3.1."""
    assert error_of(await post(sap, line(), Nonsense=1)) == (400, "-1000")
    assert error_of(await post(sap, line(Nonsense=1))) == (400, "-1000")
    made = await order(sap, line(), DocTotal=999, DocEntry=77, DocNum=5, VatSum=1)
    assert (made["DocTotal"], made["DocEntry"], made["DocNum"], made["VatSum"]) == (10.0, 1, 1001, 0.0)


async def test_the_partners_currency_decides_unless_he_takes_all(sap: Client) -> None:
    partner = {"CardCode": "N2", "Currency": "USD", "DiscountPercent": 5}
    await sap.send("POST", "BusinessPartners", partner)
    made = await order(sap, line(), CardCode="N2")
    assert (made["DocCurrency"], made["DocRate"], made["DocTotalFc"]) == ("USD", 0.9216, 9.5)
    assert error_of(await post(sap, line(), CardCode="N2", DocCurrency="GBP")) == (400, "-5002")
    assert (await order(sap, line(), CardCode="N2", DiscountPercent=0))["DocTotalFc"] == 10.0
    sap.simulator.switches.partner_discount = False
    assert (await order(sap, line(), CardCode="N2"))["DocTotalFc"] == 10.0


# -- changing ------------------------------------------------------------------------------------------------------


async def test_rows_are_matched_by_number_and_new_ones_appended(sap: Client) -> None:
    """Section 3.2."""
    await order(sap, line(1), line(2))
    body = {"DocumentLines": [{"LineNum": 1, "UnitPrice": 20}, line(300, LineNum=7)], "NumAtCard": "PO-1"}
    assert (await sap.send("PATCH", "Orders(1)", body)).status_code == 204
    after = await read(sap, 1)
    assert [(row["LineNum"], row["UnitPrice"]) for row in after["DocumentLines"]] == [(0, 1.0), (1, 20.0), (2, 300.0)]
    assert (after["DocTotal"], after["DataVersion"], after["NumAtCard"]) == (321.0, 2, "PO-1")


async def test_a_row_without_its_number_takes_the_place_of_the_one_at_its_position(sap: Client) -> None:
    """Section 3.2, S12."""
    await order(sap, line(1), line(2))
    await sap.send("PATCH", "Orders(1)", {"DocumentLines": [{"UnitPrice": 9}]})
    assert [row["UnitPrice"] for row in (await read(sap, 1))["DocumentLines"]] == [9.0, 2.0]


async def test_the_header_replaces_rows_exactly(sap: Client) -> None:
    """Section 2.6: absent rows are deleted; a document keeps at least one."""
    await order(sap, line(1), line(2), DocumentAdditionalExpenses=[FREIGHT])
    replace = {"B1S_ReplaceCollectionsOnPatch": "true"}
    await sap.send("PATCH", "Orders(1)", {"DocumentLines": [{"LineNum": 1}, line(5, LineNum=9)]}, **replace)
    after = await read(sap, 1)
    assert [(row["LineNum"], row["UnitPrice"]) for row in after["DocumentLines"]] == [(1, 2.0), (2, 5.0)]
    assert after["DocTotal"] == 11.99
    await sap.send("PATCH", "Orders(1)", {"DocumentAdditionalExpenses": []}, **replace)
    assert (await read(sap, 1))["DocTotal"] == 7.0
    assert error_of(await sap.send("PATCH", "Orders(1)", {"DocumentLines": []}, **replace)) == (400, "-5002")


async def test_freight_is_changed_by_number_or_by_its_code(sap: Client) -> None:
    await order(sap, line(1), DocumentAdditionalExpenses=[FREIGHT])
    for row in ({"LineNum": 0, "LineTotal": 2}, {"ExpenseCode": 1, "LineTotal": 3}):
        await sap.send("PATCH", "Orders(1)", {"DocumentAdditionalExpenses": [row]})
        after = await read(sap, 1)
        assert (len(after["DocumentAdditionalExpenses"]), after["DocTotal"]) == (1, 1 + row["LineTotal"])


async def test_partner_and_currency_are_fixed(sap: Client) -> None:
    """Section 3.4: -1029."""
    await order(sap, line())
    for change in ({"CardCode": "C00001"}, {"DocCurrency": "USD"}):
        assert error_of(await sap.send("PATCH", "Orders(1)", change)) == (400, "-1029")
    assert (await sap.send("PATCH", "Orders(1)", {"CardCode": CUSTOMER, "Comments": "x"})).status_code == 204


async def test_a_null_leaves_what_a_document_cannot_be_without(sap: Client) -> None:
    made = await order(sap, line(), DiscountPercent=10)
    nulls = {"DocRate": None, "DocDate": None, "SalesPersonCode": None, "DiscountPercent": None, "NumAtCard": None}
    assert (await sap.send("PATCH", "Orders(1)", nulls)).status_code == 204
    after = await read(sap, 1)
    assert [after[name] for name in nulls] == [made[name] for name in nulls]
    for change in ({"DocDueDate": None}, {"DocumentLines": [{"LineNum": 0, "ItemCode": None}]}):
        assert error_of(await sap.send("PATCH", "Orders(1)", change)) == (400, "-5002")
    row = {"LineNum": 0, "LineStatus": None, "Quantity": None}
    assert (await sap.send("PATCH", "Orders(1)", {"DocumentLines": [row]})).status_code == 204
    assert (await read(sap, 1))["DocumentStatus"] == "bost_Open"


async def test_another_item_brings_its_own_description_and_another_rate_new_amounts(sap: Client) -> None:
    await order(sap, line(10), DocCurrency="USD")
    change = {"DocRate": 2, "DocumentLines": [{"LineNum": 0, "ItemCode": "I00002", "VatGroup": "A19"}]}
    assert (await sap.send("PATCH", "Orders(1)", change)).status_code == 204
    after = await read(sap, 1)
    row = after["DocumentLines"][0]
    name = (await sap.get("Items('I00002')")).json()["ItemName"]
    assert [row[each] for each in ("ItemDescription", "TaxCode", "VatGroup", "Rate")] == [name, None, "A19", 2.0]
    assert (after["DocTotalFc"], after["DocTotal"]) == (11.9, 23.8)


async def test_an_item_frozen_later_leaves_its_old_rows_alone(sap: Client) -> None:
    await order(sap, line())
    await sap.send("PATCH", "Items('I00001')", {"Frozen": "tYES"})
    assert (await sap.send("PATCH", "Orders(1)", {"Comments": "x"})).status_code == 204
    refused = await sap.send("PATCH", "Orders(1)", {"DocumentLines": [{"LineNum": 0, "Quantity": 5}]})
    assert error_of(refused) == (400, "-5002")
    assert (await read(sap, 1))["DocTotal"] == 10.0


async def test_if_match_guards_orders_and_their_actions(sap: Client) -> None:
    """Section 3.3."""
    await order(sap, line())
    etag = (await sap.get("Orders(1)")).headers["ETag"]
    assert (await sap.send("PATCH", "Orders(1)", {"Comments": "x"}, If_Match=etag)).status_code == 204
    assert error_of(await sap.send("PATCH", "Orders(1)", {"Comments": "y"}, If_Match=etag)) == (412, "-2039")
    assert error_of(await act(sap, 1, "Cancel", If_Match=etag)) == (412, "-2039")
    assert (await read(sap, 1))["DocumentStatus"] == "bost_Open"


# -- states --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["Close"], ("bost_Close", "tNO", "csNo")),
        (["Cancel"], ("bost_Close", "tYES", "csYes")),
        (["Close", "Reopen"], ("bost_Open", "tNO", "csNo")),
    ],
)
async def test_actions_move_the_order_between_its_states(
    sap: Client, steps: list[str], expected: tuple[str, ...]
) -> None:
    """Section 3.1: 204."""
    await order(sap, line())
    for step in steps:
        assert (await act(sap, 1, step)).status_code == 204
    after = await read(sap, 1)
    assert tuple(after[name] for name in ("DocumentStatus", "Cancelled", "CancelStatus")) == expected
    assert after["DocumentLines"][0]["LineStatus"] == expected[0]
    assert (after["DataVersion"], after["UpdateDate"] is not None) == (1 + len(steps), True)


@pytest.mark.parametrize(
    ("before", "action"),
    [
        (["Cancel"], "Cancel"),
        (["Cancel"], "Close"),
        (["Cancel"], "Reopen"),
        (["Close"], "Close"),
        (["Close"], "Cancel"),
        ([], "Reopen"),
        ([], "CreateCancellationDocument"),
    ],
)
async def test_an_action_that_the_state_forbids_is_refused(sap: Client, before: list[str], action: str) -> None:
    """Section 3.1: -5006 for a second cancel; the others inferred from it."""
    await order(sap, line())
    for step in before:
        await act(sap, 1, step)
    was = await read(sap, 1)
    assert error_of(await act(sap, 1, action)) == (400, "-5006")
    assert await read(sap, 1) == was


async def test_a_closed_or_cancelled_order_takes_no_change(sap: Client) -> None:
    """Section 3.4: -1029."""
    for entry, action in ((1, "Close"), (2, "Cancel")):
        await order(sap, line())
        await act(sap, entry, action)
        for change in ({"Comments": "x"}, {"DocumentLines": [line()]}):
            assert error_of(await sap.send("PATCH", f"Orders({entry})", change)) == (400, "-1029")
    await act(sap, 1, "Reopen")
    assert (await sap.send("PATCH", "Orders(1)", {"Comments": "x"})).status_code == 204


async def test_orders_are_never_deleted_and_missing_ones_are_named(sap: Client) -> None:
    """Sections 3.1 and 3.4."""
    await order(sap, line())
    assert error_of(await sap.send("DELETE", "Orders(1)")) == (400, "-5006")
    assert error_of(await act(sap, 9, "Cancel")) == (404, "-2028")
    assert error_of(await act(sap, 1, "Explode")) == (400, "-1008")


async def test_closing_a_row_stands_alone_and_the_last_one_closes_the_order(sap: Client) -> None:
    """Section 3.2: -5002 together with anything else."""
    await order(sap, line(1), line(2))
    closing = {"LineNum": 0, "LineStatus": "bost_Close"}
    for body in (
        {"DocumentLines": [closing], "Comments": "x"},
        {"DocumentLines": [{**closing, "Quantity": 2}]},
    ):
        assert error_of(await sap.send("PATCH", "Orders(1)", body)) == (400, "-5002")
    assert (await sap.send("PATCH", "Orders(1)", {"DocumentLines": [closing]})).status_code == 204
    after = await read(sap, 1)
    states = [(row["LineStatus"], row["RemainingOpenQuantity"]) for row in after["DocumentLines"]]
    assert (states, after["DocumentStatus"]) == ([("bost_Close", 0.0), ("bost_Open", 1.0)], "bost_Open")
    changed = {"DocumentLines": [{"LineNum": 0, "Quantity": 5}]}
    assert error_of(await sap.send("PATCH", "Orders(1)", changed)) == (400, "-1029")
    await sap.send("PATCH", "Orders(1)", {"DocumentLines": [{**closing, "LineNum": 1}]})
    assert (await read(sap, 1))["DocumentStatus"] == "bost_Close"


# -- finding, user fields, approval --------------------------------------------------------------------------------


async def test_orders_are_found_by_reference_and_by_user_field(sap: Client) -> None:
    """Section 3.5: a user field of one marketing table is on the whole family, drafts included."""
    await sap.send("POST", "UserFieldsMD", UDF | {"TableName": "OINV"})
    await sap.send("POST", "UserFieldsMD", {**UDF, "TableName": "RDR1", "Name": "Row"})
    await order(sap, line(U_Row="a"), NumAtCard="O'1", U_HubRef="d:1")
    await order(sap, line(), U_HubRef="d:2")
    by_number = await sap.get("Orders?$select=DocEntry&$filter=NumAtCard%20eq%20'O''1'")
    assert [row["DocEntry"] for row in by_number.json()["value"]] == [1]
    query = "?$select=DocEntry,U_HubRef&$filter=U_HubRef%20eq%20'd:2'%20or%20U_HubRef%20eq%20'd:3'"
    assert [row["DocEntry"] for row in (await sap.get(f"Orders{query}")).json()["value"]] == [2]
    assert (await read(sap, 1))["DocumentLines"][0]["U_Row"] == "a"
    assert (await sap.get(f"Drafts{query}")).json()["value"] == []


async def test_an_order_under_approval_answers_an_error_although_a_draft_was_made(sap: Client) -> None:
    """Section 3.1; status 404 or 400."""
    await sap.send("POST", "UserFieldsMD", UDF)
    sap.simulator.switches.approval_procedure = True
    assert error_of(await post(sap, line(), U_HubRef="d:1", NumAtCard="A")) == (404, "-2028")
    sap.simulator.switches.approval_status = 400
    assert error_of(await post(sap, line(), U_HubRef="d:2")) == (400, "-2028")
    assert (await sap.get("Orders/$count")).text == "0"
    found = await sap.get("Drafts?$filter=U_HubRef%20eq%20'd:1'%20and%20DocObjectCode%20eq%20'oOrders'")
    (draft,) = found.json()["value"]
    shown = [draft[name] for name in ("DocEntry", "NumAtCard", "DocTotal", "AuthorizationStatus", "DocumentStatus")]
    assert shown == [1, "A", 10.0, "dasPending", "bost_Open"]
    assert (await sap.get("Drafts/$count")).text == "2"


async def test_who_prefers_no_content_learns_nothing_of_the_approval(sap: Client) -> None:
    """Section 3.1: 204. The Location names an order of the draft's key (inferred), which is not there."""
    sap.simulator.switches.approval_procedure = True
    body = HEADER | {"DocumentLines": [line()]}
    response = await sap.send("POST", "Orders", body, Prefer="return-no-content")
    assert (response.status_code, response.headers["Location"]) == (204, "/b1s/v2/Orders(1)")
    assert error_of(await sap.get("Orders(1)")) == (404, "-2028")
    assert (await sap.get("Drafts(1)")).status_code == 200


async def test_an_approved_draft_becomes_an_order_that_carries_its_user_fields(sap: Client) -> None:
    await sap.send("POST", "UserFieldsMD", UDF)
    await order(sap, line())
    sap.simulator.switches.approval_procedure = True
    given = line(10, 3, LineTotal=29.99)
    await post(sap, given, U_HubRef="d:1", DocumentAdditionalExpenses=[FREIGHT])
    approved = await panel(sap, "approvals/1", {"decision": "approve"})
    assert (approved.status_code, approved.json()["DocEntry"]) == (200, 2)
    made = await read(sap, 2)
    shown = [made[name] for name in ("DocNum", "U_HubRef", "DocTotal", "DocumentStatus", "DataVersion", "UpdateDate")]
    assert shown == [1002, "d:1", 34.98, "bost_Open", 1, None]
    draft = await read(sap, 1, "Drafts")
    assert (draft["AuthorizationStatus"], draft["DocumentStatus"]) == ("dasGenerated", "bost_Close")
    assert (await panel(sap, "approvals/1", {"decision": "approve"})).status_code == 400
    assert (await sap.get("Orders/$count")).text == "2"


async def test_a_rejected_draft_stays_a_draft(sap: Client) -> None:
    sap.simulator.switches.approval_procedure = True
    await post(sap, line())
    rejected = await panel(sap, "approvals/1", {"decision": "reject"})
    assert rejected.json()["AuthorizationStatus"] == "dasRejected"
    assert (await sap.get("Orders/$count")).text == "0"
    assert (await panel(sap, "approvals/9", {"decision": "reject"})).status_code == 404
    assert (await panel(sap, "approvals/1", {"decision": "perhaps"})).status_code == 400


async def test_a_draft_that_is_no_longer_a_valid_order_stays_pending(sap: Client) -> None:
    sap.simulator.switches.approval_procedure = True
    await post(sap, line())
    await sap.send("PATCH", "Items('I00001')", {"Frozen": "tYES"})
    assert (await panel(sap, "approvals/1", {"decision": "approve"})).status_code == 400
    assert (await read(sap, 1, "Drafts"))["AuthorizationStatus"] == "dasPending"
    assert (await sap.get("Orders/$count")).text == "0"


async def test_a_draft_is_made_changed_and_deleted_like_a_document(sap: Client) -> None:
    """Section 6: Drafts take DELETE; a draft uses no number of the series."""
    body = HEADER | {"DocObjectCode": "oOrders", "DocumentLines": [line()]}
    created = await sap.send("POST", "Drafts", body)
    assert (created.status_code, created.json()["AuthorizationStatus"]) == (201, "dasWithout")
    await sap.send("PATCH", "Drafts(1)", {"DocumentLines": [{"LineNum": 0, "Quantity": 3}]})
    assert (await read(sap, 1, "Drafts"))["DocTotal"] == 30.0
    assert (await order(sap, line()))["DocNum"] == 1001
    assert (await sap.send("DELETE", "Drafts(1)")).status_code == 204


# -- branches ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [{}, {"BPL_IDAssignedToInvoice": 9}, {"BPL_IDAssignedToInvoice": 3}, {"BPL_IDAssignedToInvoice": 2}],
    ids=["none", "unknown", "not the partner's", "another warehouse's"],
)
async def test_a_company_with_branches_wants_the_right_one(branched: Client, header: Json) -> None:
    """Section 3.1."""
    assert error_of(await post(branched, line(WarehouseCode="01"), **header)) == (400, "-5002")


async def test_an_order_names_its_branch_and_takes_that_branchs_warehouse(branched: Client) -> None:
    made = await order(branched, line(WarehouseCode="02"), BPL_IDAssignedToInvoice=2)
    assert (made["BPL_IDAssignedToInvoice"], made["BPLName"]) == (2, "Hamburg")


async def test_an_order_in_a_changeset_is_all_or_nothing(sap: Client) -> None:
    """Section 4: the number of an order that was rolled back is used again (inferred)."""
    head = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n"
    good = (
        '{"CardCode":"N1","DocDueDate":"2026-03-31","DocumentLines":'
        '[{"ItemCode":"I00001","Quantity":1,"UnitPrice":5,"TaxCode":"EXEMPT"}]}'
    )
    part = "--c\n" + head + "Content-ID: {}\n\nPOST Orders\nContent-Type: application/json\n\n{}\n"
    start = "--b\nContent-Type: multipart/mixed;boundary=c\n\n"
    end = "--c--\n--b--\n"
    refused = await sap.batch(start + part.format(1, good) + part.format(2, '{"CardCode":"N1"}') + end)
    assert b"400 Bad Request" in refused.content
    assert (await sap.get("Orders/$count")).text == "0"
    await sap.batch(start + part.format(1, good) + end)
    assert (await read(sap, 1))["DocNum"] == 1001
