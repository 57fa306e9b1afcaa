"""Rules of the lines of orders, quotes and opportunities: what a line may be, what it has from others, its price."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from local.simulators.dataverse.catalog_rules import ACTIVE, FAMILY, UNDER_REVISION, check_unit
from local.simulators.dataverse.documents import Document
from local.simulators.dataverse.org import Org
from local.simulators.dataverse.pricing import add_up, price_line
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import CURRENCY, Save, TableRules, missing, refuse
from local.simulators.dataverse.values import rounded


def line_rules(document: Document) -> TableRules:
    """The rules of one table of lines."""
    return TableRules(
        save=(partial(_line, document),),
        saved=(partial(_line_saved, document),),
        delete=(partial(_check_parent_of, document),),
        deleted=(partial(_add_up_later, document),),
    )


def mirror(org: Org, document: Document, header: Mapping[str, Any], line: dict[str, Any]) -> None:
    """Give a line what it shows of its header."""
    line[CURRENCY] = header[CURRENCY]
    line[document.state_mirror] = header["statecode"]
    line["_ownerid_value"] = header.get("_ownerid_value")
    if document.lock_mirror in org.tables[document.line].columns:
        line[document.lock_mirror] = header["ispricelocked"]


def _line(document: Document, save: Save) -> None:
    """Check a line, give it what it has from its header and product, and price it."""
    new, org = save.new, save.org
    save.keep(document.parent)
    header = save.linked(document.parent, document.header)
    if header is None:
        raise missing(document.line, document.key)
    _check_parent(org, document, header)
    for name in ("isproductoverridden", "ispriceoverridden"):
        new[name] = bool(new.get(name))
    if new["isproductoverridden"]:
        _write_in(document, save)
    else:
        _existing(document, save)
    mirror(org, document, header, new)
    _number_line(document, save)
    price_line(org, document, header, new)


def _check_parent(org: Org, document: Document, header: Row) -> None:
    """Lines of a read-only header cannot be written (which of two codes answers is an assumption)."""
    if not org.lays_out and not document.editable(org, header):
        raise refuse("0x80043b09", "The parent is read only and cannot be edited.")


def _write_in(document: Document, save: Save) -> None:
    new = save.new
    if new.get("_productid_value") is not None:
        raise refuse("0x80043afb", _both("productid"))
    if new.get("_uomid_value") is not None:
        raise refuse("0x80043afa", _both("uomid"))
    if not new.get("productdescription"):
        raise missing(document.line, "productdescription")
    _name(document, save, None, new["productdescription"])


def _both(name: str) -> str:
    return f"You cannot set both '{name}' and 'productdescription' for the same record."


def _name(document: Document, save: Save, number: str | None, name: str | None) -> None:
    """Number and name of what is sold; opportunity lines show no number."""
    if "productnumber" in save.table.columns:
        save.new["productnumber"] = number
    save.new[document.line_name] = name


def _existing(document: Document, save: Save) -> None:
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
    new["productname"] = product.get("name")
    _name(document, save, product["productnumber"], product.get("name"))


def _check_sellable(product: Row) -> None:
    if product["productstructure"] == FAMILY:
        raise refuse("0x80060623", "You can't add a product family.")
    if product["statecode"] not in (ACTIVE, UNDER_REVISION):
        raise refuse("0x8004f908", "You can only add Active products.")


def _number_line(document: Document, save: Save) -> None:
    """A line without a number comes last (an assumption)."""
    if save.new.get("lineitemnumber") is None:
        others = document.lines(save.org, save.new[document.parent])
        save.new["lineitemnumber"] = 1 + max((line.get("lineitemnumber") or 0 for line in others), default=0)


def _line_saved(document: Document, save: Save) -> None:
    _add_up_later(document, save.org, save.new)


def _check_parent_of(document: Document, org: Org, row: Row) -> None:
    header = org.store.get(document.header, row[document.parent])
    if header is not None:
        _check_parent(org, document, header)


def _add_up_later(document: Document, org: Org, row: Row) -> None:
    """Totals come once, at the end of the transaction, however many lines it writes."""
    key = row[document.parent]
    org.store.at_end(("totals", key), lambda: add_up(org, document, key, touch=True))
