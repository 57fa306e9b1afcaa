"""Reading and set-up through the port: pages, keys, columns, operations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest

from shared.errors import Misconfigured, Rejected, Transient, UnknownOutcome
from shared.ports import Entity, KeyVersion
from tests.unit.clients.fakes import START
from tests.unit.clients.service_layer_script import ORDERS, PARTNERS, Sap, login, page, refusal

SINCE = datetime(2026, 1, 15, 12, tzinfo=UTC)


def options(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}


async def test_changed_keys_are_read_by_key_with_versions_alone() -> None:
    rows = [{"CardCode": "C1", "DataVersion": 3}, {"CardCode": "C'2", "DataVersion": None}]
    sap = Sap(login(), page(*rows, Date="Mon, 02 Mar 2026 11:00:00 GMT"), page())
    first = await sap.side.changed(PARTNERS, SINCE, None, 2)
    assert first.keys == (KeyVersion("C1", "3"), KeyVersion("C'2", ""))
    assert first.cursor == "C'2"
    assert first.read_at == datetime(2026, 3, 2, 11, tzinfo=UTC)
    second = await sap.side.changed(PARTNERS, SINCE, first.cursor, 2)
    assert second.keys == ()
    assert second.cursor is None
    sent, after = options(sap.requests[1]), options(sap.requests[2])
    assert sent["$select"] == "CardCode,DataVersion"
    assert (sent["$orderby"], sent["$top"]) == ("CardCode", "2")
    assert sent["$filter"].startswith("(CardType eq 'cCustomer') and ((UpdateDate gt '2026-01-15'")
    assert after["$filter"] == f"({sent['$filter']}) and (CardCode gt 'C''2')"
    assert "$skip" not in after
    assert [each.headers["Prefer"] for each in sap.requests[1:]] == ["odata.maxpagesize=2"] * 2


async def test_a_page_the_server_cut_short_is_not_the_last() -> None:
    sap = Sap(login(), page({"CardCode": "C1"}, more=True))
    assert (await sap.side.changed(PARTNERS, None, None, 1000)).cursor == "C1"


async def test_an_empty_page_is_the_last_whatever_it_links_to() -> None:
    sap = Sap(login(), page(more=True))
    assert (await sap.side.changed(PARTNERS, None, None, 1000)).cursor is None


async def test_without_a_start_all_keys_in_scope_are_asked_for() -> None:
    sap = Sap(login(), page({"DocEntry": 5}), page())
    plain = await sap.side.changed(ORDERS, None, "4", 10)
    assert plain.keys == (KeyVersion("5"),)
    assert plain.read_at == START
    assert options(sap.requests[1])["$filter"] == "DocEntry gt 4"
    assert options(sap.requests[1])["$select"] == "DocEntry"


async def test_pages_that_make_no_progress_end_in_an_error() -> None:
    sap = Sap(login(), page({"CardCode": "C1"}, more=True))
    with pytest.raises(Misconfigured):
        await sap.side.changed(PARTNERS, None, "C1", 1)


async def test_many_keys_are_read_in_one_request() -> None:
    keys = [f"C{n:05d}" for n in range(100)]
    sap = Sap(login(), page(*({"CardCode": key} for key in keys[1:])))
    rows = await sap.side.read(PARTNERS, [*keys, keys[0], "", "a\0"])
    assert set(rows) == set(keys[1:])
    assert rows["C00001"] == {"CardCode": "C00001"}
    assert len(sap.requests) == 2
    sent = options(sap.requests[1])
    assert sent["$filter"] == " or ".join(f"CardCode eq '{key}'" for key in keys)
    assert sent["$select"] == ("CardCode,CardName,DataVersion,UpdateDate,UpdateTime,CreateDate,CreateTime,U_HubRef")


async def test_keys_are_split_only_where_the_url_would_be_too_long() -> None:
    keys = [f"a long customer code {n:05d}" for n in range(250)]
    sap = Sap(login(), *([page()] * 20))
    await sap.side.read(PARTNERS, keys)
    lengths = [len(str(each.url)) for each in sap.requests[1:]]
    assert max(lengths) <= 7000
    assert min(lengths[:-1]) > 6500
    asked = " or ".join(options(each)["$filter"] for each in sap.requests[1:])
    assert asked.count("CardCode eq") == 250


async def test_nothing_is_asked_for_no_keys() -> None:
    sap = Sap()
    assert await sap.side.read(PARTNERS, []) == {}
    assert await sap.side.read(ORDERS, ["abc", "1 or 1 eq 1"]) == {}
    assert await sap.side.find(PARTNERS, "U_HubRef", ["\n"]) == {}


async def test_numbers_are_decimals() -> None:
    answer = httpx.Response(200, content=b'{"value": [{"CardCode": "C1", "Total": 0.10}]}')
    sap = Sap(login(), answer)
    rows = await sap.side.read(PARTNERS, ["C1"])
    assert str(rows["C1"]["Total"]) == "0.10"


async def test_rows_are_found_by_any_column_also_on_further_pages() -> None:
    rows = [
        {"CardCode": "C1", "VatIDNum": "DE1"},
        {"CardCode": "C2", "VatIDNum": "DE1"},
        {"CardCode": "C3", "VatIDNum": "de2 "},
    ]
    sap = Sap(login(), page(*rows[:2]), page(rows[2]), page_size=2)
    found = await sap.side.find(PARTNERS, "VatIDNum", ["DE1", "DE2", "DE3"])
    assert {value: [row["CardCode"] for row in rows] for value, rows in found.items()} == {
        "DE1": ["C1", "C2"],
        "DE2": ["C3"],
    }
    assert "VatIDNum" in options(sap.requests[1])["$select"]
    assert options(sap.requests[2])["$filter"].endswith(" and (CardCode gt 'C2')")


async def test_a_value_spelled_exactly_is_preferred() -> None:
    sap = Sap(login(), page({"CardCode": "C1", "U_HubRef": "a"}, {"CardCode": "C2", "U_HubRef": "A"}))
    found = await sap.side.find(PARTNERS, "U_HubRef", ["a", "A"])
    assert {value: [row["CardCode"] for row in rows] for value, rows in found.items()} == {"a": ["C1"], "A": ["C2"]}


async def test_a_listing_reads_page_after_page() -> None:
    groups = Entity(set="BusinessPartnerGroups", type="BusinessPartnerGroup", key="Code", key_is_text=False)
    sap = Sap(login(), page({"Code": 1}, {"Code": 2}), page({"Code": 3}, more=True), page(), page_size=2)
    assert [row["Code"] for row in await sap.side.listing(groups)] == [1, 2, 3]
    assert [options(each).get("$filter") for each in sap.requests[1:]] == [None, "Code gt 2", "Code gt 3"]


async def test_a_reply_that_is_no_page_is_transient() -> None:
    for answer in (httpx.Response(200, json={"value": None}), httpx.Response(200, json=[]), httpx.Response(200)):
        with pytest.raises(Transient):
            await Sap(login(), answer).side.listing(PARTNERS)


async def test_an_unknown_column_stops_the_run_and_is_named() -> None:
    sap = Sap(login(), refusal(400, "201", "Property 'U_HubRef' of 'BusinessPartner' is invalid"))
    with pytest.raises(Misconfigured) as caught:
        await sap.side.read(PARTNERS, ["C1"])
    assert caught.value.fields == ("U_HubRef",)


async def test_operations_answer_without_annotations() -> None:
    answers = [
        httpx.Response(200, json={"@odata.context": "…", "value": [{"Series": 1}]}),
        httpx.Response(200, json={"@odata.context": "…", "CompanyName": "Invented"}),
        httpx.Response(200, json=3),
        httpx.Response(204),
    ]
    sap = Sap(login(), *answers)
    assert await sap.side.call("SeriesService_GetDocumentSeries", {"DocumentTypeParams": {}}) == [{"Series": 1}]
    assert await sap.side.call("CompanyService_GetCompanyInfo", {}) == {"CompanyName": "Invented"}
    assert await sap.side.call("SBOBobService_GetCurrencyRate", {}) == 3
    assert await sap.side.call("Orders(1)/Close", {}) is None
    assert sap.paths[1] == "POST SeriesService_GetDocumentSeries"


async def test_only_reading_operations_are_repeated() -> None:
    sap = Sap(login(), httpx.Response(502), httpx.Response(200, json=1), httpx.Response(502))
    assert await sap.side.call("SBOBobService_GetCurrencyRate", {}) == 1
    with pytest.raises(UnknownOutcome):
        await sap.side.call("Orders(1)/Cancel", {})


async def test_ping_answers_the_servers_clock() -> None:
    sap = Sap(login(), page(Date="Mon, 02 Mar 2026 11:58:00 GMT"))
    assert await sap.side.ping() == datetime(2026, 3, 2, 11, 58, tzinfo=UTC)


FIELD = {"TableName": "OCRD", "FieldID": 4, "Name": "HubRef", "Type": "db_Alpha", "Size": 50}


async def test_a_field_that_is_there_is_left_alone() -> None:
    sap = Sap(login(), page(FIELD))
    assert await sap.side.ensure_column(PARTNERS, "U_HubRef", "Hub reference", 50) == "present"
    assert options(sap.requests[1])["$filter"] == "(TableName eq 'OCRD') and (Name eq 'HubRef')"


async def test_an_absent_field_is_created_without_its_prefix() -> None:
    sap = Sap(login(), page(), httpx.Response(201, json=FIELD))
    assert await sap.side.ensure_column(PARTNERS, "U_HubRef", "Hub reference", 50) == "created"
    body = json.loads(sap.requests[2].content)
    assert (body["TableName"], body["Name"], body["Type"], body["Size"]) == ("OCRD", "HubRef", "db_Alpha", 50)


@pytest.mark.parametrize("answer", [httpx.Response(502), refusal(400, "-2035", "exists")])
async def test_a_field_someone_else_made_or_whose_answer_was_lost_counts(answer: httpx.Response) -> None:
    sap = Sap(login(), page(), answer, page(FIELD))
    assert await sap.side.ensure_column(PARTNERS, "U_HubRef", "Hub reference", 50) == "created"


async def test_a_field_that_could_not_be_made_is_an_error() -> None:
    sap = Sap(login(), page(), refusal(400, "-5002", "no"), page())
    with pytest.raises(Rejected):
        await sap.side.ensure_column(PARTNERS, "U_HubRef", "Hub reference", 50)


@pytest.mark.parametrize("field", [FIELD | {"Size": 10}, FIELD | {"Type": "db_Numeric"}])
async def test_a_field_of_another_kind_is_named(field: dict[str, object]) -> None:
    with pytest.raises(Misconfigured) as caught:
        await Sap(login(), page(field)).side.ensure_column(PARTNERS, "U_HubRef", "Hub reference", 50)
    assert caught.value.fields == ("U_HubRef",)


async def test_only_user_fields_of_known_tables_can_be_made() -> None:
    for entity, column in ((PARTNERS, "HubRef"), (Entity(set="Currencies", type="Currency", key="Code"), "U_HubRef")):
        with pytest.raises(Misconfigured):
            await Sap().side.ensure_column(entity, column, "Hub reference", 50)


@pytest.mark.parametrize(
    ("entity", "table"),
    [
        (ORDERS, "ORDR"),
        (Entity(set="Orders", type="DocumentLine", key="LineNum", key_is_text=False), "RDR1"),
        (Entity(set="Items", type="Item", key="ItemCode"), "OITM"),
    ],
)
async def test_documents_and_their_rows_have_fields_in_tables_of_their_own(entity: Entity, table: str) -> None:
    sap = Sap(login(), page(), httpx.Response(201, json=FIELD))
    assert await sap.side.ensure_column(entity, "U_HubRef", "Integration Hub: origin", 100) == "created"
    assert options(sap.requests[1])["$filter"] == f"(TableName eq '{table}') and (Name eq 'HubRef')"
    body = json.loads(sap.requests[2].content)
    assert (body["TableName"], body["Size"]) == (table, 100)
