"""Rules of sales orders and their lines: states, who may still be changed, price calculation, totals.

Amounts follow the system price calculation of Dynamics 365 Sales: ``baseamount = priceperunit * quantity``,
``extendedamount = baseamount - volume discount * quantity - manual discount + tax``, and a header that adds up its lines
without tax, takes its own discounts, and adds freight and tax. Every amount is rounded to the currency's precision.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    TableRules,
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

ACTIVE, SUBMITTED, CANCELED, FULFILLED, INVOICED = range(5)
"""States of an order."""
BY_PATCH: Final = frozenset({(ACTIVE, SUBMITTED), (SUBMITTED, ACTIVE)})
BY_MESSAGE: Final[Mapping[str, tuple[frozenset[int], int]]] = {
    "CancelSalesOrder": (frozenset({ACTIVE, SUBMITTED}), CANCELED),
    "FulfillSalesOrder": (frozenset({ACTIVE, SUBMITTED}), FULFILLED),
    "ConvertSalesOrderToInvoice": (frozenset({ACTIVE, SUBMITTED, FULFILLED}), INVOICED),
}
"""Message -> (states it takes an order from, state it leaves it in). From which states is an assumption."""

NO_ERROR, DETAIL_ERROR, MISSING_PRICE_LIST, INACTIVE_PRICE_LIST, MISSING_QUANTITY, MISSING_PRICE = range(6)
NOT_IN_PRICE_LIST: Final = 11
_COMPUTED: Final = (
    "totallineitemamount",
    "totallineitemdiscountamount",
    "totaldiscountamount",
    "totalamountlessfreight",
    "totaltax",
    "totalamount",
)


# -- the header --------------------------------------------------------------------------------------------------


def _order_header(save: Save) -> None:
    """Number, customer and currency of an order; computed columns in a payload have no effect."""
    new, org = save.new, save.org
    save.keep("ordernumber", *_COMPUTED)
    if save.old is None:
        new.update(dict.fromkeys(_COMPUTED, None))
        new["ordernumber"] = new.get("ordernumber") or org.next_order_number()
        _check_number(save)
    if new.get("ispricelocked") is None:
        new["ispricelocked"] = False
    customer, table = new.get("_customerid_value"), new.get("_customerid_value@table")
    new["_accountid_value"] = customer if table == "account" else None
    new["_contactid_value"] = customer if table == "contact" else None
    _order_currency(save)


def _check_number(save: Save) -> None:
    """Order numbers are unique (an assumption: a unique index refuses the second)."""
    if save.org.store.rows("salesorder").ids_with("ordernumber", (save.new["ordernumber"].casefold(),)):
        raise refuse("0x80040237", "Cannot insert duplicate key.", status=412)


def _order_currency(save: Save) -> None:
    """An order is in the currency of its price list, and keeps it while it has lines."""
    new, org = save.new, save.org
    price_list = save.linked("_pricelevelid_value", "pricelevel")
    if price_list is not None and new.get(CURRENCY) is None:
        new[CURRENCY] = price_list[CURRENCY]
    if new.get(CURRENCY) is None:
        new[CURRENCY] = org.base_currency_id
    if price_list is not None and new[CURRENCY] != price_list[CURRENCY]:
        raise refuse("0x80048cf6", "The currency of the record does not match the currency of the price list.")
    if save.old is not None and save.changed(CURRENCY) and _lines(org, new["salesorderid"]):
        raise refuse(
            "0x80048cea", "The currency of the order does not match the currency of the products it already has."
        )


def _order_state(save: Save) -> None:
    """Final orders take no change at all; the way into a final state is a message, not an update."""
    old, new, org = save.old, save.new, save.org
    if old is None or org.lays_out:
        return
    before, after = old["statecode"], new["statecode"]
    if before != after:
        allowed_from, target = BY_MESSAGE.get(org.message, (frozenset(), None))
        if (before, after) not in BY_PATCH and not (before in allowed_from and after == target):
            raise refuse("0x80040233", "The object is not in a valid state to perform this operation.")
    elif is_read_only(org, old) and set(save.changes) - STATE_COLUMNS:
        raise refuse("0x8004022e", "The object cannot be updated because it is read-only.")


def message_to(state: int | None) -> str:
    """The message that leads to a state; empty for a state that an update reaches."""
    return next((message for message, (_, target) in BY_MESSAGE.items() if target == state), "")


def is_read_only(org: Org, order: Row) -> bool:
    """True for an order whose header takes no update: the final states, and Submitted by a switch."""
    return order["statecode"] not in (ACTIVE, SUBMITTED) or (
        order["statecode"] == SUBMITTED and not org.switches.submitted_orders_are_editable
    )


def _order_saved(save: Save) -> None:
    """Lines follow their order: its state, its price lock, and prices of its price list if that is another now."""
    org, new, old = save.org, save.new, save.old
    key = new["salesorderid"]
    if old is not None:
        mirrors = any(save.changed(name) for name in ("statecode", "ispricelocked"))
        reprices = save.changed("_pricelevelid_value") and not new["ispricelocked"]
        for line in _lines(org, key) if mirrors or reprices else ():
            follower = dict(line)
            if reprices:
                price_line(org, new, follower)
            _mirror(new, follower)
            put_derived(org, "salesorderdetail", follower)
    org.store.at_end(("totals", key), lambda: add_up(org, key, touch=False))


def _keep_final_order(_org: Org, row: Row) -> None:
    if row["statecode"] not in (ACTIVE, SUBMITTED):
        raise refuse("0x80040228", "The object cannot be deleted because it is read-only.")


def _drop_lines(org: Org, row: Row) -> None:
    drop_rows(org, "salesorderdetail", "_salesorderid_value", row["salesorderid"])


def _lines(org: Org, key: str) -> list[Row]:
    return with_value(org, "salesorderdetail", "_salesorderid_value", key)


def add_up(org: Org, key: str, *, touch: bool) -> None:
    """Compute the header from its lines; `touch` moves its stamp, as a change of a line does (by a switch).

    The discount by percentage is taken from the lines' sum; ``totaldiscountamount`` holds the lines' manual discounts
    as well as the header's own, so it is not what turns one header amount into the next.
    """
    order = org.store.get("salesorder", key)
    if order is None:
        return
    lines = _lines(org, key)
    places = precision_of(org, order[CURRENCY])
    tax = sum((amount_of(line, "tax") for line in lines), Decimal())
    net = sum((amount_of(line, "extendedamount") for line in lines), Decimal()) - tax
    on_lines = sum((_manual_discount(org, line) for line in lines), Decimal())
    by_rate = rounded(net * amount_of(order, "discountpercentage") / 100, places)
    on_header = by_rate + rounded(amount_of(order, "discountamount"), places)
    freight = rounded(amount_of(order, "freightamount"), places)
    total = {
        "totallineitemamount": net,
        "totallineitemdiscountamount": on_lines,
        "totaldiscountamount": on_lines + on_header,
        "totalamountlessfreight": net - on_header,
        "totaltax": tax,
        "totalamount": net - on_header + freight + tax,
        "pricingerrorcode": _header_error(org, order, lines),
    }
    if touch and org.switches.line_changes_touch_order:
        total["modifiedon"] = org.now_text()
    elif all(order.get(name) == value for name, value in total.items()):
        return
    row = {**order, **total}
    settle_money(org, org.tables["salesorder"], row)
    put_derived(org, "salesorder", row)


def _header_error(org: Org, order: Row, lines: list[Row]) -> int:
    price_list = org.store.get("pricelevel", order.get("_pricelevelid_value") or "")
    if any(line.get("pricingerrorcode") for line in lines):
        return DETAIL_ERROR
    return INACTIVE_PRICE_LIST if price_list is not None and price_list["statecode"] != 0 else NO_ERROR


def _manual_discount(org: Org, line: Mapping[str, Any]) -> Decimal:
    """A line's own discount as an amount; an org may be set to take it per unit."""
    discount = amount_of(line, "manualdiscountamount")
    if not org.switches.discount_is_per_unit:
        return discount
    return rounded(discount * amount_of(line, "quantity"), precision_of(org, line.get(CURRENCY)))


# -- the lines ---------------------------------------------------------------------------------------------------


def _line(save: Save) -> None:
    """Check a line, give it what it has from its order and product, and price it."""
    new, org = save.new, save.org
    save.keep("_salesorderid_value")
    order = save.linked("_salesorderid_value", "salesorder")
    if order is None:
        raise missing("salesorderdetail", "salesorderid")
    _check_parent(org, order)
    for name in ("isproductoverridden", "ispriceoverridden"):
        new[name] = bool(new.get(name))
    if new["isproductoverridden"]:
        _write_in(save)
    else:
        _existing(save)
    _mirror(order, new)
    _number_line(save)
    price_line(org, order, new)


def _check_parent(org: Org, order: Row) -> None:
    """Lines of an order that is read-only cannot be written (which of two codes answers is an assumption)."""
    if not org.lays_out and is_read_only(org, order):
        raise refuse("0x80043b09", "The parent is read only and cannot be edited.")


def _write_in(save: Save) -> None:
    new = save.new
    if new.get("_productid_value") is not None:
        raise refuse("0x80043afb", _both("productid"))
    if new.get("_uomid_value") is not None:
        raise refuse("0x80043afa", _both("uomid"))
    if not new.get("productdescription"):
        raise missing("salesorderdetail", "productdescription")
    new["productnumber"], new["salesorderdetailname"] = None, new["productdescription"]


def _both(name: str) -> str:
    return f"You cannot set both '{name}' and 'productdescription' for the same record."


def _existing(save: Save) -> None:
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
    new["productnumber"] = product["productnumber"]
    new["productname"] = new["salesorderdetailname"] = product.get("name")


def _check_sellable(product: Row) -> None:
    if product["productstructure"] == FAMILY:
        raise refuse("0x80060623", "You can't add a product family.")
    if product["statecode"] not in (PRODUCT_ACTIVE, UNDER_REVISION):
        raise refuse("0x8004f908", "You can only add Active products.")


def _mirror(order: Mapping[str, Any], line: dict[str, Any]) -> None:
    line[CURRENCY] = order[CURRENCY]
    line["salesorderstatecode"] = order["statecode"]
    line["salesorderispricelocked"] = order["ispricelocked"]
    line["_ownerid_value"] = order.get("_ownerid_value")


def _number_line(save: Save) -> None:
    """A line without a number comes last (an assumption)."""
    if save.new.get("lineitemnumber") is None:
        others = _lines(save.org, save.new["_salesorderid_value"])
        save.new["lineitemnumber"] = 1 + max((line.get("lineitemnumber") or 0 for line in others), default=0)


def price_line(org: Org, order: Mapping[str, Any], line: dict[str, Any]) -> None:
    """Price per unit, amounts and pricing error of a line; a price list without the product is no refusal.

    The price of an existing product comes from the price list of the order unless it is overridden or prices are
    locked; then, as for a write-in, it is what the line says.
    """
    places = precision_of(org, order[CURRENCY])
    error = NO_ERROR
    own_price = line["isproductoverridden"] or line["ispriceoverridden"] or order["ispricelocked"]
    if not own_price:
        line["priceperunit"], error = _list_price(org, order, line)
    elif line.get("priceperunit") is None:
        error = MISSING_PRICE
    if error == NO_ERROR and line.get("quantity") is None:
        error = MISSING_QUANTITY
    for name in ("priceperunit", "manualdiscountamount", "tax"):
        if line.get(name) is not None:
            line[name] = rounded(line[name], places)
    line["volumediscountamount"] = None
    line["baseamount"] = rounded(amount_of(line, "priceperunit") * amount_of(line, "quantity"), places)
    line["extendedamount"] = line["baseamount"] - _manual_discount(org, line) + amount_of(line, "tax")
    line["pricingerrorcode"] = error
    settle_money(org, org.tables["salesorderdetail"], line)


def _list_price(org: Org, order: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[Decimal | None, int]:
    price_list = order.get("_pricelevelid_value")
    if price_list is None:
        return None, MISSING_PRICE_LIST
    found = find_price(org, price_list, line["_productid_value"], line["_uomid_value"])
    return (None, NOT_IN_PRICE_LIST) if found is None else (found["amount"], NO_ERROR)


def _line_saved(save: Save) -> None:
    org, key = save.org, save.new["_salesorderid_value"]
    org.store.at_end(("totals", key), lambda: add_up(org, key, touch=True))


def _check_parent_of(org: Org, row: Row) -> None:
    order = org.store.get("salesorder", row["_salesorderid_value"])
    if order is not None:
        _check_parent(org, order)


def _line_deleted(org: Org, row: Row) -> None:
    key = row["_salesorderid_value"]
    org.store.at_end(("totals", key), lambda: add_up(org, key, touch=True))


ORDER_RULES: Final[Mapping[str, TableRules]] = {
    "salesorder": TableRules(
        save=(_order_state, _order_header),
        saved=(_order_saved,),
        delete=(_keep_final_order,),
        deleted=(_drop_lines,),
        state_on_create=False,
    ),
    "salesorderdetail": TableRules(
        save=(_line,), saved=(_line_saved,), delete=(_check_parent_of,), deleted=(_line_deleted,)
    ),
}
