"""The records of the simulated account: versions, stamps, keys, and what the server makes of texts and prices."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from local.simulators.tagrain import contract

type Row = dict[str, Any]

_PREFIXES = {
    "customer-groups": "cgr",
    "manufacturers": "man",
    "product-groups": "pgr",
    "customers": "cus",
    "products": "prd",
}
_UNIQUE = {
    "customers": "code",
    "products": "code",
    "customer-groups": "name",
    "manufacturers": "name",
    "product-groups": "name",
}
_DEFAULTS: Mapping[str, Row] = {
    "customer-groups": {"isDefault": False},
    "customers": {"isActive": True},
    "products": {"productType": "Standard", "isNonStock": False, "attributes": [], "isActive": True},
}
_CENT = Decimal("0.01")


class TakenError(ValueError):
    """A code or name that another record has; ``field`` is its property."""

    def __init__(self, field: str) -> None:
        super().__init__(f"another record has this {field}")
        self.field = field


class Store:
    """All collections, each by id. ``now`` is the server's clock."""

    def __init__(self, now: Callable[[], datetime], seed: Mapping[str, Sequence[Row]]) -> None:
        self._now, self._seed = now, seed
        self.tables: dict[str, dict[str, Row]] = {}
        self.settings: Row = {}
        self._numbers = itertools.count(1)
        self._taken: dict[tuple[str, str], str] = {}
        self.reset()

    def reset(self) -> None:
        """Put everything back to what the account began with."""
        self.tables = {name: {} for name in contract.collections()}
        self._numbers = itertools.count(1)
        self._taken = {}
        for name, rows in self._seed.items():
            for row in rows:
                if name == "settings":
                    self.settings = {"id": "settings", **row, **self._stamps()}
                else:
                    self.put(name, row)

    def _stamps(self) -> Row:
        now = stamp(self._now())
        return {"version": 1, "createdAt": now, "updatedAt": now}

    def rows(self, name: str) -> Iterator[Row]:
        """The records of a collection, oldest change first."""
        yield from sorted(self.tables[name].values(), key=lambda row: (row["updatedAt"], row["id"]))

    def put(self, name: str, values: Mapping[str, Any], check: Callable[[Row], None] | None = None) -> Row:
        """Create or change a record, unless ``check`` raises for what would become of it.

        TakenError for a code or name that another record has.
        """
        values = {key: _stored(name, key, value) for key, value in values.items()}
        key = str(values.get("id") or f"{_PREFIXES.get(name, 'rec')}_{next(self._numbers):05d}")
        before = self.tables[name].get(key)
        self._refuse_taken(name, key, values)
        if before is None:
            empty = dict.fromkeys(contract.properties(contract.collections()[name].record))
            row = {**empty, **_DEFAULTS.get(name, {}), **values, "id": key, **self._stamps()}
        else:
            row = {**before, **_merged(name, before, values), "id": key}
            row |= {"version": before["version"] + 1, "updatedAt": stamp(self._now()), "createdAt": before["createdAt"]}
        if check is not None:
            check(row)
        self._take(name, row, before)
        self.tables[name][key] = row
        if name == "products":
            self._keep_stock(row)
        return copy.deepcopy(row)

    def _refuse_taken(self, name: str, key: str, values: Mapping[str, Any]) -> None:
        field = _UNIQUE.get(name)
        value = values.get(field) if field else None
        if value and self._taken.get((name, str(value).casefold()), key) != key:
            raise TakenError(str(field))

    def _take(self, name: str, row: Row, before: Row | None) -> None:
        field = _UNIQUE.get(name)
        if field and before and before[field]:
            self._taken.pop((name, str(before[field]).casefold()), None)
        if field and row[field]:
            self._taken[name, str(row[field]).casefold()] = row["id"]

    def _keep_stock(self, product: Row) -> None:
        """Every product with stock has a record of it under the product's code, which the account keeps by itself."""
        held = self.tables["inventory"].pop(product["id"], None)
        if product["isNonStock"] or product["productType"] == "GiftCard":
            return
        if held is None:
            quantities = [{"storeId": store, "quantity": "0"} for store in sorted(self.tables["stores"])]
            held = {"id": product["id"], "productCode": product["code"], "quantities": quantities, **self._stamps()}
        elif held["productCode"] != product["code"]:
            more = {"version": held["version"] + 1, "updatedAt": stamp(self._now())}
            held = {**held, "productCode": product["code"], **more}
        self.tables["inventory"][product["id"]] = held

    def delete(self, name: str, key: str) -> bool:
        """Remove a record, and with a product its stock; False if it was not there."""
        row = self.tables[name].pop(key, None)
        if name == "products":
            self.tables["inventory"].pop(key, None)
        if row is not None and (field := _UNIQUE.get(name)) and row[field]:
            self._taken.pop((name, str(row[field]).casefold()), None)
        return row is not None


def _merged(name: str, before: Row, values: Mapping[str, Any]) -> Row:
    """Quantities of stores that are not named stay; everything else is replaced."""
    if name != "inventory" or "quantities" not in values:
        return dict(values)
    known = {each["storeId"]: each for each in before["quantities"]}
    known |= {each["storeId"]: each for each in values["quantities"]}
    return {**values, "quantities": list(known.values())}


def _stored(name: str, key: str, value: Any) -> Any:
    """Texts lose the blanks around them, base prices all but two decimals: on purpose, as real systems do."""
    value = _trimmed(value)
    if (name, key) == ("products", "basePrice") and value is not None:
        return str(Decimal(value).quantize(_CENT, rounding=ROUND_HALF_UP))
    return value


def _trimmed(value: Any) -> Any:
    """A copy whose texts have no blanks around them, however deep they are."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Mapping):
        return {name: _trimmed(each) for name, each in value.items()}
    return [_trimmed(each) for each in value] if isinstance(value, list) else value


def stamp(moment: datetime) -> str:
    """A time as the contract spells it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
