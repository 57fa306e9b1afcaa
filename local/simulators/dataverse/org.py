"""One organization: its tables, rows, well-known ids, and the switches for behaviour that is assumed, not documented."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from local.schema import load_dataverse
from local.simulators.control import Control
from local.simulators.dataverse.store import DataverseStore
from local.simulators.dataverse.tables import BULK_MESSAGES, SimTable, make_tables, stable_guid
from local.simulators.dataverse.values import instant_text
from local.simulators.dataverse.wire import no_segment

SIMULATED_TABLES = (
    "account",
    "contact",
    "lead",
    "transactioncurrency",
    "systemuser",
    "businessunit",
    "uomschedule",
    "uom",
    "pricelevel",
    "product",
    "productpricelevel",
    "opportunity",
    "opportunityproduct",
    "quote",
    "quotedetail",
    "salesorder",
    "salesorderdetail",
)
DEFAULT_BULK: Mapping[str, Iterable[str]] = {
    "account": BULK_MESSAGES,
    "contact": BULK_MESSAGES,
    "opportunity": BULK_MESSAGES,
    "product": BULK_MESSAGES,
    "quotedetail": BULK_MESSAGES,
    "salesorder": BULK_MESSAGES,
}
"""Which tables have bulk messages. The entity reference lists opportunity, product, quotedetail and salesorder, and leaves
out uom and productpricelevel; it says nothing of lead, opportunityproduct, quote and salesorderdetail, which have none
unless the simulator is given other messages."""
FIRST_NUMBER: Final = 1000
"""The first automatic number of a kind of document."""
CURRENCIES = (
    ("EUR", "Euro", "€", "1"),
    ("USD", "US Dollar", "$", "1.25"),
    ("GBP", "Pound Sterling", "£", "0.8"),
)
"""ISO code, name, symbol and rate per unit of the base currency (invented rates); the first is the base currency."""


@dataclass
class Switches:
    """Behaviour that sources infer or leave open, and faults that last."""

    link_after_full_page: bool = True
    """A page that is exactly full links to an empty one (assumption: the service does not look ahead)."""
    user_is_member: bool = True
    """False: every request answers 403 0x80072560, as for an app that is no application user."""
    products_start_active: bool = False
    """True: the org's system setting that makes products in the active state is on; otherwise they start as drafts."""
    priced_products_can_retire: bool = False
    """False: a product with a price in an active price list cannot retire, as the message of 0x8004f915 has it."""
    submitted_orders_are_editable: bool = True
    """False: a Submitted order takes no update but of its state (sources tie it to privileges and settings)."""
    line_changes_touch_order: bool = True
    """A line's change moves its header's ``modifiedon``, as totals are computed anew (assumption)."""
    discount_is_per_unit: bool = False
    """True: the org's discount calculation method is "Per unit", so a manual discount counts once per unit."""
    missing_privileges: frozenset[tuple[str, str]] = frozenset()
    """(``Create`` | ``Read`` | ``Write`` | ``Delete``, table) pairs that answer 403 0x80040220."""


class Org:
    """Tables and rows of one environment. `reset` gives an empty org with its currencies, user and business unit."""

    def __init__(self, name: str, control: Control, bulk: Mapping[str, Iterable[str]] | None = None) -> None:
        self.name = name
        self.control = control
        self.switches = Switches()
        self.organization_id = stable_guid(f"{name}/organization")
        self.business_unit_id = stable_guid(f"{name}/businessunit")
        self.user_id = stable_guid(f"{name}/systemuser")
        self.base_currency_id = self.currency_id(CURRENCIES[0][0])
        self.message = ""
        self.lays_out = False
        self._next_numbers: dict[str, int] = {}
        self._bulk = DEFAULT_BULK if bulk is None else bulk
        self.tables: dict[str, SimTable] = {}
        self.by_set: dict[str, SimTable] = {}
        self.store: DataverseStore
        self.reset()

    def currency_id(self, iso_code: str) -> str:
        """The id of a seeded currency."""
        return stable_guid(f"{self.name}/transactioncurrency/{iso_code}")

    def reset(self) -> None:
        """Back to the start: seeded rows, no custom column, no alternate key. Switches stay as they are."""
        self.tables = make_tables(load_dataverse().tables, SIMULATED_TABLES, self._bulk)
        self.by_set = {table.entity_set: table for table in self.tables.values()}
        self.store = DataverseStore(self.tables, self.control.count_write)
        self._next_numbers.clear()
        start = instant_text(datetime(2020, 1, 1, tzinfo=UTC))
        self._seed("businessunit", self.business_unit_id, start, {"name": self.name})
        self._seed("systemuser", self.user_id, start, {"fullname": "# Integration hub", "firstname": "#"})
        for code, name, symbol, rate in CURRENCIES:
            values = {
                "isocurrencycode": code,
                "currencyname": name,
                "currencysymbol": symbol,
                "currencyprecision": 2,
                "exchangerate": Decimal(rate),
                "statecode": 0,
                "statuscode": 1,
            }
            self._seed("transactioncurrency", self.currency_id(code), start, values)

    def _seed(self, table: str, key: str, stamp: str, values: Mapping[str, Any]) -> None:
        row = {
            **self.tables[table].defaults,
            **values,
            self.tables[table].primary_id: key,
            "createdon": stamp,
            "modifiedon": stamp,
            "versionnumber": self.store.next_version(),
        }
        self.store.put(table, row)

    def table_of_set(self, entity_set: str) -> SimTable:
        """The table behind an entity set (names are case-sensitive); raises DataverseError 0x8006088a."""
        table = self.by_set.get(entity_set)
        if table is None:
            raise no_segment(entity_set)
        return table

    @contextmanager
    def sending(self, message: str) -> Iterator[None]:
        """Writes inside are the work of a message, which may do what an update may not."""
        before, self.message = self.message, message
        try:
            yield
        finally:
            self.message = before

    @contextmanager
    def laying_out(self) -> Iterator[None]:
        """Writes inside lay out data: states may be reached at once, lines may join orders that are closed."""
        before, self.lays_out = self.lays_out, True
        try:
            yield
        finally:
            self.lays_out = before

    def next_number(self, prefix: str) -> str:
        """An automatic number (``ORD``, ``QUO``): a counter, and a suffix that keeps numbers of several systems apart."""
        number = self._next_numbers.get(prefix, FIRST_NUMBER)
        self._next_numbers[prefix] = number + 1
        suffix = stable_guid(f"{self.name}/{prefix}/{number}").replace("-", "")[:6].upper()
        return f"{prefix}-{number:05d}-{suffix}"

    def now_text(self) -> str:
        """The present instant as stamps show it."""
        return instant_text(self.control.now())
