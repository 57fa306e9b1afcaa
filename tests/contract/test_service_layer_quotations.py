"""Quotations, and documents that are based on others: what they draw, close and give back (facts sections 3.1, 6).

BaseType and its numbers are facts; what drawing does is general Business One knowledge, giving back is inferred.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.simulators.service_layer.entities import etag_of
from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_orders import CUSTOMER, HEADER, UDF, Json, line, panel, read, sap

__all__ = ["sap"]

INVOICE, DELIVERY, ORDER, QUOTATION = 13, 15, 17, 23
SETS = {INVOICE: "Invoices", DELIVERY: "DeliveryNotes", ORDER: "Orders", QUOTATION: "Quotations"}


async def post(sap: Client, entity_set: str, *lines: Json, **header: Any) -> Json:
    """A new document as SAP shows it."""
    response = await sap.send("POST", entity_set, HEADER | {"DocumentLines": list(lines)} | header)
    assert response.status_code == 201, response.text
    return dict(response.json())


def based(kind: int, quantity: float | None = None, row: int = 0, entry: int = 1, **more: Any) -> Json:
    """A row that names its base and as much as it wants of it; all that is left if it says nothing."""
    wanted = {} if quantity is None else {"Quantity": quantity}
    return {"BaseType": kind, "BaseEntry": entry, "BaseLine": row, **wanted, **more}


async def refusal(sap: Client, entity_set: str, *lines: Json, **header: Any) -> str:
    """The text of a refusal by a business rule."""
    response = await sap.send("POST", entity_set, HEADER | {"DocumentLines": list(lines)} | header)
    assert error_of(response) == (400, "-5002")
    return str(response.json()["error"]["message"])


async def open_parts(sap: Client, entity_set: str, entry: int = 1) -> tuple[str, list[tuple[str, float]]]:
    """State of a document and of its rows, with what is left of them."""
    seen = await read(sap, entry, entity_set)
    rows = [(row["LineStatus"], row["RemainingOpenQuantity"]) for row in seen["DocumentLines"]]
    return seen["DocumentStatus"], rows


async def stock(sap: Client) -> float:
    """Of the item, in the warehouse of all rows here."""
    rows = (await sap.get("Items('I00001')")).json()["ItemWarehouseInfoCollection"]
    return float(next(row["InStock"] for row in rows if row["WarehouseCode"] == "01"))


# -- quotations ----------------------------------------------------------------------------------------------------


async def test_a_quotation_is_numbered_apart_and_computed_as_an_order(sap: Client) -> None:
    response = await sap.send("POST", "Quotations", HEADER | {"DocumentLines": [line(10, 3)], "DiscountPercent": 10})
    made = response.json()
    assert response.headers["Location"] == f"{sap.base_url}/b1s/v2/Quotations(1)"
    assert response.headers["ETag"] == etag_of(1)
    assert [made[name] for name in ("DocNum", "Series", "DocObjectCode")] == [501, 81, "oQuotations"]
    assert [made[name] for name in ("DocTotal", "DocumentStatus", "UpdateDate")] == [27.0, "bost_Open", None]
    assert (await post(sap, "Orders", line()))["DocNum"] == 1001
    assert (
        await sap.send("PATCH", "Quotations(1)", {"DocumentLines": [{"LineNum": 0, "Quantity": 4}]})
    ).status_code == 204
    assert (await read(sap, 1, "Quotations"))["DocTotal"] == 36.0
    expanded = await sap.get("Quotations(1)?$select=DocEntry&$expand=BusinessPartner($select=CardName)")
    assert expanded.json()["BusinessPartner"] == {"@odata.etag": etag_of(1), "CardName": "New"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["Close"], ("bost_Close", "tNO")),
        (["Cancel"], ("bost_Close", "tYES")),
        (["Close", "Reopen"], ("bost_Open", "tNO")),
    ],
)
async def test_actions_move_a_quotation_between_its_states(
    sap: Client, steps: list[str], expected: tuple[str, str]
) -> None:
    await post(sap, "Quotations", line())
    for step in steps:
        assert (await sap.send("POST", f"Quotations(1)/{step}")).status_code == 204
    after = await read(sap, 1, "Quotations")
    assert (after["DocumentStatus"], after["Cancelled"]) == expected
    assert error_of(await sap.send("DELETE", "Quotations(1)")) == (400, "-5006")


async def test_a_lead_gets_quotations_and_nothing_else(sap: Client) -> None:
    await post(sap, "Quotations", line(), CardCode="L00001")
    for entity_set in ("Orders", "DeliveryNotes", "Invoices"):
        assert "Invalid BP code" in await refusal(sap, entity_set, line(), CardCode="L00001")
    assert "Invalid BP code" in await refusal(sap, "Quotations", line(), CardCode="V00001")
    await sap.send("PATCH", "BusinessPartners('L00001')", {"CardType": "cCustomer"})
    await post(sap, "Orders", based(QUOTATION), CardCode="L00001")
    assert (await read(sap, 1, "Quotations"))["DocumentStatus"] == "bost_Close"


async def test_quotations_need_no_approval(sap: Client) -> None:
    sap.simulator.switches.approval_procedure = True
    assert (await post(sap, "Quotations", line()))["DocEntry"] == 1


# -- drawing -------------------------------------------------------------------------------------------------------


async def test_a_row_has_what_its_base_row_has_unless_it_says_otherwise(sap: Client) -> None:
    quoted = line(10, 3, DiscountPercent=20, ItemDescription="As agreed", WarehouseCode="02")
    await post(sap, "Quotations", quoted, line(5, 2))
    made = await post(sap, "Orders", based(QUOTATION), based(QUOTATION, 1, row=1, UnitPrice=7, TaxCode="STD"))
    names = ("ItemCode", "ItemDescription", "Quantity", "UnitPrice", "Price", "WarehouseCode", "TaxCode", "BaseLine")
    first, second = made["DocumentLines"]
    assert [first[name] for name in names] == ["I00001", "As agreed", 3.0, 10.0, 8.0, "02", "EXEMPT", 0]
    assert [second[name] for name in names[2:]] == [1.0, 7.0, 7.0, "01", "STD", 1]


async def test_an_order_closes_the_quotation_row_by_row(sap: Client) -> None:
    sap.simulator.control.set_clock(instant="2026-06-30T10:00:00Z")
    await sap.login()
    await post(sap, "Quotations", line(10, 3), line(5, 2))
    sap.simulator.control.advance(7)
    await post(sap, "Orders", based(QUOTATION, 1))
    seen = await read(sap, 1, "Quotations")
    assert await open_parts(sap, "Quotations") == ("bost_Open", [("bost_Open", 2.0), ("bost_Open", 2.0)])
    assert [seen[name] for name in ("UpdateTime", "DataVersion", "DocTotal")] == ["12:00:07", 2, 40.0]
    assert seen["DocumentLines"][0]["OpenAmount"] == 20.0
    await post(sap, "Orders", based(QUOTATION, 2))
    assert await open_parts(sap, "Quotations") == ("bost_Open", [("bost_Close", 0.0), ("bost_Open", 2.0)])
    await post(sap, "Orders", based(QUOTATION, row=1))
    assert await open_parts(sap, "Quotations") == ("bost_Close", [("bost_Close", 0.0), ("bost_Close", 0.0)])
    assert (await read(sap, 1, "Quotations"))["DataVersion"] == 4


async def test_a_row_may_want_more_than_is_left_and_draws_what_is_left(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3), line(10, 3))
    made = await post(sap, "Orders", based(QUOTATION, 2), based(QUOTATION, 5))
    assert [row["Quantity"] for row in made["DocumentLines"]] == [2.0, 5.0]
    assert await open_parts(sap, "Quotations") == ("bost_Open", [("bost_Close", 0.0), ("bost_Open", 3.0)])
    assert await open_parts(sap, "Orders") == ("bost_Open", [("bost_Open", 2.0), ("bost_Open", 5.0)])


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (based(QUOTATION, 1, entry=9, ItemCode="I00001"), "Invalid base document"),
        (based(QUOTATION, 1, row=9, ItemCode="I00001"), "Invalid base document"),
        (based(QUOTATION, 1, entry=2), "Invalid base document"),
        (based(INVOICE, 1, ItemCode="I00001"), "Invalid base document"),
        (based(22, 1, ItemCode="I00001"), "Invalid base document"),
        (based(QUOTATION, 1, row=1), "The base document is closed"),
        (based(QUOTATION, 1, ItemCode="I00002"), "The item is not the one of the base document"),
    ],
    ids=["no document", "no row", "another customer's", "wrong kind", "unknown kind", "closed row", "another item"],
)
async def test_a_base_that_is_none_is_refused_and_nothing_is_drawn(sap: Client, row: Json, text: str) -> None:
    await post(sap, "Quotations", line(10, 3), line(5, 2))
    await post(sap, "Quotations", line(10, 3), CardCode="L00001")
    closing = {"DocumentLines": [{"LineNum": 1, "LineStatus": "bost_Close"}]}
    await sap.send("PATCH", "Quotations(1)", closing)
    before = await read(sap, 1, "Quotations")
    assert text in await refusal(sap, "Orders", based(QUOTATION, 1), row)
    assert await read(sap, 1, "Quotations") == before


@pytest.mark.parametrize("action", ["Close", "Cancel"])
async def test_a_closed_quotation_is_no_base(sap: Client, action: str) -> None:
    await post(sap, "Quotations", line(10, 3))
    await sap.send("POST", f"Quotations(1)/{action}")
    assert "The base document is closed" in await refusal(sap, "Orders", based(QUOTATION, 1))


async def test_a_cancelled_order_gives_back_what_it_drew(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3), line(5, 2))
    await post(sap, "Orders", based(QUOTATION), based(QUOTATION, 1, row=1))
    await post(sap, "Orders", based(QUOTATION, 1, row=1))
    assert (await read(sap, 1, "Quotations"))["DocumentStatus"] == "bost_Close"
    assert (await sap.send("POST", "Orders(1)/Cancel")).status_code == 204
    assert await open_parts(sap, "Quotations") == ("bost_Open", [("bost_Open", 3.0), ("bost_Open", 1.0)])
    assert (await read(sap, 1, "Quotations"))["DataVersion"] == 4
    await post(sap, "Orders", based(QUOTATION), based(QUOTATION, row=1))
    assert (await read(sap, 1, "Quotations"))["DocumentStatus"] == "bost_Close"


async def test_what_a_person_closed_stays_closed_when_something_is_given_back(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3))
    await post(sap, "Orders", based(QUOTATION, 1))
    await sap.send("POST", "Quotations(1)/Close")
    await sap.send("POST", "Orders(1)/Cancel")
    assert await open_parts(sap, "Quotations") == ("bost_Close", [("bost_Close", 0.0)])


async def test_what_others_draw_from_is_neither_cancelled_nor_reopened_once_nothing_is_left(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3))
    await post(sap, "Orders", based(QUOTATION, 1))
    assert error_of(await sap.send("POST", "Quotations(1)/Cancel")) == (400, "-5006")
    await post(sap, "Orders", based(QUOTATION))
    assert error_of(await sap.send("POST", "Quotations(1)/Reopen")) == (400, "-5006")


async def test_a_reopened_document_leaves_rows_closed_of_which_nothing_is_left(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3), line(5, 2))
    await post(sap, "Orders", based(QUOTATION), based(QUOTATION, 1, row=1))
    for action in ("Close", "Reopen"):
        assert (await sap.send("POST", f"Quotations(1)/{action}")).status_code == 204
    assert await open_parts(sap, "Quotations") == ("bost_Open", [("bost_Close", 0.0), ("bost_Open", 1.0)])


async def test_a_price_in_another_currency_is_not_taken_over(sap: Client) -> None:
    await post(sap, "Quotations", line(12345, 3), DocCurrency="USD")
    same = await post(sap, "Orders", based(QUOTATION, 1), DocCurrency="USD")
    assert same["DocumentLines"][0]["UnitPrice"] == 12345.0
    listed = (await sap.get("Items('I00001')")).json()["ItemPrices"][0]["Price"]
    assert (await post(sap, "Orders", based(QUOTATION, 1)))["DocumentLines"][0]["UnitPrice"] == listed


async def test_a_changed_order_draws_the_difference(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3))
    await post(sap, "Orders", based(QUOTATION, 3), line(1))

    async def left_after(rows: list[Json], **headers: str) -> float:
        response = await sap.send("PATCH", "Orders(1)", {"DocumentLines": rows}, **headers)
        assert response.status_code == 204, response.text
        return float((await open_parts(sap, "Quotations"))[1][0][1])

    assert await left_after([{"LineNum": 0, "Quantity": 1}]) == 2.0
    assert await left_after([{"LineNum": 1, "Quantity": 9}]) == 2.0, "another row's change"
    assert await left_after([{"LineNum": 0, "Quantity": 2}]) == 1.0
    assert await left_after([{"LineNum": 7, **based(QUOTATION, 4)}]) == 0.0
    assert await left_after([{"LineNum": 1}], B1S_ReplaceCollectionsOnPatch="true") == 3.0


async def test_a_draft_draws_nothing_before_it_is_an_order(sap: Client) -> None:
    await post(sap, "Quotations", line(10, 3))
    sap.simulator.switches.approval_procedure = True
    await sap.send("POST", "Orders", HEADER | {"DocumentLines": [based(QUOTATION, 2)]})
    assert (await open_parts(sap, "Quotations"))[1] == [("bost_Open", 3.0)]
    assert (await panel(sap, "approvals/1", {"decision": "approve"})).status_code == 200
    assert (await open_parts(sap, "Quotations"))[1] == [("bost_Open", 1.0)]


async def test_a_document_takes_the_headers_user_fields_of_its_base_that_it_does_not_name(sap: Client) -> None:
    """Inferred, hence a switch; a field's default gives way, rows take nothing."""
    await sap.send("POST", "UserFieldsMD", UDF)
    await sap.send("POST", "UserFieldsMD", {**UDF, "Name": "Kind", "DefaultValue": "none"})
    await sap.send("POST", "UserFieldsMD", {**UDF, "TableName": "RDR1", "Name": "Row"})
    await post(sap, "Quotations", line(10, 9, U_Row="r"), U_HubRef="q:1", U_Kind="quoted")
    taken = await post(sap, "Orders", based(QUOTATION, 1))
    assert (taken["U_HubRef"], taken["U_Kind"], taken["DocumentLines"][0]["U_Row"]) == ("q:1", "quoted", None)
    named = await post(sap, "Orders", based(QUOTATION, 1), U_HubRef="o:1", U_Kind=None)
    assert (named["U_HubRef"], named["U_Kind"]) == ("o:1", None)
    assert (await post(sap, "Orders", line()))["U_Kind"] == "none"
    sap.simulator.switches.user_fields_are_copied = False
    apart = await post(sap, "Orders", based(QUOTATION, 1))
    assert (apart["U_HubRef"], apart["U_Kind"]) == (None, "none")


# -- deliveries and invoices ---------------------------------------------------------------------------------------


async def test_a_delivery_takes_from_the_order_and_from_the_stock(sap: Client) -> None:
    before = await stock(sap)
    await post(sap, "Orders", line(10, 3), line(5, 2))
    made = await post(sap, "DeliveryNotes", based(ORDER, 2))
    assert (made["DocObjectCode"], made["DocumentStatus"], made["DocTotal"]) == ("oDeliveryNotes", "bost_Open", 20.0)
    assert await stock(sap) == before - 2
    assert await open_parts(sap, "Orders") == ("bost_Open", [("bost_Open", 1.0), ("bost_Open", 2.0)])
    seen = await read(sap, 1)
    assert (seen["DataVersion"], seen["UpdateDate"] is not None) == (2, True)
    await post(sap, "DeliveryNotes", based(ORDER), based(ORDER, row=1))
    assert (await read(sap, 1))["DocumentStatus"] == "bost_Close"
    assert await stock(sap) == before - 5


async def test_an_order_that_was_delivered_in_part_is_not_cancelled_but_closed(sap: Client) -> None:
    await post(sap, "Orders", line(10, 3))
    await post(sap, "DeliveryNotes", based(ORDER, 2))
    assert error_of(await sap.send("POST", "Orders(1)/Cancel")) == (400, "-5006")
    changed = await sap.send("PATCH", "Orders(1)", {"Comments": "x"})
    assert (changed.status_code, await open_parts(sap, "Orders")) == (204, ("bost_Open", [("bost_Open", 1.0)]))
    assert (await sap.send("POST", "Orders(1)/Close")).status_code == 204
    assert (await sap.send("POST", "Orders(1)/Reopen")).status_code == 204
    assert await open_parts(sap, "Orders") == ("bost_Open", [("bost_Open", 1.0)])


@pytest.mark.parametrize("kind", [DELIVERY, ORDER, QUOTATION])
async def test_an_invoice_draws_from_its_base_and_goods_leave_the_stock_once(sap: Client, kind: int) -> None:
    before = await stock(sap)
    await post(sap, SETS[kind], line(10, 3))
    await post(sap, "Invoices", based(kind, 1))
    assert await open_parts(sap, SETS[kind]) == ("bost_Open", [("bost_Open", 2.0)])
    await post(sap, "Invoices", based(kind))
    assert await open_parts(sap, SETS[kind]) == ("bost_Close", [("bost_Close", 0.0)])
    assert await stock(sap) == before - 3
    assert "closed" in await refusal(sap, "Invoices", based(kind, 1))


async def test_numbers_of_managed_items_are_named_once_on_the_delivery(sap: Client) -> None:
    managed = {**line(1, 1), "ItemCode": "I00012"}
    assert "serial numbers" in await refusal(sap, "DeliveryNotes", managed)
    await post(sap, "DeliveryNotes", {**managed, "SerialNumbers": [{"InternalSerialNumber": "S1"}]})
    await post(sap, "Invoices", based(DELIVERY))


async def test_a_delivery_is_never_changed_but_for_remarks_and_user_fields(sap: Client) -> None:
    await sap.send("POST", "UserFieldsMD", UDF)
    await post(sap, "DeliveryNotes", line(10, 3))
    change = {"DocumentLines": [{"LineNum": 0, "Quantity": 1}]}
    assert error_of(await sap.send("PATCH", "DeliveryNotes(1)", change)) == (400, "-1029")
    assert (await sap.send("PATCH", "DeliveryNotes(1)", {"Comments": "seen", "U_HubRef": "d:1"})).status_code == 204
    assert (await read(sap, 1, "DeliveryNotes"))["U_HubRef"] == "d:1"


async def test_a_credit_memo_leaves_its_invoice_open(sap: Client) -> None:
    """An invoice is closed by payments."""
    await post(sap, "Invoices", line(10, 3))
    await post(sap, "CreditNotes", based(INVOICE))
    assert await open_parts(sap, "Invoices") == ("bost_Open", [("bost_Open", 0.0)])
    assert "more than what is open" in await refusal(sap, "CreditNotes", based(INVOICE, 1))


async def test_rows_of_one_credit_memo_take_together_no_more_than_is_left(sap: Client) -> None:
    await post(sap, "Invoices", line(10, 3))
    assert "more than what is open" in await refusal(sap, "CreditNotes", based(INVOICE, 2), based(INVOICE, 2))
    await post(sap, "CreditNotes", based(INVOICE, 2), based(INVOICE, 1))


async def test_a_refused_document_takes_nothing_and_moves_nothing(sap: Client) -> None:
    await post(sap, "Orders", line(10, 3))
    before = await stock(sap), await read(sap, 1)
    assert await refusal(sap, "DeliveryNotes", based(ORDER), line(WarehouseCode="99"))
    assert (await stock(sap), await read(sap, 1)) == before
    assert (await sap.get("DeliveryNotes/$count")).text == "0"
    assert (await read(sap, 1))["CardCode"] == CUSTOMER
