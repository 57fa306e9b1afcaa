"""Delivery notes, invoices and credit memos: posted at once, never changed; they move stock, serial numbers and batches.

Sources: service layer facts (posted documents keep all but remarks and user fields); else general Business One rules.
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Action
from local.simulators.service_layer.rules.base_documents import DELIVERY_NOTE, TAKEN
from local.simulators.service_layer.rules.documents import OrderRules
from local.simulators.service_layer.rules.money import exact, number
from local.simulators.service_layer.store import Row

_CHANGEABLE = frozenset({"Comments", "NumAtCard"})
_NOT_YET_PAID: Mapping[str, Any] = {"PaidToDate": 0.0, "PaidToDateFC": 0.0}


class PostedRules(OrderRules):
    """Rules of a kind of posted document; ``direction`` is what it does to the stock."""

    actions: ClassVar[Mapping[str, Action]] = {}

    def __init__(self, entity_set: str, code: str, direction: int, bases: frozenset[int]) -> None:
        self.entity_set, self.object_code, self._direction, self.bases = entity_set, code, direction, bases

    def destination(self, company: Company, entity_set: str) -> str:
        """Posted at once."""
        return entity_set

    def _number_it(self, company: Company, draft: Row) -> None:
        draft["DocObjectCode"] = self.object_code
        draft["Series"], draft["DocNum"] = -1, len(company.store.tables[self.entity_set].rows) + 1
        draft.update(_NOT_YET_PAID)

    def allow(self, company: Company, before: Row, changes: Row) -> None:
        """Remarks, the reference and user fields; nothing else of what is posted."""
        fixed = [name for name in changes if name not in _CHANGEABLE and not name.startswith("U_")]
        if fixed:
            raise errors.field_cannot_be_updated(f"OINV.{fixed[0]}")

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """As orders; what is managed by serial numbers or batches names them, and they are there."""
        if before is not None:
            return row
        row = super().check(company, row, before)
        for at, line in enumerate(row["DocumentLines"], 1):
            item = company.store.get("Items", line.get("ItemCode") or "")
            if item is not None and line.get("BaseType") != DELIVERY_NOTE:
                _check_numbers(item, line, at)
        return row

    def written(self, company: Company, row: Row, before: Row | None) -> None:
        """A document that was just posted draws from its bases and moves its stock; that leaves no stamp on the item."""
        if before is not None:
            return
        super().written(company, row, before)
        for line in row["DocumentLines"]:
            item = company.store.get("Items", line.get("ItemCode") or "")
            if item is not None and item.get("InventoryItem") != "tNO":
                company.store.put("Items", self._moved(item, line))

    def _moved(self, item: Row, line: Row) -> Row:
        moved_before = exact(line.get(TAKEN)) if line.get("BaseType") == DELIVERY_NOTE else Decimal(0)
        quantity = (exact(line["Quantity"]) - moved_before) * self._direction
        stock = [dict(each) for each in item.get("ItemWarehouseInfoCollection", ())]
        house = next((each for each in stock if each["WarehouseCode"] == line["WarehouseCode"]), None)
        if house is None:
            house = {"ItemCode": item["ItemCode"], "WarehouseCode": line["WarehouseCode"], "InStock": 0.0}
            stock.append(house)
        house["InStock"] = number(exact(house["InStock"]) + quantity)
        total = number(exact(item.get("QuantityOnStock")) + quantity)
        return {**item, "ItemWarehouseInfoCollection": stock, "QuantityOnStock": total}


def _check_numbers(item: Row, line: Row, at: int) -> None:
    quantity = exact(line["Quantity"])
    if item.get("ManageSerialNumbers") == "tYES":
        numbers = [each.get("InternalSerialNumber") for each in line.get("SerialNumbers", ())]
        if len(set(numbers)) != quantity or not all(numbers):
            raise errors.rule("SRI1.SysSerial", "Cannot add row without complete selection of serial numbers", at)
    elif item.get("ManageBatchNumbers") == "tYES":
        taken = sum((exact(each.get("Quantity")) for each in line.get("BatchNumbers", ())), Decimal(0))
        if taken != quantity or not all(each.get("BatchNumberProperty") for each in line.get("BatchNumbers", ())):
            raise errors.rule("IBT1.Quantity", "Cannot add row without complete selection of batch numbers", at)
