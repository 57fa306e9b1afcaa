"""The template type ``dynamics``: its objects, and whether its settings hold in SAP and in Dynamics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.objects.codes import CURRENCIES
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.account import ACCOUNT
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.model import Context, Direction, Problem, TemplateType
from shared.objects.regions import COUNTRIES, STATES
from shared.objects.settings import unknown_names
from shared.ports import Row

type Lists = Mapping[str, Sequence[Row]]


class DynamicsTemplate(TemplateType):
    """A connection to Dynamics 365 Sales."""

    name = "dynamics"
    title = "Dynamics 365 Sales"
    settings_model = DynamicsSettings
    objects = (ACCOUNT,)
    references = (
        known.SAP_CUSTOMER_GROUPS,
        known.SAP_CUSTOMER_SERIES,
        known.SAP_PAYMENT_TERMS,
        known.SAP_CURRENCIES,
        known.SAP_COUNTRIES,
        known.SAP_STATES,
        known.SAP_BRANCHES,
        known.DYNAMICS_CURRENCIES,
    )

    def check(self, settings: Any, lists: Lists) -> list[Problem]:
        """Every code in the settings must be on its list. A list that is not given is not checked against."""
        return [
            *unknown_names(settings, self.objects),
            *_group(settings, lists),
            *_series(settings, lists),
            *_branches(settings, lists),
            *(problem for check in _code_checks(settings) for problem in _unlisted(*check, lists)),
        ]

    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        """For accounts: the account types, and what a customer that is created in SAP needs if accounts come in."""
        needed: list[tuple[str, Any, str]] = []
        if object_name == ACCOUNT.name:
            needed.append(("accountTypes", settings.account_types, "choose the account types to be integrated"))
            if Direction.IN in ACCOUNT.directions(Context(self.name, settings)):
                needed += [
                    ("customerCodeSeries", settings.customer_code_series, "choose the series that numbers customers"),
                    ("defaultCustomerGroup", settings.default_customer_group, "choose the group of new customers"),
                ]
        return [Problem(setting, text) for setting, value, text in needed if value is None or value == []]


def _code_checks(settings: DynamicsSettings) -> tuple[tuple[str, Iterable[Any], str, tuple[str, ...], str], ...]:
    """Per setting: the codes it has, the list they must be on, its columns, and what the list is called."""
    iso = settings.currencies.values()
    for_all = [settings.all_currencies_as] if settings.all_currencies_as else []
    of_dynamics = (known.OTHER_CURRENCIES, ("isocurrencycode",), "the active currencies of Dynamics")
    states = [(country, code) for country, codes in settings.states.items() for code in codes]
    return (
        ("currencies", settings.currencies, CURRENCIES, ("Code",), "SAP's currencies"),
        ("currencies", iso, *of_dynamics),
        ("allCurrenciesAs", for_all, *of_dynamics),
        ("paymentTerms", settings.payment_terms, known.PAYMENT_TERMS, ("GroupNumber",), "SAP's payment terms"),
        ("countries", settings.countries, COUNTRIES, ("Code",), "SAP's countries"),
        ("states", states, STATES, ("Country", "Code"), "SAP's states"),
    )


def _unlisted(
    setting: str, codes: Iterable[Any], listing: str, columns: tuple[str, ...], what: str, lists: Lists
) -> Iterator[Problem]:
    if listing not in lists:
        return
    on_list = {tuple(row[column] for column in columns) for row in lists[listing]}
    for code in codes:
        key = code if isinstance(code, tuple) else (code,)
        if key not in on_list:
            yield Problem(setting, f"{'/'.join(map(str, key))} is not among {what}; correct or remove it")


def _group(settings: DynamicsSettings, lists: Lists) -> Iterator[Problem]:
    code = settings.default_customer_group
    if code is None or known.CUSTOMER_GROUPS not in lists:
        return
    groups = [row for row in lists[known.CUSTOMER_GROUPS] if row["Type"] == "bbpgt_CustomerGroup"]
    if not any(row["Code"] == code for row in groups):
        yield Problem("defaultCustomerGroup", f"{code} is no customer group in SAP; choose one of its customer groups")


def _series(settings: DynamicsSettings, lists: Lists) -> Iterator[Problem]:
    """The series must exist, number by itself (a partner without a code is refused otherwise) and not be locked."""
    number = settings.customer_code_series
    if number is None or known.CUSTOMER_SERIES not in lists:
        return
    series = next(
        (row for row in lists[known.CUSTOMER_SERIES] if number in (row.get(c) for c in known.SERIES_NUMBER_COLUMNS)),
        None,
    )
    setting = "customerCodeSeries"
    if series is None:
        yield Problem(setting, f"{number} is no numbering series for customers in SAP; choose one")
    elif series.get("IsManual") == "tYES":
        yield Problem(setting, f"series {number} is manual, so SAP could not number customers; choose another")
    elif series.get("Locked") == "tYES":
        yield Problem(setting, f"series {number} is locked in SAP; unlock it or choose another")


def _branches(settings: DynamicsSettings, lists: Lists) -> Iterator[Problem]:
    if known.BRANCHES not in lists:
        return
    enabled = {row["BPLID"] for row in lists[known.BRANCHES] if row.get("Disabled") != "tYES"}
    for branch in settings.branch_assignment:
        if branch not in enabled:
            yield Problem("branchAssignment", f"{branch} is no active branch in SAP; correct or remove it")


DYNAMICS = DynamicsTemplate()
