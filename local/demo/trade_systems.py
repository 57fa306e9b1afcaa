"""Items, products and orders in both systems, through the systems' own APIs: what the demo edits, and what it believes.

As in :mod:`local.demo.systems` none of the hub's code is used here. Amounts are Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.demo.systems import Dynamics, Row, Sap

ORDER_COLUMNS = ("new_sapnumber", "new_sapstatus")
"""What the demo's settings name for SAP's number and status, of opportunities, quotes and orders; set-up creates them."""
PUBLISHED: Mapping[str, int] = {"statecode": 0, "statuscode": 1}
SUBMITTED: Mapping[str, int] = {"statecode": 1, "statuscode": 3}
_ITEM = "ItemCode,ItemName,User_Text,UoMGroupEntry,PricingUnit,ItemPrices,Frozen,Valid"
_PRODUCT = "productid,productnumber,name,description,statecode,_defaultuomid_value,_defaultuomscheduleid_value"
_PRICE = "amount,_productid_value,_pricelevelid_value,_uomid_value,_transactioncurrencyid_value"
_LINE = "salesorderdetailid,lineitemnumber,_productid_value,productdescription,isproductoverridden,quantity,priceperunit,tax"


@dataclass(frozen=True)
class Units:
    """What units are called: in SAP by unit group its name and its base unit's, in Dynamics by id."""

    sap_groups: Mapping[int, tuple[str, str]]
    sap_units: Mapping[int, str]
    groups: Mapping[str, str]
    units: Mapping[str, str]

    @classmethod
    async def read(cls, sap: Sap, dynamics: Dynamics) -> Units:
        """From both systems."""
        named = {row["AbsEntry"]: row["Name"] for row in await sap.rows("UnitOfMeasurements?$select=AbsEntry,Name")}
        groups = await sap.rows("UnitOfMeasurementGroups?$select=AbsEntry,Name,BaseUoM")
        return cls(
            {row["AbsEntry"]: (row["Name"], named[row["BaseUoM"]]) for row in groups},
            named,
            {
                row["uomscheduleid"]: row["name"]
                for row in await dynamics.rows("uomschedules?$select=uomscheduleid,name")
            },
            {row["uomid"]: row["name"] for row in await dynamics.rows("uoms?$select=uomid,name")},
        )


@dataclass(frozen=True)
class Price:
    """A price list item as Dynamics shows it: names and codes in place of ids."""

    price_list: str
    currency: str
    unit: str
    amount: Any


# --- SAP --------------------------------------------------------------------------------------------------------------


async def items(sap: Sap) -> dict[str, Row]:
    """All items by code, with their prices."""
    return {row["ItemCode"]: row for row in await sap.rows(f"Items?$select={_ITEM}&$orderby=ItemCode")}


async def documents(sap: Sap) -> list[Row]:
    """All sales orders of SAP, with rows and freights."""
    return await sap.rows("Orders?$orderby=DocEntry")


async def document(sap: Sap, order_number: str) -> Row:
    """The one sales order with that customer reference; RuntimeError if there is none, or more than one."""
    found = [row for row in await documents(sap) if row.get("NumAtCard") == order_number]
    if len(found) != 1:
        raise RuntimeError(f"SAP has {len(found)} orders with the reference {order_number}")
    return found[0]


async def close(sap: Sap, entry: int) -> None:
    """What a user does with an order that nothing more comes of."""
    await sap.send("POST", f"Orders({entry})/Close")


async def reopen(sap: Sap, entry: int) -> None:
    """What a user does with an order that was closed too early."""
    await sap.send("POST", f"Orders({entry})/Reopen")


async def user_fields(sap: Sap, table: str) -> set[str]:
    """The names of the user-defined fields of a table."""
    return {str(field["Name"]) for field in await sap.rows(f"UserFieldsMD?$filter=TableName eq '{table}'")}


# --- Dynamics: products -----------------------------------------------------------------------------------------------


async def products(dynamics: Dynamics) -> list[Row]:
    """All products."""
    return await dynamics.rows(f"products?$select={_PRODUCT}")


async def product(dynamics: Dynamics, number: str) -> Row:
    """The one product with that number; RuntimeError if there is none, or more than one."""
    found = [row for row in await products(dynamics) if row["productnumber"] == number]
    if len(found) != 1:
        raise RuntimeError(f"Dynamics has {len(found)} products with the number {number}")
    return found[0]


async def prices(dynamics: Dynamics, units: Units) -> dict[str, list[Price]]:
    """By product all its price list items."""
    names = await price_lists(dynamics)
    currencies = await dynamics.currencies()
    found: dict[str, list[Price]] = {}
    for row in await dynamics.rows(f"productpricelevels?$select={_PRICE}"):
        price = Price(
            names[row["_pricelevelid_value"]],
            currencies[row["_transactioncurrencyid_value"]],
            units.units[row["_uomid_value"]],
            row["amount"],
        )
        found.setdefault(row["_productid_value"], []).append(price)
    return found


async def price_lists(dynamics: Dynamics) -> dict[str, str]:
    """The names of price lists by id."""
    return {row["pricelevelid"]: row["name"] for row in await dynamics.rows("pricelevels?$select=pricelevelid,name")}


async def enter_product(dynamics: Dynamics, number: str, name: str, like: Row) -> str:
    """What a user enters and publishes by hand, in the unit of another product; answers its id."""
    body = {
        "productnumber": number,
        "name": name,
        "quantitydecimal": 2,
        "defaultuomscheduleid@odata.bind": f"/uomschedules({like['_defaultuomscheduleid_value']})",
        "defaultuomid@odata.bind": f"/uoms({like['_defaultuomid_value']})",
    }
    key = await create(dynamics, "products", body)
    await change(dynamics, f"products({key})", PUBLISHED)
    return key


# --- Dynamics: orders -------------------------------------------------------------------------------------------------


async def enter_order(dynamics: Dynamics, account: Row, price_list: str, lines: Sequence[Row], **columns: Any) -> str:
    """What a salesperson enters as an order with its lines, and submits; answers its id."""
    ids = {name: key for key, name in (await price_lists(dynamics)).items()}
    body = {
        **columns,
        "customerid_account@odata.bind": f"/accounts({account['accountid']})",
        "pricelevelid@odata.bind": f"/pricelevels({ids[price_list]})",
        "order_details": [{**line, "lineitemnumber": place} for place, line in enumerate(lines, 1)],
    }
    key = await create(dynamics, "salesorders", body)
    await edit_order(dynamics, key, **SUBMITTED)
    return key


def line_of(product: Row, quantity: float, **columns: Any) -> Row:
    """A line of a product in its default unit."""
    return {
        "productid@odata.bind": f"/products({product['productid']})",
        "uomid@odata.bind": f"/uoms({product['_defaultuomid_value']})",
        "quantity": quantity,
        **columns,
    }


def write_in(text: str, quantity: float, price: float, **columns: Any) -> Row:
    """A line without a product, with a text of its own."""
    return {
        "isproductoverridden": True,
        "productdescription": text,
        "quantity": quantity,
        "priceperunit": price,
        **columns,
    }


async def orders(dynamics: Dynamics) -> list[Row]:
    """All orders."""
    return await dynamics.rows("salesorders")


async def order(dynamics: Dynamics, key: str) -> Row:
    """One order."""
    found = await dynamics.rows(f"salesorders?$filter=salesorderid eq {key}")
    if not found:
        raise RuntimeError(f"Dynamics has no order {key}")
    return found[0]


async def lines(dynamics: Dynamics, key: str) -> list[Row]:
    """The lines of an order in their order."""
    found = await dynamics.rows(f"salesorderdetails?$select={_LINE}&$filter=_salesorderid_value eq {key}")
    return sorted(found, key=lambda line: int(line["lineitemnumber"]))


async def all_lines(dynamics: Dynamics) -> list[Row]:
    """The lines of all orders."""
    return await dynamics.rows(f"salesorderdetails?$select={_LINE}")


async def edit_order(dynamics: Dynamics, key: str, **columns: Any) -> None:
    """What a user saves in the form of an order."""
    await change(dynamics, f"salesorders({key})", columns)


async def edit_line(dynamics: Dynamics, key: str, **columns: Any) -> None:
    """The same for one of its lines."""
    await change(dynamics, f"salesorderdetails({key})", columns)


async def columns_of(dynamics: Dynamics, table: str) -> set[str]:
    """The logical names of a table's columns."""
    rows = await dynamics.rows(f"EntityDefinitions(LogicalName='{table}')/Attributes?$select=LogicalName")
    return {str(row["LogicalName"]) for row in rows}


async def create(dynamics: Dynamics, table: str, body: Row) -> str:
    """What a user enters as a new row of a table; answers its id."""
    response = await dynamics.send("POST", table, body)
    return response.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")


async def change(dynamics: Dynamics, address: str, columns: Mapping[str, Any]) -> None:
    """What a user saves in the form of a row."""
    await dynamics.send("PATCH", address, dict(columns), **{"If-Match": "*"})
