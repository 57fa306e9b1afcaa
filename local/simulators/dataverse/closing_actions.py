"""Messages that close opportunities and quotes, and those that make one document of another.

Parameter names are those of the SDK's request classes. Closing makes no close activity here; only the state is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulators.dataverse.keys import Segment, parse_reference, require_row
from local.simulators.dataverse.opportunity_rules import CLOSING
from local.simulators.dataverse.opportunity_rules import OPEN as OPPORTUNITY_OPEN
from local.simulators.dataverse.options import Options, Preferences
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.quote_rules import ACTIVE, CLOSED, REVISED, WON
from local.simulators.dataverse.records import BIND, check_privilege, create_row, update_row
from local.simulators.dataverse.sales_documents import COMPUTED
from local.simulators.dataverse.shape import context_of, shaper
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import CURRENCY, refuse, with_value
from local.simulators.dataverse.wire import Answer, Call, bad_payload, json_answer

DEFAULT_STATUS: Final = -1
_HEADER: Final = (
    "name",
    "description",
    "_customerid_value",
    "_customerid_value@table",
    "_pricelevelid_value",
    CURRENCY,
    "discountpercentage",
    "discountamount",
    "freightamount",
    "paymenttermscode",
    "_opportunityid_value",
)
_LINE: Final = (
    "isproductoverridden",
    "ispriceoverridden",
    "_productid_value",
    "productdescription",
    "_uomid_value",
    "quantity",
    "priceperunit",
    "manualdiscountamount",
    "tax",
    "lineitemnumber",
    "sequencenumber",
)


def win_opportunity(org: Org, segment: Segment, call: Call) -> Answer:
    """``WinOpportunity``: closed as won, with the actual revenue; 204."""
    return _close_opportunity(org, segment.name, call)


def lose_opportunity(org: Org, segment: Segment, call: Call) -> Answer:
    """``LoseOpportunity``: closed as lost; 204."""
    return _close_opportunity(org, segment.name, call)


def _close_opportunity(org: Org, message: str, call: Call) -> Answer:
    row, close, status = _closed(org, message, call, "OpportunityClose", "opportunity")
    if row["statecode"] != OPPORTUNITY_OPEN:
        raise refuse("0x80040515", "The opportunity has already been closed.")
    revenue = close.get("actualrevenue")
    changes: dict[str, Any] = {
        "statecode": CLOSING[message],
        "actualvalue": row.get("estimatedvalue") if revenue is None else revenue,
        "actualclosedate": str(close.get("actualend") or org.now_text())[:10],
    }
    _finish(org, message, "opportunity", row, changes, status)
    return Answer(204)


def win_quote(org: Org, segment: Segment, call: Call) -> Answer:
    """``WinQuote``: an active quote is won; 204."""
    return _close_quote(org, segment.name, call, WON)


def close_quote(org: Org, segment: Segment, call: Call) -> Answer:
    """``CloseQuote``: lost, cancelled or revised; 204."""
    return _close_quote(org, segment.name, call, CLOSED)


def _close_quote(org: Org, message: str, call: Call, state: int) -> Answer:
    row, _, status = _closed(org, message, call, "QuoteClose", "quote")
    _finish(org, message, "quote", row, {"statecode": state}, status)
    return Answer(204)


def _closed(org: Org, message: str, call: Call, parameter: str, table_name: str) -> tuple[Row, Mapping[str, Any], int]:
    """The row that a close activity binds, that activity, and the status reason asked for."""
    body = call.json_object()
    status, close = body.get("Status"), body.get(parameter)
    table = org.tables[table_name]
    path = close.get(f"{table.primary_id}{BIND}") if isinstance(close, dict) else None
    if (
        not isinstance(status, int)
        or isinstance(status, bool)
        or not isinstance(close, dict)
        or not isinstance(path, str)
    ):
        raise bad_payload(f"Microsoft.OData.ODataException: {message} needs Status and {parameter} with its record.")
    target, key = parse_reference(org, path, call.references)
    if target.name != table_name:
        raise bad_payload(
            f"Microsoft.OData.ODataException: '{target.entity_set}' is no target of '{table.primary_id}'."
        )
    check_privilege(org, "Write", table)
    return require_row(org, table, key), close, status


def _finish(org: Org, message: str, table: str, row: Row, changes: Mapping[str, Any], status: int) -> None:
    reason = {} if status == DEFAULT_STATUS else {"statuscode": status}
    with org.store.transaction(), org.sending(message):
        update_row(org, org.tables[table], row, {**changes, **reason})


def revise_quote(org: Org, segment: Segment, call: Call) -> Answer:
    """``ReviseQuote``: the quote is closed as revised, a draft of the same number takes its place; 200 with that."""
    quote = _named(org, call, "QuoteId", "quote")
    table = org.tables["quote"]
    with org.store.transaction():
        with org.sending(segment.name):
            update_row(org, table, quote, {"statecode": CLOSED, "statuscode": REVISED})
        header = {
            name: quote.get(name) for name in (*_HEADER, "quotenumber", "effectivefrom", "effectiveto", "expireson")
        }
        custom = {name: quote.get(name) for name in table.custom}
        draft = create_row(org, table, {**header, **custom, "revisionnumber": quote["revisionnumber"] + 1})
        for line in _lines(org, "quotedetail", "_quoteid_value", quote["quoteid"]):
            create_row(org, org.tables["quotedetail"], {**_copied(line), "_quoteid_value": draft["quoteid"]})
    return _answered(org, call, "quote", draft["quoteid"])


def convert_quote(org: Org, segment: Segment, call: Call) -> Answer:
    """``ConvertQuoteToSalesOrder``: the quote is won, and an active order has its lines; 200 with the order."""
    quote = _named(org, call, "QuoteId", "quote")
    if quote["statecode"] not in (ACTIVE, WON):
        raise refuse("0x80040233", "The object is not in a valid state to perform this operation.")
    with org.store.transaction():
        if quote["statecode"] == ACTIVE:
            with org.sending(segment.name):
                update_row(org, org.tables["quote"], quote, {"statecode": WON})
        header = {name: quote.get(name) for name in _HEADER}
        order = create_row(org, org.tables["salesorder"], {**header, "_quoteid_value": quote["quoteid"]})
        for line in _lines(org, "quotedetail", "_quoteid_value", quote["quoteid"]):
            links = {"_salesorderid_value": order["salesorderid"], "_quotedetailid_value": line["quotedetailid"]}
            create_row(org, org.tables["salesorderdetail"], {**_copied(line), **links})
    return _answered(org, call, "salesorder", order["salesorderid"])


def quote_opportunity(org: Org, _segment: Segment, call: Call) -> Answer:
    """``GenerateQuoteFromOpportunity``: a draft with the opportunity's customer, prices and products; 200 with that."""
    opportunity = _named(org, call, "OpportunityId", "opportunity")
    key = opportunity["opportunityid"]
    with org.store.transaction():
        header = {name: opportunity.get(name) for name in _HEADER if name != "_opportunityid_value"}
        header.pop("paymenttermscode", None)
        quote = create_row(org, org.tables["quote"], {**header, "_opportunityid_value": key})
        for line in _lines(org, "opportunityproduct", "_opportunityid_value", key):
            create_row(org, org.tables["quotedetail"], {**_copied(line), "_quoteid_value": quote["quoteid"]})
    return _answered(org, call, "quote", quote["quoteid"])


def _named(org: Org, call: Call, parameter: str, table: str) -> Row:
    key = call.json_object().get(parameter)
    row = org.store.get(table, key.lower()) if isinstance(key, str) else None
    if row is None:
        raise refuse("0x80040217", f"{table} With Id = {key} Does Not Exist", status=404)
    check_privilege(org, "Write", org.tables[table])
    return row


def _lines(org: Org, table: str, parent: str, key: str) -> list[Row]:
    return sorted(with_value(org, table, parent, key), key=lambda line: int(line["lineitemnumber"]))


def _copied(line: Row) -> dict[str, Any]:
    """A line as another document gets it: its price stays, whatever the price list says by then."""
    kept = {name: line.get(name) for name in _LINE if name not in COMPUTED}
    return {**kept, "ispriceoverridden": True} if not line.get("isproductoverridden") else kept


def _answered(org: Org, call: Call, table: str, key: str) -> Answer:
    row = org.store.get(table, key)
    assert row is not None
    kind = org.tables[table]
    body = shaper(org, kind, Options(), Preferences())(row)
    return json_answer({"@odata.context": f"{call.root}/{context_of(kind, (), single=True)}", **body})


CLOSING_OPERATIONS: Final[Mapping[str, Callable[[Org, Segment, Call], Answer]]] = {
    "WinOpportunity": win_opportunity,
    "LoseOpportunity": lose_opportunity,
    "WinQuote": win_quote,
    "CloseQuote": close_quote,
    "ReviseQuote": revise_quote,
    "ConvertQuoteToSalesOrder": convert_quote,
    "GenerateQuoteFromOpportunity": quote_opportunity,
}
