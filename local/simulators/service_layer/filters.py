"""``$filter`` as Service Layer understands it (user guide): comparisons, and/or/not, startswith, endswith, contains.

Literals are numbers, null and quoted text; text stands for dates, times and enumerations too. No arithmetic, no other
function, no lambda. odata-query's grammar parses; what it accepts beyond Service Layer is refused here. Comparing with
a null follows SQL: neither true nor false (inferred).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from local.schema import Property
from local.simulators.service_layer import errors
from local.simulators.service_layer.store import Collate, Row
from local.simulators.service_layer.values import NUMBER_TYPES, as_number, date_form, enum_member, time_form

Predicate = Callable[[Row], bool | None]

_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
_ORDERINGS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: lambda value, literal: bool(value == literal),
    ast.NotEq: lambda value, literal: bool(value != literal),
    ast.Lt: lambda value, literal: bool(value < literal),
    ast.LtE: lambda value, literal: bool(value <= literal),
    ast.Gt: lambda value, literal: bool(value > literal),
    ast.GtE: lambda value, literal: bool(value >= literal),
}
_MIRRORED: dict[type, type] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_OLD_DATE = re.compile(r"'(?:[^']|'')*'|\bdatetime(?=')")


class Scope(Protocol):
    """What a filter may name."""

    type_name: str
    key_name: str | None
    """The key property, if the key is one property."""
    collate: Collate

    def property(self, name: str) -> Property | None:
        """The property of that name, user fields included."""
        ...

    def enum(self, name: str) -> dict[str, str | None] | None:
        """Members of an enumeration."""
        ...


@dataclass
class Filter:
    """A compiled filter. ``keys`` or ``after`` narrow what must be looked at; the predicate decides in any case."""

    matches: Predicate
    keys: frozenset[Any] | None = None
    after: Any = None


def compile_filter(text: str, scope: Scope) -> Filter:
    """Compile a filter; raises SapError 400/201 for what is outside the grammar or names unknown properties."""
    plain = _OLD_DATE.sub(lambda found: "" if found[0] == "datetime" else found[0], text.strip())
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(plain))
    except (ODataException, ValueError) as error:
        raise errors.invalid_filter() from error
    if tree is None:
        raise errors.invalid_filter()
    return Filter(_compile(tree, scope), _implied_keys(tree, scope), _implied_start(tree, scope))


def _compile(node: ast._Node, scope: Scope) -> Predicate:
    if isinstance(node, ast.BoolOp):
        operands = _flatten(node, type(node.op))
        return _any_of(operands, scope) if isinstance(node.op, ast.Or) else _all_of(operands, scope)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _compile(node.operand, scope)
        return lambda row: None if (held := inner(row)) is None else not held
    if isinstance(node, ast.Compare):
        return _compile_comparison(node, scope)
    if isinstance(node, ast.Call):
        return _compile_function(node, scope)
    raise errors.invalid_filter()


def _flatten(node: ast._Node, operator: type) -> list[ast._Node]:
    """Operands of a chain of one operator, left to right, without deep recursion on the left."""
    operands: list[ast._Node] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.BoolOp) and isinstance(each.op, operator):
            waiting += [each.right, each.left]
        else:
            operands.append(each)
    return operands


def _all_of(operands: list[ast._Node], scope: Scope) -> Predicate:
    tests = [_compile(operand, scope) for operand in operands]

    def holds(row: Row) -> bool | None:
        unknown = False
        for test in tests:
            held = test(row)
            if held is False:
                return False
            unknown = unknown or held is None
        return None if unknown else True

    return holds


def _any_of(operands: list[ast._Node], scope: Scope) -> Predicate:
    """Equalities on one property become one set, so that a list of 100 codes costs one look-up a row."""
    equal: dict[str, list[Any]] = {}
    tests: list[Predicate] = []
    for operand in operands:
        equality = _equality(operand, scope)
        if equality is None:
            tests.append(_compile(operand, scope))
        else:
            equal.setdefault(equality[0], []).append(equality[1])
    tests = [_one_of(name, frozenset(literals), scope) for name, literals in equal.items()] + tests

    def holds(row: Row) -> bool | None:
        unknown = False
        for test in tests:
            held = test(row)
            if held:
                return True
            unknown = unknown or held is None
        return None if unknown else False

    return tests[0] if len(tests) == 1 else holds


def _one_of(name: str, literals: frozenset[Any], scope: Scope) -> Predicate:
    collate = scope.collate
    return lambda row: None if (value := row.get(name)) is None else collate(value) in literals


def _equality(node: ast._Node, scope: Scope) -> tuple[str, Any] | None:
    """Property and literal of ``X eq literal``; None for null and anything else."""
    if not isinstance(node, ast.Compare) or not isinstance(node.comparator, ast.Eq):
        return None
    prop, _, literal = _sides(node, scope)
    return None if literal is None else (prop.name, literal)


def _compile_comparison(node: ast.Compare, scope: Scope) -> Predicate:
    prop, comparator, literal = _sides(node, scope)
    name = prop.name
    if literal is None:
        if comparator is ast.Eq:
            return lambda row: row.get(name) is None
        if comparator is ast.NotEq:
            return lambda row: row.get(name) is not None
        raise errors.invalid_filter()
    compare = _ORDERINGS[comparator]
    collate = scope.collate
    return lambda row: None if (value := row.get(name)) is None else compare(collate(value), literal)


def _sides(node: ast.Compare, scope: Scope) -> tuple[Property, type, Any]:
    """Property, comparator and literal in its stored form, also when they are written the other way round."""
    comparator: type = type(node.comparator)
    left, right = node.left, node.right
    if isinstance(right, ast.Identifier) and not isinstance(left, ast.Identifier):
        left, right = right, left
        comparator = _MIRRORED.get(comparator, comparator)
    if comparator not in _ORDERINGS or not isinstance(left, ast.Identifier):
        raise errors.invalid_filter()
    prop = _property(left, scope)
    return prop, comparator, _literal(right, prop, scope)


def _property(node: ast.Identifier, scope: Scope) -> Property:
    prop = None if node.namespace else scope.property(node.name)
    if prop is None:
        raise errors.unknown_query_property(node.name, scope.type_name)
    if prop.is_collection:
        raise errors.invalid_filter()
    return prop


def _literal(node: ast._Node, prop: Property, scope: Scope) -> Any:
    if isinstance(node, ast.Null):
        return None
    if isinstance(node, ast.Integer | ast.Float):
        number = as_number(node.val)
        if number is None or prop.type_name not in NUMBER_TYPES:
            raise errors.invalid_filter()
        return number
    if not isinstance(node, ast.String):
        raise errors.invalid_filter()
    literal = _quoted(node.val, prop, scope)
    if literal is None:
        raise errors.invalid_filter()
    return scope.collate(literal)


def _quoted(text: str, prop: Property, scope: Scope) -> Any:
    if prop.type_name == "String":
        return text
    if prop.type_name == "DateTimeOffset":
        return date_form(text)
    if prop.type_name == "TimeOfDay":
        return time_form(text)
    if prop.type_name in NUMBER_TYPES:
        return as_number(text)
    members = scope.enum(prop.type_name)
    return enum_member(members, text) if members is not None else None


def _compile_function(node: ast.Call, scope: Scope) -> Predicate:
    test = _FUNCTIONS.get(node.func.name)
    if test is None or len(node.args) != 2:
        raise errors.invalid_filter()
    subject, wanted = node.args
    if not isinstance(subject, ast.Identifier) or not isinstance(wanted, ast.String):
        raise errors.invalid_filter()
    prop = _property(subject, scope)
    if prop.type_name != "String":
        raise errors.invalid_filter()
    name, literal, collate = prop.name, scope.collate(wanted.val), scope.collate
    return lambda row: None if (value := row.get(name)) is None else test(collate(value), literal)


def _implied_keys(node: ast._Node, scope: Scope) -> frozenset[Any] | None:
    """Key values outside which the filter can't hold; None if it says nothing about the key."""
    if isinstance(node, ast.BoolOp):
        sides = [_implied_keys(operand, scope) for operand in _flatten(node, type(node.op))]
        known = [side for side in sides if side is not None]
        if isinstance(node.op, ast.Or):
            return frozenset().union(*known) if len(known) == len(sides) else None
        return frozenset.intersection(*known) if known else None
    equality = _equality(node, scope)
    if equality is None or equality[0] != scope.key_name:
        return None
    return frozenset({equality[1]})


def _implied_start(node: ast._Node, scope: Scope) -> Any:
    """The greatest key value below which the filter can't hold, from ``Key gt x`` among operands of and."""
    starts = []
    for operand in _flatten(node, ast.And):
        if isinstance(operand, ast.Compare) and isinstance(operand.comparator, ast.Gt | ast.GtE | ast.Lt | ast.LtE):
            prop, comparator, literal = _sides(operand, scope)
            if prop.name == scope.key_name and comparator in (ast.Gt, ast.GtE) and literal is not None:
                starts.append(literal)
    return max(starts, default=None)
