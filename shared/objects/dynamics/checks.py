"""Whether the settings of a Dynamics template hold in SAP and in Dynamics: every code must be on its list.

A list that is not given is not checked against.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.canonical import Refused
from shared.objects.checks import Lists, branches, customer_group, customer_series, exempt_tax, partner_series, unlisted
from shared.objects.codes import CURRENCIES
from shared.objects.custom_fields import list_name, pair_of
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.opportunity_checks import opportunity_problems
from shared.objects.dynamics.prices import price_list_id
from shared.objects.dynamics.product_settings import PriceListMapping
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.model import Context, Problem
from shared.objects.regions import COUNTRIES, STATES
from shared.ports import SideName


def problems(settings: DynamicsSettings, lists: Lists) -> list[Problem]:
    """Everything that SAP or Dynamics would refuse."""
    return [
        *customer_group(settings.default_customer_group, lists),
        *customer_series(settings.customer_code_series, lists),
        *partner_series("leadCodeSeries", settings.lead_code_series, lists, sap.LEAD_SERIES, "leads"),
        *_branches(settings, lists),
        *exempt_tax(settings.exempt_tax_code, lists),
        *_price_lists(settings, lists),
        *opportunity_problems(settings, lists),
        *(problem for check in _code_checks(settings) for problem in unlisted(*check, lists)),
    ]


def _code_checks(settings: DynamicsSettings) -> tuple[tuple[str, Iterable[Any], str, tuple[str, ...], str], ...]:
    """Per setting: the codes it has, the list they must be on, its columns, and what the list is called."""
    iso = settings.currencies.values()
    for_all = [settings.all_currencies_as] if settings.all_currencies_as else []
    of_dynamics = (known.OTHER_CURRENCIES, ("isocurrencycode",), "the active currencies of Dynamics")
    states = [(country, code) for country, codes in settings.states.items() for code in codes]
    unit_groups = [*settings.unit_groups.values()]
    default_group = [settings.default_unit_group] if settings.default_unit_group else []
    in_dynamics = (known.OTHER_UNIT_GROUPS, ("name",), "the active unit groups of Dynamics")
    return (
        ("currencies", settings.currencies, CURRENCIES, ("Code",), "SAP's currencies"),
        ("currencies", iso, *of_dynamics),
        ("allCurrenciesAs", for_all, *of_dynamics),
        ("paymentTerms", settings.payment_terms, sap.PAYMENT_TERMS, ("GroupNumber",), "SAP's payment terms"),
        ("countries", settings.countries, COUNTRIES, ("Code",), "SAP's countries"),
        ("states", states, STATES, ("Country", "Code"), "SAP's states"),
        ("defaultUnitGroup", default_group, *in_dynamics),
        ("unitGroups", settings.unit_groups, sap.UNIT_GROUPS, ("Code",), "SAP's unit groups"),
        ("unitGroups", unit_groups, *in_dynamics),
        ("units", settings.units, sap.UNITS, ("Code",), "SAP's units"),
        ("units", settings.units.values(), known.OTHER_UNITS, ("name",), "the units of Dynamics"),
        *_order_codes(settings),
    )


def _order_codes(settings: DynamicsSettings) -> Iterator[tuple[str, Iterable[Any], str, tuple[str, ...], str]]:
    """The same for orders' settings that are one code each."""
    freights = (sap.FREIGHTS, ("ExpensCode",), "SAP's freights")
    for setting, code, listing in (
        ("freightForShipping", settings.freight_for_shipping, freights),
        ("freightForItemTax", settings.freight_for_item_tax, freights),
        (
            "defaultPaymentTerm",
            settings.default_payment_term,
            (sap.PAYMENT_TERMS, ("GroupNumber",), "SAP's payment terms"),
        ),
        (
            "warehouseForDocuments",
            settings.warehouse_for_documents,
            (sap.WAREHOUSES, ("WarehouseCode",), "SAP's warehouses"),
        ),
    ):
        if code is not None:
            yield (setting, [code], *listing)


def _branches(settings: DynamicsSettings, lists: Lists) -> Iterator[Problem]:
    wanted = [("branchAssignment", branch) for branch in settings.branch_assignment]
    if settings.branch_for_documents is not None:
        wanted.append(("branchForDocuments", settings.branch_for_documents))
    return branches(wanted, lists)


def _price_lists(settings: DynamicsSettings, lists: Lists) -> Iterator[Problem]:
    """Each mapping names lists that exist, in the currency that both have; none is there twice."""
    seen: set[tuple[int, str]] = set()
    yield from _filled_twice(settings, lists)
    for mapping in settings.price_lists:
        key = (mapping.sap, mapping.currency)
        if key in seen:
            yield Problem("priceLists", f"price list {mapping.sap} in {mapping.currency} is mapped twice; keep one")
        seen.add(key)
        yield from _sap_price_list(mapping, lists)
        yield from _dynamics_price_list(settings, mapping, lists)


def _filled_twice(settings: DynamicsSettings, lists: Lists) -> Iterator[Problem]:
    """One price list of Dynamics gets the prices of one of SAP: two would overwrite each other's."""
    ids: list[str] = []
    for mapping in settings.price_lists:
        try:
            ids.append(price_list_id(mapping, Context("", settings, lists)))
        except Refused:  # named by another check
            continue
    if len(set(ids)) < len(ids):
        yield Problem("priceLists", "two mappings fill the same price list of Dynamics; keep one of them")


def _sap_price_list(mapping: PriceListMapping, lists: Lists) -> Iterator[Problem]:
    active = {row["PriceListNo"] for row in lists.get(sap.PRICE_LISTS, ()) if row.get("Active") != "tNO"}
    if sap.PRICE_LISTS in lists and mapping.sap not in active:
        yield Problem("priceLists", f"{mapping.sap} is not among SAP's active price lists; correct or remove it")


def _dynamics_price_list(settings: DynamicsSettings, mapping: PriceListMapping, lists: Lists) -> Iterator[Problem]:
    if known.OTHER_PRICE_LISTS not in lists or known.OTHER_CURRENCIES not in lists:
        return
    try:
        wanted = price_list_id(mapping, Context("", settings, lists))
    except Refused:
        text = f"'{mapping.dynamics}' is not the id or name of one active price list of Dynamics; correct it"
        yield Problem("priceLists", text)
        return
    row = next(each for each in lists[known.OTHER_PRICE_LISTS] if each["pricelevelid"] == wanted)
    currencies = lists[known.OTHER_CURRENCIES]
    own = next(
        (
            each["isocurrencycode"]
            for each in currencies
            if each["transactioncurrencyid"] == row["_transactioncurrencyid_value"]
        ),
        None,
    )
    if own != mapping.currency:
        text = f"'{mapping.dynamics}' is not in {mapping.currency} but in {own}; map a price list in that currency"
        yield Problem("priceLists", text)


def custom_problems(settings: DynamicsSettings, objects: Sequence[str], lists: Lists) -> Iterator[Problem]:
    """Custom fields of objects that there are not, and pairs that do not fit; columns that nobody described are left."""
    ctx = Context("", settings, lists)
    for custom in settings.custom_fields:
        if custom.object not in objects:
            yield Problem("customFields", f"there is no object {custom.object}; take one of {', '.join(objects)}")
        elif all(list_name(custom.object, side) in lists for side in SideName):
            try:
                pair_of(custom, ctx)
            except Refused as refused:
                yield Problem("customFields", f"{custom.object}: {custom.sap} and {custom.dynamics}: {refused.reason}")
