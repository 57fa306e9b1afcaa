"""Settings that every template has: directions, who wins, which fields travel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.objects.custom_fields import CustomField
from shared.objects.fields import TableObject
from shared.objects.model import Direction, ObjectType, Problem, Rule


def _unique_values[K, V](mapping: dict[K, V]) -> dict[K, V]:
    seen = [str(v).strip().casefold() for v in mapping.values()]
    if len(set(seen)) != len(seen):
        raise ValueError("two entries have the same value, so it could not be translated back; keep one of them")
    return mapping


type OneToOne[K, V] = Annotated[dict[K, V], AfterValidator(_unique_values)]
"""A mapping that can be read in both directions."""


class TemplateSettings(BaseModel):
    """The base of every template's settings. In JSON the names are in camelCase; unknown names are refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    directions: dict[str, list[Direction]] = Field(
        default_factory=dict,
        title="Directions",
        description=(
            "Per object, which way records travel: in is to SAP, out is from SAP. An object that is not named "
            'travels in every direction it can. Example: {"account": ["out"]}'
        ),
    )
    conflict_rule: Rule = Field(
        default=Rule.SAP_WINS,
        title="When both sides changed the same field",
        description=(
            "sap_wins takes SAP's value, other_wins the other system's, ask changes neither and lists the conflict "
            "for a person. Different fields of one record are merged in any case"
        ),
    )
    field_rules: dict[str, Rule] = Field(
        default_factory=dict,
        title="Exceptions to that rule",
        description='The rule for one object or one field of it. Example: {"account": "other_wins", "account.phone": "ask"}',
    )
    excluded_fields: list[str] = Field(
        default_factory=list,
        title="Fields that do not travel",
        description='Fields that the hub leaves alone on both sides, as object.field. Example: ["account.website"]',
    )

    def rule_for(self, object_name: str, field_name: str) -> Rule:
        """The rule of the field, else of its object, else of the template."""
        of_object = self.field_rules.get(object_name, self.conflict_rule)
        return self.field_rules.get(f"{object_name}.{field_name}", of_object)

    def custom_fields_of(self, object_name: str) -> Sequence[CustomField]:
        """The custom fields of one object; most templates have none."""
        del object_name
        return ()

    def is_excluded(self, object_name: str, field_name: str) -> bool:
        """Whether the field is left alone."""
        return f"{object_name}.{field_name}" in self.excluded_fields


def unknown_names(settings: TemplateSettings, objects: Iterable[ObjectType]) -> Iterator[Problem]:
    """A problem for every object or field that the settings name and the template does not have.

    Only objects that are tables count. Also one for every direction an object cannot travel, and for an excluded field that
    a record cannot travel without.
    """
    by_name = {o.name: o for o in objects if isinstance(o, TableObject)}
    fields = {f"{o.name}.{f.name}": f for o in by_name.values() for f in o.rows(settings)}
    for name, directions in settings.directions.items():
        if name not in by_name:
            yield Problem("directions", f"there is no object {name}; take one of {_listed(by_name)}")
        elif impossible := [d.value for d in directions if d not in by_name[name].possible_directions]:
            yield Problem("directions", f"{name} cannot travel {_listed(impossible)}; remove that direction")
    for name in settings.field_rules:
        if name not in by_name and name not in fields:
            yield Problem("fieldRules", f"there is no object or field {name}; write object or object.field")
    for name in settings.excluded_fields:
        if name not in fields:
            yield Problem("excludedFields", f"there is no field {name}; write object.field")
        elif fields[name].essential:
            yield Problem("excludedFields", f"{name} cannot be left out; remove it from the list")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
