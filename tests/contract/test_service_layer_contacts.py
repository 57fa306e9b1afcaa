"""Contact persons and leads: codes, names, stamps, the main contact, what a lead may become (facts sections 3.2, 11).

What section 3.2 does not say is general Business One knowledge; the codes of refusals are inferred.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sample_company import build_company
from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_orders import HEADER, Json, line, sap

__all__ = ["sap"]

PARTNER = "BusinessPartners('P1')"
UDF = {"TableName": "OCPR", "Name": "HubRef", "Type": "db_Alpha", "Size": 20, "Description": "Hub reference"}


async def made(sap: Client, *contacts: Json, **more: Any) -> Json:
    """A new partner with these contacts."""
    body = {"CardCode": "P1", "CardName": "One", "ContactEmployees": list(contacts), **more}
    response = await sap.send("POST", "BusinessPartners", body)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def read(sap: Client) -> Json:
    """The whole partner."""
    return dict((await sap.get(PARTNER)).json())


async def patch(sap: Client, *contacts: Json, **more: Any) -> None:
    """Change contacts of the partner."""
    response = await sap.send("PATCH", PARTNER, {"ContactEmployees": list(contacts), **more})
    assert response.status_code == 204, response.text


async def refused(sap: Client, *contacts: Json, **more: Any) -> tuple[int, str]:
    """The refusal of a change, which leaves the partner as it was."""
    before = await read(sap)
    response = await sap.send("PATCH", PARTNER, {"ContactEmployees": list(contacts), **more})
    assert await read(sap) == before
    return error_of(response)


# -- rows ----------------------------------------------------------------------------------------------------------


async def test_a_new_contact_gets_a_code_that_no_contact_of_the_company_has(sap: Client) -> None:
    """Whatever the body of a new partner says, the server gives the code."""
    taken = {row["InternalCode"] for each in sap.simulator.data_rows("BusinessPartners") for row in each.get("ContactEmployees", ())}  # fmt: skip
    ada, bob = (await made(sap, {"Name": "Ada", "InternalCode": 1}, {"Name": "Bob"}))["ContactEmployees"]
    assert not {ada["InternalCode"], bob["InternalCode"]} & taken
    assert ada["InternalCode"] != bob["InternalCode"]
    assert (ada["CardCode"], ada["Active"], ada["UpdateDate"]) == ("P1", "tYES", None)
    assert None not in (ada["CreateDate"], ada["CreateTime"])


async def test_rows_are_matched_by_code_new_ones_appended_and_absent_ones_kept(sap: Client) -> None:
    ada, bob = (await made(sap, {"Name": "Ada"}, {"Name": "Bob"}))["ContactEmployees"]
    await patch(sap, {"InternalCode": bob["InternalCode"], "Phone1": "7"}, {"Name": "Cy"})
    after = (await read(sap))["ContactEmployees"]
    assert [(row["Name"], row["Phone1"]) for row in after] == [("Ada", None), ("Bob", "7"), ("Cy", None)]
    assert after[0] == ada


async def test_a_code_of_another_partners_contact_is_refused(sap: Client) -> None:
    await made(sap, {"Name": "Ada"})
    assert await refused(sap, {"InternalCode": 1, "Name": "Not here"}) == (400, "-5002")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"Phone1": "1"}, "-5002"),
        ({"Name": "ada"}, "-2035"),
        ({"Name": "x" * 51}, "-10"),
        ({"Name": "Eve", "E_Mail": "x" * 101}, "-10"),
        ({"Name": "Eve", "Title": "x" * 11}, "-10"),
        ({"Name": "Eve", "U_HubRef": "1"}, "-1000"),
    ],
)
async def test_a_contact_without_a_name_of_its_own_or_with_too_long_text_is_refused(
    sap: Client, row: Json, code: str
) -> None:
    await made(sap, {"Name": "Ada"})
    assert await refused(sap, row) == (400, code)


async def test_a_contacts_name_cannot_be_taken_away(sap: Client) -> None:
    ada, bob = (await made(sap, {"Name": "Ada"}, {"Name": "Bob"}))["ContactEmployees"]
    assert await refused(sap, {"InternalCode": ada["InternalCode"], "Name": ""}) == (400, "-5002")
    assert await refused(sap, {"InternalCode": bob["InternalCode"], "Name": "ADA"}) == (400, "-2035")


async def test_only_the_row_that_really_changed_gets_a_stamp_and_the_partner_always_does(sap: Client) -> None:
    """Section 2.4: a contact's edit is the partner's edit."""
    sap.simulator.control.set_clock(instant="2026-06-30T10:00:00Z")
    await sap.login()
    ada, bob = (await made(sap, {"Name": "Ada", "Phone1": "1"}, {"Name": "Bob"}))["ContactEmployees"]
    sap.simulator.control.advance(5)
    same = {"InternalCode": ada["InternalCode"], "Phone1": "1", "CardCode": "other"}
    await patch(sap, same, {"InternalCode": bob["InternalCode"], "Phone1": "2"})
    after = await read(sap)
    assert [row["UpdateTime"] for row in after["ContactEmployees"]] == [None, "12:00:05"]
    assert after["ContactEmployees"][0] == ada
    assert (after["UpdateTime"], after["DataVersion"]) == ("12:00:05", 2)


async def test_a_contact_has_user_fields_of_its_own(sap: Client) -> None:
    """Section 3.5: on the row, table OCPR; the partner does not have them."""
    assert (await sap.send("POST", "UserFieldsMD", UDF)).status_code == 201
    (ada,) = (await made(sap, {"Name": "Ada", "U_HubRef": "d:1"}))["ContactEmployees"]
    assert ada["U_HubRef"] == "d:1"
    await patch(sap, {"InternalCode": ada["InternalCode"], "U_HubRef": "d:2"})
    assert (await read(sap))["ContactEmployees"][0]["U_HubRef"] == "d:2"
    assert error_of(await sap.send("PATCH", PARTNER, {"U_HubRef": "x"})) == (400, "-1000")


# -- the main contact ----------------------------------------------------------------------------------------------


async def test_the_main_contact_is_one_of_the_partners(sap: Client) -> None:
    await made(sap, {"Name": "Ada"}, {"Name": "Bob"})
    assert (await read(sap))["ContactPerson"] == "Ada"
    assert await refused(sap, ContactPerson="Nobody") == (400, "-5002")
    await patch(sap, ContactPerson="Bob")
    assert (await read(sap))["ContactPerson"] == "Bob"
    alone = await sap.send("POST", "BusinessPartners", {"CardCode": "P2", "ContactPerson": "Nobody"})
    assert error_of(alone) == (400, "-5002")


async def test_a_new_name_of_the_main_contact_moves_along(sap: Client) -> None:
    ada, bob = (await made(sap, {"Name": "Ada"}, {"Name": "Bob"}))["ContactEmployees"]
    await patch(sap, {"InternalCode": bob["InternalCode"], "Name": "Bert"})
    assert (await read(sap))["ContactPerson"] == "Ada"
    await patch(sap, ContactPerson="Bert")
    await patch(
        sap, {"InternalCode": bob["InternalCode"], "Name": "Ada"}, {"InternalCode": ada["InternalCode"], "Name": "Bert"}
    )
    assert (await read(sap))["ContactPerson"] == "Ada", "the person, not the name"


async def test_without_the_main_contact_the_first_of_the_rest_follows_and_none_after_the_last(sap: Client) -> None:
    _, bob = (await made(sap, {"Name": "Ada"}, {"Name": "Bob"}))["ContactEmployees"]
    replace = {"B1S_ReplaceCollectionsOnPatch": "true"}
    rows = {"ContactEmployees": [{"InternalCode": bob["InternalCode"]}]}
    assert (await sap.send("PATCH", PARTNER, rows, **replace)).status_code == 204
    assert (await read(sap))["ContactPerson"] == "Bob"
    assert (await sap.send("PATCH", PARTNER, {"ContactEmployees": []}, **replace)).status_code == 204
    assert (await read(sap))["ContactPerson"] is None


# -- leads ---------------------------------------------------------------------------------------------------------


async def test_leads_have_a_series_of_their_own(sap: Client) -> None:
    """Section 11: sub type L."""
    body = {"DocumentTypeParams": {"Document": "2", "DocumentSubType": "L"}}
    series = (await sap.send("POST", "SeriesService_GetDefaultSeries", body)).json()["SeriesProperty"]
    lead = await sap.send("POST", "BusinessPartners", {"CardType": "cLid", "Series": series})
    assert (lead.status_code, lead.json()["CardCode"]) == (201, "LN000001")
    customer = await sap.send("POST", "BusinessPartners", {"CardType": "cCustomer", "Series": series})
    assert error_of(customer) == (400, "-5002")


async def test_a_lead_becomes_a_customer_under_the_same_code_and_never_a_lead_again(sap: Client) -> None:
    await made(sap, {"Name": "Ada"}, CardType="cLid")
    await patch(sap, CardType="cCustomer")
    after = await read(sap)
    assert (after["CardType"], after["DataVersion"], after["ContactPerson"]) == ("cCustomer", 2, "Ada")
    await patch(sap, CardType="cCustomer")
    for kind in ("cLid", "cSupplier", None):
        assert await refused(sap, CardType=kind) == (400, "-1029")


@pytest.mark.parametrize("off", [{"Frozen": "tYES"}, {"Valid": "tNO"}])
async def test_a_partner_is_switched_off_and_on_again(sap: Client, off: Json) -> None:
    await made(sap, CardType="cLid")
    body = HEADER | {"CardCode": "P1", "DocumentLines": [line()]}
    await patch(sap, **off)
    assert error_of(await sap.send("POST", "Quotations", body)) == (400, "-5002")
    await patch(sap, Frozen="tNO", Valid="tYES")
    assert (await sap.send("POST", "Quotations", body)).status_code == 201


# -- the sample company --------------------------------------------------------------------------------------------


def test_more_contacts_come_on_top_and_change_nothing_else() -> None:
    plain = {row["CardCode"]: row for row in build_company(60)["BusinessPartners"]}
    more = build_company(60, more_contacts=0.5)["BusinessPartners"]
    codes = [contact["InternalCode"] for row in more for contact in row["ContactEmployees"]]
    assert len(codes) == len(set(codes))
    filled = 0
    for row in more:
        before = plain[row["CardCode"]]
        had, has = before["ContactEmployees"], row["ContactEmployees"]
        assert has[: len(had)] == had
        grown = len(has) > len(had)
        filled += grown
        assert len(has) in ((2, 3) if grown else (0, 1, 2))
        changed = {name for name in row if row[name] != before.get(name)}
        assert changed <= ({"ContactEmployees", "ContactPerson"} if grown else set())
    assert 15 < filled < 45
