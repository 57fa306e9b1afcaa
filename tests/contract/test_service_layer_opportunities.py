"""Sales opportunities: numbers, stages, amounts, states (facts section 6; the rest general Business One knowledge)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_orders import CUSTOMER, Json, sap

__all__ = ["sap"]

ONE = "SalesOpportunities(1)"
BODY: Json = {"CardCode": CUSTOMER, "OpportunityName": "Shelves", "PredictedClosingDate": "2026-12-31"}
UDF = {"TableName": "OOPR", "Name": "HubRef", "Type": "db_Alpha", "Size": 60, "Description": "Hub reference"}
ROWS = "SalesOpportunitiesLines"
REASONS = "SalesOpportunitiesReasons"


async def post(sap: Client, *rows: Json, **more: Any) -> httpx.Response:
    """POST an opportunity."""
    return await sap.send("POST", "SalesOpportunities", {**BODY, **({ROWS: list(rows)} if rows else {}), **more})


async def made(sap: Client, *rows: Json, **more: Any) -> Json:
    """A new opportunity as SAP shows it."""
    response = await post(sap, *rows, **more)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def patch(sap: Client, **change: Any) -> Json:
    """The opportunity after a change."""
    response = await sap.send("PATCH", ONE, change)
    assert response.status_code == 204, response.text
    return await read(sap)


async def read(sap: Client) -> Json:
    """The whole opportunity."""
    return dict((await sap.get(ONE)).json())


async def test_the_server_numbers_fills_in_and_adds_the_first_stage(sap: Client) -> None:
    response = await post(sap, SequentialNo=77)
    new = response.json()
    assert response.headers["Location"].endswith(f"/b1s/v2/{ONE}")
    assert "ETag" not in response.headers
    assert "@odata.etag" not in new
    names = ("SequentialNo", "CustomerName", "Status", "OpportunityType", "SalesPerson", "CurrentStageNo")
    assert [new[name] for name in names] == [1, "New", "sos_Open", "boOpSales", -1, 1]
    (row,) = new[ROWS]
    shown = [row[name] for name in ("LineNum", "StageKey", "PercentageRate", "Status", "SequenceNo")]
    assert shown == [0, 1, 10.0, "so_Open", 1]
    assert new["StartDate"] == row["StartDate"] is not None
    assert not {"CreateDate", "CreateTime", "DataVersion"} & set(new)
    assert (await made(sap))["SequentialNo"] == 2


async def test_only_a_change_is_stamped(sap: Client) -> None:
    """Section 2.4: UpdateDate and UpdateTime alone; null until the first change unless a switch says otherwise."""
    sap.simulator.control.set_clock(instant="2026-06-30T10:00:00Z")
    await sap.login()
    assert (await made(sap))["UpdateDate"] is None
    after = await patch(sap, Remarks="x")
    assert (after["UpdateDate"], after["UpdateTime"]) == ("2026-06-30T00:00:00Z", "12:00:00")
    sap.simulator.switches.update_stamp_on_create = True
    assert (await made(sap))["UpdateTime"] == "12:00:00"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"CardCode": None}, "OOPR.CardCode"),
        ({"CardCode": "nobody"}, "OOPR.CardCode"),
        ({"CardCode": "V00001"}, "OOPR.CardCode"),
        ({"PredictedClosingDate": None}, "OOPR.PredDate"),
        ({"SalesPerson": 99}, "OOPR.SlpCode"),
        ({"ContactPerson": 1}, "OOPR.CprCode"),
        ({"Source": 99}, "OOPR.Source"),
        ({ROWS: [{"StageKey": 1}, {"StageKey": 99}]}, "OPR1.Step_Id][line: 2"),
        ({ROWS: [{"MaxLocalTotal": 5}]}, "OPR1.Step_Id][line: 1"),
        ({ROWS: [{"StageKey": 1, "SalesPerson": 99}]}, "OPR1.SlpCode][line: 1"),
        ({REASONS: [{"Reason": 99}]}, "OPR5.ReasondId][line: 1"),
    ],
)
async def test_an_opportunity_that_refers_to_nothing_is_refused(sap: Client, change: Json, field: str) -> None:
    response = await post(sap, **change)
    assert error_of(response) == (400, "-5002")
    assert f"[{field}]" in response.json()["error"]["message"]
    assert (await sap.get("SalesOpportunities/$count")).text == "0"


async def test_a_lead_and_one_of_its_contacts_have_opportunities(sap: Client) -> None:
    lead = {"CardCode": "L1", "CardName": "Lead", "CardType": "cLid", "ContactEmployees": [{"Name": "Ada"}]}
    (contact,) = (await sap.send("POST", "BusinessPartners", lead)).json()["ContactEmployees"]
    new = await made(sap, CardCode="L1", ContactPerson=contact["InternalCode"], SalesPerson=3)
    assert (new["CustomerName"], new["SalesPerson"], new[ROWS][0]["SalesPerson"]) == ("Lead", 3, 3)
    refused = await sap.send("PATCH", ONE, {"ContactPerson": contact["InternalCode"] + 1})
    assert error_of(refused) == (400, "-5002")


# -- stages and amounts --------------------------------------------------------------------------------------------


async def test_a_new_row_closes_the_rows_before_and_is_the_current_stage(sap: Client) -> None:
    await made(sap, {"StageKey": 1}, MaxLocalTotal=1000)
    after = await patch(sap, **{ROWS: [{"LineNum": 1, "StageKey": 4}]})
    rows = [(row["LineNum"], row["StageKey"], row["Status"], row["PercentageRate"]) for row in after[ROWS]]
    assert rows == [(0, 1, "so_Closed", 10.0), (1, 4, "so_Open", 60.0)]
    names = ("CurrentStageNo", "CurrentStageNumber", "ClosingPercentage", "WeightedSumLC", "MaxLocalTotal")
    assert [after[name] for name in names] == [4, 4, 60.0, 600.0, 1000.0]
    assert [row["WeightedAmountLocal"] for row in after[ROWS]] == [100.0, 600.0]


async def test_what_follows_from_the_last_row_is_not_taken_from_a_body(sap: Client) -> None:
    new = await made(sap, MaxLocalTotal=100, ClosingPercentage=99, WeightedSumLC=1, CurrentStageNo=5, CustomerName="x")
    names = ("ClosingPercentage", "WeightedSumLC", "CurrentStageNo", "CustomerName")
    assert [new[name] for name in names] == [10.0, 10.0, 1, "New"]


async def test_the_potential_amount_is_the_last_rows_wherever_it_is_given(sap: Client) -> None:
    new = await made(sap, {"StageKey": 1, "MaxLocalTotal": 500}, MaxLocalTotal=9)
    assert (new["MaxLocalTotal"], new["WeightedSumLC"]) == (500.0, 50.0)
    after = await patch(sap, MaxLocalTotal=333.33)
    assert (after[ROWS][0]["MaxLocalTotal"], after["WeightedSumLC"]) == (333.33, 33.33)
    after = await patch(sap, **{ROWS: [{"LineNum": 0, "MaxLocalTotal": 800, "PercentageRate": 55}]})
    assert (after["MaxLocalTotal"], after["WeightedSumLC"], after["ClosingPercentage"]) == (800.0, 440.0, 55.0)
    after = await patch(sap, MaxLocalTotal=700, **{ROWS: [{"LineNum": 1, "StageKey": 2}]})
    assert [row["MaxLocalTotal"] for row in after[ROWS]] == [800.0, 700.0]


async def test_another_stage_of_a_row_brings_its_percentage_unless_one_is_given(sap: Client) -> None:
    await made(sap, {"StageKey": 1, "PercentageRate": 33})
    assert (await patch(sap, **{ROWS: [{"LineNum": 0, "StageKey": 5}]}))["ClosingPercentage"] == 80.0
    given = {"LineNum": 0, "StageKey": 2, "PercentageRate": 1}
    assert (await patch(sap, **{ROWS: [given]}))["ClosingPercentage"] == 1.0


async def test_a_closed_row_stays_as_it_is(sap: Client) -> None:
    """Section 3.2: a row without its number means the one at its position."""
    new = await made(sap, {"StageKey": 1}, {"StageKey": 2})
    for row in ({"LineNum": 0, "StageKey": 3}, {"StageKey": 3}):
        assert error_of(await sap.send("PATCH", ONE, {ROWS: [row]})) == (400, "-1029")
    after = await patch(sap, **{ROWS: [{"LineNum": 0}, {"StageKey": 3}]})
    assert (after[ROWS][0], after["CurrentStageNo"]) == (new[ROWS][0], 3)


async def test_a_cancelled_stage_is_not_entered_any_more(sap: Client) -> None:
    await made(sap, {"StageKey": 1})
    assert (await sap.send("PATCH", "SalesStages(1)", {"Cancelled": "tYES"})).status_code == 204
    assert error_of(await post(sap, {"StageKey": 1})) == (400, "-5002")
    assert (await made(sap))["CurrentStageNo"] == 2, "the first one that is left"
    assert (await patch(sap, Remarks="x"))["CurrentStageNo"] == 1


async def test_the_last_row_cannot_be_taken_away(sap: Client) -> None:
    await made(sap)
    refused = await sap.send("PATCH", ONE, {ROWS: []}, B1S_ReplaceCollectionsOnPatch="true")
    assert error_of(refused) == (400, "-5002")


async def test_reasons_are_numbered_and_matched_by_their_number(sap: Client) -> None:
    new = await made(sap, **{REASONS: [{"Reason": 1}, {"Reason": 3}]})
    assert new[REASONS] == [
        {"RowNo": 0, "SequenceNo": 1, "Reason": 1},
        {"RowNo": 1, "SequenceNo": 1, "Reason": 3},
    ]
    after = await patch(sap, **{REASONS: [{"RowNo": 1, "Reason": 2}, {"RowNo": 2, "Reason": 5}]})
    assert [row["Reason"] for row in after[REASONS]] == [1, 2, 5]


# -- states --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["sos_Sold", "sos_Missed"])
async def test_a_closed_opportunity_has_a_closing_date_and_takes_only_remarks_and_reopening(
    sap: Client, status: str
) -> None:
    sap.simulator.control.set_clock(instant="2026-06-30T10:00:00Z")
    await sap.login()
    await made(sap, MaxLocalTotal=5)
    assert (await read(sap))["ClosingDate"] is None
    closed = await patch(sap, Status=status)
    assert (closed["Status"], closed["ClosingDate"]) == (status, "2026-06-30T00:00:00Z")
    changes: list[Json] = [{"OpportunityName": "x"}, {"MaxLocalTotal": 6}, {ROWS: [{"LineNum": 1, "StageKey": 2}]}]
    changes.append({"Status": "sos_Missed" if status == "sos_Sold" else "sos_Sold"})
    for change in changes:
        assert error_of(await sap.send("PATCH", ONE, {"Remarks": "no", **change})) == (400, "-1029")
    assert await read(sap) == closed
    noted = await patch(sap, Remarks="why", OpportunityName="Shelves", Status=status)
    assert (noted["Remarks"], noted["ClosingDate"]) == ("why", "2026-06-30T00:00:00Z")
    opened = await patch(sap, Status="sos_Open")
    assert (opened["Status"], opened["ClosingDate"]) == ("sos_Open", None)
    assert (await patch(sap, OpportunityName="x"))["OpportunityName"] == "x"


async def test_a_closing_date_that_is_given_stands(sap: Client) -> None:
    await made(sap)
    after = await patch(sap, Status="sos_Sold", ClosingDate="2026-05-01")
    assert after["ClosingDate"] == "2026-05-01T00:00:00Z"


@pytest.mark.parametrize("status", ["sos_Sold", "sos_Missed"])
async def test_the_action_closes_an_open_opportunity_once(sap: Client, status: Any) -> None:
    """Section 3.1: 204. As sold or missed is inferred, hence a switch."""
    sap.simulator.switches.close_makes_opportunities = status
    await made(sap)
    assert (await sap.send("POST", f"{ONE}/Close")).status_code == 204
    after = await read(sap)
    assert (after["Status"], after["ClosingDate"] is not None, after["UpdateDate"] is not None) == (status, True, True)
    assert error_of(await sap.send("POST", f"{ONE}/Close")) == (400, "-5006")
    assert error_of(await sap.send("POST", f"{ONE}/Cancel")) == (400, "-1008")


async def test_a_null_leaves_what_an_opportunity_cannot_be_without(sap: Client) -> None:
    new = await made(sap, MaxLocalTotal=5, SalesPerson=2)
    nulls = ("Status", "StartDate", "SalesPerson", "MaxLocalTotal")
    after = await patch(sap, **dict.fromkeys(nulls))
    assert [after[name] for name in nulls] == [new[name] for name in nulls]
    assert error_of(await sap.send("PATCH", ONE, {"PredictedClosingDate": None})) == (400, "-5002")


# -- user fields, set-up -------------------------------------------------------------------------------------------


async def test_an_opportunity_is_found_by_its_user_field_and_deleted(sap: Client) -> None:
    await sap.send("POST", "UserFieldsMD", UDF)
    await made(sap, U_HubRef="d:1")
    await made(sap, U_HubRef="d:2")
    found = await sap.get("SalesOpportunities?$select=SequentialNo&$filter=U_HubRef%20eq%20'd:2'")
    assert [row["SequentialNo"] for row in found.json()["value"]] == [2]
    assert error_of(await post(sap, OpportunityName="x" * 101)) == (400, "-10")
    assert (await sap.send("DELETE", ONE)).status_code == 204
    assert error_of(await sap.get(ONE)) == (404, "-2028")


async def test_stages_reasons_and_sources_are_plain_lists(sap: Client) -> None:
    stages = (await sap.get("SalesStages?$orderby=Stageno")).json()["value"]
    assert [row["ClosingPercentage"] for row in stages] == [10.0, 25.0, 40.0, 60.0, 80.0, 100.0]
    assert error_of(await sap.send("DELETE", "SalesStages(1)")) == (400, "-5006")
    for entity_set in ("SalesOpportunityReasonsSetup", "SalesOpportunitySourcesSetup"):
        rows = (await sap.get(entity_set)).json()["value"]
        assert [row["SequenceNo"] for row in rows] == list(range(1, len(rows) + 1))
        new = await sap.send("POST", entity_set, {"Description": "Another"})
        assert (new.status_code, new.json()["SequenceNo"]) == (201, len(rows) + 1)
    assert all(
        row["Email"] for row in (await sap.get("SalesPersons?$filter=SalesEmployeeCode%20gt%200")).json()["value"]
    )
