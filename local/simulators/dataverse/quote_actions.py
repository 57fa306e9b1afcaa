"""Messages that make one document from another: revise a quote, turn it into an order, quote an opportunity.

All run in one transaction, and answer 200 with the new document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local.simulators.dataverse.action_input import columns_of, entity_answer, read_parameters, row_of_id
from local.simulators.dataverse.closing import DEFAULT_STATUS
from local.simulators.dataverse.document_rules import invalid_state
from local.simulators.dataverse.documents import (
    COMPUTED,
    OPPORTUNITY,
    OPPORTUNITY_OPEN,
    ORDER,
    QUOTE,
    QUOTE_ACTIVE,
    QUOTE_CLOSED,
    QUOTE_DRAFT,
    QUOTE_WON,
    Document,
)
from local.simulators.dataverse.keys import Segment
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.quote_rules import quotes_of_number
from local.simulators.dataverse.records import check_privilege, create_row, update_row
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import refuse
from local.simulators.dataverse.tables import SimTable
from local.simulators.dataverse.wire import Answer, Call

REVISED: Final = 7
"""The status reason of a quote that has a newer revision."""
_NOT_COPIED: Final = frozenset(
    {
        *COMPUTED,
        "statecode",
        "statuscode",
        "overriddencreatedon",
        "importsequencenumber",
        "lastonholdtime",
        "processid",
        "stageid",
        "traversedpath",
        "pricingerrorcode",
        "parentbundleid",
        "_parentbundleidref_value",
    }
)
_QUOTE: Final[Mapping[str, type]] = {"QuoteId": str, "ColumnSet": dict}
_CLOSE: Final[Mapping[str, type]] = {"QuoteCloseDate": str, "QuoteCloseStatus": int, "QuoteCloseSubject": str}
_OPPORTUNITY: Final[Mapping[str, type]] = {"OpportunityId": str, "ColumnSet": dict}


def revise_quote(org: Org, segment: Segment, call: Call) -> Answer:
    """``ReviseQuote``: a draft of the same number with the next revision; the old one is closed as Revised."""
    given = read_parameters(call, segment.name, _QUOTE, {})
    quotes = org.tables["quote"]
    quote = row_of_id(org, quotes, given["QuoteId"])
    revisions = quotes_of_number(org, quote["quotenumber"])
    if quote["statecode"] not in (QUOTE_ACTIVE, QUOTE_CLOSED):
        raise invalid_state()
    if any(each["statecode"] in (QUOTE_DRAFT, QUOTE_ACTIVE) for each in revisions if each is not quote):
        raise refuse(
            "0x80048d00",
            "Quote cannot be revised as there already exists another quote in Draft/Active state and with same quote "
            "number.",
        )
    select = columns_of(quotes, given["ColumnSet"])
    check_privilege(org, "Write", quotes)
    with org.store.transaction(), org.sending(segment.name):
        update_row(org, quotes, quote, {"statecode": QUOTE_CLOSED, "statuscode": REVISED})
        further = {"revisionnumber": 1 + max(each["revisionnumber"] for each in revisions)}
        key = _copy(org, QUOTE, QUOTE, quote, further, lambda _line: {})
    return entity_answer(org, quotes, key, select, call)


def convert_quote(org: Org, segment: Segment, call: Call) -> Answer:
    """``ConvertQuoteToSalesOrder``: an order with the quote's lines and prices; an active quote is won by it."""
    given = read_parameters(call, segment.name, _QUOTE, _CLOSE)
    quotes, orders = org.tables["quote"], org.tables["salesorder"]
    quote = row_of_id(org, quotes, given["QuoteId"])
    if quote["statecode"] not in (QUOTE_ACTIVE, QUOTE_WON):
        raise invalid_state()
    select = columns_of(orders, given["ColumnSet"])
    with org.store.transaction(), org.sending(segment.name):
        if quote["statecode"] == QUOTE_ACTIVE:
            _win(org, quotes, quote, given["QuoteCloseStatus"])
        origin = {"_quoteid_value": quote["quoteid"]}
        key = _copy(org, QUOTE, ORDER, quote, origin, lambda line: {"_quotedetailid_value": line["quotedetailid"]})
    return entity_answer(org, orders, key, select, call)


def _win(org: Org, quotes: SimTable, quote: Row, status: int | None) -> None:
    check_privilege(org, "Write", quotes)
    changes = {"statecode": QUOTE_WON}
    if status not in (None, DEFAULT_STATUS):
        changes["statuscode"] = status
    update_row(org, quotes, quote, changes)


def quote_opportunity(org: Org, segment: Segment, call: Call) -> Answer:
    """``GenerateQuoteFromOpportunity``: a draft with customer, price list, discounts and lines of an open opportunity."""
    given = read_parameters(call, segment.name, _OPPORTUNITY, {})
    quotes = org.tables["quote"]
    opportunity = row_of_id(org, org.tables["opportunity"], given["OpportunityId"])
    if opportunity["statecode"] != OPPORTUNITY_OPEN:
        raise invalid_state()
    select = columns_of(quotes, given["ColumnSet"])
    with org.store.transaction(), org.sending(segment.name):
        origin = {"_opportunityid_value": opportunity["opportunityid"]}
        key = _copy(org, OPPORTUNITY, QUOTE, opportunity, origin, lambda _line: {})
    return entity_answer(org, quotes, key, select, call)


def _copy(
    org: Org,
    source: Document,
    target: Document,
    row: Row,
    further: Mapping[str, Any],
    further_of_line: Callable[[Row], Mapping[str, Any]],
) -> str:
    """Make a document like another, with lines like its lines; gives its id."""
    headers, lines = org.tables[target.header], org.tables[target.line]
    check_privilege(org, "Create", headers)
    check_privilege(org, "Create", lines)
    made = create_row(org, headers, {**_copied(org.tables[source.header], headers, row), **further})
    key = str(made[target.key])
    for line in source.lines(org, row[source.key]):
        copied = _copied(org.tables[source.line], lines, line)
        create_row(org, lines, {**copied, target.parent: key, **further_of_line(line)})
    return key


def _copied(source: SimTable, target: SimTable, row: Row) -> dict[str, Any]:
    """The values of the columns both tables have; columns an org added go along only within one table (an assumption)."""
    values: dict[str, Any] = {}
    for name, column in target.by_read.items():
        if column.read_only or name not in source.by_read or row.get(name) is None or name in _NOT_COPIED:
            continue
        if name == source.primary_id or (column.name in target.custom and source is not target):
            continue
        values[name] = row[name]
        if f"{name}@table" in row:
            values[f"{name}@table"] = row[f"{name}@table"]
    return values
