"""Contract of the simulated product catalog: unit groups, units, price lists, products and their states, prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.dataverse_support import Dataverse, error_code, running_dataverse

DRAFT, ACTIVE, RETIRED, REVISED = {"statecode": 2}, {"statecode": 0}, {"statecode": 1}, {"statecode": 3}


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


@pytest.fixture
def units(dataverse: Dataverse) -> dict[str, str]:
    """A unit group with its base unit and a box of twelve, and another group."""
    seed, rows = dataverse.simulator.seed, dataverse.simulator.data_rows
    group, other = seed(
        "uomschedule", [{"name": name, "baseuomname": f"{name} base"} for name in ("Pieces", "Kilograms")]
    )
    base = {row["_uomscheduleid_value"]: row["uomid"] for row in rows("uoms")}
    box = {"name": "Box", "quantity": 12, "uomscheduleid@odata.bind": f"/uomschedules({group})"}
    (box_id,) = seed("uom", [box | {"baseuom@odata.bind": f"/uoms({base[group]})"}])
    return {"group": group, "piece": base[group], "box": box_id, "other_group": other, "kilogram": base[other]}


def product(units: dict[str, str], number: str, **values: Any) -> dict[str, Any]:
    return {
        "productnumber": number,
        "name": f"Product {number}",
        "quantitydecimal": 2,
        "defaultuomscheduleid@odata.bind": f"/uomschedules({units['group']})",
        "defaultuomid@odata.bind": f"/uoms({units['piece']})",
        **values,
    }


def price(price_list: str, product_id: str, unit: str, amount: Any = 10) -> dict[str, Any]:
    return {
        "pricelevelid@odata.bind": f"/pricelevels({price_list})",
        "productid@odata.bind": f"/products({product_id})",
        "uomid@odata.bind": f"/uoms({unit})",
        "amount": amount,
    }


async def refusal(dataverse: Dataverse, path: str, body: Any) -> tuple[int, str]:
    response = await dataverse.post(path, body)
    return response.status_code, error_code(response)


# -- unit groups and units


async def test_a_unit_group_comes_with_its_base_unit(dataverse: Dataverse) -> None:
    response = await dataverse.post("uomschedules", {"name": "Pieces", "baseuomname": "Each"})
    group = response.headers["OData-EntityId"][-37:-1]
    (unit,) = (await dataverse.get(f"uoms?$filter=_uomscheduleid_value eq {group}")).json()["value"]
    assert (unit["name"], unit["quantity"], unit["isschedulebaseuom"], unit["_baseuom_value"]) == (
        "Each",
        1,
        True,
        None,
    )
    # What the platform makes on its own is no write of the client.
    assert dict(dataverse.simulator.control.writes) == {"uomschedules create": 1}


async def test_a_unit_group_without_a_base_unit_is_refused_and_leaves_nothing(dataverse: Dataverse) -> None:
    assert await refusal(dataverse, "uomschedules", {"name": "Pieces"}) == (400, "0x80043810")
    assert dataverse.simulator.data_rows("uomschedules") == []


async def test_a_unit_needs_a_group_a_base_of_that_group_and_a_name_of_its_own(
    dataverse: Dataverse, units: dict[str, str]
) -> None:
    unit = {"name": "Pallet", "quantity": 480, "baseuom@odata.bind": f"/uoms({units['box']})"}
    grouped = unit | {"uomscheduleid@odata.bind": f"/uomschedules({units['group']})"}
    assert await refusal(dataverse, "uoms", unit) == (400, "0x80043b0a")
    foreign = grouped | {"baseuom@odata.bind": f"/uoms({units['kilogram']})"}
    assert await refusal(dataverse, "uoms", foreign) == (400, "0x80043b0b")
    assert await refusal(dataverse, "uoms", grouped | {"name": "box"}) == (400, "0x80043b0f")
    assert (await dataverse.post("uoms", grouped)).status_code == 204


async def test_a_base_unit_stays(dataverse: Dataverse, units: dict[str, str]) -> None:
    response = await dataverse.send("DELETE", f"uoms({units['piece']})")
    assert (response.status_code, error_code(response)) == (400, "0x80043b03")
    assert (await dataverse.send("DELETE", f"uoms({units['box']})")).status_code == 204


async def test_a_base_unit_has_no_base_and_is_one_of_itself(dataverse: Dataverse, units: dict[str, str]) -> None:
    path = f"uoms({units['piece']})"
    based = {"baseuom@odata.bind": f"/uoms({units['box']})"}
    assert error_code(await dataverse.patch(path, based)) == "0x80043b17"
    assert error_code(await dataverse.patch(path, {"quantity": 2})) == "0x80043b18"
    assert (await dataverse.patch(path, {"name": "Piece"})).status_code == 204


async def test_a_unit_group_keeps_its_base_units_name_and_takes_its_units_along(
    dataverse: Dataverse, units: dict[str, str]
) -> None:
    path = f"uomschedules({units['group']})"
    await dataverse.patch(path, {"baseuomname": "Other"})
    assert (await dataverse.get(path)).json()["baseuomname"] == "Pieces base"
    (key,) = dataverse.simulator.seed("product", [product(units, "A")])
    assert error_code(await dataverse.send("DELETE", path)) == "0x80040227"
    await dataverse.send("DELETE", f"products({key})")
    assert (await dataverse.send("DELETE", path)).status_code == 204
    assert [row["uomid"] for row in dataverse.simulator.data_rows("uoms")] == [units["kilogram"]]


async def test_a_product_keeps_its_structure(dataverse: Dataverse, units: dict[str, str]) -> None:
    (key,) = dataverse.simulator.seed("product", [product(units, "A")])
    await dataverse.patch(f"products({key})", {"productstructure": 2})
    assert (await dataverse.get(f"products({key})")).json()["productstructure"] == 1


# -- products


async def test_a_product_starts_as_a_draft_whatever_the_request_says(
    dataverse: Dataverse, units: dict[str, str]
) -> None:
    response = await dataverse.post("products", product(units, "A", statecode=0), Prefer="return=representation")
    assert (response.status_code, response.json()["statecode"], response.json()["statuscode"]) == (201, 2, 0)


async def test_an_org_may_make_products_active_at_once(dataverse: Dataverse, units: dict[str, str]) -> None:
    dataverse.simulator.switches.products_start_active = True
    response = await dataverse.post("products", product(units, "A"), Prefer="return=representation")
    assert (response.json()["statecode"], response.json()["statuscode"]) == (0, 1)


async def test_product_numbers_are_unique_without_regard_to_case(dataverse: Dataverse, units: dict[str, str]) -> None:
    _, second = dataverse.simulator.seed("product", [product(units, "Ab"), product(units, "C")])
    assert await refusal(dataverse, "products", product(units, "aB")) == (400, "0x80043b06")
    response = await dataverse.patch(f"products({second})", {"productnumber": "AB"})
    assert error_code(response) == "0x80043b06"
    assert (await dataverse.patch(f"products({second})", {"productnumber": "c"})).status_code == 204


@pytest.mark.parametrize(
    ("without", "code"),
    [
        ("productnumber", "0x80043b05"),
        ("defaultuomscheduleid@odata.bind", "0x80043b0a"),
        ("defaultuomid@odata.bind", "0x80043b0d"),
        ("quantitydecimal", "0x80043b07"),
    ],
)
async def test_a_product_needs_a_number_units_and_decimals(
    dataverse: Dataverse, units: dict[str, str], without: str, code: str
) -> None:
    body = product(units, "A")
    del body[without]
    assert await refusal(dataverse, "products", body) == (400, code)


async def test_the_default_unit_belongs_to_the_unit_group(dataverse: Dataverse, units: dict[str, str]) -> None:
    body = product(units, "A") | {"defaultuomid@odata.bind": f"/uoms({units['kilogram']})"}
    assert await refusal(dataverse, "products", body) == (400, "0x80043b16")


@pytest.mark.parametrize(("decimals", "status"), [(0, 204), (5, 204), (6, 400), (-1, 400)])
async def test_quantities_have_up_to_five_decimals(
    dataverse: Dataverse, units: dict[str, str], decimals: int, status: int
) -> None:
    assert (await dataverse.post("products", product(units, "A", quantitydecimal=decimals))).status_code == status


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (DRAFT, ACTIVE, None),
        (ACTIVE, REVISED, None),
        (REVISED, ACTIVE, None),
        (ACTIVE, RETIRED, None),
        (REVISED, RETIRED, None),
        (ACTIVE, ACTIVE, None),
        (DRAFT, RETIRED, "0x8004f978"),
        (DRAFT, REVISED, "0x8004f913"),
        (RETIRED, REVISED, "0x8004f913"),
        (ACTIVE, DRAFT, "0x8004f912"),
        (REVISED, DRAFT, "0x8004f912"),
        (RETIRED, DRAFT, "0x80061035"),
        (RETIRED, ACTIVE, "0x8004f90a"),
    ],
)
async def test_a_product_changes_its_state_by_an_update_or_is_told_why_not(
    dataverse: Dataverse, units: dict[str, str], before: dict[str, int], after: dict[str, int], code: str | None
) -> None:
    (key,) = dataverse.simulator.seed("product", [product(units, "A", **before)])
    response = await dataverse.patch(f"products({key})", after)
    if code is None:
        assert response.status_code == 204
    else:
        assert (response.status_code, error_code(response)) == (400, code)
    (row,) = dataverse.simulator.data_rows("products")
    assert row["statecode"] == (before if code else after)["statecode"]


async def test_publishing_makes_a_draft_active_once(dataverse: Dataverse, units: dict[str, str]) -> None:
    (key,) = dataverse.simulator.seed("product", [product(units, "A")])
    path = f"products({key})/Microsoft.Dynamics.CRM.PublishProductHierarchy"
    assert (await dataverse.post(path, {})).status_code == 204
    assert (await dataverse.get(f"products({key})")).json()["statuscode"] == 1
    assert await refusal(dataverse, path, {}) == (400, "0x8004f982")
    await dataverse.patch(f"products({key})", RETIRED)
    assert await refusal(dataverse, path, {}) == (400, "0x8004f90a")


async def test_publishing_a_family_publishes_its_products_and_not_before(
    dataverse: Dataverse, units: dict[str, str]
) -> None:
    (family,) = dataverse.simulator.seed("product", [{"productnumber": "F", "name": "Family", "productstructure": 2}])
    child = product(units, "A") | {"parentproductid@odata.bind": f"/products({family})"}
    (key,) = dataverse.simulator.seed("product", [child])
    assert error_code(await dataverse.patch(f"products({key})", ACTIVE)) == "0x8004f909"
    await dataverse.post(f"products({family})/Microsoft.Dynamics.CRM.PublishProductHierarchy", {})
    assert {row["statecode"] for row in dataverse.simulator.data_rows("products")} == {0}


# -- price lists and prices


@pytest.fixture
def euros(dataverse: Dataverse) -> str:
    (key,) = dataverse.simulator.seed("pricelevel", [{"name": "Retail EUR"}])
    return key


@pytest.fixture
def dollars(dataverse: Dataverse) -> str:
    currency = f"/transactioncurrencies({dataverse.simulator.org.currency_id('USD')})"
    (key,) = dataverse.simulator.seed(
        "pricelevel", [{"name": "Retail USD", "transactioncurrencyid@odata.bind": currency}]
    )
    return key


async def test_a_price_has_the_currency_of_its_list_and_that_currencys_precision(
    dataverse: Dataverse, units: dict[str, str], dollars: str
) -> None:
    (key,) = dataverse.simulator.seed("product", [product(units, "A")])
    response = await dataverse.post(
        "productpricelevels", price(dollars, key, units["piece"], 12.345), Prefer="return=representation"
    )
    row = response.json()
    assert row["_transactioncurrencyid_value"] == dataverse.simulator.org.currency_id("USD")
    assert (row["amount"], row["amount_base"], row["exchangerate"]) == (12.35, 9.88, 1.25)
    assert row["productnumber"] == "A"


async def test_a_price_is_of_a_list_a_product_and_a_unit_only_once(
    dataverse: Dataverse, units: dict[str, str], euros: str, dollars: str
) -> None:
    (key,) = dataverse.simulator.seed("product", [product(units, "A")])
    for place in ((euros, units["piece"]), (euros, units["box"]), (dollars, units["piece"])):
        assert (await dataverse.post("productpricelevels", price(place[0], key, place[1]))).status_code == 204
    assert await refusal(dataverse, "productpricelevels", price(euros, key, units["piece"])) == (400, "0x80043b08")
    first = dataverse.simulator.data_rows("productpricelevels")[0]["productpricelevelid"]
    assert (await dataverse.patch(f"productpricelevels({first})", {"amount": 11})).status_code == 204


async def test_prices_are_refused_for_units_of_another_group_and_for_retired_products(
    dataverse: Dataverse, units: dict[str, str], euros: str
) -> None:
    good, retired = dataverse.simulator.seed("product", [product(units, "A"), product(units, "B", **RETIRED)])
    assert await refusal(dataverse, "productpricelevels", price(euros, good, units["kilogram"])) == (400, "0x80043b14")
    assert await refusal(dataverse, "productpricelevels", price(euros, retired, units["piece"])) == (400, "0x80061009")


async def test_a_product_retires_once_no_active_price_list_has_a_price_for_it(
    dataverse: Dataverse, units: dict[str, str], euros: str, dollars: str
) -> None:
    (key,) = dataverse.simulator.seed("product", [product(units, "A", **ACTIVE)])
    first, _ = dataverse.simulator.seed(
        "productpricelevel", [price(each, key, units["piece"]) for each in (euros, dollars)]
    )
    await dataverse.patch(f"pricelevels({dollars})", {"statecode": 1})
    assert error_code(await dataverse.patch(f"products({key})", RETIRED)) == "0x8004f915"
    await dataverse.send("DELETE", f"productpricelevels({first})")
    assert (await dataverse.patch(f"products({key})", RETIRED)).status_code == 204


async def test_an_org_may_let_products_with_prices_retire(
    dataverse: Dataverse, units: dict[str, str], euros: str
) -> None:
    dataverse.simulator.switches.priced_products_can_retire = True
    (key,) = dataverse.simulator.seed("product", [product(units, "A", **ACTIVE)])
    dataverse.simulator.seed("productpricelevel", [price(euros, key, units["piece"])])
    assert (await dataverse.patch(f"products({key})", RETIRED)).status_code == 204


async def test_a_price_list_keeps_its_currency_once_it_has_prices(
    dataverse: Dataverse, units: dict[str, str], euros: str
) -> None:
    currency = {
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({dataverse.simulator.org.currency_id('GBP')})"
    }
    assert (await dataverse.patch(f"pricelevels({euros})", currency)).status_code == 204
    (key,) = dataverse.simulator.seed("product", [product(units, "A")])
    dataverse.simulator.seed("productpricelevel", [price(euros, key, units["piece"])])
    back = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({dataverse.simulator.org.currency_id('EUR')})"}
    assert error_code(await dataverse.patch(f"pricelevels({euros})", back)) == "0x80048cea"


async def test_a_default_price_list_stays_and_a_deleted_one_takes_its_prices_along(
    dataverse: Dataverse, units: dict[str, str], euros: str, dollars: str
) -> None:
    body = product(units, "A") | {"pricelevelid@odata.bind": f"/pricelevels({euros})"}
    (key,) = dataverse.simulator.seed("product", [body])
    dataverse.simulator.seed("productpricelevel", [price(each, key, units["piece"]) for each in (euros, dollars)])
    assert error_code(await dataverse.send("DELETE", f"pricelevels({euros})")) == "0x80043b04"
    assert (await dataverse.send("DELETE", f"pricelevels({dollars})")).status_code == 204
    (left,) = dataverse.simulator.data_rows("productpricelevels")
    assert left["_pricelevelid_value"] == euros


# -- bulk messages


async def test_products_have_bulk_messages_and_units_and_prices_have_none(
    dataverse: Dataverse, units: dict[str, str]
) -> None:
    async def listed(table: str) -> int:
        query = f"sdkmessageid/name eq 'UpsertMultiple' and primaryobjecttypecode eq '{table}'"
        return len((await dataverse.get(f"sdkmessagefilters?$filter={query}")).json()["value"])

    assert [await listed(name) for name in ("product", "salesorder", "uom", "productpricelevel")] == [1, 1, 0, 0]
    typed = {"@odata.type": "Microsoft.Dynamics.CRM.product"}
    targets = [typed | product(units, number) for number in "AB"]
    path = "products/Microsoft.Dynamics.CRM.CreateMultiple"
    assert len((await dataverse.post(path, {"Targets": targets})).json()["Ids"]) == 2
    targets = [typed | product(units, number) for number in "CA"]
    assert await refusal(dataverse, path, {"Targets": targets}) == (400, "0x80043b06")
    assert len(dataverse.simulator.data_rows("products")) == 2
    path = "uoms/Microsoft.Dynamics.CRM.CreateMultiple"
    assert (await dataverse.post(path, {"Targets": targets})).status_code == 400
