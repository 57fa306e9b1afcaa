"""The sample company is the same every time, hangs together, and holds what needs care."""

from __future__ import annotations

from local.sample_company import build_company
from local.schema import load_service_layer


def test_the_same_seed_gives_the_same_company_and_another_one_does_not() -> None:
    assert build_company(30, seed=3) == build_company(30, seed=3)
    assert build_company(30, seed=3)["BusinessPartners"] != build_company(30, seed=4)["BusinessPartners"]


def test_every_property_exists_and_fits_its_column() -> None:
    schema = load_service_layer()
    company = build_company(300, branches=True)
    for row in company["BusinessPartners"]:
        inner = [("BPAddress", each) for each in row["BPAddresses"]]
        inner += [("ContactEmployee", each) for each in row["ContactEmployees"]]
        for type_name, values in [("BusinessPartner", row), *inner]:
            properties = schema.types[type_name].properties
            for name, value in values.items():
                limit = properties[name].max_length
                assert limit is None or len(value) <= limit, (name, value)


def test_references_exist() -> None:
    company = build_company(300, branches=True)
    groups = {row["Code"] for row in company["BusinessPartnerGroups"]}
    terms = {row["GroupNumber"] for row in company["PaymentTermsTypes"]}
    currencies = {row["Code"] for row in company["Currencies"]} | {"##"}
    states = {(row["Code"], row["Country"]) for row in company["States"]}
    countries = {row["Code"] for row in company["Countries"]}
    for row in company["BusinessPartners"]:
        assert (row["GroupCode"] in groups, row["PayTermsGrpCode"] in terms, row["Currency"] in currencies) == (
            True,
        ) * 3
        names = {(each["AddressName"], each["AddressType"]) for each in row["BPAddresses"]}
        assert (row["BilltoDefault"], "bo_BillTo") in names
        assert (row["ShipToDefault"], "bo_ShipTo") in names
        for address in row["BPAddresses"]:
            assert address["Country"] in countries
            assert "State" not in address or (address["State"], address["Country"]) in states


def test_it_holds_the_sizes_asked_for_and_names_that_need_care() -> None:
    company = build_company(12, suppliers=2, leads=1)
    kinds = [row["CardType"] for row in company["BusinessPartners"]]
    assert [kinds.count(kind) for kind in ("cCustomer", "cSupplier", "cLid")] == [12, 2, 1]
    names = [row["CardName"] for row in company["BusinessPartners"]]
    assert any("'" in name for name in names)
    assert any(name.endswith(" ") for name in names)
    assert any("株" in name for name in names)
