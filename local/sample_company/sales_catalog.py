"""What an organisation of Dynamics that sells the sample company's items has before the hub comes: units, price lists."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from local.sample_company.trade_data import UNIT_GROUPS, UNITS

Row = dict[str, Any]

_NAMESPACE = UUID("0b6c1f5e-7a53-4c1e-9f55-1f1d5d0a7c11")
DEFAULT_UNIT_GROUP = "Default Unit"
# (name, ISO code)
PRICE_LISTS = (("Retail EUR", "EUR"), ("Export USD", "USD"), ("Retail GBP", "GBP"))


def key(table: str, name: str) -> str:
    """The id of a row laid out here; always the same."""
    return str(uuid5(_NAMESPACE, f"{table}/{name}"))


def unit_groups() -> list[Row]:
    """The group for items that have none in SAP, and SAP's own groups by name."""
    names = {entry: name for entry, _, name in UNITS}
    groups = [(DEFAULT_UNIT_GROUP, "Primary Unit")]
    groups += [(name, names[base]) for entry, _, name, base, _ in UNIT_GROUPS if entry > 0]
    return [{"uomscheduleid": key("uomschedule", name), "name": name, "baseuomname": base} for name, base in groups]


def further_units(base_units: dict[str, str]) -> list[Row]:
    """Units beside the base units; ``base_units`` is the id of each group's base unit by the group's id."""
    names = {entry: name for entry, _, name in UNITS}
    rows: list[Row] = []
    for entry, _, group, base, units in UNIT_GROUPS:
        group_key = key("uomschedule", group)
        for unit, quantity in units if entry > 0 else ():
            if unit != base:
                rows.append(
                    {
                        "uomid": key("uom", f"{group}/{names[unit]}"),
                        "name": names[unit],
                        "uomscheduleid@odata.bind": f"/uomschedules({group_key})",
                        "baseuom@odata.bind": f"/uoms({base_units[group_key]})",
                        "quantity": quantity,
                    }
                )
    return rows


def price_lists(currencies: dict[str, str]) -> list[Row]:
    """A price list per currency; ``currencies`` is the id of each currency by its ISO code."""
    return [
        {
            "pricelevelid": key("pricelevel", name),
            "name": name,
            "transactioncurrencyid@odata.bind": f"/transactioncurrencies({currencies[code]})",
        }
        for name, code in PRICE_LISTS
    ]
