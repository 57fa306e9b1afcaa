"""An org that can sell: an account, products with prices in two currencies, and documents made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest_asyncio

from tests.contract.dataverse_support import Dataverse, running_dataverse

LINES = {"salesorders": "order_details", "quotes": "quote_details", "opportunities": "product_opportunities"}
LINE_SETS = {
    "salesorders": ("salesorderdetails", "salesorderid"),
    "quotes": ("quotedetails", "quoteid"),
    "opportunities": ("opportunityproducts", "opportunityid"),
}


@dataclass
class Shop:
    """A running org with one account, a product at 10 EUR and 12.5 USD with two decimals, and one without a price."""

    dataverse: Dataverse
    account: str
    unit: str
    other_unit: str
    product: str
    unpriced: str
    draft: str
    euros: str
    dollars: str

    def line(self, quantity: Any = 2, product: str | None = None, **values: Any) -> dict[str, Any]:
        return {
            "productid@odata.bind": f"/products({product or self.product})",
            "uomid@odata.bind": f"/uoms({self.unit})",
            "quantity": quantity,
            **values,
        }

    def order(self, *lines: dict[str, Any], of: str = "salesorders", **values: Any) -> dict[str, Any]:
        return {
            "name": "Order",
            "customerid_account@odata.bind": f"/accounts({self.account})",
            "pricelevelid@odata.bind": f"/pricelevels({self.euros})",
            LINES[of]: list(lines),
            **values,
        }

    async def made(self, *lines: dict[str, Any], of: str = "salesorders", **values: Any) -> str:
        response = await self.dataverse.post(of, self.order(*lines, of=of, **values))
        assert response.status_code == 204, response.text
        return response.headers["OData-EntityId"][-37:-1]

    async def read(self, key: str, of: str = "salesorders") -> dict[str, Any]:
        response = await self.dataverse.get(f"{of}({key})?$expand={LINES[of]}")
        row: dict[str, Any] = response.raise_for_status().json(parse_float=Decimal)
        row[LINES[of]].sort(key=lambda line: line["lineitemnumber"])
        return row

    async def add_line(self, key: str, line: dict[str, Any], of: str = "salesorders") -> httpx.Response:
        lines, header = LINE_SETS[of]
        return await self.dataverse.post(lines, line | {f"{header}@odata.bind": f"/{of}({key})"})


def write_in(price: Any, quantity: Any = 1, **values: Any) -> dict[str, Any]:
    return {
        "isproductoverridden": True,
        "productdescription": "Engraving",
        "quantity": quantity,
        "priceperunit": price,
        **values,
    }


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async with running_dataverse() as dataverse:
        seed, org = dataverse.simulator.seed, dataverse.simulator.org
        (account,) = seed("account", [{"name": "Contoso"}])
        groups = seed("uomschedule", [{"name": name, "baseuomname": "Base"} for name in "GH"])
        units = {row["_uomscheduleid_value"]: row["uomid"] for row in dataverse.simulator.data_rows("uoms")}
        unit = units[groups[0]]
        common = {
            "quantitydecimal": 2,
            "defaultuomscheduleid@odata.bind": f"/uomschedules({groups[0]})",
            "defaultuomid@odata.bind": f"/uoms({unit})",
        }
        states = (("P", 0), ("U", 0), ("D", 2))
        products = seed(
            "product", [common | {"productnumber": n, "name": f"Name {n}", "statecode": state} for n, state in states]
        )
        currency = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({org.currency_id('USD')})"}
        euros, dollars = seed("pricelevel", [{"name": "EUR"}, {"name": "USD"} | currency])
        item = {"productid@odata.bind": f"/products({products[0]})", "uomid@odata.bind": f"/uoms({unit})"}
        for price_list, amount in ((euros, 10), (dollars, 12.5)):
            seed(
                "productpricelevel",
                [item | {"pricelevelid@odata.bind": f"/pricelevels({price_list})", "amount": amount}],
            )
        yield Shop(dataverse, account, unit, units[groups[1]], *products, euros, dollars)
