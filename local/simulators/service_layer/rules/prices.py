"""Prices of items: one row for each price list; a list with a factor follows its base list until a price is typed in.

General Business One behaviour: the price of a factor list is the base list's price times the factor, in the list's own
currency (inferred: no exchange rate is applied), rounded to the company's price decimals.
"""

# ruff: noqa: ARG002 - hooks have one signature, whoever needs less of it

from __future__ import annotations

from collections.abc import Sequence

from local.simulators.service_layer import errors
from local.simulators.service_layer.company import Company
from local.simulators.service_layer.rules.base import Collection, SetRules, must_exist, without_nulls
from local.simulators.service_layer.rules.money import exact, local_currency, number, rounded, setting_places
from local.simulators.service_layer.store import Row

_MANUAL = "_manual"
"""Where a price row remembers that its price was typed in; never shown."""


class Prices(Collection):
    """ITM1: matched by PriceList."""

    def __init__(self) -> None:
        super().__init__("PriceList")

    def find(self, rows: Sequence[Row], given: Row, touched: set[int]) -> int | None:
        """A row must name its price list."""
        if given.get("PriceList") is None:
            raise errors.rule("ITM1.PriceList", "Price list is missing")
        return super().find(rows, given, touched)

    def new_row(self, company: Company, parent: Row, rows: Sequence[Row], given: Row) -> Row:
        """The first price of a list; the list must exist."""
        must_exist(company, "PriceLists", given["PriceList"], "ITM1.PriceList")
        return self.changed_row(company, {}, given)

    def changed_row(self, company: Company, present: Row, given: Row) -> Row:
        """A price that is given stands; an emptied one follows the base list again."""
        for name in ("Currency", "AdditionalCurrency1", "AdditionalCurrency2"):
            must_exist(company, "Currencies", given.get(name), f"ITM1.{name}")
        row = {**present, **given}
        if "Price" in given:
            row[_MANUAL] = True if given["Price"] is not None else None
            if given["Price"] is not None:
                row["Price"] = number(rounded(exact(given["Price"]), setting_places(company, "PriceAccuracy")))
        return without_nulls(row)


def complete_prices(company: Company, item: Row) -> list[Row]:
    """The item's row for every price list, in the order of the lists, factor lists computed."""
    lists = {row["PriceListNo"]: row for row in company.store.tables["PriceLists"].scan()}
    present = {row["PriceList"]: row for row in item.get("ItemPrices", ())}
    done: dict[int, Row] = {}

    def settle(code: int, waiting: tuple[int, ...]) -> Row:
        if code in done:
            return done[code]
        price_list = lists[code]
        row = {
            "Currency": price_list.get("DefaultPrimeCurrency") or local_currency(company),
            **present.get(code, {"PriceList": code}),
            "BasePriceList": price_list.get("BasePriceList", code),
            "Factor": price_list.get("Factor", 1.0),
        }
        base = row["BasePriceList"]
        if base != code and base in lists and base not in waiting and not row.get(_MANUAL):
            factored = exact(settle(base, (*waiting, code))["Price"]) * exact(row["Factor"])
            row["Price"] = number(rounded(factored, setting_places(company, "PriceAccuracy")))
        row.setdefault("Price", 0.0)
        done[code] = row
        return row

    return [settle(code, ()) for code in lists]


class PriceListRules(SetRules):
    """PriceLists: a list is its own base unless it names another one; a change recalculates all items, unstamped."""

    def check(self, company: Company, row: Row, before: Row | None) -> Row:
        """Base and factor; the base list and the currency must exist."""
        row = {"Factor": 1.0, "Active": "tYES", "IsGrossPrice": "tNO", "RoundingMethod": "borm_NoRounding", **row}
        row.setdefault("BasePriceList", row["PriceListNo"])
        if row["BasePriceList"] != row["PriceListNo"]:
            must_exist(company, "PriceLists", row["BasePriceList"], "OPLN.BASE_NUM")
        must_exist(company, "Currencies", row.get("DefaultPrimeCurrency"), "OPLN.PrimCurr")
        return row

    def written(self, company: Company, row: Row, before: Row | None) -> None:
        """Items follow; neither their stamps nor their DataVersion move."""
        for item in list(company.store.tables["Items"].rows.values()):
            company.store.put("Items", {**item, "ItemPrices": complete_prices(company, item)})
