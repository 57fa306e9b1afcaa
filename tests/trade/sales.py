"""What people do in both systems around a sale: leads, quotes, orders, deliveries; by the systems' own means."""

from __future__ import annotations

from typing import Any

from tests.trade.world import Row, Trade

PERSON = {"firstname": "Lin", "lastname": "Lead", "jobtitle": "Buyer", "emailaddress1": "lin@example.test"}
COMPANY = {"companyname": "Lead Works", "subject": "Wants brackets", "telephone1": "040 555"}
ADDRESS = {"address1_line1": "1 Harbour Road", "address1_city": "Hamburg", "address1_country": "Germany"}


def rows_of(world: Trade, entity_set: str, **values: Any) -> list[Row]:
    """Rows of Dynamics with these values."""
    rows = world.dataverse.data_rows(entity_set)
    return [row for row in rows if all(row.get(name) == value for name, value in values.items())]


def one(world: Trade, entity_set: str, **values: Any) -> Row:
    """The one row of Dynamics with these values."""
    (row,) = rows_of(world, entity_set, **values)
    return row


def sap_rows(world: Trade, entity_set: str, **values: Any) -> list[Row]:
    """Rows of SAP with these values."""
    rows = world.sap.data_rows(entity_set)
    return [row for row in rows if all(row.get(name) == value for name, value in values.items())]


def new_lead(world: Trade, **columns: Any) -> str:
    """A user of Dynamics enters a lead; its id."""
    (row,) = world.dataverse.data_write("leads", [{**COMPANY, **PERSON, **ADDRESS, **columns}])
    return str(row["leadid"])


def qualify(world: Trade, lead: str, *, opportunity: bool = False) -> None:
    """A user of Dynamics qualifies a lead."""
    body = {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": opportunity, "Status": 3}
    world.dataverse.act(f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", body)


def new_quote(world: Trade, account: str, items: dict[str, int], **columns: Any) -> str:
    """A user of Dynamics enters a quote, as a draft, with so many of each item; its id."""
    (price_list,) = [row for row in world.dataverse.data_rows("pricelevels") if row["name"] == "Wholesale EUR"] or [
        world.dataverse.data_rows("pricelevels")[0]
    ]
    header = {
        "name": "An offer",
        "customerid_account@odata.bind": f"/accounts({account})",
        "pricelevelid@odata.bind": f"/pricelevels({price_list['pricelevelid']})",
        **columns,
    }
    (quote,) = world.dataverse.data_write("quotes", [header])
    for code, quantity in items.items():
        add_line(world, quote["quoteid"], code, quantity)
    return str(quote["quoteid"])


def add_line(world: Trade, quote: str, code: str, quantity: int) -> None:
    """A line of a draft."""
    product = world.product_of(code)
    line = {
        "quoteid@odata.bind": f"/quotes({quote})",
        "productid@odata.bind": f"/products({product['productid']})",
        "uomid@odata.bind": f"/uoms({product['_defaultuomid_value']})",
        "quantity": quantity,
        "ispriceoverridden": True,
        "priceperunit": 12.5,
        "tax": 2.5,
    }
    world.dataverse.data_write("quotedetails", [line])


def quote_lines(world: Trade, quote: str) -> list[Row]:
    """The lines of a quote, in order."""
    return sorted(rows_of(world, "quotedetails", _quoteid_value=quote), key=lambda row: int(row["lineitemnumber"]))


def activate(world: Trade, quote: str) -> None:
    """A user of Dynamics activates a draft."""
    world.dataverse.data_write("quotes", [{"quoteid": quote, "statecode": 1, "statuscode": 2}])


def revise(world: Trade, quote: str) -> str:
    """A user of Dynamics revises an active quote; the id of the new draft."""
    made = world.dataverse.act("ReviseQuote", {"QuoteId": quote, "ColumnSet": {"AllColumns": True}})
    return str(made["quoteid"])


def win(world: Trade, quote: str) -> str:
    """A user of Dynamics makes an order of an active quote and submits it; the order's id."""
    made = world.dataverse.act("ConvertQuoteToSalesOrder", {"QuoteId": quote, "ColumnSet": {"AllColumns": True}})
    key = str(made["salesorderid"])
    world.dataverse.data_write("salesorders", [{"salesorderid": key, "statecode": 1, "statuscode": 3}])
    return key


def deliver(world: Trade, order: Row, *quantities: int) -> Row:
    """A user of SAP delivers so much of each row of an order, all that is left where nothing is said."""
    lines = []
    for number, row in enumerate(order["DocumentLines"]):
        quantity = quantities[number] if number < len(quantities) else row["RemainingOpenQuantity"]
        if quantity:
            base = {"BaseType": 17, "BaseEntry": order["DocEntry"], "BaseLine": row["LineNum"]}
            lines.append({"ItemCode": row["ItemCode"], "Quantity": quantity, "VatGroup": "A0", **base})
    document = {"CardCode": order["CardCode"], "DocDueDate": "2026-12-24", "DocumentLines": lines}
    (made,) = world.sap.data_write("DeliveryNotes", [document])
    return dict(made)


def invoice(world: Trade, delivery: Row) -> Row:
    """A user of SAP invoices a delivery."""
    lines = [
        {
            "ItemCode": row["ItemCode"],
            "Quantity": row["Quantity"],
            "VatGroup": "A0",
            "BaseType": 15,
            "BaseEntry": delivery["DocEntry"],
            "BaseLine": row["LineNum"],
        }
        for row in delivery["DocumentLines"]
    ]
    document = {"CardCode": delivery["CardCode"], "DocDueDate": "2026-12-31", "DocumentLines": lines}
    (made,) = world.sap.data_write("Invoices", [document])
    return dict(made)
