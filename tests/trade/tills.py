"""A world of tills: SAP and Tagrain, both played by simulators, and a Tagrain template between them."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from local.environment import Simulators
from tests.trade.world import Row, Trade

TILLS = "tagrain-nord"
SETTINGS: Mapping[str, Any] = {
    "connection": "DEMO",
    "startDate": "2026-01-01",
    "timeZone": "Europe/Berlin",
    "basePriceList": 1,
    "cashCustomer": "C00001",
    "paymentTerm": 1,
    "exemptTaxCode": "A0",
    "cashAccount": "1000",
    "customerCurrency": "EUR",
    "customerCodeSeries": 70,
    "defaultCustomerGroup": 100,
    "defaultItemGroup": 100,
    "giftCardAccount": "1705",
    "payments": {
        "Visa": {"means": "creditCard", "creditCard": 1},
        "girocard": {"means": "creditCard", "creditCard": 2},
        "Gift card": {"means": "creditCard", "creditCard": 3},
        "Bank transfer": {"means": "bankTransfer", "account": "1200"},
    },
    "stores": {"st_1": {"warehouse": "01"}, "st_2": {"warehouse": "02", "cashAccount": "1001"}},
    "expenseReasons": {"er_1": "4900", "er_2": "4910", "er_3": "4900"},
    "surcharges": {"sc_1": 1, "sc_2": 3},
}

THREE_STORES: Mapping[str, Mapping[str, str]] = {
    "st_1": {"warehouse": "01"},
    "st_2": {"warehouse": "02", "cashAccount": "1001"},
    "st_3": {"warehouse": "04", "cashAccount": "1002"},
}


class Tills(Trade):
    """One Tagrain template at work."""

    template = TILLS
    type_name = "tagrain"
    objects = (
        "customer_group",
        "customer",
        "manufacturer",
        "product_group",
        "product",
        "sales",
        "refund",
        "expense",
        "inventory",
    )
    base = SETTINGS

    @property
    def tagrain(self) -> Any:
        """The simulator of the tills."""
        return self.simulators.tagrain

    def forget_writes(self) -> None:
        """Count writes from here on."""
        super().forget_writes()
        self.tagrain.control.reset_stats()

    def writes(self) -> dict[str, int]:
        """What was written in both systems since."""
        tills = {name: count for name, count in self.tagrain.control.writes.items() if count}
        return {**super().writes(), **tills}

    async def open_shop(self) -> None:
        """Initialize everything in its order; what cannot be linked is listed and does not stop the others."""
        for name in ("customer_group", "customer", "manufacturer", "product_group", "product", "inventory"):
            run = await self.initialize(name)
            assert run.status in ("succeeded", "partly failed"), run

    def in_tagrain(self, collection: str, **wanted: Any) -> Row:
        """The one record of the tills with these properties."""
        rows = self.tagrain.data_rows(collection)
        (row,) = [each for each in rows if all(each[name] == value for name, value in wanted.items())]
        return dict(row)

    def in_sap(self, entity_set: str, **wanted: Any) -> Row:
        """The one record of SAP with these columns."""
        rows = self.sap.data_rows(entity_set)
        (row,) = [each for each in rows if all(each.get(name) == value for name, value in wanted.items())]
        return dict(row)


@asynccontextmanager
async def tills(
    storage: str, *, customers: int = 12, times: Mapping[str, float] | None = None, **settings: Any
) -> AsyncIterator[Tills]:
    """A world of its own: simulators, tables and template, set up."""
    with tempfile.TemporaryDirectory(prefix="tills-") as directory:
        simulators = await Simulators(Path(directory), customers).start()
        world = Tills(simulators, storage, "t" + uuid.uuid4().hex[:12], times or {}, settings)
        try:
            await world.open()
            yield world
        finally:
            await world.app.close()
            await simulators.stop()
