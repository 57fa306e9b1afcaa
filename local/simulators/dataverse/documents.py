"""Orders, quotes and opportunities as far as they are alike: a header, its lines, states, and who may still change them.

Nothing here writes; `pricing` computes amounts, `document_rules` and `line_rules` are the rules made for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import with_value

COMPUTED: Final = (
    "totallineitemamount",
    "totallineitemdiscountamount",
    "totaldiscountamount",
    "totalamountlessfreight",
    "totaltax",
    "totalamount",
)
"""Columns of a header that only its lines decide."""

ORDER_ACTIVE, ORDER_SUBMITTED, ORDER_CANCELED, ORDER_FULFILLED, ORDER_INVOICED = range(5)
QUOTE_DRAFT, QUOTE_ACTIVE, QUOTE_WON, QUOTE_CLOSED = range(4)
OPPORTUNITY_OPEN, OPPORTUNITY_WON, OPPORTUNITY_LOST = range(3)


@dataclass(frozen=True)
class Document:
    """One kind of document by the names of its tables.

    ``by_message`` is message -> (states it takes a document from, state it leaves it in); ``by_patch`` are the changes of
    state that an update may make. ``currency_users`` are the tables and lookups whose rows hold a document to its
    currency, ``currency_refusal`` the code and message that say so.
    """

    header: str
    line: str
    editable: Callable[[Org, Row], bool]
    by_patch: frozenset[tuple[int, int]]
    by_message: Mapping[str, tuple[frozenset[int], int]]
    currency_users: tuple[tuple[str, str], ...]
    currency_refusal: tuple[str, str]

    @property
    def key(self) -> str:
        """The header's primary key."""
        return f"{self.header}id"

    @property
    def parent(self) -> str:
        """The lookup of a line that names its header."""
        return f"_{self.header}id_value"

    @property
    def line_name(self) -> str:
        """The primary name of a line."""
        return f"{self.line}name"

    @property
    def state_mirror(self) -> str:
        """The column of a line that shows its header's state."""
        return f"{self.header}statecode"

    @property
    def lock_mirror(self) -> str:
        """The column of a line that shows whether its header's prices are locked; only order lines have it."""
        return f"{self.header}ispricelocked"

    def lines(self, org: Org, key: str) -> list[Row]:
        """The lines of one header, in order of their ids."""
        return with_value(org, self.line, self.parent, key)


def _order_is_editable(org: Org, order: Row) -> bool:
    """Final states take no update, nor does Submitted by a switch."""
    return order["statecode"] == ORDER_ACTIVE or (
        order["statecode"] == ORDER_SUBMITTED and org.switches.submitted_orders_are_editable
    )


ORDER: Final = Document(
    header="salesorder",
    line="salesorderdetail",
    editable=_order_is_editable,
    by_patch=frozenset({(ORDER_ACTIVE, ORDER_SUBMITTED), (ORDER_SUBMITTED, ORDER_ACTIVE)}),
    by_message={
        "CancelSalesOrder": (frozenset({ORDER_ACTIVE, ORDER_SUBMITTED}), ORDER_CANCELED),
        "FulfillSalesOrder": (frozenset({ORDER_ACTIVE, ORDER_SUBMITTED}), ORDER_FULFILLED),
        "ConvertSalesOrderToInvoice": (frozenset({ORDER_ACTIVE, ORDER_SUBMITTED, ORDER_FULFILLED}), ORDER_INVOICED),
    },
    currency_users=(("salesorderdetail", "_salesorderid_value"),),
    currency_refusal=(
        "0x80048cea",
        "The currency of the order does not match the currency of the products it already has.",
    ),
)
"""From which states the messages take an order is an assumption."""

QUOTE: Final = Document(
    header="quote",
    line="quotedetail",
    editable=lambda _org, quote: quote["statecode"] == QUOTE_DRAFT,
    by_patch=frozenset({(QUOTE_DRAFT, QUOTE_ACTIVE), (QUOTE_ACTIVE, QUOTE_DRAFT), (QUOTE_WON, QUOTE_DRAFT)}),
    by_message={
        "WinQuote": (frozenset({QUOTE_ACTIVE}), QUOTE_WON),
        "CloseQuote": (frozenset({QUOTE_ACTIVE}), QUOTE_CLOSED),
        "ReviseQuote": (frozenset({QUOTE_ACTIVE, QUOTE_CLOSED}), QUOTE_CLOSED),
        "ConvertQuoteToSalesOrder": (frozenset({QUOTE_ACTIVE, QUOTE_WON}), QUOTE_WON),
    },
    currency_users=(("quotedetail", "_quoteid_value"),),
    currency_refusal=(
        "0x8004480e",
        "The currency cannot be changed because this quote has Products associated with it. If you want to change the "
        "currency please delete all of the Products and then change the currency or create a new quote with the "
        "appropriate currency.",
    ),
)
"""Won quotes go back to draft by an update (from the field); that closed ones do not is an assumption."""

OPPORTUNITY: Final = Document(
    header="opportunity",
    line="opportunityproduct",
    editable=lambda _org, opportunity: opportunity["statecode"] == OPPORTUNITY_OPEN,
    by_patch=frozenset({(OPPORTUNITY_WON, OPPORTUNITY_OPEN), (OPPORTUNITY_LOST, OPPORTUNITY_OPEN)}),
    by_message={
        "WinOpportunity": (frozenset({OPPORTUNITY_OPEN}), OPPORTUNITY_WON),
        "LoseOpportunity": (frozenset({OPPORTUNITY_OPEN}), OPPORTUNITY_LOST),
    },
    currency_users=(
        ("opportunityproduct", "_opportunityid_value"),
        ("quote", "_opportunityid_value"),
        ("salesorder", "_opportunityid_value"),
    ),
    currency_refusal=(
        "0x80048479",
        "The currency cannot be changed because this opportunity has Products Quotes, and/ or Orders associated with it.  "
        "If you want to change the currency please delete all of the Products/quotes/orders and then change the "
        "currency or create a new opportunity with the appropriate currency.",
    ),
)

DOCUMENTS: Final[Mapping[str, Document]] = {each.header: each for each in (ORDER, QUOTE, OPPORTUNITY)}
"""Kinds of documents by the table of their headers."""


def message_to(table: str, state: int | None) -> str:
    """The message that leads a document to a state; empty for a state that an update reaches, and for other tables."""
    messages = DOCUMENTS[table].by_message if table in DOCUMENTS else {}
    return next((message for message, (_, target) in messages.items() if target == state), "")
