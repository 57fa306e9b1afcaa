"""The OData expressions both simulators share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from local.simulators.odata import (
    BadLiteral,
    BadSyntax,
    Literal,
    ODataError,
    Property,
    UnknownFunction,
    UnknownProperty,
    compile_filter,
    compile_orderby,
    is_one_of,
    order_key,
)

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "Anna", "amount": Decimal("10.50"), "on": "2024-01-01T00:00:00Z", "flag": True},
    {"id": 2, "name": "O'Neil", "amount": None, "on": "2024-02-01T00:00:00Z", "flag": False},
    {"id": 3, "name": None, "amount": Decimal("-3"), "on": "2024-03-01T00:00:00Z", "flag": None},
]
NAMES = ("id", "name", "amount", "on", "flag", "AllowedLine", "NullableThing", "TrueStart")


def resolve(path: tuple[str, ...]) -> Property:
    name = "/".join(path)
    if name not in NAMES:
        raise UnknownProperty(name)

    def literal(constant: Literal) -> Any:
        if name == "on":
            if constant.kind != "datetime":
                raise BadLiteral("an instant is needed")
            return constant.value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return constant.value

    return Property(name, lambda row: row.get(name), literal, str.casefold if name == "name" else None)


def found(text: str, **options: Any) -> list[int]:
    compiled = compile_filter(text, resolve, **options)
    return [row["id"] for row in ROWS if compiled.matches(row)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [1, 2, 3]),
        ("name eq 'anna'", [1]),
        ("name eq 'O''Neil'", [2]),
        ("'Anna' eq name", [1]),
        ("5 lt amount", [1]),
        ("amount eq -3", [3]),
        ("amount eq 10.5", [1]),
        ("amount eq null", [2]),
        ("name ne null", [1, 2]),
        ("null eq name", [3]),
        ("on ge 2024-02-01T00:00:00Z", [2, 3]),
        ("flag", [1]),
        ("flag eq false", [2]),
        ("not (id eq 1)", [2, 3]),
        ("id eq 1 or id eq 2 and flag eq true", [1]),
        ("(id eq 1 or id eq 2) and flag eq false", [2]),
        ("contains(name,'NEI')", [2]),
        ("startswith(name,'an')", [1]),
        ("endswith(name,'L')", [2]),
        ("tolower(name) eq 'anna'", [1]),
        ("length(name) gt 4", [2]),
        ("name in ('anna','nobody')", [1]),
    ],
)
def test_an_expression_finds_its_rows(text: str, ids: list[int]) -> None:
    assert found(text) == ids


def test_null_never_fulfils_an_order_comparison() -> None:
    assert found("amount lt 100") == [1, 3]
    assert found("amount ge -100") == [1, 3]


def test_whether_null_differs_from_a_value_is_the_services_choice() -> None:
    assert found("name ne 'anna'", null_differs=True) == [2, 3]
    assert found("name ne 'anna'", null_differs=False) == [2]


@pytest.mark.parametrize("name", ["AllowedLine", "NullableThing", "TrueStart"])
def test_a_name_may_begin_like_a_keyword(name: str) -> None:
    assert compile_filter(f"{name} eq 1", resolve).matches({name: 1})


def test_a_chain_of_three_thousand_alternatives_compiles() -> None:
    compiled = compile_filter(" or ".join(f"name eq 'k{number}'" for number in range(3000)), resolve)
    assert compiled.matches({"name": "K2999"})
    assert not compiled.matches({"name": "k3000"})


def test_alternatives_on_one_property_become_one_required_set() -> None:
    required = compile_filter("(name eq 'A' or name eq 'b') and id gt 4", resolve).required
    assert [(each.name, each.operator) for each in required] == [("name", "in"), ("id", "gt")]
    assert set(required[0].values) == {"a", "b"}


def test_alternatives_on_two_properties_require_nothing() -> None:
    assert compile_filter("name eq 'a' or id eq 1", resolve).required == ()
    assert compile_filter("not (name eq 'a')", resolve).required == ()


@pytest.mark.parametrize("text", ["name eq", "name eq 'a", "eq 'a'", "name = 'a'", "(name eq 'a'", "['a'", "a]", "5"])
def test_a_broken_expression_is_a_syntax_error(text: str) -> None:
    with pytest.raises(BadSyntax):
        compile_filter(text, resolve)


def test_an_unknown_property_is_named() -> None:
    with pytest.raises(UnknownProperty) as caught:
        compile_filter("id eq 1 and Colour eq 'x'", resolve)
    assert caught.value.name == "Colour"


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(UnknownFunction) as caught:
        compile_filter("soundslike(name,'x')", resolve)
    assert caught.value.name == "soundslike"


def test_a_literal_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(BadLiteral):
        compile_filter("on eq '2024-01-01'", resolve)


def test_a_service_may_add_functions_with_named_parameters_and_bracketed_lists() -> None:
    def among(arguments: Any, lookup: Any) -> Any:
        return is_one_of(lookup((arguments["PropertyName"].value,)), arguments["PropertyValues"])

    functions = {"Some.Where.In": among}
    assert found("Some.Where.In(PropertyName='name',PropertyValues=['ANNA','x,y'])", functions=functions) == [1]
    assert found("Some.Where.In(PropertyName='name',PropertyValues=['O''Neil'])", functions=functions) == [2]


def test_rows_are_ordered_with_nulls_first_and_last_when_descending() -> None:
    rising = order_key(compile_orderby("amount,id", resolve))
    falling = order_key(compile_orderby("amount desc,id asc", resolve))
    assert [row["id"] for row in sorted(ROWS, key=rising)] == [2, 3, 1]
    assert [row["id"] for row in sorted(ROWS, key=falling)] == [1, 3, 2]


def test_order_keys_of_two_rows_can_be_compared() -> None:
    key = order_key(compile_orderby("amount desc,id", resolve))
    assert key(ROWS[0]) < key(ROWS[2]) < key(ROWS[1])
    assert key(ROWS[0]) == key(dict(ROWS[0]))


@pytest.mark.parametrize("text", ["name down", "name desc extra", "Colour"])
def test_a_broken_order_is_refused(text: str) -> None:
    with pytest.raises(ODataError):
        compile_orderby(text, resolve)
