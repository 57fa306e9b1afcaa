"""The reference lists of Dynamics: what the engine loads and caches for a template, besides SAP's."""

from __future__ import annotations

from shared.objects.model import Reference
from shared.ports import Entity, SideName

OTHER_CURRENCIES = "other.currencies"
OTHER_PRICE_LISTS = "other.price_lists"
OTHER_UNIT_GROUPS = "other.unit_groups"
OTHER_UNITS = "other.units"
OTHER_USERS = "other.users"

DYNAMICS_PRICE_LISTS = Reference(
    OTHER_PRICE_LISTS,
    SideName.OTHER,
    Entity(
        "pricelevels",
        "pricelevel",
        "pricelevelid",
        select=("pricelevelid", "name", "_transactioncurrencyid_value"),
        scope="statecode eq 0",
    ),
)
DYNAMICS_UNIT_GROUPS = Reference(
    OTHER_UNIT_GROUPS,
    SideName.OTHER,
    Entity("uomschedules", "uomschedule", "uomscheduleid", select=("uomscheduleid", "name"), scope="statecode eq 0"),
)
DYNAMICS_UNITS = Reference(
    OTHER_UNITS,
    SideName.OTHER,
    Entity("uoms", "uom", "uomid", select=("uomid", "name", "_uomscheduleid_value", "isschedulebaseuom")),
)

DYNAMICS_CURRENCIES = Reference(
    OTHER_CURRENCIES,
    SideName.OTHER,
    Entity(
        "transactioncurrencies",
        "transactioncurrency",
        "transactioncurrencyid",
        select=("transactioncurrencyid", "isocurrencycode", "currencyname", "currencyprecision"),
        scope="statecode eq 0",
    ),
)
# Whoever owns a record, also users that are disabled by now.
DYNAMICS_USERS = Reference(
    OTHER_USERS,
    SideName.OTHER,
    Entity("systemusers", "systemuser", "systemuserid", select=("systemuserid", "domainname")),
)
