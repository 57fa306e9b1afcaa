"""The reference lists of SAP that templates choose from: what the engine loads and caches for them."""

from __future__ import annotations

from shared.objects.codes import CURRENCIES
from shared.objects.model import Reference
from shared.objects.regions import COUNTRIES, STATES
from shared.ports import Entity, SideName

CUSTOMER_GROUPS = "sap.customer_groups"
CUSTOMER_SERIES = "sap.series"
LEAD_SERIES = "sap.lead_series"
PAYMENT_TERMS = "sap.payment_terms"
BRANCHES = "sap.branches"
COMPANY = "sap.company"
PRICE_LISTS = "sap.price_lists"
UNIT_GROUPS = "sap.unit_groups"
UNITS = "sap.units"
WAREHOUSES = "sap.warehouses"
FREIGHTS = "sap.freights"
TAX_GROUPS = "sap.tax_groups"
TAX_CODES = "sap.tax_codes"
CREDIT_CARDS = "sap.credit_cards"
ACCOUNTS = "sap.accounts"
MANUFACTURERS = "sap.manufacturers"
ITEM_GROUPS = "sap.item_groups"
SALES_EMPLOYEES = "sap.sales_employees"
SALES_STAGES = "sap.sales_stages"
OPPORTUNITY_REASONS = "sap.opportunity_reasons"

POSTING_ACCOUNTS = "ActiveAccount eq 'tYES'"  # titles only add up: SAP calls those that documents post to active

COMPANY_OPERATION = "CompanyService_GetAdminInfo"

SERIES_OPERATION = "SeriesService_GetDocumentSeries"
# Object type 2 is the business partner; the letter C for customers is from memory, as is that SAP wants it at all.
SERIES_BODY = {"DocumentTypeParams": {"Document": "2", "DocumentSubType": "C"}}
LEAD_SERIES_BODY = {"DocumentTypeParams": {"Document": "2", "DocumentSubType": "L"}}
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
SAP_CURRENCIES = _sap(CURRENCIES, Entity("Currencies", "Currency", "Code", select=("Code", "Name", "Decimals")))
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
SAP_LEAD_SERIES = Reference(
    LEAD_SERIES, SideName.SAP, Entity(SERIES_OPERATION, "Series", "Series", key_is_text=False), body=LEAD_SERIES_BODY
)
SAP_CUSTOMER_SERIES = Reference(
    CUSTOMER_SERIES, SideName.SAP, Entity(SERIES_OPERATION, "Series", "Series", key_is_text=False), body=SERIES_BODY
)

# One row: local currency, decimal places of amounts, prices, percentages and quantities.
SAP_COMPANY = Reference(
    COMPANY,
    SideName.SAP,
    Entity(
        COMPANY_OPERATION,
        "AdminInfo",
        "Code",
        select=(
            "CompanyName",
            "LocalCurrency",
            "TotalsAccuracy",
            "PriceAccuracy",
            "PercentageAccuracy",
            "AccuracyofQuantities",
        ),
        key_is_text=False,
    ),
    body={},
)
SAP_PRICE_LISTS = _sap(
    PRICE_LISTS,
    Entity(
        "PriceLists",
        "PriceList",
        "PriceListNo",
        select=("PriceListNo", "PriceListName", "DefaultPrimeCurrency", "Active"),
        key_is_text=False,
    ),
)
SAP_UNIT_GROUPS = _sap(
    UNIT_GROUPS,
    Entity(
        "UnitOfMeasurementGroups",
        "UnitOfMeasurementGroup",
        "AbsEntry",
        select=("AbsEntry", "Code", "Name", "BaseUoM"),
        key_is_text=False,
    ),
)
SAP_UNITS = _sap(
    UNITS,
    Entity(
        "UnitOfMeasurements",
        "UnitOfMeasurement",
        "AbsEntry",
        select=("AbsEntry", "Code", "Name"),
        key_is_text=False,
    ),
)
SAP_WAREHOUSES = _sap(
    WAREHOUSES,
    Entity("Warehouses", "Warehouse", "WarehouseCode", select=("WarehouseCode", "WarehouseName", "Inactive")),
)
SAP_FREIGHTS = _sap(
    FREIGHTS,
    Entity("AdditionalExpenses", "AdditionalExpense", "ExpensCode", select=("ExpensCode", "Name"), key_is_text=False),
)
# A company has tax groups (Europe) or sales tax codes (North America, India); the lists tell which.
SAP_TAX_GROUPS = _sap(
    TAX_GROUPS,
    Entity("VatGroups", "VatGroup", "Code", select=("Code", "Name", "Category", "Inactive", "VatGroups_Lines")),
)
SAP_TAX_CODES = _sap(
    TAX_CODES,
    Entity("SalesTaxCodes", "SalesTaxCode", "Code", select=("Code", "Name", "Rate", "ValidForAR", "Inactive")),
)

SAP_CREDIT_CARDS = _sap(
    CREDIT_CARDS,
    Entity(
        "CreditCards",
        "CreditCard",
        "CreditCardCode",
        select=("CreditCardCode", "CreditCardName", "GLAccount"),
        key_is_text=False,
    ),
)
SAP_ACCOUNTS = _sap(
    ACCOUNTS,
    Entity(
        "ChartOfAccounts", "ChartOfAccount", "Code", select=("Code", "Name", "ActiveAccount"), scope=POSTING_ACCOUNTS
    ),
)
SAP_MANUFACTURERS = _sap(
    MANUFACTURERS,
    Entity("Manufacturers", "Manufacturer", "Code", select=("Code", "ManufacturerName"), key_is_text=False),
)
SAP_ITEM_GROUPS = _sap(
    ITEM_GROUPS,
    Entity("ItemGroups", "ItemGroups", "Number", select=("Number", "GroupName"), key_is_text=False),
)
SAP_SALES_EMPLOYEES = _sap(
    SALES_EMPLOYEES,
    Entity(
        "SalesPersons",
        "SalesPerson",
        "SalesEmployeeCode",
        select=("SalesEmployeeCode", "SalesEmployeeName", "Active"),
        key_is_text=False,
    ),
)
SAP_SALES_STAGES = _sap(
    SALES_STAGES,
    Entity(
        "SalesStages",
        "SalesStage",
        "SequenceNo",
        select=("SequenceNo", "Name", "Stageno", "Cancelled", "IsSales"),
        key_is_text=False,
    ),
)
SAP_OPPORTUNITY_REASONS = _sap(
    OPPORTUNITY_REASONS,
    Entity(
        "SalesOpportunityReasonsSetup",
        "SalesOpportunityReasonSetup",
        "SequenceNo",
        select=("SequenceNo", "Description"),
        key_is_text=False,
    ),
)
