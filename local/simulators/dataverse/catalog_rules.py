"""Rules of the product catalog: unit groups, units, price lists, products, price list items.

Codes and messages are those of Microsoft's table of web service error codes; which of them answers a missing value on a
create is inferred from their names.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from local.simulators.dataverse.org import Org
from local.simulators.dataverse.store import Row
from local.simulators.dataverse.table_rules import (
    CURRENCY,
    Save,
    TableRules,
    amount_of,
    drop_rows,
    in_use,
    missing,
    put_derived,
    refuse,
    with_value,
)
from local.simulators.dataverse.wire import DataverseError

ACTIVE, RETIRED, DRAFT, UNDER_REVISION = 0, 1, 2, 3
"""States of a product."""
FAMILY: Final = 2
CURRENCY_AMOUNT: Final = 1


# -- unit groups and units ---------------------------------------------------------------------------------------


def _unit_group(save: Save) -> None:
    """A unit group is made with the name of its base unit, which does not change through it afterwards."""
    if not save.new.get("name"):
        raise missing("uomschedule", "name")
    if save.old is None and not save.new.get("baseuomname"):
        raise refuse("0x80043810", "baseuomname not specified")
    save.keep("baseuomname")


def _make_base_unit(save: Save) -> None:
    """The base unit comes into being with its group."""
    if save.old is not None:
        return
    group, org = save.new, save.org
    table = org.tables["uom"]
    stamps = {name: group[name] for name in ("createdon", "modifiedon")}
    users = dict.fromkeys(("_createdby_value", "_modifiedby_value"), org.user_id)
    values = {
        "uomid": str(uuid.uuid4()),
        "name": group["baseuomname"],
        "_uomscheduleid_value": group["uomscheduleid"],
        "_baseuom_value": None,
        "quantity": Decimal(1),
        "isschedulebaseuom": True,
    }
    put_derived(org, "uom", {**table.defaults, **stamps, **users, **values})


def _unit(save: Save) -> None:
    """A unit is so many of another unit of its group; the base unit is one of itself, and names are unique there."""
    new, org = save.new, save.org
    new["isschedulebaseuom"] = is_base = bool(save.old and save.old.get("isschedulebaseuom"))
    if new.get("_uomscheduleid_value") is None:
        raise refuse("0x80043b0a", "The unit schedule id is missing.")
    if not new.get("name"):
        raise missing("uom", "name")
    save.keep("_uomscheduleid_value")
    if is_base:
        if new.get("_baseuom_value") is not None:
            raise refuse(
                "0x80043b17",
                "Do not use a base unit as the value for a primary unit. This value should always be null.",
            )
        if save.changed("quantity"):
            raise refuse("0x80043b18", "Do not modify the Quantity field when you update the primary unit.")
    else:
        _check_base(save)
    for other in with_value(org, "uom", "_uomscheduleid_value", new["_uomscheduleid_value"]):
        if other["uomid"] != new["uomid"] and other["name"].casefold() == new["name"].casefold():
            raise refuse("0x80043b0f", "The name already exists.")


def _check_base(save: Save) -> None:
    base = save.linked("_baseuom_value", "uom")
    if base is None:
        raise refuse("0x80043b1c", "The base unit does not exist.")
    if base["_uomscheduleid_value"] != save.new["_uomscheduleid_value"] or base["uomid"] == save.new["uomid"]:
        raise refuse("0x80043b0b", "The base unit does not belong to the schedule.")
    if amount_of(save.new, "quantity") <= 0:
        raise missing("uom", "quantity")


def _keep_used_unit(org: Org, row: Row) -> None:
    if row.get("isschedulebaseuom"):
        raise refuse("0x80043b03", "The base unit of a schedule cannot be deleted.")
    users = (("uom", "_baseuom_value"), ("product", "_defaultuomid_value"), *_UNIT_USERS)
    if any(with_value(org, table, name, row["uomid"]) for table, name in users):
        raise in_use()


_LINES: Final = ("opportunityproduct", "quotedetail", "salesorderdetail")
_PRICED: Final = ("opportunity", "quote", "salesorder")
_UNIT_USERS: Final = tuple((table, "_uomid_value") for table in ("productpricelevel", *_LINES))


def _keep_used_group(org: Org, row: Row) -> None:
    if with_value(org, "product", "_defaultuomscheduleid_value", row["uomscheduleid"]):
        raise in_use()


def _drop_units(org: Org, row: Row) -> None:
    drop_rows(org, "uom", "_uomscheduleid_value", row["uomscheduleid"])


# -- price lists -------------------------------------------------------------------------------------------------


def _price_list(save: Save) -> None:
    """A price list has one currency for good once it has prices (which code says so is an assumption)."""
    new, org = save.new, save.org
    if not new.get("name"):
        raise refuse("0x80043b0e", "The name can not be null.")
    if new.get(CURRENCY) is None:
        new[CURRENCY] = org.base_currency_id
    if save.old is None:
        return
    key = new["pricelevelid"]
    if save.changed(CURRENCY) and _has_users(org, key, "productpricelevel", *_PRICED):
        raise _currency_differs("price list", "price list item")
    if new["statecode"] != 0 and save.changed("statecode") and with_value(org, "product", "_pricelevelid_value", key):
        raise _default_price_list("deactivated")


def _has_users(org: Org, key: str, *tables: str) -> bool:
    return any(with_value(org, table, "_pricelevelid_value", key) for table in tables)


def _default_price_list(done: str) -> DataverseError:
    return refuse(
        "0x80043b04",
        f"The price level cannot be {done} because it is the default price level of an account, contact or product.",
    )


def _currency_differs(first: str, second: str) -> DataverseError:
    return refuse("0x80048cea", f"The currency of the {first} does not match the currency of the {second}.")


def _keep_used_price_list(org: Org, row: Row) -> None:
    key = row["pricelevelid"]
    if with_value(org, "product", "_pricelevelid_value", key) or with_value(
        org, "account", "_defaultpricelevelid_value", key
    ):
        raise _default_price_list("deleted")
    if _has_users(org, key, *_PRICED):
        raise in_use()


def _drop_prices_of_list(org: Org, row: Row) -> None:
    drop_rows(org, "productpricelevel", "_pricelevelid_value", row["pricelevelid"])


# -- products ----------------------------------------------------------------------------------------------------

TRANSITIONS: Final[Mapping[tuple[int, int], tuple[str, str] | None]] = {
    (DRAFT, ACTIVE): None,
    (UNDER_REVISION, ACTIVE): None,
    (ACTIVE, UNDER_REVISION): None,
    (ACTIVE, RETIRED): None,
    (UNDER_REVISION, RETIRED): None,
    (DRAFT, RETIRED): ("0x8004f978", "You can't retire a product that's in the draft state."),
    (DRAFT, UNDER_REVISION): ("0x8004f913", "You can't revise a draft or a retired product."),
    (RETIRED, UNDER_REVISION): ("0x8004f913", "You can't revise a draft or a retired product."),
    (ACTIVE, DRAFT): ("0x8004f912", "You can't set a published product to the draft state."),
    (UNDER_REVISION, DRAFT): ("0x8004f912", "You can't set a published product to the draft state."),
    (RETIRED, DRAFT): ("0x80061035", "You can't set a published or retired product record to the draft state."),
    (RETIRED, ACTIVE): (
        "0x8004f90a",
        "The specified ProductFamily, Product or Bundle can only be published from Draft state or ActiveDraft status",
    ),
}
"""What a change of state is answered with; None allows it. Allowed pairs without a source are those the states imply."""


def _product_number(save: Save) -> None:
    number = save.new.get("productnumber")
    if not number:
        raise refuse("0x80043b05", "The product number can not be null.")
    others = save.org.store.rows("product").ids_with("productnumber", (number.casefold(),))
    if others - {save.new["productid"]}:
        raise refuse(
            "0x80043b06",
            "The specified product ID conflicts with the product ID of an existing record. Specify a different "
            "product ID and try again.",
        )


def _product_units(save: Save) -> None:
    """Everything that can be sold has a unit group and a default unit of it."""
    new = save.new
    save.keep("productstructure")
    if new.get("productstructure") == FAMILY:
        return
    if new.get("_defaultuomscheduleid_value") is None:
        raise refuse("0x80043b0a", "The unit schedule id is missing.")
    if new.get("_defaultuomid_value") is None:
        raise refuse("0x80043b0d", "The unit id is missing.")
    unit = save.linked("_defaultuomid_value", "uom")
    if unit is None or unit["_uomscheduleid_value"] != new["_defaultuomscheduleid_value"]:
        raise refuse("0x80043b16", "The unit does not exist in the specified unit schedule.")
    if new.get("quantitydecimal") is None:
        raise refuse("0x80043b07", "The number of decimal places on the quantity is invalid.")


def _product_state(save: Save) -> None:
    if save.old is None or not save.changed("statecode"):
        return
    before, after = save.old["statecode"], save.new["statecode"]
    refusal = TRANSITIONS.get((before, after)) if not save.org.lays_out else None
    if refusal is not None:
        raise refuse(*refusal)
    if after == RETIRED:
        _check_retirement(save)
    parent = save.linked("_parentproductid_value", "product")
    if after == ACTIVE and parent is not None and parent["statecode"] == DRAFT:
        raise refuse(
            "0x8004f909", "You can't publish this record because it belongs to a product family that isn't published."
        )


def _check_retirement(save: Save) -> None:
    org = save.org
    if org.lays_out or org.switches.priced_products_can_retire:
        return
    for price in with_value(org, "productpricelevel", "_productid_value", save.new["productid"]):
        price_list = org.store.get("pricelevel", price["_pricelevelid_value"])
        if price_list is not None and price_list["statecode"] == 0:
            raise refuse(
                "0x8004f915",
                "You can't retire this product because it belongs to active bundles or price lists. Remove it from any "
                "bundles or price lists before you retire it.",
            )


def _keep_used_product(org: Org, row: Row) -> None:
    users = (*((table, "_productid_value") for table in _LINES), ("product", "_parentproductid_value"))
    if any(with_value(org, table, name, row["productid"]) for table, name in users):
        raise in_use()


def _drop_prices_of_product(org: Org, row: Row) -> None:
    drop_rows(org, "productpricelevel", "_productid_value", row["productid"])


# -- price list items --------------------------------------------------------------------------------------------


def _price(save: Save) -> None:
    """A price is of a product in one of its units, in the currency of its price list, and only once."""
    new, org = save.new, save.org
    price_list, product = save.linked("_pricelevelid_value", "pricelevel"), save.linked("_productid_value", "product")
    if price_list is None:
        raise refuse("0x80043b12", "The price level id is missing.")
    if product is None:
        raise refuse("0x80043b11", "The product id is missing.")
    check_unit(save, product)
    if product["productstructure"] == FAMILY:
        raise refuse("0x80060623", "You can't add a product family.")
    if product["statecode"] == RETIRED and save.changed("_productid_value"):
        raise refuse("0x80061009", "Retired products can not be added to pricelists.")
    if CURRENCY in save.changes and save.changes[CURRENCY] not in (None, price_list[CURRENCY]):
        raise _currency_differs("price list item", "price list")
    if new.get("pricingmethodcode") != CURRENCY_AMOUNT:
        raise refuse("0x80040203", "Only the pricing method Currency Amount is simulated.", status=501)
    if new.get("amount") is None:
        raise missing("productpricelevel", "amount")
    new[CURRENCY], new["productnumber"] = price_list[CURRENCY], product["productnumber"]
    new["_uomscheduleid_value"] = product["_defaultuomscheduleid_value"]
    found = find_price(org, new["_pricelevelid_value"], new["_productid_value"], new["_uomid_value"])
    if found is not None and found["productpricelevelid"] != new["productpricelevelid"]:
        raise refuse("0x80043b08", "This product and unit combination has a price for this price list.")


def check_unit(save: Save, product: Row) -> None:
    """Refuse a row whose unit is missing or not in the product's unit group."""
    unit = save.linked("_uomid_value", "uom")
    if unit is None:
        raise refuse("0x80043b0d", "The unit id is missing.")
    if unit["_uomscheduleid_value"] != product["_defaultuomscheduleid_value"]:
        raise refuse("0x80043b14", "The specified unit is not valid for this product.")


def find_price(org: Org, price_list: str, product: str, unit: str) -> Row | None:
    """The price list item of a product in a unit, or None."""
    for row in with_value(org, "productpricelevel", "_productid_value", product):
        if row["_pricelevelid_value"] == price_list and row["_uomid_value"] == unit:
            return row
    return None


CATALOG_RULES: Final[Mapping[str, TableRules]] = {
    "uomschedule": TableRules(
        save=(_unit_group,), saved=(_make_base_unit,), delete=(_keep_used_group,), deleted=(_drop_units,)
    ),
    "uom": TableRules(save=(_unit,), delete=(_keep_used_unit,)),
    "pricelevel": TableRules(save=(_price_list,), delete=(_keep_used_price_list, _drop_prices_of_list)),
    "product": TableRules(
        save=(_product_number, _product_units, _product_state),
        delete=(_keep_used_product, _drop_prices_of_product),
        state_on_create=False,
    ),
    "productpricelevel": TableRules(save=(_price,)),
}
