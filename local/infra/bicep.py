"""Reads Bicep: every declaration as facts, each a path and the source text that stands there.

Only what the files in ``infra/`` use is understood: literals, objects, arrays, conditions, loops. What a deployment
would make of them is not computed. Whitespace counts as one blank, comments and descriptions as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_KINDS = {
    "resource_declaration": "resource",
    "module_declaration": "module",
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "output_declaration": "output",
    "target_scope_assignment": "targetScope",
}
_parser = Parser(Language(tree_sitter_bicep.language()))


@dataclass(frozen=True)
class Span:
    """Where a part of the text stands, in bytes."""

    start: int
    end: int
    line: int


@dataclass
class File:
    """One file: ``facts`` by declaration ("resource site") and path ("properties.httpsOnly").

    Besides the paths of its literals a declaration may have ``type`` (with the API version), ``if``, ``for``,
    ``default``, and ``@name`` per decorator. ``removable`` are all properties, decorators and declarations.
    """

    name: str
    errors: list[str] = field(default_factory=list)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    removable: list[Span] = field(default_factory=list)


def read(name: str, text: str) -> File:
    """The facts of one file; with errors of syntax, by line, and no facts where it cannot be read."""
    source = text.encode()
    root = _parser.parse(source).root_node
    file = File(name, errors=[f"{name}:{line}: syntax error near {near!r}" for line, near in _broken(root)])
    if not file.errors:
        _Reader(file).read(root)
    return file


def _broken(node: Node) -> Iterator[tuple[int, str]]:
    if node.is_error or node.is_missing:
        yield node.start_point[0] + 1, _text(node)[:40]
    for child in node.children:
        yield from _broken(child)


def _text(node: Node) -> str:
    return re.sub(r"\s+", " ", (node.text or b"").decode()).strip()


def _literal(node: Node) -> str:
    return _text(node).strip("'")


class _Reader:
    def __init__(self, file: File) -> None:
        self._file = file

    def read(self, root: Node) -> None:
        decorators: list[Node] = []
        for node in root.named_children:
            if node.type == "decorators":
                decorators = node.named_children
            elif node.type in _KINDS:
                self._declaration(node, decorators)
                decorators = []
            elif node.type != "comment":
                self._file.errors.append(f"{self._file.name}: {node.type} is not understood by this reader")

    def _declaration(self, node: Node, decorators: list[Node]) -> None:
        kind, (head, *rest) = _KINDS[node.type], node.named_children
        facts: dict[str, str] = {}
        name = kind if kind == "targetScope" else f"{kind} {_text(head)}"
        if name in self._file.facts:
            self._file.errors.append(f"{self._file.name}: {name} is declared twice")
        self._file.facts[name] = facts
        self._removable(node)
        for decorator in decorators:
            text = _text(decorator).removeprefix("@")
            if not text.startswith("description("):
                facts[f"@{text.split('(')[0]}"] = text
                self._removable(decorator)
        if kind == "targetScope":
            facts["default"] = _literal(head)
        elif kind in ("resource", "module"):
            facts["type"] = _literal(rest[0])
            self._value(rest[1], "", facts)
        elif kind == "var":
            self._value(rest[0], "", facts)
        else:
            facts["type"] = _text(rest[0])
            if rest[1:]:
                facts["default"] = _text(rest[1])

    def _value(self, node: Node, path: str, facts: dict[str, str]) -> None:
        if node.type == "if_statement":
            facts[_join(path, "if")] = _text(node.named_children[0])
            self._value(node.named_children[1], path, facts)
        elif node.type == "for_statement":
            *header, body = node.named_children
            facts[_join(path, "for")] = " in ".join([" ".join(map(_text, header[:-1])), _text(header[-1])])
            self._value(body, path, facts)
        elif node.type == "object" and node.named_children:
            for part in node.named_children:
                if part.type == "object_property":
                    self._removable(part)
                    key, value = part.named_children
                    self._value(value, _join(path, _literal(key)), facts)
        elif node.type == "array" and any(one.type in ("object", "for_statement") for one in node.named_children):
            for index, one in enumerate(node.named_children):
                self._value(one, f"{path}[{_item_name(one) or index}]", facts)
        else:
            facts[path or "default"] = _text(node)

    def _removable(self, node: Node) -> None:
        self._file.removable.append(Span(node.start_byte, node.end_byte, node.start_point[0] + 1))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _item_name(node: Node) -> str:
    """The name that an object in an array calls itself, so that its path stays when others are added."""
    for part in node.named_children:
        if part.type == "object_property" and _literal(part.named_children[0]) == "name":
            value = part.named_children[1]
            return _literal(value) if value.type == "string" else ""
    return ""
