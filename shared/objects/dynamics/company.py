"""What the reference lists say of the SAP company and of both sides' units: decimal places, currencies, tax codes, units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.objects.canonical import Refused
from shared.objects.codes import CURRENCIES
from shared.objects.dynamics import lists as known
from shared.objects.model import Context
from shared.ports import Row

MANUAL_UNITS = -1  # UoMGroupEntry of an item without a unit group
# CurrenciesDecimalsEnum; what is not here (cdDefault) follows the company's setting for amounts.
_CURRENCY_PLACES = {
    "cdWithoutDecimals": 0,
    "cd1Digit": 1,
    "cd2Digits": 2,
    "cd3Digits": 3,
    "cd4Digits": 4,
    "cd5Digits": 5,
    "cd6Digits": 6,
}
_DEFAULT_PLACES = {"TotalsAccuracy": 2, "PriceAccuracy": 2, "PercentageAccuracy": 2, "AccuracyofQuantities": 2}


def company(ctx: Context) -> Row:
    """The company's administration data (AdminInfo); Refused if SAP did not tell."""
    rows = ctx.lists.get(known.COMPANY, ())
    if not rows:
        raise Refused("SAP does not tell the company's settings; check the rights of the hub's user", whole=True)
    return rows[0]


def places(ctx: Context, setting: str) -> int:
    """Decimal places by a setting of the company (``PriceAccuracy``)."""
    value = company(ctx).get(setting)
    return _DEFAULT_PLACES[setting] if value is None else int(value)


def amount_places(ctx: Context, currency: str) -> int:
    """Decimal places of amounts in a SAP currency."""
    row = next((each for each in ctx.lists.get(CURRENCIES, ()) if each["Code"] == currency), {})
    own = _CURRENCY_PLACES.get(str(row.get("Decimals")))
    return places(ctx, "TotalsAccuracy") if own is None else own


def is_foreign(ctx: Context, currency: str) -> bool:
    """Whether documents in that SAP currency have their amounts in the columns for foreign ones."""
    return currency != company(ctx).get("LocalCurrency")


@dataclass(frozen=True)
class TaxCode:
    """A code on document rows: which column names it."""

    column: str
    code: str

    @property
    def row(self) -> Row:
        """What a row carries."""
        return {self.column: self.code}


def tax_code(lists: Any, code: str) -> tuple[TaxCode, Decimal] | None:
    """A tax group or sales tax code that sales may use, with its rate in percent; None if SAP has none of that code."""
    for row in lists.get(known.TAX_GROUPS, ()):
        if row["Code"] == code and row.get("Category") != "bovcInputTax" and row.get("Inactive") != "tYES":
            latest: Row = max(row.get("VatGroups_Lines") or (), key=lambda line: str(line["Effectivefrom"]), default={})
            return TaxCode("VatGroup", code), Decimal(str(latest.get("Rate") or 0))
    for row in lists.get(known.TAX_CODES, ()):
        if row["Code"] == code and row.get("ValidForAR") != "tNO" and row.get("Inactive") != "tYES":
            return TaxCode("TaxCode", code), Decimal(str(row.get("Rate") or 0))
    return None


# --- units of both sides ----------------------------------------------------------------------------------------------


def unit_group_name(entry: Any, ctx: Context) -> str:
    """The name that SAP's unit group of that entry has in Dynamics. Refused, saying what to set, where there is none."""
    if entry in (None, MANUAL_UNITS):
        if ctx.settings.default_unit_group is None:
            raise Refused("the item has no unit group; set defaultUnitGroup")
        wanted = str(ctx.settings.default_unit_group)
        return next((name for name in _names(ctx, known.OTHER_UNIT_GROUPS) if _same(name, wanted)), wanted)
    group = _by_entry(ctx, known.UNIT_GROUPS, entry)
    return _named(group, ctx.settings.unit_groups, _names(ctx, known.OTHER_UNIT_GROUPS), "unit group", "unitGroups")


def unit_name(entry: Any, group: str, ctx: Context) -> str:
    """The name of SAP's unit in that unit group of Dynamics."""
    unit = _by_entry(ctx, known.UNITS, entry)
    names = [row["name"] for row in units_of(group, ctx)]
    return _named(unit, ctx.settings.units, names, "unit", "units")


def base_unit_name(group: str, ctx: Context) -> str:
    """The name of the base unit of a unit group of Dynamics."""
    found = [row["name"] for row in units_of(group, ctx) if row.get("isschedulebaseuom") is True]
    if len(found) != 1:
        raise Refused("its unit group has no base unit in Dynamics; correct the group")
    return str(found[0])


def units_of(group: str, ctx: Context) -> list[Row]:
    """The units of the one unit group of that name in Dynamics. Refused where there is none, or more than one."""
    groups = [row for row in ctx.lists.get(known.OTHER_UNIT_GROUPS, ()) if _same(row["name"], group)]
    if len(groups) != 1:
        found = "more than one" if groups else "no"
        raise Refused(f"Dynamics has {found} active unit group of that name; create or map it (unitGroups)")
    key = groups[0]["uomscheduleid"]
    return [row for row in ctx.lists.get(known.OTHER_UNITS, ()) if row["_uomscheduleid_value"] == key]


def sap_unit(unit_id: Any, ctx: Context) -> int | None:
    """SAP's unit for a unit of Dynamics; None for the base unit of the group for items that have no units in SAP."""
    unit = next((row for row in ctx.lists.get(known.OTHER_UNITS, ()) if _same(row["uomid"], unit_id)), None)
    groups = ctx.lists.get(known.OTHER_UNIT_GROUPS, ())
    group = next((row for row in groups if unit and _same(row["uomscheduleid"], unit["_uomscheduleid_value"])), None)
    if unit is None or group is None:
        raise Refused("has a unit that is not on the list of Dynamics' active units", whole=True)
    if ctx.settings.default_unit_group is not None and _same(group["name"], ctx.settings.default_unit_group):
        if unit.get("isschedulebaseuom") is not True:
            raise Refused("is in a unit that items without units do not have in SAP; take the base unit", whole=True)
        return None
    mapped = next((code for code, name in ctx.settings.units.items() if _same(name, unit["name"])), None)
    for row in ctx.lists.get(known.UNITS, ()):
        if row["Code"] == mapped or (mapped is None and unit["name"] in (row["Name"], row["Code"])):
            return int(row["AbsEntry"])
    raise Refused("has a unit that SAP does not know; create it there or map it (units)", whole=True)


def _by_entry(ctx: Context, listing: str, entry: Any) -> Row:
    found = next((row for row in ctx.lists.get(listing, ()) if row["AbsEntry"] == entry), None)
    if found is None:
        raise Refused("SAP's unit or unit group is not on its list; correct the item")
    return found


def _names(ctx: Context, listing: str) -> list[str]:
    return [str(row["name"]) for row in ctx.lists.get(listing, ())]


def _named(row: Row, mapping: Mapping[str, str], names: Iterable[str], what: str, setting: str) -> str:
    """The mapped name, else SAP's name or code if Dynamics has one like it; as Dynamics spells it."""
    known_names = list(names)
    for candidate in [mapping[row["Code"]]] if row["Code"] in mapping else [row["Name"], row["Code"]]:
        for name in known_names:
            if _same(candidate, name):
                return name
    raise Refused(f"Dynamics has no {what} like SAP's; create it there or map it ({setting})")


def _same(one: object, other: object) -> bool:
    """Names and ids are compared as Dynamics does: without regard to case."""
    return str(one).strip().casefold() == str(other).strip().casefold()
