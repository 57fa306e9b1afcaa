"""The reference lists of a Dynamics template: what the engine loads and caches for it."""

from __future__ import annotations

from shared.objects.codes import CURRENCIES
from shared.objects.model import Reference
from shared.objects.regions import COUNTRIES, STATES
from shared.ports import Entity, SideName

OTHER_CURRENCIES = "other.currencies"
CUSTOMER_GROUPS = "sap.customer_groups"
CUSTOMER_SERIES = "sap.series"
PAYMENT_TERMS = "sap.payment_terms"
BRANCHES = "sap.branches"

SERIES_OPERATION = "SeriesService_GetDocumentSeries"
# Object type 2 is the business partner; the letter C for customers is from memory, as is that SAP wants it at all.
SERIES_BODY = {"DocumentTypeParams": {"Document": "2", "DocumentSubType": "C"}}
# The metadata calls the number SeriesProperty (a type may not have a member of its own name in .NET); programs that
# read the answer find Series. Either is accepted.
SERIES_NUMBER_COLUMNS = ("Series", "SeriesProperty")


def _sap(name: str, entity: Entity) -> Reference:
    return Reference(name, SideName.SAP, entity)


SAP_COUNTRIES = _sap(
    COUNTRIES, Entity("Countries", "Country", "Code", select=("Code", "Name", "ISOAlpha2Code", "ISOAlpha3Code"))
)
# The key is Code and Country together: the list is read whole, never by key.
SAP_STATES = _sap(STATES, Entity("States", "State", "Code", select=("Code", "Country", "Name")))
SAP_CURRENCIES = _sap(CURRENCIES, Entity("Currencies", "Currency", "Code", select=("Code", "Name")))
SAP_CUSTOMER_GROUPS = _sap(
    CUSTOMER_GROUPS,
    Entity(
        "BusinessPartnerGroups",
        "BusinessPartnerGroup",
        "Code",
        select=("Code", "Name", "Type"),
        scope="Type eq 'bbpgt_CustomerGroup'",
        key_is_text=False,
    ),
)
SAP_PAYMENT_TERMS = _sap(
    PAYMENT_TERMS,
    Entity(
        "PaymentTermsTypes",
        "PaymentTermsType",
        "GroupNumber",
        select=("GroupNumber", "PaymentTermsGroupName"),
        key_is_text=False,
    ),
)
SAP_BRANCHES = _sap(
    BRANCHES,
    Entity("BusinessPlaces", "BusinessPlace", "BPLID", select=("BPLID", "BPLName", "Disabled"), key_is_text=False),
)
SAP_CUSTOMER_SERIES = Reference(
    CUSTOMER_SERIES, SideName.SAP, Entity(SERIES_OPERATION, "Series", "Series", key_is_text=False), body=SERIES_BODY
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
