"""Items: groups, units, tax, serial and batch management, prices, stock per warehouse."""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Collection, SetRules, must_exist
from local.simulators.service_layer.rules.money import exact, number
from local.simulators.service_layer.rules.prices import Prices, complete_prices
from local.simulators.service_layer.store import Row

MANUAL_UNITS = -1
"""UoMGroupEntry of items without a unit group; their units are free text."""
_DEFAULTS: dict[str, Any] = {
    "ItemType": "itItems",
    "InventoryItem": "tYES",
    "SalesItem": "tYES",
    "PurchaseItem": "tYES",
    "ManageSerialNumbers": "tNO",
    "ManageBatchNumbers": "tNO",
    "VatLiable": "tYES",
    "Valid": "tYES",
    "Frozen": "tNO",
    "Manufacturer": -1,
    "UoMGroupEntry": MANUAL_UNITS,
}
_REFERENCES = (
    ("UnitOfMeasurementGroups", "UoMGroupEntry", "OITM.UgpEntry"),
    ("VatGroups", "SalesVATGroup", "OITM.VatGourpSa"),
    ("SalesTaxCodes", "ArTaxCode", "OITM.TaxCodeAR"),
    ("Warehouses", "DefaultWarehouse", "OITM.DfltWH"),
)


class ItemRules(SetRules):
    """Rules of the set."""

    read_only: ClassVar[frozenset[str]] = frozenset(
        {"QuantityOnStock", "QuantityOrderedFromVendors", "QuantityOrderedByCustomers", "AvgStdPrice"}
    )
    collections: ClassVar[Mapping[str, Collection]] = {
        "ItemPrices": Prices(),
        "ItemWarehouseInfoCollection": Collection("WarehouseCode"),
        "ItemUnitOfMeasurementCollection": Collection("UoMType", "UoMEntry"),
        "ItemBarCodeCollection": Collection("AbsEntry"),
    }

    def prepare(self, company: Company, draft: Row, node: str | None) -> None:
        """The company's defaults; the first item group."""
        for name, value in _DEFAULTS.items():
            if draft.get(name) is None:
                draft[name] = value
        if draft.get("ItemsGroupCode") is None:
            first = next(iter(company.store.tables["ItemGroups"].scan()), {})
            draft["ItemsGroupCode"] = first.get("Number")

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """References exist, an item is not managed both ways; prices and warehouses are complete."""
        if row.get("ItemsGroupCode") is None:
            raise errors.rule("OITM.ItmsGrpCod", "Invalid item group")
        must_exist(company, "ItemGroups", row["ItemsGroupCode"], "OITM.ItmsGrpCod")
        for entity_set, name, field in _REFERENCES:
            must_exist(company, entity_set, row.get(name), field)
        if row.get("ManageSerialNumbers") == "tYES" and row.get("ManageBatchNumbers") == "tYES":
            raise errors.rule("OITM.ManSerNum", "An item is managed by serial numbers or by batches, not by both")
        stock = _stock_rows(company, row)
        return {
            **row,
            "ItemPrices": complete_prices(company, row),
            "ItemWarehouseInfoCollection": stock,
            "QuantityOnStock": number(sum((exact(each.get("InStock")) for each in stock), exact(0))),
        }

    def kept_stamps(self, company: Company, changes: Row, *, by_user: bool) -> frozenset[str]:
        """An edit of prices alone moves no change stamp, and in SAP's price list window not even the version."""
        if not set(changes) <= {"ItemCode", "ItemPrices"}:
            return frozenset()
        if by_user:
            return frozenset({"UpdateDate", "UpdateTime", "DataVersion"})
        return frozenset() if company.switches.price_edits_move_stamps else frozenset({"UpdateDate", "UpdateTime"})

    def duplicate(self, draft: Row, key: Sequence[str]) -> errors.SapError:
        """SAP's text for an item code in use."""
        return errors.item_exists(draft["ItemCode"])


def _stock_rows(company: Company, item: Row) -> list[Row]:
    """A row for every warehouse, in the order of the warehouses."""
    present = {row.get("WarehouseCode"): row for row in item.get("ItemWarehouseInfoCollection", ())}
    codes = [row["WarehouseCode"] for row in company.store.tables["Warehouses"].scan()]
    for line, code in enumerate(present, 1):
        must_exist(company, "Warehouses", code or "", "OITW.WhsCode", line)
    empty = {"InStock": 0.0, "Committed": 0.0, "Ordered": 0.0, "Locked": "tNO"}
    return [{**empty, **present.get(code, {}), "WarehouseCode": code, "ItemCode": item["ItemCode"]} for code in codes]
