"""Leads and what becomes of them in both systems, through the systems' own APIs: what people do there, and what is there.

As in :mod:`local.demo.systems` none of the hub's code is used here. Amounts are Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.demo.systems import Dynamics, Row, Sap
from local.demo.trade_systems import SUBMITTED, change, create, price_lists

_OPEN_AS_QUALIFIED = {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": 3}
_DRAFT_TO_ACTIVE: Mapping[str, int] = {"statecode": 1, "statuscode": 2}
_WON = 3
_ALL_COLUMNS = {"AllColumns": True}
_ORDER_TYPE = 17  # what SAP calls a sales order where a row says what it was drawn from
_EXEMPT = "A0"

# --- Dynamics ---------------------------------------------------------------------------------------------------------


async def enter_lead(dynamics: Dynamics, **columns: Any) -> str:
    """What a salesperson enters as a lead; answers its id."""
    return await create(dynamics, "leads", columns)


async def qualify(dynamics: Dynamics, lead: str) -> None:
    """What the button Qualify does: it makes an account, a contact and an opportunity of the lead."""
    await dynamics.send("POST", f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", _OPEN_AS_QUALIFIED)


async def made_of_lead(dynamics: Dynamics, table: str, lead: str) -> list[Row]:
    """The rows of a table that qualifying made of that lead."""
    return await dynamics.rows(f"{table}?$filter=_originatingleadid_value eq {lead}")


async def row_of(dynamics: Dynamics, table: str, column: str, key: str) -> Row:
    """The one row of a table with that key in that column; RuntimeError if there is none."""
    found = await dynamics.rows(f"{table}?$filter={column} eq {key}")
    if len(found) != 1:
        raise RuntimeError(f"Dynamics has {len(found)} rows with {column} {key} in {table}")
    return found[0]


async def enter_quote(
    dynamics: Dynamics, account: str, opportunity: str, price_list: str, lines: Sequence[Row], **columns: Any
) -> str:
    """What a salesperson enters as a quote for an opportunity, as a draft; answers its id."""
    ids = {name: key for key, name in (await price_lists(dynamics)).items()}
    body = {
        **columns,
        "customerid_account@odata.bind": f"/accounts({account})",
        "opportunityid@odata.bind": f"/opportunities({opportunity})",
        "pricelevelid@odata.bind": f"/pricelevels({ids[price_list]})",
        "quote_details": [{**line, "lineitemnumber": place} for place, line in enumerate(lines, 1)],
    }
    return await create(dynamics, "quotes", body)


async def quotes(dynamics: Dynamics) -> list[Row]:
    """All quotes, with all their revisions."""
    return await dynamics.rows("quotes")


async def quote(dynamics: Dynamics, key: str) -> Row:
    """One quote."""
    return await row_of(dynamics, "quotes", "quoteid", key)


async def quote_lines(dynamics: Dynamics, key: str) -> list[Row]:
    """The lines of a quote in their order."""
    found = await dynamics.rows(f"quotedetails?$filter=_quoteid_value eq {key}")
    return sorted(found, key=lambda line: int(line["lineitemnumber"]))


async def add_quote_line(dynamics: Dynamics, key: str, line: Row) -> None:
    """One more line of a draft."""
    await create(dynamics, "quotedetails", {**line, "quoteid@odata.bind": f"/quotes({key})"})


async def activate(dynamics: Dynamics, key: str) -> None:
    """What the button Activate does with a draft."""
    await change(dynamics, f"quotes({key})", _DRAFT_TO_ACTIVE)


async def revise(dynamics: Dynamics, key: str) -> str:
    """What the button Revise does with an active quote: it is closed, a draft takes its place; answers that one's id."""
    made = await dynamics.send("POST", "ReviseQuote", {"QuoteId": key, "ColumnSet": _ALL_COLUMNS})
    return str(made.json()["quoteid"])


async def order_of_quote(dynamics: Dynamics, key: str, **columns: Any) -> str:
    """What the button Create Order does: the quote is won, an order has its lines; it is filled in and submitted."""
    made = await dynamics.send("POST", "ConvertQuoteToSalesOrder", {"QuoteId": key, "ColumnSet": _ALL_COLUMNS})
    order = str(made.json()["salesorderid"])
    await change(dynamics, f"salesorders({order})", columns)
    await change(dynamics, f"salesorders({order})", SUBMITTED)
    return order


async def win_opportunity(dynamics: Dynamics, key: str) -> None:
    """What the button Close as Won does."""
    close = {"subject": "They ordered", "opportunityid@odata.bind": f"/opportunities({key})"}
    await dynamics.send("POST", "WinOpportunity", {"Status": _WON, "OpportunityClose": close})


# --- SAP --------------------------------------------------------------------------------------------------------------


async def partners(sap: Sap) -> list[Row]:
    """All partners with their contact persons."""
    return await sap.rows("BusinessPartners?$select=CardCode,CardName,CardType,Notes,ContactEmployees,U_HubRef")


async def partners_called(sap: Sap, name: str) -> list[Row]:
    """The partners of that name, whatever they are."""
    return [partner for partner in await partners(sap) if partner["CardName"] == name]


async def sap_opportunities(sap: Sap) -> list[Row]:
    """All sales opportunities of SAP, with their stages."""
    return await sap.rows("SalesOpportunities?$orderby=SequentialNo")


async def quotations(sap: Sap) -> list[Row]:
    """All sales quotations of SAP, with their rows."""
    return await sap.rows("Quotations?$orderby=DocEntry")


async def deliver(sap: Sap, order: Row, *quantities: int) -> None:
    """What the warehouse does: deliver so much of each row of an order, all that is left where nothing is said."""
    rows = []
    for place, each in enumerate(order["DocumentLines"]):
        quantity = quantities[place] if place < len(quantities) else float(each["RemainingOpenQuantity"])
        base = {"BaseType": _ORDER_TYPE, "BaseEntry": order["DocEntry"], "BaseLine": each["LineNum"]}
        if quantity:
            rows.append({"ItemCode": each["ItemCode"], "Quantity": quantity, "VatGroup": _EXEMPT, **base})
    body = {"CardCode": order["CardCode"], "DocDueDate": order["DocDueDate"], "DocumentLines": rows}
    await sap.send("POST", "DeliveryNotes", body)
