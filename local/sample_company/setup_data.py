"""The small tables every company has: groups, currencies, terms, countries, states, branches, series."""

from __future__ import annotations

from typing import Any

from local.sample_company.items import PRICE_DECIMALS

Row = dict[str, Any]

COMPANY_NAME = "Nordlicht Handels GmbH"
LOCAL_CURRENCY = "EUR"

CUSTOMER_GROUPS = (
    (100, "Customers"),
    (102, "Key accounts"),
    (103, "Filialen & Händler"),
    (104, "Öffentliche Hand"),
    (105, "Export"),
)
VENDOR_GROUPS = ((101, "Vendors"), (106, "Lieferanten Ausland"))
PAYMENT_TERMS = ((-1, "- Cash Basic -", 0), (1, "Net 30", 30), (2, "Net 60", 60), (3, "2% 10 days, net 30", 30))
CURRENCIES = (
    ("EUR", "Euro", "European Euro", "Cent", "cdDefault"),
    ("USD", "US Dollar", "US Dollar", "Cent", "cdDefault"),
    ("GBP", "British Pound", "Pound Sterling", "Penny", "cdDefault"),
    ("KWD", "Kuwaiti Dinar", "Kuwaiti Dinar", "Fils", "cd3Digits"),
)
COUNTRIES = (
    ("AT", "Austria", True),
    ("CA", "Canada", False),
    ("CH", "Switzerland", False),
    ("CN", "China", False),
    ("DE", "Germany", True),
    ("ES", "Spain", True),
    ("FR", "France", True),
    ("GB", "United Kingdom", False),
    ("IN", "India", False),
    ("IT", "Italy", True),
    ("JP", "Japan", False),
    ("NL", "Netherlands", True),
    ("PL", "Poland", True),
    ("US", "USA", False),
)
STATES = (
    ("CA", "US", "California"),
    ("NY", "US", "New York"),
    ("TX", "US", "Texas"),
    ("WA", "US", "Washington"),
    ("ON", "CA", "Ontario"),
    ("QC", "CA", "Québec"),
    ("KA", "IN", "Karnataka"),
    ("MH", "IN", "Maharashtra"),
    ("BY", "DE", "Bayern"),
    ("HH", "DE", "Hamburg"),
)
SALES_PERSONS = (
    (-1, "-No Sales Employee-", None),
    (1, "Brigitte Meyer", "brigitte.meyer"),
    (2, "Seán O'Brien", "sean.obrien"),
    (3, "Łukasz Nowak", "lukasz.nowak"),
    (4, "Sofía Núñez", "sofia.nunez"),
    (5, "山田 花子", "hanako.yamada"),
)
"""Code, name, mailbox."""
BRANCHES = ((1, "Main"), (2, "Hamburg"), (3, "Wien"))
# (series, name, sub type, prefix, next number, manual)
SERIES = (
    (1, "Manual", "C", "", 1, True),
    (2, "Manual", "S", "", 1, True),
    (3, "Manual", "L", "", 1, True),
    (70, "CustAuto", "C", "CN", 1, False),
    (71, "VendAuto", "S", "VN", 1, False),
    (72, "LeadAuto", "L", "LN", 1, False),
)


def setup_tables(*, branches: bool) -> dict[str, list[Row]]:
    """Rows of every set-up table, in Service Layer's v2 spelling."""
    groups = [{"Code": code, "Name": name, "Type": "bbpgt_CustomerGroup"} for code, name in CUSTOMER_GROUPS]
    groups += [{"Code": code, "Name": name, "Type": "bbpgt_VendorGroup"} for code, name in VENDOR_GROUPS]
    return {
        "BusinessPartnerGroups": groups,
        "Currencies": [
            {
                "Code": code,
                "Name": name,
                "DocumentsCode": code,
                "InternationalDescription": long,
                "HundredthName": cent,
                "Decimals": decimals,
            }
            for code, name, long, cent, decimals in CURRENCIES
        ],
        "PaymentTermsTypes": [
            {"GroupNumber": number, "PaymentTermsGroupName": name, "NumberOfAdditionalDays": days}
            for number, name, days in PAYMENT_TERMS
        ],
        "Countries": [
            {"Code": code, "Name": name, "CodeForReports": code, "EU": "tYES" if eu else "tNO"}
            for code, name, eu in COUNTRIES
        ],
        "States": [{"Code": code, "Country": country, "Name": name} for code, country, name in STATES],
        "SalesPersons": [
            {"SalesEmployeeCode": code, "SalesEmployeeName": name, "Active": "tYES", "Locked": "tNO"}
            | ({"Email": f"{mailbox}@nordlicht.example"} if mailbox else {})
            for code, name, mailbox in SALES_PERSONS
        ],
        "BusinessPlaces": [
            {"BPLID": number, "BPLName": name, "MainBPL": "tYES" if number == 1 else "tNO", "Disabled": "tNO"}
            for number, name in (BRANCHES if branches else ())
        ],
        "Series": [_series(*each) for each in SERIES],
        "CompanyInfo": [{"CompanyName": COMPANY_NAME, "Version": 1000280, "LanguageCode": "ln_English"}],
        "AdminInfo": [
            {
                "Code": 1,
                "CompanyName": COMPANY_NAME,
                "Country": "DE",
                "LocalCurrency": LOCAL_CURRENCY,
                "SystemCurrency": LOCAL_CURRENCY,
                "DefaultCustomerPaymentTerms": 1,
                "DefaultVendorPaymentTerms": 1,
                "TotalsAccuracy": 2,
                "PriceAccuracy": PRICE_DECIMALS,
                "AccuracyofQuantities": 3,
                "DefaultWarehouse": "01",
                "RateAccuracy": 6,
                "PercentageAccuracy": 2,
                "EnableBranches": "tYES" if branches else "tNO",
            }
        ],
    }


def _series(number: int, name: str, sub_type: str, prefix: str, next_number: int, manual: bool) -> Row:
    return {
        "SeriesProperty": number,
        "Name": name,
        "Document": "2",
        "DocumentSubType": sub_type,
        "Prefix": prefix,
        "InitialNumber": next_number,
        "NextNumber": next_number,
        "DigitNumber": 6,
        "IsManual": "tYES" if manual else "tNO",
        "Locked": "tNO",
    }
