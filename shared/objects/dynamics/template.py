"""The template type ``dynamics``: its objects, and what they need to be set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.dynamics import lists as known
from shared.objects.dynamics.account import ACCOUNT
from shared.objects.dynamics.checks import custom_problems, problems
from shared.objects.dynamics.contact import CONTACT
from shared.objects.dynamics.lead import LEAD
from shared.objects.dynamics.opportunity import OPPORTUNITY
from shared.objects.dynamics.order import ORDER
from shared.objects.dynamics.product import PRODUCT
from shared.objects.dynamics.quotation import QUOTATION
from shared.objects.dynamics.settings import DynamicsSettings
from shared.objects.model import Context, Direction, Problem, Reference, TemplateType
from shared.objects.settings import unknown_names
from shared.ports import Row


class DynamicsTemplate(TemplateType):
    """A connection to Dynamics 365 Sales."""

    name = "dynamics"
    title = "Dynamics 365 Sales"
    settings_model = DynamicsSettings
    objects = (LEAD, ACCOUNT, CONTACT, PRODUCT, OPPORTUNITY, QUOTATION, ORDER)
    references = (
        sap.SAP_CUSTOMER_GROUPS,
        sap.SAP_CUSTOMER_SERIES,
        sap.SAP_LEAD_SERIES,
        sap.SAP_PAYMENT_TERMS,
        sap.SAP_CURRENCIES,
        sap.SAP_COUNTRIES,
        sap.SAP_STATES,
        sap.SAP_BRANCHES,
        sap.SAP_COMPANY,
        sap.SAP_PRICE_LISTS,
        sap.SAP_UNIT_GROUPS,
        sap.SAP_UNITS,
        sap.SAP_WAREHOUSES,
        sap.SAP_FREIGHTS,
        sap.SAP_TAX_GROUPS,
        sap.SAP_TAX_CODES,
        sap.SAP_SALES_EMPLOYEES,
        sap.SAP_SALES_STAGES,
        sap.SAP_OPPORTUNITY_REASONS,
        known.DYNAMICS_CURRENCIES,
        known.DYNAMICS_PRICE_LISTS,
        known.DYNAMICS_UNIT_GROUPS,
        known.DYNAMICS_UNITS,
        known.DYNAMICS_USERS,
    )

    def references_for(self, settings: Any) -> tuple[Reference, ...]:
        """All lists, and descriptions of the columns of custom fields."""
        named = [o for o in self.objects if settings.custom_fields_of(o.name)]
        more = [reference for o in named for reference in o.references_for(settings) if reference.describes]
        return (*self.references, *more)

    def check(self, settings: Any, lists: Mapping[str, Sequence[Row]]) -> list[Problem]:
        """Every code in the settings must be on its list. A list that is not given is not checked against."""
        custom = custom_problems(settings, [o.name for o in self.objects], lists)
        return [*unknown_names(settings, self.objects), *problems(settings, lists), *custom]

    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        """What each object cannot do without."""
        needs = {
            ACCOUNT.name: self._for_accounts,
            LEAD.name: self._for_leads,
            PRODUCT.name: self._for_products,
            OPPORTUNITY.name: self._for_opportunities,
            QUOTATION.name: self._for_documents,
            ORDER.name: self._for_documents,
        }
        needed = needs[object_name](settings) if object_name in needs else []
        return [Problem(setting, text) for setting, value, text in needed if value is None or value == []]

    def _for_accounts(self, settings: Any) -> list[tuple[str, Any, str]]:
        """The account types, and what a customer that is created in SAP needs if accounts come in."""
        needed = [("accountTypes", settings.account_types, "choose the account types to be integrated")]
        if Direction.IN in ACCOUNT.directions(Context(self.name, settings)):
            needed += [
                ("customerCodeSeries", settings.customer_code_series, "choose the series that numbers customers"),
                ("defaultCustomerGroup", settings.default_customer_group, "choose the group of new customers"),
            ]
        return needed

    def _for_leads(self, settings: Any) -> list[tuple[str, Any, str]]:
        """What a lead that is created in SAP needs, if leads come in."""
        if Direction.IN not in LEAD.directions(Context(self.name, settings)):
            return []
        series = settings.lead_code_series or settings.customer_code_series
        return [
            ("leadCodeSeries", series, "choose the series that numbers leads"),
            ("defaultCustomerGroup", settings.default_customer_group, "choose the group of new leads"),
        ]

    @staticmethod
    def _for_opportunities(settings: Any) -> list[tuple[str, Any, str]]:
        return [("startDate", settings.start_date, "choose the day from which on opportunities are taken")]

    @staticmethod
    def _for_products(settings: Any) -> list[tuple[str, Any, str]]:
        text = "choose the unit group of Dynamics for items that have none in SAP"
        return [("defaultUnitGroup", settings.default_unit_group, text)]

    @staticmethod
    def _for_documents(settings: Any) -> list[tuple[str, Any, str]]:
        return [
            ("startDate", settings.start_date, "choose the day from which on documents are taken"),
            ("exemptTaxCode", settings.exempt_tax_code, "choose SAP's tax code of 0 % for documents"),
            ("freightForShipping", settings.freight_for_shipping, "choose the freight for shipping charges"),
            ("freightForItemTax", settings.freight_for_item_tax, "choose the freight for the tax of lines"),
        ]


DYNAMICS = DynamicsTemplate()
