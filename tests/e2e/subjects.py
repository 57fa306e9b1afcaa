"""What tests need to know of an object: how its records come into being, what writes them, when they have arrived.

A test that says something of every object takes its subject as a parameter. Orders and products first need what they
refer to: `open_for_business`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from local.sample_company.sales_catalog import PRICE_LISTS
from local.simulators.dataverse.orders import lay_out_orders, make_orders, read_catalog
from shared.ports import SideName
from tests.e2e.driver import Driver, Row

#: Customers who buy in every currency, and items that are sold: what orders are made of.
BUYERS = tuple(f"C{n:05d}" for n in range(14, 17))
GOODS = tuple(f"I{n:05d}" for n in range(1, 9))
#: The first customer and the first item that are free to be marked by a test.
_FIRST_CUSTOMER, _FIRST_ITEM = 21, 20
_MOST_ENTRIES = 1000
_PUBLISHED = 0


@dataclass(frozen=True)
class Stage:
    """One of the writes that make a record: the requests that do it, and what is there of ``each`` record then.

    ``request`` is a pattern for "verb path", which is also how parts of a batch begin. ``rows`` is what to count.
    """

    request: str
    rows: str
    each: int = 1


class Subject(ABC):
    """One object as tests see it: its new records stand on the ``born`` side, the hub makes them on the other one."""

    name: ClassVar[str]
    born: ClassVar[SideName]
    stages: ClassVar[tuple[Stage, ...]]
    noun: ClassVar[str] = ""  # of the marks by which they take part
    is_trade: ClassVar[bool] = False  # refers to products and accounts
    written_together: ClassVar[bool] = True
    phase: ClassVar[int] = 0  # the place of its direction in a run: what comes in is delivered before what goes out

    def __str__(self) -> str:
        """Its name in the list of tests."""
        return f"{self.name} {'out' if self.born is SideName.SAP else 'in'}"

    @property
    def in_sap(self) -> bool:
        """Whether SAP is where they are made."""
        return self.born is SideName.OTHER

    async def open(self, hub: Driver) -> None:
        """Bring over what its records refer to; harmless when that is there."""
        if self.is_trade:
            await open_for_business(hub)

    @abstractmethod
    def choose(self, hub: Driver, count: int) -> list[str]:
        """So many records on their side that no test used before; their keys."""

    async def release(self, hub: Driver, keys: Sequence[str]) -> None:
        """Let them travel with the next run: mark those that need it; very many as a range."""
        if self.noun and len(keys) <= _MOST_ENTRIES:
            await hub.mark(keys, noun=self.noun)
        elif self.noun:
            assert (await hub.mark_range(keys[0], keys[-1], noun=self.noun))["counts"] == {"marked": len(keys)}

    async def make(self, hub: Driver, count: int) -> list[str]:
        """So many new records that the next run carries; their keys."""
        keys = self.choose(hub, count)
        await self.release(hub, keys)
        return keys

    @abstractmethod
    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Where one of them and its twin do not show the same; no twin, or more than one, is such a place too."""

    @abstractmethod
    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """The keys of a record and its twin, SAP's first."""

    async def arrived(self, hub: Driver, keys: Sequence[str]) -> None:
        """Each of them is there once, shows the same, and is linked."""
        assert self.differences(hub, keys) == []
        for key in keys:
            await hub.is_linked(self.name, *self.pair(hub, key))

    def progress(self, hub: Driver) -> list[int]:
        """How much is there of every stage."""
        return [self._there(hub, stage) for stage in self.stages]

    def _there(self, hub: Driver, stage: Stage) -> int:
        system = hub.sap if self.in_sap else hub.dataverse
        return len(system.data_rows(stage.rows))


class AccountOut(Subject):
    """Marked customers become accounts."""

    name = "account"
    born = SideName.SAP
    noun = "customers"
    phase = 1
    stages = (Stage(r"POST \S*/accounts/Microsoft\.Dynamics\.CRM\.UpsertMultiple", "accounts"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """Customers that are there."""
        return [f"C{hub.next_number('customer', _FIRST_CUSTOMER):05d}" for _ in range(count)]

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Field by field."""
        return hub.differences(keys)

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Code and id."""
        return key, str(hub.account_of(key)["accountid"])


class AccountIn(Subject):
    """Accounts born in Dynamics become customers."""

    name = "account"
    born = SideName.OTHER
    stages = (Stage(r"POST \S*/BusinessPartners(?!\()", "BusinessPartners"),)

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New accounts."""
        return hub.born_there(count, f"Born{hub.next_number('birth')}")

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """Field by field; each account shows the code of a customer of its own."""
        return hub.differences([self.pair(hub, key)[0] for key in keys])

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """The code of the one customer of the account's name, and the account that shows it."""
        (account,) = hub.accounts(accountid=key)
        partners = hub.partners_named(str(account["name"]))
        assert len(partners) == 1, f"{key} has {len(partners)} customers"
        assert partners[0]["CardCode"] == account["accountnumber"]
        return str(partners[0]["CardCode"]), key


class ProductOut(Subject):
    """Marked items become products: first drafts, then their prices, then they are published."""

    name = "product"
    born = SideName.SAP
    noun = "items"
    is_trade = True
    stages = (
        Stage(r"POST \S*/products/Microsoft\.Dynamics\.CRM\.UpsertMultiple", "products"),
        Stage(r"PATCH \S*/productpricelevels\(", "productpricelevels", each=len(PRICE_LISTS)),
        Stage(r"POST \S*/products/Microsoft\.Dynamics\.CRM\.UpdateMultiple", "published"),
    )

    def choose(self, hub: Driver, count: int) -> list[str]:
        """Items that are there."""
        return [f"I{hub.next_number('item', _FIRST_ITEM):05d}" for _ in range(count)]

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """One product each, published, with one price on each mapped list."""
        return product_differences(hub, keys)

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Code and id."""
        return key, str(product_of(hub, key)["productid"])

    def _there(self, hub: Driver, stage: Stage) -> int:
        if stage.rows != "published":
            return super()._there(hub, stage)
        return sum(row["statecode"] == _PUBLISHED for row in hub.dataverse.data_rows("products"))


class OrderIn(Subject):
    """Submitted orders become SAP's; each in a request of its own."""

    name = "order"
    born = SideName.OTHER
    is_trade = True
    stages = (Stage(r"POST \S*/Orders(?!\()", "Orders"),)
    written_together = False

    def choose(self, hub: Driver, count: int) -> list[str]:
        """New orders of up to three lines, in all currencies."""
        return submit_orders(hub, count)

    def differences(self, hub: Driver, keys: Sequence[str]) -> list[str]:
        """One SAP order each, with its total and lines; number and status came back."""
        return order_differences(hub, keys)

    def pair(self, hub: Driver, key: str) -> tuple[str, str]:
        """Document entry and id."""
        (twin,) = orders_of(hub, key)
        return str(twin["DocEntry"]), key


ACCOUNT_OUT, ACCOUNT_IN, PRODUCT_OUT, ORDER_IN = AccountOut(), AccountIn(), ProductOut(), OrderIn()


# --- trade ------------------------------------------------------------------------------------------------------------


async def open_for_business(hub: Driver) -> None:
    """Buyers are accounts and goods are products; the account object is initialized before. Repeats change nothing."""
    if hub.dataverse.data_rows("products"):
        return
    hub.sap.data_write("BusinessPartners", [{"CardCode": code, "Currency": "##"} for code in BUYERS])
    await hub.mark(BUYERS)
    await hub.mark(GOODS, noun="items")
    runs = [await hub.start(), await hub.api("POST", "/objects/product/initialize", expect=202)]
    for run in runs:
        ended = await hub.run_to_end(run)
        assert ended["status"] == "succeeded", ended
    await hub.at_rest()


def sales_catalog(hub: Driver, count: int, *, most_lines: int = 3) -> list[Row]:
    """Payloads of orders for buyers and goods. The same numbers in every test session."""
    whole = read_catalog(hub.dataverse)
    codes = {row["productid"]: row["productnumber"] for row in hub.dataverse.data_rows("products")}
    by_code = {codes[product.product_id]: product for product in whole.products}
    buyers = tuple(str(hub.account_of(code)["accountid"]) for code in BUYERS)
    catalog = replace(whole, products=tuple(by_code[code] for code in GOODS), customers=buyers)
    return list(make_orders(catalog, count, seed=hub.next_number("orders"), most_lines=most_lines))


def submit_orders(hub: Driver, count: int, *, most_lines: int = 3) -> list[str]:
    """Such orders as a salesperson submits them; their ids."""
    orders = sales_catalog(hub, count, most_lines=most_lines)
    return lay_out_orders(hub.dataverse, [dict(order) for order in orders])


def product_of(hub: Driver, code: str) -> Row:
    """The one product of an item."""
    found = [row for row in hub.dataverse.data_rows("products") if row["productnumber"] == code]
    assert len(found) == 1, f"{code} has {len(found)} products"
    return found[0]


def product_differences(hub: Driver, codes: Sequence[str]) -> list[str]:
    """Where an item and its product do not agree."""
    found = []
    for code in codes:
        product, item = product_of(hub, code), item_of(hub, code)
        shown = [
            ("state", "active", "active" if product["statecode"] == _PUBLISHED else product["statecode"]),
            ("name", (item.get("ItemName") or code).strip(), product["name"]),
            ("prices", prices_in_sap(hub, code), prices_of(hub, code)),
        ]
        found += [f"{code}: {name} {ours!r} != {theirs!r}" for name, ours, theirs in shown if ours != theirs]
    return found


def item_of(hub: Driver, code: str) -> Row:
    """An item of SAP."""
    return next(row for row in hub.sap.data_rows("Items") if row["ItemCode"] == code)


def prices_of(hub: Driver, code: str) -> dict[str, Decimal]:
    """The prices of an item's product by the name of the price list, of which each has one."""
    product = product_of(hub, code)["productid"]
    names = {row["pricelevelid"]: row["name"] for row in hub.dataverse.data_rows("pricelevels")}
    rows = [each for each in hub.dataverse.data_rows("productpricelevels") if each["_productid_value"] == product]
    counted = Counter(names[row["_pricelevelid_value"]] for row in rows)
    assert set(counted.values()) <= {1}, f"{code}: {counted}"
    return {names[row["_pricelevelid_value"]]: Decimal(str(row["amount"])) for row in rows}


def prices_in_sap(hub: Driver, code: str) -> dict[str, Decimal]:
    """What they must be: SAP's lists in the order of Dynamics' ones, rounded to cents."""
    prices = {row["PriceList"]: Decimal(str(row["Price"])) for row in item_of(hub, code)["ItemPrices"]}
    return {
        name: prices[number].quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        for number, (name, _) in enumerate(PRICE_LISTS, 1)
    }


def sales_order(hub: Driver, key: str) -> Row:
    """An order of Dynamics."""
    return next(row for row in hub.dataverse.data_rows("salesorders") if row["salesorderid"] == key)


def orders_of(hub: Driver, key: str) -> list[Row]:
    """The SAP orders that carry the reference of an order of Dynamics."""
    return [row for row in hub.sap.data_rows("Orders") if row.get("U_HubRef") == f"{hub.template}:{key}"]


def order_differences(hub: Driver, keys: Sequence[str]) -> list[str]:
    """Where an order of Dynamics and SAP's do not agree; not once in SAP is such a place too."""
    twins: dict[str, list[Row]] = {}
    for row in hub.sap.data_rows("Orders"):
        twins.setdefault(str(row.get("U_HubRef")), []).append(row)
    orders = {row["salesorderid"]: row for row in hub.dataverse.data_rows("salesorders")}
    lines: dict[str, list[Row]] = {}
    for row in hub.dataverse.data_rows("salesorderdetails"):
        lines.setdefault(str(row["_salesorderid_value"]), []).append(row)
    found = []
    for key in keys:
        there = twins.get(f"{hub.template}:{key}", [])
        if len(there) != 1:
            found.append(f"{key}: {len(there)} orders in SAP")
        else:
            ours, theirs = _shown(orders[key], lines[key]), _shown_in_sap(there[0])
            found += [
                f"{key}: {name} {ours[name]!r} != {theirs[name]!r}" for name in ours if ours[name] != theirs[name]
            ]
    return found


def _shown(order: Row, lines: Sequence[Row]) -> dict[str, Any]:
    return {
        "total": Decimal(str(order["totalamount"])),
        "lines": sorted(str(line["salesorderdetailid"]) for line in lines),
        "number": order["ordernumber"],
        "text": order.get("description") or None,
        "SAP's number": order.get("new_sapnumber"),
        "SAP's status": order.get("new_sapstatus"),
    }


def _shown_in_sap(order: Row) -> dict[str, Any]:
    return {
        "total": Decimal(str(order["DocTotal" if order["DocCurrency"] == "EUR" else "DocTotalFc"])),
        "lines": sorted(str(row["U_HubRef"]) for row in order["DocumentLines"]),
        "number": order["NumAtCard"],
        "text": order.get("Comments") or None,
        "SAP's number": str(order["DocNum"]),
        "SAP's status": "open" if order["DocumentStatus"] == "bost_Open" else "closed",
    }
