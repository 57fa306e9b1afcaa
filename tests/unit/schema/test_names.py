"""The check of API names finds what does not exist, and passes on what does."""

from __future__ import annotations

import pytest

from local.schema.names import Names, check_all, check_source

NAMES = Names()


def unknown(source: str) -> list[str]:
    """Unknown names in a piece of source."""
    return [f"{each.place} {each.name}" for each in check_source(source, "x.py", NAMES)]


@pytest.mark.parametrize(
    "source",
    [
        'Column("CardName", 100)',
        'Column("accountnumber")',
        'Column(f"{prefix}_line1")',
        'columns.AddressPart(kind, "Street")',
        'Entity("accounts", "account", "accountid", select=("name", "_ownerid_value"))',
        'Entity(set="BusinessPartners", type="BusinessPartner", key="CardCode", modified=("UpdateDate",))',
        'Entity(SERIES, "Series", "Series")',
        'Column("U_HubRef")',
        'Other("Nonsense")',
        "Column(name)",
    ],
)
def test_existing_names_pass(source: str) -> None:
    assert unknown(source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('\nColumn("CardNam")', "x.py:2 CardNam"),
        ('Column(f"{prefix}_lain1")', "x.py:1 f'{prefix}_lain1'"),
        ('AddressPart(kind, "CardName")', "x.py:1 CardName"),
        ('Entity("accounts", "account", "accountid", select=("CardName",))', "x.py:1 CardName"),
        ('Entity("Account", "account", "accountid")', "x.py:1 Account"),
        ('Entity("accounts", "acount", "accountid")', "x.py:1 acount"),
        ('Lookup("transactioncurrencyid", set="currencies")', "x.py:1 currencies"),
    ],
)
def test_a_name_that_does_not_exist_is_found_with_its_line(source: str, found: str) -> None:
    assert found in unknown(source)


def test_the_project_uses_no_unknown_name() -> None:
    assert [str(each) for each in check_all()] == []
