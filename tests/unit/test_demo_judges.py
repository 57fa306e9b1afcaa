"""The demo's own judges: a comparison that overlooks something would make every claim of the demo worthless."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from rich.console import Console

from local.demo import traces
from local.demo.compare import Lists, compare
from local.demo.stage import Stage

_LISTS = Lists({"DE": "Germany"}, {("DE", "HH"): "Hamburg"}, {"id-eur": "EUR"})


def _partner(**columns: Any) -> dict[str, Any]:
    address = {"AddressType": "bo_BillTo", "AddressName": "Main", "City": "Hamburg", "Country": "DE", "State": "HH"}
    row = {"CardCode": "C1", "CardName": "Nordlicht ", "Phone1": "040 1", "Currency": "EUR", "PayTermsGrpCode": 1}
    return {**row, "BilltoDefault": "Main", "BPAddresses": [address], **columns}


def _account(**columns: Any) -> dict[str, Any]:
    row = {"accountnumber": "C1", "name": "Nordlicht", "telephone1": "040 1", "customertypecode": 3}
    codes = {"paymenttermscode": 1, "_transactioncurrencyid_value": "id-eur"}
    address = {"address1_city": "Hamburg", "address1_country": "Germany", "address1_stateorprovince": "Hamburg"}
    return {**row, **codes, **address, **columns}


def test_a_pair_that_shows_the_same_has_no_difference() -> None:
    result = compare({"C1": _partner()}, [_account()], {"C1": 3}, _LISTS)
    assert (result.pairs, result.differences, result.missing, result.doubled, result.uninvited) == (1, [], [], [], [])


@pytest.mark.parametrize(
    ("partner", "account", "field"),
    [
        ({"Phone1": "040 2"}, {}, "phone"),
        ({}, {"fax": "040 3"}, "fax"),
        ({}, {"customertypecode": 9}, "account type"),
        ({"Currency": "##"}, {"_transactioncurrencyid_value": None}, "currency"),
        ({"PayTermsGrpCode": -1}, {}, "payment terms"),
        ({}, {"address1_city": "Bremen"}, "bill-to city"),
        ({}, {"address1_country": "DE"}, "bill-to country"),
        ({}, {"address1_stateorprovince": None}, "bill-to state"),
        ({}, {"address2_line1": "Hafen 1"}, "ship-to street"),
    ],
)
def test_one_field_that_differs_is_the_one_difference(
    partner: dict[str, Any], account: dict[str, Any], field: str
) -> None:
    result = compare({"C1": _partner(**partner)}, [_account(**account)], {"C1": 3}, _LISTS)
    assert [text.split(":")[0] for text in result.differences] == [f"C1, {field}"]


def test_who_is_missing_doubled_or_uninvited_is_named() -> None:
    partners = {code: _partner(CardCode=code) for code in ("C1", "C2", "C3")}
    accounts = [_account(), _account(), _account(accountnumber="C3")]
    result = compare(partners, accounts, {"C1": 3, "C2": 3}, _LISTS)
    assert (result.doubled, result.missing, result.uninvited) == (["C1"], ["C2"], ["C3"])


def test_record_data_is_found_however_json_spells_it() -> None:
    hidden = traces.worth_hiding([{"CardName": 'Café "Nord"', "Phone1": "123"}])
    assert hidden == {'Café "Nord"'}, "what is short is found by chance"
    places = {"plain": 'Café "Nord"', "escaped": r"Caf\u00e9 \"Nord\"", "json": r"Café \"Nord\"", "clean": "C00001"}
    assert [found.rpartition(" ")[2] for found in traces.found(hidden, places)] == ["escaped", "json", "plain"]


def test_a_check_that_does_not_hold_says_what_was_expected_and_seen() -> None:
    output = io.StringIO()
    nobody = cast(Any, None)
    stage = Stage(nobody, nobody, nobody, Console(file=output), 1)
    stage.check("two and two", 5, 4)
    stage.check("one and one", 2, 2)
    assert [check.holds for check in stage.checks] == [False, True]
    assert "expected: 4" in output.getvalue()
    assert "seen:     5" in output.getvalue()
