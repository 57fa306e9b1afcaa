"""What orders, quotes and opportunities have in common: customer, currency, lines, price calculation, totals.

Amounts follow the system price calculation of Dynamics 365 Sales: ``baseamount = priceperunit * quantity``,
``extendedamount = baseamount - volume discount * quantity - manual discount + tax``, and a header that adds up its lines
without tax, takes its own discounts, and adds freight and tax. Every amount is rounded to the currency's precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from local.simulators.dataverse.catalog_rules import ACTIVE as PRODUCT_ACTIVE
from local.simulators.dataverse.catalog_rules import FAMILY, UNDER_REVISION, check_unit, find_price
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import (
    CURRENCY,
    STATE_COLUMNS,
    Save,
    amount_of,
    drop_rows,
    missing,
    precision_of,
    put_derived,
    refuse,
    settle_money,
    with_value,
)
from local.simulators.dataverse.values import rounded

NO_ERROR, DETAIL_ERROR, MISSING_PRICE_LIST, INACTIVE_PRICE_LIST, MISSING_QUANTITY, MISSING_PRICE = range(6)
NOT_IN_PRICE_LIST: Final = 11
COMPUTED: Final = (
    "totallineitemamount",
    "totallineitemdiscountamount",
    "totaldiscountamount",
    "totalamountlessfreight",
    "totaltax",
    "totalamount",
)


def with_currency(save: Save, has_lines: Callable[[], bool], code: str) -> None:
    """A document is in the currency of its price list, and keeps it while it has lines."""
    new, org = save.new, save.org
    price_list = save.linked("_pricelevelid_value", "pricelevel")
    if price_list is not None and new.get(CURRENCY) is None:
        new[CURRENCY] = price_list[CURRENCY]
    if new.get(CURRENCY) is None:
        new[CURRENCY] = org.base_currency_id
    if price_list is not None and new[CURRENCY] != price_list[CURRENCY]:
        raise refuse("0x80048cf6", "The currency of the record does not match the currency of the price list.")
    if save.old is not None and save.changed(CURRENCY) and has_lines():
        text = "The currency of the record does not match the currency of the products it already has."
        raise refuse(code, text)


def customer_shadows(save: Save, account: str, contact: str) -> None:
    """The two lookups behind a customer: an account or a contact."""
    new = save.new
    customer, table = new.get("_customerid_value"), new.get("_customerid_value@table")
    new[account] = customer if table == "account" else None
    new[contact] = customer if table == "contact" else None


@dataclass(frozen=True)
class Documents:
    """The rules of one kind of document and its lines.

    ``parent`` is the line's lookup; ``line_state`` and ``line_name`` are the line's columns for its parent's state and
    its own name; ``read_only`` tells whether the header (and its lines) take no change; ``currency_code`` is the refusal
    of another currency while there are lines.
    """

    header: str
    line: str
    parent: str
    line_state: str
    line_name: str
    read_only: Callable[[Org, Row], bool]
    currency_code: str

    def lines(self, org: Org, key: str) -> list[Row]:
        """A document's lines."""
        return with_value(org, self.line, self.parent, key)

    def computed(self, save: Save) -> None:
        """Computed columns in a payload have no effect."""
        save.keep(*COMPUTED)
        if save.old is None:
            save.new.update(dict.fromkeys(COMPUTED, None))

    def currency(self, save: Save) -> None:
        """See :func:`with_currency`."""
        key = save.new[self._id(save.org)]
        with_currency(save, lambda: bool(self.lines(save.org, key)), self.currency_code)

    def refuse_read_only(self, save: Save) -> None:
        """A document that is read-only takes no change but of its state."""
        old, org = save.old, save.org
        if old is None or org.lays_out or not set(save.changes) - STATE_COLUMNS - {self._id(org)}:
            return
        if self.read_only(org, old):
            raise refuse("0x8004022e", "The object cannot be updated because it is read-only.")

    def saved(self, save: Save) -> None:
        """Lines follow their document: its state, its price lock, and prices of its price list if that is another now."""
        org, new, old = save.org, save.new, save.old
        key = new[self._id(org)]
        if old is not None:
            mirrors = any(save.changed(name) for name in ("statecode", "ispricelocked"))
            reprices = save.changed("_pricelevelid_value") and not new.get("ispricelocked")
            for line in self.lines(org, key) if mirrors or reprices else ():
                follower = dict(line)
                if reprices:
                    self.price_line(org, new, follower)
                self._mirror(new, follower)
                put_derived(org, self.line, follower)
        org.store.at_end(("totals", key), lambda: self.add_up(org, key, touch=False))

    def drop_lines(self, org: Org, row: Row) -> None:
        """Lines go with their document."""
        drop_rows(org, self.line, self.parent, row[self._id(org)])

    def _id(self, org: Org) -> str:
        return org.tables[self.header].primary_id

    def add_up(self, org: Org, key: str, *, touch: bool) -> None:
        """Compute the header from its lines; `touch` moves its stamp, as a change of a line does (by a switch).

        The discount by percentage is taken from the lines' sum; ``totaldiscountamount`` holds the lines' manual discounts
        as well as the header's own, so it is not what turns one header amount into the next.
        """
        document = org.store.get(self.header, key)
        if document is None:
            return
        total = self._totals(org, document)
        if touch and org.switches.line_changes_touch_order:
            total["modifiedon"] = org.now_text()
        elif all(document.get(name) == value for name, value in total.items()):
            return
        row = {**document, **total}
        settle_money(org, org.tables[self.header], row)
        put_derived(org, self.header, row)

    def _totals(self, org: Org, document: Row) -> dict[str, Any]:
        lines = self.lines(org, document[self._id(org)])
        places = precision_of(org, document[CURRENCY])
        tax = sum((amount_of(line, "tax") for line in lines), Decimal())
        net = sum((amount_of(line, "extendedamount") for line in lines), Decimal()) - tax
        on_lines = sum((manual_discount(org, line) for line in lines), Decimal())
        by_rate = rounded(net * amount_of(document, "discountpercentage") / 100, places)
        on_header = by_rate + rounded(amount_of(document, "discountamount"), places)
        freight = rounded(amount_of(document, "freightamount"), places)
        totals: dict[str, Any] = {
            "totallineitemamount": net,
            "totallineitemdiscountamount": on_lines,
            "totaldiscountamount": on_lines + on_header,
            "totalamountlessfreight": net - on_header,
            "totaltax": tax,
            "totalamount": net - on_header + freight + tax,
            "pricingerrorcode": _header_error(org, document, lines),
        }
        if document.get("isrevenuesystemcalculated") is True:
            totals["estimatedvalue"] = totals["totalamount"]
        return totals

    # -- lines -----------------------------------------------------------------------------------------------------

    def save_line(self, save: Save) -> None:
        """Check a line, give it what it has from its document and product, and price it."""
        new, org = save.new, save.org
        save.keep(self.parent)
        document = save.linked(self.parent, self.header)
        if document is None:
            raise missing(self.line, self.parent.removeprefix("_").removesuffix("_value"))
        self._check_parent(org, document)
        for name in ("isproductoverridden", "ispriceoverridden"):
            new[name] = bool(new.get(name))
        if new["isproductoverridden"]:
            self._write_in(save)
        else:
            self._existing(save)
        self._mirror(document, new)
        self._number_line(save)
        self.price_line(org, document, new)

    def line_saved(self, save: Save) -> None:
        """The header is added up anew."""
        org, key = save.org, save.new[self.parent]
        org.store.at_end(("totals", key), lambda: self.add_up(org, key, touch=True))

    def check_line_parent(self, org: Org, row: Row) -> None:
        """A line of a read-only document stays."""
        document = org.store.get(self.header, row[self.parent])
        if document is not None:
            self._check_parent(org, document)

    def line_deleted(self, org: Org, row: Row) -> None:
        """The header is added up anew."""
        key = row[self.parent]
        org.store.at_end(("totals", key), lambda: self.add_up(org, key, touch=True))

    def _check_parent(self, org: Org, document: Row) -> None:
        """Lines of a document that is read-only cannot be written (which of two codes answers is an assumption)."""
        if not org.lays_out and self.read_only(org, document):
            raise refuse("0x80043b09", "The parent is read only and cannot be edited.")

    def _write_in(self, save: Save) -> None:
        new = save.new
        if new.get("_productid_value") is not None:
            raise refuse("0x80043afb", _both("productid"))
        if new.get("_uomid_value") is not None:
            raise refuse("0x80043afa", _both("uomid"))
        if not new.get("productdescription"):
            raise missing(self.line, "productdescription")
        self._name_line(save, None, new["productdescription"])

    def _name_line(self, save: Save, number: Any, name: Any) -> None:
        if "productnumber" in save.table.columns:
            save.new["productnumber"] = number
        save.new[self.line_name] = name

    def _existing(self, save: Save) -> None:
        new = save.new
        product = save.linked("_productid_value", "product")
        if product is None:
            raise refuse("0x80043b11", "The product id is missing.")
        if save.changed("_productid_value"):
            _check_sellable(product)
        check_unit(save, product)
        quantity = new.get("quantity")
        if quantity is not None and quantity != rounded(quantity, product["quantitydecimal"]):
            raise refuse("0x80043b07", "The number of decimal places on the quantity is invalid.")
        self._name_line(save, product["productnumber"], product.get("name"))
        new["productname"] = product.get("name")

    def _mirror(self, document: Mapping[str, Any], line: dict[str, Any]) -> None:
        line[CURRENCY] = document[CURRENCY]
        line[self.line_state] = document["statecode"]
        if self.header == "salesorder":
            line["salesorderispricelocked"] = document["ispricelocked"]
        line["_ownerid_value"] = document.get("_ownerid_value")

    def _number_line(self, save: Save) -> None:
        """A line without a number comes last (an assumption)."""
        if save.new.get("lineitemnumber") is None:
            others = self.lines(save.org, save.new[self.parent])
            save.new["lineitemnumber"] = 1 + max((line.get("lineitemnumber") or 0 for line in others), default=0)

    def price_line(self, org: Org, document: Mapping[str, Any], line: dict[str, Any]) -> None:
        """Price per unit, amounts and pricing error of a line; a price list without the product is no refusal.

        The price of an existing product comes from the price list of the document unless it is overridden or prices are
        locked; then, as for a write-in, it is what the line says.
        """
        places = precision_of(org, document[CURRENCY])
        error = NO_ERROR
        own_price = line["isproductoverridden"] or line["ispriceoverridden"] or document.get("ispricelocked")
        if not own_price:
            line["priceperunit"], error = _list_price(org, document, line)
        elif line.get("priceperunit") is None:
            error = MISSING_PRICE
        if error == NO_ERROR and line.get("quantity") is None:
            error = MISSING_QUANTITY
        for name in ("priceperunit", "manualdiscountamount", "tax"):
            if line.get(name) is not None:
                line[name] = rounded(line[name], places)
        line["volumediscountamount"] = None
        line["baseamount"] = rounded(amount_of(line, "priceperunit") * amount_of(line, "quantity"), places)
        line["extendedamount"] = line["baseamount"] - manual_discount(org, line) + amount_of(line, "tax")
        line["pricingerrorcode"] = error
        settle_money(org, org.tables[self.line], line)


def manual_discount(org: Org, line: Mapping[str, Any]) -> Decimal:
    """A line's own discount as an amount; an org may be set to take it per unit."""
    discount = amount_of(line, "manualdiscountamount")
    if not org.switches.discount_is_per_unit:
        return discount
    return rounded(discount * amount_of(line, "quantity"), precision_of(org, line.get(CURRENCY)))


def _header_error(org: Org, document: Row, lines: list[Row]) -> int:
    price_list = org.store.get("pricelevel", document.get("_pricelevelid_value") or "")
    if any(line.get("pricingerrorcode") for line in lines):
        return DETAIL_ERROR
    return INACTIVE_PRICE_LIST if price_list is not None and price_list["statecode"] != 0 else NO_ERROR


def _both(name: str) -> str:
    return f"You cannot set both '{name}' and 'productdescription' for the same record."


def _check_sellable(product: Row) -> None:
    if product["productstructure"] == FAMILY:
        raise refuse("0x80060623", "You can't add a product family.")
    if product["statecode"] not in (PRODUCT_ACTIVE, UNDER_REVISION):
        raise refuse("0x8004f908", "You can only add Active products.")


def _list_price(org: Org, document: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[Decimal | None, int]:
    price_list = document.get("_pricelevelid_value")
    if price_list is None:
        return None, MISSING_PRICE_LIST
    found = find_price(org, price_list, line["_productid_value"], line["_uomid_value"])
    return (None, NOT_IN_PRICE_LIST) if found is None else (found["amount"], NO_ERROR)
