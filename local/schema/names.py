"""Check that every SAP and Dataverse name the hub uses exists: ``python -m local.schema.names``.

Two nets. `CALLS` looks at source text: string literals given to certain calls (f-strings count as patterns). `OBJECTS`
looks at the finished tables: every column an object selects, whatever expression made its name. Exits 1 and lists
unknown names with file and line. To cover new code, add a line to one of the two tables.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.schema import load_dataverse, load_service_layer

ROOT = Path(__file__).parents[2]
SOURCES = ("shared/objects", "shared/clients")
OWN_NAMES = re.compile(r"U_Hub\w*$")
"""User-defined fields that the hub creates itself."""


@dataclass(frozen=True)
class CallRule:
    """Literals of one argument of a call must be names of a namespace.

    ``argument`` is its position and keyword. Namespaces: ``sap:TYPE``, ``dataverse:TABLE``, ``sap`` and ``dataverse``
    (any type), ``any``, ``sets``, ``types``; ``{type}`` stands for the literal that the same call has as ``type``.
    """

    call: str
    argument: tuple[int, str]
    namespace: str


CALLS: tuple[CallRule, ...] = (
    CallRule("Column", (0, "name"), "any"),
    CallRule("YesNo", (0, "name"), "sap"),
    CallRule("AddressPart", (1, "name"), "sap:BPAddress"),
    CallRule("AddressKind", (1, "default_column"), "sap:BusinessPartner"),
    CallRule("Lookup", (0, "name"), "dataverse"),
    CallRule("Lookup", (1, "set"), "sets"),
    CallRule("Lookup", (2, "key"), "dataverse"),
    CallRule("Lookup", (3, "code"), "dataverse"),
    CallRule("Entity", (0, "set"), "sets"),
    CallRule("Entity", (1, "type"), "types"),
    CallRule("Entity", (2, "key"), "{type}"),
    CallRule("Entity", (3, "version"), "{type}"),
    CallRule("Entity", (4, "select"), "{type}"),
    CallRule("Entity", (6, "modified"), "{type}"),
    CallRule("Entity", (7, "created"), "{type}"),
    CallRule("Marking", (9, "name_column"), "sap"),
    CallRule("Marking", (9, "group_column"), "sap"),
)
TYPE_ARGUMENT = (1, "type")

OBJECTS: tuple[str, ...] = (
    "shared.objects.dynamics.account:ACCOUNT",
    "shared.objects.dynamics.contact:CONTACT",
    "shared.objects.dynamics.lead:LEAD",
    "shared.objects.dynamics.product:PRODUCT",
    "shared.objects.dynamics.opportunity:OPPORTUNITY",
    "shared.objects.dynamics.quotation:QUOTATION",
    "shared.objects.dynamics.order:ORDER",
)
"""``module:name`` of objects with ``table``, ``further_columns``, ``sap_entity`` and ``other_entity``."""

ALIASES = {"Series": {"Series"}}
"""Names that answers are known to use besides the metadata's (SeriesService: SeriesProperty in the metadata)."""


@dataclass(frozen=True)
class Unknown:
    """A name that no reference knows."""

    place: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.place}: {self.name!r} is not in {self.namespace}"


class Names:
    """Which names exist in a namespace."""

    def __init__(self) -> None:
        sap, dataverse = load_service_layer(), load_dataverse()
        self._types = {name: {*kind.properties, *ALIASES.get(name, ())} for name, kind in sap.types.items()}
        self._tables = {
            name: {*table.columns, *(column.read_property for column in table.columns.values())}
            for name, table in dataverse.tables.items()
        }
        self._sets = {*sap.entity_sets, *sap.operations, *(table.entity_set for table in dataverse.tables.values())}

    def of(self, namespace: str) -> set[str]:
        """All names of a namespace; raises KeyError for a namespace that does not exist."""
        system, _, kind = namespace.partition(":")
        groups = {"sap": self._types, "dataverse": self._tables}
        if kind:
            return groups[system][kind]
        if system == "sets":
            return self._sets
        if system == "types":
            return {*self._types, *self._tables}
        chosen = [*self._types.values(), *self._tables.values()] if system == "any" else groups[system].values()
        return set().union(*chosen)

    def namespace_of_type(self, type_name: str) -> str:
        """``sap:X`` or ``dataverse:x``, whichever has that type."""
        return f"dataverse:{type_name}" if type_name in self._tables else f"sap:{type_name}"

    def knows(self, name: str, namespace: str) -> bool:
        """True if the name exists or is our own; a namespace that does not exist has no names."""
        try:
            return bool(OWN_NAMES.match(name)) or name in self.of(namespace)
        except KeyError:
            return False

    def knows_pattern(self, pattern: re.Pattern[str], namespace: str) -> bool:
        """True if any name of the namespace matches."""
        try:
            return any(pattern.fullmatch(name) for name in self.of(namespace))
        except KeyError:
            return False


def check_source(source: str, place: str, names: Names, rules: Iterable[CallRule] = CALLS) -> Iterator[Unknown]:
    """Unknown names among the literals of one module."""
    by_call: dict[str, list[CallRule]] = {}
    for rule in rules:
        by_call.setdefault(rule.call, []).append(rule)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        for rule in by_call.get(_called(node), ()):
            argument = _argument(node, rule.argument)
            if argument is None:
                continue
            namespace = rule.namespace
            if namespace == "{type}":
                type_node = _argument(node, TYPE_ARGUMENT)
                if not isinstance(type_node, ast.Constant):
                    continue
                namespace = names.namespace_of_type(str(type_node.value))
            yield from _unknown_literals(argument, place, namespace, names)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _argument(node: ast.Call, argument: tuple[int, str]) -> ast.expr | None:
    position, keyword = argument
    for given in node.keywords:
        if given.arg == keyword:
            return given.value
    return node.args[position] if position < len(node.args) else None


def _unknown_literals(node: ast.expr, place: str, namespace: str, names: Names) -> Iterator[Unknown]:
    if isinstance(node, ast.Tuple | ast.List):
        for element in node.elts:
            yield from _unknown_literals(element, place, namespace, names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        if not names.knows(node.value, namespace):
            yield Unknown(f"{place}:{node.lineno}", node.value, namespace)
    elif isinstance(node, ast.JoinedStr):
        texts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in node.values]
        if not names.knows_pattern(re.compile("".join(texts)), namespace):
            yield Unknown(f"{place}:{node.lineno}", ast.unparse(node), namespace)


def check_object(path: str, names: Names) -> Iterator[Unknown]:
    """Unknown names among the columns an object selects on either side."""
    module, _, attribute = path.partition(":")
    found: Any = getattr(importlib.import_module(module), attribute)
    sides = {"sap": found.sap_entity, "other": found.other_entity}
    columns = [
        (side, column, field.name) for field in found.table for side in sides for column in getattr(field, side).columns
    ]
    columns += [
        (str(side.value), column, "further_columns") for side, more in found.further_columns.items() for column in more
    ]
    for side, column, field_name in columns:
        namespace = names.namespace_of_type(sides[side].type)
        if not names.knows(column, namespace):
            yield Unknown(f"{path} field {field_name}", column, namespace)


def check_all() -> list[Unknown]:
    """Everything that is unknown in the project."""
    names = Names()
    unknown: list[Unknown] = []
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            unknown += check_source(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)), names)
    for path_of_object in OBJECTS:
        unknown += check_object(path_of_object, names)
    return unknown


def main() -> int:
    """Print what is unknown; 1 if there is any."""
    unknown = check_all()
    for each in unknown:
        print(each)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
