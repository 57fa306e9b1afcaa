"""Query options, paging, shapes (user guide; live captures: facts sections 2.1 to 2.7, 3.3)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from local.simulators.service_layer import ServiceLayerSimulator, Switches
from local.simulators.service_layer.entities import etag_of
from tests.contract.service_layer_client import Client, error_of
from tests.contract.service_layer_fixtures import sap

__all__ = ["sap"]

PARTNERS = "BusinessPartners?$select=CardCode"


async def test_a_page_is_twenty_rows_and_its_link_is_relative_to_the_root(sap: Client) -> None:
    """Section 2.3."""
    page = (await sap.get(f"{PARTNERS}&$filter=CardType%20eq%20'cCustomer'")).json()
    assert len(page["value"]) == 20
    assert page["@odata.nextLink"] == "BusinessPartners?$select=CardCode&$filter=CardType%20eq%20'cCustomer'&$skip=20"
    following = (await sap.get(page["@odata.nextLink"])).json()
    assert following["value"][0]["CardCode"] == "C00021"


async def test_a_last_page_that_is_exactly_full_still_links_to_an_empty_one(sap: Client) -> None:
    """Section 2.3."""
    prefer = "odata.maxpagesize=25"
    url = f"{PARTNERS}&$filter=CardType%20eq%20'C'&$skip=25"
    page = (await sap.get(url, Prefer=prefer)).json()
    assert len(page["value"]) == 25
    last = (await sap.get(page["@odata.nextLink"], Prefer=prefer)).json()
    assert last["value"] == []
    assert "@odata.nextLink" not in last


async def test_top_within_a_page_has_no_link_and_a_greater_top_is_counted_down(sap: Client) -> None:
    """Section 2.3."""
    assert "@odata.nextLink" not in (await sap.get(f"{PARTNERS}&$top=20")).json()
    assert (await sap.get(f"{PARTNERS}&$top=45")).json()["@odata.nextLink"].endswith("$top=25&$skip=20")


@pytest.mark.parametrize(
    ("headers", "rows", "applied"),
    [
        ({"Prefer": "odata.maxpagesize=7"}, 7, "odata.maxpagesize=7"),
        ({"B1S_PageSize": "9"}, 9, None),
        ({"B1S_PageSize": "9", "Prefer": "odata.maxpagesize=7"}, 7, "odata.maxpagesize=7"),
        ({"Prefer": "odata.maxpagesize=0"}, 58, "odata.maxpagesize=0"),
        ({"Prefer": "maxpagesize=7"}, 20, None),
    ],
)
async def test_the_page_size_is_asked_for_by_header(
    sap: Client, headers: dict[str, str], rows: int, applied: str | None
) -> None:
    """Section 2.3: Prefer wins over B1S-PageSize; 0 is everything."""
    response = await sap.get(PARTNERS, **headers)
    assert len(response.json()["value"]) == rows
    assert response.headers.get("Preference-Applied") == applied


async def test_keyset_reading_sees_every_row_once_although_rows_come_and_go(sap: Client) -> None:
    """Section 2.3: skip paging is no snapshot, keyset is."""
    seen: list[str] = []
    last = ""
    while True:
        condition = quote(f"CardType eq 'cCustomer' and CardCode gt '{last}'")
        page = await sap.codes(f"{PARTNERS}&$filter={condition}&$orderby=CardCode&$top=20")
        if not page:
            break
        seen += page
        last = page[-1]
        if len(seen) == 20:
            sap.simulator.data_delete("BusinessPartners", "C00001")
            sap.simulator.data_write("BusinessPartners", [{"CardCode": "C00000", "CardName": "early"}])
    assert seen == [f"C{number:05d}" for number in range(1, 51)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("CardCode eq 'C00003' or CardCode eq 'C00001'", ["C00001", "C00003"]),
        ("CardType eq 'S' and CardCode lt 'V00002'", ["V00001"]),
        ("CardType eq 'cSupplier' and not (CardCode gt 'V00001')", ["V00001"]),
        ("startswith(CardCode,'L') and endswith(CardCode,'02')", ["L00002"]),
        ("contains(CardName,'O''Neill')", ["C00001"]),
        ("CardName eq '株式会社さくら商事'", ["C00006"]),
        ("UpdateDate ge '20260101'", ["C00002"]),
        ("UpdateDate eq '2026-02-01T11:22:33' and UpdateTime ge '0930' and UpdateTime lt '18:38'", ["C00002"]),
        ("UpdateDate gt datetime'2026-01-31'", ["C00002"]),
        ("CreditLimit gt 1000000.5 and Fax eq null", ["C00002"]),
        ("Phone2 ne null", ["C00002"]),
        ("not (Phone2 eq '999')", []),
    ],
)
async def test_filters_follow_the_documented_grammar(sap: Client, condition: str, expected: list[str]) -> None:
    """Section 2.2: quoted enumerations by name or letter, quoted dates and times, null, doubled quotes."""
    sap.simulator.data_write(
        "BusinessPartners",
        [
            {
                "CardCode": "C00002",
                "CreditLimit": 2000000,
                "Phone2": "999",
                "UpdateDate": "2026-02-01T00:00:00Z",
                "UpdateTime": "09:30:00",
            }
        ],
    )
    assert await sap.codes(f"{PARTNERS}&$filter={quote(condition)}") == expected


@pytest.mark.parametrize(
    "condition",
    [
        "CardCode eq",
        "CreditLimit add 1 eq 2",
        "tolower(CardName) eq 'x'",
        "year(UpdateDate) eq 2020",
        "BPAddresses/any(a: a/City eq 'x')",
        "CardCode in ('a','b')",
        "UpdateDate gt 2020-01-01",
        "UpdateDate gt 'yesterday'",
        "CardType eq 'customer'",
        "CardName gt null",
        "CreditLimit eq 'much'",
    ],
)
async def test_a_filter_outside_the_grammar_is_refused(sap: Client, condition: str) -> None:
    """Sections 2.2 and 2.7."""
    assert error_of(await sap.get(f"{PARTNERS}&$filter={quote(condition)}")) == (400, "201")


@pytest.mark.parametrize(
    "options", ["$filter=U_None%20eq%20'x'", "$select=cardCode", "$orderby=Nothing", "$expand=BPAddresses", "$search=x"]
)
async def test_unknown_names_in_a_query_are_refused_with_201(sap: Client, options: str) -> None:
    """Section 2.7; names are case sensitive."""
    assert error_of(await sap.get(f"BusinessPartners?{options}")) == (400, "201")


async def test_text_is_compared_by_case_unless_the_header_says_otherwise(sap: Client) -> None:
    """Sections 2.2 and 2.6."""
    url = f"{PARTNERS}&$filter=CardCode%20eq%20'c00001'"
    assert await sap.codes(url) == []
    assert await sap.codes(url, B1S_CaseInsensitive="true") == ["C00001"]


async def test_count_is_given_inline_and_as_a_bare_number(sap: Client) -> None:
    """Section 2.2."""
    page = (await sap.get("BusinessPartners?$select=CardCode&$count=true&$top=1")).json()
    assert (page["@odata.count"], len(page["value"])) == (58, 1)
    bare = await sap.get("BusinessPartners/$count?$filter=CardType%20eq%20'cLid'")
    assert (bare.text, bare.headers["Content-Type"].split(";")[0]) == ("3", "text/plain")
    assert (await sap.get("BusinessPartners?$count=false")).status_code == 400


async def test_select_gives_collections_whole_and_nothing_else(sap: Client) -> None:
    """Section 2.2."""
    row = (await sap.get("BusinessPartners?$select=CardCode,BPAddresses&$top=1")).json()["value"][0]
    assert set(row) == {"@odata.etag", "CardCode", "BPAddresses"}
    assert {"AddressName", "Street", "TaxOffice"} <= set(row["BPAddresses"][0])


async def test_sorting_takes_several_properties_and_directions(sap: Client) -> None:
    """Section 2.2."""
    page = await sap.get("BusinessPartners?$select=CardType,CardCode&$orderby=CardType%20desc,CardCode%20desc&$top=100")
    rows = [(row["CardType"], row["CardCode"]) for row in page.json()["value"]]
    assert rows == sorted(rows, reverse=True)


async def test_an_entity_shows_every_property_and_its_etag(sap: Client) -> None:
    """Sections 2.1 and 3.3: the etag is the SHA-1 of DataVersion."""
    response = await sap.get("BusinessPartners('C00001')")
    document = response.json()
    assert document["@odata.context"].endswith("/b1s/v2/$metadata#BusinessPartners/$entity")
    assert document["@odata.etag"] == response.headers["ETag"] == etag_of(document["DataVersion"])
    assert document["Fax"] is None
    assert etag_of(1) == 'W/"356A192B7913B04C54574D18C28D46E6395428AB"'


async def test_with_select_the_etag_is_frozen_and_the_header_missing(sap: Client) -> None:
    """Section 3.3, quirk of build 1000310."""
    await sap.send("PATCH", "BusinessPartners('C00001')", {"Phone1": "1"})
    response = await sap.get("BusinessPartners('C00001')?$select=DataVersion")
    assert "ETag" not in response.headers
    assert response.json()["@odata.etag"] == etag_of(1) != etag_of(response.json()["DataVersion"])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("BusinessPartners('nobody')", (404, "-2028")),
        ("businessPartners", (400, "200")),
        ("BusinessPartners(1)", (400, "200")),
        ("States(Code='BY')", (400, "200")),
        ("Returns", (400, "200")),
    ],
)
async def test_what_is_not_there_is_refused_as_sap_does(sap: Client, url: str, expected: tuple[int, str]) -> None:
    """Section 2.7."""
    assert error_of(await sap.get(url)) == expected


async def test_keys_may_hold_quotes_and_encoded_slashes(sap: Client) -> None:
    """Section 2.1."""
    code = "A'B/C 1"
    created = await sap.send("POST", "BusinessPartners", {"CardCode": code})
    assert created.status_code == 201
    assert created.headers["Location"].endswith("/b1s/v2/BusinessPartners('A''B%2FC%201')")
    assert (await sap.get(created.headers["Location"])).json()["CardCode"] == code
    assert (await sap.get("BusinessPartners(CardCode='A''B%2FC%201')")).json()["CardCode"] == code
    assert (await sap.get("States(Country='DE',Code='BY')")).json()["Name"] == "Bayern"


async def test_a_single_property_can_be_read(sap: Client) -> None:
    """Section 2.1."""
    assert (await sap.get("BusinessPartners('C00001')/CardName")).json()["value"] == "O'Neill & Sons Ltd"
    assert (await sap.get("BusinessPartners('C00001')/Fax")).json() == {"odata.null": True}
    assert (await sap.get("BusinessPartners('C00001')/CardName/$value")).text == "O'Neill & Sons Ltd"
    assert error_of(await sap.get("BusinessPartners('C00001')/Fax/$value")) == (404, "-2028")


async def test_expand_follows_a_navigation_property(sap: Client) -> None:
    """Section 2.2."""
    url = "BusinessPartners('C00001')?$select=CardCode&$expand=BusinessPartnerGroup($select=Name)"
    group = (await sap.get(url)).json()["BusinessPartnerGroup"]
    assert isinstance(group["Name"], str)


async def test_an_overlong_url_meets_apache(sap: Client) -> None:
    """Apache's default LimitRequestLine of 8190 bytes: long key lists need $batch."""
    response = await sap.get("BusinessPartners?$filter=" + "x" * 9000)
    assert (response.status_code, response.headers["Content-Type"].split(";")[0]) == (414, "text/html")


async def test_sql_servers_collation_finds_and_orders_without_case() -> None:
    """Section 2.2: MSSQL follows its collation, usually ignoring case."""
    rows = [{"CardCode": code, "CardName": code, "CardType": "cCustomer"} for code in ("b1", "A2", "C3")]
    simulator = ServiceLayerSimulator({"BusinessPartners": rows}, switches=Switches(collation="ignore_case"))
    client = Client(simulator, await simulator.start())
    await client.login()
    assert await client.codes(f"{PARTNERS}&$filter=CardCode%20gt%20'a2'&$orderby=CardCode") == ["b1", "C3"]
    assert (await client.get("BusinessPartners('B1')")).json()["CardCode"] == "b1"
    await client.http.aclose()
    await simulator.stop()
