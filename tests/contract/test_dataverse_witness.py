"""Microsoft's own client (PowerPlatform-Dataverse-Client) as an independent witness of the simulator.

Its base URL must be https, so an adapter on its session sends everything to the simulator; links and addresses that the
simulator makes from the Host header then flow through the same adapter (Web API notes §8.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken, TokenCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from tests.contract.dataverse_support import Dataverse, running_dataverse

ENVIRONMENT = "https://contoso.crm4.dynamics.com"


class ToLocal(requests.adapters.HTTPAdapter):
    """Sends requests for the real-looking host to a local server, keeping the host's name."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        request.url = self.base_url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **options)


class Credential(TokenCredential):
    def __init__(self, issue: Callable[[str], str]) -> None:
        self.issue = issue

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self.issue(scopes[0].removesuffix("/.default")), 2**31)


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    async with running_dataverse() as running:
        yield running


async def witness[Result](dataverse: Dataverse, work: Callable[[DataverseClient], Result]) -> Result:
    """Run the client's blocking calls beside the simulator's loop."""

    def run() -> Result:
        credential = Credential(dataverse.simulator.entra.issue_token)
        with DataverseClient(ENVIRONMENT, credential) as client:
            session: Any = client._session
            session.mount(ENVIRONMENT, ToLocal(dataverse.url))
            return work(client)

    return await asyncio.to_thread(run)


def numbers(dataverse: Dataverse) -> dict[str, str]:
    return {row["accountnumber"]: row["name"] for row in dataverse.simulator.data_rows("accounts")}


async def test_it_creates_and_reads_one_row(dataverse: Dataverse) -> None:
    def work(client: DataverseClient) -> tuple[str, Any]:
        key = client.records.create("account", {"name": "Contoso", "accountnumber": "C1"})
        return key, client.records.retrieve("account", key, select=["name", "accountnumber"])

    key, record = await witness(dataverse, work)
    assert record["name"] == "Contoso"
    assert numbers(dataverse) == {"C1": "Contoso"}
    assert dataverse.simulator.store.get("account", key) is not None


async def test_it_resolves_a_label_of_a_choice(dataverse: Dataverse) -> None:
    await witness(
        dataverse, lambda client: client.records.create("account", {"name": "A", "customertypecode": "Supplier"})
    )
    (row,) = dataverse.simulator.data_rows("accounts")
    assert row["customertypecode"] == 10


async def test_it_creates_many_at_once(dataverse: Dataverse) -> None:
    rows = [{"name": f"N{number}", "accountnumber": f"C{number}"} for number in range(20)]
    keys = await witness(dataverse, lambda client: client.records.create("account", rows))
    assert len(set(keys)) == 20
    assert len(numbers(dataverse)) == 20
    assert dataverse.simulator.control.requests["POST accounts/CreateMultiple 200"] == 1


async def test_it_updates_and_deletes(dataverse: Dataverse) -> None:
    first, second, third = dataverse.simulator.seed(
        "account", [{"name": name, "accountnumber": name} for name in "ABC"]
    )

    def work(client: DataverseClient) -> None:
        client.records.update("account", first, {"name": "A2"})
        client.records.update("account", [first, second], [{"name": "A3"}, {"name": "B3"}])
        client.records.delete("account", third)

    await witness(dataverse, work)
    assert numbers(dataverse) == {"A": "A3", "B": "B3"}


async def test_it_upserts_one_and_many_by_alternate_key(dataverse: Dataverse) -> None:
    dataverse.simulator.add_alternate_key("account", ["accountnumber"])

    def items(suffix: str, *keys: str) -> list[UpsertItem]:
        return [UpsertItem({"accountnumber": key}, {"name": f"{key}{suffix}"}) for key in keys]

    def work(client: DataverseClient) -> None:
        client.records.upsert("account", items("-1", "A"))
        client.records.upsert("account", items("-2", "A", "B", "it's"))

    await witness(dataverse, work)
    assert numbers(dataverse) == {"A": "A-2", "B": "B-2", "it's": "it's-2"}


async def test_it_pages_through_everything(dataverse: Dataverse) -> None:
    keys = dataverse.simulator.seed("account", [{"name": f"N{number:02}"} for number in range(23)])

    def work(client: DataverseClient) -> list[list[str]]:
        pages = client.records.list_pages(
            "account", select=["accountid"], filter="startswith(name,'N')", orderby=["name"], page_size=10
        )
        return [[record["accountid"] for record in page] for page in pages]

    pages = await witness(dataverse, work)
    assert [len(page) for page in pages] == [10, 10, 3]
    assert [key for page in pages for key in page] == keys


async def test_it_runs_a_batch_with_a_changeset(dataverse: Dataverse) -> None:
    def work(client: DataverseClient) -> Any:
        batch = client.batch.new()
        batch.records.create("account", {"name": "A", "accountnumber": "1"})
        with batch.changeset() as changes:
            changes.records.create("account", {"name": "B", "accountnumber": "2"})
            changes.records.create("account", {"name": "C", "accountnumber": "3"})
        batch.records.create("account", {"name": "D", "accountnumber": "x" * 21})
        return batch.execute(continue_on_error=True)

    result = await witness(dataverse, work)
    assert numbers(dataverse) == {"1": "A", "2": "B", "3": "C"}
    assert len(result.succeeded) == 3
    (failure,) = result.failed
    assert failure.status_code == 400
    assert failure.error_code == "0x80044331"


async def test_it_understands_refusals(dataverse: Dataverse) -> None:
    dataverse.simulator.control.add_fault(
        {"match": {"path": "accounts"}, "action": {"named": "throttled", "retry_after": 7}}
    )
    with pytest.raises(HttpError) as caught:
        await witness(dataverse, lambda client: client.records.create("account", {"name": "A"}))
    assert caught.value.status_code == 429
    assert caught.value.details["retry_after"] == 7
    assert caught.value.is_transient


async def test_it_makes_a_column(dataverse: Dataverse) -> None:
    await witness(dataverse, lambda client: client.tables.add_columns("account", {"new_HubRef": "string"}))
    assert (await dataverse.post("accounts", {"name": "A", "new_hubref": "x"})).status_code == 204


async def test_it_makes_a_catalog_and_reads_it(dataverse: Dataverse) -> None:
    """Units and prices have no bulk messages, so they go one by one; products go in one request."""

    def work(client: DataverseClient) -> tuple[list[str], list[Any]]:
        group = client.records.create("uomschedule", {"name": "Pieces", "baseuomname": "Each"})
        (unit,) = client.records.list("uom", select=["uomid"], filter=f"_uomscheduleid_value eq {group}")
        units = {
            "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
            "defaultuomid@odata.bind": f"/uoms({unit['uomid']})",
        }
        rows = [{"name": f"N{n}", "productnumber": f"P{n}", "quantitydecimal": 0, **units} for n in range(3)]
        products = client.records.create("product", rows)
        client.records.update("product", products[0], {"statecode": 0})
        price_list = client.records.create("pricelevel", {"name": "Retail"})
        price = {
            "pricelevelid@odata.bind": f"/pricelevels({price_list})",
            "productid@odata.bind": f"/products({products[0]})",
            "uomid@odata.bind": f"/uoms({unit['uomid']})",
            "amount": 12.34,
        }
        client.records.create("productpricelevel", price)
        with pytest.raises(HttpError) as caught:
            client.records.create("productpricelevel", price)
        assert caught.value.details["service_error_code"] == "0x80043b08"
        return products, list(client.records.list("product", select=["productnumber"], filter="statecode eq 0"))

    products, active = await witness(dataverse, work)
    assert [(row["productid"], row["productnumber"]) for row in active] == [(products[0], "P0")]
    assert dataverse.simulator.control.requests["POST products/CreateMultiple 200"] == 1


async def test_it_makes_an_order_with_lines_submits_it_and_reads_both(dataverse: Dataverse) -> None:
    write_in = {"isproductoverridden": True, "productdescription": "Engraving", "quantity": 3, "priceperunit": 2.5}

    def work(client: DataverseClient) -> tuple[Any, Any]:
        account = client.records.create("account", {"name": "Contoso"})
        customer = {"customerid_account@odata.bind": f"/accounts({account})"}
        key = client.records.create("salesorder", {"name": "A", **customer, "order_details": [write_in]})
        client.records.create("salesorderdetail", write_in | {"salesorderid@odata.bind": f"/salesorders({key})"})
        client.records.update("salesorder", key, {"statecode": 1, "statuscode": 3})
        (order,) = client.records.list("salesorder", filter="statecode eq 1", expand=["order_details"])
        (line, _) = client.records.list("salesorderdetail", filter=f"_salesorderid_value eq {key}")
        return order, line

    order, line = await witness(dataverse, work)
    assert (order["totalamount"], len(order["order_details"])) == (15, 2)
    assert (line["extendedamount"], line["salesorderstatecode"]) == (7.5, 1)


async def test_it_makes_a_quote_with_lines_activates_it_and_finds_it_through_its_customer(dataverse: Dataverse) -> None:
    write_in = {"isproductoverridden": True, "productdescription": "Engraving", "quantity": 3, "priceperunit": 2.5}

    def work(client: DataverseClient) -> tuple[Any, Any]:
        account = client.records.create("account", {"name": "Contoso"})
        customer = {"customerid_account@odata.bind": f"/accounts({account})"}
        key = client.records.create("quote", {"name": "A", **customer})
        lines = [{**write_in, "quoteid@odata.bind": f"/quotes({key})"} for _ in range(2)]
        client.records.create("quotedetail", lines)
        client.records.update("quote", key, {"statecode": 1, "statuscode": 2})
        filter = "statecode eq 1 and customerid_account/name eq 'Contoso'"
        (quote,) = client.records.list("quote", filter=filter, expand=["quote_details"])
        with pytest.raises(HttpError) as caught:
            client.records.update("quote", key, {"name": "B"})
        return quote, caught.value.details["service_error_code"]

    quote, refusal = await witness(dataverse, work)
    assert (quote["totalamount"], len(quote["quote_details"]), quote["revisionnumber"]) == (15, 2, 0)
    assert refusal == "0x8004022e"
    assert dataverse.simulator.control.requests["POST quotedetails/CreateMultiple 200"] == 1
