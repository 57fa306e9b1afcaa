"""The template type ``tagrain``: its objects, and what they need to be set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.objects import sap_lists as sap
from shared.objects.model import Context, Direction, Problem, Reference, TemplateType
from shared.objects.settings import unknown_names
from shared.objects.tagrain import lists as known
from shared.objects.tagrain.checks import problems
from shared.objects.tagrain.customer import CUSTOMER
from shared.objects.tagrain.customer_group import CUSTOMER_GROUP
from shared.objects.tagrain.expense import EXPENSE
from shared.objects.tagrain.inventory import INVENTORY
from shared.objects.tagrain.manufacturer import MANUFACTURER
from shared.objects.tagrain.product import PRODUCT
from shared.objects.tagrain.product_group import PRODUCT_GROUP
from shared.objects.tagrain.refund import REFUND
from shared.objects.tagrain.sales import SALES
from shared.objects.tagrain.settings import TagrainSettings
from shared.ports import Row

NEEDED: Mapping[str, str] = {
    "connection": "name the connection whose address and key are in the app settings",
    "startDate": "choose the day from which on transactions are taken",
    "basePriceList": "choose SAP's price list for base prices",
    "cashCustomer": "choose the SAP customer for sales without a customer",
    "paymentTerm": "choose SAP's payment term for transactions",
    "exemptTaxCode": "choose SAP's tax code of 0 % for what is not taxed",
    "cashAccount": "choose the G/L account for cash",
    "customerCurrency": "choose the currency of new customers in SAP",
    "customerCodeSeries": "choose the series that numbers customers in SAP",
    "defaultCustomerGroup": "choose the group of customers that have none in Tagrain",
    "defaultItemGroup": "choose the group of items that have none in Tagrain",
    "stores": "map the stores of Tagrain to SAP's warehouses",
    "expenseReasons": "map the expense reasons of Tagrain to G/L accounts",
}
"""What must be set, by some object, and what to do."""

_NEW_CUSTOMERS = ("customerCurrency", "customerCodeSeries", "defaultCustomerGroup")
_RECEIPTS = ("startDate", "cashCustomer", "paymentTerm", "exemptTaxCode", "cashAccount", "stores")
_OF_OBJECT: Mapping[str, tuple[str, ...]] = {
    "sales": _RECEIPTS,
    "refund": _RECEIPTS,
    "expense": ("startDate", "cashAccount", "stores", "expenseReasons"),
    "inventory": ("stores",),
}
_OF_DIRECTION: Mapping[tuple[str, Direction], tuple[str, ...]] = {
    ("customer", Direction.IN): _NEW_CUSTOMERS,
    ("product", Direction.IN): ("defaultItemGroup",),
    ("product", Direction.OUT): ("basePriceList",),
}


class TagrainTemplate(TemplateType):
    """A connection to Tagrain."""

    name = "tagrain"
    title = "Tagrain"
    settings_model = TagrainSettings
    objects = (CUSTOMER_GROUP, CUSTOMER, MANUFACTURER, PRODUCT_GROUP, PRODUCT, SALES, REFUND, EXPENSE, INVENTORY)
    references = (
        sap.SAP_CUSTOMER_GROUPS,
        sap.SAP_CUSTOMER_SERIES,
        sap.SAP_PAYMENT_TERMS,
        sap.SAP_CURRENCIES,
        sap.SAP_COUNTRIES,
        sap.SAP_STATES,
        sap.SAP_BRANCHES,
        sap.SAP_COMPANY,
        sap.SAP_PRICE_LISTS,
        sap.SAP_WAREHOUSES,
        sap.SAP_FREIGHTS,
        sap.SAP_TAX_GROUPS,
        sap.SAP_TAX_CODES,
        sap.SAP_CREDIT_CARDS,
        sap.SAP_ACCOUNTS,
        sap.SAP_MANUFACTURERS,
        sap.SAP_ITEM_GROUPS,
        known.TAGRAIN_STORES,
        known.TAGRAIN_PAYMENT_TYPES,
        known.TAGRAIN_TAX_CODES,
        known.TAGRAIN_EXPENSE_REASONS,
        known.TAGRAIN_SURCHARGES,
        known.TAGRAIN_CUSTOMER_GROUPS,
        known.TAGRAIN_PRODUCT_GROUPS,
        known.TAGRAIN_MANUFACTURERS,
    )

    def references_for(self, settings: Any) -> tuple[Reference, ...]:
        """The lists, and of SAP's customers the one that the settings name."""
        code = settings.cash_customer
        return self.references if code is None else (*self.references, known.cash_customer(code))

    def check(self, settings: Any, lists: Mapping[str, Sequence[Row]]) -> list[Problem]:
        """Every code in the settings must be on its list. A list that is not given is not checked against."""
        return [*unknown_names(settings, self.objects), *problems(settings, lists)]

    def missing(self, object_name: str, settings: Any) -> list[Problem]:
        """What each object cannot do without."""
        values = {field.alias or name: getattr(settings, name) for name, field in TagrainSettings.model_fields.items()}
        names = dict.fromkeys(("connection", *self._needed_by(object_name, settings)))
        return [Problem(name, NEEDED[name]) for name in names if values[name] in (None, {}, [])]

    def _needed_by(self, object_name: str, settings: Any) -> Iterator[str]:
        yield from _OF_OBJECT.get(object_name, ())
        found = self.object(object_name)
        directions = found.directions(Context(self.name, settings)) if found else ()
        for direction in directions:
            yield from _OF_DIRECTION.get((object_name, direction), ())


TAGRAIN = TagrainTemplate()
