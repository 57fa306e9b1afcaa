"""The text of OData expressions: from a string to the tree of the odata-query package, and constants out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser


class ODataError(ValueError):
    """A query option that cannot be used; the text says why, without quoting values."""


class BadSyntax(ODataError):
    """The text is no valid expression."""


class UnknownProperty(ODataError):
    """A property that the table does not have; `name` is its spelling in the query."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown property {name}")
        self.name = name


class UnknownFunction(ODataError):
    """A function that the service does not know; `name` is its spelling in the query."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown function {name}")
        self.name = name


class BadLiteral(ODataError):
    """A literal that does not fit the property it is compared with."""


@dataclass(frozen=True)
class Literal:
    """A constant of the query: `kind` is null, string, integer, decimal, boolean, guid, date, time or datetime.

    `value` is None, str, int, Decimal, bool, lower-case text (guid), ISO text (date, time) or datetime (aware or naive).
    """

    kind: str
    value: Any


class _Lexer(ODataLexer):
    """The package's lexer, except that a name may begin like a keyword (``AllowLine``, ``NullableField``)."""

    tokens = ODataLexer.tokens

    @_(r"any(?=\s*\()")  # type: ignore[name-defined,untyped-decorator]  # noqa: F821
    def ANY(self, t: Any) -> Any:
        t.value = ast.Any()
        return t

    @_(r"all(?=\s*\()")  # type: ignore[name-defined,untyped-decorator]  # noqa: F821
    def ALL(self, t: Any) -> Any:
        t.value = ast.All()
        return t

    @_(r"(?:true|false)\b(?!\.)")  # type: ignore[name-defined,untyped-decorator]  # noqa: F821
    def BOOLEAN(self, t: Any) -> Any:
        t.value = ast.Boolean(t.value)
        return t

    @_(r"null\b(?!\.)")  # type: ignore[name-defined,untyped-decorator]  # noqa: F821
    def NULL(self, t: Any) -> Any:
        t.value = ast.Null()
        return t


_QUOTED_OR_BRACKET = re.compile(r"'(?:[^']|'')*'|[\[\]]")


def parse(text: str) -> ast._Node:
    """Parse a filter into the tree of odata-query; bracketed lists are allowed. Raises `BadSyntax`."""
    try:
        tree = ODataParser().parse(_Lexer().tokenize(_without_brackets(text.strip())))
    except ODataException as error:
        if isinstance(name := getattr(error, "function_name", None), str):
            raise UnknownFunction(name) from error
        raise BadSyntax("syntax error in the expression") from error
    if not isinstance(tree, ast._Node):
        raise BadSyntax("syntax error in the expression")
    return tree


def _without_brackets(text: str) -> str:
    """``['a','b']`` as ``('a','b',)``-like lists, which is what the package's grammar knows."""
    depth_start: list[int] = []
    pieces: list[str] = []
    position = 0
    for found in _QUOTED_OR_BRACKET.finditer(text):
        mark = found.group()
        if mark not in ("[", "]"):
            continue
        pieces.append(text[position : found.start()])
        position = found.end()
        if mark == "[":
            depth_start.append(len(pieces))
            pieces.append("(")
        elif depth_start:
            inside = "".join(pieces[depth_start.pop() + 1 :])
            pieces.append(")" if _commas_outside_quotes(inside) else ",)")
        else:
            raise BadSyntax("a bracket is closed that was not opened")
    if depth_start:
        raise BadSyntax("a bracket is not closed")
    return "".join(pieces) + text[position:]


def _commas_outside_quotes(text: str) -> bool:
    return "," in re.sub(r"'(?:[^']|'')*'", "", text)


def constant_of(node: ast._Node) -> Literal:
    """The constant a tree node stands for; decimals keep every digit."""
    match node:
        case ast.Null():
            return Literal("null", None)
        case ast.String(val):
            return Literal("string", val)
        case ast.Integer(val):
            return Literal("integer", int(val))
        case ast.Float(val):
            return Literal("decimal", Decimal(val))
        case ast.Boolean(val):
            return Literal("boolean", val.lower() == "true")
        case ast.GUID(val):
            return Literal("guid", val.lower())
        case ast.Date(val):
            return Literal("date", val)
        case ast.Time(val):
            return Literal("time", val)
        case ast.DateTime(val):
            return Literal("datetime", _instant(val))
        case _:
            raise BadSyntax("a constant was expected")


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSyntax("not a date and time") from error


def full_name(node: ast.Identifier) -> str:
    """A name with its namespace."""
    return ".".join((*node.namespace, node.name))
