"""Whether the settings of a Tagrain template hold in SAP and in Tagrain: every code must be on its list.

A list that is not given is not checked against.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.activity import is_active
from shared.objects.checks import Lists, branches, customer_group, customer_series, exempt_tax, unlisted
from shared.objects.codes import ALL_CURRENCIES, CURRENCIES
from shared.objects.model import Problem
from shared.objects.regions import COUNTRIES, STATES
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.settings import PaymentMeans, TagrainSettings

NOT_PAID = "OnAccount"  # the payment type for what is paid later
_CASH, _CARD, _BANK = "cash", "creditCard", "bankTransfer"


def problems(settings: TagrainSettings, lists: Lists) -> list[Problem]:
    """Everything that SAP or Tagrain would refuse."""
    return [
        *customer_group(settings.default_customer_group, lists),
        *customer_series(settings.customer_code_series, lists),
        *branches(_branches(settings), lists),
        *exempt_tax(settings.exempt_tax_code, lists),
        *_cash_customer(settings, lists),
        *_price_list(settings, lists),
        *_payments(settings, lists),
        *_warehouses(settings, lists),
        *(problem for check in _code_checks(settings) for problem in unlisted(*check, lists)),
    ]


def _code_checks(settings: TagrainSettings) -> tuple[tuple[str, Iterable[Any], str, tuple[str, ...], str], ...]:
    """Per setting: the codes it has, the list they must be on, its columns, and what the list is called."""
    currency = [code for code in _given(settings.customer_currency) if code != ALL_CURRENCIES]
    states = [(country, code) for country, codes in settings.states.items() for code in codes]
    store_accounts = [store.cash_account for store in settings.stores.values() if store.cash_account]
    means_accounts = [means.account for means in settings.payments.values() if means.account]
    accounts = (sap.ACCOUNTS, ("Code",), "SAP's active G/L accounts")
    in_tagrain = ("id",)
    return (
        ("paymentTerm", _given(settings.payment_term), sap.PAYMENT_TERMS, ("GroupNumber",), "SAP's payment terms"),
        ("customerCurrency", currency, CURRENCIES, ("Code",), "SAP's currencies"),
        ("currencies", settings.currencies, CURRENCIES, ("Code",), "SAP's currencies"),
        ("countries", settings.countries, COUNTRIES, ("Code",), "SAP's countries"),
        ("states", states, STATES, ("Country", "Code"), "SAP's states"),
        ("defaultItemGroup", _given(settings.default_item_group), sap.ITEM_GROUPS, ("Number",), "SAP's item groups"),
        ("cashAccount", _given(settings.cash_account), *accounts),
        ("giftCardAccount", _given(settings.gift_card_account), *accounts),
        ("payments", means_accounts, *accounts),
        ("stores", settings.stores, known.STORES, in_tagrain, "the stores of Tagrain"),
        ("stores", store_accounts, *accounts),
        ("expenseReasons", settings.expense_reasons, known.EXPENSE_REASONS, in_tagrain, "Tagrain's expense reasons"),
        ("expenseReasons", settings.expense_reasons.values(), *accounts),
        ("surcharges", settings.surcharges, known.SURCHARGES, in_tagrain, "the surcharges of Tagrain"),
        ("surcharges", settings.surcharges.values(), sap.FREIGHTS, ("ExpensCode",), "SAP's freights"),
    )


def _given(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _branches(settings: TagrainSettings) -> list[tuple[str, int]]:
    of_stores = [("stores", store.branch) for store in settings.stores.values() if store.branch is not None]
    return [*(("branchAssignment", branch) for branch in settings.branch_assignment), *of_stores]


def _cash_customer(settings: TagrainSettings, lists: Lists) -> Iterator[Problem]:
    """The cash customer must be an active customer."""
    code, setting = settings.cash_customer, "cashCustomer"
    if code is None or known.CASH_CUSTOMER not in lists:
        return
    found = next((row for row in lists[known.CASH_CUSTOMER] if row["CardCode"] == code), None)
    if found is None:
        yield Problem(setting, f"SAP has no business partner {code}; create it, or choose another")
    elif found.get("CardType") != "cCustomer":
        yield Problem(setting, f"{code} is no customer in SAP; choose one that is")
    elif not is_active(found):
        yield Problem(setting, f"{code} is inactive in SAP; activate it, or choose another")


def _price_list(settings: TagrainSettings, lists: Lists) -> Iterator[Problem]:
    number = settings.base_price_list
    active = {row["PriceListNo"] for row in lists.get(sap.PRICE_LISTS, ()) if row.get("Active") != "tNO"}
    if number is not None and sap.PRICE_LISTS in lists and number not in active:
        yield Problem("basePriceList", f"{number} is not among SAP's active price lists; choose one of them")


def _payments(settings: TagrainSettings, lists: Lists) -> Iterator[Problem]:
    """Each payment type exists, is paid at all, and has exactly what its means needs."""
    types = {str(row["name"]).strip(): row for row in lists.get(known.PAYMENT_TYPES, ())}
    cards = {row["CreditCardCode"] for row in lists.get(sap.CREDIT_CARDS, ())}
    for name, means in settings.payments.items():
        if known.PAYMENT_TYPES in lists and name not in types:
            yield Problem("payments", f"Tagrain has no payment type '{name}'; spell it as there, or remove it")
        elif types.get(name, {}).get("type") == NOT_PAID:
            yield Problem("payments", f"'{name}' is what customers pay later, there is no payment; remove it")
        if text := _why_incomplete(means):
            yield Problem("payments", f"'{name}' {text}")
        elif means.credit_card is not None and sap.CREDIT_CARDS in lists and means.credit_card not in cards:
            yield Problem("payments", f"'{name}': SAP has no credit card {means.credit_card}; choose one of its cards")


def _why_incomplete(means: PaymentMeans) -> str:
    """ "" if the means has what it needs and nothing else, else what to do."""
    checks = (
        (means.means == _CARD and means.credit_card is None, "goes to a credit card; set creditCard"),
        (means.means == _CARD and means.account is not None, "goes to the account of its credit card; remove account"),
        (means.means != _CARD and means.credit_card is not None, "goes to no credit card; remove creditCard"),
        (means.means == _BANK and means.account is None, "goes to a bank; set account"),
    )
    return next((text for applies, text in checks if applies), "")


def _warehouses(settings: TagrainSettings, lists: Lists) -> Iterator[Problem]:
    """Each store has an active warehouse, and a warehouse is one store's: its stock is sent to that one."""
    used = Counter(store.warehouse for store in settings.stores.values())
    for code in (code for code, stores in used.items() if stores > 1):
        yield Problem("stores", f"warehouse {code} is that of several stores; give each store its own")
    if sap.WAREHOUSES not in lists:
        return
    active = {row["WarehouseCode"] for row in lists[sap.WAREHOUSES] if row.get("Inactive") != "tYES"}
    for code in used:
        if code not in active:
            yield Problem("stores", f"{code} is not among SAP's active warehouses; correct it")
