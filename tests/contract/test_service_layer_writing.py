"""Creating, changing, deleting; stamps, etags, user fields, series (user guide; facts sections 3.1 to 3.5, 11)."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulators.service_layer.entities import etag_of
from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_fixtures import sap

__all__ = ["sap"]

ONE = "BusinessPartners('C00001')"
UDF = {"TableName": "OCRD", "Name": "HubRef", "Type": "db_Alpha", "Size": 60, "Description": "Hub reference"}


async def partner(client: Client, code: str = "C00001") -> dict[str, Any]:
    """The whole partner."""
    return dict((await client.get(f"BusinessPartners('{code}')")).json())


async def test_a_new_partner_gets_the_companys_defaults_a_location_and_an_etag(sap: Client) -> None:
    """Section 3.1."""
    response = await sap.send("POST", "BusinessPartners", {"CardCode": "N1", "CardName": "Neu  ", "CardType": "C"})
    document = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"{sap.base_url}/b1s/v2/BusinessPartners('N1')"
    assert response.headers["ETag"] == etag_of(1)
    shown = {name: document[name] for name in ("CardName", "CardType", "GroupCode", "Currency", "PayTermsGrpCode")}
    assert shown == {
        "CardName": "Neu",
        "CardType": "cCustomer",
        "GroupCode": 100,
        "Currency": "EUR",
        "PayTermsGrpCode": 1,
    }


async def test_a_client_may_prefer_no_content(sap: Client) -> None:
    """Section 3.1: 204 and a Location without the host."""
    response = await sap.send("POST", "BusinessPartners", {"CardCode": "N1"}, Prefer="return-no-content")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["Location"] == "/b1s/v2/BusinessPartners('N1')"
    assert response.headers["Preference-Applied"] == "return-no-content"


async def test_a_patch_changes_only_what_it_names_and_answers_nothing(sap: Client) -> None:
    """Section 3.1: 204, no ETag header; the key can't change; null and empty text clear."""
    before = await partner(sap)
    body = {"CardCode": "X", "Phone1": "1", "Website": "", "Cellular": None, "CurrentAccountBalance": 1}
    response = await sap.send("PATCH", ONE, body)
    assert (response.status_code, response.content, "ETag" in response.headers) == (204, b"", False)
    after = await partner(sap)
    changed = {name for name in after if after[name] != before[name]} - {"@odata.etag"}
    assert changed <= {"Phone1", "Website", "Cellular", "DataVersion", "UpdateDate", "UpdateTime"}
    assert (after["Phone1"], after["Website"], after["Cellular"]) == ("1", None, None)
    assert after["DataVersion"] == before["DataVersion"] + 1


async def test_stamps_are_the_servers_local_time_and_the_update_stamp_waits_for_the_first_update(sap: Client) -> None:
    """Sections 2.4 and 9: one second fine, company time zone; a null UpdateDate is inferred, hence a switch."""
    control = sap.simulator.control
    control.set_clock(instant="2026-06-30T22:30:15.9Z")
    await sap.login()
    await sap.send("POST", "BusinessPartners", {"CardCode": "N1"})
    new = await partner(sap, "N1")
    stamps = ("CreateDate", "CreateTime", "UpdateDate", "UpdateTime")
    assert [new[name] for name in stamps] == ["2026-07-01T00:00:00Z", "00:30:15", None, None]
    control.advance(61)
    await sap.send("PATCH", "BusinessPartners('N1')", {"Phone1": "1"})
    changed = await partner(sap, "N1")
    assert [changed[name] for name in stamps[2:]] == ["2026-07-01T00:00:00Z", "00:31:16"]
    sap.simulator.switches.update_stamp_on_create = True
    await sap.send("POST", "BusinessPartners", {"CardCode": "N2"})
    assert (await partner(sap, "N2"))["UpdateTime"] == "00:31:16"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"CardCode": "C00001"}, (400, "-10")),
        ({"Nonsense": 1}, (400, "-1000")),
        ({"U_HubRef": "x"}, (400, "-1000")),
        ({"BPAddresses": [{"Nonsense": 1}]}, (400, "-1000")),
        ({"CardName": 5}, (400, "-1000")),
        ({"GroupCode": "many"}, (400, "-1000")),
        ({"GroupCode": True}, (400, "-1000")),
        ({"CreditLimit": [1]}, (400, "-1000")),
        ({"ValidFrom": "soon"}, (400, "-1000")),
        ({"BPAddresses": {}}, (400, "-1000")),
        ({"CardType": "customer"}, (400, "-1004")),
        ({"CardName": "x" * 201}, (400, "-10")),
        ({"GroupCode": 999}, (400, "-5002")),
        ({"GroupCode": 101}, (400, "-5002")),
        ({"Currency": "XXX"}, (400, "-5002")),
        ({"PayTermsGrpCode": 999}, (400, "-5002")),
        ({"SalesPersonCode": 999}, (400, "-5002")),
        ({"BPAddresses": [{"AddressName": "a", "Country": "XX"}]}, (400, "-5002")),
        ({"BPAddresses": [{"AddressName": "a", "Country": "DE", "State": "TX"}]}, (400, "-5002")),
        ({"BPAddresses": [{"Street": "a"}]}, (400, "-5002")),
        ({"BPAddresses": [{"AddressName": "a"}, {"AddressName": "a"}]}, None),
        ({"BilltoDefault": "nowhere", "BPAddresses": [{"AddressName": "a", "AddressType": "B"}]}, (400, "-5002")),
        ({"ContactEmployees": [{"Name": "A"}, {"Name": "a"}]}, (400, "-2035")),
        ({"ContactEmployees": [{"FirstName": "A"}]}, (400, "-5002")),
        ({"BPBranchAssignment": [{"BPLID": 99}]}, (400, "-5002")),
        ({"Currency": "##", "CreditLimit": "12.5", "ValidFrom": "20260131"}, None),
    ],
)
async def test_a_create_is_refused_by_code_and_leaves_nothing(
    sap: Client, body: dict[str, Any], expected: tuple[int, str] | None
) -> None:
    """Sections 3.1 and 3.4."""
    response = await sap.send("POST", "BusinessPartners", {"CardCode": "N1"} | body)
    if expected is None:
        assert response.status_code == 201
        return
    assert error_of(response) == expected
    assert error_of(await sap.get("BusinessPartners('N1')")) == (404, "-2028")


async def test_the_duplicate_code_is_named_in_saps_words(sap: Client) -> None:
    """Section 3.4."""
    response = await sap.send("POST", "BusinessPartners", {"CardCode": "C00001"})
    assert response.json()["error"]["message"].startswith("1320000140 - Business partner code 'C00001' already")


async def test_long_text_can_be_cut_where_an_installation_does(sap: Client) -> None:
    """A switch: refusing is the default."""
    sap.simulator.switches.too_long = "truncate"
    await sap.send("PATCH", ONE, {"CardName": "x" * 199 + " y"})
    assert (await partner(sap))["CardName"] == "x" * 199


async def test_missing_keys_are_told_apart_by_verb(sap: Client) -> None:
    """Section 3.4."""
    response = await sap.send("PATCH", "BusinessPartners('none')", {"Phone1": "1"})
    assert error_of(response) == (404, "-2028")
    assert response.json()["error"]["message"] == "Entity with value('none') does not exist"
    assert error_of(await sap.send("DELETE", "BusinessPartners('none')")) == (404, "-2028")


async def test_deleting_leaves_no_trace_and_frees_the_code(sap: Client) -> None:
    """Sections 2.4 and 3.1."""
    assert (await sap.send("DELETE", ONE)).status_code == 204
    assert error_of(await sap.get(ONE)) == (404, "-2028")
    assert (await sap.send("POST", "BusinessPartners", {"CardCode": "C00001"})).status_code == 201


async def test_a_verb_can_be_tunnelled_through_post(sap: Client) -> None:
    """Section 2.6; MERGE is an alias of PATCH."""
    assert (await sap.send("POST", ONE, {"Phone1": "7"}, X_HTTP_Method_Override="PATCH")).status_code == 204
    assert (await partner(sap))["Phone1"] == "7"
    assert (await sap.send("MERGE", ONE, {"Phone1": "8"})).status_code == 204


# -- collections ---------------------------------------------------------------------------------------------------


async def test_address_rows_merge_by_name_and_type(sap: Client) -> None:
    """Section 3.2: matched rows are updated, others appended, absent ones kept."""
    before = (await partner(sap))["BPAddresses"]
    body = [
        {"AddressName": before[0]["AddressName"], "AddressType": "bo_BillTo", "Street": "Neue Straße 1"},
        {"AddressName": "Messe", "City": "Köln"},
    ]
    assert (await sap.send("PATCH", ONE, {"BPAddresses": body})).status_code == 204
    after = (await partner(sap))["BPAddresses"]
    assert after[0] == before[0] | {"Street": "Neue Straße 1"}
    assert after[1 : len(before)] == before[1:]
    new = {name: after[-1][name] for name in ("AddressName", "AddressType", "RowNum", "BPCode", "City")}
    assert new == {
        "AddressName": "Messe",
        "AddressType": "bo_ShipTo",
        "RowNum": len(before),
        "BPCode": "C00001",
        "City": "Köln",
    }


async def test_an_address_row_of_a_taken_name_with_another_row_number_is_refused(sap: Client) -> None:
    """Section 3.2: a row that is not matched by its whole key is inserted, and then meets -2035."""
    before = (await partner(sap))["BPAddresses"]
    row = {"AddressName": before[0]["AddressName"], "AddressType": "bo_BillTo", "RowNum": 77}
    assert error_of(await sap.send("PATCH", ONE, {"BPAddresses": [row]})) == (400, "-2035")
    assert (await partner(sap))["BPAddresses"] == before


async def test_the_header_replaces_collections_exactly(sap: Client) -> None:
    """Sections 2.6 and 3.2: B1S-ReplaceCollectionsOnPatch deletes absent rows."""
    before = (await partner(sap))["BPAddresses"]
    kept = {"AddressName": before[0]["AddressName"], "AddressType": "bo_BillTo"}
    body = {"BPAddresses": [kept, {"AddressName": "Messe"}]}
    await sap.send("PATCH", ONE, body, B1S_ReplaceCollectionsOnPatch="true")
    after = await partner(sap)
    assert [row["AddressName"] for row in after["BPAddresses"]] == [before[0]["AddressName"], "Messe"]
    assert after["BPAddresses"][0] == before[0]
    assert after["ShipToDefault"] == "Messe"


async def test_the_first_address_of_a_type_is_the_default_and_shows_in_the_header(sap: Client) -> None:
    """General Business One behaviour."""
    addresses = [
        {"AddressName": "R1", "AddressType": "bo_BillTo", "Street": "Eins", "Country": "US", "State": "TX"},
        {"AddressName": "R2", "AddressType": "bo_BillTo", "Street": "Zwei"},
        {"AddressName": "L1", "City": "Ulm"},
    ]
    await sap.send("POST", "BusinessPartners", {"CardCode": "N1", "BPAddresses": addresses})
    first = await partner(sap, "N1")
    assert (first["BilltoDefault"], first["ShipToDefault"]) == ("R1", "L1")
    assert (first["Address"], first["BillToState"], first["MailCity"]) == ("Eins", "TX", "Ulm")
    await sap.send("PATCH", "BusinessPartners('N1')", {"BilltoDefault": "R2"})
    second = await partner(sap, "N1")
    assert (second["Address"], second["BillToState"], second["Country"]) == ("Zwei", None, None)


async def test_contacts_are_matched_by_the_code_the_server_gave(sap: Client) -> None:
    """Section 3.2; a contact's edit is the partner's edit."""
    create = {"CardCode": "N1", "ContactEmployees": [{"Name": "Ada", "InternalCode": 1}, {"Name": "Bob"}]}
    await sap.send("POST", "BusinessPartners", create)
    ada, bob = (await partner(sap, "N1"))["ContactEmployees"]
    assert bob["InternalCode"] == ada["InternalCode"] + 1 > 2
    changes = [{"InternalCode": ada["InternalCode"], "Name": "Ada L."}, {"Name": "Cy"}]
    await sap.send("PATCH", "BusinessPartners('N1')", {"ContactEmployees": changes})
    after = await partner(sap, "N1")
    assert [row["Name"] for row in after["ContactEmployees"]] == ["Ada L.", "Bob", "Cy"]
    assert after["ContactEmployees"][0]["UpdateDate"] is not None
    assert (after["ContactPerson"], after["DataVersion"]) == ("Ada L.", 2)


# -- etags, user fields, series ------------------------------------------------------------------------------------


async def test_if_match_refuses_the_second_writer(sap: Client) -> None:
    """Section 3.3: 412 / -2039."""
    etag = (await sap.get(ONE)).headers["ETag"]
    assert (await sap.send("PATCH", ONE, {"Phone1": "1"}, If_Match=etag)).status_code == 204
    assert error_of(await sap.send("PATCH", ONE, {"Phone1": "2"}, If_Match=etag)) == (412, "-2039")
    assert error_of(await sap.send("DELETE", ONE, If_Match=etag)) == (412, "-2039")
    assert (await partner(sap))["Phone1"] == "1"


async def test_a_user_field_is_unknown_until_it_is_created(sap: Client) -> None:
    """Section 3.5: Name without U_; then readable, writable, filterable."""
    assert error_of(await sap.send("PATCH", ONE, {"U_HubRef": "x"})) == (400, "-1000")
    created = await sap.send("POST", "UserFieldsMD", UDF)
    assert (created.status_code, created.json()["FieldID"]) == (201, 0)
    assert (await sap.send("POST", "UserFieldsMD", UDF | {"Name": "Kind"})).json()["FieldID"] == 1
    assert (await sap.send("PATCH", ONE, {"U_HubRef": "d:1"})).status_code == 204
    assert await sap.codes("BusinessPartners?$select=CardCode,U_HubRef&$filter=U_HubRef%20eq%20'd:1'") == ["C00001"]
    assert error_of(await sap.send("PATCH", ONE, {"U_HubRef": "x" * 61})) == (400, "-10")
    assert error_of(await sap.send("POST", "UserFieldsMD", UDF)) == (400, "-2035")
    found = await sap.get("UserFieldsMD?$filter=TableName%20eq%20'OCRD'%20and%20Name%20eq%20'HubRef'")
    assert [row["FieldID"] for row in found.json()["value"]] == [0]


async def test_valid_values_of_a_user_field_are_enforced_and_mandatory_ones_need_a_default(sap: Client) -> None:
    """Sections 3.4 and 3.5."""
    field = UDF | {"Mandatory": "tYES", "ValidValuesMD": [{"Value": "A", "Description": "Alpha"}]}
    assert error_of(await sap.send("POST", "UserFieldsMD", field)) == (400, "-5002")
    await sap.send("POST", "UserFieldsMD", field | {"DefaultValue": "A"})
    refused = await sap.send("PATCH", ONE, {"U_HubRef": "Z"})
    assert error_of(refused) == (400, "-1004")
    assert refused.json()["error"]["message"].endswith("The valid values are: 'A' - 'Alpha'")
    await sap.send("POST", "BusinessPartners", {"CardCode": "N1"})
    assert (await partner(sap, "N1"))["U_HubRef"] == "A"


async def test_another_node_may_not_know_a_new_user_field_until_it_restarts(sap: Client) -> None:
    """Sections 2.5 and 3.5: metadata is cached per node; a switch."""
    sap.simulator.switches.stale_nodes = True
    session = sap.cookie.split("; ")[0]
    sap.cookie = f"{session}; ROUTEID=.node1"
    await sap.send("POST", "UserFieldsMD", UDF)
    assert (await sap.send("PATCH", ONE, {"U_HubRef": "x"})).status_code == 204
    sap.cookie = f"{session}; ROUTEID=.node2"
    assert error_of(await sap.send("PATCH", ONE, {"U_HubRef": "y"})) == (400, "-1000")
    sap.simulator.company.restart_nodes()
    assert (await sap.send("PATCH", ONE, {"U_HubRef": "y"})).status_code == 204


async def test_series_are_listed_by_object_type_and_sub_type(sap: Client) -> None:
    """Section 11; the letters are from memory, hence a switch."""
    body = {"DocumentTypeParams": {"Document": "2", "DocumentSubType": "C"}}
    listed = (await sap.send("POST", "SeriesService_GetDocumentSeries", body)).json()["value"]
    assert [(row["SeriesProperty"], row["IsManual"]) for row in listed] == [(1, "tYES"), (70, "tNO")]
    default = (await sap.send("POST", "SeriesService_GetDefaultSeries", body)).json()
    assert default["SeriesProperty"] == 70
    sap.simulator.switches.series_sub_types = False
    assert len((await sap.send("POST", "SeriesService_GetDocumentSeries", body)).json()["value"]) == 6
    assert error_of(await sap.send("POST", "SeriesService_GetDocumentSeries", {})) == (400, "-1000")


async def test_a_partner_without_a_code_is_numbered_by_its_series(sap: Client) -> None:
    """Sections 3.1 and 11: automatic series number, manual ones and none at all refuse."""
    first = await sap.send("POST", "BusinessPartners", {"CardName": "A", "Series": 70})
    second = await sap.send("POST", "BusinessPartners", {"CardName": "B", "Series": 70})
    assert [first.json()["CardCode"], second.json()["CardCode"]] == ["CN000001", "CN000002"]
    for body in ({"CardName": "C"}, {"CardName": "C", "Series": 1}):
        refused = await sap.send("POST", "BusinessPartners", body)
        assert error_of(refused) == (400, "-5002")
        assert refused.json()["error"]["message"] == "Code undefined  [OCRD.CardCode]"


async def test_company_data_are_functions(sap: Client) -> None:
    """Section 11."""
    assert (await sap.get("CompanyService_GetAdminInfo")).json()["LocalCurrency"] == "EUR"
    assert (await sap.send("POST", "CompanyService_GetCompanyInfo")).json()["CompanyName"]


async def test_rows_edited_by_a_user_of_sap_bump_version_and_stamp(sap: Client) -> None:
    """The control panel: what tests use to be the other user."""
    before = await partner(sap)
    response = await sap.http.post(
        f"{sap.base_url}/_sim/data/BusinessPartners", json={"CardCode": "C00001", "Phone1": "42"}
    )
    assert response.status_code == 200
    after = await partner(sap)
    assert (after["Phone1"], after["DataVersion"]) == ("42", before["DataVersion"] + 1)
    refused = await sap.http.post(f"{sap.base_url}/_sim/data/BusinessPartners", json={"CardCode": "Q", "GroupCode": 9})
    assert refused.status_code == 400
    assert (await sap.http.delete(f"{sap.base_url}/_sim/data/BusinessPartners/C00001")).status_code == 200
    rows = (await sap.http.get(f"{sap.base_url}/_sim/data/BusinessPartners")).json()
    assert "C00001" not in {row["CardCode"] for row in rows}
    await sap.http.post(f"{sap.base_url}/_sim/reset")
    await sap.login()
    assert (await partner(sap))["DataVersion"] == before["DataVersion"]
