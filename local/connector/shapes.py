"""JSON Schema as OpenAPI 3.1 has it, told in what Swagger 2.0 and Power Automate understand.

Everything is spelled out where it is used: no references beside other words, no ``anyOf``, ``oneOf`` or ``const``.
(Microsoft Learn, "Extend an OpenAPI definition for a custom connector"; Swagger 2.0 specification, Schema Object.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

type Schema = dict[str, Any]

_KEPT = (
    "type", "format", "enum", "default", "description", "minimum", "maximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems",
)  # fmt: skip
_PREFIX = "#/components/schemas/"
_NULL = {"type": "null"}
#: Optional inputs that a flow rarely has use for.
ADVANCED = frozenset({"continuation", "limit", "preview"})


def sentence_case(title: str) -> str:
    """A title as Power Automate shows names: only its first word begins with a capital, but for abbreviations."""
    first, *rest = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title).split()
    return " ".join([first[0].upper() + first[1:], *(word if word.isupper() else word.lower() for word in rest)])


class Shapes:
    """Tells schemas; ``schemas`` are those that may be referred to, by name.

    ``attributes`` are properties that records with marks have besides their own, whatever the template.
    """

    def __init__(self, schemas: Mapping[str, Schema], attributes: Sequence[str]) -> None:
        self._schemas, self._attributes = schemas, attributes

    def told(self, schema: Schema, name: str = "") -> Schema:
        """The schema, with all it refers to in its place. ``name`` is what it is called, if it has no title of its own."""
        one = self._resolved(schema)
        told = {word: one[word] for word in _KEPT if word in one and (word, one[word]) != ("default", None)}
        if "const" in one:
            told["enum"] = [one["const"]]
        if one.pop("nullable", False):
            told["x-nullable"] = True
        # Behind a reference stands the title of a model, which says less than what the property is called.
        told["x-ms-summary"] = sentence_case(schema.get("title") or name or one["title"])
        if one.get("type") == "array":
            told["items"] = self.told(one["items"], name="Item")
        if one.get("type") == "object":
            told |= self._object(one)
        return told

    def _object(self, schema: Schema) -> Schema:
        properties: dict[str, Schema] = dict(schema.get("properties", {}))
        more = schema.get("additionalProperties")
        if properties and more:  # marks, whose attributes the template's objects name
            properties |= {each: _attribute(each) for each in self._attributes}
        told: Schema = {}
        if properties:
            told["properties"] = {name: self.told(one, name) for name, one in properties.items()}
        elif isinstance(more, dict):
            told["additionalProperties"] = self.told(more, name="Value")
        if required := schema.get("required"):
            told["required"] = list(required)
        return told

    def _resolved(self, schema: Schema) -> Schema:
        """Without references and alternatives; the words beside a reference count before those behind it."""
        one = dict(schema)
        if "$ref" in one:
            behind = self._resolved(self._schemas[one.pop("$ref").removeprefix(_PREFIX)])
            one = {**behind, **one}
        if "anyOf" in one:
            kinds = [self._resolved(kind) for kind in one.pop("anyOf")]
            chosen = _chosen([kind for kind in kinds if kind != _NULL])
            one = {**chosen, **one, **({"nullable": True} if _NULL in kinds else {})}
        return one


def _chosen(kinds: Sequence[Schema]) -> Schema:
    """Of several kinds of value the one with names in it, which says the most; none where that is not one of them."""
    if len(kinds) == 1:
        return kinds[0]
    named = [kind for kind in kinds if kind.get("properties")]
    return named[0] if len(named) == 1 else {}


def _attribute(name: str) -> Schema:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return {"type": "string", "title": words.capitalize(), "description": f"The mark's {words}, where it has one"}
