"""OData ``$filter`` and ``$orderby`` compiled into Python functions over plain row dicts.

Parsing is done by the odata-query package; here its tree becomes closures. What a property is called, how its value is
read from a row and how a literal is turned into that value's form is the caller's business (`Resolver`), so that the
Service Layer and Dataverse can each refuse and coerce in their own way.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Any, Final

from odata_query import ast

from local.simulators.odata_syntax import (
    BadLiteral,
    BadSyntax,
    Literal,
    ODataError,
    UnknownFunction,
    UnknownProperty,
    constant_of,
    full_name,
    parse,
)

__all__ = [
    "BadLiteral",
    "BadSyntax",
    "Compiled",
    "Condition",
    "Literal",
    "NamedFunction",
    "ODataError",
    "OrderTerm",
    "Predicate",
    "Property",
    "Resolver",
    "Row",
    "UnknownFunction",
    "UnknownProperty",
    "compile_filter",
    "compile_orderby",
    "is_one_of",
    "order_key",
    "parse",
]

type Row = Mapping[str, Any]
type Predicate = Callable[[Row], bool]
type Getter = Callable[[Row], Any]


@dataclass(frozen=True)
class Property:
    """How one property of a row is read, compared and ordered.

    `literal` turns a literal into the form that `read` gives (raising `BadLiteral`); `fold` is applied to both sides of
    comparisons and to order keys, for systems that ignore case or sort in a way of their own.
    """

    name: str
    read: Getter
    literal: Callable[[Literal], Any] = field(default=lambda literal: literal.value)
    fold: Callable[[Any], Any] | None = None


type Resolver = Callable[[tuple[str, ...]], Property]
"""From a path (``("primarycontactid", "contactid")``) to its property; raises `UnknownProperty`."""


@dataclass(frozen=True)
class Condition:
    """``property operator values`` with folded values, usable for an index; operators eq, ge, gt, le, lt and in."""

    name: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Compiled:
    """A filter: `matches` decides on one row; `required` are conditions that every match fulfils."""

    matches: Predicate
    required: tuple[Condition, ...] = ()


type NamedFunction = Callable[[Mapping[str, Literal | list[Literal]], Resolver], Compiled]
"""A service's own boolean function with named parameters, such as ``Microsoft.Dynamics.CRM.In``."""


_COMPARE: Final[Mapping[type[Any], str]] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}
_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_MIRRORED: Final[Mapping[str, str]] = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_VALUE_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "tolower": lambda text: str(text).lower(),
    "toupper": lambda text: str(text).upper(),
    "trim": lambda text: str(text).strip(),
    "length": lambda text: len(str(text)),
    "indexof": lambda text, part: str(text).find(str(part)),
    "concat": lambda left, right: f"{left}{right}",
    "substring": lambda text, start, size=None: str(text)[start : None if size is None else start + size],
    "year": lambda day: int(str(day)[0:4]),
    "month": lambda day: int(str(day)[5:7]),
    "day": lambda day: int(str(day)[8:10]),
    "round": lambda number: Decimal(number).to_integral_value(ROUND_HALF_UP),
    "floor": lambda number: Decimal(number).to_integral_value(ROUND_FLOOR),
    "ceiling": lambda number: Decimal(number).to_integral_value(ROUND_CEILING),
}


def compile_filter(
    text: str,
    resolve: Resolver,
    *,
    functions: Mapping[str, NamedFunction] | None = None,
    null_differs: bool = True,
) -> Compiled:
    """Compile a ``$filter``; an empty text matches every row.

    `null_differs` says whether a null value fulfils ``ne 'x'`` (SQL alone says no). Comparisons of a null with lt, le,
    gt and ge are never true. Raises `ODataError`.
    """
    if not text.strip():
        return Compiled(lambda _row: True)
    return _Compiler(resolve, functions or {}, null_differs).boolean(parse(text))


@dataclass(frozen=True)
class _Operand:
    """One side of a comparison: a property, a constant, or a computed value."""

    get: Getter
    property: Property | None = None
    constant: Literal | None = None


class _Compiler:
    def __init__(self, resolve: Resolver, functions: Mapping[str, NamedFunction], null_differs: bool) -> None:
        self._resolve = resolve
        self._functions = functions
        self._null_differs = null_differs

    def boolean(self, node: ast._Node) -> Compiled:
        match node:
            case ast.BoolOp(op, _, _):
                parts = [self.boolean(each) for each in _flattened(node, type(op))]
                return _all_of(parts) if isinstance(op, ast.And) else _any_of(parts)
            case ast.UnaryOp(ast.Not(), operand):
                inner = self.boolean(operand).matches
                return Compiled(lambda row: not inner(row))
            case ast.Compare(comparator, left, right):
                return self._comparison(comparator, left, right)
            case ast.Call(func, args):
                return self._call(full_name(func), args)
            case ast.Boolean(val):
                constant = val.lower() == "true"
                return Compiled(lambda _row: constant)
            case ast.Identifier() | ast.Attribute():
                read = self._property(node).read
                return Compiled(lambda row: read(row) is True)
            case _:
                raise BadSyntax("a condition was expected")

    def _call(self, name: str, args: Sequence[ast._Node]) -> Compiled:
        if name in self._functions:
            return self._functions[name](_named_arguments(args), self._resolve)
        if name not in _TEXT_TESTS:
            raise UnknownFunction(name)
        test = _TEXT_TESTS[name]
        text, part = (self._operand(each) for each in args)
        fold = text.property.fold if text.property and text.property.fold else _unchanged
        if part.constant is not None:
            if not isinstance(part.constant.value, str):
                raise BadLiteral(f"{name} needs text")
            wanted = fold(part.constant.value)
            return Compiled(lambda row: (value := text.get(row)) is not None and test(fold(str(value)), wanted))

        def matches(row: Row) -> bool:
            left, right = text.get(row), part.get(row)
            return left is not None and right is not None and test(fold(str(left)), fold(str(right)))

        return Compiled(matches)

    def _comparison(self, comparator: ast._Node, left: ast._Node, right: ast._Node) -> Compiled:
        if isinstance(comparator, ast.In):
            return self._membership(left, right)
        name = _COMPARE[type(comparator)]
        one, other = self._operand(left), self._operand(right)
        if one.constant is not None and other.constant is None:
            one, other, name = other, one, _MIRRORED[name]
        if other.constant is None:
            return Compiled(self._between(name, one, other))
        return self._with_constant(name, one, other.constant)

    def _with_constant(self, name: str, one: _Operand, constant: Literal) -> Compiled:
        get, fold = one.get, (one.property.fold if one.property else None)
        if constant.kind == "null":
            tests: Mapping[str, Predicate] = {
                "eq": lambda row: get(row) is None,
                "ne": lambda row: get(row) is not None,
            }
            return Compiled(tests.get(name, lambda _row: False))
        wanted = one.property.literal(constant) if one.property else _natural(constant)
        if fold is not None:
            wanted = fold(wanted)
        matches = _compare_with(name, get, fold, wanted, self._null_differs)
        if one.property is None or name == "ne":
            return Compiled(matches)
        return Compiled(matches, (Condition(one.property.name, name, (wanted,)),))

    def _between(self, name: str, one: _Operand, other: _Operand) -> Predicate:
        fold = (one.property and one.property.fold) or (other.property and other.property.fold) or _unchanged
        if name in ("eq", "ne"):
            wants_equal = name == "eq"
            return lambda row: (_folded(fold, one.get(row)) == _folded(fold, other.get(row))) is wants_equal
        test = _ORDERED[name]

        def matches(row: Row) -> bool:
            left, right = one.get(row), other.get(row)
            return left is not None and right is not None and test(fold(left), fold(right))

        return matches

    def _membership(self, left: ast._Node, right: ast._Node) -> Compiled:
        if not isinstance(right, ast.List):
            raise BadSyntax("in needs a list")
        return is_one_of(self._property(left), [constant_of(each) for each in right.val])

    def _property(self, node: ast._Node) -> Property:
        path: list[str] = []
        while isinstance(node, ast.Attribute):
            path.append(str(node.attr))
            node = node.owner
        if not isinstance(node, ast.Identifier):
            raise BadSyntax("a property was expected")
        path.append(full_name(node))
        return self._resolve(tuple(reversed(path)))

    def _operand(self, node: ast._Node) -> _Operand:
        if isinstance(node, ast.Identifier | ast.Attribute):
            found = self._property(node)
            return _Operand(found.read, property=found)
        if isinstance(node, ast.Call):
            name = full_name(node.func)
            if name not in _VALUE_FUNCTIONS:
                raise UnknownFunction(name)
            compute, inputs = _VALUE_FUNCTIONS[name], [self._operand(each).get for each in node.args]

            def value(row: Row) -> Any:
                values = [get(row) for get in inputs]
                return None if values[0] is None else compute(*values)

            return _Operand(value)
        constant = constant_of(node)
        return _Operand(lambda _row: constant.value, constant=constant)


def is_one_of(wanted: Property, literals: Sequence[Literal]) -> Compiled:
    """The condition that a property has one of the values; a null among them matches null."""
    fold, read = wanted.fold or _unchanged, wanted.read
    values = frozenset(fold(wanted.literal(each)) for each in literals if each.kind != "null")
    takes_null = any(each.kind == "null" for each in literals)

    def matches(row: Row) -> bool:
        value = read(row)
        return takes_null if value is None else fold(value) in values

    return Compiled(matches, () if takes_null else (Condition(wanted.name, "in", tuple(values)),))


def _compare_with(
    name: str, get: Getter, fold: Callable[[Any], Any] | None, wanted: Any, null_differs: bool
) -> Predicate:
    """The test of one row against a constant; the common forms without any detour, since scans call it per row."""
    if name == "eq":
        if fold is None:
            return lambda row: get(row) == wanted
        return lambda row: (value := get(row)) is not None and fold(value) == wanted
    if name == "ne":
        bend = fold or _unchanged
        return lambda row: null_differs if (value := get(row)) is None else bend(value) != wanted
    test = _ORDERED[name]
    if fold is None:
        return lambda row: (value := get(row)) is not None and test(value, wanted)
    return lambda row: (value := get(row)) is not None and test(fold(value), wanted)


def _all_of(parts: Sequence[Compiled]) -> Compiled:
    tests = [part.matches for part in parts]
    required = tuple(condition for part in parts for condition in part.required)
    if len(tests) == 2:
        first, second = tests
        return Compiled(lambda row: first(row) and second(row), required)
    return Compiled(lambda row: all(test(row) for test in tests), required)


def _any_of(parts: Sequence[Compiled]) -> Compiled:
    """Alternatives; equalities on one property become one required set, so that an index can serve them."""
    tests = [part.matches for part in parts]
    required: tuple[Condition, ...] = ()
    single = [part.required[0] for part in parts if len(part.required) == 1]
    names = {condition.name for condition in single if condition.operator in ("eq", "in")}
    if len(single) == len(parts) and len(names) == 1 and all(each.operator in ("eq", "in") for each in single):
        values = dict.fromkeys(value for condition in single for value in condition.values)
        required = (Condition(names.pop(), "in", tuple(values)),)
    return Compiled(lambda row: any(test(row) for test in tests), required)


def _flattened(node: ast._Node, kind: type[Any]) -> list[ast._Node]:
    """The parts of a chain of one boolean operator, without recursion: a chain may have a thousand parts."""
    parts: list[ast._Node] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.BoolOp) and isinstance(each.op, kind):
            waiting.extend((each.right, each.left))
        else:
            parts.append(each)
    return parts


def _named_arguments(args: Sequence[ast._Node]) -> dict[str, Literal | list[Literal]]:
    named: dict[str, Literal | list[Literal]] = {}
    for each in args:
        if not isinstance(each, ast.NamedParam):
            raise BadSyntax("this function needs named parameters")
        value = each.param
        named[full_name(each.name)] = (
            [constant_of(item) for item in value.val] if isinstance(value, ast.List) else constant_of(value)
        )
    return named


def _natural(constant: Literal) -> Any:
    return constant.value


def _unchanged(value: Any) -> Any:
    return value


def _folded(fold: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else fold(value)


# -- order -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrderTerm:
    """One column of ``$orderby``."""

    property: Property
    descending: bool = False


@total_ordering
class _Descending:
    """Turns the order of one key component round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)


def compile_orderby(text: str, resolve: Resolver) -> tuple[OrderTerm, ...]:
    """Read ``a desc,b`` into terms; an empty text gives none. Raises `ODataError`."""
    terms: list[OrderTerm] = []
    for piece in text.split(",") if text.strip() else ():
        words = piece.split()
        if not 1 <= len(words) <= 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise BadSyntax("syntax error in the order")
        terms.append(OrderTerm(resolve(tuple(words[0].split("/"))), words[-1] == "desc" and len(words) == 2))
    return tuple(terms)


def order_key(terms: Iterable[OrderTerm]) -> Callable[[Row], tuple[Any, ...]]:
    """A sort key for rows that also compares one row with another; nulls come first, last where descending."""
    parts = tuple((term.property.read, term.property.fold or _unchanged, term.descending) for term in terms)

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(_component(read(row), fold, descending) for read, fold, descending in parts)

    return key


def _component(value: Any, fold: Callable[[Any], Any], descending: bool) -> Any:
    component = (0, "") if value is None else (1, fold(value))
    return _Descending(component) if descending else component
