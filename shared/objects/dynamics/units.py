"""Units of both sides: SAP's unit groups and units by the names that they have in Dynamics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.canonical import Refused
from shared.objects.dynamics import lists as known
from shared.objects.model import Context
from shared.ports import Row

MANUAL_UNITS = -1  # UoMGroupEntry of an item without a unit group


def unit_group_name(entry: Any, ctx: Context) -> str:
    """The name that SAP's unit group of that entry has in Dynamics. Refused, saying what to set, where there is none."""
    if entry in (None, MANUAL_UNITS):
        if ctx.settings.default_unit_group is None:
            raise Refused("the item has no unit group; set defaultUnitGroup")
        wanted = str(ctx.settings.default_unit_group)
        return next((name for name in _names(ctx, known.OTHER_UNIT_GROUPS) if _same(name, wanted)), wanted)
    group = _by_entry(ctx, sap.UNIT_GROUPS, entry)
    return _named(group, ctx.settings.unit_groups, _names(ctx, known.OTHER_UNIT_GROUPS), "unit group", "unitGroups")


def unit_name(entry: Any, group: str, ctx: Context) -> str:
    """The name of SAP's unit in that unit group of Dynamics."""
    unit = _by_entry(ctx, sap.UNITS, entry)
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
    for row in ctx.lists.get(sap.UNITS, ()):
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
