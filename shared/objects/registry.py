"""The template types that this hub knows. Timers, routes and the order of initialization are made from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from shared.errors import BadRequest
from shared.objects.dynamics.template import DYNAMICS
from shared.objects.model import ObjectType, TemplateType
from shared.objects.tagrain.template import TAGRAIN


class Registry:
    """A fixed set of template types by name. It never changes; :meth:`with_type` answers a new one."""

    def __init__(self, types: Mapping[str, TemplateType]) -> None:
        self.types: Mapping[str, TemplateType] = MappingProxyType(dict(types))

    def template_type(self, name: str) -> TemplateType:
        """The type of that name. Raises BadRequest, with the names there are, if there is none."""
        if name not in self.types:
            raise BadRequest(f"there is no such template type; take one of {', '.join(sorted(self.types))}")
        return self.types[name]

    def with_type(self, added: TemplateType) -> Registry:
        """A registry that also knows this type, instead of one of the same name if there is one."""
        return Registry({**self.types, added.name: added})

    def objects(self) -> Iterator[tuple[TemplateType, ObjectType]]:
        """Every object with its template type, within a type in the order of initialization."""
        for template in self.types.values():
            for item in sorted(template.objects, key=lambda o: (o.init_order, o.name)):
                yield template, item


TEMPLATE_TYPES: Mapping[str, TemplateType] = MappingProxyType({DYNAMICS.name: DYNAMICS, TAGRAIN.name: TAGRAIN})


def default_registry() -> Registry:
    """The registry of the template types that ship with the hub."""
    return Registry(TEMPLATE_TYPES)


def template_type(name: str) -> TemplateType:
    """The shipped type of that name; raises BadRequest if there is none."""
    return default_registry().template_type(name)
